/**
 * Statements as plain descriptions, for sending many of them in one round trip.
 *
 * `connection.pipeline` runs descriptions together. With the option `pipelining` of a pool, or {@link Pipelining} around an effect,
 * statements of sibling fibers on one connection go together by themselves: `Effect.all` with unbounded concurrency is enough.
 */
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type { ReadError } from "./internal/cursor.ts"
import type { ExecuteManyOptions, ExecuteManyResult } from "./internal/executeMany.ts"
import { Pipelining as reference } from "./internal/pipelining.ts"
import type { Row } from "./internal/rowReader.ts"
import type { SchemaOptions, StatementRunner } from "./internal/statementRunner.ts"
import type { ExecuteResult } from "./internal/statements.ts"
import type { ValueOptions } from "./internal/valueSettings.ts"
import type * as OracleBind from "./OracleBind.ts"

/**
 * A statement that gives an `A` when a connection runs it; `R` is what decoding its rows needs.
 *
 * @category models
 * @since 0.2.0
 */
export interface OracleStatement<out A, out R = never> {
  readonly _tag: "OracleStatement"
  readonly sql: string
  /** Runs it on a connection. */
  readonly run: (connection: StatementRunner) => Effect.Effect<A, ReadError, R>
}

/**
 * What a list of statements gives, in its order.
 *
 * @category models
 * @since 0.2.0
 */
export type Answers<S extends ReadonlyArray<OracleStatement<unknown, unknown>>> = {
  readonly [K in keyof S]: S[K] extends OracleStatement<infer A, unknown> ? A : never
}

/**
 * What the statements of a list need.
 *
 * @category models
 * @since 0.2.0
 */
export type Services<S extends ReadonlyArray<OracleStatement<unknown, unknown>>> = S[number] extends
  OracleStatement<unknown, infer R> ? R : never

/**
 * A query; with a `schema`, its rows are decoded.
 *
 * **When to use**
 *
 * Use in a list for `connection.pipeline`, where rows are wanted.
 *
 * **Example** (Rows of one statement of several)
 *
 * ```ts
 * import { OracleStatement } from "@sessionpool/oracle"
 *
 * const byId = (id: number) => OracleStatement.query("select name from jobs where id = :id", { id })
 * ```
 *
 * @category constructors
 * @since 0.2.0
 */
export const query: {
  (sql: string, binds?: OracleBind.Binds, options?: ValueOptions): OracleStatement<ReadonlyArray<Row>>
  <S extends Schema.Constraint>(
    sql: string,
    binds: OracleBind.Binds | undefined,
    options: SchemaOptions<S>
  ): OracleStatement<ReadonlyArray<S["Type"]>, S["DecodingServices"]>
} = <S extends Schema.Constraint>(
  sql: string,
  binds?: OracleBind.Binds,
  options?: ValueOptions & { readonly schema?: S }
): OracleStatement<ReadonlyArray<never>, never> => ({
  _tag: "OracleStatement",
  sql,
  run: (connection) =>
    connection.query(sql, binds, options as ValueOptions) as Effect.Effect<ReadonlyArray<never>, ReadError>
})

/**
 * A statement with everything that it gives: counts, OUT binds, RETURNING.
 *
 * **When to use**
 *
 * Use in a list for `connection.pipeline`, for DML and for counts.
 *
 * **Example** (DML in a pipeline)
 *
 * ```ts
 * import { OracleStatement } from "@sessionpool/oracle"
 *
 * const rename = OracleStatement.execute("update jobs set name = :name where id = :id", { name: "nightly", id: 7 })
 * ```
 *
 * @category constructors
 * @since 0.2.0
 */
export const execute = <const B extends OracleBind.Binds = []>(
  sql: string,
  binds?: B,
  options?: ValueOptions
): OracleStatement<ExecuteResult<B>> => ({
  _tag: "OracleStatement",
  sql,
  run: (connection) => connection.execute(sql, binds, options)
})

/**
 * A statement for many rows of binds.
 *
 * **When to use**
 *
 * Use in a list for `connection.pipeline`, for one statement with many rows of binds.
 *
 * **Example** (A batch in a pipeline)
 *
 * ```ts
 * import { OracleStatement } from "@sessionpool/oracle"
 *
 * const insert = OracleStatement.executeMany("insert into jobs (id, name) values (:1, :2)", [[1, "a"], [2, "b"]])
 * ```
 *
 * @category constructors
 * @since 0.2.0
 */
export const executeMany = (
  sql: string,
  rows: ReadonlyArray<OracleBind.Binds>,
  options?: ExecuteManyOptions & ValueOptions
): OracleStatement<ExecuteManyResult> => ({
  _tag: "OracleStatement",
  sql,
  run: (connection) => connection.executeMany(sql, rows, options)
})

/**
 * Whether statements of an effect go to the server together: `true` or `false` for the effect, `undefined`, the default, as the
 * pool's option `pipelining` says.
 *
 * **When to use**
 *
 * Use it where many small statements on one connection do not depend on each other, and the network is slower than the database.
 *
 * **Details**
 *
 * Statements go together that are ready in the same run of the scheduler, or that wait while another runs: 32 at the most. It needs Thin
 * mode and a server of 23ai or later; elsewhere the statements run one by one, with the same values. Queries and DML take part; streams,
 * LOB handles, PL/SQL, DDL, long binds and OUT cursors run alone between them.
 *
 * **Gotchas**
 *
 * A statement that was sent with others may still run when its fiber is interrupted: it is broken at the server only when no
 * caller of its batch is left. A statement does not wait for the success of those before it.
 *
 * **Example** (For one effect)
 *
 * ```ts
 * import { type OracleConnection, OracleStatement } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * const names = (connection: OracleConnection.OracleConnection, ids: ReadonlyArray<number>) =>
 *   Effect.forEach(ids, (id) => connection.query("select name from jobs where id = :id", { id }), {
 *     concurrency: "unbounded"
 *   }).pipe(Effect.provideService(OracleStatement.Pipelining, true))
 * ```
 *
 * @category references
 * @since 0.2.0
 */
export const Pipelining: Context.Reference<boolean | undefined> = reference
