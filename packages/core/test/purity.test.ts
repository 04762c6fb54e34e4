import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, served, settled, watch } from "./openPool.ts"

const fresh = { purity: "new" } as const

describe(`purity "new"`, () => {
  it.effect("takes a session that was opened and never lent, else opens one", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ min: 2, max: 4 })
      const used = yield* served(pool)
      const first = yield* pool.acquire(fresh)
      assert.notStrictEqual(first.id, used)
      assert.strictEqual(yield* database.count("opened"), 2)
      const second = yield* pool.acquire(fresh)
      assert.strictEqual(second.id, 3)
      assert.strictEqual(second.session.purity, "new")
      assert.strictEqual(first.session.purity, "default")
    }))

  it.effect("is never given a session that somebody has held, though it be untagged and idle", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 4 })
      const ids = new Set<number>()
      for (let i = 0; i < 3; i++) ids.add(yield* served(pool, fresh))
      assert.strictEqual(ids.size, 3)
      // Any other request may have them.
      assert.isTrue(ids.has(yield* served(pool, { purity: "self" })))
      assert.isTrue(ids.has(yield* served(pool, { purity: "default" })))
    }))

  it.effect("at max an idle session is closed and replaced; opened stays within max", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 2 })
      const events = yield* watch(pool)
      const held = yield* pool.acquire()
      const idle = yield* served(pool)
      const connection = yield* pool.acquire(fresh)
      assert.strictEqual(connection.id, 3)
      assert.deepInclude(yield* pool.statistics, { opened: 2, busy: 2 })
      assert.strictEqual(yield* database.mostOpen, 2)
      yield* settled
      assert.deepStrictEqual(
        events.flatMap((event) => event._tag === "SessionClosed" ? [[event.session, event.reason]] : []),
        [[idle, "replaced"]]
      )
      assert.isFalse(held.isReleased)
    }))

  it.effect("a session that comes back to a request that waits already is replaced too", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1 })
      const held = yield* pool.acquire()
      const waiting = yield* beside(pool.acquire(fresh))
      yield* TestClock.adjust("1 minute")
      assert.isUndefined(waiting.pollUnsafe())
      yield* pool.release(held)
      assert.strictEqual((yield* Fiber.join(waiting)).id, 2)
      assert.strictEqual(yield* database.mostOpen, 1)
    }))

  it.effect("does not take the session that another request waits for, but the next", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1 })
      const held = yield* pool.acquire()
      const older = yield* beside(served(pool))
      const waiting = yield* beside(served(pool, fresh))
      const younger = yield* beside(served(pool))
      yield* pool.release(held)
      assert.strictEqual(yield* Fiber.join(older), 1)
      assert.strictEqual(yield* Fiber.join(younger), 1)
      assert.strictEqual(yield* Fiber.join(waiting), 2)
      assert.strictEqual(yield* database.mostOpen, 1)
    }))

  it.effect("with min equal to max, min is refilled by the new session and no more", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ min: 2, max: 2 })
      yield* Effect.forEach([1, 2, 3, 4, 5], () => served(pool, fresh))
      yield* settled
      assert.strictEqual((yield* pool.statistics).opened, 2)
      assert.strictEqual(yield* database.mostOpen, 2)
    }))

  it.effect("an unknown purity is refused", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      const purity = "fresh" as "new"
      const error = yield* Effect.flip(pool.acquire({ purity }))
      assert.include(error.message, `purity must be "default", "new" or "self", not "fresh"`)
    }))
})
