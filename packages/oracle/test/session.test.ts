import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { discardResult } from "../src/internal/discard.ts"
import type { ExecuteResult, Lob, ResultSet } from "../src/internal/oracledb.ts"
import { cancelled, scriptedSession } from "./scriptedSession.ts"

describe("a call that was given up", () => {
  it.effect("frees what its answer brings: result sets, OUT cursors, LOBs, rows with either (F36)", () =>
    Effect.gen(function*() {
      const closed: Array<string> = []
      const closable = (name: string, member: "getRows" | "getData") => ({
        [member]: () => {},
        close: async () => {
          closed.push(name)
        }
      })
      const cursor = (name: string) => closable(name, "getRows") as unknown as ResultSet
      const lob = (name: string) => closable(name, "getData") as unknown as Lob
      const result: ExecuteResult = {
        resultSet: cursor("result set"),
        implicitResults: [cursor("implicit")],
        outBinds: { rows: cursor("out cursor"), body: lob("out lob"), all: [lob("element")], n: 1, at: new Date() },
        rows: [[1, lob("column")], ["x", cursor("nested")]]
      }
      const answer = Promise.withResolvers<ExecuteResult>()
      const session = scriptedSession({})
      const fiber = yield* Effect.forkChild(session.call(() => answer.promise, { discard: discardResult }))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      answer.resolve(result)
      yield* session.call(async () => {})
      assert.sameMembers(closed, [
        "result set",
        "implicit",
        "out cursor",
        "out lob",
        "element",
        "column",
        "nested"
      ])
    }))

  it.effect("is broken once, however many want it stopped (A14)", () =>
    Effect.gen(function*() {
      let breaks = 0
      const answer = Promise.withResolvers<never>()
      const session = scriptedSession({
        break: async () => {
          breaks++
          setImmediate(() => answer.reject(cancelled()))
        },
        ping: async () => {}
      })
      const fiber = yield* Effect.forkChild(session.call(() => answer.promise))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      yield* Effect.all([session.stop, session.stop, session.stop], { concurrency: "unbounded" })
      assert.strictEqual(breaks, 1)
      assert.isTrue(session.isHealthy)
    }))

  it.live("loses the session when the break has no end, for all who wait for it (A14)", () =>
    Effect.gen(function*() {
      const session = scriptedSession({ break: async () => {}, ping: async () => {} }, {
        limits: { breakLimit: 30, commitLimit: 0 }
      })
      const fiber = yield* Effect.forkChild(session.call(() => new Promise<void>(() => {})))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      const exits = yield* Effect.all([Effect.exit(session.stop), Effect.exit(session.stop)], {
        concurrency: "unbounded"
      })
      assert.isTrue(exits.every(Exit.isFailure))
      assert.isFalse(session.isHealthy)
    }))

  it.effect("is not broken when it is too short for that, and stopping it waits for its end (D11)", () =>
    Effect.gen(function*() {
      let breaks = 0
      let freed = 0
      const answer = Promise.withResolvers<void>()
      const session = scriptedSession({
        break: async () => {
          breaks++
        }
      })
      const discard = async () => {
        freed++
      }
      const fiber = yield* Effect.forkChild(session.call(() => answer.promise, { isUnbreakable: true, discard }))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      const stopping = yield* Effect.forkChild(session.stop)
      yield* Effect.yieldNow
      answer.resolve()
      yield* Fiber.join(stopping)
      assert.deepStrictEqual([breaks, freed], [0, 1])
    }))
})

describe("without the driver's private members", () => {
  it.effect("an empty call takes a break that came too late", () =>
    Effect.gen(function*() {
      let pings = 0
      const answer = Promise.withResolvers<string>()
      const session = scriptedSession({
        break: async () => {
          answer.resolve("in time")
        },
        ping: async () => {
          pings++
          throw cancelled()
        }
      })
      const fiber = yield* Effect.forkChild(session.call(() => answer.promise))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      yield* session.stop
      assert.strictEqual(pings, 1)
      assert.isTrue(session.isHealthy)
    }))

  it.effect("a session whose statement was broken ends with its lease (S8)", () =>
    Effect.gen(function*() {
      const session = scriptedSession({})
      yield* Effect.ignore(session.call(() => Promise.reject(cancelled()), { sql: "select 1 from dual" }))
      assert.isFalse(session.isHealthy)
    }))
})
