import { afterAll, assert, describe, it } from "vitest"
import { fetched, harness } from "./engineHarness.ts"

const { engine, open } = harness()
const sql = open()
afterAll(() => engine.close())

sql.run(
  "create table emp (id number primary key, name varchar2(20), dept number, sal number(8,2), boss number, hired date)"
)
sql.run(`insert into emp values
  (1, 'Ada', 10, 5000, null, date '2020-01-15'), (2, 'Bob', 10, 3000.5, 1, date '2021-03-01'),
  (3, 'Cyd', 20, 3000.5, 1, date '2022-07-31'), (4, 'Dan', null, null, 3, null)`)
sql.run("create table dept (id number primary key, label varchar2(10), code char(4))")
sql.run("insert into dept values (10, 'sales', 'S'), (20, 'stock', 'K'), (30, 'empty', 'E')")
sql.run("create sequence seq start with 5 increment by 5 maxvalue 15")
sql.session.commit()

const cases: ReadonlyArray<readonly [string, ReadonlyArray<ReadonlyArray<unknown>>]> = [
  // dual, nulls and empty strings
  ["select 1 from dual", [["1"]]],
  ["select * from dual", [["X"]]],
  ["select 2 * 3", [["6"]]],
  ["select '' from dual where '' is null", [[null]]],
  ["select 'a' || '' || null || 'b' from dual", [["ab"]]],
  ["select null || null from dual", [[null]]],
  ["select count(*) from emp where name = ''", [["0"]]],
  ["select nvl('', 'x'), nvl2(null, 1, 2), coalesce(null, null, 3), nullif(4, 4) from dual", [["x", "2", "3", null]]],
  ["select length(''), length('日本'), lengthb('日本') from dual", [[null, "2", "6"]]],
  ["select decode(null, null, 'same', 'other'), decode(3, 1, 'a', 2, 'b') from dual", [["same", null]]],
  ["select case when null = null then 1 else 0 end, case 2 when 1 then 'a' when 2 then 'b' end from dual", [[
    "0",
    "b"
  ]]],
  // numbers
  ["select 0.1 + 0.2, 1 / 3, 2 / 3 from dual", [["0.3", "0." + "3".repeat(40), "0." + "6".repeat(39) + "7"]]],
  ["select 12345678901234567890123456789012345678 + 1 from dual", [["12345678901234567890123456789012345679"]]],
  ["select 99999999999999999999 * 99999999999999999999 from dual", [["9999999999999999999800000000000000000001"]]],
  ["select round(2.5), round(-2.5), round(1234.567, -2), trunc(1.999, 2), mod(-7, 3), mod(7, 0) from dual", [[
    "3",
    "-3",
    "1200",
    "1.99",
    "-1",
    "7"
  ]]],
  ["select power(2, 100), sqrt(2), ceil(-1.5), floor(-1.5), sign(-3), abs(-0.5) from dual", [[
    "1267650600228229401496703205376",
    "1.41421356237309504880168872420969807857",
    "-1",
    "-2",
    "-1",
    "0.5"
  ]]],
  ["select greatest(1, 10, 9), least('b', 'a'), greatest(1, null) from dual", [["10", "a", null]]],
  ["select '10' + 5, 5 || '0', 1e3, .5 from dual", [["15", "50", "1000", "0.5"]]],
  ["select 1.5d + 1, 2f from dual", [[2.5, 2]]],
  ["select 0.1f, 0.1f + 0.2f, 0.1f + 0.1d, to_binary_float('0.1') from dual", [[
    Math.fround(0.1),
    Math.fround(Math.fround(0.1) + Math.fround(0.2)),
    Math.fround(0.1) + 0.1,
    Math.fround(0.1)
  ]]],
  ["select 1 from dual where 0.1f = 0.1 and 0.1d = 0.1 and 0.1f <> 0.1d", [["1"]]],
  // text
  [
    "select upper('a'), initcap('hello wORLD'), lpad('7', 3, '0'), rpad('a', 3, 'xy'), ltrim('xxa', 'x'), rtrim('a  ') from dual",
    [["A", "Hello World", "007", "axy", "a", "a"]]
  ],
  ["select trim('  a '), trim(leading 'x' from 'xxa'), trim(both '.' from '.a.') from dual", [["a", "a", "a"]]],
  [
    "select substr('hello', 2, 3), substr('hello', -3), substr('hello', 0, 2), substr('hello', 9), instr('banana', 'a', 1, 2), instr('banana', 'a', -1) from dual",
    [["ell", "llo", "he", null, "4", "6"]]
  ],
  [
    "select replace('banana', 'an', 'x'), translate('abc', 'ab', 'x'), ascii('A'), chr(97), concat('a', 'b') from dual",
    [["bxxa", "xc", "65", "a", "ab"]]
  ],
  [
    "select regexp_replace('a1b22', '[[:digit:]]+', '#'), regexp_substr('foo bar', '\\w+', 1, 2), regexp_instr('xay', 'a'), regexp_count('aXa', 'a') from dual",
    [["a#b#", "bar", "2", "2"]]
  ],
  ["select count(*) from emp where regexp_like(name, '^[ab]', 'i')", [["2"]]],
  ["select name from emp where name like '%d%' order by 1", [["Ada"], ["Cyd"]]],
  ["select 1 from dual where 'a_b' like 'a\\_b' escape '\\' and 'axb' not like 'a\\_b' escape '\\'", [["1"]]],
  [
    "select to_char(1234.5, '9,999.00'), to_char(-5, '99'), to_char(0.5), to_char(12, 'FM000'), to_char(255, 'XX'), to_char(7, 'S9') from dual",
    [[" 1,234.50", " -5", ".5", "012", " FF", "+7"]]
  ],
  ["select to_number('1,234.5', '9,999.9'), to_number(' 42 ') from dual", [["1234.5", "42"]]],
  // dates
  ["select sysdate, trunc(sysdate), to_char(sysdate, 'YYYY-MM-DD HH24:MI:SS') from dual", [[
    "2024-05-17 13:30:45",
    "2024-05-17 00:00:00",
    "2024-05-17 13:30:45"
  ]]],
  ["select systimestamp, localtimestamp from dual", [["2024-05-17 13:30:45.123", "2024-05-17 13:30:45.123"]]],
  [
    "select to_date('31-01-24 15', 'DD-MM-RR HH24'), date '2024-02-28' + 2, date '2024-03-01' - date '2024-02-01' from dual",
    [["2024-01-31 15:00:00", "2024-03-01 00:00:00", "29"]]
  ],
  [
    "select add_months(date '2024-01-31', 1), last_day(date '2023-02-05'), next_day(date '2024-05-17', 'MON'), months_between(date '2024-03-15', date '2024-01-15') from dual",
    [["2024-02-29 00:00:00", "2023-02-28 00:00:00", "2024-05-20 00:00:00", "2"]]
  ],
  ["select extract(year from date '2024-05-06'), extract(second from timestamp '2024-05-06 01:02:03.25') from dual", [[
    "2024",
    "3.25"
  ]]],
  [
    "select to_char(date '2024-05-06', 'Day'), to_char(date '2024-05-06', 'fmDay, ddth Month YYYY'), to_char(date '2024-12-30', 'IYYY-IW'), to_char(date '2024-05-06', 'Q DDD') from dual",
    [["Monday   ", "Monday, 6th May 2024", "2025-01", "2 127"]]
  ],
  [
    "select timestamp '2024-01-01 00:00:00' + interval '1 02:30' day to minute, date '2024-01-31' + interval '1' year from dual",
    [["2024-01-02 02:30:00", "2025-01-31 00:00:00"]]
  ],
  ["select to_timestamp_tz('2024-01-01 10:00 +02:00', 'YYYY-MM-DD HH24:MI TZH:TZM') at time zone 'UTC' from dual", [[
    "2024-01-01 08:00:00"
  ]]],
  ["select 1 from dual where timestamp '2024-01-01 10:00:00 +02:00' = timestamp '2024-01-01 08:00:00 +00:00'", [["1"]]],
  [
    "select trunc(date '2024-05-17', 'MM'), trunc(date '2024-05-17', 'IW'), round(date '2024-05-17', 'YYYY') from dual",
    [["2024-05-01 00:00:00", "2024-05-13 00:00:00", "2024-01-01 00:00:00"]]
  ],
  // rows
  ["select name from emp order by sal desc, name", [["Dan"], ["Ada"], ["Bob"], ["Cyd"]]],
  ["select name from emp order by sal nulls first, 1 desc", [["Dan"], ["Cyd"], ["Bob"], ["Ada"]]],
  ["select name n from emp order by n fetch first 2 rows only", [["Ada"], ["Bob"]]],
  ["select name from emp order by id offset 1 row fetch next 1 row only", [["Bob"]]],
  ["select rownum, name from (select name from emp order by name desc) where rownum <= 2", [["1", "Dan"], [
    "2",
    "Cyd"
  ]]],
  ["select name from emp where rownum < 2 order by name desc", [["Ada"]]],
  ["select name from emp where rownum > 1", []],
  ["select count(*) from emp where rownum <= 3", [["3"]]],
  ["select r, name from (select rownum r, name from emp) where r between 2 and 3", [["2", "Bob"], ["3", "Cyd"]]],
  ["select e.name, d.label from emp e join dept d on d.id = e.dept order by 1", [["Ada", "sales"], ["Bob", "sales"], [
    "Cyd",
    "stock"
  ]]],
  ["select e.name, d.label from emp e, dept d where e.dept = d.id(+) and e.id > 2 order by e.id", [["Cyd", "stock"], [
    "Dan",
    null
  ]]],
  ["select d.label, e.name from emp e right join dept d on d.id = e.dept where e.id is null", [["empty", null]]],
  ["select count(*) from emp e full outer join dept d on d.id = e.dept", [["5"]]],
  ["select id, label from emp join dept using (id)", []],
  ["select label from dept where code = 'S'", [["sales"]]],
  ["select name from emp e where sal > (select avg(sal) from emp where dept = e.dept)", [["Ada"]]],
  ["select name from emp where dept not in (select id from dept where label = 'sales')", [["Cyd"]]],
  ["select name from emp where (dept, id) in ((10, 1), (20, 3)) order by 1", [["Ada"], ["Cyd"]]],
  ["select 1 from dual where 5 > all (select id from emp) and 3 = any (1, 3)", [["1"]]],
  ["select label from dept d where not exists (select 1 from emp where dept = d.id)", [["empty"]]],
  ["with x as (select dept, count(*) c from emp group by dept) select dept, c from x order by 1", [["10", "2"], [
    "20",
    "1"
  ], [null, "1"]]],
  ["with n(i) as (select 1 from dual union all select i + 1 from n where i < 5) select sum(i) from n", [["15"]]],
  ["select 1 from dual union select 1 from dual union all select 2 from dual", [["1"], ["2"]]],
  ["select id from dept minus select dept from emp", [["30"]]],
  ["select id from dept intersect select dept from emp order by 1 desc", [["20"], ["10"]]],
  ["select dept, sum(sal), avg(sal), min(name), max(sal), count(sal) from emp group by dept having count(*) > 1", [[
    "10",
    "8000.5",
    "4000.25",
    "Ada",
    "5000",
    "2"
  ]]],
  ["select count(*), count(dept), count(distinct sal), sum(null) from emp", [["4", "3", "2", null]]],
  ["select listagg(name, ';') within group (order by name desc) from emp", [["Dan;Cyd;Bob;Ada"]]],
  [
    "select name, row_number() over (partition by dept order by id), rank() over (order by sal desc nulls last), sum(sal) over (order by id) from emp order by id",
    [
      ["Ada", "1", "1", "5000"],
      ["Bob", "2", "2", "8000.5"],
      ["Cyd", "1", "2", "11001"],
      ["Dan", "1", "4", "11001"]
    ]
  ],
  ["select name, lag(name) over (order by id), lead(name, 1, '-') over (order by id) from emp order by id", [
    ["Ada", null, "Bob"],
    ["Bob", "Ada", "Cyd"],
    ["Cyd", "Bob", "Dan"],
    ["Dan", "Cyd", "-"]
  ]],
  ["select median(id), stddev(id), variance(id) from emp where id < 4", [["2", "1", "1"]]],
  ["select level, level * 2 from dual connect by level <= 3", [["1", "2"], ["2", "4"], ["3", "6"]]],
  ["select level, name from emp start with boss is null connect by prior id = boss order siblings by name desc", [
    ["1", "Ada"],
    ["2", "Cyd"],
    ["3", "Dan"],
    ["2", "Bob"]
  ]],
  ["select * from (values (1, 'a'), (2, 'b')) v (n, s) where n = 2", [["2", "b"]]],
  ["select count(*) from emp where dbms_random.value < 1 and dbms_random.value(5, 6) >= 5", [["4"]]],
  // session
  ["select user, sys_context('userenv', 'session_user'), sys_context('USERENV', 'SERVICE_NAME') from dual", [[
    "HR",
    "HR",
    "FREEPDB1"
  ]]],
  ["select seq.nextval from dual", [["5"]]],
  ["select seq.currval, seq.currval + 1 from dual", [["5", "6"]]],
  [
    "select cast('12.50' as number), cast(1.55 as number(2, 1)), cast('abc' as varchar2(2)), cast(date '2024-01-02' as timestamp) from dual",
    [["12.5", "1.6", "ab", "2024-01-02 00:00:00"]]
  ],
  ["select json_value('{\"a\":{\"b\":[1,2]}}', '$.a.b[1]'), json_exists('{\"a\":1}', '$.z') from dual", [["2", false]]],
  ["select q'[it's]', n'x', 'it''s' from dual", [["it's", "x", "it's"]]]
]

describe("queries", () => {
  it.each(cases)("%s", (text, rows) => {
    assert.deepStrictEqual(sql.rows(text), rows)
  })

  it("binds by position", () => {
    assert.deepStrictEqual(sql.rows("select :a + 1, :b || 'x', :c from dual", 41, "y", null), [["42", "yx", null]])
    assert.deepStrictEqual(sql.rows("select name from emp where id = :id", "2"), [["Bob"]])
    // A bound text is VARCHAR2: it is not padded when compared with CHAR.
    assert.deepStrictEqual(sql.rows("select label from dept where code = :c", "S"), [])
    assert.deepStrictEqual(sql.rows("select label from dept where code = :c", "S   "), [["sales"]])
  })

  it("finds a row by its rowid", () => {
    const rowid = sql.value("select rowid from emp where id = 3") as string
    assert.lengthOf(rowid, 18)
    assert.deepStrictEqual(sql.rows("select name from emp where rowid = :1", rowid), [["Cyd"]])
    assert.deepStrictEqual(sql.rows("select label from dept where rowid = :1", rowid), [])
  })

  it("names columns as the server does", () => {
    const cursor = sql.run("select id, name as \"Name\", sal*2, count(*) over ( ) total, 'a b' from emp").cursor!
    assert.deepStrictEqual(cursor.columns.map((column) => column.name), ["ID", "Name", "SAL*2", "TOTAL", "'AB'"])
    sql.session.closeCursor(cursor)
  })

  it("describes types, precision and size", () => {
    const statement = sql.session.parse("select e.*, d.code, sysdate, 1 + 1 from emp e, dept d")
    assert.deepStrictEqual(
      sql.session.describe(statement)!.map((
        { maxSize, name, nullable, precision, scale, type }
      ) => [name, type, precision, scale, maxSize, nullable]),
      [
        ["ID", "NUMBER", 0, -127, 22, false],
        ["NAME", "VARCHAR2", 0, 0, 20, true],
        ["DEPT", "NUMBER", 0, -127, 22, true],
        ["SAL", "NUMBER", 8, 2, 22, true],
        ["BOSS", "NUMBER", 0, -127, 22, true],
        ["HIRED", "DATE", 0, 0, 7, true],
        ["CODE", "CHAR", 0, 0, 4, true],
        ["SYSDATE", "DATE", 0, 0, 7, false],
        ["1+1", "NUMBER", 0, -127, 22, false]
      ]
    )
  })

  it("gives rows as they are fetched, and says when they end", () => {
    const cursor = sql.run("select level from dual connect by level <= 1000000").cursor!
    assert.deepStrictEqual(sql.session.fetch(cursor, 2), [["1"], ["2"]])
    assert.isFalse(cursor.exhausted)
    sql.session.closeCursor(cursor)
    const short = sql.run("select id from dept order by id").cursor!
    assert.lengthOf(fetched(sql.session, short, 3), 3)
    assert.isTrue(short.exhausted)
  })

  it("keeps an open cursor at the moment of its execution", () => {
    const cursor = sql.run("select id from dept order by id").cursor!
    assert.deepStrictEqual(sql.session.fetch(cursor, 1), [["10"]])
    sql.run("update dept set id = id + 5 where id = 30")
    assert.deepStrictEqual(sql.session.fetch(cursor, 10), [["20"], ["30"]])
    sql.session.rollback()
  })
})
