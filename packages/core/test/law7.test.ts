import { assert, describe, it } from "@effect/vitest"
import { SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"

describe("law 7: eviction", () => {
  it.effect("closes a session that was opened for a caller who has gone", () =>
    Effect.gen(function*() {
      const database = yield* TestDatabase.make({ latency: { open: "1 second" } })
      const pool = yield* SessionPool.make({ driver: database.driver, user: "scott", timeout: "10 seconds" })
      const fiber = yield* Effect.forkChild(pool.use(() => Effect.void))
      yield* TestClock.adjust("500 millis")
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* pool.statistics).idle, 1)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* pool.statistics).opened, 0)
    }))

  it.effect("closes an idle session in time when something else is due much later", () =>
    Effect.gen(function*() {
      const database = yield* TestDatabase.make()
      const pool = yield* SessionPool.make({
        driver: database.driver,
        user: "scott",
        timeout: "10 seconds",
        maxLifetimeSession: "1 hour"
      })
      yield* pool.use(() => Effect.void)
      yield* TestClock.adjust("11 seconds")
      assert.strictEqual((yield* pool.statistics).opened, 0)
    }))
})
