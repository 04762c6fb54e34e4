import { assert, describe, it } from "@effect/vitest"
import { OracleClient } from "@sessionpool/oracle"
import { Context, Effect, Exit, Fiber, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import { embedded, isReal } from "./database.ts"
import { withPeople } from "./openClient.ts"

const prepared = Effect.gen(function*() {
  const { people, pool, sql } = yield* withPeople()
  const insert = (name: string) => sql`insert into ${sql(people)} ${sql.insert({ firstName: name })}`
  /** What another session sees. */
  const committed = Effect.map(
    pool.use((connection) => connection.query(`select first_name from ${people} order by id`)),
    (rows) => rows.map((row) => row["FIRST_NAME"])
  )
  return { sql, people, pool, insert, committed }
})

describe("withTransaction", () => {
  it.live("commits what succeeds", () =>
    Effect.gen(function*() {
      const { committed, insert, pool, sql } = yield* prepared
      const value = yield* sql.withTransaction(Effect.gen(function*() {
        yield* insert("Ada")
        assert.deepStrictEqual(yield* committed, [])
        return "done"
      }))
      assert.strictEqual(value, "done")
      assert.deepStrictEqual(yield* committed, ["Ada"])
      assert.strictEqual((yield* pool.statistics).busy, 0)
    }))

  it.live("refuses a `recover` that is no schedule, before it begins", () =>
    Effect.gen(function*() {
      const { committed, insert, sql } = yield* prepared
      for (const recover of [5, "x", {}]) {
        const error = yield* Effect.flip(sql.withTransaction(insert("Ada"), { recover: recover as never }))
        assert.include(error.message, "recover must be a Schedule")
      }
      assert.deepStrictEqual(yield* committed, [])
    }))

  it.live("rolls back on a failure, a defect and an interruption", () =>
    Effect.gen(function*() {
      const { committed, insert, pool, sql } = yield* prepared
      assert.strictEqual(yield* Effect.flip(sql.withTransaction(Effect.andThen(insert("a"), Effect.fail("no")))), "no")
      const died = yield* Effect.exit(sql.withTransaction(Effect.andThen(insert("b"), Effect.die("bug"))))
      assert.isTrue(Exit.isFailure(died))
      const fiber = yield* Effect.forkChild(sql.withTransaction(Effect.andThen(insert("c"), Effect.never)))
      yield* Effect.sleep("50 millis")
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* committed, [])
      assert.strictEqual((yield* pool.statistics).busy, 0)
    }))

  it.live("is a savepoint inside another", () =>
    Effect.gen(function*() {
      const { committed, insert, sql } = yield* prepared
      yield* sql.withTransaction(Effect.gen(function*() {
        yield* insert("1")
        yield* sql.withTransaction(insert("2"))
        yield* Effect.ignore(sql.withTransaction(Effect.gen(function*() {
          yield* insert("3")
          yield* sql.withTransaction(insert("4"))
          return yield* Effect.fail("undone")
        })))
        yield* insert("5")
      }))
      assert.deepStrictEqual(yield* committed, ["1", "2", "5"])
    }))

  it.live("undoes an inner one with the outer one", () =>
    Effect.gen(function*() {
      const { committed, insert, sql } = yield* prepared
      yield* Effect.ignore(
        sql.withTransaction(Effect.andThen(sql.withTransaction(insert("1")), Effect.fail("undone")))
      )
      assert.deepStrictEqual(yield* committed, [])
    }))

  it.live("keeps transactions of other fibers apart", () =>
    Effect.gen(function*() {
      const { committed, insert, sql } = yield* prepared
      yield* Effect.all([
        Effect.ignore(sql.withTransaction(Effect.andThen(insert("1"), Effect.fail("undone")))),
        sql.withTransaction(insert("2"))
      ], { concurrency: "unbounded" })
      assert.deepStrictEqual(yield* committed, ["2"])
    }))

  it.live("runs streams and the connection itself inside", () =>
    Effect.gen(function*() {
      const { committed, insert, people, sql } = yield* prepared
      yield* sql.withTransaction(Effect.gen(function*() {
        yield* insert("1")
        assert.lengthOf(yield* Stream.runCollect(sql`select * from ${sql(people)}`.stream), 1)
        yield* sql.useConnection((connection) => connection.execute(`insert into ${people} (first_name) values ('2')`))
        assert.deepStrictEqual(yield* committed, [])
      }))
      assert.deepStrictEqual(yield* committed, ["1", "2"])
    }))

  it.live("commits single statements again on a connection after its transaction", () =>
    Effect.gen(function*() {
      const { committed, insert, sql } = yield* prepared
      yield* sql.withTransaction(insert("1"))
      yield* insert("2")
      yield* Effect.ignore(sql.withTransaction(Effect.andThen(insert("3"), Effect.fail("undone"))))
      yield* insert("4")
      assert.deepStrictEqual(yield* committed, ["1", "2", "4"])
    }))
})

describe("a session that is lost", () => {
  it.live("fails its transaction, typed, and is not lent again", () =>
    Effect.gen(function*() {
      if (isReal) return
      const { connect, server } = yield* embedded()
      yield* server.script("create table t (id number)")
      yield* Effect.gen(function*() {
        const sql = yield* OracleClient.OracleClient
        const reason = yield* sql.withTransaction(Effect.gen(function*() {
          yield* sql`insert into t values (1)`
          yield* server.killWhere((session) => session.inTransaction)
          yield* sql`insert into t values (2)`
        })).pipe(Effect.flip, Effect.map((error) => error.reason))
        assert.strictEqual(reason._tag, "ConnectionError")
        assert.isTrue(reason.isRetryable)
        assert.deepStrictEqual(yield* sql`select count(*) as n from t`, [{ n: 0 }])
        assert.strictEqual((yield* sql.pool.statistics).busy, 0)
      }).pipe(Effect.provide(OracleClient.layer({ ...connect, max: 1 })))
    }))

  it.live("waits for a session can be interrupted", () =>
    Effect.gen(function*() {
      const { pool, sql } = yield* prepared
      yield* pool.reconfigure({ max: 1 })
      yield* sql.withTransaction(Effect.gen(function*() {
        yield* sql`select 1 from dual`
        const outside = yield* Effect.forkDetach(pool.use((connection) => connection.ping))
        const waiting = yield* Effect.forkDetach(
          Effect.provideContext(sql.withTransaction(sql`select 1 from dual`), Context.empty())
        )
        yield* Effect.sleep("50 millis")
        yield* Fiber.interrupt(waiting)
        yield* Fiber.interrupt(outside)
      }))
      assert.deepStrictEqual(yield* sql`select 1 as one from dual`, [{ one: 1 }])
    }))
})

describe("afterCommit", () => {
  it.live("runs once the work is there, and not when it is undone", () =>
    Effect.gen(function*() {
      const { committed, insert, sql } = yield* prepared
      const seen: Array<unknown> = []
      const note = sql.afterCommit(
        Effect.asVoid(Effect.orDie(Effect.tap(committed, (names) => Effect.sync(() => seen.push(names)))))
      )
      yield* sql.withTransaction(Effect.gen(function*() {
        yield* insert("1")
        yield* note
        yield* Effect.ignore(sql.withTransaction(Effect.andThen(note, Effect.fail("undone"))))
        assert.deepStrictEqual(seen, [])
      }))
      yield* Effect.ignore(sql.withTransaction(Effect.andThen(note, Effect.fail("undone"))))
      assert.deepStrictEqual(seen, [["1"]])
    }))

  it.live("holds back what reactive queries are told", () =>
    Effect.gen(function*() {
      const { insert, sql } = yield* prepared
      const reactivity = yield* Reactivity.Reactivity
      let told = 0
      const { registerUnsafe } = reactivity
      registerUnsafe(["people"], () => {
        told++
      })
      yield* sql.withTransaction(Effect.gen(function*() {
        yield* Reactivity.mutation(["people"])(insert("1"))
        assert.strictEqual(told, 0)
      }))
      assert.strictEqual(told, 1)
    }).pipe(Effect.provide(Reactivity.layer)))
})

describe("transactionKind", () => {
  it.live("begins the outermost transaction with what it says", () =>
    Effect.gen(function*() {
      if (isReal) return
      const { connect, server } = yield* embedded()
      const sent = Effect.gen(function*() {
        const sql = yield* OracleClient.OracleClient
        yield* server.clearRequests
        yield* Effect.ignore(sql.withTransaction(sql.withTransaction(sql`select 1 from dual`)))
        return (yield* server.requests).flatMap((request) => request.sql === undefined ? [] : [request.sql])
      })
      const of = (kind: Parameters<typeof OracleClient.transactionKind>[0]) =>
        sent.pipe(OracleClient.transactionKind(kind), Effect.provide(OracleClient.layer(connect)))
      assert.include(yield* of("read only"), "SET TRANSACTION READ ONLY")
      assert.include(yield* of("serializable"), "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
      assert.include(yield* of("read committed"), "SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
    }))

  it.live("read only refuses to write (F32)", () =>
    Effect.gen(function*() {
      const { committed, insert, sql } = yield* prepared
      const error = yield* Effect.flip(sql.withTransaction(insert("1")).pipe(OracleClient.transactionKind("read only")))
      assert.match(error.message, /ORA-01456/)
      yield* sql.withTransaction(insert("2"))
      assert.deepStrictEqual(yield* committed, ["2"])
    }))
})
