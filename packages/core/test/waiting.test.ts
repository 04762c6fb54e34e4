import { assert, describe, it } from "@effect/vitest"
import { SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, served, settled, warm } from "./openPool.ts"

describe("waiting", () => {
  it.effect("equal requests are served in the order of their arrival", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 3 })
      const order: Array<number> = []
      const held = yield* Effect.forEach([1, 2, 3], () => pool.acquire())
      for (let n = 0; n < 20; n++) {
        yield* beside(pool.use(() => Effect.andThen(Effect.sync(() => order.push(n)), Effect.sleep(10))))
      }
      yield* Effect.forEach(held, (connection) => pool.release(connection), { concurrency: "unbounded" })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(order, Array.from({ length: 20 }, (_, n) => n))
    }))

  it.effect("queueMax bounds them: 500 unless told", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, name: "hr" })
      yield* pool.acquire()
      yield* Effect.forEach(Array.from({ length: 500 }), () => Effect.forkScoped(pool.acquire()))
      yield* settled
      assert.strictEqual((yield* pool.statistics).pending, 500)
      const error = yield* Effect.flip(pool.acquire())
      assert.strictEqual(error._tag, "QueueFullError")
      assert.include(
        error.message,
        `Session pool "hr" refused a request: 500 requests are waiting already, as many as queueMax allows`
      )
      assert.strictEqual((yield* pool.statistics).pending, 500)
    }))

  it.effect("queueMax 0 leaves no queue, but lets a request wait for what is opened for it", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, queueMax: 0, database: { latency: { open: "1 second" } } })
      const first = yield* beside(pool.acquire())
      assert.strictEqual((yield* Effect.flip(pool.acquire()))._tag, "QueueFullError")
      yield* TestClock.adjust("1 second")
      const connection = yield* Fiber.join(first)
      assert.strictEqual((yield* Effect.flip(pool.acquire()))._tag, "QueueFullError")
      yield* pool.release(connection)
      assert.strictEqual(yield* served(pool), connection.id)
    }))

  it.effect("queueMax -1 is without bound, and can be changed", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, queueMax: -1 })
      yield* pool.acquire()
      yield* Effect.forEach(Array.from({ length: 1200 }), () => Effect.forkScoped(pool.acquire()))
      yield* settled
      assert.strictEqual((yield* pool.statistics).pending, 1200)
      yield* pool.reconfigure({ queueMax: 3 })
      assert.strictEqual((yield* Effect.flip(pool.acquire()))._tag, "QueueFullError")
    }))

  it.effect("a request that is interrupted leaves the queue, and the next moves up", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, queueMax: 2 })
      const held = yield* pool.acquire()
      const first = yield* beside(served(pool))
      const second = yield* beside(served(pool))
      yield* Fiber.interrupt(first)
      assert.strictEqual((yield* pool.statistics).pending, 1)
      const third = yield* beside(served(pool))
      yield* pool.release(held)
      assert.strictEqual(yield* Fiber.join(second), held.id)
      assert.strictEqual(yield* Fiber.join(third), held.id)
    }))

  it.effect("a request that is interrupted in the moment it is served passes its session on", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 2 })
      const held = yield* pool.acquire()
      const other = yield* pool.acquire()
      // While it is woken, what it gives back is the next one's, which is woken after it.
      const waker = yield* beside(
        pool.use(() => Effect.andThen(pool.release(other), Effect.sync(() => first.interruptUnsafe())))
      )
      const first = yield* beside(served(pool))
      const second = yield* beside(served(pool))
      yield* pool.release(held)
      yield* Fiber.join(waker)
      assert.strictEqual(yield* Fiber.join(second), other.id)
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(first)))
      assert.deepInclude(yield* pool.statistics, { opened: 2, idle: 2, busy: 0 })
    }))

  it.effect("a timeout carries the snapshot, the leases held longest first, and what was asked for", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 7, name: "hr" })
      for (let i = 0; i < 7; i++) {
        yield* pool.acquire()
        yield* TestClock.adjust("1 second")
      }
      const fiber = yield* beside(
        Effect.flip(pool.acquire({ tag: "A=1", purity: "new", cclass: "BATCH", waitTimeout: "2500 millis" }))
      )
      yield* TestClock.adjust("2500 millis")
      const error = yield* Fiber.join(fiber)
      assert.strictEqual(error._tag, "AcquireTimeoutError")
      if (error._tag !== "AcquireTimeoutError") return
      assert.deepInclude(error.snapshot, { opened: 7, busy: 7, opening: 0, pending: 1, max: 7 })
      assert.deepStrictEqual(error.snapshot.leases.map(({ heldMillis, session }) => [session, heldMillis]), [
        [1, 9500],
        [2, 8500],
        [3, 7500],
        [4, 6500],
        [5, 5500]
      ])
      assert.isFalse(error.snapshot.leases.some((lease) => "takenAt" in lease))
      assert.include(
        error.message,
        `could not provide a session for the pool's user, connection class BATCH with purity "new" with tag "A=1" within 2.5s`
      )
      assert.include(
        error.message,
        "All sessions are busy: raise max or waitTimeout, or hold sessions for a shorter time."
      )
      assert.notInclude(error.message, "nested")
    }))

  it.effect("requests with the same waitTimeout give up each at its own time", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      yield* pool.acquire()
      const first = yield* beside(Effect.exit(pool.acquire({ waitTimeout: "1 second" })))
      yield* TestClock.adjust("600 millis")
      const second = yield* beside(Effect.exit(pool.acquire({ waitTimeout: "1 second" })))
      yield* TestClock.adjust("400 millis")
      assert.isDefined(first.pollUnsafe())
      assert.isUndefined(second.pollUnsafe())
      yield* TestClock.adjust("600 millis")
      assert.isDefined(second.pollUnsafe())
    }))

  it.effect("a session that was lent anew is held from then on", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 2 })
      const first = yield* pool.acquire()
      yield* pool.acquire()
      yield* TestClock.adjust("1 second")
      yield* pool.release(first)
      yield* pool.acquire()
      const fiber = yield* beside(Effect.flip(pool.acquire({ waitTimeout: "1 second" })))
      yield* TestClock.adjust("1 second")
      const error = yield* Fiber.join(fiber)
      if (error._tag !== "AcquireTimeoutError") return assert.fail(error.message)
      assert.deepStrictEqual(error.snapshot.leases.map(({ heldMillis, session }) => [session, heldMillis]), [
        [2, 2000],
        [1, 1000]
      ])
    }))

  it.effect("room goes to the oldest request, whatever identities wait", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      const held = yield* pool.acquire()
      const ask = (cclass: string) => beside(pool.acquire({ cclass }))
      const gone = yield* ask("A")
      const oldest = yield* ask("B")
      const younger = yield* ask("A")
      yield* Fiber.interrupt(gone)
      yield* pool.drop(held)
      yield* settled
      assert.deepStrictEqual([oldest, younger].map((fiber) => fiber.pollUnsafe() !== undefined), [true, false])
    }))

  it.effect("a timeout carries the last opening failure, as long as no session was opened since", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 2, getMode: "timedWait", waitTimeout: "1 second" })
      yield* pool.acquire()
      yield* database.refuseToOpen()
      const fiber = yield* beside(Effect.flip(pool.acquire()))
      yield* TestClock.adjust("1 second")
      const error = yield* Fiber.join(fiber)
      assert.strictEqual(error._tag, "AcquireTimeoutError")
      assert.include(error.message, `The last attempt to open a session failed: the database was told to fail "open".`)
      yield* database.heal
      yield* TestClock.adjust("10 seconds")
      yield* pool.acquire()
      const later = yield* beside(Effect.flip(pool.acquire()))
      yield* TestClock.adjust("1 second")
      assert.notInclude((yield* Fiber.join(later)).message, "The last attempt to open")
    }))

  it.effect("names a nested acquire, and only that", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      const nested = yield* beside(Effect.flip(pool.use(() => pool.use({ waitTimeout: 100 }, () => Effect.void))))
      yield* TestClock.adjust(100)
      const error = yield* Fiber.join(nested)
      assert.deepInclude(error, { nestedSession: 1 })
      assert.include(error.message, "The waiting fiber itself holds session 1 of this pool")
      yield* pool.acquire()
      const other = yield* beside(Effect.flip(pool.acquire({ waitTimeout: 100 })))
      yield* TestClock.adjust(100)
      assert.notProperty(yield* Fiber.join(other), "nestedSession")
    }))

  // Under Effect's own scheduler, where who waits is woken in the same turn.
  it("a long queue leaves the event loop its turns", () =>
    Effect.runPromise(Effect.scoped(Effect.gen(function*() {
      const database = yield* TestDatabase.make()
      const pool = yield* SessionPool.make({ driver: database.driver, user: "scott", max: 1, queueMax: -1 })
      const held = yield* pool.acquire()
      let done = 0
      const count = 2000
      const fibers = yield* Effect.replicateEffect(
        Effect.forkChild(pool.use(() => Effect.sync(() => done++)), { startImmediately: true }),
        count
      )
      assert.strictEqual((yield* pool.statistics).pending, count)
      yield* pool.release(held)
      const afterATurn = yield* Effect.promise(() =>
        new Promise<number>((resolve) => {
          setImmediate(() => resolve(done))
        })
      )
      assert.isAbove(afterATurn, 1)
      assert.isBelow(afterATurn, count)
      yield* Fiber.joinAll(fibers)
      assert.strictEqual(done, count)
    }))))

  it.effect("no request waits while an idle session fits it", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 2 })
      yield* warm(pool, "", "A=1")
      yield* pool.acquire()
      // The idle one is tagged: who waits for another tag has it replaced, who wants its tag is served at once.
      const waiting = yield* beside(pool.acquire({ purity: "new" }))
      assert.isDefined(waiting.pollUnsafe())
      assert.strictEqual((yield* pool.statistics).pending, 0)
    }))
})
