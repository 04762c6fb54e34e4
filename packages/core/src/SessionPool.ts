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
 * - `entities`: `poolState` holds every count and list and changes them in synchronous steps; `idleByTag` finds the idle session for
 *   a request, and `waitingByTag` the request for a session, each in constant time. While nothing has changed that could invalidate a session
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
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import type { Connection } from "./Connection.ts"
import { TypeId } from "./internal/data/typeId.ts"
import type { MakeOptions, Parts, SessionPool } from "./internal/surface/contract.ts"
import * as construct from "./internal/surface/make.ts"
import type { InvalidOptionsError, OpenSessionError } from "./PoolError.ts"
import type { Options } from "./PoolOptions.ts"
import type { Credentials } from "./SessionDriver.ts"

export type { CloseOptions, Hooks, MakeOptions, Parts, SessionPool } from "./internal/surface/contract.ts"

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
