/** Policies of DBMS_RLS: for columns, on views, in MERGE, with UPDATE_CHECK. */
import { assert, beforeEach, describe, it } from "vitest"
import { type Harness, harness, type Sql } from "./engineHarness.ts"

let h: Harness
let sql: Sql
beforeEach(() => {
  h = harness()
  sql = h.open()
  sql.run("create table staff (id number primary key, team varchar2(10), salary number)")
  sql.run(
    "insert into staff select level, decode(mod(level, 2), 0, 'even', 'odd'), level * 100 from dual connect by level <= 4"
  )
  sql.run("commit")
  sql.run(
    "create function own_team(s varchar2, o varchar2) return varchar2 is begin return 'team = sys_context(''clientcontext'', ''team'')'; end;"
  )
  sql.run("begin dbms_session.set_context('clientcontext', 'team', 'odd'); end;")
  return () => h.engine.close()
})

const policy = (more: string, object = "staff"): void => {
  sql.run(`begin dbms_rls.add_policy('hr', '${object}', 'own', 'hr', 'own_team'${more}); end;`)
}

describe("a policy for columns", () => {
  it("counts when a statement names one of them", () => {
    policy(", sec_relevant_cols => 'salary'")
    assert.deepEqual(sql.rows("select id from staff order by id"), [["1"], ["2"], ["3"], ["4"]])
    assert.deepEqual(sql.rows("select id, salary from staff order by id"), [["1", "100"], ["3", "300"]])
    assert.deepEqual(sql.rows("select * from staff order by id"), [["1", "odd", "100"], ["3", "odd", "300"]])
    assert.deepEqual(sql.rows("select s.id from staff s where s.salary > 150"), [["3"]])
    assert.deepEqual(sql.rows("select count(*), max(team) from staff"), [["4", "odd"]])
    assert.deepEqual(sql.rows("select sum(salary) from staff"), [["400"]])
    assert.deepEqual(sql.rows("select id from staff order by salary desc"), [["3"], ["1"]])
    assert.deepEqual(
      sql.rows("select a.id, b.id from staff a join staff b on a.id + 1 = b.id and b.salary > 0 order by 1"),
      [["2", "3"]]
    )
    assert.strictEqual(sql.run("update staff set team = team where id > 0").rowCount, 4)
    assert.strictEqual(sql.run("update staff set salary = 1 where id > 0").rowCount, 2)
    assert.strictEqual(sql.run("delete from staff where salary > 0").rowCount, 2)
    assert.strictEqual(sql.run("delete from staff").rowCount, 2)
    assert.deepEqual(
      sql.rows("select object_name, sec_rel_column, column_option from all_sec_relevant_cols"),
      [["STAFF", "SALARY", "NONE"]]
    )
    assert.match(
      sql.error(
        "begin dbms_rls.add_policy('hr', 'staff', 'bad', 'hr', 'own_team', sec_relevant_cols => 'salary, wage'); end;"
      ),
      /^ORA-00904: "WAGE": invalid identifier/
    )
  })

  it("hides values and shows all rows when it is asked to", () => {
    policy(", sec_relevant_cols => 'SALARY', sec_relevant_cols_opt => dbms_rls.all_rows")
    assert.deepEqual(sql.rows("select id, salary from staff order by id"), [
      ["1", "100"],
      ["2", null],
      ["3", "300"],
      ["4", null]
    ])
    assert.deepEqual(sql.rows("select sum(salary), count(*), count(salary) from staff"), [["400", "4", "2"]])
    assert.deepEqual(sql.rows("select id from staff where salary is null order by id"), [["2"], ["4"]])
    assert.deepEqual(sql.rows("select column_option from all_sec_relevant_cols"), [["ALL_ROWS"]])
  })
})

describe("a policy on a view", () => {
  it("limits what is seen and changed through it, and not what is in the table", () => {
    sql.run("create view paid as select id, team, salary from staff where salary > 100")
    policy("", "paid")
    assert.deepEqual(sql.rows("select id from paid"), [["3"]])
    assert.deepEqual(sql.rows("select count(*) from staff"), [["4"]])
    assert.strictEqual(sql.run("update paid set salary = salary + 1").rowCount, 1)
    assert.strictEqual(sql.run("delete from paid").rowCount, 1)
    assert.deepEqual(sql.rows("select id, salary from staff order by id"), [["1", "100"], ["2", "200"], ["4", "400"]])
    sql.run("drop view paid")
    sql.run("create view paid as select id, team, salary from staff where salary > 100")
    // Its policy has gone with it.
    assert.deepEqual(sql.rows("select count(*) from paid"), [["2"]])
  })

  it("limits what a query over groups shows", () => {
    sql.run("create view totals as select team, sum(salary) total from staff group by team")
    policy("", "totals")
    assert.deepEqual(sql.rows("select team, total from totals"), [["odd", "400"]])
  })
})

describe("a policy in MERGE", () => {
  const merge = (team: string) =>
    `merge into staff t using (select level id from dual connect by level <= 5) s on (t.id = s.id) ` +
    `when matched then update set salary = 0, team = '${team}' when not matched then insert values (s.id + 10, '${team}', 7)`

  it("hides rows from it", () => {
    policy("")
    assert.strictEqual(sql.run(merge("odd")).rowCount, 5)
    sql.run("begin dbms_rls.drop_policy('hr', 'staff', 'own'); end;")
    assert.deepEqual(sql.rows("select id, team, salary from staff order by id"), [
      ["1", "odd", "0"],
      ["2", "even", "200"],
      ["3", "odd", "0"],
      ["4", "even", "400"],
      ["12", "odd", "7"],
      ["14", "odd", "7"],
      ["15", "odd", "7"]
    ])
  })

  it("refuses rows that it may not leave", () => {
    policy(", update_check => true")
    assert.strictEqual(sql.error(merge("even")), "ORA-28115: policy with check option violation")
    assert.strictEqual(
      sql.error("merge into staff t using dual on (t.id = 99) when not matched then insert values (99, 'even', 1)"),
      "ORA-28115: policy with check option violation"
    )
    assert.strictEqual(
      sql.error("insert into staff values (9, 'even', 1)"),
      "ORA-28115: policy with check option violation"
    )
    assert.strictEqual(sql.run(merge("odd")).rowCount, 5)
  })

  it("has to be for all that a MERGE may do", () => {
    policy(", statement_types => 'select, update'")
    assert.match(sql.error(merge("odd")), /^ORA-28132/)
  })
})
