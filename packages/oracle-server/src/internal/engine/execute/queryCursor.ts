/** An open query as its client holds it: rows on request, and LOBs that write back to locked rows. */
import type { Row } from "../storage/tableData.ts"
import type { Step } from "../storage/waiting.ts"
import type { Stored } from "../values/composite.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { LobValue } from "../values/lobValue.ts"
import { oraError } from "../values/oraError.ts"
import { formatRowid } from "../values/rowid.ts"
import type { Column, Cursor, Row as WireRow, Value } from "../values/value.ts"
import type { Decoder } from "../values/values.ts"
import { type Frame, suspension } from "./frame.ts"
import { complete, type Operator } from "./operator.ts"

/** How a LOB of a locked row is written back; `numbers` are those of the rows behind the values. */
type Persist = (column: number, numbers: ReadonlyArray<number | null>) => ((data: Stored) => void) | undefined

interface CursorRows {
  readonly frame: Frame
  readonly operator: Operator
  readonly slot: number
  /** Slots of the tables whose rows are locked. */
  readonly lockSlots: ReadonlyArray<number>
  /** SKIP LOCKED: takes the row that is in the frame now; false to pass it over. */
  readonly take: (() => boolean) | undefined
}

interface Held {
  readonly row: Row
  readonly numbers: ReadonlyArray<number | null>
}

const noNumbers: ReadonlyArray<number | null> = []

/** An open query: rows are made as they are fetched, all of them as they were when it was opened. */
export class QueryCursor implements Cursor {
  readonly _tag = "Cursor"
  readonly columns: ReadonlyArray<Column>
  /** The static types of the columns. */
  readonly types: ReadonlyArray<SqlType>
  readonly #decoders: ReadonlyArray<Decoder>
  readonly #persist: Persist | undefined
  #source: CursorRows | undefined
  readonly #time: number
  rowCount = 0
  /** Rows read ahead of the fetches. */
  #ahead: Array<Held> = []
  #next = 0
  #isOpen = false
  #isLost = false
  #current: ReadonlyArray<number | null> = noNumbers
  readonly #lockedTables: ReadonlyArray<number>

  constructor(
    plan: {
      readonly columns: ReadonlyArray<Column>
      readonly decoders: ReadonlyArray<Decoder>
      readonly out: ReadonlyArray<{ readonly type: SqlType }>
      readonly locks: ReadonlyArray<{ readonly table: { readonly id: number } }>
    },
    source: CursorRows,
    persist?: Persist
  ) {
    this.columns = plan.columns
    this.#decoders = plan.decoders
    this.types = plan.out.map((column) => column.type)
    this.#lockedTables = plan.locks.map(({ table }) => table.id)
    this.#source = source
    this.#persist = persist
    this.#time = source.frame.session.statementTime
  }

  get exhausted(): boolean {
    return this.#source === undefined && this.#next >= this.#ahead.length
  }

  /** As {@link open}, when that takes no longer than a turn; false when it has to be gone on with. */
  openNow(): boolean {
    const { operator } = this.#source!
    try {
      operator.open()
      this.#isOpen = true
    } catch (error) {
      if (error === suspension) return false
      this.#finish()
      throw error
    }
    return this.#pullNow(1)
  }

  /** Makes the plan ready; its first row is looked for, because errors in it belong to the execution. */
  *open(): Step<void> {
    const { frame, operator, take } = this.#source!
    try {
      // What has been opened is not opened again: parts of it may be at work already.
      if (!this.#isOpen) yield* complete(frame, () => operator.open())
      this.#isOpen = true
      if (take === undefined) yield* this.#pull(1)
    } catch (error) {
      this.#finish()
      throw error
    }
  }

  /** Reads all rows: what locks them has to have seen them all. */
  *readAll(): Step<void> {
    try {
      yield* this.#pull(Infinity)
    } catch (error) {
      this.#finish()
      throw error
    }
  }

  /** Reads until it has so many rows, or none is left. May be left by suspension. */
  #work(count: number): void {
    const source = this.#source
    if (source === undefined) return
    const { frame, lockSlots, operator, slot, take } = source
    // A cursor that is a value in a row is opened by its first fetch.
    if (!this.#isOpen) {
      operator.open()
      this.#isOpen = true
    }
    while (this.#ahead.length - this.#next < count) {
      if (!operator.next()) {
        this.#finish()
        return
      }
      if (take !== undefined && !take()) {
        frame.step()
        continue
      }
      this.#ahead.push({
        row: frame.rows[slot]!,
        numbers: lockSlots.length === 0
          ? noNumbers
          : lockSlots.map((s) => (frame.rows[s]?.[0] ?? null) as number | null)
      })
      frame.step()
    }
  }

  /** False when the rows take longer than a turn. */
  #pullNow(count: number): boolean {
    const source = this.#source
    if (source === undefined) return true
    const { session } = source.frame
    const before = session.statementTime
    session.statementTime = this.#time
    try {
      this.#work(count)
      return true
    } catch (error) {
      if (error === suspension) return false
      this.#finish()
      throw error
    } finally {
      session.statementTime = before
    }
  }

  *#pull(count: number): Step<void> {
    const source = this.#source
    if (source === undefined) return
    const { frame } = source
    const { session } = frame
    const before = session.statementTime
    session.statementTime = this.#time
    try {
      yield* complete(frame, () => this.#work(count))
    } catch (error) {
      this.close()
      throw error
    } finally {
      session.statementTime = before
    }
  }

  #finish(): void {
    const source = this.#source
    this.#source = undefined
    source?.frame.close()
  }

  *#takeHeld(count: number): Step<ReadonlyArray<Held>> {
    this.#lookForLoss()
    if (this.#next > 0) {
      this.#ahead = this.#ahead.slice(this.#next)
      this.#next = 0
    }
    if (this.#ahead.length < count) yield* this.#pull(count)
    const out = this.#ahead.slice(this.#next, this.#next + count)
    this.#next += out.length
    this.rowCount += out.length
    // One row ahead tells whether these were the last; what locks as it reads must not.
    if (this.#next >= this.#ahead.length && this.#source !== undefined && this.#source.take === undefined) {
      this.#ahead = []
      this.#next = 0
      yield* this.#pull(1)
    }
    return out
  }

  /** What it reads from is gone: a later fetch fails instead of ending too early. */
  lose(): void {
    if (this.#source !== undefined || this.#next < this.#ahead.length) this.#isLost = true
    this.close()
  }

  #lookForLoss(): void {
    if (this.#isLost) throw oraError(8103, "object no longer exists")
  }

  /** As {@link fetch}, when that takes no longer than a turn. */
  fetchNow(count: number): ReadonlyArray<WireRow> | undefined {
    this.#lookForLoss()
    if (!this.#pullNow(count)) return undefined
    const more = this.#ahead.length - this.#next > count
    // Whether these are the last rows is asked before they are handed out: nothing is lost when the answer takes time.
    if (!more && this.#source !== undefined && this.#source.take === undefined && !this.#pullNow(count + 1)) {
      return undefined
    }
    const out = this.#ahead.slice(this.#next, this.#next + count)
    this.#next += out.length
    this.rowCount += out.length
    if (this.#next >= this.#ahead.length) {
      this.#ahead = []
      this.#next = 0
    } else if (this.#next > 1000) {
      this.#ahead = this.#ahead.slice(this.#next)
      this.#next = 0
    }
    return this.#decode(out)
  }

  /** Up to `count` rows in stored form. */
  *take(count: number): Step<ReadonlyArray<Row>> {
    const held = yield* this.#takeHeld(count)
    this.#current = held.at(-1)?.numbers ?? noNumbers
    return held.map((each) => each.row)
  }

  /** The rowid of the row that was taken last, when the query locks the rows of a table: WHERE CURRENT OF. */
  currentRowid(): string {
    const table = this.#lockedTables[0]
    const number = this.#current[0]
    if (table === undefined || number === undefined || number === null) throw oraError(1410, "invalid ROWID")
    return formatRowid(table, number)
  }

  /** How a LOB of the row that was taken last is written back, when the row is locked. */
  persistOf(column: number): ((data: Stored) => void) | undefined {
    return this.#persist?.(column, this.#current)
  }

  *fetch(count: number): Step<ReadonlyArray<WireRow>> {
    return this.#decode(yield* this.#takeHeld(count))
  }

  #decode(held: ReadonlyArray<Held>): ReadonlyArray<WireRow> {
    const decoders = this.#decoders
    const persist = this.#persist
    const rows: Array<WireRow> = []
    for (const { numbers, row } of held) {
      const values: Array<Value> = []
      for (let i = 0; i < decoders.length; i++) {
        const value = decoders[i]!(row[i]!)
        values.push(persist !== undefined && value instanceof LobValue ? value.within(persist(i, numbers)) : value)
      }
      rows.push(values)
    }
    return rows
  }

  close(): void {
    this.#finish()
    // Cursors in rows that were never handed out have no other owner.
    for (const { row } of this.#ahead.slice(this.#next)) {
      for (const value of row as ReadonlyArray<unknown>) if (value instanceof QueryCursor) value.close()
    }
    this.#ahead = []
    this.#next = 0
  }
}
