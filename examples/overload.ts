/**
 * Two bounds on waiting. `queueMax` bounds how many wait. `queueTarget` bounds how long: once every wait of a whole
 * `queueInterval` was longer, newcomers who would wait more than twice the target are refused at once, until the queue has
 * recovered.
 */
import { SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Console, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"

const bounded = Effect.gen(function*() {
  const database = yield* TestDatabase.make()
  const pool = yield* SessionPool.make({ driver: database.driver, name: "small", user: "scott", max: 1, queueMax: 2 })
  const work = pool.use(() => Effect.sleep("1 second"))
  const fibers = yield* Effect.forEach([1, 2, 3, 4], () => Effect.forkChild(Effect.result(work)))
  yield* TestClock.adjust("5 seconds")
  const results = yield* Fiber.joinAll(fibers)
  const told = results.map((result) => result._tag === "Success" ? "served" : result.failure._tag)
  yield* Console.log(`queueMax 2, one session, four requests: ${told.join(", ")}`)
}).pipe(Effect.scoped)

const controlled = Effect.gen(function*() {
  const database = yield* TestDatabase.make()
  const pool = yield* SessionPool.make({
    driver: database.driver,
    name: "shop",
    user: "scott",
    max: 1,
    queueTarget: "50 millis",
    queueInterval: "1 second"
  })
  // Ten requests a second arrive, and one session serves five.
  const outcomes: Array<string> = []
  const work = pool.use(() => Effect.sleep("200 millis"))
  for (let second = 1; second <= 4; second++) {
    outcomes.length = 0
    for (let i = 0; i < 10; i++) {
      const request = Effect.tap(
        Effect.result(work),
        (result) => Effect.sync(() => outcomes.push(result._tag === "Success" ? "served" : result.failure._tag))
      )
      yield* Effect.forkChild(request)
      yield* TestClock.adjust("100 millis")
    }
    const served = outcomes.filter((outcome) => outcome === "served").length
    yield* Console.log(
      `second ${second}: ${served} who waited were served, ${outcomes.length - served} newcomers refused`
    )
  }
  yield* TestClock.adjust("10 seconds")
  const { pending, totals } = yield* pool.statistics
  yield* Console.log(`in the end ${pending} wait; ${totals.refused} were refused, none timed out`)
}).pipe(Effect.scoped)

export const main = Effect.andThen(bounded, controlled).pipe(Effect.provide(TestClock.layer()))

if (import.meta.main) await Effect.runPromise(main)

/* Prints:
queueMax 2, one session, four requests: served, served, served, QueueFullError
second 1: 5 who waited were served, 0 newcomers refused
second 2: 5 who waited were served, 0 newcomers refused
second 3: 5 who waited were served, 10 newcomers refused
second 4: 5 who waited were served, 9 newcomers refused
in the end 0 wait; 19 were refused, none timed out
*/
