/** `OracleQueue` over the socket: messages as part of transactions, waits, losses, and what cannot be read. */
import { assert, describe, it } from "@effect/vitest"
import { OracleClient, type OracleConnection, OracleQueue, OracleSessionPool } from "@sessionpool/oracle"
import { Fault, type OracleServer } from "@sessionpool/oracle-server"
import { Context, Deferred, Effect, Exit, Fiber, Layer, Logger, Option, Schema, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import { queueScript, Work, workOptions } from "./queues.ts"
import { active, counts, nothingLeft, type Pool, until, watched } from "./watchedPool.ts"

const opened = (options: Partial<OracleSessionPool.Options> = {}) =>
  Effect.gen(function*() {
    const { connect, pool, server } = yield* watched(options, { script: queueScript })
    return { connect, pool, server, work: yield* OracleQueue.fromPool(pool, workOptions) }
  })

const idOf = ({ value }: OracleQueue.Message<{ readonly id: number }>) => Effect.succeed(value.id)

const messagesIn = (pool: Pool, table = "work_table") =>
  Effect.map(
    pool.use((connection) => connection.query(`select q_name, state, retry_count from ${table} order by 1, 2, 3`)),
    (rows) => rows.map(({ Q_NAME, RETRY_COUNT, STATE }) => [Q_NAME, STATE, RETRY_COUNT])
  )

/** Waits until so many sessions dequeue. */
const waiting = (server: OracleServer.Service, count: number) => active(server, count)

const done = (connection: OracleConnection.OracleConnection, id: number, attempts: number) =>
  connection.execute("insert into done values (:id, :attempts)", { id, attempts })

describe("OracleQueue", () => {
  it.live("sends and takes, each in a transaction", () =>
    Effect.gen(function*() {
      const { pool, work } = yield* opened()
      const at = new Date(1_700_000_000_123)
      const id = yield* work.offer({ id: 1, at }, { correlation: "first", priority: 3 })
      const message = yield* work.take((taken, connection) => Effect.as(done(connection, taken.value.id, 0), taken))
      assert.deepStrictEqual(
        { ...message, enqueuedAt: message.enqueuedAt instanceof Date },
        { id, value: { id: 1, at }, priority: 3, correlation: "first", attempts: 0, enqueuedAt: true }
      )
      assert.match(id, /^[0-9A-F]{32}$/)
      assert.deepStrictEqual(yield* pool.use((connection) => connection.query("select id from done")), [{ ID: 1 }])
      assert.deepStrictEqual(yield* messagesIn(pool), [])
      assert.isTrue(Option.isNone(yield* work.poll(idOf)))
    }))

  it.live("is part of the sender's transaction, through either interface", () =>
    Effect.gen(function*() {
      const { pool, work } = yield* opened()
      const sql = yield* Effect.provide(OracleClient.fromPool(pool), Reactivity.layer)
      yield* Effect.exit(sql.withTransaction(Effect.gen(function*() {
        yield* sql.useConnection((connection) => work.on(connection).offer({ id: 1 }))
        return yield* Effect.fail("no")
      })))
      assert.isTrue(Option.isNone(yield* work.poll(idOf)))
      yield* pool.use((connection) =>
        connection.withTransaction(Effect.gen(function*() {
          yield* work.on(connection).offerAll([{ id: 2 }, { id: 3 }])
          assert.isTrue(Option.isNone(yield* work.poll(idOf)), "not before the commit")
        }))
      )
      assert.deepStrictEqual(yield* work.take(idOf), 2)
      assert.deepStrictEqual(yield* work.poll(idOf), Option.some(3))
    }))

  it.live("gives by priority, correlation and condition, after delays", () =>
    Effect.gen(function*() {
      const { work } = yield* opened()
      yield* work.offer({ id: 1 }, { priority: 5 })
      yield* work.offer({ id: 2 }, { priority: 1, correlation: "b-1" })
      yield* work.offer({ id: 3 }, { priority: 9, correlation: "a-1" })
      yield* work.offer({ id: 4 }, { priority: -1, delay: "500 millis" })
      assert.strictEqual(yield* work.take(idOf, { correlation: "a%" }), 3)
      assert.strictEqual(yield* work.take(idOf, { condition: "tab.priority > 3" }), 1)
      assert.strictEqual(yield* work.take(idOf), 2)
      assert.isTrue(Option.isNone(yield* work.poll(idOf)))
      assert.strictEqual(yield* work.take(idOf), 4, "half a second is rounded up to one")
    }))

  it.live("carries bytes and objects", () =>
    Effect.gen(function*() {
      const { pool } = yield* opened()
      const bytes = yield* OracleQueue.fromPool(pool, { queue: "bytes", payload: OracleQueue.raw() })
      yield* bytes.offerAll([Uint8Array.of(1, 2), new Uint8Array(), new Uint8Array(50_000).fill(7)])
      const taken = yield* bytes.stream().pipe(
        Stream.take(3),
        Stream.map(({ value }) => value.length),
        Stream.runCollect
      )
      assert.deepStrictEqual(taken, [2, 0, 50_000])
      const parcels = yield* OracleQueue.fromPool(pool, {
        queue: "scott.parcels",
        payload: OracleQueue.object(
          "PARCEL",
          Schema.Struct({
            WEIGHT: Schema.Number,
            LABEL: Schema.NullOr(Schema.String),
            SENT: Schema.NullOr(Schema.Date)
          })
        )
      })
      const sent = new Date(2024, 1, 29, 13, 14, 15)
      yield* parcels.offerAll([{ WEIGHT: 1.5, LABEL: "x", SENT: sent }, { WEIGHT: 2, LABEL: null, SENT: null }])
      assert.deepStrictEqual(yield* parcels.take(({ value }) => Effect.succeed(value)), {
        WEIGHT: 1.5,
        LABEL: "x",
        SENT: sent
      })
      assert.strictEqual((yield* parcels.take(({ value }) => Effect.succeed(value))).LABEL, null)
    }))

  it.live("gives a message again when its work fails, and ends in its exception queue", () =>
    Effect.gen(function*() {
      const { pool, work } = yield* opened()
      yield* work.offer({ id: 1 }, { exceptionQueue: "failed" })
      for (let attempt = 0; attempt < 3; attempt++) {
        const failure = yield* Effect.flip(
          work.take(({ attempts }, connection) =>
            Effect.andThen(done(connection, attempts, attempts), Effect.fail(`failed ${attempts}`))
          )
        )
        assert.strictEqual(failure, `failed ${attempt}`)
      }
      assert.deepStrictEqual(yield* messagesIn(pool), [["FAILED", 3, 3]])
      assert.deepStrictEqual(yield* pool.use((connection) => connection.query("select * from done")), [])
      const failed = yield* OracleQueue.fromPool(pool, { ...workOptions, queue: "failed" })
      assert.strictEqual(yield* failed.take(idOf), 1)
      assert.deepStrictEqual(yield* messagesIn(pool), [])
    }))

  it.live("neither loses nor repeats for good what cannot be read", () =>
    Effect.gen(function*() {
      const { pool, work } = yield* opened()
      const anything = yield* OracleQueue.fromPool(pool, { queue: "work", payload: OracleQueue.json(Schema.Unknown) })
      yield* anything.offer({ id: "not a number", secret: "tiger" })
      yield* work.offer({ id: 2 })
      const failures: Array<number> = []
      const first = yield* work.take(idOf).pipe(
        Effect.tapErrorTag("MessageDecodeError", (error) =>
          Effect.sync(() => {
            assert.include(error.message, "at id, Expected")
            assert.notInclude(error.message, "tiger")
            failures.push(error.attempts)
          })),
        Effect.retry({ times: 5 })
      )
      assert.strictEqual(first, 2)
      assert.deepStrictEqual(failures, [0, 1, 2])
      assert.deepStrictEqual(yield* messagesIn(pool), [["AQ$_WORK_TABLE_E", 3, 3]])
    }))

  it.live("waits outside of max, seen in the statistics, and breaks the wait when it is interrupted", () =>
    Effect.gen(function*() {
      const { pool, server, work } = yield* opened({ max: 1 })
      assert.strictEqual((yield* pool.statistics).dedicated, 0)
      const takers = yield* Effect.forEach([1, 2, 3], () => Effect.forkScoped(work.take(idOf)))
      yield* waiting(server, 3)
      assert.strictEqual((yield* pool.statistics).dedicated, 3)
      // The one place of the pool is free for its leases.
      yield* pool.use((connection) => connection.ping)
      assert.strictEqual((yield* pool.statistics).opened, 1)
      yield* Fiber.interrupt(takers[0]!)
      yield* waiting(server, 2)
      yield* work.offerAll([{ id: 1 }, { id: 2 }])
      const taken = yield* Effect.all([Fiber.join(takers[1]!), Fiber.join(takers[2]!)])
      assert.deepStrictEqual([...taken].sort(), [1, 2])
      assert.deepStrictEqual(yield* messagesIn(pool), [])
    }))

  it.live("rolls back when its work is interrupted", () =>
    Effect.gen(function*() {
      const { pool, work } = yield* opened()
      yield* work.offer({ id: 1 })
      const begun = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkScoped(work.take((_, connection) =>
        done(connection, 1, 0).pipe(
          Effect.andThen(Deferred.succeed(begun, undefined)),
          Effect.andThen(Effect.never)
        )
      ))
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* messagesIn(pool), [["WORK", 0, 1]])
      assert.strictEqual(yield* work.take(({ attempts }) => Effect.succeed(attempts)), 1)
    }))

  it.live("waits on another session when its own is lost", () =>
    Effect.gen(function*() {
      const { pool, server, work } = yield* opened()
      const taker = yield* Effect.forkScoped(work.take(({ attempts, value }) => Effect.succeed([value.id, attempts])))
      yield* waiting(server, 1)
      yield* server.killWhere(({ status }) => status === "ACTIVE")
      yield* waiting(server, 1)
      yield* work.offer({ id: 7 })
      assert.deepStrictEqual(yield* Fiber.join(taker), [7, 0])
      yield* counts(pool, { busy: 0 })
    }))

  it.live("fails when its session is lost in the middle of the work, and the message comes again", () =>
    Effect.gen(function*() {
      const { server, work } = yield* opened()
      yield* work.offer({ id: 7 })
      const failure = yield* Effect.flip(work.take(() => server.killWhere(() => true)))
      assert.isTrue(typeof failure === "object" && "isSessionFatal" in failure && failure.isSessionFatal)
      assert.deepStrictEqual(yield* work.take(({ attempts, value }) => Effect.succeed([value.id, attempts])), [7, 0])
    }))

  it.live("says that its queue was stopped or dropped", () =>
    Effect.gen(function*() {
      const { pool, server, work } = yield* opened()
      const run = (call: string) => pool.use((connection) => connection.execute(`begin dbms_aqadm.${call}; end;`))
      const codeOf = (failure: unknown) =>
        typeof failure === "object" && failure !== null && "code" in failure ? failure.code : failure
      const taker = yield* Effect.forkScoped(Effect.flip(work.take(idOf)))
      yield* waiting(server, 1)
      yield* run("stop_queue('work')")
      assert.strictEqual(codeOf(yield* Fiber.join(taker)), "ORA-25226")
      assert.strictEqual(codeOf(yield* Effect.flip(work.offer({ id: 1 }))), "ORA-25207")
      yield* run("drop_queue('work')")
      assert.strictEqual(codeOf(yield* Effect.flip(work.offer({ id: 1 }))), "ORA-24010")
      assert.strictEqual(codeOf(yield* Effect.flip(work.take(idOf))), "ORA-24010")
      const mistyped = yield* OracleQueue.fromPool(pool, { queue: "bytes", payload: OracleQueue.json(Work) })
      assert.strictEqual(codeOf(yield* Effect.flip(mistyped.offer({ id: 1 }))), "ORA-25215")
    }))

  it.live("ends with its pool", () =>
    Effect.gen(function*() {
      yield* Effect.scoped(Effect.gen(function*() {
        const { connect, server } = yield* watched({}, { script: queueScript })
        const { taker } = yield* Effect.scoped(Effect.gen(function*() {
          const pool = yield* OracleSessionPool.make<OracleSessionPool.Failure>({ ...connect, drainTimeout: 0 })
          const work = yield* OracleQueue.fromPool(pool, { ...workOptions, wait: "1 second" })
          const forked = yield* Effect.forkDetach(work.take(idOf))
          yield* waiting(server, 1)
          return { taker: forked }
        }))
        const exit = yield* Fiber.await(taker)
        assert.isTrue(Exit.isFailure(exit))
        yield* until(Effect.map(server.sessions, (sessions) => sessions.length === 0))
      }))
    }))

  it.live("closes the listeners' sessions with close()", () =>
    Effect.gen(function*() {
      const { pool, server, work } = yield* opened()
      const taker = yield* Effect.forkScoped(Effect.exit(work.take(idOf)))
      yield* waiting(server, 1)
      yield* pool.close({ force: true })
      assert.isTrue(Exit.isFailure(yield* Fiber.join(taker)))
      yield* nothingLeft(server)
    }))

  it.live("streams messages, each committed when the next one is asked for", () =>
    Effect.gen(function*() {
      const { pool, work } = yield* opened()
      yield* work.offerAll([{ id: 1 }, { id: 2 }, { id: 3 }])
      const seen: Array<unknown> = []
      const failure = yield* work.stream().pipe(
        Stream.mapEffect(({ value: { id } }) =>
          Effect.flatMap(messagesIn(pool), (left) => {
            seen.push([id, left.length])
            return id === 2 ? Effect.fail("no") : Effect.void
          })
        ),
        Stream.runDrain,
        Effect.flip
      )
      assert.strictEqual(failure, "no")
      assert.deepStrictEqual(seen, [[1, 3], [2, 2]])
      assert.deepStrictEqual(yield* messagesIn(pool), [["WORK", 0, 0], ["WORK", 0, 1]])
      const rest = yield* work.stream().pipe(Stream.take(2), Stream.map(({ value }) => value.id), Stream.runCollect)
      assert.deepStrictEqual(rest, [2, 3])
      assert.deepStrictEqual(yield* messagesIn(pool), [], "a stream that ends in success commits its last one")
    }))

  it.live("says that the last message of a stream may come again when its commit is lost", () =>
    Effect.gen(function*() {
      const { pool, server, work } = yield* opened()
      const lines: Array<string> = []
      const logger = Logger.make(({ message }) => {
        lines.push(String(Array.isArray(message) ? message[0] : message))
      })
      yield* work.offer({ id: 1 })
      yield* server.inject(Fault.disconnect({ on: "commit", when: "before" }))
      const taken = yield* work.stream().pipe(
        Stream.take(1),
        Stream.map(({ value }) => value.id),
        Stream.runCollect,
        Effect.provide(Logger.layer([logger]))
      )
      assert.deepStrictEqual(taken, [1])
      assert.include(lines.join(), "The last message of a stream may not be committed, and may come again")
      assert.deepStrictEqual(yield* messagesIn(pool), [["WORK", 0, 0]])
    }))

  it.live("is a service by its layer", () =>
    Effect.gen(function*() {
      class Orders extends Context.Service<Orders, OracleQueue.OracleQueue<typeof Work.Type>>()("test/Orders") {}
      const { connect } = yield* watched({}, { script: queueScript })
      const layer = OracleQueue.layer(Orders, workOptions).pipe(Layer.provide(OracleSessionPool.layer(connect)))
      const taken = yield* Effect.provide(
        Effect.flatMap(Orders, (orders) => Effect.andThen(orders.offer({ id: 5 }), orders.take(idOf))),
        layer
      )
      assert.strictEqual(taken, 5)
    }))

  it.live("refuses what it cannot send, and sends nothing", () =>
    Effect.gen(function*() {
      const { pool, server, work } = yield* opened()
      const messageOf = <A, E extends { readonly message: string }>(effect: Effect.Effect<A, E>) =>
        Effect.map(Effect.flip(effect), ({ message }) => message)
      assert.include(yield* messageOf(work.offer({ id: "x" } as never)), "at id, Expected")
      assert.include(yield* messageOf(work.offer({ id: 1 }, { delay: "soon" as never })), "delay must be a duration")
      assert.include(yield* messageOf(work.offer({ id: 1 }, { delay: "100000 days" })), "delay")
      assert.include(yield* messageOf(work.offer({ id: 1 }, { priority: 1.5 })), "priority must be a whole number")
      assert.include(yield* messageOf(work.offer({ id: 1 }, { correlation: "x".repeat(200) })), "correlation")
      assert.include(yield* messageOf(OracleQueue.fromPool(pool, { ...workOptions, queue: " " })), "name of a queue")
      assert.include(yield* messageOf(OracleQueue.fromPool(pool, { ...workOptions, wait: "2 hours" })), "wait")
      const hostile = yield* OracleQueue.fromPool(pool, { ...workOptions, queue: "work'; drop table done; --" })
      assert.include(yield* messageOf(hostile.offer({ id: 1 })), "ORA-25200")
      assert.deepStrictEqual(yield* work.offerAll([]), [])
      const { enqueue = 0 } = (yield* server.counters).byFunction
      assert.strictEqual(enqueue, 1)
      assert.deepStrictEqual(yield* messagesIn(pool), [])
    }))
})
