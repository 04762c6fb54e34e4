import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scheduler, Scope } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool } from "./openPool.ts"

/** Scopes are not shown what is in them but by their state, which is public. */
const isEmpty = (scope: Scope.Scope): boolean => scope.state._tag === "Empty"

describe("the finalizer of a scoped acquire", () => {
  it.effect("leaves the scope as adding it would", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      const added = yield* Scope.make()
      yield* Scope.addFinalizerExit(added, () => Effect.void)
      const set = yield* Scope.make()
      assert.isTrue(isEmpty(set))
      yield* Scope.provide(pool.acquire(), set)
      if (added.state._tag !== "Open" || set.state._tag !== "Open") return assert.fail("a scope is not open")
      assert.sameMembers(Object.keys(set.state), Object.keys(added.state))
      assert.isFunction(set.state.finalizer)
      assert.strictEqual(set.state.finalizers, added.state.finalizers)
      yield* Scope.close(set, Exit.void)
    }))

  it.effect("a scope that is closed, or has finalizers, gets that of a lease all the same", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 2 })
      const busy = Effect.map(pool.statistics, (statistics) => statistics.busy)

      const scope = yield* Scope.make()
      yield* Scope.provide(pool.acquire(), scope)
      yield* Scope.provide(pool.acquire(), scope)
      assert.strictEqual(yield* busy, 2)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(yield* busy, 0)

      const connection = yield* Scope.provide(pool.acquire(), scope)
      assert.isTrue(connection.isReleased)
      assert.strictEqual(yield* busy, 0)
    }))

  it.effect("is not there while the request waits, nor when the wait fails", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, getMode: "timedWait", waitTimeout: "1 second" })
      const held = yield* pool.acquire()
      const scope = yield* Scope.make()
      const waiting = yield* beside(Effect.flip(Scope.provide(pool.acquire(), scope)))
      assert.isTrue(isEmpty(scope))
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(waiting))._tag, "AcquireTimeoutError")
      assert.isTrue(isEmpty(scope))
      const second = yield* beside(Effect.flip(Scope.provide(pool.acquire(), scope)))
      yield* Scope.addFinalizer(scope, Effect.void)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(second)
      if (scope.state._tag !== "Open") return assert.fail("the scope is not open")
      assert.isUndefined(scope.state.finalizers)
      yield* pool.release(held)
    }))

  it.effect("comes to a scope that has got another one in the middle of the wait", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      const held = yield* pool.acquire()
      const scope = yield* Scope.make()
      const order: Array<string> = []
      const waiting = yield* beside(Scope.provide(pool.acquire(), scope))
      yield* Scope.addFinalizer(
        scope,
        Effect.map(pool.statistics, ({ busy }) => void order.push(`${busy} busy`))
      )
      yield* pool.release(held)
      assert.isFalse((yield* Fiber.join(waiting)).isReleased)
      assert.strictEqual((yield* pool.statistics).busy, 1)
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(order, ["0 busy"])
    }))

  it.effect("ends a lease that was waited for, wherever its fiber is interrupted, also in a scope that lives on", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      for (let turns = 0; turns < 40; turns++) {
        const scope = yield* Scope.make()
        const holder = yield* beside(pool.use(() => Effect.never))
        const waiter = yield* Effect.forkChild(
          Effect.provideService(
            Effect.exit(Scope.provide(pool.acquire(), scope)),
            Scheduler.MaxOpsBeforeYield,
            3
          )
        )
        for (let i = 0; i < 20; i++) yield* Effect.yieldNow
        // Served in the middle of being interrupted, or before, or after.
        const freed = yield* beside(Fiber.interrupt(holder))
        for (let i = 0; i < turns; i++) yield* Effect.yieldNow
        yield* Fiber.interrupt(waiter)
        yield* Fiber.join(freed)
        const { busy, pending } = yield* pool.statistics
        assert.strictEqual(pending, 0)
        // What it had by then is the scope's; what it had not seen went back.
        if (busy === 1) assert.isFalse(isEmpty(scope))
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual((yield* pool.statistics).busy, 0, `interrupted after ${turns} turns`)
      }
    }))

  it.effect("a scope that closes in the middle of the wait gives back what comes of it", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      const held = yield* pool.acquire()
      const scope = yield* Scope.make()
      const waiting = yield* beside(Scope.provide(pool.acquire(), scope))
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual((yield* pool.statistics).pending, 1)
      yield* pool.release(held)
      assert.isTrue((yield* Fiber.join(waiting)).isReleased)
      assert.strictEqual((yield* pool.statistics).busy, 0)
    }))
})
