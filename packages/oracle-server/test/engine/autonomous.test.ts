import { afterAll, assert, beforeEach, describe, it } from "vitest"
import { type Harness, harness, type Sql } from "./engineHarness.ts"

const opened: Array<Harness> = []
let h: Harness
let sql: Sql
beforeEach(() => {
  h = harness()
  opened.push(h)
  sql = h.open()
  sql.run("create table t (id number primary key, n number)")
  sql.run("create table log (text varchar2(50))")
  sql.run(
    "create procedure note(text varchar2) as pragma autonomous_transaction; begin insert into log values (text); commit; end;"
  )
})
afterAll(() => opened.forEach(({ engine }) => engine.close()))

describe("autonomous transactions", () => {
  it("commit apart from the transaction around them", () => {
    sql.run("begin insert into t values (1, 1); note('one'); insert into t values (2, 2); rollback; end;")
    assert.deepStrictEqual(sql.rows("select * from t"), [])
    assert.deepStrictEqual(sql.rows("select text from log"), [["one"]])
  })
  it("do not see what the transaction around them has not committed", () => {
    sql.run("insert into t values (1, 1)")
    sql.run(
      "declare procedure p is pragma autonomous_transaction; n number; begin select count(*) into n from t; insert into log values (n); commit; end; begin p; end;"
    )
    assert.deepStrictEqual(sql.rows("select text from log"), [["0"]])
    assert.deepStrictEqual(sql.rows("select count(*) from t"), [["1"]])
    assert.isTrue(sql.session.inTransaction)
    sql.session.rollback()
  })
  it("must end their work", () => {
    const text =
      "declare procedure p is pragma autonomous_transaction; begin insert into log values ('x'); end; begin p; end;"
    assert.include(sql.error(text), "ORA-06519: active autonomous transaction detected and rolled back")
    assert.deepStrictEqual(sql.rows("select * from log"), [])
  })
  it("roll back when they fail", () => {
    sql.error(
      "declare procedure p is pragma autonomous_transaction; begin insert into log values ('x'); raise no_data_found; end; begin p; end;"
    )
    assert.deepStrictEqual(sql.rows("select * from log"), [])
    sql.run("insert into log values ('free')")
    sql.session.commit()
  })
  it("fail at once where they would wait for their own session", () => {
    sql.run("insert into t values (1, 1)")
    sql.session.commit()
    sql.run("update t set n = 2 where id = 1")
    assert.include(
      sql.error(
        "declare procedure p is pragma autonomous_transaction; begin update t set n = 3 where id = 1; commit; end; begin p; end;"
      ),
      "ORA-00060: deadlock detected while waiting for resource"
    )
    sql.session.rollback()
    assert.deepStrictEqual(sql.rows("select n from t"), [["1"]])
  })
  it("hold locks that other sessions wait for", async () => {
    sql.run("insert into t values (1, 1)")
    sql.session.commit()
    const other = h.open()
    const waiting = sql.later(
      "declare procedure p is pragma autonomous_transaction; begin update t set n = 5 where id = 1; dbms_session.sleep(1); commit; end; begin p; end;"
    )
    const blocked = other.later("update t set n = n + 1 where id = 1")
    await new Promise((resolve) => setImmediate(resolve))
    h.sleepers[0]!.wake()
    await waiting
    await blocked
    other.session.commit()
    assert.deepStrictEqual(sql.rows("select n from t"), [["6"]])
  })
  it("leave nothing behind when their session is killed, neither their work nor that around them", async () => {
    sql.run("insert into t values (1, 1)")
    sql.session.commit()
    const other = h.open()
    sql.run("update t set n = 2")
    const waiting = sql.later(
      "declare procedure p is pragma autonomous_transaction; begin insert into log values ('x'); dbms_session.sleep(1); commit; end; begin insert into t values (2, 2); p; end;"
    ).catch((error: Error) => error.message)
    sql.session.close()
    assert.strictEqual(await waiting, "ORA-00028: your session has been killed")
    assert.strictEqual(other.run("update t set n = n + 10").rowCount, 1)
    assert.deepStrictEqual(other.rows("select * from t"), [["1", "11"]])
    assert.deepStrictEqual(other.rows("select * from log"), [])
  })
  it("still fail at once in front of their own session after they have waited for another one", async () => {
    sql.run("insert into t values (1, 1)")
    sql.session.commit()
    const other = h.open()
    other.run("declare n number; begin n := dbms_lock.request(5); end;")
    sql.run("update t set n = 2")
    const waiting = sql.later(
      "declare procedure p is pragma autonomous_transaction; n number; begin n := dbms_lock.request(5); update t set n = 3; commit; end; begin p; end;"
    ).catch((error: Error) => error.message)
    other.run("declare n number; begin n := dbms_lock.release(5); end;")
    assert.include(await waiting, "ORA-00060: deadlock detected")
    sql.session.rollback()
  })
  it("give locks back and alerts out at their own commit", async () => {
    const other = h.open()
    other.run("begin dbms_alert.register('moved'); end;")
    sql.run("insert into t values (1, 1)")
    sql.run(
      "declare procedure p is pragma autonomous_transaction; n number; begin n := dbms_lock.request(7, release_on_commit => true); dbms_alert.signal('moved', 'x'); commit; end; begin p; end;"
    )
    const asked = await other.later(
      "begin :1 := dbms_lock.request(7, timeout => 0); dbms_alert.waitone('moved', :2, :3, 0); end;",
      0,
      "",
      0
    )
    assert.deepStrictEqual(asked.outBinds!.map(({ values }) => String(values[0])), ["0", "x", "0"])
    assert.isTrue(sql.session.inTransaction)
    sql.session.rollback()
  })
  it("have nothing open when they pipe a row, and keep what they have committed from the query's transaction", () => {
    sql.run("create type numbers as table of number")
    sql.run(
      "create function good return numbers pipelined is pragma autonomous_transaction; begin for i in 1 .. 3 loop insert into log values (i); commit; pipe row (i); end loop; return; end;"
    )
    sql.run("insert into t values (9, 9)")
    const { cursor } = sql.run("select column_value from table(good)")
    // Between two rows the session is in its own transaction.
    sql.session.rollback()
    assert.deepStrictEqual(sql.rows("select * from t"), [])
    sql.session.closeCursor(cursor!)
    sql.run(
      "create function bad return numbers pipelined is pragma autonomous_transaction; begin insert into log values ('bad'); pipe row (1); commit; return; end;"
    )
    assert.include(sql.error("select * from table(bad)"), "ORA-06519: active autonomous transaction")
    assert.deepStrictEqual(sql.rows("select count(*) from log where text = 'bad'"), [["0"]])
    // A function that is not autonomous gives rows within a transaction that is.
    sql.run("create function plain return numbers pipelined is begin pipe row (5); return; end;")
    sql.run(
      "declare procedure p is pragma autonomous_transaction; n number; begin insert into log values ('y'); select * into n from table(plain); rollback; end; begin p; end;"
    )
  })
  it("own no lock of a script's that runs meanwhile", async () => {
    sql.run("insert into t values (1, 1)")
    sql.session.commit()
    const script = h.engine.runScript("HR", "update t set n = 2;\nbegin dbms_session.sleep(1); end;\n/\n")
    await new Promise((resolve) => setImmediate(resolve))
    const update =
      "declare procedure p is pragma autonomous_transaction; n number; begin select n into n from t for update nowait; rollback; end; begin p; end;"
    for (let i = 0; i < 3; i++) assert.include(sql.error(update), "ORA-00054")
    h.sleepers.at(-1)!.wake()
    await script
  })
})
