import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, served, settled } from "./openPool.ts"

const slow = { latency: { open: "1 second" } } as const

describe("growth", () => {
  it.effect("opens min sessions at the start, in the background", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ min: 3, max: 5, database: slow })
      assert.deepInclude(yield* pool.statistics, { opened: 0, opening: 3 })
      yield* TestClock.adjust("1 second")
      assert.deepInclude(yield* pool.statistics, { opened: 3, idle: 3, opening: 0 })
      assert.strictEqual(yield* database.count("openRequested"), 3)
    }))

  it.effect("waitForMin: the pool is there once min sessions are open", () =>
    Effect.gen(function*() {
      const making = yield* beside(openPool({ min: 2, max: 2, waitForMin: true, database: slow }))
      yield* TestClock.adjust("999 millis")
      assert.isUndefined(making.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      const { pool } = yield* Fiber.join(making)
      assert.deepInclude(yield* pool.statistics, { opened: 2, idle: 2 })
    }))

  it.effect("opens increment sessions at a time, never more than max", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 7, increment: 3 })
      const opened = Effect.map(pool.statistics, (statistics) => statistics.opened)
      yield* pool.acquire()
      yield* settled
      assert.strictEqual(yield* opened, 3)
      yield* pool.acquire()
      yield* pool.acquire()
      assert.strictEqual(yield* opened, 3)
      yield* pool.acquire()
      yield* settled
      assert.strictEqual(yield* opened, 6)
      yield* Effect.forEach([5, 6, 7], () => pool.acquire())
      assert.strictEqual(yield* opened, 7)
      assert.strictEqual(yield* database.mostOpen, 7)
    }))

  it.effect("all who wait share one increment", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 20, increment: 4, database: slow })
      const fibers = yield* Effect.forEach([1, 2, 3, 4], () => beside(pool.acquire()))
      assert.strictEqual((yield* pool.statistics).opening, 4)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(new Set((yield* Fiber.joinAll(fibers)).map(({ id }) => id)).size, 4)
      assert.strictEqual(yield* database.count("openRequested"), 4)
    }))

  it.effect("takes turns with sessions that come back: who is served needs no new one", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 2, database: slow })
      const first = yield* beside(pool.acquire())
      yield* TestClock.adjust("1 second")
      const held = yield* Fiber.join(first)
      const second = yield* beside(pool.acquire())
      const third = yield* beside(pool.acquire())
      yield* pool.release(held)
      assert.strictEqual((yield* Fiber.join(second)).id, held.id)
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(third)).id, 2)
      assert.strictEqual(yield* database.count("openRequested"), 2)
    }))

  it.effect("who asked may give up: the session goes on being opened, for the next or the idle ones", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1, database: slow })
      const asker = yield* beside(pool.acquire())
      const next = yield* beside(served(pool))
      yield* Fiber.interrupt(asker)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(next), 1)
      assert.strictEqual(yield* database.count("openAbandoned"), 0)

      yield* pool.reconfigure({ max: 2 })
      const alone = yield* beside(Effect.andThen(pool.acquire(), pool.acquire()))
      yield* settled
      yield* Fiber.interrupt(alone)
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(alone)))
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* pool.statistics).opened, 2)
      assert.strictEqual(yield* database.count("openRequested"), 2)
    }))

  it.effect("a closing session keeps its place of max until it is gone", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1, database: { latency: { close: "2 seconds" } } })
      const first = yield* pool.acquire()
      yield* pool.drop(first)
      const next = yield* beside(pool.acquire())
      yield* TestClock.adjust("1 second")
      assert.deepInclude(yield* pool.statistics, { opened: 0, closing: 1, pending: 1 })
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(next)).id, 2)
      assert.strictEqual(yield* database.mostOpen, 1)
      yield* database.behave("close", { latency: 0 })
    }))

  it.effect("other identities grow one by one", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 9, increment: 3 })
      yield* pool.acquire({ cclass: "BATCH" })
      yield* settled
      assert.strictEqual(yield* database.count("openRequested"), 1)
    }))

  it.effect("an opening that takes longer than openTimeout is given up, and its place is free again", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1, openTimeout: "10 seconds" })
      yield* database.behave("open", { outcome: "hang", times: 1 })
      const fiber = yield* beside(Effect.flip(pool.acquire()))
      yield* TestClock.adjust("10 seconds")
      const error = yield* Fiber.join(fiber)
      assert.strictEqual(error._tag, "OpenSessionError")
      assert.include(error.message, "opening a session timed out after 10s (openTimeout)")
      assert.strictEqual(yield* database.count("openAbandoned"), 1)
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* pool.acquire()).id, 1)
      assert.strictEqual(yield* database.mostOpen, 1)
    }))
})
