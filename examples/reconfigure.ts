/**
 * Settings change while the pool runs: all that are given or, when one of them cannot be, none.
 */
import { SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Console, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"

export const main = Effect.gen(function*() {
  const database = yield* TestDatabase.make()
  const pool = yield* SessionPool.make({ driver: database.driver, name: "hr", user: "scott", max: 1 })
  const figures = Effect.flatMap(
    pool.statistics,
    ({ busy, max, opened, pending }) => Console.log(`max ${max}: ${opened} open, ${busy} busy, ${pending} waiting`)
  )

  const work = pool.use(() => Effect.sleep("1 minute"))
  const fibers = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(work))
  yield* TestClock.adjust("1 second")
  yield* figures

  // Whoever waits has room at once.
  yield* pool.reconfigure({ max: 3 })
  yield* TestClock.adjust("1 second")
  yield* figures
  yield* TestClock.adjust("1 minute")
  yield* Fiber.joinAll(fibers)

  // Sessions beyond the new max are closed: the idle ones now, the busy ones as they come back.
  yield* pool.reconfigure({ max: 1 })
  yield* TestClock.adjust("1 second")
  yield* figures

  const refused = yield* Effect.flip(pool.reconfigure({ max: 8, min: 9, increment: 0 }))
  yield* Console.log(refused.message)
  yield* Console.log(`max is still ${(yield* pool.settings).max}`)
}).pipe(Effect.scoped, Effect.provide(TestClock.layer()))

if (import.meta.main) await Effect.runPromise(main)

/* Prints:
max 1: 1 open, 1 busy, 2 waiting
max 3: 3 open, 3 busy, 0 waiting
max 1: 1 open, 0 busy, 0 waiting
Session pool "hr" cannot use these options: increment must be an integer from 1 to 100000, not 0.
max is still 1
*/
