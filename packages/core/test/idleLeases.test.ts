/** Leases without a call, leaked leases whose sessions are taken back, and sessions that have served often enough. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Logger } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, served, settled, watch } from "./openPool.ts"

const logged = <A, E, R>(effect: Effect.Effect<A, E, R>) => {
  const lines: Array<string> = []
  const logger = Logger.make(({ message }) => {
    lines.push(String(message))
  })
  return Effect.map(Effect.provide(effect, Logger.layer([logger])), (result) => ({ lines, result }))
}

describe("a lease that is held without a call", () => {
  it.effect("is named once idleLeaseThreshold has passed, once for each such time, and no lease with calls", () =>
    Effect.gen(function*() {
      const { lines } = yield* logged(Effect.gen(function*() {
        const { pool } = yield* openPool({
          max: 2,
          idleLeaseThreshold: "10 seconds",
          database: { latency: { execute: 1000 } }
        })
        const events = yield* watch(pool)
        const named = () =>
          events.flatMap((event) =>
            event._tag === "LeaseIdle" ? [[event.session, event.heldMillis, event.idleMillis]] : []
          )
        yield* beside(
          Effect.withSpan(pool.use((connection) => Effect.repeat(connection.execute("again"), { times: 100 })), "busy")
        )
        yield* TestClock.adjust("3 seconds")
        const connection = yield* pool.acquire()
        yield* TestClock.adjust("4 seconds")
        yield* beside(connection.execute("select"))
        yield* TestClock.adjust("10999 millis")
        assert.deepStrictEqual(named(), [])
        yield* TestClock.adjust("1 millis")
        assert.deepStrictEqual(named(), [[2, 15_000, 10_000]])
        yield* TestClock.adjust("1 minute")
        assert.lengthOf(named(), 1)
        yield* beside(connection.execute("select"))
        yield* TestClock.adjust("11 seconds")
        assert.lengthOf(named(), 2)
        yield* pool.reconfigure({ idleLeaseThreshold: 0 })
        yield* beside(connection.execute("select"))
        yield* TestClock.adjust("1 hour")
        assert.lengthOf(named(), 2)
      }))
      const warnings = lines.filter((line) => line.includes("idleLeaseThreshold"))
      assert.lengthOf(warnings, 2)
      assert.match(warnings[0]!, /^A session is held by fiber #\d+ without a call for longer than idleLeaseThreshold$/)
    }))

  it.effect("is watched from when the setting is given to a pool that runs", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      const events = yield* watch(pool)
      yield* pool.acquire()
      yield* pool.reconfigure({ idleLeaseThreshold: "1 minute" })
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(events.filter(({ _tag }) => _tag === "LeaseIdle").length, 1)
    }))
})

describe("leakReclaim", () => {
  it.effect("takes the session of a leaked lease away, closes it and serves who waits", () =>
    Effect.gen(function*() {
      const { lines } = yield* logged(Effect.gen(function*() {
        const { database, pool } = yield* openPool({ max: 1, leakDetectionThreshold: "1 minute", leakReclaim: true })
        const events = yield* watch(pool)
        const leaked = yield* pool.acquire()
        const waiting = yield* beside(served(pool))
        yield* TestClock.adjust("59999 millis")
        assert.isUndefined(waiting.pollUnsafe())
        yield* TestClock.adjust("1 millis")
        assert.strictEqual(yield* Fiber.join(waiting), 2)
        assert.isTrue(leaked.isReleased)
        assert.propertyVal(yield* Effect.flip(leaked.execute("late")), "_tag", "ConnectionReleasedError")
        assert.propertyVal(yield* Effect.flip(pool.release(leaked)), "_tag", "ConnectionReleasedError")
        assert.deepStrictEqual((yield* database.sessions).map(({ number }) => number), [2])
        assert.deepInclude(events, { _tag: "LeakReclaimed", at: 60_000, session: 1, heldMillis: 60_000 } as never)
        const reasons = events.flatMap((event) => event._tag === "SessionClosed" ? [event.reason] : [])
        assert.deepStrictEqual(reasons, ["reclaimed"])
      }))
      assert.isTrue(
        lines.some((line) => line.startsWith("The session of a leaked lease is taken away and closed; acquired at"))
      )
      assert.isFalse(lines.some((line) => line.includes("was returned")))
    }))

  it.effect("leaves a lease its session while a call runs, and looks again", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({
        max: 1,
        leakDetectionThreshold: "1 minute",
        leakReclaim: true,
        database: { latency: { execute: "90 seconds" } }
      })
      const connection = yield* pool.acquire()
      const statement = yield* beside(connection.execute("long"))
      yield* TestClock.adjust("90 seconds")
      assert.strictEqual(yield* Fiber.join(statement), "long")
      assert.isFalse(connection.isReleased)
      yield* TestClock.adjust("30 seconds")
      assert.isTrue(connection.isReleased)
      assert.deepInclude(yield* pool.statistics, { opened: 0, busy: 0 })
    }))
})

describe("leakReclaim that is switched on later", () => {
  it.effect("takes away what was reported before as well", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, leakDetectionThreshold: "1 minute" })
      const leaked = yield* pool.acquire()
      const waiting = yield* beside(served(pool))
      yield* TestClock.adjust("2 minutes")
      assert.isUndefined(waiting.pollUnsafe())
      yield* pool.reconfigure({ leakReclaim: true })
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* Fiber.join(waiting), 2)
      assert.isTrue(leaked.isReleased)
    }))
})

describe("maxUsesPerSession", () => {
  it.effect("closes a session once it has served so many leases, however it is acquired", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1, maxUsesPerSession: 3 })
      const events = yield* watch(pool)
      const used: Array<number> = []
      for (let i = 0; i < 7; i++) {
        used.push(yield* i % 2 === 0 ? served(pool) : Effect.scoped(Effect.map(pool.acquire(), ({ id }) => id)))
        yield* settled
      }
      assert.deepStrictEqual(used, [1, 1, 1, 2, 2, 2, 3])
      assert.deepStrictEqual(
        events.flatMap((event) => event._tag === "SessionClosed" ? [event.reason] : []),
        ["used", "used"]
      )
      yield* pool.reconfigure({ maxUsesPerSession: 0 })
      for (let i = 0; i < 7; i++) assert.strictEqual(yield* served(pool), 3)
      yield* pool.reconfigure({ maxUsesPerSession: 1 })
      yield* settled
      assert.strictEqual(yield* served(pool), 4)
      yield* settled
      assert.lengthOf(yield* database.sessions, 0)
    }))
})
