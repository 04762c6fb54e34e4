/** The laws of a session pool once more, with the unmodified driver and a socket in place of the test database. */
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
      SessionPoolLaws.identities,
      SessionPoolLaws.endings
    ]
  ) {
    vitest.it(law.title, () => Effect.runPromise(Effect.asVoid(law.check(oracleSubject(), { runs: 12, length: 15 }))))
  }
})
