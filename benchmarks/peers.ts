/**
 * Every pool that is compared, made ready in the same way: over resources that cost nothing, `idle` of them open and lent once
 * before. What is measured then is the pool's own cost.
 */
import { Connection, type SessionDriver, SessionPool } from "@sessionpool/core"
import { Effect, Pool, type Scope } from "effect"
import { createPool } from "generic-pool"
import { createPool as createLightningPool } from "lightning-pool"
import { Pool as TarnPool } from "tarn"

export interface PoolOptions {
  readonly max: number
  /** How many are open before the pool is handed out. */
  readonly idle?: number
  /** How many are kept open without end; `idle`, unless told otherwise. */
  readonly min?: number
  /** How long a resource may be idle beyond `min`, in milliseconds; each pool's default when absent. */
  readonly idleMillis?: number
  /** How often pools that look for such resources do so, in milliseconds. */
  readonly sweepMillis?: number
  /** How long a request may wait, in milliseconds. */
  readonly waitMillis?: number
  /** Makes a resource; an empty object when absent. */
  readonly open?: () => object
  /** Told of every resource that is closed. */
  readonly onClose?: () => void
}

/** What the promise-based pools have in common. */
export interface PromisePool {
  readonly acquire: () => Promise<object>
  readonly release: (resource: object) => void
  /** How many requests are in the queue. */
  readonly pending: () => number
}

export class Handle extends Connection.Base {}

const numbers = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, index) => index)

/** A driver whose every operation succeeds at once. */
const driverOf = ({ onClose, open = () => ({}) }: PoolOptions): SessionDriver.SessionDriver<object, Handle> => ({
  open: () => Effect.sync(open),
  close: () => onClose === undefined ? Effect.void : Effect.sync(onClose),
  ping: () => Effect.void,
  reset: () => undefined,
  interrupt: () => Effect.void,
  isHealthy: () => true,
  isAuthenticationFailure: () => false,
  lease: (_session, lease) => new Handle(lease)
})

export type Sessions = SessionPool.SessionPool<Handle>

/** Lends all idle sessions at once, runs `onEach` on each, and takes them back. */
export const lendAll = (
  pool: Sessions,
  count: number,
  onEach: (connection: Handle, index: number) => Effect.Effect<unknown, unknown> = () => Effect.void
): Effect.Effect<void, unknown> =>
  Effect.scoped(Effect.forEach(
    numbers(count),
    (index) => Effect.flatMap(pool.acquire(), (connection) => onEach(connection, index)),
    { discard: true }
  ))

export const sessionPool = (
  options: PoolOptions,
  more: { readonly homogeneous?: boolean } = {}
): Effect.Effect<Sessions, unknown, Scope.Scope> => {
  const { idle = 0, idleMillis, max, min = idle, waitMillis } = options
  return Effect.gen(function*() {
    const pool = yield* SessionPool.make({
      driver: driverOf(options),
      user: "bench",
      min,
      max,
      increment: Math.max(min, 1),
      waitForMin: true,
      queueMax: -1,
      ...(idleMillis === undefined ? {} : { timeout: idleMillis }),
      ...(waitMillis === undefined ? {} : { getMode: "timedWait" as const, waitTimeout: waitMillis }),
      ...more
    })
    if (idle > 0) yield* lendAll(pool, idle)
    return pool
  })
}

export const effectPool = (options: PoolOptions): Effect.Effect<Pool.Pool<object>, never, Scope.Scope> => {
  const { idle = 0, idleMillis, max, min = idle, onClose, open = () => ({}) } = options
  const acquire = onClose === undefined
    ? Effect.sync(open)
    : Effect.acquireRelease(Effect.sync(open), () => Effect.sync(onClose))
  return Effect.gen(function*() {
    const pool = idleMillis === undefined
      ? yield* Pool.make({ acquire, size: max })
      : yield* Pool.makeWithTTL({ acquire, min, max, timeToLive: idleMillis, timeToLiveStrategy: "usage" })
    // Taken at once, so that as many are opened.
    if (idle > 0) {
      yield* Effect.scoped(Effect.forEach(numbers(idle), () => Pool.get(pool), { discard: true, concurrency: idle }))
    }
    return pool
  })
}

const filled = (pool: PromisePool, count = 0): Effect.Effect<PromisePool> =>
  Effect.promise(async () => {
    const taken = await Promise.all(Array.from({ length: count }, () => pool.acquire()))
    for (const resource of taken) pool.release(resource)
    return pool
  })

/**
 * generic-pool. Giving back is complete when `release` returns, here and below, so the promise that it answers is not waited for.
 */
export const genericPool = (options: PoolOptions): Effect.Effect<PromisePool, never, Scope.Scope> => {
  const { idle = 0, idleMillis, max, min = idle, onClose, open = () => ({}), sweepMillis, waitMillis } = options
  return Effect.acquireRelease(
    Effect.sync(() =>
      createPool({ create: async () => open(), destroy: async () => onClose?.() }, {
        max,
        min,
        ...(idleMillis === undefined ? {} : { idleTimeoutMillis: idleMillis, numTestsPerEvictionRun: max }),
        ...(sweepMillis === undefined ? {} : { evictionRunIntervalMillis: sweepMillis }),
        ...(waitMillis === undefined ? {} : { acquireTimeoutMillis: waitMillis })
      })
    ),
    (pool) => Effect.promise(() => pool.drain().then(() => pool.clear()))
  ).pipe(Effect.flatMap((pool) =>
    filled({
      acquire: () => pool.acquire(),
      release: (resource) => void pool.release(resource),
      pending: () => pool.pending
    }, idle)
  ))
}

/** An hour: tarn has no way to wait without a bound. */
const longWait = 3_600_000

export interface Tarn extends PromisePool {
  /** Asks for a resource; the request can be given up with `abort`. */
  readonly ask: () => { readonly promise: Promise<object>; readonly abort: () => void }
}

export const tarnPool = (options: PoolOptions): Effect.Effect<Tarn, never, Scope.Scope> => {
  const { idle = 0, idleMillis, max, min = idle, onClose, open = () => ({}), sweepMillis, waitMillis } = options
  return Effect.acquireRelease(
    Effect.sync(() =>
      new TarnPool<object>({
        create: async () => open(),
        destroy: () => onClose?.(),
        max,
        min,
        acquireTimeoutMillis: waitMillis ?? longWait,
        createTimeoutMillis: longWait,
        ...(idleMillis === undefined ? {} : { idleTimeoutMillis: idleMillis }),
        ...(sweepMillis === undefined ? {} : { reapIntervalMillis: sweepMillis })
      })
    ),
    (pool) => Effect.promise(() => pool.destroy())
  ).pipe(Effect.flatMap((pool) => {
    const tarn: Tarn = {
      ask: () => pool.acquire(),
      acquire: () => pool.acquire().promise,
      release: (resource) => void pool.release(resource),
      pending: () => pool.numPendingAcquires()
    }
    return Effect.as(filled(tarn, idle), tarn)
  }))
}

export const lightningPool = (options: PoolOptions): Effect.Effect<PromisePool, never, Scope.Scope> => {
  const { idle = 0, idleMillis, max, min = idle, onClose, open = () => ({}), sweepMillis, waitMillis } = options
  return Effect.acquireRelease(
    Effect.sync(() =>
      createLightningPool<object>({ create: async () => open(), destroy: async () => onClose?.() }, {
        max,
        min,
        maxQueue: 10_000_000,
        ...(idleMillis === undefined ? {} : { idleTimeoutMillis: idleMillis }),
        ...(sweepMillis === undefined ? {} : { houseKeepInterval: sweepMillis }),
        ...(waitMillis === undefined ? {} : { acquireTimeoutMillis: waitMillis })
      })
    ),
    (pool) => Effect.promise(() => pool.closeAsync(true))
  ).pipe(Effect.flatMap((pool) =>
    filled({
      acquire: () => pool.acquire(),
      release: (resource) => pool.release(resource),
      pending: () => pool.pending
    }, idle)
  ))
}

/** The promise-based pools by name. */
export const promisePools = {
  "generic-pool": genericPool,
  tarn: tarnPool,
  "lightning-pool": lightningPool
} as const
