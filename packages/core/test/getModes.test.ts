import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, served, settled, watch } from "./openPool.ts"

describe("getMode", () => {
  it.effect("wait: waits for as long as it takes", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      const first = yield* pool.acquire()
      const second = yield* beside(served(pool))
      yield* TestClock.adjust("3 hours")
      assert.isUndefined(second.pollUnsafe())
      yield* pool.release(first)
      assert.strictEqual(yield* Fiber.join(second), first.id)
    }))

  it.effect("noWait: fails at once when every session is busy and there is no room", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 2, getMode: "noWait", name: "hr" })
      yield* pool.acquire()
      yield* pool.acquire()
      const error = yield* Effect.flip(pool.acquire())
      assert.strictEqual(error._tag, "PoolExhaustedError")
      assert.include(error.message, `Session pool "hr" has no free session and its get mode is "noWait"`)
      assert.include(error.message, "2 busy of 2 open, 0 opening, 1 waiting, max 2")
      assert.strictEqual(yield* database.mostOpen, 2)
      assert.deepInclude((yield* pool.statistics).totals, { refused: 1 })
      assert.strictEqual((yield* pool.statistics).pending, 0)
    }))

  it.effect("noWait: still waits for a session to be opened while there is room", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 2, getMode: "noWait", database: { latency: { open: "2 seconds" } } })
      const fibers = [yield* beside(pool.acquire()), yield* beside(pool.acquire())]
      assert.strictEqual((yield* Effect.flip(pool.acquire()))._tag, "PoolExhaustedError")
      yield* TestClock.adjust("2 seconds")
      assert.sameMembers((yield* Fiber.joinAll(fibers)).map(({ id }) => id), [1, 2])
    }))

  it.effect("noWait: at max an idle session of another tag is replaced, without a failure", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1, getMode: "noWait" })
      const first = yield* pool.acquire()
      yield* pool.release(first, { tag: "A=1" })
      const second = yield* pool.acquire({ tag: "B=2" })
      assert.strictEqual(second.id, 2)
      assert.strictEqual(yield* database.mostOpen, 1)
    }))

  it.effect("noWait: learns why, when what it waited for could not be opened", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 2, getMode: "noWait" })
      yield* pool.acquire()
      yield* database.refuseToOpen()
      assert.strictEqual((yield* Effect.flip(pool.acquire()))._tag, "OpenSessionError")
      // Opening pauses now; a request that would wait for nothing else is told at once.
      assert.strictEqual((yield* Effect.flip(pool.acquire()))._tag, "OpenSessionError")
      assert.strictEqual(yield* database.count("openRequested"), 2)
    }))

  it.effect("noWait: a session that is only being kept alive is no reason to fail", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({
        min: 2,
        max: 2,
        getMode: "noWait",
        keepAlive: "10 seconds",
        database: { latency: { ping: "1 second" } }
      })
      yield* TestClock.adjust("10 seconds")
      const fibers = [yield* beside(pool.acquire()), yield* beside(pool.acquire())]
      assert.strictEqual((yield* Effect.flip(pool.acquire()))._tag, "PoolExhaustedError")
      yield* TestClock.adjust("1 second")
      assert.sameMembers((yield* Fiber.joinAll(fibers)).map(({ id }) => id), [1, 2])
      assert.strictEqual(yield* database.count("opened"), 2)
    }))

  it.effect("forceGet: opens past max, and closes what is too much when it comes back", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 2, getMode: "forceGet" })
      const connections = yield* Effect.forEach([1, 2, 3, 4, 5], () => pool.acquire())
      assert.deepStrictEqual(connections.map(({ id }) => id), [1, 2, 3, 4, 5])
      assert.deepInclude(yield* pool.statistics, { opened: 5, busy: 5, max: 2 })
      const events = yield* watch(pool)
      yield* Effect.forEach(connections, (connection) => pool.release(connection))
      yield* settled
      assert.deepInclude(yield* pool.statistics, { opened: 2, idle: 2 })
      const closed = events.filter((event) => event._tag === "SessionClosed")
      assert.deepStrictEqual(closed.map(({ reason }) => reason), ["surplus", "surplus", "surplus"])
      assert.strictEqual(yield* database.mostOpen, 5)
    }))

  it.effect("forceGet: takes an idle session first, and gives what it opened to who waits when it is given up", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({
        max: 1,
        getMode: "forceGet",
        database: { latency: { open: "1 second" } }
      })
      const given = yield* beside(pool.acquire())
      yield* TestClock.adjust("1 second")
      const first = yield* Fiber.join(given)
      yield* pool.release(first)
      assert.strictEqual(yield* served(pool), first.id)
      yield* pool.acquire()
      const impatient = yield* beside(served(pool))
      yield* Fiber.interrupt(impatient)
      yield* TestClock.adjust("1 second")
      assert.deepInclude(yield* pool.statistics, { opened: 1, busy: 1, opening: 0, pending: 0 })
      assert.strictEqual(yield* database.count("closed"), 1)
    }))

  it.effect("forceGet: of two that are opened past max one may fail, and only one of those who asked learns of it", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1, getMode: "forceGet" })
      yield* pool.acquire()
      yield* database.behave("open", { latency: "1 second", outcome: "fail", times: 1 })
      const first = yield* beside(pool.acquire())
      const second = yield* beside(Effect.flip(pool.acquire()))
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(first)).id, 2)
      assert.strictEqual((yield* Fiber.join(second))._tag, "OpenSessionError")
    }))

  it.effect("forceGet: opens past max for those who stand before such a request, not for those who came later", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1 })
      const held = yield* pool.acquire()
      yield* database.behave("open", { latency: "1 second" })
      const before = yield* beside(served(pool))
      yield* pool.reconfigure({ getMode: "forceGet" })
      const forced = yield* beside(pool.acquire())
      yield* pool.reconfigure({ getMode: "wait" })
      const after = yield* beside(pool.acquire())
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(before)
      yield* Fiber.join(forced)
      assert.strictEqual(yield* database.count("opened"), 3)
      yield* TestClock.adjust("1 minute")
      assert.isUndefined(after.pollUnsafe())
      assert.strictEqual(yield* database.count("openRequested"), 3)
      yield* pool.release(held)
    }))

  it.effect("timedWait: gives up after waitTimeout, 5 seconds unless told", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, getMode: "timedWait" })
      yield* pool.acquire()
      const fiber = yield* beside(pool.acquire())
      yield* TestClock.adjust("4999 millis")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      const error = yield* Effect.flip(Fiber.join(fiber))
      assert.strictEqual(error._tag, "AcquireTimeoutError")
      if (error._tag === "AcquireTimeoutError") assert.strictEqual(error.waitedMillis, 5000)
      assert.deepInclude(yield* pool.statistics, { pending: 0 })
      assert.deepInclude((yield* pool.statistics).totals, { timeouts: 1 })
    }))

  it.effect("a request's own waitTimeout counts in every mode, over the pool's", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      yield* pool.acquire()
      const own = (waitTimeout: number | "infinity") => beside(Effect.exit(pool.acquire({ waitTimeout })))
      const waiting = yield* own(700)
      yield* TestClock.adjust(699)
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust(1)
      assert.isTrue(Exit.isFailure(yield* Fiber.join(waiting)))
      yield* pool.reconfigure({ getMode: "timedWait", waitTimeout: "1 second" })
      const patient = yield* own("infinity")
      const longer = yield* own(2000)
      yield* TestClock.adjust(1500)
      assert.isUndefined(longer.pollUnsafe())
      yield* TestClock.adjust(500)
      assert.isDefined(longer.pollUnsafe())
      yield* TestClock.adjust("1 hour")
      assert.isUndefined(patient.pollUnsafe())
    }))

  it.effect("a waitTimeout of 0 takes what is idle and waits for nothing", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, min: 1 })
      const first = yield* pool.acquire({ waitTimeout: 0 })
      const error = yield* Effect.flip(pool.acquire({ waitTimeout: 0 }))
      assert.strictEqual(error._tag, "AcquireTimeoutError")
      yield* pool.release(first)
      assert.strictEqual(yield* served(pool, { waitTimeout: 0 }), first.id)
    }))

  it.effect("waitTimeout covers the opening too, which goes on for the next", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1, database: { latency: { open: "10 seconds" } } })
      const fiber = yield* beside(pool.acquire({ waitTimeout: "1 second" }))
      yield* TestClock.adjust("1 second")
      const error = yield* Effect.flip(Fiber.join(fiber))
      assert.include(error.message, "0 busy of 0 open, 1 opening, 1 waiting, max 1")
      yield* TestClock.adjust("9 seconds")
      assert.strictEqual(yield* served(pool), 1)
      assert.strictEqual(yield* database.count("openRequested"), 1)
    }))

  it.effect("waitTimeout covers the ping too", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1, min: 1, pingInterval: 0 })
      yield* database.behave("ping", { latency: "3 seconds" })
      const error = yield* beside(Effect.flip(pool.acquire({ waitTimeout: "1 second" })))
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(error))._tag, "AcquireTimeoutError")
      // The session that was pinged is not lost.
      yield* TestClock.adjust("2 seconds")
      assert.deepInclude(yield* pool.statistics, { opened: 1, idle: 1 })
    }))

  it.effect("a waitTimeout that is none is refused and changes nothing", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, name: "hr" })
      const error = yield* Effect.flip(pool.acquire({ waitTimeout: "-1 seconds" }))
      assert.strictEqual(
        error.message,
        `Session pool "hr" cannot use these options: waitTimeout must be a duration of 0 or more, such as "30 seconds", ` +
          `30000 (milliseconds) or "infinity", not "-1 seconds".`
      )
      assert.deepInclude(yield* pool.statistics, { opened: 0, opening: 0, pending: 0 })
    }))
})
