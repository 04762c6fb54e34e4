import { assert, describe, it } from "@effect/vitest"
import { OracleClient } from "@sessionpool/oracle"
import { Fault } from "@sessionpool/oracle-server"
import { Deferred, Effect, Exit, Fiber } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlError } from "effect/sql"
import { isReal } from "./database.ts"
import { endless, until, watched } from "./watchedPool.ts"

/** A table `t`, a connection, a client on the same pool, and what other sessions see of the table. */
const prepared = (options: Parameters<typeof watched>[0] = {}) =>
  Effect.gen(function*() {
    const { pool, server } = yield* watched(options)
    yield* server.script("create table t (n number)")
    const sql = yield* Effect.provide(
      OracleClient.fromPool(pool, { transformResultNames: (name) => name.toLowerCase() }),
      Reactivity.layer
    )
    const rows = Effect.map(
      pool.use((held) => held.query("select n from t order by n")),
      (found) => found.map((row) => row["N"])
    )
    return { pool, server, sql, rows }
  })

const insert = (held: { readonly execute: (sql: string) => Effect.Effect<unknown, unknown> }, n: number) =>
  Effect.orDie(held.execute(`insert into t values (${n})`))

describe.skipIf(isReal)("transactions of one session", () => {
  it.live("run one after the other inside another: savepoints never overlap (C1)", () =>
    Effect.gen(function*() {
      const { pool, rows } = yield* prepared()
      yield* pool.use((held) =>
        held.withTransaction(Effect.all([
          Effect.exit(
            held.withTransaction(
              insert(held, 1).pipe(Effect.andThen(Effect.sleep("30 millis")), Effect.andThen(Effect.fail("no")))
            )
          ),
          held.withTransaction(Effect.andThen(Effect.sleep("5 millis"), insert(held, 2)))
        ], { concurrency: 2 }))
      )
      assert.deepStrictEqual(yield* rows, [2])
    }))

  it.live("are one, whichever interface began it (C2)", () =>
    Effect.gen(function*() {
      const { rows, sql } = yield* prepared()
      yield* Effect.exit(sql.withTransaction(Effect.gen(function*() {
        yield* sql`insert into t values (1)`
        yield* sql.useConnection((held) => held.withTransaction(insert(held, 2)))
        return yield* Effect.fail("no")
      })))
      assert.deepStrictEqual(yield* rows, [])
      yield* sql.withTransaction(Effect.gen(function*() {
        yield* sql`insert into t values (3)`
        yield* sql.useConnection((held) =>
          held.withTransaction(Effect.gen(function*() {
            yield* insert(held, 4)
            yield* Effect.exit(sql.withTransaction(Effect.andThen(sql`insert into t values (5)`, Effect.fail("no"))))
            yield* sql.withTransaction(sql`insert into t values (6)`)
          }))
        )
      }))
      assert.deepStrictEqual(yield* rows, [3, 4, 6])
    }))

  it.live("serialize inner ones of both interfaces (C1, C2)", () =>
    Effect.gen(function*() {
      const { rows, sql } = yield* prepared()
      yield* sql.withTransaction(Effect.all([
        Effect.exit(sql.withTransaction(
          Effect.andThen(sql`insert into t values (1)`, Effect.sleep("20 millis")).pipe(
            Effect.andThen(Effect.fail("no"))
          )
        )),
        sql.useConnection((held) => held.withTransaction(insert(held, 2))),
        Effect.exit(sql.useConnection((held) =>
          held.withTransaction(
            Effect.andThen(insert(held, 3), Effect.sleep("20 millis")).pipe(Effect.andThen(Effect.fail("no")))
          )
        )),
        sql.withTransaction(sql`insert into t values (4)`)
      ], { concurrency: "unbounded" }))
      assert.deepStrictEqual(yield* rows, [2, 4])
    }))

  it.live("know that they have ended: a fiber forked inside begins one of its own (C8)", () =>
    Effect.gen(function*() {
      const { pool, rows } = yield* prepared()
      yield* pool.use((held) =>
        Effect.gen(function*() {
          const go = yield* Deferred.make<void>()
          const late = yield* held.withTransaction(Effect.andThen(
            insert(held, 1),
            Effect.forkDetach(Effect.andThen(Deferred.await(go), held.withTransaction(insert(held, 2))))
          ))
          // Not as a savepoint of an unrelated one either.
          yield* Effect.exit(held.withTransaction(Effect.gen(function*() {
            yield* insert(held, 3)
            yield* Deferred.succeed(go, undefined)
            yield* Effect.sleep("20 millis")
            return yield* Effect.fail("no")
          })))
          yield* Fiber.join(late)
        })
      )
      assert.deepStrictEqual(yield* rows, [1, 2])
    }))

  it.live("wait for inner ones of forked fibers before they commit (C8)", () =>
    Effect.gen(function*() {
      const { pool, rows } = yield* prepared()
      yield* pool.use((held) =>
        Effect.gen(function*() {
          const isInside = yield* Deferred.make<void>()
          const inner = yield* held.withTransaction(Effect.gen(function*() {
            const fiber = yield* Effect.forkDetach(held.withTransaction(Effect.gen(function*() {
              yield* Deferred.succeed(isInside, undefined)
              yield* Effect.sleep("20 millis")
              yield* insert(held, 1)
            })))
            yield* Deferred.await(isInside)
            return fiber
          }))
          yield* Fiber.join(inner)
        })
      )
      assert.deepStrictEqual(yield* rows, [1])
    }))

  it.live("fail, typed, when the one around them was rolled back before their end (C8)", () =>
    Effect.gen(function*() {
      const { pool, rows } = yield* prepared()
      const error = yield* pool.use((held) =>
        Effect.gen(function*() {
          const isInside = yield* Deferred.make<void>()
          const mayEnd = yield* Deferred.make<void>()
          const inner = yield* Effect.forkDetach(Effect.void)
          let fiber: Fiber.Fiber<unknown, unknown> = inner
          yield* Effect.exit(held.withTransaction(Effect.gen(function*() {
            fiber = yield* Effect.forkDetach(held.withTransaction(Effect.gen(function*() {
              yield* insert(held, 1)
              yield* Deferred.succeed(isInside, undefined)
              yield* Deferred.await(mayEnd)
            })))
            yield* Deferred.await(isInside)
            return yield* Effect.fail("no")
          })))
          yield* Deferred.succeed(mayEnd, undefined)
          return yield* Effect.flip(Fiber.join(fiber))
        })
      )
      assert.match(String((error as Error).message), /transaction around this one ended/)
      assert.deepStrictEqual(yield* rows, [])
    }))

  it.live("roll back to a savepoint only if it was set (C9)", () =>
    Effect.gen(function*() {
      const { pool, rows, server } = yield* prepared({ max: 1 })
      const fault = yield* server.inject(Fault.hang({ sql: /^savepoint/i }))
      yield* pool.use((held) =>
        held.withTransaction(Effect.gen(function*() {
          yield* insert(held, 1)
          const fiber = yield* Effect.forkChild(held.withTransaction(insert(held, 2)))
          yield* until(Effect.map(fault.hits, (hits) => hits === 1))
          yield* Fiber.interrupt(fiber)
          yield* insert(held, 3)
        }))
      )
      assert.deepStrictEqual(yield* rows, [1, 3])
      assert.deepInclude((yield* pool.statistics).totals, { opened: 1, closed: 0 })
    }))
})

describe.skipIf(isReal)("the end of a transaction", () => {
  const limits = { max: 1, pingTimeout: "200 millis", closeTimeout: "200 millis" } as const

  it.live("is bounded when the server does not answer a rollback, or one to a savepoint (C7)", () =>
    Effect.gen(function*() {
      const { pool, rows, server, sql } = yield* prepared(limits)
      const failing = Effect.andThen(sql`insert into t values (1)`, Effect.fail("no"))
      for (const fault of [Fault.hang({ on: "rollback" }), Fault.hang({ sql: /^rollback to/i })]) {
        yield* pool.use((held) => held.ping)
        yield* server.inject(fault)
        const exit = yield* Effect.exit(sql.withTransaction(sql.withTransaction(failing)))
        assert.isTrue(Exit.isFailure(exit))
        yield* server.clearFaults
        assert.deepStrictEqual(yield* rows, [])
      }
      assert.strictEqual((yield* pool.statistics).busy, 0)
    }))

  it.live("leaves the outcome unknown when a commit is not answered in time (C7)", () =>
    Effect.gen(function*() {
      const { pool, rows, server, sql } = yield* prepared({ ...limits, commitTimeout: "150 millis" })
      yield* pool.use((held) => held.ping)
      yield* server.inject(Fault.hang({ on: "commit", times: 2 }))
      const error = yield* Effect.flip(sql.withTransaction(sql`insert into t values (1)`))
      assert.isTrue(SqlError.isSqlError(error))
      assert.isTrue(error.reason instanceof OracleClient.CommitFailed && error.reason.outcome === "unknown")
      assert.isFalse(error.isRetryable)
      const own = yield* Effect.flip(pool.use((held) => held.withTransaction(insert(held, 1))))
      assert.isTrue(own._tag === "OracleError" && own.isCommitInDoubt && !own.isRetryable)
      assert.deepStrictEqual(yield* rows, [])
    }))

  it.live("can be given up by a timeout, and ends within pingTimeout then (C7)", () =>
    Effect.gen(function*() {
      const { pool, rows, server, sql } = yield* prepared({ ...limits, commitTimeout: "infinity" })
      yield* pool.use((held) => held.ping)
      yield* server.inject(Fault.hang({ on: "commit", times: 2 }))
      const both: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
        sql.withTransaction(sql`insert into t values (1)`),
        pool.use((held) => held.withTransaction(insert(held, 1)))
      ]
      for (const work of both) {
        const exit = yield* Effect.exit(Effect.timeout(work, "50 millis"))
        assert.isTrue(Exit.isFailure(exit))
      }
      assert.deepStrictEqual(yield* rows, [])
      assert.strictEqual((yield* pool.statistics).busy, 0)
    }))

  it.live("counts when the answer to a commit comes after it was given up, and in time (C7)", () =>
    Effect.gen(function*() {
      const { pool, rows, server, sql } = yield* prepared({ max: 1 })
      const fault = yield* server.inject(Fault.delay({ on: "commit", milliseconds: 100 }))
      let told = 0
      const note = sql.afterCommit(Effect.sync(() => {
        told++
      }))
      const fiber = yield* Effect.forkChild(sql.withTransaction(Effect.andThen(sql`insert into t values (1)`, note)))
      yield* until(Effect.map(fault.hits, (hits) => hits === 1))
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(told, 1)
      assert.deepStrictEqual(yield* rows, [1])
      assert.deepInclude((yield* pool.statistics).totals, { opened: 1, closed: 0 })
    }))

  it.live("does not wait for a statement of another fiber that has no end (C7)", () =>
    Effect.gen(function*() {
      const { pool, rows, sql } = yield* prepared(limits)
      const exit = yield* Effect.exit(sql.withTransaction(Effect.gen(function*() {
        yield* sql`insert into t values (1)`
        yield* sql.useConnection((held) => Effect.forkDetach(Effect.ignore(held.execute(endless))))
        yield* Effect.sleep("20 millis")
        return yield* Effect.fail("no")
      })))
      assert.isTrue(Exit.isFailure(exit))
      assert.deepStrictEqual(yield* rows, [])
      assert.strictEqual((yield* pool.statistics).busy, 0)
    }))

  it.live("is not interrupted where its caller is not", () =>
    Effect.gen(function*() {
      const { rows, server, sql } = yield* prepared()
      const fault = yield* server.inject(Fault.delay({ sql: /insert/, milliseconds: 60 }))
      const fiber = yield* Effect.forkChild(Effect.uninterruptible(sql.withTransaction(sql`insert into t values (1)`)))
      yield* until(Effect.map(fault.hits, (hits) => hits === 1))
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* rows, [1])
    }))
})

describe.skipIf(isReal)("a statement of its own", () => {
  it.live("is in doubt when it commits and its answer is lost: it is not retryable (C3)", () =>
    Effect.gen(function*() {
      const { pool, rows, server, sql } = yield* prepared({ max: 1 })
      const lose = (sql: RegExp) => server.inject(Fault.disconnect({ sql, when: "after" }))
      yield* lose(/insert/)
      const insertion = yield* Effect.flip(sql`insert into t values (1)`)
      assert.isFalse(insertion.isRetryable)
      assert.match(insertion.message, /unknown whether it took effect/)
      assert.deepStrictEqual(yield* rows, [1])
      yield* lose(/begin null/)
      assert.isFalse((yield* Effect.flip(sql`begin null; end;`)).isRetryable)
      yield* lose(/create table/)
      const definition = yield* Effect.flip(pool.use((held) => held.execute("create table u (n number)")))
      assert.isTrue(definition._tag === "OracleError" && definition.isSessionFatal && !definition.isRetryable)
      yield* lose(/select/)
      assert.isTrue((yield* Effect.flip(sql`select n from t`)).isRetryable)
      yield* lose(/insert/)
      const inside = yield* Effect.flip(pool.use((held) => held.execute("insert into t values (2)")))
      assert.isTrue(inside._tag === "OracleError" && inside.isRetryable)
      assert.deepStrictEqual(yield* rows, [1])
    }))

  it.live("does not commit on a reserved session after SET TRANSACTION or SAVEPOINT (C5)", () =>
    Effect.gen(function*() {
      const { rows, sql } = yield* prepared()
      yield* Effect.scoped(Effect.gen(function*() {
        const reserved = yield* sql.reserve
        const run = (text: string) => reserved.executeUnprepared(text, [], undefined)
        yield* run("savepoint here")
        yield* run("insert into t values (1)")
        yield* run("rollback to savepoint here")
        yield* run("insert into t values (2)")
        assert.deepStrictEqual(yield* rows, [])
        yield* run("rollback")
        yield* run("insert into t values (3)")
        yield* run("SAVEPOINT again")
        yield* run("insert into t values (4)")
        yield* run("commit")
        yield* run("savepoint last")
        yield* run("insert into t values (5)")
      }))
      assert.deepStrictEqual(yield* rows, [3, 4])
    }))

  it.live("is refused when it locks rows whose locks would end with it (C6)", () =>
    Effect.gen(function*() {
      const { sql } = yield* prepared()
      yield* sql`insert into t values (1)`
      const error = yield* Effect.flip(sql`select n from t for update`)
      assert.match(error.message, /inside sql\.withTransaction/)
      assert.deepStrictEqual(yield* sql`select n, 'for update' as word from t -- for update`, [{
        n: 1,
        word: "for update"
      }])
      const found = yield* sql.withTransaction(sql`select n from t for update`)
      assert.deepStrictEqual(found, [{ n: 1 }])
    }))
})
