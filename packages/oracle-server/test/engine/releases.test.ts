/** A server of an older version has the grammar, the types and the functions of its release. */
import { assert, describe, it } from "@effect/vitest"
import { harness } from "./engineHarness.ts"

const setup = [
  "create table t (id number, name varchar2(20))",
  "insert into t values (1, 'a')",
  "create table u (id number)"
]

const at = (version: string) => {
  const sql = harness({ version }).open()
  for (const statement of setup) sql.run(statement)
  return sql
}

/** A statement, the first release that takes it, and the error of those before. */
const statements: ReadonlyArray<readonly [sql: string, since: number, code: string]> = [
  ["select 1", 23, "ORA-00923"],
  ["insert into t values (2, 'b'), (3, 'c')", 23, "ORA-00933"],
  ["update t set name = 'x' from u where t.id = u.id", 23, "ORA-00933"],
  ["delete t from u where t.id = u.id", 23, "ORA-00933"],
  ["create table if not exists t (id number)", 23, "ORA-00922"],
  ["drop table if exists nothing", 23, "ORA-00933"],
  ["create table v (flag boolean)", 23, "ORA-00902"],
  ["create table w (v vector(3))", 23, "ORA-00902"],
  ["select name as n, count(*) from t group by n", 23, "ORA-00904"],
  ["select count(*) as n from t having n > 0", 23, "ORA-00904"],
  ["select true from dual", 23, "ORA-00904"],
  ["select to_boolean('yes') from dual", 23, "ORA-00904"],
  ["select * from (values (1, 2)) as v(a, b)", 23, "ORA-00903"],
  ["create table x (doc json)", 21, "ORA-00902"],
  ["select id from t except select id from u", 21, "ORA-00933"],
  ["select id from t minus all select id from u", 21, "ORA-00928"],
  ["select sum(id) over w from t window w as (order by id)", 21, "ORA-00933"],
  ["select sum(id) over (order by id groups 1 preceding) from t", 21, "ORA-00907"],
  ["select sum(id) over (order by id rows 1 preceding exclude ties) from t", 21, "ORA-00907"],
  ["select json_scalar(1) from dual", 21, "ORA-00904"],
  ["select kurtosis_pop(id) from t", 21, "ORA-00904"],
  ["select json_serialize('{}') from dual", 19, "ORA-00904"],
  ["select id from t fetch first 1 row only", 12, ""],
  ["select listagg(name, ',') within group (order by id) from t", 12, ""]
]

describe("the release of a server", () => {
  for (
    const [release, version] of [[12, "12.2.0.1.0"], [18, "18.4.0.0.0"], [19, "19.3.0.0.0"], [21, "21.3.0.0.0"], [
      23,
      "23.7.0.25.01"
    ]] as const
  ) {
    it(`${release}: takes what it knows, and refuses what came later as it does`, () => {
      for (const [statement, since, code] of statements) {
        const sql = at(version)
        const error = sql.error(statement)
        if (release >= since) assert.strictEqual(error, "none", statement)
        else assert.match(error, new RegExp(`^${code}`), statement)
      }
    })
  }

  it("leaves BOOLEAN to PL/SQL", () => {
    const sql = at("19.3.0.0.0")
    assert.strictEqual(
      sql.error("declare b boolean := true; begin if not b then raise no_data_found; end if; end;"),
      "none"
    )
    assert.match(sql.error("declare v vector; begin null; end;"), /PLS-00201: identifier 'VECTOR' must be declared/)
  })
})
