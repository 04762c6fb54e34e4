import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, type Scope } from "effect"
import * as Fault from "../../src/Fault.ts"
import * as OracleServer from "../../src/OracleServer.ts"
import { type Connection, oracledb } from "../driver.ts"
import { codeOf, dialects } from "./served.ts"

const connectTo = (connectString: string): Effect.Effect<Connection, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() => oracledb.getConnection({ user: "scott", password: "tiger", connectString })),
    (connection) => Effect.promise(() => connection.close().catch(() => undefined))
  )

/** Two connections and a table. */
const served = <A>(
  test: (
    one: Connection,
    two: Connection,
    server: OracleServer.Service,
    connect: Effect.Effect<Connection, never, Scope.Scope>
  ) => Promise<A> | Effect.Effect<A, unknown, Scope.Scope>,
  options: OracleServer.Options = {}
) =>
  Effect.scoped(Effect.gen(function*() {
    const server = yield* OracleServer.make({ script: "create table t (n number, s varchar2(100));", ...options })
    const connect = connectTo(server.connectString)
    const one = yield* connect
    const two = yield* connect
    const result = test(one, two, server, connect)
    return yield* result instanceof Promise ? Effect.promise(() => result) : result
  }))

const code = (work: () => Promise<unknown>): Promise<string> => Effect.runPromise(codeOf(work))
const insert = (connection: Connection, n: number, options: object = {}) =>
  connection.execute("insert into t values (:1, 'row')", [n], options)
const numbers = async (connection: Connection) => {
  const { rows } = await connection.execute("select n from t order by n")
  return rows.map(([n]) => n)
}
const byStatement = (id: string, mode: "NEW" | "RESUME", timeout = 5) =>
  `declare id raw(64); begin id := dbms_transaction.start_transaction(utl_raw.cast_to_raw('${id}'),
    dbms_transaction.transaction_type_sessionless, ${timeout}, dbms_transaction.transaction_${mode}); end;`

for (const { name, protocol } of dialects) {
  describe(`sessionless transactions, ${name}`, () => {
    it.live("go on in another session, and end in a third", () =>
      served(async (one, two, _, connect) => {
        const id = await one.beginSessionlessTransaction({ timeout: 60 })
        assert.isTrue(one.transactionInProgress)
        await insert(one, 1)
        await one.suspendSessionlessTransaction()
        assert.isFalse(one.transactionInProgress)
        assert.deepStrictEqual(await numbers(one), [])
        await two.resumeSessionlessTransaction(id)
        assert.deepStrictEqual(await numbers(two), [1])
        await insert(two, 2)
        await two.suspendSessionlessTransaction()
        await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
          const three = yield* connect
          yield* Effect.promise(() => three.resumeSessionlessTransaction(id))
          yield* Effect.promise(() => three.commit())
          assert.isFalse(three.transactionInProgress)
        })))
        assert.deepStrictEqual(await numbers(one), [1, 2])
        assert.strictEqual(await code(() => two.resumeSessionlessTransaction(id)), "ORA-26218")
      }, { protocol }))
  })
}

describe("sessionless transactions", () => {
  it.live("ride with the statement before and after them, in one round trip", () =>
    served(async (one, two, server) => {
      const roundTrips = async () => (await Effect.runPromise(server.counters)).roundTrips
      const before = await roundTrips()
      const id = await one.beginSessionlessTransaction({ deferRoundTrip: true })
      assert.strictEqual(await code(() => one.beginSessionlessTransaction()), "NJS-171")
      await insert(one, 1, { suspendOnSuccess: true })
      assert.strictEqual(await roundTrips(), before + 1)
      assert.isFalse(one.transactionInProgress)
      await two.resumeSessionlessTransaction(id, { deferRoundTrip: true })
      await two.executeMany("insert into t values (:1, 'many')", [[2], [3]], { suspendOnSuccess: true })
      assert.deepStrictEqual(await numbers(two), [])
      await one.resumeSessionlessTransaction(id)
      await one.commit()
      assert.deepStrictEqual(await numbers(two), [1, 2, 3])
    }))

  it.live("stay attached when the statement fails that was to suspend them", () =>
    served(async (one, two) => {
      const id = await one.beginSessionlessTransaction()
      assert.strictEqual(
        await code(() => one.execute("insert into nowhere values (1)", [], { suspendOnSuccess: true })),
        "ORA-00942"
      )
      assert.strictEqual(await code(() => two.resumeSessionlessTransaction(id, { timeout: 0 })), "ORA-25351")
      await insert(one, 1)
      await one.suspendSessionlessTransaction()
      await two.resumeSessionlessTransaction(id)
      await two.rollback()
      assert.deepStrictEqual(await numbers(one), [])
    }))

  it.live("that cannot begin with a statement fail it, and leave the client free to begin another", () =>
    served(async (one) => {
      await one.resumeSessionlessTransaction("nowhere", { deferRoundTrip: true })
      assert.strictEqual(await code(() => insert(one, 1)), "ORA-26218")
      await one.beginSessionlessTransaction()
      await one.rollback()
      assert.deepStrictEqual(await numbers(one), [])
    }))

  it.live("are refused where the id is taken, the session is in another one, or nothing is there to suspend", () =>
    served(async (one, two) => {
      assert.strictEqual(await code(() => one.suspendSessionlessTransaction()), "NJS-172")
      await one.beginSessionlessTransaction({ transactionId: "taken" })
      assert.strictEqual(await code(() => two.beginSessionlessTransaction({ transactionId: "taken" })), "ORA-26217")
      assert.strictEqual(await code(() => one.beginSessionlessTransaction()), "NJS-171")
      assert.strictEqual(await code(() => one.resumeSessionlessTransaction("other")), "NJS-171")
      await insert(two, 1)
      assert.strictEqual(await code(() => two.beginSessionlessTransaction()), "ORA-24776")
      await two.rollback()
    }))

  it.live("wait for the session that has them, and no longer than they may", () =>
    served((one, two) =>
      Effect.gen(function*() {
        const id = yield* Effect.promise(() => one.beginSessionlessTransaction())
        yield* Effect.promise(() => insert(one, 1))
        assert.strictEqual(yield* codeOf(() => two.resumeSessionlessTransaction(id, { timeout: 0 })), "ORA-25351")
        const resumed = yield* Effect.forkChild(Effect.promise(() => two.resumeSessionlessTransaction(id)))
        yield* Effect.promise(() => one.suspendSessionlessTransaction())
        yield* Fiber.join(resumed)
        assert.deepStrictEqual(yield* Effect.promise(() => numbers(two)), [1])
      })
    ))

  it.live("a break ends the wait for one, and the session is as good as before", () =>
    served((one, two) =>
      Effect.gen(function*() {
        const id = yield* Effect.promise(() => one.beginSessionlessTransaction())
        const waiting = yield* Effect.forkChild(codeOf(() => two.resumeSessionlessTransaction(id, { timeout: 600 })))
        yield* Effect.sleep("20 millis")
        yield* Effect.promise(() => two.break())
        assert.strictEqual(yield* Fiber.join(waiting), "ORA-01013")
        assert.deepStrictEqual(yield* Effect.promise(() => numbers(two)), [])
        assert.isFalse(two.transactionInProgress)
      })
    ))

  it.live("keep their locks while they are suspended", () =>
    served((one, two) =>
      Effect.gen(function*() {
        yield* Effect.promise(() => insert(one, 1))
        yield* Effect.promise(() => one.commit())
        const id = yield* Effect.promise(() => one.beginSessionlessTransaction())
        yield* Effect.promise(() => one.execute("update t set s = 'changed'"))
        yield* Effect.promise(() => one.suspendSessionlessTransaction())
        assert.strictEqual(
          yield* codeOf(() => two.execute("select n from t for update nowait")),
          "ORA-00054"
        )
        // Once it is suspended, its rows are locked also for the session that began it.
        assert.strictEqual(
          yield* codeOf(() => one.execute("select n from t for update nowait")),
          "ORA-00054"
        )
        const waiting = yield* Effect.forkChild(Effect.promise(() => two.execute("update t set s = s || '!'")))
        yield* Effect.sleep("20 millis")
        yield* Effect.promise(() => one.resumeSessionlessTransaction(id))
        yield* Effect.promise(() => one.commit())
        yield* Fiber.join(waiting)
        yield* Effect.promise(() => two.commit())
        const { rows } = yield* Effect.promise(() => one.execute("select s from t"))
        assert.deepStrictEqual(rows, [["changed!"]])
      })
    ))

  it.live("are rolled back when they lie for longer than they may", () =>
    served((one, two) =>
      Effect.gen(function*() {
        const id = yield* Effect.promise(() => one.beginSessionlessTransaction({ timeout: 1 }))
        yield* Effect.promise(() => insert(one, 1))
        yield* Effect.promise(() => one.suspendSessionlessTransaction())
        yield* Effect.sleep("1100 millis")
        assert.strictEqual(yield* codeOf(() => two.resumeSessionlessTransaction(id)), "ORA-26218")
        assert.deepStrictEqual(yield* Effect.promise(() => numbers(two)), [])
      })
    ))

  it.live("end with the session that is in them, and not with one that has suspended them", () =>
    served((one, two, server, connect) =>
      Effect.gen(function*() {
        const id = yield* Effect.promise(() => one.beginSessionlessTransaction())
        yield* Effect.promise(() => insert(one, 1, { suspendOnSuccess: true }))
        yield* Effect.promise(() => one.close())
        const three = yield* connect
        yield* Effect.promise(() => three.resumeSessionlessTransaction(id))
        const [[sid]] = (yield* Effect.promise(() => three.execute("select sys_context('userenv', 'sid') from dual")))
          .rows as [[string]]
        yield* server.kill(Number(sid))
        assert.strictEqual(yield* codeOf(() => two.resumeSessionlessTransaction(id)), "ORA-26218")
        assert.deepStrictEqual(yield* Effect.promise(() => numbers(two)), [])
      })
    ))

  it.live("end with a commit of any kind: by statement, by definition, by the option of a statement", () =>
    served(async (one, two) => {
      const ends = [
        () => one.execute("commit"),
        () => one.execute("create table more (n number)"),
        () => insert(one, 100, { autoCommit: true }),
        () => one.execute("begin commit; end;"),
        () => one.execute("begin dbms_transaction.commit; end;")
      ]
      for (const [n, end] of ends.entries()) {
        await one.beginSessionlessTransaction()
        await insert(one, n)
        await end()
        assert.strictEqual(await code(() => one.suspendSessionlessTransaction()), "NJS-172", String(end))
      }
      assert.deepStrictEqual(await numbers(two), [0, 1, 2, 3, 4, 100])
      // What follows is the session's own.
      await insert(one, 5)
      assert.isTrue(one.transactionInProgress)
      await one.rollback()
    }))

  it.live("keep their savepoints", () =>
    served(async (one, two) => {
      const id = await one.beginSessionlessTransaction()
      await insert(one, 1)
      await one.execute("savepoint here")
      await insert(one, 2, { suspendOnSuccess: true })
      await two.resumeSessionlessTransaction(id)
      await two.execute("rollback to here")
      await insert(two, 3)
      await two.commit()
      assert.deepStrictEqual(await numbers(one), [1, 3])
    }))

  it.live("begin and end in PL/SQL too, and the client knows", () =>
    served(async (one, two) => {
      await one.execute(byStatement("both", "NEW"))
      assert.isTrue(one.transactionInProgress)
      assert.strictEqual(await code(() => one.beginSessionlessTransaction({ transactionId: "both" })), "NJS-170")
      await insert(one, 1)
      assert.strictEqual(await code(() => one.suspendSessionlessTransaction()), "NJS-170")
      await one.execute("begin dbms_transaction.suspend_transaction; end;")
      assert.isFalse(one.transactionInProgress)
      await two.execute(byStatement("both", "RESUME"))
      assert.strictEqual(await code(() => one.execute(byStatement("both", "RESUME", 0))), "ORA-25351")
      await two.execute("begin dbms_transaction.suspend_transaction; end;")
      await one.resumeSessionlessTransaction("both")
      assert.strictEqual(await code(() => one.execute("begin dbms_transaction.suspend_transaction; end;")), "NJS-170")
      const { rows } = await one.execute(
        "select utl_raw.cast_to_varchar2(dbms_transaction.get_transaction_id()), dbms_transaction.get_transaction_timeout() from dual"
      )
      assert.deepStrictEqual(rows, [["both", 5]])
      await one.commit()
      assert.deepStrictEqual(await numbers(two), [1])
      assert.strictEqual(await code(() => one.execute("begin dbms_transaction.suspend_transaction; end;")), "no error")
    }))

  it.live("are not known to a server of an older release", () =>
    served(async (one) => {
      assert.strictEqual(await code(() => one.beginSessionlessTransaction()), "ORA-24791")
      await insert(one, 1)
    }, { version: "19.22.0.0.0" }))

  it.live("take any id of 1 to 64 bytes", () =>
    served(async (one, two) => {
      const ids = ["X".repeat(64), "   ", "'; drop table t --", "\u0000", Buffer.from([0, 255, 254, 1]), "漢字🚀"]
      for (const [n, transactionId] of ids.entries()) {
        await one.beginSessionlessTransaction({ transactionId, deferRoundTrip: n % 2 === 0 })
        await insert(one, n, { suspendOnSuccess: true })
        await two.resumeSessionlessTransaction(transactionId)
        await two.commit()
      }
      assert.deepStrictEqual(await numbers(one), ids.map((_, n) => n))
    }))

  it.live("show in the views of the database", () =>
    served(async (one, two) => {
      const id = await one.beginSessionlessTransaction({ transactionId: "seen" })
      const states = async () => {
        const sql = "select utl_raw.cast_to_varchar2(globalid), refcount, state from v$global_transaction"
        return (await two.execute(sql)).rows
      }
      assert.deepStrictEqual(await states(), [["seen", 1, "ACTIVE"]])
      await insert(one, 1, { suspendOnSuccess: true })
      assert.deepStrictEqual(await states(), [["seen", 0, "ACTIVE"]])
      assert.deepStrictEqual((await two.execute("select * from dba_pending_transactions")).rows, [])
      await one.resumeSessionlessTransaction(id)
      await one.rollback()
      assert.deepStrictEqual(await states(), [])
    }))

  it.live("are lost with an instance that has worked on them, and with a database that becomes another one", () =>
    Effect.gen(function*() {
      const server = yield* OracleServer.make({
        script: "create table t (n number, s varchar2(100));",
        instances: [{ name: "one" }, { name: "two" }]
      })
      const at = (instance: string) => connectTo(server.connectStringOf({ instance }))
      const one = yield* at("one")
      const two = yield* at("two")
      const onOne = yield* Effect.promise(() => one.beginSessionlessTransaction())
      yield* Effect.promise(() => insert(one, 1, { suspendOnSuccess: true }))
      const onTwo = yield* Effect.promise(() => two.beginSessionlessTransaction())
      yield* Effect.promise(() => insert(two, 2, { suspendOnSuccess: true }))
      yield* server.shutdown({ instance: "one", mode: "abort" })
      assert.strictEqual(yield* codeOf(() => two.resumeSessionlessTransaction(onOne)), "ORA-26218")
      yield* Effect.promise(() => two.resumeSessionlessTransaction(onTwo))
      yield* Effect.promise(() => two.suspendSessionlessTransaction())
      const snapshot = yield* server.snapshot
      yield* server.restore(snapshot)
      assert.strictEqual(yield* codeOf(() => two.resumeSessionlessTransaction(onTwo)), "ORA-26218")
      assert.deepStrictEqual(yield* Effect.promise(() => numbers(two)), [])
    }))

  it.live("a lost answer to a suspension leaves the transaction where it is", () =>
    served((one, two, server) =>
      Effect.gen(function*() {
        const id = yield* Effect.promise(() => one.beginSessionlessTransaction())
        yield* Effect.promise(() => insert(one, 1))
        yield* server.inject(Fault.disconnect({ on: "transactionDetach", when: "after" }))
        yield* codeOf(() => one.suspendSessionlessTransaction())
        yield* Effect.promise(() => two.resumeSessionlessTransaction(id))
        yield* Effect.promise(() => two.commit())
        assert.deepStrictEqual(yield* Effect.promise(() => numbers(two)), [1])
      })
    ))
})
