import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { type Harness, harness, settle, type Sql } from "./engineHarness.ts"

let h: Harness
let a: Sql
let b: Sql

beforeEach(() => {
  h = harness()
  a = h.open()
  b = h.open()
  a.run("create table t (id number constraint t_pk primary key, n number)")
  a.run("insert into t values (1, 10), (2, 20), (3, 30)")
  a.session.commit()
})
afterEach(() => h.engine.close())

const failure = (promise: Promise<unknown>): Promise<string> =>
  promise.then(() => "none", (error: Error) => error.message)

describe("read committed", () => {
  it("shows other sessions nothing before the commit, and everything after", () => {
    a.run("insert into t values (4, 40)")
    a.run("update t set n = n + 1 where id = 1")
    a.run("delete from t where id = 2")
    assert.deepStrictEqual(a.rows("select id, n from t order by id"), [["1", "11"], ["3", "30"], ["4", "40"]])
    assert.deepStrictEqual(b.rows("select id, n from t order by id"), [["1", "10"], ["2", "20"], ["3", "30"]])
    assert.isTrue(a.session.inTransaction)
    assert.isFalse(b.session.inTransaction)
    a.session.commit()
    assert.isFalse(a.session.inTransaction)
    assert.deepStrictEqual(b.rows("select id, n from t order by id"), [["1", "11"], ["3", "30"], ["4", "40"]])
  })

  it("rolls back to the start and to savepoints", () => {
    a.run("update t set n = 0 where id = 1")
    a.run("savepoint s")
    a.run("update t set n = 1 where id = 1")
    a.run("delete from t where id = 3")
    a.run("insert into t values (9, 9)")
    a.run("update t set n = 99 where id = 9")
    a.run("rollback to s")
    assert.deepStrictEqual(a.rows("select id, n from t order by id"), [["1", "0"], ["2", "20"], ["3", "30"]])
    a.run("rollback")
    assert.deepStrictEqual(a.rows("select id, n from t order by id"), [["1", "10"], ["2", "20"], ["3", "30"]])
  })

  it("lets two sessions change different rows at the same time", () => {
    a.run("update t set n = 11 where id = 1")
    b.run("update t set n = 22 where id = 2")
    b.session.commit()
    a.session.commit()
    assert.deepStrictEqual(b.rows("select n from t order by id"), [["11"], ["22"], ["30"]])
  })

  it("waits for a row and then works on what was committed", async () => {
    a.run("update t set n = n + 1 where id = 1")
    const waiting = b.later("update t set n = n * 2 where id = 1")
    await settle()
    assert.deepStrictEqual(b.rows("select n from t where id = 2"), [["20"]])
    a.session.commit()
    assert.strictEqual((await waiting).rowCount, 1)
    b.session.commit()
    assert.strictEqual(a.value("select n from t where id = 1"), "22")
  })

  it("waits for the fate of an equal key", async () => {
    a.run("insert into t values (4, 1)")
    const loses = failure(b.later("insert into t values (4, 2)"))
    await settle()
    a.session.commit()
    assert.strictEqual(await loses, "ORA-00001: unique constraint (HR.T_PK) violated")
    a.run("insert into t values (5, 1)")
    const wins = b.later("insert into t values (5, 2)")
    await settle()
    a.session.rollback()
    assert.strictEqual((await wins).rowCount, 1)
  })

  it("keeps a parent from going while another session adds its child", async () => {
    a.run("create table c (t_id number references t)")
    b.run("insert into c values (1)")
    const waiting = failure(a.later("delete from t where id = 1"))
    await settle()
    b.session.commit()
    assert.match(await waiting, /^ORA-02292/)
  })
})

describe("the end of a transaction", () => {
  it("is there at once when a statement changes nothing", () => {
    for (
      const text of [
        "update t set n = 1 where id = 99",
        "select id from t where id = 99 for update",
        "delete from t where 1 = 0"
      ]
    ) {
      a.run(text)
      assert.deepStrictEqual([text, a.session.inTransaction], [text, false])
    }
    assert.match(a.error("insert into t values (1, 1)"), /^ORA-00001/)
    assert.isFalse(a.session.inTransaction)
    assert.match(a.error("begin insert into t values (7, 1); insert into t values (1, 1); end;"), /^ORA-00001/)
    assert.isFalse(a.session.inTransaction)
    a.run("lock table t in share mode")
    assert.isTrue(a.session.inTransaction)
    a.run("commit")
    a.run("insert into t values (5, 5)")
    assert.match(a.error("insert into t values (1, 1)"), /^ORA-00001/)
    assert.isTrue(a.session.inTransaction)
    b.run("update t set n = 0 where id = 1")
    assert.match(a.error("update t set n = 'x' where id = 2"), /^ORA-01722/)
    assert.deepStrictEqual(b.rows("select id from t where id = 2 for update nowait"), [["2"]])
  })
})

describe("locks", () => {
  it("finds a deadlock in the session that closes the circle", async () => {
    a.run("update t set n = 1 where id = 1")
    b.run("update t set n = 2 where id = 2")
    const first = a.later("update t set n = 1 where id = 2")
    await settle()
    assert.strictEqual(
      b.error("update t set n = 2 where id = 1"),
      "ORA-00060: deadlock detected while waiting for resource"
    )
    b.session.rollback()
    assert.strictEqual((await first).rowCount, 1)
  })

  it("select … for update: nowait, wait n, skip locked, of", async () => {
    assert.deepStrictEqual(a.rows("select id from t where id = 1 for update"), [["1"]])
    assert.isTrue(a.session.inTransaction)
    assert.strictEqual(
      b.error("select id from t where id = 1 for update nowait"),
      "ORA-00054: resource busy and acquire with NOWAIT specified or timeout expired"
    )
    assert.deepStrictEqual(b.rows("select id from t order by id for update skip locked"), [["2"], ["3"]])
    b.session.rollback()
    const timed = failure(b.later("select id from t where id = 1 for update wait 3"))
    await settle()
    assert.deepStrictEqual(h.sleepers.map((sleeper) => sleeper.milliseconds), [3000])
    h.sleepers[0]!.wake()
    assert.strictEqual(await timed, "ORA-30006: resource busy; acquire with WAIT timeout expired")
    a.session.commit()
    assert.deepStrictEqual(
      b.rows("select t.id from t, (select 1 x from dual) y where id = 1 for update of t.n nowait"),
      [[
        "1"
      ]]
    )
  })

  it("tells the blocker in v$session, and lets a break end the wait", async () => {
    a.run("update t set n = 1 where id = 1")
    const waiting = failure(b.later("delete from t where id = 1"))
    await settle()
    assert.deepStrictEqual(
      a.rows("select status, blocking_session from v$session where sid = :1", b.session.info.sid),
      [
        ["ACTIVE", String(a.session.info.sid)]
      ]
    )
    b.session.cancel()
    assert.strictEqual(await waiting, "ORA-01013: User requested cancel of current operation.")
    assert.strictEqual(b.value("select count(*) from t"), "3")
    a.session.rollback()
    assert.strictEqual(b.run("delete from t where id = 1").rowCount, 1)
  })

  it("gives everything back when a session closes", async () => {
    a.run("update t set n = 1 where id = 1")
    a.run("lock table t in share mode")
    const waiting = b.later("update t set n = 5 where id = 1")
    await settle()
    a.session.close()
    a.session.close()
    assert.strictEqual((await waiting).rowCount, 1)
    b.session.commit()
    assert.strictEqual(b.value("select n from t where id = 1"), "5")
    assert.match(a.error("select 1 from dual"), /^ORA-00028/)
  })

  it("locks tables, and keeps definitions away from tables in use", () => {
    a.run("lock table t in exclusive mode")
    assert.match(b.error("lock table t in row share mode nowait"), /^ORA-00054/)
    a.session.commit()
    b.run("update t set n = 1 where id = 1")
    assert.match(a.error("drop table t"), /^ORA-00054/)
    assert.match(a.error("alter table t add (x number)"), /^ORA-00054/)
    b.session.commit()
    assert.strictEqual(a.error("alter table t add (x number default 7)"), "none")
    assert.deepStrictEqual(a.rows("select distinct x from t"), [["7"]])
  })
})

describe("array DML", () => {
  const insert = (sql: Sql, ids: ReadonlyArray<string>, batchErrors: boolean) =>
    sql.session.execute(sql.session.parse("insert into t (id, n) values (:1, 5)"), {
      bindTypes: [{ type: "NUMBER", maxSize: 22 }],
      rows: ids.map((id) => [id]),
      batchErrors,
      rowCounts: true
    })

  it("stops at the first failure, or reports them all", () => {
    assert.throws(() => insert(a, ["7", "1", "8"], false), /ORA-00001/)
    assert.strictEqual(a.value("select count(*) from t"), "4")
    a.session.rollback()
    const result = insert(a, ["7", "1", "8", "2"], true)
    if (result instanceof Promise) throw new Error("waits")
    assert.strictEqual(result.rowCount, 2)
    assert.deepStrictEqual(result.rowCounts, [1, 0, 1, 0])
    assert.deepStrictEqual(result.batchErrors!.map(({ error, row }) => [row, error.code]), [[1, 1], [3, 1]])
  })

  it("commits with the statement when asked", () => {
    a.session.execute(a.session.parse("delete from t where id = 1"), { bindTypes: [], autoCommit: true })
    assert.isFalse(a.session.inTransaction)
    assert.strictEqual(b.value("select count(*) from t"), "2")
  })
})

describe("merge and returning", () => {
  it("merges", () => {
    const result = a.run(
      "merge into t using (select 2 id, 200 n from dual union all select 4, 400 from dual) s on (t.id = s.id) when matched then update set t.n = s.n when not matched then insert (id, n) values (s.id, s.n)"
    )
    assert.strictEqual(result.rowCount, 2)
    assert.deepStrictEqual(a.rows("select id, n from t order by id"), [["1", "10"], ["2", "200"], ["3", "30"], [
      "4",
      "400"
    ]])
    assert.match(
      a.error(
        "merge into t using (select 1 id from dual union all select 1 from dual) s on (t.id = s.id) when matched then update set n = 1"
      ),
      /^ORA-30926/
    )
  })

  it("returns the rows it touched", () => {
    const statement = a.session.parse("update t set n = n + 1 where id <= :x returning id, n into :i, :n")
    assert.deepStrictEqual(statement.placeholders, [
      { name: "X", direction: "in" },
      { name: "I", direction: "returning" },
      { name: "N", direction: "returning" }
    ])
    const number = { type: "NUMBER", maxSize: 22 } as const
    const result = a.session.execute(statement, {
      bindTypes: [number, number, { type: "VARCHAR2", maxSize: 10 }],
      rows: [["2", null, null], ["1", null, null]]
    })
    if (result instanceof Promise) throw new Error("waits")
    assert.deepStrictEqual(result.returned, [
      { index: 1, type: "NUMBER", values: [["1", "2"], ["1"]] },
      { index: 2, type: "VARCHAR2", values: [["11", "21"], ["12"]] }
    ])
    assert.strictEqual(result.lastRowid, a.value("select rowid from t where id = 1"))
  })

  it("fills identity columns, defaults and sequences", () => {
    a.run("create sequence s start with 100")
    a.run(
      "create table i (id number generated always as identity, k number default s.nextval, u varchar2(10) default user, o number default on null 3)"
    )
    a.run("insert into i (o) values (null)")
    a.run("insert into i (k, o) select level, default_o from (select 9 default_o from dual) connect by level <= 2")
    assert.deepStrictEqual(a.rows("select * from i order by id"), [["1", "100", "HR", "3"], ["2", "1", "HR", "9"], [
      "3",
      "2",
      "HR",
      "9"
    ]])
    assert.match(a.error("insert into i (id) values (5)"), /^ORA-32795/)
  })
})

describe("a row that was inserted and deleted again", () => {
  it("keeps its key until the transaction ends, and takes nothing of others with it", async () => {
    a.run("insert into t values (4, 40)")
    a.run("delete from t where id = 4")
    const waiting = b.later("insert into t values (4, 44)")
    let isDone = false
    void waiting.then(() => {
      isDone = true
    })
    await settle()
    assert.isFalse(isDone)
    a.run("rollback")
    await waiting
    b.session.commit()
    assert.deepStrictEqual(a.rows("select n from t where id = 4"), [["44"]])
  })

  it("comes back with a savepoint", () => {
    a.run("insert into t values (4, 40)")
    a.run("savepoint s")
    a.run("delete from t where id = 4")
    a.run("rollback to s")
    a.session.commit()
    assert.deepStrictEqual(b.rows("select n from t where id = 4"), [["40"]])
  })
})
