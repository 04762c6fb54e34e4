import { assert, describe, it } from "@effect/vitest"
import { OracleClient, OracleInterval } from "@sessionpool/oracle"
import { Array as Arr, Duration, Effect, Redacted, type Scope } from "effect"
import { Reactivity } from "effect/reactivity"
import type { SqlError } from "effect/sql"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import { embedded, isReal, makePool, table } from "./database.ts"
import { openClient } from "./openClient.ts"

const scoped = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) => () => Effect.scoped(effect)

const older = { serverVersion: "19.3.0.0.0" }
const newer = { serverVersion: "23.7.0.25.1" }

/** A table with a key, a text with a default, and a number; the two clients that servers of different age would have. */
const withTable = Effect.gen(function*() {
  const pool = yield* makePool()
  const name = yield* table(pool, "id number, s varchar2(4000) default 'none', n number")
  const open = (options: OracleClient.ClientOptions) =>
    Effect.provide(OracleClient.fromPool(pool, options), Reactivity.layer)
  return { pool, name, clients: [yield* open(older), yield* open(newer)] }
})

/** Why a statement cannot be written or sent. */
const misuse = (effect: Effect.Effect<unknown, SqlError.SqlError>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.strictEqual(error.reason._tag, "SqlSyntaxError")
    return error.message
  })

describe("lists", () => {
  it.live(
    "of any length run on servers of any age (E1, E3)",
    scoped(Effect.gen(function*() {
      const { clients, name } = yield* withTable
      for (const sql of clients) {
        yield* sql`delete from ${sql(name)}`
        yield* sql`insert into ${sql(name)} ${
          sql.insert(Arr.makeBy(30, (n) => ({ id: n * 100, s: `x${n}`, n: n % 2 })))
        }`
        const ids = Array.from({ length: 2500 }, (_, n) => n + 1)
        const count = (rows: ReadonlyArray<unknown>) => (rows[0] as { n: number }).n
        assert.strictEqual(count(yield* sql`select count(*) as n from ${sql(name)} where id in ${sql.in(ids)}`), 25)
        assert.strictEqual(count(yield* sql`select count(*) as n from ${sql(name)} where ${sql.in("id", ids)}`), 25)
        assert.strictEqual(
          count(
            yield* sql`select count(*) as n from ${sql(name)} where n = ${0} and id + 0 not in ${
              sql.in(ids)
            } and s <> 'y'`
          ),
          3
        )
        assert.strictEqual(
          count(
            yield* sql`select count(*) as n from ${sql(name)} where (nvl(id, 0)) in ${sql.in([null, ...ids])} or id = 0`
          ),
          26
        )
        assert.strictEqual(
          count(yield* sql`select count(*) as n from ${sql(name)} where s in ${sql.in(ids.map((id) => `x${id}`))}`),
          29
        )
      }
    }))
  )

  it.live(
    "of tens of thousands of values compile, and what no server takes is a failure (E1)",
    scoped(Effect.gen(function*() {
      const { clients, name } = yield* withTable
      for (const sql of clients) {
        const values = Array.from({ length: 40_000 }, (_, n) => n)
        const [text, params] = sql`select 1 from t where ${sql.in("id", values)}`.compile()
        assert.lengthOf(params, 40_000)
        assert.include(text, ":40000)")
        const tooMany = yield* misuse(sql`select 1 from ${sql(name)} where ${sql.in("id", [...values, ...values])}`)
        assert.match(tooMany, /at most 65535 binds, and this one has 80000/)
      }
      const [sql] = clients
      const unknown = yield* misuse(sql!`${sql!.literal("IN ")}${sql!.in(Array.from({ length: 1001 }, (_, n) => n))}`)
      assert.match(unknown, /use sql.in\(column, values\)/)
    }))
  )

  it.live(
    "of any shape choose the rows that JavaScript would (E3)",
    scoped(Effect.gen(function*() {
      const { clients, name } = yield* withTable
      const [sql] = clients
      const rows = Arr.makeBy(50, (id) => ({ id, s: `s${id}`, n: id % 5 }))
      yield* sql!`insert into ${sql!(name)} ${sql!.insert(rows)}`
      const list = fc.record({
        size: fc.constantFrom(0, 1, 2, 999, 1000, 1001, 2000, 2001),
        from: fc.integer({ min: -20, max: 40 }),
        isNot: fc.boolean(),
        form: fc.constantFrom("column", "expression", "nested")
      })
      const samples = fc.sample(list, 25)
      for (const client of clients) {
        for (const { form, from, isNot, size } of samples) {
          const values = Array.from({ length: size }, (_, n) => n + from)
          const not = client.literal(isNot ? "not " : "")
          const found = yield* form === "column"
            ? client<{ id: number }>`select id from ${client(name)} where ${not}${client.in("id", values)} order by id`
            : form === "expression"
            ? client<{ id: number }>`select id from ${client(name)} where n < ${9} and id * 1 ${not}in ${
              client.in(values)
            } order by id`
            : client<{ id: number }>`select id from ${client(name)} where (n < 9 and (id) ${not}in ${
              client.in(values)
            }) order by id`
          const expected = rows.filter(({ id }) => values.includes(id) !== isNot).map(({ id }) => id)
          assert.deepStrictEqual(found.map(({ id }) => id), expected, JSON.stringify({ form, from, isNot, size }))
        }
      }
    }))
  )
})

describe("inserts of several rows", () => {
  it.live(
    "of tens of thousands are one batch whose text does not depend on their number (E1, E2)",
    scoped(Effect.gen(function*() {
      const { clients, name } = yield* withTable
      for (const sql of clients) {
        yield* sql`delete from ${sql(name)}`
        const insert = (rows: number) =>
          sql`insert into ${sql(name)} ${sql.insert(Arr.makeBy(rows, (id) => ({ id, s: `${id}`, n: 1 })))}`
        const text = `insert into "${name.toUpperCase()}" ("ID","S","N") VALUES (:1,:2,:3)`
        assert.deepStrictEqual([insert(100).compile()[0], insert(20_000).compile()[0]], [text, text])
        yield* insert(20_000)
        assert.deepStrictEqual(yield* sql`select count(*) as n from ${sql(name)}`, [{ n: 20_000 }])
      }
    }))
  )

  it.live(
    "have the columns that their records have, whatever order those have them in",
    scoped(Effect.gen(function*() {
      const { clients, name } = yield* withTable
      for (const sql of clients) {
        const many = (of: (id: number) => Record<string, unknown>) => Arr.makeBy(120, of)
        const inherits = (id: number): Record<string, unknown> =>
          Object.assign(Object.create({ n: 7 }) as object, { id, s: "x" })
        const found = sql`select s, n, count(*) as found from ${sql(name)} group by s, n order by s, n`
        const forms: ReadonlyArray<readonly [Arr.NonEmptyArray<Record<string, unknown>>, ReadonlyArray<unknown>]> = [
          [many((id) => ({ id, s: "a", n: 1 })), [{ s: "a", n: 1, found: 120 }]],
          [many((id) => id % 2 === 0 ? { id, s: "a", n: 1 } : { n: 1, s: "a", id }), [{ s: "a", n: 1, found: 120 }]],
          [many((id) => id < 60 ? { id, s: "a", n: 1 } : { id, s: "b" }), [
            { s: "a", n: 1, found: 60 },
            { s: "b", n: null, found: 60 }
          ]],
          [many((id) => id < 60 ? { id, s: "a" } : { id, s: "b", n: 1 }), [
            { s: "a", n: null, found: 60 },
            { s: "b", n: 1, found: 60 }
          ]],
          [many((id) => id === 119 ? { id, s: sql`upper(${"a"})`, n: 1 } : { id, s: "a", n: 1 }), [
            { s: "A", n: 1, found: 1 },
            { s: "a", n: 1, found: 119 }
          ]],
          [many((id) => ({ id, s: "a", n: id === 7 ? "8" : 1 })), [
            { s: "a", n: 1, found: 119 },
            { s: "a", n: 8, found: 1 }
          ]]
        ]
        for (const [rows, expected] of forms) {
          yield* sql`delete from ${sql(name)}`
          yield* sql`insert into ${sql(name)} ${sql.insert(rows)}`
          assert.deepStrictEqual(yield* found, expected)
        }
        // What a record inherits is a column too.
        assert.include(sql`insert into t ${sql.insert(many(inherits))}`.compile()[0], "\"ID\",\"S\",\"N\"")
      }
    }))
  )

  it.live(
    "are written once in whole or not at all, in a transaction and outside of one (E2)",
    scoped(Effect.gen(function*() {
      const { clients, pool } = yield* withTable
      const name = yield* table(pool, "id number primary key")
      for (const sql of clients) {
        yield* sql`delete from ${sql(name)}`
        const twice = sql`insert into ${sql(name)} ${sql.insert(Arr.makeBy(150, (n) => ({ id: n % 149 })))}`
        assert.strictEqual((yield* Effect.flip(twice)).reason._tag, "UniqueViolation")
        yield* sql.withTransaction(Effect.gen(function*() {
          yield* sql`insert into ${sql(name)} ${sql.insert({ id: -1 })}`
          yield* Effect.flip(twice)
        }))
        assert.deepStrictEqual(yield* sql`select id from ${sql(name)}`, [{ id: -1 }])
        // On a reserved connection the next statement would commit what the failed one has left.
        yield* Effect.scoped(Effect.gen(function*() {
          const connection = yield* sql.reserve
          const [text, params] = twice.compile()
          yield* Effect.flip(connection.execute(text, params, undefined))
          yield* connection.execute(`update ${name} set id = -2`, [], undefined)
        }))
        assert.deepStrictEqual(yield* sql`select id from ${sql(name)}`, [{ id: -2 }])
      }
    }))
  )

  it.live(
    "may have expressions and sequences, with and without rows given back (E4, E13)",
    scoped(Effect.gen(function*() {
      const { clients, name, pool } = yield* withTable
      yield* pool.use((connection) => connection.execute(`create sequence ${name}_seq`))
      for (const sql of clients) {
        yield* sql`delete from ${sql(name)}`
        const next = sql.literal(`${name}_seq.nextval`)
        yield* sql`insert into ${sql(name)} ${sql.insert([{ id: next, s: "a" }, { id: next, s: "b" }])}`
        const given = yield* sql`insert into ${sql(name)} ${
          sql.insert([
            { id: next, s: sql`upper(${"c"})`, n: 1 },
            { id: next, s: sql`upper(${"d"})`, n: sql`${1} + ${1}` },
            { id: next, s: "e", n: 3 }
          ]).returning("s, n")
        }`
        assert.deepStrictEqual(given, [{ s: "C", n: 1 }, { s: "D", n: 2 }, { s: "e", n: 3 }])
        const rows = yield* sql<{ id: number; s: string }>`select id, s from ${sql(name)} order by id`
        assert.deepStrictEqual(rows.map(({ s }) => s), ["a", "b", "C", "D", "e"])
        assert.strictEqual(new Set(rows.map(({ id }) => id)).size, 5)
      }
      yield* pool.use((connection) => connection.execute(`drop sequence ${name}_seq`))
    }))
  )

  it.live(
    "take the columns of all rows, and the default where a row has none (E5)",
    scoped(Effect.gen(function*() {
      const { clients, name } = yield* withTable
      for (const sql of clients) {
        yield* sql`delete from ${sql(name)}`
        const rows: Arr.NonEmptyArray<Record<string, unknown>> = [{ id: 1 }, { id: 2, s: "b", n: 7 }, { n: 3, id: 3 }, {
          id: 4,
          s: undefined
        }]
        yield* sql`insert into ${sql(name)} ${sql.insert(rows)}`
        assert.deepStrictEqual(yield* sql`select id, s, n from ${sql(name)} order by id`, [
          { id: 1, s: "none", n: null },
          { id: 2, s: "b", n: 7 },
          { id: 3, s: "none", n: 3 },
          { id: 4, s: null, n: null }
        ])
        const uneven = sql`update ${sql(name)} t set s = d.s from ${
          sql.updateValues([{ id: 1, s: "x" }, { id: 2 }] as never, "d")
        } where t.id = d.id`
        assert.match(yield* misuse(uneven), /row 2 has no "s"/)
      }
    }))
  )

  it.live(
    "of no rows or no columns are failures, and updates of none (E12)",
    scoped(Effect.gen(function*() {
      const { clients, name } = yield* withTable
      for (const sql of clients) {
        assert.match(
          yield* misuse(sql`insert into ${sql(name)} ${sql.insert([] as never)}`),
          /sql.insert was given no rows/
        )
        assert.match(yield* misuse(sql`insert into ${sql(name)} ${sql.insert({})}`), /sql.insert was given no columns/)
        assert.match(yield* misuse(sql`update ${sql(name)} set ${sql.update({})}`), /sql.update was given no columns/)
        assert.match(
          yield* misuse(sql`update ${sql(name)} t set s = d.s from ${sql.updateValues([] as never, "d")}`),
          /sql.updateValues was given no rows/
        )
        const empty = sql`insert into ${sql(name)} ${sql.insert([] as never)}`
        yield* misuse(empty.raw)
        yield* misuse(empty.values)
        yield* misuse(empty.unprepared)
      }
    }))
  )

  it.live(
    "of values of several kinds do not depend on the session's decimal character (E22)",
    scoped(Effect.gen(function*() {
      const { clients, name, pool } = yield* withTable
      const rows = Arr.makeBy(120, (id) => ({ id, s: "x", n: id % 3 === 0 ? 1.5 : id % 3 === 1 ? "2" : null }))
      yield* Effect.scoped(Effect.gen(function*() {
        // One session, so that what is set holds for every statement.
        for (const sql of clients) {
          yield* sql.withTransaction(Effect.gen(function*() {
            yield* sql.useConnection((held) => held.execute("alter session set nls_numeric_characters = ',.'"))
            yield* sql`delete from ${sql(name)}`
            yield* sql`insert into ${sql(name)} ${sql.insert(rows)}`
            const given = yield* sql<{ n: number }>`insert into ${sql(name)} ${
              sql.insert([{ id: 200, n: 2.5 }, { id: 201, n: "3" }]).returning("n")
            }`
            assert.deepStrictEqual(given, [{ n: 2.5 }, { n: 3 }])
            assert.deepStrictEqual(
              yield* sql`select n, count(*) as c from ${sql(name)} where id < 200 group by n order by n`,
              [{ n: 1.5, c: 40 }, { n: 2, c: 40 }, { n: null, c: 40 }]
            )
            yield* sql.useConnection((held) => held.execute("alter session set nls_numeric_characters = '.,'"))
          }))
        }
      }))
      assert.strictEqual((yield* pool.statistics).busy, 0)
    }))
  )
})

describe("RETURNING", () => {
  it.live(
    "is found among comments, quotes and names of any form (E6)",
    scoped(Effect.gen(function*() {
      const { clients, name } = yield* withTable
      const [sql] = clients
      const forms = [
        `delete from ${name} where id = :1 -- old\n returning id`,
        `delete /* returning */ from -- it's into\n ${name} t where id = :1 /* x */ returning /* y */ id -- z`,
        `update ${name} set s = q'{ returning it's }' where id = :1 returning id;`,
        `update ${name} "a(b" set s = nq'! returning into (!' where id = :1 returning "a(b".id as id, s || ') into' as "t"`,
        `update ${name} set s = (select 'returning' from dual) where id = :1\nRETURNING\nid--end`,
        `update ${name} set s = case when s in ('returning', 'into') then 'x' end where id = :1 returning id, nvl(s, 'a,b') as nothing`
      ]
      for (const [index, form] of forms.entries()) {
        yield* sql!`insert into ${sql!(name)} ${sql!.insert({ id: index })}`
        const rows = yield* sql!.unsafe<{ id: number }>(form, [index])
        assert.deepStrictEqual(rows.map(({ id }) => id), [index], form)
      }
      assert.deepStrictEqual(yield* sql!.unsafe(`select 'x returning y' as r from dual where 1 = :1`, [1]), [{
        r: "x returning y"
      }])
    }))
  )

  it.live(
    "describes a table anew after a change by this process, after a failure, and after a time (E9)",
    scoped(Effect.gen(function*() {
      if (isReal) return
      const { connect } = yield* embedded()
      const pool = yield* makePool(connect)
      const other = yield* makePool(connect)
      const sql = yield* Effect.provide(OracleClient.fromPool(pool, { describeTtl: "1 minute" }), Reactivity.layer)
      yield* sql`create table t9 (a number)`
      const insert = sql`insert into t9 ${sql.insert({ a: 1 })} returning *`
      assert.deepStrictEqual(yield* insert, [{ a: 1 }])
      yield* other.use((connection) => connection.execute("-- on another pool\nalter table t9 add b number"))
      assert.deepStrictEqual(yield* insert, [{ a: 1, b: null }])
      // What another process does is seen after a time: here a block hides the change.
      yield* sql`begin execute immediate 'alter table t9 add c number'; end;`
      assert.deepStrictEqual(yield* insert, [{ a: 1, b: null }])
      const later = Effect.gen(function*() {
        const timed = yield* Effect.provide(OracleClient.fromPool(pool), Reactivity.layer)
        const again = timed`insert into t9 ${timed.insert({ a: 2 })} returning *`
        const first = yield* again
        yield* timed`begin execute immediate 'alter table t9 add d number'; end;`
        const soon = yield* again
        yield* TestClock.adjust("61 seconds")
        return [first, soon, yield* again]
      })
      assert.deepStrictEqual(yield* Effect.provide(later, TestClock.layer()), [
        [{ a: 2, b: null, c: null }],
        [{ a: 2, b: null, c: null }],
        [{ a: 2, b: null, c: null, d: null }]
      ])
      yield* sql`begin execute immediate 'alter table t9 drop column d'; end;`
      // After a failure too.
      yield* sql`alter table t9 drop column c`
      assert.deepStrictEqual(yield* insert, [{ a: 1, b: null }])
      yield* sql`begin execute immediate 'alter table t9 drop column b'; end;`
      yield* Effect.flip(insert)
      assert.deepStrictEqual(yield* insert, [{ a: 1 }])
    }))
  )

  it.live(
    "does not give one user the columns of another's table of the same name (E9)",
    scoped(Effect.gen(function*() {
      if (isReal) return
      const pool = yield* makePool({ homogeneous: false })
      const sql = yield* Effect.provide(OracleClient.fromPool(pool), Reactivity.layer)
      const hr = OracleClient.withRequest({ user: "hr", password: Redacted.make("hr-secret") })
      yield* sql`create table mine (a number)`
      yield* hr(sql`create table mine (a number, b number)`)
      const insert = sql`insert into mine ${sql.insert({ a: 1 })} returning *`
      assert.deepStrictEqual(yield* insert, [{ a: 1 }])
      assert.deepStrictEqual(yield* hr(insert), [{ a: 1, b: null }])
    }))
  )
})

describe("statements", () => {
  it.live(
    "may end with a semicolon, which blocks keep (E14)",
    scoped(Effect.gen(function*() {
      const { clients, name, pool } = yield* withTable
      const [sql] = clients
      for (
        const text of [
          "select 1 as a from dual;",
          "select 1 as a from dual ; -- ;\n",
          "select ';' || 1 as a from dual;;"
        ]
      ) {
        assert.lengthOf(yield* sql!.unsafe(text), 1)
        assert.lengthOf(yield* pool.use((connection) => connection.query(text)), 1)
        assert.lengthOf((yield* pool.use((connection) => connection.execute(text))).rows, 1)
      }
      yield* sql!.unsafe(`insert into ${name} (id) values (1);`)
      yield* pool.use((connection) => connection.executeMany(`insert into ${name} (id) values (:1);`, [[2], [3]]))
      yield* sql!.unsafe("begin null; end;")
      yield* sql!.unsafe("<<outer>> declare a number; begin null; end;")
      yield* sql!.unsafe("/* c */ declare a number; begin a := 1; end;")
    }))
  )

  it.live(
    "name a parameter that cannot be sent (E15)",
    scoped(Effect.gen(function*() {
      const { clients, name } = yield* withTable
      const [sql] = clients
      const wrong: ReadonlyArray<readonly [value: unknown, said: RegExp]> = [
        [() => 1, /Parameter 2 is a function/],
        [Symbol("x"), /Parameter 2 is a symbol/],
        [new Map(), /Parameter 2 is an object of the class Map/],
        [new Set([1]), /class Set/],
        [Promise.resolve(1), /class Promise/],
        [Effect.succeed(1), /an effect, which has to be run first/],
        [Redacted.make("Zq7"), /a Redacted value/],
        [/x/, /class RegExp/],
        [new URL("http://x"), /class URL/]
      ]
      for (const [value, said] of wrong) {
        assert.match(yield* misuse(sql!`select ${1} as a, ${value} as b from dual`), said)
        const rows = sql!.insert(Arr.makeBy(150, (id) => ({ id, s: id === 120 ? value : "x" })))
        assert.match(yield* misuse(sql!`insert into ${sql!(name)} ${rows}`), /Parameter 2 of row 121 is/)
      }
      assert.deepStrictEqual(yield* sql!`select count(*) as n from ${sql!(name)}`, [{ n: 0 }])
      const months = OracleInterval.yearMonth({ years: 1, months: 2 })
      assert.deepStrictEqual(yield* sql!`select ${Duration.seconds(90)} as d, ${months} as m from dual`, [{
        d: Duration.seconds(90),
        m: months
      }])
    }))
  )
})

describe("names", () => {
  it.live(
    "change their case letter by letter, as Oracle's do (E10)",
    scoped(Effect.gen(function*() {
      const { pool, sql } = yield* openClient()
      const name = yield* table(pool, "größe number, straße number, \"maß\" number")
      yield* sql`insert into ${sql(name)} ${sql.insert({ größe: 1, straße: 2 })}`
      assert.deepStrictEqual(yield* sql`select größe, ${sql("straße")} from ${sql(name)}`, [{ größe: 1, straße: 2 }])
    }))
  )

  it.live(
    "are either what they say or refused, whatever they hold (E10, E11)",
    scoped(Effect.gen(function*() {
      const { sql } = yield* openClient()
      const any = fc.oneof(
        fc.string({ unit: "binary", minLength: 1, maxLength: 12 }),
        fc.stringMatching(/^[a-zA-Zßıİéœŉ"\0. ]{1,12}$/)
      )
      fc.assert(fc.property(any, (name) => {
        const refused = name.includes("\"") || name.includes("\0") || name.split(".").some((part) => part === "")
        if (refused) {
          assert.throws(() => sql`select * from ${sql(name)}`.compile(), /cannot be a name/)
          return
        }
        const [text] = sql`select ${sql(name)} from t`.compile()
        const parts = text.slice("select \"".length, -"\" from t".length).split("\".\"")
        assert.lengthOf(parts, name.split(".").length)
        for (const [index, part] of parts.entries()) {
          const given = name.split(".")[index]!
          const letters = [...given]
          assert.isTrue(
            [...part].every((letter, at) => letter === letters[at] || letter === letters[at]?.toUpperCase())
          )
          assert.lengthOf([...part], [...given].length)
        }
      }))
      assert.match(yield* misuse(sql`select * from ${sql("a\"b")}`), /neither a quotation mark nor NUL/)
      assert.match(yield* misuse(sql`insert into t ${sql.insert({ "a\"b": 1 })}`), /cannot be a name/)
    }))
  )
})
