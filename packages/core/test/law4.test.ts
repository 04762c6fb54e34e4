import { assert, describe, it } from "@effect/vitest"
import { SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"

describe("law 4: the end of sessions", () => {
  it.effect("does not run resetSession on a session that a forced close took away during the rollback", () =>
    Effect.gen(function*() {
      const database = yield* TestDatabase.make({ latency: { reset: "1 second" } })
      let resets = 0
      const pool = yield* SessionPool.make({
        driver: database.driver,
        user: "scott",
        resetSession: () => Effect.sync(() => resets++)
      })
      yield* Effect.forkChild(pool.use((connection) => connection.begin))
      yield* TestClock.adjust("500 millis")
      yield* pool.close({ force: true })
      yield* TestClock.adjust("1 second")
      assert.strictEqual(resets, 0)
      assert.deepStrictEqual(yield* database.violations, [])
    }))

  it.effect("asks nothing more of a session that a forced close took away while it was proved clean", () =>
    Effect.gen(function*() {
      const database = yield* TestDatabase.make({
        latency: { execute: "1 second", ping: "1 second", reset: "1 second" }
      })
      const pool = yield* SessionPool.make({ driver: database.driver, user: "scott" })
      const fiber = yield* Effect.forkChild(pool.use((connection) => connection.execute("select 1")))
      yield* TestClock.adjust("500 millis")
      yield* Effect.forkChild(Fiber.interrupt(fiber))
      yield* TestClock.adjust("500 millis")
      yield* Effect.forkChild(pool.close({ force: true }))
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(yield* database.violations, [])
    }))
})
