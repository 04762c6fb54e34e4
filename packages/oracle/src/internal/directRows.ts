/** Rows for a direct path load. The driver writes them in the form of the columns, and converts nothing. */
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as OracleBind from "../OracleBind.ts"
import { isYearMonth } from "../OracleInterval.ts"
import { checkDate, checkJson, checkNumber, naming, RefusedBind } from "./bindRefusal.ts"
import { dateForDriver, type DatePolicy } from "./datePolicy.ts"
import { writeDaySecond, writeYearMonth } from "./intervals.ts"
import { exactNumber } from "./numberPolicy.ts"
import { type ColumnMetadata, type DbType, driver } from "./oracledb.ts"

type Write = (value: unknown, dates: DatePolicy) => unknown

const notOf = (column: string, expected: string, value: unknown): RefusedBind =>
  new RefusedBind(
    `a ${column} column takes ${expected}, not ${typeof value === "object" ? "an object" : `a ${typeof value}`}`
  )

/** An empty text is NULL in the database; the driver would send it as one that is not. */
const text: Write = (value) => {
  if (typeof value !== "string") throw notOf("text", "a text", value)
  return value === "" ? null : value
}

const number: Write = (value) => {
  const exact = BigDecimal.isBigDecimal(value) ? Option.getOrUndefined(exactNumber(value)) : value
  if (exact === undefined) {
    throw new RefusedBind(
      "a direct path load takes only decimals that a number or a bigint holds exactly; load it by array DML"
    )
  }
  if (typeof exact !== "number" && typeof exact !== "bigint") {
    throw notOf("NUMBER", "a number, a bigint or a BigDecimal", value)
  }
  checkNumber(exact)
  return exact
}

const double: Write = (value) => {
  if (typeof value !== "number") throw notOf("BINARY_DOUBLE or BINARY_FLOAT", "a number", value)
  return value
}

const dateOf = (value: unknown, column: string): Date => {
  if (value instanceof Date) return value
  if (DateTime.isDateTime(value)) return new Date(DateTime.toEpochMillis(value))
  throw notOf(column, "a Date or a DateTime", value)
}

/** A `DateTime` is a moment, and stands in a column without zone as what it is in UTC, as it does with array DML. */
const withoutZone: Write = (value, dates) => {
  const date = dateOf(value, "DATE or TIMESTAMP")
  const policy = value instanceof Date ? dates : "utc"
  checkDate(date, policy)
  return dateForDriver(policy, date)
}

const withZone: Write = (value) => {
  const date = dateOf(value, "TIMESTAMP WITH TIME ZONE")
  checkDate(date, "utc")
  return date
}

const bytes: Write = (value) => {
  if (!(value instanceof Uint8Array)) throw notOf("RAW or BLOB", "bytes", value)
  return value.length === 0 ? null : Buffer.from(value.buffer, value.byteOffset, value.byteLength)
}

const boolean: Write = (value) => {
  if (typeof value !== "boolean") throw notOf("BOOLEAN", "a boolean", value)
  return value
}

const daySecond: Write = (value) => {
  if (!Duration.isDuration(value)) throw notOf("INTERVAL DAY TO SECOND", "a Duration", value)
  return writeDaySecond(value).val
}

const yearMonth: Write = (value) => {
  if (!isYearMonth(value)) throw notOf("INTERVAL YEAR TO MONTH", "a YearMonth", value)
  return writeYearMonth(value).val
}

const json: Write = (value) => {
  checkJson(value)
  return value
}

const asIs: Write = (value) => value

const writers = new Map<DbType, Write>([
  [driver.DB_TYPE_VARCHAR, text],
  [driver.DB_TYPE_NVARCHAR, text],
  [driver.DB_TYPE_CHAR, text],
  [driver.DB_TYPE_CLOB, text],
  [driver.DB_TYPE_NUMBER, number],
  [driver.DB_TYPE_BINARY_DOUBLE, double],
  [driver.DB_TYPE_BINARY_FLOAT, double],
  [driver.DB_TYPE_DATE, withoutZone],
  [driver.DB_TYPE_TIMESTAMP, withoutZone],
  [driver.DB_TYPE_TIMESTAMP_TZ, withZone],
  [driver.DB_TYPE_TIMESTAMP_LTZ, withZone],
  [driver.DB_TYPE_RAW, bytes],
  [driver.DB_TYPE_BLOB, bytes],
  [driver.DB_TYPE_BOOLEAN, boolean],
  [driver.DB_TYPE_INTERVAL_DS, daySecond],
  [driver.DB_TYPE_INTERVAL_YM, yearMonth],
  [driver.DB_TYPE_JSON, json],
  [driver.DB_TYPE_VECTOR, asIs]
])

/** A row with its values in the order of the columns, as the driver takes them for a direct path load. */
export const directRow = (
  row: ReadonlyArray<OracleBind.Bind>,
  columns: ReadonlyArray<ColumnMetadata>,
  dates: DatePolicy
): ReadonlyArray<unknown> =>
  row.map((bind, index) => {
    const { dbType, name } = columns[index]!
    const value = OracleBind.isDescribed(bind) ? bind.value : bind
    if (value === null || value === undefined) return null
    const write = writers.get(dbType)
    if (write === undefined) {
      throw new RefusedBind(`a direct path load cannot write ${dbType.name} (column ${name}); load it by array DML`)
    }
    return naming(`for ${name}`, () => write(value, dates))
  })
