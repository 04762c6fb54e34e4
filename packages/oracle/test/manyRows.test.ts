import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { connection } from "./database.ts"

const numbered = (count: number, select: string) =>
  `select ${select} from (select level as l from dual connect by level <= ${count})`

describe("many rows", () => {
  it.live("hold in each row what the first holds: every column, each value as it is", () =>
    Effect.gen(function*() {
      const held = yield* connection()
      const sql = numbered(
        2500,
        "l as n, l / 4 as quarter, case when mod(l, 3) = 0 then null else 'row ' || l end as t, date '2020-01-01' + l as d"
      )
      const expected = Array.from({ length: 2500 }, (_, index) => index + 1).map((n) => ({
        N: n,
        QUARTER: n / 4,
        T: n % 3 === 0 ? null : `row ${n}`,
        D: new Date(Date.UTC(2020, 0, 1 + n))
      }))
      assert.deepStrictEqual(yield* held.query(sql), expected)
      const streamed = held.queryStream(sql, [], { fetchArraySize: 700 })
      assert.deepStrictEqual(yield* Stream.runCollect(streamed), expected)
      const [first, second] = yield* held.query(sql)
      ;(first as Record<string, unknown>)["N"] = "changed"
      assert.strictEqual(second!["N"], 2)
    }))

  it.live("fail with the first value, row by row, that does not fit, wherever it is", () =>
    Effect.gen(function*() {
      const held = yield* connection()
      const unfitAt = (a: number, b: number) =>
        numbered(2500, `case when l >= ${a} then l / 3 else l end as a, case when l >= ${b} then l / 7 else l end as b`)
      const failed = (sql: string) =>
        Effect.gen(function*() {
          const whole = yield* Effect.flip(held.query(sql))
          const parts = held.queryStream(sql, [], { fetchArraySize: 400 })
          const streamed = yield* Effect.flip(Stream.runDrain(parts))
          assert.strictEqual(streamed.message, whole.message)
          return whole._tag === "RowDecodeError" ? [whole.row, whole.column] : whole._tag
        })
      assert.deepStrictEqual(yield* failed(unfitAt(46, 38)), [38, "B"])
      assert.deepStrictEqual(yield* failed(unfitAt(38, 45)), [38, "A"])
      assert.deepStrictEqual(yield* failed(unfitAt(1301, 1301)), [1301, "A"])
      assert.deepStrictEqual(yield* failed(unfitAt(2301, 2300)), [2300, "B"])
    }))

  it.live("take any name for a column, in few rows and in many", () =>
    Effect.gen(function*() {
      const held = yield* connection()
      for (const count of [1, 100]) {
        const rows = yield* held.query(numbered(count, "l as \"__proto__\", 'x' as \"1\", l as \"constructor\""))
        assert.lengthOf(rows, count)
        assert.deepStrictEqual(Object.entries(rows.at(-1)!), [["1", "x"], ["__proto__", count], ["constructor", count]])
        assert.strictEqual(Object.getPrototypeOf(rows.at(-1)!), Object.prototype)
      }
    }))
})
