import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Random } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, type Pool, served, settled, warm, watch } from "./openPool.ts"

const opened = (pool: Pool) => Effect.map(pool.statistics, (statistics) => statistics.opened)

describe("idle eviction", () => {
  it.effect("closes a session when it has been idle for timeout, to the millisecond, whether or not anybody asks", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 3, timeout: "30 seconds" })
      const events = yield* watch(pool)
      const ids = yield* warm(pool, "", "", "")
      // They went back 1 ms apart, the first 3 ms ago.
      yield* TestClock.adjust(30_000 - 4)
      assert.strictEqual(yield* opened(pool), 3)
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* opened(pool), 2)
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* opened(pool), 1)
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* opened(pool), 0)
      yield* settled
      assert.deepStrictEqual(
        events.flatMap((event) => event._tag === "SessionClosed" ? [[event.session, event.at, event.reason]] : []),
        ids.map((id, index) => [id, 30_000 + index, "idle"])
      )
    }))

  it.effect("closes idle sessions in time, also while a lifetime is due later", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ min: 1, max: 4, timeout: "5 minutes", maxLifetimeSession: "1 hour" })
      const lease = pool.use(() => Effect.yieldNow)
      yield* Effect.all([lease, lease, lease], { concurrency: "unbounded" })
      assert.strictEqual((yield* pool.statistics).opened, 3)
      yield* TestClock.adjust("5 minutes")
      assert.strictEqual((yield* pool.statistics).opened, 1)
    }))

  it.effect("stops at min, and leaves the warmest", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 4, min: 2, timeout: "30 seconds" })
      const ids = yield* warm(pool, "", "A=1", "B=2", "")
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* opened(pool), 2)
      assert.deepStrictEqual((yield* database.sessions).map(({ number }) => number), ids.slice(2))
      assert.strictEqual(yield* database.count("opened"), 4)
    }))

  it.effect("counts from the last use; what is in use is never closed", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 2, timeout: "30 seconds" })
      const held = yield* pool.acquire()
      const other = yield* served(pool)
      for (let i = 0; i < 5; i++) {
        yield* TestClock.adjust("29 seconds")
        assert.strictEqual(yield* served(pool), other)
      }
      assert.isFalse(held.isReleased)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* opened(pool), 1)
      yield* pool.release(held)
      yield* TestClock.adjust("29999 millis")
      assert.strictEqual(yield* opened(pool), 1)
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* opened(pool), 0)
    }))

  it.effect("a ping that keeps a session alive is no use of it", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, timeout: "30 seconds", keepAlive: "7 seconds" })
      yield* served(pool)
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(yield* opened(pool), 0)
    }))

  it.effect("a ping makes a session no warmer than it was", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 2, timeout: "30 seconds", keepAlive: "20 seconds" })
      const cold = yield* pool.acquire()
      const warmer = yield* pool.acquire()
      yield* pool.release(cold)
      yield* TestClock.adjust("10 seconds")
      yield* pool.release(warmer)
      yield* TestClock.adjust("20 seconds")
      assert.deepStrictEqual((yield* database.sessions).map(({ number }) => number), [warmer.session.number])
      assert.isAbove(yield* database.count("pinged"), 0)
    }))

  for (const timeout of [0, "infinity"] as const) {
    it.effect(`is off with ${timeout}`, () =>
      Effect.gen(function*() {
        const { pool } = yield* openPool({ max: 1, timeout })
        yield* served(pool)
        yield* TestClock.adjust("1000 days")
        assert.strictEqual(yield* opened(pool), 1)
      }))
  }

  it.effect("follows reconfigure, of timeout and of min", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 3, timeout: "1 hour" })
      yield* warm(pool, "", "", "")
      yield* pool.reconfigure({ timeout: "10 seconds", min: 2 })
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* opened(pool), 2)
      yield* pool.reconfigure({ min: 1 })
      yield* settled
      assert.strictEqual(yield* opened(pool), 1)
      yield* pool.reconfigure({ min: 0, timeout: "1 day" })
      yield* TestClock.adjust("23 hours")
      assert.strictEqual(yield* opened(pool), 1)
    }))
})

describe("maxLifetimeSession", () => {
  const lifetime = { maxLifetimeSession: "10 minutes", timeout: 0, pingInterval: "infinity" } as const

  it.effect("without jitter closes a session exactly when it is that old", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ ...lifetime, max: 2, lifetimeJitter: 0 })
      yield* served(pool)
      yield* TestClock.adjust(10 * 60_000 - 1)
      assert.strictEqual(yield* opened(pool), 1)
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* opened(pool), 0)
    }))

  it.effect("shortens lifetimes at random by up to lifetimeJitter, a tenth unless told", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ ...lifetime, max: 50 })
      const events = yield* watch(pool)
      yield* warm(pool, ...Array.from({ length: 50 }, () => ""))
      yield* TestClock.adjust("11 minutes")
      const closings = events.filter((event) => event._tag === "SessionClosed")
      assert.strictEqual(closings.length, 50)
      for (const { at, reason } of closings) {
        assert.isAtLeast(at, 9 * 60_000)
        assert.isAtMost(at, 10 * 60_000)
        assert.strictEqual(reason, "expired")
      }
      assert.isAbove(new Set(closings.map(({ at }) => at)).size, 45)
      const spread = Math.max(...closings.map(({ at }) => at)) - Math.min(...closings.map(({ at }) => at))
      assert.isAbove(spread, 40_000)
    }).pipe(Random.withSeed("lifetimes")))

  it.effect("refills min afterwards, with no traffic", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ ...lifetime, min: 3, max: 3, lifetimeJitter: 0 })
      yield* TestClock.adjust("25 minutes")
      assert.deepInclude(yield* pool.statistics, { opened: 3, idle: 3 })
      assert.strictEqual(yield* database.count("opened"), 9)
      assert.strictEqual(yield* database.mostOpen, 3)
    }))

  it.effect("never cuts off a lease; the session is closed when it comes back, and a new one serves who waits", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ ...lifetime, max: 1, lifetimeJitter: 0 })
      const events = yield* watch(pool)
      const held = yield* pool.acquire()
      const waiting = yield* beside(pool.acquire())
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* held.execute("still here"), "still here")
      yield* pool.release(held)
      assert.strictEqual((yield* Fiber.join(waiting)).id, 2)
      yield* settled
      assert.deepStrictEqual(
        events.flatMap((event) => event._tag === "SessionClosed" ? [[event.session, event.reason]] : []),
        [[1, "expired"]]
      )
    }))

  it.effect("an expired session is not lent in the very moment it expires", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ ...lifetime, max: 1, lifetimeJitter: 0 })
      // This request is there before the evictor: both wake up at the same time.
      const early = yield* beside(Effect.delay(served(pool), "10 minutes"))
      assert.strictEqual(yield* served(pool), 1)
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(yield* Fiber.join(early), 2)
    }))

  it.effect("follows reconfigure: for sessions that are open already, shorter, longer and off", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ ...lifetime, max: 1, lifetimeJitter: 0 })
      yield* served(pool)
      yield* pool.reconfigure({ maxLifetimeSession: "1 hour" })
      yield* TestClock.adjust("30 minutes")
      assert.strictEqual(yield* opened(pool), 1)
      yield* pool.reconfigure({ maxLifetimeSession: "infinity" })
      yield* TestClock.adjust("10 hours")
      assert.strictEqual(yield* opened(pool), 1)
      yield* pool.reconfigure({ maxLifetimeSession: "11 hours" })
      yield* TestClock.adjust("30 minutes")
      assert.strictEqual(yield* opened(pool), 0)
    }))
})
