/** Object types that change under a session, and values that are not quite what an attribute takes. */
import { assert, describe, it } from "@effect/vitest"
import { OracleBind } from "@sessionpool/oracle"
import { BigDecimal, DateTime, Effect, Schema } from "effect"
import { connection, isReal, makePool } from "./database.ts"

/** In a time zone that is not UTC. */
const inNewYork = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      const before = process.env["TZ"]
      process.env["TZ"] = "America/New_York"
      return before
    }),
    () => effect,
    (before) =>
      Effect.sync(() => {
        if (before === undefined) delete process.env["TZ"]
        else process.env["TZ"] = before
      })
  )

const pair = OracleBind.object("SP_PAIR", Schema.Any)
const echo = "begin :back := :sent; end;"

// The types stay in a database: on a real one another run would find them in use.
describe.skipIf(isReal)("object types", () => {
  it.live("are read and written as they are now, when they are made anew under a session", () =>
    Effect.gen(function*() {
      const pool = yield* makePool({ max: 2 })
      const [held, other] = yield* Effect.all([pool.acquire(), pool.acquire()])
      const send = (sent: unknown) =>
        Effect.map(
          held.execute(echo, { back: OracleBind.out(pair), sent: OracleBind.input(pair, sent) }),
          ({ outBinds }): unknown => outBinds.back
        )
      yield* held.execute("create or replace type sp_pair as object (x number, y number)")
      assert.deepStrictEqual(yield* send({ X: 1, Y: 2 }), { X: 1, Y: 2 })
      assert.deepStrictEqual(yield* held.query("select sp_pair(1, 2) as it from dual"), [{ IT: { X: 1, Y: 2 } }])

      yield* other.execute("drop type sp_pair")
      yield* other.execute("create type sp_pair as object (y varchar2(9), x number)")
      assert.deepStrictEqual(yield* held.query("select sp_pair('one', 2) as it from dual"), [{
        IT: { Y: "one", X: 2 }
      }])
      // What the session knows of it fails once, and is asked for again.
      yield* Effect.exit(send({ X: 3, Y: "old" }))
      assert.deepStrictEqual(yield* send({ X: 3, Y: "new" }), { X: 3, Y: "new" })
    }))

  it.live("of one statement may differ from one execution to the next", () =>
    Effect.gen(function*() {
      const held = yield* connection()
      yield* held.execute("create or replace type sp_words as table of varchar2(9)")
      yield* held.execute("create or replace type sp_days as table of date")
      const rows = (name: string, list: ReadonlyArray<unknown>) =>
        held.query("select column_value v from table(:list)", {
          list: OracleBind.input(OracleBind.collection(name, Schema.Any), list)
        })
      const day = new Date("2024-02-29T00:00:00Z")
      for (let round = 0; round < 2; round++) {
        assert.deepStrictEqual(yield* rows("SP_WORDS", ["a", null]), [{ V: "a" }, { V: null }])
        assert.deepStrictEqual(yield* rows("SP_DAYS", [day, null]), [{ V: day }, { V: null }])
      }
    }))

  it.live("are found in any row of a batch", () =>
    Effect.gen(function*() {
      const held = yield* connection()
      yield* held.execute("create or replace type sp_pair as object (x number, y number)")
      yield* held.execute("create table sp_pairs (id number, it sp_pair)")
      yield* held.executeMany("insert into sp_pairs values (:1, :2)", [
        [1, null],
        [2, OracleBind.input(pair, { X: 1, Y: 2 })]
      ])
      assert.deepStrictEqual(yield* held.query("select p.id, p.it.y y from sp_pairs p order by id"), [
        { ID: 1, Y: null },
        { ID: 2, Y: 2 }
      ])
    }))

  it.live("hold a DateTime in UTC, in whatever zone the process is", () =>
    inNewYork(Effect.scoped(Effect.gen(function*() {
      const held = yield* connection()
      yield* held.execute(
        "create or replace type sp_moments as object (d date, t timestamp, z timestamp with time zone)"
      )
      const noon = new Date("2024-07-01T12:00:00Z")
      const moment = DateTime.fromDateUnsafe(noon)
      const moments = OracleBind.object("SP_MOMENTS", Schema.Any)
      const { outBinds } = yield* held.execute(echo, {
        back: OracleBind.out(moments),
        sent: OracleBind.input(moments, { D: moment, T: moment, Z: moment })
      })
      assert.deepStrictEqual(outBinds.back, { D: noon, T: noon, Z: noon })
      const list = yield* held.execute(
        "declare type days is table of date index by pls_integer; d days := :days; begin :day := d(1); end;",
        { days: OracleBind.input(OracleBind.array("date"), [moment as never]), day: OracleBind.out("date") }
      )
      assert.deepStrictEqual(list.outBinds.day, noon)
    }))))

  it.live("take every kind of number where it fits, and refuse it where the driver would write another", () =>
    Effect.gen(function*() {
      const held = yield* connection()
      yield* held.execute(
        "create or replace package sp_sums as type line is record (d binary_double, i pls_integer); end;"
      )
      const line = OracleBind.object("SP_SUMS.LINE", Schema.Any)
      const send = (sent: unknown) =>
        Effect.map(
          held.execute(echo, { back: OracleBind.out(line), sent: OracleBind.input(line, sent) }),
          ({ outBinds }): unknown => outBinds.back
        )
      assert.deepStrictEqual(yield* send({ D: 5n, I: 7n }), { D: 5, I: 7 })
      const half = BigDecimal.fromStringUnsafe("0.5")
      assert.deepStrictEqual(yield* send({ D: half, I: 2_147_483_647 }), { D: 0.5, I: 2_147_483_647 })
      for (const I of [1.5, half, 2 ** 31, 2n ** 70n, Number.NaN]) {
        const failure = yield* Effect.flip(send({ D: 1, I }))
        assert.include(String(failure.message), "at I, a PLS_INTEGER is an integer of at most 2147483647")
      }
    }))
})

it.live("a number bind refuses what is no number, which would have gone as NULL", () =>
  Effect.gen(function*() {
    const held = yield* connection()
    for (const type of ["number", "bigint", "bigDecimal"] as const) {
      for (const value of ["5", true, new Date(0), {}]) {
        const failure = yield* Effect.flip(
          held.query("select :n n from dual", { n: OracleBind.input(type, value as never) })
        )
        assert.include(failure.message, `Bind :n cannot be sent: a ${type} is a number, a bigint or a BigDecimal`)
      }
      assert.deepStrictEqual(
        yield* held.query("select :n n from dual", { n: OracleBind.input(type, null) }),
        [{ N: null }]
      )
    }
  }))
