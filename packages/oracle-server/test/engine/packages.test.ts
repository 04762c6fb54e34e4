/** Packages, compilation, functions in SQL and the locks of applications. */
import { assert, beforeEach, describe, it } from "vitest"
import { type Harness, harness, plain, settle, type Sql, typed } from "./engineHarness.ts"

let h: Harness
let sql: Sql
beforeEach(() => {
  h = harness()
  sql = h.open()
  return () => h.engine.close()
})

const out = (text: string, ...binds: ReadonlyArray<unknown>): ReadonlyArray<unknown> =>
  (sql.run(text, ...binds).outBinds ?? []).map((bind) => plain(bind.values[0]))

const text = (value: string | null = null) => typed("VARCHAR2", value)

describe("packages", () => {
  beforeEach(() => {
    sql.run("create table log (line varchar2(100))")
    sql.run(`create or replace package counter as
  step constant number := 2;
  total number := 10;
  too_many exception;
  pragma exception_init(too_many, -20010);
  procedure add(n number default step);
  procedure add(t varchar2);
  function value return number;
  function describe(n number) return varchar2;
  function describe(d date) return varchar2;
end counter;`)
    sql.run(`create or replace package body counter as
  calls number := 0;
  function hidden(n number) return number is
  begin
    return n * step;
  end;
  procedure add(n number default step) is
  begin
    calls := calls + 1;
    total := total + hidden(n);
    if total > 1000 then
      raise too_many;
    end if;
  end add;
  procedure add(t varchar2) is
  begin
    add(length(t));
  end;
  function value return number is begin return total + calls / 10; end;
  function describe(n number) return varchar2 is begin return 'number ' || n; end;
  function describe(d date) return varchar2 is begin return 'date ' || to_char(d, 'YYYY'); end;
begin
  insert into log values ('initialized');
end counter;`)
  })

  it("keep state for the session, initialize once, and choose overloads by their arguments", () => {
    assert.deepEqual(out("begin counter.add; counter.add(3); counter.add('four'); :1 := counter.value; end;", text()), [
      "28.3"
    ])
    assert.deepEqual(out("begin counter.total := counter.total + 1; :1 := hr.counter.value; end;", text()), ["29.3"])
    assert.deepEqual(sql.rows("select line from log"), [["initialized"]])
    assert.deepEqual(
      out("begin :1 := counter.describe(1) || ' ' || counter.describe(date '2024-01-01'); end;", text()),
      ["number 1 date 2024"]
    )
    // Another session has a state of its own.
    const other = h.open()
    other.run("declare n number := counter.total; begin null; end;")
    assert.strictEqual(other.value("select counter.value from dual"), "10")
  })

  it("are used by SQL", () => {
    // Its initialization inserts, which a query may not.
    assert.match(sql.error("select counter.value from dual"), /^ORA-14551/)
    sql.run("declare n number := counter.total; begin null; end;")
    assert.deepEqual(
      sql.rows("select counter.describe(level), counter.value() from dual connect by level <= 2"),
      [["number 1", "10"], ["number 2", "10"]]
    )
  })

  it("lose their state when they are compiled anew, and say so once", () => {
    sql.run("begin counter.add(1); end;")
    sql.run(
      "create or replace package body counter as procedure add(n number default step) is begin null; end; procedure add(t varchar2) is begin null; end; function value return number is begin return total; end; function describe(n number) return varchar2 is begin return null; end; function describe(d date) return varchar2 is begin return null; end; end;"
    )
    const discarded = `ORA-04068: existing state of packages has been discarded
ORA-04061: existing state of package body "HR.COUNTER" has been invalidated
ORA-04065: not executed, altered or dropped package body "HR.COUNTER"
ORA-06508: PL/SQL: could not find program unit being called: "HR.COUNTER"
ORA-06512: at line 1`
    assert.strictEqual(sql.error("begin counter.add(1); end;"), discarded)
    assert.deepEqual(out("begin counter.add(1); :1 := counter.value; end;", text()), ["10"])
    sql.run("alter package counter compile")
    assert.strictEqual(sql.error("begin counter.add(1); end;"), discarded)
    assert.strictEqual(sql.error("begin counter.add(1); end;"), "none")
  })

  it("raise their own exceptions, with the line of each call in the stack", () => {
    assert.strictEqual(
      sql.error("begin\n  counter.add(1000);\nend;"),
      `ORA-20010: 
ORA-06512: at "HR.COUNTER", line 12
ORA-06512: at line 2`
    )
    assert.deepEqual(
      out("begin counter.add(1000); exception when counter.too_many then :1 := 'caught'; end;", text()),
      ["caught"]
    )
  })

  it("say what is missing: a body, a good one, a subprogram", () => {
    sql.run("create or replace package halves is procedure p; end;")
    assert.match(
      sql.error("begin halves.p; end;"),
      /^ORA-04067: not executed, package body "HR.HALVES" does not exist\nORA-06508/
    )
    sql.run("create or replace package body halves is procedure q is begin null; end; end;")
    assert.deepEqual(sql.rows("select line, position, text from user_errors where name = 'HALVES' order by sequence"), [
      [
        "1",
        "29",
        "PLS-00323: subprogram or cursor 'P' is declared in a package specification and must be defined in the package body"
      ]
    ])
    assert.match(sql.error("begin halves.p; end;"), /^ORA-04063: package body "HR.HALVES" has errors\nORA-06508/)
    assert.match(sql.error("begin halves.q; end;"), /PLS-00201: identifier 'HALVES.Q' must be declared/)
    assert.match(sql.error("begin counter.describe(1); end;"), /PLS-00221|none/)
  })

  it("are dropped whole or by half", () => {
    sql.run("drop package body counter")
    assert.deepEqual(sql.rows("select object_type from user_objects where object_name = 'COUNTER'"), [["PACKAGE"]])
    sql.run("drop package counter")
    assert.match(sql.error("begin counter.add; end;"), /PLS-00201: identifier 'COUNTER.ADD' must be declared/)
    assert.strictEqual(sql.error("drop package counter"), "ORA-04043: object COUNTER does not exist")
  })
})

describe("compilation", () => {
  it("stores what is wrong, with its places and without running it", () => {
    const stored = sql.run(`create or replace procedure bad(a number) is
  b number := x;
begin
  foo(1);
  select nothing into b from nowhere;
  a := 3;
  if b then null; end if;
  bad;
end;`)
    assert.strictEqual(stored.warning?.message, "ORA-24344: success with compilation error")
    assert.deepEqual(
      sql.rows("select line, position, text from user_errors where name = 'BAD' order by sequence"),
      [
        ["2", "3", "PL/SQL: Item ignored"],
        ["2", "15", "PLS-00201: identifier 'X' must be declared"],
        ["4", "3", "PL/SQL: Statement ignored"],
        ["4", "3", "PLS-00201: identifier 'FOO' must be declared"],
        ["5", "3", "PL/SQL: SQL Statement ignored"],
        ["5", "30", "PL/SQL: ORA-00942: table or view \"HR\".\"NOWHERE\" does not exist"],
        ["6", "3", "PL/SQL: Statement ignored"],
        ["6", "3", "PLS-00363: expression 'A' cannot be used as an assignment target"],
        ["7", "3", "PL/SQL: Statement ignored"],
        ["7", "6", "PLS-00382: expression is of wrong type"],
        ["8", "3", "PL/SQL: Statement ignored"],
        ["8", "3", "PLS-00306: wrong number or types of arguments in call to 'BAD'"]
      ]
    )
    assert.strictEqual(
      sql.error("begin bad(1); end;"),
      `ORA-06550: line 1, column 7:
PLS-00905: object HR.BAD is invalid
ORA-06550: line 1, column 7:
PL/SQL: Statement ignored`
    )
  })

  it("is made up for on use, when what was missing is there", () => {
    sql.run("create procedure early is begin late.p; end;")
    assert.deepEqual(sql.rows("select status from user_objects where object_name = 'EARLY'"), [["INVALID"]])
    sql.run("create package late is procedure p; end;")
    sql.run("create package body late is procedure p is begin null; end; end;")
    assert.strictEqual(sql.error("begin early; end;"), "none")
    assert.deepEqual(sql.rows("select status from user_objects where object_name = 'EARLY'"), [["VALID"]])
    assert.deepEqual(
      sql.rows("select referenced_name, referenced_type from user_dependencies where name = 'EARLY'"),
      [["LATE", "PACKAGE"]]
    )
    // A new body leaves those that use the package valid, a new specification does not.
    sql.run("create or replace package body late is procedure p is begin null; end; end;")
    assert.deepEqual(sql.rows("select status from user_objects where object_name = 'EARLY'"), [["VALID"]])
    sql.run("create or replace package late is procedure p; procedure q; end;")
    assert.deepEqual(sql.rows("select status from user_objects where object_name = 'EARLY'"), [["INVALID"]])
  })

  it("follows tables", () => {
    sql.run("create table t (id number)")
    sql.run("create function largest return number is n number; begin select max(id) into n from t; return n; end;")
    sql.run("alter table t add (name varchar2(10))")
    assert.deepEqual(sql.rows("select status from user_objects where object_name = 'LARGEST'"), [["INVALID"]])
    assert.strictEqual(sql.value("select largest from dual"), null)
    sql.run("drop table t")
    assert.strictEqual(
      sql.error("select largest from dual"),
      "ORA-06575: Package or function LARGEST is in an invalid state"
    )
  })
})

describe("functions in SQL", () => {
  beforeEach(() => {
    sql.run("create table t (id number primary key, v varchar2(10))")
    sql.run("insert into t values (1, 'a')")
    sql.run("commit")
    sql.run("create function writes(n number) return number is begin insert into t values (n, 'x'); return n; end;")
    sql.run("create function ends return number is begin commit; return 1; end;")
    sql.run("create function counts return number is n number; begin select count(*) into n from t; return n; end;")
    sql.run("create function gives(a number, b out number) return number is begin b := 1; return 1; end;")
  })

  it.each([
    ["select writes(2) from dual", "ORA-14551: cannot perform a DML operation inside a query "],
    ["select ends from dual", "ORA-14552: cannot perform a DDL, commit or rollback inside a query or DML "],
    ["update t set id = ends", "ORA-14552: cannot perform a DDL, commit or rollback inside a query or DML "],
    ["update t set id = counts", "ORA-04091: table HR.T is mutating, trigger/function may not see it"],
    [
      "insert into t select counts, 'x' from dual",
      "ORA-04091: table HR.T is mutating, trigger/function may not see it"
    ],
    ["update t set v = writes(7)", "ORA-04091: table HR.T is mutating, trigger/function may not see it"],
    ["select gives(1, 2) from dual", "ORA-06572: Function GIVES has out arguments"],
    ["select counts(1) from dual", "ORA-06553: PLS-306: wrong number or types of arguments in call to 'COUNTS'"]
  ])("%s: %s", (statement, message) => {
    assert.strictEqual(sql.error(statement).split("\n")[0], message)
    assert.deepEqual(sql.rows("select id, v from t"), [["1", "a"]])
  })

  it("see what the session has done, with parentheses and without", () => {
    assert.deepEqual(sql.rows("select counts, counts() from dual where counts = 1"), [["1", "1"]])
    sql.run("insert into t values (counts + 1, 'b')")
    assert.deepEqual(sql.rows("select count(*) from t where id = counts"), [["1"]])
    // A block may do what a query may not.
    sql.run("declare n number; begin n := writes(9); end;")
    assert.strictEqual(sql.value("select max(id) from t"), "9")
  })
})

describe("dbms_lock", () => {
  const status = (of: Sql, call: string) =>
    of.run(`begin :1 := ${call}; end;`, typed("NUMBER", null)).outBinds![0]!.values[0]

  it("locks, converts and releases, and says what is wrong", () => {
    assert.deepEqual(
      [
        "dbms_lock.request(7)",
        "dbms_lock.request(7, dbms_lock.s_mode)",
        "dbms_lock.convert(7, dbms_lock.s_mode)",
        "dbms_lock.release(7)",
        "dbms_lock.release(7)",
        "dbms_lock.convert(7, 4)",
        "dbms_lock.request(-1)",
        "dbms_lock.request(7, 9)",
        "dbms_lock.request('1')"
      ].map((call) => status(sql, call)),
      ["0", "4", "0", "0", "4", "4", "3", "3", "5"]
    )
  })

  it("waits for another session, until it gives up or is let in", async () => {
    const other = h.open()
    assert.strictEqual(status(other, "dbms_lock.request(7)"), "0")
    assert.strictEqual(status(sql, "dbms_lock.request(7, timeout => 0)"), "1")
    const waiting = sql.later("begin :1 := dbms_lock.request(7, dbms_lock.s_mode, 10); end;", typed("NUMBER", null))
    await settle()
    assert.strictEqual(status(other, "dbms_lock.convert(7, dbms_lock.ss_mode)"), "0")
    assert.strictEqual((await waiting).outBinds![0]!.values[0], "0")
    // Two sessions that wait for each other.
    assert.strictEqual(status(other, "dbms_lock.request(8)"), "0")
    const first = sql.later("begin :1 := dbms_lock.request(8); end;", typed("NUMBER", null))
    await settle()
    assert.strictEqual(status(other, "dbms_lock.convert(7, dbms_lock.x_mode)"), "2")
    other.session.close()
    assert.strictEqual((await first).outBinds![0]!.values[0], "0")
  })

  it("names locks, and keeps them until the commit where that is asked for", () => {
    const handle = out("begin dbms_lock.allocate_unique('jobs', :1); end;", text())[0] as string
    const other = h.open()
    const request = (of: Sql, release: string) =>
      of.run(
        `begin :1 := dbms_lock.request(:2, timeout => 0, release_on_commit => ${release}); end;`,
        typed("NUMBER", null),
        handle
      ).outBinds![0]!.values[0]
    assert.strictEqual(request(sql, "true"), "0")
    assert.strictEqual(request(other, "false"), "1")
    sql.session.commit()
    assert.strictEqual(request(other, "false"), "0")
    other.session.commit()
    assert.strictEqual(request(sql, "true"), "1")
  })
})
