/** Starts a server with its users, its script and its instances, and stops it. */
import type { Engine, EngineOptions } from "../engine/engine.ts"
import { versionParts } from "../engine/values/product.ts"
import { Cluster } from "./cluster.ts"
import { Instance } from "./instance.ts"
import type { Options } from "./options.ts"
import { protocolOf } from "./releases.ts"
import type { Seed } from "./serverSnapshot.ts"
import { TlsTerms } from "./tls.ts"
import { TokenVerifier } from "./tokens.ts"
import { Users } from "./users.ts"

/** A server that listens, and how it is stopped. */
export interface RunningServer {
  readonly cluster: Cluster
  readonly users: Users
  /** By the name of the database. */
  readonly engines: ReadonlyMap<string, Engine>
  readonly stop: () => Promise<void>
}

const defaultVersion = "23.7.0.25.01"

/** The user that scripts run as: the first one. */
export const firstUser = (options: Options): string => (Object.keys(options.users ?? {})[0] ?? "SCOTT").toUpperCase()

/** Starts a server, on the databases and with the users of a snapshot when one is given. */
export const start = async (
  options: Options,
  makeEngine: (options: EngineOptions) => Engine,
  seed?: Seed
): Promise<RunningServer> => {
  const databaseName = options.databaseName ?? "FREE"
  const version = options.version ?? defaultVersion
  const [release = NaN] = versionParts(version)
  if (Number.isNaN(release)) {
    throw new TypeError(`version has to begin with a number, as in "19.3.0.0.0", not ${JSON.stringify(version)}`)
  }
  const protocol = { ...protocolOf(version), ...options.protocol }
  const users = new Users(options.verifier ?? "12c", options.failedLoginAttempts ?? Infinity)
  const addUsers = (list: Options["users"] & object): void => {
    for (const [name, settings] of Object.entries(list)) {
      users.set(name, typeof settings === "string" ? { password: settings } : settings)
    }
  }
  if (seed === undefined) addUsers(options.users ?? { scott: "tiger" })
  const cluster = new Cluster({
    version,
    databaseName,
    domain: options.domain ?? "",
    maxOpenCursors: options.maxOpenCursors ?? 300,
    maxSessions: options.maxSessions ?? 10_000,
    maxConnections: options.maxConnections ?? 10_000,
    logOnTimeout: options.logOnTimeout ?? 60_000,
    logCapacity: options.logCapacity ?? 10_000,
    sdu: protocol.sdu ?? 2_097_152,
    netVersion: protocol.netVersion,
    fieldVersion: protocol.fieldVersion,
    endOfResponse: protocol.endOfResponse,
    fastAuth: protocol.fastAuth,
    pipelines: protocol.pipelines,
    route: options.route,
    loadBalance: options.loadBalance ?? false,
    tls: options.tls === undefined ? undefined : await TlsTerms.make(options.tls),
    tokens: options.tokens === undefined ? undefined : new TokenVerifier(options.tokens)
  }, users)
  const engines = new Map<string, Engine>()
  const service = options.service ?? "FREEPDB1"
  const plans = options.instances ?? [{ name: databaseName }]
  for (const [index, plan] of plans.entries()) {
    const database = plan.database ?? databaseName
    let engine = engines.get(database)
    if (engine === undefined) {
      engine = makeEngine({
        version,
        databaseName: database,
        instanceName: plan.name,
        procedures: options.procedures ?? [],
        transactionGuard: options.transactionGuard === true,
        ...(options.memoryLimit === undefined ? {} : { memoryLimit: options.memoryLimit }),
        host: {
          killSession: (sid, serial) => cluster.kill(sid, serial),
          usage: (sid) => cluster.usage(sid),
          instances: () => cluster.openInstances(engines.get(database)!),
          accounts: users.accounts
        },
        openCursors: cluster.settings.maxOpenCursors
      })
      engines.set(database, engine)
    }
    cluster.instances.push(
      new Instance(cluster, {
        name: plan.name,
        services: plan.services ?? [service],
        port: plan.port ?? (index === 0 ? options.port ?? 0 : 0),
        tlsPort: plan.tlsPort ?? (index === 0 ? options.tls?.port : undefined),
        engine,
        number: cluster.instances.filter((other) => other.engine === engine).length + 1
      })
    )
  }
  users.limits = [...engines.values()][0]!.logOnLimits
  const stop = async () => {
    cluster.faults.clear()
    await Promise.all(cluster.instances.map((instance) => instance.stopListening()))
    for (const engine of engines.values()) engine.close()
  }
  try {
    if (seed !== undefined) {
      seed.snapshot.restore(engines, users)
      addUsers(seed.users)
    }
    for (const engine of engines.values()) for (const name of users.names()) engine.addSchema(name, users.rolesOf(name))
    if (options.script !== undefined) {
      for (const engine of engines.values()) await engine.runScript(firstUser(options), options.script)
    }
    for (const instance of cluster.instances) await instance.start()
  } catch (cause) {
    await stop()
    throw cause
  }
  return { cluster, users, engines, stop }
}
