/** Lists of sizes to try, as a command is given them. */

const widest = 100

export const expectedSizes = `whole numbers from 1 to 999999, as in 4,8,16 or 4..16, a range of at most ${
  widest + 1
} of them`

/** `4,8,16`, `4..16`, or both: `1..4,8`; `undefined` where it is none. */
export const sizesFrom = (text: string): ReadonlyArray<number> | undefined => {
  const sizes: Array<number> = []
  for (const part of text.split(",")) {
    const [, first, last = first] = /^\s*(\d{1,6})\s*(?:\.\.\s*(\d{1,6})\s*)?$/.exec(part) ?? []
    const from = Number(first)
    const to = Number(last)
    if (first === undefined || from < 1 || to < from || to - from > widest) return undefined
    for (let size = from; size <= to; size++) sizes.push(size)
  }
  return [...new Set(sizes)].sort((a, b) => a - b)
}
