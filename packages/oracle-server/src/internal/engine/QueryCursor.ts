import type { StatementSync } from "node:sqlite"
import type { Stored } from "./Convert.ts"
import type { Column, Cursor, Row, Value } from "./Engine.ts"
import { LobValue } from "./LobValue.ts"
import type { SessionState } from "./SessionState.ts"
import type { OpenRead, Store } from "./Store.ts"
import type { Decoder } from "./Values.ts"

type Persist = (column: number, row: ReadonlyArray<Stored>) => ((data: Stored) => void) | undefined

/** A read of the store whose rows are taken as they are fetched. */
export class QueryCursor implements Cursor, OpenRead {
  readonly _tag = "Cursor"
  readonly columns: ReadonlyArray<Column>
  readonly tables: ReadonlySet<number>
  readonly decoders: ReadonlyArray<Decoder>
  rowCount = 0
  private readonly store: Store
  readonly session: SessionState
  private readonly time: number
  private rows: Iterator<ReadonlyArray<Stored>> | undefined
  private statement: StatementSync | undefined
  private readonly persist: Persist | undefined
  private readonly giveBack: (statement: StatementSync) => void
  /** Rows read ahead of the fetches. */
  private ahead: Array<ReadonlyArray<Stored>> = []
  private next = 0

  constructor(
    store: Store,
    session: SessionState,
    plan: {
      readonly columns: ReadonlyArray<Column>
      readonly decoders: ReadonlyArray<Decoder>
      readonly tables: ReadonlySet<number>
    },
    source: {
      readonly statement: StatementSync
      readonly values: ReadonlyArray<Stored>
      readonly giveBack: (statement: StatementSync) => void
    } | ReadonlyArray<ReadonlyArray<Stored>>,
    /** How a LOB of a locked row is written back. */
    persist?: Persist
  ) {
    this.store = store
    this.session = session
    this.time = session.statementTime
    this.columns = plan.columns
    this.decoders = plan.decoders
    this.tables = plan.tables
    this.persist = persist
    if ("statement" in source) {
      this.statement = source.statement
      this.giveBack = source.giveBack
      this.rows = source.statement.iterate(...source.values) as unknown as Iterator<ReadonlyArray<Stored>>
      // Errors in the first row belong to the execution; and the read begins now, not with the first fetch.
      this.pull()
      if (this.rows !== undefined) store.openRead(this)
    } else {
      this.giveBack = () => undefined
      this.ahead = [...source]
    }
  }

  get exhausted(): boolean {
    return this.rows === undefined && this.next >= this.ahead.length
  }

  private pull(): boolean {
    if (this.rows === undefined) return false
    this.store.caller.session = this.session
    const before = this.session.statementTime
    this.session.statementTime = this.time
    try {
      const result = this.rows.next()
      if (result.done === true) {
        this.finish()
        return false
      }
      this.ahead.push(result.value)
      return true
    } catch (error) {
      // A statement that failed answers its next use with the same failure: it is not used again.
      this.statement = undefined
      this.finish()
      throw error
    } finally {
      this.session.statementTime = before
    }
  }

  private finish(): void {
    if (this.rows === undefined) return
    this.rows = undefined
    this.store.closeRead(this)
    if (this.statement !== undefined) this.giveBack(this.statement)
    this.statement = undefined
  }

  /** Takes every remaining row into memory: what follows will change the tables. */
  drain(): void {
    while (this.pull());
  }

  /** Up to `count` rows in stored form. */
  take(count: number): ReadonlyArray<ReadonlyArray<Stored>> {
    const out: Array<ReadonlyArray<Stored>> = []
    while (out.length < count) {
      if (this.next >= this.ahead.length) {
        this.ahead = []
        this.next = 0
        if (!this.pull()) break
      }
      out.push(this.ahead[this.next++]!)
    }
    this.rowCount += out.length
    // One row ahead tells whether these were the last.
    if (this.next >= this.ahead.length && this.rows !== undefined) {
      this.ahead = []
      this.next = 0
      this.pull()
    }
    return out
  }

  fetch(count: number): ReadonlyArray<Row> {
    const { decoders } = this
    return this.take(count).map((row) => {
      const values: Array<Value> = []
      for (let i = 0; i < decoders.length; i++) {
        const value = decoders[i]!(row[i]!)
        values.push(
          this.persist !== undefined && value instanceof LobValue ? value.within(this.persist(i, row)) : value
        )
      }
      return values
    })
  }

  close(): void {
    if (this.rows !== undefined) {
      this.rows.return?.()
      this.finish()
    }
    this.ahead = []
    this.next = 0
  }
}
