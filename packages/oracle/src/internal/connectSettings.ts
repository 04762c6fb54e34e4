/** The settings with which sessions are opened, and the parameters that the driver is given for one of them. */
import type { SessionDriver } from "@sessionpool/core"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import { type PlatformError, systemError } from "effect/PlatformError"
import * as Redacted from "effect/Redacted"
import { randomBytes } from "node:crypto"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import * as ConnectDescriptor from "../ConnectDescriptor.ts"
import { fixedParameters, type OptionalSettings, type RequiredSettings } from "./connectFields.ts"
import { isAlias, secretsInConnectString } from "./connectStringCheck.ts"
import { driver } from "./oracledb.ts"

/**
 * What the driver is told when it connects.
 *
 * **Details**
 *
 * - `connectString`: easy connect (plus), a full descriptor, or an alias of the `tnsnames.ora` in `configDir` (by default the
 *   environment's `TNS_ADMIN`).
 * - `poolBoundary` turns on implicit pooling (Oracle Database 23ai): the server takes its session back after each transaction,
 *   or after each statement, while this side's stays. `serverPool` is for older servers: see the README on DRCP.
 * - The rest is passed to the driver, with durations in place of its seconds and minutes.
 *
 * **Example** (TLS with a wallet)
 *
 * ```ts
 * import type { OracleSessionPool } from "@sessionpool/oracle"
 * import { Redacted } from "effect"
 *
 * const settings: OracleSessionPool.ConnectSettings = {
 *   connectString: "tcps://db.example.com:2484/sales",
 *   walletLocation: "wallet",
 *   walletPassword: Redacted.make("tiger"),
 *   transportConnectTimeout: "5 seconds"
 * }
 * ```
 */
export interface ConnectSettings extends RequiredSettings, OptionalSettings {}

/**
 * Who sessions are opened as: a password, or a token of OAuth 2.0 or of IAM (which has a private key beside it).
 *
 * **Example** (A token)
 *
 * ```ts
 * import type { OracleSessionPool } from "@sessionpool/oracle"
 * import { Redacted } from "effect"
 *
 * const credentials: OracleSessionPool.Credentials = { token: Redacted.make("eyJhbGciOi...") }
 * ```
 */
export interface OracleCredentials extends SessionDriver.Credentials {
  readonly privateKey?: Redacted.Redacted<string> | undefined
}

/** What a request asks for; its credentials may bring the key of an IAM token. */
export type OpenRequest = SessionDriver.OpenRequest<OracleCredentials>

/** Who the session is for: `user`, `user[proxy]`, or `[proxy]` when a token or a wallet says who the user is. */
const credentialParameters = (request: OpenRequest): Record<string, unknown> => {
  const proxy = request.proxyUser === undefined ? "" : `[${request.proxyUser}]`
  if (request.token !== undefined) {
    const token = Redacted.value(request.token)
    return {
      externalAuth: true,
      accessToken: request.privateKey === undefined
        ? token
        : { token, privateKey: Redacted.value(request.privateKey) },
      ...(proxy !== "" && { user: proxy })
    }
  }
  const user = `${request.user ?? ""}${proxy}`
  return {
    ...(user !== "" && { user }),
    ...(request.password !== undefined && { password: Redacted.value(request.password) })
  }
}

/** What the connect string itself has to carry for this session; `undefined` when it can stay as it was given. */
const routing = (
  settings: ConnectSettings,
  request: OpenRequest
): ConnectDescriptor.ConnectDataSettings | undefined => {
  const routed: ConnectDescriptor.ConnectDataSettings = {
    ...((settings.poolBoundary !== undefined || settings.serverPool !== undefined) && { server: "pooled" as const }),
    ...(settings.poolBoundary !== undefined && { poolBoundary: settings.poolBoundary }),
    ...(request.cclass !== undefined && { poolConnectionClass: request.cclass }),
    ...(request.purity === "new" && { poolPurity: "new" as const }),
    ...(driver.thin && request.shardingKey !== undefined && { shardingKey: request.shardingKey }),
    ...(driver.thin && request.superShardingKey !== undefined && { superShardingKey: request.superShardingKey })
  }
  return Object.keys(routed).length === 0 ? undefined : routed
}

const columns = (key: SessionDriver.OpenRequest["shardingKey"]): ReadonlyArray<unknown> | undefined =>
  key === undefined ? undefined : Array.isArray(key) ? key : [key]

/** In Thick mode the driver takes the keys itself. */
const shardingParameters = (request: OpenRequest): Record<string, unknown> =>
  driver.thin ? {} : Object.fromEntries(
    Object.entries({ shardingKey: columns(request.shardingKey), superShardingKey: columns(request.superShardingKey) })
      .filter(([, value]) => value !== undefined)
  )

type Unreadable = ConnectDescriptor.ConnectDescriptorError | PlatformError

const files = FileSystem.layerNoop({
  readFileString: (path) =>
    Effect.tryPromise({
      try: () => readFile(path, "utf8"),
      catch: (cause) => {
        const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined
        return systemError({
          _tag: code === "ENOENT" ? "NotFound" : code === "EACCES" ? "PermissionDenied" : "Unknown",
          module: "FileSystem",
          method: "readFileString",
          pathOrDescriptor: path,
          cause
        })
      }
    })
})

/** The connect string as a descriptor; an alias is looked up where the driver would. */
const descriptorOf = (settings: ConnectSettings): Effect.Effect<ConnectDescriptor.ConnectDescriptor, Unreadable> => {
  const { connectString } = settings
  if (!isAlias(connectString)) return Effect.fromResult(ConnectDescriptor.parse(connectString))
  const home = process.env["ORACLE_HOME"]
  const directory = settings.configDir ?? process.env["TNS_ADMIN"]
    ?? (home === undefined ? "." : join(home, "network", "admin"))
  return ConnectDescriptor.loadTnsNames(directory).pipe(
    Effect.provide([files, Path.layer]),
    Effect.flatMap((tnsNames) => Effect.fromResult(ConnectDescriptor.parse(connectString, { tnsNames })))
  )
}

const sourceRoute = (descriptor: ConnectDescriptor.ConnectDescriptor): ConnectDescriptor.ConnectDescriptor => ({
  ...descriptor,
  value: descriptor.name.toUpperCase() === "DESCRIPTION_LIST"
    ? descriptor.value.map((child) =>
      typeof child.value === "string" ? child : sourceRoute({ name: child.name, value: child.value })
    )
    : [
      ...descriptor.value.filter((child) => child.name.toUpperCase() !== "SOURCE_ROUTE"),
      { name: "SOURCE_ROUTE", value: "yes" }
    ]
})

/** What is known of a connect string once and for all. */
export class ConnectParameters {
  readonly settings: ConnectSettings
  /** The connection class of sessions for which none is asked: one for the whole pool, so that they can share servers. */
  readonly ownClass: string = `sessionpool:${randomBytes(12).toString("base64")}`
  readonly #fixed: Record<string, unknown>
  readonly #descriptor: Effect.Effect<ConnectDescriptor.ConnectDescriptor, Unreadable>

  constructor(settings: ConnectSettings) {
    this.settings = settings
    this.#fixed = fixedParameters(settings)
    this.#descriptor = descriptorOf(settings).pipe(
      Effect.map((descriptor) => settings.sourceRoute === true ? sourceRoute(descriptor) : descriptor)
    )
  }

  /** What the connect string may hold that no error must show. */
  get secrets(): ReadonlyArray<string> {
    return secretsInConnectString(this.settings.connectString)
  }

  /** Where the connect string leads; fails when it cannot be read here, which the driver may still be able to. */
  get summary(): Effect.Effect<ConnectDescriptor.Summary, Unreadable> {
    return Effect.map(this.#descriptor, ConnectDescriptor.summary)
  }

  /** The driver's parameters for one session. */
  of(request: OpenRequest): Effect.Effect<Record<string, unknown>, Unreadable> {
    const routed = routing(this.settings, request)
    const connectString = routed === undefined && this.settings.sourceRoute !== true
      ? Effect.succeed(this.settings.connectString)
      : Effect.flatMap(
        this.#descriptor,
        (descriptor) => Effect.fromResult(ConnectDescriptor.withConnectData(descriptor, routed ?? {}))
      ).pipe(
        Effect.map(ConnectDescriptor.print)
      )
    return Effect.map(connectString, (text) => ({
      ...this.#fixed,
      ...credentialParameters(request),
      ...shardingParameters(request),
      connectString: text,
      stmtCacheSize: request.stmtCacheSize,
      ...(request.edition !== undefined && { edition: request.edition })
    }))
  }
}
