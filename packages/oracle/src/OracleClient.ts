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
import type { ClientOptions, ClientShape } from "./internal/sqlClientTypes.ts"
import { OracleCompiler } from "./internal/sqlCompiler.ts"
import { abilitiesOf } from "./internal/sqlParameter.ts"
import { asSqlError, CommitFailed } from "./internal/sqlReason.ts"
import { OracleSessionPool } from "./OracleSessionPool.ts"

export type { ClientOptions, OracleDialect } from "./internal/sqlClientTypes.ts"
export { cursor, inOut, json, limit, list, lob, out, typed } from "./internal/sqlFragments.ts"
export { CommitFailed } from "./internal/sqlReason.ts"

const TypeId = "~sessionpool/oracle/OracleClient"

/**
 * The options of a client that opens a pool of its own: those of the pool and those of the client.
 *
 * **Example** (A client with eight sessions)
 *
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
 *
 * @see {@link make} and {@link layer}, which take them
 * @category options
 * @since 0.1.0
 */
export interface OracleClientConfig<OE = OracleSessionPool.Failure, R = never>
  extends Omit<OracleSessionPool.Options<OE, R>, "columnNames">, ClientOptions
{}

/**
 * The client: `SqlClient`, the pool behind it, and the Oracle connection of the current transaction.
 *
 * **When to use**
 *
 * Use it in place of `SqlClient` where code needs what only Oracle has: batches, calls, LOB handles, an `oracle` branch of `onDialect`.
 *
 * **Example** (A procedure in a transaction)
 *
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
 *
 * @category models
 * @since 0.1.0
 */
export interface OracleClient extends ClientShape {
  readonly [TypeId]: typeof TypeId
}

/**
 * The tag of the client. The layers of this module provide it beside `SqlClient`.
 *
 * **When to use**
 *
 * Use it in place of the tag of `SqlClient` where code needs what only Oracle has.
 *
 * **Example** (A procedure in a transaction)
 *
 * ```ts
 * import { OracleClient } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * const statistics = Effect.flatMap(OracleClient.OracleClient, ({ pool }) => pool.statistics)
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export const OracleClient = Context.Service<OracleClient>("@sessionpool/oracle/OracleClient")

/**
 * Makes the compiler of the client, which turns a statement into Oracle's SQL without a database.
 *
 * **When to use**
 *
 * Use it in tests and tools that show what a statement becomes.
 *
 * **Details**
 *
 * Without a `serverVersion` it writes what every version takes: inserts of several rows as queries or batches, lists after IN of at most
 * 1000 values.
 *
 * **Example** (The text for an older server)
 *
 * ```ts
 * import { OracleClient } from "@sessionpool/oracle"
 * import { String } from "effect"
 *
 * const compiler = OracleClient.makeCompiler({ serverVersion: "19.3", transformQueryNames: String.camelToSnake })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeCompiler = (
  options: Pick<ClientOptions, "serverVersion" | "transformQueryNames"> = {}
): Statement.Compiler =>
  new OracleCompiler({
    transform: options.transformQueryNames,
    ...abilitiesOf(options.serverVersion)
  })

/**
 * Makes a client on an existing pool. The pool stays open when the client is no longer used.
 *
 * **When to use**
 *
 * Use it where one pool serves both `SqlClient` and code that leases connections itself.
 *
 * **Example** (A client on the pool of the program)
 *
 * ```ts
 * import { OracleClient, OracleSessionPool } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * const client = Effect.flatMap(OracleSessionPool, (pool) => OracleClient.fromPool(pool))
 * ```
 *
 * @see {@link make} for a client that opens and closes a pool of its own
 * @category constructors
 * @since 0.1.0
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
 * Makes a client and a pool for it. The pool closes with the scope.
 *
 * **When to use**
 *
 * Use it for a client without a layer, such as in a script.
 *
 * **Example** (A client in a scope)
 *
 * ```ts
 * import { OracleClient } from "@sessionpool/oracle"
 *
 * const client = OracleClient.make({ connectString: "localhost/FREEPDB1", user: "scott" })
 * ```
 *
 * @see {@link layer} for the same as a layer
 * @see {@link fromPool} for a client on an existing pool
 * @category constructors
 * @since 0.1.0
 */
export const make = <OE = OracleSessionPool.Failure, R = never>(
  config: OracleClientConfig<OE, R>
): Effect.Effect<OracleClient, SqlError, R | Scope.Scope | Reactivity.Reactivity> => {
  const {
    booleans,
    describeTtl,
    multiplex,
    serverVersion,
    spanAttributes,
    transformJson,
    transformQueryNames,
    transformResultNames,
    ...pool
  } = config
  return Effect.flatMap(
    asSqlError("connect")(OracleSessionPool.make<OE, R>(pool)),
    (made) =>
      fromPool(made, {
        booleans,
        describeTtl,
        multiplex,
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
 * Makes a layer from an effect that makes a client, such as {@link make} or {@link fromPool}. It provides `OracleClient` and `SqlClient`.
 *
 * **When to use**
 *
 * Use it where a client is made in a way of your own.
 *
 * **Example** (A client that shares a pool)
 *
 * ```ts
 * import { OracleClient, OracleSessionPool } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * const shared = OracleClient.layerFrom(Effect.flatMap(OracleSessionPool, (pool) => OracleClient.fromPool(pool)))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerFrom = <E, R>(
  client: Effect.Effect<OracleClient, E, R>
): Layer.Layer<OracleClient | Client.SqlClient, E, Exclude<Exclude<R, Scope.Scope>, Reactivity.Reactivity>> =>
  Layer.effectContext(Effect.map(client, services)).pipe(Layer.provide(Reactivity.layer))

/**
 * The layer of a client with a pool of its own. It provides `OracleClient` and `SqlClient`.
 *
 * **When to use**
 *
 * Use it to run a program that asks for `SqlClient` on Oracle: this layer is the only line that changes.
 *
 * **Example** (A program that moves to Oracle)
 *
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
 *
 * @see {@link layerConfig} for settings from the environment
 * @category layers
 * @since 0.1.0
 */
export const layer = <OE = OracleSessionPool.Failure, R = never>(
  config: OracleClientConfig<OE, R>
): Layer.Layer<OracleClient | Client.SqlClient, SqlError, Exclude<Exclude<R, Scope.Scope>, Reactivity.Reactivity>> =>
  layerFrom(make(config))

/**
 * As {@link layer}, with a `Config` in the place of any setting, or of all of them. `hooks` are the options that are functions and effects.
 *
 * **When to use**
 *
 * Use it where settings come from the environment.
 *
 * **Example** (Settings from the environment)
 *
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
 *
 * @category layers
 * @since 0.1.0
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
 * Chooses the sessions that the statements and transactions of an effect run on.
 *
 * **When to use**
 *
 * Use it to pass through `SqlClient` what `pool.acquire` takes: a tag, the user of a heterogeneous pool, `cclass`, `purity`, sharding keys, a
 * `waitTimeout`.
 *
 * **Details**
 *
 * A nested `withRequest` adds its parts to the outer one and replaces those that both have. When the pool refuses the request, the
 * statement fails with `ConnectionError`, whose `cause` is the pool's failure.
 *
 * **Gotchas**
 *
 * A transaction keeps the session that it began on: inside a transaction, `withRequest` has no effect.
 *
 * **Example** (A report as another user)
 *
 * ```ts
 * import { OracleClient } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 * import { SqlClient } from "effect/sql"
 *
 * const report = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`select * from orders`).pipe(
 *   OracleClient.withRequest({ user: "hr", tag: "USER_TZ=UTC" })
 * )
 * ```
 *
 * @category requests
 * @since 0.1.0
 */
export const withRequest =
  (request: SessionRequest.SessionRequest) => <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.updateService(effect, Request, (outer) => ({ ...outer, ...request }))

/**
 * Sets the isolation level or the access mode of an effect's transactions.
 *
 * **When to use**
 *
 * Use it around `sql.withTransaction`, for reports that read one moment or work that must be serializable.
 *
 * **Details**
 *
 * An inner transaction is part of the outer one and keeps its kind.
 *
 * **Example** (A report that reads one moment)
 *
 * ```ts
 * import { OracleClient } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 * import { SqlClient } from "effect/sql"
 *
 * const report = Effect.flatMap(SqlClient.SqlClient, (sql) =>
 *   sql.withTransaction(sql`select count(*) from people`)).pipe(OracleClient.transactionKind("read only"))
 * ```
 *
 * @category transactions
 * @since 0.1.0
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
 * Handles a failed commit, and no other failure.
 *
 * **When to use**
 *
 * Use it to look whether the work was done, before it is done again.
 *
 * **Example** (Telling a commit in doubt from the rest)
 *
 * ```ts
 * import { OracleClient } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 * import type { SqlError } from "effect/sql"
 *
 * declare const transfer: Effect.Effect<void, SqlError.SqlError>
 *
 * const checked = transfer.pipe(OracleClient.catchCommitFailed((reason) => Effect.logError(reason.outcome)))
 * ```
 *
 * @see {@link CommitFailed} for what the handler is given
 * @category error handling
 * @since 0.1.0
 */
export const catchCommitFailed =
  <A2, E2, R2>(f: (reason: CommitFailed) => Effect.Effect<A2, E2, R2>) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A | A2, E | E2, R | R2> =>
    Effect.catch(effect, (error): Effect.Effect<A2, E | E2, R2> => {
      const reason = typeof error === "object" && error !== null && "reason" in error ? error.reason : undefined
      return reason instanceof CommitFailed ? f(reason) : Effect.fail(error)
    })
