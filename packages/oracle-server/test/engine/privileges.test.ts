import { assert, beforeEach, describe, it } from "vitest"
import { type Harness, harness, type Sql } from "./engineHarness.ts"

let database: Harness
let dba: Sql

/** A user with these privileges and nothing else, logged on. */
const user = (name: string, ...grants: ReadonlyArray<string>): Sql => {
  dba.run(`create user ${name} identified by pw quota unlimited on users`)
  dba.run(`grant create session to ${name}`)
  for (const grant of grants) dba.run(`grant ${grant} to ${name}`)
  return database.open(name.toUpperCase())
}

const denied = "ORA-01031: insufficient privileges"
const unseen = (name: string) => `ORA-00942: table or view ${name} does not exist`

beforeEach(() => {
  database = harness()
  dba = database.open("HR")
  dba.run("create table emp (id number primary key, name varchar2(20), pay number)")
  dba.run("insert into emp values (1, 'Ann', 10)")
  dba.run("create sequence ids")
  dba.session.commit()
})

describe("object privileges", () => {
  it("hide what one has nothing on, and refuse what is seen and not allowed", () => {
    const eve = user("eve")
    assert.strictEqual(eve.error("select * from hr.emp"), unseen("\"HR\".\"EMP\""))
    assert.strictEqual(eve.error("delete from hr.emp"), unseen("\"HR\".\"EMP\""))
    dba.run("grant select on emp to eve")
    assert.deepStrictEqual(eve.rows("select name from hr.emp"), [["Ann"]])
    for (
      const text of [
        "insert into hr.emp values (2, 'x', 1)",
        "update hr.emp set pay = 1",
        "delete from hr.emp",
        "alter table hr.emp add x number",
        "drop table hr.emp",
        "truncate table hr.emp",
        "create index i on hr.emp (pay)",
        "merge into hr.emp e using dual on (e.id = 1) when matched then update set pay = 2"
      ]
    ) assert.strictEqual(eve.error(text), denied, text)
    dba.run("revoke select on emp from eve")
    assert.strictEqual(eve.error("select name from hr.emp"), unseen("\"HR\".\"EMP\""))
  })

  it("on columns allow those columns alone", () => {
    const eve = user("eve")
    dba.run("grant insert (id, name), update (name), select on emp to eve")
    assert.strictEqual(eve.error("insert into hr.emp (id, name) values (2, 'Bob')"), "none")
    assert.strictEqual(eve.error("insert into hr.emp values (3, 'x', 1)"), denied)
    assert.strictEqual(eve.error("insert into hr.emp (id, pay) values (3, 1)"), denied)
    assert.strictEqual(eve.error("update hr.emp set name = 'Bo' where id = 2"), "none")
    assert.strictEqual(eve.error("update hr.emp set pay = 2 where id = 2"), denied)
    assert.deepStrictEqual(
      eve.rows("select column_name, privilege, grantable from user_col_privs_recd order by privilege, column_name"),
      [["ID", "INSERT", "NO"], ["NAME", "INSERT", "NO"], ["NAME", "UPDATE", "NO"]]
    )
    assert.strictEqual(dba.error("grant select (id) on emp to eve"), "ORA-00969: missing ON keyword")
    assert.strictEqual(dba.error("grant update (nope) on emp to eve"), "ORA-00904: \"NOPE\": invalid identifier")
  })

  it("to change rows by a condition need those to read it", () => {
    const eve = user("eve")
    dba.run("grant update, delete on emp to eve")
    assert.strictEqual(eve.error("update hr.emp set pay = 5"), "none")
    assert.strictEqual(eve.error("update hr.emp set pay = pay + 1"), denied)
    assert.strictEqual(eve.error("delete from hr.emp where id = 1"), denied)
    assert.strictEqual(eve.error("delete from hr.emp"), "none")
  })

  it("READ reads and locks nothing", () => {
    const eve = user("eve")
    dba.run("grant read on emp to eve")
    assert.strictEqual(eve.value("select name from hr.emp"), "Ann")
    assert.strictEqual(eve.error("select name from hr.emp for update"), denied)
    assert.strictEqual(eve.error("lock table hr.emp in exclusive mode"), denied)
    dba.run("grant select on emp to eve")
    assert.strictEqual(eve.error("select name from hr.emp for update"), "none")
  })

  it("are granted on by who has the grant option, and taken back with it", () => {
    const eve = user("eve")
    const bob = user("bob")
    dba.run("grant select on emp to eve with grant option")
    eve.run("grant select on hr.emp to bob")
    assert.strictEqual(bob.value("select count(*) from hr.emp"), "1")
    assert.strictEqual(bob.error("grant select on hr.emp to public"), denied)
    assert.strictEqual(
      eve.error("grant select on hr.emp to eve"),
      "ORA-01749: you may not GRANT/REVOKE privileges to/from yourself"
    )
    assert.strictEqual(
      dba.error("revoke select on emp from bob"),
      "ORA-01927: cannot REVOKE privileges you did not grant"
    )
    assert.deepStrictEqual(
      dba.rows("select grantee, grantor, privilege, grantable from dba_tab_privs where table_name = 'EMP' order by 1"),
      [["BOB", "EVE", "SELECT", "NO"], ["EVE", "HR", "SELECT", "YES"]]
    )
    dba.run("revoke select on emp from eve")
    assert.strictEqual(bob.error("select count(*) from hr.emp"), unseen("\"HR\".\"EMP\""))
    dba.run("create role r")
    assert.strictEqual(
      dba.error("grant select on emp to r with grant option"),
      "ORA-01926: cannot GRANT to a role WITH GRANT OPTION"
    )
    assert.strictEqual(dba.error("grant references on emp to r"), "ORA-01931: cannot grant REFERENCES to a role")
  })

  it("of sequences, procedures and everybody", () => {
    const eve = user("eve")
    dba.run("create procedure p as begin null; end;")
    dba.run("create function f return number as begin return 7; end;")
    assert.strictEqual(eve.error("select hr.ids.nextval from dual"), "ORA-02289: sequence does not exist")
    assert.match(eve.error("begin hr.p; end;"), /PLS-00201: identifier 'HR.P' must be declared/)
    assert.match(eve.error("select hr.f from dual"), /ORA-00904/)
    dba.run("grant select on ids to public")
    dba.run("grant execute on p to public")
    dba.run("grant execute on f to eve")
    assert.strictEqual(eve.value("select hr.ids.nextval from dual"), "1")
    assert.strictEqual(eve.error("begin hr.p; end;"), "none")
    assert.strictEqual(eve.value("select hr.f from dual"), "7")
    assert.strictEqual(dba.error("grant execute on emp to eve"), "ORA-02224: EXECUTE privilege not allowed for tables")
    assert.strictEqual(
      dba.error("grant insert on p to eve"),
      "ORA-02225: only EXECUTE and DEBUG privileges are valid for procedures"
    )
    assert.strictEqual(
      dba.error("grant insert on ids to eve"),
      "ORA-02205: only SELECT and ALTER privileges are valid for sequences"
    )
    assert.strictEqual(
      dba.error("grant execute on nosuch to eve"),
      "ORA-04042: procedure, function, package, or package body does not exist"
    )
    assert.strictEqual(dba.error("grant nonsense on emp to eve"), "ORA-00990: missing or invalid privilege")
  })

  it("to refer to a table", () => {
    const eve = user("eve", "create table")
    assert.strictEqual(
      eve.error("create table t (e number references hr.emp)"),
      unseen("\"HR\".\"EMP\"")
    )
    dba.run("grant references (id) on emp to eve")
    dba.run("grant select on emp to eve")
    assert.strictEqual(eve.error("create table t (e number references hr.emp)"), denied)
    dba.run("grant references on emp to eve")
    assert.strictEqual(eve.error("create table t (e number references hr.emp)"), "none")
    assert.match(dba.error("revoke references on emp from eve"), /^ORA-01981/)
    dba.run("revoke references on emp from eve cascade constraints")
    assert.strictEqual(eve.error("insert into t values (99)"), "none")
  })
})

describe("views", () => {
  it("show what their owner may see, and are shown on only with the grant option", () => {
    const eve = user("eve", "create view")
    const bob = user("bob")
    dba.run("create role readers")
    dba.run("grant select on emp to readers")
    dba.run("grant readers to eve")
    eve.run("set role all")
    assert.strictEqual(eve.value("select count(*) from hr.emp"), "1")
    // A role does not count for what is stored.
    assert.strictEqual(eve.error("create view v as select name from hr.emp"), unseen("\"HR\".\"EMP\""))
    dba.run("grant select on emp to eve")
    eve.run("create view v as select name from hr.emp")
    assert.strictEqual(eve.error("grant select on v to bob"), "ORA-01720: grant option does not exist for 'HR.EMP'")
    dba.run("grant select on emp to eve with grant option")
    eve.run("grant select on v to bob")
    assert.deepStrictEqual(bob.rows("select * from eve.v"), [["Ann"]])
    assert.strictEqual(bob.error("select * from hr.emp"), unseen("\"HR\".\"EMP\""))
  })
})

describe("system privileges", () => {
  it.each([
    ["create table t (x number)", "create table"],
    ["create view v as select 1 x from dual", "create view"],
    ["create sequence s", "create sequence"],
    ["create synonym y for hr.emp", "create synonym"],
    ["create public synonym y for hr.emp", "create public synonym"],
    ["create procedure p as begin null; end;", "create procedure"],
    ["create type t as object (x number)", "create type"],
    ["create user someone identified by x", "create user"],
    ["create role r", "create role"],
    ["create profile f limit idle_time 5", "create profile"],
    ["create context c using p", "create any context"],
    ["create table hr.t (x number)", "create any table"],
    ["select * from hr.emp", "select any table"],
    ["select * from hr.emp", "read any table"],
    ["delete from hr.emp", "delete any table"],
    ["alter table hr.emp add x number", "alter any table"],
    ["drop table hr.emp", "drop any table"],
    ["truncate table hr.emp", "drop any table"],
    ["comment on table hr.emp is 'x'", "comment any table"],
    ["select hr.ids.nextval from dual", "select any sequence"],
    ["select count(*) from dba_users", "select any dictionary"],
    ["select count(*) from v$session", "select any dictionary"]
  ])("%s needs %s", (text, privilege) => {
    const eve = user("eve")
    assert.match(eve.error(text), /ORA-0(1031|0942|2289)/)
    dba.run(`grant ${privilege} to eve`)
    assert.strictEqual(eve.error(text), "none")
  })

  it("can be limited to one schema", () => {
    const eve = user("eve")
    dba.run("create user other identified by x quota unlimited on users")
    dba.run("create table other.t (x number)")
    dba.run("grant select any table on schema hr to eve")
    assert.strictEqual(eve.value("select count(*) from hr.emp"), "1")
    assert.strictEqual(eve.error("select * from other.t"), unseen("\"OTHER\".\"T\""))
    assert.deepStrictEqual(eve.rows("select privilege, schema from user_schema_privs"), [["SELECT ANY TABLE", "HR"]])
  })

  it("are granted on by who has the admin option", () => {
    const eve = user("eve")
    user("bob")
    assert.strictEqual(eve.error("grant create table to bob"), denied)
    dba.run("grant create table to eve with admin option")
    assert.strictEqual(eve.error("grant create table to bob"), "none")
    assert.strictEqual(dba.error("revoke create view from bob"), "ORA-01952: system privileges not granted to 'BOB'")
    assert.strictEqual(dba.error("grant create tables to bob"), "ORA-00990: missing or invalid privilege")
    assert.strictEqual(dba.error("grant nosuchrole to bob"), "ORA-01919: role 'NOSUCHROLE' does not exist")
    assert.deepStrictEqual(
      dba.rows("select privilege, admin_option from dba_sys_privs where grantee = 'EVE' order by 1"),
      [["CREATE SESSION", "NO"], ["CREATE TABLE", "YES"]]
    )
  })

  it("and a quota are needed for rows", () => {
    dba.run("create user eve identified by x")
    dba.run("grant create session, create table to eve")
    const eve = database.open("EVE")
    eve.run("create table t (x number)")
    assert.strictEqual(
      eve.error("insert into t values (1)"),
      "ORA-01950: The user EVE has insufficient quota on tablespace USERS."
    )
    dba.run("alter user eve quota 10M on users")
    assert.strictEqual(eve.error("insert into t values (1)"), "none")
    assert.deepStrictEqual(eve.rows("select tablespace_name, max_bytes from user_ts_quotas"), [["USERS", "10485760"]])
  })
})

describe("roles", () => {
  it("carry privileges, within each other too, once they are enabled", () => {
    const eve = user("eve")
    dba.run("create role outer_role")
    dba.run("create role inner_role")
    dba.run("grant select on emp to inner_role")
    dba.run("grant inner_role to outer_role")
    dba.run("grant outer_role to eve")
    assert.strictEqual(dba.error("grant outer_role to inner_role"), "ORA-01934: circular role grant detected")
    // A session has the roles of its log-on.
    assert.strictEqual(eve.error("select * from hr.emp"), unseen("\"HR\".\"EMP\""))
    eve.run("set role outer_role")
    assert.strictEqual(eve.value("select name from hr.emp"), "Ann")
    assert.deepStrictEqual(eve.rows("select role from session_roles order by 1"), [["INNER_ROLE"], ["OUTER_ROLE"]])
    eve.run("set role none")
    assert.strictEqual(eve.error("select * from hr.emp"), unseen("\"HR\".\"EMP\""))
    const later = database.open("EVE")
    assert.strictEqual(later.value("select name from hr.emp"), "Ann")
    dba.run("alter user eve default role none")
    assert.strictEqual(database.open("EVE").error("select * from hr.emp"), unseen("\"HR\".\"EMP\""))
    assert.strictEqual(later.error("set role dba"), "ORA-01924: role 'DBA' not granted or does not exist")
    dba.run("drop role inner_role")
    assert.strictEqual(later.error("select name from hr.emp"), unseen("\"HR\".\"EMP\""))
  })

  it("with a password are enabled by it", () => {
    const eve = user("eve")
    dba.run("create role secret identified by \"s3cret\"")
    dba.run("grant secret to eve")
    assert.strictEqual(eve.error("set role secret"), "ORA-01979: missing or invalid password for role 'SECRET'")
    assert.strictEqual(
      eve.error("set role secret identified by wrong"),
      "ORA-01979: missing or invalid password for role 'SECRET'"
    )
    assert.strictEqual(eve.error("set role secret identified by s3cret"), "none")
  })

  it("have names of their own, and are there from the start", () => {
    dba.run("create role r")
    assert.strictEqual(dba.error("create role r"), "ORA-01921: role name 'R' conflicts with another user or role name")
    assert.strictEqual(
      dba.error("create role hr"),
      "ORA-01921: role name 'HR' conflicts with another user or role name"
    )
    assert.strictEqual(
      dba.error("create user r identified by x"),
      "ORA-01920: user name 'R' conflicts with another user or role name"
    )
    assert.strictEqual(dba.error("drop role nosuch"), "ORA-01919: role 'NOSUCH' does not exist")
    assert.strictEqual(dba.error("revoke r from public"), "ORA-01951: ROLE 'R' not granted to 'PUBLIC'")
    const eve = user("eve", "connect", "resource")
    assert.deepStrictEqual(
      eve.rows("select granted_role, default_role from user_role_privs order by 1"),
      [["CONNECT", "YES"], ["RESOURCE", "YES"]]
    )
    assert.strictEqual(eve.error("create table t (x number)"), "none")
    assert.deepStrictEqual(
      eve.rows("select privilege from role_sys_privs where role = 'CONNECT' order by 1"),
      [["CREATE SESSION"], ["SET CONTAINER"]]
    )
  })
})

describe("stored units", () => {
  it("run with their definer's privileges, without roles", () => {
    const eve = user("eve", "create procedure")
    dba.run("create procedure raise_pay as begin update emp set pay = pay + 1; end;")
    dba.run("grant execute on raise_pay to eve")
    assert.strictEqual(eve.error("begin hr.raise_pay; end;"), "none")
    assert.strictEqual(eve.error("update hr.emp set pay = 1"), unseen("\"HR\".\"EMP\""))
    eve.session.commit()
    dba.run("create role payers")
    dba.run("grant select on emp to payers")
    dba.run("grant payers to eve")
    eve.run("set role all")
    const text = "create or replace function total return number %s as n number; " +
      "begin execute immediate 'select sum(pay) from hr.emp' into n; return n; end;"
    assert.strictEqual(eve.value("select sum(pay) from hr.emp"), "11")
    eve.run(text.replace("%s", ""))
    assert.match(eve.error("select total from dual"), /ORA-00942/)
    eve.run(text.replace("%s", "authid current_user"))
    assert.strictEqual(eve.value("select total from dual"), "11")
    eve.run("set role none")
    assert.match(eve.error("select total from dual"), /ORA-00942/)
  })

  it("are compiled with them", () => {
    const eve = user("eve", "create procedure")
    dba.run("grant select on emp to eve")
    eve.run(
      "create function names return varchar2 as s varchar2(99); begin select max(name) into s from hr.emp; return s; end;"
    )
    assert.strictEqual(eve.value("select names from dual"), "Ann")
    dba.run("revoke select on emp from eve")
    assert.strictEqual(eve.value("select status from user_objects where object_name = 'NAMES'"), "INVALID")
    assert.match(eve.error("select names from dual"), /ORA-06575/)
    dba.run("grant select on emp to eve")
    assert.strictEqual(eve.value("select names from dual"), "Ann")
  })

  it("make what their definer may make", () => {
    const eve = user("eve", "create procedure", "resource")
    eve.run("create procedure make as begin execute immediate 'create table made (x number)'; end;")
    eve.run("set role all")
    // CREATE TABLE comes with a role.
    assert.match(eve.error("begin make; end;"), /ORA-01031: insufficient privileges/)
    dba.run("grant create table to eve")
    assert.strictEqual(eve.error("begin make; end;"), "none")
  })

  it("tell whose rights they have", () => {
    const eve = user("eve")
    dba.run("create function who return varchar2 as begin return sys_context('userenv', 'current_user') || user; end;")
    dba.run("grant execute on who to public")
    assert.strictEqual(eve.value("select hr.who from dual"), "HREVE")
    assert.strictEqual(eve.value("select sys_context('userenv', 'current_user') from dual"), "EVE")
  })

  it("of the system are not all for everybody", () => {
    const eve = user("eve")
    assert.match(
      eve.error("begin dbms_lock.sleep(0); end;"),
      /PLS-00201: identifier 'DBMS_LOCK.SLEEP' must be declared/
    )
    dba.run("grant execute on sys.dbms_lock to eve")
    assert.notMatch(eve.error("declare n number; begin n := dbms_lock.request(1, timeout => 0); end;"), /PLS-00201/)
    assert.strictEqual(eve.error("begin dbms_output.put_line('x'); end;"), "none")
  })
})

describe("users", () => {
  it("need CREATE SESSION to log on", () => {
    dba.run("create user eve identified by x")
    assert.throws(() => database.open("EVE"), "ORA-01045: user EVE lacks CREATE SESSION privilege; logon denied")
    dba.run("grant connect to eve")
    assert.strictEqual(database.open("EVE").value("select user from dual"), "EVE")
  })

  it("are dropped with what is theirs", () => {
    const eve = user("eve", "resource")
    eve.run("set role all")
    eve.run("create table t (x number primary key)")
    eve.run("create procedure p as begin null; end;")
    eve.run("create sequence s")
    eve.run("grant references, select on t to hr")
    dba.run("create table child (x number references eve.t)")
    assert.match(dba.error("drop user eve"), /ORA-01940/)
    eve.session.close()
    assert.strictEqual(dba.error("drop user eve"), "ORA-01922: CASCADE must be specified to drop 'EVE'")
    dba.run("drop user eve cascade")
    assert.strictEqual(dba.value("select count(*) from dba_objects where owner = 'EVE'"), "0")
    assert.strictEqual(dba.value("select count(*) from dba_tab_privs where owner = 'EVE' or grantee = 'EVE'"), "0")
    assert.strictEqual(dba.error("insert into child values (1)"), "none")
    assert.strictEqual(dba.error("drop user eve"), "ORA-01918: user 'EVE' does not exist")
  })

  it("see in the dictionary what they may see", () => {
    const eve = user("eve")
    assert.strictEqual(eve.value("select count(*) from all_tables where owner = 'HR'"), "0")
    dba.run("grant select on emp to eve")
    assert.deepStrictEqual(eve.rows("select table_name from all_tables where owner = 'HR'"), [["EMP"]])
    assert.strictEqual(eve.value("select count(*) from all_tab_columns where owner = 'HR'"), "3")
    assert.strictEqual(eve.error("select * from dba_tables"), unseen("\"EVE\".\"DBA_TABLES\""))
    dba.run("grant select on v_$session to eve")
    assert.strictEqual(eve.error("select count(*) from v$session"), "none")
  })

  it("have profiles, which limit their sessions", () => {
    dba.run("create profile few limit sessions_per_user 1 failed_login_attempts 3")
    assert.strictEqual(dba.error("create profile few limit idle_time 1"), "ORA-02379: profile FEW already exists")
    assert.strictEqual(dba.error("create profile f limit nonsense 1"), "ORA-02376: invalid or redundant resource")
    const eve = user("eve")
    dba.run("alter user eve profile few")
    assert.throws(() => database.open("EVE"), "ORA-02391: exceeded simultaneous SESSIONS_PER_USER limit")
    eve.session.close()
    const again = database.open("EVE")
    assert.strictEqual(
      again.value("select limit from user_resource_limits where resource_name = 'SESSIONS_PER_USER'"),
      "1"
    )
    assert.strictEqual(
      dba.value("select limit from dba_profiles where profile = 'FEW' and resource_name = 'PASSWORD_LIFE_TIME'"),
      "DEFAULT"
    )
    assert.match(dba.error("drop profile few"), /ORA-02382/)
    dba.run("drop profile few cascade")
    assert.strictEqual(dba.value("select profile from dba_users where username = 'EVE'"), "DEFAULT")
    assert.strictEqual(dba.error("alter user eve profile gone"), "ORA-02380: profile GONE does not exist")
  })

  it("of the server's options, and what they had, have every privilege", () => {
    const other = database.open("OTHER")
    assert.strictEqual(other.value("select name from hr.emp"), "Ann")
    assert.strictEqual(other.value("select count(*) from session_roles where role = 'DBA'"), "1")
    other.run("create procedure p as begin update hr.emp set pay = 0; end;")
    assert.strictEqual(other.error("begin p; end;"), "none")
  })
})
