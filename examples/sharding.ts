/**
 * Sharding keys choose the shard of a distributed database. Sessions of different keys are never exchanged, and
 * `maxSessionsPerShard` bounds how many there are for each.
 */
import { SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Console, Effect } from "effect"
import { TestClock } from "effect/testing"

export const main = Effect.gen(function*() {
  const database = yield* TestDatabase.make()
  const pool = yield* SessionPool.make({ driver: database.driver, user: "scott", max: 6, maxSessionsPerShard: 2 })
  const visit = (customer: string) =>
    pool.use(
      { shardingKey: customer, superShardingKey: ["gold", 7] },
      ({ id, session }) =>
        Effect.delay(Console.log(`session ${id} is at the shard of ${session.shardingKey}`), "1 second")
    )

  // Three visits to one shard: two sessions, so the third waits for one of them.
  yield* Effect.forkChild(Effect.all(
    [visit("ada"), visit("ada"), visit("ada"), visit("grace")],
    { concurrency: "unbounded" }
  ))
  yield* TestClock.adjust("1 second")
  yield* Console.log("one second later")
  yield* TestClock.adjust("1 second")
  const { opened } = yield* pool.statistics
  yield* Console.log(`${opened} sessions are open`)
}).pipe(Effect.scoped, Effect.provide(TestClock.layer()))

if (import.meta.main) await Effect.runPromise(main)

/* Prints:
session 1 is at the shard of ada
session 2 is at the shard of ada
session 3 is at the shard of grace
one second later
session 1 is at the shard of ada
3 sessions are open
*/
