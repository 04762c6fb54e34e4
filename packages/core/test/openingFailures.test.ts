import { assert, describe, it } from "@effect/vitest"
import { type Duration, Effect, Exit, Fiber, Random, Redacted, Schedule } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, served, settled, watch } from "./openPool.ts"

describe("who learns that a session could not be opened", () => {
  it.effect("all who wait, when no session could serve them any more", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 2, name: "hr" })
      yield* database.behave("open", { latency: "1 second", outcome: "fail" })
      const fibers = yield* Effect.forEach([1, 2, 3, 4], () => beside(Effect.flip(pool.acquire())))
      yield* TestClock.adjust("1 second")
      for (const error of yield* Fiber.joinAll(fibers)) {
        assert.strictEqual(error._tag, "OpenSessionError")
        if (error._tag !== "OpenSessionError") continue
        assert.isFalse(error.isAuthentication)
        assert.propertyVal(error.cause, "_tag", "TestDatabaseError")
        assert.include(
          error.message,
          `Session pool "hr" could not open a session for the pool's user: the database was told to fail "open".`
        )
        assert.include(error.message, "2 attempts in a row have failed; the pool keeps trying, with growing pauses.")
      }
      assert.strictEqual((yield* pool.statistics).pending, 0)
    }))

  it.effect("nobody, while another session is being opened or in use that could serve them", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 2 })
      const held = yield* pool.acquire()
      yield* database.refuseToOpen()
      const waiting = yield* beside(served(pool))
      yield* TestClock.adjust("1 minute")
      assert.isUndefined(waiting.pollUnsafe())
      yield* pool.release(held)
      assert.strictEqual(yield* Fiber.join(waiting), held.id)
    }))

  it.effect("nobody, while one of several openings has not failed", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 2 })
      yield* database.behave("open", { latency: "1 second", outcome: "fail", times: 1 })
      const fibers = yield* Effect.forEach([1, 2], () => beside(served(pool)))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Fiber.joinAll(fibers), [1, 1])
    }))

  it.effect("those of that identity only", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, homogeneous: false, database: { accounts: { a: "1", b: "2" } } })
      const as = (user: string, password: string) => ({ user, password: Redacted.make(password) })
      const held = yield* pool.acquire(as("a", "1"))
      const wrong = yield* beside(Effect.flip(pool.acquire(as("b", "wrong"))))
      const right = yield* beside(pool.acquire(as("b", "2")))
      yield* pool.release(held)
      assert.strictEqual((yield* Fiber.join(wrong))._tag, "OpenSessionError")
      assert.strictEqual((yield* Fiber.join(right)).session.user, "b")
    }))

  it.effect(`who wants purity "new", though sessions are in use that others can wait for`, () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 2 })
      const held = yield* pool.acquire()
      yield* database.refuseToOpen()
      const any = yield* beside(served(pool))
      const fresh = yield* beside(Effect.flip(pool.acquire({ purity: "new" })))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* Fiber.join(fresh))._tag, "OpenSessionError")
      assert.isUndefined(any.pollUnsafe())
      yield* pool.release(held)
      yield* Fiber.join(any)
    }))

  it.effect("waitForMin: the pool is not made", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(Effect.scoped(openPool({
        min: 2,
        user: "scott",
        password: Redacted.make("wrong"),
        waitForMin: true,
        database: { accounts: { scott: "tiger" } }
      })))
      assert.isTrue(Exit.isFailure(exit))
      const error = yield* Effect.flip(exit)
      assert.propertyVal(error, "_tag", "OpenSessionError")
    }))
})

describe("pauses after failures", () => {
  /** When a pool makes its attempts against a database that refuses them all, in whole milliseconds from the first. */
  const attempts = (options: Parameters<typeof openPool>[0], duration: Duration.Input) =>
    Effect.scoped(Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1, ...options })
      yield* database.refuseToOpen()
      yield* pool.reconfigure({ min: 1 })
      yield* TestClock.adjust(duration)
      const times = (yield* database.ledger).flatMap(({ at, event }) => event === "openRequested" ? [at] : [])
      return times.map((at) => Math.round(at - times[0]!))
    }))

  const pausesOf = (times: ReadonlyArray<number>) => times.slice(1).map((at, index) => at - times[index]!)

  it.effect("grow from 100 ms, doubling up to 1 second, jittered by 20 %", () =>
    Effect.gen(function*() {
      const pauses = pausesOf(yield* attempts({}, "2 minutes"))
      assert.isAbove(pauses.length, 15)
      for (const [index, pause] of pauses.entries()) {
        const middle = Math.min(100 * 2 ** index, 1000)
        assert.isAtLeast(pause, Math.floor(middle * 0.8))
        assert.isAtMost(pause, Math.ceil(middle * 1.2))
      }
      assert.isAbove(new Set(pauses.slice(-8)).size, 4, "the pauses at the cap differ")
    }).pipe(Random.withSeed("pauses")))

  it.effect("end with one attempt, however many wait; when that succeeds, the other sessions follow at once", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 4, openRetry: Schedule.spaced("1 second") })
      yield* database.behave("open", { outcome: "fail", latency: "100 millis" })
      const failing = yield* beside(Effect.exit(pool.acquire()))
      yield* TestClock.adjust("100 millis")
      yield* Fiber.join(failing)
      const waiting = yield* Effect.forEach([1, 2, 3, 4], () => beside(Effect.exit(pool.acquire())))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* database.count("openRequested"), 2, "one attempt after the pause")
      assert.strictEqual((yield* pool.statistics).opening, 1)
      yield* TestClock.adjust("100 millis")
      assert.isTrue((yield* Fiber.joinAll(waiting)).every(Exit.isFailure), "its failure reaches all of them")
      yield* database.heal
      const served = yield* Effect.forEach([1, 2, 3, 4], () => beside(Effect.exit(pool.acquire())))
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* pool.statistics).opening, 1)
      yield* TestClock.adjust("100 millis")
      assert.deepInclude(yield* pool.statistics, { opened: 1, opening: 3 })
      yield* TestClock.adjust("100 millis")
      assert.isTrue((yield* Fiber.joinAll(served)).every(Exit.isSuccess))
    }))

  it.effect("differ from pool to pool, so that a fleet does not come back at once", () =>
    Effect.gen(function*() {
      const run = (seed: string) => Random.withSeed(attempts({}, "20 seconds"), seed)
      const first = yield* run("one")
      assert.notDeepEqual(yield* run("two"), first)
      assert.deepStrictEqual(yield* run("one"), first)
    }))

  it.effect("can be any schedule; when it ends, it begins anew after 5 seconds", () =>
    Effect.gen(function*() {
      const openRetry = Schedule.recurs(2).pipe(Schedule.addDelay(() => Effect.succeed("1 second")))
      const pauses = pausesOf(yield* attempts({ openRetry }, "20 seconds"))
      assert.deepStrictEqual(pauses.slice(0, 6), [1000, 1000, 5000, 1000, 1000, 5000])
    }))

  it.effect("are shared by all requests: nobody makes an attempt of its own meanwhile", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 4, openRetry: Schedule.spaced("10 seconds") })
      yield* database.refuseToOpen()
      yield* Effect.flip(pool.acquire())
      const fibers = yield* Effect.forEach([1, 2, 3], () => beside(Effect.exit(pool.acquire())))
      yield* TestClock.adjust("9 seconds")
      assert.strictEqual(yield* database.count("openRequested"), 1)
      assert.strictEqual((yield* pool.statistics).pending, 3)
      yield* database.heal
      yield* TestClock.adjust("1 second")
      assert.isTrue((yield* Fiber.joinAll(fibers)).every(Exit.isSuccess))
    }))

  it.effect("that reconfigure has cut short do not cut the next one short", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({
        max: 1,
        password: Redacted.make("tiger"),
        openRetry: Schedule.spaced("10 seconds")
      })
      yield* database.refuseToOpen()
      yield* Effect.exit(pool.acquire())
      yield* TestClock.adjust("8 seconds")
      yield* pool.reconfigure({ min: 1, password: Redacted.make("lion") })
      yield* settled
      assert.strictEqual(yield* database.count("openRequested"), 2)
      yield* TestClock.adjust("9 seconds")
      assert.strictEqual(yield* database.count("openRequested"), 2)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* database.count("openRequested"), 3)
    }))

  it.effect("begin anew after a success", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({
        max: 1,
        openRetry: Schedule.exponential("1 second")
      })
      const failOnce = Effect.gen(function*() {
        yield* database.refuseToOpen(1)
        const began = (yield* database.ledger).length
        assert.strictEqual((yield* Effect.flip(pool.acquire()))._tag, "OpenSessionError")
        const next = yield* beside(pool.acquire())
        yield* TestClock.adjust("999 millis")
        assert.isUndefined(next.pollUnsafe())
        yield* TestClock.adjust("1 millis")
        yield* pool.drop(yield* Fiber.join(next))
        return began
      })
      yield* failOnce
      yield* failOnce
    }))

  it.effect("recovery needs no traffic: min is refilled", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ min: 3, max: 4, keepAlive: "10 seconds" })
      const events = yield* watch(pool)
      yield* database.refuseToOpen()
      yield* database.killAll
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* pool.statistics).opened, 0)
      yield* database.heal
      yield* TestClock.adjust("6 seconds")
      assert.deepInclude(yield* pool.statistics, { opened: 3, idle: 3, pending: 0 })
      const failed = events.filter((event) => event._tag === "SessionOpenFailed")
      assert.deepStrictEqual(
        failed.map(({ attempts }) => attempts),
        Array.from({ length: failed.length }, (_, index) => index + 1)
      )
    }))

  it.effect("an attempt that only the last pause lets through serves who came meanwhile", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 2 })
      yield* database.refuseToOpen(2)
      yield* Effect.flip(pool.acquire())
      const waiting = yield* beside(Effect.exit(pool.acquire()))
      yield* TestClock.adjust("1 second")
      assert.isDefined(waiting.pollUnsafe())
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* served(pool), 1)
    }))

  it.effect("stop after refused credentials, in the background too", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({
        min: 2,
        max: 2,
        password: Redacted.make("lion"),
        database: { accounts: { scott: "tiger" }, latency: { open: 10 } }
      })
      yield* TestClock.adjust("1 day")
      // Two were to be opened; the second waited for what would come of the first.
      assert.deepStrictEqual([...yield* database.refusedLogins], [["scott", 1]])
      const error = yield* Effect.flip(pool.acquire())
      assert.include(error.message, "The database refused the credentials; the pool will not retry until they change")
      assert.deepStrictEqual([...yield* database.refusedLogins], [["scott", 1]])
    }))
})
