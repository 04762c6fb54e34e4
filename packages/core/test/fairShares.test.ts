/** Fair shares: who has more than its share while others wait gives it up; nobody is held to its share while no one else waits. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, type Pool, served, settled, warm, watch } from "./openPool.ts"

const heavy = { user: "heavy", password: Redacted.make("h") }
const light = { user: "light", password: Redacted.make("l") }

type Request = Parameters<Pool["acquire"]>[0]

/** How many sessions each identity has. */
const sessionsBy = (pool: Pool) =>
  Effect.map(pool.sessions, (sessions) => {
    const counts: Record<string, number> = {}
    for (const { identity } of sessions) counts[identity] = (counts[identity] ?? 0) + 1
    return counts
  })

/** Callers that each hold a session for 100 ms, again and again. */
const flood = (pool: Pool, request: Request, callers: number) =>
  Effect.forEach(
    Array.from({ length: callers }),
    () => Effect.forkScoped(Effect.forever(pool.use(request!, () => Effect.sleep(100))))
  )

describe("a share of an identity", () => {
  it.effect("is no bound while no other identity waits", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 6, homogeneous: false, maxSessionsPerIdentity: 2 })
      yield* flood(pool, heavy, 20)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* sessionsBy(pool), { heavy: 6 })
    }))

  it.effect("is given up to who waits for its own, as sessions come back, and no more than that", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 6, homogeneous: false, maxSessionsPerIdentity: 2 })
      const events = yield* watch(pool)
      yield* flood(pool, heavy, 20)
      yield* TestClock.adjust("1 second")
      yield* flood(pool, light, 20)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* sessionsBy(pool), { heavy: 4, light: 2 })
      const replaced = events.filter((event) => event._tag === "SessionClosed" && event.reason === "replaced")
      assert.lengthOf(replaced, 2)
    }))

  it.effect("keeps idle sessions that are within it, which no burst of others may replace", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 4, homogeneous: false, maxSessionsPerIdentity: 2, timeout: "1 minute" })
      const first = yield* served(pool, light)
      yield* flood(pool, heavy, 20)
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* sessionsBy(pool), { light: 1, heavy: 3 })
      assert.strictEqual(yield* served(pool, light), first)
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(yield* sessionsBy(pool), { heavy: 4 })
    }))

  it.effect("gives idle sessions that nothing else would close to a burst", () =>
    Effect.gen(function*() {
      for (const kept of [{ timeout: 0 }, { min: 2 }]) {
        const { pool } = yield* openPool({ max: 2, homogeneous: false, maxSessionsPerIdentity: 1, ...kept })
        yield* served(pool, light)
        yield* pool.acquire(heavy)
        const second = yield* beside(pool.acquire(heavy))
        yield* TestClock.adjust("1 second")
        assert.isDefined(second.pollUnsafe())
      }
    }))

  it.effect("lets a request replace an idle session of who has more", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 3, homogeneous: false, maxSessionsPerIdentity: 1 })
      yield* served(pool, light)
      yield* TestClock.adjust(1)
      const held = yield* Effect.forEach([1, 2], () => pool.acquire(heavy))
      yield* Effect.forEach(held, (connection) => pool.release(connection))
      yield* served(pool, { user: "third", password: Redacted.make("t") })
      yield* settled
      // The one of "light" has been idle for longer, but is within its share.
      assert.deepStrictEqual(yield* sessionsBy(pool), { light: 1, heavy: 1, third: 1 })
    }))

  it.effect("is not kept from a tenant by a queue that another one has filled, nor by its slow waits", () =>
    Effect.gen(function*() {
      for (const limits of [{ queueMax: 3 }, { queueTarget: 10, queueInterval: 20 }]) {
        const { pool } = yield* openPool({ max: 2, homogeneous: false, maxSessionsPerIdentity: 1, ...limits })
        const busy = yield* Effect.forEach(
          Array.from({ length: 5 }),
          () => beside(Effect.exit(pool.use(heavy, () => Effect.sleep(100))))
        )
        yield* TestClock.adjust(50)
        const request = yield* beside(served(pool, light))
        assert.isUndefined(request.pollUnsafe())
        yield* TestClock.adjust(50)
        yield* Fiber.join(request)
        yield* TestClock.adjust("1 second")
        yield* Fiber.joinAll(busy)
      }
    }))

  it.effect("is not kept free for a request that waits for its shard, which has no room for it", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({
        max: 4,
        homogeneous: false,
        maxSessionsPerIdentity: 1,
        maxSessionsPerShard: 1
      })
      const north = yield* pool.acquire({ ...light, shardingKey: "north" })
      const waits = yield* beside(served(pool, { ...heavy, shardingKey: "north" }))
      yield* pool.acquire(heavy)
      const second = yield* beside(pool.acquire(heavy))
      assert.isDefined(second.pollUnsafe())
      // Nor is a session closed for it that comes back to others who wait.
      const third = yield* pool.acquire(heavy)
      const fourth = yield* beside(served(pool, heavy))
      yield* pool.release(third)
      assert.strictEqual(yield* Fiber.join(fourth), third.id)
      assert.isUndefined(waits.pollUnsafe())
      yield* pool.release(north)
      yield* Fiber.join(waits)
    }))

  it.effect("takes no session away from a request that it was opened for", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({
        max: 1,
        homogeneous: false,
        getMode: "forceGet",
        maxSessionsPerIdentity: 1
      })
      const held = [yield* pool.acquire(heavy)]
      yield* pool.reconfigure({ getMode: "wait" })
      const request = yield* beside(served(pool, light))
      yield* pool.reconfigure({ getMode: "forceGet" })
      held.push(yield* pool.acquire(heavy), yield* pool.acquire(heavy))
      assert.strictEqual(yield* database.count("opened"), 3)
      yield* Effect.forEach(held, (connection) => pool.release(connection))
      assert.strictEqual(yield* Fiber.join(request), 4)
    }))

  it.effect("can be changed while the pool runs", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 4, homogeneous: false })
      yield* flood(pool, heavy, 20)
      yield* TestClock.adjust("1 second")
      yield* flood(pool, light, 1)
      yield* pool.reconfigure({ maxSessionsPerIdentity: 3 })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* sessionsBy(pool), { heavy: 3, light: 1 })
    }))
})

describe("shares of users and of connection classes", () => {
  it.effect("count all identities of a user, behind a proxy the one it acts for", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 6, homogeneous: false, maxSessionsPerUser: 2 })
      for (const cclass of ["a", "b", "c"]) yield* flood(pool, { user: "tenant", cclass }, 5)
      yield* TestClock.adjust("1 second")
      yield* flood(pool, { user: "other" }, 3)
      yield* TestClock.adjust("1 second")
      const counts = yield* sessionsBy(pool)
      const other = Object.entries(counts).filter(([identity]) => identity.includes("other"))
      assert.deepStrictEqual(other.map(([, count]) => count), [2])
    }))

  it.effect("count all users of a class", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 4, homogeneous: false, maxSessionsPerClass: 1 })
      for (const user of ["a", "b"]) yield* flood(pool, { user, cclass: "batch" }, 5)
      yield* TestClock.adjust("1 second")
      const web = yield* beside(served(pool, { cclass: "web" }))
      yield* TestClock.adjust(100)
      yield* Fiber.join(web)
      yield* warm(pool)
    }))
})

/** The waits of a tenant with a request every 300 ms that holds its session for 20 ms, in milliseconds. */
const waitsOfLight = (options: {
  readonly isAlone: boolean
  readonly share: number
  readonly timeout?: number
}) =>
  Effect.gen(function*() {
    const { database, pool } = yield* openPool({
      max: 8,
      homogeneous: false,
      maxSessionsPerIdentity: options.share,
      timeout: options.timeout ?? "1 minute",
      database: { latency: { open: 50, close: 10 } }
    })
    const waits: Array<number> = []
    if (!options.isAlone) yield* flood(pool, heavy, 100)
    yield* TestClock.adjust("2 seconds")
    const asks = Effect.gen(function*() {
      const began = yield* Clock.currentTimeMillis
      yield* pool.use(light, () =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => {
          waits.push(now - began)
          return Effect.sleep(20)
        }))
    })
    yield* beside(Effect.forever(Effect.andThen(Effect.forkChild(asks), Effect.sleep(300))))
    yield* TestClock.adjust("15 seconds")
    // No time passes any more while the pool closes.
    yield* database.behave("close", { latency: 0 })
    return {
      count: waits.length,
      most: Math.max(...waits),
      mean: waits.reduce((sum, wait) => sum + wait, 0) / waits.length
    }
  }).pipe(Effect.scoped)

const service = 100

describe("a light tenant beside 100 callers of a heavy one", () => {
  it.effect("waits at most twice as long as alone, and one service time of the heavy tenant", () =>
    Effect.gen(function*() {
      for (const timeout of [60_000, 100]) {
        const alone = yield* waitsOfLight({ isAlone: true, share: 4, timeout })
        const shared = yield* waitsOfLight({ isAlone: false, share: 4, timeout })
        const starved = yield* waitsOfLight({ isAlone: false, share: 0, timeout })
        assert.isAtLeast(shared.count, 49)
        assert.isAtMost(shared.most, 2 * alone.most + service)
        assert.isAbove(starved.most, 5 * (2 * alone.most + service))
      }
    }))
})
