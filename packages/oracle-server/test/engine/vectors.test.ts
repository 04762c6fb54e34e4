/** Vectors: their text, their formats, their distances; and doubles as text. */
import { afterAll, assert, describe, it } from "vitest"
import { harness } from "./engineHarness.ts"

const { engine, open } = harness()
const sql = open()
afterAll(() => engine.close())

sql.run("create table v (id number, e vector(3, float32), a vector, b vector(*, int8), q vector(16, binary))")
sql.run("insert into v values (1, '[1,2,3]', '[1.5,2]', '[1,-2]', '[1,255]')")
sql.run("insert into v (id, e) values (2, to_vector('[4,5,6]'))")

const cases: ReadonlyArray<readonly [string, string]> = [
  [
    "select vector_serialize(e), from_vector(a), vector_serialize(b), vector_serialize(q) from v where id = 1",
    "[1.0E+000,2.0E+000,3.0E+000]|[1.5E+000,2.0E+000]|[1,-2]|[1,255]"
  ],
  ["select vector_distance(vector('[3,4]'), vector('[0,0]'), euclidean) from dual", "5"],
  ["select vector_distance('[1,0]', '[0,1]', cosine) from dual", "1"],
  ["select vector_distance('[1,2]', '[3,4]', dot) from dual", "-11"],
  ["select l1_distance('[1,2]', '[3,5]') from dual", "5"],
  ["select l2_distance('[3,4]', '[0,0]') from dual", "5"],
  ["select inner_product('[1,2]', '[3,4]') from dual", "11"],
  ["select vector_distance('[1,0]', '[1,0]') from dual", "0"],
  ["select to_vector('[3,4]') <-> to_vector('[0,0]') from dual", "5"],
  ["select to_vector('[1,2]') <#> to_vector('[3,4]') from dual", "-11"],
  ["select vector_norm('[3,4]') from dual", "5"],
  ["select vector_dims('[3,4]') from dual", "2"],
  ["select vector_dimension_format(to_vector('[1]', 1, int8)) from dual", "INT8"],
  ["select vector_dimension_count(to_vector('[1,2]', *, float64)) from dual", "2"],
  ["select vector_serialize(to_vector('[5,[1,3],[1,2]]')) from dual", "[1.0E+000,0,2.0E+000,0,0]"],
  ["select vector_serialize(to_vector('[1,2]') + to_vector('[3,4]')) from dual", "[4.0E+000,6.0E+000]"],
  ["select hamming_distance(to_vector('[1,2]', 16, binary), to_vector('[3,2]', 16, binary)) from dual", "1"],
  [
    "select id from v where e is not null order by vector_distance(e, '[4,5,6]', euclidean) fetch approx first 1 rows only",
    "2"
  ],
  ["select to_char(3.14d) from dual", "3.1400000000000001E+000"],
  ["select to_char(0.5d) from dual", "5.0E-001"]
]

describe("vectors", () => {
  it.each(cases)("%s", (text, expected) => {
    assert.strictEqual(sql.rows(text).map((row) => row.map(String).join("|")).join(" ; "), expected)
  })

  const refused: ReadonlyArray<readonly [string, string]> = [
    ["insert into v (id, e) values (3, '[1,2]')", "ORA-51803"],
    ["insert into v (id, e) values (3, '[1,x,2]')", "ORA-51805"],
    ["insert into v (id, b) values (3, '[300]')", "ORA-51806"],
    ["select vector_distance('[1,2]', '[1]', cosine) from dual", "ORA-51808"]
  ]
  it.each(refused)("refuses %s", (text, message) => {
    assert.strictEqual(sql.error(text).slice(0, message.length), message)
  })

  it("keeps the format of a bound vector where the column takes any", () => {
    const value = { _tag: "Vector", format: "INT8", values: [1, 2] } as const
    sql.run("insert into v (id, a) values (9, :1)", { type: "VECTOR", value })
    assert.deepStrictEqual(sql.rows("select a from v where id = 9"), [[value]])
  })
})
