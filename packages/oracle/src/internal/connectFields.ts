/**
 * The settings with which sessions are opened: the one list that their types, their checks, the driver's parameters and
 * `docs/settings.md` are made from.
 */
import type { PoolOptions } from "@sessionpool/core"
import * as Duration from "effect/Duration"
import * as Redacted from "effect/Redacted"
import { duration, type Field, flag, integer, networkName, secret, text, word } from "./fieldKinds.ts"
import { driver } from "./oracledb.ts"
import { longestTimer } from "./timers.ts"

/** A setting, and what the driver is given for an input that it can hold; nothing, where the connect string carries it. */
interface ConnectField<out T> extends Field<T> {
  readonly parameter?: (input: unknown) => unknown
}

const passed = <T>(field: Field<T>, parameterOf: (value: T) => unknown = (value) => value): ConnectField<T> => ({
  ...field,
  parameter: (input) => {
    const value = field.parse(input)
    return value === undefined ? undefined : parameterOf(value)
  }
})

const inConnectString = <T>(field: Field<T>): ConnectField<T> => field

/** Whole units of the driver, rounded up: its limit is never shorter than what was asked for, but where a timer would overflow. */
const inUnits = (unitMillis: number): ConnectField<Duration.Duration> =>
  passed(duration, (value) => {
    const millis = Duration.toMillis(value)
    return millis === Infinity ? 0 : Math.min(Math.ceil(millis / unitMillis), Math.floor(longestTimer / unitMillis))
  })

const seconds = inUnits(1000)
const minutes = inUnits(60_000)

const privileges = {
  sysdba: driver.SYSDBA,
  sysoper: driver.SYSOPER,
  sysasm: driver.SYSASM,
  sysbackup: driver.SYSBACKUP,
  sysdg: driver.SYSDG,
  syskm: driver.SYSKM,
  sysrac: driver.SYSRAC
} as const

const privilege = word("sysdba", "sysoper", "sysasm", "sysbackup", "sysdg", "syskm", "sysrac")

const isContext = (entry: unknown): boolean =>
  Array.isArray(entry) && entry.length === 3 && entry.every((part) => typeof part === "string")

type AppContext = ReadonlyArray<readonly [namespace: string, name: string, value: string]>

const appContext: Field<AppContext> = {
  expected: "a list of [namespace, name, value]",
  parse: (input) => Array.isArray(input) && input.every(isContext) ? input as AppContext : undefined
}

const connectString: Field<string> = {
  expected: "an easy connect string, a descriptor or an alias",
  parse: (input) => typeof input === "string" && input.trim() !== "" ? input : undefined,
  isSecret: true
}

const requiredFields = {
  /** Easy connect (plus), a full descriptor, or an alias of the `tnsnames.ora` in `configDir`. */
  connectString: inConnectString(connectString)
}

const optionalFields = {
  /** The folder of `tnsnames.ora` and the wallet. Default: the environment's `TNS_ADMIN`. */
  configDir: passed(text),
  /** The administrative privilege to log on with. */
  privilege: passed(privilege, (name) => privileges[name]),
  /** No password: a wallet, Kerberos or a token says who the user is. Default false. */
  externalAuth: passed(flag),
  /** Whether the client library receives events of the database (Thick mode). Default false. */
  events: passed(flag),
  /** Goes through the addresses of the descriptor one after another, as hops (`SOURCE_ROUTE`). Default false. */
  sourceRoute: inConnectString(flag),
  /** When a pooled server takes its session back (implicit pooling, 23ai); implies `SERVER=POOLED`. */
  poolBoundary: inConnectString(word("statement", "transaction")),
  /**
   * Asks for a pooled server (`SERVER=POOLED`): `"release"` returns its session with each lease, `"hold"` keeps it.
   *
   * A connect string that asks for a pooled server by itself works as `"hold"`.
   */
  serverPool: inConnectString(word("hold", "release")),
  /** The folder of the wallet with the certificates for TLS. */
  walletLocation: passed(text),
  /** The wallet itself, in PEM, in place of a folder. */
  walletContent: passed(secret, Redacted.value),
  /** The password of the wallet. */
  walletPassword: passed(secret, Redacted.value),
  /** Whether the server's certificate must name the host or `sslServerCertDN`. Default true. */
  sslServerDNMatch: passed(flag),
  /** The distinguished name that the server's certificate must have. */
  sslServerCertDN: passed(text),
  /** Whether the service name may stand in for the host in that check. Default false. */
  sslAllowWeakDNMatch: passed(flag),
  /** Whether TLS names the server (SNI), which spares a second handshake. Default false. */
  useSNI: passed(flag),
  /** The host of a proxy for TLS connections. */
  httpsProxy: passed(text),
  /** The port of that proxy. */
  httpsProxyPort: passed(integer(0, 65_535)),
  /** How often the driver tries the addresses again before opening fails. Default 0. */
  retryCount: passed(integer(0, 1_000_000)),
  /** The pause between these tries, in whole seconds. Default 1 second. */
  retryDelay: seconds,
  /** The limit for connecting and logging on, in whole seconds. */
  connectTimeout: seconds,
  /** The limit for connecting to one address, in whole seconds. Default 20 seconds. */
  transportConnectTimeout: seconds,
  /** How often TCP probes an idle connection, in whole minutes; 0: off. Default 0. */
  expireTime: minutes,
  /** The size of the network's data units, in bytes. Default 8192. */
  sdu: passed(integer(1, 2_147_483_647)),
  /** The beginning of the connection's id in the server's traces. */
  connectionIdPrefix: passed(networkName),
  /** Whether data are compressed on the network (Thick mode). Default false. */
  networkCompression: passed(flag),
  /** The size from which they are, in bytes. Default 1024. */
  networkCompressionThreshold: passed(integer(0, 2_147_483_647)),
  /** The name of the client's host, as `v$session` shows it. */
  machine: passed(networkName),
  /** The name of the client's user, as `v$session` shows it. */
  osUser: passed(networkName),
  /** The name of the program, as `v$session` shows it. */
  program: passed(networkName),
  /** The name of the terminal, as `v$session` shows it. */
  terminal: passed(text),
  /** The name of the driver, as `v$session_connect_info` shows it. */
  driverName: passed(text),
  /** Application context to set at log-on: namespace, name and value of each. */
  appContext: passed(appContext),
  /** The priority of the session's transactions. */
  txnPriority: passed(word("high", "medium", "low", ""))
}

export const connectFields = { ...requiredFields, ...optionalFields }

/** What a program may give for a setting that holds a `T`. */
type OptionOf<T> = T extends Duration.Duration ? PoolOptions.DurationOption : T

type ValueOf<F> = F extends ConnectField<infer T> ? T : never

export type RequiredSettings = { readonly [Name in keyof typeof requiredFields]: ValueOf<typeof requiredFields[Name]> }

export type OptionalSettings = {
  readonly [Name in keyof typeof optionalFields]?: OptionOf<ValueOf<typeof optionalFields[Name]>> | undefined
}

/** The names of the settings, so that they can be told from the core pool's. */
export const connectSettingNames = Object.keys(connectFields) as ReadonlyArray<keyof typeof connectFields>

const parameterNames = Object.keys(optionalFields) as ReadonlyArray<keyof typeof optionalFields>

/** The driver's parameters that are the same for every session, those left out that are not set. */
export const fixedParameters = (settings: OptionalSettings): Record<string, unknown> =>
  Object.fromEntries(
    parameterNames.flatMap((name) => {
      const field: ConnectField<unknown> = optionalFields[name]
      const value = settings[name] === undefined ? undefined : field.parameter?.(settings[name])
      return value === undefined ? [] : [[name, value]]
    })
  )
