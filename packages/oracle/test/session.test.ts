import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { discardResult } from "../src/internal/discard.ts"
import type { DriverConnection, ExecuteResult, Lob, ResultSet } from "../src/internal/oracledb.ts"
import { OracleSession } from "../src/internal/session.ts"
import { Sockets } from "../src/internal/sockets.ts"

/** A connection of which only what a test names is there. */
const connectionOf = (members: object): DriverConnection =>
  ({ isHealthy: () => true, callTimeout: 0, ...members }) as DriverConnection

const sessionOf = (members: object, breakLimit = 1000) =>
  new OracleSession({
    connection: connectionOf(members),
    sockets: new Sockets(),
    secrets: [],
    isPooledServer: false,
    limits: { breakLimit, commitLimit: 0 },
    context: { keeps: false, isPooledServer: false, attributes: new Map() },
    pipelines: { isOn: false, isRefused: false },
    outcomeOf: () => Effect.succeed("unknown")
  })

const cancelled = () => Object.assign(new Error("ORA-01013: cancelled"), { errorNum: 1013, code: "ORA-01013" })

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
      const session = sessionOf({})
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
      const session = sessionOf({
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
      const session = sessionOf({ break: async () => {}, ping: async () => {} }, 30)
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
      const session = sessionOf({
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
      const session = sessionOf({
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
      const session = sessionOf({})
      yield* Effect.ignore(session.call(() => Promise.reject(cancelled()), { sql: "select 1 from dual" }))
      assert.isFalse(session.isHealthy)
    }))
})
