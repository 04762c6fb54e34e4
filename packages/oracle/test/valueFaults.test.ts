import { assert, describe, it } from "@effect/vitest"
import { OracleBind, OracleClient, OracleInterval } from "@sessionpool/oracle"
import { BigDecimal, Cause, DateTime, Duration, Effect, Exit, Option, Schema } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient } from "effect/sql"
import { connection, makePool, table } from "./database.ts"

const opened = Effect.gen(function*() {
  const pool = yield* makePool({ max: 1 })
  const sql = yield* Effect.provide(OracleClient.fromPool(pool), Reactivity.layer)
  return { pool, sql }
})

describe("a bind that its type cannot hold", () => {
  const year = (full: number) => {
    const date = new Date(0)
    date.setUTCFullYear(full, 0, 1)
    return date
  }
  const refused: ReadonlyArray<readonly [bind: OracleBind.Bind, problem: RegExp]> = [
    [Infinity, /NUMBER has no Infinity/],
    [Number.NaN, /NUMBER has no NaN/],
    [1e200, /below 1e126/],
    [1e-200, /from 1e-130/],
    [10n ** 126n, /less than 1e126/],
    [BigInt("9".repeat(41)), /at most 38 digits/],
    [BigDecimal.make(10n ** 128n, 0), /less than 1e126/],
    [new Date(Number.NaN), /date is invalid/],
    [new Date(Date.UTC(10000, 0, 1)), /the year 10000/],
    [year(0), /the year 0/],
    [DateTime.makeUnsafe(Date.UTC(10000, 0, 1)), /the year 10000/],
    [OracleBind.input("number", -Infinity), /NUMBER has no -Infinity/],
    [OracleBind.input("date", new Date(Number.NaN)), /date is invalid/],
    [OracleBind.input("timestampTz", year(12000)), /the year 12000/],
    [OracleBind.inOut("bigint", 10n ** 127n), /less than 1e126/],
    [OracleBind.input("json", { x: { list: [1, Infinity] } }), /at \$\.x\.list\[1\], NUMBER has no Infinity/],
    [OracleBind.input("json", { at: new Date(Number.NaN) }), /at \$\.at, the date is invalid/],
    [Duration.infinity, /no infinity/],
    [Duration.weeks(200_000_000), /at most 999999999 days/],
    [OracleInterval.yearMonth({ months: 0.5 }), /whole number of months/]
  ]

  it.live("is refused by its name before anything is sent, and the lease goes on (D1)", () =>
    Effect.gen(function*() {
      const { pool, sql } = yield* opened
      const session = yield* pool.use((held) => Effect.succeed(held.id))
      const self: { self?: object } = {}
      self.self = self
      const held = yield* pool.acquire()
      for (const [bind, problem] of [...refused, [OracleBind.input("json", self), /document holds itself/] as const]) {
        for (const [binds, where] of [[{ x: bind }, ":x"], [["ok", bind], ":2"]] as const) {
          const text = Array.isArray(binds) ? "begin null; end; -- :1 :2" : "select :x as x from dual"
          const error = yield* Effect.flip(held.execute(text, binds))
          assert.strictEqual(error._tag, "OracleError")
          if (error._tag !== "OracleError") continue
          assert.match(error.message, problem)
          assert.include(error.message, `Bind ${where} cannot be sent`)
          assert.deepStrictEqual([error.isRetryable, error.isSessionFatal], [false, false])
        }
        const error = yield* Effect.flip(held.query("select :x as x from dual", { x: bind }))
        assert.match(error.message, problem)
      }
      assert.deepStrictEqual(yield* held.query("select :x as x from dual", { x: 1 }), [{ X: 1 }])
      assert.strictEqual(held.id, session)
      yield* pool.release(held)
      const failed = yield* Effect.flip(sql`select ${Infinity} as x from dual`)
      assert.match(failed.message, /Bind :1 cannot be sent: NUMBER has no Infinity/)
    }))

  it.live("is refused in a batch by its row too, and none of the rows is there (D1)", () =>
    Effect.gen(function*() {
      const { pool } = yield* opened
      const name = yield* table(pool, "n number, d timestamp")
      const held = yield* pool.acquire()
      const insert = `insert into ${name} values (:1, :2)`
      const error = yield* Effect.flip(held.executeMany(insert, [[1, new Date(0)], [Infinity, new Date(0)]]))
      assert.match(error.message, /Bind :1 of row 1 cannot be sent: NUMBER has no Infinity/)
      const named = yield* Effect.flip(
        held.executeMany(`insert into ${name} values (:n, :d)`, [{ n: 1, d: new Date(Number.NaN) }])
      )
      assert.match(named.message, /Bind :d of row 0 cannot be sent: the date is invalid/)
      assert.deepStrictEqual(yield* held.query(`select count(*) as n from ${name}`), [{ N: 0 }])
      yield* held.executeMany(insert, [[1, new Date(0)]])
      yield* pool.release(held)
    }))

  it.live("of BINARY_DOUBLE may be infinite: that has one (D1)", () =>
    Effect.gen(function*() {
      const held = yield* connection()
      const sql = "select cast(:x as binary_double) as x from dual"
      for (const value of [Infinity, -Infinity, 1e200]) {
        assert.deepStrictEqual(yield* held.query(sql, { x: OracleBind.input("double", value) }), [{ X: value }])
      }
    }))
})

describe("RETURNING", () => {
  it.live("gives a CHAR in the length of its column (D3)", () =>
    Effect.gen(function*() {
      const { pool, sql } = yield* opened
      const name = yield* table(pool, "id number, c char(4), v varchar2(4000)")
      const rows = yield* sql`insert into ${sql(name)} ${sql.insert({ id: 1, c: "x", v: "y" }).returning("*")}`
      assert.deepStrictEqual(rows, [{ id: 1, c: "x   ", v: "y" }])
    }))
})

describe("intervals", () => {
  const durations: ReadonlyArray<readonly [Duration.Duration, string]> = [
    [Duration.zero, "+00 00:00:00.000000"],
    [Duration.millis(1500), "+00 00:00:01.500000"],
    [Duration.millis(-90_061_001), "-01 01:01:01.001000"],
    [Duration.days(999_999_999), "+999999999 00:00:00.000000"],
    [Duration.nanos(123_456_789n), "+00 00:00:00.123456789"],
    [Duration.nanos(-1n), "-00 00:00:00.000000001"]
  ]

  it.live("are durations and spans of months, in columns and binds (D4)", () =>
    Effect.gen(function*() {
      const { pool, sql } = yield* opened
      const name = yield* table(pool, "id number, i interval day(9) to second(9), y interval year(9) to month")
      const held = yield* pool.acquire()
      const months = [0, 30, -14, 11, 12 * 999_999_999 + 11]
      for (const [id, [duration]] of durations.entries()) {
        const span = OracleInterval.yearMonth({ months: months[id % months.length]! })
        yield* held.execute(`insert into ${name} values (:1, :2, :3)`, [id, duration, span])
        const [row] = yield* held.query(`select i, y from ${name} where id = :1`, [id])
        assert.strictEqual(
          Duration.toNanosUnsafe(row!["I"] as Duration.Duration),
          Duration.toNanosUnsafe(duration),
          durations[id]![1]
        )
        assert.deepStrictEqual(row!["Y"], span)
      }
      const whole = yield* held.query(`select i from ${name} where id = 1`)
      assert.deepStrictEqual(whole, [{ I: Duration.millis(1500) }])
      const literal = yield* held.query(
        "select interval '-1-02' year to month as y, interval '-1 02:03:04' day to second as i from dual"
      )
      assert.deepStrictEqual(literal, [{
        Y: OracleInterval.yearMonth({ years: -1, months: -2 }),
        I: Duration.millis(-(((26 * 60) + 3) * 60 + 4) * 1000)
      }])
      assert.strictEqual(String(OracleInterval.yearMonth({ years: -1, months: -2 })), "-01-02")
      const { outBinds } = yield* held.execute(
        "begin :i := interval '2' day; :y := interval '3' month; :z := null; end;",
        { i: OracleBind.out("intervalDs"), y: OracleBind.out("intervalYm"), z: OracleBind.out("intervalDs") }
      )
      assert.deepStrictEqual(outBinds, {
        i: Duration.millis(172_800_000),
        y: OracleInterval.yearMonth({ months: 3 }),
        z: null
      })
      yield* held.executeMany(`insert into ${name} values (:1, :2, :3)`, [
        [100, Duration.seconds(1), OracleInterval.yearMonth({ years: 1 })],
        [101, null, null],
        [102, Duration.seconds(2), OracleInterval.yearMonth({ months: 1 })]
      ])
      yield* held.commit
      yield* pool.release(held)
      assert.deepStrictEqual(yield* sql`select id, i, y from ${sql(name)} where id >= 100 order by id`, [
        { id: 100, i: Duration.millis(1000), y: OracleInterval.yearMonth({ years: 1 }) },
        { id: 101, i: null, y: null },
        { id: 102, i: Duration.millis(2000), y: OracleInterval.yearMonth({ months: 1 }) }
      ])
      const values = { id: 1, i: Duration.seconds(9), y: OracleInterval.yearMonth({ months: 9 }) }
      assert.deepStrictEqual(
        yield* sql`insert into ${sql(name)} ${sql.insert(values).returning("*")}`,
        [{ id: 1, i: Duration.millis(9000), y: values.y }]
      )
    }))
})

describe("SqlClient.SafeIntegers", () => {
  it.live("reads integers as bigints, fractions as numbers (D5)", () =>
    Effect.gen(function*() {
      const { pool, sql } = yield* opened
      const name = yield* table(pool, "id number, n number")
      const safe = Effect.provideService(SqlClient.SafeIntegers, true)
      const query = sql`select 9007199254740993 as big, 7 as small, 0.5 as half, null as none from dual`
      assert.deepStrictEqual(yield* safe(query), [{ big: 9007199254740993n, small: 7n, half: 0.5, none: null }])
      assert.deepStrictEqual(yield* safe(query.values), [[9007199254740993n, 7n, 0.5, null]])
      assert.strictEqual((yield* Effect.flip(query))._tag, "SqlError")
      const insert = sql`insert into ${sql(name)} ${sql.insert({ id: 9007199254740993n, n: 1 }).returning("*")}`
      assert.deepStrictEqual(yield* safe(insert), [{ id: 9007199254740993n, n: 1n }])
      assert.deepStrictEqual(yield* sql`select n from ${sql(name)}`, [{ n: 1 }])
      // What an application reads as something else on purpose stays that.
      const exact = yield* Effect.provide(
        OracleClient.fromPool(yield* makePool({ numbers: "string" })),
        Reactivity.layer
      )
      assert.deepStrictEqual(yield* safe(exact`select 7 as n from dual`), [{ n: "7" }])
    }))
})

describe("two columns of one name", () => {
  it.live("are a failure that names both, with and without rows (D6)", () =>
    Effect.gen(function*() {
      const { pool, sql } = yield* opened
      const name = yield* table(pool, "id number")
      const failure = (effect: Effect.Effect<unknown, { readonly message: string }>) =>
        Effect.map(Effect.flip(effect), ({ message }) => message)
      assert.match(
        yield* failure(sql.unsafe("select 1 as a, 2 as \"a\" from dual")),
        /column a: stands for both "A" \(column 1\) and "a" \(column 2\).*alias/
      )
      const both = "select 1 as a, 2 as \"a\" from dual"
      assert.deepStrictEqual(yield* pool.use((held) => held.query(both)), [{ A: 1, a: 2 }])
      assert.deepStrictEqual(yield* sql.unsafe(both).values, [[1, 2]])
      // Names that are the same in the database are told apart by the driver.
      yield* sql`insert into ${sql(name)} (id) values (5)`
      const twice = `select x.id, y.id from ${name} x, ${name} y`
      assert.deepStrictEqual(yield* pool.use((held) => held.query(twice)), [{ ID: 5, ID_1: 5 }])
      assert.deepStrictEqual(yield* sql.unsafe(twice), [{ id: 5, id_1: 5 }])
      assert.match(
        yield* failure(sql.unsafe(`insert into ${name} (id) values (1) returning id as "x", id as x`)),
        /column x: stands for two columns of RETURNING/
      )
      assert.deepStrictEqual(yield* sql`select count(*) as n from ${sql(name)}`, [{ n: 1 }])
      assert.match(
        yield* failure(sql.unsafe(`select id as "x", id as x from ${name} where 1 = 0`)),
        /column x: stands for both/
      )
    }))
})

describe("names of columns", () => {
  it.live("that a schema does not find are shown with what the row has (D7)", () =>
    Effect.gen(function*() {
      const held = yield* connection()
      const decode = (schema: Schema.Codec<unknown, unknown>, text: string) =>
        Effect.map(
          Effect.exit(held.query(text, [], { schema })),
          (exit) => Exit.isFailure(exit) ? Option.getOrThrow(Cause.findErrorOption(exit.cause)).message : ""
        )
      const lower = Schema.Struct({ b: Schema.Number })
      assert.match(
        yield* decode(lower, "select 1 as b from dual"),
        /column b: Missing key; the row has "B": set columnNames to "lower" or "camel", or select it as "b"/
      )
      const camel = Schema.Struct({ hiredAt: Schema.Number })
      assert.match(yield* decode(camel, "select 1 as hired_at from dual"), /the row has "HIRED_AT"/)
      assert.notInclude(yield* decode(lower, "select 1 as c from dual"), "the row has")
    }))

  it.live("come in ready-made forms, for a pool and for a query (D8)", () =>
    Effect.gen(function*() {
      const text = "select 1 as hired_at, 2 as \"mixedCase\" from dual"
      const expected = {
        upper: [{ HIRED_AT: 1, MIXEDCASE: 2 }],
        lower: [{ hired_at: 1, mixedCase: 2 }],
        camel: [{ hiredAt: 1, mixedCase: 2 }]
      }
      for (const columnNames of ["upper", "lower", "camel"] as const) {
        const pool = yield* makePool({ columnNames })
        assert.deepStrictEqual(yield* pool.use((held) => held.query(text)), expected[columnNames])
        const plain = yield* connection()
        assert.deepStrictEqual(yield* plain.query(text, [], { columnNames }), expected[columnNames])
      }
      const { sql } = yield* opened
      assert.deepStrictEqual(yield* sql.unsafe(text), expected.lower)
    }))
})
