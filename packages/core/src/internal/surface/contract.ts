/** What a pool offers, and what it is made of: the types of the module `SessionPool`, which is the only one to export them. */
import type * as Effect from "effect/Effect"
import type { Pipeable } from "effect/Pipeable"
import type * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Connection } from "../../Connection.ts"
import type {
  AcquireError,
  ConnectionReleasedError,
  InvalidOptionsError,
  InvalidTagError,
  PoolBusyError,
  PoolClosedError
} from "../../PoolError.ts"
import type { PoolEvent } from "../../PoolEvent.ts"
import type { PoolHealth } from "../../PoolHealth.ts"
import type { Changes, DurationOption, Options, Settings } from "../../PoolOptions.ts"
import type { PoolSession } from "../../PoolSession.ts"
import type { PoolStatistics } from "../../PoolStatistics.ts"
import type { Credentials, SessionDriver } from "../../SessionDriver.ts"
import type { SessionRequest } from "../../SessionRequest.ts"
import type { TypeId } from "../data/typeId.ts"

/**
 * How a pool is closed.
 *
 * **Details**
 *
 * - Without options, closing fails with `PoolBusyError` when sessions are busy, and the pool stays open.
 * - `drainTimeout` accepts no more requests, waits that long for busy sessions to be returned, and then takes them away.
 * - `force` takes them away at once: their statements are broken, and every further use of their connections fails with
 *   `ConnectionReleasedError`.
 *
 * @category models
 * @since 0.1.0
 */
export interface CloseOptions {
  readonly force?: boolean | undefined
  readonly drainTimeout?: DurationOption | undefined
}

/**
 * A pool of sessions; `C` is its connection, `E` what its `onSession` and `onLease` may fail with.
 *
 * **When to use**
 *
 * Use as the type of what `SessionPool.make` returns and what the tag of a `SessionPool.Service` resolves to.
 *
 * **Details**
 *
 * It is covariant in both: a pool of a subtype connection is assignable to a pool of its supertype. So code can name only
 * what it uses of a connection, and be tested on a pool whose connection has just that.
 *
 * **Gotchas**
 *
 * A connection belongs to the pool that it was acquired from. Returning it to another pool fails with
 * `ConnectionReleasedError`, which names the owner.
 *
 * **Example** (Writing a function for any connection)
 *
 * ```ts
 * import type { Connection, SessionPool } from "@sessionpool/core"
 * import { Effect } from "effect"
 *
 * const tags = <C extends Connection.Connection>(pool: SessionPool.SessionPool<C>) =>
 *   Effect.gen(function*() {
 *     const connection = yield* pool.acquire({ tag: "USER_TZ=UTC" })
 *     yield* connection.setTag("USER_TZ=UTC;LANG=FRENCH")
 *     return connection.tag
 *   }).pipe(Effect.scoped)
 * ```
 *
 * @see `SessionPool.make` for making one
 * @see `SessionPool.isSessionPool` for telling one from other values
 * @category models
 * @since 0.1.0
 */
export interface SessionPool<out C extends Connection, out E = never> extends Pipeable {
  readonly [TypeId]: typeof TypeId

  /**
   * Leases a session until the scope closes, for whatever reason it closes. Uncommitted work is rolled back then, and the
   * session keeps the connection's tag. Closing the scope does not end a wait: what comes
   * of it is a connection whose lease has ended. Interrupt the fiber to end a wait.
   */
  readonly acquire: (request?: SessionRequest) => Effect.Effect<C, AcquireError | E, Scope.Scope>

  /** The same lease around one effect, without a scope: the fastest way to use a session. */
  readonly use: {
    <A, E2, R>(f: (connection: C) => Effect.Effect<A, E2, R>): Effect.Effect<A, AcquireError | E | E2, R>
    <A, E2, R>(
      request: SessionRequest,
      f: (connection: C) => Effect.Effect<A, E2, R>
    ): Effect.Effect<A, AcquireError | E | E2, R>
  }

  /**
   * Ends a lease now; the end of its scope then has nothing left to do. The scope keeps a few bytes for the lease until then: where many leases
   * end in one that lives for long, take each with `use` or in an `Effect.scoped` of its own. `tag` replaces `connection.tag` as the name of the
   * state that the session is in; `""` means no tag. A malformed tag is a failure and leaves the lease unchanged.
   */
  release(
    connection: C,
    options?: { readonly tag?: string | undefined }
  ): Effect.Effect<void, InvalidTagError | ConnectionReleasedError>

  /** Ends a lease and closes its session for good. */
  drop(connection: C): Effect.Effect<void, ConnectionReleasedError>

  /** Closes the pool: see {@link CloseOptions}. Succeeds once nothing is left open; closing a closed pool does nothing. */
  readonly close: (options?: CloseOptions) => Effect.Effect<void, PoolBusyError | InvalidOptionsError>

  /**
   * Changes settings while the pool runs: all of them, or, if one of them cannot be used, none. Credentials that the
   * database has refused may be tried again afterwards.
   */
  readonly reconfigure: (changes: Changes) => Effect.Effect<void, InvalidOptionsError | PoolClosedError>

  /** The settings in force. */
  readonly settings: Effect.Effect<Settings>

  /** The counts of this moment. */
  readonly statistics: Effect.Effect<PoolStatistics>

  /** Every session of this moment: where it is, who holds it, which one it is at the server. */
  readonly sessions: Effect.Effect<ReadonlyArray<PoolSession>>

  /** Whether the pool is ready for requests and can recover by itself, with the reasons, without a round trip. */
  readonly health: Effect.Effect<PoolHealth>

  /**
   * Replaces every session: idle ones are closed now, busy ones as they are returned, and those being opened before they are lent.
   * `min` sessions are opened again at once. Use it after a change that open sessions do not see, such as a role or a failover.
   */
  readonly refresh: Effect.Effect<void, PoolClosedError>

  /**
   * Lets requests wait until {@link resume}, and lends and opens no session meanwhile; leases go on. No request fails for it, whatever
   * the get mode: time in which the pool is suspended does not count as waiting. `queueMax` is still in force. Suspending twice is once.
   */
  readonly suspend: Effect.Effect<void, PoolClosedError>

  /** Ends {@link suspend}: waiting requests are served in their order. Does nothing when the pool is not suspended. */
  readonly resume: Effect.Effect<void, PoolClosedError>

  /**
   * Has the sessions leave an instance of the database, such as before it is stopped: idle ones are closed now, busy ones as they are returned, and
   * no lease ends for it. The name is that of `statistics` and `sessions`; upper and lower case are the same.
   *
   * It returns at once: `statistics.instances` says when no session is left. The instance stays drained until {@link undrain}. Where new
   * sessions land is for the database's listener to say: those that land there all the same are lent like any other, so that no request
   * fails, and one in 10 seconds is closed again, in favor of one that may land elsewhere.
   */
  readonly drain: (instance: string) => Effect.Effect<void, InvalidOptionsError | PoolClosedError>

  /**
   * Ends {@link drain}: sessions of the instance that have not left yet stay. Does nothing when it is not drained. Sessions find their way
   * back as they are opened, and one by one by `rebalanceInterval`.
   */
  readonly undrain: (instance: string) => Effect.Effect<void, InvalidOptionsError | PoolClosedError>

  /**
   * What happens in the pool from now on, until it is closed. A listener that falls more than 4096 events behind misses
   * the oldest. Events cost nothing while there is no listener.
   */
  readonly events: Stream.Stream<PoolEvent>
}

/**
 * The options of a pool that are functions or effects: what runs at the turns of a session's life.
 *
 * **Details**
 *
 * - `credentials` is run at every opening; it takes the place of `user` and `password`.
 * - `onSession` runs before a caller sees a session that is new, or whose tag differs from the one asked for; its task is
 *   to put the session in the state that the tag names and to say so with `setTag`. When it fails or is interrupted, the
 *   session is closed, and the request fails with its failure.
 * - `onLease` runs at every lease, after `onSession`, before the caller sees the connection. When it fails or is interrupted,
 *   the lease ends like every other: the session is returned, and the request fails with its failure. Use it for what every
 *   caller needs, such as a check of who may work now; it costs each lease the fast path, so leave it out otherwise.
 * - `resetSession` runs at the end of every lease, after the rollback. When it fails, the session is closed.
 * - `openRetry` is how long opening pauses after failures in a row. The default begins at 100 ms, doubles up to 1 second,
 *   and is jittered by 20 %. After a pause one session is tried; the others follow once that could be opened.
 *
 * **Gotchas**
 *
 * Without `onSession` no code prepares the state that a tag names: a request with a tag may get a new session, or an
 * untagged one, as it is. The event `SessionUnprepared` says when that happens, and a log line at level debug says it once.
 *
 * @see {@link MakeOptions} for these beside the settings
 * @category models
 * @since 0.1.0
 */
export interface Hooks<C extends Connection, OE, R, LE = OE, Cr extends Credentials = Credentials> {
  readonly credentials?: Effect.Effect<Cr, unknown, R> | undefined
  readonly onSession?:
    | ((connection: C, info: { readonly requestedTag: string | undefined }) => Effect.Effect<unknown, OE, R>)
    | undefined
  readonly onLease?:
    | ((connection: C, info: { readonly requestedTag: string | undefined }) => Effect.Effect<unknown, LE, R>)
    | undefined
  readonly resetSession?: ((connection: C) => Effect.Effect<unknown, unknown, R>) | undefined
  readonly openRetry?: Schedule.Schedule<unknown, unknown, unknown, R> | undefined
}

/**
 * What a pool is made of besides its settings: the driver, and what runs at the turns of a session's life.
 *
 * @see `SessionPool.Service` for a class that knows them
 * @category models
 * @since 0.1.0
 */
export interface Parts<S, C extends Connection, DE, OE, R, LE = OE, Cr extends Credentials = Credentials>
  extends Hooks<C, OE, R, LE, Cr>
{
  readonly driver: SessionDriver<S, C, DE, Cr>
}

/**
 * What a pool is made of: its settings, its driver, and what runs at the turns of a session's life.
 *
 * **Details**
 *
 * The settings are described in `PoolOptions`, the effects in {@link Hooks}, the driver in `SessionDriver`.
 *
 * @see `SessionPool.make`
 * @category models
 * @since 0.1.0
 */
export interface MakeOptions<S, C extends Connection, DE, OE, R, LE = OE, Cr extends Credentials = Credentials>
  extends Options, Parts<S, C, DE, OE, R, LE, Cr>
{}
