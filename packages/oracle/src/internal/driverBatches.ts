/** How the driver takes the rows of a batch: a part of `driverInternals.ts`, which says what is to be done about private members. */
import type { DriverConnection } from "./oracledb.ts"

type Rows = ReadonlyArray<ReadonlyArray<unknown>>

type ProcessRows = (this: object, rows: unknown, definitions: unknown) => Promise<unknown>

const checked = new WeakSet<object>()

/**
 * A copy of the list of rows whose values need no other look: they were checked, and are values of what their columns are defined as, in
 * the form in which the driver keeps them.
 */
export const asChecked = (rows: Rows): Rows => {
  const marked = rows.slice()
  checked.add(marked)
  return marked
}

interface DriverColumn {
  readonly values: Array<unknown>
}

/** What the driver makes of definitions alone: a column for each, without values. */
const isColumns = (made: unknown, count: number): made is ReadonlyArray<DriverColumn> =>
  Array.isArray(made) && made.length === count && made.every((column: unknown) => {
    if (typeof column !== "object" || column === null || !("values" in column)) return false
    return Array.isArray(column.values) && column.values.length === 0
  })

/**
 * Makes the driver take the rows of `asChecked` at once. By itself it awaits a promise for each value (`_processExecuteManyBinds` in its
 * `lib/connection.js`). `false` where this release does it otherwise.
 */
export const takeCheckedRows = (connection: DriverConnection): boolean => {
  const process: unknown = Reflect.get(connection, "_processExecuteManyBinds")
  if (typeof process !== "function" || process.length !== 2) return false
  if (Object.hasOwn(connection, "_processExecuteManyBinds")) return true
  const processRows = process as ProcessRows
  const takeRows: ProcessRows = async function(rows, definitions) {
    if (!Array.isArray(rows) || !checked.has(rows) || !Array.isArray(definitions)) {
      return processRows.call(this, rows, definitions)
    }
    const columns = await processRows.call(this, [], definitions)
    if (!isColumns(columns, definitions.length)) return processRows.call(this, rows, definitions)
    for (const [at, { values }] of columns.entries()) {
      for (let row = 0; row < rows.length; row++) values.push((rows as Rows)[row]![at] ?? undefined)
    }
    return columns
  }
  Object.defineProperty(connection, "_processExecuteManyBinds", {
    value: takeRows,
    writable: true,
    configurable: true
  })
  return true
}
