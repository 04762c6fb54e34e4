import { assert, beforeEach, describe, it } from "vitest"
import { type Harness, harness, settle, type Sql } from "./engineHarness.ts"

let database: Harness
let dba: Sql

beforeEach(() => {
  database = harness()
  dba = database.open("HR")
  dba.run("create table emp (id number constraint emp_pk primary key, name varchar2(20))")
  dba.run("insert into emp values (1, 'Ann')")
  dba.session.commit()
})

// Everyday scripts of a DBA, as they stand in a drawer: they run unchanged.
const blocking = `
select s1.username || '@' || s1.machine || ' (SID=' || s1.sid || ') is blocking ' ||
       s2.username || '@' || s2.machine || ' (SID=' || s2.sid || ')' as blocking_status
  from v$lock l1, v$session s1, v$lock l2, v$session s2
 where s1.sid = l1.sid and s2.sid = l2.sid
   and l1.block = 1 and l2.request > 0
   and l1.id1 = l2.id1 and l1.id2 = l2.id2`
const tree = `
select level as depth, lpad(' ', (level - 1) * 2) || sid as session_id, username, status, event, blocking_session
  from v$session
 where level > 1 or exists (select 1 from v$session w where w.blocking_session = v$session.sid)
 start with blocking_session is null
connect by prior sid = blocking_session
 order siblings by sid`
const lockedObjects = `
select o.owner, o.object_name, o.object_type, s.sid, s.serial#, s.username,
       decode(l.locked_mode, 0, 'None', 1, 'Null', 2, 'Row-S (SS)', 3, 'Row-X (SX)', 4, 'Share', 5, 'S/Row-X (SSX)', 6, 'Exclusive') as mode_held,
       t.xidusn, t.used_urec
  from v$locked_object l
  join dba_objects o on o.object_id = l.object_id and o.object_type = 'TABLE'
  join v$session s on s.sid = l.session_id
  left join v$transaction t on t.ses_addr = s.saddr
 order by s.sid`
const longRunning = `
select s.sid, s.serial#, s.username, s.sql_id, round(q.elapsed_time / 1e6, 2) as seconds, q.executions,
       substr(q.sql_text, 1, 60) as sql_text
  from v$session s join v$sql q on q.sql_id = s.sql_id
 where s.status = 'ACTIVE' and s.type = 'USER' and s.sid <> sys_context('userenv', 'sid')
 order by q.elapsed_time desc`
const topSql = `
select * from (
  select sql_id, executions, rows_processed, round(elapsed_time / greatest(executions, 1)) as per_execution, parsing_schema_name
    from v$sqlarea where sql_text like 'select /* top */%' order by elapsed_time desc)
 where rownum <= 10`
const tablespaceUse = `
select d.tablespace_name,
       round(d.bytes / 1024 / 1024) as size_mb,
       round((d.bytes - nvl(f.bytes, 0)) / 1024 / 1024, 1) as used_mb,
       round(100 * (d.bytes - nvl(f.bytes, 0)) / d.bytes, 1) as used_percent
  from (select tablespace_name, sum(bytes) as bytes from dba_data_files group by tablespace_name) d
  left join (select tablespace_name, sum(bytes) as bytes from dba_free_space group by tablespace_name) f
    on f.tablespace_name = d.tablespace_name
 order by used_percent desc`
const bigSegments = `
select owner, segment_name, segment_type, bytes / 1024 as kb from dba_segments
 where owner = 'HR' order by bytes desc, segment_type fetch first 5 rows only`
const invalidObjects = `
select o.owner, o.object_type, o.object_name, e.line, e.position, e.text
  from dba_objects o left join dba_errors e on e.owner = o.owner and e.name = o.object_name and e.type = o.object_type and e.sequence = 1
 where o.status = 'INVALID' order by 1, 2, 3`
const privilegesOf = `
select 'ROLE' as kind, granted_role as privilege, null as on_object, admin_option as option_ from dba_role_privs where grantee = upper(:who)
union all
select 'SYSTEM', privilege, null, admin_option from dba_sys_privs where grantee = upper(:who)
union all
select 'OBJECT', privilege, owner || '.' || table_name, grantable from dba_tab_privs where grantee = upper(:who)
union all
select 'COLUMN', privilege, owner || '.' || table_name || '.' || column_name, grantable from dba_col_privs where grantee = upper(:who)
order by 1, 2`

describe("a DBA's script", () => {
  it("for blocking sessions shows who waits for whom", async () => {
    const writer = database.open("HR")
    const waiter = database.open("HR")
    assert.deepStrictEqual(dba.rows(blocking), [])
    writer.run("update emp set name = 'x'")
    const waiting = waiter.later("update emp set name = 'y'")
    await settle()
    const [w, b] = [writer.session.info.sid, waiter.session.info.sid]
    assert.deepStrictEqual(dba.rows(blocking), [[`HR@host (SID=${w}) is blocking HR@host (SID=${b})`]])
    assert.deepStrictEqual(
      dba.rows(tree).map((row) => [row[0], row[1], row[3], row[5]]),
      [["1", String(w), "INACTIVE", null], ["2", `  ${b}`, "ACTIVE", String(w)]]
    )
    assert.strictEqual(dba.value("select event from v$session where sid = :1", b), "enq: TX - row lock contention")
    assert.deepStrictEqual(
      dba.rows(lockedObjects).map((row) => [row[1], row[3], row[6], row[8]]),
      [["EMP", String(w), "Row-X (SX)", "1"], ["EMP", String(b), "Row-X (SX)", null]]
    )
    assert.deepStrictEqual(dba.rows("select holding_session from dba_blockers"), [[String(w)]])
    writer.session.rollback()
    await waiting
    assert.deepStrictEqual(dba.rows(blocking), [])
    waiter.session.rollback()
  })

  it("for long-running SQL finds the statement that runs", async () => {
    const worker = database.open("HR")
    const holder = database.open("HR")
    holder.run("update emp set name = 'x'")
    const running = worker.later("delete from emp where id = 1")
    await settle()
    assert.deepStrictEqual(
      dba.rows(longRunning).map((row) => [row[0], row[2], row[5], row[6]]),
      [[String(worker.session.info.sid), "HR", "1", "delete from emp where id = 1"]]
    )
    holder.session.rollback()
    await running
    worker.session.rollback()
    for (let i = 0; i < 3; i++) dba.rows("select /* top */ * from emp")
    assert.deepStrictEqual(dba.rows(topSql).map((row) => [row[1], row[4]]), [["3", "HR"]])
  })

  it("gives texts the ids that a database gives them", () => {
    dba.rows("select * from dual")
    assert.strictEqual(dba.value("select sql_id from v$sql where sql_text = 'select * from dual'"), "a5ks9fhw2v9s1")
  })

  it("for space adds up", () => {
    const rows = dba.rows(tablespaceUse)
    assert.deepStrictEqual(rows.map(([name]) => name).toSorted(), ["SYSAUX", "SYSTEM", "UNDOTBS1", "USERS"])
    const users = rows.find(([name]) => name === "USERS")!
    assert.strictEqual(users[1], "512")
    assert.deepStrictEqual(dba.rows(bigSegments).map((row) => row.slice(0, 3)), [["HR", "EMP_PK", "INDEX"], [
      "HR",
      "EMP",
      "TABLE"
    ]])
    const before = Number(dba.value("select sum(bytes) from dba_segments"))
    dba.run("insert into emp select rownum + 10, rpad('x', 20, 'x') from dual connect by level <= 5000")
    dba.session.commit()
    assert.isAbove(Number(dba.value("select sum(bytes) from dba_segments")), before + 100_000)
  })

  it("for invalid objects says what is wrong with them", () => {
    dba.run("create procedure broken as begin nosuch; end;")
    assert.deepStrictEqual(
      dba.rows(invalidObjects).map((row) => row.slice(0, 4)),
      [["HR", "PROCEDURE", "BROKEN", "1"]]
    )
  })

  it("for the privileges of a user lists all kinds", () => {
    dba.run("create user eve identified by x")
    dba.run("grant connect, create table to eve")
    dba.run("grant select, update (name) on emp to eve")
    assert.deepStrictEqual(dba.rows(privilegesOf, "eve", "eve", "eve", "eve"), [
      ["COLUMN", "UPDATE", "HR.EMP.NAME", "NO"],
      ["OBJECT", "SELECT", "HR.EMP", "NO"],
      ["ROLE", "CONNECT", null, "NO"],
      ["SYSTEM", "CREATE TABLE", null, "NO"]
    ])
  })
})
