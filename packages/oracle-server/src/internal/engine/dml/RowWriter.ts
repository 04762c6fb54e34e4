/** Writes rows for one statement: fits the values, takes the row locks, keeps the constraints. */
import type { ColumnDef, ForeignConstraint, Table } from "../Catalog.ts"
import type { Stored } from "../Convert.ts"
import { fit } from "../Fit.ts"
import type { NumberBytes } from "../OracleNumber.ts"
import { oraError } from "../OraError.ts"
import type { Store } from "../Store.ts"
import type { Transaction } from "../Transaction.ts"
import { storedColumns } from "./DmlPlan.ts"

/** Another session holds what this statement needs: it is undone, waits and starts again. */
export class Blocked extends Error {
  readonly holder: number
  constructor(holder: number) {
    super("blocked")
    this.holder = holder
  }
}

/** Versions as a check of keys sees them: v, r, x, d. */
type Version = readonly [number, number, number, number]

interface Changed {
  readonly table: Table
  readonly version: number
  readonly row: number
  readonly values: ReadonlyArray<Stored>
  readonly old: ReadonlyArray<Stored> | undefined
}

interface Gone {
  readonly table: Table
  readonly values: ReadonlyArray<Stored>
  /** The new values, for an update that may have changed a key. */
  readonly now: ReadonlyArray<Stored> | undefined
}

const equal = (a: Stored, b: Stored): boolean =>
  a === b || (a instanceof Uint8Array && b instanceof Uint8Array && Buffer.compare(a, b) === 0)

export interface RowWriterServices {
  readonly store: Store
  readonly transaction: Transaction
  readonly sid: number
  readonly nextSequence: (id: number) => NumberBytes
  /** Results of the table's check constraints for a version: 0 is a violation. */
  readonly checks: (table: Table, version: number) => ReadonlyArray<Stored>
}

export class RowWriter {
  private readonly services: RowWriterServices
  private readonly changed: Array<Changed> = []
  private readonly gone: Array<Gone> = []
  lastRow: { readonly table: Table; readonly row: number } | undefined

  constructor(services: RowWriterServices) {
    this.services = services
  }

  private fitRow(
    table: Table,
    stored: ReadonlyArray<ColumnDef>,
    values: ReadonlyArray<Stored>,
    only: ReadonlyArray<number> | undefined
  ): Array<Stored> {
    return values.map((value, i) => {
      const column = stored[i]!
      if (only !== undefined && !only.includes(i)) return value
      if (value === null) {
        if (!column.nullable) {
          throw only === undefined
            ? oraError(1400, `cannot insert NULL into ("${table.owner}"."${table.name}"."${column.name}")`)
            : oraError(1407, `cannot update ("${table.owner}"."${table.name}"."${column.name}") to NULL`)
        }
        return null
      }
      const fitted = fit(value, column.type, {
        kind: "column",
        owner: table.owner,
        table: table.name,
        column: column.name
      })
      if (column.isJson && typeof fitted === "string") this.checkJson(fitted, table, column)
      return fitted
    })
  }

  private checkJson(value: string, table: Table, column: ColumnDef): void {
    try {
      JSON.parse(value)
    } catch {
      throw oraError(2290, `check constraint (${table.owner}.${column.name}) violated`)
    }
  }

  insert(table: Table, values: ReadonlyArray<Stored>, omitted: ReadonlySet<ColumnDef>): number {
    const stored = storedColumns(table)
    const filled = values.map((value, i) => {
      const column = stored[i]!
      if (column.identity === undefined) return value
      const wanted = (value === null && column.identity.mode === "onnull") || omitted.has(column)
      return wanted ? this.services.nextSequence(column.identity.sequence.id) : value
    })
    const fitted = this.fitRow(table, stored, filled, undefined)
    const row = table.nextRow++
    const version = this.services.transaction.insert(table, row, fitted)
    // A new row is its session's own until the end of the transaction.
    this.services.transaction.lockRow(table, row)
    this.changed.push({ table, version, row, values: fitted, old: undefined })
    this.check(table, version)
    this.lastRow = { table, row }
    return version
  }

  lock(table: Table, row: number): void {
    const holder = this.services.transaction.lockRow(table, row)
    if (holder !== 0) throw new Blocked(holder)
  }

  update(
    table: Table,
    version: number,
    row: number,
    own: boolean,
    old: ReadonlyArray<Stored>,
    values: ReadonlyArray<Stored>,
    changed: ReadonlyArray<number>
  ): number {
    const fitted = this.fitRow(table, storedColumns(table), values, changed)
    const next = this.services.transaction.replace(table, version, own, row, fitted)
    this.changed.push({ table, version: next, row, values: fitted, old })
    if (table.children.length > 0) this.gone.push({ table, values: old, now: fitted })
    this.check(table, next)
    this.lastRow = { table, row }
    return next
  }

  remove(table: Table, version: number, row: number, old: ReadonlyArray<Stored>): void {
    this.services.transaction.remove(table, version)
    if (table.children.length > 0) this.gone.push({ table, values: old, now: undefined })
    this.lastRow = { table, row }
  }

  private check(table: Table, version: number): void {
    if (table.checks.length === 0) return
    const results = this.services.checks(table, version)
    for (let i = 0; i < results.length; i++) {
      if (results[i] === 0) throw oraError(2290, `check constraint (${table.owner}.${table.checks[i]!.name}) violated`)
    }
  }

  /** Keys and references hold at the end of the statement, not between its rows. */
  finish(): void {
    // Deletes that cascade add to the list while it is worked off.
    for (let i = 0; i < this.gone.length; i++) this.parentGone(this.gone[i]!)
    for (const change of this.changed) {
      this.uniqueKeys(change)
      for (const foreign of change.table.foreign) this.foreignKey(change, foreign)
    }
  }

  private keyValues(
    table: Table,
    values: ReadonlyArray<Stored>,
    columns: ReadonlyArray<ColumnDef>
  ): ReadonlyArray<Stored> {
    const stored = storedColumns(table)
    return columns.map((column) => values[stored.indexOf(column)] ?? null)
  }

  private versions(
    table: Table,
    columns: ReadonlyArray<ColumnDef>,
    key: ReadonlyArray<Stored>
  ): ReadonlyArray<Version> {
    const test = columns.map((column, i) => key[i] === null ? `${column.physical} IS NULL` : `${column.physical}=?`)
      .join(" AND ")
    const session = table.temporary === undefined ? "" : ` AND s=${this.services.sid}`
    return this.services.store.rows(
      `SELECT v,r,x,d FROM ${table.physical} WHERE ${test}${session}`,
      ...key.filter((value) => value !== null)
    ) as unknown as ReadonlyArray<Version>
  }

  private uniqueKeys(change: Changed): void {
    const { sid } = this.services
    const { table } = change
    const keys = [
      ...table.keys.map((key) => ({ name: key.name, owner: table.owner, columns: key.columns })),
      ...table.indexes.filter((index) => index.unique).map((index) => ({
        name: index.name,
        owner: index.owner,
        columns: index.columns
      }))
    ]
    for (const key of keys) {
      const values = this.keyValues(table, change.values, key.columns)
      if (values.every((value) => value === null)) continue
      if (
        change.old !== undefined &&
        this.keyValues(table, change.old, key.columns).every((value, i) => equal(value, values[i]!))
      ) continue
      for (const [v, , x, d] of this.versions(table, key.columns, values)) {
        if (v === change.version || d === sid) continue
        if (x !== 0 && x !== sid) throw new Blocked(x)
        if (d !== 0) throw new Blocked(d)
        throw oraError(1, `unique constraint (${key.owner}.${key.name}) violated`)
      }
    }
  }

  private foreignKey(change: Changed, foreign: ForeignConstraint): void {
    const { sid } = this.services
    const key = this.keyValues(change.table, change.values, foreign.columns)
    if (key.some((value) => value === null)) return
    if (
      change.old !== undefined &&
      this.keyValues(change.table, change.old, foreign.columns).every((value, i) => equal(value, key[i]!))
    ) return
    let wait = 0
    for (const [, r, x, d] of this.versions(foreign.parent, foreign.key.columns, key)) {
      if (x === 0 || x === sid) {
        if (d === 0) return
        if (d === sid) continue
        // Another session has replaced this version: with the same key the row stays a parent whatever becomes of it.
        if (
          this.versions(foreign.parent, foreign.key.columns, key).some(([, row, maker]) => row === r && maker === d)
        ) return
        wait = d
      } else wait = x
    }
    if (wait !== 0) throw new Blocked(wait)
    throw oraError(2291, `integrity constraint (${change.table.owner}.${foreign.name}) violated - parent key not found`)
  }

  private parentGone(gone: Gone): void {
    const { sid, store } = this.services
    for (const { constraint, table } of gone.table.children) {
      const key = this.keyValues(gone.table, gone.values, constraint.key.columns)
      if (
        gone.now !== undefined &&
        this.keyValues(gone.table, gone.now, constraint.key.columns).every((value, i) => equal(value, key[i]!))
      ) continue
      if (key.some((value) => value === null)) continue
      // The same key may have come back with another row of this statement.
      if (
        this.versions(gone.table, constraint.key.columns, key).some(([, , x, d]) => (x === 0 || x === sid) && d === 0)
      ) continue
      for (const [v, r, x, d] of this.versions(table, constraint.columns, key)) {
        if (d === sid) continue
        if (x !== 0 && x !== sid) throw new Blocked(x)
        if (d !== 0) throw new Blocked(d)
        if (constraint.onDelete === undefined || gone.now !== undefined) {
          throw oraError(2292, `integrity constraint (${table.owner}.${constraint.name}) violated - child record found`)
        }
        this.lock(table, r)
        const stored = storedColumns(table)
        const old = store.rows(
          `SELECT ${stored.map((column) => column.physical).join(",")} FROM ${table.physical} WHERE v=?`,
          v
        )[0]!
        const last = this.lastRow
        if (constraint.onDelete === "cascade") this.remove(table, v, r, old)
        else {
          const indexes = constraint.columns.map((column) => stored.indexOf(column))
          this.update(table, v, r, x === sid, old, old.map((value, i) => indexes.includes(i) ? null : value), indexes)
        }
        this.lastRow = last
      }
    }
  }
}
