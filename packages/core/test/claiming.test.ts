/** A session that is pinged to keep it alive is as good as an idle one for a request that would be refused otherwise, if it fits it. */
import { assert, describe, it } from "@effect/vitest"
import type { SessionRequest } from "@sessionpool/core"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, served, settled, warm } from "./openPool.ts"

/** A pool whose one idle session is being pinged for the next second, on behalf of nobody, and in which nobody may wait. */
const pinging = (tag = "") =>
  Effect.gen(function*() {
    const { database, pool } = yield* openPool({
      max: 1,
      queueMax: 0,
      timeout: 0,
      homogeneous: false,
      keepAlive: "20 seconds",
      database: { latency: { ping: "1 second" } }
    })
    yield* warm(pool, tag)
    yield* TestClock.adjust("20 seconds")
    return { database, pool }
  })

describe("a request that may not wait", () => {
  const fitting: ReadonlyArray<readonly [what: string, tag: string, request: SessionRequest.SessionRequest]> = [
    ["without a tag one without a tag", "", {}],
    ["with a tag one without a tag", "", { tag: "A=1" }],
    ["with a tag one with that tag", "A=1", { tag: "A=1" }],
    ["with matchAnyTag one with another tag", "A=1", { tag: "B=2", matchAnyTag: true }]
  ]
  for (const [what, tag, request] of fitting) {
    it.effect(`has the session that is pinged to keep it alive: ${what}`, () =>
      Effect.gen(function*() {
        const { database, pool } = yield* pinging(tag)
        const fiber = yield* beside(served(pool, request))
        assert.isUndefined(fiber.pollUnsafe())
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* Fiber.join(fiber), 1)
        assert.strictEqual(yield* database.count("pinged"), 1)
      }))
  }

  const unfit: ReadonlyArray<readonly [what: string, tag: string, request: SessionRequest.SessionRequest]> = [
    ["without a tag, where it has one", "A=1", {}],
    ["with another tag", "A=1", { tag: "B=2" }],
    ["with matchAnyTag but without a tag", "A=1", { matchAnyTag: true }],
    ["for a session that nobody has held", "", { purity: "new" }],
    ["of another connection class", "", { cclass: "BATCH" }]
  ]
  for (const [what, tag, request] of unfit) {
    it.effect(`is refused where that session does not fit: ${what}`, () =>
      Effect.gen(function*() {
        const { pool } = yield* pinging(tag)
        const error = yield* Effect.flip(pool.acquire(request))
        assert.strictEqual(error._tag, "QueueFullError")
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* served(pool, { tag: "A=1" }), 1)
      }))
  }

  it.effect("may have one that nobody has held, where nobody has held the one that is pinged", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({
        min: 1,
        max: 1,
        queueMax: 0,
        timeout: 0,
        keepAlive: "20 seconds",
        database: { latency: { ping: "1 second" } }
      })
      yield* TestClock.adjust("20 seconds")
      const fiber = yield* beside(served(pool, { purity: "new" }))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(fiber), 1)
    }))

  it.effect("does not have a session that is in use, or pinged for somebody else", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({
        max: 2,
        queueMax: 0,
        timeout: 0,
        keepAlive: "20 seconds",
        database: { latency: { ping: "1 second" } }
      })
      yield* warm(pool, "", "A=1")
      const held = yield* pool.acquire()
      yield* TestClock.adjust("40 seconds")
      // The session that it would fit is in use, the one that is pinged has a tag.
      assert.strictEqual((yield* Effect.flip(pool.acquire()))._tag, "QueueFullError")
      const first = yield* beside(served(pool, { tag: "A=1" }))
      assert.strictEqual((yield* Effect.flip(pool.acquire({ tag: "A=1" })))._tag, "QueueFullError")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(first), 2)
      yield* pool.release(held)
    }))

  it.effect("leaves the queue as it was, served or given up", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* pinging()
      const impatient = yield* beside(served(pool))
      yield* Fiber.interrupt(impatient)
      const next = yield* beside(served(pool))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(next), 1)
      yield* settled
      yield* pool.reconfigure({ queueMax: 1, keepAlive: 0 })
      const held = yield* pool.acquire()
      // One may wait: nothing is left of those before.
      const waiting = yield* beside(served(pool))
      assert.strictEqual((yield* Effect.flip(pool.acquire()))._tag, "QueueFullError")
      yield* pool.release(held)
      assert.strictEqual(yield* Fiber.join(waiting), 1)
      // And one session is opened for one request.
      yield* pool.reconfigure({ max: 5 })
      yield* pool.acquire()
      yield* pool.acquire()
      assert.strictEqual(yield* database.count("opened"), 2)
    }))
})
