import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, served, settled } from "./openPool.ts"

describe("sharding keys", () => {
  it.effect("keep sessions apart, and hand the key to the driver", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 8 })
      const first = yield* pool.acquire({ shardingKey: "EU", superShardingKey: ["gold", 1] })
      assert.deepInclude(first.session, { shardingKey: "EU" })
      assert.deepStrictEqual(first.session.superShardingKey, ["gold", 1])
      yield* pool.release(first)
      for (const request of [{}, { shardingKey: "US" }, { shardingKey: "EU" }, { shardingKey: ["EU", "gold"] }]) {
        assert.notStrictEqual(yield* served(pool, request), first.id)
      }
      assert.strictEqual(yield* served(pool, { shardingKey: "EU", superShardingKey: ["gold", 1] }), first.id)
    }))

  it.effect("are compared by what they hold: values of every type, one value as a list of one", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 8 })
      const pairs = [
        [7, [7]],
        [new Date(1000), new Date(1000)],
        [new Uint8Array([1, 2]), new Uint8Array([1, 2])],
        [12n, [12n]]
      ] as const
      const ids = new Set<number>()
      for (const [one, same] of pairs) {
        const id = yield* served(pool, { shardingKey: one })
        assert.strictEqual(yield* served(pool, { shardingKey: same }), id)
        ids.add(id)
      }
      ids.add(yield* served(pool, { shardingKey: "7" }))
      ids.add(yield* served(pool, { shardingKey: "[7]" }))
      assert.strictEqual(ids.size, 6)
    }))

  it.effect("at max an idle session of another shard makes room", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1 })
      yield* served(pool, { shardingKey: "EU" })
      assert.strictEqual((yield* pool.acquire({ shardingKey: "US" })).id, 2)
      assert.strictEqual(yield* database.mostOpen, 1)
    }))
})

describe("maxSessionsPerShard", () => {
  const eu = { shardingKey: "EU" }
  const us = { shardingKey: "US" }

  it.effect("bounds each shard, whatever room the pool has", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 8, increment: 4, maxSessionsPerShard: 2 })
      const first = yield* pool.acquire(eu)
      yield* pool.acquire(eu)
      const third = yield* beside(pool.acquire(eu))
      yield* TestClock.adjust("1 minute")
      assert.isUndefined(third.pollUnsafe())
      yield* pool.acquire(us)
      yield* pool.acquire()
      yield* pool.release(first)
      assert.strictEqual((yield* Fiber.join(third)).id, first.id)
      assert.lengthOf((yield* database.sessions).filter(({ shardingKey }) => shardingKey === "EU"), 2)
    }))

  it.effect("a full shard makes room by replacing its own idle session, not that of another", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 8, maxSessionsPerShard: 1 })
      yield* pool.use(eu, (connection) => connection.setTag("A=1"))
      const other = yield* served(pool, us)
      yield* served(pool, eu)
      assert.strictEqual(yield* served(pool, us), other)
      assert.strictEqual(yield* database.count("closed"), 1)
      assert.lengthOf((yield* database.sessions).filter(({ shardingKey }) => shardingKey === "EU"), 1)
    }))

  it.effect("counts for noWait and forceGet too", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 8, maxSessionsPerShard: 1, getMode: "noWait" })
      const held = yield* pool.acquire(eu)
      assert.strictEqual((yield* Effect.flip(pool.acquire(eu)))._tag, "PoolExhaustedError")
      yield* pool.reconfigure({ getMode: "forceGet" })
      const waiting = yield* beside(pool.acquire(eu))
      yield* TestClock.adjust("1 minute")
      assert.isUndefined(waiting.pollUnsafe())
      yield* pool.release(held)
      assert.strictEqual((yield* Fiber.join(waiting)).id, held.id)
    }))

  it.effect("can be raised while requests wait", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 8, maxSessionsPerShard: 1 })
      yield* pool.acquire(eu)
      const waiting = yield* beside(pool.acquire(eu))
      assert.isUndefined(waiting.pollUnsafe())
      yield* pool.reconfigure({ maxSessionsPerShard: 2 })
      assert.strictEqual((yield* Fiber.join(waiting)).id, 2)
    }))

  it.effect("can be lowered: idle sessions beyond it go, and those in use as they come back", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 8 })
      const held = yield* Effect.forEach([1, 2, 3], () => pool.acquire(eu))
      yield* pool.release(held[0]!)
      yield* served(pool, us)
      yield* pool.reconfigure({ maxSessionsPerShard: 1 })
      yield* settled
      yield* pool.release(held[1]!)
      yield* pool.release(held[2]!)
      yield* settled
      const shards = (yield* database.sessions).map(({ shardingKey }) => shardingKey)
      assert.sameMembers(shards, ["EU", "US"])
    }))

  it.effect("a waitTimeout counts for a request whose shard is full", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 8, maxSessionsPerShard: 1, name: "hr" })
      yield* pool.acquire(eu)
      const error = yield* beside(Effect.flip(pool.acquire({ ...eu, waitTimeout: "2 seconds" })))
      yield* TestClock.adjust("2 seconds")
      assert.include(
        (yield* Fiber.join(error)).message,
        `could not provide a session for the pool's user, shard /["sEU"] within 2s`
      )
    }))

  it.effect("is that of the moment of the request, whatever becomes of the key that it was made of (A19)", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 8 })
      const list = [1]
      const date = new Date(0)
      const bytes = Uint8Array.of(1)
      const before = yield* Effect.forEach([list, date, bytes], (shardingKey) => served(pool, { shardingKey }))
      const superBefore = yield* served(pool, { superShardingKey: list, shardingKey: "EU" })
      list[0] = 2
      date.setTime(1)
      bytes[0] = 2
      for (const [index, shardingKey] of [[1], new Date(0), Uint8Array.of(1)].entries()) {
        const connection = yield* pool.acquire({ shardingKey })
        assert.strictEqual(connection.id, before[index])
        assert.deepStrictEqual(connection.session.shardingKey, shardingKey)
      }
      assert.strictEqual(yield* served(pool, { superShardingKey: [1], shardingKey: "EU" }), superBefore)
    }))
})
