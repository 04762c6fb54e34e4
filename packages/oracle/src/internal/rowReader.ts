/** Turns the rows of the driver into rows of the program: under names, with every value as its policy says. */
import * as Effect from "effect/Effect"
import { dateReader } from "./datePolicy.ts"
import { readObject } from "./dbObjects.ts"
import { readDaySecond, readYearMonth } from "./intervals.ts"
import { isNumberPolicy, numberReader, toNumber, Unfit } from "./numberPolicy.ts"
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
import { isUtcProcess } from "./processZone.ts"
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

/** A NUMBER of the policy `"number"`. */
const plainNumber: ReadValue = (value) =>
  typeof value === "string" ? toNumber(value) : typeof value === "number" ? lostDigits : value

const numberColumn = (column: ColumnMetadata, settings: ValueSettings): ReadValue => {
  const { numbers } = settings
  const policy = typeof numbers === "function" ? numbers({ name: column.name, type: column.dbType.name }) : numbers
  if (!isNumberPolicy(policy)) {
    const problem = new Unfit(
      `has no policy that could read it: the function \`numbers\` gave ${kindOf(policy)} for it`
    )
    return () => problem
  }
  if (policy === "number" && settings.safeIntegers !== "always") return plainNumber
  const read = numberReader(policy === "number" ? "safeIntegers" : policy)
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
    for (const row of value as ReadonlyArray<Array<unknown>>) {
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
      return read === undefined || isUtcProcess() ? undefined : (value) => value instanceof Date ? read(value) : value
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

/** The same in one of many rows, counted from 0. */
class RowMisfit extends Misfit {
  readonly row: number

  constructor(column: string, problem: string, row: number) {
    super(column, problem)
    this.row = row
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

/** From how many rows on it pays to make an empty row first, which the others are copies of. */
const copiedFrom = 32

/** How many rows are converted column by column before they are made into objects: few enough to stay in the processor's cache. */
const blockSize = 1000

/**
 * A row with every column and no value. A copy of it is made in one piece, and holds any value as it is; an object that columns are added
 * to one by one grows several times, and keeps a fraction in a place of its own.
 */
const emptyRow = (names: ReadonlyArray<string>): Row => {
  // What is parsed has room for just these; and a column named "__proto__" is one like any other.
  const row = JSON.parse(`{${names.map((name) => `${JSON.stringify(name)}:null`).join(",")}}`) as Record<
    string,
    unknown
  >
  for (const value of [0, "", null]) for (const name of names) row[name] = value
  return row
}

export class RowReader {
  readonly #columns: ReadonlyArray<ReadColumn>
  readonly #names: ReadonlyArray<string>
  readonly #clash: Misfit | undefined
  #empty: Row | undefined = undefined

  constructor(metaData: ReadonlyArray<ColumnMetadata>, settings: ValueSettings, handles: Handles) {
    this.#columns = metaData.map((column) => ({
      name: settings.columnNames === undefined ? column.name : settings.columnNames(column.name),
      read: readerOf(column, settings, handles)
    }))
    this.#names = this.#columns.map(({ name }) => name)
    this.#clash = clash(metaData, this.#columns)
    if (this.#names.includes("__proto__")) this.#empty = emptyRow(this.#names)
  }

  /** Reads one row. */
  read(values: Array<unknown>): Row | Misfit {
    return this.#clash ?? this.#convert([values], 0, 1) ?? this.#named(values)
  }

  /** Puts what their policies say into the place of the values of some rows; answers with the first, row by row, that does not fit. */
  #convert(rows: ReadonlyArray<Array<unknown>>, from: number, to: number): RowMisfit | undefined {
    let misfit: RowMisfit | undefined
    let end = to
    for (let at = 0; at < this.#columns.length; at++) {
      const { name, read } = this.#columns[at]!
      if (read === undefined) continue
      const problem = read === plainNumber
        ? convertNumbers(rows, at, from, end)
        : convertColumn(rows, at, from, end, read)
      if (problem === undefined) continue
      misfit = new RowMisfit(name, problem.problem, problem.row)
      end = problem.row
    }
    return misfit
  }

  #named(values: ReadonlyArray<unknown>): Row {
    const names = this.#names
    const row: Record<string, unknown> = this.#empty === undefined ? {} : { ...this.#empty }
    for (let at = 0; at < names.length; at++) {
      const value = values[at]
      row[names[at]!] = value === undefined ? null : value
    }
    return row
  }

  /** Reads whole results as arrays: those that the driver gave. */
  readAllValues(
    rows: ReadonlyArray<Array<unknown>>,
    sql: string
  ): Effect.Effect<ReadonlyArray<ReadonlyArray<unknown>>, RowDecodeError> {
    for (let from = 0; from < rows.length; from += blockSize) {
      const to = Math.min(rows.length, from + blockSize)
      const misfit = this.#convert(rows, from, to)
      if (misfit !== undefined) return failure(misfit, misfit.row, sql)
      for (let row = from; row < to; row++) {
        const values = rows[row]!
        for (let at = 0; at < this.#columns.length; at++) values[at] ??= null
      }
    }
    return Effect.succeed(rows)
  }

  /** Reads rows of which `before` have come already, in the place of the driver's arrays. */
  readAll(
    rows: Array<Array<unknown>>,
    before: number,
    sql: string | undefined
  ): Effect.Effect<ReadonlyArray<Row>, RowDecodeError> {
    // Not only when there are rows: a program should fail in its first test.
    if (this.#clash !== undefined && (before === 0 || rows.length > 0)) return failure(this.#clash, before, sql)
    if (rows.length >= copiedFrom) this.#empty ??= emptyRow(this.#names)
    const read = rows as Array<unknown> as Array<Row>
    for (let from = 0; from < rows.length; from += blockSize) {
      const to = Math.min(rows.length, from + blockSize)
      const misfit = this.#convert(rows, from, to)
      if (misfit !== undefined) return failure(misfit, before + misfit.row, sql)
      // An array is garbage as soon as its row is made.
      for (let row = from; row < to; row++) read[row] = this.#named(rows[row]!)
    }
    return Effect.succeed(read)
  }
}

const failure = (
  { column, problem }: Misfit,
  row: number,
  sql: string | undefined
): Effect.Effect<never, RowDecodeError> =>
  Effect.fail(
    new RowDecodeError({ row: row + 1, column, problem, ...(sql !== undefined && { sql: redactStatement(sql) }) })
  )

/** Where a column has a value that does not fit, and why. */
interface Problem {
  readonly row: number
  readonly problem: string
}

const convertColumn = (
  rows: ReadonlyArray<Array<unknown>>,
  at: number,
  from: number,
  to: number,
  read: ReadValue
): Problem | undefined => {
  for (let row = from; row < to; row++) {
    const values = rows[row]!
    const value = values[at]
    if (value === null || value === undefined) continue
    const result = read(value)
    if (result instanceof Unfit) return { row, problem: result.problem }
    values[at] = result
  }
  return undefined
}

/** The same for the column that most tables have most of, without a call for each value. */
const convertNumbers = (
  rows: ReadonlyArray<Array<unknown>>,
  at: number,
  from: number,
  to: number
): Problem | undefined => {
  for (let row = from; row < to; row++) {
    const values = rows[row]!
    const value = values[at]
    if (value === null || value === undefined) continue
    const result = typeof value === "string" ? toNumber(value) : plainNumber(value)
    if (result instanceof Unfit) return { row, problem: result.problem }
    values[at] = result
  }
  return undefined
}
