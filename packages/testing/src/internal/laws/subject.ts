/** What a driver, and the pool over it, must show of themselves for the laws to be checked on them. */
import type { Connection, SessionPool } from "@sessionpool/core"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { Defect, DriverFunction, Operation } from "./trouble.ts"

export type { Operation } from "./trouble.ts"

/**
 * One session as the server sees it.
 *
 * **When to use**
 *
 * List them in {@link Server.sessions} of a driver of your own, with as much as its server can tell.
 *
 * **Details**
 *
 * What is left out is not checked; where the user, the proxy user, the class or a sharding key is left out, a session counts as of an identity only once
 * it was held under it.
 *
 * @category models
 * @since 0.1.0
 */
export interface ServerSession {
  /** A number that no other session of this server has or had. */
  readonly number: number
  readonly user?: string | undefined
  readonly proxyUser?: string | undefined
  readonly cclass?: string | undefined
  readonly shardingKey?: unknown
  readonly superShardingKey?: unknown
  /** When it was opened, in milliseconds of the clock's monotonic time; when left out, when it was first seen. */
  readonly openedAt?: number
  /** Whether it would answer a ping; `true` when left out. */
  readonly isAlive?: boolean
  /** Whether the driver knows of a planned shutdown; `false` when left out. */
  readonly hasNotice?: boolean
  /** Whether the pool is pinging, resetting, stopping or closing it at this moment. */
  readonly isAtWork?: boolean
  /** The instance of the database that it is on. */
  readonly instance?: string | undefined
  /** Whether a statement of a caller runs on it at this moment. */
  readonly isRunning?: boolean
}

/**
 * A log-on that the server did not grant.
 *
 * **When to use**
 *
 * List them in {@link Server.refusals}, and law 12 is checked: no account is locked by a pool that tries a wrong password again.
 *
 * @category models
 * @since 0.1.0
 */
export interface Refusal {
  /** In milliseconds of the clock's monotonic time. */
  readonly at: number
  readonly user: string
  /** The user that it was to act for, if any. */
  readonly proxyUser?: string | undefined
  /** Whether the credentials were the reason. */
  readonly isAuthentication: boolean
  /** Equal for equal credentials: user and password, whatever proxy, connection class or shard; never the password itself. */
  readonly credentials?: string | undefined
  /** When the log-in began, in milliseconds of the same. */
  readonly begunAt?: number | undefined
  /** Whether the same credentials were good before. */
  readonly wasAccepted?: boolean | undefined
}

/**
 * The server behind a pool, and the switches that make it fail.
 *
 * **When to use**
 *
 * Write one for a driver of your own, over a server that tests can stop, kill sessions of, and ask what it saw.
 *
 * **Details**
 *
 * The optional members depend on a driver that can be told how to behave; commands that need one are left out without it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Server<C> {
  /** The sessions that are open now. */
  readonly sessions: Effect.Effect<ReadonlyArray<ServerSession>>
  /** The most sessions that were open or being opened at any one moment. */
  readonly mostOpen: Effect.Effect<number>
  /** What the server saw that a pool must never do: two statements at once on a session, use after close, and so on. */
  readonly violations: Effect.Effect<ReadonlyArray<string>>
  /** Breaks that reached another lease than the one that they were for. */
  readonly lateBreaks?: Effect.Effect<ReadonlyArray<string>>
  /** What is wrong at the server now that the pool is closed: sessions that are open still, or were closed twice. */
  readonly imbalances: Effect.Effect<ReadonlyArray<string>>
  /** The number of the session behind a connection. */
  readonly numberOf: (connection: C) => number
  /** Ends a session at the server, without a word to the client. */
  readonly kill: (session: number) => Effect.Effect<unknown>
  readonly killAll: Effect.Effect<unknown>
  /** Refuses log-ins: so many times, or until it is healed. */
  readonly refuseToOpen: (times?: number) => Effect.Effect<unknown>
  /** Lets everything succeed again. */
  readonly heal: Effect.Effect<unknown>
  /** A statement, slow or not. */
  readonly execute: (connection: C) => Effect.Effect<unknown, unknown>
  /** Leaves something for the end of the lease to roll back. */
  readonly begin?: (connection: C) => Effect.Effect<unknown, unknown>
  /** Makes the driver report a fatal error on a session that is lent. */
  readonly reportFatal?: (session: number) => Effect.Effect<unknown>
  /** Announces the shutdown of a session. */
  readonly announceShutdown?: (session: number) => Effect.Effect<unknown>
  /** The instances of the database, and how one goes and comes back. */
  readonly instances?: {
    readonly names: ReadonlyArray<string>
    readonly set: (name: string, is: "abort" | "announced" | "unlisted" | "up") => Effect.Effect<unknown>
  }
  /** Makes an operation slow, or fail or hang for some times. */
  readonly behave?: (
    operation: Operation,
    behavior: { readonly latency?: number; readonly outcome?: "fail" | "hang"; readonly times?: number }
  ) => Effect.Effect<unknown>
  /** Log-ins that were refused so far, the oldest first. */
  readonly refusals?: Effect.Effect<ReadonlyArray<Refusal>>
  /** Lets the next calls of a function of the driver throw, or its effects die: see `withFaults`. */
  readonly sabotage?: (name: DriverFunction, how: Defect, times: number) => Effect.Effect<unknown>
  /** Changes a user's password. */
  readonly setPassword?: (user: string, password: string) => Effect.Effect<unknown>
  /** Says on whose behalf a connection works, by every way that its driver has. */
  readonly identify?: (connection: C, name: string) => Effect.Effect<unknown, unknown>
  /** The names that {@link Server.identify} was given and that can be seen on a connection. */
  readonly identities?: (connection: C) => Effect.Effect<ReadonlyArray<string>, unknown>
}

/**
 * The settings of a pool under the laws: those of `SessionPool.make` without the driver, which is the subject's.
 *
 * **When to use**
 *
 * Pass them on to `SessionPool.make` in {@link Bench.makePool}, and add the driver.
 *
 * @category options
 * @since 0.1.0
 */
export type PoolSettings<C extends Connection.Connection> = Omit<
  SessionPool.MakeOptions<never, C, never, PreparationFailed, never>,
  "driver"
>

/**
 * A server of its own for one script, and the pools on it.
 *
 * **When to use**
 *
 * Make one for each script in {@link Subject.make}, so that scripts do not see what others left behind.
 *
 * @category models
 * @since 0.1.0
 */
export interface Bench<C extends Connection.Connection> {
  readonly server: Server<C>
  readonly makePool: (
    settings: PoolSettings<C>
  ) => Effect.Effect<SessionPool.SessionPool<C, PreparationFailed>, unknown, Scope.Scope>
}

/**
 * A user of the server, and the password that it is created with.
 *
 * @category models
 * @since 0.1.0
 */
export interface Account {
  readonly user: string
  readonly password: string
}

/**
 * What the laws are checked against: a driver, and a way to make pools on it.
 *
 * **When to use**
 *
 * Describe a driver of your own with it, and give it to `SessionPoolLaws.suite`.
 *
 * **Details**
 *
 * With `time: "virtual"` the subject does everything by Effect's clock, scheduler and fibers: no socket, no promise, no timer of
 * its own. Scripts then run in virtual time, thousands in a second. Otherwise `settle` waits until the server and the driver
 * have come to rest, and what depends on the passing of time is left out.
 *
 * @category models
 * @since 0.1.0
 */
export interface Subject<C extends Connection.Connection> {
  readonly name: string
  readonly time: "virtual" | { readonly settle: Effect.Effect<void> }
  /** The account that the pools are made with. */
  readonly account: Account
  /** More accounts, for heterogeneous pools. Any other password must be refused. */
  readonly otherAccounts: ReadonlyArray<Account>
  /** Whether sharding keys and connection classes can be asked for. */
  readonly hasShards?: boolean
  readonly make: Effect.Effect<Bench<C>, unknown, Scope.Scope>
}

/**
 * What `onSession` and `resetSession` fail with in a script, when the script says so.
 *
 * **When to use**
 *
 * It is the failure in the type of the pools that {@link Bench.makePool} makes; a subject does not make one itself.
 *
 * @category errors
 * @since 0.1.0
 */
export class PreparationFailed extends Schema.TaggedError<PreparationFailed>("@sessionpool/testing/PreparationFailed")(
  "PreparationFailed",
  { message: Schema.String }
) {}
