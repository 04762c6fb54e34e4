import { afterAll, assert, describe, it } from "vitest"
import type { OraErrorLike } from "../../src/internal/engine/engine.ts"
import { harness } from "./engineHarness.ts"

const { engine, open } = harness()
const sql = open()
afterAll(() => engine.close())

sql.run("create table p (id number constraint p_pk primary key, n varchar2(5) not null, amount number(5,2), d date)")
sql.run(
  "create table c (id number, pid number constraint c_p_fk references p (id), constraint c_ck check (id > 0), constraint c_uk unique (id, pid))"
)
sql.run("insert into p values (1, 'one', 1, null)")
sql.run("insert into c values (1, 1)")
sql.run("create sequence s")
sql.session.commit()

const cases: ReadonlyArray<readonly [string, string]> = [
  ["select * from nothere", "ORA-00942: table or view \"HR\".\"NOTHERE\" does not exist"],
  ["select nothere from p", "ORA-00904: \"NOTHERE\": invalid identifier"],
  ["select x.id from p", "ORA-00904: \"X\".\"ID\": invalid identifier"],
  ["select nosuch(1) from dual", "ORA-00904: \"NOSUCH\": invalid identifier"],
  ["selec 1", "ORA-00900"],
  ["", "ORA-00900"],
  ["select from dual", "ORA-00936: missing expression"],
  ["select 1 from dual where", "ORA-00936"],
  ["select 1 frm dual x", "ORA-00923"],
  ["select 1 from dual extra words", "ORA-00933"],
  ["select 1 from dual;", "ORA-00911"],
  ["select 'a from dual", "ORA-01756"],
  ["select (1 from dual", "ORA-00907"],
  ["select id, count(*) from p", "ORA-00937"],
  ["select n, count(*) from p group by id", "ORA-00979"],
  ["select id from p where count(*) > 1", "ORA-00934"],
  ["select id from p, c", "ORA-00918"],
  ["select id from p order by 2", "ORA-01785"],
  ["select 1 from dual union select 1, 2 from dual", "ORA-01789"],
  ["select 1 from dual union select 'a' from dual", "ORA-01790"],
  ["select case when 1 = 1 then 1 else 'a' end from dual", "ORA-00932"],
  ["select 1/0 from dual", "ORA-01476: divisor is equal to zero"],
  ["select to_number('x') from dual", "ORA-01722"],
  ["select * from p where id = 'x'", "ORA-01722"],
  ["select to_date('2024-13-01', 'YYYY-MM-DD') from dual", "ORA-01843"],
  ["select to_date('2023-02-29', 'YYYY-MM-DD') from dual", "ORA-01839"],
  ["select to_date('x', 'YYYY') from dual", "ORA-01858"],
  ["select to_date('2024-01-01 10', 'YYYY-MM-DD') from dual", "ORA-01830"],
  ["select to_char(sysdate, 'QQX!?bogus') from dual", "ORA-01821"],
  ["select (select id from p union all select 2 from dual) from dual", "ORA-01427"],
  ["select s.currval from dual", "ORA-08002"],
  ["select nos.nextval from dual", "ORA-02289"],
  ["select id from p for update of nope", "ORA-00904: \"NOPE\": invalid identifier"],
  ["select distinct id from p for update", "ORA-02014"],
  ["select substr('a') from dual", "ORA-00909"],
  ["insert into p values (1, 'again', 1, null)", "ORA-00001: unique constraint (HR.P_PK) violated"],
  ["insert into p values (2, null, 1, null)", "ORA-01400: cannot insert NULL into (\"HR\".\"P\".\"N\")"],
  ["update p set n = ''", "ORA-01407: cannot update (\"HR\".\"P\".\"N\") to NULL"],
  [
    "insert into p values (2, 'toolong', 1, null)",
    "ORA-12899: value too large for column \"HR\".\"P\".\"N\" (actual: 7, maximum: 5)"
  ],
  ["insert into p values (2, 'two', 1000, null)", "ORA-01438"],
  ["insert into p values (2, 'two', 1)", "ORA-00947"],
  ["insert into p values (2, 'two', 1, null, 5)", "ORA-00913"],
  ["insert into p (id, nope) values (1, 2)", "ORA-00904: \"NOPE\": invalid identifier"],
  ["insert into c values (2, 99)", "ORA-02291: integrity constraint (HR.C_P_FK) violated - parent key not found"],
  ["delete from p where id = 1", "ORA-02292: integrity constraint (HR.C_P_FK) violated - child record found"],
  ["insert into c values (-1, null)", "ORA-02290: check constraint (HR.C_CK) violated"],
  ["update c set id = 0", "ORA-02290"],
  ["create table p (x number)", "ORA-00955"],
  ["create table bad (x nosuchtype)", "ORA-00902"],
  ["create table bad (x number, x number)", "ORA-00957"],
  ["drop table p", "ORA-02449"],
  ["drop sequence nos", "ORA-02289"],
  ["rollback to nowhere", "ORA-01086"],
  ["alter session set nls_nothing = 'x'", "ORA-02248"],
  ["alter session set current_schema = nobody", "ORA-01435"],
  ["begin x := 1; end;", "ORA-06550: line 1, column 7:\nPLS-00201: identifier 'X' must be declared"],
  ["begin nosuch(1); end;", "ORA-06550: line 1, column 7:\nPLS-00201: identifier 'NOSUCH' must be declared"],
  ["begin null end;", "ORA-06550: line 1, column 12:\nPLS-00103"],
  ["begin raise_application_error(-20123, 'mine'); end;", "ORA-20123: mine\nORA-06512: at line 1"],
  ["declare n number; begin select id into n from p where id = 9; end;", "ORA-01403: no data found"],
  [
    "declare n number; begin select 1 into n from (select 1 x from dual union all select 2 from dual); end;",
    "ORA-01422"
  ],
  ["declare n number; begin n := 'abc'; end;", "ORA-06502"],
  ["declare v varchar2(2); begin v := 'abc'; end;", "ORA-06502"],
  ["begin raise no_data_found; end;", "ORA-01403"],
  ["declare e exception; begin raise e; end;", "ORA-06510"],
  // What the engine does not have says so.
  ["select * from p pivot xml (count(*) for id in (any))", "ORA-03001: unimplemented feature: PIVOT XML"],
  ["select xmlelement(\"a\", 1) from dual", "ORA-03001: unimplemented feature: XMLELEMENT"],
  ["select ora_hash(1) from dual", "ORA-03001: unimplemented feature: ORA_HASH"],
  ["alter session set nls_sort = 'GERMAN'", "ORA-03001: unimplemented feature: NLS_SORT = GERMAN"],
  ["begin dbms_aqelm.set_mailhost('x'); end;", "ORA-03001: unimplemented feature: DBMS_AQELM.SET_MAILHOST"],
  ["declare subtype s is pls_integer range 1 .. 9; begin null; end;", "ORA-03001: unimplemented feature: RANGE"]
]

describe("errors", () => {
  it.each(cases)("%s", (text, message) => {
    assert.strictEqual(sql.error(text).slice(0, message.length), message)
    // A failing statement leaves nothing behind.
    assert.deepStrictEqual(
      sql.session.inTransaction && sql.rows("select count(*) from p"),
      sql.session.inTransaction ? [["1"]] : false
    )
  })

  it.each(
    [
      ["select * from nothere", 14],
      ["select id, nope from p", 11],
      ["update p set zz = 1", 13],
      ["select 1 frm dual x", 13]
    ] as const
  )("places the error in %s", (text, offset) => {
    let found: OraErrorLike | undefined
    try {
      sql.run(text)
    } catch (error) {
      found = error as OraErrorLike
    }
    assert.strictEqual(found?.offset, offset)
  })

  it("can run a statement again after it has failed", () => {
    for (
      const text of [
        "insert into p values (:1, 'x', null, null)",
        "select 1 / :1 from dual",
        "begin if :1 <> 7 then raise no_data_found; end if; end;"
      ]
    ) {
      const good = 7
      const bad = text.startsWith("insert") ? 1 : 0
      assert.match(sql.error(text, bad), /^ORA-0/)
      assert.match(sql.error(text, bad), /^ORA-0/)
      assert.strictEqual(sql.error(text, good), "none")
    }
    sql.session.rollback()
  })

  it("undoes the whole statement when one of its rows fails", () => {
    assert.match(sql.error("insert into p select level, 'x', 1, null from dual connect by level <= 3"), /^ORA-00001/)
    assert.deepStrictEqual(sql.rows("select count(*) from p"), [["1"]])
  })

  it("checks keys at the end of the statement", () => {
    sql.run("insert into p values (2, 'two', null, null)")
    sql.run("delete from c")
    assert.strictEqual(sql.run("update p set id = id + 1").rowCount, 2)
    assert.deepStrictEqual(sql.rows("select id from p order by 1"), [["2"], ["3"]])
    sql.session.rollback()
  })
})
