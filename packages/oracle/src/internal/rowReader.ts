/** Turns the rows of the driver into rows of the program: under names, with every value as its policy says. */
import * as Effect from "effect/Effect"
import { dateReader } from "./datePolicy.ts"
import { readObject } from "./dbObjects.ts"
import { readDaySecond, readYearMonth } from "./intervals.ts"
import { isNumberPolicy, numberReader, Unfit } from "./numberPolicy.ts"
import {
  type ColumnMetadata,
  type DbType,
  driver,
  type ExecuteOptions,
  type IntervalDS,
  type IntervalYM,
  type Lob,
  type ResultSet
} from "./oracledb.ts"
import { kindOf } from "./refusal.ts"
import { RowDecodeError } from "./rowDecodeError.ts"
import { redactStatement } from "./secretRedaction.ts"
import type { ValueSettings } from "./valueSettings.ts"

/**
 * A row: the value of each column under its name, null where it has none.
 *
 * **When to use**
 *
 * Use it for rows that no schema describes; with the option `schema` rows are of the type that the schema says.
 *
 * **Example** (A column of a row)
 *
 * ```ts
 * import type { OracleConnection } from "@sessionpool/oracle"
 *
 * const nameOf = (row: OracleConnection.Row) => row["NAME"]
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface Row {
  readonly [column: string]: unknown
}

/** What becomes of values that live on in the session. */
export interface Handles {
  readonly lob: (lob: Lob) => unknown
  readonly cursor: (resultSet: ResultSet) => unknown
}

/**
 * The types in which columns are fetched. Those that the application can change for the whole process (`fetchAsString`,
 * `fetchAsBuffer`) are named here even where they are the default, so that they read the same in every application.
 */
const fetched = new Map<DbType, DbType>([
  [driver.DB_TYPE_NUMBER, driver.DB_TYPE_VARCHAR],
  [driver.DB_TYPE_TIMESTAMP_LTZ, driver.DB_TYPE_TIMESTAMP_TZ],
  ...[
    driver.DB_TYPE_BINARY_DOUBLE,
    driver.DB_TYPE_BINARY_FLOAT,
    driver.DB_TYPE_DATE,
    driver.DB_TYPE_TIMESTAMP,
    driver.DB_TYPE_TIMESTAMP_TZ,
    driver.DB_TYPE_CLOB,
    driver.DB_TYPE_NCLOB,
    driver.DB_TYPE_BLOB,
    driver.DB_TYPE_RAW,
    driver.DB_TYPE_JSON,
    driver.DB_TYPE_VECTOR
  ].map((type) => [type, type] as const)
])

const fetchedWhole = new Map<DbType, DbType>([
  ...fetched,
  [driver.DB_TYPE_CLOB, driver.DB_TYPE_VARCHAR],
  [driver.DB_TYPE_NCLOB, driver.DB_TYPE_NVARCHAR],
  [driver.DB_TYPE_BLOB, driver.DB_TYPE_RAW]
])

const handler = (types: ReadonlyMap<DbType, DbType>) => (column: ColumnMetadata) => {
  const type = types.get(column.dbType)
  return type === undefined ? undefined : { type }
}

const withHandles = handler(fetched)
const withValues = handler(fetchedWhole)

const optionsOf = (settings: ValueSettings): ExecuteOptions => ({
  outFormat: driver.OUT_FORMAT_ARRAY,
  fetchTypeHandler: settings.lobs === "value" ? withValues : withHandles,
  fetchArraySize: settings.fetchArraySize,
  prefetchRows: settings.prefetchRows,
  // What the application has set for the whole process must not change what this package reads.
  autoCommit: false,
  dbObjectAsPojo: false,
  maxRows: 0
})

/** Most statements of a pool run under the same settings; the driver copies what it is given. */
const knownOptions = new WeakMap<ValueSettings, ExecuteOptions>()

/** The options under which the driver hands out what a `RowReader` reads. */
export const executeOptions = (settings: ValueSettings): ExecuteOptions => {
  const known = knownOptions.get(settings)
  if (known !== undefined) return known
  const options = optionsOf(settings)
  knownOptions.set(settings, options)
  return options
}

type ReadValue = (value: unknown) => unknown

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null

const isLob = (value: unknown): value is Lob => isObject(value) && "getData" in value

const isResultSet = (value: unknown): value is ResultSet => isObject(value) && "getRows" in value

const lostDigits = new Unfit(
  "was read by the driver as a double, which lost digits, as in every nested cursor; read it as \"double\", or with to_char"
)

const numberColumn = (column: ColumnMetadata, settings: ValueSettings): ReadValue => {
  const { numbers } = settings
  const policy = typeof numbers === "function" ? numbers({ name: column.name, type: column.dbType.name }) : numbers
  if (!isNumberPolicy(policy)) {
    const problem = new Unfit(
      `has no policy that could read it: the function \`numbers\` gave ${kindOf(policy)} for it`
    )
    return () => problem
  }
  const read = numberReader(policy === "number" && settings.safeIntegers === "always" ? "safeIntegers" : policy)
  return (value) =>
    typeof value === "string" ? read(value) : typeof value === "number" && policy !== "double" ? lostDigits : value
}

const nestedColumn = (column: ColumnMetadata, settings: ValueSettings, handles: Handles): ReadValue => {
  let reader: RowReader | undefined
  return (value) => {
    if (isResultSet(value)) return handles.cursor(value)
    if (!Array.isArray(value) || column.metaData === undefined) return value
    reader ??= new RowReader(column.metaData, settings, handles)
    const rows: Array<Row> = []
    for (const row of value as ReadonlyArray<ReadonlyArray<unknown>>) {
      const read = reader.read(row)
      if (read instanceof Misfit) {
        return new Unfit(`row ${rows.length + 1} of it, column ${read.column}: ${read.problem}`)
      }
      rows.push(read)
    }
    return rows
  }
}

const readerOf = (column: ColumnMetadata, settings: ValueSettings, handles: Handles): ReadValue | undefined => {
  switch (column.dbType) {
    case driver.DB_TYPE_NUMBER:
      return numberColumn(column, settings)
    case driver.DB_TYPE_DATE:
    case driver.DB_TYPE_TIMESTAMP: {
      const read = dateReader(settings.dates)
      return read === undefined ? undefined : (value) => value instanceof Date ? read(value) : value
    }
    case driver.DB_TYPE_INTERVAL_DS:
      return (value) => readDaySecond(value as IntervalDS)
    case driver.DB_TYPE_INTERVAL_YM:
      return (value) => readYearMonth(value as IntervalYM)
    case driver.DB_TYPE_CLOB:
    case driver.DB_TYPE_NCLOB:
    case driver.DB_TYPE_BLOB:
    case driver.DB_TYPE_BFILE:
      return (value) => isLob(value) ? handles.lob(value) : value
    case driver.DB_TYPE_OBJECT:
      return (value) => readObject(value, column.name, settings)
    case driver.DB_TYPE_CURSOR:
      return nestedColumn(column, settings, handles)
    default:
      return undefined
  }
}

/** A value that does not fit, and where. */
class Misfit {
  readonly column: string
  readonly problem: string

  constructor(column: string, problem: string) {
    this.column = column
    this.problem = problem
  }
}

interface ReadColumn {
  readonly name: string
  readonly read: ReadValue | undefined
}

/** Two columns of one name, of which a row could hold only one. */
const clash = (metaData: ReadonlyArray<ColumnMetadata>, columns: ReadonlyArray<ReadColumn>): Misfit | undefined => {
  const seen = new Map<string, number>()
  for (const [index, { name }] of columns.entries()) {
    if (typeof name !== "string") {
      return new Misfit(metaData[index]!.name, `has no name: the function \`columnNames\` gave ${kindOf(name)} for it`)
    }
    const first = seen.get(name)
    if (first !== undefined) {
      const place = (at: number): string => `${JSON.stringify(metaData[at]!.name)} (column ${at + 1})`
      return new Misfit(
        name,
        `stands for both ${place(first)} and ${
          place(index)
        }, and a row can hold only one of them: give one an alias, such ` +
          "as `as b_id`"
      )
    }
    seen.set(name, index)
  }
  return undefined
}

export class RowReader {
  readonly #columns: ReadonlyArray<ReadColumn>
  readonly #clash: Misfit | undefined

  constructor(metaData: ReadonlyArray<ColumnMetadata>, settings: ValueSettings, handles: Handles) {
    this.#columns = metaData.map((column) => ({
      name: settings.columnNames === undefined ? column.name : settings.columnNames(column.name),
      read: readerOf(column, settings, handles)
    }))
    this.#clash = clash(metaData, this.#columns)
  }

  read(values: ReadonlyArray<unknown>): Row | Misfit {
    if (this.#clash !== undefined) return this.#clash
    const row: Record<string, unknown> = {}
    for (let i = 0; i < this.#columns.length; i++) {
      const { name, read } = this.#columns[i]!
      const value = values[i]
      const result = read === undefined || value === null || value === undefined ? value : read(value)
      if (result instanceof Unfit) return new Misfit(name, result.problem)
      row[name] = result === undefined ? null : result
    }
    return row
  }

  /** Reads whole results as arrays. */
  readAllValues(
    rows: ReadonlyArray<ReadonlyArray<unknown>>,
    sql: string
  ): Effect.Effect<ReadonlyArray<ReadonlyArray<unknown>>, RowDecodeError> {
    const found: Array<ReadonlyArray<unknown>> = []
    for (const values of rows) {
      const row: Array<unknown> = []
      for (let i = 0; i < this.#columns.length; i++) {
        const { name, read } = this.#columns[i]!
        const value = values[i] ?? null
        const result = read === undefined || value === null ? value : read(value)
        if (result instanceof Unfit) {
          return Effect.fail(
            new RowDecodeError({
              row: found.length + 1,
              column: name,
              problem: result.problem,
              sql: redactStatement(sql)
            })
          )
        }
        row.push(result)
      }
      found.push(row)
    }
    return Effect.succeed(found)
  }

  /** Reads rows of which `before` have come already. */
  readAll(
    rows: ReadonlyArray<ReadonlyArray<unknown>>,
    before: number,
    sql: string | undefined
  ): Effect.Effect<ReadonlyArray<Row>, RowDecodeError> {
    const read: Array<Row> = []
    // Not only when there are rows: a program should fail in its first test.
    if (this.#clash !== undefined && before === 0 && rows.length === 0) {
      return Effect.fail(
        new RowDecodeError({ row: 1, ...this.#clash, ...(sql !== undefined && { sql: redactStatement(sql) }) })
      )
    }
    for (const values of rows) {
      const row = this.read(values)
      if (row instanceof Misfit) {
        return Effect.fail(
          new RowDecodeError({
            row: before + read.length + 1,
            column: row.column,
            problem: row.problem,
            ...(sql !== undefined && { sql: redactStatement(sql) })
          })
        )
      }
      read.push(row)
    }
    return Effect.succeed(read)
  }
}
