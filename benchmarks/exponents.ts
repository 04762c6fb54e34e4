/** Exponents of measured costs, as figures of their own and as targets. */
import { isAgain, select } from "./compare.ts"
import { exponent } from "./fit.ts"
import { type Figure, median, type Target } from "./row.ts"

/** What the total cost of something is, by the size of its group. */
export interface Growth {
  readonly metric: string
  /** The total cost of as many operations as the group has size, from a median. */
  readonly total: (median: number, size: number) => number
}

const exponentMetric = "exponent of the total cost (1: in proportion)"

/** One figure for each group and candidate that was measured at more than one size. */
export const exponents = (figures: ReadonlyArray<Figure>, { metric, total }: Growth): ReadonlyArray<Figure> => {
  const byLine = Map.groupBy(
    select(figures, { metric }).filter(({ candidate, size }) => size !== undefined && !isAgain(candidate)),
    (figure) => JSON.stringify([figure.candidate, figure.group])
  )
  return [...byLine.values()].flatMap((line): ReadonlyArray<Figure> => {
    if (line.length < 2) return []
    const points = line.map(({ size = 0, values }) => ({ size, cost: total(median(values), size) }))
    const { candidate, group: of } = line[0]!
    return [{
      group: `${of}, over all sizes`,
      candidate,
      metric: exponentMetric,
      unit: "ratio",
      values: [exponent(points)]
    }]
  })
}

/** The bound on every exponent of this pool. */
export const exponentTargets = (figures: ReadonlyArray<Figure>): ReadonlyArray<Target> =>
  select(figures, { metric: exponentMetric })
    .filter(({ candidate }) => candidate.startsWith("sessionpool"))
    .map(({ candidate, group, values }) => ({
      text: `exponent of ${group}, ${candidate}`,
      bound: 1.1,
      direction: "at most",
      measured: median(values)
    }))
