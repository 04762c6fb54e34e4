/**
 * A tag names the state that a session was left in. A request for a tag gets a session in that state if there is one, and
 * `onSession` runs only when there is none, to bring about the state.
 */
import { SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Console, Effect } from "effect"

const print = (tag: string | undefined): string => tag ?? "no tag"

export const main = Effect.gen(function*() {
  const database = yield* TestDatabase.make({ answer: ({ text }) => Effect.succeed(text) })
  const pool = yield* SessionPool.make({
    driver: database.driver,
    user: "scott",
    max: 2,
    onSession: (connection: TestDatabase.TestConnection, { requestedTag }) =>
      Effect.gen(function*() {
        yield* Console.log(
          `  onSession: session ${connection.id} has ${print(connection.tag)}, wanted is ${print(requestedTag)}`
        )
        if (requestedTag === undefined) return
        yield* connection.execute(`alter session set ${requestedTag.replaceAll(";", " ")}`)
        yield* connection.setTag(requestedTag)
      })
  })
  const ask = (request: { readonly tag?: string; readonly matchAnyTag?: boolean }) =>
    pool.use(request, ({ id, tag }) => Console.log(`asked for ${print(request.tag)}: session ${id} with ${print(tag)}`))

  yield* ask({ tag: "TIME_ZONE=UTC" })
  yield* ask({ tag: "TIME_ZONE=UTC" })
  // The order of the properties does not matter.
  yield* ask({ tag: "TIME_ZONE=UTC;LANG=FRENCH" })
  yield* ask({ tag: "LANG=FRENCH;TIME_ZONE=UTC" })
  // The nearest state is less work than none.
  yield* ask({ tag: "TIME_ZONE=CET;LANG=FRENCH", matchAnyTag: true })
  // A request without a tag never gets a tagged session: the longest-idle session is replaced.
  yield* ask({})

  const malformed = yield* Effect.flip(ask({ tag: "FRENCH" }))
  yield* Console.log(malformed.message)
}).pipe(Effect.scoped)

if (import.meta.main) await Effect.runPromise(main)

/* Prints:
  onSession: session 1 has no tag, wanted is TIME_ZONE=UTC
asked for TIME_ZONE=UTC: session 1 with TIME_ZONE=UTC
asked for TIME_ZONE=UTC: session 1 with TIME_ZONE=UTC
  onSession: session 2 has no tag, wanted is TIME_ZONE=UTC;LANG=FRENCH
asked for TIME_ZONE=UTC;LANG=FRENCH: session 2 with TIME_ZONE=UTC;LANG=FRENCH
asked for LANG=FRENCH;TIME_ZONE=UTC: session 2 with TIME_ZONE=UTC;LANG=FRENCH
  onSession: session 2 has TIME_ZONE=UTC;LANG=FRENCH, wanted is TIME_ZONE=CET;LANG=FRENCH
asked for TIME_ZONE=CET;LANG=FRENCH: session 2 with TIME_ZONE=CET;LANG=FRENCH
  onSession: session 3 has no tag, wanted is no tag
asked for no tag: session 3 with no tag
Session pool "default" cannot use the tag "FRENCH": the property "FRENCH" has no "="; a tag has the form "name=value;name=value".
*/
