/** Starts a server and offers what is to be done with it as effects. */
import { Effect, type Scope } from "effect"
import type { Fault } from "../../Fault.ts"
import type { Engine, EngineOptions } from "../engine/engine.ts"
import { type InjectedFault, OracleServerError, type Service, type SessionInfo, type Tls } from "./contract.ts"
import { arm, disarm, plannedShutdown, takeDown } from "./control.ts"
import type { SessionEntry } from "./member.ts"
import type { Options } from "./options.ts"
import { forkOptions, type Seed, ServerSnapshot } from "./serverSnapshot.ts"
import { firstUser, type RunningServer, start } from "./start.ts"

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
