/**
 * Oracle Database as a client of `effect/sql`: whatever asks for `SqlClient` runs on Oracle with this layer.
 *
 * Statements, fragments, `SqlSchema`, `SqlResolver` and `SqlModel` work as with other databases. What is Oracle's own is
 * translated: `:1` placeholders, names in capitals, `RETURNING … INTO`, lists of values, savepoints, and the errors, whose reasons
 * come from the table of `OracleError`. `docs/oracle-client.md` says how, and what Oracle has no counterpart for.
 */
import type { SessionRequest } from "@sessionpool/core"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import type * as Scope from "effect/Scope"
import * as Client from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type * as Statement from "effect/sql/Statement"
import { makeClient, Request } from "./internal/sqlClient.ts"
import { OracleCompiler } from "./internal/sqlCompiler.ts"
import { abilitiesOf } from "./internal/sqlParameter.ts"
import { asSqlError, CommitFailed } from "./internal/sqlReason.ts"
import type { OracleConnection } from "./OracleConnection.ts"
import { OracleSessionPool } from "./OracleSessionPool.ts"

export { cursor, inOut, json, limit, lob, out, typed } from "./internal/sqlFragments.ts"
export { CommitFailed } from "./internal/sqlReason.ts"

const TypeId = "~sessionpool/oracle/OracleClient"

/**
 * What a client adds to the pool's options: names, spans and what is otherwise asked of the server.
 *
 * **Details**
 *
 * `serverVersion` spares the session that the client opens to learn it; what depends on it is the form of inserts of several
 * rows, BOOLEAN and JSON. `booleans` says what `true` is sent as: BOOLEAN by default from 23ai on, else the number 1.
 *
 * @example
 * ```ts
 * import type { OracleClient } from "@sessionpool/oracle"
 * import { String } from "effect"
 *
 * const options: OracleClient.ClientOptions = {
 *   transformQueryNames: String.camelToSnake,
 *   transformResultNames: String.snakeToCamel
 * }
 * ```
 */
export interface ClientOptions {
  readonly transformQueryNames?: ((name: string) => string) | undefined
  readonly transformResultNames?: ((name: string) => string) | undefined
  /** Whether result names inside JSON and nested cursors are transformed too; default `true`. */
  readonly transformJson?: boolean | undefined
  readonly spanAttributes?: Record<string, unknown> | undefined
  readonly serverVersion?: string | undefined
  readonly booleans?: "boolean" | "number" | undefined
}

/**
 * The options of a client that has a pool of its own.
 *
 * @example
 * ```ts
 * import type { OracleClient } from "@sessionpool/oracle"
 * import { Redacted } from "effect"
 *
 * const config: OracleClient.OracleClientConfig = {
 *   connectString: "localhost/FREEPDB1",
 *   user: "scott",
 *   password: Redacted.make("tiger"),
 *   max: 8
 * }
 * ```
 */
export interface OracleClientConfig<OE = OracleSessionPool.Failure, R = never>
  extends Omit<OracleSessionPool.Options<OE, R>, "columnNames">, ClientOptions
{}

/**
 * `onDialect` and `onDialectOrElse` with an answer for Oracle.
 *
 * **Gotchas**
 *
 * `onDialect` on Oracle throws when it has no `oracle`: the type in `effect/sql` cannot ask for it.
 *
 * @example
 * ```ts
 * import { OracleClient } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * const now = Effect.map(OracleClient.OracleClient, (sql) =>
 *   sql.onDialectOrElse({ oracle: () => sql`systimestamp`, orElse: () => sql`current_timestamp` }))
 * ```
 */
export interface OracleDialect {
  readonly onDialect: Statement.Constructor["onDialect"] & {
    <A, B, C, D, E, F>(options: {
      readonly sqlite: () => A
      readonly pg: () => B
      readonly mysql: () => C
      readonly mssql: () => D
      readonly clickhouse: () => E
      readonly oracle: () => F
    }): A | B | C | D | E | F
  }
  readonly onDialectOrElse:
    & (<A, F, B = never, C = never, D = never, E = never, G = never>(options: {
      readonly oracle: () => F
      readonly orElse: () => A
      readonly sqlite?: () => B
      readonly pg?: () => C
      readonly mysql?: () => D
      readonly mssql?: () => E
      readonly clickhouse?: () => G
    }) => A | B | C | D | E | F | G)
    & Statement.Constructor["onDialectOrElse"]
}

/**
 * The client: `SqlClient`, the pool behind it, and the Oracle connection of the transaction at hand.
 *
 * @example
 * ```ts
 * import { OracleClient } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * const raise = Effect.gen(function*() {
 *   const sql = yield* OracleClient.OracleClient
 *   yield* sql.withTransaction(Effect.gen(function*() {
 *     yield* sql`update ${sql("jobs")} set ${sql.update({ pay: 12 })} where id = ${1}`
 *     yield* sql.useConnection((connection) => connection.call("log_raise", { job: 1 }))
 *   }))
 * })
 * ```
 */
export interface OracleClient extends Client.SqlClient {
  readonly [TypeId]: typeof TypeId
  readonly onDialect: OracleDialect["onDialect"]
  readonly onDialectOrElse: OracleDialect["onDialectOrElse"]
  /** The pool that the client takes its sessions from. */
  readonly pool: OracleSessionPool.Pool<unknown>
  /** Uses the connection of the transaction at hand; outside one a connection of its own, whose work it commits itself. */
  readonly useConnection: <A, E, R>(
    f: (connection: OracleConnection) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | SqlError, R>
}

/**
 * The service under which the client is found, beside `SqlClient`.
 *
 * @example
 * ```ts
 * import { OracleClient } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * const statistics = Effect.flatMap(OracleClient.OracleClient, ({ pool }) => pool.statistics)
 * ```
 */
export const OracleClient = Context.Service<OracleClient>("@sessionpool/oracle/OracleClient")

/**
 * The compiler of the client, to see what a statement becomes without a database.
 *
 * @example
 * ```ts
 * import { OracleClient } from "@sessionpool/oracle"
 * import { String } from "effect"
 *
 * const compiler = OracleClient.makeCompiler({ serverVersion: "19.3", transformQueryNames: String.camelToSnake })
 * ```
 */
export const makeCompiler = (
  options: Pick<ClientOptions, "serverVersion" | "transformQueryNames"> = {}
): Statement.Compiler =>
  new OracleCompiler({
    transform: options.transformQueryNames,
    multiRowValues: abilitiesOf(options.serverVersion ?? "23").multiRowValues
  })

/**
 * A client on a pool that exists already and is used elsewhere too; the pool stays its owner's.
 *
 * @example
 * ```ts
 * import { OracleClient, OracleSessionPool } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * const client = Effect.flatMap(OracleSessionPool, (pool) => OracleClient.fromPool(pool))
 * ```
 */
export const fromPool = <OE>(
  pool: OracleSessionPool.Pool<OE>,
  options: ClientOptions = {}
): Effect.Effect<OracleClient, SqlError, Reactivity.Reactivity> =>
  Effect.map(
    makeClient(pool, options),
    (client): OracleClient => Object.assign(client, { [TypeId]: TypeId } as const)
  )

/**
 * A client with a pool of its own, which lives as long as the scope.
 *
 * @example
 * ```ts
 * import { OracleClient } from "@sessionpool/oracle"
 *
 * const client = OracleClient.make({ connectString: "localhost/FREEPDB1", user: "scott" })
 * ```
 */
export const make = <OE = OracleSessionPool.Failure, R = never>(
  config: OracleClientConfig<OE, R>
): Effect.Effect<OracleClient, SqlError, R | Scope.Scope | Reactivity.Reactivity> => {
  const { booleans, serverVersion, spanAttributes, transformJson, transformQueryNames, transformResultNames, ...pool } =
    config
  return Effect.flatMap(
    asSqlError("connect")(OracleSessionPool.make<OE, R>(pool)),
    (made) =>
      fromPool(made, {
        booleans,
        serverVersion,
        spanAttributes,
        transformJson,
        transformQueryNames,
        transformResultNames
      })
  )
}

const services = (client: OracleClient) =>
  Context.make(OracleClient, client).pipe(Context.add(Client.SqlClient, client))

/**
 * The layer of a client that {@link make} or {@link fromPool} gives: it provides `OracleClient` and `SqlClient`.
 *
 * @example
 * ```ts
 * import { OracleClient, OracleSessionPool } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * const shared = OracleClient.layerFrom(Effect.flatMap(OracleSessionPool, (pool) => OracleClient.fromPool(pool)))
 * ```
 */
export const layerFrom = <E, R>(
  client: Effect.Effect<OracleClient, E, R>
): Layer.Layer<OracleClient | Client.SqlClient, E, Exclude<Exclude<R, Scope.Scope>, Reactivity.Reactivity>> =>
  Layer.effectContext(Effect.map(client, services)).pipe(Layer.provide(Reactivity.layer))

/**
 * A client with a pool of its own: the one line that changes when a program moves to Oracle.
 *
 * @example
 * ```ts
 * import { OracleClient } from "@sessionpool/oracle"
 * import { Effect, Redacted } from "effect"
 * import { SqlClient } from "effect/sql"
 *
 * const people = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`select * from people`)
 *
 * const program = people.pipe(Effect.provide(OracleClient.layer({
 *   connectString: "localhost/FREEPDB1",
 *   user: "scott",
 *   password: Redacted.make("tiger")
 * })))
 * ```
 */
export const layer = <OE = OracleSessionPool.Failure, R = never>(
  config: OracleClientConfig<OE, R>
): Layer.Layer<OracleClient | Client.SqlClient, SqlError, Exclude<Exclude<R, Scope.Scope>, Reactivity.Reactivity>> =>
  layerFrom(make(config))

/**
 * The same with a `Config` in the place of any setting, or of all of them; `hooks` are the options that are functions and effects.
 *
 * @example
 * ```ts
 * import { OracleClient } from "@sessionpool/oracle"
 * import { Config } from "effect"
 *
 * const layer = OracleClient.layerConfig({
 *   connectString: Config.String("ORACLE_CONNECT_STRING"),
 *   user: Config.String("ORACLE_USER"),
 *   password: Config.Redacted("ORACLE_PASSWORD")
 * }, {
 *   onSession: (connection) => connection.execute("alter session set time_zone = 'UTC'")
 * })
 * ```
 */
export const layerConfig = <OE = OracleSessionPool.Failure, R = never>(
  config: Config.Wrap<OracleSessionPool.Fields & ClientOptions>,
  hooks?: Omit<OracleSessionPool.Hooks<OE, R>, "columnNames">
): Layer.Layer<
  OracleClient | Client.SqlClient,
  Config.ConfigError | SqlError,
  Exclude<Exclude<R, Scope.Scope>, Reactivity.Reactivity>
> => layerFrom(Effect.flatMap(Config.unwrap(config), (fields) => make<OE, R>({ ...fields, ...hooks })))

/**
 * Says which sessions the statements and transactions of an effect run on: those of a user, with a tag, of a connection class, a shard.
 *
 * **When to use**
 *
 * To reach through `SqlClient` what `pool.acquire` takes: the tag of a session's state, the user of a heterogeneous pool, `cclass`, `purity`,
 * the keys of a sharded database, a `waitTimeout`.
 *
 * **Details**
 *
 * Inside another `withRequest` the parts given here are added, and take the place of the same parts there. A request that the pool
 * refuses is a failure of the statement: `ConnectionError`, with the pool's failure as its `cause`.
 *
 * **Gotchas**
 *
 * A transaction keeps the session that it began on: around a statement inside of one, `withRequest` has no effect.
 *
 * @example
 * ```ts
 * import { OracleClient } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 * import { SqlClient } from "effect/sql"
 *
 * const report = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`select * from orders`).pipe(
 *   OracleClient.withRequest({ user: "hr", tag: "USER_TZ=UTC" })
 * )
 * ```
 */
export const withRequest =
  (request: SessionRequest.SessionRequest) => <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.updateService(effect, Request, (outer) => ({ ...outer, ...request }))

/**
 * Says of what kind the transactions of an effect are; a transaction inside another is part of that one.
 *
 * @example
 * ```ts
 * import { OracleClient } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 * import { SqlClient } from "effect/sql"
 *
 * const report = Effect.flatMap(SqlClient.SqlClient, (sql) =>
 *   sql.withTransaction(sql`select count(*) from people`)).pipe(OracleClient.transactionKind("read only"))
 * ```
 */
export const transactionKind =
  (kind: "read only" | "serializable" | "read committed") =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.provideService(
      effect,
      Client.BeginTransaction,
      kind === "read only" ? "SET TRANSACTION READ ONLY" : `SET TRANSACTION ISOLATION LEVEL ${kind.toUpperCase()}`
    )

/**
 * Handles a commit that failed, apart from every other failure.
 *
 * @example
 * ```ts
 * import { OracleClient } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 * import type { SqlError } from "effect/sql"
 *
 * declare const transfer: Effect.Effect<void, SqlError.SqlError>
 *
 * const checked = transfer.pipe(OracleClient.catchCommitFailed((reason) => Effect.logError(reason.outcome)))
 * ```
 */
export const catchCommitFailed =
  <A2, E2, R2>(f: (reason: CommitFailed) => Effect.Effect<A2, E2, R2>) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A | A2, E | E2, R | R2> =>
    Effect.catch(effect, (error): Effect.Effect<A2, E | E2, R2> => {
      const reason = typeof error === "object" && error !== null && "reason" in error ? error.reason : undefined
      return reason instanceof CommitFailed ? f(reason) : Effect.fail(error)
    })
