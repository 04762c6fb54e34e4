import { afterAll, assert, describe, it } from "vitest"
import type { Lob, TypeName, Value } from "../../src/internal/engine/engine.ts"
import { fetched, harness, plain, typed } from "./engineHarness.ts"

const killed: Array<unknown> = []
const h = harness({
  host: {
    killSession: (sid, serial, immediate) => {
      killed.push([sid, serial, immediate])
      return sid === 101
    }
  }
})
const { engine, open } = h
const sql = open()
const other = open("SCOTT")
afterAll(() => engine.close())

const time = {
  _tag: "DateTime",
  year: 2024,
  month: 5,
  day: 17,
  hour: 1,
  minute: 2,
  second: 3,
  nanosecond: 456_000_000,
  offsetMinutes: 0
} as const

describe("settings", () => {
  it("can be read back", () => {
    const s = open("SETTINGS")
    s.run(
      "alter session set nls_date_format = 'YYYY/MM/DD' nls_timestamp_format = 'HH24.MI.SSXFF3' nls_numeric_characters = ',.' time_zone = 'Europe/Berlin'"
    )
    assert.deepStrictEqual(
      s.rows(
        "select value from nls_session_parameters where parameter in ('NLS_DATE_FORMAT', 'NLS_NUMERIC_CHARACTERS') order by 1"
      ),
      [[",."], ["YYYY/MM/DD"]]
    )
    assert.deepStrictEqual(
      s.rows(
        "select to_char(date '2024-01-02'), '' || timestamp '2024-01-01 10:11:12.5', to_char(1.5), to_char(1234.5, '9G999D0'), to_number('2,5') from dual"
      ),
      [["2024/01/02", "10.11.12.500", "1,5", " 1.234,5", "2.5"]]
    )
    assert.deepStrictEqual(s.rows("select sessiontimezone, current_date, sysdate from dual"), [[
      "Europe/Berlin",
      "2024-05-17 15:30:45",
      "2024-05-17 13:30:45"
    ]])
    assert.deepStrictEqual(s.rows("select current_timestamp from dual"), [["2024-05-17 15:30:45.123 120"]])
    s.run("alter session set current_schema = HR")
    assert.strictEqual(s.session.currentSchema, "HR")
    assert.deepStrictEqual(s.rows("select sys_context('userenv', 'current_schema'), user from dual"), [[
      "HR",
      "SETTINGS"
    ]])
    s.session.reset()
    assert.deepStrictEqual(
      s.rows("select to_char(date '2024-01-02'), sys_context('userenv', 'current_schema'), sessiontimezone from dual"),
      [["02-JAN-24", "SETTINGS", "+00:00"]]
    )
  })

  it("shows what the driver has set", () => {
    sql.session.setEndToEnd({ module: "m", action: "a", clientId: "c", clientInfo: "i" })
    assert.deepStrictEqual(
      sql.rows(
        "select sid, username, module, action, client_identifier, client_info, program, machine, osuser from v$session where sid = sys_context('userenv', 'sid')"
      ),
      [["101", "HR", "m", "a", "c", "i", "vitest", "host", "me"]]
    )
    sql.session.setEndToEnd({ module: null, action: "" })
    assert.deepStrictEqual(
      sql.rows(
        "select sys_context('userenv', 'module'), sys_context('userenv', 'action'), sys_context('userenv', 'client_info') from dual"
      ),
      [[null, null, "i"]]
    )
    sql.session.setContext("app", "tenant", "7")
    assert.strictEqual(sql.value("select sys_context('APP', 'TENANT') from dual"), "7")
    assert.match(sql.error("select sys_context('userenv', 'nonsense') from dual"), /^ORA-02003/)
  })

  it("knows versions and the dictionary", () => {
    sql.run(
      "create table dict_t (a number(5,2) not null, b varchar2(10 char) default 'x', constraint dict_pk primary key (a))"
    )
    sql.run("create index dict_i on dict_t (b)")
    assert.deepStrictEqual(sql.rows("select version_full from product_component_version"), [["23.7.0.25.01"]])
    assert.deepStrictEqual(
      sql.rows(
        "select column_name, data_type, data_length, data_precision, data_scale, nullable, data_default, char_length from user_tab_columns where table_name = 'DICT_T' order by column_id"
      ),
      [
        ["A", "NUMBER", "22", "5", "2", "N", null, "0"],
        ["B", "VARCHAR2", "40", null, null, "Y", "'x'", "10"]
      ]
    )
    assert.deepStrictEqual(
      sql.rows("select constraint_name, constraint_type from user_constraints where table_name = 'DICT_T'"),
      [["DICT_PK", "P"]]
    )
    assert.deepStrictEqual(
      sql.rows("select index_name, uniqueness from user_indexes where table_name = 'DICT_T' order by 1"),
      [
        ["DICT_I", "NONUNIQUE"],
        ["DICT_PK", "UNIQUE"]
      ]
    )
    assert.strictEqual(other.value("select count(*) from user_tables"), "0")
    assert.strictEqual(other.value("select count(*) from all_tables where owner = 'HR'"), "1")
  })

  it("asks the host to kill a session", () => {
    other.run("alter system kill session '101,707' immediate")
    assert.deepStrictEqual(killed, [[101, 707, true]])
    assert.match(other.error("alter system kill session '9,9'"), /^ORA-00030/)
  })
})

describe("schemas and definitions", () => {
  it("resolves names by schema and synonym", () => {
    sql.run("create table shared (x number)")
    sql.run("insert into shared values (1)")
    sql.session.commit()
    assert.match(other.error("select * from shared"), /"SCOTT"."SHARED"/)
    assert.deepStrictEqual(other.rows("select x from hr.shared"), [["1"]])
    other.run("create synonym mine for hr.shared")
    assert.deepStrictEqual(other.rows("select mine.x from mine"), [["1"]])
    sql.run("create public synonym everybodys for shared")
    assert.deepStrictEqual(other.rows("select x from everybodys"), [["1"]])
    sql.run("create or replace view v (a, b) as select x, x + 1 from shared")
    assert.deepStrictEqual(other.rows("select b from hr.v where a = 1"), [["2"]])
  })

  it("alters, renames and truncates", () => {
    sql.run("create table alt (a number, b varchar2(5))")
    sql.run("insert into alt values (1, 'x')")
    sql.run("alter table alt add (c date default date '2024-01-01' not null, d number)")
    sql.run("alter table alt modify (b varchar2(10) not null)")
    sql.run("alter table alt drop column d")
    sql.run("alter table alt rename column b to bb")
    sql.run("alter table alt add constraint alt_pk primary key (a)")
    assert.deepStrictEqual(sql.rows("select * from alt"), [["1", "x", "2024-01-01 00:00:00"]])
    assert.match(sql.error("insert into alt (a, bb) values (1, 'y')"), /HR\.ALT_PK/)
    sql.run("alter table alt rename to alt2")
    sql.run("truncate table alt2")
    assert.strictEqual(sql.value("select count(*) from alt2"), "0")
    assert.match(sql.error("select * from alt"), /^ORA-00942/)
  })

  it("a definition commits", () => {
    sql.run("insert into shared values (2)")
    sql.run("create table other_t (x number)")
    sql.session.rollback()
    assert.strictEqual(other.value("select count(*) from hr.shared"), "2")
  })

  it("keeps temporary rows to the session and the transaction", () => {
    sql.run("create global temporary table gt (x number) on commit preserve rows")
    sql.run("create global temporary table gd (x number)")
    sql.run("insert into gt values (1)")
    sql.run("insert into gd values (1)")
    const same = open()
    assert.strictEqual(same.value("select count(*) from gt"), "0")
    sql.session.commit()
    assert.deepStrictEqual(sql.rows("select (select count(*) from gt), (select count(*) from gd) from dual"), [[
      "1",
      "0"
    ]])
    sql.session.reset()
    assert.strictEqual(sql.value("select count(*) from gt"), "0")
  })

  it("runs scripts", async () => {
    await engine.runScript(
      "APP",
      "create table s (x number); insert into s values (1);\nbegin insert into s values (2); end;\n/\ninsert into s values (3);"
    )
    assert.strictEqual(sql.value("select count(*) from app.s"), "3")
  })

  it("sequences end, cycle and are altered", () => {
    sql.run("create sequence q maxvalue 2")
    assert.deepStrictEqual([sql.value("select q.nextval from dual"), sql.value("select q.nextval from dual")], [
      "1",
      "2"
    ])
    assert.match(sql.error("select q.nextval from dual"), /^ORA-08004/)
    sql.run("alter sequence q maxvalue 10 increment by 3")
    assert.strictEqual(sql.value("select q.nextval from dual"), "5")
    assert.deepStrictEqual(
      sql.rows("select sequence_name, increment_by, last_number from user_sequences where sequence_name = 'Q'"),
      [["Q", "3", "8"]]
    )
  })
})

describe("types", () => {
  const cases: ReadonlyArray<readonly [string, string, Value, unknown?]> = [
    ["number", "NUMBER", "-12345678901234567890123456789.123456789"],
    ["varchar2(20)", "VARCHAR2", "häß ✓"],
    ["nvarchar2(20)", "NVARCHAR2", "日本"],
    ["raw(10)", "RAW", Uint8Array.of(0, 255), "00ff"],
    ["binary_double", "BINARY_DOUBLE", -1.5e300],
    ["binary_float", "BINARY_FLOAT", 0.5],
    ["binary_double", "BINARY_DOUBLE", Number.NaN],
    ["binary_double", "BINARY_DOUBLE", Number.NEGATIVE_INFINITY],
    ["date", "DATE", { ...time, nanosecond: 0 }],
    ["timestamp(9)", "TIMESTAMP", { ...time, nanosecond: 123_456_789 }],
    ["timestamp with time zone", "TIMESTAMP WITH TIME ZONE", { ...time, offsetMinutes: -330 }],
    ["timestamp with local time zone", "TIMESTAMP WITH LOCAL TIME ZONE", time],
    ["interval year to month", "INTERVAL YEAR TO MONTH", { _tag: "IntervalYearToMonth", years: -1, months: -2 }],
    ["interval day to second", "INTERVAL DAY TO SECOND", {
      _tag: "IntervalDayToSecond",
      days: -1,
      hours: -2,
      minutes: -3,
      seconds: -4,
      nanoseconds: -500_000_000
    }],
    ["boolean", "BOOLEAN", true],
    ["clob", "CLOB", "x".repeat(100_000)],
    ["blob", "BLOB", Uint8Array.of(1, 2, 3), "010203"],
    ["json", "JSON", { _tag: "Json", value: { a: [1, null, "x"] } }],
    ["vector(3, float32)", "VECTOR", { _tag: "Vector", format: "FLOAT32", values: [1, 2.5, -3] }]
  ]

  it.each(cases)("%s goes in and comes back", (column, type, value, expected) => {
    sql.run(`create table ty (x ${column})`)
    sql.run("insert into ty values (:1)", typed(type as TypeName, value as Value))
    const statement = sql.session.parse("select x from ty")
    const cursor = sql.run("select x from ty").cursor!
    assert.strictEqual(sql.session.describe(statement)![0]!.type, type)
    assert.deepStrictEqual(plain(fetched(sql.session, cursor, 1)[0]![0]), expected ?? plain(value))
    sql.run("drop table ty")
  })

  it("pads CHAR, rounds NUMBER(p, s) and TIMESTAMP(p)", () => {
    sql.run("create table fitted (c char(3), n number(4,1), t timestamp(2), i integer)")
    sql.run("insert into fitted values ('a', 1.25, timestamp '2024-01-01 00:00:00.999', 2.5)")
    assert.deepStrictEqual(sql.rows("select c, n, t, i from fitted where c = 'a'"), [[
      "a  ",
      "1.3",
      "2024-01-01 00:00:01",
      "3"
    ]])
  })

  it("writes through the locators of rows it has locked", () => {
    sql.run("create table docs (id number, body clob, bytes blob)")
    const clob = { type: "CLOB", maxSize: 0 } as const
    const statement = sql.session.parse(
      "insert into docs values (1, empty_clob(), empty_blob()) returning body into :b"
    )
    const result = sql.session.execute(statement, { bindTypes: [clob], rows: [[null]] })
    const lob = (result as { returned: ReadonlyArray<{ values: ReadonlyArray<ReadonlyArray<Lob>> }> }).returned[0]!
      .values[0]![0]!
    lob.write(1, "first ")
    lob.write(7, "second")
    assert.deepStrictEqual(sql.rows("select body from docs"), [["first second"]])
    sql.session.commit()
    assert.throws(() => lob.write(1, "x"), /ORA-22920/)
    const locked = sql.run("select id, d.* from docs d for update").cursor!
    const [[, , body, bytes]] = fetched(sql.session, locked, 1) as unknown as [[string, string, Lob, Lob]]
    body.trim(5)
    bytes.write(2, Uint8Array.of(7))
    assert.deepStrictEqual(sql.rows("select body, bytes from docs"), [["first", "0007"]])
    sql.session.rollback()
    assert.deepStrictEqual(sql.rows("select body from docs"), [["first second"]])
    const plainRead = fetched(sql.session, sql.run("select body from docs").cursor!, 1)[0]![0] as Lob
    assert.throws(() => plainRead.write(1, "x"), /ORA-22920/)
  })

  it("writes temporary LOBs and binds them", () => {
    const lob = sql.session.createTemporaryLob("CLOB")
    lob.write(1, "hello")
    lob.write(7, "world")
    lob.trim(9)
    assert.deepStrictEqual([lob.length(), lob.read(7, 100), lob.read(100, 1)], [9, "wor", ""])
    sql.run("create table lobs (c clob)")
    sql.run("insert into lobs values (:1)", typed("CLOB", lob))
    assert.deepStrictEqual(sql.rows("select c, dbms_lob.getlength(c), length(c), substr(c, 7) from lobs"), [[
      "hello wor",
      "9",
      "9",
      "wor"
    ]])
    sql.run("insert into lobs values (empty_clob())")
    assert.strictEqual(sql.value("select count(*) from lobs where c is null"), "0")
    lob.free()
    assert.throws(() => lob.length(), /ORA-22922/)
  })
})
