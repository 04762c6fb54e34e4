/** WITH: rows that several parts of a statement read. */
import { sizeOf } from "../storage/memory.ts"
import type { Row } from "../storage/tableData.ts"
import type { Frame } from "./frame.ts"
import type { Operator, Plan } from "./operator.ts"

/** The rows of a common table, read once for a run and as far as somebody wants them. */
class SharedRows {
  readonly #f: Frame
  readonly #operator: Operator
  readonly #slot: number
  readonly #rows: Array<Row> = []
  #opened = false
  #ended = false

  constructor(f: Frame, operator: Operator, slot: number) {
    this.#f = f
    this.#operator = operator
    this.#slot = slot
  }

  at(index: number): Row | undefined {
    while (this.#rows.length <= index && !this.#ended) {
      if (!this.#opened) {
        this.#operator.open()
        this.#opened = true
      }
      if (!this.#operator.next()) {
        this.#ended = true
        break
      }
      const row = this.#f.rows[this.#slot]!
      this.#f.take(sizeOf(row))
      this.#rows.push(row)
    }
    return this.#rows[index]
  }
}

export const sharedRows = (
  f: Frame,
  place: number,
  query: { readonly plan: Plan; readonly slot: number }
): SharedRows => {
  let shared = f.state[place] as SharedRows | undefined
  if (shared === undefined) {
    shared = new SharedRows(f, query.plan.make(f), query.slot)
    f.state[place] = shared
  }
  return shared
}

export class CommonRows implements Operator {
  readonly #f: Frame
  readonly #shared: SharedRows
  readonly #slot: number
  #index = 0

  constructor(f: Frame, shared: SharedRows, slot: number) {
    this.#f = f
    this.#shared = shared
    this.#slot = slot
  }

  open(): void {
    this.#index = 0
  }

  next(): boolean {
    const row = this.#shared.at(this.#index)
    if (row === undefined) return false
    this.#index++
    this.#f.rows[this.#slot] = row
    return true
  }
}

/** In the recursive part of a common table: the one row that it goes on from. */
export class WorkingRow implements Operator {
  readonly #f: Frame
  readonly #working: number
  readonly #slot: number
  #done = true

  constructor(f: Frame, working: number, slot: number) {
    this.#f = f
    this.#working = working
    this.#slot = slot
  }

  open(): void {
    this.#done = false
  }

  next(): boolean {
    if (this.#done) return false
    this.#done = true
    this.#f.rows[this.#slot] = this.#f.rows[this.#working]!
    return true
  }
}
