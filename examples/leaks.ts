/**
 * Leak detection: a lease that is held for longer than `leakDetectionThreshold` is reported, with the line of the program
 * that took it. It is reported again when it comes back after all. The log has the same as a warning.
 */
import { PoolEvent, SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Console, Effect, Fiber, Logger, Stream } from "effect"
import { TestClock } from "effect/testing"
import { basename } from "node:path"

export const main = Effect.gen(function*() {
  const database = yield* TestDatabase.make()
  const pool = yield* SessionPool.make({
    driver: database.driver,
    user: "scott",
    max: 1,
    leakDetectionThreshold: "30 seconds"
  })
  const where = (line: string | undefined) => basename(line ?? "unknown").replace(/:.*$/, "")
  const describe = PoolEvent.$match({
    ...PoolEvent.ignored,
    LeakSuspected: ({ heldMillis, session, takenAt }) =>
      `session ${session} is held for ${heldMillis / 1000} seconds; it was taken in ${where(takenAt)}`,
    LeakReturned: ({ heldMillis, session }) => `session ${session} came back after ${heldMillis / 1000} seconds`
  })
  yield* pool.events.pipe(
    Stream.map(describe),
    Stream.runForEach((line) => line === undefined ? Effect.void : Console.log(line)),
    Effect.forkChild
  )
  const slow = yield* Effect.forkChild(pool.use(() => Effect.sleep("1 minute")))
  yield* TestClock.adjust("40 seconds")
  // Who waits in vain learns it, too: the error names the leases that are held longest.
  const impatient = yield* Effect.forkChild(Effect.flip(pool.use({ waitTimeout: "5 seconds" }, () => Effect.void)))
  yield* TestClock.adjust("5 seconds")
  const error = yield* Fiber.join(impatient)
  if (error._tag === "AcquireTimeoutError") {
    const [lease] = error.snapshot.leases
    yield* Console.log(
      `a request timed out; session ${lease?.session} is held for ${(lease?.heldMillis ?? 0) / 1000} seconds, ` +
        `taken in ${where(lease?.takenAt)}`
    )
  }
  yield* TestClock.adjust("1 minute")
  yield* Fiber.join(slow)
  // Without a logger here: the warnings would show as well.
}).pipe(Effect.scoped, Effect.provide([Logger.layer([]), TestClock.layer()]))

if (import.meta.main) await Effect.runPromise(main)

/* Prints:
session 1 is held for 30 seconds; it was taken in leaks.ts
a request timed out; session 1 is held for 45 seconds, taken in leaks.ts
session 1 came back after 60 seconds
*/
