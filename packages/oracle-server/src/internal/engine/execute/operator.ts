/** What the parts of a plan have in common: a recipe that is made once, and an operator for each run. */
import type { Step } from "../storage/waiting.ts"
import { type Frame, suspension } from "./frame.ts"
import { turn } from "./turns.ts"

/**
 * A part of a plan for one run. `open` starts it from its first row, as often as wanted; `next` puts the next row in the
 * slots of its sources and says whether there was one. After an exit by suspension the same call is made again.
 */
export interface Operator {
  open(): void
  next(): boolean
}

/** What the compiler makes: the recipe of an operator. */
export interface Plan {
  readonly make: (f: Frame) => Operator
  /** The slots whose rows it sets. */
  readonly slots: ReadonlyArray<number>
  /** Slots of surrounding queries that it reads: empty when its rows are the same throughout a run. */
  readonly free: ReadonlySet<number>
}

/**
 * Runs a synchronous step of a run to its end, with the turns and waits it needs. The step may have been tried before, without
 * time to wait: what it waits for then comes first.
 */
export function* complete<A>(f: Frame, work: () => A): Step<A> {
  for (;;) {
    const { wait } = f
    if (wait !== undefined) {
      f.wait = undefined
      try {
        yield wait
      } catch (error) {
        f.failure = { error }
      }
    }
    try {
      return work()
    } catch (error) {
      if (error !== suspension) throw error
    }
    if (f.wait === undefined) yield turn
  }
}
