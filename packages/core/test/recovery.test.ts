/** A defect of the pool itself, at every move of a session: it may cost a session or a request, but nothing hangs and nothing is left open. */
import { assert, describe, it } from "@effect/vitest"
import { PoolError } from "@sessionpool/core"
import { Cause, Effect, Exit, Fiber, Scope } from "effect"
import { TestClock } from "effect/testing"
import { afterEach, vi } from "vitest"
import { ImpossibleState, Places } from "../src/internal/entities/places.ts"
import { beside, openPool, served, settled } from "./openPool.ts"

afterEach(() => {
  vi.restoreAllMocks()
})

/** Lets the move of that number fail before anything is done; the answer is whether it was reached. */
const failAt = (number: number) => {
  let moves = 0
  for (const name of ["move", "lend", "takeBack"] as const) {
    const original = Places.prototype[name] as (this: Places<unknown>, ...args: Array<unknown>) => void
    vi.spyOn(Places.prototype, name).mockImplementation(function(this: Places<unknown>, ...args: Array<unknown>) {
      if (++moves === number) throw new ImpossibleState("a test says so")
      return original.apply(this, args)
    } as never)
  }
  return () => moves >= number
}

/** Requests of all kinds, one after the other and side by side, with sessions that are opened, pinged, replaced, dropped and closed. */
const scenario = (number: number) =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const { database, pool } = yield* Scope.provide(
      openPool({
        min: 1,
        max: 2,
        homogeneous: false,
        timeout: "1 minute",
        pingInterval: "10 seconds",
        drainTimeout: "5 seconds"
      }),
      scope
    )
    const wasReached = failAt(number)
    const ask = (tag: string | undefined) =>
      beside(Effect.exit(pool.use({ tag }, (connection) => Effect.andThen(connection.begin, Effect.sleep(100)))))
    const requests: Array<Fiber.Fiber<Exit.Exit<unknown, unknown>>> = yield* Effect.forEach([
      undefined,
      "A=1",
      "A=1",
      undefined,
      "B=2"
    ], ask)
    yield* TestClock.adjust("1 second")
    requests.push(yield* beside(Effect.exit(served(pool))))
    yield* TestClock.adjust("20 seconds")
    requests.push(yield* beside(Effect.exit(pool.use((connection) => pool.drop(connection)))))
    requests.push(yield* beside(Effect.exit(served(pool, { user: "adams", password: undefined }))))
    yield* TestClock.adjust("2 minutes")
    for (const request of requests) {
      const exit = request.pollUnsafe()
      assert.isDefined(exit, "a request hangs")
      const inner = yield* exit!
      if (Exit.isSuccess(inner)) continue
      const failure = Cause.squash(inner.cause)
      assert.instanceOf(failure instanceof PoolError.OpenSessionError ? failure.cause : failure, ImpossibleState)
    }
    const fresh = yield* beside(Effect.all([served(pool), served(pool)], { concurrency: 2 }))
    yield* TestClock.adjust("5 seconds")
    assert.isDefined(fresh.pollUnsafe(), "a fresh request hangs")
    const { busy, idle, opened } = yield* pool.statistics
    assert.deepStrictEqual([busy, opened], [0, idle])
    assert.lengthOf(yield* database.sessions, opened)
    const isDone = wasReached()
    const closing = yield* beside(Scope.close(scope, Exit.void))
    yield* TestClock.adjust("1 minute")
    assert.isDefined(closing.pollUnsafe(), "closing hangs")
    yield* Fiber.join(closing)
    assert.lengthOf(yield* database.sessions, 0)
    return isDone
  })

describe("a defect of the pool itself", () => {
  it.effect("costs a session or a request, wherever a session was going", () =>
    Effect.gen(function*() {
      let number = 0
      for (;;) {
        const reached = yield* Effect.scoped(scenario(++number)).pipe(
          Effect.catchCause((cause) => Effect.die(new Error(`with move ${number}: ${Cause.pretty(cause)}`)))
        )
        vi.restoreAllMocks()
        yield* settled
        if (!reached) break
      }
      assert.isAbove(number, 20)
    }))
})
