import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import type { RunningServer } from "../../src/internal/server/start.ts"
import { type Connection, oracledb } from "../driver.ts"
import { cannedEngine, column, cursor, makeLob, query, waits } from "./cannedEngine.ts"
import { type Relay, relayTo } from "./relay.ts"
import { codeOf, connect, dialects, eventually, portOf, serve } from "./served.ts"

const ref = { dir: oracledb["BIND_OUT"], type: oracledb["CURSOR"] }

const numbers = { columns: [column("N", "NUMBER")], run: () => query([column("N", "NUMBER")], [["1"], ["2"], ["3"]]) }

const engine = () =>
  cannedEngine({
    "select n": numbers,
    "select clob": { run: () => query([column("C", "CLOB")], [[makeLob("CLOB", "text")]]) },
    "begin wait; end;": waits,
    "begin open :c; end;": {
      directions: ["out"],
      run: () => ({
        rowCount: 0,
        outBinds: [{
          index: 0,
          direction: "out",
          type: "CURSOR",
          values: [cursor([column("N", "NUMBER")], [["1"]])]
        }]
      })
    },
    "insert": { run: () => ({ rowCount: 1 }) }
  })

const sessionOf = (server: RunningServer) => [...server.cluster.instances[0]!.sessions.values()][0]!.session

const executed = (canned: ReturnType<typeof engine>, sql: string) =>
  canned.opened[0]!.events.filter((event) => event === `execute ${sql}`).length

const through = (relay: Relay) => ({ connectString: `127.0.0.1:${relay.port}/FREEPDB1` })

/** Breaks a call off whose answer is on its way. */
const breakLate = (
  server: RunningServer,
  relay: Relay,
  connection: Connection,
  work: () => Promise<unknown>
): Effect.Effect<string> =>
  Effect.gen(function*() {
    const { byFunction, roundTrips } = server.cluster.counters()
    relay.toClient.hold()
    const running = yield* Effect.forkChild(codeOf(work))
    yield* eventually(() => server.cluster.counters().roundTrips > roundTrips && relay.toClient.size > 0)
    yield* Effect.promise(() => connection.break())
    yield* eventually(() => (server.cluster.counters().byFunction.break ?? 0) > (byFunction.break ?? 0))
    relay.toClient.release()
    return yield* Fiber.join(running)
  })

for (const { name, protocol } of dialects) {
  describe(`cancellation, ${name}`, () => {
    it.live("a statement that is broken off leaves no cursor behind (F36)", () =>
      Effect.gen(function*() {
        const server = yield* serve(engine(), { protocol, maxOpenCursors: 4 })
        const connection = yield* connect(server)
        for (let again = 0; again < 8; again++) {
          const waiting = yield* Effect.forkChild(codeOf(() => connection.execute("begin wait; end;")))
          yield* eventually(() => [...server.cluster.instances[0]!.sessions.values()][0]?.active === true)
          yield* Effect.promise(() => connection.break())
          assert.strictEqual(yield* Fiber.join(waiting), "ORA-01013")
        }
        yield* Effect.promise(() => connection.ping())
        assert.strictEqual(sessionOf(server).cursors.size, 0)
      }))

    it.live("an answer that the break overtook leaves no cursor and no LOB behind (F36)", () =>
      Effect.gen(function*() {
        const server = yield* serve(engine(), { protocol, maxOpenCursors: 6 })
        const relay = yield* relayTo(portOf(server))
        const connection = yield* connect(server, through(relay))
        for (let again = 0; again < 4; again++) {
          const late = (work: () => Promise<unknown>) => breakLate(server, relay, connection, work)
          assert.strictEqual(yield* late(() => connection.execute("select n")), "ORA-01013")
          assert.strictEqual(yield* late(() => connection.execute("begin open :c; end;", { c: ref })), "ORA-01013")
          assert.strictEqual(yield* late(() => connection.createLob(oracledb["CLOB"])), "ORA-01013")
          assert.strictEqual(sessionOf(server).lobs.temporary, 0)
        }
        yield* Effect.promise(() => connection.ping())
        assert.strictEqual(sessionOf(server).cursors.size, 0)
        const { rows } = yield* Effect.promise(() => connection.execute("select n"))
        assert.deepStrictEqual(rows, [[1], [2], [3]])
      }))

    it.live("a break in the second round trip of a LOB query spoils no later execution (S8)", () =>
      Effect.gen(function*() {
        const server = yield* serve(engine(), { protocol })
        const relay = yield* relayTo(portOf(server))
        const connection = yield* connect(server, through(relay))
        const { byFunction } = server.cluster.counters()
        relay.toServer.hold()
        const running = yield* Effect.forkChild(codeOf(() => connection.execute("select clob")))
        yield* eventually(() => relay.toServer.size === 1)
        relay.toServer.release()
        relay.toServer.hold()
        yield* eventually(() => relay.toServer.size === 1)
        yield* Effect.promise(() => connection.break())
        relay.toServer.release()
        assert.strictEqual(yield* Fiber.join(running), "ORA-01013")
        assert.strictEqual((server.cluster.counters().byFunction.execute ?? 0) - (byFunction.execute ?? 0), 2)
        for (let again = 0; again < 3; again++) {
          assert.strictEqual(yield* codeOf(() => connection.execute("select clob")), "no error")
        }
      }))

    it.live("a break while nothing runs is answered, and the call that it hits is not begun (F25)", () =>
      Effect.gen(function*() {
        const canned = engine()
        const server = yield* serve(canned, { protocol })
        const relay = yield* relayTo(portOf(server))
        const connection = yield* connect(server, through(relay))
        relay.toClient.hold()
        yield* Effect.promise(() => connection.break())
        yield* eventually(() => relay.toClient.size === 1)
        relay.toClient.release()
        assert.strictEqual(yield* codeOf(() => connection.execute("insert")), "ORA-01013")
        assert.strictEqual(executed(canned, "insert"), 0)
        assert.strictEqual(yield* codeOf(() => connection.execute("insert")), "no error")
      }))
  })
}

describe("cancellation in a pipeline", () => {
  const makePipeline = (...texts: ReadonlyArray<string>) => {
    const Pipeline = oracledb["Pipeline"] as new() => { [add: string]: (...args: ReadonlyArray<unknown>) => void }
    const pipeline = new Pipeline()
    for (const sql of texts) pipeline["addExecute"]!(sql)
    return pipeline
  }

  for (const continueOnError of [true, false]) {
    it.live(`a break ends the call that runs, ${continueOnError ? "and the others go on" : "and the pipeline"} (F35)`, () =>
      Effect.gen(function*() {
        const canned = engine()
        const server = yield* serve(canned)
        const connection = yield* connect(server)
        const running = yield* Effect.forkChild(
          Effect.promise(() =>
            connection.runPipeline!(makePipeline("insert", "begin wait; end;", "insert"), continueOnError).then(
              (results) => results.map((result) => (result as { error?: { code?: string } }).error?.code ?? "no error"),
              (cause: { code: string }) => cause.code
            )
          )
        )
        yield* eventually(() => canned.opened[0]?.onCancel !== undefined)
        yield* Effect.promise(() => connection.break())
        assert.deepStrictEqual(
          yield* Fiber.join(running),
          continueOnError ? ["no error", "ORA-01013", "no error"] : "ORA-01013"
        )
        assert.strictEqual(executed(canned, "insert"), continueOnError ? 2 : 1)
        assert.strictEqual(yield* codeOf(() => connection.execute("insert")), "no error")
        yield* Effect.promise(() => connection.ping())
        assert.isAtMost(sessionOf(server).cursors.size, 1)
      }))
  }

  it.live("a break that comes when all is answered hits nothing (F35)", () =>
    Effect.gen(function*() {
      const server = yield* serve(engine())
      const relay = yield* relayTo(portOf(server))
      const connection = yield* connect(server, through(relay))
      const { byFunction } = server.cluster.counters()
      relay.toClient.hold()
      const running = yield* Effect.forkChild(
        codeOf(() => connection.runPipeline!(makePipeline("insert", "insert"), true))
      )
      yield* eventually(() => server.cluster.counters().byFunction.pipelineEnd === 1)
      yield* Effect.promise(() => connection.break())
      yield* eventually(() => (server.cluster.counters().byFunction.break ?? 0) > (byFunction.break ?? 0))
      relay.toClient.release()
      assert.strictEqual(yield* Fiber.join(running), "no error")
      assert.strictEqual(yield* codeOf(() => connection.execute("insert")), "no error")
    }))

  it.live("pipelines can be refused, and then none of their calls is run (F35)", () =>
    Effect.gen(function*() {
      const canned = engine()
      const connection = yield* connect(yield* serve(canned, { protocol: { pipelines: false } }))
      assert.strictEqual(
        yield* codeOf(() => connection.runPipeline!(makePipeline("insert", "insert"), false)),
        "ORA-43616"
      )
      assert.strictEqual(executed(canned, "insert"), 0)
      assert.strictEqual(yield* codeOf(() => connection.execute("insert")), "no error")
    }))
})
