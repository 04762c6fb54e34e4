import { afterAll, assert, beforeEach, describe, it } from "vitest"
import { type Harness, harness, plain, type Sql, typed } from "./engineHarness.ts"

const opened: Array<Harness> = []
let sql: Sql
beforeEach(() => {
  const h = harness()
  opened.push(h)
  sql = h.open()
  sql.run("create type address as object (street varchar2(20), city varchar2(20))")
  sql.run("create or replace type numbers as table of number")
  sql.run("create type phones as varray(2) of varchar2(12)")
  sql.run(
    "create type shape as object (w number, h number, map member function area return number, member function scaled(by_ number default 2) return shape, member procedure grow(by_ number), static function unit return shape, constructor function shape(side number) return self as result)"
  )
  sql.run(
    "create type body shape as\n" +
      "map member function area return number is begin return w * self.h; end;\n" +
      "member function scaled(by_ number default 2) return shape is begin return shape(w * by_, h * by_); end;\n" +
      "member procedure grow(by_ number) is begin w := w + by_; self.h := h + by_; end;\n" +
      "static function unit return shape is begin return shape(1, 1); end;\n" +
      "constructor function shape(side number) return self as result is begin w := side; h := side; return; end;\n" +
      "end;"
  )
  sql.run("create type addresses as table of address")
  sql.run(
    "create table people (id number primary key, home address, phone phones, scores numbers) nested table scores store as scores_nt"
  )
  sql.run("insert into people values (1, address('High', 'Oslo'), phones('1', '2'), numbers(3, 1, 2))")
  sql.run("insert into people values (2, address('Low', null), null, numbers())")
  sql.run("insert into people (id) values (3)")
})
afterAll(() => opened.forEach(({ engine }) => engine.close()))

const out = (text: string): unknown => plain(sql.run(text, typed("VARCHAR2", null)).outBinds![0]!.values[0])

describe("objects in columns", () => {
  it("reads attributes, nulls and whole objects", () => {
    assert.deepStrictEqual(sql.rows("select p.home.street, p.home.city from people p order by id"), [
      ["High", "Oslo"],
      ["Low", null],
      [null, null]
    ])
    assert.deepStrictEqual(sql.rows("select id from people p where p.home.city = 'Oslo'"), [["1"]])
    assert.deepStrictEqual(sql.rows("select id from people p where p.home = address('High', 'Oslo')"), [["1"]])
    assert.deepStrictEqual(sql.rows("select id from people where home is null"), [["3"]])
  })
  it("updates them", () => {
    sql.run("update people set home = address('New', 'Rome'), scores = numbers(9) where id = 3")
    assert.deepStrictEqual(
      sql.rows("select p.home.city, cardinality(p.scores) from people p where id = 3"),
      [["Rome", "1"]]
    )
  })
  it("reads collections with TABLE", () => {
    assert.deepStrictEqual(sql.rows("select p.id, s.column_value from people p, table(p.scores) s order by 2"), [
      ["1", "1"],
      ["1", "2"],
      ["1", "3"]
    ])
    assert.deepStrictEqual(sql.rows("select column_value c from table(numbers(5, 4)) where column_value > 4"), [["5"]])
    assert.deepStrictEqual(sql.rows("select count(*) from table(select scores from people where id = 1)"), [["3"]])
    assert.deepStrictEqual(
      sql.rows("select t.city, value(t).street from table(addresses(address('a', 'b'), null)) t"),
      [["b", "a"], [null, null]]
    )
    assert.deepStrictEqual(
      sql.rows("select id from people p where id in (select column_value from table(numbers(1, 3))) order by id"),
      [["1"], ["3"]]
    )
  })
  it("gathers rows into collections", () => {
    assert.deepStrictEqual(
      sql.rows("select cardinality(cast(multiset(select id from people) as numbers)) from dual"),
      [["3"]]
    )
    assert.deepStrictEqual(
      sql.rows("select count(*), max(t.city) from table(cast(multiset(select 's', 'c' from people) as addresses)) t"),
      [["3", "c"]]
    )
    assert.deepStrictEqual(sql.rows("select cardinality(cast(collect(id) as numbers)) from people"), [["3"]])
    assert.deepStrictEqual(sql.rows("select 1 from people p where 3 member of p.scores"), [["1"]])
  })
  it("keeps what was stored when a variable changes", () => {
    assert.strictEqual(
      out(
        "declare s numbers; begin select scores into s from people where id = 1; s(1) := 100; s.extend; select sum(column_value) into :1 from people p, table(p.scores) where id = 1; end;"
      ),
      "6"
    )
  })
})

describe("methods", () => {
  it.each([
    ["declare s shape := shape(2, 3); begin :1 := s.area() || s.scaled().area || s.scaled(3).w; end;", "6246"],
    ["declare s shape := shape(4); begin s.grow(1); :1 := s.w || s.h || s.area; end;", "5525"],
    ["begin :1 := shape.unit().scaled(5).area(); end;", "25"],
    [
      "declare a shape := shape(2, 6); b shape := shape(3, 4); begin if a = b and shape(1) < a and not a > b then :1 := 'by area'; end if; end;",
      "by area"
    ],
    [
      "declare a address := address(city => 'c', street => 's'); begin a.city := 'd'; :1 := a.street || a.city; end;",
      "sd"
    ],
    ["declare a address; begin if a is null and a.city is null then :1 := 'null'; end if; end;", "null"],
    ["declare a address; begin a.city := 'x'; exception when access_into_null then :1 := sqlcode; end;", "-6530"],
    [
      "declare l addresses := addresses(); begin l.extend; l(1) := address('a', 'b'); l(1).city := 'z'; select max(t.city) into :1 from table(l) t; end;",
      "z"
    ],
    [
      "declare l addresses; begin select address(street => 's' || level, city => 'c') bulk collect into l from dual connect by level <= 3; :1 := l(3).street; end;",
      "s3"
    ]
  ])("%s", (text, expected) => {
    assert.strictEqual(out(text), expected)
  })
  it("runs them in SQL", () => {
    assert.deepStrictEqual(sql.rows("select shape(2, 5).area(), shape.unit().w from dual"), [["10", "1"]])
  })
})

describe("what types refuse", () => {
  it.each([
    ["create type numbers as table of date", "ORA-00955: name is already used by an existing object"],
    ["drop type address", "ORA-02303: cannot drop or replace a type with type or table dependents"],
    [
      "create or replace type numbers as table of date",
      "ORA-02303: cannot drop or replace a type with type or table dependents"
    ],
    ["drop type nosuch", "ORA-04043: object NOSUCH does not exist"],
    ["create table of_nosuch (a nosuch)", "ORA-00902: invalid datatype"],
    ["select address('a') from dual", "ORA-02315: incorrect number of arguments for default constructor"],
    [
      "select address('a', lpad('x', 30)) from dual",
      "ORA-06502: PL/SQL: value or conversion error: character string buffer too small"
    ],
    [
      "insert into people (id, home) values (9, numbers(1))",
      "ORA-00932: inconsistent datatypes: expected HR.ADDRESS got HR.NUMBERS"
    ],
    ["select * from people order by home", "ORA-22950: cannot ORDER objects without MAP or ORDER method"],
    ["select 1 from table(1)", "ORA-22905: cannot access rows from a non-nested table item"],
    ["select p.home.nosuch from people p", "ORA-00904: \"NOSUCH\": invalid identifier"]
  ])("%s", (text, message) => {
    assert.strictEqual(sql.error(text), message)
  })
  it("drops what nothing depends on", () => {
    sql.run("create type gone as object (a number)")
    sql.run("drop type gone")
    assert.strictEqual(sql.error("select gone(1) from dual"), "ORA-00904: \"GONE\": invalid identifier")
    sql.run("drop type body shape")
    assert.include(sql.error("select shape(1, 2).area() from dual"), "ORA-04067")
  })
})
