/** A batch that is written with one look at each value is what the columns of any batch are written to. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, type Scope } from "effect"
import * as fc from "fast-check"
import { writeBatch } from "../src/internal/batchBinds.ts"
import { plainBatch } from "../src/internal/plainBatch.ts"
import { defaultValues } from "../src/internal/valueSettings.ts"
import type * as OracleBind from "../src/OracleBind.ts"
import { makePool, table } from "./database.ts"

const scoped = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) => () => Effect.scoped(effect)

const kinds: ReadonlyArray<fc.Arbitrary<unknown>> = [
  fc.double({ min: -1e100, max: 1e100, noNaN: true }).filter((n) => n === 0 || Math.abs(n) > 1e-100),
  fc.oneof(fc.integer(), fc.bigInt(-9n, 9n)),
  fc.string({ unit: "binary", maxLength: 3000 }),
  fc.boolean(),
  fc.date({ min: new Date(0), max: new Date("2100-01-01T00:00:00Z"), noInvalidDate: true }),
  fc.uint8Array({ maxLength: 20 }),
  fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
  fc.constant(null)
]

const columns = kinds.map((value) => fc.oneof({ arbitrary: value, weight: 5 }, fc.constantFrom(null, undefined)))

const batches = fc.array(fc.constantFrom(...columns), { minLength: 1, maxLength: 5 }).chain((row) =>
  fc.array(fc.tuple(...row), { minLength: 1, maxLength: 8 })
)

describe("a batch of plain values", () => {
  it("is written to the values and definitions that its columns are written to", () => {
    fc.assert(fc.property(batches, fc.boolean(), fc.constantFrom("utc", "local"), (rows, isKept, dates) => {
      const before = structuredClone(rows)
      const batch = plainBatch(rows, dates, isKept)
      const { definitions, rows: written } = writeBatch(rows as ReadonlyArray<OracleBind.Binds>, {
        ...defaultValues,
        dates
      })
      assert.deepStrictEqual(batch?.definitions, definitions)
      assert.deepStrictEqual(batch?.rows, written)
      assert.deepStrictEqual(rows, before)
      assert.strictEqual(batch?.hasBooleans, rows.some((row) => row.some((value) => typeof value === "boolean")))
      for (const row of batch?.rows ?? []) {
        for (const value of row as ReadonlyArray<unknown>) {
          assert.isTrue(!(value instanceof Uint8Array) || Buffer.isBuffer(value))
        }
      }
    }))
  })

  it("is the rows themselves only when they stay as they are", () => {
    const rows = [[1, "a"], [2, "b"]]
    const kept = plainBatch(rows, "utc", true)?.rows
    assert.isTrue(kept?.length === 2 && kept.every((row, index) => row === rows[index]))
    const copies = plainBatch(rows, "utc", false)?.rows
    rows[0]![0] = 9
    assert.deepStrictEqual(copies, [[1, "a"], [2, "b"]])
  })

  it("is left to others when a value or a row needs more", () => {
    for (
      const rows of [
        [],
        [[]],
        [{ a: 1 }],
        [[1], { a: 1 }],
        [[1], [1, 2]],
        [[1], undefined],
        [[1], ["a"]],
        [[null], [new Date(0)], [Buffer.alloc(1)]],
        [[1], [{ val: 1 }]],
        [[() => 1]],
        [[1], [Number.NaN]]
      ]
    ) {
      assert.isUndefined(plainBatch(rows, "utc", true), JSON.stringify(rows))
      assert.isUndefined(plainBatch(rows, "utc", false), JSON.stringify(rows))
    }
  })

  it.live(
    "is what it was when it was called for, whatever becomes of its rows meanwhile",
    scoped(Effect.gen(function*() {
      const pool = yield* makePool()
      const name = yield* table(pool, "n number, s varchar2(10)")
      yield* pool.use((held) =>
        Effect.gen(function*() {
          const rows: Array<[number, string]> = [[1, "a"], [2, "b"]]
          const first = yield* Effect.forkChild(held.query("select 1 as n from dual"), { startImmediately: true })
          const second = yield* Effect.forkChild(held.executeMany(`insert into ${name} values (:1, :2)`, rows), {
            startImmediately: true
          })
          rows[0]![1] = "z"
          rows.pop()
          yield* Fiber.join(first)
          yield* Fiber.join(second)
          assert.deepStrictEqual(yield* held.query(`select n, s from ${name} order by n`), [
            { N: 1, S: "a" },
            { N: 2, S: "b" }
          ])
        })
      )
    }))
  )
})
