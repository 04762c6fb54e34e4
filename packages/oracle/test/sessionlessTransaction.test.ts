/** Sessionless transactions over the socket: parts on several leases, and everything that may happen to one of them. */
import { assert, describe, it } from "@effect/vitest"
import {
  OracleClient,
  type OracleConnection,
  OracleSessionPool,
  OracleStatement,
  SessionlessTransaction
} from "@sessionpool/oracle"
import { Fault } from "@sessionpool/oracle-server"
import { Effect, Exit, Fiber, Latch, Schema, type Scope } from "effect"
import { Reactivity } from "effect/reactivity"
import { isReal, poolDefaults } from "./database.ts"
import { type Pool, sidOf, until, watched } from "./watchedPool.ts"

type Held = OracleConnection.OracleConnection

const { begin, commit, resume, rollback } = SessionlessTransaction
const Handle = Schema.toCodecJson(SessionlessTransaction.SessionlessTransaction)

const opened = (options: Partial<OracleSessionPool.Options> = {}) =>
  Effect.tap(
    watched({ max: 3, ...options }),
    ({ pool }) => pool.use((held) => held.execute("create table t (n number)"))
  )

const insert = (held: Held, n: number) => held.execute("insert into t values (:1)", [n])
const numbers = (held: Held) =>
  Effect.map(held.query("select n from t order by n"), (rows) => rows.map((row) => row["N"]))
const committed = (pool: Pool) => pool.use(numbers)

const onEmbedded = <A, E>(
  test: (parts: Effect.Success<ReturnType<typeof opened>>) => Effect.Effect<A, E, Scope.Scope>,
  options: Partial<OracleSessionPool.Options> = {}
) => Effect.scoped(Effect.flatMap(opened(options), test))

const reasonOf = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.instanceOf(error, SessionlessTransaction.SessionlessTransactionError)
    return (error as SessionlessTransaction.SessionlessTransactionError).reason
  })

const messageOf = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.map(Effect.flip(effect), (error) => (error as Error).message)

const begun = (pool: Pool, n: number, options?: SessionlessTransaction.BeginOptions) =>
  Effect.map(pool.use((held) => begin(held, insert(held, n), options)), ({ transaction }) => transaction)

describe.skipIf(isReal)("a sessionless transaction", () => {
  it.live("goes on with other leases and in another process, and is committed as one", () =>
    onEmbedded(({ connect, pool }) =>
      Effect.gen(function*() {
        const first = yield* pool.use((held) =>
          begin(held, Effect.as(insert(held, 1), "one"), { timeout: "10 minutes" })
        )
        assert.strictEqual(first.value, "one")
        assert.strictEqual(first.transaction.timeout, 600)
        assert.deepStrictEqual(yield* committed(pool), [])
        const json = JSON.stringify(yield* Schema.encodeEffect(Handle)(first.transaction))
        // Another process has a pool of its own, and the text.
        const other: Pool = yield* OracleSessionPool.make({ ...connect, ...poolDefaults })
        const transaction = yield* Schema.decodeUnknownEffect(Handle)(JSON.parse(json))
        const second = yield* other.use((held) =>
          resume(held, transaction, Effect.andThen(insert(held, 2), numbers(held)))
        )
        assert.deepStrictEqual(second.value, [1, 2])
        assert.isAtLeast(second.transaction.expiresAt.epochMilliseconds, first.transaction.expiresAt.epochMilliseconds)
        const third = yield* pool.use((held) => commit(held, second.transaction, Effect.as(insert(held, 3), "done")))
        assert.strictEqual(third, "done")
        assert.deepStrictEqual(yield* committed(pool), [1, 2, 3])
        assert.strictEqual(yield* reasonOf(pool.use((held) => commit(held, transaction))), "gone")
      })
    ))

  it.live("is rolled back as a whole", () =>
    onEmbedded(({ pool }) =>
      Effect.gen(function*() {
        const transaction = yield* begun(pool, 1)
        yield* pool.use((held) => rollback(held, transaction))
        assert.deepStrictEqual(yield* committed(pool), [])
        assert.strictEqual(yield* reasonOf(pool.use((held) => resume(held, transaction, Effect.void))), "gone")
      })
    ))

  it.live("loses nothing of the parts before when a part fails, dies or is interrupted", () =>
    onEmbedded(({ pool }) =>
      Effect.gen(function*() {
        const transaction = yield* begun(pool, 1)
        const part = (body: (held: Held) => Effect.Effect<unknown, unknown>) =>
          pool.use((held) => resume(held, transaction, Effect.andThen(insert(held, 100), body(held))))
        assert.strictEqual(yield* Effect.flip(part(() => Effect.fail("refused"))), "refused")
        assert.isTrue(Exit.isFailure(yield* Effect.exit(part(() => Effect.die("defect")))))
        const fiber = yield* Effect.forkChild(part((held) => held.execute("begin dbms_session.sleep(600); end;")))
        yield* Effect.sleep("50 millis")
        yield* Fiber.interrupt(fiber)
        yield* part(() => Effect.void)
        yield* pool.use((held) => commit(held, transaction))
        assert.deepStrictEqual(yield* committed(pool), [1, 100])
      })
    ))

  it.live("ends with a part that fails when told to", () =>
    onEmbedded(({ pool }) =>
      Effect.gen(function*() {
        const transaction = yield* begun(pool, 1)
        const failing = pool.use((held) => resume(held, transaction, Effect.fail("refused"), { onFailure: "rollback" }))
        assert.strictEqual(yield* Effect.flip(failing), "refused")
        assert.strictEqual(yield* reasonOf(pool.use((held) => resume(held, transaction, Effect.void))), "gone")
      })
    ))

  it.live("is not begun when its first part fails or is interrupted", () =>
    onEmbedded(({ pool }) =>
      Effect.gen(function*() {
        const id = "first part"
        const failing = pool.use((held) => begin(held, Effect.andThen(insert(held, 1), Effect.fail("no")), { id }))
        assert.strictEqual(yield* Effect.flip(failing), "no")
        const endless = pool.use((held) =>
          begin(held, Effect.andThen(insert(held, 1), held.execute("begin dbms_session.sleep(600); end;")), { id })
        )
        const fiber = yield* Effect.forkChild(endless)
        yield* Effect.sleep("50 millis")
        yield* Fiber.interrupt(fiber)
        // The id is free, and so are the sessions.
        const { transaction } = yield* pool.use((held) => begin(held, numbers(held), { id }))
        assert.deepStrictEqual(yield* committed(pool), [])
        yield* pool.use((held) => rollback(held, transaction))
      })
    ))

  it.live("is one part's at a time: others wait, for as long as they say", () =>
    onEmbedded(({ pool }) =>
      Effect.gen(function*() {
        const transaction = yield* begun(pool, 1)
        const inside = yield* Latch.make()
        const leave = yield* Latch.make()
        const holder = yield* Effect.forkChild(
          pool.use((held) => resume(held, transaction, Effect.andThen(inside.open, leave.await)))
        )
        yield* inside.await
        const busy = pool.use((held) => resume(held, transaction, insert(held, 2), { wait: 0 }))
        const error = yield* Effect.flip(busy)
        assert.isTrue(error instanceof SessionlessTransaction.SessionlessTransactionError && error.isRetryable)
        assert.strictEqual(yield* reasonOf(busy), "in use")
        const waiting = yield* Effect.forkChild(
          pool.use((held) => resume(held, transaction, insert(held, 3), { wait: "1 minute" }))
        )
        yield* Effect.sleep("20 millis")
        yield* leave.open
        yield* Fiber.join(holder)
        yield* Fiber.join(waiting)
        yield* pool.use((held) => commit(held, transaction))
        assert.deepStrictEqual(yield* committed(pool), [1, 3])
      })
    ))

  it.live("is as it was when a caller that waits for it is interrupted, and the lease goes on", () =>
    onEmbedded(({ pool }) =>
      Effect.gen(function*() {
        const transaction = yield* begun(pool, 1)
        const inside = yield* Latch.make()
        const leave = yield* Latch.make()
        const holder = yield* Effect.forkChild(
          pool.use((held) => resume(held, transaction, Effect.andThen(inside.open, leave.await)))
        )
        yield* inside.await
        yield* pool.use((held) =>
          Effect.gen(function*() {
            const waiting = yield* Effect.forkChild(resume(held, transaction, insert(held, 2), { wait: "1 minute" }))
            yield* Effect.sleep("20 millis")
            yield* Fiber.interrupt(waiting)
            // What follows on the lease is no part of it.
            yield* held.withTransaction(insert(held, 10))
          })
        )
        assert.deepStrictEqual(yield* committed(pool), [10])
        yield* leave.open
        yield* Fiber.join(holder)
        yield* pool.use((held) => commit(held, transaction))
        assert.deepStrictEqual(yield* committed(pool), [1, 10])
      })
    ))

  it.live("is suspended as it was when its lease ends inside of a part", () =>
    onEmbedded(({ pool }) =>
      Effect.gen(function*() {
        const transaction = yield* begun(pool, 1)
        const part = pool.use((held) => resume(held, transaction, Effect.andThen(insert(held, 2), pool.release(held))))
        yield* Effect.exit(part)
        assert.deepStrictEqual(yield* committed(pool), [])
        yield* pool.use((held) => commit(held, transaction))
        assert.deepStrictEqual(yield* committed(pool), [1])
      })
    ))

  it.live("is lost with a session that is killed in a part, or dropped", () =>
    onEmbedded(({ pool, server }) =>
      Effect.gen(function*() {
        const first = yield* begun(pool, 1)
        const killed = pool.use((held) =>
          resume(
            held,
            first,
            Effect.flatMap(sidOf(held), (sid) => Effect.andThen(server.kill(sid), insert(held, 2)))
          )
        )
        assert.include(yield* messageOf(killed), "ORA-00028")
        assert.strictEqual(yield* reasonOf(pool.use((held) => commit(held, first))), "gone")
        const second = yield* begun(pool, 3)
        yield* Effect.exit(pool.use((held) => resume(held, second, pool.drop(held))))
        yield* until(Effect.map(
          Effect.exit(pool.use((held) => resume(held, second, Effect.void, { wait: 0 }))),
          Exit.isFailure
        ))
        assert.strictEqual(yield* reasonOf(pool.use((held) => commit(held, second))), "gone")
        assert.deepStrictEqual(yield* committed(pool), [])
      })
    ))

  it.live("expires", () =>
    onEmbedded(({ pool }) =>
      Effect.gen(function*() {
        const transaction = yield* begun(pool, 1, { timeout: "1 second" })
        const left = pool.use((held) => held.query("select count(*) as n from v$global_transaction"))
        yield* until(Effect.map(Effect.orDie(left), ([row]) => row?.["N"] === 0))
        assert.strictEqual(yield* reasonOf(pool.use((held) => commit(held, transaction))), "gone")
      })
    ))

  it.live("that was ended by hand or by a definition inside of a part is gone, and says so", () =>
    onEmbedded(({ pool }) =>
      Effect.gen(function*() {
        for (const end of [(held: Held) => held.commit, (held: Held) => held.execute("create table more (n number)")]) {
          const transaction = yield* begun(pool, 1)
          assert.strictEqual(yield* reasonOf(pool.use((held) => resume(held, transaction, end(held)))), "gone")
          const failing = pool.use((held) => resume(held, transaction, Effect.void))
          assert.strictEqual(yield* reasonOf(failing), "gone")
        }
        assert.deepStrictEqual(yield* committed(pool), [1, 1])
      })
    ))

  it.live("holds savepoints of inner transactions, and refuses to be inside of another", () =>
    onEmbedded(({ pool }) =>
      Effect.gen(function*() {
        const { transaction } = yield* pool.use((held) =>
          begin(
            held,
            Effect.gen(function*() {
              yield* held.withTransaction(insert(held, 1))
              yield* Effect.flip(held.withTransaction(Effect.andThen(insert(held, 2), Effect.fail("undone"))))
              assert.include(yield* messageOf(begin(held, Effect.void)), "cannot begin inside another one")
              yield* held.pipeline([OracleStatement.execute("insert into t values (3)")])
            })
          )
        )
        const inside = pool.use((held) => held.withTransaction(resume(held, transaction, Effect.void)))
        assert.include(yield* messageOf(inside), "cannot begin inside another one")
        const behind = pool.use((held) => Effect.andThen(insert(held, 9), resume(held, transaction, Effect.void)))
        assert.include(yield* messageOf(behind), "in a transaction already")
        yield* pool.use((held) => commit(held, transaction))
        assert.deepStrictEqual(yield* committed(pool), [1, 3])
      })
    ))

  it.live("takes an id of one's own, and refuses it twice", () =>
    onEmbedded(({ pool }) =>
      Effect.gen(function*() {
        const id = new Uint8Array(64).fill(255)
        const transaction = yield* begun(pool, 1, { id })
        assert.strictEqual(transaction.id, "ff".repeat(64))
        assert.strictEqual(yield* reasonOf(begun(pool, 2, { id })), "id taken")
        yield* pool.use((held) => commit(held, transaction))
        assert.deepStrictEqual(yield* committed(pool), [1])
      })
    ))

  it.live("of a client: its statements run inside, and its transactions are savepoints", () =>
    onEmbedded(({ pool }) =>
      Effect.gen(function*() {
        const sql = yield* Effect.provide(OracleClient.fromPool(pool), Reactivity.layer)
        const { transaction } = yield* begin(sql, sql`insert into t values (${1})`)
        const part = resume(
          sql,
          transaction,
          Effect.gen(function*() {
            yield* sql.withTransaction(sql`insert into t values (${2})`)
            yield* Effect.flip(sql.withTransaction(Effect.andThen(sql`insert into t values (${3})`, Effect.fail("no"))))
            return yield* sql<{ n: number }>`select n from t order by n`
          })
        )
        const { value } = yield* part
        assert.deepStrictEqual(value.map(({ n }) => n), [1, 2])
        assert.deepStrictEqual(yield* sql`select n from t`, [])
        assert.strictEqual(
          (yield* Effect.flip(sql.withTransaction(resume(sql, transaction, Effect.void))))._tag,
          "SqlError"
        )
        yield* commit(sql, transaction)
        assert.strictEqual(yield* reasonOf(commit(sql, transaction)), "gone")
        assert.deepStrictEqual((yield* sql<{ n: number }>`select n from t order by n`).map(({ n }) => n), [1, 2])
      })
    ))

  it.live("whose commit is not answered is found committed, or not, where there is Transaction Guard", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 2, pingTimeout: "20 seconds" }, { transactionGuard: true })
      yield* pool.use((held) => held.execute("create table t (n number)"))
      const first = yield* begun(pool, 1)
      yield* server.inject(Fault.disconnect({ on: "commit", when: "after" }))
      yield* pool.use((held) => commit(held, first))
      const second = yield* begun(pool, 2)
      yield* server.inject(Fault.disconnect({ on: "commit", when: "before" }))
      assert.include(yield* messageOf(pool.use((held) => commit(held, second))), "not committed")
      assert.deepStrictEqual(yield* committed(pool), [1])
    }))

  it.live("whose suspension is not answered is there", () =>
    onEmbedded(({ pool, server }) =>
      Effect.gen(function*() {
        const transaction = yield* begun(pool, 1)
        yield* server.inject(Fault.disconnect({ on: "transactionDetach", when: "after" }))
        yield* Effect.flip(pool.use((held) => resume(held, transaction, insert(held, 2))))
        yield* pool.use((held) => commit(held, transaction))
        assert.deepStrictEqual(yield* committed(pool), [1, 2])
      })
    ))

  it.live("refuses what is no transaction, no effect, no time and no id, before anything is sent", () =>
    onEmbedded(({ pool, server }) =>
      Effect.gen(function*() {
        const transaction = yield* begun(pool, 1)
        yield* pool.use((held) =>
          Effect.gen(function*() {
            const any = (value: unknown) => value as never
            yield* server.clearRequests
            const hostile: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
              begin(any(undefined), Effect.void),
              begin(held, any("no effect")),
              begin(held, Effect.void, any(null)),
              begin(held, Effect.void, { timeout: 0 }),
              begin(held, Effect.void, { timeout: "infinity" }),
              begin(held, Effect.void, { timeout: any("soon") }),
              begin(held, Effect.void, { id: "" }),
              begin(held, Effect.void, { id: "x".repeat(65) }),
              begin(held, Effect.void, { id: any(7) }),
              resume(held, any({ id: "00", timeout: 1 }), Effect.void),
              resume(held, any(undefined), Effect.void),
              resume(held, transaction, Effect.void, { wait: any(-1) }),
              resume(held, transaction, Effect.void, { onFailure: any("keep") }),
              commit(held, any("id")),
              rollback(held, any(null))
            ]
            for (const effect of hostile) assert.isNotEmpty(yield* messageOf(effect))
            assert.deepStrictEqual(yield* server.requests, [])
          })
        )
        for (const id of ["", "zz", "a", "00".repeat(65), "'"]) {
          const decoded = Schema.decodeUnknownEffect(Handle)({ id, timeout: 60, expiresAt: "2026-01-01T00:00:00.000Z" })
          assert.isTrue(Exit.isFailure(yield* Effect.exit(decoded)), id)
        }
        yield* pool.use((held) => rollback(held, transaction))
      })
    ))

  it.live("holds what its parts have said, at whatever moment they are interrupted, alone or two at once", () =>
    onEmbedded(({ pool, server }) =>
      Effect.gen(function*() {
        // The same numbers each time.
        let state = 20_261_128
        const below = (most: number): number => {
          state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
          return Math.floor((state / 2 ** 32) * most)
        }
        yield* server.inject(Fault.delay({ on: "transactionStart", milliseconds: 3, times: 1000 }))
        yield* server.inject(Fault.delay({ on: "transactionDetach", milliseconds: 3, times: 1000 }))
        const transaction = yield* begun(pool, 0, { timeout: "10 minutes" })
        const said: Array<number> = [0]
        const doubtful: Array<number> = []
        for (let round = 1; round <= 60; round++) {
          const part = (n: number, body: Effect.Effect<unknown, string>) =>
            pool.use((held) =>
              Effect.gen(function*() {
                const done = yield* Effect.exit(
                  resume(held, transaction, Effect.andThen(insert(held, n), body), { wait: "1 minute" }).pipe(
                    Effect.timeoutOption(below(3) === 0 ? "10 minutes" : `${below(24)} millis`)
                  )
                )
                // Whatever came of it, the lease goes on, and is in no transaction.
                assert.isFalse(yield* held.inTransaction)
                return Exit.isSuccess(done) && done.value._tag === "Some"
              })
            )
          const bodies = [Effect.void, Effect.sleep("2 millis"), Effect.fail("refused")] as const
          const both = yield* Effect.all([
            part(round * 10, bodies[below(3)]!),
            below(2) === 0 ? part(round * 10 + 1, bodies[below(3)]!) : Effect.succeed(false)
          ], { concurrency: 2 })
          both.forEach((isDone, index) => {
            if (isDone) said.push(round * 10 + index)
            else doubtful.push(round * 10 + index)
          })
        }
        yield* server.clearFaults
        yield* pool.use((held) => commit(held, transaction))
        const found = yield* committed(pool)
        for (const n of said) assert.include(found, n)
        // A part that was interrupted while it was being suspended may have been suspended with its work; none other is there.
        for (const n of found) assert.isTrue(said.includes(n as number) || doubtful.includes(n as number))
        assert.strictEqual(new Set(found).size, found.length)
        assert.isAbove(said.length, 5)
      })
    ))
})
