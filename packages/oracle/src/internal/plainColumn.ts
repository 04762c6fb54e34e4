/**
 * Columns of a batch that hold nothing but numbers, texts, bytes, booleans and dates, as nearly all do: written in one pass over the rows.
 * `batchBinds.ts` writes every other column, to the same values and the same definition.
 */
import { checkDate, checkNumber, RefusedBind } from "./bindRefusal.ts"
import { type DatePolicy, dateWriter } from "./datePolicy.ts"
import { type BindUnit, driver } from "./oracledb.ts"

/** The values of a column, row by row, and what the driver is told of them all. */
export interface Column {
  readonly definition: BindUnit
  readonly values: ReadonlyArray<unknown>
}

/** UTF-8 takes three bytes at the most for a unit of UTF-16. */
const bytesOfUnit = 3

/** From here on it matters how long exactly a text is: the server takes longer ones in another way. */
const exactFrom = 4000

/**
 * The most bytes that a text of a column takes. A bound is as good as the exact size, and does not depend on every single text: a
 * statement is not parsed anew for the next batch.
 */
const textSize = (values: ReadonlyArray<unknown>, mostUnits: number): number => {
  if (mostUnits * bytesOfUnit <= exactFrom) return mostUnits * bytesOfUnit
  let most = 0
  for (const value of values) if (typeof value === "string") most = Math.max(most, Buffer.byteLength(value))
  return most
}

const definitionOf = (first: unknown, size: number): BindUnit => {
  switch (typeof first) {
    case "number":
    case "bigint":
      return { type: driver.DB_TYPE_NUMBER }
    case "boolean":
      return { type: driver.DB_TYPE_BOOLEAN }
    case "object":
      if (first instanceof Date) return { type: driver.DB_TYPE_TIMESTAMP }
      if (Buffer.isBuffer(first)) return { type: driver.DB_TYPE_RAW, maxSize: size }
  }
  return { type: driver.DB_TYPE_VARCHAR, maxSize: size }
}

/**
 * The column of that name or number in all rows; `undefined` where a value needs more than is known here. What is refused says the row.
 */
export const plainColumn = (
  where: string,
  rows: ReadonlyArray<unknown>,
  key: string,
  dates: DatePolicy
): Column | undefined => {
  const values: Array<unknown> = []
  let first: unknown
  let mostUnits = 0
  let mostBytes = 1
  let writeDate: ((date: Date) => Date) | undefined
  try {
    for (let row = 0; row < rows.length; row++) {
      let value = (rows[row] as { readonly [key: string]: unknown })[key]
      switch (typeof value) {
        case "number":
        case "bigint":
          checkNumber(value)
          break
        case "string":
          if (value.length > mostUnits) mostUnits = value.length
          break
        case "object":
          if (value === null) break
          if (value instanceof Date) {
            checkDate(value, dates)
            writeDate ??= dateWriter(dates)
            value = writeDate(value)
          } else if (Buffer.isBuffer(value)) {
            if (value.length > mostBytes) mostBytes = value.length
          } else {
            return undefined
          }
          break
        case "undefined":
        case "boolean":
          break
        default:
          return undefined
      }
      if (first === undefined && value !== null) first = value
      values.push(value)
    }
  } catch (thrown) {
    if (thrown instanceof RefusedBind && thrown.where === "") thrown.where = `${where} of row ${values.length}`
    throw thrown
  }
  return { definition: definitionOf(first, Math.max(mostBytes, textSize(values, mostUnits))), values }
}
