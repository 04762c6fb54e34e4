/** What those who run a program do to its pools: refresh, suspend and resume. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, served, settled, warm, watch } from "./openPool.ts"

describe("refresh", () => {
  it.effect("closes idle sessions now and busy ones as they come back, and opens min again", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ min: 2, max: 3 })
      const events = yield* watch(pool)
      const held = yield* pool.acquire()
      yield* pool.refresh
      yield* settled
      assert.isFalse(held.isReleased)
      assert.strictEqual(yield* held.execute("goes on"), "goes on")
      assert.deepStrictEqual((yield* database.sessions).map(({ number }) => number), [held.id, 3])
      yield* pool.release(held)
      yield* settled
      assert.deepStrictEqual((yield* database.sessions).map(({ number }) => number), [3, 4])
      const closed = events.flatMap((event) => event._tag === "SessionClosed" ? [event.reason] : [])
      assert.deepStrictEqual(closed, ["refreshed", "refreshed"])
      assert.include(events.map(({ _tag }) => _tag), "Refreshed")
      assert.isAbove(yield* served(pool), 2)
    }))

  it.effect("replaces a session that was being opened, and one that was being pinged", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({
        max: 2,
        pingInterval: "1 second",
        database: { latency: { ping: 100 } }
      })
      yield* warm(pool, "")
      yield* database.behave("open", { latency: "1 second" })
      yield* TestClock.adjust("30 seconds")
      const pinged = yield* beside(served(pool))
      const opened = yield* beside(served(pool, { purity: "new" }))
      yield* TestClock.adjust(50)
      yield* pool.refresh
      yield* TestClock.adjust("5 seconds")
      assert.isAbove(yield* Fiber.join(pinged), 2)
      assert.isAbove(yield* Fiber.join(opened), 2)
    }))

  it.effect("serves requests that wait", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      const held = yield* pool.acquire()
      const waiting = yield* beside(served(pool))
      yield* pool.refresh
      yield* pool.release(held)
      assert.strictEqual(yield* Fiber.join(waiting), 2)
    }))
})

describe("suspend", () => {
  it.effect("lets requests of every get mode wait, and leases go on", () =>
    Effect.gen(function*() {
      for (const getMode of ["wait", "noWait", "forceGet", "timedWait"] as const) {
        const { database, pool } = yield* openPool({ max: 3, getMode, waitTimeout: "1 second" })
        const held = yield* pool.acquire()
        yield* pool.suspend
        const waiting = yield* Effect.forEach([1, 2, 3], () => beside(Effect.result(served(pool))))
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(yield* held.execute("goes on"), "goes on")
        yield* pool.release(held)
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(waiting.map((fiber) => fiber.pollUnsafe()), [undefined, undefined, undefined], getMode)
        assert.deepInclude(yield* pool.statistics, { busy: 0, pending: 3 })
        assert.strictEqual(yield* database.count("openRequested"), 1)
        yield* pool.resume
        yield* settled
        const outcomes = yield* Effect.forEach(waiting, Fiber.join)
        assert.deepStrictEqual(outcomes.map(({ _tag }) => _tag), ["Success", "Success", "Success"], getMode)
      }
    }))

  it.effect("does not count as waiting: afterwards a request may wait for as long as was left", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, getMode: "timedWait", waitTimeout: "10 seconds" })
      yield* pool.acquire()
      const early = yield* beside(Effect.flip(pool.acquire()))
      yield* TestClock.adjust("4 seconds")
      yield* pool.suspend
      yield* TestClock.adjust("1 minute")
      const late = yield* beside(Effect.flip(pool.acquire()))
      yield* TestClock.adjust("1 minute")
      yield* pool.resume
      yield* TestClock.adjust("5999 millis")
      assert.isUndefined(early.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.propertyVal(yield* Fiber.join(early), "_tag", "AcquireTimeoutError")
      yield* TestClock.adjust("3999 millis")
      assert.isUndefined(late.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.propertyVal(yield* Fiber.join(late), "_tag", "AcquireTimeoutError")
    }))

  it.effect("keeps the order of requests, and fails none of them when opening fails meanwhile", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1, database: { latency: { open: "1 second" } } })
      const order: Array<number> = []
      const ask = (number: number) => beside(pool.use(() => Effect.sync(() => order.push(number))))
      const fibers = [yield* ask(1)]
      yield* database.refuseToOpen(1)
      yield* pool.suspend
      yield* TestClock.adjust("1 second")
      fibers.push(yield* ask(2), yield* ask(3))
      assert.isUndefined(fibers[0]!.pollUnsafe())
      yield* pool.resume
      yield* TestClock.adjust("1 minute")
      yield* Fiber.joinAll(fibers)
      assert.deepStrictEqual(order, [1, 2, 3])
    }))

  it.effect("still bounds the queue, and a closed pool is not suspended", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 4, queueMax: 1 })
      yield* pool.suspend
      yield* pool.suspend
      const waiting = yield* beside(Effect.flip(pool.acquire()))
      assert.propertyVal(yield* Effect.flip(pool.acquire()), "_tag", "QueueFullError")
      yield* pool.close({ drainTimeout: 0 })
      assert.propertyVal(yield* Fiber.join(waiting), "_tag", "PoolClosedError")
      for (const steer of [pool.suspend, pool.resume, pool.refresh]) {
        assert.propertyVal(yield* Effect.flip(steer), "_tag", "PoolClosedError")
      }
    }))

  it.effect("tells its listeners, once for each change", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      const events = yield* watch(pool)
      yield* pool.resume
      yield* Effect.andThen(pool.suspend, pool.suspend)
      yield* Effect.andThen(pool.resume, pool.resume)
      yield* settled
      assert.deepStrictEqual(events.map(({ _tag }) => _tag), ["Suspended", "Resumed"])
    }))

  it.effect("after it no request is refused for the wait of those that stood still", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, queueTarget: 100, queueInterval: 200 })
      const held = yield* pool.acquire()
      const waiting = yield* beside(served(pool))
      yield* pool.suspend
      yield* TestClock.adjust("1 hour")
      yield* pool.resume
      const next = yield* beside(served(pool))
      yield* pool.release(held)
      yield* Fiber.joinAll([waiting, next])
    }))
})
