/** The failure of a load: which rows were refused, and what stands of the others. */
import * as Schema from "effect/Schema"
import type { OracleError } from "../OracleError.ts"

/** A row that the database, or the write of its values, has refused. */
const RefusedRow = Schema.Struct({
  /** From 1, in the order in which rows came. */
  row: Schema.Int,
  message: Schema.String
})

/**
 * A load that has failed at some of its rows.
 *
 * **When to use**
 *
 * Use `refused` to tell which rows to correct, and `committed` to tell whether anything has to be removed before the load is run again.
 *
 * **Details**
 *
 * `from` and `to` are the rows of the chunk that failed, counted from 1 in the order in which rows came. `refused` are those of them that
 * are known to be at fault, with what is wrong; it is empty where the whole chunk failed, as when the session was lost. `written` rows
 * have been written, of which `committed` are committed; the others stand in the open transaction of the connection. `cause` is the
 * first failure as an `OracleError`.
 *
 * **Gotchas**
 *
 * With array DML the good rows of the chunk that failed are written too, and are part of `written`.
 *
 * **Example** (The row at fault)
 *
 * ```ts
 * import type { OracleConnection } from "@sessionpool/oracle"
 *
 * const firstRefused = (error: OracleConnection.LoadError) => error.refused[0]?.row
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class LoadError extends Schema.TaggedError<LoadError>("@sessionpool/oracle/LoadError")("LoadError", {
  table: Schema.String,
  from: Schema.Int,
  to: Schema.Int,
  refused: Schema.Array(RefusedRow),
  written: Schema.Int,
  committed: Schema.Int,
  cause: Schema.Defect()
}) {
  /** Whether the load as a whole may be done again: nothing of it is committed, and its cause may pass. */
  get isRetryable(): boolean {
    return this.committed === 0 && (this.cause as OracleError).isRetryable
  }

  override get message(): string {
    const [first] = this.refused
    const where = first === undefined
      ? `rows ${this.from} to ${this.to}`
      : `row ${first.row}${
        this.refused.length > 1 ? ` and ${this.refused.length - 1} more of rows ${this.from} to ${this.to}` : ""
      }`
    const text = (this.cause as OracleError).message
    return `A load of ${this.table} failed at ${where}; ${this.written} rows are written, ${this.committed} of them committed.\n${text}`
  }
}
