/**
 * Watching a pool: `events` is a stream of what happens, `statistics` are the figures of the moment. A running tally by tag
 * is a few lines.
 */
import { SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Console, Effect, Fiber, Stream } from "effect"

/** Without times: those differ from run to run. */
const print = (facts: object): string =>
  Object.entries(facts)
    .filter(([name, value]) => value !== undefined && name !== "at" && !name.endsWith("Millis"))
    .map(([name, value]) => `${name} ${value}`)
    .join(", ")

export const main = Effect.gen(function*() {
  const database = yield* TestDatabase.make()
  const pool = yield* SessionPool.make({
    driver: database.driver,
    name: "hr",
    user: "scott",
    max: 2,
    onSession: (connection: TestDatabase.TestConnection, { requestedTag }) => connection.setTag(requestedTag)
  })
  const watching = yield* pool.events.pipe(
    Stream.take(8),
    Stream.runForEach(({ _tag, ...facts }) => Console.log(`${_tag}: ${print(facts)}`)),
    Effect.forkChild
  )
  yield* Effect.yieldNow
  yield* pool.use({ tag: "LANG=FRENCH" }, () => Effect.yieldNow)
  yield* pool.use({ tag: "LANG=FRENCH" }, () => Effect.yieldNow)
  yield* pool.use(() => Effect.yieldNow)
  yield* Fiber.join(watching)

  const { busy, idle, opened, pending, totals } = yield* pool.statistics
  yield* Console.log(`open ${opened}, busy ${busy}, idle ${idle}, waiting ${pending}`)
  yield* Console.log(`lent ${totals.lent} times, ${totals.hits} of them at once and in the right state`)
}).pipe(Effect.scoped)

if (import.meta.main) await Effect.runPromise(main)

/* Prints:
SessionOpened: session 1, identity the pool's user, instance test
SessionLent: session 1, requestedTag LANG=FRENCH, hit false
SessionReturned: session 1, tag LANG=FRENCH
SessionLent: session 1, requestedTag LANG=FRENCH, tag LANG=FRENCH, hit true
SessionReturned: session 1, tag LANG=FRENCH
SessionOpened: session 2, identity the pool's user, instance test
SessionLent: session 2, hit false
SessionReturned: session 2
open 2, busy 0, idle 2, waiting 0
lent 3 times, 1 of them at once and in the right state
*/
