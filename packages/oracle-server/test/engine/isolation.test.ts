/** What the kinds of transactions see and refuse, and FOR UPDATE SKIP LOCKED. */
import { afterEach, beforeEach, describe, expect, it } from "vitest"
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
    expect(a.value("select sum(n) from t")).toBe("60")
    b.run("update t set n = 0 where id = 1")
    b.session.commit()
    expect(a.value("select sum(n) from t")).toBe("60")
    a.run("update t set n = 25 where id = 2")
    expect(a.value("select sum(n) from t")).toBe("65")
    a.session.commit()
    expect(a.value("select sum(n) from t")).toBe("55")
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
    expect(a.error(text)).toBe("ORA-08177: can't serialize access for this transaction")
    // The statement is undone, not the transaction; a new one succeeds.
    a.session.rollback()
    a.run("set transaction isolation level serializable")
    expect(a.error(text)).toBe("none")
  })

  it("fails when the row that it waits for has been changed", async () => {
    a.run("set transaction isolation level serializable")
    b.run("update t set n = 0 where id = 1")
    const waiting = failure(a.later("update t set n = 1 where id = 1"))
    await settle()
    b.session.commit()
    expect(await waiting).toMatch(/^ORA-08177/)
  })

  it("can be the kind of every transaction of a session", () => {
    a.run("alter session set isolation_level = serializable")
    expect(a.value("select n from t where id = 1")).toBe("10")
    b.run("update t set n = 0 where id = 1")
    b.session.commit()
    expect(a.value("select n from t where id = 1")).toBe("10")
    a.session.commit()
    expect(a.value("select n from t where id = 1")).toBe("0")
  })
})

describe("read only (F32)", () => {
  it("reads one moment and refuses every change", () => {
    a.run("set transaction read only")
    b.run("delete from t")
    b.session.commit()
    expect(a.value("select count(*) from t")).toBe("3")
    for (
      const text of [
        "insert into t values (4, 40)",
        "update t set n = 1",
        "delete from t",
        "select n from t for update",
        "begin delete from t; end;"
      ]
    ) {
      expect(a.error(text)).toMatch(/^ORA-01456: may not perform insert, delete, update operation inside a READ ONLY/)
    }
    expect(a.session.inTransaction).toBe(true)
    a.session.commit()
    expect(a.value("select count(*) from t")).toBe("0")
    expect(a.error("insert into t values (4, 40)")).toBe("none")
  })

  it("must be the first statement of a transaction", () => {
    a.run("insert into t values (4, 40)")
    expect(a.error("set transaction read only")).toMatch(/^ORA-01453/)
  })
})

describe("read committed", () => {
  it("starts a statement again that finds a row changed while it waited", async () => {
    b.run("update t set n = n + 5")
    const waiting = a.later("update t set n = n + 1 where n > 10")
    await settle()
    b.session.commit()
    // By the new values all three rows are to be changed, by the old ones two.
    expect((await waiting).rowCount).toBe(3)
    expect(a.rows("select n from t order by id")).toEqual([["16"], ["26"], ["36"]])
  })

  it("reads a cursor as it was opened, through changes and commits of all sessions", () => {
    a.run("insert into t values (4, 40)")
    const { cursor } = a.run("select n from t order by id")
    const lazy = a.run("select n from t").cursor!
    b.run("update t set n = -1 where id = 1")
    b.session.commit()
    a.run("update t set n = -2 where id in (2, 4)")
    a.session.commit()
    for (const one of [cursor!, lazy]) expect(fetched(a.session, one, 10)).toEqual([["10"], ["20"], ["30"], ["40"]])
    expect(a.rows("select n from t order by id")).toEqual([["-1"], ["-2"], ["30"], ["-2"]])
  })

  it("keeps reading a table that was emptied or dropped", () => {
    const first = a.run("select n from t").cursor!
    b.run("truncate table t")
    expect(a.value("select count(*) from t")).toBe("0")
    b.run("drop table t")
    expect(fetched(a.session, first, 10)).toEqual([["10"], ["20"], ["30"]])
  })

  it("leaves nothing of a statement whose result does not fit (F4)", () => {
    a.run("create table s (ts timestamp)")
    const statement = a.session.parse("insert into s values (systimestamp) returning ts into :1")
    expect(() =>
      a.session.execute(statement, { bindTypes: [{ type: "NUMBER", maxSize: 22 }], rows: [[null]], autoCommit: true })
    ).toThrow(/ORA-00932/)
    const short = a.session.parse("insert into t values (5, 123456) returning n into :1")
    expect(() =>
      a.session.execute(short, { bindTypes: [{ type: "VARCHAR2", maxSize: 2 }], rows: [[null]], autoCommit: true })
    ).toThrow(/ORA-06502/)
    expect(a.value("select count(*) from s")).toBe("0")
    expect(a.value("select count(*) from t")).toBe("3")
    expect(a.session.inTransaction).toBe(false)
  })
})

describe("FOR UPDATE SKIP LOCKED", () => {
  const job = "select id from t order by id for update skip locked"

  it("locks rows as they are fetched, so that several takers share them (F18)", () => {
    const first = a.run(job).cursor!
    const second = b.run(job).cursor!
    expect(fetched(a.session, first, 1)).toEqual([["1"]])
    expect(fetched(b.session, second, 1)).toEqual([["2"]])
    expect(fetched(a.session, first, 1)).toEqual([["3"]])
    expect(fetched(b.session, second, 1)).toEqual([])
    expect(second.exhausted).toBe(true)
  })

  it("passes over a row that another taker has changed and committed", () => {
    const second = b.run(job).cursor!
    const first = a.run(job).cursor!
    expect(fetched(a.session, first, 1)).toEqual([["1"]])
    a.run("update t set n = -1 where id = 1")
    a.session.commit()
    expect(fetched(b.session, second, 1)).toEqual([["2"]])
  })

  it("waits for a row that is locked without it", async () => {
    a.run("select id from t where id = 2 for update")
    expect(b.error("select id from t for update nowait")).toMatch(/^ORA-00054/)
    const waiting = b.later("select id from t for update")
    await settle()
    a.session.commit()
    expect(fetched(b.session, (await waiting).cursor!, 10)).toEqual([["1"], ["2"], ["3"]])
  })
})
