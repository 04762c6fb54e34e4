/**
 * What all transactions of a database share: the count of commits, the moments that reads still hold, the memory.
 *
 * Every commit has a number (an SCN). A read takes the number of the last commit with it and sees nothing newer, however
 * late its rows are fetched. Old versions stay for as long as a read might need them, no longer.
 */
import type { ColumnDef, Table } from "../Catalog.ts"
import { kindOf } from "../SqlType.ts"
import { comparerOf } from "../values/Order.ts"
import { Memory } from "./Memory.ts"
import { OrderedIndex } from "./OrderedIndex.ts"
import { type Snapshot, TableData } from "./TableData.ts"

interface Superseded {
  readonly data: TableData
  readonly row: number
  readonly scn: number
}

export class Store {
  readonly memory: Memory
  /** Measures how long a run has worked without a turn of the event loop. */
  readonly clock: () => number
  /** The number of the last commit. */
  scn = 1
  private statement = 0
  private readonly snapshots = new Set<Snapshot>()
  /** Rows with versions that a read still needed when they were replaced, oldest first. */
  private superseded: Array<Superseded> = []
  private cleaned = 0

  constructor(memoryLimit: number, clock: () => number) {
    this.memory = new Memory(memoryLimit)
    this.clock = clock
  }

  /** The number of a new statement: its writes carry it, and it does not see them. */
  nextStatement(): number {
    return ++this.statement
  }

  /** A read of this session begins; `scn` is given where a transaction has a moment of its own. */
  open(sid: number, statement: number, scn = this.scn): Snapshot {
    const snapshot: Snapshot = { scn, sid, statement }
    this.snapshots.add(snapshot)
    return snapshot
  }

  close(snapshot: Snapshot): void {
    if (!this.snapshots.delete(snapshot) || this.superseded.length === this.cleaned) return
    this.clean()
  }

  private oldest(): number {
    let scn = this.scn
    for (const snapshot of this.snapshots) if (snapshot.scn < scn) scn = snapshot.scn
    return scn
  }

  private clean(): void {
    const oldest = this.oldest()
    const { superseded } = this
    while (this.cleaned < superseded.length && superseded[this.cleaned]!.scn <= oldest) {
      const { data, row } = superseded[this.cleaned++]!
      data.prune(row, oldest)
    }
    if (this.cleaned === superseded.length || this.cleaned > 10_000) {
      this.superseded = superseded.slice(this.cleaned)
      this.cleaned = 0
    }
  }

  /** Numbers a commit, makes the versions final and lets go of what they replaced. */
  commit(changes: ReadonlyArray<{ readonly data: TableData; readonly row: number }>): void {
    const scn = ++this.scn
    for (const { data, row } of changes) {
      const head = data.head(row)
      for (let version = head; version !== undefined && version.owner !== 0; version = version.older) {
        version.owner = 0
        version.scn = scn
      }
      if (head !== undefined && (head.older !== undefined || head.values === undefined)) {
        this.superseded.push({ data, row, scn })
      }
    }
    if (this.superseded.length > this.cleaned) this.clean()
  }
}

export const newIndex = (id: number, columns: ReadonlyArray<ColumnDef>): OrderedIndex =>
  new OrderedIndex(
    id,
    columns.map((column) => column.place),
    columns.map((column) => comparerOf(kindOf(column.type)))
  )

/** A table without rows, with the indexes of another one. */
export const emptyLike = (data: TableData, memory: Memory): TableData => {
  const empty = new TableData(memory)
  for (const index of data.indexes) empty.addIndex(new OrderedIndex(index.id, index.columns, index.comparers))
  return empty
}

/** The rows of a table that this session works with: its own ones when the table is temporary. */
export const dataOf = (table: Table, sid: number, memory: Memory): TableData => {
  if (table.temporary === undefined) return table.data
  let own = table.own.get(sid)
  if (own === undefined) {
    own = emptyLike(table.data, memory)
    table.own.set(sid, own)
  }
  return own
}

/** Everything a table has: one for all sessions, or one for each that has used a temporary table. */
export const allData = (table: Table): ReadonlyArray<TableData> => [table.data, ...table.own.values()]
