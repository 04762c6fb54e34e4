/** When a throughput is back: a pure reading of the moments at which something was done. */

/** How many of the moments fall into each of the slices of equal length that a span is cut into. */
export const sliced = (
  moments: ReadonlyArray<number>,
  span: { readonly from: number; readonly to: number; readonly slice: number }
): ReadonlyArray<number> => {
  const counts = Array.from({ length: Math.floor((span.to - span.from) / span.slice) }, () => 0)
  for (const moment of moments) {
    const at = Math.floor((moment - span.from) / span.slice)
    const count = counts[at]
    if (count !== undefined) counts[at] = count + 1
  }
  return counts
}

/**
 * The first slice from which on there is so much in a slice on the average, both over the next few and over many; `undefined`
 * when there is none. The few tell the beginning more sharply than the many do, and the many whether it lasts.
 */
export const firstSustained = (
  counts: ReadonlyArray<number>,
  least: number,
  slices: { readonly few: number; readonly many: number }
): number | undefined => {
  const sums = [0]
  for (const count of counts) sums.push(sums.at(-1)! + count)
  const isEnough = (start: number, length: number) => sums[start + length]! - sums[start]! >= least * length
  for (let start = 0; start + slices.many < sums.length; start++) {
    if (isEnough(start, slices.few) && isEnough(start, slices.many)) return start
  }
  return undefined
}
