/**
 * Proxy users: the pool's own user opens sessions on behalf of others, whose passwords the program never sees. The name of
 * the other user is all that a request gives.
 */
import { SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Console, Effect, Redacted } from "effect"

export const main = Effect.gen(function*() {
  const database = yield* TestDatabase.make({ accounts: { app: "secret", ada: "engine" } })
  const pool = yield* SessionPool.make({
    driver: database.driver,
    user: "app",
    password: Redacted.make("secret"),
    homogeneous: false,
    max: 4
  })
  const show = (connection: TestDatabase.TestConnection) => {
    const { proxyUser, user } = connection.session
    return Console.log(`session ${connection.id}: ${user}${proxyUser === undefined ? "" : ` acts for ${proxyUser}`}`)
  }

  yield* pool.use(show)
  yield* pool.use({ user: "grace" }, show)
  yield* pool.use({ user: "[grace]" }, show)
  // `user[proxy]` with a password: another user than the pool's acts for somebody.
  yield* pool.use({ user: "ada[grace]", password: Redacted.make("engine") }, show)
}).pipe(Effect.scoped)

if (import.meta.main) await Effect.runPromise(main)

/* Prints:
session 1: app
session 2: app acts for grace
session 2: app acts for grace
session 3: ada acts for grace
*/
