/**
 * The three ways to close a pool. The end of its scope is the second one, with the setting `drainTimeout`.
 */
import { SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Console, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"

const withBusyPool = (title: string, close: SessionPool.CloseOptions | undefined) =>
  Effect.gen(function*() {
    const database = yield* TestDatabase.make({ answer: () => Effect.as(Effect.sleep("3 seconds"), "done") })
    const pool = yield* SessionPool.make({ driver: database.driver, name: "hr", user: "scott", max: 2 })
    const work = pool.use((connection) => Effect.andThen(connection.execute("slow"), connection.execute("slow again")))
    const busy = yield* Effect.forkChild(Effect.result(work))
    yield* TestClock.adjust("1 second")
    const closing = yield* Effect.forkChild(Effect.result(pool.close(close)))
    yield* TestClock.adjust("10 seconds")
    const closed = yield* Fiber.join(closing)
    const worked = yield* Fiber.join(busy)
    yield* Console.log(title)
    yield* Console.log(`  close: ${closed._tag === "Success" ? "done" : closed.failure._tag}`)
    yield* Console.log(`  the busy caller: ${worked._tag === "Success" ? "finished" : worked.failure._tag}`)
    const later = yield* Effect.result(pool.use(() => Effect.void))
    yield* Console.log(`  later requests: ${later._tag === "Success" ? "served" : later.failure._tag}`)
    yield* Console.log(`  open: ${(yield* database.sessions).length}`)
  }).pipe(Effect.scoped)

export const main = Effect.gen(function*() {
  yield* withBusyPool("plain: refuses while sessions are busy", undefined)
  yield* withBusyPool("drain: waits for busy sessions, 10 seconds at most", { drainTimeout: "10 seconds" })
  yield* withBusyPool("drain: not long enough", { drainTimeout: "1 second" })
  yield* withBusyPool("force: takes busy sessions away", { force: true })
}).pipe(Effect.provide(TestClock.layer()))

if (import.meta.main) await Effect.runPromise(main)

/* Prints:
plain: refuses while sessions are busy
  close: PoolBusyError
  the busy caller: finished
  later requests: served
  open: 1
drain: waits for busy sessions, 10 seconds at most
  close: done
  the busy caller: finished
  later requests: PoolClosedError
  open: 0
drain: not long enough
  close: done
  the busy caller: ConnectionReleasedError
  later requests: PoolClosedError
  open: 0
force: takes busy sessions away
  close: done
  the busy caller: ConnectionReleasedError
  later requests: PoolClosedError
  open: 0
*/
