/** What a pool tells of its sessions. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, warm } from "./openPool.ts"

describe("pool.sessions", () => {
  it.effect("has every session with its place, tag, times, holder and what runs on it", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 3, timeout: 0, database: { latency: { execute: "1 minute" } } })
      yield* warm(pool, "LANG=FRENCH", "")
      yield* TestClock.adjust("10 seconds")
      const fiber = yield* beside(
        pool.use((connection) => connection.execute("select 1 from dual", { secret: "tiger" })).pipe(
          Effect.withSpan("report")
        )
      )
      yield* TestClock.adjust("5 seconds")
      const sessions = yield* pool.sessions
      assert.deepStrictEqual(sessions.map(({ place, session, sid, tag, uses }) => [session, place, tag, uses, sid]), [
        [1, "idle", "LANG=FRENCH", 1, 1],
        [2, "busy", undefined, 2, 2]
      ])
      const [idle, busy] = sessions
      assert.deepInclude(idle, {
        identity: "the pool's user",
        openedAt: 0,
        ageMillis: 15_002,
        idleMillis: 15_002,
        lease: undefined,
        statement: undefined,
        instance: "test",
        serial: 1
      })
      assert.strictEqual(busy!.statement, "select 1 from dual")
      assert.isUndefined(busy!.idleMillis)
      assert.deepInclude(busy!.lease, { heldMillis: 5000, idleMillis: undefined, calls: 1, fiber: fiber.id })
      assert.strictEqual(busy!.lease?.span?.name, "report")
      assert.notInclude(JSON.stringify(sessions), "tiger")
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual((yield* pool.sessions).map(({ lease, place }) => [place, lease]), [
        ["idle", undefined],
        ["idle", undefined]
      ])
    }))

  it.effect("says how long a lease has been without a call, and where it was acquired", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, leakDetectionThreshold: "1 hour" })
      const connection = yield* pool.acquire()
      yield* TestClock.adjust("2 seconds")
      yield* connection.execute("select")
      yield* TestClock.adjust("3 seconds")
      const [session] = yield* pool.sessions
      assert.deepInclude(session?.lease, { heldMillis: 5000, idleMillis: 3000, calls: 0 })
      assert.include(session?.lease?.takenAt, "sessions.test.ts")
    }))

  it.effect("is whole when the driver cannot describe a session", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({
        max: 1,
        wrap: (driver) => ({
          ...driver,
          describe: () => {
            throw new Error("no")
          }
        })
      })
      yield* warm(pool, "")
      assert.deepInclude((yield* pool.sessions)[0], { session: 1, sid: undefined })
    }))
})
