/**
 * The laws of a session pool once more, with the unmodified driver and a socket in place of the test database.
 *
 * Left out are those whose scripts kill sessions or let time pass: a socket that has been cut is not on the server's books any
 * more while the pool still holds it, and time is real. Their promises are shown one by one in the other tests.
 */
import { SessionPoolLaws } from "@sessionpool/testing"
import { Effect } from "effect"
import * as vitest from "vitest"
import { oracleSubject } from "./lawsSubject.ts"

vitest.describe("the laws over a socket", () => {
  for (
    const law of [
      SessionPoolLaws.sizes,
      SessionPoolLaws.order,
      SessionPoolLaws.tags,
      SessionPoolLaws.identities
    ]
  ) {
    vitest.it(law.title, () => Effect.runPromise(Effect.asVoid(law.check(oracleSubject(), { runs: 12, length: 15 }))))
  }

  vitest.it(
    SessionPoolLaws.interruptions.title,
    () =>
      Effect.runPromise(
        Effect.asVoid(SessionPoolLaws.interruptions.check(oracleSubject(), { maxOps: [64], stride: 3 }))
      ),
    100_000
  )
})
