/** What bounds a pool's own work, and what it keeps of requests that are over. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { afterEach, vi } from "vitest"
import { Groups } from "../src/internal/entities/groups.ts"
import { beside, openPool, served, settled } from "./openPool.ts"

afterEach(() => {
  vi.restoreAllMocks()
})

describe("a time limit of 0", () => {
  it.effect("is none: sessions are opened, pinged, reset and closed as slowly as they are (A25)", () =>
    Effect.gen(function*() {
      const latency = { open: "1 second", ping: "1 second", reset: "1 second", close: "1 second" } as const
      const { database, pool } = yield* openPool({
        max: 1,
        pingInterval: 0,
        pingTimeout: 0,
        openTimeout: 0,
        closeTimeout: 0,
        database: { latency }
      })
      const uses = yield* beside(Effect.all([served(pool), pool.use(({ begin, id }) => Effect.as(begin, id))]))
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* Fiber.join(uses), [1, 1])
      const closing = yield* beside(pool.close())
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(closing)
      assert.strictEqual(yield* database.count("opened"), 1)
    }))
})

/** The timers that are set, by a clock that counts them. */
const countTimers = Effect.gen(function*() {
  const clock = yield* Clock.Clock
  const timers = { set: 0, most: 0 }
  const counting: Clock.Clock = {
    ...clock,
    sleep: (duration) =>
      Effect.suspend(() => {
        timers.most = Math.max(timers.most, ++timers.set)
        return Effect.ensuring(
          clock.sleep(duration),
          Effect.sync(() => {
            timers.set--
          })
        )
      })
  }
  return { timers, counting }
})

describe("requests with deadlines of their own", () => {
  it.effect("share one timer, which ends with them (A29)", () =>
    Effect.gen(function*() {
      const { counting, timers } = yield* countTimers
      yield* Effect.gen(function*() {
        const { pool } = yield* openPool({ max: 1, timeout: 0, queueMax: -1 })
        const held = yield* pool.acquire()
        const before = timers.set
        const waiting = yield* Effect.forEach(
          Array.from({ length: 500 }, (_, i) => i),
          (i) => Effect.forkScoped(Effect.exit(served(pool, { waitTimeout: 30_000 + i })))
        )
        yield* settled
        assert.strictEqual(timers.set, before + 1)
        yield* pool.release(held)
        yield* Fiber.joinAll(waiting)
        assert.strictEqual(timers.set, before)
        assert.isAtMost(timers.most, before + 2)
      }).pipe(Effect.provideService(Clock.Clock, counting))
    }))

  it.effect("give up in time, whatever the order in which they came, and whoever has left before them (A29)", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, timeout: 0 })
      yield* pool.acquire()
      const ended: Array<number> = []
      const fibers = yield* Effect.forEach([500, 100, 300, 100, 200, 500], (waitTimeout) =>
        beside(Effect.andThen(
          Effect.exit(served(pool, { waitTimeout })),
          Effect.sync(() => ended.push(waitTimeout))
        )))
      yield* Fiber.interrupt(fibers[1]!)
      yield* TestClock.adjust(99)
      const late = yield* beside(Effect.andThen(
        Effect.exit(served(pool, { waitTimeout: 1 })),
        Effect.sync(() => ended.push(1))
      ))
      yield* TestClock.adjust(1)
      assert.sameMembers(ended, [100, 1])
      yield* Fiber.join(late)
      yield* TestClock.adjust(199)
      assert.deepStrictEqual(ended.slice(2), [200])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(ended.slice(2), [200, 300])
      yield* TestClock.adjust(200)
      assert.deepStrictEqual(ended.slice(2), [200, 300, 500, 500])
      assert.strictEqual((yield* pool.statistics).pending, 0)
    }))
})

describe("requests that are refused", () => {
  it.effect("leave nothing of their identities in the pool (A30)", () =>
    Effect.gen(function*() {
      const read = vi.spyOn(Groups.prototype, "read")
      const { pool } = yield* openPool({ max: 1, homogeneous: false, getMode: "noWait" })
      const held = yield* pool.acquire({ cclass: "first" })
      const groups = read.mock.contexts[0] as Groups<unknown>
      for (let i = 0; i < 100; i++) {
        const request = (what: string) => ({
          user: `${what} ${i}`,
          password: Redacted.make("secret"),
          shardingKey: what + i
        })
        yield* Effect.flip(pool.acquire({ ...request("timeout"), waitTimeout: -1 }))
        yield* Effect.flip(pool.acquire({ ...request("tag"), tag: "no tag" }))
        yield* Effect.flip(pool.acquire(request("none free")))
      }
      assert.lengthOf([...groups], 2)
      yield* pool.release(held)
    }))
})
