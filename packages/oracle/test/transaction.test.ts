import { assert, describe, it } from "@effect/vitest"
import type { OracleConnection } from "@sessionpool/oracle"
import { Effect, Exit, Fiber } from "effect"
import { makePool, table } from "./database.ts"

const prepared = Effect.gen(function*() {
  const pool = yield* makePool()
  const name = yield* table(pool, "id number primary key")
  const held = yield* pool.acquire()
  const insert = (id: number) => held.execute(`insert into ${name} values (:1)`, [id])
  const ids = (from: OracleConnection.OracleConnection) =>
    Effect.map(from.query(`select id from ${name} order by id`), (rows) => rows.map((row) => row["ID"]))
  /** What another session sees. */
  const committed = pool.use(ids)
  return { pool, held, insert, committed, ids, name }
})

describe("withTransaction", () => {
  it.live("commits what succeeds and gives its value", () =>
    Effect.gen(function*() {
      const { committed, held, insert } = yield* prepared
      const value = yield* held.withTransaction(Effect.gen(function*() {
        yield* insert(1)
        assert.isTrue(yield* held.inTransaction)
        assert.deepStrictEqual(yield* committed, [])
        return "done"
      }))
      assert.strictEqual(value, "done")
      assert.deepStrictEqual(yield* committed, [1])
    }))

  it.live("rolls back on a failure, a defect and an interruption", () =>
    Effect.gen(function*() {
      const { committed, held, ids, insert } = yield* prepared
      assert.strictEqual(
        yield* Effect.flip(held.withTransaction(Effect.andThen(insert(1), Effect.fail("no" as const)))),
        "no"
      )
      yield* Effect.exit(held.withTransaction(Effect.andThen(insert(2), Effect.die("defect"))))
      const fiber = yield* Effect.forkChild(held.withTransaction(Effect.andThen(insert(3), Effect.never)))
      yield* Effect.sleep("100 millis")
      yield* Fiber.interrupt(fiber)
      assert.isFalse(yield* held.inTransaction)
      assert.deepStrictEqual(yield* ids(held), [])
      assert.deepStrictEqual(yield* committed, [])
    }))

  it.live("is a savepoint inside another", () =>
    Effect.gen(function*() {
      const { committed, held, insert } = yield* prepared
      yield* held.withTransaction(Effect.gen(function*() {
        yield* insert(1)
        yield* held.withTransaction(insert(2))
        yield* Effect.ignore(held.withTransaction(Effect.gen(function*() {
          yield* insert(3)
          yield* held.withTransaction(insert(4))
          yield* insert(1)
        })))
        const inner = yield* Effect.exit(held.withTransaction(Effect.andThen(insert(5), Effect.interrupt)))
        assert.isTrue(Exit.isFailure(inner))
        yield* insert(6)
      }))
      assert.deepStrictEqual(yield* committed, [1, 2, 6])
    }))

  it.live("waits for the transaction of another fiber on the same connection", () =>
    Effect.gen(function*() {
      const { committed, held, insert } = yield* prepared
      yield* Effect.all([
        Effect.ignore(held.withTransaction(Effect.gen(function*() {
          yield* insert(1)
          yield* Effect.sleep("100 millis")
          return yield* Effect.fail("undone")
        }))),
        Effect.delay(held.withTransaction(insert(2)), "20 millis")
      ], { concurrency: "unbounded" })
      assert.deepStrictEqual(yield* committed, [2])
    }))

  it.live("keeps nothing of a lease that ended inside it", () =>
    Effect.gen(function*() {
      const { committed, held, insert, pool } = yield* prepared
      const error = yield* Effect.flip(held.withTransaction(Effect.andThen(insert(1), pool.release(held))))
      assert.strictEqual(error._tag, "ConnectionReleasedError")
      assert.deepStrictEqual(yield* committed, [])
      assert.strictEqual((yield* pool.statistics).busy, 0)
    }))

  it.live("can be read only (F32)", () =>
    Effect.gen(function*() {
      const { committed, held, insert } = yield* prepared
      const error = yield* Effect.flip(held.withTransaction(insert(1), { readOnly: true }))
      assert.strictEqual(error._tag === "OracleError" && error.code, "ORA-01456")
      assert.deepStrictEqual(yield* committed, [])
    }))

  it.live("can be serializable (F32)", () =>
    Effect.gen(function*() {
      const { committed, held, ids, insert, pool } = yield* prepared
      yield* held.withTransaction(
        Effect.gen(function*() {
          assert.deepStrictEqual(yield* ids(held), [])
          yield* insert(2)
        }),
        { isolation: "serializable" }
      )
      assert.deepStrictEqual(yield* committed, [2])
      assert.strictEqual((yield* pool.statistics).busy, 1)
    }))

  it.live("can be tried again when another one was first (F32)", () =>
    Effect.gen(function*() {
      const { committed, held, ids, insert, name, pool } = yield* prepared
      yield* held.withTransaction(insert(1))
      let attempts = 0
      const attempt = held.withTransaction(
        Effect.gen(function*() {
          attempts++
          yield* ids(held)
          if (attempts === 1) {
            yield* pool.use((other) => other.withTransaction(other.execute(`update ${name} set id = 10 where id = 1`)))
          }
          yield* held.execute(`update ${name} set id = id + 1`)
        }),
        { isolation: "serializable" }
      )
      const first = yield* Effect.flip(attempt)
      assert.strictEqual(first._tag === "OracleError" && first.code, "ORA-08177")
      assert.isTrue(first._tag === "OracleError" && first.isRetryable)
      yield* attempt
      assert.deepStrictEqual([attempts, yield* committed], [2, [11]])
    }))

  it.live("is rolled back with the lease when nobody ended it", () =>
    Effect.gen(function*() {
      const { committed, held, insert, pool } = yield* prepared
      yield* insert(1)
      yield* pool.release(held)
      assert.deepStrictEqual(yield* committed, [])
    }))
})
