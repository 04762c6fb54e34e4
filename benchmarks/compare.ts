/** What figures come to: ratios of medians, spreads, and how far two measurements of the same thing are apart. */
import { type Figure, median, type Target } from "./row.ts"

/** Which figures are meant. */
export type Where = Partial<Pick<Figure, "group" | "size" | "candidate" | "metric">>

export const select = (figures: ReadonlyArray<Figure>, where: Where): ReadonlyArray<Figure> =>
  figures.filter((figure) => Object.entries(where).every(([key, value]) => figure[key as keyof Where] === value))

/** The median of the one figure that is meant; not a number when there is none. */
export const medianOf = (figures: ReadonlyArray<Figure>, where: Where): number => {
  const [figure] = select(figures, where)
  return figure === undefined || figure.values.length === 0 ? Number.NaN : median(figure.values)
}

/** The value below which so much of the values are, between 0 and 1. */
export const quantile = (values: ArrayLike<number>, part: number): number => {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(part * sorted.length) - 1))] ?? Number.NaN
}

/** How wide the middle half of the rounds is, as a part of the median; not a number for a single round. */
export const spread = (values: ReadonlyArray<number>): number =>
  values.length < 2 ? Number.NaN : (quantile(values, 0.75) - quantile(values, 0.25)) / Math.abs(median(values))

const againSuffix = " (again)"

/** The name under which a candidate is measured a second time: any difference between the two is noise. */
export const again = (candidate: string): string => `${candidate}${againSuffix}`

export const isAgain = (candidate: string): boolean => candidate.endsWith(againSuffix)

/**
 * How far the ratios of candidates to themselves are from 1, at worst, in the first quantity of each group; `undefined` when none
 * was measured twice.
 */
export const noise = (figures: ReadonlyArray<Figure>): number | undefined => {
  const main = new Map<string, string>()
  for (const { group, metric } of figures) if (!main.has(group)) main.set(group, metric)
  const distances = figures.flatMap((figure) => {
    const { group, metric, size } = figure
    if (!isAgain(figure.candidate) || metric !== main.get(group)) return []
    const candidate = figure.candidate.slice(0, -againSuffix.length)
    const first = figures.find((other) =>
      other.group === group && other.size === size && other.metric === metric && other.candidate === candidate
    )
    return first === undefined ? [] : [Math.abs(median(figure.values) / median(first.values) - 1)]
  })
  return distances.length === 0 ? undefined : Math.max(...distances)
}

/** A bound on the ratio of the medians of two candidates; of several to compare with, the best counts. */
export const ratioTarget = (
  figures: ReadonlyArray<Figure>,
  target: Pick<Target, "text" | "bound" | "direction"> & {
    readonly where: Where
    readonly of: string
    readonly to: ReadonlyArray<string>
  }
): Target => {
  const { bound, direction, text } = target
  const all = target.to.map((candidate) => medianOf(figures, { ...target.where, candidate }))
  const best = direction === "at most" ? Math.min(...all) : Math.max(...all)
  return { text, bound, direction, measured: medianOf(figures, { ...target.where, candidate: target.of }) / best }
}
