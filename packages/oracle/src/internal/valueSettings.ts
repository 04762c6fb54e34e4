/** How values of the database are read and written where a single operation does not say otherwise. */
import type { DatePolicy } from "./datePolicy.ts"
import type { NumberPolicy } from "./numberPolicy.ts"

/**
 * A column, for policies that tell columns apart.
 *
 * @example
 * ```ts
 * import type { OracleConnection } from "@sessionpool/oracle"
 *
 * const isKey = (column: OracleConnection.Column) => column.name.endsWith("_ID")
 * ```
 */
export interface Column {
  readonly name: string
  /** The driver's name of its type, such as `"DB_TYPE_NUMBER"`. */
  readonly type: string
}

/**
 * How values are read and written: for a pool, and for a single query over that.
 *
 * **Details**
 *
 * - `numbers`: what NUMBER columns are read as, all of them or by column. Default `"number"`.
 * - `dates`: which time zone DATE and TIMESTAMP are in. Default `"utc"`.
 * - `lobs`: `"value"` reads CLOBs as text and BLOBs as bytes along with their rows; `"handle"` gives `OracleLob`s, to be read as
 *   streams. Default `"value"`.
 * - `columnNames` changes the names under which columns appear in rows. Default: as the database has them.
 * - `fetchArraySize`: how many rows a round trip brings. Default 100. `prefetchRows`: how many come with the first. Default 2.
 *
 * @example
 * ```ts
 * import type { OracleConnection } from "@sessionpool/oracle"
 *
 * const settings: OracleConnection.ValueOptions = {
 *   numbers: (column) => column.name === "ID" ? "bigint" : "number",
 *   columnNames: (name) => name.toLowerCase()
 * }
 * ```
 */
export interface ValueOptions {
  readonly numbers?: NumberPolicy | ((column: Column) => NumberPolicy) | undefined
  readonly dates?: DatePolicy | undefined
  readonly lobs?: "value" | "handle" | undefined
  readonly columnNames?: ((name: string) => string) | undefined
  readonly fetchArraySize?: number | undefined
  readonly prefetchRows?: number | undefined
}

/** {@link ValueOptions} in force. */
export interface ValueSettings {
  readonly numbers: NumberPolicy | ((column: Column) => NumberPolicy)
  readonly dates: DatePolicy
  readonly lobs: "value" | "handle"
  readonly columnNames: ((name: string) => string) | undefined
  readonly fetchArraySize: number
  readonly prefetchRows: number
}

export const defaultValues: ValueSettings = {
  numbers: "number",
  dates: "utc",
  lobs: "value",
  columnNames: undefined,
  fetchArraySize: 100,
  prefetchRows: 2
}

/** The settings with those of `options` in place of theirs. */
export const over = (settings: ValueSettings, options: ValueOptions | undefined): ValueSettings =>
  options === undefined ? settings : {
    numbers: options.numbers ?? settings.numbers,
    dates: options.dates ?? settings.dates,
    lobs: options.lobs ?? settings.lobs,
    columnNames: options.columnNames ?? settings.columnNames,
    fetchArraySize: options.fetchArraySize ?? settings.fetchArraySize,
    prefetchRows: options.prefetchRows ?? settings.prefetchRows
  }
