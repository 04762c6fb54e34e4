/** The uncommitted work of one session: what to undo, what to make final, which locks to give back. */
import type { Table } from "./Catalog.ts"
import type { Stored } from "./Convert.ts"
import type { Locks, TableMode } from "./Locks.ts"
import { oraError } from "./OraError.ts"
import type { Store } from "./Store.ts"

type Change =
  | { readonly kind: "insert"; readonly table: Table; readonly version: number }
  | { readonly kind: "supersede"; readonly table: Table; readonly version: number }
  /** A version of this very transaction was changed in place: its whole row before. */
  | {
    readonly kind: "own"
    readonly table: Table
    readonly version: number
    readonly before: ReadonlyArray<Stored>
  }

interface Savepoint {
  readonly name: string
  readonly changes: number
  readonly rowLocks: number
  /** Which transaction it belongs to: a mark from before a commit stands at the start of the next one. */
  readonly epoch: number
}

export class Transaction {
  private readonly store: Store
  private readonly locks: Locks
  private readonly sid: number
  private changes: Array<Change> = []
  private rowLocks: Array<readonly [Table, number]> = []
  private savepoints: Array<Savepoint> = []
  private tablesHeld = false
  private epoch = 0
  /** LOCK TABLE opens a transaction by itself; the table locks of statements do not. */
  private explicitlyHeld = false

  constructor(store: Store, locks: Locks, sid: number) {
    this.store = store
    this.locks = locks
    this.sid = sid
  }

  get active(): boolean {
    return this.changes.length > 0 || this.rowLocks.length > 0 || this.tablesHeld
  }

  /** 0, or the session that holds the row. */
  lockRow(table: Table, row: number): number {
    if (table.rowLocks.get(row) === this.sid) return 0
    const holder = this.locks.row(table, row, this.sid)
    if (holder === 0) this.rowLocks.push([table, row])
    return holder
  }

  lockTable(table: Table, mode: TableMode, explicitly = false): number {
    const holder = this.locks.table(table.id, mode, this.sid)
    if (holder === 0) {
      this.tablesHeld = true
      if (explicitly) this.explicitlyHeld = true
    }
    return holder
  }

  private columns(table: Table): string {
    return [
      ...(table.temporary === undefined ? [] : ["s"]),
      ...table.columns.filter((c) => c.virtual === undefined).map((c) => c.physical)
    ].join(",")
  }

  insert(table: Table, row: number, values: ReadonlyArray<Stored>): number {
    this.store.beforeWrite(table.id)
    const names = this.columns(table)
    const all = table.temporary === undefined ? values : [this.sid, ...values]
    const version = this.store.run(
      `INSERT INTO ${table.physical}(r,x,d${names === "" ? "" : "," + names}) VALUES(?,?,0${",?".repeat(all.length)})`,
      row,
      this.sid,
      ...all
    )
    this.changes.push({ kind: "insert", table, version })
    return version
  }

  private before(table: Table, version: number): ReadonlyArray<Stored> {
    return this.store.rows(`SELECT r,x,d,${this.columns(table)} FROM ${table.physical} WHERE v=?`, version)[0]!
  }

  /** Replaces a version by another: in place when it is this transaction's own. Gives the version that holds now. */
  replace(table: Table, version: number, own: boolean, row: number, values: ReadonlyArray<Stored>): number {
    if (!own) {
      this.supersede(table, version)
      return this.insert(table, row, values)
    }
    this.store.beforeWrite(table.id)
    this.changes.push({ kind: "own", table, version, before: this.before(table, version) })
    const sets = table.columns.filter((c) => c.virtual === undefined).map((c) => `${c.physical}=?`).join(",")
    this.store.run(`UPDATE ${table.physical} SET ${sets} WHERE v=?`, ...values, version)
    return version
  }

  /**
   * Marks a version as removed, also one of this transaction's own: until it ends, its key keeps others waiting, and a
   * savepoint can bring it back.
   */
  remove(table: Table, version: number): void {
    this.supersede(table, version)
  }

  private supersede(table: Table, version: number): void {
    this.store.beforeWrite(table.id)
    this.store.run(`UPDATE ${table.physical} SET d=? WHERE v=?`, this.sid, version)
    this.changes.push({ kind: "supersede", table, version })
  }

  /** Where a statement starts, to undo it alone. */
  mark(): Savepoint {
    return { name: "", changes: this.changes.length, rowLocks: this.rowLocks.length, epoch: this.epoch }
  }

  undoTo(mark: Savepoint, keepLocks: boolean): void {
    const same = mark.epoch === this.epoch
    while (this.changes.length > (same ? mark.changes : 0)) this.undo(this.changes.pop()!)
    if (keepLocks) return
    while (this.rowLocks.length > (same ? mark.rowLocks : 0)) {
      const [table, row] = this.rowLocks.pop()!
      table.rowLocks.delete(row)
    }
    this.locks.wake(this.sid)
  }

  private undo(change: Change): void {
    const { table, version } = change
    this.store.beforeWrite(table.id)
    if (change.kind === "insert") this.store.run(`DELETE FROM ${table.physical} WHERE v=?`, version)
    else if (change.kind === "supersede") this.store.run(`UPDATE ${table.physical} SET d=0 WHERE v=?`, version)
    else {
      this.store.run(
        `INSERT OR REPLACE INTO ${table.physical}(v,r,x,d,${this.columns(table)}) VALUES(?${
          ",?".repeat(change.before.length)
        })`,
        version,
        ...change.before
      )
    }
  }

  savepoint(name: string): void {
    this.savepoints = this.savepoints.filter((s) => s.name !== name)
    this.savepoints.push({ ...this.mark(), name })
  }

  rollbackTo(name: string): void {
    const at = this.savepoints.findIndex((s) => s.name === name)
    if (at < 0) throw oraError(1086, `savepoint '${name}' never established in this session or is invalid`)
    this.undoTo(this.savepoints[at]!, false)
    this.savepoints.length = at + 1
  }

  commit(): void {
    for (const change of this.changes) {
      const { table, version } = change
      if (change.kind === "own") continue
      this.store.beforeWrite(table.id)
      if (change.kind === "supersede") this.store.run(`DELETE FROM ${table.physical} WHERE v=?`, version)
      else if (table.temporary === "delete") this.store.run(`DELETE FROM ${table.physical} WHERE v=?`, version)
      else this.store.run(`UPDATE ${table.physical} SET x=0 WHERE v=?`, version)
    }
    this.end()
  }

  rollback(): void {
    while (this.changes.length > 0) this.undo(this.changes.pop()!)
    this.end()
  }

  /** After a statement that changed and locked nothing: no transaction has begun. */
  settle(): void {
    const nothing = this.changes.length === 0 && this.rowLocks.length === 0 && this.savepoints.length === 0
    if (nothing && !this.explicitlyHeld) this.end()
  }

  private end(): void {
    if (this.changes.length === 0 && this.rowLocks.length === 0 && !this.tablesHeld && this.savepoints.length === 0) {
      return
    }
    for (const [table, row] of this.rowLocks) table.rowLocks.delete(row)
    if (this.tablesHeld) this.locks.releaseTables(this.sid)
    this.changes = []
    this.rowLocks = []
    this.savepoints = []
    this.tablesHeld = false
    this.explicitlyHeld = false
    this.epoch++
    this.locks.wake(this.sid)
  }
}
