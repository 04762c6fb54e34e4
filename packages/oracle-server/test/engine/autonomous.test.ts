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
})
