import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { ExecuteRequest, Value } from "../../src/internal/engine/engine.ts"
import { oraError } from "../../src/internal/engine/oraError.ts"
import { type Connection, oracledb, type ResultSet } from "../driver.ts"
import { type Canned, cannedEngine, column, cursor, query } from "./cannedEngine.ts"
import { codeOf, connect, connectString, dialects, serve } from "./served.ts"

const numbers = (count: number): Canned => ({
  run: () =>
    query(
      [column("N", "NUMBER"), column("S", "VARCHAR2")],
      Array.from({ length: count }, (_, index) => [String(index + 1), `row ${index + 1} ${"é".repeat(index % 200)}`])
    )
})

const bindsOf = (request: ExecuteRequest) => request.rows!.map((row) => row.map((value) => value as Value))

const run = (connection: Connection, sql: string, binds: unknown = [], options: object = {}) =>
  Effect.promise(() => connection.execute(sql, binds, options))

for (const { name, protocol } of dialects) {
  describe(`calls, ${name}`, () => {
    it.live("fetches any number of rows, whatever the prefetch", () =>
      Effect.gen(function*() {
        const server = yield* serve(
          cannedEngine({ "select 0": numbers(0), "select 1": numbers(1), "select 999": numbers(999) }),
          {
            protocol
          }
        )
        const connection = yield* connect(server)
        for (const count of [0, 1, 999]) {
          for (const prefetchRows of [0, 1, 2, 500, 2000]) {
            const { rows } = yield* run(connection, `select ${count}`, [], { prefetchRows, fetchArraySize: 77 })
            assert.strictEqual(rows.length, count)
            if (count > 0) {
              assert.deepStrictEqual(rows[count - 1], [count, `row ${count} ${"é".repeat((count - 1) % 200)}`])
            }
          }
        }
      }))

    it.live("keeps a cursor open while its rows are taken one by one, and beside another one", () =>
      Effect.gen(function*() {
        const server = yield* serve(cannedEngine({ "select 5": numbers(5), "select 7": numbers(7) }), { protocol })
        const connection = yield* connect(server)
        const five = (yield* run(connection, "select 5", [], { resultSet: true, prefetchRows: 1, fetchArraySize: 1 }))
          .resultSet
        const seven = (yield* run(connection, "select 7", [], { resultSet: true, prefetchRows: 2, fetchArraySize: 2 }))
          .resultSet
        const seen: Array<unknown> = []
        for (let index = 0; index < 8; index++) {
          seen.push((yield* Effect.promise(() => five.getRow()))?.[0])
          seen.push((yield* Effect.promise(() => seven.getRow()))?.[0])
        }
        assert.deepStrictEqual(seen, [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, undefined, 6, undefined, 7, undefined, undefined])
        yield* Effect.promise(() => five.close())
        yield* Effect.promise(() => seven.close())
      }))

    it.live("executes again from the statement cache with new binds, of other sizes and types too", () =>
      Effect.gen(function*() {
        const seen: Array<unknown> = []
        const canned = cannedEngine({
          "select :a, :b": {
            run: (request) => {
              seen.push(bindsOf(request)[0])
              return query([column("N", "NUMBER")], [["1"]])
            }
          }
        })
        const connection = yield* connect(yield* serve(canned, { protocol }))
        yield* run(connection, "select :a, :b", [1, "one"])
        yield* run(connection, "select :a, :b", [2, "two"])
        yield* run(connection, "select :a, :b", [null, "x".repeat(3000)])
        yield* run(connection, "select :a, :b", ["text", 4.5])
        assert.deepStrictEqual(seen, [["1", "one"], ["2", "two"], [null, "x".repeat(3000)], ["text", "4.5"]])
        assert.strictEqual(canned.opened[0]!.events.filter((event) => event.startsWith("parse")).length, 1)
      }))

    it.live("sends long binds after the others", () =>
      Effect.gen(function*() {
        let seen: ReadonlyArray<unknown> = []
        const canned = cannedEngine({
          "insert :a :b :c": {
            run: (request) => {
              seen = bindsOf(request)[0]!
              return { rowCount: 1, lastRowid: "AAAR3sAAEAAAACXAAA" }
            }
          }
        })
        const connection = yield* connect(yield* serve(canned, { protocol }))
        const long = "long ".repeat(10_000)
        const { lastRowid, rowsAffected } = yield* run(connection, "insert :a :b :c", [long, 7, "short"])
        assert.deepStrictEqual(seen, [long, "7", "short"])
        assert.strictEqual(rowsAffected, 1)
        assert.strictEqual(lastRowid, "AAAR3sAAEAAAACXAAA")
      }))

    it.live("runs array DML over many packets, with batch errors and row counts", () =>
      Effect.gen(function*() {
        let seen = 0
        const canned = cannedEngine({
          "insert :a": {
            run: (request) => {
              seen = request.rows!.length
              return {
                rowCount: seen - 2,
                rowCounts: request.rows!.map((_, index) => index === 3 || index === 300 ? 0 : 1),
                batchErrors: [
                  { row: 3, error: oraError(1, "unique constraint (SCOTT.PK) violated") },
                  { row: 300, error: oraError(1400, "cannot insert NULL into (\"SCOTT\".\"T\".\"A\")") }
                ]
              }
            }
          }
        })
        const connection = yield* connect(yield* serve(canned, { protocol }))
        const binds = Array.from({ length: 20_000 }, (_, index) => [`value ${index}`])
        const result = yield* Effect.promise(() =>
          connection.executeMany("insert :a", binds, { batchErrors: true, dmlRowCounts: true })
        )
        assert.strictEqual(seen, 20_000)
        assert.strictEqual(result.rowsAffected, 19_998)
        assert.deepStrictEqual(result.batchErrors.map(({ message, offset }) => [message.split("\n")[0], offset]), [
          ["ORA-00001: unique constraint (SCOTT.PK) violated", 3],
          ["ORA-01400: cannot insert NULL into (\"SCOTT\".\"T\".\"A\")", 300]
        ])
        assert.strictEqual(result.dmlRowCounts.length, 20_000)
        assert.strictEqual(result.dmlRowCounts[300], 0)
      }))

    it.live("hands out values: OUT, IN OUT, arrays, RETURNING, ref cursors and implicit results", () =>
      Effect.gen(function*() {
        const { BIND_IN, BIND_INOUT, BIND_OUT, CURSOR, NUMBER, STRING } = oracledb
        const plsql = "begin p(:i, :o, :io, :c, :t); end;"
        const canned = cannedEngine({
          [plsql]: {
            run: (request) => {
              const row = request.rows![0]!
              const rows = cursor([column("N", "NUMBER")], [["10"], ["20"], ["30"]])
              return {
                rowCount: 1,
                outBinds: [
                  { index: 1, direction: "out", type: "VARCHAR2", values: [`got ${String(row[0])}`] },
                  { index: 2, direction: "inout", type: "NUMBER", values: [String(Number(row[2]) * 2)] },
                  { index: 3, direction: "out", type: "CURSOR", values: [rows] },
                  { index: 4, direction: "inout", type: "NUMBER", values: [[...row[4] as Array<string>, "99"]] }
                ]
              }
            }
          },
          "begin return_two; end;": {
            run: () => ({
              rowCount: 1,
              implicitResults: [
                cursor([column("A", "NUMBER")], [["1"], ["2"]]),
                cursor([column("B", "VARCHAR2")], [["x"]])
              ]
            })
          },
          "update :a returning n, s into :n, :s": {
            directions: ["in", "returning", "returning"],
            run: (request) => ({
              rowCount: 3,
              returned: [
                { index: 1, type: "NUMBER", values: request.rows!.map(() => ["1", "2", null]) },
                { index: 2, type: "VARCHAR2", values: request.rows!.map(() => ["a", null, "c"]) }
              ]
            })
          }
        })
        const connection = yield* connect(yield* serve(canned, { protocol }))
        for (const io of [4, 5]) {
          const result = yield* run(connection, plsql, {
            i: "in",
            o: { dir: BIND_OUT, type: STRING, maxSize: 50 },
            io: { dir: BIND_INOUT, type: NUMBER, val: io },
            c: { dir: BIND_OUT, type: CURSOR },
            t: { dir: BIND_INOUT, type: NUMBER, val: [7, 8], maxArraySize: 5 }
          })
          const outBinds = result.outBinds as { o: string; io: number; t: Array<number>; c: ResultSet }
          assert.strictEqual(outBinds.o, "got in")
          assert.strictEqual(outBinds.io, io * 2)
          assert.deepStrictEqual(outBinds.t, [7, 8, 99])
          const rows = yield* Effect.promise(() => outBinds.c.getRows(10))
          assert.deepStrictEqual(rows, [[10], [20], [30]])
          yield* Effect.promise(() => outBinds.c.close())
        }
        const { implicitResults } = yield* run(connection, "begin return_two; end;")
        assert.deepStrictEqual(implicitResults, [[[1], [2]], [["x"]]])
        for (let again = 0; again < 2; again++) {
          const { outBinds } = yield* run(connection, "update :a returning n, s into :n, :s", [
            { dir: BIND_IN, val: 1 },
            { dir: BIND_OUT, type: NUMBER },
            { dir: BIND_OUT, type: STRING }
          ])
          assert.deepStrictEqual(outBinds, [[1, 2, null], ["a", null, "c"]])
        }
      }))

    it.live("reports errors with their offset and goes on, whatever binds came with them", () =>
      Effect.gen(function*() {
        const canned = cannedEngine({
          "select 1": numbers(1),
          "insert :a": {
            run: () => {
              throw oraError(1, "unique constraint (SCOTT.PK) violated")
            }
          }
        })
        const connection = yield* connect(yield* serve(canned, { protocol }))
        for (let again = 0; again < 3; again++) {
          assert.strictEqual(yield* codeOf(() => connection.execute("select nothing from :x", ["a"])), "ORA-00942")
          assert.strictEqual(
            yield* codeOf(() =>
              connection.execute("update nothing returning a into :x", [{ dir: oracledb["BIND_OUT"] }])
            ),
            "ORA-00942"
          )
          assert.strictEqual(yield* codeOf(() => connection.execute("insert :a", ["x"])), "ORA-00001")
          assert.deepStrictEqual((yield* run(connection, "select 1")).rows, [[1, "row 1 "]])
        }
        const offset = yield* Effect.promise(() =>
          connection.execute("select nothing").catch((cause: { offset: number }) => cause.offset)
        )
        assert.strictEqual(offset, 3)
      }))

    it.live("commits, rolls back and tells the driver whether there is work to roll back", () =>
      Effect.gen(function*() {
        const canned = cannedEngine({
          "insert": {
            run: (_, session) => {
              session.transaction = true
              return { rowCount: 1 }
            }
          }
        })
        const server = yield* serve(canned, { protocol })
        const connection = yield* connect(server)
        yield* run(connection, "insert")
        yield* Effect.promise(() => connection.commit())
        yield* run(connection, "insert", [], { autoCommit: true })
        yield* Effect.promise(() => connection.ping())
        yield* run(connection, "insert")
        yield* Effect.promise(() => connection.close())
        const log = server.cluster.log.list().map((request) => request.function)
        assert.deepStrictEqual(log.slice(-7), [
          "execute",
          "commit",
          "reexecute",
          "ping",
          "reexecute",
          "rollback",
          "logoff"
        ])
        assert.deepStrictEqual(canned.opened[0]!.events.filter((event) => !event.includes("insert")), [
          "commit",
          "rollback",
          "close"
        ])
      }))

    it.live("tells the driver of a schema that the session has moved to", () =>
      Effect.gen(function*() {
        const canned = cannedEngine({
          "begin move; end;": {
            run: (_, session) => {
              session.currentSchema = "ELSEWHERE"
              return { rowCount: 0 }
            }
          }
        })
        const connection = yield* connect(yield* serve(canned, { protocol }))
        yield* run(connection, "begin move; end;")
        assert.strictEqual(connection.currentSchema, "ELSEWHERE")
      }))

    it.live("hands attributes on with the next call", () =>
      Effect.gen(function*() {
        const canned = cannedEngine({ "select 1": numbers(1) })
        const server = yield* serve(canned, { protocol })
        const connection = yield* connect(server)
        connection.module = "booking"
        connection.action = "reserve"
        connection.clientId = "client 7"
        yield* Effect.promise(() => connection.ping())
        assert.isTrue(
          canned.opened[0]!.events.includes(
            "end to end {\"clientId\":\"client 7\",\"module\":\"booking\",\"action\":\"reserve\"}"
          )
        )
        connection.currentSchema = "HR"
        yield* run(connection, "select 1")
        assert.isTrue(canned.opened[0]!.events.includes("schema HR"))
        connection.currentSchema = "NOBODY"
        assert.strictEqual(yield* codeOf(() => connection.ping()), "ORA-01435")
      }))
  })
}

describe("calls", () => {
  it.live("describes a statement without running it", () =>
    Effect.gen(function*() {
      const canned = cannedEngine({
        "select a": {
          columns: [column("A", "NUMBER", { precision: 9, scale: 2, nullable: false }), column("B", "NVARCHAR2")],
          run: () => assert.fail("was run")
        }
      })
      const connection = yield* connect(yield* serve(canned))
      const { metaData } = yield* Effect.promise(() => connection.getStatementInfo("select a"))
      assert.deepInclude(metaData![0], { name: "A", dbTypeName: "NUMBER", precision: 9, scale: 2, nullable: false })
      assert.deepInclude(metaData![1], { name: "B", dbTypeName: "NVARCHAR2", nullable: true })
    }))

  it.live("refuses by name what it does not have, and the connection lives on", () =>
    Effect.gen(function*() {
      const connection = yield* connect(yield* serve(cannedEngine({ "select 1": numbers(1) })))
      const { SUBSCR_NAMESPACE_DBCHANGE: namespace } = oracledb as unknown as { SUBSCR_NAMESPACE_DBCHANGE: number }
      const subscriber = connection as unknown as { subscribe: (name: string, options: object) => Promise<void> }
      const options = { namespace, sql: "select 1", callback: () => undefined, clientInitiated: true }
      assert.strictEqual(yield* codeOf(() => subscriber.subscribe("changes", options)), "ORA-03001")
      assert.deepStrictEqual((yield* run(connection, "select 1")).rows, [[1, "row 1 "]])
    }))

  it.live("limits the cursors of a session", () =>
    Effect.gen(function*() {
      const texts = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`select ${index}`, numbers(5)]))
      const connection = yield* connect(yield* serve(cannedEngine(texts), { maxOpenCursors: 5 }))
      const open = (index: number) =>
        codeOf(() => connection.execute(`select ${index}`, [], { resultSet: true, prefetchRows: 0 }))
      const codes = yield* Effect.forEach([0, 1, 2, 3, 4, 5], open)
      assert.deepStrictEqual(codes, [...Array.from({ length: 5 }, () => "no error"), "ORA-01000"])
    }))

  it.live("sends and takes packets as large as the two sides agree on", () =>
    Effect.gen(function*() {
      let seen = ""
      const wide = "wide ".repeat(800)
      const canned = cannedEngine({
        "select": { run: () => query([column("S", "VARCHAR2")], Array.from({ length: 1000 }, () => [wide])) },
        "begin p(:s); end;": {
          run: (request) => {
            seen = String(request.rows![0]![0])
            return { rowCount: 0 }
          }
        }
      })
      for (const sdu of [512, 8192, 65_536, 2_000_000]) {
        const server = yield* serve(canned)
        const connection = yield* connect(server, { connectString: `${connectString(server)}?sdu=${sdu}` })
        const { rows } = yield* run(connection, "select", [], { fetchArraySize: 1000 })
        assert.strictEqual(rows.length, 1000)
        assert.isTrue(rows.every((row) => row[0] === wide))
        yield* run(connection, "begin p(:s); end;", ["x".repeat(32_000)])
        assert.strictEqual(seen.length, 32_000)
      }
    }))

  it.live("stops a pipeline at its first error when told so", () =>
    Effect.gen(function*() {
      const canned = cannedEngine({ "select 1": numbers(1), "insert": { run: () => ({ rowCount: 1 }) } })
      const connection = yield* connect(yield* serve(canned))
      const Pipeline = oracledb["Pipeline"] as new() => { [add: string]: (...args: ReadonlyArray<unknown>) => void }
      const pipeline = new Pipeline()
      pipeline["addExecute"]!("select nothing")
      pipeline["addExecute"]!("insert")
      assert.strictEqual(yield* codeOf(() => connection.runPipeline!(pipeline)), "ORA-00942")
      assert.isFalse(canned.opened[0]!.events.includes("execute insert"))
      assert.deepStrictEqual((yield* run(connection, "select 1")).rows, [[1, "row 1 "]])
    }))

  it.live("answers a pipeline in order, each with its own token", () =>
    Effect.gen(function*() {
      const canned = cannedEngine({ "select 1": numbers(1), "select 3": numbers(3) })
      const connection = yield* connect(yield* serve(canned))
      const Pipeline = oracledb["Pipeline"] as new() => { [add: string]: (...args: ReadonlyArray<unknown>) => void }
      const pipeline = new Pipeline()
      pipeline["addFetchAll"]!("select 3")
      pipeline["addExecute"]!("select nothing")
      pipeline["addFetchOne"]!("select 1")
      pipeline["addCommit"]!()
      const results = yield* Effect.promise(() => connection.runPipeline!(pipeline, true))
      const summary = results.map((result) => {
        const { error, rows } = (result ?? {}) as {
          error?: { code: string }
          rows?: ReadonlyArray<ReadonlyArray<unknown>>
        }
        return error?.code ?? rows?.map((row) => row[0])
      })
      assert.deepStrictEqual(summary, [[1, 2, 3], "ORA-00942", [1], undefined])
      assert.isTrue(canned.opened[0]!.events.includes("commit"))
      assert.deepStrictEqual((yield* run(connection, "select 1")).rows, [[1, "row 1 "]])
    }))
})
