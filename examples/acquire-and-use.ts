/**
 * Two ways to hold a session. `use` is a lease around one effect; `acquire` is a lease that ends with the scope. However
 * either ends, what was not committed is rolled back and the session goes back.
 */
import { SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Console, Effect } from "effect"

export const main = Effect.gen(function*() {
  const database = yield* TestDatabase.make({ answer: ({ text }) => Effect.succeed(text.toUpperCase()) })
  const pool = yield* SessionPool.make({ driver: database.driver, name: "hr", user: "scott", max: 2 })

  const short = yield* pool.use((connection) => connection.execute("select sysdate"))
  yield* Console.log(`use: ${short}`)

  const transfer = Effect.gen(function*() {
    const connection = yield* pool.acquire()
    yield* connection.begin
    yield* connection.execute("update accounts")
    yield* connection.commit
    return connection
  })
  const released = yield* Effect.scoped(transfer)
  yield* Console.log(`acquire: session ${released.id}, released ${released.isReleased}`)

  // After the end of the lease the connection is of no use any more; using it harms no other lease.
  const late = yield* Effect.flip(released.execute("select 1"))
  yield* Console.log(late.message)

  // A failure inside the lease is the caller's own; its open transaction is rolled back before the session goes back.
  const failed = pool.use((connection) => Effect.andThen(connection.begin, Effect.fail("no such account")))
  yield* Console.log(`failed: ${yield* Effect.flip(failed)}; rolled back ${yield* database.count("reset")} times`)

  // `release` ends a lease early, `drop` closes its session for good.
  yield* Effect.scoped(Effect.flatMap(pool.acquire(), (connection) => pool.drop(connection)))
  const { opened, totals } = yield* pool.statistics
  yield* Console.log(`lent ${totals.lent} times over ${totals.opened} opened session, ${opened} open now`)
}).pipe(Effect.scoped)

if (import.meta.main) await Effect.runPromise(main)

/* Prints:
use: SELECT SYSDATE
acquire: session 1, released true
A connection of session pool "hr" (session 1) was used after it was returned to the pool. Use it only inside the scope, or the function, that acquired it.
failed: no such account; rolled back 1 times
lent 4 times over 1 opened session, 0 open now
*/
