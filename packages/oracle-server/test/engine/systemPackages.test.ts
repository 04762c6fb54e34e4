/** The packages of the system. */
import { assert, beforeEach, describe, it } from "vitest"
import { type Harness, harness, plain, settle, type Sql, typed } from "./engineHarness.ts"

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

describe("dbms_lob", () => {
  it("changes what a variable holds", () => {
    assert.strictEqual(
      text(`declare c clob; b varchar2(20); n integer := 3;
begin
  dbms_lob.createtemporary(c, true);
  dbms_lob.writeappend(c, 5, 'hello');
  dbms_lob.write(c, 2, 8, 'XY');
  dbms_lob.read(c, n, 3, b);
  :1 := '[' || c || '] ' || dbms_lob.getlength(c) || ' ' || dbms_lob.instr(c, 'l', 1, 2) || ' ' ||
    dbms_lob.substr(c, 3, 2) || ' ' || b || n;
end;`),
      "[hello  XY] 9 4 ell llo3"
    )
    assert.strictEqual(
      text(`declare c clob := 'hello'; d clob; n integer := 2;
begin
  dbms_lob.trim(c, 2);
  dbms_lob.append(c, to_clob('!!'));
  d := c;
  dbms_lob.copy(d, 'abc', 2, 6, 2);
  dbms_lob.erase(d, n, 1);
  :1 := c || dbms_lob.compare(c, 'he!!') || dbms_lob.compare(c, 'ha') || '[' || d || ']' || n;
end;`),
      "he!!01[  !! bc]2"
    )
  })

  it("appends without a change of what has the same beginning", () => {
    assert.strictEqual(
      text(`declare a blob; b blob; c blob; r raw(3000) := utl_raw.copies(hextoraw('AA'), 3000);
begin
  dbms_lob.createtemporary(a, true);
  for i in 1 .. 3 loop dbms_lob.writeappend(a, 3000, r); end loop;
  b := a;
  c := a;
  dbms_lob.writeappend(b, 2, hextoraw('0102'));
  dbms_lob.writeappend(c, 2, hextoraw('0304'));
  dbms_lob.writeappend(b, 1, hextoraw('05'));
  dbms_lob.write(a, 1, 9001, hextoraw('06'));
  dbms_lob.trim(c, 9001);
  dbms_lob.append(c, b);
  :1 := dbms_lob.getlength(a) || ' ' || rawtohex(dbms_lob.substr(a, 9, 8999)) || ' ' ||
    dbms_lob.getlength(b) || ' ' || rawtohex(dbms_lob.substr(b, 9, 8999)) || ' ' ||
    dbms_lob.getlength(c) || ' ' || rawtohex(dbms_lob.substr(c, 4, 8999)) || ' ' || rawtohex(dbms_lob.substr(c, 3, 18002));
end;`),
      "9001 AAAA06 9003 AAAA010205 18004 AAAA03AA 010205"
    )
  })

  it("changes the row that a LOB was read from, when it is locked", () => {
    sql.run("create table docs (id number, body clob, bin blob)")
    sql.run(`declare v clob; w blob;
begin
  insert into docs values (1, empty_clob(), empty_blob()) returning body, bin into v, w;
  dbms_lob.writeappend(v, 3, 'abc');
  dbms_lob.writeappend(v, 3, 'def');
  dbms_lob.writeappend(w, 2, hextoraw('CAFE'));
end;`)
    assert.deepEqual(sql.rows("select body, bin from docs"), [["abcdef", "cafe"]])
    sql.session.commit()
    assert.match(
      sql.error("declare v clob; begin select body into v from docs; dbms_lob.write(v, 1, 1, 'Z'); end;"),
      /^ORA-22920: row containing the LOB value is not locked/
    )
    sql.run("declare v clob; begin select body into v from docs for update; dbms_lob.write(v, 1, 1, 'Z'); end;")
    assert.deepEqual(sql.rows("select body from docs"), [["Zbcdef"]])
  })

  it.each([
    ["dbms_lob.read(c, n, 9, b)", "ORA-01403: no data found"],
    ["dbms_lob.trim(c, 9)", "ORA-21560: argument 2 is null, invalid, or out of range"],
    ["dbms_lob.write(c, 9, 1, 'x')", "ORA-21560: argument 2 is null, invalid, or out of range"],
    ["dbms_lob.write(c, 1, 0, 'x')", "ORA-21560: argument 3 is null, invalid, or out of range"],
    ["dbms_lob.nothing(c)", "ORA-03001: unimplemented feature: DBMS_LOB.NOTHING"]
  ])("%s: %s", (call, message) => {
    const block = `declare c clob := 'abc'; n integer := 2; b varchar2(9); begin ${call}; end;`
    assert.strictEqual(sql.error(block).slice(0, message.length), message)
  })
})

describe("dbms_alert", () => {
  const wait = (of: Sql, call: string) =>
    of.later(
      `declare n varchar2(30); m varchar2(100); s integer;
begin dbms_alert.${call}; :1 := nvl(n, '-') || ' ' || nvl(m, '-') || ' ' || s; end;`,
      typed("VARCHAR2", null)
    )
      .then((result) => result.outBinds![0]!.values[0])

  it("gives the last message to those who have registered, at the commit", async () => {
    const other = h.open()
    other.run("begin dbms_alert.register('stock'); dbms_alert.register('price'); end;")
    const waiting = wait(other, "waitany(n, m, s, 100)")
    sql.run("begin dbms_alert.signal('stock', 'one'); dbms_alert.signal('stock', 'two'); end;")
    await settle()
    sql.session.commit()
    assert.strictEqual(await waiting, "STOCK two 0")
    // What is rolled back was never signalled, and a message is given out once.
    sql.run("begin dbms_alert.signal('price', 'gone'); end;")
    sql.session.rollback()
    assert.strictEqual(await wait(other, "waitone('price', m, s, 0)"), "- - 1")
    sql.run("begin dbms_alert.signal('price', '7'); end;")
    sql.session.commit()
    assert.strictEqual(await wait(other, "waitone('price', m, s, 0)"), "- 7 0")
    other.run("begin dbms_alert.remove('price'); end;")
    sql.run("begin dbms_alert.signal('price', '8'); commit; end;")
    assert.strictEqual(await wait(other, "waitany(n, m, s, 0)"), "- - 1")
  })

  it("lets one session at a time signal, until it commits", async () => {
    const other = h.open()
    sql.run("begin dbms_alert.signal('stock', 'mine'); end;")
    const second = other.later("begin dbms_alert.signal('stock', 'other'); commit; end;")
    sql.run("begin dbms_alert.register('stock'); end;")
    await settle()
    sql.session.commit()
    await second
    assert.strictEqual(await wait(sql, "waitone('stock', m, s, 0)"), "- other 0")
    assert.match(sql.error("begin dbms_alert.removeall; dbms_alert.waitany(:a, :b, :c); end;", "", "", 1), /ORU-10024/)
  })

  it("forgets what a failed block or a savepoint takes back", async () => {
    const other = h.open()
    other.run("begin dbms_alert.register('stock'); end;")
    sql.error("begin dbms_alert.signal('stock', 'failed'); raise no_data_found; end;")
    sql.run("savepoint s")
    sql.run("begin dbms_alert.signal('stock', 'after'); end;")
    assert.isTrue(sql.session.inTransaction)
    sql.run("rollback to s")
    sql.session.commit()
    assert.strictEqual(await wait(other, "waitone('stock', m, s, 0)"), "- - 1")
  })

  it("does not commit within a trigger, as no package does", () => {
    sql.run("create table fired (n number)")
    sql.run("begin dbms_alert.register('never'); end;")
    for (
      const call of [
        "dbms_alert.waitany(t, t, n, 0)",
        "dbms_lock.allocate_unique('x', t)",
        "dbms_scheduler.create_job('j', 'PLSQL_BLOCK', 'null;')"
      ]
    ) {
      sql.run(
        `create or replace trigger fires before insert on fired declare t varchar2(99); n number; begin ${call}; end;`
      )
      assert.match(sql.error("insert into fired values (1)"), /^ORA-04092: cannot COMMIT in a trigger/, call)
      assert.isFalse(sql.session.inTransaction)
    }
  })

  it("can be broken while it waits", async () => {
    sql.run("begin dbms_alert.register('never'); end;")
    const waiting = wait(sql, "waitany(n, m, s)").then(() => "came", (error: Error) => error.message)
    await settle()
    sql.session.cancel()
    assert.match(await waiting as string, /^ORA-01013/)
  })
})

describe("texts, bytes and numbers", () => {
  it("dbms_assert lets good parts of statements through", () => {
    assert.deepEqual(
      sql.rows(`select dbms_assert.enquote_literal('a''''b'), dbms_assert.enquote_name('x'),
        dbms_assert.enquote_name('x', capitalize => false), dbms_assert.simple_sql_name(' abc '),
        dbms_assert.qualified_sql_name('hr.t@x'), dbms_assert.schema_name('HR'), dbms_assert.noop('; drop') from dual`),
      [["'a''b'", "\"X\"", "\"x\"", "abc", "hr.t@x", "HR", "; drop"]]
    )
    for (
      const [call, code] of [
        ["enquote_literal('a''b')", "ORA-06502"],
        ["simple_sql_name('a b')", "ORA-44003"],
        ["qualified_sql_name('a..b')", "ORA-44004"],
        ["schema_name('NOBODY')", "ORA-44001"],
        ["sql_object_name('nothing')", "ORA-44002"]
      ]
    ) assert.strictEqual(sql.error(`select dbms_assert.${call!} from dual`).slice(0, 9), code)
  })

  it("utl_raw and dbms_crypto work on bytes", () => {
    assert.deepEqual(
      sql.rows(`select utl_raw.cast_to_varchar2(utl_raw.concat(utl_raw.cast_to_raw('ab'), utl_raw.cast_to_raw('c'))),
        rawtohex(utl_raw.bit_xor(hextoraw('FF00'), hextoraw('0F'))), utl_raw.cast_to_number(utl_raw.cast_from_number(12.5)),
        rawtohex(utl_raw.cast_from_binary_integer(258)), utl_raw.cast_to_binary_integer(hextoraw('0201'), 2),
        rawtohex(utl_raw.reverse(hextoraw('0102'))), rawtohex(utl_raw.substr(hextoraw('010203'), -2)),
        utl_raw.compare(hextoraw('0102'), hextoraw('0103')), rawtohex(utl_raw.xrange(hextoraw('FE'), hextoraw('01')))
        from dual`),
      [["abc", "F000", "12.5", "00000102", "258", "0201", "0203", "2", "FEFF0001"]]
    )
    assert.strictEqual(
      text("begin :1 := rawtohex(dbms_crypto.hash(utl_raw.cast_to_raw('abc'), dbms_crypto.hash_sh1)); end;"),
      "A9993E364706816ABA3E25717850C26C9CD0D89D"
    )
    assert.strictEqual(
      text("begin :1 := rawtohex(dbms_crypto.hash(to_clob('abc'), dbms_crypto.hash_md5)); end;"),
      "900150983CD24FB0D6963F7D28E17F72"
    )
    assert.strictEqual(
      text(
        "begin :1 := rawtohex(dbms_crypto.mac(utl_raw.cast_to_raw('what do ya want for nothing?'), 3, utl_raw.cast_to_raw('Jefe'))); end;"
      ),
      "5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843"
    )
  })

  it("dbms_random repeats after a seed", () => {
    const draws =
      "dbms_random.value || dbms_random.string('U', 5) || round(dbms_random.value(1, 9), 5) || dbms_random.normal"
    const first = text(`begin dbms_random.seed(42); :1 := ${draws}; end;`)
    assert.strictEqual(text(`begin dbms_random.seed(42); :1 := ${draws}; end;`), first)
    assert.notStrictEqual(text(`begin dbms_random.seed('other'); :1 := ${draws}; end;`), first)
    assert.deepEqual(
      sql.rows("select count(*) from dual where dbms_random.value between 0 and 1 and dbms_random.value(5, 6) >= 5"),
      [["1"]]
    )
  })

  it("dbms_rowid takes rowids apart and puts them together", () => {
    sql.run("create table t (id number)")
    sql.run("insert into t values (1)")
    assert.deepEqual(
      sql.rows(`select count(*) from t where rowid = dbms_rowid.rowid_create(1, dbms_rowid.rowid_object(rowid),
        dbms_rowid.rowid_relative_fno(rowid), dbms_rowid.rowid_block_number(rowid), dbms_rowid.rowid_row_number(rowid))`),
      [["1"]]
    )
    assert.strictEqual(sql.error("select dbms_rowid.rowid_object('x') from dual"), "ORA-01410: invalid ROWID")
  })

  it("dbms_utility takes names apart, and finds what they mean", () => {
    const tokens = (name: string) =>
      text(`declare a varchar2(99); b varchar2(99); c varchar2(99); d varchar2(99); n binary_integer;
begin
  dbms_utility.name_tokenize('${name}', a, b, c, d, n);
  :1 := a || '|' || b || '|' || c || '|' || d || '|' || n;
end;`)
    assert.strictEqual(tokens("hr.\"Mixed Case\".run@far.away"), "HR|Mixed Case|RUN|FAR.AWAY|28")
    assert.strictEqual(tokens("emp where"), "EMP||||3")
    assert.match(
      sql.error(
        "declare v varchar2(9); n binary_integer; begin dbms_utility.name_tokenize('1x', v, v, v, v, n); end;"
      ),
      /^ORA-00931: missing identifier/
    )
    sql.run("create table staff (id number)")
    sql.run("create package pay as procedure run; end;")
    sql.run("create function rate return number is begin return 1; end;")
    sql.run("create synonym wages for pay")
    const found = (name: string, context: number) =>
      text(`declare s varchar2(99); a varchar2(99); b varchar2(99); d varchar2(99); t number; o number;
begin
  dbms_utility.name_resolve('${name}', ${context}, s, a, b, d, t, o);
  :1 := s || '|' || a || '|' || b || '|' || t;
end;`)
    assert.strictEqual(found("staff", 0), "HR|STAFF||2")
    assert.strictEqual(found("hr.pay.run", 1), "HR|PAY|RUN|9")
    assert.strictEqual(found("wages.run", 1), "HR|PAY|RUN|9")
    assert.strictEqual(found("rate", 1), "HR||RATE|8")
    assert.strictEqual(found("dbms_output.put_line", 1), "SYS|DBMS_OUTPUT|PUT_LINE|9")
    const resolve = (name: string, context: number) =>
      sql.error(
        `declare v varchar2(99); n number; begin dbms_utility.name_resolve('${name}', ${context}, v, v, v, v, n, n); end;`
      )
    assert.match(resolve("nothing.at_all", 1), /^ORA-06564: object nothing\.at_all does not exist/)
    assert.match(resolve("staff", 1), /^ORA-04047/)
    assert.strictEqual(
      text(`declare t dbms_utility.lname_array; n binary_integer; s varchar2(100);
begin
  dbms_utility.comma_to_table('a,b', n, t);
  dbms_utility.table_to_comma(t, n, s);
  :1 := s || n || t(2);
end;`),
      "a,b2b"
    )
  })

  it("dbms_utility tells of errors, and makes lists", () => {
    sql.run("create procedure thrower is\nbegin\n  raise_application_error(-20001, 'bad');\nend;")
    assert.strictEqual(
      text(`begin
  thrower;
exception when others then
  :1 := dbms_utility.format_error_stack || '|' || dbms_utility.format_error_backtrace;
end;`),
      "ORA-20001: bad|ORA-06512: at \"HR.THROWER\", line 3\nORA-06512: at line 2\n"
    )
    assert.strictEqual(
      text(`declare t dbms_utility.uncl_array; n binary_integer; s varchar2(100);
begin
  dbms_utility.comma_to_table('a, b,c', n, t);
  t(4) := 'd';
  dbms_utility.table_to_comma(t, n, s);
  :1 := s || n;
end;`),
      "a, b,c,d4"
    )
    assert.strictEqual(
      text("begin :1 := case when dbms_utility.get_hash_value('x', 10, 5) between 10 and 14 then 'in' end; end;"),
      "in"
    )
  })
})

describe("dbms_output and the session", () => {
  it("gives lines to a variable too", () => {
    assert.strictEqual(
      text(`declare l dbms_output.chararr; n integer := 10;
begin
  dbms_output.enable;
  dbms_output.put_line('a');
  dbms_output.new_line;
  dbms_output.put_line('c');
  dbms_output.get_lines(l, n);
  :1 := n || l(1) || nvl(l(2), '-') || l(3) || l.count;
end;`),
      "3a-c3"
    )
  })

  it("knows the session, and forgets its packages", () => {
    sql.run("create package st is n number := 1; end;")
    sql.run(
      "begin st.n := 5; dbms_application_info.set_module('m', 'a'); dbms_application_info.set_client_info('i'); end;"
    )
    assert.strictEqual(
      text(`declare m varchar2(64); a varchar2(64); c varchar2(64);
begin
  dbms_application_info.read_module(m, a);
  dbms_application_info.read_client_info(c);
  :1 := m || a || c || st.n;
end;`),
      "mai5"
    )
    sql.run("begin dbms_session.reset_package; end;")
    assert.strictEqual(text("begin :1 := st.n; end;"), "1")
    assert.strictEqual(
      text(
        "begin :1 := case when dbms_session.is_session_alive(dbms_session.unique_session_id) then 'alive' end; end;"
      ),
      "alive"
    )
  })
})
