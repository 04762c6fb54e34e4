/**
 * A billing application as PL/SQL shops write them: a log of its own transactions, types under others, an API with overloads, a
 * compound trigger with an audit, loads in bulk that go on after errors, reports by REF CURSOR and by pipelined function, jobs.
 */
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { billingSchema } from "./billingSchema.ts"
import { harness, plain, settle, type Sql, typed } from "./engineHarness.ts"

const h = harness({ host: { clock: () => 0 } })
let sql: Sql
const out = (text: string, of: Sql = sql): unknown =>
  plain(of.run(text, typed("VARCHAR2", null)).outBinds![0]!.values[0])

beforeAll(() => {
  sql = h.open()
  for (const text of billingSchema) {
    const { warning } = sql.run(text)
    assert.isUndefined(
      warning,
      `${text.slice(0, 60)}: ${JSON.stringify(sql.rows("select name, line, position, text from user_errors"))}`
    )
  }
  sql.run(
    "insert into customers select level, 'C' || level, 'c' || level || '@x.org', decode(level, 3, 'B', 4, 'C', 'A') from dual connect by level <= 5"
  )
  sql.run("insert into tax_book values ('NO', rate_rule('vat', .25))")
  sql.run("insert into tax_book values ('CH', capped_rule('vat', .08, 5))")
  sql.session.commit()
})
afterAll(() => h.engine.close())

describe("a billing application", () => {
  it("is valid as a whole", () => {
    assert.deepStrictEqual(sql.rows("select object_name, object_type from user_objects where status <> 'VALID'"), [])
    assert.deepStrictEqual(
      sql.rows("select object_type, count(*) from user_objects group by object_type order by 1").map(([type]) => type),
      ["INDEX", "PACKAGE", "PACKAGE BODY", "PROCEDURE", "SEQUENCE", "TABLE", "TRIGGER", "TYPE", "TYPE BODY", "VIEW"]
    )
  })
  it("makes invoices by either overload, and audits them once a statement", () => {
    assert.strictEqual(
      out(
        "declare a number; b number; begin a := billing.new_invoice(1, lines_t(line_t('pen', 3, 1.5), line_t('ink', 1, 10)), date '2024-03-01'); b := billing.new_invoice('C2@X.ORG', lines_t(line_t('cup', 2, 4.255))); :1 := a || ' ' || b; end;"
      ),
      "1000 1001"
    )
    assert.deepStrictEqual(sql.rows("select id, customer_id, total, state from invoices order by id"), [
      ["1000", "1", "14.5", "OPEN"],
      ["1001", "2", "8.51", "OPEN"]
    ])
    assert.deepStrictEqual(sql.rows("select * from invoice_audit"), [
      ["1000", "I", null, "14.5", "HR", "0"],
      ["1001", "I", null, "8.51", "HR", "0"]
    ])
  })
  it("refuses blocked and closed customers, and keeps the log of what was rolled back", () => {
    const before = Number(out("begin :1 := app_logger.count_('ERROR'); end;"))
    const blocked = sql.error("declare n number; begin n := billing.new_invoice(3, lines_t()); end;")
    assert.match(
      blocked,
      /^ORA-20010: customer C3 is blocked\nORA-06512: at "HR.BILLING", line \d+\nORA-06512: at "HR.BILLING", line \d+/
    )
    assert.match(
      sql.error("declare n number; begin n := billing.new_invoice(4, lines_t()); end;"),
      /^ORA-20011: customer C4 is closed/
    )
    assert.match(
      sql.error("declare n number; begin n := billing.new_invoice(99, lines_t()); end;"),
      /^ORA-20012: no customer 99/
    )
    sql.session.rollback()
    assert.strictEqual(out("begin :1 := app_logger.count_(app_logger.error_); end;"), String(before + 2))
    assert.deepStrictEqual(
      sql.rows("select unit, message, instr(stack, 'ORA-20010') from app_log where message like '%blocked' "),
      [["HR.BILLING", "ORA-20010: customer C3 is blocked", "1"]]
    )
    assert.strictEqual(
      out(
        "begin begin :1 := billing.new_invoice(3, lines_t()); exception when billing.customer_blocked then :1 := 'caught ' || sqlcode; end; end;"
      ),
      "caught -20010"
    )
  })
  it("loads, changes and saves an invoice as one record", () => {
    const id = out("begin :1 := billing.new_invoice(5, lines_t(line_t('a', 1, 1), line_t('b', 2, 2))); end;")
    assert.strictEqual(
      out(
        `declare r billing.invoice_rec; begin r := billing.load(${id}); r.lines_(1).quantity := 10; r.lines_.extend; r.lines_(3) := line_t('c', 1, 100); r.lines_.delete(2); billing.save(r); :1 := r.header.total || ' ' || r.lines_.count; end;`
      ),
      "110 2"
    )
    assert.deepStrictEqual(sql.rows(`select line_no, article from invoice_lines where invoice_id = ${id} order by 1`), [
      ["1", "a"],
      ["3", "c"]
    ])
    assert.deepStrictEqual(
      sql.rows(
        `select action, old_total, new_total, lines_ from invoice_audit where invoice_id = ${id} order by action`
      ),
      [["I", null, "5", "0"], ["U", "5", "110", "2"]]
    )
    assert.strictEqual(
      out(
        `declare r billing.invoice_rec; ids billing.id_list; n pls_integer; begin ids(-1) := ${id}; ids(7) := 1; billing.close_(ids, n); r := billing.load(${id}); begin billing.save(r); exception when billing.invoice_closed then :1 := n || ' closed'; end; end;`
      ),
      "1 closed"
    )
    assert.match(
      sql.error(`update invoices set total = 1 where id = ${id}`),
      /^ORA-20020: invoice \d+ is closed\n.*\nORA-04088/
    )
    sql.session.rollback()
  })
  it("goes on after errors of a bulk load", () => {
    assert.strictEqual(
      out(
        "begin billing.import_(:1, sys.odcinumberlist(1, 77, 2, null), sys.odcinumberlist(10, 20, 30.456, 40)); end;"
      ),
      "1"
    )
    assert.deepStrictEqual(sql.rows("select id, total from invoices where state = 'IMPORTED' order by id"), [
      ["100001", "10"],
      ["100003", "30.46"]
    ])
    assert.deepStrictEqual(sql.rows("select position, code from import_errors order by position"), [["2", "2291"], [
      "4",
      "1400"
    ]])
    assert.match(
      String(sql.value("select max(message) from app_log where message like '%batch%'")),
      /^2 of 4 rows of batch 1 failed$/
    )
    sql.session.rollback()
  })
  it("reports by cursor and by pipelined function", () => {
    out(
      "begin :1 := billing.new_invoice(1, lines_t(line_t('x', 1, 5))) || billing.new_invoice(2, lines_t(line_t('y', 1, 7))); end;"
    )
    assert.strictEqual(
      out(
        "declare c billing.report_cur; r invoices%rowtype; begin c := billing.open_report; loop fetch c into r; exit when c%notfound; :1 := :1 || r.customer_id || ':' || r.total || ' '; end loop; close c; end;"
      ),
      "1:5 2:7 "
    )
    assert.deepStrictEqual(
      sql.rows("select customer, invoices, total, running from table(billing.statement_(1))"),
      [["C1", "1", "5", "5"], ["C2", "1", "7", "12"]]
    )
    assert.deepStrictEqual(sql.rows("select customer from table(billing.statement_) where rownum = 1"), [["C1"]])
    assert.strictEqual(sql.value("select count(*) from app_log where message = 'statement stopped'"), "1")
    assert.strictEqual(
      out(
        "declare c sys_refcursor; i number; n varchar2(60); begin c := billing.search('email', 'c%', 2); loop fetch c into i, n; exit when c%notfound; :1 := :1 || n; end loop; close c; c := billing.search('name', 'C5'); fetch c into i, n; close c; :1 := :1 || i; end;"
      ),
      "C1C25"
    )
    assert.match(
      sql.error("declare c sys_refcursor; begin c := billing.search('1=1 or name', 'x'); end;"),
      /^ORA-44003/
    )
    sql.session.rollback()
  })
  it("asks types for taxes, in SQL and in PL/SQL", () => {
    assert.deepStrictEqual(
      sql.rows(
        "select country, t.rule.tax(1000), t.rule.describe(), treat(t.rule as capped_rule).cap from tax_book t order by country"
      ),
      [["CH", "5", "vat of 100: 5.00 (at most 5)", "5"], ["NO", "250", "vat of 100: 25.00", null]]
    )
    assert.strictEqual(
      out("begin :1 := billing.tax('NO', 10) || ' ' || billing.tax('CH', 10) || ' ' || billing.tax('XX', 10); end;"),
      "2.5 .8 0"
    )
    assert.strictEqual(
      out(
        "declare l tax_rules; begin select rule bulk collect into l from tax_book order by country desc; for i in 1 .. l.count loop if l(i) is of (capped_rule) then :1 := :1 || 'capped '; else :1 := :1 || treat(l(i) as rate_rule).rate || ' '; end if; end loop; end;"
      ),
      ".25 capped "
    )
  })
  it("changes a view through its trigger", () => {
    sql.run("update customer_totals set name = upper(name) || '!', status = 'B' where id = 5")
    sql.run("delete from customer_totals where id = 2")
    assert.deepStrictEqual(sql.rows("select id, name, status from customers where id in (2, 5) order by id"), [
      ["2", "C2", "C"],
      ["5", "C5!", "B"]
    ])
    sql.session.rollback()
  })
  it("keeps settings by either type, and package state by session", () => {
    sql.run("begin settings.put('limit', '12.5'); settings.put('name', 'x'); settings.put('limit', '13'); end;")
    assert.strictEqual(
      out(
        "begin :1 := settings.get('limit', 0) + 1 || settings.get('name') || settings.get('nosuch', 'y') || settings.get('name', 7); end;"
      ),
      "14xy7"
    )
    sql.session.rollback()
    const other = h.open()
    sql.run("begin app_logger.set_level(app_logger.error_); end;")
    const count = () => Number(out("begin :1 := app_logger.count_; end;"))
    const before = count()
    sql.run("begin app_logger.log_('quiet'); end;")
    other.run("begin app_logger.log_('loud'); end;")
    assert.strictEqual(count(), before + 1)
  })
  it("runs its nightly job", async () => {
    sql.run("insert into invoices (id, customer_id, day_) values (1, 1, date '2024-01-01')")
    sql.session.commit()
    sql.run(
      "begin app_logger.set_level(app_logger.info_); dbms_scheduler.create_job('nightly_job', 'STORED_PROCEDURE', 'nightly', enabled => false); end;"
    )
    await sql.later("begin dbms_scheduler.run_job('nightly_job'); end;")
    await settle()
    assert.strictEqual(sql.value("select state from invoices where id = 1"), "CLOSED")
    assert.strictEqual(out("begin :1 := settings.get('last_run'); end;"), "1")
    assert.strictEqual(
      sql.value("select count(*) from app_log where message = 'nightly: 1' and unit = 'HR.NIGHTLY'"),
      "1"
    )
  })
  it("tells a session whose package was changed, and compiles what depends on it", () => {
    const other = h.open()
    other.run("begin app_logger.set_level('INFO'); end;")
    sql.run(
      "create or replace package app_logger authid definer as subtype level_t is app_log.level_%type; debug_ constant level_t := 'DEBUG'; info_ constant level_t := 'INFO'; error_ constant level_t := 'ERROR'; procedure set_level(l level_t); procedure log_(m varchar2, l level_t default info_); procedure error(m varchar2 default null); function count_(l level_t default null) return pls_integer; function version return varchar2; end app_logger;"
    )
    assert.deepStrictEqual(
      sql.rows("select object_name, object_type from user_objects where status = 'INVALID' order by 1, 2"),
      [["APP_LOGGER", "PACKAGE BODY"], ["BILLING", "PACKAGE BODY"], ["NIGHTLY", "PROCEDURE"]]
    )
    assert.match(
      sql.error("begin app_logger.log_('x'); end;"),
      /ORA-04063: package body "HR.APP_LOGGER" has errors|ORA-04068/
    )
    const body = billingSchema.find((text) => text.includes("package body app_logger"))!
    sql.run(
      body.replace(
        "procedure set_level(l level_t) is",
        "function version return varchar2 is begin return '2'; end;\n  procedure set_level(l level_t) is"
      )
    )
    assert.match(other.error("begin app_logger.log_('x'); end;"), /^ORA-04068/)
    other.run("begin app_logger.log_('x'); end;")
    assert.strictEqual(out("begin :1 := billing.tax('NO', 4) || app_logger.version; end;", other), "12")
    sql.run("begin dbms_utility.compile_schema('HR', false); end;")
    assert.deepStrictEqual(sql.rows("select object_name from user_objects where status = 'INVALID'"), [])
  })
})
