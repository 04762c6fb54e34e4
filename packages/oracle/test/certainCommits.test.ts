/** Commits whose answers are lost: where the service has Transaction Guard their outcome is known, else it is said to be unknown. */
import { assert, describe, it } from "@effect/vitest"
import { OracleBind, OracleClient, type OracleConnection, OracleError } from "@sessionpool/oracle"
import { Fault } from "@sessionpool/oracle-server"
import { Effect, Fiber, Schedule } from "effect"
import { Reactivity } from "effect/reactivity"
import { commitRounds } from "./commitRounds.ts"
import { isReal } from "./database.ts"
import { sidOf, until, watched } from "./watchedPool.ts"

const guarded = (options = {}) => watched({ max: 2, pingTimeout: "20 seconds", ...options }, { transactionGuard: true })

const insert = (held: OracleConnection.OracleConnection, id: number) =>
  held.withTransaction(held.execute("insert into t values (:1)", [id]))

const setUp = (pool: Effect.Success<ReturnType<typeof guarded>>["pool"]) =>
  pool.use((held) => held.execute("create table t (id number primary key)"))

const rowsOf = (pool: Effect.Success<ReturnType<typeof guarded>>["pool"]) =>
  Effect.map(pool.use((held) => held.query("select id from t order by id")), (rows) => rows.map((row) => row["ID"]))

const oracleErrorOf = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.isTrue(OracleError.isOracleError(error))
    return error as unknown as OracleError.OracleError
  })

describe.skipIf(isReal)("a commit whose answer is lost", () => {
  it.live("has succeeded when the database says that it is committed", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* guarded()
      yield* setUp(pool)
      yield* server.inject(Fault.disconnect({ on: "commit", when: "after" }))
      yield* pool.use((held) => insert(held, 1))
      assert.deepStrictEqual(yield* rowsOf(pool), [1])
    }))

  it.live("can be done again when the database says that it is not, and by itself with `recover`", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* guarded()
      yield* setUp(pool)
      yield* server.inject(Fault.disconnect({ on: "commit", when: "before" }))
      const error = yield* oracleErrorOf(pool.use((held) => insert(held, 1)))
      assert.isTrue(error.isRetryable)
      assert.strictEqual(error.reason.commitOutcome, "rolled back")
      assert.include(error.message, "The transaction was not committed")
      assert.deepStrictEqual(yield* rowsOf(pool), [])
      const sql = yield* Effect.provide(OracleClient.fromPool(pool), Reactivity.layer)
      yield* server.inject(Fault.disconnect({ on: "commit", when: "before" }))
      const failed = yield* Effect.flip(sql.withTransaction(sql`insert into t values (${2})`))
      const reason = failed.reason
      assert.isTrue(
        reason instanceof OracleClient.CommitFailed && reason.outcome === "rolled back" && reason.isRetryable
      )
      yield* server.inject(Fault.disconnect({ on: "commit", when: "before" }))
      let runs = 0
      yield* sql.withTransaction(
        Effect.andThen(Effect.sync(() => runs++), sql`insert into t values (${3})`),
        { recover: Schedule.recurs(3) }
      )
      assert.strictEqual(runs, 2)
      assert.deepStrictEqual(yield* rowsOf(pool), [3])
    }))

  it.live("stays uncommitted once the database has said so", () =>
    Effect.gen(function*() {
      const { pool } = yield* guarded()
      yield* setUp(pool)
      yield* Effect.scoped(Effect.gen(function*() {
        const working = yield* pool.acquire()
        const asking = yield* pool.acquire()
        yield* working.execute("insert into t values (1)")
        const name = yield* working.driver((connection) => Promise.resolve(connection.ltxid!))
        const outcome = yield* asking.execute(
          "declare a boolean; b boolean; begin dbms_app_cont.get_ltxid_outcome(:name, a, b); "
            + ":committed := case when a then 'yes' else 'no' end; end;",
          { name, committed: OracleBind.out("string") }
        )
        assert.strictEqual(outcome.outBinds.committed, "no")
        const error = yield* oracleErrorOf(working.commit)
        assert.strictEqual(error.code, "ORA-14909")
      }))
      assert.deepStrictEqual(yield* rowsOf(pool), [])
    }))

  it.live("is asked about when it takes longer than `commitTimeout`", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* guarded({ commitTimeout: "200 millis" })
      yield* setUp(pool)
      yield* server.inject(Fault.delay({ on: "commit", milliseconds: 20_000 }))
      const error = yield* oracleErrorOf(pool.use((held) => insert(held, 1)))
      assert.strictEqual(error.reason.commitOutcome, "rolled back")
      assert.deepStrictEqual(yield* rowsOf(pool), [])
    }))

  it.live("is asked about when its fiber is interrupted", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* guarded({ pingTimeout: "20 seconds" })
      yield* setUp(pool)
      yield* server.inject(Fault.hang({ on: "commit" }))
      const working = yield* Effect.forkChild(pool.use((held) => insert(held, 1)))
      yield* until(Effect.map(server.requests, (requests) => requests.some((each) => each.function === "commit")))
      const interrupting = yield* Effect.forkChild(Fiber.interrupt(working))
      yield* Effect.yieldNow
      yield* server.killWhere(({ status }) => status === "ACTIVE")
      yield* Fiber.join(interrupting)
      assert.deepStrictEqual(yield* rowsOf(pool), [])
      const asked = (yield* server.requests).filter((request) => request.sql?.includes("get_ltxid_outcome") === true)
      assert.strictEqual(asked.length, 1)
    }))

  it.live("has an unknown outcome without Transaction Guard, without the grant, and when nobody can be asked", () =>
    Effect.gen(function*() {
      const plain = yield* watched({ max: 2 })
      yield* setUp(plain.pool)
      yield* plain.server.inject(Fault.disconnect({ on: "commit", when: "before" }))
      const unguarded = yield* oracleErrorOf(plain.pool.use((held) => insert(held, 1)))
      assert.isFalse(unguarded.isRetryable)
      assert.isUndefined(unguarded.reason.commitOutcome)
      const { pool, server } = yield* guarded({ pingTimeout: "300 millis" })
      yield* setUp(pool)
      yield* server.inject(Fault.disconnect({ on: "commit", when: "before" }))
      yield* server.inject(
        Fault.error({ sql: /get_ltxid_outcome/, code: 6550, message: "PLS-00201: identifier must be declared" })
      )
      const ungranted = yield* oracleErrorOf(pool.use((held) => insert(held, 2)))
      assert.isFalse(ungranted.isRetryable)
      assert.deepStrictEqual(yield* rowsOf(pool), [])
      yield* server.inject(Fault.disconnect({ on: "commit", when: "after" }))
      yield* server.inject(Fault.refuse({ code: 12514, times: 1000 }))
      const unreachable = yield* oracleErrorOf(pool.use((held) => insert(held, 3)))
      assert.isFalse(unreachable.isRetryable)
      assert.include(unreachable.message, "unknown")
    }))

  it.live("runs a transaction again on its own session after a deadlock, with `recover`", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* guarded()
      yield* setUp(pool)
      yield* server.inject(Fault.error({ sql: /insert into t/, code: 60 }))
      let runs = 0
      yield* pool.use((held) =>
        held.withTransaction(
          Effect.andThen(Effect.sync(() => runs++), held.execute("insert into t values (1)")),
          { recover: Schedule.recurs(2) }
        )
      )
      assert.strictEqual(runs, 2)
      assert.deepStrictEqual(yield* rowsOf(pool), [1])
      // A failure that is the work's own does not run again.
      yield* Effect.exit(
        pool.use((held) =>
          held.withTransaction(Effect.andThen(Effect.sync(() => runs++), Effect.fail("no")), {
            recover: Schedule.recurs(2)
          })
        )
      )
      assert.strictEqual(runs, 3)
    }))

  it.live("names a new transaction after each commit, whoever makes it", () =>
    Effect.gen(function*() {
      const { pool } = yield* guarded()
      yield* setUp(pool)
      yield* pool.use((held) =>
        Effect.gen(function*() {
          const name = held.driver((connection) => Promise.resolve(connection.ltxid?.toString("hex")))
          const names = [yield* name]
          yield* held.execute("insert into t values (1)")
          assert.strictEqual(yield* name, names[0])
          yield* held.commit
          names.push(yield* name)
          yield* held.execute("begin insert into t values (2); commit; end;")
          names.push(yield* name)
          yield* held.execute("insert into t values (3)")
          yield* held.execute("create table u (id number)")
          names.push(yield* name)
          yield* held.execute("select * from t")
          yield* held.rollback
          assert.strictEqual(yield* name, names[3])
          assert.strictEqual(new Set(names).size, 4)
          const sid = yield* sidOf(held)
          assert.isAbove(sid, 0)
          const own = yield* oracleErrorOf(
            Effect.flatMap(name, (text) =>
              held.execute(
                "declare a boolean; b boolean; begin dbms_app_cont.get_ltxid_outcome(hextoraw(:1), a, b); end;",
                [text]
              ))
          )
          assert.strictEqual(own.code, "ORA-14906")
        })
      )
    }))

  it.live("is neither lost nor doubled, whenever its session ends", () =>
    Effect.gen(function*() {
      const { problems, counts } = yield* commitRounds({ rounds: 20, seed: 20_261_128 })
      assert.deepStrictEqual(problems, [])
      assert.isAbove(counts.committedAfterLoss, 0)
      assert.isAbove(counts.notCommitted, 0)
    }), 120_000)
})
