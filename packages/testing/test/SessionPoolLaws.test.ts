import { SessionPoolLaws, type TestDatabase } from "@sessionpool/testing"
import { Effect } from "effect"
import * as vitest from "vitest"

SessionPoolLaws.suite(vitest, SessionPoolLaws.testDatabase(), {
  runs: 80,
  maxOps: [3, 31],
  maxOpsShuffled: [7],
  stride: 6
})

// What a subject with sockets goes through: its own scheduler and clock, and a wait until everything has come to rest.
const live: SessionPoolLaws.Subject<TestDatabase.TestConnection> = {
  ...SessionPoolLaws.testDatabase(),
  name: "TestDatabase in real time",
  time: { settle: Effect.repeat(Effect.yieldNow, { times: 20 }) }
}

/** The same subject, whose server leaves out some of what it knows of a session. */
const without = (
  ...names: ReadonlyArray<"proxyUser" | "cclass" | "shardingKey" | "superShardingKey" | "user">
): SessionPoolLaws.Subject<TestDatabase.TestConnection> => {
  const subject = SessionPoolLaws.testDatabase()
  const leaveOut = (session: SessionPoolLaws.ServerSession): SessionPoolLaws.ServerSession => {
    const left = { ...session }
    for (const name of names) delete left[name]
    return left
  }
  return {
    ...subject,
    name: `TestDatabase without ${names.join(", ")}`,
    make: Effect.map(subject.make, (bench) => ({
      ...bench,
      server: { ...bench.server, sessions: Effect.map(bench.server.sessions, (sessions) => sessions.map(leaveOut)) }
    }))
  }
}

vitest.describe("what a subject leaves out is not checked (A7)", () => {
  for (const names of [["proxyUser"], ["cclass"], ["shardingKey", "superShardingKey", "user"]] as const) {
    vitest.it(
      names.join(", "),
      () => Effect.runPromise(Effect.asVoid(SessionPoolLaws.identities.check(without(...names), { runs: 40 })))
    )
  }
})

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
