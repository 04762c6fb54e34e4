/** Two-phase commit over the socket: several databases, lost answers, and what another process finds. */
import { assert, describe, it } from "@effect/vitest"
import { GlobalTransaction, type OracleConnection, OracleSessionPool } from "@sessionpool/oracle"
import { Fault, OracleServer } from "@sessionpool/oracle-server"
import { Cause, Effect, Exit, Fiber, Logger, Redacted, Schema, type Scope } from "effect"
import { isReal, poolDefaults } from "./database.ts"
import type { Pool } from "./watchedPool.ts"

type Held = OracleConnection.OracleConnection

const { commit, commitAll, prepare, recover, rollback, Xid } = GlobalTransaction

/** A server with two databases, a pool on each. */
const databases = Effect.gen(function*() {
  const server = yield* OracleServer.make({
    instances: [{ name: "ORDERS", database: "ORDERS" }, { name: "STOCK", database: "STOCK" }],
    script: "create table t (n number)"
  })
  const open = (instance: string) =>
    OracleSessionPool.make({
      ...poolDefaults,
      user: "scott",
      password: Redacted.make("tiger"),
      connectString: server.connectStringOf({ instance }),
      max: 2
    })
  return { server, open, orders: (yield* open("ORDERS")) as Pool, stock: (yield* open("STOCK")) as Pool }
})

const onBoth = <A, E>(
  test: (parts: Effect.Success<typeof databases>) => Effect.Effect<A, E, Scope.Scope>
) => Effect.scoped(Effect.flatMap(databases, test))

const insert = (held: Held, n: number) => held.execute("insert into t values (:1)", [n])
const numbers = (pool: Pool) =>
  Effect.map(
    pool.use((held) => held.query("select n from t order by n")),
    (rows) => rows.map((row) => row["N"])
  )
const inDoubt = (pool: Pool) => Effect.map(pool.use(recover), (xids) => xids.map(String))

/** Both connections, for the length of a scope. */
const both = ({ orders, stock }: Effect.Success<typeof databases>) => Effect.all([orders.acquire(), stock.acquire()])

describe.skipIf(isReal)("a global transaction", () => {
  it.live("is committed in both databases", () =>
    onBoth((parts) =>
      Effect.gen(function*() {
        const kept: Array<string> = []
        const values = yield* Effect.scoped(Effect.gen(function*() {
          const [orders, stock] = yield* both(parts)
          return yield* commitAll({
            orders: { connection: orders, work: Effect.as(insert(orders, 1), "ordered") },
            stock: { connection: stock, work: Effect.as(insert(stock, 2), 2) }
          }, (xids) =>
            Effect.gen(function*() {
              kept.push(...xids.map(String))
              assert.deepStrictEqual(yield* inDoubt(parts.orders), [kept[0]])
              assert.deepStrictEqual(yield* numbers(parts.orders), [])
            }))
        }))
        assert.deepStrictEqual(values, { orders: "ordered", stock: 2 })
        assert.lengthOf(kept, 2)
        assert.deepStrictEqual([yield* numbers(parts.orders), yield* numbers(parts.stock)], [[1], [2]])
        assert.deepStrictEqual([yield* inDoubt(parts.orders), yield* inDoubt(parts.stock)], [[], []])
      })
    ))

  it.live("is committed in none when a work, a prepare or the decision fails, or it is interrupted", () =>
    onBoth((parts) =>
      Effect.gen(function*() {
        const tried = (
          work: (held: Held) => Effect.Effect<unknown, unknown>,
          decide: Effect.Effect<unknown, unknown> = Effect.void
        ) =>
          Effect.scoped(Effect.gen(function*() {
            const [orders, stock] = yield* both(parts)
            return yield* commitAll({
              orders: { connection: orders, work: insert(orders, 1) },
              stock: { connection: stock, work: Effect.andThen(insert(stock, 2), work(stock)) }
            }, () => decide)
          }))
        assert.strictEqual(yield* Effect.flip(tried(() => Effect.fail("refused"))), "refused")
        assert.isTrue(Exit.isFailure(yield* Effect.exit(tried(() => Effect.die("defect")))))
        assert.strictEqual(yield* Effect.flip(tried(() => Effect.void, Effect.fail("not kept"))), "not kept")
        yield* parts.server.inject(Fault.error({ on: "transactionPrepare", code: 2046, skip: 1 }))
        assert.isTrue(Exit.isFailure(yield* Effect.exit(tried(() => Effect.void))))
        const fiber = yield* Effect.forkChild(tried((held) => held.execute("begin dbms_session.sleep(600); end;")))
        yield* Effect.sleep("50 millis")
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual([yield* numbers(parts.orders), yield* numbers(parts.stock)], [[], []])
        assert.deepStrictEqual([yield* inDoubt(parts.orders), yield* inDoubt(parts.stock)], [[], []])
      })
    ))

  it.live("that was decided is finished by another process when the first is lost between two commits", () =>
    onBoth((parts) =>
      Effect.gen(function*() {
        const kept: Array<unknown> = []
        yield* parts.server.inject(Fault.disconnect({ on: "transactionCommit", when: "before", skip: 1 }))
        const lost = Effect.scoped(Effect.gen(function*() {
          const [orders, stock] = yield* both(parts)
          return yield* commitAll({
            orders: { connection: orders, work: insert(orders, 1) },
            stock: { connection: stock, work: insert(stock, 2) }
          }, (xids) =>
            Effect.sync(() => kept.push(...xids.map((xid) => Schema.encodeSync(Schema.toCodecJson(Xid))(xid)))))
        }))
        assert.isTrue(Exit.isFailure(yield* Effect.exit(lost)))
        assert.deepStrictEqual([yield* numbers(parts.orders), yield* numbers(parts.stock)], [[1], []])
        const other: Pool = yield* parts.open("STOCK")
        const [found] = yield* other.use(recover)
        assert.strictEqual(JSON.stringify(kept).includes(found!.globalId), true)
        assert.strictEqual(
          yield* other.use((held) =>
            commit(held, found!)
          ),
          "committed"
        )
        assert.strictEqual(yield* other.use((held) => commit(held, found!)), "absent")
        assert.deepStrictEqual(yield* numbers(parts.stock), [2])
      })
    ))

  it.live("whose branch is lost in the middle, prepared or not", () =>
    onBoth(({ orders, server }) =>
      Effect.gen(function*() {
        const xid = Xid.random("a")
        // The answer to the prepare is lost: the branch is in doubt, and found.
        yield* server.inject(Fault.disconnect({ on: "transactionPrepare", when: "after" }))
        assert.isTrue(
          Exit.isFailure(yield* Effect.exit(Effect.scoped(orders.use((held) => prepare(held, xid, insert(held, 1))))))
        )
        assert.deepStrictEqual(yield* inDoubt(orders), [String(xid)])
        yield* orders.use((held) => rollback(held, xid))
        yield* orders.use((held) => rollback(held, xid))
        assert.deepStrictEqual(yield* inDoubt(orders), [])
        // The answer to the commit is lost: it is done again.
        const second = Xid.random("b")
        const committed = Effect.scoped(orders.use((held) =>
          Effect.gen(function*() {
            yield* prepare(held, second, insert(held, 2))
            return yield* commit(held, second)
          })
        ))
        yield* server.inject(Fault.disconnect({ on: "transactionCommit", when: "after" }))
        assert.isTrue(Exit.isFailure(yield* Effect.exit(committed)))
        assert.strictEqual(yield* orders.use((held) => commit(held, second)), "absent")
        assert.deepStrictEqual(yield* numbers(orders), [2])
      })
    ))

  it.live("is rolled back by its scope, unless it was committed in it", () =>
    onBoth(({ orders }) =>
      Effect.gen(function*() {
        yield* orders.use((held) =>
          Effect.gen(function*() {
            yield* Effect.scoped(prepare(held, Xid.random("a"), insert(held, 1)))
            assert.deepStrictEqual(yield* recover(held), [])
            yield* Effect.scoped(Effect.gen(function*() {
              const { needsCommit, value, xid } = yield* prepare(
                held,
                Xid.random("b"),
                Effect.as(insert(held, 2), "two")
              )
              assert.deepStrictEqual([needsCommit, value], [true, "two"])
              // The connection is free: what it does is no part of the branch.
              yield* held.withTransaction(insert(held, 3))
              yield* commit(held, xid)
            }))
            const nothing = yield* Effect.scoped(prepare(held, Xid.random("c"), held.query("select n from t")))
            assert.isFalse(nothing.needsCommit)
          })
        )
        assert.deepStrictEqual(yield* numbers(orders), [2, 3])
      })
    ))

  it.live("is in no doubt after a decision that is no effect", () =>
    onBoth((databases) =>
      Effect.gen(function*() {
        const [orders, stock] = yield* both(databases)
        for (const given of [undefined, 5, Promise.resolve()]) {
          const all = commitAll({
            orders: { connection: orders, work: insert(orders, 1) },
            stock: { connection: stock, work: insert(stock, 1) }
          }, () => given as unknown as Effect.Effect<void>)
          assert.include(String(yield* Effect.exit(all)), "What keeps the decision must give an effect")
          assert.deepStrictEqual([yield* recover(orders), yield* recover(stock)], [[], []])
        }
      }).pipe(Effect.scoped)
    ))

  it.live("says that it stays prepared when its lease ends before its scope does", () =>
    onBoth(({ orders }) =>
      Effect.gen(function*() {
        const messages: Array<string> = []
        const logger = Logger.make(({ message }) => {
          messages.push(String(Array.isArray(message) ? message[0] : message))
        })
        const xid = Xid.random("a")
        yield* Effect.scoped(orders.use((held) => prepare(held, xid, insert(held, 1)))).pipe(
          Effect.provide(Logger.layer([logger]))
        )
        assert.match(messages.join(), /A prepared branch could not be rolled back.*GlobalTransaction\.recover finds it/)
        assert.deepStrictEqual(yield* inDoubt(orders), [String(xid)])
        yield* orders.use((held) => rollback(held, xid))
      })
    ))

  it.live("refuses savepoints, commits and definitions inside, and to be inside of another transaction", () =>
    onBoth(({ orders }) =>
      Effect.gen(function*() {
        const messageOf = <A, E>(effect: Effect.Effect<A, E>) =>
          Effect.map(Effect.flip(effect), (error) => (error as unknown as Error).message)
        const inside = (work: (held: Held) => Effect.Effect<unknown, unknown>) =>
          messageOf(orders.use((held) => Effect.scoped(prepare(held, Xid.random("a"), work(held)))))
        assert.include(yield* inside((held) => held.withTransaction(insert(held, 1))), "ORA-02074")
        assert.include(yield* inside((held) => held.commit), "ORA-24795")
        assert.include(yield* inside((held) => held.execute("create table u (n number)")), "ORA-02089")
        const within = orders.use((held) =>
          held.withTransaction(Effect.scoped(prepare(held, Xid.random("a"), Effect.void)))
        )
        assert.include(yield* messageOf(within), "cannot begin inside another one")
        // A lease that ends in a branch rolls it back.
        yield* Effect.exit(orders.use((held) =>
          Effect.scoped(prepare(held, Xid.random("d"), Effect.andThen(insert(held, 4), orders.release(held))))
        ))
        assert.deepStrictEqual([yield* numbers(orders), yield* inDoubt(orders)], [[], []])
      })
    ))

  it.live("refuses what is no connection, no id, no effect and no decision, before anything is sent", () =>
    onBoth(({ orders, server }) =>
      orders.use((held) =>
        Effect.gen(function*() {
          const any = (value: unknown) => value as never
          const xid = Xid.random("a")
          yield* server.clearRequests
          const hostile: ReadonlyArray<Effect.Effect<unknown, unknown, Scope.Scope>> = [
            prepare(any({}), xid, Effect.void),
            prepare(held, any({ formatId: 1, globalId: "00", branch: "00" }), Effect.void),
            prepare(held, xid, any("work")),
            prepare(held, xid, Effect.void, { timeout: any("long") }),
            prepare(held, xid, Effect.void, any(null)),
            commit(held, any(undefined)),
            rollback(any(null), xid),
            recover(any(1)),
            commitAll(any(null), () => Effect.void),
            commitAll({}, () => Effect.void),
            commitAll({ ["x".repeat(65)]: { connection: held, work: Effect.void } }, () => Effect.void),
            commitAll({ a: { connection: any(1), work: Effect.void } }, () => Effect.void),
            commitAll({ a: { connection: held, work: Effect.void } }, any("decided"))
          ]
          for (const effect of hostile) {
            const exit = yield* Effect.exit(Effect.scoped(effect))
            assert.isTrue(Exit.isFailure(exit) && !Cause.hasDies(exit.cause))
          }
          assert.deepStrictEqual(yield* server.requests, [])
          for (const wrong of [{ formatId: -1 }, { globalId: "" }, { branch: "00".repeat(65) }, { branch: "x" }]) {
            const made = Effect.try(() => new Xid({ formatId: 1, globalId: "00", branch: "00", ...wrong }))
            assert.isTrue(Exit.isFailure(yield* Effect.exit(made)))
          }
          for (const name of ["", "x".repeat(65), "é".repeat(33), undefined, 5]) {
            assert.throws(
              () => Xid.random(any(name)),
              RangeError,
              /The name of a branch must be a text of 1 to 64 bytes/
            )
            assert.throws(() => xid.withBranch(any(name)), RangeError)
          }
        })
      )
    ))
})
