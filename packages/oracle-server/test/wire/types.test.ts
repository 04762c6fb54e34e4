import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { DateTime, Row, Value } from "../../src/internal/engine/engine.ts"
import { oracledb } from "../driver.ts"
import { cannedEngine, column, makeLob, query } from "./cannedEngine.ts"
import { connect, dialects, serve } from "./served.ts"

const moment = (fields: Partial<DateTime>): DateTime => ({
  _tag: "DateTime",
  year: 2024,
  month: 2,
  day: 29,
  hour: 13,
  minute: 14,
  second: 15,
  nanosecond: 0,
  offsetMinutes: 0,
  ...fields
})

const day = {
  _tag: "IntervalDayToSecond",
  days: -3,
  hours: -4,
  minutes: -5,
  seconds: -6,
  nanoseconds: -7_000_000
} as const
const year = { _tag: "IntervalYearToMonth", years: 7, months: 8 } as const

const columns = [
  column("V", "VARCHAR2"),
  column("NV", "NVARCHAR2"),
  column("C", "CHAR"),
  column("NUM", "NUMBER"),
  column("BF", "BINARY_FLOAT"),
  column("BD", "BINARY_DOUBLE"),
  column("R", "RAW"),
  column("D", "DATE"),
  column("TS", "TIMESTAMP"),
  column("TZ", "TIMESTAMP WITH TIME ZONE"),
  column("LTZ", "TIMESTAMP WITH LOCAL TIME ZONE"),
  column("YM", "INTERVAL YEAR TO MONTH"),
  column("DS", "INTERVAL DAY TO SECOND"),
  column("RID", "ROWID"),
  column("URID", "UROWID"),
  column("L", "LONG"),
  column("LR", "LONG RAW")
]

const values: Row = [
  "grüße €",
  "națio 漢字",
  "fixed   ",
  "-12345678901234567890.123456789",
  1.5,
  -2.25e300,
  Uint8Array.of(0, 255, 16),
  moment({}),
  moment({ nanosecond: 123_000_000 }),
  moment({ hour: 23, nanosecond: 5_000_000, offsetMinutes: 330 }),
  moment({ nanosecond: 7_000_000 }),
  year,
  day,
  "AAAR3sAAEAAAACXAAA",
  "AAAR3sAAEAAAACXAAB",
  "long ".repeat(2000),
  Uint8Array.from({ length: 5000 }, (_, index) => index % 256)
]

const nulls: Row = values.map(() => null)

for (const { name, protocol } of dialects) {
  describe(`types, ${name}`, () => {
    it.live("come out as the driver shows them, null or not", () =>
      Effect.gen(function*() {
        const canned = cannedEngine({ "select all": { run: () => query(columns, [values, nulls, values]) } })
        const connection = yield* connect(yield* serve(canned, { protocol }))
        const fetchTypeHandler = ({ dbType }: { dbType: unknown }) =>
          dbType === oracledb["DB_TYPE_NUMBER"] ? { type: oracledb["STRING"] } : undefined
        const { metaData, rows } = yield* Effect.promise(() =>
          connection.execute("select all", [], { fetchTypeHandler })
        )
        const local = (milliseconds: number) => new Date(2024, 1, 29, 13, 14, 15, milliseconds)
        const [first, second, third] = rows
        assert.deepEqual(first!.slice(0, 11), [
          "grüße €",
          "națio 漢字",
          "fixed   ",
          "-12345678901234567890.123456789",
          1.5,
          -2.25e300,
          Buffer.from([0, 255, 16]),
          local(0),
          local(123),
          new Date(Date.UTC(2024, 1, 29, 23 - 5, 14 - 30, 15, 5)),
          new Date(Date.UTC(2024, 1, 29, 13, 14, 15, 7))
        ])
        assert.deepInclude(first![11], { years: 7, months: 8 })
        assert.deepInclude(first![12], { days: -3, hours: -4, minutes: -5, seconds: -6, fseconds: -7_000_000 })
        assert.deepEqual(first!.slice(13), [
          "AAAR3sAAEAAAACXAAA",
          "AAAR3sAAEAAAACXAAB",
          "long ".repeat(2000),
          Buffer.from(values[16] as Uint8Array)
        ])
        assert.deepStrictEqual(second, columns.map(() => null))
        assert.deepEqual(third, first)
        assert.deepStrictEqual(metaData.map((info) => info.dbTypeName).slice(0, 4), [
          "VARCHAR2",
          "NVARCHAR2",
          "CHAR",
          "NUMBER"
        ])
      }))

    it.live("go in as the engine expects them", () =>
      Effect.gen(function*() {
        let seen: ReadonlyArray<unknown> = []
        let types: ReadonlyArray<string> = []
        const canned = cannedEngine({
          "insert :1 :2 :3 :4 :5 :6 :7 :8 :9 :10 :11": {
            run: (request) => {
              seen = request.rows![0]!
              types = request.bindTypes.map((bind) => bind.type)
              return { rowCount: 1 }
            }
          }
        })
        const connection = yield* connect(yield* serve(canned, { protocol }))
        const time = new Date(2024, 1, 29, 13, 14, 15, 16)
        const { IntervalDS, IntervalYM } = oracledb as unknown as Record<string, new(parts: object) => object>
        yield* Effect.promise(() =>
          connection.execute("insert :1 :2 :3 :4 :5 :6 :7 :8 :9 :10 :11", [
            "text",
            { val: "漢字", type: oracledb["DB_TYPE_NVARCHAR"] },
            -0.125,
            { val: 1.5, type: oracledb["DB_TYPE_BINARY_FLOAT"] },
            { val: -1e300, type: oracledb["DB_TYPE_BINARY_DOUBLE"] },
            Buffer.from([1, 2, 3]),
            time,
            { val: time, type: oracledb["DB_TYPE_DATE"] },
            { val: time, type: oracledb["DB_TYPE_TIMESTAMP_TZ"] },
            { val: new IntervalYM!({ years: 1, months: 2 }), type: oracledb["DB_TYPE_INTERVAL_YM"] },
            {
              val: new IntervalDS!({ days: 1, hours: 2, minutes: 3, seconds: 4, fseconds: 5 }),
              type: oracledb["DB_TYPE_INTERVAL_DS"]
            }
          ])
        )
        const utc = {
          day: time.getUTCDate(),
          hour: time.getUTCHours(),
          minute: time.getUTCMinutes(),
          nanosecond: 16_000_000
        }
        assert.deepEqual(seen, [
          "text",
          "漢字",
          "-0.125",
          1.5,
          -1e300,
          Uint8Array.of(1, 2, 3),
          moment({ nanosecond: 16_000_000 }),
          moment({}),
          moment(utc),
          { _tag: "IntervalYearToMonth", years: 1, months: 2 },
          { _tag: "IntervalDayToSecond", days: 1, hours: 2, minutes: 3, seconds: 4, nanoseconds: 5 }
        ])
        assert.deepStrictEqual(types, [
          "VARCHAR2",
          "NVARCHAR2",
          "NUMBER",
          "BINARY_FLOAT",
          "BINARY_DOUBLE",
          "RAW",
          "TIMESTAMP",
          "DATE",
          "TIMESTAMP WITH TIME ZONE",
          "INTERVAL YEAR TO MONTH",
          "INTERVAL DAY TO SECOND"
        ])
      }))

    it.live("LOBs come as text and bytes, or as locators, again and again from the statement cache", () =>
      Effect.gen(function*() {
        const text = "Clob \u{1F600} ".repeat(3000)
        const bytes = Uint8Array.from({ length: 40_000 }, (_, index) => index % 251)
        const canned = cannedEngine({
          "select lobs": {
            run: () =>
              query(
                [column("ID", "NUMBER"), column("C", "CLOB"), column("N", "NCLOB"), column("B", "BLOB")],
                [["1", makeLob("CLOB", text), makeLob("NCLOB", "short"), makeLob("BLOB", bytes)], [
                  "2",
                  null,
                  null,
                  null
                ]]
              )
          }
        })
        const connection = yield* connect(yield* serve(canned, { protocol }))
        const fetchInfo = {
          C: { type: oracledb["STRING"] },
          N: { type: oracledb["STRING"] },
          B: { type: oracledb["BUFFER"] }
        }
        for (let again = 0; again < 3; again++) {
          const { rows } = yield* Effect.promise(() => connection.execute("select lobs", [], { fetchInfo }))
          assert.deepEqual(rows, [[1, text, "short", Buffer.from(bytes)], [2, null, null, null]])
        }
        for (let again = 0; again < 2; again++) {
          const { rows } = yield* Effect.promise(() => connection.execute("select lobs"))
          const [id, clob, nclob, blob] = rows[0] as [
            number,
            ...Array<{ length: number; getData(): Promise<unknown> }>
          ]
          assert.strictEqual(id, 1)
          assert.strictEqual(clob!.length, text.length)
          assert.strictEqual(yield* Effect.promise(() => clob!.getData()), text)
          assert.strictEqual(yield* Effect.promise(() => nclob!.getData()), "short")
          assert.deepEqual(yield* Effect.promise(() => blob!.getData()), Buffer.from(bytes))
          assert.deepStrictEqual(rows[1], [2, null, null, null])
        }
      }))
  })
}

describe("types of 23ai", () => {
  it.live("BOOLEAN, JSON and VECTOR, out and in", () =>
    Effect.gen(function*() {
      const json = { name: "Zoë", list: [1, -2.5, null, true, { deep: "x".repeat(300) }], empty: {} }
      let seen: ReadonlyArray<unknown> = []
      const row: Row = [true, { _tag: "Json", value: json }, {
        _tag: "Vector",
        format: "FLOAT32",
        values: [1.5, -2, 0.25]
      }]
      const canned = cannedEngine({
        "select new": {
          run: () =>
            query([
              column("B", "BOOLEAN"),
              column("J", "JSON"),
              column("V", "VECTOR", { vector: { dimensions: 3, format: "FLOAT32" } })
            ], [row, [false, null, null], [null, { _tag: "Json", value: "scalar" }, null]])
        },
        "insert :1 :2 :3 :4 :5": {
          run: (request) => {
            seen = request.rows![0]!
            return { rowCount: 1 }
          }
        }
      })
      const connection = yield* connect(yield* serve(canned))
      for (let again = 0; again < 2; again++) {
        const { metaData, rows } = yield* Effect.promise(() => connection.execute("select new"))
        assert.deepEqual(rows, [
          [true, json, Float32Array.of(1.5, -2, 0.25)],
          [false, null, null],
          [null, "scalar", null]
        ])
        assert.deepInclude(metaData[2], { vectorDimensions: 3, vectorFormat: 2 })
      }
      yield* Effect.promise(() =>
        connection.execute("insert :1 :2 :3 :4 :5", [
          { val: true, type: oracledb["DB_TYPE_BOOLEAN"] },
          { val: false, type: oracledb["DB_TYPE_BOOLEAN"] },
          { val: null, type: oracledb["DB_TYPE_BOOLEAN"] },
          { val: json, type: oracledb["DB_TYPE_JSON"] },
          { val: Float64Array.of(1, 2.5), type: oracledb["DB_TYPE_VECTOR"] }
        ])
      )
      assert.deepEqual(seen, [
        true,
        false,
        null,
        { _tag: "Json", value: json },
        { _tag: "Vector", format: "FLOAT64", values: [1, 2.5] }
      ])
    }))
})

describe("LOBs", () => {
  it.live("are created, written, read in pieces, trimmed and bound", () =>
    Effect.gen(function*() {
      let bound: Value = null
      const canned = cannedEngine({
        "insert :c": {
          run: (request) => {
            bound = request.rows![0]![0] as Value
            return { rowCount: 1 }
          }
        },
        "begin long(:c); end;": {
          run: (request) => {
            bound = request.rows![0]![0] as Value
            return { rowCount: 1 }
          }
        }
      })
      const connection = yield* connect(yield* serve(canned))
      const text = "äöü \u{1F600} ".repeat(20_000)
      const lob = yield* Effect.promise(() => connection.createLob(oracledb["CLOB"]))
      yield* Effect.promise(() =>
        new Promise<void>((resolve, reject) => {
          lob.on("finish", resolve)
          lob.on("error", reject)
          lob.write(text)
          lob.end()
        })
      )
      assert.strictEqual(yield* Effect.promise(() => lob.getData(5, 10)), text.slice(4, 14))
      yield* Effect.promise(() => connection.execute("insert :c", [lob]))
      assert.strictEqual((bound as unknown as { length(): number }).length(), text.length)
      yield* Effect.promise(() => lob.close())
      yield* Effect.promise(() => connection.ping())
      // PL/SQL text beyond 32767 bytes travels as a temporary LOB by itself.
      yield* Effect.promise(() => connection.execute("begin long(:c); end;", [text]))
      const whole = bound as unknown as { length(): number; read(offset: number, amount: number): string }
      assert.strictEqual(whole.read(1, whole.length()), text)
    }))
})
