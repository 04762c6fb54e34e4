import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, type Scope } from "effect"
import * as Fault from "../../src/Fault.ts"
import * as OracleServer from "../../src/OracleServer.ts"
import { type Connection, oracledb, type Xid } from "../driver.ts"
import { codeOf, dialects } from "./served.ts"

const { TPC_BEGIN_JOIN, TPC_BEGIN_NEW, TPC_BEGIN_PROMOTE, TPC_BEGIN_RESUME } = oracledb as unknown as Record<
  "TPC_BEGIN_JOIN" | "TPC_BEGIN_NEW" | "TPC_BEGIN_PROMOTE" | "TPC_BEGIN_RESUME",
  number
>

const connectTo = (connectString: string): Effect.Effect<Connection, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() => oracledb.getConnection({ user: "scott", password: "tiger", connectString })),
    (connection) => Effect.promise(() => connection.close().catch(() => undefined))
  )

const served = <A>(
  test: (
    one: Connection,
    two: Connection,
    server: OracleServer.Service
  ) => Promise<A> | Effect.Effect<A, unknown, Scope.Scope>,
  options: OracleServer.Options = {}
) =>
  Effect.scoped(Effect.gen(function*() {
    const server = yield* OracleServer.make({ script: "create table t (n number, s varchar2(100));", ...options })
    const one = yield* connectTo(server.connectString)
    const two = yield* connectTo(server.connectString)
    const result = test(one, two, server)
    return yield* result instanceof Promise ? Effect.promise(() => result) : result
  }))

const code = (work: () => Promise<unknown>): Promise<string> => Effect.runPromise(codeOf(work))
const xid = (branchQualifier: string, globalTransactionId: string | Buffer = "txn"): Xid => ({
  formatId: 3900,
  globalTransactionId,
  branchQualifier
})
const insert = (connection: Connection, n: number, options: object = {}) =>
  connection.execute("insert into t values (:1, 'row')", [n], options)
const numbers = async (connection: Connection) => {
  const { rows } = await connection.execute("select n from t order by n")
  return rows.map(([n]) => n)
}

for (const { name, protocol } of dialects) {
  describe(`global transactions, ${name}`, () => {
    it.live("are prepared in one session and committed in another", () =>
      served(async (one, two) => {
        const id = xid("a")
        await one.tpcBegin(id)
        assert.isTrue(one.transactionInProgress)
        await insert(one, 1)
        assert.isTrue(await one.tpcPrepare(id))
        assert.isFalse(one.transactionInProgress)
        assert.deepStrictEqual(await numbers(one), [])
        assert.deepStrictEqual(await two.tpcRecover(), [id])
        await two.tpcCommit(id)
        assert.deepStrictEqual(await numbers(one), [1])
        assert.deepStrictEqual(await two.tpcRecover(), [])
        assert.strictEqual(await code(() => two.tpcCommit(id)), "ORA-24756")
      }, { protocol }))
  })
}

describe("global transactions", () => {
  it.live("with nothing to commit are over when they are prepared", () =>
    served(async (one) => {
      const id = xid("a")
      await one.tpcBegin(id)
      assert.isFalse(await one.tpcPrepare())
      await one.tpcBegin(id, TPC_BEGIN_NEW)
      await insert(one, 1)
      assert.isTrue(await one.tpcPrepare())
      await one.tpcRollback()
      assert.deepStrictEqual(await numbers(one), [])
      await one.tpcBegin(id)
      await one.execute("select * from t")
      await one.tpcEnd(id)
      assert.isFalse(await one.tpcPrepare(id))
      assert.strictEqual(await code(() => one.tpcCommit(id)), "ORA-24756")
      await one.tpcBegin(id)
      await one.tpcPrepare(id)
      assert.strictEqual(await code(() => one.tpcBegin(id, TPC_BEGIN_RESUME)), "ORA-24756")
    }))

  it.live("several of them on one connection, one at a time", () =>
    served(async (one) => {
      const ids = [xid("a"), xid("b")]
      for (const [n, id] of ids.entries()) {
        await one.tpcBegin(id)
        await insert(one, n)
        await one.tpcEnd()
      }
      for (const [n, id] of ids.entries()) {
        await one.tpcBegin(id, TPC_BEGIN_RESUME)
        assert.deepStrictEqual(await numbers(one), [n])
        await one.tpcEnd(id)
      }
      await one.tpcRollback(ids[0])
      assert.strictEqual(await code(() => one.tpcPrepare(ids[0])), "ORA-24756")
      assert.isTrue(await one.tpcPrepare(ids[1]))
      await one.tpcCommit(ids[1])
      assert.deepStrictEqual(await numbers(one), [1])
    }))

  it.live("beginning another one leaves the first, which is not the current one any more", () =>
    served(async (one) => {
      const [first, second] = [xid("a"), xid("b")]
      await one.tpcBegin(first)
      await insert(one, 1)
      await one.tpcBegin(second)
      assert.strictEqual(await code(() => one.tpcEnd(first)), "ORA-24758")
      await insert(one, 2)
      await one.tpcEnd(second)
      assert.strictEqual(await code(() => one.tpcEnd(first)), "ORA-25352")
      await one.tpcRollback(first)
      await one.tpcRollback(second)
      assert.deepStrictEqual(await numbers(one), [])
    }))

  it.live("take over a local transaction when told to, and never by themselves", () =>
    served(async (one, two) => {
      const id = xid("a")
      await insert(one, 1)
      assert.strictEqual(await code(() => one.tpcBegin(id)), "ORA-24776")
      await one.tpcBegin(id, TPC_BEGIN_PROMOTE)
      assert.deepStrictEqual(await numbers(one), [1])
      await one.tpcEnd(id)
      // The session's own transaction is another one now, and its locks are not those of the first.
      await insert(one, 2)
      await one.commit()
      await two.tpcBegin(id, TPC_BEGIN_JOIN)
      assert.deepStrictEqual(await numbers(two), [1, 2])
      await two.tpcCommit(id, true)
      assert.deepStrictEqual(await numbers(one), [1, 2])
    }))

  it.live("are not begun twice", () =>
    served(async (one, two) => {
      const id = xid("a")
      await one.tpcBegin(id)
      assert.strictEqual(await code(() => one.tpcBegin(id, TPC_BEGIN_NEW)), "ORA-24757")
      assert.strictEqual(await code(() => one.tpcBegin(id, TPC_BEGIN_PROMOTE)), "ORA-24797")
      assert.strictEqual(await code(() => two.tpcBegin(id)), "ORA-24757")
      assert.strictEqual(await code(() => two.tpcBegin(id, TPC_BEGIN_RESUME, 0)), "ORA-25351")
      assert.strictEqual(await code(() => two.tpcPrepare(id)), "ORA-25351")
      await one.tpcEnd()
      for (const flag of [TPC_BEGIN_NEW, TPC_BEGIN_PROMOTE]) {
        assert.strictEqual(await code(() => one.tpcBegin(id, flag)), "ORA-24757")
      }
      assert.strictEqual(await code(() => two.tpcBegin(xid("none"), TPC_BEGIN_JOIN)), "ORA-24756")
      await one.tpcRollback(id)
    }))

  it.live("are ended by their coordinator only", () =>
    served(async (one) => {
      const id = xid("a")
      await one.tpcBegin(id)
      await insert(one, 1)
      assert.strictEqual(await code(() => one.commit()), "ORA-24795")
      assert.strictEqual(await code(() => one.rollback()), "ORA-24795")
      for (const sql of ["commit", "truncate table t", "begin commit; end;", "begin dbms_transaction.commit; end;"]) {
        assert.strictEqual(await code(() => one.execute(sql)), "ORA-02089", sql)
      }
      assert.strictEqual(await code(() => insert(one, 2, { autoCommit: true })), "ORA-02089")
      assert.strictEqual(await code(() => one.execute("rollback")), "ORA-02074")
      assert.strictEqual(await code(() => one.beginSessionlessTransaction()), "ORA-24776")
      assert.isTrue(await one.tpcPrepare())
      await one.tpcCommit()
      assert.deepStrictEqual(await numbers(one), [1])
    }))

  it.live("a commit in one phase, and one that comes too late for it", () =>
    served(async (one) => {
      const id = xid("a")
      await one.tpcBegin(id)
      await insert(one, 1)
      assert.strictEqual(await code(() => one.tpcCommit(id)), "ORA-24768")
      await one.tpcCommit(id, true)
      assert.isFalse(one.transactionInProgress)
      await one.tpcBegin(id)
      await one.tpcCommit(id, true)
      await one.tpcBegin(id)
      await insert(one, 2)
      await one.tpcPrepare(id)
      assert.strictEqual(await code(() => one.tpcPrepare(id)), "ORA-24768")
      assert.strictEqual(await code(() => one.tpcCommit(id, true)), "ORA-02053")
      assert.strictEqual(await code(() => one.tpcCommit(id)), "ORA-24756")
      assert.deepStrictEqual(await numbers(one), [1, 2])
    }))

  it.live("that are in doubt hold their locks, and say so at once", () =>
    served((one, two) =>
      Effect.gen(function*() {
        const id = xid("a")
        yield* Effect.promise(async () => {
          await insert(one, 1)
          await one.commit()
          await one.tpcBegin(id)
          await one.execute("update t set s = 'changed'")
        })
        const waiting = yield* Effect.forkChild(codeOf(() => two.execute("update t set s = 'other'")))
        yield* Effect.sleep("20 millis")
        yield* Effect.promise(() => one.tpcPrepare(id))
        assert.strictEqual(yield* Fiber.join(waiting), "ORA-01591")
        assert.strictEqual(yield* codeOf(() => two.execute("update t set s = 'other'")), "ORA-01591")
        yield* Effect.promise(async () => {
          await two.tpcRollback(id)
          await two.execute("update t set s = 'other'")
          await two.commit()
        })
      })
    ))

  it.live("stay in doubt when the database loses the instance, and are recovered from another process's connection", () =>
    Effect.gen(function*() {
      const server = yield* OracleServer.make({ script: "create table t (n number, s varchar2(100));" })
      const one = yield* connectTo(server.connectString)
      const ids = [xid("a"), xid("b")]
      yield* Effect.promise(async () => {
        await one.tpcBegin(ids[0]!)
        await insert(one, 1)
        await one.tpcPrepare()
        await one.tpcBegin(ids[1]!)
        await insert(one, 2)
        await one.tpcEnd()
        await one.tpcBegin(xid("c"))
        await insert(one, 3)
      })
      yield* server.shutdown({ mode: "abort" })
      yield* server.startup()
      const two = yield* connectTo(server.connectString)
      yield* Effect.promise(async () => {
        const [found, ...others] = await two.tpcRecover()
        assert.deepStrictEqual(others, [])
        assert.deepStrictEqual(found, ids[0])
        assert.deepStrictEqual(await numbers(two), [])
        assert.strictEqual(await code(() => two.tpcPrepare(ids[1])), "ORA-24756")
        await two.tpcCommit(found)
        assert.deepStrictEqual(await numbers(two), [1])
      })
    }))

  it.live("whose commit is not answered are found committed", () =>
    served((one, two, server) =>
      Effect.gen(function*() {
        const id = xid("a")
        yield* Effect.promise(() => one.tpcBegin(id))
        yield* Effect.promise(() => insert(one, 1))
        yield* server.inject(Fault.disconnect({ on: "transactionPrepare", when: "after" }))
        yield* codeOf(() => one.tpcPrepare(id))
        assert.deepStrictEqual(yield* Effect.promise(() => two.tpcRecover()), [id])
        yield* server.inject(Fault.disconnect({ on: "transactionCommit", when: "after" }))
        yield* codeOf(() => two.tpcCommit(id))
        const three = yield* connectTo(server.connectString)
        assert.deepStrictEqual(yield* Effect.promise(() => three.tpcRecover()), [])
        assert.strictEqual(yield* codeOf(() => three.tpcCommit(id)), "ORA-24756")
        assert.deepStrictEqual(yield* Effect.promise(() => numbers(three)), [1])
      })
    ))

  it.live("that lie without a session for too long are rolled back, and their coordinator is told", () =>
    served((one) =>
      Effect.gen(function*() {
        const id = xid("a")
        yield* Effect.promise(async () => {
          await one.tpcBegin(id, TPC_BEGIN_NEW, 1)
          await insert(one, 1)
          await one.tpcEnd(id)
        })
        yield* Effect.sleep("1100 millis")
        assert.strictEqual(yield* codeOf(() => one.tpcPrepare(id)), "ORA-24761")
        assert.strictEqual(yield* codeOf(() => one.tpcPrepare(id)), "ORA-24756")
      })
    ))

  it.live("that an administrator has decided are kept until they are forgotten", () =>
    served(async (one, two) => {
      for (const [n, word] of ["commit", "rollback"].entries()) {
        const id = xid(word)
        await one.tpcBegin(id)
        await insert(one, n)
        await one.tpcPrepare(id)
        const pending = "select local_tran_id, state from dba_2pc_pending"
        const [[local]] = (await two.execute(`${pending} where state = 'prepared'`)).rows as [[string]]
        await two.execute(`${word} force '${local}'`)
        assert.strictEqual(await code(() => one.tpcCommit(id)), word === "commit" ? "ORA-24764" : "ORA-24765")
        const states = (await two.execute(`select state from dba_2pc_pending order by 1`)).rows.map(([state]) => state)
        assert.include(states, `forced ${word}`)
      }
      assert.deepStrictEqual(await numbers(one), [0])
      assert.strictEqual(await code(() => one.execute("commit force '9.9.9'")), "ORA-02058")
    }))

  it.live("a closed connection rolls back the one that it is in, and no other", () =>
    served(async (one, two) => {
      await one.tpcBegin(xid("a"))
      await insert(one, 1)
      await one.tpcEnd()
      await one.tpcBegin(xid("b"))
      await insert(one, 2)
      await one.close()
      assert.strictEqual(await code(() => two.tpcBegin(xid("b"), TPC_BEGIN_RESUME)), "ORA-24756")
      assert.isTrue(await two.tpcPrepare(xid("a")))
      await two.tpcCommit(xid("a"))
      assert.deepStrictEqual(await numbers(two), [1])
    }))
})
