/**
 * What a request does when every session is busy: the four get modes, and a time limit for one request.
 *
 * It runs under the `TestClock`, as your own tests would: ten seconds pass in no time.
 */
import { SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Console, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"

export const main = Effect.gen(function*() {
  const database = yield* TestDatabase.make()
  const pool = yield* SessionPool.make({ driver: database.driver, name: "hr", user: "scott", max: 1 })

  const show = (what: string) => pool.use(({ id }) => Console.log(`${what}: session ${id}`))

  // Somebody holds the only session for ten seconds.
  yield* Effect.forkChild(pool.use(() => Effect.sleep("10 seconds")))
  yield* Effect.yieldNow

  yield* pool.reconfigure({ getMode: "noWait" })
  yield* Console.log(`noWait: ${(yield* Effect.flip(show("noWait")))._tag}`)

  yield* pool.reconfigure({ getMode: "forceGet" })
  yield* show("forceGet, past max")

  yield* pool.reconfigure({ getMode: "timedWait", waitTimeout: "2 seconds" })
  const timed = yield* Effect.forkChild(Effect.flip(show("timedWait")))
  yield* TestClock.adjust("2 seconds")
  yield* Console.log(`timedWait: ${(yield* Fiber.join(timed))._tag} after 2 seconds`)

  yield* pool.reconfigure({ getMode: "wait" })
  const waits = yield* Effect.forkChild(show("wait"))
  const bounded = yield* Effect.forkChild(Effect.flip(pool.use({ waitTimeout: "1 second" }, () => Effect.void)))
  yield* TestClock.adjust("1 second")
  yield* Console.log(`wait, this request for 1 second at most: ${(yield* Fiber.join(bounded))._tag}`)
  yield* TestClock.adjust("10 seconds")
  yield* Fiber.join(waits)
}).pipe(Effect.scoped, Effect.provide(TestClock.layer()))

if (import.meta.main) await Effect.runPromise(main)

/* Prints:
noWait: PoolExhaustedError
forceGet, past max: session 2
timedWait: AcquireTimeoutError after 2 seconds
wait, this request for 1 second at most: AcquireTimeoutError
wait: session 1
*/
