import { afterAll, assert, beforeEach, describe, it } from "vitest"
import { type Harness, harness, type Sql } from "./engineHarness.ts"

const opened: Array<Harness> = []
let sql: Sql
beforeEach(() => {
  const h = harness()
  opened.push(h)
  sql = h.open()
  sql.run("create type numbers as table of number")
  sql.run("create type pair as object (a number, b varchar2(10))")
  sql.run("create type pairs as table of pair")
  sql.run("create table seen (n number)")
  sql.run(
    "create function upto(n number, step number default 1) return numbers pipelined is i number := 1; begin while i <= n loop pipe row (i); i := i + step; end loop; return; end;"
  )
  sql.run(
    "create package p as type r is record (x number, y varchar2(10)); type t is table of r; function both(n number) return t pipelined; function objects return pairs pipelined; end;"
  )
  sql.run(
    "create package body p as\n" +
      "function both(n number) return t pipelined is v r; begin for i in 1 .. n loop v.x := i; v.y := 'y' || i; pipe row (v); end loop; return; end;\n" +
      "function objects return pairs pipelined is begin for c in (select level l from dual connect by level <= 2) loop pipe row (pair(c.l, 'o' || c.l)); end loop; end;\n" +
      "end;"
  )
})
afterAll(() => opened.forEach(({ engine }) => engine.close()))

describe("pipelined functions", () => {
  it("give their rows to queries", () => {
    assert.deepStrictEqual(sql.rows("select column_value from table(upto(3))"), [["1"], ["2"], ["3"]])
    assert.deepStrictEqual(sql.rows("select * from upto(n => 5, step => 2)"), [["1"], ["3"], ["5"]])
    assert.deepStrictEqual(sql.rows("select x, y from table(p.both(2))"), [["1", "y1"], ["2", "y2"]])
    assert.deepStrictEqual(sql.rows("select t.b from table(p.objects) t where t.a > 1"), [["o2"]])
    assert.deepStrictEqual(sql.rows("select sum(column_value) from table(upto(:1))", 1000), [["500500"]])
  })
  it("run once for each row before them, and only as far as is wanted", () => {
    assert.deepStrictEqual(
      sql.rows(
        "select a.column_value, b.column_value from table(upto(2)) a, table(upto(a.column_value)) b order by 1, 2"
      ),
      [["1", "1"], ["2", "1"], ["2", "2"]]
    )
    assert.deepStrictEqual(sql.rows("select column_value from table(upto(1e9)) where rownum <= 2"), [["1"], ["2"]])
  })
  it("are used within blocks", () => {
    const { outBinds } = sql.run(
      "declare l numbers; begin select column_value bulk collect into l from table(upto(4)); for r in (select * from table(p.both(l.count))) loop :1 := r.y; end loop; end;",
      { type: "VARCHAR2", value: null }
    )
    assert.strictEqual(outBinds![0]!.values[0], "y4")
    assert.include(sql.error("declare l numbers; begin l := upto(2); end;"), "PLS-00653")
  })
  it("say where they fail", () => {
    sql.run("create function bad return numbers pipelined is\nbegin\n pipe row (1);\n raise value_error;\nend;")
    assert.strictEqual(
      sql.error("select * from table(bad)"),
      "ORA-06502: PL/SQL: value or conversion error\nORA-06512: at \"HR.BAD\", line 4"
    )
  })
})

describe("ALL_ARGUMENTS and the types of packages", () => {
  it("tell what subprograms take and give", () => {
    assert.deepStrictEqual(
      sql.rows(
        "select object_name, argument_name, position, in_out, data_type, defaulted, type_name, type_subname from user_arguments where package_name is null order by sequence"
      ),
      [
        ["UPTO", null, "0", "OUT", "TABLE", "N", "NUMBERS", null],
        ["UPTO", "N", "1", "IN", "NUMBER", "N", null, null],
        ["UPTO", "STEP", "2", "IN", "NUMBER", "Y", null, null]
      ]
    )
    assert.deepStrictEqual(
      sql.rows(
        "select object_name, data_type, type_name, type_subname from all_arguments where package_name = 'P' and position = 0"
      ),
      [["BOTH", "TABLE", "P", "T"], ["OBJECTS", "TABLE", "PAIRS", null]]
    )
    assert.deepStrictEqual(
      sql.rows("select type_name, package_name, typecode, attributes from user_plsql_types order by 1"),
      [
        ["R", "P", "PL/SQL RECORD", "2"],
        ["T", "P", "COLLECTION", "0"]
      ]
    )
    assert.deepStrictEqual(
      sql.rows(
        "select attr_name, attr_type_name, attr_no from all_plsql_type_attrs where type_name = 'R' order by attr_no"
      ),
      [["X", "NUMBER", "1"], ["Y", "VARCHAR2", "2"]]
    )
    assert.deepStrictEqual(
      sql.rows("select coll_type, elem_type_name, elem_type_package from all_plsql_coll_types where type_name = 'T'"),
      [["TABLE", "R", "P"]]
    )
  })
})
