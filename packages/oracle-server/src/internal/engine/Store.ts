/**
 * The store: one sqlite database in memory for all sessions.
 *
 * sqlite lets one connection write at a time and locks whole databases, where Oracle locks rows and lets readers and writers
 * pass each other. So isolation is not left to sqlite. Every table keeps row versions:
 *
 * - `v`  the version, `r` the logical row (what a ROWID names);
 * - `x`  the session whose uncommitted transaction made the version, 0 once committed;
 * - `d`  the session whose uncommitted transaction has replaced or deleted it, 0 when none has.
 *
 * A session sees the versions with `x` of 0 or its own and `d` not its own: committed data and its own work, nothing of
 * anybody else's. Commit removes the versions it replaced and sets `x` to 0 on the new ones; rollback does the opposite. Row
 * locks are kept by the engine, so that two sessions can change different rows of a table at the same time, wait for
 * each other, and be told of a deadlock.
 *
 * A read is one statement of sqlite. Rows may be taken from it later: before anything writes to a table, the open
 * reads of that table are drained into memory ({@link Store.beforeWrite}), which keeps every read at its own moment.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite"
import type { Stored } from "./Convert.ts"
import { registerAggregates } from "./functions/Aggregates.ts"
import { type Caller, registerLibrary } from "./functions/Library.ts"
import { fromInteger } from "./OracleNumber.ts"
import type { SessionState } from "./SessionState.ts"

/** A read whose rows have not all been taken. */
export interface OpenRead {
  readonly tables: ReadonlySet<number>
  readonly drain: () => void
  readonly session: SessionState
  readonly close: () => void
}

const cachedStatements = 1000

export class Store {
  readonly db: DatabaseSync
  readonly caller: Caller
  private readonly reads = new Set<OpenRead>()
  /** Statements of the store's own, by text. */
  private readonly own = new Map<string, StatementSync>()

  constructor(session: SessionState) {
    this.db = new DatabaseSync(":memory:")
    this.caller = { session }
    this.db.exec("PRAGMA journal_mode = MEMORY; PRAGMA temp_store = MEMORY; PRAGMA recursive_triggers = OFF")
    registerLibrary(this.db, this.caller)
    registerAggregates(this.db)
    this.db.function("ni", {}, ((value: Stored) => value === null ? null : fromInteger(value as number)) as never)
  }

  prepare(sql: string): StatementSync {
    const statement = this.db.prepare(sql)
    statement.setReturnArrays(true)
    return statement
  }

  /** A short statement that always runs to its end. */
  cached(sql: string): StatementSync {
    let statement = this.own.get(sql)
    if (statement === undefined) {
      statement = this.prepare(sql)
      // Texts with literals come once and never again: the oldest go.
      if (this.own.size >= cachedStatements) this.own.delete(this.own.keys().next().value!)
      this.own.set(sql, statement)
    }
    return statement
  }

  rows(sql: string, ...values: ReadonlyArray<Stored>): ReadonlyArray<ReadonlyArray<Stored>> {
    return this.cached(sql).all(...values) as unknown as ReadonlyArray<ReadonlyArray<Stored>>
  }

  run(sql: string, ...values: ReadonlyArray<Stored>): number {
    return Number(this.cached(sql).run(...values).lastInsertRowid)
  }

  openRead(read: OpenRead): void {
    this.reads.add(read)
  }

  closeRead(read: OpenRead): void {
    this.reads.delete(read)
  }

  beforeWrite(table: number): void {
    if (this.reads.size === 0) return
    for (const read of this.reads) if (read.tables.has(table)) read.drain()
  }

  /** Ends the reads of one session, those inside of its running block too; of all without one. */
  closeReads(session?: SessionState): void {
    for (const read of this.reads) if (session === undefined || read.session === session) read.close()
  }

  /** Definitions change under every open read. */
  beforeDefinition(): void {
    for (const read of this.reads) read.drain()
    this.own.clear()
  }

  close(): void {
    this.closeReads()
    this.own.clear()
    this.db.close()
  }
}

/** The columns that every table has before its own. */
export const versionColumns = "v INTEGER PRIMARY KEY, r INTEGER NOT NULL, x INTEGER NOT NULL, d INTEGER NOT NULL"

/** The condition under which session `sid` sees a version. */
export const visible = (sid: number, alias = ""): string => {
  const dot = alias === "" ? "" : alias + "."
  return `(${dot}x=0 OR ${dot}x=${sid}) AND ${dot}d<>${sid}`
}
