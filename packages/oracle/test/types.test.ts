import { assert, describe, it } from "@effect/vitest"
import { OracleBind, OracleSessionPool } from "@sessionpool/oracle"
import { DateTime, Effect, Exit, Redacted, Stream } from "effect"
import { connection, database, makePool, table } from "./database.ts"

describe("types", () => {
  it.live("go both ways", () =>
    Effect.gen(function*() {
      const pool = yield* makePool()
      const name = yield* table(
        pool,
        "v varchar2(20), nv nvarchar2(20), c char(4), r raw(8), d date, t timestamp, z timestamp with time zone, bd binary_double"
      )
      const held = yield* pool.acquire()
      const at = new Date("2026-11-22T15:44:26.123Z")
      const second = new Date("2026-11-22T15:44:26Z")
      const binds = {
        v: "plain",
        nv: OracleBind.input("nstring", "wörld"),
        c: "abcd",
        r: new Uint8Array([1, 2, 255]),
        d: OracleBind.input("date", second),
        t: at,
        z: DateTime.makeUnsafe(at),
        bd: OracleBind.input("double", 0.1)
      }
      yield* held.execute(`insert into ${name} values (:v, :nv, :c, :r, :d, :t, :z, :bd)`, binds)
      const [row] = yield* held.query(`select * from ${name}`)
      assert.deepInclude(row, { V: "plain", NV: "wörld", C: "abcd", D: second, T: at, Z: at, BD: 0.1 })
      assert.deepStrictEqual(Array.from(row!["R"] as Uint8Array), [1, 2, 255])
      yield* held.executeMany(`insert into ${name} (v, r, t, z) values (:v, :r, :t, :z)`, [
        { v: null, r: new Uint8Array([1]), t: at, z: DateTime.makeUnsafe(at) },
        { v: "a longer text", r: new Uint8Array(8), t: null, z: null }
      ])
      const [count] = yield* held.query(`select count(*) as n from ${name} where t = :t`, { t: at })
      assert.strictEqual(count?.["N"], 2)
    }))

  it.live("come out of PL/SQL as they are asked for", () =>
    Effect.gen(function*() {
      const held = yield* connection()
      const at = new Date("2026-03-29T02:30:00Z")
      const { outBinds } = yield* held.execute(
        "begin :d := :at; :r := hextoraw('01FF'); :b := true; :s := 'text'; :c := to_clob('long'); end;",
        {
          at: OracleBind.input("date", at),
          d: OracleBind.out("date"),
          r: OracleBind.out("raw"),
          b: OracleBind.out("boolean"),
          s: OracleBind.out("string", { maxSize: 10 }),
          c: OracleBind.out("clob")
        }
      )
      assert.deepStrictEqual(outBinds.d, at)
      assert.deepStrictEqual([...outBinds.r!], [1, 255])
      assert.isTrue(outBinds.b)
      assert.strictEqual(outBinds.s, "text")
      assert.strictEqual(yield* outBinds.c!.text, "long")
    }))

  it.live("of JSON are values", () =>
    Effect.gen(function*() {
      const held = yield* connection()
      const document = { name: "ada", tags: ["a", "b"], nested: { n: 1.5, none: null } }
      const [row] = yield* held.query("select :doc as doc from dual", { doc: OracleBind.input("json", document) })
      assert.deepStrictEqual(row?.["DOC"], document)
    }))
})

describe("limits", () => {
  it.live("of a call are those of its lease", () =>
    Effect.gen(function*() {
      const pool = yield* makePool({ max: 1 })
      const slow = "begin dbms_session.sleep(1); end;"
      yield* pool.use((held) =>
        Effect.gen(function*() {
          yield* held.setCallTimeout("150 millis")
          const error = yield* Effect.flip(held.execute(slow))
          assert.strictEqual(error._tag === "OracleError" && error.reason._tag, "StatementTimeoutError")
        })
      )
      yield* pool.use((held) => held.execute(slow))
    }))

  it.live("of a stream bound to a scope outlive nothing", () =>
    Effect.gen(function*() {
      const pool = yield* makePool({ max: 1 })
      const stream = Stream.unwrap(Effect.map(pool.acquire(), (held) =>
        held.queryStream("select level as n from dual connect by level <= 500", [], { fetchArraySize: 50 })))
      assert.strictEqual(yield* Stream.runCount(stream), 500)
      assert.strictEqual(yield* Stream.runCount(Stream.take(stream, 3)), 3)
      assert.strictEqual((yield* pool.statistics).busy, 0)
    }))
})

describe("options", () => {
  it.live("are checked, each under its name", () =>
    Effect.gen(function*() {
      const { connect } = yield* database
      const problems = (options: Partial<OracleSessionPool.Options>) =>
        Effect.map(Effect.flip(OracleSessionPool.make({ ...connect, ...options })), (error) =>
          error._tag === "InvalidOptionsError" ? error.problems.map(({ field }) => field) : [])
      assert.deepStrictEqual(yield* problems({ connectString: " " }), ["connectString"])
      assert.deepStrictEqual(yield* problems({ max: 0 }), ["max"])
      assert.deepStrictEqual(yield* problems({ credentials: Effect.succeed({ user: "x" }) }), ["user"])
      const released = {
        serverPool: "release" as const,
        resetSession: () =>
          Effect.void
      }
      assert.deepStrictEqual(yield* problems(released), ["resetSession"])
      const unknownOption = { ...connect, poolMax: 5 }
      const unknown = yield* Effect.exit(OracleSessionPool.make(unknownOption))
      assert.isTrue(Exit.isFailure(unknown))
    }))

  it.live("of a connect string with credentials are no secret's end", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(OracleSessionPool.make({
        connectString: "scott/tiger-in-string@127.0.0.1:1/NOPE",
        user: "scott",
        password: Redacted.make("tiger-secret")
      }))
      assert.notInclude(String(error) + JSON.stringify(error), "tiger-secret")
      assert.notInclude(String(error) + JSON.stringify(error), "tiger-in-string")
    }))
})
