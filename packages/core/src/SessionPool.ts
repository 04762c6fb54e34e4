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
 * Who does what, all under `internal/`; each folder may use those below it:
 *
 * - `surface` makes a pool from its options, and is what its users call; it changes settings and ends the pool.
 * - `leases`: the time from taking a session to giving it back. Its end is installed before the session is taken, so there is no
 *   moment in which an interrupted fiber could lose one.
 * - `jobs`: what takes time (open, close, ping, pause) runs here, in the pool's scope, never in the fiber of a caller. `engine`
 *   starts it when the decision that ordered it is complete.
 * - `decisions`: `lending` says who gets which session. A freed session belongs to the request it wakes from that very step on. No
 *   request ever waits while an idle session fits it; therefore a newcomer may take an idle session without asking the queue.
 *   `settling` says what to open and what to replace, by the pure functions of `growth`; `eviction` what to close.
 * - `entities`: `poolState` holds every count and list and changes them in synchronous steps; `sessionGroup` finds the idle session for
 *   a request, and the request for a session, each in constant time. While nothing has changed that could invalidate a session
 *   since it was last lent, `fastPath` lends it again without further questions.
 * - `data`: lists, clocks and texts that know nothing of sessions.
 *
 * To acquire is one look at the idle sessions. If none fits, the request joins the queue, sessions are opened in the
 * background, and the first session that fits it, new or given back, is its own.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Pipeable } from "effect/Pipeable"
import * as Predicate from "effect/Predicate"
import type * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Connection } from "./Connection.ts"
import { TypeId } from "./internal/data/typeId.ts"
import * as construct from "./internal/surface/make.ts"
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
import type { PoolHealth } from "./PoolHealth.ts"
import type { Changes, DurationOption, Options, Settings } from "./PoolOptions.ts"
import type { PoolSession } from "./PoolSession.ts"
import type { PoolStatistics } from "./PoolStatistics.ts"
import type { Credentials, SessionDriver } from "./SessionDriver.ts"
import type { SessionRequest } from "./SessionRequest.ts"

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
 * Use as the type of what {@link make} returns and what the tag of a {@link Service} resolves to.
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
 * @see {@link make} for making one
 * @see {@link isSessionPool} for telling one from other values
 * @category models
 * @since 0.1.0
 */
export interface SessionPool<out C extends Connection, out E = never> extends Pipeable {
  readonly [TypeId]: typeof TypeId

  /**
   * Leases a session until the scope closes, for whatever reason it closes. Uncommitted work is rolled back then, and the
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
   * Ends a lease now; the end of its scope then has nothing left to do. `tag` replaces `connection.tag` as the name of the
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
   * What happens in the pool from now on, until it is closed. A listener that falls more than 4096 events behind misses
   * the oldest. Events cost nothing while there is no listener.
   */
  readonly events: Stream.Stream<PoolEvent>
}

/**
 * Returns `true` if a value is a `SessionPool`, otherwise returns `false`.
 *
 * **When to use**
 *
 * Use where a value may be a pool or the options to make one.
 *
 * **Example** (Telling a pool from other values)
 *
 * ```ts
 * import { SessionPool } from "@sessionpool/core"
 *
 * console.log(SessionPool.isSessionPool({ acquire: () => {} })) // false
 * ```
 *
 * @category guards
 * @since 0.1.0
 */
export const isSessionPool = (u: unknown): u is SessionPool<Connection, unknown> => Predicate.hasProperty(u, TypeId)

/**
 * Everything that the operations of a connection can fail with.
 *
 * **When to use**
 *
 * Use to name the failures of an `onSession` that works with connections of the type `C`.
 *
 * **Details**
 *
 * It is read from the type: the failures of the effects that `C` has or returns, such as `InvalidTagError` and
 * `ConnectionReleasedError` of `setTag`. Methods whose failure depends on a type parameter are left out.
 *
 * **Example** (Naming the failures of a connection)
 *
 * ```ts
 * import type { Connection, PoolError, SessionPool } from "@sessionpool/core"
 *
 * type Failure = SessionPool.OperationError<Connection.Base>
 *
 * export const tagOf = (error: Failure): PoolError.InvalidTagError["_tag"] | PoolError.ConnectionReleasedError["_tag"] => error._tag
 * ```
 *
 * @see {@link Service}, which uses it as a default
 * @category models
 * @since 0.1.0
 */
export type OperationError<C> = {
  [K in keyof C]: C[K] extends Effect.Effect<unknown, infer E, unknown> ? KnownError<E>
    : C[K] extends (...args: never) => Effect.Effect<unknown, infer E, unknown> ? KnownError<E>
    : never
}[keyof C]

type KnownError<E> = unknown extends E ? never : E

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
 * @see {@link Service} for a class that knows them
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
 * @see {@link make}
 * @category models
 * @since 0.1.0
 */
export interface MakeOptions<S, C extends Connection, DE, OE, R, LE = OE, Cr extends Credentials = Credentials>
  extends Options, Parts<S, C, DE, OE, R, LE, Cr>
{}

/**
 * Makes a pool that lives as long as the scope.
 *
 * **When to use**
 *
 * Use for a pool without a service of its own, such as one for a single function or test.
 *
 * **Details**
 *
 * `min` sessions are opened in the background, or, with `waitForMin`, before the pool is returned. When the scope closes,
 * the pool accepts no more requests, waits up to `drainTimeout` for busy sessions, and closes everything. It fails with
 * `InvalidOptionsError` when options cannot be used, and, only with `waitForMin`, with `OpenSessionError`.
 *
 * **Example** (Making a pool with any driver)
 *
 * ```ts
 * import { type Connection, type SessionDriver, SessionPool } from "@sessionpool/core"
 *
 * const makePool = <S, C extends Connection.Connection, E>(driver: SessionDriver.SessionDriver<S, C, E>) =>
 *   SessionPool.make({ driver, name: "hr", min: 2, max: 16, increment: 2, timeout: "5 minutes" })
 * ```
 *
 * @see {@link Service} for a pool that is a service with a layer
 * @category constructors
 * @since 0.1.0
 */
export const make: <
  S,
  C extends Connection,
  DE,
  OE = never,
  R = never,
  LE = OE,
  Cr extends Credentials = Credentials
>(
  options: MakeOptions<S, C, DE, OE, R, LE, Cr>
) => Effect.Effect<
  SessionPool<C, OE | LE>,
  InvalidOptionsError | OpenSessionError,
  R | Scope.Scope
> = Effect.fnUntraced(
  function*<S, C extends Connection, DE, OE, R, LE, Cr extends Credentials>(
    options: MakeOptions<S, C, DE, OE, R, LE, Cr>
  ) {
    const clock = yield* Clock.Clock
    return yield* construct.make(options, clock)
  }
)

/**
 * The class of a pool's service whose driver is given to its layer.
 *
 * @see {@link Service}
 * @category models
 * @since 0.1.0
 */
export interface ServiceClass<Self, Id extends string, C extends Connection, OE>
  extends Context.ServiceClass<Self, Id, SessionPool<C, OE>>
{
  /** The layer of a pool that lives as long as the layer does; its options are those of {@link make}. */
  readonly layer: <S, DE, R = never, Cr extends Credentials = Credentials>(
    options: MakeOptions<S, C, DE, OE, R, OE, Cr>
  ) => Layer.Layer<Self, InvalidOptionsError | OpenSessionError, Exclude<R, Scope.Scope>>
}

/**
 * The class of a pool's service that knows its driver; only the settings are given to its layer.
 *
 * @see {@link Service}
 * @category models
 * @since 0.1.0
 */
export interface PreparedServiceClass<Self, Id extends string, C extends Connection, OE, R>
  extends Context.ServiceClass<Self, Id, SessionPool<C, OE>>
{
  /** The layer of a pool that lives as long as the layer does; its options are the settings. */
  readonly layer: (
    settings?: Options
  ) => Layer.Layer<Self, InvalidOptionsError | OpenSessionError, Exclude<R, Scope.Scope>>
}

/**
 * Makes the tag of a pool, so that each database has a service and a layer of its own.
 *
 * **When to use**
 *
 * Use once for every database of a program.
 *
 * **Details**
 *
 * - Where the driver is known beside the class, give it there: `Service<Self>()(id, { driver, onSession })`. Connection and
 *   failures are inferred, and `layer` takes the settings.
 * - Where the driver is made by an effect, name the connection: `Service<Self, C>()(id)`. `layer` takes all options of
 *   {@link make}. `onSession` and `onLease` may then fail with what the connection's own operations fail with; a third type
 *   parameter names other failures, or `never`.
 *
 * **Gotchas**
 *
 * The text `id` is the identity of the service when the program runs: two services must not share one.
 *
 * **Example** (A driver that is known)
 *
 * ```ts
 * import { Connection, type SessionDriver, SessionPool } from "@sessionpool/core"
 * import { Effect } from "effect"
 *
 * class HrConnection extends Connection.Base {
 *   readonly countEmployees = this.lease.run(Effect.succeed(107))
 * }
 *
 * declare const driver: SessionDriver.SessionDriver<object, HrConnection, Error>
 *
 * class HrPool extends SessionPool.Service<HrPool>()("app/HrPool", {
 *   driver,
 *   onSession: (connection) => connection.setTag("READY=yes")
 * }) {}
 *
 * const HrPoolLive = HrPool.layer({ user: "hr", max: 16 })
 * ```
 *
 * **Example** (A driver that an effect makes)
 *
 * ```ts
 * import { Connection, type SessionDriver, SessionPool } from "@sessionpool/core"
 * import { Effect, Layer } from "effect"
 *
 * class HrConnection extends Connection.Base {
 *   readonly countEmployees = this.lease.run(Effect.succeed(107))
 * }
 *
 * declare const makeDriver: Effect.Effect<SessionDriver.SessionDriver<object, HrConnection, Error>>
 *
 * class HrPool extends SessionPool.Service<HrPool, HrConnection>()("app/HrPool") {}
 *
 * const HrPoolLive = Layer.unwrap(Effect.map(makeDriver, (driver) =>
 *   HrPool.layer({ driver, user: "hr", onSession: (connection) => connection.setTag("READY=yes") })))
 *
 * const count = Effect.gen(function*() {
 *   const pool = yield* HrPool
 *   return yield* pool.use((connection) => connection.countEmployees)
 * })
 * ```
 *
 * @see {@link make} for a pool without a service
 * @category constructors
 * @since 0.1.0
 */
export const Service: {
  <Self>(): <
    const Id extends string,
    S,
    C extends Connection,
    DE,
    OE = never,
    R = never,
    LE = OE,
    Cr extends Credentials = Credentials
  >(
    id: Id,
    parts: Parts<S, C, DE, OE, R, LE, Cr>
  ) => PreparedServiceClass<Self, Id, C, OE | LE, R>
  <Self, C extends Connection, OE = OperationError<C>>(): <const Id extends string>(
    id: Id
  ) => ServiceClass<Self, Id, C, OE>
} = (<Self, C extends Connection, OE>() =>
<const Id extends string, S, DE, R>(
  id: Id,
  parts?: Parts<S, C, DE, OE, R>
) => {
  const tag = Context.Service<Self, SessionPool<C, OE>>()(id)
  const layer = (options: MakeOptions<S, C, DE, OE, R>) => Layer.effect(tag, make<S, C, DE, OE, R, OE>(options))
  return Object.assign(tag, {
    layer: parts === undefined ? layer : (settings?: Options) => layer({ ...settings, ...parts })
  })
}) as typeof Service
