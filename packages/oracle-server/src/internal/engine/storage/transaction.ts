/** The uncommitted work of one session: what to undo, what to make final, which locks to give back. */
import type { Table } from "../catalog/catalog.ts"
import { oraError } from "../values/oraError.ts"
import { Deferral } from "./deferral.ts"
import type { Locks, TableMode } from "./locks.ts"
import type { LogicalTransaction } from "./logicalTransactions.ts"
import type { Store } from "./store.ts"
import type { Row, Snapshot, TableData } from "./tableData.ts"

interface Change {
  readonly table: Table
  readonly data: TableData
  readonly row: number
}

export interface Savepoint {
  readonly name: string
  readonly changes: number
  readonly rowLocks: number
  readonly announcements: number
  /** Which transaction it belongs to: a mark from before a commit stands at the start of the next one. */
  readonly epoch: number
}

type Isolation = "read committed" | "serializable" | "read only"

const nothing: ReadonlyArray<readonly [number, number]> = []

export class Transaction {
  readonly store: Store
  readonly #locks: Locks
  readonly #sid: number
  /** Of the session that works with it. */
  guard: LogicalTransaction | undefined
  #changes: Array<Change> = []
  #rowLocks: Array<readonly [data: TableData, row: number, tableId: number]> = []
  /** What is to be done when the transaction is rolled back, each with the number of changes that came before it. */
  #regrets: Array<{ readonly changes: number; readonly act: () => void }> = []
  #savepoints: Array<Savepoint> = []
  /** What others are told by its commit. */
  #announcements: Array<() => void> = []
  #tablesHeld = false
  #epoch = 0
  /** LOCK TABLE opens a transaction by itself; the table locks of statements do not. */
  #explicitlyHeld = false
  isolation: Isolation = "read committed"
  readonly deferral = new Deferral()
  /** What transactions without a word of their own have: ALTER SESSION SET ISOLATION_LEVEL. */
  defaultIsolation: Isolation = "read committed"
  /** What else ends with a transaction, even with one that has done nothing. */
  readonly endings: Array<(isCommit: boolean) => void> = []
  /** The one moment that every read of a serializable or read-only transaction sees. */
  #moment: Snapshot | undefined

  /** The session whose rows of temporary tables it works on: an autonomous transaction has those of its session. */
  session: number
  /** A branch of a global transaction is ended by its coordinator, never by the sessions that work with it. */
  isCoordinated = false

  constructor(store: Store, locks: Locks, sid: number, session = sid, guard?: LogicalTransaction) {
    this.guard = guard
    this.store = store
    this.#locks = locks
    this.#sid = sid
    this.session = session
  }

  /** Who owns its locks and its changes. */
  get sid(): number {
    return this.#sid
  }

  /** What it has changed and not committed. */
  get changes(): ReadonlyArray<Change> {
    return this.#changes
  }

  get lockedRows(): number {
    return this.#rowLocks.length
  }

  #note(change: Change): void {
    if (this.#changes.length === 0) this.store.writers.add(this)
    this.#changes.push(change)
  }

  get active(): boolean {
    return this.#changes.length > 0 || this.#rowLocks.length > 0 || this.#tablesHeld || this.#moment !== undefined ||
      this.#announcements.length > 0
  }

  /** SET TRANSACTION: the first thing of a transaction. */
  begin(isolation: Isolation): void {
    if (this.active || this.#moment !== undefined) {
      throw oraError(1453, "SET TRANSACTION must be first statement of transaction")
    }
    this.isolation = isolation
    if (isolation !== "read committed") this.#moment = this.store.open(this.#sid, 0)
  }

  /** The moment that a statement beginning now reads at. */
  snapshot(): Snapshot {
    if (this.isolation === "read committed") return this.store.open(this.#sid, this.store.nextStatement())
    this.#moment ??= this.store.open(this.#sid, 0)
    return this.store.open(this.#sid, this.store.nextStatement(), this.#moment.scn)
  }

  /** Refuses a change in a transaction that only reads. */
  beforeWrite(): void {
    if (this.isolation === "read only") {
      throw oraError(1456, "may not perform insert, delete, update operation inside a READ ONLY transaction")
    }
  }

  data(table: Table): TableData {
    return this.store.data(table, this.session)
  }

  /** 0, or the session that holds the row. */
  lockRow(table: Table, row: number): number {
    const data = this.data(table)
    const holder = data.holder(row)
    if (holder !== 0) return holder === this.#sid ? 0 : holder
    data.rowLocks.set(row, this.#sid)
    this.#rowLocks.push([data, row, table.id])
    return 0
  }

  lockTable(table: Table, mode: TableMode, explicitly = false): number {
    const holder = this.#locks.table(table.id, mode, this.#sid)
    if (holder === 0) {
      this.#tablesHeld = true
      if (explicitly) this.#explicitlyHeld = true
    }
    return holder
  }

  /** A new row; its number is put in its first place. */
  insert(table: Table, values: Row, statement: number): number {
    const data = this.data(table)
    const row = data.nextRow++
    values[0] = row
    data.push(row, values, this.#sid, statement)
    this.#note({ table, data, row })
    return row
  }

  /** Puts another version in front; without values the row is removed. */
  replace(table: Table, row: number, values: Row | undefined, statement: number): void {
    const data = this.data(table)
    data.push(row, values, this.#sid, statement)
    this.#note({ table, data, row })
  }

  /** Where a statement starts, to undo it alone. */
  mark(): Savepoint {
    return {
      name: "",
      changes: this.#changes.length,
      rowLocks: this.#rowLocks.length,
      announcements: this.#announcements.length,
      epoch: this.#epoch
    }
  }

  /** Done by the commit, unless the statement or the savepoint that it belongs to is taken back before. */
  announce(announcement: () => void): void {
    this.#announcements.push(announcement)
  }

  /** Its very beginning. */
  get start(): Savepoint {
    return { name: "", changes: 0, rowLocks: 0, announcements: 0, epoch: this.#epoch }
  }

  /** Whether it has changed rows that only one session can see. */
  get hasTemporaryRows(): boolean {
    return this.#changes.some(({ table }) => table.temporary !== undefined)
  }

  /** Has `act` done when the whole transaction is rolled back; not when a savepoint before it is. */
  onRollback(act: () => void): void {
    this.#regrets.push({ changes: this.#changes.length, act })
  }

  /** The rows that it has changed or locked since, where anybody wants to hear of them. */
  #touched(changes: number, rowLocks: number): ReadonlyArray<readonly [number, number]> {
    if (!this.store.isWatched) return nothing
    return [
      ...this.#changes.slice(changes).map(({ row, table }) => [table.id, row] as const),
      ...this.#rowLocks.slice(rowLocks).map(([, row, id]) => [id, row] as const)
    ]
  }

  /** A part of {@link undoTo}: takes back some of the changes, and says whether there are more. */
  undoSome(mark: Savepoint, count: number): boolean {
    const keep = mark.epoch === this.#epoch ? mark.changes : 0
    for (let left = count; left > 0 && this.#changes.length > keep; left--) this.#undo(this.#changes.pop()!)
    return this.#changes.length > keep
  }

  undoTo(mark: Savepoint, keepLocks: boolean): void {
    const same = mark.epoch === this.#epoch
    this.#announcements.length = Math.min(this.#announcements.length, same ? mark.announcements : 0)
    const touched = this.#touched(same ? mark.changes : 0, same ? mark.rowLocks : 0)
    while (this.#changes.length > (same ? mark.changes : 0)) this.#undo(this.#changes.pop()!)
    this.#regrets = this.#regrets.filter(({ changes }) => changes < this.#changes.length)
    if (!keepLocks) {
      while (this.#rowLocks.length > (same ? mark.rowLocks : 0)) {
        const [data, row] = this.#rowLocks.pop()!
        data.rowLocks.delete(row)
      }
    }
    this.#locks.wake(this.#sid)
    this.store.tell(touched)
  }

  #undo(change: Change): void {
    change.data.pop(change.row)
  }

  savepoint(name: string): void {
    this.#savepoints = this.#savepoints.filter((s) => s.name !== name)
    this.#savepoints.push({ ...this.mark(), name })
  }

  rollbackTo(name: string): void {
    const at = this.#savepoints.findIndex((s) => s.name === name)
    if (at < 0) throw oraError(1086, `savepoint '${name}' never established in this session or is invalid`)
    this.undoTo(this.#savepoints[at]!, false)
    this.#savepoints.length = at + 1
  }

  /** Constraints that were put off have to hold now: otherwise nothing of the transaction stays. */
  checkDeferred(): void {
    const failure = this.deferral.failure()
    if (failure === undefined) return
    this.rollback()
    throw oraError(2091, `transaction rolled back\n${failure.message}`)
  }

  commit(): void {
    if (this.isCoordinated) throw oraError(2089, "COMMIT is not allowed in a subordinate session")
    this.complete()
  }

  /** Commits it in its coordinator's name. */
  complete(): void {
    this.checkDeferred()
    if (this.#changes.length > 0) {
      this.guard?.check()
      this.store.commit(this.#changes)
      for (const { data, table } of this.#changes) if (table.temporary === "delete") data.clear()
      this.guard?.committed()
    }
    const announcements = this.#announcements
    const touched = this.#touched(0, 0)
    this.#end()
    for (const announcement of announcements) announcement()
    // Those that end may go.
    for (const ending of this.endings.slice()) ending(true)
    this.store.tell(touched)
  }

  /** `isLost`: the session has ended; it has not asked for this. */
  rollback(isLost = false): void {
    const touched = this.#touched(0, 0)
    const regrets = this.#regrets
    while (this.#changes.length > 0) this.#undo(this.#changes.pop()!)
    this.#end()
    for (const ending of this.endings.slice()) ending(false)
    if (!isLost) { for (const { act } of regrets) act() }
    this.store.tell(touched)
  }

  /** After a statement that changed and locked nothing: no transaction has begun. */
  settle(): void {
    const nothing = this.#changes.length === 0 && this.#rowLocks.length === 0 && this.#savepoints.length === 0 &&
      this.#announcements.length === 0
    if (nothing && !this.#explicitlyHeld && this.#moment === undefined) this.#end()
  }

  #end(): void {
    this.store.writers.delete(this)
    this.deferral.clear()
    if (this.#moment !== undefined) this.store.close(this.#moment)
    this.#moment = undefined
    this.isolation = this.defaultIsolation
    this.#announcements = []
    if (
      this.#changes.length === 0 && this.#rowLocks.length === 0 && !this.#tablesHeld && this.#savepoints.length === 0
    ) {
      return
    }
    for (const [data, row] of this.#rowLocks) data.rowLocks.delete(row)
    if (this.#tablesHeld) this.#locks.releaseTables(this.#sid)
    this.#changes = []
    this.#rowLocks = []
    this.#savepoints = []
    this.#regrets = []
    this.#tablesHeld = false
    this.#explicitlyHeld = false
    this.#epoch++
    this.#locks.wake(this.#sid)
  }
}
