/** One break at a time on a session, whoever wants it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, settled } from "./openPool.ts"

const slow = { database: { latency: { execute: "1 minute", interrupt: "1 second" } } } as const

describe("a break", () => {
  it.effect("is joined by the end of the lease, so that none reaches the next holder (A14)", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1, ...slow })
      const scope = yield* Scope.make()
      const connection = yield* Scope.provide(pool.acquire(), scope)
      const statement = yield* beside(connection.execute("slow"))
      statement.interruptUnsafe()
      yield* TestClock.adjust("500 millis")
      const closing = yield* beside(Scope.close(scope, Exit.void))
      yield* database.behave("execute", { latency: 0 })
      const next = yield* beside(pool.use((next) => Effect.andThen(Effect.sleep("300 millis"), next.execute("quick"))))
      yield* TestClock.adjust("500 millis")
      yield* Fiber.join(closing)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* Fiber.join(next), "quick")
      assert.strictEqual(yield* database.count("interrupted"), 1)
      assert.deepStrictEqual(yield* database.violations, [])
      assert.strictEqual(yield* database.count("opened"), 1)
    }))

  it.effect("serves all statements of a connection that are given up at once, and the session is kept (A14)", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1, ...slow })
      const both = pool.use(({ lease }) => {
        const statement = Effect.timeoutOption(lease.run(Effect.never), "100 millis")
        return Effect.all([statement, statement], { concurrency: 2 })
      })
      const fiber = yield* beside(both)
      yield* TestClock.adjust("1100 millis")
      assert.isDefined(fiber.pollUnsafe())
      assert.strictEqual(yield* database.count("interrupted"), 1)
      assert.strictEqual(yield* pool.use(({ id }) => Effect.succeed(id)), 1)
    }))

  it.effect("is joined by a forced close (A14)", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1, ...slow })
      const connection = yield* pool.acquire()
      const statement = yield* beside(connection.execute("slow"))
      statement.interruptUnsafe()
      yield* TestClock.adjust("500 millis")
      const closing = yield* beside(pool.close({ force: true }))
      yield* TestClock.adjust("500 millis")
      yield* Fiber.join(closing)
      assert.strictEqual(yield* database.count("interrupted"), 1)
    }))

  it.effect("holds back what begins on the connection while it is under way (A14)", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1, ...slow })
      const connection = yield* pool.acquire()
      const statement = yield* beside(connection.execute("slow"))
      statement.interruptUnsafe()
      yield* settled
      const begun: Array<string> = []
      yield* beside(connection.lease.run(Effect.sync(() => begun.push("other"))))
      assert.deepStrictEqual(begun, [])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(begun, ["other"])
      assert.strictEqual(yield* database.count("interrupted"), 1)
    }))

  it.effect("leaves no count of one that is given up while it is held back: what runs later is stopped at the end", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1, ...slow })
      const connection = yield* pool.acquire()
      const statement = yield* beside(connection.execute("slow"))
      statement.interruptUnsafe()
      yield* settled
      const heldBack = yield* beside(connection.lease.run(Effect.void))
      heldBack.interruptUnsafe()
      yield* TestClock.adjust("1 second")
      yield* beside(connection.lease.run(Effect.never))
      yield* beside(pool.release(connection))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* database.count("interrupted"), 2)
    }))

  it.effect("is not made for what outlived its lease: the session is the next holder's by then", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1, ...slow })
      const connection = yield* pool.acquire()
      const outlived = yield* beside(connection.lease.run(Effect.never))
      yield* beside(pool.release(connection))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* database.count("interrupted"), 1)
      const next = yield* pool.acquire()
      const running = yield* beside(next.lease.run(Effect.never))
      outlived.interruptUnsafe()
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* database.count("interrupted"), 1)
      assert.isUndefined(running.pollUnsafe())
      assert.strictEqual(next.id, connection.id)
      running.interruptUnsafe()
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* database.count("interrupted"), 2)
    }))

  it.effect("is made again for a statement that began after the one before had ended", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1, ...slow })
      const connection = yield* pool.acquire()
      for (let i = 1; i <= 2; i++) {
        const statement = yield* beside(connection.lease.run(Effect.never))
        statement.interruptUnsafe()
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* database.count("interrupted"), i)
      }
    }))
})
