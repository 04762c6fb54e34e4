/** The failure of a row that came from the database and cannot be what the program asked for. */
import * as Schema from "effect/Schema"

/**
 * A value of a row does not fit: the schema refuses it, or the policy for NUMBER or DATE cannot hold it.
 *
 * **When to use**
 *
 * Catch it where rows may be older than the program that reads them; elsewhere let it end the work: the schema, the policy or the data is wrong.
 *
 * **Details**
 *
 * `row` counts from 1 in the order in which rows come; `column` is the column's name in the row, `undefined` when the whole row
 * is refused. The value itself is not in the message.
 *
 * **Example** (Naming the row and the column)
 *
 * ```ts
 * import type { OracleConnection } from "@sessionpool/oracle"
 * import { Effect, Schema } from "effect"
 *
 * const Employee = Schema.Struct({ ID: Schema.Number, NAME: Schema.String })
 *
 * const employees = (connection: OracleConnection.OracleConnection) =>
 *   connection.query("select id, name from employees", [], { schema: Employee }).pipe(
 *     Effect.catchTag("RowDecodeError", (error) => Effect.logError(`row ${error.row}, column ${error.column}`))
 *   )
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class RowDecodeError extends Schema.TaggedError<RowDecodeError>("@sessionpool/oracle/RowDecodeError")(
  "RowDecodeError",
  {
    /** From 1. */
    row: Schema.Int,
    column: Schema.optionalKey(Schema.String),
    problem: Schema.String,
    sql: Schema.optionalKey(Schema.String)
  }
) {
  override get message(): string {
    const where = this.column === undefined ? "" : `, column ${this.column}`
    return `Row ${this.row}${where}: ${this.problem}${this.sql === undefined ? "" : ` (${this.sql})`}`
  }
  /** Whether the same query may succeed later without any change: the row would be read the same way. */
  get isRetryable(): boolean {
    return false
  }
}
