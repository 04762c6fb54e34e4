/** What a row of the comparison is, and what it answers. `run.ts` runs rows, each in a process of its own. */
import type { Effect, Scope } from "effect"

/** How much of a row to run: `smallest` only shows that it works, and its figures mean nothing. */
export type Scale = "smallest" | "full"

/** What a figure counts. Of `per second` more is better, of all others less. */
export type Unit = "ns" | "ms" | "bytes" | "per second" | "ratio" | "count"

/** One quantity of one candidate, once for each round. */
export interface Figure {
  /** What is compared with each other: the candidates of a group did the same work. */
  readonly group: string
  /** Where the group stands on the horizontal axis of a plot: fibers, callers, sessions. Absent when it has no size. */
  readonly size?: number
  readonly candidate: string
  /** What was measured, such as "time a lease" or "wait p99". */
  readonly metric: string
  readonly unit: Unit
  readonly values: ReadonlyArray<number>
}

/** A bound that this pool is held to. */
export interface Target {
  readonly text: string
  readonly bound: number
  /** Whether what was measured must not be above the bound, or not below it. */
  readonly direction: "at most" | "at least"
  readonly measured: number
}

export interface Report {
  readonly figures: ReadonlyArray<Figure>
  readonly targets: ReadonlyArray<Target>
  /** What a reader must know to judge the figures: which peer cannot do it and why. */
  readonly notes: ReadonlyArray<string>
}

export interface Row {
  /** Its name on the command line and of its results: `npm run bench -- lease`. */
  readonly id: string
  readonly title: string
  readonly run: (scale: Scale) => Effect.Effect<Report, unknown, Scope.Scope>
}

export const isMet = ({ bound, direction, measured }: Target): boolean =>
  direction === "at most" ? measured <= bound : measured >= bound

export const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
