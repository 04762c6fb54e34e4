/** Contexts of applications, and the policies of DBMS_RLS that limit which rows a statement sees. */
import { assert, beforeEach, describe, it } from "vitest"
import { type Harness, harness, plain, type Sql, typed } from "./engineHarness.ts"

let h: Harness
let sql: Sql
beforeEach(() => {
  h = harness()
  sql = h.open()
  return () => h.engine.close()
})

const textOf = (of: Sql, block: string): unknown =>
  plain(of.run(block, typed("VARCHAR2", null)).outBinds![0]!.values[0])
const text = (block: string): unknown => textOf(sql, block)

describe("contexts", () => {
  beforeEach(() => {
    sql.run(
      "create package ctx is procedure put(a varchar2, v varchar2, c varchar2 default null); procedure wipe; end;"
    )
    sql.run(`create package body ctx is
  procedure put(a varchar2, v varchar2, c varchar2 default null) is
  begin dbms_session.set_context('app', a, v, null, c); end;
  procedure wipe is begin dbms_session.clear_context('app'); end;
end;`)
  })

  const value = (of: Sql, attribute: string) => of.value(`select sys_context('app', '${attribute}') from dual`)

  it("are set by the package that was named, and by nothing else", () => {
    assert.match(sql.error("begin ctx.put('who', 'me'); end;"), /^ORA-01031: insufficient privileges/)
    sql.run("create context app using ctx")
    sql.run("begin ctx.put('who', 'me'); end;")
    assert.strictEqual(value(sql, "who"), "me")
    assert.strictEqual(value(h.open(), "who"), null)
    assert.match(
      sql.error("begin dbms_session.set_context('app', 'who', 'else'); end;"),
      /^ORA-01031: insufficient privileges/
    )
    sql.run("begin ctx.wipe; end;")
    assert.strictEqual(value(sql, "who"), null)
    sql.run("drop context app")
    assert.match(sql.error("begin ctx.put('who', 'me'); end;"), /^ORA-01031/)
  })

  it("are shared by all sessions, or by those of a client, when accessed globally", () => {
    sql.run("create context app using hr.ctx accessed globally")
    sql.run("begin ctx.put('rate', '1'); ctx.put('rate', '2', 'client'); end;")
    const other = h.open()
    assert.strictEqual(value(other, "rate"), "1")
    other.run("begin dbms_session.set_identifier('client'); end;")
    assert.strictEqual(value(other, "rate"), "2")
    assert.strictEqual(value(sql, "rate"), "1")
  })
})

describe("dbms_rls", () => {
  beforeEach(() => {
    sql.run("create table claims (id number, owner_ varchar2(20))")
    sql.run(
      "insert into claims select level, case mod(level, 2) when 0 then 'ann' else 'bob' end from dual connect by level <= 6"
    )
    sql.run("commit")
    sql.run(`create function own_claims(s varchar2, o varchar2) return varchar2 is
begin
  if s || '.' || o <> 'HR.CLAIMS' then return '1 = 0'; end if;
  return case when sys_context('userenv', 'client_identifier') is not null
    then 'owner_ = sys_context(''userenv'', ''client_identifier'')' end;
end;`)
    sql.run("begin dbms_rls.add_policy('hr', 'claims', 'own', 'hr', 'own_claims'); end;")
  })

  const as = (client: string | null) =>
    sql.run("begin dbms_session.set_identifier(:1); end;", typed("VARCHAR2", client))
  const ids = (of: Sql) => of.rows("select id from claims c order by id").map(([id]) => id)

  it("limits what each statement sees, by what the function says at that moment", () => {
    assert.deepEqual(ids(sql), ["1", "2", "3", "4", "5", "6"])
    as("ann")
    assert.deepEqual(ids(sql), ["2", "4", "6"])
    assert.deepEqual(sql.rows("select d.dummy, c.id from dual d left join claims c on c.id < 3"), [["X", "2"]])
    assert.strictEqual(sql.run("update claims set id = id * 10").rowCount, 3)
    assert.strictEqual(sql.run("delete from claims where id > 30").rowCount, 2)
    as("bob")
    assert.deepEqual(ids(sql), ["1", "3", "5"])
    assert.strictEqual(text("declare n number; begin select count(*) into n from claims; :1 := n; end;"), "3")
    as("ann")
    assert.strictEqual(text("declare n number; begin select count(*) into n from claims; :1 := n; end;"), "1")
    sql.session.rollback()
    sql.run("begin dbms_rls.enable_policy('hr', 'claims', 'own', false); end;")
    assert.strictEqual(ids(sql).length, 6)
    sql.run("begin dbms_rls.enable_policy('hr', 'claims', 'own'); dbms_rls.drop_policy('hr', 'claims', 'own'); end;")
    assert.strictEqual(ids(sql).length, 6)
  })

  it("with UPDATE_CHECK looks at what INSERT and UPDATE leave", () => {
    sql.run(
      "begin dbms_rls.drop_policy('hr', 'claims', 'own'); dbms_rls.add_policy('hr', 'claims', 'own', 'hr', 'own_claims', update_check => true); end;"
    )
    as("ann")
    sql.run("insert into claims values (20, 'ann')")
    sql.run("update claims set id = id + 1 where id = 20")
    for (
      const statement of ["insert into claims values (21, 'bob')", "update claims set owner_ = 'bob' where id = 21"]
    ) {
      assert.match(sql.error(statement), /^ORA-28115: policy with check option violation/, statement)
    }
    assert.match(
      sql.error("insert into claims select 30, 'ann' from dual union all select 31, 'bob' from dual"),
      /^ORA-28115/
    )
    assert.deepEqual(ids(sql), ["2", "4", "6", "21"])
    sql.session.rollback()
    assert.deepEqual(
      sql.rows(
        "select object_name, policy_name, pf_owner, package, function, sel, ins, upd, del, chk_option, enable, policy_type from user_policies"
      ),
      [["CLAIMS", "OWN", "HR", null, "OWN_CLAIMS", "YES", "YES", "YES", "YES", "YES", "YES", "DYNAMIC"]]
    )
    sql.run(
      "begin dbms_rls.add_policy('hr', 'claims', 'second', 'hr', 'own_claims', 'select', enable => false, policy_type => dbms_rls.context_sensitive); end;"
    )
    assert.deepEqual(
      sql.rows(
        "select sel, ins, enable, policy_type from all_policies where policy_name = 'SECOND' and object_owner = 'HR'"
      ),
      [["YES", "NO", "NO", "CONTEXT_SENSITIVE"]]
    )
  })

  it("refuses a policy function that keeps everything waiting", () => {
    let now = 0
    const hurried = harness({ host: { clock: () => now += 10 } })
    try {
      const own = hurried.open()
      own.run("create table claims (id number)")
      own.run("create function endless(s varchar2, o varchar2) return varchar2 is begin loop null; end loop; end;")
      own.run("begin dbms_rls.add_policy('hr', 'claims', 'own', 'hr', 'endless'); end;")
      assert.match(own.error("select * from claims"), /^ORA-03001: unimplemented feature: policy functions that work/)
      own.run(
        "create or replace function endless(s varchar2, o varchar2) return varchar2 is begin dbms_session.sleep(1); end;"
      )
      assert.match(own.error("select * from claims"), /^ORA-03001: unimplemented feature: waiting in a policy function/)
      assert.strictEqual(own.value("select count(*) from dual"), "1")
    } finally {
      hurried.engine.close()
    }
  })

  it("says what is wrong with a policy", () => {
    assert.match(
      sql.error("begin dbms_rls.add_policy('hr', 'claims', 'own', 'hr', 'own_claims'); end;"),
      /^ORA-28101: policy already exists/
    )
    assert.match(
      sql.error("begin dbms_rls.drop_policy('hr', 'claims', 'none'); end;"),
      /^ORA-28102: policy does not exist/
    )
    sql.run(
      "create or replace function own_claims(s varchar2, o varchar2) return varchar2 is begin return 'owner_ ='; end;"
    )
    assert.match(sql.error("select * from claims"), /^ORA-28113: policy predicate has error/)
    sql.run("create or replace function own_claims(s varchar2, o varchar2) return varchar2 is begin return 1 / 0; end;")
    assert.match(sql.error("select * from claims"), /^ORA-28112: failed to execute policy function/)
    sql.run(
      "create or replace function own_claims(s varchar2, o varchar2) return varchar2 is n number; begin select count(*) into n from claims; return null; end;"
    )
    assert.match(sql.error("select * from claims"), /^ORA-281(?:08|12)/)
  })
})
