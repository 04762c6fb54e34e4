/**
 * A heterogeneous pool: each request may bring a user and a password of its own. Sessions are kept apart by both, so a
 * wrong password never gets a session that was opened with the right one.
 */
import { SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Console, Effect, Logger, Redacted } from "effect"

export const main = Effect.gen(function*() {
  const database = yield* TestDatabase.make({ accounts: { ada: "engine", grace: "compiler" } })
  // No user of the pool's own: every request brings one.
  const pool = yield* SessionPool.make({ driver: database.driver, name: "crm", homogeneous: false, max: 2 })
  const as = (user: string, password: string) =>
    pool.use(
      { user, password: Redacted.make(password) },
      ({ id, session }) => Console.log(`session ${id} belongs to ${session.user}`)
    )

  yield* as("ada", "engine")
  yield* as("ada", "engine")
  yield* as("grace", "compiler")

  const stolen = yield* Effect.flip(as("ada", "guess"))
  yield* Console.log(stolen.message)
  // The pool does not try the same credentials again: it never locks an account.
  yield* Effect.flip(as("ada", "guess"))
  yield* Console.log(`refused log-ins of ada: ${(yield* database.refusedLogins).get("ada")}`)

  yield* pool.reconfigure({ user: "ada", password: Redacted.make("engine"), homogeneous: true })
  const homogeneous = yield* Effect.flip(as("grace", "compiler"))
  yield* Console.log(homogeneous.message)
  // Without a logger here: the pool also logs a warning when a session cannot be opened.
}).pipe(Effect.scoped, Effect.provide(Logger.layer([])))

if (import.meta.main) await Effect.runPromise(main)

/* Prints:
session 1 belongs to ada
session 1 belongs to ada
session 2 belongs to grace
Session pool "crm" could not open a session for ada: invalid user name or password for "ada". The database refused the credentials; the pool will not retry until they change (another result of the credentials effect, or a request with others) or reconfigure is called.
refused log-ins of ada: 1
Session pool "crm" is homogeneous: all its sessions belong to the pool's own user, so a request cannot name a user or a password. Make the pool with homogeneous: false to let each request bring its own.
*/
