/**
 * Read-only work on a standby, and on the primary after one's own writes.
 *
 * A pool over two pools: the sessions of a lease come from the standby inside of {@link readOnly}, else from the primary. After a write reads
 * go to the primary for a time, so that a program sees what it has written, however far behind the standby is. The module does not look at
 * statements: what a region of a program does is said by the program, and carried by the fiber.
 */
import { PoolError, PoolOptions, type SessionPool } from "@sessionpool/core"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { shareAddress } from "./internal/poolAddress.ts"
import * as Routing from "./internal/standbyRouting.ts"
import type { OracleConnection } from "./OracleConnection.ts"
import { OracleSessionPool } from "./OracleSessionPool.ts"

/**
 * What an effect does with the database.
 *
 * **Details**
 *
 * - `"write"`: anything. It takes sessions of the primary, and each of its leases counts as a write, as long as it lasts.
 * - `"read"`: it reads, and may see the data as they were a moment ago.
 * - `"newest"`: it reads, but must see what is committed by now. It takes sessions of the primary and counts as no write.
 *
 * **Example** (An audit entry in the middle of a report)
 *
 * ```ts
 * import { OracleStandby } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * const writing = Effect.provideService(OracleStandby.Access, "write")
 * ```
 *
 * @category models
 * @since 0.3.0
 */
export type Access = Routing.Access

/**
 * What the effects of a fiber do with the database. Default: `"write"`, which is right for everything.
 *
 * **When to use**
 *
 * Use {@link readOnly} and {@link newest} to set it; provide it where a region that writes is inside of one that reads.
 *
 * **Example** (An audit entry in the middle of a report)
 *
 * ```ts
 * import { OracleStandby } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * const writing = Effect.provideService(OracleStandby.Access, "write")
 * ```
 *
 * @category references
 * @since 0.3.0
 */
export const Access: Context.Reference<Access> = Routing.Access

/**
 * The writes of one unit of work: those that its reads must see. Its members are for the pool; {@link makeWrites} makes one.
 *
 * **Example** (The writes of each user)
 *
 * ```ts
 * import type { OracleStandby } from "@sessionpool/oracle"
 *
 * const byUser = new Map<string, OracleStandby.Writes>()
 * ```
 *
 * @category models
 * @since 0.3.0
 */
export type Writes = Routing.Writes

/**
 * Makes the record of the writes of one unit of work.
 *
 * **When to use**
 *
 * Use it where a unit of work is more than one effect, such as all requests of a user: keep one for each, and provide it as
 * {@link CurrentWrites}.
 *
 * **Example** (Requests of one user see what that user has written)
 *
 * ```ts
 * import { OracleStandby } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * const byUser = new Map<string, OracleStandby.Writes>()
 *
 * const asUser = (user: string) => <A, E, R>(handle: Effect.Effect<A, E, R>) =>
 *   Effect.gen(function*() {
 *     const writes = byUser.get(user) ?? (yield* OracleStandby.makeWrites)
 *     byUser.set(user, writes)
 *     return yield* Effect.provideService(handle, OracleStandby.CurrentWrites, writes)
 *   })
 * ```
 *
 * @see {@link ownWrites} for a unit of work that is one effect
 * @category constructors
 * @since 0.3.0
 */
export const makeWrites: Effect.Effect<Writes> = Effect.sync(() => new Routing.Writes())

/**
 * Whose writes the reads of a fiber must see. Default: all of the process, which is right for everything.
 *
 * **When to use**
 *
 * Use {@link ownWrites} to set it, and this where the writes of several effects belong together.
 *
 * **Example** (Requests of one user)
 *
 * ```ts
 * import { OracleStandby } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * const after = (writes: OracleStandby.Writes) => Effect.provideService(OracleStandby.CurrentWrites, writes)
 * ```
 *
 * @category references
 * @since 0.3.0
 */
export const CurrentWrites: Context.Reference<Writes> = Routing.CurrentWrites

/**
 * Marks an effect as one that only reads: its sessions come from the standby, unless something was written that it must see.
 *
 * **When to use**
 *
 * Use it around queries, reports and the handlers of requests that change nothing.
 *
 * **Details**
 *
 * Inside of {@link newest} it has no effect. A transaction stays where it began.
 *
 * **Gotchas**
 *
 * What it writes all the same fails on a standby, with ORA-16000, and succeeds on the primary: after a write, and while the standby is out of
 * reach.
 *
 * **Example** (A report)
 *
 * ```ts
 * import { OracleSessionPool, OracleStandby } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * const report = Effect.flatMap(OracleSessionPool, (pool) =>
 *   pool.use((connection) => connection.query("select region, sum(total) as total from orders group by region"))
 * ).pipe(OracleStandby.readOnly)
 * ```
 *
 * @see {@link newest} for reads that must be up to date
 * @category combinators
 * @since 0.3.0
 */
export const readOnly = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) =>
    fiber.getRef(Routing.Access) === "newest" ? self : Effect.provideService(self, Routing.Access, "read")
  )

/**
 * Marks an effect as one that reads what is committed by now, whoever has written it: its sessions come from the primary.
 *
 * **When to use**
 *
 * Use it for what is decided on: a balance before a payment, the stock before an order.
 *
 * **Example** (A balance that a payment depends on)
 *
 * ```ts
 * import { OracleSessionPool, OracleStandby } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * const balance = (account: number) =>
 *   Effect.flatMap(OracleSessionPool, (pool) =>
 *     pool.use((connection) => connection.query("select balance from accounts where id = :1", [account]))
 *   ).pipe(OracleStandby.newest)
 * ```
 *
 * @category combinators
 * @since 0.3.0
 */
export const newest = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(self, Routing.Access, "newest")

/**
 * Makes an effect a unit of work: its reads go to the primary after its own writes, those of its fibers included, and not after those of others.
 *
 * **When to use**
 *
 * Use it around the handling of each request or message. Without it all writes of a process count as one's own, so that a busy program would
 * hardly ever read from the standby.
 *
 * **Example** (Around each request of a server)
 *
 * ```ts
 * import { OracleStandby } from "@sessionpool/oracle"
 * import { HttpRouter } from "effect/http"
 *
 * const units = HttpRouter.middleware((handled) => OracleStandby.ownWrites(handled), { global: true })
 * ```
 *
 * @see {@link makeWrites} for a unit of work that is several effects
 * @category combinators
 * @since 0.3.0
 */
export const ownWrites = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.suspend(() => Effect.provideService(self, Routing.CurrentWrites, new Routing.Writes()))

/**
 * How a pool over two is made.
 *
 * **Details**
 *
 * `afterWrites` is how long reads go to the primary after a write has ended: longer than the standby is ever behind. Default 10 seconds; 0: only
 * while a write is under way.
 *
 * **Example** (A standby that is up to a minute behind)
 *
 * ```ts
 * import type { OracleStandby } from "@sessionpool/oracle"
 *
 * const options: OracleStandby.Options = { afterWrites: "1 minute" }
 * ```
 *
 * @category options
 * @since 0.3.0
 */
export interface Options {
  readonly afterWrites?: PoolOptions.DurationOption | undefined
}

const defaultAfterWrites = Duration.seconds(10)

const invalid = (problems: PoolError.InvalidOptionsError["problems"]) =>
  new PoolError.InvalidOptionsError({ pool: "standby", problems })

/** A name that is none of the options would leave a setting at its default. */
const checkNames = (given: object | undefined, names: ReadonlyArray<string>) => {
  const problems = given === undefined
    ? []
    : typeof given !== "object" || given === null
    ? [{ field: "options", problem: "must be an object" }]
    : Object.keys(given).filter((name) => !names.includes(name))
      .map((name) => ({ field: name, problem: `is none of the options (${names.join(", ")})` }))
  return problems.length === 0 ? Effect.void : Effect.fail(invalid(problems))
}

/** Read by the same rules as a setting of the pool. */
const millisOf = (given: Options["afterWrites"]): Effect.Effect<number, PoolError.InvalidOptionsError> =>
  given === undefined
    ? Effect.succeed(Duration.toMillis(defaultAfterWrites))
    : Effect.fromResult(Result.mapBoth(PoolOptions.fromInput({ waitTimeout: given }), {
      onSuccess: ({ waitTimeout }) => Duration.toMillis(waitTimeout),
      onFailure: ({ problems }) => invalid(problems.map(({ problem }) => ({ field: "afterWrites", problem })))
    }))

/**
 * Makes one pool of two: leases inside of {@link readOnly} are of the standby, all others of the primary.
 *
 * **When to use**
 *
 * Use it where the two pools are services of their own, or are to be looked at one by one. {@link layer} makes all three.
 *
 * **Details**
 *
 * It is a pool like any other, for `OracleClient.fromPool` too. In all but leases it is the primary: `statistics`, `settings`, `events`, `reconfigure`,
 * `drain` and `close` are those of the primary's pool. Both pools belong to whoever made them.
 *
 * While the standby cannot be reached, reads go to the primary. A standby whose sessions are all in use makes its reads wait or fail as `getMode`
 * says: its load does not move to the primary.
 *
 * **Gotchas**
 *
 * - Reads may be older than what another process, or another unit of work, has just written: {@link newest} is for those that must not.
 * - A client with `multiplex` cannot have such a pool: its shared sessions would be of one database or the other.
 *
 * **Example** (Two pools that a program has)
 *
 * ```ts
 * import { OracleClient, OracleSessionPool, OracleStandby } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * class Primary extends OracleSessionPool.Service<Primary>()("app/Primary") {}
 * class Standby extends OracleSessionPool.Service<Standby>()("app/Standby") {}
 *
 * const ClientLive = OracleClient.layerFrom(Effect.gen(function*() {
 *   const pool = yield* OracleStandby.make(yield* Primary, yield* Standby)
 *   return yield* OracleClient.fromPool(pool)
 * }))
 * ```
 *
 * @category constructors
 * @since 0.3.0
 */
export const make = <E>(
  primary: SessionPool.SessionPool<OracleConnection, E>,
  standby: SessionPool.SessionPool<OracleConnection, E>,
  options?: Options
): Effect.Effect<SessionPool.SessionPool<OracleConnection, E>, PoolError.InvalidOptionsError> =>
  Effect.map(
    Effect.andThen(checkNames(options, ["afterWrites"]), () => millisOf(options?.afterWrites)),
    (afterWrites) => {
      const pool = Routing.routed(primary, standby, afterWrites)
      shareAddress(primary, pool)
      return pool
    }
  )

/**
 * What {@link layer} is made with: the options of both pools, and {@link Options}.
 *
 * **Example** (A primary and its standby)
 *
 * ```ts
 * import type { OracleStandby } from "@sessionpool/oracle"
 *
 * const options: OracleStandby.LayerOptions = {
 *   primary: { connectString: "db.example.com/SALES", user: "app", max: 16 },
 *   standby: { connectString: "db-standby.example.com/SALES_RO", user: "app", max: 32 }
 * }
 * ```
 *
 * @category options
 * @since 0.3.0
 */
export interface LayerOptions<R = never> extends Options {
  readonly primary: OracleSessionPool.Options<OracleSessionPool.Failure, R>
  readonly standby: OracleSessionPool.Options<OracleSessionPool.Failure, R>
}

/**
 * The pool of the program, over a primary and its standby: provides `OracleSessionPool`.
 *
 * **When to use**
 *
 * Use it in place of `OracleSessionPool.layer` where a standby can be read (Active Data Guard, a replica).
 *
 * **Details**
 *
 * The standby's pool is named as the primary's, with `-standby` behind it, unless its options have a name.
 *
 * **Example** (A program that reads from a standby)
 *
 * ```ts
 * import { OracleSessionPool, OracleStandby } from "@sessionpool/oracle"
 * import { Effect, Redacted } from "effect"
 *
 * const account = { user: "app", password: Redacted.make("tiger") }
 *
 * const PoolLive = OracleStandby.layer({
 *   primary: { ...account, connectString: "db.example.com/SALES" },
 *   standby: { ...account, connectString: "db-standby.example.com/SALES_RO" }
 * })
 *
 * const orders = Effect.flatMap(OracleSessionPool, (pool) =>
 *   pool.use((connection) => connection.query("select count(*) as orders from orders"))
 * ).pipe(OracleStandby.readOnly, Effect.provide(PoolLive))
 * ```
 *
 * @see {@link make} for pools that are there already
 * @category layers
 * @since 0.3.0
 */
export const layer = <R = never>(
  options: LayerOptions<R>
): Layer.Layer<
  OracleSessionPool,
  PoolError.InvalidOptionsError | PoolError.OpenSessionError,
  Exclude<R, Scope.Scope>
> =>
  Layer.effect(
    OracleSessionPool,
    Effect.gen(function*() {
      yield* checkNames(options, ["primary", "standby", "afterWrites"])
      const { afterWrites, primary, standby } = options
      const absent = Object.entries({ primary, standby }).filter(([, each]) =>
        typeof each !== "object" || each === null
      )
      if (absent.length > 0) {
        return yield* invalid(absent.map(([field]) => ({ field, problem: "must be the options of a pool" })))
      }
      const name = `${primary.name ?? "default"}-standby`
      const pools = yield* Effect.all([
        OracleSessionPool.make<OracleSessionPool.Failure, R>(primary),
        OracleSessionPool.make<OracleSessionPool.Failure, R>({ name, ...standby })
      ])
      return yield* make(...pools, { afterWrites })
    })
  )
