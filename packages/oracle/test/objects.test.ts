import { assert, describe, it } from "@effect/vitest"
import { OracleBind, OracleClient } from "@sessionpool/oracle"
import { BigDecimal, Effect, Schema, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import { connection, isReal, makePool } from "./database.ts"

const script = [
  "create or replace type sp_address as object (street varchar2(40), zip number, since date)",
  "create or replace type sp_addresses as table of sp_address",
  "create or replace type sp_amounts as table of number",
  "create or replace type sp_person as object (name varchar2(40), home sp_address, amounts sp_amounts, others sp_addresses, key raw(8))",
  "create table sp_people (id number, who sp_person)",
  "create or replace procedure sp_move(p in out sp_person) as begin p.home.street := upper(p.home.street); p.amounts.extend; p.amounts(p.amounts.last) := 0.1; end;",
  "create or replace package sp_shop as type line is record (item varchar2(9), place pls_integer); procedure put(l line); end;",
  "create or replace procedure sp_row(r in out sp_people%rowtype) as begin r.id := r.id + 1; end;"
]

const Address = Schema.Struct({
  STREET: Schema.NullOr(Schema.String),
  ZIP: Schema.NullOr(Schema.Number),
  SINCE: Schema.NullOr(Schema.Date)
})
const Person = Schema.Struct({
  NAME: Schema.String,
  HOME: Schema.NullOr(Address),
  AMOUNTS: Schema.NullOr(Schema.Array(Schema.Number)),
  OTHERS: Schema.NullOr(Schema.Array(Schema.NullOr(Address))),
  KEY: Schema.NullOr(Schema.Uint8Array)
})
const person = OracleBind.object("SP_PERSON", Person)
const amounts = OracleBind.collection("SP_AMOUNTS", Schema.NullOr(Schema.Number))

const ada: typeof Person.Type = {
  NAME: "ada",
  HOME: { STREET: "High", ZIP: 12.5, SINCE: new Date("2024-02-29T13:14:15Z") },
  AMOUNTS: [1, -2.25],
  OTHERS: [{ STREET: null, ZIP: null, SINCE: null }, null],
  KEY: new Uint8Array([0, 255])
}

const prepared = Effect.gen(function*() {
  const pool = yield* makePool()
  const held = yield* pool.acquire()
  for (const statement of script) yield* held.execute(statement)
  return held
})

// The types stay in a database: on a real one another run would find them in use.
describe.skipIf(isReal)("objects, collections and index-by tables", () => {
  it.live("go into rows and come back", () =>
    Effect.gen(function*() {
      const held = yield* prepared
      yield* held.execute("insert into sp_people values (1, :who)", { who: OracleBind.input(person, ada) })
      yield* held.execute("insert into sp_people values (:1, :2)", [2, OracleBind.input(person, null)])
      const rows = yield* held.query("select id, who from sp_people order by id")
      assert.deepStrictEqual(Schema.decodeUnknownSync(Person)(rows[0]!["WHO"]), ada)
      assert.isNull(rows[1]!["WHO"])
      const decoded = yield* held.query("select who from sp_people where id = 1", [], {
        schema: Schema.Struct({ WHO: Person })
      })
      assert.deepStrictEqual(decoded, [{ WHO: ada }])
    }))

  it.live("keep every digit, by the policy", () =>
    Effect.gen(function*() {
      const held = yield* prepared
      const sql =
        "select sp_amounts(12345678901234567890.123456789, 7) a, sp_address('s', 0.1234567890123456789, null) b from dual"
      const [exact] = yield* held.query(sql, [], { numbers: "bigDecimal", columnNames: "camel" })
      assert.deepStrictEqual(
        (exact!["a"] as ReadonlyArray<BigDecimal.BigDecimal>).map(BigDecimal.format),
        ["12345678901234567890.123456789", "7"]
      )
      assert.strictEqual(
        BigDecimal.format((exact!["b"] as { readonly zip: BigDecimal.BigDecimal }).zip),
        "1.234567890123456789e-1"
      )
      const failure = yield* Effect.flip(held.query(sql))
      assert.strictEqual(failure._tag, "RowDecodeError")
      assert.include(String(failure.message), "at [0], has 29 significant digits")
    }))

  it.live("go through PL/SQL both ways", () =>
    Effect.gen(function*() {
      const held = yield* prepared
      const { outBinds } = yield* held.execute("begin sp_move(:p); end;", { p: OracleBind.inOut(person, ada) })
      const moved: typeof Person.Type | null = outBinds.p
      assert.deepStrictEqual(moved, {
        ...ada,
        HOME: { ...ada.HOME!, STREET: "HIGH" },
        AMOUNTS: [...ada.AMOUNTS!, 0.1]
      })
      const row = OracleBind.object(
        "SP_PEOPLE%ROWTYPE",
        Schema.Struct({ ID: Schema.Number, WHO: Schema.NullOr(Person) })
      )
      const { outBinds: record } = yield* held.execute("begin sp_row(:r); end;", {
        r: OracleBind.inOut(row, { ID: 4, WHO: ada })
      })
      assert.deepStrictEqual(record.r, { ID: 5, WHO: ada })
      const lists = yield* held.execute("begin :b := :a; end;", {
        a: OracleBind.input(amounts, [3, null, 4.5]),
        b: OracleBind.out(amounts)
      })
      assert.deepStrictEqual(lists.outBinds.b, [3, null, 4.5])
    }))

  it.live("select by a list of any length", () =>
    Effect.gen(function*() {
      const held = yield* prepared
      const many = Array.from({ length: 3000 }, (_, i) => i)
      const sql = "select count(*) n from table(:ids) where column_value >= 1000"
      assert.deepStrictEqual(yield* held.query(sql, { ids: OracleBind.input(amounts, many) }), [{ N: 2000 }])
      assert.deepStrictEqual(yield* held.query(sql, { ids: OracleBind.input(amounts, []) }), [{ N: 0 }])
      const streamed = yield* Stream.runCollect(
        held.queryStream("select column_value n from table(:ids)", { ids: OracleBind.input(amounts, [5, 6]) })
      )
      assert.deepStrictEqual(streamed, [{ N: 5 }, { N: 6 }])
    }))

  it.live("are parameters of the client", () =>
    Effect.gen(function*() {
      const pool = yield* makePool({ max: 1 })
      const held = yield* pool.acquire()
      for (const statement of script) yield* held.execute(statement)
      yield* pool.release(held)
      const sql = yield* Effect.provide(OracleClient.fromPool(pool), Reactivity.layer)
      // The client has names in small letters, those of attributes too.
      const home = OracleBind.object("SP_ADDRESS", Schema.Struct({ street: Schema.String, zip: Schema.Number }))
      const high = { street: "High", zip: 12.5 }
      yield* sql`create table sp_homes (id number, at sp_address)`
      yield* sql`insert into sp_homes ${
        sql.insert([{ id: 1, at: OracleClient.typed(home, high) }, { id: 2, at: OracleClient.typed(home, null) }])
      }`
      const ids = OracleBind.collection("SP_AMOUNTS", Schema.Number)
      const found = (wanted: ReadonlyArray<number>) =>
        sql<{ id: number }>`select id from sp_homes where id in ${OracleClient.list(ids, wanted)} order by id`
      assert.deepStrictEqual(yield* found([2, 7, 1]), [{ id: 1 }, { id: 2 }])
      assert.deepStrictEqual(yield* found([]), [])
      assert.deepStrictEqual(yield* sql`select at from sp_homes where id = 1`, [{ at: { ...high, since: null } }])
      const [changed] = yield* sql`begin ${OracleClient.inOut("a", home, high)} := sp_address('Low', 1, null); end;`
      assert.deepStrictEqual(changed, { a: { street: "Low", zip: 1 } })
    }))

  it.live("go in batches", () =>
    Effect.gen(function*() {
      const held = yield* prepared
      yield* held.executeMany("insert into sp_people values (:id, :who)", [
        { id: 11, who: OracleBind.input(person, ada) },
        { id: 12, who: OracleBind.input(person, null) }
      ])
      const rows = yield* held.query("select p.id, p.who.home.zip z from sp_people p order by id")
      assert.deepStrictEqual(rows, [{ ID: 11, Z: 12.5 }, { ID: 12, Z: null }])
    }))

  it.live("pass index-by tables", () =>
    Effect.gen(function*() {
      const held = yield* connection()
      const day = new Date("2024-02-29T00:00:00Z")
      const { outBinds } = yield* held.execute(
        `declare
           type names is table of varchar2(20) index by pls_integer;
           type amounts is table of number index by binary_integer;
           type days is table of date index by pls_integer;
           n names := :names; a amounts; d days := :days;
         begin
           for i in 1 .. n.count loop n(i) := upper(n(i)); a(i) := length(n(i)) / 4; end loop;
           d(1) := d(1) + 1;
           :names := n; :amounts := a; :days := d;
         end;`,
        {
          names: OracleBind.inOut(OracleBind.array("string"), ["a", null, "bcd"]),
          amounts: OracleBind.out(OracleBind.array("number", { maxArraySize: 5 })),
          days: OracleBind.inOut(OracleBind.array("date"), [day])
        }
      )
      assert.deepStrictEqual(outBinds, {
        names: ["A", null, "BCD"],
        amounts: [0.25, null, 0.75],
        days: [new Date("2024-03-01T00:00:00Z")]
      })
    }))

  it.live("are refused before anything is sent", () =>
    Effect.gen(function*() {
      const held = yield* prepared
      const sql = "insert into sp_people values (1, :who)"
      const problem = (bind: OracleBind.Bind) =>
        Effect.map(Effect.flip(held.execute(sql, { who: bind })), (error) => String(error.message))
      const Loose = Schema.Struct({ NAMES: Schema.String })
      assert.include(
        yield* problem(OracleBind.input(OracleBind.object("SP_PERSON", Loose), { NAMES: "x" })),
        "Bind :who cannot be sent: \"NAMES\" is no attribute of SCOTT.SP_PERSON, which has NAME, HOME, AMOUNTS, OTHERS, KEY"
      )
      assert.include(
        yield* problem(OracleBind.input(person, { ...ada, NAME: 5 as never })),
        "Bind :who cannot be sent: at NAME,"
      )
      assert.include(
        yield* problem(OracleBind.input(person, { ...ada, HOME: { ...ada.HOME!, SINCE: new Date(NaN) } })),
        "Bind :who cannot be sent: at HOME"
      )
      assert.include(
        yield* problem(OracleBind.input(OracleBind.array("cursor" as never), [1] as never)),
        "its type must be made by OracleBind.array with one of"
      )
      assert.include(yield* problem(OracleBind.input(amounts, 5 as never)), "SP_AMOUNTS takes an array, not")
      const line = OracleBind.object("SP_SHOP.LINE", Schema.Struct({ ITEM: Schema.String, PLACE: Schema.Number }))
      assert.include(
        yield* problem(OracleBind.input(line, { ITEM: "tea", PLACE: -1 })),
        "at PLACE, the driver cannot write a PLS_INTEGER below 0"
      )
      const unknown = yield* Effect.flip(
        held.execute(sql, { who: OracleBind.input(OracleBind.object("NO_SUCH", Loose), { NAMES: "x" }) })
      )
      assert.include(String(unknown.message), "NO_SUCH")
      assert.deepStrictEqual(yield* held.query("select count(*) n from sp_people"), [{ N: 0 }])
    }))

  it.live("say what of an answer does not fit", () =>
    Effect.gen(function*() {
      const held = yield* prepared
      const strict = OracleBind.object(
        "SP_ADDRESS",
        Schema.Struct({ STREET: Schema.String, ZIP: Schema.Number, SINCE: Schema.Null })
      )
      const failure = yield* Effect.flip(
        held.execute("begin :a := sp_address(null, 1, null); end;", { a: OracleBind.out(strict) })
      )
      assert.strictEqual(failure._tag, "RowDecodeError")
      assert.include(String(failure.message), "at STREET")
    }))
})
