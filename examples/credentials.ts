/**
 * Credentials as an effect: it is asked whenever a session is opened. When it yields other credentials, the sessions that
 * were opened with the old ones are closed as they come back; nothing is restarted.
 */
import { SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Console, Effect, Redacted, Ref } from "effect"

export const main = Effect.gen(function*() {
  const database = yield* TestDatabase.make({ accounts: { app: "spring" } })
  // What a secret store would hold.
  const secret = yield* Ref.make("spring")
  const pool = yield* SessionPool.make({
    driver: database.driver,
    max: 3,
    credentials: Effect.map(Ref.get(secret), (password) => ({ user: "app", password: Redacted.make(password) }))
  })
  const show = (what: string) => pool.use(({ id }) => Console.log(`${what}: session ${id}`))

  yield* show("before")
  yield* Ref.set(secret, "summer")
  yield* database.setPassword("app", "summer")
  // Sessions that are open stay good; the next opening brings the new password, and the old sessions retire.
  yield* pool.use(() => show("a second session, opened with the new password"))
  yield* show("after")
  const open = yield* database.sessions
  yield* Console.log(`open: ${open.length}; refused log-ins: ${(yield* database.refusedLogins).size}`)
}).pipe(Effect.scoped)

if (import.meta.main) await Effect.runPromise(main)

/* Prints:
before: session 1
a second session, opened with the new password: session 2
after: session 2
open: 1; refused log-ins: 0
*/
