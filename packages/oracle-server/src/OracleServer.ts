/**
 * An embedded server that speaks Oracle Net and the two-task protocol, for the unmodified `oracledb` driver.
 *
 * It listens on a loopback port, checks passwords with the real verifiers, answers SQL from an embedded engine, shows what
 * its clients do, and hurts them on request. It ends with its scope: no socket, timer or file is left.
 *
 * @since 0.1.0
 */
import { Context, Effect, Layer, Schema, type Scope } from "effect"
import type { Fault } from "./Fault.ts"
import { make as makeEngine } from "./internal/engine/database.ts"
import type { Engine, EngineOptions, Procedure } from "./internal/engine/engine.ts"
import type { ConnectRequest } from "./internal/net/connectData.ts"
import { arm, disarm, plannedShutdown, takeDown } from "./internal/server/control.ts"
import type { SessionEntry } from "./internal/server/member.ts"
import type { InstanceOptions, Options } from "./internal/server/options.ts"
import type { Counters, RequestRecord } from "./internal/server/requestLog.ts"
import { forkOptions, type Seed, ServerSnapshot } from "./internal/server/serverSnapshot.ts"
import { firstUser, type RunningServer, start } from "./internal/server/start.ts"
import type { KeyAndCertificate, TlsOptions } from "./internal/server/tls.ts"
import type { TokenClaims, TokenOptions } from "./internal/server/tokens.ts"
import type { AccountState, UserSettings } from "./internal/server/users.ts"
import type { EndUser } from "./internal/ttc/serverSession.ts"

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
 * The server could not be started: its port is taken, or its script failed.
 *
 * **When to use**
 *
 * Use to tell a server that did not start from a test that failed.
 *
 * @since 0.1.0
 * @category errors
 */
export class OracleServerError
  extends Schema.TaggedError<OracleServerError>("@sessionpool/oracle-server/OracleServerError")("OracleServerError", {
    message: Schema.String,
    cause: Schema.Defect()
  })
{}

/**
 * A session of the server, as `v$session` would show it.
 *
 * @since 0.1.0
 * @category models
 */
export interface SessionInfo {
  readonly sid: number
  readonly serial: number
  readonly user: string
  readonly proxyUser: string | undefined
  readonly status: "ACTIVE" | "INACTIVE" | "KILLED"
  readonly server: "DEDICATED" | "POOLED"
  readonly instance: string
  readonly service: string
  readonly program: string
  readonly machine: string
  readonly osUser: string
  readonly driver: string
  readonly module: string | null
  readonly action: string | null
  readonly clientId: string | null
  readonly clientInfo: string | null
  readonly currentSchema: string
  readonly edition: string
  readonly connectionClass: string | undefined
  readonly shardingKey: string | undefined
  readonly superShardingKey: string | undefined
  readonly inTransaction: boolean
  readonly openCursors: number
  /** Temporary LOBs that the client has been given and has not freed. */
  readonly temporaryLobs: number
  readonly calls: number
  /** The end user that the last call was for, when the client said so in an end-user security context. */
  readonly endUser: EndUser | undefined
  /** The connection that uses it; `undefined` while it waits in the server's pool. */
  readonly connection: number | undefined
  readonly openedAt: number
  readonly lastCallAt: number
}

/**
 * An injected fault.
 *
 * @since 0.1.0
 * @category models
 */
export interface InjectedFault {
  readonly fault: Fault
  /** How often it has hit. */
  readonly hits: Effect.Effect<number>
  /** Takes it back; what it has done stays done. */
  readonly remove: Effect.Effect<void>
}

/**
 * How an instance goes down: `abort` cuts every connection at once (ORA-03113), `immediate` tells the clients first that it
 * is going, and `listener` stops listening too, so that connecting is refused by the operating system.
 *
 * @since 0.1.0
 * @category models
 */
export type ShutdownMode = "abort" | "immediate" | "listener"

/**
 * What the databases and the users of a server were at one moment, to be restored any number of times.
 *
 * **Details**
 *
 * It holds what was committed: tables with their rows, indexes, views, sequences and all other objects; and the users with
 * their passwords and states. Rows are shared with the server until one of them changes, so a snapshot takes milliseconds
 * and little memory, however many rows there are. It stays valid after the server has ended.
 *
 * @since 0.1.0
 * @category models
 */
export interface Snapshot {
  /** The names of the databases in it. */
  readonly databases: ReadonlyArray<string>
}

/**
 * What clients need to speak TLS with a server.
 *
 * @since 0.1.0
 * @category models
 */
export interface Tls {
  /** Of the first instance. */
  readonly port: number
  /** `tcps://host:port/service` of the first instance. */
  readonly connectString: string
  /** Of another instance, or of another service. */
  readonly connectStringOf: (options: { readonly instance?: string; readonly service?: string }) => string
  /** The certificate of the authority that was made at start, in PEM: what clients have to trust. */
  readonly certificate: string
  /** A certificate for a client or for another server, from the same authority. */
  readonly issue: (request: {
    /** `CN=scott,O=Shop` */
    readonly subject: string
    /** Host names and addresses of a server. */
    readonly names?: ReadonlyArray<string>
    readonly expires?: Date
  }) => Effect.Effect<KeyAndCertificate, OracleServerError>
  /**
   * A wallet for node-oracledb (`walletContent`, or `ewallet.pem`): a key and a certificate for the client, and what it has to trust.
   * The driver takes no wallet without a key. The subject is `CN=client` unless told otherwise.
   */
  readonly wallet: (subject?: string) => Effect.Effect<string, OracleServerError>
}

/**
 * A running server.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  readonly host: string
  /** The port of the first instance. */
  readonly port: number
  /** `host:port/service` of the first instance. */
  readonly connectString: string
  /** Of another instance, or of another service. */
  readonly connectStringOf: (options: { readonly instance?: string; readonly service?: string }) => string
  /** Undefined when the server was not told to speak TLS. */
  readonly tls: Tls | undefined
  /** Every session, those in the server's own pool included. */
  readonly sessions: Effect.Effect<ReadonlyArray<SessionInfo>>
  /** The last requests, oldest first. */
  readonly requests: Effect.Effect<ReadonlyArray<RequestRecord>>
  readonly clearRequests: Effect.Effect<void>
  readonly counters: Effect.Effect<Counters>
  /** Runs statements separated by `;` and commits them. */
  readonly script: (sql: string, user?: string) => Effect.Effect<void, OracleServerError>
  /**
   * Another server, with a copy of what is committed here now: a schema is made once, and each test begins with it and changes
   * it freely.
   *
   * **Details**
   *
   * It has the options of this server except for those that are given, the users of this server and those that are given, and
   * free ports. `script` runs after the copy. It ends with its scope; neither server sees what happens in the other.
   */
  readonly fork: (options?: Options) => Effect.Effect<Service, OracleServerError, Scope.Scope>
  /** What is committed now, and the users. */
  readonly snapshot: Effect.Effect<Snapshot>
  /**
   * Goes back to a snapshot, of this server or of another one whose databases have the same names.
   *
   * **Details**
   *
   * Sessions stay logged on, so a pool can be kept from test to test. Their transactions are rolled back, running statements are
   * broken (ORA-01013), open cursors are lost (ORA-08103), and the rows of temporary tables are gone.
   */
  readonly restore: (snapshot: Snapshot) => Effect.Effect<void, OracleServerError>
  readonly setUser: (name: string, settings: string | UserSettings) => Effect.Effect<void>
  /** Locks, expires or opens an account; false when there is none. */
  readonly setAccountState: (name: string, state: AccountState) => Effect.Effect<boolean>
  /** False when there is no such user. */
  readonly setPassword: (name: string, password: string) => Effect.Effect<boolean>
  readonly removeUser: (name: string) => Effect.Effect<boolean>
  /** Ends a session: its client's next call, or the one that runs, fails with ORA-00028. False when there is none. */
  readonly kill: (sid: number, serial?: number) => Effect.Effect<boolean>
  /** Kills every session that fits; the number of them. */
  readonly killWhere: (predicate: (session: SessionInfo) => boolean) => Effect.Effect<number>
  readonly inject: (fault: Fault) => Effect.Effect<InjectedFault>
  /** Takes the fault back when the scope ends. */
  readonly injectScoped: (fault: Fault) => Effect.Effect<InjectedFault, never, Scope.Scope>
  readonly clearFaults: Effect.Effect<void>
  /** Takes instances down, all of them by default. Their listeners then refuse with ORA-12514. */
  readonly shutdown: (options?: {
    readonly mode?: ShutdownMode
    readonly instance?: string
  }) => Effect.Effect<void>
  /** Brings them up again, on the same ports. */
  readonly startup: (options?: { readonly instance?: string }) => Effect.Effect<void, OracleServerError>
  /** Tells clients in-band that a shutdown is planned; a driver's pool then lets go of its connections. */
  readonly announceShutdown: Effect.Effect<void>
  /** Closes every connection, orderly or with a TCP reset; the server stays up. */
  readonly dropConnections: (options?: { readonly reset?: boolean }) => Effect.Effect<void>
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

const host = "127.0.0.1"

const describe = (entry: SessionEntry): SessionInfo => {
  const { connection, instance, logon, request, session } = entry
  const { engine } = session
  const { info } = engine
  return {
    sid: info.sid,
    serial: info.serial,
    user: info.user,
    proxyUser: info.proxyUser,
    status: session.killed ? "KILLED" : entry.active ? "ACTIVE" : "INACTIVE",
    server: info.server ?? "DEDICATED",
    instance: instance.name,
    service: info.service,
    program: logon.program,
    machine: logon.machine,
    osUser: logon.osUser,
    driver: logon.driverName,
    module: engine.endToEnd.module,
    action: engine.endToEnd.action,
    clientId: engine.endToEnd.clientId,
    clientInfo: engine.endToEnd.clientInfo,
    currentSchema: engine.currentSchema,
    edition: engine.edition,
    connectionClass: info.connectionClass,
    shardingKey: request.shardingKey,
    superShardingKey: request.superShardingKey,
    inTransaction: !session.closed && engine.inTransaction,
    openCursors: session.cursors.size,
    temporaryLobs: session.lobs.temporary,
    calls: session.calls,
    endUser: session.endUser,
    connection: connection?.id,
    openedAt: session.openedAt,
    lastCallAt: session.lastCallAt
  }
}

const failure = (message: string) => (cause: unknown) =>
  new OracleServerError({ message: `${message}: ${cause instanceof Error ? cause.message : String(cause)}`, cause })

const makeTls = ({ cluster }: RunningServer, host: string): Tls | undefined => {
  const { tls } = cluster.settings
  if (tls === undefined) return undefined
  const { authority } = tls
  const issue: Tls["issue"] = (request) =>
    Effect.tryPromise({
      try: () => authority.issue(request),
      catch: failure("the certificate could not be made")
    })
  const first = cluster.instances[0]!
  const connectStringOf: Tls["connectStringOf"] = ({ instance, service }) => {
    const target = cluster.instances.find(({ name }) => name === instance) ?? first
    return `tcps://${host}:${target.tlsPort}/${service ?? target.services[0]}`
  }
  return {
    port: first.tlsPort!,
    connectString: connectStringOf({}),
    connectStringOf,
    certificate: authority.certificate,
    issue,
    wallet: (subject = "CN=client") =>
      Effect.map(issue({ subject }), ({ certificate, key }) => [key, certificate, authority.certificate].join("\n"))
  }
}

const makeService = (
  running: RunningServer,
  options: Options,
  engine: (options: EngineOptions) => Engine
): Service => {
  const { cluster, engines, users } = running
  const first = cluster.instances[0]!
  const chosen = (name: string | undefined) =>
    cluster.instances.filter((instance) => name === undefined || instance.name === name)
  const entries = () => cluster.instances.flatMap((instance) => [...instance.sessions.values()])
  const connectStringOf: Service["connectStringOf"] = ({ instance, service }) => {
    const target = chosen(instance)[0] ?? first
    return `${host}:${target.port}/${service ?? target.services[0]}`
  }
  const inject = (fault: Fault): Effect.Effect<InjectedFault> =>
    Effect.sync(() => {
      const armed = arm(running, fault)
      return {
        fault,
        hits: Effect.sync(() => armed.hits),
        remove: Effect.sync(() => disarm(running, armed))
      }
    })
  const clearFaults = Effect.sync(() => {
    for (const armed of cluster.faults.list) disarm(running, armed)
  })
  return {
    host,
    port: first.port,
    connectString: connectStringOf({}),
    connectStringOf,
    tls: makeTls(running, host),
    sessions: Effect.sync(() => entries().map(describe)),
    requests: Effect.sync(() => cluster.log.list()),
    clearRequests: Effect.sync(() => cluster.log.clear()),
    counters: Effect.sync(() => cluster.counters()),
    script: (sql, user = firstUser(options)) =>
      Effect.tryPromise({
        try: async () => {
          for (const engine of engines.values()) await engine.runScript(user.toUpperCase(), sql)
        },
        catch: failure("the script failed")
      }),
    fork: (changes = {}) =>
      Effect.suspend(() => {
        const snapshot = ServerSnapshot.take(engines, users)
        return makeWith(forkOptions(options, changes), engine, { snapshot, users: changes.users ?? {} })
      }),
    snapshot: Effect.sync(() => ServerSnapshot.take(engines, users)),
    restore: (snapshot) =>
      Effect.try({
        try: () => {
          if (!(snapshot instanceof ServerSnapshot)) throw new Error("it was not made by a server")
          snapshot.restore(engines, users)
        },
        catch: failure("the snapshot could not be restored")
      }),
    setUser: (name, settings) =>
      Effect.sync(() => {
        users.set(name, typeof settings === "string" ? { password: settings } : settings)
        for (const engine of engines.values()) engine.addSchema(name.toUpperCase(), users.rolesOf(name))
      }),
    setAccountState: (name, state) => Effect.sync(() => users.setState(name, state)),
    setPassword: (name, password) => Effect.promise(() => users.setPassword(name, password)),
    removeUser: (name) => Effect.sync(() => users.remove(name)),
    kill: (sid, serial) => Effect.sync(() => cluster.kill(sid, serial)),
    killWhere: (predicate) =>
      Effect.sync(() =>
        entries().map(describe).filter(predicate).filter(({ serial, sid }) => cluster.kill(sid, serial)).length
      ),
    inject,
    injectScoped: (fault) => Effect.acquireRelease(inject(fault), (injected) => injected.remove),
    clearFaults,
    shutdown: (request = {}) =>
      Effect.promise(async () => {
        for (const instance of chosen(request.instance)) await takeDown(instance, request.mode ?? "abort")
      }),
    startup: (request = {}) =>
      Effect.tryPromise({
        try: async () => {
          for (const instance of chosen(request.instance)) await instance.start()
        },
        catch: failure("the instance could not be started")
      }),
    announceShutdown: Effect.sync(() => {
      for (const { connections } of cluster.instances) {
        for (const connection of connections) connection.announce(plannedShutdown)
      }
    }),
    dropConnections: (request = {}) =>
      Effect.sync(() => {
        for (const instance of cluster.instances) instance.cutAll(request.reset ?? false)
      })
  }
}

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

/** @internal */
export const makeWith = (
  options: Options,
  engine: (options: EngineOptions) => Engine,
  seed?: Seed
): Effect.Effect<Service, OracleServerError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: () => start(options, engine, seed),
      catch: failure("the server could not be started")
    }),
    (running) => Effect.promise(() => running.stop())
  ).pipe(Effect.map((running) => makeService(running, options, engine)))

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
