/** GOTO, SET ROW, functions whose rows are no longer needed, and bodies that come before their specification. */
import { afterAll, assert, beforeEach, describe, it } from "vitest"
import { type Harness, harness, plain, type Sql, typed } from "./engineHarness.ts"

const opened: Array<Harness> = []
let h: Harness
let sql: Sql
beforeEach(() => {
  h = harness()
  opened.push(h)
  sql = h.open()
})
afterAll(() => opened.forEach(({ engine }) => engine.close()))

const out = (text: string): unknown => plain(sql.run(text, typed("VARCHAR2", null)).outBinds![0]!.values[0])

describe("GOTO", () => {
  it.each([
    ["declare i number := 0; begin <<again>> i := i + 1; if i < 5 then goto again; end if; :1 := i; end;", "5"],
    ["begin goto done; :1 := 'no'; <<done>> null; :1 := :1 || 'yes'; end;", "yes"],
    [
      "begin for i in 1 .. 9 loop for j in 1 .. 9 loop if i * j = 12 then :1 := i || j; goto out_; end if; end loop; end loop; <<out_>> null; end;",
      "26"
    ],
    ["begin for i in 1 .. 3 loop if i = 2 then goto next; end if; :1 := :1 || i; <<next>> null; end loop; end;", "13"],
    [
      "declare n number := 0; begin <<retry>> begin n := n + 1; if n < 3 then raise no_data_found; end if; :1 := n; exception when no_data_found then goto retry; end; end;",
      "3"
    ],
    [
      "begin <<a>> <<b>> for i in 1 .. 3 loop exit b when i = 2; :1 := i; end loop; goto c; <<c>> :1 := :1 || 'c'; end;",
      "1c"
    ],
    [
      "declare c sys_refcursor; cursor k is select level l from dual connect by level <= 5; begin for r in k loop if r.l = 3 then goto e; end if; end loop; <<e>> :1 := case when k%isopen then 'open' else 'closed' end; end;",
      "closed"
    ]
  ])("%s", (text, expected) => {
    assert.strictEqual(out(text), expected)
  })
  it("leads nowhere else", () => {
    for (
      const text of [
        "begin goto nosuch; end;",
        "begin goto inner_; if true then <<inner_>> null; end if; end;",
        "declare procedure p is begin goto x; end; begin <<x>> null; end;",
        "begin null; <<x>> null; exception when others then goto x; end;"
      ]
    ) {
      assert.match(
        sql.error(text),
        /^ORA-06550: line 1, column \d+:\nPLS-00375: illegal GOTO statement; this GOTO cannot branch to label '\w+'/,
        text
      )
    }
    assert.match(sql.error("begin <<x>> end;"), /PLS-00103/)
    const { warning } = sql.run("create procedure p is begin goto nosuch; end;")
    assert.strictEqual(warning?.code, 24344)
    assert.match(String(sql.value("select text from user_errors where text like 'PLS%' ")), /^PLS-00375/)
  })
  it("can be broken", async () => {
    const timed = harness({ host: { clock: () => performance.now() } })
    opened.push(timed)
    const other = timed.open()
    const waiting = other.later("begin <<again>> goto again; end;").then(() => "came", (error: Error) => error.message)
    await new Promise((resolve) => setImmediate(resolve))
    other.session.cancel()
    assert.match(await waiting, /^ORA-01013/)
  })
})

describe("UPDATE SET ROW", () => {
  it("gives each column the field in its place", () => {
    sql.run("create table t (id number primary key, n number default 7, v varchar2(5))")
    sql.run("insert into t values (1, 2, 'a')")
    sql.run(
      "declare r t%rowtype; begin select * into r from t; r.n := r.n + 1; r.v := null; update t set row = r where id = r.id; end;"
    )
    assert.deepStrictEqual(sql.rows("select * from t"), [["1", "3", null]])
    sql.run(
      "declare type l is table of t%rowtype; x l; begin insert into t values (2, 0, 'b'); select * bulk collect into x from t order by id; for i in 1 .. 2 loop x(i).v := 'r' || i; end loop; forall i in 1 .. 2 update t set row = x(i) where id = x(i).id; end;"
    )
    assert.deepStrictEqual(sql.rows("select * from t order by id"), [["1", "3", "r1"], ["2", "0", "r2"]])
    assert.match(
      sql.error("declare type r is record (a number); x r; begin update t set row = x; end;"),
      /ORA-00947: not enough values/
    )
    assert.match(sql.error("declare r t%rowtype; begin update t set row = r; end;"), /^ORA-01407|^ORA-00001/)
  })
})

describe("a pipelined function whose rows are no longer needed", () => {
  it("is told so by NO_DATA_NEEDED", () => {
    sql.run("create type numbers as table of number")
    sql.run("create table log (v varchar2(30))")
    sql.run(
      "create procedure note(t varchar2) is pragma autonomous_transaction; begin insert into log values (t); commit; end;"
    )
    sql.run(`create function f(n number) return numbers pipelined is begin
for i in 1 .. n loop pipe row (i); end loop; note('all'); return;
exception when no_data_needed then note('stopped ' || sqlcode); raise; end;`)
    assert.deepStrictEqual(sql.rows("select * from table(f(5)) where rownum <= 2"), [["1"], ["2"]])
    assert.deepStrictEqual(sql.rows("select count(*) from table(f(3))"), [["3"]])
    assert.deepStrictEqual(sql.rows("select v from log"), [["stopped -6548"], ["all"]])
    sql.run(
      "create function g return numbers pipelined is begin loop pipe row (1); end loop; exception when others then note('others'); raise_application_error(-20001, 'x'); end;"
    )
    assert.deepStrictEqual(sql.rows("select * from table(g) fetch first 1 row only"), [["1"]])
    assert.deepStrictEqual(sql.rows("select v from log where v = 'others'"), [["others"]])
  })
  it("takes its rows from a cursor", () => {
    sql.run("create type numbers as table of number")
    sql.run("create table t (n number)")
    sql.run("insert into t select level from dual connect by level <= 4")
    sql.run(
      "create function twice(c sys_refcursor) return numbers pipelined is n number; begin loop fetch c into n; exit when c%notfound; pipe row (n * 2); end loop; close c; return; end;"
    )
    assert.deepStrictEqual(sql.rows("select * from table(twice(cursor(select n from t where n > 2)))"), [["6"], ["8"]])
    assert.strictEqual(
      out(
        "declare s number; begin execute immediate 'select sum(column_value) from table(twice(cursor(select n from t where n > :1)))' into s using 1; :1 := s; end;"
      ),
      "18"
    )
  })
})

describe("a package body without a specification", () => {
  it("is kept, and compiled when the specification comes", () => {
    const { warning } = sql.run("create package body early is procedure p(n out number) is begin n := 4; end; end;")
    assert.strictEqual(warning?.code, 24344)
    assert.deepStrictEqual(sql.rows("select line, position, text from user_errors where name = 'EARLY'"), [
      ["0", "0", "PL/SQL: Compilation unit analysis terminated"],
      ["1", "14", "PLS-00201: identifier 'EARLY' must be declared"],
      ["1", "14", "PLS-00304: cannot compile body of 'EARLY' without its specification"]
    ])
    assert.deepStrictEqual(sql.rows("select object_type, status from user_objects where object_name = 'EARLY'"), [
      ["PACKAGE BODY", "INVALID"]
    ])
    assert.match(sql.error("begin early.p(:1); end;", 0), /PLS-00201: identifier 'EARLY.P' must be declared/)
    assert.match(sql.error("drop package early"), /^ORA-04043/)
    sql.run("create package early is procedure p(n out number); end;")
    assert.strictEqual(plain(sql.run("begin early.p(:1); end;", typed("NUMBER", null)).outBinds![0]!.values[0]), "4")
    assert.deepStrictEqual(
      sql.rows("select object_type, status from user_objects where object_name = 'EARLY' order by 1"),
      [["PACKAGE", "VALID"], ["PACKAGE BODY", "VALID"]]
    )
    sql.run("create package body other is end;")
    sql.run("drop package body other")
    assert.deepStrictEqual(sql.rows("select * from user_objects where object_name = 'OTHER'"), [])
  })
})

describe("work on long collections", () => {
  it("looks at the clock as often as it takes, so that a break can arrive", () => {
    let looks = 0
    const counting = harness({ host: { clock: () => (looks++, 0) } })
    opened.push(counting)
    const other = counting.open()
    const during = (text: string): number => {
      looks = 0
      other.run(text)
      return looks
    }
    assert.isAbove(
      during("declare type l is table of number; x l := l(); begin x.extend(1000000); end;"),
      1_000_000 / 16_384
    )
    assert.isAbove(
      during(
        "declare type l is table of number; x l := l(); y l; begin x.extend(100000); for i in 1 .. 20 loop y := x; end loop; end;"
      ),
      20
    )
  })
})

describe("what a handler deals with", () => {
  it("is known in the procedures that it calls, and no longer after it", () => {
    sql.run(
      "create procedure tell(t out varchar2) is begin t := sqlcode || ' ' || sqlerrm || ' ' || substr(dbms_utility.format_error_stack, 1, 9); end;"
    )
    assert.strictEqual(
      out("declare n number; begin n := 1 / 0; exception when others then tell(:1); end;"),
      "-1476 ORA-01476: divisor is equal to zero ORA-01476"
    )
    assert.strictEqual(
      out("declare n number; begin begin n := 1 / 0; exception when others then null; end; tell(:1); end;"),
      "0 ORA-0000: normal, successful completion "
    )
  })
  it.each([
    ["sqlerrm(-1403)", "ORA-01403: no data found"],
    ["sqlerrm(100)", "ORA-01403: no data found"],
    ["sqlerrm(0)", "ORA-0000: normal, successful completion"],
    ["sqlerrm(5)", " -5: non-ORACLE exception "],
    ["sqlerrm(-20001)", "ORA-20001: "],
    ["sqlerrm(-2291)", "ORA-02291: integrity constraint (.) violated - parent key not found"]
  ])("%s", (expression, expected) => {
    assert.strictEqual(out(`begin :1 := ${expression}; end;`), expected)
  })
})

describe("lists of SYS", () => {
  it("stand where types stand, with SYS before them or without", () => {
    assert.deepStrictEqual(sql.rows("select column_value from table(sys.odcivarchar2list('a', 'b'))"), [["a"], ["b"]])
    assert.strictEqual(
      out(
        "declare l odcinumberlist := sys.odcinumberlist(1, 2, 3); n number; begin select sum(column_value) into n from table(l) where column_value in (select * from table(odcinumberlist(2, 3))); :1 := n; end;"
      ),
      "5"
    )
  })
})

describe("the row type of a cursor", () => {
  it("knows the parameters of the cursor", () => {
    assert.strictEqual(
      out(
        "declare cursor c(least_ number) is select level l, least_ m from dual where level >= least_ connect by level <= 3; type t is table of c%rowtype; x t; begin open c(2); fetch c bulk collect into x; close c; :1 := x.count || x(1).m; end;"
      ),
      "22"
    )
  })
})
