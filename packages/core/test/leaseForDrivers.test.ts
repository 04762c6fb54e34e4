/** What a driver may tell the pool through the lease that it was given, and what it may leave to it. */
import { assert, describe, it } from "@effect/vitest"
import type { Connection } from "@sessionpool/core"
import { Effect } from "effect"
import { openPool, served, settled, warm } from "./openPool.ts"

/** A pool, and the leases that its driver was given, in their order. */
const withLeases = (options: Parameters<typeof openPool>[0] = {}) =>
  Effect.gen(function*() {
    const leases: Array<Connection.Lease> = []
    const { database, pool } = yield* openPool({
      timeout: 0,
      ...options,
      wrap: (driver) => ({
        ...driver,
        lease: (session, lease, ...more) => {
          leases.push(lease)
          return driver.lease(session, lease, ...more)
        }
      })
    })
    return { database, leases, pool }
  })

describe("the lease of a driver", () => {
  it.effect("refuses a tag once it is over", () =>
    Effect.gen(function*() {
      const { leases, pool } = yield* withLeases({ max: 1 })
      const connection = yield* pool.acquire()
      yield* leases[0]!.setTag("A=1")
      yield* pool.release(connection)
      const error = yield* Effect.flip(leases[0]!.setTag("B=2"))
      assert.strictEqual(error._tag, "ConnectionReleasedError")
      assert.strictEqual((yield* pool.acquire({ tag: "A=1" })).tag, "A=1")
    }))

  it.effect("is told of a fatal error once: a second one, or one that comes late, has no sibling pinged", () =>
    Effect.gen(function*() {
      const { database, leases, pool } = yield* withLeases({ max: 2 })
      yield* warm(pool, "", "")
      const broken = yield* pool.acquire()
      const lease = leases.at(-1)!
      lease.reportFatal(new Error("ORA-03113"))
      yield* served(pool)
      assert.strictEqual(yield* database.count("pinged"), 1)
      lease.reportFatal(new Error("ORA-03113"))
      yield* served(pool)
      assert.strictEqual(yield* database.count("pinged"), 1)
      yield* pool.release(broken)
      yield* settled
      lease.reportFatal(new Error("ORA-03113"))
      yield* served(pool)
      assert.strictEqual(yield* database.count("pinged"), 1)
      assert.strictEqual(yield* database.count("closed"), 1)
    }))

  it.effect("of resetSession costs the session, too, when a fatal error is told of, even where resetSession succeeds", () =>
    Effect.gen(function*() {
      let report = () => {}
      const { leases, pool } = yield* withLeases({ max: 1, resetSession: () => Effect.sync(() => report()) })
      report = () => leases.at(-1)!.reportFatal(new Error("ORA-03113"))
      assert.strictEqual(yield* served(pool), 1)
      yield* settled
      assert.strictEqual(yield* served(pool), 2)
    }))

  it.effect("stands for the session that is lent, while one that was found dead on the way is closed at once", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* withLeases({ max: 2 })
      const [first, second] = yield* warm(pool, "", "")
      yield* database.announceShutdown(second!)
      assert.strictEqual((yield* pool.acquire()).id, first)
      yield* settled
      assert.deepInclude(yield* pool.statistics, { opened: 1, busy: 1, closing: 0 })
      assert.strictEqual(yield* database.count("closed"), 1)
    }))
})
