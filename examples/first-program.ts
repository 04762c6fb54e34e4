/** The smallest whole program: a pool, one session, one statement. */
import { SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Console, Effect } from "effect"

export const main = Effect.gen(function*() {
  // A database in memory, in place of Oracle: `answer` says what statements come to.
  const database = yield* TestDatabase.make({ answer: () => Effect.succeed(42) })
  const pool = yield* SessionPool.make({ driver: database.driver, user: "scott", min: 1, max: 4 })

  const answer = yield* pool.use((connection) => connection.execute("select 42 from dual"))
  yield* Console.log(`The answer is ${answer}.`)

  const { busy, opened } = yield* pool.statistics
  yield* Console.log(`${opened} session is open, ${busy} are busy.`)
}).pipe(Effect.scoped)

if (import.meta.main) await Effect.runPromise(main)

/* Prints:
The answer is 42.
1 session is open, 0 are busy.
*/
