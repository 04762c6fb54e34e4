/** TABLE(function): the rows of a pipelined function, each as the function gives it. */
import type { Step, Wait } from "../storage/waiting.ts"
import type { Stored } from "../values/composite.ts"
import { elementRow } from "./collectionScan.ts"
import type { Eval, Frame } from "./frame.ts"
import type { Operator } from "./operator.ts"

/** What a pipelined function yields when it has a row: no caller waits for it. */
export const piped: Wait = () => Promise.resolve()

/** A running pipelined function. */
export interface PipedRows {
  /** Yields {@link piped} with each row, beside what it waits for. */
  readonly steps: Step<void>
  /** The row that it has just given. */
  readonly take: () => Stored
}

export class PipeScan implements Operator {
  readonly #f: Frame
  readonly #slot: number
  readonly #width: number
  readonly #start: (f: Frame) => PipedRows
  readonly #filter: Eval | undefined
  #rows: PipedRows | undefined
  #waits = false
  /** A row whose filter has not been passed yet: a suspension may have come in between. */
  #held = false

  constructor(f: Frame, slot: number, width: number, start: (f: Frame) => PipedRows, filter: Eval | undefined) {
    this.#f = f
    this.#slot = slot
    this.#width = width
    this.#start = start
    this.#filter = filter
    f.atEnd(() => this.#stop())
  }

  /** What it still wanted to do after the last row that is needed is not done. */
  #stop(): void {
    const rows = this.#rows
    this.#rows = undefined
    rows?.steps.return()
  }

  open(): void {
    this.#stop()
    this.#waits = false
    this.#held = false
    this.#rows = this.#start(this.#f)
  }

  #advance(rows: PipedRows): boolean {
    const f = this.#f
    const { failure } = f
    let next: IteratorResult<Wait, void>
    if (this.#waits && failure !== undefined) {
      f.failure = undefined
      this.#waits = false
      next = rows.steps.throw(failure.error)
    } else next = rows.steps.next()
    this.#waits = false
    if (next.done === true) return false
    if (next.value === piped) {
      f.rows[this.#slot] = elementRow(rows.take(), this.#width)
      return true
    }
    this.#waits = true
    return f.suspend(next.value)
  }

  next(): boolean {
    const rows = this.#rows
    if (rows === undefined) return false
    for (;;) {
      if (!this.#held && !this.#advance(rows)) {
        this.#rows = undefined
        return false
      }
      this.#held = true
      const passes = this.#filter === undefined || this.#filter(this.#f) === 1
      this.#held = false
      if (passes) return true
      this.#f.step()
    }
  }
}
