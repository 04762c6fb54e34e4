import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { addFirst, canAddFirst, isEmpty } from "../src/internal/leases/scopeFinalizer.ts"
import { openPool } from "./openPool.ts"

describe("the first finalizer of a scope", () => {
  it("can be set with the Effect that is installed", () => {
    assert.isTrue(canAddFirst())
  })

  it("leaves the scope as adding it would", () => {
    const finalizer = () => Effect.void
    const added = Scope.makeUnsafe()
    Effect.runSync(Scope.addFinalizerExit(added, finalizer))
    const set = Scope.makeUnsafe()
    assert.isTrue(isEmpty(set))
    addFirst(set, finalizer)
    assert.isFalse(isEmpty(set))
    if (added.state._tag !== "Open" || set.state._tag !== "Open") return assert.fail("a scope is not open")
    assert.sameMembers(Object.keys(set.state), Object.keys(added.state))
    assert.strictEqual(set.state.finalizer, added.state.finalizer)
    assert.strictEqual(set.state.finalizers, added.state.finalizers)
  })

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
})
