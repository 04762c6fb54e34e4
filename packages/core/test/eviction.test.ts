import { assert, describe, it } from "@effect/vitest"
import { SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Effect } from "effect"
import { TestClock } from "effect/testing"

describe("eviction", () => {
  it.effect("closes idle sessions in time, also while a lifetime is due later", () =>
    Effect.gen(function*() {
      const database = yield* TestDatabase.make()
      const pool = yield* SessionPool.make({
        driver: database.driver,
        user: "scott",
        min: 1,
        max: 4,
        timeout: "5 minutes",
        maxLifetimeSession: "1 hour"
      })
      const lease = pool.use(() => Effect.yieldNow)
      yield* Effect.all([lease, lease, lease], { concurrency: "unbounded" })
      assert.strictEqual((yield* pool.statistics).opened, 3)
      yield* TestClock.adjust("5 minutes")
      assert.strictEqual((yield* pool.statistics).opened, 1)
    }))
})
