import { assert, beforeEach, describe, it } from "vitest"
import { harness, type Sql, typed } from "./engineHarness.ts"

let sql: Sql

beforeEach(() => {
  sql = harness().open("HR")
  sql.run("create table emp (id number primary key, dept number, pay number)")
  sql.run("insert into emp values (1, 10, 100), (2, 10, 200), (3, 20, 50)")
  sql.session.commit()
})

describe("a materialized view", () => {
  const create =
    "create materialized view pay_by_dept build immediate refresh complete on demand enable query rewrite as " +
    "select dept, sum(pay) total from emp group by dept"

  it("has the rows of its last refresh", () => {
    sql.run(create)
    const rows = () => sql.rows("select * from pay_by_dept order by dept")
    assert.deepStrictEqual(rows(), [["10", "300"], ["20", "50"]])
    sql.run("update emp set pay = 0 where id = 2")
    sql.session.commit()
    assert.deepStrictEqual(rows(), [["10", "300"], ["20", "50"]])
    sql.run("begin dbms_mview.refresh('PAY_BY_DEPT', 'C'); end;")
    assert.deepStrictEqual(rows(), [["10", "100"], ["20", "50"]])
    assert.deepStrictEqual(
      sql.rows("select mview_name, refresh_method, refresh_mode, last_refresh_type, rewrite_enabled from user_mviews"),
      [["PAY_BY_DEPT", "COMPLETE", "DEMAND", "COMPLETE", "Y"]]
    )
    assert.deepStrictEqual(
      sql.rows("select object_type from user_objects where object_name = 'PAY_BY_DEPT' order by 1"),
      [["MATERIALIZED VIEW"], ["TABLE"]]
    )
  })

  it("is changed by its refresh alone", () => {
    sql.run(create)
    for (
      const text of [
        "delete from pay_by_dept",
        "insert into pay_by_dept values (1, 1)",
        "update pay_by_dept set total = 0"
      ]
    ) {
      assert.match(sql.error(text), /^ORA-01732/, text)
    }
    assert.match(
      sql.error("drop table pay_by_dept"),
      /^ORA-12083: must use DROP MATERIALIZED VIEW to drop "HR"."PAY_BY_DEPT"/
    )
    sql.run("create index pay_by_dept_i on pay_by_dept (dept)")
    sql.run("drop materialized view pay_by_dept")
    assert.match(sql.error("drop materialized view pay_by_dept"), /^ORA-12003/)
    assert.match(sql.error("begin dbms_mview.refresh('pay_by_dept'); end;"), /^ORA-23401/)
  })

  it("may be built later, with names of its own", () => {
    sql.run("create materialized view m (k, n) build deferred as select dept, count(*) from emp group by dept")
    assert.strictEqual(sql.value("select count(*) from m"), "0")
    assert.strictEqual(sql.value("select staleness from user_mviews"), "UNUSABLE")
    sql.run("begin dbms_mview.refresh('m'); end;")
    assert.deepStrictEqual(sql.rows("select k, n from m order by 1"), [["10", "2"], ["20", "1"]])
  })

  it("is refreshed fast only where its tables have logs", () => {
    const fast = "create materialized view f refresh fast on demand as select id, pay from emp"
    assert.strictEqual(sql.error(fast), "ORA-23413: table \"HR\".\"EMP\" does not have a materialized view log")
    sql.run("create materialized view log on emp with primary key including new values")
    assert.match(sql.error("create materialized view log on emp"), /^ORA-12000/)
    sql.run(fast)
    sql.run("insert into emp values (4, 30, 1)")
    sql.session.commit()
    sql.run("begin dbms_mview.refresh('f', 'F'); end;")
    assert.strictEqual(sql.value("select count(*) from f"), "4")
    sql.run("drop materialized view log on emp")
    assert.match(sql.error("begin dbms_mview.refresh('f', 'F'); end;"), /^ORA-23413/)
  })

  it("keeps its rows when a refresh fails", () => {
    sql.run("create materialized view q as select id, 100 / pay share_ from emp")
    sql.run("update emp set pay = 0 where id = 1")
    sql.session.commit()
    assert.match(sql.error("begin dbms_mview.refresh('q'); end;"), /^ORA-01476/)
    assert.strictEqual(sql.value("select count(*) from q"), "3")
  })

  it("is told what is not there", () => {
    assert.match(
      sql.error("create materialized view c refresh on commit as select 1 x from emp"),
      /^ORA-03001: unimplemented feature: REFRESH ON COMMIT/
    )
  })
})

describe("MERGE … RETURNING", () => {
  it("gives the rows that were inserted and updated, as they are and as they were", () => {
    const { returned, rowCount } = sql.run(
      "merge into emp e using (select 3 id, 75 pay from dual union all select 4, 10 from dual) s on (e.id = s.id) " +
        "when matched then update set pay = s.pay when not matched then insert (id, pay) values (s.id, s.pay) " +
        "returning id, old pay, new pay into :a, :b, :c",
      typed("NUMBER", null),
      typed("NUMBER", null),
      typed("NUMBER", null)
    )
    assert.strictEqual(rowCount, 2)
    assert.deepStrictEqual(returned!.map(({ values }) => values[0]), [["3", "4"], ["50", null], ["75", "10"]])
  })

  it("works in PL/SQL", () => {
    sql.run("create table out_ (id number)")
    sql.run(`
declare
  type t is table of number;
  ids t;
begin
  merge into emp e using (select level id from dual connect by level <= 2) s on (e.id = s.id)
  when matched then update set pay = 1 returning e.id bulk collect into ids;
  for i in 1 .. ids.count loop insert into out_ values (ids(i)); end loop;
end;`)
    assert.deepStrictEqual(sql.rows("select id from out_ order by 1"), [["1"], ["2"]])
  })
})
