import { assert, describe, it } from "@effect/vitest"
import { OracleSessionPool } from "@sessionpool/oracle"
import { Fault, OracleServer } from "@sessionpool/oracle-server"
import { Effect, Redacted } from "effect"
import { SessionHistory } from "./sessionHistory.ts"
import { Tally } from "./tally.ts"
import { draw } from "./timeline.ts"
import { killMidQuery } from "./trouble.ts"

const history = () => {
  const made = new SessionHistory()
  const pool = "bookings"
  const event = { pool, session: 1, user: "scott", identity: "scott", instance: undefined }
  made.record({ ...event, _tag: "SessionOpened", at: 100, tookMillis: 100 } as never)
  for (const [at, tag] of [[200, "REGION=EUROPE"], [400, undefined]] as const) {
    made.record({ ...event, _tag: "SessionLent", at, requestedTag: tag, hit: false, waitedMillis: 0 } as never)
    made.record({ ...event, _tag: "SessionReturned", at: at + 100, tag } as never)
  }
  made.record({ ...event, _tag: "SessionClosed", at: 900 } as never)
  made.outageBegins(600)
  made.outageEnds(800)
  for (const at of [600, 620, 640, 990]) made.incident(at, `something of some length befell it at ${at}`)
  return made
}

describe("the timeline", () => {
  const svg = draw(history(), { title: "a & b", began: 0, ended: 1000, tags: ["REGION=EUROPE"] })

  it("has a legend for every color, the outage included (G3)", () => {
    const legend = [...svg.matchAll(/<rect x="\d+(?:\.\d+)?" y="38"[^>]*fill="(#\w+)"/g)].map((match) => match[1])
    const used = [...svg.matchAll(/<path stroke="(#\w+)"/g)].map((match) => match[1])
    assert.lengthOf(used, 4)
    assert.includeMembers(legend, used)
    const shade = /<rect x="[\d.]+" y="116" width="([\d.]+)"[^>]*fill="(#\w+)"/.exec(svg)
    assert.include(legend, shade?.[2])
    assert.strictEqual(Number(shade?.[1]), 222)
  })

  it("keeps its labels apart and inside (G3)", () => {
    const labels = [...svg.matchAll(/<text x="([\d.]+)" y="(\d+)" fill="#dc2626" text-anchor="middle">([^<]+)</g)]
      .map(([, x, y, text]) => {
        const half = text!.length * 6.8 / 2
        return { y: Number(y), from: Number(x) - half, to: Number(x) + half }
      })
    assert.lengthOf(labels, 4)
    for (const [index, label] of labels.entries()) {
      assert.isAtLeast(label.from, 0)
      assert.isAtMost(label.to, 1200)
      for (const other of labels.slice(index + 1)) {
        assert.isTrue(label.y !== other.y || label.to < other.from || other.to < label.from)
      }
    }
  })
})

describe("the tally", () => {
  it("counts the errors of the outage as such, until work is done again (G3)", () => {
    const tally = new Tally()
    const failure = { _tag: "OpenSessionError" }
    tally.isOutage = true
    tally.isDatabaseBack = false
    tally.failed(failure)
    // What was under way when it began may still end well.
    tally.succeeded()
    tally.failed(failure)
    tally.isDatabaseBack = true
    tally.failed(failure)
    tally.succeeded()
    tally.failed({ _tag: "OracleError", code: "ORA-00028" })
    tally.failed({ _tag: "OracleError", code: "ORA-00001" })
    const lines = tally.lines().join("\n")
    assert.include(lines, "In the outage   3 OpenSessionError")
    assert.include(lines, "Other errors    1 OracleError ORA-00028")
    assert.include(lines, "1 rooms were taken already")
  })
})

describe("the trouble", () => {
  it.live("kills its session, however long that takes to begin (G3)", () =>
    Effect.scoped(Effect.gen(function*() {
      const server = yield* OracleServer.make({ users: { demo: "secret" } })
      const pool = yield* OracleSessionPool.make<OracleSessionPool.Failure>({
        connectString: server.connectString,
        user: "demo",
        password: Redacted.make("secret"),
        max: 2
      })
      yield* server.inject(Fault.delay({ milliseconds: 1500, on: "authPhaseOne" }))
      const said: Array<string> = []
      yield* killMidQuery(pool, server, {
        say: (what) => Effect.sync(() => said.push(what)),
        outageBegins: Effect.void,
        outageEnds: Effect.void
      })
      assert.deepStrictEqual(said, ["session killed mid-query: its caller got ORA-00028"])
    })))
})
