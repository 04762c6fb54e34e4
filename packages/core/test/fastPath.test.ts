/**
 * The session that came back last is lent again without a look at what cannot have changed. These pools have no listeners,
 * which would make each lease look at everything.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, served, settled, watch } from "./openPool.ts"

const two = { min: 0, max: 2, timeout: 0 } as const

describe("the session that came back last", () => {
  it.effect("is the next to be lent, and what was lent before it comes after", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool(two)
      yield* Effect.scoped(Effect.andThen(pool.acquire(), pool.acquire()))
      const last = yield* served(pool)
      assert.strictEqual(yield* served(pool), last)
      const ids = yield* Effect.scoped(Effect.all([pool.acquire(), pool.acquire()]))
      assert.deepStrictEqual(ids.map(({ id }) => id), [last, 3 - last])
      assert.deepInclude((yield* pool.statistics).totals, { lent: 6, hits: 4 })
    }))

  it.effect("is pinged after a fatal error on another, however short ago it was proven", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool(two)
      yield* Effect.scoped(Effect.gen(function*() {
        const other = yield* pool.acquire()
        const id = yield* served(pool)
        yield* database.reportFatal(other.id, "lost")
        assert.strictEqual(yield* served(pool), id)
        assert.strictEqual(yield* database.count("pinged"), 1)
      }))
    }))

  it.effect("is pinged when it was idle for longer than pingInterval, and replaced when it has expired", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ ...two, maxLifetimeSession: "10 minutes", lifetimeJitter: 0 })
      yield* served(pool)
      yield* TestClock.adjust(60_001)
      assert.strictEqual(yield* served(pool), 1)
      assert.strictEqual(yield* database.count("pinged"), 1)
      yield* Effect.scoped(Effect.gen(function*() {
        const connection = yield* pool.acquire()
        yield* TestClock.adjust("10 minutes")
        assert.strictEqual(connection.id, 1)
      }))
      assert.strictEqual((yield* pool.statistics).opened, 0)
      assert.strictEqual(yield* served(pool), 2)
    }))

  it.effect("is closed when the server has announced its end, at whichever end of a lease that is seen", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool(two)
      yield* served(pool)
      yield* database.announceShutdown(1)
      assert.strictEqual(yield* served(pool), 2)
      yield* pool.use(() => database.announceShutdown(2))
      yield* settled
      assert.strictEqual((yield* pool.statistics).opened, 0)
    }))

  it.effect("is evicted like any other, and not below min", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ min: 1, max: 3, timeout: "1 minute" })
      yield* Effect.scoped(Effect.all([pool.acquire(), pool.acquire(), pool.acquire()]))
      yield* served(pool)
      yield* served(pool)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* pool.statistics).opened, 1)
    }))

  it.effect("makes its eviction known, whenever it came back", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ min: 0, max: 1, timeout: "1 minute" })
      yield* served(pool)
      yield* TestClock.adjust("30 seconds")
      yield* pool.use(() => TestClock.adjust("2 minutes"))
      yield* TestClock.adjust("59 seconds")
      assert.strictEqual((yield* pool.statistics).opened, 1)
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* pool.statistics).opened, 0)
    }))

  it.effect("is not lent to who needs one that nobody has held, another tag or another user", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 4, timeout: 0, homogeneous: false })
      const ann = { user: "ann", password: Redacted.make("secret") }
      assert.strictEqual(yield* served(pool), 1)
      assert.strictEqual(yield* served(pool, { purity: "new" }), 2)
      assert.strictEqual(yield* served(pool, ann), 3)
      assert.strictEqual(yield* served(pool, ann), 3)
      assert.strictEqual(yield* served(pool), 2)
      yield* pool.use({ tag: "A=1" }, (connection) => connection.setTag("A=1"))
      assert.strictEqual(yield* served(pool, { tag: "A=1" }), 2)
      assert.strictEqual(yield* served(pool), 1)
    }))

  it.effect("is closed with the pool's old credentials, and when max no longer has room for it", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ ...two, min: 2, waitForMin: true })
      yield* Effect.scoped(Effect.all([pool.acquire(), pool.acquire()]))
      yield* pool.reconfigure({ min: 0, max: 1 })
      yield* settled
      assert.strictEqual((yield* pool.statistics).opened, 1)
      yield* pool.reconfigure({ user: "hr" })
      yield* settled
      assert.strictEqual((yield* pool.statistics).opened, 0)
    }))

  it.effect("is a surplus while it is lent past a max that was lowered", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ ...two, max: 3 })
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Effect.all([pool.acquire(), pool.acquire(), Effect.scoped(pool.acquire())])
        yield* pool.reconfigure({ max: 1 })
        yield* settled
        assert.strictEqual((yield* pool.statistics).opened, 2)
      }))
      yield* settled
      assert.strictEqual((yield* pool.statistics).opened, 1)
    }))

  it.effect("is closed when it comes back from its last lease to a max that was lowered, or to a pool that is closing", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool(two)
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Effect.all([pool.acquire(), pool.acquire()])
        yield* pool.reconfigure({ max: 1 })
      }))
      yield* settled
      assert.strictEqual((yield* pool.statistics).opened, 1)
      const lease = yield* beside(pool.use(() => Effect.sleep("1 second")))
      const closing = yield* beside(pool.close({ drainTimeout: "1 minute" }))
      yield* TestClock.adjust("1 second")
      assert.isDefined(lease.pollUnsafe())
      assert.isDefined(closing.pollUnsafe())
    }))

  it.effect("is pinged as soon as pingInterval says so", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool(two)
      yield* served(pool)
      yield* pool.reconfigure({ pingInterval: 0 })
      yield* served(pool)
      assert.strictEqual(yield* database.count("pinged"), 1)
    }))

  it.effect("is evicted also when all were in use while the pool looked for what to evict", () =>
    Effect.gen(function*() {
      const slow = { database: { latency: { open: "1 second" } } } as const
      const { pool } = yield* openPool({ min: 2, max: 3, increment: 3, timeout: "1 minute", ...slow })
      const hold = pool.use(() => Effect.sleep("10 minutes"))
      yield* beside(hold)
      yield* beside(hold)
      // The third session is opened for who has gone when it is there.
      yield* Fiber.interrupt(yield* beside(hold))
      yield* TestClock.adjust("1 second")
      yield* beside(hold)
      yield* TestClock.adjust("10 minutes")
      assert.deepInclude(yield* pool.statistics, { opened: 3, idle: 3 })
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* pool.statistics).opened, 2)
    }))

  it.effect("is closed when it was opened past max", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ ...two, max: 1, getMode: "forceGet" })
      yield* served(pool)
      yield* pool.acquire()
      yield* served(pool)
      yield* settled
      assert.strictEqual((yield* pool.statistics).opened, 1)
    }))

  it.effect("is reported when it is held for too long", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ ...two, leakDetectionThreshold: "1 minute" })
      yield* served(pool)
      yield* pool.use(() => TestClock.adjust("1 minute"))
      assert.strictEqual((yield* pool.statistics).totals.leaks, 1)
    }))

  it.effect("leaves a pool that is closed", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool(two)
      yield* served(pool)
      yield* pool.close()
      assert.strictEqual((yield* Effect.flip(served(pool)))._tag, "PoolClosedError")
      assert.strictEqual((yield* database.sessions).length, 0)
    }))

  it.effect("is seen by who begins to listen", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool(two)
      yield* served(pool)
      const events = yield* watch(pool)
      yield* served(pool)
      yield* settled
      assert.deepStrictEqual(events.map(({ _tag }) => _tag), ["SessionLent", "SessionReturned"])
    }))
})

describe("a tag that was asked for before", () => {
  it.effect("is found again when the pool has meanwhile forgotten that it ever was", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool(two)
      const tagged = (tag: string) => pool.use({ tag, matchAnyTag: true }, (connection) => connection.setTag(tag))
      const first = yield* pool.use({ tag: "A=1" }, (connection) => Effect.as(connection.setTag("A=1"), connection.id))
      yield* pool.use(() => Effect.void)
      yield* pool.use({ tag: "A=1" }, () =>
        // More tags than the pool remembers without a session.
        Effect.forEach(Array.from({ length: 40 }, (_, i) => `B=${i}`), tagged, { discard: true }))
      yield* tagged("C=1")
      assert.strictEqual(yield* served(pool, { tag: "A=1" }), first)
      yield* tagged("C=1")
      assert.strictEqual(yield* served(pool, { tag: "A=1" }), first)
    }))
})

describe("users that were read before", () => {
  it.effect("are read again with another user, once the pool is homogeneous, and once the pool's own user is known", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 4, timeout: 0, homogeneous: false })
      const password = Redacted.make("secret")
      assert.strictEqual(yield* served(pool, { user: "ann", password }), 1)
      assert.strictEqual(yield* served(pool, { user: "bob", password }), 2)
      assert.strictEqual(yield* served(pool, { user: "ann", password }), 1)
      yield* pool.acquire({ user: "ann", password })
      yield* pool.reconfigure({ homogeneous: true })
      assert.strictEqual(
        (yield* Effect.flip(served(pool, { user: "ann", password })))._tag,
        "CredentialsNotAllowedError"
      )
    }))

  it.effect("share the pool's own sessions once these are opened with the same credentials", () =>
    Effect.gen(function*() {
      const password = Redacted.make("tiger")
      const { pool } = yield* openPool({ max: 4, timeout: 0, homogeneous: false, password })
      assert.strictEqual(yield* served(pool, { user: "scott", password }), 1)
      assert.strictEqual(yield* served(pool), 2)
      assert.strictEqual(yield* served(pool, { user: "scott", password }), 2)
    }))

  it.effect("do not share them with a password that is no longer the pool's", () =>
    Effect.gen(function*() {
      const old = Redacted.make("tiger")
      const { database, pool } = yield* openPool({
        max: 4,
        timeout: 0,
        homogeneous: false,
        password: old,
        database: { accounts: { scott: "tiger" } }
      })
      yield* served(pool)
      assert.strictEqual(yield* served(pool, { user: "scott", password: old }), 1)
      yield* database.setPassword("scott", "lion")
      yield* pool.reconfigure({ password: Redacted.make("lion") })
      assert.strictEqual((yield* Effect.flip(served(pool, { user: "scott", password: old })))._tag, "OpenSessionError")
    }))

  it.effect("are read again once their sessions are gone", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 4, timeout: "1 minute", homogeneous: false })
      const ann = { user: "ann", password: Redacted.make("secret") }
      yield* served(pool, ann)
      yield* TestClock.adjust("1 minute")
      yield* served(pool, ann)
      yield* Effect.scoped(Effect.gen(function*() {
        const first = yield* pool.acquire(ann)
        assert.strictEqual(first.id, 2)
        const second = yield* pool.acquire({ ...ann, password: Redacted.make("secret") })
        assert.strictEqual(second.id, 3)
      }))
      // Both are of one identity, so either goes to who asks for it.
      assert.strictEqual(yield* served(pool, { ...ann, password: Redacted.make("secret") }), 2)
    }))
})
