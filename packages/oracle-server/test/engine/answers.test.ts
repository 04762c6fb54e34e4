/** Answers that were wrong, missing or too kind: each row of the list of faults keeps its number. */
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { fetched, harness, type Sql, typed } from "./engineHarness.ts"

const { engine, open } = harness()
let sql: Sql
beforeAll(() => {
  sql = open()
  sql.run("create table t (a number, b varchar2(5), n number)")
  sql.run("insert into t values (1, 'x', 10), (1, 'y', 20), (2, 'x', 30)")
})
afterAll(() => engine.close())

describe("dates before the Gregorian calendar (F17)", () => {
  it.each([
    ["to_char(date '1582-10-15' - 1, 'YYYY-MM-DD')", "1582-10-04"],
    ["date '1582-10-15' - date '1582-10-04'", "1"],
    ["to_char(to_date('1582-10-10', 'YYYY-MM-DD'), 'YYYY-MM-DD')", "1582-10-15"],
    ["to_char(last_day(date '1500-02-01'), 'DD')", "29"],
    ["to_char(last_day(date '1700-02-01'), 'DD')", "28"],
    ["to_char(to_date('0044-03-15 BC', 'YYYY-MM-DD BC'), 'DD MON YYYY AD')", "15 MAR 0044 BC"],
    ["to_char(date '-4712-01-01', 'SYYYY-MM-DD')", "-4712-01-01"],
    ["date '0001-01-01' - to_date('-0001-12-31', 'SYYYY-MM-DD')", "367"],
    ["to_char(date '2000-01-01', 'J')", "2451545"],
    ["to_char(add_months(date '1582-09-30', 1), 'YYYY-MM-DD')", "1582-10-31"],
    ["extract(year from timestamp '-0100-06-01 12:00:00')", "-100"]
  ])("%s", (text, expected) => {
    assert.strictEqual(sql.value(`select ${text} from dual`), expected)
  })

  it.each([
    ["date '-4712-01-01' - 1", 1841],
    ["to_date('0000-01-01', 'YYYY-MM-DD')", 1841],
    ["to_date('-4713-01-01', 'SYYYY-MM-DD')", 1841]
  ])("refuses %s", (text, code) => {
    assert.match(sql.error(`select ${text} from dual`), new RegExp(`^ORA-0${code}`))
  })
})

describe("digits of a second (F7)", () => {
  it("are those of the type in SQL, and nine in PL/SQL", () => {
    assert.strictEqual(
      sql.value("select to_char(cast(timestamp '2024-01-02 03:04:05.678' as timestamp(2)), 'SS.FF') from dual"),
      "05.68"
    )
    assert.strictEqual(sql.value("select to_char(cast(systimestamp as timestamp(0)) , 'SSFF') || '!' from dual"), "45!")
    sql.run(
      "begin dbms_output.enable(null); dbms_output.put_line(to_char(timestamp '2024-01-02 03:04:05.6', 'FF')); end;"
    )
    const line = sql.run(
      "begin dbms_output.get_line(:line, :status); end;",
      typed("VARCHAR2", null),
      typed("NUMBER", null)
    )
    assert.deepStrictEqual(line.outBinds![0]!.values, ["600000000"])
  })
})

describe("the clock within one call of PL/SQL (F5)", () => {
  it("goes on, for expressions and for statements", () => {
    let now = 1_700_000_000_000
    const other = harness({ host: { now: () => now += 1000 } })
    const session = other.open()
    const result = session.run(
      `declare a timestamp; b timestamp; c timestamp; d number; e number; begin
         a := systimestamp; b := systimestamp; select systimestamp into c from dual;
         d := dbms_utility.get_time; e := dbms_utility.get_time;
         :out := case when b > a and c > b and e > d then 'on' else 'still' end;
       end;`,
      typed("VARCHAR2", null)
    )
    assert.deepStrictEqual(result.outBinds![0]!.values, ["on"])
    // One statement has one moment.
    assert.strictEqual(session.value("select count(distinct systimestamp) from dual connect by level < 10"), "1")
    other.engine.close()
  })
})

describe("short circuit (F6)", () => {
  it.each([
    "n = 0 or 1 / n = 1",
    "not (n <> 0 and 1 / n = 1)",
    "case when n = 0 then 1 else 1 / n end = 1",
    "coalesce(n, 1 / n) = 0",
    "nvl(n, 1 / n) = 0",
    "decode(n, 0, 1, 1 / n) = 1"
  ])("%s", (text) => {
    assert.strictEqual(
      sql.error(`declare n number := 0; begin if ${text} then null; else raise program_error; end if; end;`),
      "none"
    )
    assert.strictEqual(sql.value(`select count(*) from (select 0 n from dual) where ${text}`), "1")
  })

  it("calls no function whose result does not count", () => {
    const text =
      "declare calls number := 0; function f return number is begin calls := calls + 1; return 1; end; begin " +
      "if 1 = 1 or f = 1 then null; end if; if 1 = 2 and f = 1 then null; end if; if f = 1 and f = 1 then null; end if; :n := calls; end;"
    assert.deepStrictEqual(sql.run(text, typed("NUMBER", null)).outBinds![0]!.values, ["2"])
  })
})

describe("patterns (S12)", () => {
  it("matches LIKE in time that grows with the text", () => {
    assert.strictEqual(sql.value("select count(*) from dual where rpad('a', 4000, 'a') like '%a%a%a%a%a%a%a%b'"), "0")
    assert.strictEqual(sql.value("select count(*) from dual where rpad('a', 4000, 'a') like '%a_%a_%a_%a_%b'"), "0")
  })

  it.each([
    ["regexp_substr(rpad('a', 40, 'a') || '!', '(a+)+$')", null],
    ["regexp_substr(rpad('a', 2000, 'a'), '(a|aa)+b')", null],
    ["regexp_substr(rpad('a', 2000, 'a'), '(a*)*b')", null],
    ["regexp_replace('John Smith', '(\\w+) (\\w+)', '\\2, \\1')", "Smith, John"],
    ["regexp_substr('one two  three', '[^ ]+', 1, 3)", "three"],
    ["regexp_instr('hello', 'l+', 1, 1, 1)", "5"],
    ["regexp_count('a1b22c333', '[[:digit:]]{2,}')", "2"],
    ["regexp_substr('foobar', '(foo)(bar)?', 1, 1, null, 2)", "bar"],
    ["regexp_substr('abcabc', '(abc)\\1')", "abcabc"],
    ["regexp_substr('aXbXc', 'a.*?X')", "aX"],
    ["regexp_replace('😀b', '.', 'x')", "xx"],
    ["regexp_substr('line1' || chr(10) || 'line2', '^line2$', 1, 1, 'm')", "line2"],
    ["regexp_substr('Mixed', 'mIXED', 1, 1, 'i')", "Mixed"]
  ])("%s", (text, expected) => {
    assert.strictEqual(sql.value(`select ${text} from dual`), expected)
  })

  it.each([
    ["(a", 12725],
    ["[a", 12726],
    ["a\\2", 12727],
    ["[b-a]", 12728],
    ["[[:nothing:]]", 12729]
  ])("refuses %s", (pattern, code) => {
    assert.match(sql.error(`select regexp_substr('a', '${pattern}') from dual`), new RegExp(`^ORA-${code}`))
  })

  const likes: ReadonlyArray<readonly [string, string, boolean]> = [
    ["abc", "a%", true],
    ["abc", "%c", true],
    ["abc", "a_c", true],
    ["abc", "%b%", true],
    ["abc", "a%b", false],
    ["aa", "a%a%a", false],
    ["", "%", false],
    ["a😀c", "a_c", true],
    ["aXbXc", "a%X_", true],
    ["ab", "ab%", true],
    ["abab", "%ab_b", true],
    ["abab", "%ba_b", false]
  ]
  it.each(likes)("%s like %s: %s", (text, pattern, expected) => {
    assert.strictEqual(sql.value(`select count(*) from dual where '${text}' like '${pattern}'`), expected ? "1" : "0")
  })
})

describe("what the server refuses too (F19)", () => {
  it.each([
    ["select :size from dual", "ORA-01745: invalid host/bind variable name"],
    ["begin null; end;\n/", "ORA-06550: line 2, column 1:\nPLS-00103: Encountered the symbol \"/\""],
    ["create table big (v varchar2(4001))", "ORA-00910: specified length too long for its datatype"],
    ["create table big (v nvarchar2(2001))", "ORA-00910"],
    ["create table big (v raw(2001))", "ORA-00910"],
    [`select '${"x".repeat(4001)}' from dual`, "ORA-01704: string literal too long"],
    [`create table big (${Array.from({ length: 1001 }, (_, i) => `c${i} number`).join()})`, "ORA-01792"],
    ["select * from (select 1 a, 2 a from dual)", "ORA-00918: A: column ambiguously specified"],
    ["select a from (select 1 a, 2 a from dual)", "ORA-00918: A: column ambiguously specified"],
    ["select t.a from t join (select 1 a from dual) s using (a)", "ORA-25154: column part of USING clause"],
    ["select t.a from t natural join (select 1 a from dual) s", "ORA-25155: column used in NATURAL join"],
    ["select a from t fetch first 1 rows only for update", "ORA-02014"],
    ["grant select on t to nobody", "ORA-01917: user or role 'NOBODY' does not exist"],
    ["revoke select on t from nobody", "ORA-01917"]
  ])("%s", (text, message) => {
    assert.strictEqual(sql.error(text).slice(0, message.length), message)
  })
})

describe("what the server has (F20, F22)", () => {
  it.each([
    ["select a, b, sum(n), grouping_id(a, b) from t group by rollup(a, b) order by 1, 2", [
      ["1", "x", "10", "0"],
      ["1", "y", "20", "0"],
      ["1", null, "30", "1"],
      ["2", "x", "30", "0"],
      ["2", null, "30", "1"],
      [null, null, "60", "3"]
    ]],
    ["select a, b, count(*) from t group by grouping sets ((a), b) order by 1, 2", [
      ["1", null, "2"],
      ["2", null, "1"],
      [null, "x", "2"],
      [null, "y", "1"]
    ]],
    ["select count(*) from (select 1 from t group by cube(a, b))", [["8"]]],
    ["select sum(n) from t where a = 9 group by rollup(b)", [[null]]],
    ["select t.b, q.m from t, lateral (select max(u.n) m from t u where u.a = t.a) q order by t.n", [
      ["x", "20"],
      ["y", "20"],
      ["x", "30"]
    ]],
    ["select t.n, q.n from t cross apply (select u.n from t u where u.a = t.a and u.n < t.n) q", [["20", "10"]]],
    ["select t.n, q.n from t outer apply (select u.n from t u where u.a = t.a and u.n < t.n) q order by 1", [
      ["10", null],
      ["20", "10"],
      ["30", null]
    ]],
    ["select a from t minus all select 1 from dual order by 1", [["1"], ["2"]]],
    ["select a from t intersect all (select 1 from dual union all select 1 from dual)", [["1"], ["1"]]],
    ["select n from t order by a fetch first 1 row with ties", [["10"], ["20"]]],
    ["select n from t order by n fetch first 50 percent rows only", [["10"], ["20"]]],
    ["select sys_context('userenv', 'cloud_service') from dual", [[null]]]
  ])("%s", (text, rows) => {
    assert.deepStrictEqual(sql.rows(text as string), rows)
  })

  it("calls functions stored in PL/SQL from SQL, once for each row", () => {
    sql.run(
      "create or replace function twice(x number, plus number default 0) return number is begin return x * 2 + plus; end;"
    )
    assert.deepStrictEqual(sql.rows("select twice(n), twice(x => n, plus => 1) from t where twice(a) > 2"), [[
      "60",
      "61"
    ]])
    sql.run("create sequence calls")
    sql.run(
      "create or replace function called return number is k number; begin select calls.nextval into k from dual; return k; end;"
    )
    assert.deepStrictEqual(sql.rows("select called from t"), [["1"], ["2"], ["3"]])
    sql.run("update t set n = twice(n) where a = 2")
    assert.strictEqual(sql.value("select n from t where a = 2"), "60")
    sql.session.rollback()
  })

  it("ends calls that go too deep with Oracle's own error (F1)", () => {
    sql.run("create or replace function deep(x number) return number is begin return deep(x + 1); end;")
    assert.match(sql.error("select deep(1) from dual"), /^ORA-06500/)
    assert.match(sql.error("declare n number; begin n := deep(1); end;"), /^ORA-06500/)
    assert.match(sql.error(`select ${"(".repeat(20_000)}1${")".repeat(20_000)} from dual`), /^ORA-0/)
  })

  it("takes one value of a sequence for a row, however often it is named", () => {
    sql.run("create sequence s")
    assert.deepStrictEqual(sql.rows("select s.nextval, s.nextval, s.currval from t"), [
      ["1", "1", "1"],
      ["2", "2", "2"],
      [
        "3",
        "3",
        "3"
      ]
    ])
    const { cursor } = sql.run("select s.nextval from dual")
    assert.deepStrictEqual(fetched(sql.session, cursor!, 1), [["4"]])
  })
})

describe("users", () => {
  it("have a schema before their first session, and may be granted to (F31)", () => {
    const { engine: own, open: begin } = harness({ users: ["app"] })
    const session = begin()
    assert.strictEqual(session.error("alter session set current_schema = app"), "none")
    assert.strictEqual(session.error("grant create session to app, public"), "none")
    assert.match(session.error("alter session set current_schema = nobody"), /^ORA-01435/)
    own.close()
  })
})
