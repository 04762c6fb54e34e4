/**
 * A pool of database sessions: leases bound to scopes, tags, identities, and every failure typed.
 *
 * **The pool on one page**
 *
 * A *session* is one authenticated conversation with a database. A *connection* is what a caller holds while a session is
 * leased to it. A *tag* names the state that a session was left in.
 *
 * ```text
 *            demand, min                  acquire, use
 *  nothing ---------------> opening ---> idle <==========> busy
 *     ^                        |         |  ^  end of lease  |
 *     |                 failed |    ping |  | answered       | fatal error, drop, expired,
 *     |                        |         v  |                | failed reset, surplus
 *     +------------------------+      checking               |
 *     |                                  | no answer         |
 *     +--- closing <---------------------+-------------------+
 * ```
 *
 * Who does what, all under `internal/`:
 *
 * - `poolState` holds every count and list. Only its methods change the place of a session, each in one synchronous step.
 * - `lending` decides who gets which session. A freed session belongs to the request it wakes from that very step on. No
 *   request ever waits while an idle session fits it; therefore a newcomer may take an idle session without asking the queue.
 * - `settling` decides what to open and what to replace, by the pure functions of `growth`. `sessionGroup` finds the idle
 *   session for a request, and the request for a session, each in constant time.
 * - Decisions order work as jobs. `engine` starts them when the decision is complete; `jobs` are the effects (open, close,
 *   ping, pause). They run in the pool's scope, never in the fiber of a caller.
 * - `lease` is the time from taking a session to giving it back. Its end is installed before the session is taken, so
 *   there is no moment in which an interrupted fiber could lose one.
 * - `upkeep` evicts and keeps alive, `closing` ends the pool, `leaks` reports leases that are held for too long.
 *
 * While nothing changes that could speak against lending a session once more, `poolState` keeps the one that came back last
 * at hand, and `take` lends it without a further question; `ask` is the way that looks at everything.
 *
 * To acquire is one look at the idle sessions. If none fits, the request joins the queue, sessions are opened in the
 * background, and the first session that fits it, new or given back, is its own.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Connection } from "./Connection.ts"
import * as construct from "./internal/construct.ts"
import type {
  AcquireError,
  ConnectionReleasedError,
  InvalidOptionsError,
  InvalidTagError,
  OpenSessionError,
  PoolBusyError,
  PoolClosedError
} from "./PoolError.ts"
import type { PoolEvent } from "./PoolEvent.ts"
import type { Changes, DurationOption, Options, Settings } from "./PoolOptions.ts"
import type { PoolStatistics } from "./PoolStatistics.ts"
import type { Credentials, SessionDriver } from "./SessionDriver.ts"
import type { SessionRequest } from "./SessionRequest.ts"

/**
 * How a pool is closed.
 *
 * **Details**
 *
 * Without options, closing fails with `PoolBusyError` when sessions are busy, and the pool stays open. `drainTimeout` takes no
 * more requests, waits that long for busy sessions to come back, and then takes them away. `force` takes them away at once:
 * their statements are broken, and every further use of their connections fails with `ConnectionReleasedError`.
 */
export interface CloseOptions {
  readonly force?: boolean | undefined
  readonly drainTimeout?: DurationOption | undefined
}

/**
 * A pool of sessions; `C` is its connection, `E` what its `onSession` and `onLease` may fail with.
 *
 * **Details**
 *
 * A pool of a more capable connection can stand where one of a less capable is asked for. So code can name only what it
 * uses of a connection, and be tested on a pool whose connection has just that.
 *
 * @example
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
 */
export interface SessionPool<C extends Connection, E = never> {
  /**
   * Leases a session until the scope closes, however it closes. What was not committed is rolled back then, and the
   * session keeps the connection's tag.
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
   * Ends a lease now; the end of its scope then has nothing left to do. `tag` names the state that the session is in, over
   * `connection.tag`; `""` says that it is in none. A malformed tag is a failure and leaves the lease as it was.
   */
  release(
    connection: C,
    options?: { readonly tag?: string | undefined }
  ): Effect.Effect<void, InvalidTagError | ConnectionReleasedError>

  /** Ends a lease and closes its session for good. */
  drop(connection: C): Effect.Effect<void, ConnectionReleasedError>

  /** Closes the pool: see {@link CloseOptions}. Done when nothing is left open; closing a closed pool does nothing. */
  readonly close: (options?: CloseOptions) => Effect.Effect<void, PoolBusyError | InvalidOptionsError>

  /**
   * Changes settings while the pool runs: all of them, or, when one of them cannot be, none. Credentials that the database has
   * refused may be tried again afterwards: the pool's own when they are among the changes, those of requests in any case.
   */
  readonly reconfigure: (changes: Changes) => Effect.Effect<void, InvalidOptionsError | PoolClosedError>

  /** The settings in force. */
  readonly settings: Effect.Effect<Settings>

  /** The figures of this moment. */
  readonly statistics: Effect.Effect<PoolStatistics>

  /**
   * What happens in the pool from now on, until it is closed. A listener that falls more than 4096 events behind misses
   * the oldest. Nothing is made while nobody listens.
   */
  readonly events: Stream.Stream<PoolEvent>
}

/**
 * What a pool is made of: its settings, its driver, and what runs at the turns of a session's life.
 *
 * **Details**
 *
 * - `credentials` is asked at every opening; it takes the place of `user` and `password`.
 * - `onSession` runs before a caller sees a session that is new, or whose tag differs from the one asked for; its task is
 *   to put the session in the state that the tag names and to say so with `setTag`. When it fails or is interrupted, the
 *   session is closed, and the failure is the caller's.
 * - `onLease` runs at every lease, after `onSession`, before the caller sees the connection. When it fails or is interrupted,
 *   the lease ends as any other does: the session goes back, and the failure is the caller's. Use it for what every
 *   caller needs, such as a check of who may work now; it costs each lease the fast path, so leave it out otherwise.
 * - `resetSession` runs at the end of every lease, after the rollback. When it fails, the session is closed.
 * - `openRetry` is how long opening pauses after failures in a row. The default begins at 100 ms, doubles up to 1 second,
 *   and is jittered by 20 %. After a pause one session is tried; the others follow when that could be opened.
 */
export interface MakeOptions<S, C extends Connection, DE, OE, R, LE = OE> extends Options {
  readonly driver: SessionDriver<S, C, DE>
  readonly credentials?: Effect.Effect<Credentials, unknown, R> | undefined
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
 * Makes a pool that lives as long as the scope. `min` sessions are opened in the background, or, with `waitForMin`, before
 * the pool is there.
 *
 * **Details**
 *
 * When the scope closes, the pool takes no more requests, waits up to `drainTimeout` for busy sessions, and closes
 * everything. It fails with `InvalidOptionsError` when settings cannot be used, and, only with `waitForMin`, with
 * `OpenSessionError`.
 *
 * @example
 * ```ts
 * import { type Connection, type SessionDriver, SessionPool } from "@sessionpool/core"
 *
 * const makePool = <S, C extends Connection.Connection, E>(driver: SessionDriver.SessionDriver<S, C, E>) =>
 *   SessionPool.make({ driver, name: "hr", min: 2, max: 16, increment: 2, timeout: "5 minutes" })
 * ```
 */
export const make: <S, C extends Connection, DE, OE = never, R = never, LE = OE>(
  options: MakeOptions<S, C, DE, OE, R, LE>
) => Effect.Effect<
  SessionPool<C, OE | LE>,
  InvalidOptionsError | OpenSessionError,
  R | Scope.Scope
> = Effect.fnUntraced(
  function*<S, C extends Connection, DE, OE, R, LE>(options: MakeOptions<S, C, DE, OE, R, LE>) {
    const clock = yield* Clock.Clock
    return yield* construct.make(options, clock)
  }
)

/**
 * The class of a pool's service: a `Context.Service` with a layer.
 */
export interface ServiceClass<Self, Id extends string, C extends Connection, OE>
  extends Context.ServiceClass<Self, Id, SessionPool<C, OE>>
{
  /** The layer of a pool that lives as long as the layer does; its options are those of {@link make}. */
  readonly layer: <S, DE, R = never>(
    options: MakeOptions<S, C, DE, OE, R>
  ) => Layer.Layer<Self, InvalidOptionsError | OpenSessionError, Exclude<R, Scope.Scope>>
}

/**
 * Makes the tag of a pool, so that each database has a service and a layer of its own.
 *
 * @example
 * ```ts
 * import { Connection, SessionPool } from "@sessionpool/core"
 * import { Effect } from "effect"
 *
 * class HrConnection extends Connection.Base {
 *   readonly countEmployees = this.lease.run(Effect.succeed(107))
 * }
 *
 * class HrPool extends SessionPool.Service<HrPool, HrConnection>()("app/HrPool") {}
 *
 * const count = Effect.gen(function*() {
 *   const pool = yield* HrPool
 *   return yield* pool.use((connection) => connection.countEmployees)
 * })
 * ```
 */
export const Service =
  <Self, C extends Connection, OE = never>() => <const Id extends string>(id: Id): ServiceClass<Self, Id, C, OE> => {
    const tag = Context.Service<Self, SessionPool<C, OE>>()(id)
    return Object.assign(tag, {
      layer: <S, DE, R>(options: MakeOptions<S, C, DE, OE, R>) => Layer.effect(tag, make<S, C, DE, OE, R, OE>(options))
    }) as ServiceClass<Self, Id, C, OE>
  }
