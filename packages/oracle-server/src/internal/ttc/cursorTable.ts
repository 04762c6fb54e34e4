/** The cursors that a client holds, by their numbers. */
import type { Column, Cursor, EngineSession, Statement } from "../engine/engine.ts"
import { oraError } from "../engine/oraError.ts"
import type { BindMetadata } from "./bindReader.ts"
import type { ScrollableRows } from "./scrollableRows.ts"
import type { ColumnForm } from "./valueWriter.ts"

/** A statement as its client knows it: by a number that stays valid until the client closes it. */
export interface ServerCursor {
  readonly id: number
  sql: string
  /** Absent while the text did not parse, and for ref cursors. */
  statement: Statement | undefined
  plsql: boolean
  binds: ReadonlyArray<BindMetadata>
  /** Binds in the INTO of a RETURNING clause, for which no values are sent. */
  returning: ReadonlySet<number>
  /** Binds for which the last execution was told "out only": a re-execution does not send them. */
  outOnly: ReadonlySet<number>
  /** The query that rows are being fetched from. */
  open: Cursor | undefined
  /** The rows of a query that was executed as scrollable. */
  scrollable: ScrollableRows | undefined
  /** The columns that the client has last been told of. */
  described: ReadonlyArray<Column> | undefined
  /** How the rows are wanted; `undefined` until a define has come for columns that need one. */
  forms: ReadonlyArray<ColumnForm> | undefined
}

const maxId = 65_535
const none: ReadonlySet<number> = new Set()

export class CursorTable {
  readonly #cursors = new Map<number, ServerCursor>()
  #lastId = 0
  readonly #limit: number
  readonly #session: EngineSession

  constructor(session: EngineSession, limit: number) {
    this.#session = session
    this.#limit = limit
  }

  get size(): number {
    return this.#cursors.size
  }

  /** The texts of the statements that are open. */
  texts(): ReadonlyArray<string> {
    return [...this.#cursors.values()].map((cursor) => cursor.sql)
  }

  get hasOpenQuery(): boolean {
    for (const cursor of this.#cursors.values()) {
      if (cursor.open !== undefined && !cursor.open.exhausted) return true
    }
    return false
  }

  open(sql: string): ServerCursor {
    if (this.#cursors.size >= this.#limit) throw oraError(1000, "maximum open cursors exceeded")
    do this.#lastId = this.#lastId % maxId + 1
    while (this.#cursors.has(this.#lastId))
    const cursor: ServerCursor = {
      id: this.#lastId,
      sql,
      statement: undefined,
      plsql: false,
      binds: [],
      returning: none,
      outOnly: none,
      open: undefined,
      scrollable: undefined,
      described: undefined,
      forms: undefined
    }
    this.#cursors.set(cursor.id, cursor)
    return cursor
  }

  has(id: number): boolean {
    return this.#cursors.has(id)
  }

  find(id: number): ServerCursor {
    const cursor = this.#cursors.get(id)
    if (cursor === undefined) throw oraError(1001, "invalid cursor")
    return cursor
  }

  /** Drops the rows that are left; the statement stays parsed. */
  cancel(id: number): void {
    const cursor = this.#cursors.get(id)
    if (cursor !== undefined) this.closeQuery(cursor)
  }

  closeQuery(cursor: ServerCursor): void {
    if (cursor.open === undefined) return
    this.#session.closeCursor(cursor.open)
    cursor.open = undefined
    cursor.scrollable = undefined
  }

  close(id: number): void {
    this.cancel(id)
    this.#cursors.delete(id)
  }

  clear(): void {
    for (const cursor of this.#cursors.values()) this.closeQuery(cursor)
    this.#cursors.clear()
  }
}
