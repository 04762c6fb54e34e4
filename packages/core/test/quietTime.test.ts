/** How long a session is held without a call. Series are kept by the name of the pool, so each pool here has one that no other has. */
import { assert, describe, it } from "@effect/vitest"
import { PoolMetrics } from "@sessionpool/core"
import { Duration, Effect, Fiber, Metric } from "effect"
import { TestClock } from "effect/testing"
import { randomUUID } from "node:crypto"
import { beside, openPool } from "./openPool.ts"

interface Held {
  readonly execute: (sql: string) => Effect.Effect<unknown, unknown>
}

/** The seconds without a call, and how often a lease has told of them. */
const quietIn = (work: (connection: Held) => Effect.Effect<unknown, unknown>) =>
  Effect.gen(function*() {
    const name = `quiet ${randomUUID()}`
    const { pool } = yield* openPool({
      name,
      max: 1,
      database: { answer: ({ text }) => Effect.as(Effect.sleep(Duration.seconds(Number(text))), "done") }
    })
    // Times of leases are told from when the pool was made.
    yield* TestClock.adjust("10 seconds")
    const lease = yield* beside(Effect.exit(pool.use(work)))
    yield* TestClock.adjust("1 minute")
    yield* Fiber.join(lease)
    const histogram = (yield* Metric.snapshot).find((metric) =>
      metric.id === PoolMetrics.quietTime && metric.attributes?.[PoolMetrics.poolName] === name
    )
    return histogram?.type === "Histogram" ? [histogram.state.sum, histogram.state.count] : undefined
  })

describe("the time without a call", () => {
  it.effect("is the whole lease where nothing is called", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* quietIn(() => Effect.sleep("3 seconds")), [3, 1])
    }))

  it.effect("is what lies before, between and after calls", () =>
    Effect.gen(function*() {
      const found = yield* quietIn((connection) =>
        Effect.gen(function*() {
          yield* Effect.sleep("2 seconds")
          yield* connection.execute("3")
          yield* Effect.sleep("1 second")
          yield* connection.execute("1")
          yield* Effect.sleep("5 seconds")
        })
      )
      assert.deepStrictEqual(found, [8, 1])
    }))

  it.effect("is not what one call runs beside another", () =>
    Effect.gen(function*() {
      const found = yield* quietIn((connection) =>
        Effect.gen(function*() {
          yield* Effect.sleep("1 second")
          yield* Effect.all([
            connection.execute("2"),
            Effect.andThen(Effect.sleep("1 second"), connection.execute("3"))
          ], {
            concurrency: "unbounded"
          })
          yield* Effect.sleep("1 second")
        })
      )
      assert.deepStrictEqual(found, [2, 1])
    }))

  it.effect("ends with the lease where a call runs still", () =>
    Effect.gen(function*() {
      const found = yield* quietIn((connection) =>
        Effect.gen(function*() {
          yield* Effect.sleep("2 seconds")
          yield* Effect.forkChild(connection.execute("30"), { startImmediately: true })
          yield* Effect.sleep("4 seconds")
        })
      )
      assert.deepStrictEqual(found, [2, 1])
    }))
})
