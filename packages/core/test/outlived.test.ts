import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { openPool, settled } from "./openPool.ts"

describe("a fiber that outlives its lease", () => {
  it.effect("never breaks a statement of the next holder", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1 })
      yield* database.behave("execute", { outcome: "hang", times: 1 })
      const outliving = yield* pool.use((connection) =>
        Effect.tap(Effect.forkChild(connection.execute("update for ever")), () => settled)
      )
      const breaks = yield* database.count("interrupted")
      assert.strictEqual(breaks, 1, "the end of the lease stops what still runs")
      const next = yield* Effect.forkChild(
        pool.use((connection) => Effect.andThen(Effect.sleep("1 second"), connection.execute("select")))
      )
      yield* settled
      yield* Fiber.interrupt(outliving)
      assert.strictEqual(yield* database.count("interrupted"), breaks)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(next), "select")
    }))
})
