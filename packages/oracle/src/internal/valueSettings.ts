/** How values of the database are read and written where a single operation does not say otherwise. */
import * as Effect from "effect/Effect"
import { SafeIntegers } from "effect/sql/SqlClient"
import { snakeToCamel } from "effect/String"
import type { DatePolicy } from "./datePolicy.ts"
import type { NumberPolicy } from "./numberPolicy.ts"
import { toProgram } from "./sqlNames.ts"

/**
 * A column, for policies that tell columns apart.
 *
 * **When to use**
 *
 * It is what the function `numbers` of {@link ValueOptions} is asked about.
 *
 * **Example** (Columns by their names)
 *
 * ```ts
 * import type { OracleConnection } from "@sessionpool/oracle"
 *
 * const isKey = (column: OracleConnection.Column) => column.name.endsWith("_ID")
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface Column {
  readonly name: string
  /** The driver's name of its type, such as `"DB_TYPE_NUMBER"`. */
  readonly type: string
}

/**
 * Ready-made names of columns, for a column that the database calls `HIRED_AT`: `"upper"` (`HIRED_AT`), `"lower"` (`hired_at`) and `"camel"` (`hiredAt`).
 *
 * **When to use**
 *
 * Use one in place of a function of your own as `columnNames` of {@link ValueOptions}.
 *
 * **Example** (Names in camelCase)
 *
 * ```ts
 * import type { OracleConnection } from "@sessionpool/oracle"
 *
 * const names: OracleConnection.ColumnNames = "camel"
 * ```
 *
 * @category options
 * @since 0.2.0
 */
export type ColumnNames = "upper" | "lower" | "camel"

/**
 * How values are read and written: for a pool, and for a single query over that.
 *
 * **When to use**
 *
 * Give them to the pool for all operations, and to a single one where it differs.
 *
 * **Details**
 *
 * - `numbers`: what NUMBER columns are read as, all of them or by column. Default `"number"`.
 * - `dates`: which time zone DATE and TIMESTAMP are in. Default `"utc"`.
 * - `lobs`: `"value"` reads CLOBs as text and BLOBs as bytes along with their rows; `"handle"` gives `OracleLob`s, to be read as
 *   streams. Default `"value"`.
 * - `columnNames` says under which names columns appear in rows: `"upper"`, `"lower"` as on `OracleClient` (`HIRED_AT` is
 *   `hired_at`, a name with small letters is what it is), `"camel"` (`hiredAt`), or a function of the database's name. Default: as
 *   the database has them, which is in capitals unless they were quoted.
 * - `fetchArraySize`: how many rows a round trip brings. Default 100. `prefetchRows`: how many come with the first. Default 2.
 *
 * **Example** (Numbers by column)
 *
 * ```ts
 * import type { OracleConnection } from "@sessionpool/oracle"
 *
 * const settings: OracleConnection.ValueOptions = {
 *   numbers: (column) => column.name === "ID" ? "bigint" : "number",
 *   columnNames: "camel"
 * }
 * ```
 *
 * @category options
 * @since 0.1.0
 */
export interface ValueOptions {
  readonly numbers?: NumberPolicy | ((column: Column) => NumberPolicy) | undefined
  readonly dates?: DatePolicy | undefined
  readonly lobs?: "value" | "handle" | undefined
  readonly columnNames?: ColumnNames | ((name: string) => string) | undefined
  readonly fetchArraySize?: number | undefined
  readonly prefetchRows?: number | undefined
}

const namers: { readonly [Name in ColumnNames]: (name: string) => string } = {
  upper: (name) => name.toUpperCase(),
  lower: toProgram,
  camel: (name) => snakeToCamel(toProgram(name))
}

export const namer = (names: ColumnNames | ((name: string) => string)): (name: string) => string =>
  typeof names === "function" ? names : namers[names]

/** {@link ValueOptions} in force. */
export interface ValueSettings {
  readonly numbers: NumberPolicy | ((column: Column) => NumberPolicy)
  /** Whether integers are bigints where `numbers` says `"number"`; `"ask"` leaves it to `SqlClient.SafeIntegers` of the fiber. */
  readonly safeIntegers: "never" | "always" | "ask"
  readonly dates: DatePolicy
  readonly lobs: "value" | "handle"
  readonly columnNames: ((name: string) => string) | undefined
  readonly fetchArraySize: number
  readonly prefetchRows: number
}

export const defaultValues: ValueSettings = {
  numbers: "number",
  safeIntegers: "never",
  dates: "utc",
  lobs: "value",
  columnNames: undefined,
  fetchArraySize: 100,
  prefetchRows: 2
}

/** The settings with those of `options` in place of theirs. */
export const over = (settings: ValueSettings, options: ValueOptions | null | undefined): ValueSettings =>
  options === undefined || options === null ? settings : {
    numbers: options.numbers ?? settings.numbers,
    safeIntegers: settings.safeIntegers,
    dates: options.dates ?? settings.dates,
    lobs: options.lobs ?? settings.lobs,
    columnNames: options.columnNames === undefined ? settings.columnNames : namer(options.columnNames),
    fetchArraySize: options.fetchArraySize ?? settings.fetchArraySize,
    prefetchRows: options.prefetchRows ?? settings.prefetchRows
  }

/** Goes on with the settings as they are for the fiber that runs it. */
export const withSettings = <A, E, R>(
  settings: ValueSettings,
  go: (settings: ValueSettings) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  settings.safeIntegers !== "ask"
    ? go(settings)
    : Effect.flatMap(SafeIntegers, (isSafe) => go(isSafe ? { ...settings, safeIntegers: "always" } : settings))
