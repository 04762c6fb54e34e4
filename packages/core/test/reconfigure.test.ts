import { assert, describe, it } from "@effect/vitest"
import type { PoolOptions } from "@sessionpool/core"
import { Duration, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, served, settled, warm, watch } from "./openPool.ts"

describe("reconfigure", () => {
  it.effect("is checked as a whole and applied as a whole, or not at all", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ min: 1, max: 4, name: "hr" })
      const before = yield* pool.settings
      const error = yield* Effect.flip(pool.reconfigure({ increment: 2, min: 9, timeout: "-1 second" }))
      assert.strictEqual(error._tag, "InvalidOptionsError")
      assert.deepStrictEqual(yield* pool.settings, before)
      const crossed = yield* Effect.flip(pool.reconfigure({ increment: 2, min: 9 }))
      assert.strictEqual(
        crossed.message,
        `Session pool "hr" cannot use these options: min must be at most max (4), not 9.`
      )
      assert.deepStrictEqual(yield* pool.settings, before)
      yield* pool.reconfigure({ min: 9, max: 9, increment: 2 })
      assert.deepInclude(yield* pool.settings, { min: 9, max: 9, increment: 2 })
      yield* settled
      assert.deepInclude(yield* pool.statistics, { min: 9, max: 9, increment: 2, opened: 9 })
    }))

  it.effect("changes every setting that can be changed", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool()
      const changes = {
        min: 1,
        max: 9,
        increment: 3,
        getMode: "timedWait",
        waitTimeout: 1000,
        queueMax: 7,
        queueTarget: 5,
        queueInterval: 50,
        timeout: 2000,
        maxLifetimeSession: 90_000,
        lifetimeJitter: 0.5,
        pingInterval: 3000,
        pingTimeout: 400,
        keepAlive: 6000,
        rotationRetry: 6000,
        openTimeout: 7000,
        closeTimeout: 800,
        drainTimeout: 900,
        leakDetectionThreshold: 10_000,
        leakReclaim: true,
        idleLeaseThreshold: 11_000,
        maxUsesPerSession: 12,
        rebalanceInterval: 13_000,
        homogeneous: false,
        maxSessionsPerShard: 2,
        maxSessionsPerIdentity: 3,
        maxSessionsPerUser: 4,
        maxSessionsPerClass: 5,
        stmtCacheSize: 11,
        user: "hr"
      } satisfies Required<Omit<PoolOptions.Changes, "password">>
      yield* pool.reconfigure(changes)
      const settings = yield* pool.settings
      for (const [name, value] of Object.entries(changes)) {
        const now = settings[name as keyof typeof changes]
        assert.strictEqual(Duration.isDuration(now) ? Duration.toMillis(now) : now, value, name)
      }
    }))

  it.effect("refuses what cannot be changed, and what is no setting", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ name: "hr" })
      const refused = (changes: object) => Effect.flip(pool.reconfigure(changes))
      for (const name of ["name", "dsn", "tnsentry", "cclass", "edition", "waitForMin"]) {
        assert.strictEqual(
          (yield* refused({ [name]: "x" })).message,
          `Session pool "hr" cannot use these options: ${name} cannot be changed while the pool runs.`
        )
      }
      assert.strictEqual(
        (yield* refused({ maximum: 3 })).message,
        `Session pool "hr" cannot use these options: maximum is not a setting of a session pool.`
      )
    }))

  it.effect("a higher max serves who waits", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      yield* pool.acquire()
      const fibers = [yield* beside(pool.acquire()), yield* beside(pool.acquire()), yield* beside(pool.acquire())]
      yield* pool.reconfigure({ max: 3 })
      yield* settled
      assert.deepStrictEqual(fibers.map((fiber) => fiber.pollUnsafe() !== undefined), [true, true, false])
    }))

  it.effect("a lower max closes the longest-idle sessions, and those in use as they come back", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 6 })
      const events = yield* watch(pool)
      const held = yield* Effect.forEach([1, 2, 3], () => pool.acquire())
      const idle = yield* warm(pool, "", "", "")
      yield* pool.reconfigure({ max: 2 })
      yield* settled
      assert.deepInclude(yield* pool.statistics, { opened: 3, busy: 3 })
      yield* Effect.forEach(held, (connection) => pool.release(connection))
      yield* settled
      assert.deepInclude(yield* pool.statistics, { opened: 2, idle: 2 })
      const closed = events.flatMap((event) => event._tag === "SessionClosed" ? [[event.session, event.reason]] : [])
      assert.deepStrictEqual(closed, [...idle, held[0]!.id].map((session) => [session, "surplus"]))
      assert.lengthOf(yield* database.sessions, 2)
    }))

  it.effect("a higher min is filled, a lower one is left to eviction", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 6 })
      yield* pool.reconfigure({ min: 4 })
      yield* settled
      assert.strictEqual((yield* pool.statistics).opened, 4)
      yield* pool.reconfigure({ min: 2 })
      yield* settled
      assert.strictEqual((yield* pool.statistics).opened, 4)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* pool.statistics).opened, 2)
      assert.strictEqual(yield* database.count("opened"), 4)
    }))

  it.effect("a getMode and a waitTimeout count for the requests that follow", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      const held = yield* pool.acquire()
      const patient = yield* beside(served(pool))
      yield* pool.reconfigure({ getMode: "timedWait", waitTimeout: "1 second" })
      const hurried = yield* beside(Effect.flip(pool.acquire()))
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(hurried))._tag, "AcquireTimeoutError")
      assert.isUndefined(patient.pollUnsafe())
      yield* pool.release(held)
      yield* Fiber.join(patient)
    }))

  it.effect("says what was changed", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool()
      const events = yield* watch(pool)
      yield* pool.reconfigure({ max: 8, timeout: "1 hour" })
      yield* settled
      assert.deepStrictEqual(
        events.flatMap((event) => event._tag === "Reconfigured" ? [event.changed] : []),
        [["max", "timeout"]]
      )
    }))
})
