import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { harness, type Sql } from "./engineHarness.ts"

const keys = 300

const command = fc.record({
  session: fc.nat({ max: 1 }),
  id: fc.nat({ max: keys - 1 }),
  n: fc.nat({ max: 9 }),
  kind: fc.constantFrom(
    "insert",
    "update",
    "update",
    "delete",
    "commit",
    "rollback",
    "open",
    "snapshot",
    "restore",
    "alter",
    "fork"
  )
})

const byScan = (sql: Sql) => sql.rows("select id, n from t order by id")

/** Each row by its key, by the index over `n`, and by a scan: all of them agree when the indexes are right. */
const agree = (sql: Sql): Array<Array<unknown>> => {
  const rows = byScan(sql)
  for (const [id, n] of rows) {
    assert.deepStrictEqual(sql.rows("select n from t where id = :1", Number(id)), [[n]])
  }
  for (let n = 0; n < 10; n++) {
    assert.deepStrictEqual(
      sql.rows("select id from t where n = :1 order by id", n).map(([id]) => String(id)),
      rows.filter((row) => row[1] === String(n)).map(([id]) => String(id))
    )
  }
  return rows
}

describe("snapshots", () => {
  it("hold what was committed, whatever happens to either side later", () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        const h = harness()
        const forks: Array<ReturnType<typeof harness>> = []
        try {
          const sessions: ReadonlyArray<Sql> = [h.open(), h.open()]
          sessions[0]!.run("create table t (id number primary key, n number)")
          sessions[0]!.run("create index t_n on t (n)")
          sessions[0]!.run("insert into t select level - 1, mod(level, 10) from dual connect by level <= 280")
          sessions[0]!.run("commit")
          const taken: Array<{ readonly snapshot: ReturnType<typeof h.engine.snapshot>; readonly rows: unknown }> = []
          let columns = 0
          for (const { id, kind, n, session } of commands) {
            const sql = sessions[session]!
            // A third session sees what is committed.
            const committed = () => {
              const reader = h.open()
              const rows = agree(reader)
              reader.session.close()
              return rows
            }
            switch (kind) {
              case "insert":
              case "update":
              case "delete": {
                if (sql.error("select id from t where id = :1 for update nowait", id) !== "none") continue
                const other = sessions[1 - session]!.session.inTransaction
                if (kind === "insert" && (other || sql.rows("select 1 from t where id = :1", id).length > 0)) continue
                if (kind === "insert") sql.run("insert into t (id, n) values (:1, :2)", id, n)
                else if (kind === "update") sql.run("update t set n = :2 where id = :1", n, id)
                else sql.run("delete from t where id = :1", id)
                break
              }
              case "commit":
              case "rollback":
                sql.run(kind)
                break
              case "open":
                // A read that is under way keeps old versions alive.
                sql.session.execute(sql.session.parse("select id, n from t"), { bindTypes: [] })
                break
              case "alter":
                for (const each of sessions) each.run("commit")
                sql.run(`alter table t add (c${columns++} number default ${n})`)
                break
              case "snapshot":
                taken.push({ snapshot: h.engine.snapshot(), rows: committed() })
                break
              case "fork": {
                const before = committed()
                const fork = harness()
                forks.push(fork)
                fork.engine.restore(h.engine.snapshot())
                const inFork = fork.open()
                assert.deepStrictEqual(agree(inFork), before)
                inFork.run(`alter table t add (f number default ${n})`)
                inFork.run("update t set n = mod(n + 1, 10)")
                inFork.run("delete from t where mod(id, 3) = 0")
                inFork.run("commit")
                agree(inFork)
                assert.deepStrictEqual(inFork.rows("select distinct f from t"), [[String(n)]])
                assert.deepStrictEqual(committed(), before)
                break
              }
              case "restore": {
                const chosen = taken[n % Math.max(1, taken.length)]
                if (chosen === undefined) continue
                h.engine.restore(chosen.snapshot)
                assert.deepStrictEqual(agree(sql), chosen.rows)
                assert.isFalse(sessions.some((each) => each.session.inTransaction))
                break
              }
            }
          }
          for (const { rows, snapshot } of taken) {
            h.engine.restore(snapshot)
            assert.deepStrictEqual(agree(sessions[0]!), rows)
          }
        } finally {
          for (const fork of [h, ...forks]) fork.engine.close()
        }
      }),
      { numRuns: 25 }
    )
  })
})

describe("a restored database", () => {
  const pair = () => {
    const h = harness()
    const sql = h.open()
    return { h, sql }
  }

  it("has its sequences, identities, views, keys and procedures as they were", () => {
    const { h, sql } = pair()
    sql.run("create sequence s")
    sql.run("create table p (id number generated always as identity primary key, n number default s.nextval)")
    sql.run("create table c (p number references p)")
    sql.run("create view v as select n from p")
    sql.run("create procedure add_one as begin insert into p (n) values (default); end;")
    sql.run("begin add_one; end;")
    sql.run("commit")
    const snapshot = h.engine.snapshot()
    const use = () => {
      sql.run("begin add_one; end;")
      return sql.rows("select id, n from p order by id")
    }
    const first = use()
    sql.run("drop view v")
    sql.run("drop table c")
    sql.run("drop procedure add_one")
    sql.run("drop sequence s")
    h.engine.restore(snapshot)
    assert.deepStrictEqual(use(), first)
    assert.deepStrictEqual(sql.rows("select n from v order by n"), [["1"], ["2"]])
    assert.match(sql.error("insert into c values (7)"), /^ORA-02291/)
    sql.run("insert into c values (1)")
    assert.match(sql.error("delete from p where id = 1"), /^ORA-02292/)
    h.engine.close()
  })

  it("keeps sessions; their transactions and cursors are gone", () => {
    const { h, sql } = pair()
    sql.run("create table t (n number)")
    sql.run("create global temporary table g (n number) on commit preserve rows")
    const snapshot = h.engine.snapshot()
    sql.run("insert into t select level from dual connect by level <= 10")
    sql.run("commit")
    sql.run("insert into g values (1)")
    sql.run("insert into t values (0)")
    const { cursor } = sql.run("select n from t")
    assert.lengthOf(sql.session.fetch(cursor!, 2) as ReadonlyArray<unknown>, 2)
    h.engine.restore(snapshot)
    assert.isFalse(sql.session.inTransaction)
    assert.throws(() => sql.session.fetch(cursor!, 2), /ORA-08103/)
    assert.deepStrictEqual(sql.rows("select count(*) from t"), [["0"]])
    assert.deepStrictEqual(sql.rows("select count(*) from g"), [["0"]])
    sql.run("insert into t values (1)")
    sql.run("rollback")
    assert.deepStrictEqual(sql.rows("select count(*) from t"), [["0"]])
    h.engine.close()
  })

  it("does not let a statement that waited go on", async () => {
    const { h, sql } = pair()
    sql.run("create table t (n number)")
    sql.run("insert into t values (1)")
    sql.run("commit")
    const snapshot = h.engine.snapshot()
    sql.run("update t set n = 2")
    const other = h.open()
    const waiting = other.later("update t set n = 3").then(() => "done", (error: Error) => error.message.slice(0, 9))
    h.engine.restore(snapshot)
    assert.strictEqual(await waiting, "ORA-01013")
    assert.deepStrictEqual(sql.rows("select n from t"), [["1"]])
    other.run("update t set n = 4")
    h.engine.close()
  })

  it("is shared by a snapshot and its forks until somebody writes: memory is counted once in each", () => {
    const { h, sql } = pair()
    sql.run("create table t (v varchar2(1000))")
    sql.run("insert into t select rpad('x', 1000) from dual connect by level <= 1000")
    sql.run("commit")
    const fork = harness({ memoryLimit: 3_000_000 })
    for (let again = 0; again < 10; again++) fork.engine.restore(h.engine.snapshot())
    const inFork = fork.open()
    inFork.run("insert into t select rpad('y', 1000) from dual connect by level <= 1000")
    assert.match(inFork.error("insert into t select v from t"), /^ORA-04030/)
    inFork.run("rollback")
    inFork.run("truncate table t")
    inFork.run("insert into t select rpad('z', 1000) from dual connect by level <= 1900")
    h.engine.close()
    fork.engine.close()
  })
})
