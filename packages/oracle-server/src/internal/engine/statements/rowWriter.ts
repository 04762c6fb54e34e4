/** Writes rows for one statement: fits the values, takes the row locks, keeps the constraints. */
import type { CheckConstraint, ColumnDef, ForeignConstraint, KeyConstraint, Table } from "../catalog/catalog.ts"
import { keyOfRow, type Partition, type Partitioning, partitionOfKey } from "../catalog/partitions.ts"
import type { Frame } from "../execute/frame.ts"
import type { Key, OrderedIndex } from "../storage/orderedIndex.ts"
import { current, type Row, type TableData, type Version } from "../storage/tableData.ts"
import type { Transaction } from "../storage/transaction.ts"
import type { Stored } from "../values/composite.ts"
import { fit } from "../values/fit.ts"
import { readJson } from "../values/json.ts"
import { oraError } from "../values/oraError.ts"
import {
  checkViolated,
  childFound,
  deferCheck,
  deferChildren,
  deferParent,
  deferUnique,
  parentMissing,
  uniqueViolated
} from "./deferredChecks.ts"

/** Another session holds what this statement needs: it is undone, waits and starts again. */
export class Blocked extends Error {
  readonly holder: number
  constructor(holder: number) {
    super("blocked")
    this.holder = holder
  }
}

/** A row was changed and committed after the statement had begun: it starts again at a later moment. */
export class Changed extends Error {
  constructor() {
    super("changed")
  }
}

interface Written {
  readonly table: Table
  readonly row: number
  readonly values: Row
  readonly old: Row | undefined
}

interface Gone {
  readonly table: Table
  readonly values: Row
  /** The new values, for an update that may have changed a key. */
  readonly now: Row | undefined
}

export interface RowWriterServices {
  readonly frame: Frame
  readonly transaction: Transaction
  readonly sid: number
  /** The first check constraint that the row violates, of those that are not put off. */
  readonly violated: (
    table: Table,
    row: Row,
    isDeferred: (check: CheckConstraint) => boolean
  ) => CheckConstraint | undefined
  /** The partition that a row goes to; undefined when it has none. */
  readonly partitionFor: (table: Table, row: Row) => Partition | undefined
  /** Fails when triggers would have to see what a foreign key does to the rows of this table. */
  readonly refuseCascade: (table: Table) => void
}

/** What a row of an index range means for a session that looks for a key. */
interface Candidate {
  readonly row: number
  readonly head: Version
}

/** A primary or unique key, or a unique index: its name, and the index that holds it. */
interface UniqueKey {
  readonly id: number
  readonly name: string
  readonly owner: string
  /** undefined for an index that is no constraint. */
  readonly key: KeyConstraint | undefined
}

const unmapped = () => oraError(14400, "inserted partition key does not map to any partition")

export class RowWriter {
  readonly #services: RowWriterServices
  readonly #statement: number
  readonly #written: Array<Written> = []
  readonly #gone: Array<Gone> = []
  readonly #keys = new Map<Table, ReadonlyArray<UniqueKey>>()
  #checkedGone = 0
  #checkedWritten = 0
  lastRow: { readonly table: Table; readonly row: number } | undefined

  constructor(services: RowWriterServices) {
    this.#services = services
    this.#statement = services.frame.snapshot.statement
  }

  #fitValue(table: Table, column: ColumnDef, value: Stored, isInsert: boolean): Stored {
    if (value === null) {
      if (column.nullable) return null
      throw isInsert
        ? oraError(1400, `cannot insert NULL into ("${table.owner}"."${table.name}"."${column.name}")`)
        : oraError(1407, `cannot update ("${table.owner}"."${table.name}"."${column.name}") to NULL`)
    }
    const fitted = fit(value, column.type, {
      kind: "column",
      owner: table.owner,
      table: table.name,
      column: column.name
    })
    if (column.isJson && typeof fitted === "string") checkJson(fitted, table, column)
    return fitted
  }

  /** `values`: those of the stored columns, in their order. */
  insert(table: Table, stored: ReadonlyArray<ColumnDef>, values: ReadonlyArray<Stored>): Row {
    const row: Row = []
    for (let i = 0; i < table.nextPlace; i++) row.push(null)
    for (let i = 0; i < stored.length; i++) {
      row[stored[i]!.place] = this.#fitValue(table, stored[i]!, values[i]!, true)
    }
    if (table.partitioning !== undefined && this.#services.partitionFor(table, row) === undefined) throw unmapped()
    const number = this.#services.transaction.insert(table, row, this.#statement)
    this.#written.push({ table, row: number, values: row, old: undefined })
    this.#check(table, row, number)
    this.lastRow = { table, row: number }
    return row
  }

  /** Takes the row, and sees that it is still what the statement has read. */
  lock(table: Table, row: number): Row {
    const { frame, sid, transaction } = this.#services
    const holder = transaction.lockRow(table, row)
    if (holder !== 0) throw new Blocked(holder)
    const head = transaction.data(table).head(row)
    if (head === undefined || head.values === undefined || (head.owner !== sid && head.scn > frame.snapshot.scn)) {
      if (transaction.isolation === "serializable") {
        throw oraError(8177, "can't serialize access for this transaction")
      }
      throw new Changed()
    }
    return head.values
  }

  /** `values`: those of the changed columns, in their order. */
  update(
    table: Table,
    number: number,
    old: Row,
    changed: ReadonlyArray<ColumnDef>,
    values: ReadonlyArray<Stored>
  ): Row {
    const row = [...old]
    for (let i = 0; i < changed.length; i++) {
      row[changed[i]!.place] = this.#fitValue(table, changed[i]!, values[i]!, false)
    }
    if (table.partitioning !== undefined) this.#move(table, table.partitioning, old, row)
    this.#services.transaction.replace(table, number, row, this.#statement)
    this.#written.push({ table, row: number, values: row, old })
    if (table.children.length > 0) this.#gone.push({ table, values: old, now: row })
    this.#check(table, row, number)
    this.lastRow = { table, row: number }
    return row
  }

  /** A row may go to another partition only where the table lets rows move. */
  #move(table: Table, partitioning: Partitioning, old: Row, row: Row): void {
    const from = partitionOfKey(partitioning, keyOfRow(partitioning, old))
    const to = this.#services.partitionFor(table, row)
    if (to === undefined) throw unmapped()
    if (from !== to && !partitioning.rowMovement) {
      throw oraError(14402, "updating partition key column would cause a partition change")
    }
  }

  remove(table: Table, number: number, old: Row): void {
    this.#services.transaction.replace(table, number, undefined, this.#statement)
    if (table.children.length > 0) this.#gone.push({ table, values: old, now: undefined })
    this.lastRow = { table, row: number }
  }

  #check(table: Table, row: Row, number: number): void {
    if (table.checks.length === 0) return
    const { transaction, violated } = this.#services
    const isDeferred = (check: CheckConstraint): boolean => transaction.deferral.isDeferred(check)
    const broken = violated(table, row, isDeferred)
    if (broken !== undefined) throw checkViolated(table.owner, broken.name)
    for (const check of table.checks) {
      if (!check.state.enabled || !isDeferred(check)) continue
      deferCheck(
        transaction,
        table,
        check,
        number,
        (values) => violated(table, values, (other) => other !== check) !== undefined
      )
    }
  }

  /** Keys and references hold at the end of the statement, not between its rows. May be left by suspension. */
  finish(): void {
    const { frame } = this.#services
    // Deletes that cascade add to the list while it is worked off.
    while (this.#checkedGone < this.#gone.length) {
      this.#parentGone(this.#gone[this.#checkedGone]!)
      this.#checkedGone++
      frame.step()
    }
    while (this.#checkedWritten < this.#written.length) {
      const written = this.#written[this.#checkedWritten]!
      this.#uniqueKeys(written)
      for (const foreign of written.table.foreign) if (foreign.state.enabled) this.#foreignKey(written, foreign)
      this.#checkedWritten++
      frame.step()
    }
  }

  /** Rows that have, or had, this key in some version. */
  *#candidates(data: TableData, index: OrderedIndex, key: Key): Iterable<Candidate> {
    const bound = { key, inclusive: true }
    const walk = index.range(bound, bound)
    for (let entry = walk.next(); entry !== undefined; entry = walk.next()) {
      const head = data.head(entry.row)
      if (head !== undefined) yield { row: entry.row, head }
    }
  }

  #has(index: OrderedIndex, version: Version | undefined, key: Key): boolean {
    return version?.values !== undefined && index.compare(index.keyOf(version.values), key) === 0
  }

  #keysOf(table: Table): ReadonlyArray<UniqueKey> {
    let keys = this.#keys.get(table)
    if (keys === undefined) {
      keys = [
        ...table.keys.filter((key) => key.state.enabled).map((key) => ({
          name: key.name,
          owner: table.owner,
          id: key.indexId,
          key
        })),
        ...table.indexes.filter((index) => index.unique).map((index) => ({
          name: index.name,
          owner: index.owner,
          id: index.indexId,
          key: undefined
        }))
      ]
      this.#keys.set(table, keys)
    }
    return keys
  }

  /** True when the key can be the row's, in whichever way the other session's transaction ends. */
  #mayHave(index: OrderedIndex, head: Version, key: Key): boolean {
    for (let version: Version | undefined = head; version !== undefined; version = version.older) {
      if (this.#has(index, version, key)) return true
      if (version.owner === 0) return false
    }
    return false
  }

  #uniqueKeys(written: Written): void {
    const { sid, transaction } = this.#services
    const { table } = written
    const data = transaction.data(table)
    for (const { id, key: constraint, name, owner } of this.#keysOf(table)) {
      const index = data.index(id)
      const key = index.keyOf(written.values)
      if (key.every((value) => value === null)) continue
      if (written.old !== undefined && index.compare(index.keyOf(written.old), key) === 0) continue
      // A row that the statement has changed again since is looked at by its last version.
      if (!this.#has(index, data.head(written.row), key)) continue
      for (const { head, row } of this.#candidates(data, index, key)) {
        if (row === written.row) continue
        if (head.owner !== 0 && head.owner !== sid) {
          if (this.#mayHave(index, head, key)) throw new Blocked(head.owner)
          continue
        }
        if (!this.#has(index, head, key)) continue
        if (constraint === undefined || !transaction.deferral.isDeferred(constraint)) throw uniqueViolated(owner, name)
        deferUnique(transaction, table, constraint, written.row)
        break
      }
    }
  }

  #foreignKey(written: Written, foreign: ForeignConstraint): void {
    const { sid, transaction } = this.#services
    const key = foreign.columns.map((column) => written.values[column.place] ?? null)
    if (key.some((value) => value === null)) return
    const data = transaction.data(foreign.parent)
    const index = data.index(foreign.key.indexId)
    if (
      written.old !== undefined &&
      index.compare(foreign.columns.map((column) => written.old![column.place] ?? null), key) === 0
    ) return
    let wait = 0
    for (const { head } of this.#candidates(data, index, key)) {
      if (head.owner === 0 || head.owner === sid) {
        if (this.#has(index, head, key)) return
        continue
      }
      const before = this.#has(index, current(head, sid), key)
      const after = this.#has(index, head, key)
      // With the same key in both versions the row stays a parent whatever becomes of the change.
      if (before && after) return
      if (before || after) wait = head.owner
    }
    if (wait !== 0) throw new Blocked(wait)
    if (!transaction.deferral.isDeferred(foreign)) throw parentMissing(written.table.owner, foreign.name)
    deferParent(transaction, written.table, foreign, written.row)
  }

  #parentGone(gone: Gone): void {
    const { sid, transaction } = this.#services
    for (const { constraint, table } of gone.table.children) {
      if (!constraint.state.enabled) continue
      const parents = transaction.data(gone.table)
      const parentIndex = parents.index(constraint.key.indexId)
      const key = parentIndex.keyOf(gone.values)
      if (gone.now !== undefined && parentIndex.compare(parentIndex.keyOf(gone.now), key) === 0) continue
      if (key.some((value) => value === null)) continue
      // The same key may have come back with another row of this statement.
      let isBack = false
      for (const { head } of this.#candidates(parents, parentIndex, key)) {
        if (this.#has(parentIndex, current(head, sid), key) && (head.owner === 0 || head.owner === sid)) isBack = true
      }
      if (isBack) continue
      const children = transaction.data(table)
      const childIndex = children.index(constraint.indexId)
      // The list is made first: what cascades changes the index.
      for (const { head, row } of Array.from(this.#candidates(children, childIndex, key))) {
        if (head.owner !== 0 && head.owner !== sid) {
          if (this.#mayHave(childIndex, head, key)) throw new Blocked(head.owner)
          continue
        }
        if (!this.#has(childIndex, head, key)) continue
        if (constraint.onDelete === undefined || gone.now !== undefined) {
          if (!transaction.deferral.isDeferred(constraint)) throw childFound(table.owner, constraint.name)
          deferChildren(transaction, table, constraint, key)
          break
        }
        this.#services.refuseCascade(table)
        const holder = transaction.lockRow(table, row)
        if (holder !== 0) throw new Blocked(holder)
        const last = this.lastRow
        const old = head.values!
        if (constraint.onDelete === "cascade") this.remove(table, row, old)
        else this.update(table, row, old, constraint.columns, constraint.columns.map(() => null))
        this.lastRow = last
      }
    }
  }
}

const checkJson = (value: string, table: Table, column: ColumnDef): void => {
  try {
    readJson(value)
  } catch {
    throw oraError(2290, `check constraint (${table.owner}.${column.name}) violated`)
  }
}
