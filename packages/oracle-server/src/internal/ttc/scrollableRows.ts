/** The rows of a scrollable cursor, and where a fetch begins. */
import type { Cursor, EngineSession, Row } from "../engine/engine.ts"

/** Where a fetch from a scrollable cursor begins. */
export interface FetchPosition {
  readonly orientation: number
  /** Counted from 1. */
  readonly row: number
}

/** Orientations of a fetch; all but the last row name the row that they begin with. */
const first = 0x04
const last = 0x08

const step = 1000

/** The rows of a scrollable cursor: those that were read stay, so that a fetch can go back to them. */
export class ScrollableRows {
  readonly #session: EngineSession
  readonly #open: Cursor
  readonly #rows: Array<Row> = []
  #next = 1

  constructor(session: EngineSession, open: Cursor) {
    this.#session = session
    this.#open = open
  }

  #readTo(row: number): void | Promise<void> {
    while (this.#rows.length < row && !this.#open.exhausted) {
      const read = this.#session.fetch(this.#open, Math.min(step, row - this.#rows.length))
      if (read instanceof Promise) {
        return read.then((rows) => {
          this.#rows.push(...rows)
          return this.#readTo(row)
        })
      }
      this.#rows.push(...read)
    }
  }

  /** Up to `count` rows from a position on, or from where the last fetch ended. */
  take(count: number, position: FetchPosition | undefined): ReadonlyArray<Row> | Promise<ReadonlyArray<Row>> {
    const isLast = position?.orientation === last
    if (position?.orientation === first) this.#next = 1
    else if (!isLast && position !== undefined && position.row > 0) this.#next = position.row
    const reading = this.#readTo(isLast ? Infinity : this.#next - 1 + count)
    const finish = () => {
      if (isLast) this.#next = Math.max(1, this.#rows.length)
      const taken = this.#rows.slice(this.#next - 1, this.#next - 1 + count)
      this.#next += taken.length
      return taken
    }
    return reading === undefined ? finish() : reading.then(finish)
  }

  /** The number of the last row that was taken. */
  get position(): number {
    return this.#next - 1
  }

  get exhausted(): boolean {
    return this.#open.exhausted && this.position >= this.#rows.length
  }
}
