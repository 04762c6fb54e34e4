/**
 * What all transactions of a database share: the count of commits, the moments that reads still hold, the memory.
 *
 * Every commit has a number (an SCN). A read takes the number of the last commit with it and sees nothing newer, however
 * late its rows are fetched. Old versions stay for as long as a read might need them, no longer.
 */
import type { ColumnDef, Table } from "../catalog/catalog.ts"
import { comparerOf } from "../values/order.ts"
import { kindOf } from "../values/sqlType.ts"
import { Memory } from "./memory.ts"
import { OrderedIndex } from "./orderedIndex.ts"
import { type Snapshot, TableData } from "./tableData.ts"

interface Superseded {
  readonly data: TableData
  readonly row: number
  readonly scn: number
}

interface Change {
  readonly data: TableData
  readonly row: number
}

/** A transaction with uncommitted changes. */
interface Writer {
  readonly changes: ReadonlyArray<Change>
}

/** Hears that transactions have ended, or were taken back in part, which had changed or locked rows of a table. */
type TableWatcher = (rows: ReadonlyArray<number>) => void

/** The committed rows of every table at one moment, by the number of the table. Nothing ever writes to them. */
export interface StoreSnapshot {
  readonly scn: number
  readonly tables: ReadonlyMap<number, TableData>
}

interface Rows {
  shared: TableData
  /** Of a temporary table, by session. */
  readonly own: Map<number, TableData>
}

export class Store {
  readonly memory: Memory
  /** Measures how long a run has worked without a turn of the event loop. */
  readonly clock: () => number
  /** The number of the last commit. */
  scn = 1
  #statement = 0
  readonly #snapshots = new Set<Snapshot>()
  /** Transactions that have changed rows and have not ended. */
  readonly writers = new Set<Writer>()
  /** Who hears of changes, by the number of the table. */
  readonly #watchers = new Map<number, Set<TableWatcher>>()
  /** Rows with versions that a read still needed when they were replaced, oldest first. */
  #superseded: Array<Superseded> = []
  #cleaned = 0
  readonly #tables = new Map<number, Rows>()

  constructor(memoryLimit: number, clock: () => number) {
    this.memory = new Memory(memoryLimit)
    this.clock = clock
  }

  /** Tells `watcher` of what becomes of the table's rows, until the answer is called. */
  watch(tableId: number, watcher: TableWatcher): () => void {
    const all = this.#watchers.get(tableId) ?? new Set()
    this.#watchers.set(tableId, all)
    all.add(watcher)
    return () => {
      all.delete(watcher)
      if (all.size === 0 && this.#watchers.get(tableId) === all) this.#watchers.delete(tableId)
    }
  }

  /** Whether anybody hears of changes. */
  get isWatched(): boolean {
    return this.#watchers.size > 0
  }

  /** These rows were committed, taken back or given free. */
  tell(touched: ReadonlyArray<readonly [tableId: number, row: number]>): void {
    if (touched.length === 0) return
    const rows = new Map<number, Array<number>>()
    for (const [id, row] of touched) {
      if (!this.#watchers.has(id)) continue
      const list = rows.get(id)
      if (list === undefined) rows.set(id, [row])
      else list.push(row)
    }
    for (const [id, list] of rows) for (const watcher of this.#watchers.get(id) ?? []) watcher(list)
  }

  /** Makes room for the rows of a new table. */
  create(table: Table): void {
    this.#tables.set(table.id, { shared: new TableData(this.memory), own: new Map() })
  }

  /** A cursor that still reads the table keeps the rows; they only do not count any more. */
  drop(table: Table): void {
    for (const data of this.all(table)) data.release()
    this.#tables.delete(table.id)
  }

  /** The rows that this session works with: its own ones when the table is temporary. */
  data(table: Table, sid: number): TableData {
    const rows = this.#tables.get(table.id)!
    if (table.temporary === undefined) return rows.shared
    let own = rows.own.get(sid)
    if (own === undefined) {
      own = this.#emptyLike(rows.shared)
      rows.own.set(sid, own)
    }
    return own
  }

  /** Everything a table has: one for all sessions, or one for each that has used a temporary table. */
  all(table: Table): ReadonlyArray<TableData> {
    const { own, shared } = this.#tables.get(table.id)!
    return [shared, ...own.values()]
  }

  #emptyLike(data: TableData): TableData {
    const empty = new TableData(this.memory)
    for (const index of data.indexes) empty.addIndex(new OrderedIndex(index.id, index.columns, index.comparers))
    return empty
  }

  /** TRUNCATE: cursors that read the table keep the rows they have begun with. */
  truncate(table: Table, sid: number): void {
    if (table.temporary !== undefined) {
      this.data(table, sid).clear()
      return
    }
    const rows = this.#tables.get(table.id)!
    const { shared } = rows
    shared.release()
    rows.shared = this.#emptyLike(shared)
    rows.shared.nextRow = shared.nextRow
  }

  /** True when the session has rows of its own in the table. */
  hasOwn(table: Table, sid: number): boolean {
    return (this.#tables.get(table.id)?.own.get(sid)?.size ?? 0) > 0
  }

  /** The session is over, or begins anew: its rows in temporary tables go. */
  forget(sid: number): void {
    for (const { own } of this.#tables.values()) {
      own.get(sid)?.clear()
      own.delete(sid)
    }
  }

  /** What is committed now; it takes no time for the number of rows, only for those that are being changed. */
  snapshot(): StoreSnapshot {
    const unsettled = new Map<TableData, Set<number>>()
    const note = ({ data, row }: Change): void => {
      const rows = unsettled.get(data)
      if (rows === undefined) unsettled.set(data, new Set([row]))
      else rows.add(row)
    }
    for (const { changes } of this.writers) for (const change of changes) note(change)
    for (let i = this.#cleaned; i < this.#superseded.length; i++) note(this.#superseded[i]!)
    const uncounted = new Memory(Infinity)
    const tables = new Map<number, TableData>()
    for (const [id, { shared }] of this.#tables) tables.set(id, shared.fork(uncounted, unsettled.get(shared) ?? []))
    return { scn: this.scn, tables }
  }

  /** Puts the rows of a snapshot in the place of all others. No transaction may have changes. */
  restore(snapshot: StoreSnapshot): void {
    for (const { own, shared } of this.#tables.values()) {
      for (const data of [shared, ...own.values()]) data.release()
    }
    this.#tables.clear()
    this.#superseded = []
    this.#cleaned = 0
    this.scn = Math.max(this.scn, snapshot.scn) + 1
    for (const [id, data] of snapshot.tables) {
      this.#tables.set(id, { shared: data.fork(this.memory, []), own: new Map() })
    }
  }

  /** The number of a new statement: its writes carry it, and it does not see them. */
  nextStatement(): number {
    return ++this.#statement
  }

  /** A read of this session begins; `scn` is given where a transaction has a moment of its own. */
  open(sid: number, statement: number, scn = this.scn): Snapshot {
    const snapshot: Snapshot = { scn, sid, statement }
    this.#snapshots.add(snapshot)
    return snapshot
  }

  close(snapshot: Snapshot): void {
    if (!this.#snapshots.delete(snapshot) || this.#superseded.length === this.#cleaned) return
    this.#clean()
  }

  #oldest(): number {
    let scn = this.scn
    for (const snapshot of this.#snapshots) if (snapshot.scn < scn) scn = snapshot.scn
    return scn
  }

  #clean(): void {
    const oldest = this.#oldest()
    const superseded = this.#superseded
    while (this.#cleaned < superseded.length && superseded[this.#cleaned]!.scn <= oldest) {
      const { data, row } = superseded[this.#cleaned++]!
      data.prune(row, oldest)
    }
    if (this.#cleaned === superseded.length || this.#cleaned > 10_000) {
      this.#superseded = superseded.slice(this.#cleaned)
      this.#cleaned = 0
    }
  }

  /** Numbers a commit, makes the versions final and lets go of what they replaced. */
  commit(changes: ReadonlyArray<Change>): void {
    const scn = ++this.scn
    for (const { data, row } of changes) {
      const head = data.head(row)
      for (let version = head; version !== undefined && version.owner !== 0; version = version.older) {
        version.owner = 0
        version.scn = scn
      }
      if (head !== undefined && (head.older !== undefined || head.values === undefined)) {
        this.#superseded.push({ data, row, scn })
      }
    }
    if (this.#superseded.length > this.#cleaned) this.#clean()
  }
}

export const newIndex = (id: number, columns: ReadonlyArray<ColumnDef>): OrderedIndex =>
  new OrderedIndex(
    id,
    columns.map((column) => column.place),
    columns.map((column) => comparerOf(kindOf(column.type)))
  )
