import { assert, describe, it } from "@effect/vitest"
import { OracleBind, type OracleConnection } from "@sessionpool/oracle"
import { BigDecimal, Cause, Effect, Exit, Schema } from "effect"
import { connection, makePool, table } from "./database.ts"

const digits38 = "12345678901234567890123456789012345678"

describe("values that come back", () => {
  it.live("are what the first program says", () =>
    Effect.gen(function*() {
      const held = yield* connection()
      assert.deepStrictEqual(yield* held.query("select :n * 2 as doubled from dual", { n: 21 }), [{ DOUBLED: 42 }])
      assert.deepStrictEqual(yield* held.query("select :1 as a, :2 as b from dual", ["x", null]), [{ A: "x", B: null }])
    }))

  it.live("keep every digit of a NUMBER under every policy but \"double\"", () =>
    Effect.gen(function*() {
      const held = yield* connection()
      const read = (numbers: OracleConnection.NumberPolicy, literal: string) =>
        Effect.map(held.query(`select ${literal} as n from dual`, [], { numbers }), ([row]) => row?.["N"])
      assert.strictEqual(yield* read("number", "0.1"), 0.1)
      assert.strictEqual(yield* read("number", "-1e100"), -1e100)
      assert.strictEqual(yield* read("bigint", digits38), BigInt(digits38))
      assert.strictEqual(yield* read("string", `-${digits38}`), `-${digits38}`)
      assert.strictEqual(yield* read("string", "0.5"), "0.5")
      assert.strictEqual(yield* read("double", digits38), Number(digits38))
      const decimal = yield* read("bigDecimal", `${digits38} / 1e40`)
      assert.isTrue(BigDecimal.isBigDecimal(decimal))
      const expected = BigDecimal.fromStringUnsafe(`0.00${digits38}`)
      assert.isTrue(BigDecimal.equals(decimal as BigDecimal.BigDecimal, expected))
      for (const [policy, literal] of [["number", digits38], ["number", "1 / 3"], ["bigint", "1.5"]] as const) {
        const error = yield* Effect.flip(read(policy, literal))
        assert.strictEqual(error._tag, "RowDecodeError")
        assert.isFalse(error.isRetryable)
        assert.match(error.message, /^Row 1, column N: has /)
      }
    }))

  it.live("take a policy for each column", () =>
    Effect.gen(function*() {
      const held = yield* connection({
        numbers: ({ name }) => name === "ID" ? "bigint" : "number",
        columnNames: (name) => name.toLowerCase()
      })
      assert.deepStrictEqual(yield* held.query("select 9007199254740993 as id, 1 as n from dual"), [
        { id: 9007199254740993n, n: 1 }
      ])
    }))

  it.live("are a defect where a policy throws, and the connection goes on", () =>
    Effect.gen(function*() {
      const held = yield* connection()
      const columnNames = () => {
        throw new Error("no name for it")
      }
      const exit = yield* Effect.exit(held.query("select 1 as n from dual", [], { columnNames }))
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      assert.deepStrictEqual(yield* held.query("select 1 as n from dual"), [{ N: 1 }])
    }))

  it.live("are decoded with a schema, and a failure names row and column", () =>
    Effect.gen(function*() {
      const held = yield* connection()
      const sql =
        "select level as n, case level when 3 then null else 'name' end as name from dual connect by level <= 4"
      const Loose = Schema.Struct({ N: Schema.Finite, NAME: Schema.NullOr(Schema.String) })
      const rows = yield* held.query(sql, [], { schema: Loose })
      assert.strictEqual(rows[2]?.NAME, null)
      const Strict = Schema.Struct({ N: Schema.Finite, NAME: Schema.String })
      const error = yield* Effect.flip(held.query(sql, [], { schema: Strict }))
      assert.strictEqual(error._tag, "RowDecodeError")
      if (error._tag === "RowDecodeError") assert.deepInclude(error, { row: 3, column: "NAME", sql })
    }))

  it.live("are points in time in UTC, whatever zone the process is in", () =>
    Effect.gen(function*() {
      const held = yield* connection()
      const at = new Date("2026-03-29T02:30:05.000Z")
      const [row] = yield* held.query(
        "select date '2026-11-22' as d, :at as t, to_char(:at, 'YYYY-MM-DD HH24:MI:SS') as s from dual",
        { at }
      )
      assert.deepStrictEqual(row?.["D"], new Date("2026-11-22T00:00:00Z"))
      assert.deepStrictEqual(row?.["T"], at)
      assert.strictEqual(row?.["S"], "2026-03-29 02:30:05")
    }))
})

describe("values that are bound", () => {
  it.live("keep every digit of a BigDecimal and a bigint", () =>
    Effect.gen(function*() {
      const pool = yield* makePool()
      const name = yield* table(pool, "id number, amount number")
      const held = yield* pool.acquire()
      const values = ["0.1", "-12345678901234567890.123456789", digits38, "1e-20", "0"]
      for (const [id, value] of values.entries()) {
        yield* held.execute(`insert into ${name} values (:id, :amount)`, {
          id,
          amount: BigDecimal.fromStringUnsafe(value)
        })
      }
      yield* held.executeMany(
        `insert into ${name} values (:id, :amount)`,
        values.map((value, id) => ({ id: id + values.length, amount: BigDecimal.fromStringUnsafe(value) }))
      )
      const rows = yield* held.query(`select amount from ${name} order by id`, [], { numbers: "bigDecimal" })
      for (const [index, row] of rows.entries()) {
        const expected = BigDecimal.fromStringUnsafe(values[index % values.length]!)
        assert.isTrue(BigDecimal.equals(row["AMOUNT"] as BigDecimal.BigDecimal, expected))
      }
      assert.strictEqual(rows.length, values.length * 2)
    }))

  it.live("go in and out of PL/SQL by name and by position", () =>
    Effect.gen(function*() {
      const held = yield* connection()
      const { outBinds } = yield* held.execute("begin :big := :n + 1; :txt := 'x' || :txt; :none := null; end;", {
        big: OracleBind.out("bigint"),
        n: BigInt(digits38) - 1n,
        txt: OracleBind.inOut("string", "y"),
        none: OracleBind.out("number")
      })
      assert.deepStrictEqual(outBinds, { big: BigInt(digits38), txt: "xy", none: null })
      const positional = yield* held.execute("begin :1 := :2 / 4; end;", [OracleBind.out("number"), 1])
      assert.deepStrictEqual(positional.outBinds, [0.25])
      const lost = yield* Effect.flip(held.execute("begin :1 := 1 / 3; end;", [OracleBind.out("number")]))
      assert.strictEqual(lost._tag, "RowDecodeError")
      const third = yield* held.execute("begin :1 := 1 / 3; end;", [OracleBind.out("double")])
      assert.deepStrictEqual(third.outBinds, [1 / 3])
      const counter = yield* held.execute("begin :c := :c + 0.5; end;", {
        c: OracleBind.inOut("bigDecimal", BigDecimal.fromStringUnsafe("1.25"))
      })
      assert.strictEqual(BigDecimal.format(counter.outBinds.c!), "1.75")
    }))

  it.live("come back from RETURNING, one for each row", () =>
    Effect.gen(function*() {
      const pool = yield* makePool()
      const name = yield* table(pool, "id number generated always as identity primary key, name varchar2(20)")
      const held = yield* pool.acquire()
      const insert = `insert into ${name} (name) values (:name) returning id into :id`
      const first = yield* held.execute(insert, { name: "a", id: OracleBind.returning("number") })
      assert.strictEqual(first.rowsAffected, 1)
      assert.lengthOf(first.outBinds.id, 1)
      yield* held.execute(insert, { name: "b", id: OracleBind.returning("number") })
      const both = yield* held.execute(`update ${name} set name = upper(name) returning name into :name`, {
        name: OracleBind.returning("string")
      })
      assert.deepStrictEqual([...both.outBinds.name].sort(), ["A", "B"])
      const batch = yield* held.executeMany(insert, [
        { name: "c", id: OracleBind.returning("bigint") },
        { name: "d", id: OracleBind.returning("bigint") }
      ])
      assert.strictEqual(batch.rowsAffected, 2)
      assert.lengthOf(batch.outBinds, 2)
    }))

  it.live("never show in an error", () =>
    Effect.gen(function*() {
      const held = yield* connection()
      const error = yield* Effect.flip(held.query("select * from nowhere where a = :a", { a: "s3cr3t-value" }))
      assert.strictEqual(error._tag === "OracleError" && error.reason._tag, "SqlSyntaxError")
      assert.notInclude(JSON.stringify(error) + String(error) + error.message, "s3cr3t-value")
      assert.strictEqual(error._tag === "OracleError" && error.code, "ORA-00942")
    }))
})

describe("batches", () => {
  it.live("report the rows that failed and count the others", () =>
    Effect.gen(function*() {
      const pool = yield* makePool()
      const name = yield* table(pool, "id number primary key, name varchar2(3)")
      const held = yield* pool.acquire()
      const rows = [[1, "a"], [2, "toolong"], [3, "b"], [1, "c"]]
      const result = yield* held.executeMany(`insert into ${name} values (:1, :2)`, rows, {
        batchErrors: true,
        rowCounts: true
      })
      assert.strictEqual(result.rowsAffected, 2)
      assert.deepStrictEqual(result.errors.map(({ error, row }) => [row, error.reason._tag]), [
        [1, "ConstraintError"],
        [3, "UniqueViolation"]
      ])
      assert.deepStrictEqual(result.rowCounts.slice(0, 3), [1, 0, 1])
      const plain = yield* Effect.flip(held.executeMany(`insert into ${name} values (:1, :2)`, [[9, "x"], [1, "y"]]))
      assert.strictEqual(plain._tag === "OracleError" && plain.reason._tag, "UniqueViolation")
    }))
})
