import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, served, settled, warm } from "./openPool.ts"

describe("statistics", () => {
  it.effect("name the pool, its settings and its counts", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({
        name: "hr",
        dsn: "localhost/FREEPDB1",
        tnsentry: "HR",
        user: "scott",
        password: Redacted.make("tiger"),
        min: 1,
        max: 3,
        increment: 2,
        getMode: "timedWait",
        waitTimeout: "7 seconds",
        timeout: "infinity",
        maxLifetimeSession: 0,
        stmtCacheSize: 5,
        maxSessionsPerShard: 2
      })
      yield* pool.acquire()
      assert.deepStrictEqual(yield* pool.statistics, {
        name: "hr",
        dsn: "localhost/FREEPDB1",
        tnsentry: "HR",
        username: "scott",
        homogeneous: true,
        busy: 1,
        opened: 1,
        idle: 0,
        opening: 0,
        closing: 0,
        dedicated: 0,
        pending: 0,
        min: 1,
        max: 3,
        increment: 2,
        getMode: "timedWait",
        timeout: Infinity,
        maxLifetimeSession: Infinity,
        waitTimeout: 7000,
        stmtCacheSize: 5,
        maxSessionsPerShard: 2,
        instances: [{
          instance: "test",
          opened: 1,
          idle: 0,
          busy: 1,
          closing: 0,
          isDrained: false,
          totals: { opened: 1 }
        }],
        totals: { opened: 1, openFailures: 0, closed: 0, lent: 1, hits: 0, timeouts: 0, refused: 0, leaks: 0 }
      })
    }))

  it.effect("opened is idle plus busy, in every state of the pool", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({
        max: 4,
        pingInterval: 0,
        database: { latency: { open: "1 second" } }
      })
      const check = (what: object) =>
        Effect.map(pool.statistics, (statistics) => {
          assert.deepInclude(statistics, what)
          assert.strictEqual(statistics.opened, statistics.idle + statistics.busy)
        })
      const first = yield* beside(pool.acquire())
      yield* check({ opening: 1, opened: 0, pending: 1 })
      yield* TestClock.adjust("1 second")
      yield* check({ opening: 0, opened: 1, busy: 1, pending: 0 })
      const connection = yield* Effect.map(settled, () => first.pollUnsafe())
      assert.isDefined(connection)
      yield* database.behave("ping", { latency: "1 second" })
      const held = yield* first.pollUnsafe()!
      yield* pool.release(held)
      yield* beside(pool.acquire())
      // It is being pinged: open, and neither lent nor lost.
      yield* check({ opened: 1, idle: 1, busy: 0, pending: 1 })
      yield* TestClock.adjust("1 second")
      yield* check({ opened: 1, idle: 0, busy: 1, pending: 0 })
    }))

  it.effect("count hits: sessions lent without a wait, in the state that was asked for", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 4 })
      yield* warm(pool, "A=1", "")
      const before = (yield* pool.statistics).totals
      assert.deepInclude(before, { lent: 2, hits: 0 })
      yield* served(pool)
      yield* served(pool, { tag: "A=1" })
      yield* served(pool, { tag: "B=2" })
      assert.deepInclude((yield* pool.statistics).totals, { lent: 5, hits: 2 })
    }))

  it.effect("count what was opened, failed to open and closed", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 4 })
      yield* pool.use((connection) => pool.drop(connection))
      yield* database.refuseToOpen(1)
      yield* Effect.exit(pool.acquire())
      assert.deepInclude((yield* pool.statistics).totals, { opened: 1, openFailures: 1, closed: 1, lent: 1 })
    }))
})
