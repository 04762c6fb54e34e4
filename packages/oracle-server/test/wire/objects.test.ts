import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import * as OracleServer from "../../src/OracleServer.ts"
import { type Connection, oracledb } from "../driver.ts"

/** What the driver makes of a type: a class of its values. */
interface DbClass {
  new(value?: unknown): DbValue
  readonly prototype: {
    readonly fqn: string
    readonly isCollection: boolean
    readonly elementTypeName?: string
    readonly attributes?: Readonly<Record<string, { readonly typeName: string }>>
  }
}

interface DbValue {
  readonly [name: string]: unknown
  toJSON(): unknown
  getValues(): ReadonlyArray<unknown>
  getKeys(): ReadonlyArray<number>
}

type Connected = Connection & { getDbObjectClass(name: string): Promise<DbClass> }

const script = `
create type address as object (street varchar2(40), zip number, since date);
/
create type addresses as table of address;
/
create type numbers as varray(100) of number;
/
create type person as object (name varchar2(40), home address, luck numbers, other addresses, key raw(8), at timestamp);
/
create table people (id number primary key, who person, luck numbers);
create or replace procedure echo(given in out person, list in out numbers) as
begin
  given.name := upper(given.name);
  if given.home is not null then given.home.zip := given.home.zip + 1; end if;
  list.extend;
  list(list.last) := list.count;
end;
/
create or replace function total(list numbers) return number as
  sum_ number := 0;
begin
  for i in 1 .. list.count loop sum_ := sum_ + list(i); end loop;
  return sum_;
end;
/
create or replace package shop as
  type line is record (item varchar2(20), amount number, sold boolean, place pls_integer);
  type lines is table of line index by pls_integer;
  type names is table of varchar2(20);
  procedure twice(l in out line, all_ in out lines);
  function sorted(n names) return names;
end;
/
create or replace package body shop as
  procedure twice(l in out line, all_ in out lines) is
  begin
    l.amount := l.amount * 2;
    l.sold := not l.sold;
    l.place := l.place + 1;
    all_(7) := l;
  end;
  function sorted(n names) return names is
    s names;
  begin
    select column_value bulk collect into s from table(n) order by 1;
    return s;
  end;
end;
/
create or replace procedure put(r in people%rowtype) as begin insert into people values r; end;
/
create or replace procedure get(wanted number, r out people%rowtype) as
begin
  select * into r from people where id = wanted;
end;
/
`

const served = <A>(test: (connection: Connected) => Effect.Effect<A, unknown, Scope.Scope>) =>
  Effect.scoped(Effect.gen(function*() {
    const server = yield* OracleServer.make({ script })
    const connection = yield* Effect.acquireRelease(
      Effect.promise(() =>
        oracledb.getConnection({ user: "scott", password: "tiger", connectString: server.connectString })
      ),
      (open) => Effect.promise(() => open.close().catch(() => undefined))
    )
    return yield* test(connection as Connected)
  }))

const run = (connection: Connection, sql: string, binds: unknown = [], options: object = {}) =>
  Effect.promise(() => connection.execute(sql, binds, options))

const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

const someone = {
  NAME: "grüße",
  HOME: { STREET: "High", ZIP: 12.5, SINCE: new Date(2024, 1, 29, 13, 14, 15) },
  LUCK: [1, null, -3.25],
  // The driver itself fails to show a null object among the elements of a collection.
  OTHER: [{ STREET: null, ZIP: null, SINCE: null }],
  KEY: Buffer.from([1, 2, 255]),
  AT: new Date(2024, 1, 29, 13, 14, 15, 123)
}

describe("object types on the wire", () => {
  it.live("describes types to the driver", () =>
    served((connection) =>
      Effect.gen(function*() {
        const person = yield* Effect.promise(() => connection.getDbObjectClass("PERSON"))
        assert.strictEqual(person.prototype.fqn, "SCOTT.PERSON")
        assert.deepStrictEqual(
          Object.fromEntries(
            Object.entries(person.prototype.attributes!).map(([name, { typeName }]) => [name, typeName])
          ),
          {
            NAME: "VARCHAR2",
            HOME: "SCOTT.ADDRESS",
            LUCK: "SCOTT.NUMBERS",
            OTHER: "SCOTT.ADDRESSES",
            KEY: "RAW",
            AT: "TIMESTAMP"
          }
        )
        const addresses = yield* Effect.promise(() => connection.getDbObjectClass("scott.addresses"))
        assert.isTrue(addresses.prototype.isCollection)
        assert.strictEqual(addresses.prototype.elementTypeName, "SCOTT.ADDRESS")
        const row = yield* Effect.promise(() => connection.getDbObjectClass("PEOPLE%ROWTYPE"))
        assert.deepStrictEqual(Object.keys(row.prototype.attributes!), ["ID", "WHO", "LUCK"])
        const failure = yield* Effect.promise(() =>
          connection.getDbObjectClass("NOSUCH").then(() => "", (error: Error) => error.message)
        )
        assert.include(failure, "NJS-129")
      })
    ))

  it.live("stores objects and collections and gives them back", () =>
    served((connection) =>
      Effect.gen(function*() {
        const Person = yield* Effect.promise(() => connection.getDbObjectClass("PERSON"))
        const Numbers = yield* Effect.promise(() => connection.getDbObjectClass("NUMBERS"))
        const long = Array.from({ length: 100 }, (_, i) => i * 1000 + 0.5)
        yield* run(connection, "insert into people values (:1, :2, :3)", [1, new Person(someone), new Numbers(long)])
        yield* run(connection, "insert into people values (:1, :2, :3)", [2, { type: Person, val: null }, {
          type: Numbers,
          val: null
        }])
        const { metaData, rows } = yield* run(connection, "select id, who, luck from people order by id")
        assert.strictEqual(metaData[1]!.dbTypeName, "SCOTT.PERSON")
        assert.deepStrictEqual(json(rows[0]![1]), json(someone))
        assert.deepStrictEqual(json(rows[0]![2]), long)
        assert.deepStrictEqual(rows[1], [2, null, null])
        const parts = yield* run(connection, "select p.who.home.street, p.who.home.zip from people p order by id")
        assert.deepStrictEqual(parts.rows, [["High", 12.5], [null, null]])
        const found = yield* run(connection, "select id from people where id in (select column_value from table(:1))", [
          new Numbers([2, 7])
        ])
        assert.deepStrictEqual(found.rows, [[2]])
      })
    ))

  it.live("passes them to PL/SQL and back", () =>
    served((connection) =>
      Effect.gen(function*() {
        const Person = yield* Effect.promise(() => connection.getDbObjectClass("PERSON"))
        const Numbers = yield* Effect.promise(() => connection.getDbObjectClass("NUMBERS"))
        const both = { dir: oracledb["BIND_INOUT"] }
        const { outBinds } = yield* run(connection, "begin echo(:p, :l); :sum := total(:l); end;", {
          p: { ...both, val: new Person(someone) },
          l: { ...both, val: new Numbers([5, 6]) },
          sum: { dir: oracledb["BIND_OUT"], type: oracledb["NUMBER"] }
        })
        const out = outBinds as { readonly p: DbValue; readonly l: DbValue; readonly sum: number }
        assert.deepStrictEqual(json(out.p), json({ ...someone, NAME: "GRÜßE", HOME: { ...someone.HOME, ZIP: 13.5 } }))
        assert.deepStrictEqual(json(out.l), [5, 6, 3])
        assert.strictEqual(out.sum, 14)
      })
    ))

  it.live("passes objects of subtypes: a client sees what the type of the column or the attribute tells it", () =>
    served((connection) =>
      Effect.gen(function*() {
        for (
          const text of [
            "create type shape as object (name varchar2(20)) not final",
            "create type circle under shape (radius number)",
            "create type shapes as table of shape",
            "create type drawing as object (first shape, rest shapes, title varchar2(20))",
            "create table drawings (id number, one shape, many drawing)",
            "insert into drawings values (1, circle('c', 5), drawing(circle('d', 6), shapes(shape('e'), circle('f', 7)), 'T'))"
          ]
        ) yield* run(connection, text)
        const { rows } = yield* run(connection, "select one, many, treat(one as circle) from drawings")
        assert.deepStrictEqual(json(rows), [[
          { NAME: "c" },
          { FIRST: { NAME: "d" }, REST: [{ NAME: "e" }, { NAME: "f" }], TITLE: "T" },
          { NAME: "c", RADIUS: 5 }
        ]])
        const Circle = yield* Effect.promise(() => connection.getDbObjectClass("CIRCLE"))
        yield* run(connection, "insert into drawings values (2, :1, null)", [new Circle({ NAME: "g", RADIUS: 8 })])
        const again = yield* run(
          connection,
          "select treat(d.one as circle).radius from drawings d where one is of (circle) and id = 2"
        )
        assert.deepStrictEqual(again.rows, [[8]])
      })
    ))

  it.live("passes records of %ROWTYPE", () =>
    served((connection) =>
      Effect.gen(function*() {
        const Row = yield* Effect.promise(() => connection.getDbObjectClass("PEOPLE%ROWTYPE"))
        yield* run(connection, "begin put(:r); end;", { r: new Row({ ID: 9, WHO: someone, LUCK: [4] }) })
        const { outBinds } = yield* run(connection, "begin get(9, :r); end;", {
          r: { dir: oracledb["BIND_OUT"], type: Row }
        })
        const { r } = outBinds as { readonly r: DbValue }
        assert.deepStrictEqual(json(r), json({ ID: 9, WHO: someone, LUCK: [4] }))
      })
    ))

  it.live("passes records and lists of packages", () =>
    served((connection) =>
      Effect.gen(function*() {
        const Line = yield* Effect.promise(() => connection.getDbObjectClass("SHOP.LINE"))
        const Lines = yield* Effect.promise(() => connection.getDbObjectClass("SCOTT.SHOP.LINES"))
        assert.strictEqual(Line.prototype.fqn, "SCOTT.SHOP.LINE")
        assert.strictEqual(Lines.prototype.elementTypeName, "SCOTT.SHOP.LINE")
        const line = { ITEM: "tea", AMOUNT: 2.5, SOLD: false, PLACE: 3 }
        const all = new Lines([line, { ...line, ITEM: null }])
        const { outBinds } = yield* run(connection, "begin shop.twice(:l, :lines); end;", {
          l: { dir: oracledb["BIND_INOUT"], val: new Line(line) },
          lines: { dir: oracledb["BIND_INOUT"], val: all }
        })
        const out = outBinds as { readonly l: DbValue; readonly lines: DbValue }
        const twice = { ITEM: "tea", AMOUNT: 5, SOLD: true, PLACE: 4 }
        assert.deepStrictEqual(json(out.l), twice)
        assert.deepStrictEqual(out.lines.getKeys(), [0, 1, 7])
        assert.deepStrictEqual(json(out.lines.getValues()), [line, { ...line, ITEM: null }, twice])
        const Names = yield* Effect.promise(() => connection.getDbObjectClass("SHOP.NAMES"))
        const sorted = yield* run(connection, "begin :s := shop.sorted(:n); end;", {
          n: new Names(["b", "c", "a"]),
          s: { dir: oracledb["BIND_OUT"], type: Names }
        })
        assert.deepStrictEqual(json((sorted.outBinds as { readonly s: DbValue }).s), ["a", "b", "c"])
      })
    ))

  it.live("passes index-by tables", () =>
    served((connection) =>
      Effect.gen(function*() {
        const { outBinds } = yield* run(
          connection,
          `declare
             type names is table of varchar2(20) index by pls_integer;
             type amounts is table of number index by binary_integer;
             n names := :names;
             a amounts;
           begin
             for i in 1 .. n.count loop n(i) := upper(n(i)); a(i) := length(n(i)); end loop;
             a(n.count + 2) := 99;
             :names := n;
             :amounts := a;
           end;`,
          {
            names: { dir: oracledb["BIND_INOUT"], type: oracledb["STRING"], val: ["a", "bcd"], maxArraySize: 10 },
            amounts: { dir: oracledb["BIND_OUT"], type: oracledb["NUMBER"], maxArraySize: 10 }
          }
        )
        assert.deepStrictEqual(outBinds, { names: ["A", "BCD"], amounts: [1, 3, null, 99] })
        const small = yield* Effect.promise(() =>
          connection.execute(
            "declare type t is table of number index by pls_integer; a t; begin a(3) := 1; :a := a; end;",
            { a: { dir: oracledb["BIND_OUT"], type: oracledb["NUMBER"], maxArraySize: 2 } }
          ).then(() => "", (error: Error) => error.message)
        )
        assert.include(small, "ORA-06513")
      })
    ))

  it.live("shows types in the dictionary", () =>
    served((connection) =>
      Effect.gen(function*() {
        const types = yield* run(
          connection,
          "select type_name, typecode, attributes from user_types order by type_name"
        )
        assert.deepStrictEqual(types.rows, [
          ["ADDRESS", "OBJECT", 3],
          ["ADDRESSES", "COLLECTION", 0],
          ["NUMBERS", "COLLECTION", 0],
          ["PERSON", "OBJECT", 6]
        ])
        const attributes = yield* run(
          connection,
          "select attr_name, attr_type_owner, attr_type_name, length, attr_no from all_type_attrs where type_name = 'PERSON' order by attr_no"
        )
        assert.deepStrictEqual(attributes.rows.slice(0, 3), [
          ["NAME", null, "VARCHAR2", 40, 1],
          ["HOME", "SCOTT", "ADDRESS", null, 2],
          ["LUCK", "SCOTT", "NUMBERS", null, 3]
        ])
        const lists = yield* run(
          connection,
          "select type_name, coll_type, upper_bound, elem_type_owner, elem_type_name from all_coll_types order by 1"
        )
        assert.deepStrictEqual(lists.rows, [
          ["ADDRESSES", "TABLE", null, "SCOTT", "ADDRESS"],
          ["NUMBERS", "VARYING ARRAY", 100, null, "NUMBER"]
        ])
        const columns = yield* run(
          connection,
          "select data_type, data_type_owner from user_tab_cols where table_name = 'PEOPLE' order by column_id"
        )
        assert.deepStrictEqual(columns.rows, [["NUMBER", null], ["PERSON", "SCOTT"], ["NUMBERS", "SCOTT"]])
      })
    ))
})
