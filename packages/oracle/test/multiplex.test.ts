/** Queries of many fibers that share a few sessions. */
import { assert, describe, it } from "@effect/vitest"
import { OracleClient, OracleContext } from "@sessionpool/oracle"
import { Fault } from "@sessionpool/oracle-server"
import { Deferred, Effect, Fiber } from "effect"
import { Reactivity } from "effect/reactivity"
import { isReal } from "./database.ts"
import { counts, watched } from "./watchedPool.ts"

const shared = Effect.fnUntraced(function*(sessions = 2, options = {}) {
  const { pool, server } = yield* watched({ max: 6, ...options })
  const sql = yield* Effect.provide(OracleClient.fromPool(pool, { multiplex: { sessions } }), Reactivity.layer)
  yield* sql`create table t (id number primary key, name varchar2(20))`
  yield* Effect.forEach([1, 2, 3], (id) => sql`insert into t values (${id}, ${`x${id}`})`)
  yield* server.clearRequests
  return { pool, server, sql }
})

const query = (sql: OracleClient.OracleClient, id: number) =>
  sql<{ id: number; name: string }>`select * from t where id = ${id}`

describe.skipIf(isReal)("multiplex", () => {
  it.live("runs queries of many fibers on a few sessions, each with its own answer, and gives them back", () =>
    Effect.gen(function*() {
      const { pool, server, sql } = yield* shared()
      const ids = Array.from({ length: 200 }, (_, index) => index % 4)
      const found = yield* Effect.forEach(ids, (id) => query(sql, id), { concurrency: "unbounded" })
      assert.deepStrictEqual(
        found.map(([row]) => row),
        ids.map((id) => id === 0 ? undefined : { id, name: `x${id}` })
      )
      const requests = yield* server.requests
      const queries = requests.filter((request) => request.sql?.includes("select") === true)
      assert.strictEqual(queries.length, 200)
      assert.isAtMost(new Set(queries.map(({ sid }) => sid)).size, 2)
      const ends = requests.filter((request) => request.function === "pipelineEnd").length
      assert.isAtMost(ends, 40)
      yield* counts(pool, { busy: 0 })
    }))

  it.live("takes a session of its own for whatever depends on one", () =>
    Effect.gen(function*() {
      const { server, sql } = yield* shared(1)
      const pipelined = Effect.map(server.requests, (requests) =>
        requests.some((each) => each.function === "pipelineEnd"))
      const both = <A, E, R>(one: Effect.Effect<A, E, R>) =>
        Effect.all([one, one], { concurrency: "unbounded" })
      yield* both(sql`insert into t values ((select max(id) + 1 from t), ${"y"})`).pipe(Effect.exit)
      yield* sql.withTransaction(both(query(sql, 1)))
      yield* both(Effect.provideService(query(sql, 1), OracleContext, { clientIdentifier: "ada" }))
      yield* both(OracleClient.withRequest({ waitTimeout: "1 second" })(query(sql, 1)))
      assert.isFalse(yield* pipelined)
      const locking = yield* Effect.flip(sql`select * from t for update`)
      assert.include(`${locking}`, "FOR UPDATE")
      const context = yield* Effect.provideService(
        sql<{ id: string }>`select sys_context('userenv', 'client_identifier') as id from dual`,
        OracleContext,
        { clientIdentifier: "ada" }
      )
      assert.deepStrictEqual(context, [{ id: "ada" }])
      yield* both(query(sql, 1))
      assert.isTrue(yield* pipelined)
    }))

  it.live("fails the queries of a session that is lost, and goes on with another", () =>
    Effect.gen(function*() {
      const { pool, server, sql } = yield* shared(1)
      yield* server.inject(Fault.disconnect({ sql: "select" }))
      const failed = yield* Effect.forEach([1, 2, 3], (id) => Effect.flip(query(sql, id)), { concurrency: "unbounded" })
      assert.deepStrictEqual(failed.map(({ reason }) => reason._tag), [
        "ConnectionError",
        "ConnectionError",
        "ConnectionError"
      ])
      assert.deepStrictEqual(yield* query(sql, 2), [{ id: 2, name: "x2" }])
      // A failure of one query is that query's alone.
      const [one, none] = yield* Effect.all(
        [query(sql, 1), Effect.flip(sql`select * from nothing_here`)],
        { concurrency: "unbounded" }
      )
      assert.strictEqual(one.length, 1)
      assert.strictEqual(none.reason._tag, "SqlSyntaxError")
      yield* counts(pool, { busy: 0 })
    }))

  it.live("goes on when one of the callers leaves", () =>
    Effect.gen(function*() {
      const { pool, server, sql } = yield* shared(1)
      yield* server.inject(Fault.delay({ sql: "select", milliseconds: 200 }))
      const begun = yield* Deferred.make<void>()
      const leaving = yield* Effect.forkChild(Effect.andThen(Deferred.succeed(begun, undefined), query(sql, 1)))
      yield* Deferred.await(begun)
      const staying = yield* Effect.forkChild(query(sql, 3))
      yield* Effect.sleep("20 millis")
      yield* Fiber.interrupt(leaving)
      assert.deepStrictEqual(yield* Fiber.join(staying), [{ id: 3, name: "x3" }])
      assert.deepStrictEqual(yield* query(sql, 2), [{ id: 2, name: "x2" }])
      yield* counts(pool, { busy: 0 })
    }))

  it.live("refuses a number of sessions that is none", () =>
    Effect.gen(function*() {
      const { pool } = yield* watched()
      for (const sessions of [0, 1.5, 65, "2"]) {
        const made = OracleClient.fromPool(pool, { multiplex: { sessions: sessions as number } })
        const error = yield* Effect.flip(Effect.provide(made, Reactivity.layer))
        assert.include(`${error}`, "`sessions` from 1 to 64")
      }
    }))
})
