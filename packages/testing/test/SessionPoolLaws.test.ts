import { SessionPoolLaws, type TestDatabase } from "@sessionpool/testing"
import { Effect } from "effect"
import * as vitest from "vitest"

SessionPoolLaws.suite(vitest, SessionPoolLaws.testDatabase(), {
  runs: 120,
  maxOps: [3, 31],
  maxOpsShuffled: [7],
  stride: 4
})

// What a subject with sockets goes through: its own scheduler and clock, and a wait until everything has come to rest.
const live: SessionPoolLaws.Subject<TestDatabase.TestConnection> = {
  ...SessionPoolLaws.testDatabase(),
  name: "TestDatabase in real time",
  time: { settle: Effect.repeat(Effect.yieldNow, { times: 20 }) }
}

vitest.describe("the laws in real time", () => {
  for (
    const law of [SessionPoolLaws.order, SessionPoolLaws.tags, SessionPoolLaws.identities, SessionPoolLaws.endings]
  ) {
    vitest.it(law.title, () => Effect.runPromise(Effect.asVoid(law.check(live, { runs: 10, length: 15 }))))
  }

  vitest.it(
    SessionPoolLaws.interruptions.title,
    () => Effect.runPromise(Effect.asVoid(SessionPoolLaws.interruptions.check(live, { maxOps: [31] })))
  )
})
