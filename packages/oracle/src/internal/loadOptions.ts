/** What a load is asked for, and what is wrong with that. */
import type * as Effect from "effect/Effect"
import type * as OracleBind from "../OracleBind.ts"
import type { OracleError } from "../OracleError.ts"
import type { ReadError } from "./cursor.ts"
import type { LoadError } from "./loadError.ts"
import { driver } from "./oracledb.ts"
import { kindOf, refusal, wrongArgument } from "./refusal.ts"
import { isSimpleName } from "./sqlNames.ts"

/**
 * A row to load: its values in the order of the columns, or an object with a property for each column, named as the column without quotes.
 *
 * **Example** (Both forms)
 *
 * ```ts
 * import type { OracleConnection } from "@sessionpool/oracle"
 *
 * const rows: ReadonlyArray<OracleConnection.LoadRow<"id" | "name">> = [[1, "Ada"], { id: 2, name: "Grace" }]
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export type LoadRow<Column extends string = string> =
  | ReadonlyArray<OracleBind.Bind>
  | { readonly [Name in Column as Name extends `"${infer Inner}"` ? Inner : Name]: OracleBind.Bind }

/**
 * How far a load is: rows written, round trips made for them, and rows that are committed.
 *
 * **Example** (A line of progress)
 *
 * ```ts
 * import type { OracleConnection } from "@sessionpool/oracle"
 *
 * const line = ({ committed, rows }: OracleConnection.LoadProgress) => `${rows} rows, ${committed} committed`
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface LoadProgress {
  readonly rows: number
  readonly chunks: number
  readonly committed: number
}

/**
 * How rows are loaded.
 *
 * **Details**
 *
 * - `chunkSize`: how many rows a round trip takes. Default 1000, by direct path 10,000. A chunk also ends at some 8 MB of text and bytes.
 * - `commit`: whether each chunk is committed with its own round trip. Default `false` on a connection; on `OracleClient` `true` outside a
 *   transaction, where every statement commits by itself.
 * - `direct`: loads by direct path, past SQL and the buffer cache. Each chunk is committed.
 * - `onProgress` runs after each chunk; the next one waits for it.
 *
 * **Example** (Progress in the log)
 *
 * ```ts
 * import type { OracleConnection } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * const options: OracleConnection.LoadOptions = {
 *   chunkSize: 5000,
 *   onProgress: ({ rows }) => Effect.logInfo(`${rows} rows`)
 * }
 * ```
 *
 * @category options
 * @since 0.1.0
 */
export interface LoadOptions {
  readonly chunkSize?: number | undefined
  readonly commit?: boolean | undefined
  readonly direct?: boolean | undefined
  readonly onProgress?: ((progress: LoadProgress) => Effect.Effect<unknown>) | undefined
}

/**
 * What a load may fail with.
 *
 * **Example** (How many rows are committed)
 *
 * ```ts
 * import type { OracleConnection } from "@sessionpool/oracle"
 *
 * const committed = (error: OracleConnection.LoadFailure) => error._tag === "LoadError" ? error.committed : 0
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export type LoadFailure = LoadError | ReadError

/** As failures name it. */
export const operation = "load"

const mostRows = 1_000_000

const shown = (name: unknown): string => typeof name === "string" ? JSON.stringify(name) : kindOf(name)

/** What is wrong with a load whose names may be any text. */
export const loadProblem = (table: unknown, columns: unknown, options: unknown): OracleError | undefined => {
  if (typeof table !== "string") return wrongArgument(operation, "The table of a load", "a name", table)
  if (!Array.isArray(columns) || columns.length === 0) {
    return wrongArgument(operation, "The columns of a load", "an array of one name or more", columns)
  }
  const wrong: unknown = columns.find((column) => typeof column !== "string")
  if (wrong !== undefined) return wrongArgument(operation, "A column of a load", "a name", wrong)
  if (new Set(columns).size < columns.length) return refusal(operation, "A column of a load is named twice.")
  return optionsProblem(options)
}

/** What is wrong with names that have to stand in SQL as they are. */
export const namesProblem = (table: string, columns: ReadonlyArray<string>): OracleError | undefined => {
  const parts = table.split(".")
  if (parts.length > 2 || !parts.every(isSimpleName)) {
    return refusal(operation, `${shown(table)} cannot be the name of a table to load`)
  }
  const wrong = columns.find((column) => !isSimpleName(column))
  return wrong === undefined ? undefined : refusal(operation, `${shown(wrong)} cannot be the name of a column to load`)
}

const optionsProblem = (options: unknown): OracleError | undefined => {
  if (typeof options !== "object" || options === null) {
    return wrongArgument(operation, "The options", "an object", options)
  }
  const { chunkSize, commit, direct, onProgress }: { readonly [Name in keyof LoadOptions]: unknown } = options
  if (
    chunkSize !== undefined && !(Number.isInteger(chunkSize) && Number(chunkSize) >= 1 && Number(chunkSize) <= mostRows)
  ) {
    return wrongArgument(operation, "The option chunkSize", `an integer from 1 to ${mostRows}`, chunkSize)
  }
  for (const [name, value] of Object.entries({ commit, direct })) {
    if (value !== undefined && typeof value !== "boolean") {
      return wrongArgument(operation, `The option ${name}`, "true or false", value)
    }
  }
  if (onProgress !== undefined && typeof onProgress !== "function") {
    return wrongArgument(operation, "The option onProgress", "a function that returns an effect", onProgress)
  }
  if (direct === true && commit === false) {
    return refusal(operation, "A direct path load commits each chunk: `commit: false` is not possible.")
  }
  if (direct === true && !driver.thin) return refusal(operation, "Direct path load needs the Thin mode of the driver.")
  return undefined
}
