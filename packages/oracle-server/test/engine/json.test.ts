/** JSON: paths, queries, generation, changes and tables. */
import { afterAll, assert, describe, it } from "vitest"
import { harness } from "./engineHarness.ts"

const { engine, open } = harness()
const sql = open()
afterAll(() => engine.close())

sql.run("create table j (id number, doc varchar2(1000) constraint j_is check (doc is json), d json)")
sql.run(
  "insert into j values (1, :1, :2)",
  "{\"a\":1,\"b\":\"x\",\"c\":[1,2,{\"d\":true}],\"n\":null,\"o\":{\"p\":1.50}}",
  "{\"name\":\"Ann\",\"age\":30,\"tags\":[\"x\",\"y\"],\"big\":12345678901234567890}"
)
sql.run(
  "insert into j values (2, :1, :2)",
  "{\"a\":\"2\"}",
  "{\"name\":\"Bob\",\"kids\":[{\"n\":\"C\"},{\"n\":\"D\"}]}"
)

const cases: ReadonlyArray<readonly [string, string]> = [
  ["select json_value('{\"a\":1}', '$.a') from dual", "1"],
  ["select json_value('{\"a\":\"x\"}', '$.a') from dual", "x"],
  ["select json_value('{\"a\":true}', '$.a') from dual", "true"],
  ["select json_value('{\"a\":null}', '$.a') from dual", "NULL"],
  ["select json_value('{\"a\":{\"b\":1}}', '$.a') from dual", "NULL"],
  ["select json_value('{\"a\":1}', '$.b' default 'none' on empty) from dual", "none"],
  ["select json_value('{\"a\":[1,2]}', '$.a[1]') from dual", "2"],
  ["select json_value('{\"a\":[1,2]}', '$.a[last]') from dual", "2"],
  ["select json_value('{\"a\":\"12.5\"}', '$.a' returning number) from dual", "12.5"],
  ["select json_value('{\"a\":\"x\"}', '$.a' returning number) from dual", "NULL"],
  ["select json_value('{\"a\":\"x\"}', '$.a' returning number default 7 on error) from dual", "7"],
  ["select json_value('{\"a\":\"2024-05-17T10:20:30\"}', '$.a' returning date) from dual", "2024-05-17 00:00:00"],
  ["select json_value('{\"a\":\"2024-05-17T10:20:30\"}', '$.a' returning timestamp) from dual", "2024-05-17 10:20:30"],
  ["select json_value('{\"a\":12345678901234567890123}', '$.a' returning number) from dual", "12345678901234567890123"],
  ["select json_value('{a:''b''}', '$.a') from dual", "b"],
  ["select json_value('{\"a\":[{\"b\":1},{\"b\":2}]}', '$.a[1].b') from dual", "2"],
  ["select json_value('{\"a\":{\"b c\":5}}', '$.a.\"b c\"') from dual", "5"],
  [
    "select json_value('{\"p\":[{\"n\":\"a\",\"v\":1},{\"n\":\"b\",\"v\":2}]}', '$.p[*]?(@.n == \"b\").v') from dual",
    "2"
  ],
  ["select json_value('{\"a\":\"abc\"}', '$.a.upper()') from dual", "ABC"],
  ["select json_value('[1,2,3]', '$.size()') from dual", "3"],
  ["select json_value('[1,2,3]', '$[*].sum()') from dual", "6"],
  ["select json_query('{\"a\":{\"b\":1}}', '$.a') from dual", "{\"b\":1}"],
  ["select json_query('{\"a\":[1, 2]}', '$.a') from dual", "[1,2]"],
  ["select json_query('{\"a\":1}', '$.a') from dual", "NULL"],
  ["select json_query('{\"a\":1}', '$.a' with wrapper) from dual", "[1]"],
  ["select json_query('{\"a\":[1,2]}', '$.a' with conditional wrapper) from dual", "[1,2]"],
  ["select json_query('{\"a\":[1,2]}', '$.a[*]' with wrapper) from dual", "[1,2]"],
  ["select json_query('{\"a\":[1,2]}', '$.a' with unconditional array wrapper) from dual", "[[1,2]]"],
  ["select json_query('{\"a\":1}', '$.b' empty object on empty) from dual", "{}"],
  ["select json_query('{\"a\":1}', '$.b' empty on error) from dual", "[]"],
  ["select json_exists('{\"a\":1}', '$.a') from dual", "true"],
  ["select json_exists('{\"a\":[1,5]}', '$.a[*]?(@ > 4)') from dual", "true"],
  ["select json_exists('{\"a\":[1,5]}', '$.a?(@ > $x)' passing 5 as \"x\") from dual", "false"],
  ["select json_exists('{\"a\":\"hello\"}', '$.a?(@ starts with \"he\")') from dual", "true"],
  ["select json_object('a' value 1, 'b' value 'x', 'c' value null) from dual", "{\"a\":1,\"b\":\"x\",\"c\":null}"],
  ["select json_object('a' value 1, 'c' value null absent on null) from dual", "{\"a\":1}"],
  [
    "select json_object(key 'a' value 0.5, 'd' is date '2024-05-17') from dual",
    "{\"a\":0.5,\"d\":\"2024-05-17T00:00:00\"}"
  ],
  ["select json_object('a' : 1, 'b':'x') from dual", "{\"a\":1,\"b\":\"x\"}"],
  ["select json_object('a' value json_array(1, 'x', null)) from dual", "{\"a\":[1,\"x\"]}"],
  ["select json_object('a' value '[1]' format json) from dual", "{\"a\":[1]}"],
  ["select json_object('a' value true) from dual", "{\"a\":true}"],
  ["select json_object() from dual", "{}"],
  ["select json_array(1, 'a', null null on null) from dual", "[1,\"a\",null]"],
  ["select json_array() from dual", "[]"],
  ["select json_array(json_object('k' value 1), '{\"x\":1}') from dual", "[{\"k\":1},\"{\\\"x\\\":1}\"]"],
  ["select json_array(select level from dual connect by level < 4) from dual", "[1,2,3]"],
  ["select json_object(*) from (select 1 id, 'x' name from dual)", "{\"ID\":1,\"NAME\":\"x\"}"],
  ["select json_object(id, name) from (select 1 id, 'x' name from dual)", "{\"id\":1,\"name\":\"x\"}"],
  ["select json_object(t.*) from (select 1 id from dual) t", "{\"ID\":1}"],
  ["select json_arrayagg(level order by level desc) from dual connect by level < 4", "[3,2,1]"],
  ["select json_arrayagg(json_object('n' value level)) from dual connect by level < 3", "[{\"n\":1},{\"n\":2}]"],
  ["select json_objectagg(to_char(level) value level) from dual connect by level < 3", "{\"1\":1,\"2\":2}"],
  ["select json_object('list' value json_arrayagg(level)) from dual connect by level < 3", "{\"list\":[1,2]}"],
  ["select json_serialize('{ \"a\" : 1 }') from dual", "{\"a\":1}"],
  ["select json_mergepatch('{\"a\":1,\"b\":2}', '{\"b\":null,\"c\":3}') from dual", "{\"a\":1,\"c\":3}"],
  ["select json_equal('{\"a\":1,\"b\":2}', '{\"b\":2,\"a\":1.0}') from dual", "true"],
  ["select json_transform('{\"a\":1}', set '$.b' = 2, remove '$.a') from dual", "{\"b\":2}"],
  ["select json_transform('{\"a\":[1]}', append '$.a' = 2) from dual", "{\"a\":[1,2]}"],
  ["select json_transform('{\"a\":1,\"b\":2}', rename '$.a' with 'z') from dual", "{\"z\":1,\"b\":2}"],
  ["select json_transform('{\"a\":1,\"b\":2,\"c\":3}', keep '$.a', '$.c') from dual", "{\"a\":1,\"c\":3}"],
  ["select json_transform('{\"a\":1}', set '$.x.y' = 'z') from dual", "{\"a\":1,\"x\":{\"y\":\"z\"}}"],
  ["select 1 from dual where '{}' is json and 'x' is not json and '[1]' is json array and '1' is json scalar", "1"],
  [
    "select 1 from dual where '{a:1}' is json and '{a:1}' is not json strict and '{\"a\":1,\"a\":2}' is not json with unique keys",
    "1"
  ],
  ["select j.doc.a, j.doc.c, j.doc.c[1], j.doc.o.p from j where id = 1", "1|[1,2,{\"d\":true}]|2|1.50"],
  ["select j.id from j where j.d.name = 'Bob'", "2"],
  ["select j.id from j where j.d.age > 20", "1"],
  ["select j.id from j where j.d.name.string() = 'Bob'", "2"],
  ["select json_value(d, '$.big' returning number) from j where id = 1", "12345678901234567890"],
  [
    "select t.* from json_table('[{\"a\":1,\"b\":\"x\"},{\"a\":2}]', '$[*]' columns (n for ordinality, a number path '$.a', b varchar2(10) path '$.b' default '-' on empty)) t",
    "1|1|x ; 2|2|-"
  ],
  ["select id, t.n from j, json_table(j.d, '$.kids[*]' columns (n varchar2(5) path '$.n')) t", "2|C ; 2|D"],
  [
    "select t.* from json_table('{\"o\":1,\"l\":[{\"p\":1,\"q\":[10,20]},{\"p\":2}]}', '$' columns (o number path '$.o', nested path '$.l[*]' columns (p number path '$.p', nested path '$.q[*]' columns (q number path '$')))) t",
    "1|1|10 ; 1|1|20 ; 1|2|NULL"
  ],
  [
    "select t.* from json_table('{\"name\":\"x\",\"ok\":true}', '$' columns (name, ok, e exists path '$.name', j format json path '$')) t",
    "x|true|true|{\"name\":\"x\",\"ok\":true}"
  ]
]

const shown = (list: ReadonlyArray<ReadonlyArray<unknown>>): string =>
  list.map((row) => row.map((value) => value === null ? "NULL" : String(value)).join("|")).join(" ; ")

describe("functions of JSON", () => {
  it.each(cases)("%s", (text, expected) => {
    assert.strictEqual(shown(sql.rows(text)), expected)
  })

  const refused: ReadonlyArray<readonly [string, string]> = [
    ["select json_value('{\"a\":{\"b\":1}}', '$.a' error on error) from dual", "ORA-40456"],
    ["select json_value('{\"a\":1}', '$.b' error on error) from dual", "ORA-40462"],
    ["select json_value('{\"a\":1}', '$.b' error on empty) from dual", "ORA-40462"],
    ["select json_value('{\"a\":[1,2]}', '$.a[*]' error on error) from dual", "ORA-40470"],
    ["select json_value('{\"a\":\"x\"}', '$.a' returning number error on error) from dual", "ORA-01722"],
    ["select json_value('{\"a\":\"abc\"}', '$.a' returning varchar2(2) error on error) from dual", "ORA-40478"],
    ["select json_value('not json', '$.a' error on error) from dual", "ORA-40441"],
    ["select json_value('{\"a\":\"x\"}', 'bad') from dual", "ORA-40442"],
    ["select json_query('{\"a\":1}', '$.a' error on error) from dual", "ORA-40480"],
    ["select json_transform('{\"a\":1}', insert '$.a' = 2) from dual", "ORA-40762"],
    ["insert into j values (3, 'broken', null)", "ORA-02290"],
    ["insert into j (id, d) values (3, 'broken')", "ORA-40441"],
    ["select json_dataguide('{}') from dual", "ORA-03001"]
  ]
  it.each(refused)("refuses %s", (text, message) => {
    assert.strictEqual(sql.error(text).slice(0, message.length), message)
  })

  it("prints prettily", () => {
    assert.strictEqual(
      sql.value("select json_serialize('{\"a\":[1,{}],\"b\":\"x\"}' pretty) from dual"),
      "{\n  \"a\" :\n  [\n    1,\n    {}\n  ],\n  \"b\" : \"x\"\n}"
    )
  })

  it("is a value of its own type for the driver", () => {
    assert.deepStrictEqual(sql.rows("select t.d.name, t.d.tags, json_scalar(5) from j t where id = 1"), [[
      { _tag: "Json", value: "Ann" },
      { _tag: "Json", value: ["x", "y"] },
      { _tag: "Json", value: 5 }
    ]])
  })

  it("changes a document in an update", () => {
    assert.strictEqual(sql.run("update j set d = json_transform(d, set '$.age' = 31) where id = 1").rowCount, 1)
    assert.strictEqual(sql.value("select json_value(d, '$.age') from j where id = 1"), "31")
    sql.session.rollback()
  })
})
