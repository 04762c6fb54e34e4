/** What the description of a statement needs of a connection, so that neither module needs the other. */
import type * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type * as OracleBind from "../OracleBind.ts"
import type { ReadError } from "./cursor.ts"
import type { ExecuteManyOptions, ExecuteManyResult } from "./executeMany.ts"
import type { Row } from "./rowReader.ts"
import type { ExecuteResult } from "./statements.ts"
import type { ValueOptions } from "./valueSettings.ts"

/**
 * Options of a query whose rows are decoded with a schema.
 *
 * **When to use**
 *
 * Use it where rows should have a type that is checked: `query` decodes each row, and fails with `RowDecodeError` for one that does not fit.
 *
 * **Example** (A schema for rows)
 *
 * ```ts
 * import type { OracleConnection } from "@sessionpool/oracle"
 * import { Schema } from "effect"
 *
 * const Job = Schema.Struct({ ID: Schema.Number })
 * const options: OracleConnection.SchemaOptions<typeof Job> = { schema: Job }
 * ```
 *
 * @category options
 * @since 0.1.0
 */
export interface SchemaOptions<S extends Schema.Constraint> extends ValueOptions {
  readonly schema: S
}

/** The members of a connection that run one statement. */
export interface StatementRunner {
  query(sql: string, binds?: OracleBind.Binds, options?: ValueOptions): Effect.Effect<ReadonlyArray<Row>, ReadError>
  query<S extends Schema.Constraint>(
    sql: string,
    binds: OracleBind.Binds | undefined,
    options: SchemaOptions<S>
  ): Effect.Effect<ReadonlyArray<S["Type"]>, ReadError, S["DecodingServices"]>
  execute<const B extends OracleBind.Binds = []>(
    sql: string,
    binds?: B,
    options?: ValueOptions
  ): Effect.Effect<ExecuteResult<B>, ReadError>
  executeMany(
    sql: string,
    rows: ReadonlyArray<OracleBind.Binds>,
    options?: ExecuteManyOptions & ValueOptions
  ): Effect.Effect<ExecuteManyResult, ReadError>
}
