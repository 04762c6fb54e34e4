/**
 * The database goes away and comes back. Who cannot be served learns the cause; opening is tried again with growing pauses;
 * and once the database is back the pool recovers by itself, with no traffic and no restart.
 */
import { SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Console, Effect, Fiber, Logger } from "effect"
import { TestClock } from "effect/testing"

export const main = Effect.gen(function*() {
  const database = yield* TestDatabase.make({ answer: () => Effect.succeed("fine") })
  const pool = yield* SessionPool.make({ driver: database.driver, name: "hr", user: "scott", min: 2, max: 4 })
  const ask = pool.use((connection) => connection.execute("select 'fine' from dual"))
  yield* Console.log(`before: ${yield* ask}`)

  yield* database.refuseToOpen()
  yield* Console.log(`${yield* database.killAll} sessions were killed, and no new ones can be opened`)
  // The first caller gets what the driver said. Its session is dropped, and the other one is pinged before it is lent: the
  // second caller is spared a dead session, and learns why there is no other.
  yield* Console.log(`first caller: ${(yield* Effect.flip(ask)).message}`)
  const second = yield* Effect.forkChild(Effect.flip(ask))
  yield* TestClock.adjust("1 second")
  yield* Console.log(`second caller: ${(yield* Fiber.join(second)).message}`)

  yield* TestClock.adjust("1 minute")
  const { totals } = yield* pool.statistics
  yield* Console.log(
    `a minute later: ${totals.openFailures < 90 ? "about one attempt a second" : "a storm of attempts"} to open`
  )

  yield* database.heal
  yield* TestClock.adjust("10 seconds")
  const { opened } = yield* pool.statistics
  yield* Console.log(`the database is back: ${opened} sessions are open again, before any request`)
  yield* Console.log(`after: ${yield* ask}`)

  // A statement that is interrupted is stopped at the server, and its session is pinged before anybody else gets it.
  yield* database.behave("execute", { latency: "1 hour" })
  const slow = yield* Effect.forkChild(ask)
  yield* TestClock.adjust("1 second")
  yield* Fiber.interrupt(slow)
  yield* Console.log(`interrupted: the server stopped ${yield* database.count("interrupted")} statement`)
}).pipe(Effect.scoped, Effect.provide([Logger.layer([]), TestClock.layer()]))

if (import.meta.main) await Effect.runPromise(main)

/* Prints:
before: fine
2 sessions were killed, and no new ones can be opened
first caller: session 2 is dead
second caller: Session pool "hr" could not open a session for the pool's user: the database was told to fail "open". 2 attempts in a row have failed; the pool keeps trying, with growing pauses.
a minute later: about one attempt a second to open
the database is back: 2 sessions are open again, before any request
after: fine
interrupted: the server stopped 1 statement
*/
