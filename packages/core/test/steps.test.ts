/** No fiber runs inside a step of the pool: what is told is told once the step is complete. */
import { assert, describe, it } from "@effect/vitest"
import { SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Cause, Effect, Fiber, Logger, Redacted, Schedule, Scope } from "effect"
import { TestClock } from "effect/testing"
import { vi } from "vitest"
import { ImpossibleState, Places } from "../src/internal/entities/places.ts"
import { beside, openPool, type Pool, served, settled } from "./openPool.ts"

describe("a step of the pool", () => {
  it.effect("that opens the first session is complete before the maker of the pool goes on (A16)", () =>
    Effect.gen(function*() {
      const database = yield* TestDatabase.make({ latency: { open: "1 second" } })
      const first = yield* beside(Effect.gen(function*() {
        const options = { driver: database.driver, user: "scott", min: 1, max: 8, increment: 3, waitForMin: true }
        const pool = yield* SessionPool.make(options)
        return yield* served(pool)
      }))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* Fiber.join(first), 1)
      assert.strictEqual(yield* database.count("openRequested"), 1)
    }))

  it.effect("in which opening failed is complete before the schedule of pauses runs (A16)", () =>
    Effect.gen(function*() {
      const opening: Array<number> = []
      let look: Effect.Effect<number> = Effect.succeed(-1)
      const openRetry = Schedule.spaced("1 second").pipe(
        Schedule.modifyDelay(({ duration }) =>
          Effect.as(
            Effect.flatMap(Effect.suspend(() => look), (count) => Effect.sync(() => opening.push(count))),
            duration
          )
        )
      )
      const { database, pool } = yield* openPool({
        max: 1,
        homogeneous: false,
        openRetry,
        database: { latency: { open: "1 second" } }
      })
      look = Effect.map(pool.statistics, (figures) => figures.opening)
      yield* database.refuseToOpen(1)
      yield* beside(Effect.exit(served(pool)))
      const ann = yield* beside(served(pool, { user: "ann", password: Redacted.make("secret") }))
      yield* TestClock.adjust("1 second")
      // The place that the failure has left is Ann's already.
      assert.deepStrictEqual(opening, [1])
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(ann), 1)
    }))

  it.effect("that ends a leaked lease is complete before that is logged (A16)", () =>
    Effect.gen(function*() {
      const busy: Array<number> = []
      let pool: Pool | undefined
      const logger = Logger.make(() => {
        if (pool !== undefined) busy.push(Effect.runSync(pool.statistics).busy)
      })
      yield* Effect.gen(function*() {
        const opened = yield* openPool({ max: 1, leakDetectionThreshold: "1 second" })
        const connection = yield* opened.pool.acquire()
        yield* TestClock.adjust("1 second")
        pool = opened.pool
        yield* pool.release(connection)
        yield* settled
      }).pipe(Effect.provide(Logger.layer([logger])))
      assert.deepStrictEqual(busy, [0])
    }))
})

describe("work that no caller waits for", () => {
  it.effect("is logged when it ends with a defect of the pool", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const logger = Logger.make(({ cause, logLevel, message }) => {
        lines.push(`${logLevel}: ${String(message)}: ${Cause.pretty(cause).split("\n")[0]}`)
      })
      const { move } = Places.prototype
      const moved = vi.spyOn(Places.prototype, "move").mockImplementation(function(this: Places<unknown>, ...to) {
        if (to[2] === "checking") throw new ImpossibleState("a test says so")
        return move.apply(this, to)
      })
      const database = yield* TestDatabase.makeUnchecked()
      // It is never closed: the pool would wait for the session that it has lost count of.
      const scope = yield* Scope.make()
      yield* Effect.gen(function*() {
        const pool = yield* SessionPool.make({ driver: database.driver, user: "scott" }).pipe(Scope.provide(scope))
        yield* beside(Effect.exit(pool.acquire()))
      }).pipe(
        Effect.provide(Logger.layer([logger])),
        Effect.ensuring(Effect.sync(() => moved.mockRestore()))
      )
      const problem = "This is a defect of the session pool, please report it: a test says so."
      assert.deepStrictEqual(lines, [
        `Error: Work of the session pool ended with a defect: ImpossibleState: ${problem}`
      ])
    }))
})
