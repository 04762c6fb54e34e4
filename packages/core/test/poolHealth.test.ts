/** Whether a pool says that it is ready and live, and why not. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Scope } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, type Pool, served, settled } from "./openPool.ts"

const healthOf = (pool: Pool) =>
  Effect.map(pool.health, ({ isLive, isReady, reasons }) => [isReady, isLive, ...reasons.map(({ code }) => code)])

describe("pool.health", () => {
  it.effect("of a pool that works, and of one that is suspended or closed", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      assert.deepStrictEqual(yield* healthOf(pool), [true, true])
      yield* pool.suspend
      assert.deepStrictEqual(yield* healthOf(pool), [false, true, "suspended"])
      yield* pool.resume
      assert.deepStrictEqual(yield* healthOf(pool), [true, true])
      const held = yield* pool.acquire()
      yield* beside(pool.close({ drainTimeout: "1 minute" }))
      assert.deepStrictEqual(yield* healthOf(pool), [false, true, "closing"])
      yield* pool.release(held)
      yield* settled
      assert.deepStrictEqual(yield* healthOf(pool), [false, false, "closed"])
    }))

  it.effect("of one that cannot open sessions: ready only while it has some", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ min: 1, max: 2, database: { latency: { open: "1 second" } } })
      assert.deepStrictEqual(yield* healthOf(pool), [false, true, "starting"])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* healthOf(pool), [true, true])
      yield* database.refuseToOpen()
      const held = yield* pool.acquire()
      yield* beside(Effect.exit(served(pool, { purity: "new" })))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* healthOf(pool), [true, true, "cannotOpen"])
      yield* pool.drop(held)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* healthOf(pool), [false, true, "cannotOpen"])
      const { reasons } = yield* pool.health
      assert.include(reasons[0]!.message, `the database was told to fail "open"`)
      yield* database.heal
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* healthOf(pool), [true, true])
    }))

  it.effect("of one whose credentials are refused: a restart would not help", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({
        user: "scott",
        password: Redacted.make("wrong"),
        min: 1,
        database: { accounts: { scott: "tiger" } }
      })
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* healthOf(pool), [false, true, "credentialsRefused"])
      assert.notInclude(JSON.stringify(yield* pool.health), "wrong")
    }))

  it.effect("of one that is full, and of one whose sessions have all leaked", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, leakDetectionThreshold: "1 minute" })
      const scope = yield* Scope.make()
      yield* Scope.provide(pool.acquire(), scope)
      yield* beside(served(pool))
      assert.deepStrictEqual(yield* healthOf(pool), [true, true, "exhausted"])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* healthOf(pool), [false, false, "exhausted", "leaked"])
      yield* Scope.close(scope, yield* Effect.exit(Effect.void))
      yield* settled
      assert.deepStrictEqual(yield* healthOf(pool), [true, true])
    }))

  it.effect("of one that takes leaked sessions back by itself: no restart is needed", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({
        max: 1,
        leakDetectionThreshold: "1 minute",
        leakReclaim: true,
        database: { latency: { execute: "10 minutes" } }
      })
      yield* beside(pool.use((connection) => connection.execute("slow report")))
      yield* beside(served(pool))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* healthOf(pool), [true, true, "exhausted", "leaked"])
    }))

  it.effect("of one that refuses requests for overload", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, queueTarget: 100, queueInterval: 200 })
      yield* pool.acquire()
      yield* beside(Effect.exit(served(pool)))
      for (let i = 0; i < 2; i++) {
        yield* TestClock.adjust("1 second")
        yield* beside(Effect.exit(served(pool)))
      }
      assert.deepStrictEqual(yield* healthOf(pool), [false, true, "exhausted", "overloaded"])
    }))
})
