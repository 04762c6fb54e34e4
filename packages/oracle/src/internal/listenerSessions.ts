/**
 * The sessions of listeners, which wait at the server for as long as nothing comes: a pool beside the pool, outside of its `max`, made
 * when the first listener needs one. It has the settings of its pool but for those of size, is shown in that one's statistics, and ends
 * before it.
 */
import type { PoolOptions, SessionPool } from "@sessionpool/core"
import * as Effect from "effect/Effect"
import type { OracleConnection } from "../OracleConnection.ts"

type Pool<OE> = SessionPool.SessionPool<OracleConnection, OE>

/** How a pool of listeners differs from the pool beside it. */
export const listenerSettings = (name: string) =>
  ({
    name: `${name}.listeners`,
    min: 0,
    max: 100_000,
    increment: 1,
    getMode: "wait",
    queueTarget: 0,
    // A session that no listener needs for so long is closed.
    timeout: "10 seconds",
    keepAlive: 0,
    // Listeners hold sessions for long.
    leakDetectionThreshold: 0,
    idleLeaseThreshold: 0,
    maxSessionsPerShard: 0,
    maxSessionsPerIdentity: 0,
    maxSessionsPerUser: 0,
    maxSessionsPerClass: 0,
    waitForMin: false
  }) as const satisfies PoolOptions.Options

/** What `reconfigure` changes of the listeners' pool too. */
const shared: ReadonlySet<string> = new Set<keyof PoolOptions.Changes>([
  "user",
  "password",
  "openTimeout",
  "closeTimeout",
  "drainTimeout",
  "pingTimeout",
  "pingInterval",
  "maxLifetimeSession",
  "maxUsesPerSession",
  "stmtCacheSize"
])

const pools = new WeakMap<object, Effect.Effect<Pool<never>>>()

/** The pool whose sessions listeners of `pool` wait on; `pool` itself where it was not made here, as in tests. */
export const listenersOf = <OE>(pool: Pool<OE>): Effect.Effect<Pool<OE>> => {
  const beside: Effect.Effect<Pool<OE>> | undefined = pools.get(pool)
  return beside ?? Effect.succeed(pool)
}

/** `pool` with a pool for its listeners, which `make` makes in the scope of `pool` when it is first needed. */
export const withListeners = <OE>(
  pool: Pool<OE>,
  make: (changed: PoolOptions.Changes) => Effect.Effect<Pool<OE>>
): Effect.Effect<Pool<OE>> =>
  Effect.gen(function*() {
    let made: Pool<OE> | undefined
    /** What `reconfigure` has changed before. */
    let changed: PoolOptions.Changes = {}
    // Whoever is interrupted while it is made leaves it whole.
    const beside = yield* Effect.cached(
      Effect.uninterruptible(Effect.tap(Effect.suspend(() => make(changed)), (listeners) =>
        Effect.sync(() => {
          made = listeners
        })))
    )
    const both = <A, E>(
      own: Effect.Effect<A, E>,
      other: (listeners: Pool<OE>) => Effect.Effect<unknown, unknown>
    ): Effect.Effect<A, E> => Effect.tap(own, () => made === undefined ? Effect.void : Effect.ignore(other(made)))
    const close: Pool<OE>["close"] = (options = {}) => {
      const { drainTimeout, force } = options
      if (made === undefined) return pool.close(options)
      if (force !== true && drainTimeout === undefined) {
        return both(pool.close(options), (listeners) =>
          Effect.flatMap(listeners.settings, (settings) =>
            listeners.close({ drainTimeout: settings.drainTimeout })))
      }
      return Effect.asVoid(
        Effect.all([pool.close(options), Effect.ignore(made.close(options))], { concurrency: "unbounded" })
      )
    }
    const withOwn: Pool<OE> = {
      ...pool,
      close,
      reconfigure: (changes) => {
        const theirs = Object.fromEntries(
          Object.entries(Object(changes)).filter(([name]) =>
            shared.has(name)
          )
        )
        const own = Effect.tap(pool.reconfigure(changes), () =>
          Effect.sync(() => {
            changed = { ...changed, ...theirs }
          }))
        return both(own, (listeners) => listeners.reconfigure(theirs))
      },
      refresh: both(pool.refresh, (listeners) => listeners.refresh),
      suspend: both(pool.suspend, (listeners) => listeners.suspend),
      resume: both(pool.resume, (listeners) => listeners.resume),
      statistics: Effect.suspend(() =>
        made === undefined
          ? pool.statistics
          : Effect.zipWith(pool.statistics, made.statistics, (own, { opened }) => ({ ...own, dedicated: opened }))
      )
    }
    pools.set(withOwn, beside as Effect.Effect<Pool<never>>)
    return withOwn
  })
