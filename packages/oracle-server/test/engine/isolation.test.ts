/** What the kinds of transactions see and refuse, and FOR UPDATE SKIP LOCKED. */
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { fetched, type Harness, harness, settle, type Sql } from "./engineHarness.ts"

let h: Harness
let a: Sql
let b: Sql
beforeEach(() => {
  h = harness()
  a = h.open()
  b = h.open()
  a.run("create table t (id number primary key, n number)")
  a.run("insert into t values (1, 10), (2, 20), (3, 30)")
  a.session.commit()
})
afterEach(() => h.engine.close())

const failure = (promise: Promise<unknown>): Promise<string> =>
  promise.then(() => "none", (cause: Error) => cause.message)

describe("serializable (F32)", () => {
  it("reads one moment, and its own work", () => {
    a.run("set transaction isolation level serializable")
    assert.strictEqual(a.value("select sum(n) from t"), "60")
    b.run("update t set n = 0 where id = 1")
    b.session.commit()
    assert.strictEqual(a.value("select sum(n) from t"), "60")
    a.run("update t set n = 25 where id = 2")
    assert.strictEqual(a.value("select sum(n) from t"), "65")
    a.session.commit()
    assert.strictEqual(a.value("select sum(n) from t"), "55")
  })

  it.each([
    "update t set n = n + 1 where id = 1",
    "delete from t where id = 1",
    "select n from t where id = 1 for update",
    "merge into t using (select 1 id from dual) s on (t.id = s.id) when matched then update set n = 1"
  ])("refuses a row that was changed since: %s", (text) => {
    a.run("set transaction isolation level serializable")
    a.value("select count(*) from t")
    b.run("update t set n = 0 where id = 1")
    b.session.commit()
    assert.strictEqual(a.error(text), "ORA-08177: can't serialize access for this transaction")
    // The statement is undone, not the transaction; a new one succeeds.
    a.session.rollback()
    a.run("set transaction isolation level serializable")
    assert.strictEqual(a.error(text), "none")
  })

  it("fails when the row that it waits for has been changed", async () => {
    a.run("set transaction isolation level serializable")
    b.run("update t set n = 0 where id = 1")
    const waiting = failure(a.later("update t set n = 1 where id = 1"))
    await settle()
    b.session.commit()
    assert.match(await waiting, /^ORA-08177/)
  })

  it("can be the kind of every transaction of a session", () => {
    a.run("alter session set isolation_level = serializable")
    assert.strictEqual(a.value("select n from t where id = 1"), "10")
    b.run("update t set n = 0 where id = 1")
    b.session.commit()
    assert.strictEqual(a.value("select n from t where id = 1"), "10")
    a.session.commit()
    assert.strictEqual(a.value("select n from t where id = 1"), "0")
  })
})

describe("read only (F32)", () => {
  it("reads one moment and refuses every change", () => {
    a.run("set transaction read only")
    b.run("delete from t")
    b.session.commit()
    assert.strictEqual(a.value("select count(*) from t"), "3")
    for (
      const text of [
        "insert into t values (4, 40)",
        "update t set n = 1",
        "delete from t",
        "select n from t for update",
        "begin delete from t; end;"
      ]
    ) {
      assert.match(a.error(text), /^ORA-01456: may not perform insert, delete, update operation inside a READ ONLY/)
    }
    assert.isTrue(a.session.inTransaction)
    a.session.commit()
    assert.strictEqual(a.value("select count(*) from t"), "0")
    assert.strictEqual(a.error("insert into t values (4, 40)"), "none")
  })

  it("must be the first statement of a transaction", () => {
    a.run("insert into t values (4, 40)")
    assert.match(a.error("set transaction read only"), /^ORA-01453/)
  })
})

describe("read committed", () => {
  it("starts a statement again that finds a row changed while it waited", async () => {
    b.run("update t set n = n + 5")
    const waiting = a.later("update t set n = n + 1 where n > 10")
    await settle()
    b.session.commit()
    // By the new values all three rows are to be changed, by the old ones two.
    assert.strictEqual((await waiting).rowCount, 3)
    assert.deepStrictEqual(a.rows("select n from t order by id"), [["16"], ["26"], ["36"]])
  })

  it("reads a cursor as it was opened, through changes and commits of all sessions", () => {
    a.run("insert into t values (4, 40)")
    const { cursor } = a.run("select n from t order by id")
    const lazy = a.run("select n from t").cursor!
    b.run("update t set n = -1 where id = 1")
    b.session.commit()
    a.run("update t set n = -2 where id in (2, 4)")
    a.session.commit()
    for (const one of [cursor!, lazy]) {
      assert.deepStrictEqual(fetched(a.session, one, 10), [["10"], ["20"], ["30"], ["40"]])
    }
    assert.deepStrictEqual(a.rows("select n from t order by id"), [["-1"], ["-2"], ["30"], ["-2"]])
  })

  it("keeps reading a table that was emptied or dropped", () => {
    const first = a.run("select n from t").cursor!
    b.run("truncate table t")
    assert.strictEqual(a.value("select count(*) from t"), "0")
    b.run("drop table t")
    assert.deepStrictEqual(fetched(a.session, first, 10), [["10"], ["20"], ["30"]])
  })

  it("leaves nothing of a statement whose result does not fit (F4)", () => {
    a.run("create table s (ts timestamp)")
    const statement = a.session.parse("insert into s values (systimestamp) returning ts into :1")
    assert.throws(
      () =>
        a.session.execute(statement, {
          bindTypes: [{ type: "NUMBER", maxSize: 22 }],
          rows: [[null]],
          autoCommit: true
        }),
      /ORA-00932/
    )
    const short = a.session.parse("insert into t values (5, 123456) returning n into :1")
    assert.throws(
      () =>
        a.session.execute(short, { bindTypes: [{ type: "VARCHAR2", maxSize: 2 }], rows: [[null]], autoCommit: true }),
      /ORA-06502/
    )
    assert.strictEqual(a.value("select count(*) from s"), "0")
    assert.strictEqual(a.value("select count(*) from t"), "3")
    assert.isFalse(a.session.inTransaction)
  })
})

describe("FOR UPDATE SKIP LOCKED", () => {
  const job = "select id from t order by id for update skip locked"

  it("locks rows as they are fetched, so that several takers share them (F18)", () => {
    const first = a.run(job).cursor!
    const second = b.run(job).cursor!
    assert.deepStrictEqual(fetched(a.session, first, 1), [["1"]])
    assert.deepStrictEqual(fetched(b.session, second, 1), [["2"]])
    assert.deepStrictEqual(fetched(a.session, first, 1), [["3"]])
    assert.deepStrictEqual(fetched(b.session, second, 1), [])
    assert.isTrue(second.exhausted)
  })

  it("passes over a row that another taker has changed and committed", () => {
    const second = b.run(job).cursor!
    const first = a.run(job).cursor!
    assert.deepStrictEqual(fetched(a.session, first, 1), [["1"]])
    a.run("update t set n = -1 where id = 1")
    a.session.commit()
    assert.deepStrictEqual(fetched(b.session, second, 1), [["2"]])
  })

  it("waits for a row that is locked without it", async () => {
    a.run("select id from t where id = 2 for update")
    assert.match(b.error("select id from t for update nowait"), /^ORA-00054/)
    const waiting = b.later("select id from t for update")
    await settle()
    a.session.commit()
    assert.deepStrictEqual(fetched(b.session, (await waiting).cursor!, 10), [["1"], ["2"], ["3"]])
  })
})
