import { assert, describe, it } from "@effect/vitest"
import { SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Deferred, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"

describe("law 5: forceGet", () => {
  const holding = (pool: SessionPool.SessionPool<TestDatabase.TestConnection>, purity: "default" | "new" = "default") =>
    Effect.gen(function*() {
      const held = yield* Deferred.make<number>()
      yield* Effect.forkScoped(
        pool.use({ purity }, (connection) => Effect.andThen(Deferred.succeed(held, connection.id), Effect.never))
      )
      return held
    })

  it.effect("opens past max", () =>
    Effect.gen(function*() {
      const database = yield* TestDatabase.make()
      const pool = yield* SessionPool.make({ driver: database.driver, user: "scott", max: 1, getMode: "forceGet" })
      for (const _ of [1, 2, 3]) yield* Effect.flatMap(holding(pool), Deferred.await)
      assert.strictEqual((yield* pool.statistics).busy, 3)
    }))

  it.effect("opens for those who were waiting already as well, who come first", () =>
    Effect.gen(function*() {
      const database = yield* TestDatabase.make()
      const pool = yield* SessionPool.make({ driver: database.driver, user: "scott", max: 1 })
      yield* Effect.flatMap(holding(pool), Deferred.await)
      const patient = yield* holding(pool, "new")
      yield* TestClock.adjust("1 second")
      yield* pool.reconfigure({ getMode: "forceGet" })
      const forced = yield* holding(pool)
      yield* TestClock.adjust("1 second")
      assert.isTrue((yield* Deferred.await(patient)) < (yield* Deferred.await(forced)))
    }))

  it.effect("tells the youngest why when one of the sessions for them could not be opened", () =>
    Effect.gen(function*() {
      const database = yield* TestDatabase.make({ latency: { open: "50 millis" } })
      const pool = yield* SessionPool.make({ driver: database.driver, user: "scott", max: 1, getMode: "forceGet" })
      yield* database.refuseToOpen(1)
      const first = yield* holding(pool)
      yield* TestClock.adjust("10 millis")
      const second = yield* Effect.forkScoped(Effect.flip(pool.use(() => Effect.never)))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Deferred.await(first), 1)
      assert.strictEqual((yield* Fiber.join(second))._tag, "OpenSessionError")
    }))

  it.effect("opens for a sharding key once its shard has room", () =>
    Effect.gen(function*() {
      const database = yield* TestDatabase.make()
      const pool = yield* SessionPool.make({
        driver: database.driver,
        user: "scott",
        max: 1,
        getMode: "forceGet",
        maxSessionsPerShard: 1
      })
      const shard = { shardingKey: "north" }
      yield* Effect.forkScoped(pool.use(shard, () => Effect.never))
      const waiting = yield* Effect.forkScoped(pool.use(shard, () => Effect.void))
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* pool.statistics).pending, 1)
      yield* pool.reconfigure({ maxSessionsPerShard: 2 })
      yield* Fiber.join(waiting)
    }))
})
