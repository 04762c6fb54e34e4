/** What the checks of the doctor share: where the database is, a pool on it, and what is known of the server. */
import type * as PoolError from "@sessionpool/core/PoolError"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { OracleConnection, Row } from "../../OracleConnection.ts"
import { make, type OracleSessionPool } from "../../OracleSessionPool.ts"

/** The database to look at, and how to log on to it. */
export interface Target {
  readonly connectString: string
  readonly user: string
  readonly password: Redacted.Redacted<string>
  readonly configDir?: string | undefined
  readonly walletLocation?: string | undefined
  readonly walletPassword?: Redacted.Redacted<string> | undefined
  /** A user that may be reached through `user`, to check proxying with. */
  readonly proxyUser?: string | undefined
  /** How many sessions the application means to open from all of its processes, to hold against the server's limits. */
  readonly sessions: number
  /** How long opening a session may take. */
  readonly openTimeout: Duration.Input
}

type Pool = OracleSessionPool.Pool<OracleSessionPool.Failure>

/** What checks after the log-on work with. */
export interface Probe {
  readonly target: Target
  /** At most two sessions, of the target's user. */
  readonly pool: Pool
  /** The server's release, as in `[23, 7]`. */
  readonly version: readonly [major: number, minor: number]
  /** Another pool on the same database, until the check ends. */
  readonly open: (
    options: Partial<OracleSessionPool.Options>
  ) => Effect.Effect<Pool, PoolError.InvalidOptionsError | PoolError.OpenSessionError, Scope.Scope>
}

const connectSettings = (target: Target) => ({
  connectString: target.connectString,
  user: target.user,
  password: target.password,
  ...(target.configDir !== undefined && { configDir: target.configDir }),
  ...(target.walletLocation !== undefined && { walletLocation: target.walletLocation }),
  ...(target.walletPassword !== undefined && { walletPassword: target.walletPassword })
})

/** A pool for checks; it fails with the first session that cannot be opened, and is never kept waiting by dead ones. */
export const openPool = (target: Target, options: Partial<OracleSessionPool.Options> = {}) =>
  make<OracleSessionPool.Failure>({
    ...connectSettings(target),
    name: "doctor",
    min: 0,
    max: 2,
    openTimeout: target.openTimeout as NonNullable<OracleSessionPool.Options["openTimeout"]>,
    drainTimeout: "5 seconds",
    ...options
  })

/** The version of a server from the text that it announces itself with. */
export const versionOf = (text: string): readonly [major: number, minor: number] => {
  const [major = 0, minor = 0] = text.split(".").map(Number)
  return [major, minor]
}

/** The value of a query of one row and one column. */
export const valueOf = (connection: OracleConnection, sql: string, binds?: Parameters<OracleConnection["query"]>[1]) =>
  Effect.map(
    connection.query(sql, binds),
    ([row]: ReadonlyArray<Row>) => row === undefined ? undefined : Object.values(row)[0]
  )

/** The session of a connection, by the server's own number. */
export const sidOf = (connection: OracleConnection) =>
  Effect.map(valueOf(connection, "select sys_context('userenv', 'sid') from dual"), String)
