/**
 * What the pool does on its own as time goes by: it closes idle sessions down to `min`, ends old ones, and pings idle ones
 * so that no firewall forgets them. No request is needed for that. The `TestClock` makes hours pass in no time.
 */
import { PoolEvent, SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Console, Effect, Stream } from "effect"
import { TestClock } from "effect/testing"

export const main = Effect.gen(function*() {
  const database = yield* TestDatabase.make()
  const pool = yield* SessionPool.make({
    driver: database.driver,
    user: "scott",
    min: 1,
    max: 4,
    timeout: "5 minutes",
    keepAlive: "2 minutes",
    maxLifetimeSession: "1 hour",
    // All sessions live for exactly an hour here; by default lifetimes differ by up to a tenth.
    lifetimeJitter: 0
  })
  const describe = PoolEvent.$match({
    ...PoolEvent.ignored,
    SessionOpened: ({ at, session }) => `${at / 60_000} min: session ${session} opened`,
    SessionClosed: ({ at, reason, session }) => `${at / 60_000} min: session ${session} closed (${reason})`
  })
  yield* pool.events.pipe(
    Stream.map(describe),
    Stream.runForEach((line) => line === undefined ? Effect.void : Console.log(line)),
    Effect.forkChild
  )
  yield* Effect.yieldNow

  // Three at once, and then none.
  yield* Effect.forEach([1, 2, 3], () => pool.use(() => Effect.yieldNow), { concurrency: "unbounded" })
  yield* TestClock.adjust("10 minutes")
  const { opened } = yield* pool.statistics
  yield* Console.log(`after 10 minutes: ${opened} open, ${yield* database.count("pinged")} pings`)
  yield* TestClock.adjust("50 minutes")
}).pipe(Effect.scoped, Effect.provide(TestClock.layer()))

if (import.meta.main) await Effect.runPromise(main)

/* Prints:
0 min: session 2 opened
0 min: session 3 opened
5 min: session 1 closed (idle)
5 min: session 2 closed (idle)
after 10 minutes: 1 open, 9 pings
60 min: session 3 closed (expired)
60 min: session 4 opened
*/
