import { assert, describe, it } from "@effect/vitest"
import { SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, served, settled, warm, watch } from "./openPool.ts"

const always = { timeout: 0 } as const

describe("a ping before a session is lent", () => {
  it.effect("only when it was idle for longer than pingInterval, 60 seconds unless told", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ ...always, max: 1 })
      yield* served(pool)
      yield* TestClock.adjust("60 seconds")
      yield* served(pool)
      assert.strictEqual(yield* database.count("pinged"), 0)
      yield* TestClock.adjust(60_001)
      yield* served(pool)
      assert.strictEqual(yield* database.count("pinged"), 1)
    }))

  it.effect("to the millisecond, also where something runs at the beginning of each lease", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ ...always, max: 1, onLease: () => Effect.void })
      yield* TestClock.adjust("10 minutes")
      yield* served(pool)
      yield* TestClock.adjust("60 seconds")
      yield* served(pool)
      assert.strictEqual(yield* database.count("pinged"), 0)
      yield* TestClock.adjust(60_001)
      yield* served(pool)
      assert.strictEqual(yield* database.count("pinged"), 1)
    }))

  it.effect("not for a session that was just opened; 0 pings always, infinity never", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ ...always, max: 1, pingInterval: 0 })
      yield* served(pool)
      assert.strictEqual(yield* database.count("pinged"), 0)
      yield* served(pool)
      yield* served(pool)
      assert.strictEqual(yield* database.count("pinged"), 2)
      yield* pool.reconfigure({ pingInterval: "infinity" })
      yield* TestClock.adjust("10000 days")
      yield* served(pool)
      assert.strictEqual(yield* database.count("pinged"), 2)
    }))

  it.effect("a dead session is replaced without the caller noticing", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ ...always, max: 3 })
      const events = yield* watch(pool)
      const ids = yield* warm(pool, "", "", "")
      yield* TestClock.adjust("2 minutes")
      yield* database.killAll
      assert.strictEqual(yield* pool.use((connection) => connection.execute("hello")), "hello")
      yield* settled
      const closed = events.flatMap((event) => event._tag === "SessionClosed" ? [[event.session, event.reason]] : [])
      assert.deepInclude(closed, [ids[2], "dead"])
      assert.strictEqual((yield* pool.statistics).pending, 0)
    }))

  it.effect("the next idle session is tried before a new one is opened", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ ...always, max: 2 })
      const [first, second] = yield* warm(pool, "", "")
      yield* TestClock.adjust("2 minutes")
      yield* database.kill(second!)
      assert.strictEqual(yield* served(pool), first)
      assert.strictEqual(yield* database.count("opened"), 2)
    }))

  it.effect("where it finds the session dead, one that was used just now is lent without another ping", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ ...always, max: 2 })
      const [tagged, untagged] = yield* warm(pool, "A=1", "")
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual(yield* served(pool), untagged)
      yield* database.kill(tagged!)
      const before = yield* database.count("pinged")
      assert.strictEqual(yield* served(pool, { tag: "A=1" }), untagged)
      assert.strictEqual(yield* database.count("pinged"), before + 1)
      assert.strictEqual(yield* database.count("opened"), 2)
    }))

  it.effect("one that does not answer within pingTimeout is dead", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ ...always, max: 1, pingInterval: 0, pingTimeout: "2 seconds" })
      yield* served(pool)
      yield* database.behave("ping", { outcome: "hang" })
      const fiber = yield* beside(served(pool))
      yield* TestClock.adjust("1999 millis")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* Fiber.join(fiber), 2)
      assert.strictEqual(yield* database.mostOpen, 1)
    }))

  it.effect("a dead one is not asked to close politely: its place is free at once", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ ...always, max: 1, pingInterval: 0, pingTimeout: "2 seconds" })
      yield* served(pool)
      yield* database.behave("ping", { outcome: "hang" })
      yield* database.behave("close", { outcome: "hang" })
      const fiber = yield* beside(served(pool))
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), 2)
      yield* database.heal
    }))

  it.effect("its caller may give up: the session is not lost", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ ...always, max: 1, pingInterval: 0 })
      yield* served(pool)
      yield* database.behave("ping", { latency: "1 second" })
      const fiber = yield* beside(served(pool))
      yield* Fiber.interrupt(fiber)
      assert.deepInclude(yield* pool.statistics, { opened: 1, idle: 1, pending: 0 })
      yield* TestClock.adjust("1 second")
      yield* database.behave("ping", { latency: 0 })
      assert.strictEqual(yield* served(pool), 1)
    }))

  it.effect("goes before a session that comes back to who waits, too, when pingInterval is 0", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ ...always, max: 1, pingInterval: 0 })
      const held = yield* pool.acquire()
      const waiting = yield* beside(pool.acquire())
      yield* database.kill(held.session.number)
      yield* pool.release(held)
      assert.strictEqual((yield* Fiber.join(waiting)).id, 2)
    }))
})

describe("keepAlive", () => {
  it.effect("pings idle sessions on its schedule, not those in use", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ ...always, min: 3, max: 3, keepAlive: "20 seconds" })
      const held = yield* pool.acquire()
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(yield* database.count("pinged"), 2)
      yield* TestClock.adjust("40 seconds")
      assert.strictEqual(yield* database.count("pinged"), 6)
      const pinged = (yield* database.ledger).flatMap(({ event, session }) => event === "pinged" ? [session] : [])
      assert.notInclude(pinged, held.session.number)
    }))

  it.effect("what was heard of meanwhile is left in peace, and a lending needs no ping of its own", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ ...always, min: 1, max: 1, keepAlive: "50 seconds" })
      yield* TestClock.adjust("49 seconds")
      yield* served(pool)
      yield* TestClock.adjust("49 seconds")
      assert.strictEqual(yield* database.count("pinged"), 0)
      yield* TestClock.adjust("10 minutes")
      const before = yield* database.count("pinged")
      yield* served(pool)
      assert.strictEqual(yield* database.count("pinged"), before)
    }))

  it.effect("what was used while others were being pinged is left in peace as well", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ ...always, min: 5, max: 5, keepAlive: "20 seconds" })
      yield* database.behave("ping", { latency: "1 second" })
      yield* TestClock.adjust("20 seconds")
      // Four are being pinged; the fifth can be lent.
      yield* served(pool)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* database.count("pinged"), 4)
      yield* database.behave("ping", { latency: 0 })
    }))

  it.effect("finds the dead, and min is refilled, with no traffic", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ ...always, min: 6, max: 6, keepAlive: "20 seconds" })
      yield* database.killAll
      yield* TestClock.adjust("20 seconds")
      const alive = (yield* database.sessions).filter(({ isAlive }) => isAlive)
      assert.lengthOf(alive, 6)
      assert.deepInclude(yield* pool.statistics, { opened: 6, idle: 6 })
    }))

  it.effect("keeps most sessions idle while it pings", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ ...always, min: 20, max: 20, keepAlive: "20 seconds" })
      yield* database.behave("ping", { outcome: "hang" })
      yield* TestClock.adjust("20 seconds")
      const connections = yield* Effect.forEach(Array.from({ length: 12 }), () => pool.acquire())
      assert.lengthOf(connections, 12)
      yield* Effect.forEach(connections, (connection) => pool.release(connection))
      yield* database.heal
      yield* TestClock.adjust("5 seconds")
      assert.deepInclude(yield* pool.statistics, { opened: 20, idle: 20 })
      assert.strictEqual(yield* database.count("closed"), 4)
    }))

  it.effect("a change of it cuts no ping off, and costs no session", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ ...always, min: 3, max: 3, keepAlive: "20 seconds" })
      yield* database.behave("ping", { latency: "2 seconds" })
      yield* TestClock.adjust("21 seconds")
      assert.strictEqual(yield* database.count("pinged"), 0)
      yield* pool.reconfigure({ keepAlive: 0 })
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* database.count("pinged"), 3)
      assert.strictEqual(yield* database.count("closed"), 0)
      assert.deepInclude(yield* pool.statistics, { opened: 3, idle: 3 })
    }))

  it.effect("can be switched while the pool runs", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ ...always, min: 1, max: 1 })
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* database.count("pinged"), 0)
      yield* pool.reconfigure({ keepAlive: "1 minute" })
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual(yield* database.count("pinged"), 2)
      yield* pool.reconfigure({ keepAlive: 0 })
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* database.count("pinged"), 2)
    }))
})

describe("what the driver knows without a round trip", () => {
  it.effect("is looked at before a session is lent", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 2 })
      const events = yield* watch(pool)
      const first = yield* served(pool)
      yield* database.announceShutdown(first)
      assert.strictEqual(yield* served(pool), 2)
      assert.strictEqual(yield* database.count("pinged"), 0)
      yield* settled
      assert.deepStrictEqual(
        events.flatMap((event) => event._tag === "SessionClosed" ? [[event.session, event.reason]] : []),
        [[first, "drained"]]
      )
    }))

  it.effect("is looked at when it comes back, and never while it is in use", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1 })
      const held = yield* pool.acquire()
      const waiting = yield* beside(pool.acquire())
      yield* database.announceShutdown(held.session.number)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* held.execute("last words"), "last words")
      yield* pool.release(held)
      assert.strictEqual((yield* Fiber.join(waiting)).id, 2)
    }))
})

describe("a session that is unhealthy as soon as it is open", () => {
  it.effect("is an opening that failed: opening pauses, and does not open and close as fast as it can", () =>
    Effect.gen(function*() {
      const database = yield* TestDatabase.make()
      let isDraining = true
      const driver = {
        ...database.driver,
        isHealthy: (session: TestDatabase.TestSession) => !isDraining && database.driver.isHealthy(session)
      }
      const pool = yield* SessionPool.make({ driver, user: "scott", max: 2 })
      const error = yield* Effect.flip(pool.acquire())
      assert.strictEqual(error._tag, "OpenSessionError")
      assert.include(error.message, "the session was not healthy when it was opened")
      yield* pool.reconfigure({ min: 1 })
      yield* TestClock.adjust("1 minute")
      // One a second, once the pauses have grown.
      assert.isBelow(yield* database.count("opened"), 80)
      isDraining = false
      yield* TestClock.adjust("6 seconds")
      assert.deepInclude(yield* pool.statistics, { opened: 1, idle: 1 })
    }))
})

describe("a fatal error on a lease", () => {
  it.effect("drops the session at the end of the lease", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1 })
      const events = yield* watch(pool)
      const failure = yield* Effect.flip(
        pool.use((connection) =>
          Effect.andThen(database.kill(connection.session.number), connection.execute("too late"))
        )
      )
      assert.propertyVal(failure, "_tag", "TestDatabaseError")
      assert.strictEqual(yield* served(pool), 2)
      yield* settled
      assert.deepStrictEqual(
        events.flatMap((event) => event._tag === "SessionClosed" ? [[event.session, event.reason]] : []),
        [[1, "broken"]]
      )
    }))

  it.effect("that comes while a session is pinged for a request has it pinged once more, and lent then", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 2, pingInterval: 0 })
      yield* warm(pool, "", "")
      const held = yield* pool.acquire()
      yield* database.behave("ping", { latency: "50 millis" })
      const request = yield* beside(served(pool))
      yield* database.reportFatal(held.session.number, new Error("ORA-03113"))
      yield* TestClock.adjust("100 millis")
      assert.isTrue(Exit.isSuccess(yield* Fiber.await(request)))
      assert.strictEqual(yield* database.count("opened"), 2)
    }))

  it.effect("has the siblings pinged before they are lent again, each once", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 4 })
      yield* warm(pool, "", "", "")
      const held = yield* pool.acquire()
      const other = yield* pool.acquire()
      const pings = database.count("pinged")
      yield* database.reportFatal(held.session.number, new Error("ORA-03113"))
      assert.isTrue(yield* Effect.as(pool.release(held), true))
      assert.strictEqual(yield* pings, 0)
      const third = yield* pool.acquire()
      assert.strictEqual(yield* pings, 1)
      // One that was in use then has not shown anything either.
      yield* pool.release(other)
      assert.strictEqual(yield* served(pool), other.id)
      assert.strictEqual(yield* pings, 2)
      yield* served(pool)
      assert.strictEqual(yield* pings, 2)
      yield* pool.release(third)
      yield* served(pool)
      assert.strictEqual(yield* pings, 2)
    }))

  it.effect("a whole restart of the database costs one failure, and no caller after it sees another", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 5 })
      const held = yield* pool.acquire()
      yield* warm(pool, "", "A=1", "", "B=2")
      yield* database.killAll
      yield* Effect.flip(held.execute("first to know"))
      yield* pool.release(held)
      const hello = (request: { readonly tag?: string }) =>
        pool.use(request, (connection) => connection.execute("hello"))
      const answers = yield* Effect.forEach([{}, {}, { tag: "A=1" }, { tag: "B=2" }, {}], hello)
      assert.deepStrictEqual(answers, ["hello", "hello", "hello", "hello", "hello"])
    }))
})
