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

/** What the values of a column are. */
type Kind = "number" | "text" | "boolean" | "date" | "bytes"

/** A value that needs more than is known here. */
export const notPlain: unique symbol = Symbol("not plain")

/** Takes the values of a column one by one and notes what the driver has to be told of them all. */
export class PlainColumn {
  readonly #dates: DatePolicy
  #kind: Kind | undefined = undefined
  #isMixed = false
  #mostUnits = 0
  #mostBytes = 1
  #writeDate: ((date: Date) => Date) | undefined = undefined

  constructor(dates: DatePolicy) {
    this.#dates = dates
  }

  /** Of its first value that is one. */
  get kind(): Kind | undefined {
    return this.#kind
  }

  /** Whether it has values of more than one kind. */
  get isMixed(): boolean {
    return this.#isMixed
  }

  /** The value as the driver takes it, or `notPlain`; throws a `RefusedBind` for what cannot be sent. */
  take(value: unknown): unknown {
    switch (typeof value) {
      case "number":
      case "bigint":
        checkNumber(value)
        this.#note("number")
        return value
      case "string":
        if (value.length > this.#mostUnits) this.#mostUnits = value.length
        this.#note("text")
        return value
      case "undefined":
        return value
      case "boolean":
        this.#note("boolean")
        return value
      case "object":
        return value === null ? value : this.#takeObject(value)
      default:
        return notPlain
    }
  }

  #takeObject(value: object): unknown {
    if (value instanceof Date) {
      checkDate(value, this.#dates)
      this.#note("date")
      this.#writeDate ??= dateWriter(this.#dates)
      return this.#writeDate(value)
    }
    if (!(value instanceof Uint8Array)) return notPlain
    if (value.length > this.#mostBytes) this.#mostBytes = value.length
    this.#note("bytes")
    return Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  }

  #note(kind: Kind): void {
    if (this.#kind === kind) return
    if (this.#kind === undefined) this.#kind = kind
    else this.#isMixed = true
  }

  /** What the driver is told of all values that were taken, the texts among which are given again where their exact size matters. */
  definition(values: () => Iterable<unknown>): BindUnit {
    switch (this.#kind) {
      case "number":
        return { type: driver.DB_TYPE_NUMBER }
      case "boolean":
        return { type: driver.DB_TYPE_BOOLEAN }
      case "date":
        return { type: driver.DB_TYPE_TIMESTAMP }
      default: {
        const maxSize = Math.max(this.#mostBytes, this.#textSize(values))
        return { type: this.#kind === "bytes" ? driver.DB_TYPE_RAW : driver.DB_TYPE_VARCHAR, maxSize }
      }
    }
  }

  /**
   * The most bytes that a text of the column takes. A bound is as good as the exact size, and does not depend on every single text: a
   * statement is not parsed anew for the next batch.
   */
  #textSize(values: () => Iterable<unknown>): number {
    if (this.#mostUnits * bytesOfUnit <= exactFrom) return this.#mostUnits * bytesOfUnit
    let most = 0
    for (const value of values()) if (typeof value === "string") most = Math.max(most, Buffer.byteLength(value))
    return most
  }
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
  const column = new PlainColumn(dates)
  const values: Array<unknown> = []
  try {
    for (let row = 0; row < rows.length; row++) {
      const value = column.take((rows[row] as { readonly [key: string]: unknown })[key])
      if (value === notPlain) return undefined
      values.push(value)
    }
  } catch (thrown) {
    if (thrown instanceof RefusedBind && thrown.where === "") thrown.where = `${where} of row ${values.length}`
    throw thrown
  }
  return { definition: column.definition(() => values), values }
}
