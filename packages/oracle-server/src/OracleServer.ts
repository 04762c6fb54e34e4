/**
 * An embedded server that speaks Oracle Net and the two-task protocol, for the unmodified `oracledb` driver.
 *
 * It listens on a loopback port, checks passwords with the real verifiers, answers SQL from an embedded engine, shows what
 * its clients do, and injects faults on request. It ends with its scope: no socket, timer or file is left.
 *
 * @since 0.1.0
 */
import { Context, Effect, Layer, type Scope } from "effect"
import { make as makeEngine } from "./internal/engine/database.ts"
import type { Procedure } from "./internal/engine/engine.ts"
import type { ConnectRequest } from "./internal/net/connectData.ts"
import type { OracleServerError, Service } from "./internal/server/contract.ts"
import type { InstanceOptions, Options } from "./internal/server/options.ts"
import type { Counters, RequestRecord } from "./internal/server/requestLog.ts"
import { makeWith } from "./internal/server/service.ts"
import type { KeyAndCertificate, TlsOptions } from "./internal/server/tls.ts"
import type { TokenClaims, TokenOptions } from "./internal/server/tokens.ts"
import type { AccountState, UserSettings } from "./internal/server/users.ts"
import type { EndUser } from "./internal/ttc/serverSession.ts"

export { OracleServerError } from "./internal/server/contract.ts"
export type { InjectedFault, Service, SessionInfo, ShutdownMode, Snapshot, Tls } from "./internal/server/contract.ts"

export type {
  /**
   * `open`, `expiring` (a warning, ORA-28002), `locked` (ORA-28000) or `expired` (ORA-28001).
   *
   * @since 0.1.0
   */
  AccountState,
  /**
   * What a client asked of the listener: service, sharding keys, pooling.
   *
   * @since 0.1.0
   */
  ConnectRequest,
  /**
   * Sums over the life of a server.
   *
   * @since 0.1.0
   */
  Counters,
  /**
   * The end user that a call of an application is for.
   *
   * @since 0.1.0
   */
  EndUser,
  /**
   * One instance of the server: a name, its services and a port of its own.
   *
   * @since 0.1.0
   */
  InstanceOptions,
  /**
   * A certificate with its key, both in PEM.
   *
   * @since 0.1.0
   */
  KeyAndCertificate,
  /**
   * How a server is set up. Everything has a default.
   *
   * @since 0.1.0
   */
  Options,
  /**
   * A stored procedure or function written in TypeScript.
   *
   * @since 0.1.0
   */
  Procedure,
  /**
   * One request as the server saw it.
   *
   * @since 0.1.0
   */
  RequestRecord,
  /**
   * How a server speaks TLS: its certificates, and whether clients need one.
   *
   * @since 0.1.0
   */
  TlsOptions,
  /**
   * The claims of a token.
   *
   * @since 0.1.0
   */
  TokenClaims,
  /**
   * The key and the rules that tokens are checked by.
   *
   * @since 0.1.0
   */
  TokenOptions,
  /**
   * The password of a user, and what else is known of them.
   *
   * @since 0.1.0
   */
  UserSettings
}

/**
 * The service: an embedded Oracle server.
 *
 * **When to use**
 *
 * Use `yield* OracleServer` in a test for its address, and for what steers it.
 *
 * **Example** (The sessions of a server)
 *
 * ```ts
 * import { OracleServer } from "@sessionpool/oracle-server"
 * import { Effect } from "effect"
 *
 * export const program = Effect.gen(function*() {
 *   const server = yield* OracleServer.OracleServer
 *   return yield* server.sessions
 * }).pipe(Effect.provide(OracleServer.layer({ users: { app: "secret" } })))
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export class OracleServer extends Context.Service<OracleServer, Service>()("@sessionpool/oracle-server/OracleServer") {}

/**
 * Starts a server that stops with the scope.
 *
 * **When to use**
 *
 * Use for a server in a scope of your own, or for several beside each other.
 *
 * **Example** (A server with a table)
 *
 * ```ts
 * import { OracleServer } from "@sessionpool/oracle-server"
 * import { Effect } from "effect"
 *
 * export const program = Effect.scoped(Effect.gen(function*() {
 *   const server = yield* OracleServer.make({ script: "create table t (n number)" })
 *   return server.connectString
 * }))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options = {}): Effect.Effect<Service, OracleServerError, Scope.Scope> =>
  makeWith(options, makeEngine)

/**
 * Another server with a copy of what is committed in the service's one: see `fork` of {@link Service}.
 *
 * **When to use**
 *
 * Where the schema takes long to make, or tests must not see each other's rows: provide one server for the suite and
 * fork it in each test.
 *
 * **Example** (Two tests that use the same key)
 *
 * ```ts
 * import { OracleServer } from "@sessionpool/oracle-server"
 * import { Effect } from "effect"
 *
 * // Each run has the orders of the script, and no others.
 * export const test = Effect.scoped(Effect.gen(function*() {
 *   const server = yield* OracleServer.fork()
 *   yield* server.script("insert into orders values (1)")
 *   return server.connectString
 * }))
 *
 * export const suite = Effect.all([test, test], { concurrency: "unbounded" }).pipe(
 *   Effect.provide(OracleServer.layer({ script: "create table orders (id number primary key)" }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const fork = (options?: Options): Effect.Effect<Service, OracleServerError, OracleServer | Scope.Scope> =>
  Effect.flatMap(OracleServer, (server) => server.fork(options))

/**
 * A server as a layer.
 *
 * **When to use**
 *
 * Use in tests that share one server, with `it.layer` of `@effect/vitest`.
 *
 * **Example** (A server for the tests of an application)
 *
 * ```ts
 * import { OracleServer } from "@sessionpool/oracle-server"
 *
 * export const ServerLive = OracleServer.layer({ users: { app: "secret" }, service: "BOOKINGS" })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options = {}): Layer.Layer<OracleServer, OracleServerError> =>
  Layer.effect(OracleServer, make(options))

/**
 * A fork of the server below it, as a layer: {@link fork}.
 *
 * **When to use**
 *
 * Where tests get their server as a layer. Wrap it in `Layer.fresh`, or tests that run in one build share the fork.
 *
 * **Example** (Each test provides its own)
 *
 * ```ts
 * import { OracleServer } from "@sessionpool/oracle-server"
 * import { Layer } from "effect"
 *
 * export const FreshServer = Layer.fresh(OracleServer.layerFork()).pipe(
 *   Layer.provide(OracleServer.layer({ script: "create table t (n number)" }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerFork = (options?: Options): Layer.Layer<OracleServer, OracleServerError, OracleServer> =>
  Layer.effect(OracleServer, fork(options))
