import * as fc from "fast-check"
import { assert, describe, it } from "vitest"
import { harness, settle, type Sql } from "./engineHarness.ts"

/** What each session must see: the committed rows, and on top of them its own changes. */
class Model {
  committed = new Map<number, number>()
  readonly own: ReadonlyArray<Map<number, number | null>> = [new Map(), new Map(), new Map()]
  /** Rows that a session has locked and not changed. */
  readonly locks: ReadonlyArray<Set<number>> = [new Set(), new Set(), new Set()]

  view(session: number): Array<Array<string>> {
    const rows = new Map<number, number>(this.committed)
    for (const [id, n] of this.own[session]!) {
      if (n === null) rows.delete(id)
      else rows.set(id, n)
    }
    return [...rows].toSorted(([a], [b]) => a - b).map(([id, n]) => [String(id), String(n)])
  }

  sees(session: number, id: number): boolean {
    const own = this.own[session]!.get(id)
    return own === undefined ? this.committed.has(id) : own !== null
  }

  /** Another session has changed this key and has not ended. */
  held(session: number, id: number): boolean {
    return this.own.some((changes, other) => other !== session && changes.has(id))
  }

  /** Another session has locked the row: it stays, whatever becomes of the lock. */
  locked(session: number, id: number): boolean {
    return this.locks.some((rows, other) => other !== session && rows.has(id))
  }
}

const command = fc.record({
  session: fc.nat({ max: 2 }),
  id: fc.nat({ max: 4 }),
  n: fc.nat({ max: 99 }),
  kind: fc.constantFrom("insert", "update", "update", "delete", "lock", "commit", "rollback")
})

describe("sessions against a model", () => {
  it("see what is committed and their own work, and nothing else", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 40 }), async (commands) => {
        const h = harness()
        try {
          const sessions: ReadonlyArray<Sql> = [h.open(), h.open(), h.open()]
          sessions[0]!.run("create table t (id number primary key, n number)")
          const model = new Model()
          for (const { id, kind, n, session } of commands) {
            const sql = sessions[session]!
            const own = model.own[session]!
            if (kind === "commit" || kind === "rollback") {
              sql.run(kind)
              if (kind === "commit") {
                for (const [key, value] of own) {
                  if (value === null) model.committed.delete(key)
                  else model.committed.set(key, value)
                }
              }
              own.clear()
              model.locks[session]!.clear()
            } else if (model.held(session, id) || (kind !== "insert" && model.locked(session, id))) {
              // Another session decides about this key first: the statement waits exactly when it concerns it.
              const concerned = kind === "insert" || model.committed.has(id)
              if (kind === "lock" || !concerned) continue
              const text = kind === "insert"
                ? "insert into t values (:1, 0)"
                : kind === "update"
                ? "update t set n = 0 where id = :1"
                : "delete from t where id = :1"
              const waiting = sql.later(text, id).then(() => "done", (error: Error) => error.message.slice(0, 9))
              await settle()
              sql.session.cancel()
              assert.strictEqual(await waiting, "ORA-01013")
            } else {
              const there = model.sees(session, id)
              if (kind === "insert") {
                const error = sql.error("insert into t values (:1, :2)", id, n)
                assert.strictEqual(error.slice(0, 9), there ? "ORA-00001" : "none")
                if (!there) own.set(id, n)
              } else if (kind === "lock") {
                assert.deepStrictEqual(
                  sql.rows("select id from t where id = :1 for update nowait", id),
                  there ? [[String(id)]] : []
                )
                if (there && !own.has(id)) model.locks[session]!.add(id)
              } else {
                const text = kind === "update" ? "update t set n = :2 where id = :1" : "delete from t where id = :1"
                const result = sql.run(text, ...(kind === "update" ? [n, id] : [id]))
                assert.strictEqual(result.rowCount, there ? 1 : 0)
                if (there) own.set(id, kind === "update" ? n : null)
              }
            }
            for (const [i, each] of sessions.entries()) {
              assert.deepStrictEqual(each.rows("select id, n from t order by id"), model.view(i))
            }
          }
          for (const each of sessions) each.session.close()
          assert.deepStrictEqual(h.engine.sessions(), [])
          const last = h.open()
          assert.deepStrictEqual(
            last.rows("select id, n from t order by id"),
            [...model.committed].toSorted(([a], [b]) => a - b).map((row) => row.map(String))
          )
        } finally {
          h.engine.close()
        }
      }),
      { numRuns: 60 }
    )
  })
})
