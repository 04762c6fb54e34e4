/** What an aggregate keeps while rows come in: aggregates make it, grouping and windows feed it. */
import type { Stored } from "../values/composite.ts"

export interface Accumulator {
  /** The first argument's value; further ones where the function has them. */
  add(value: Stored, more: ReadonlyArray<Stored>): void
  result(): Stored
}
