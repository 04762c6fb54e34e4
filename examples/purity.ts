/**
 * `purity: "new"` asks for a session that was never lent. One that is already open serves;
 * at `max` an idle session is closed to make room.
 */
import { SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Console, Effect } from "effect"

export const main = Effect.gen(function*() {
  const database = yield* TestDatabase.make()
  const pool = yield* SessionPool.make({ driver: database.driver, user: "scott", min: 2, max: 2, waitForMin: true })
  const show = (what: string) => (connection: TestDatabase.TestConnection) =>
    Console.log(`${what}: session ${connection.id}`)

  yield* pool.use(show("any session"))
  yield* pool.use(show("any session"))
  yield* pool.use({ purity: "new" }, show("one that was never lent"))
  yield* pool.use({ purity: "new" }, show("another one"))
  yield* Console.log(`never more than ${yield* database.mostOpen} sessions were open`)
}).pipe(Effect.scoped)

if (import.meta.main) await Effect.runPromise(main)

/* Prints:
any session: session 2
any session: session 2
one that was never lent: session 1
another one: session 3
never more than 2 sessions were open
*/
