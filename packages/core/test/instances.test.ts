/** Sessions on several instances of a database: how they are counted, leave a drained one, and move for the sake of balance. */
import { assert, describe, it } from "@effect/vitest"
import { PoolMetrics } from "@sessionpool/core"
import type { TestDatabase } from "@sessionpool/testing"
import { Effect, Fiber, Metric } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, type Options, type Pool, served, settled, warm, watch } from "./openPool.ts"

const two = (options: Options = {}) =>
  openPool({ timeout: 0, ...options, database: { instances: ["ONE", "TWO"], ...options.database } })

/** Open sessions by instance. */
const open = (pool: Pool) =>
  Effect.map(
    pool.statistics,
    ({ instances }) => Object.fromEntries(instances.map(({ instance, opened }) => [instance, opened]))
  )

const atDatabase = (database: TestDatabase.TestDatabase) =>
  Effect.map(database.sessions, (sessions) => sessions.map(({ instance, number }) => `${instance} ${number}`))

describe("instances", () => {
  it.effect("are known of every session, and counted", () =>
    Effect.gen(function*() {
      const { pool } = yield* two({ max: 4, name: "counted" })
      const events = yield* watch(pool)
      const held = yield* pool.acquire()
      yield* warm(pool, "", "")
      assert.deepStrictEqual(
        (yield* pool.sessions).map(({ instance, place }) => [instance, place]),
        [["ONE", "busy"], ["TWO", "idle"], ["ONE", "idle"]]
      )
      const counts = { closing: 0, isDrained: false }
      assert.deepStrictEqual((yield* pool.statistics).instances, [
        { ...counts, instance: "ONE", opened: 2, idle: 1, busy: 1, totals: { opened: 2 } },
        { ...counts, instance: "TWO", opened: 1, idle: 1, busy: 0, totals: { opened: 1 } }
      ])
      assert.deepStrictEqual(
        events.flatMap((event) => event._tag === "SessionOpened" ? [event.instance] : []),
        ["ONE", "TWO", "ONE"]
      )
      const series = (yield* Metric.snapshot).flatMap((metric) =>
        metric.attributes?.[PoolMetrics.poolName] === "counted" && metric.attributes[PoolMetrics.instance] !== undefined
          ? [[
            metric.id,
            metric.attributes[PoolMetrics.instance],
            metric.attributes[PoolMetrics.state],
            metric.type === "Gauge" ? metric.state.value : metric.type === "Counter" ? metric.state.count : undefined
          ]]
          : []
      )
      assert.sameDeepMembers(series, [
        [PoolMetrics.instanceCount, "ONE", "idle", 1],
        [PoolMetrics.instanceCount, "ONE", "used", 1],
        [PoolMetrics.instanceCount, "TWO", "idle", 1],
        [PoolMetrics.instanceCount, "TWO", "used", 0]
      ])
      yield* pool.release(held)
    }))

  it.effect("are not there where the driver does not tell, or dies of it", () =>
    Effect.gen(function*() {
      for (
        const describe of [undefined, () => ({}), () => ({ instance: "" }), () => {
          throw new Error("no idea")
        }]
      ) {
        const { pool } = yield* openPool({ wrap: (driver) => ({ ...driver, describe }) as typeof driver })
        yield* served(pool)
        assert.deepStrictEqual((yield* pool.statistics).instances, [])
        assert.deepStrictEqual((yield* pool.sessions).map(({ instance }) => instance), [undefined])
        yield* pool.drain("ONE")
        assert.strictEqual(yield* served(pool), 1)
      }
    }))
})

describe("drain", () => {
  it.effect("closes idle sessions of the instance now, busy ones as they come back, and ends no lease", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* two({ max: 4 })
      const events = yield* watch(pool)
      const [one, two_, oneToo] = [yield* pool.acquire(), yield* pool.acquire(), yield* pool.acquire()]
      yield* pool.release(oneToo)
      yield* database.placeOn("TWO")
      yield* pool.drain("one")
      yield* settled
      assert.deepStrictEqual(yield* atDatabase(database), ["ONE 1", "TWO 2"])
      assert.strictEqual(yield* one.execute("goes on"), "goes on")
      assert.deepInclude((yield* pool.statistics).instances[0], { instance: "ONE", isDrained: true, busy: 1 })
      yield* pool.release(one)
      yield* settled
      assert.deepStrictEqual(yield* atDatabase(database), ["TWO 2"])
      yield* pool.release(two_)
      assert.strictEqual(yield* served(pool), 2)
      assert.deepStrictEqual(
        events.flatMap((event) =>
          event._tag === "SessionClosed"
            ? [[event.session, event.reason]]
            : []
        ),
        [[3, "drained"], [1, "drained"]]
      )
    }))

  it.effect("opens min again, elsewhere, and serves requests that wait", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* two({ min: 2, max: 2 })
      const held = [yield* pool.acquire(), yield* pool.acquire()]
      const waiting = yield* beside(served(pool))
      yield* database.stopInstance("ONE", "unlisted")
      yield* pool.drain("ONE")
      yield* Effect.forEach(held, (connection) =>
        connection.session.instance === "ONE" ? pool.release(connection) : Effect.void)
      assert.strictEqual(yield* Fiber.join(waiting), 3)
      yield* Effect.forEach(held, (connection) =>
        connection.isReleased ? Effect.void : pool.release(connection))
      assert.deepStrictEqual(yield* open(pool), { ONE: 0, TWO: 2 })
      assert.strictEqual(yield* database.mostOpen, 2)
    }))

  it.effect("has no request fail, whatever its get mode, and reaches a session that is being pinged or opened", () =>
    Effect.gen(function*() {
      for (const getMode of ["wait", "noWait", "forceGet", "timedWait"] as const) {
        const { database, pool } = yield* two({
          max: 2,
          getMode,
          pingInterval: 1000,
          database: { latency: { ping: 100 } }
        })
        yield* database.placeOn("ONE")
        yield* warm(pool, "")
        yield* database.behave("open", { latency: 200 })
        yield* TestClock.adjust("2 seconds")
        const pinged = yield* beside(served(pool))
        const opened = yield* beside(served(pool))
        yield* database.placeOn("TWO")
        yield* pool.drain("ONE")
        yield* TestClock.adjust("5 seconds")
        assert.isAbove(yield* Fiber.join(pinged), 1, getMode)
        assert.isAbove(yield* Fiber.join(opened), 1, getMode)
        assert.propertyVal(yield* open(pool), "ONE", 0)
      }
    }))

  it.effect("lends sessions that land there all the same, and tries one in ten seconds elsewhere", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* two({ min: 2, max: 2 })
      yield* database.placeOn("ONE")
      yield* pool.drain("ONE")
      yield* settled
      const before = yield* database.count("closed")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* database.count("closed")) - before, 6)
      assert.strictEqual((yield* pool.statistics).opened, 2)
      const [a, b] = [yield* pool.acquire(), yield* pool.acquire()]
      assert.include([a.session.instance, b.session.instance], "ONE")
      yield* database.placeOn("TWO")
      yield* TestClock.adjust("1 minute")
      // Both are in use: none was taken away.
      assert.isFalse(a.isReleased || b.isReleased)
      yield* pool.release(a)
      yield* pool.release(b)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* open(pool), { ONE: 0, TWO: 2 })
    }))

  it.effect("ends when it is undone: what has not left stays", () =>
    Effect.gen(function*() {
      const { pool } = yield* two({ max: 2 })
      const held = yield* pool.acquire()
      yield* pool.drain("ONE")
      yield* pool.undrain("ONE")
      yield* pool.undrain("ONE")
      yield* pool.undrain("never heard of")
      yield* pool.release(held)
      assert.strictEqual(yield* served(pool), held.id)
      assert.deepInclude((yield* pool.statistics).instances[0], { instance: "ONE", isDrained: false, opened: 1 })
    }))

  it.effect("can begin before a session has ever landed there, and says how the database spells it", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* two({ max: 1 })
      yield* pool.drain("one")
      assert.deepInclude((yield* pool.statistics).instances[0], { instance: "one", isDrained: true, opened: 0 })
      yield* database.placeOn("ONE")
      assert.strictEqual(yield* served(pool), 1)
      assert.deepInclude((yield* pool.statistics).instances[0], { instance: "ONE", isDrained: true, opened: 1 })
      yield* pool.undrain("One")
      yield* pool.drain("typo")
      yield* pool.undrain("typo")
      // What was only a name is not shown.
      assert.deepStrictEqual((yield* pool.statistics).instances.map(({ instance }) => instance), ["ONE"])
    }))

  it.effect("refuses what is no name, and a pool that is closed", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ name: "hr" })
      assert.strictEqual(
        (yield* Effect.flip(pool.drain(""))).message,
        `Session pool "hr" cannot use these options: instance must be a name, not "".`
      )
      assert.include((yield* Effect.flip(pool.undrain(7 as never))).message, "instance must be a name, not 7")
      yield* pool.close()
      assert.strictEqual((yield* Effect.flip(pool.drain("ONE")))._tag, "PoolClosedError")
      assert.strictEqual((yield* Effect.flip(pool.undrain("ONE")))._tag, "PoolClosedError")
    }))
})

describe("rebalancing", () => {
  /** Six sessions, all on TWO, as after a time in which ONE was down. */
  const lopsided = (options: Options = {}) =>
    Effect.gen(function*() {
      const { database, pool } = yield* two({ min: 6, max: 6, ...options })
      yield* database.stopInstance("ONE", "unlisted")
      yield* pool.refresh
      yield* settled
      assert.deepStrictEqual(yield* open(pool), { ONE: 0, TWO: 6 })
      return { database, pool }
    })

  it.effect("moves one idle session a minute once an instance is back, until counts differ by a third at most", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* lopsided()
      const events = yield* watch(pool)
      yield* database.startInstance("ONE")
      const counts: Array<number> = []
      for (let minute = 0; minute < 6; minute++) {
        yield* TestClock.adjust("1 minute")
        yield* settled
        counts.push((yield* open(pool))["ONE"]!)
      }
      assert.deepStrictEqual(counts, [1, 2, 3, 3, 3, 3])
      assert.strictEqual(yield* database.mostOpen, 6)
      assert.deepStrictEqual(
        events.flatMap((event) => event._tag === "SessionClosed" ? [event.reason] : []),
        ["rebalanced", "rebalanced", "rebalanced"]
      )
    }))

  it.effect("takes a session in use when it comes back, where none is idle", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* lopsided()
      yield* database.startInstance("ONE")
      const held = yield* Effect.forEach([1, 2, 3, 4, 5, 6], () => pool.acquire())
      const waiting = yield* beside(served(pool))
      yield* TestClock.adjust("10 minutes")
      assert.isFalse(held.some(({ isReleased }) => isReleased))
      for (const connection of held) yield* pool.release(connection)
      yield* settled
      yield* Fiber.join(waiting)
      // Only one was to go: however long they were held, no more than one is replaced at a time.
      assert.deepStrictEqual(yield* open(pool), { ONE: 1, TWO: 5 })
    }))

  it.effect("leaves alone what is even enough, drained, of one session, suspended, or cannot be replaced", () =>
    Effect.gen(function*() {
      const untouched = (what: string, given: { readonly pool: Pool; readonly database: TestDatabase.TestDatabase }) =>
        Effect.gen(function*() {
          const closed = yield* given.database.count("closed")
          yield* TestClock.adjust("10 minutes")
          assert.strictEqual(yield* given.database.count("closed"), closed, what)
        })
      const even = yield* two({ min: 5, max: 5 })
      yield* untouched("three and two", even)
      const single = yield* two({ max: 2 })
      yield* warm(single.pool, "", "")
      yield* single.database.kill(1)
      yield* single.pool.drain("ONE")
      yield* single.pool.undrain("ONE")
      yield* untouched("one and none", single)
      const drained = yield* lopsided()
      yield* drained.pool.drain("ONE")
      yield* untouched("one is drained", drained)
      const suspended = yield* lopsided()
      yield* suspended.database.startInstance("ONE")
      yield* suspended.pool.suspend
      yield* untouched("suspended", suspended)
      const off = yield* lopsided({ rebalanceInterval: 0 })
      yield* off.database.startInstance("ONE")
      yield* untouched("switched off", off)
      yield* off.pool.reconfigure({ rebalanceInterval: "10 seconds" })
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(yield* open(off.pool), { ONE: 3, TWO: 3 })
      const refusing = yield* lopsided({ max: 7 })
      yield* refusing.database.startInstance("ONE")
      yield* refusing.database.refuseToOpen()
      yield* Effect.forEach([1, 2, 3, 4, 5, 6], () => refusing.pool.acquire())
      yield* beside(Effect.ignore(refusing.pool.acquire()))
      yield* untouched("opening fails", refusing)
    }))
})

describe("an announced shutdown", () => {
  it.effect("takes all idle sessions of the instance that have heard of it, and closes them normally", () =>
    Effect.gen(function*() {
      const forced: Array<boolean> = []
      const { database, pool } = yield* two({
        max: 4,
        wrap: (driver) => ({
          ...driver,
          close: (session, options) => {
            forced.push(options.force)
            return driver.close(session, options)
          }
        })
      })
      const events = yield* watch(pool)
      const held = yield* pool.acquire()
      yield* warm(pool, "", "", "")
      assert.deepStrictEqual(yield* open(pool), { ONE: 2, TWO: 2 })
      yield* database.stopInstance("ONE", "announced")
      yield* pool.release(held)
      yield* settled
      assert.deepStrictEqual(yield* open(pool), { ONE: 0, TWO: 2 })
      assert.deepStrictEqual(forced, [false, false])
      assert.deepStrictEqual(
        events.flatMap((event) =>
          event._tag === "SessionClosed"
            ? [event.reason]
            : []
        ).toSorted(),
        ["drained", "drained"]
      )
      yield* warm(pool, "", "", "")
      assert.deepStrictEqual(yield* open(pool), { ONE: 0, TWO: 3 })
    }))
})
