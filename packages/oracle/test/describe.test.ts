/** What a statement is, without running it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { isReal } from "./database.ts"
import { watched } from "./watchedPool.ts"

describe.skipIf(isReal)("connection.describe", () => {
  it.live("gives columns and placeholders, and runs nothing", () =>
    Effect.gen(function*() {
      const { pool } = yield* watched({ max: 1 })
      yield* pool.use((held) =>
        Effect.gen(function*() {
          yield* held.execute("create table jobs (id number(9, 2) not null, name varchar2(30), started timestamp)")
          const { columns, kind, placeholders } = yield* held.describe(
            "select * from jobs where id = :id or name = :name"
          )
          assert.strictEqual(kind, "select")
          assert.deepStrictEqual(placeholders, ["ID", "NAME"])
          assert.deepStrictEqual(
            columns.map(({ name, nullable, precision, scale, type }) => ({ name, nullable, precision, scale, type })),
            [
              { name: "ID", nullable: false, precision: 9, scale: 2, type: "DB_TYPE_NUMBER" },
              { name: "NAME", nullable: true, precision: undefined, scale: undefined, type: "DB_TYPE_VARCHAR" },
              { name: "STARTED", nullable: true, precision: 6, scale: undefined, type: "DB_TYPE_TIMESTAMP" }
            ]
          )
          assert.strictEqual(columns[1]?.byteSize, 30)
          const insert = yield* held.describe("insert into jobs (id) values (:1)")
          assert.deepStrictEqual(insert, { kind: "insert", columns: [], placeholders: ["1"] })
          assert.deepStrictEqual((yield* held.describe("drop table jobs")).kind, "drop")
          assert.strictEqual((yield* held.query("select count(*) as n from jobs"))[0]?.["N"], 0)
          const wrong = yield* Effect.flip(held.describe("select nothing from jobs"))
          assert.strictEqual(wrong._tag === "OracleError" ? wrong.code : "", "ORA-00904")
        })
      )
    }))
})
