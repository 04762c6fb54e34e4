/** Durations do not depend on the wall clock, which anybody may set. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, served, watch } from "./openPool.ts"

const hour = 3_600_000

/** The test's clock, whose wall time can be set: everything else goes on. */
const withWallClock = <A, E, R>(test: (set: (millis: number) => void) => Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    let offset = 0
    const millis = () => clock.currentTimeMillisUnsafe() + offset
    const nanos = () => clock.currentTimeNanosUnsafe() + BigInt(offset) * 1_000_000n
    // With everything that the test's clock has beside, by which TestClock moves it.
    const settable: Clock.Clock = {
      ...clock,
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos)
    }
    const set = (by: number) => {
      offset += by
    }
    return yield* Effect.provideService(test(set), Clock.Clock, settable)
  })

for (const [how, by] of [["back", -hour], ["forward", hour]] as const) {
  describe(`the wall clock set ${how} by an hour`, () => {
    it.effect("does not change how long a request waits (A18)", () =>
      withWallClock((set) =>
        Effect.gen(function*() {
          const { pool } = yield* openPool({ max: 1, getMode: "timedWait", waitTimeout: "300 millis" })
          yield* pool.acquire()
          const waiting = yield* beside(Effect.flip(pool.acquire()))
          yield* TestClock.adjust("200 millis")
          set(by)
          yield* TestClock.adjust("99 millis")
          assert.isUndefined(waiting.pollUnsafe())
          yield* TestClock.adjust("1 millis")
          const error = yield* Fiber.join(waiting)
          assert.strictEqual(error._tag, "AcquireTimeoutError")
          assert.strictEqual((error as { readonly waitedMillis?: number }).waitedMillis, 300)
        })
      ))

    it.effect("does not change when sessions are pinged, evicted and retired, and their times are its own (A18)", () =>
      withWallClock((set) =>
        Effect.gen(function*() {
          const { database, pool } = yield* openPool({
            max: 2,
            timeout: "10 minutes",
            maxLifetimeSession: "20 minutes",
            lifetimeJitter: 0
          })
          yield* Effect.scoped(Effect.all([pool.acquire(), pool.acquire()]))
          const events = yield* watch(pool)
          set(by)
          yield* served(pool)
          assert.strictEqual(yield* database.count("pinged"), 0)
          yield* TestClock.adjust("2 minutes")
          yield* served(pool)
          assert.strictEqual(yield* database.count("pinged"), 1)
          yield* TestClock.adjust("9 minutes")
          assert.strictEqual((yield* pool.statistics).opened, 1)
          yield* served(pool)
          yield* TestClock.adjust("10 minutes")
          assert.strictEqual((yield* pool.statistics).opened, 0)
          const closed = events.filter((event) => event._tag === "SessionClosed")
          assert.deepStrictEqual(closed.map(({ reason }) => reason), ["idle", "expired"])
          // Dates that are shown are the wall clock's.
          assert.strictEqual(closed[0]!.at, by + 600_000)
        })
      ))
  })
}
