import { assert, describe, it } from "@effect/vitest"
import { SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"

describe("lending", () => {
  it.effect("lends a session and takes it back", () =>
    Effect.gen(function*() {
      const database = yield* TestDatabase.make({ answer: ({ text }) => Effect.succeed(text.toUpperCase()) })
      const pool = yield* SessionPool.make({ driver: database.driver, user: "scott", max: 2 })
      assert.strictEqual(yield* pool.use((connection) => connection.execute("hello")), "HELLO")
      const connection = yield* Effect.scoped(pool.acquire())
      assert.isTrue(connection.isReleased)
      const statistics = yield* pool.statistics
      assert.deepInclude(statistics, { opened: 1, busy: 0, idle: 1, pending: 0 })
    }))

  it.effect("waits for a session that is busy, and gives it to the first who waits", () =>
    Effect.gen(function*() {
      const database = yield* TestDatabase.make()
      const pool = yield* SessionPool.make({ driver: database.driver, user: "scott", max: 1 })
      const order: Array<number> = []
      const fibers = yield* Effect.forEach([1, 2, 3, 4], (n) =>
        Effect.forkChild(pool.use(() =>
          Effect.andThen(
            Effect.sleep("1 second"),
            Effect.sync(() => {
              order.push(n)
            })
          )
        )))
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.joinAll(fibers)
      assert.deepStrictEqual(order, [1, 2, 3, 4])
      assert.strictEqual(yield* database.mostOpen, 1)
    }))

  it.effect("times out with a snapshot", () =>
    Effect.gen(function*() {
      const database = yield* TestDatabase.make()
      const pool = yield* SessionPool.make({
        driver: database.driver,
        user: "scott",
        max: 1,
        getMode: "timedWait",
        leakDetectionThreshold: "1 minute"
      })
      const nested = pool.use(() => Effect.scoped(pool.acquire({ waitTimeout: "2 seconds" })))
      const fiber = yield* Effect.forkChild(nested)
      yield* TestClock.adjust("3 seconds")
      const exit = yield* Fiber.await(fiber)
      assert.isTrue(Exit.isFailure(exit))
      const error = yield* Effect.flip(Fiber.join(fiber))
      assert.strictEqual(error._tag, "AcquireTimeoutError")
      assert.match(
        error.message,
        /could not provide a session for the pool's user within 2s \(1 busy of 1 open, 0 opening, 1 waiting/
      )
      assert.match(error.message, /session 1 by fiber #\d+ for 2s \(acquired at .*lending\.test\.ts:\d+/)
      assert.match(error.message, /itself holds session 1 of this pool: once all sessions are held like this/)
    }))
})
