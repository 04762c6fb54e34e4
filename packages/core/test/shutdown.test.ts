import { assert, describe, it } from "@effect/vitest"
import { PoolShutdown } from "@sessionpool/core"
import { Cause, Deferred, Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, settled } from "./openPool.ts"

describe("drainFirst", () => {
  it.effect("lets the leases that are held end before the program is interrupted (S11)", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 2 })
      const done: Array<string> = []
      const work = pool.use((connection) =>
        Effect.andThen(Effect.sleep("3 seconds"), connection.execute("late")).pipe(
          Effect.tap((answer) => Effect.sync(() => done.push(String(answer))))
        )
      )
      const program = Effect.andThen(work, Effect.never).pipe(
        Effect.onInterrupt(() => Effect.sync(() => done.push("interrupted")))
      )
      const main = yield* beside(PoolShutdown.drainFirst(program, pool, { drainTimeout: "10 seconds" }))
      const ending = yield* beside(Fiber.interrupt(main))
      assert.strictEqual((yield* Effect.flip(pool.use(() => Effect.void)))._tag, "PoolClosedError")
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(done, [])
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(ending)
      assert.deepStrictEqual(done, ["late", "interrupted"])
      assert.lengthOf(yield* database.sessions, 0)
    }))

  it.effect("waits no longer than drainTimeout, by default the pool's (S11)", () =>
    Effect.gen(function*() {
      for (const options of [{ drainTimeout: "5 seconds" as const }, undefined]) {
        const { database, pool } = yield* openPool({ max: 1, drainTimeout: "5 seconds" })
        const hold = pool.use(() => Effect.never)
        const main = yield* beside(PoolShutdown.drainFirst(hold, pool, options))
        const ending = yield* beside(Fiber.interrupt(main))
        yield* TestClock.adjust("4 seconds")
        assert.isUndefined(ending.pollUnsafe())
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(ending)
        const exit = yield* Fiber.await(main)
        assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
        assert.lengthOf(yield* database.sessions, 0)
      }
    }))

  it.effect("runs first what stops work from coming in, within the same limit (S11)", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      const steps: Array<string> = []
      const stopped = yield* Deferred.make<void>()
      const before = Effect.andThen(
        Effect.sync(() => steps.push("stopping")),
        Deferred.await(stopped)
      )
      const main = yield* beside(
        Effect.never.pipe(PoolShutdown.drainFirst(pool, { before, drainTimeout: "5 seconds" }))
      )
      const ending = yield* beside(Fiber.interrupt(main))
      assert.deepStrictEqual(steps, ["stopping"])
      // Requests are still served while that goes on.
      yield* pool.use(() => Effect.void)
      yield* Deferred.succeed(stopped, undefined)
      yield* Fiber.join(ending)
      assert.strictEqual((yield* Effect.flip(pool.use(() => Effect.void)))._tag, "PoolClosedError")

      const { pool: other } = yield* openPool({ max: 1 })
      const stuck = yield* beside(
        Effect.never.pipe(PoolShutdown.drainFirst(other, { before: Effect.never, drainTimeout: "5 seconds" }))
      )
      const end = yield* beside(Fiber.interrupt(stuck))
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(end)
    }))

  it.effect("changes nothing in a program that ends by itself (S11)", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      assert.strictEqual(yield* PoolShutdown.drainFirst(Effect.succeed(1), pool), 1)
      assert.strictEqual(yield* Effect.flip(PoolShutdown.drainFirst(Effect.fail("no"), pool)), "no")
      assert.isTrue(Exit.isFailure(yield* Effect.exit(PoolShutdown.drainFirst(Effect.die("bad"), pool))))
      yield* pool.use(() => Effect.void)
      yield* settled
    }))
})
