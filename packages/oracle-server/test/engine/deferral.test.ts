import { assert, beforeEach, describe, it } from "vitest"
import { harness, type Sql } from "./engineHarness.ts"

let sql: Sql

beforeEach(() => {
  sql = harness().open("HR")
  sql.run("create table p (id number constraint p_pk primary key deferrable)")
  sql.run(
    "create table c (id number, p number constraint c_fk references p deferrable initially deferred, " +
      "n number constraint c_ck check (n > 0) deferrable initially immediate, u number constraint c_uq unique initially deferred deferrable)"
  )
})

/** The code that COMMIT ends with, and the one behind it. */
const committed = (): ReadonlyArray<string> => sql.error("commit").match(/ORA-\d+|none/g) ?? []

describe("a deferred constraint", () => {
  it("may be broken until COMMIT", () => {
    sql.run("insert into c (id, p) values (1, 7)")
    sql.run("insert into p values (7)")
    assert.deepStrictEqual(committed(), ["none"])
    assert.strictEqual(sql.value("select count(*) from c"), "1")
  })

  it("that is broken at COMMIT takes the whole transaction back", () => {
    sql.run("insert into p values (1)")
    sql.run("insert into c (id, p) values (1, 7)")
    assert.strictEqual(
      sql.error("commit"),
      "ORA-02091: transaction rolled back\nORA-02291: integrity constraint (HR.C_FK) violated - parent key not found"
    )
    assert.strictEqual(sql.value("select count(*) from p"), "0")
    assert.strictEqual(sql.session.inTransaction, false)
  })

  it("looks at rows as they are in the end", () => {
    sql.run("insert into c (id, p, u) values (1, 7, 1)")
    sql.run("insert into c (id, p, u) values (2, null, 1)")
    sql.run("update c set p = null, u = 2 where id = 1")
    assert.deepStrictEqual(committed(), ["none"])
    sql.run("insert into c (id, u) values (3, 1)")
    sql.run("delete from c where id = 2")
    assert.deepStrictEqual(committed(), ["none"])
    sql.run("insert into c (id, u) values (4, 1)")
    assert.deepStrictEqual(committed(), ["ORA-02091", "ORA-00001"])
  })

  it("finds children whose parent went", () => {
    sql.run("insert into p values (1)")
    sql.run("insert into c (id, p) values (1, 1)")
    sql.session.commit()
    sql.run("delete from p")
    sql.run("insert into p values (1)")
    assert.deepStrictEqual(committed(), ["none"])
    sql.run("delete from p")
    assert.deepStrictEqual(committed(), ["ORA-02091", "ORA-02292"])
    sql.run("delete from p")
    sql.run("delete from c")
    assert.deepStrictEqual(committed(), ["none"])
  })

  it("is not broken by what a savepoint took back", () => {
    sql.run("savepoint s")
    sql.run("insert into c (id, p) values (1, 7)")
    sql.run("rollback to s")
    assert.deepStrictEqual(committed(), ["none"])
  })
})

describe("SET CONSTRAINTS", () => {
  it("puts off what is deferrable, for one transaction", () => {
    const broken = "ORA-02290: check constraint (HR.C_CK) violated"
    assert.strictEqual(sql.error("insert into c (id, n) values (1, -1)"), broken)
    sql.run("set constraint c_ck deferred")
    assert.strictEqual(sql.error("insert into c (id, n) values (1, -1)"), "none")
    assert.strictEqual(sql.error("set constraints all immediate"), broken)
    sql.run("update c set n = 1")
    assert.strictEqual(sql.error("set constraints all immediate"), "none")
    assert.strictEqual(sql.error("update c set n = -1"), broken)
    sql.session.commit()
    sql.run("set constraints all deferred")
    sql.run("insert into p values (1)")
    assert.strictEqual(sql.error("insert into p values (1)"), "none")
    assert.deepStrictEqual(committed(), ["ORA-02091", "ORA-00001"])
    sql.run("insert into p values (1)")
    assert.match(sql.error("insert into p values (1)"), /^ORA-00001/)
  })

  it("knows which constraints can be put off", () => {
    sql.run("create table q (id number constraint q_pk primary key)")
    assert.strictEqual(
      sql.error("set constraint q_pk deferred"),
      "ORA-02447: cannot defer a constraint that is not deferrable"
    )
    assert.strictEqual(sql.error("set constraint nosuch deferred"), "ORA-02448: constraint does not exist")
  })

  it("of a session holds for all its transactions", () => {
    sql.run("alter session set constraints = deferred")
    sql.run("insert into c (id, n) values (1, -1)")
    assert.deepStrictEqual(committed(), ["ORA-02091", "ORA-02290"])
    sql.run("insert into c (id, n) values (1, -1)")
    assert.deepStrictEqual(committed(), ["ORA-02091", "ORA-02290"])
    sql.run("alter session set constraints = default")
    assert.match(sql.error("insert into c (id, n) values (1, -1)"), /^ORA-02290/)
  })

  it("NOT NULL can be put off as well", () => {
    sql.run("create table t (a number constraint t_nn not null deferrable initially deferred)")
    sql.run("insert into t values (null)")
    assert.deepStrictEqual(committed(), ["ORA-02091", "ORA-02290"])
  })
})

describe("ENABLE and DISABLE", () => {
  beforeEach(() => {
    sql.run(
      "create table t (a number constraint t_pk primary key, b number constraint t_ck check (b > 0) disable, c number constraint t_uq unique)"
    )
    sql.run("create table k (a number constraint k_fk references t)")
  })

  it("say what is enforced", () => {
    sql.run("insert into t values (1, -1, 1)")
    assert.match(sql.error("insert into t values (1, 1, 2)"), /^ORA-00001: unique constraint \(HR.T_PK\)/)
    assert.match(sql.error("alter table t disable primary key"), /^ORA-02297/)
    sql.run("alter table t disable primary key cascade")
    sql.run("insert into t values (1, 1, 2)")
    sql.run("insert into k values (99)")
    sql.session.commit()
    assert.match(sql.error("alter table t enable primary key"), /^ORA-02437/)
    assert.match(
      sql.error("alter table t enable constraint t_ck"),
      /^ORA-02293: cannot validate \(HR.T_CK\) - check constraint violated/
    )
    sql.run("alter table t enable novalidate constraint t_ck")
    assert.match(sql.error("insert into t values (5, -5, 5)"), /^ORA-02290/)
    assert.match(sql.error("alter table t modify constraint t_ck validate"), /^ORA-02293/)
    sql.run("update t set a = 2, b = 7 where c = 1")
    sql.run("alter table t enable primary key")
    sql.run("alter table t modify constraint t_ck validate rely")
    assert.deepStrictEqual(
      sql.rows(
        "select constraint_name, status, validated, rely, deferrable from user_constraints where table_name in ('T', 'K') order by 1"
      ),
      [
        ["K_FK", "DISABLED", "NOT VALIDATED", null, "NOT DEFERRABLE"],
        ["T_CK", "ENABLED", "VALIDATED", "RELY", "NOT DEFERRABLE"],
        ["T_PK", "ENABLED", "VALIDATED", null, "NOT DEFERRABLE"],
        ["T_UQ", "ENABLED", "VALIDATED", null, "NOT DEFERRABLE"]
      ]
    )
    assert.match(sql.error("alter table k enable constraint k_fk"), /^ORA-02298/)
    assert.match(sql.error("alter table t enable constraint nosuch"), /^ORA-02430/)
  })

  it("note the rows that are in the way", () => {
    sql.run(
      "create table exceptions (row_id rowid, owner varchar2(128), table_name varchar2(128), constraint varchar2(128))"
    )
    sql.run("alter table t disable constraint t_uq")
    sql.run("insert into t values (1, 1, 5)")
    sql.run("insert into t values (2, 1, 5)")
    sql.run("insert into t values (3, 1, 6)")
    sql.session.commit()
    assert.match(sql.error("alter table t enable constraint t_uq exceptions into exceptions"), /^ORA-02299/)
    assert.deepStrictEqual(
      sql.rows("select t.a, e.table_name, e.constraint from exceptions e join t on t.rowid = e.row_id order by 1"),
      [["1", "T", "T_UQ"], ["2", "T", "T_UQ"]]
    )
  })

  it("are kept by a snapshot", () => {
    const { engine, open } = harness()
    const one = open("HR")
    one.run("create table t (a number constraint t_uq unique deferrable initially deferred)")
    const snapshot = engine.snapshot()
    one.run("drop table t")
    engine.restore(snapshot)
    one.run("insert into t values (1)")
    one.run("insert into t values (1)")
    assert.match(one.error("commit"), /^ORA-02091/)
  })
})
