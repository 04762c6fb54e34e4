import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, type Duration, Effect, Exit, Fiber, Metric, Scope } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, served, settled, warm, watch } from "./openPool.ts"

describe("plain close", () => {
  it.effect("closes every session, and everything that is asked of the pool then is told so", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ min: 2, max: 4, name: "hr" })
      yield* warm(pool, "", "A=1", "")
      yield* pool.close()
      assert.lengthOf(yield* database.sessions, 0)
      assert.deepInclude(yield* pool.statistics, { opened: 0, closing: 0, opening: 0, pending: 0 })
      for (const refused of [pool.acquire(), pool.use(() => Effect.void), pool.acquire({ tag: "A=1" })]) {
        const error = yield* Effect.flip(refused)
        assert.strictEqual(error._tag, "PoolClosedError")
        assert.include(error.message, `Session pool "hr" is closed.`)
      }
      yield* TestClock.adjust("1 day")
      assert.strictEqual(yield* database.count("opened"), 3)
    }))

  it.effect("is refused while sessions are busy, and leaves the pool unharmed", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 2, name: "hr" })
      const [first] = yield* warm(pool, "", "")
      const connection = yield* pool.acquire()
      const error = yield* Effect.flip(pool.close())
      assert.strictEqual(error._tag, "PoolBusyError")
      assert.include(error.message, `Session pool "hr" cannot be closed: 1 of its sessions are busy.`)
      assert.strictEqual(yield* served(pool), first)
      assert.strictEqual(yield* connection.execute("still"), "still")
      assert.strictEqual(yield* database.count("closed"), 0)
      yield* pool.release(connection)
      yield* pool.close()
    }))

  it.effect("twice, and by many at once, is once", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 2, database: { latency: { close: "1 second" } } })
      const events = yield* watch(pool)
      yield* warm(pool, "", "")
      const closings = yield* Effect.forEach(
        [{}, {}, { drainTimeout: "1 minute" }, { force: true }, {}] as const,
        (how) => beside(pool.close(how))
      )
      assert.isUndefined(closings[0]!.pollUnsafe())
      yield* TestClock.adjust("1 second")
      yield* Fiber.joinAll(closings)
      yield* pool.close()
      yield* pool.close({ force: true })
      assert.strictEqual(yield* database.count("closed"), 2)
      assert.lengthOf(events.filter((event) => event._tag === "PoolClosing"), 1)
      assert.lengthOf(events.filter((event) => event._tag === "PoolClosed"), 1)
    }))

  it.effect("by force, takes a session away also from who has been served and has not seen it", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 2 })
      const held = yield* pool.acquire()
      const other = yield* pool.acquire()
      // While it is woken, what it gives back is the next one's, which is woken after it.
      const waker = yield* beside(
        pool.use(() => Effect.andThen(pool.release(other), pool.close({ force: true })))
      )
      const waiting = yield* beside(Effect.flip(pool.use(() => Effect.succeed("lent"))))
      yield* pool.release(held)
      yield* Fiber.join(waker)
      yield* settled
      assert.deepInclude(waiting.pollUnsafe(), { _tag: "Success" })
      assert.propertyVal(yield* Fiber.join(waiting), "_tag", "PoolClosedError")
    }))

  it.effect("goes on when who asked for it gives up", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ min: 2, max: 2, database: { latency: { close: "1 second" } } })
      const closing = yield* beside(pool.close())
      yield* Fiber.interrupt(closing)
      yield* TestClock.adjust("1 second")
      assert.lengthOf(yield* database.sessions, 0)
    }))

  it.effect("gives up openings that are under way, and tells who waits for them", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 2 })
      yield* database.behave("open", { outcome: "hang" })
      const waiting = yield* beside(Effect.flip(pool.acquire()))
      yield* pool.close()
      assert.strictEqual((yield* Fiber.join(waiting))._tag, "PoolClosedError")
      assert.strictEqual(yield* database.count("openAbandoned"), 1)
    }))

  it.effect("a session whose close fails or hangs is closed by force", () =>
    Effect.gen(function*() {
      for (const outcome of ["fail", "hang"] as const) {
        const { database, pool } = yield* openPool({ min: 1, max: 1, closeTimeout: "2 seconds" })
        yield* database.behave("close", { outcome })
        const closing = yield* beside(pool.close())
        yield* TestClock.adjust("2 seconds")
        yield* Fiber.join(closing)
        assert.lengthOf(yield* database.sessions, 0)
      }
    }))
})

describe("close with drainTimeout", () => {
  it.effect("takes no more requests, and is done as soon as the busy sessions are back", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 2 })
      const connection = yield* pool.acquire()
      const other = yield* pool.acquire()
      const waiting = yield* beside(Effect.flip(pool.acquire()))
      const closing = yield* beside(pool.close({ drainTimeout: "1 minute" }))
      assert.strictEqual((yield* Effect.flip(pool.acquire()))._tag, "PoolClosedError")
      assert.strictEqual((yield* Fiber.join(waiting))._tag, "PoolClosedError")
      yield* TestClock.adjust("10 seconds")
      assert.isUndefined(closing.pollUnsafe())
      assert.strictEqual(yield* connection.execute("still"), "still")
      yield* pool.release(connection)
      yield* settled
      assert.isUndefined(closing.pollUnsafe())
      yield* pool.drop(other)
      yield* Fiber.join(closing)
      assert.lengthOf(yield* database.sessions, 0)
    }))

  it.effect("then takes away what has not come back", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 2 })
      const connection = yield* pool.acquire()
      const closing = yield* beside(pool.close({ drainTimeout: "1 minute" }))
      yield* TestClock.adjust("59999 millis")
      assert.isUndefined(closing.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(closing)
      assert.isTrue(connection.isReleased)
      assert.strictEqual((yield* Effect.flip(connection.execute("x")))._tag, "ConnectionReleasedError")
      assert.lengthOf(yield* database.sessions, 0)
    }))

  it.effect("one that is none is refused, and the pool stays open", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      const error = yield* Effect.flip(pool.close({ drainTimeout: -1 }))
      assert.include(
        error.message,
        `drainTimeout must be a duration of 0 or more, such as "30 seconds", 30000 (milliseconds) or "infinity", not -1`
      )
      assert.strictEqual(yield* served(pool), 1)
    }))
})

describe("close with force", () => {
  it.effect("takes busy sessions away at once: their statements are broken, their connections are dead", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 2, database: { latency: { execute: "1 hour" } } })
      const idle = yield* pool.acquire()
      const running = yield* pool.acquire()
      yield* beside(Effect.exit(running.execute("slow")))
      yield* pool.close({ force: true })
      assert.lengthOf(yield* database.sessions, 0)
      assert.strictEqual((yield* Effect.flip(idle.execute("x")))._tag, "ConnectionReleasedError")
      assert.isTrue(running.isReleased)
      const what = (yield* database.ledger).filter(({ session }) => session === running.session.number)
      assert.include(what.map(({ event }) => event), "interrupted")
      assert.strictEqual((yield* Effect.flip(pool.release(idle)))._tag, "ConnectionReleasedError")
    }))

  it.effect("begins no ping and no reset on a session that it closes, and waits for none to time out", () =>
    Effect.gen(function*() {
      const late = <A, E>(effect: Effect.Effect<A, E>) => Effect.delay(effect, 10)
      const { database, pool } = yield* openPool({
        max: 2,
        pingInterval: "1 second",
        pingTimeout: "1 hour",
        database: { latency: { close: "1 second" } },
        // As fibers of a driver may: what it was asked for begins a little later.
        wrap: (driver) => ({
          ...driver,
          ping: (session) => late(driver.ping(session)),
          reset: (session, settings) => {
            const reset = driver.reset(session, settings)
            return reset === undefined ? undefined : late(reset)
          }
        })
      })
      yield* warm(pool, "")
      yield* database.behave("reset", { latency: "10 minutes" })
      yield* TestClock.adjust("1 hour")
      const pinged = yield* beside(Effect.exit(served(pool)))
      const connection = yield* beside(pool.use((connection) => connection.begin))
      const closing = yield* beside(pool.close({ force: true }))
      assert.isDefined(pinged.pollUnsafe())
      assert.isDefined(connection.pollUnsafe())
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(closing)
      assert.deepStrictEqual(yield* database.violations, [])
      assert.lengthOf(yield* database.sessions, 0)
    }))

  it.effect("overtakes a drain", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      yield* pool.acquire()
      const draining = yield* beside(pool.close({ drainTimeout: "1 day" }))
      yield* pool.close({ force: true })
      yield* Fiber.join(draining)
    }))

  it.effect("does not wait for a database that answers nothing any more", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 2, pingTimeout: "1 second", closeTimeout: "1 second" })
      const first = yield* pool.acquire()
      yield* first.begin
      yield* served(pool)
      yield* Effect.forEach(
        ["ping", "reset", "interrupt", "close"] as const,
        (operation) => database.behave(operation, { outcome: "hang" })
      )
      const closing = yield* beside(pool.close({ force: true }))
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(closing)
      assert.lengthOf(yield* database.sessions, 0)
    }))
})

describe("the end of the pool's scope", () => {
  it.effect("drains for drainTimeout, then closes everything", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const { database, pool } = yield* Scope.provide(openPool({ max: 2, drainTimeout: "10 seconds" }), scope)
      const quick = yield* pool.acquire()
      const slow = yield* pool.acquire()
      const closing = yield* beside(Scope.close(scope, Exit.void))
      assert.strictEqual((yield* Effect.flip(pool.acquire()))._tag, "PoolClosedError")
      yield* TestClock.adjust("5 seconds")
      yield* pool.release(quick)
      yield* settled
      assert.lengthOf(yield* database.sessions, 1)
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(closing)
      assert.isTrue(slow.isReleased)
      assert.lengthOf(yield* database.sessions, 0)
    }))

  it.effect("leaves no session, no fiber and no timer behind, whatever was going on", () =>
    Effect.gen(function*() {
      let fibers = 0
      const counting: Metric.FiberRuntimeMetricsService = {
        recordFiberStart: () => fibers++,
        recordFiberEnd: () => fibers--
      }
      const clock = yield* Clock.Clock
      let sleeping = 0
      const watched: Clock.Clock = Object.assign(Object.create(clock) as Clock.Clock, {
        sleep: (duration: Duration.Duration) =>
          Effect.suspend(() => {
            sleeping++
            return Effect.ensuring(clock.sleep(duration), Effect.sync(() => sleeping--))
          })
      })
      const gate = yield* Deferred.make<void>()
      const life = Effect.gen(function*() {
        const { database, pool } = yield* openPool({
          min: 3,
          max: 6,
          timeout: "10 minutes",
          maxLifetimeSession: "1 hour",
          keepAlive: "1 minute",
          leakDetectionThreshold: "20 minutes",
          drainTimeout: "1 second",
          pingTimeout: "1 second"
        })
        yield* pool.acquire({ cclass: "LEAKED" })
        yield* Effect.forkDetach(pool.use(() => Effect.never))
        yield* database.refuseToOpen()
        yield* Effect.forkDetach(Effect.exit(pool.acquire({ cclass: "B", waitTimeout: "5 minutes" })))
        yield* Effect.forkDetach(Effect.exit(pool.acquire({ purity: "new" })))
        yield* database.behave("ping", { outcome: "hang" })
        yield* TestClock.adjust("90 seconds")
        assert.isAbove(fibers, 3)
        assert.isAtLeast(sleeping, 3)
        yield* Deferred.await(gate)
        return database
      }).pipe(Effect.scoped)
      const living = yield* life.pipe(
        Effect.provideService(Clock.Clock, watched),
        Effect.provideService(Metric.FiberRuntimeMetrics, counting),
        beside
      )
      yield* TestClock.adjust("90 seconds")
      yield* Deferred.succeed(gate, undefined)
      yield* TestClock.adjust("2 seconds")
      const database = yield* Fiber.join(living)
      assert.lengthOf(yield* database.sessions, 0)
      assert.strictEqual(sleeping, 0, "timers")
      // The fiber of the borrower that never ends is its own.
      assert.strictEqual(fibers, 1, "fibers")
    }))
})
