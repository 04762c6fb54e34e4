/** `sql.listen` and `sql.notify` over the socket. */
import { assert, describe, it } from "@effect/vitest"
import { OracleClient, type OracleSessionPool } from "@sessionpool/oracle"
import { Effect, Exit, Fiber, Queue, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import { nothingLeft, until, watched } from "./watchedPool.ts"

const opened = (options: Partial<OracleSessionPool.Options> = {}) =>
  Effect.gen(function*() {
    const { pool, server } = yield* watched(options)
    const sql = yield* Effect.provide(OracleClient.fromPool(pool), Reactivity.layer)
    return { pool, server, sql }
  })

/** Listens into a queue; when it is there, the channel is registered. */
const heard = Effect.fnUntraced(function*(sql: OracleClient.OracleClient, channel: string) {
  const queue = yield* Queue.unbounded<string>()
  const listening = yield* Effect.forkScoped(
    Stream.runForEach(sql.listen(channel), (payload) => Queue.offer(queue, payload))
  )
  return { queue, listening }
})

/** Notifies until something comes: a listener that has just begun may not be registered yet. */
const first = (sql: OracleClient.OracleClient, channel: string, payload: string, queue: Queue.Queue<string>) =>
  Effect.gen(function*() {
    for (;;) {
      yield* sql.notify(channel, payload)
      const come = yield* Effect.timeoutOption(Queue.take(queue), "20 millis")
      if (come._tag === "Some") return come.value
    }
  })

const drain = (queue: Queue.Queue<string>) =>
  Effect.gen(function*() {
    yield* Effect.sleep("30 millis")
    return yield* Queue.clear(queue)
  })

describe("listen and notify", () => {
  it.live("carry notices when they are committed, to all who listen", () =>
    Effect.gen(function*() {
      const { pool, server, sql } = yield* opened({ max: 2 })
      const one = yield* heard(sql, "orders")
      const other = yield* heard(sql, "ORDERS")
      const bills = yield* heard(sql, "bills")
      assert.strictEqual(yield* first(sql, "orders", "1", one.queue), "1")
      assert.strictEqual(yield* first(sql, "bills", "b", bills.queue), "b")
      assert.strictEqual((yield* pool.statistics).dedicated, 1, "one session for all")
      yield* drain(one.queue)
      yield* drain(other.queue)
      yield* Effect.exit(sql.withTransaction(Effect.andThen(sql.notify("orders", "no"), Effect.fail("rolled back"))))
      yield* sql.withTransaction(Effect.andThen(sql.notify("Orders", "2"), sql.notify("orders", "3")))
      // Those of one transaction are merged.
      assert.strictEqual(yield* Queue.take(one.queue), "3")
      assert.strictEqual(yield* Queue.take(other.queue), "3")
      yield* sql.notify("orders", "")
      assert.strictEqual(yield* Queue.take(one.queue), "")
      yield* Fiber.interrupt(one.listening)
      yield* Fiber.interrupt(other.listening)
      yield* Fiber.interrupt(bills.listening)
      yield* until(Effect.map(pool.statistics, ({ dedicated }) => dedicated === 0))
      yield* until(Effect.map(server.sessions, (sessions) => sessions.length <= 2))
    }))

  it.live("registers all channels again on another session when theirs is lost", () =>
    Effect.gen(function*() {
      const { pool, server, sql } = yield* opened()
      const orders = yield* heard(sql, "orders")
      const bills = yield* heard(sql, "bills")
      yield* first(sql, "orders", "before", orders.queue)
      yield* first(sql, "bills", "before", bills.queue)
      yield* server.killWhere(({ status }) => status === "ACTIVE")
      yield* until(Effect.map(pool.statistics, ({ dedicated }) => dedicated === 1))
      yield* drain(orders.queue)
      yield* drain(bills.queue)
      assert.strictEqual(yield* first(sql, "orders", "after", orders.queue), "after")
      assert.strictEqual(yield* first(sql, "bills", "after", bills.queue), "after")
      assert.isUndefined(orders.listening.pollUnsafe())
    }))

  it.live("ends with the pool, and leaves nothing", () =>
    Effect.gen(function*() {
      const { pool, server, sql } = yield* opened()
      const { listening, queue } = yield* heard(sql, "orders")
      yield* first(sql, "orders", "1", queue)
      yield* pool.close({ force: true })
      assert.isTrue(Exit.isFailure(yield* Fiber.await(listening)))
      yield* nothingLeft(server)
    }))

  it.live("refuse what cannot be a channel or a payload, and send nothing", () =>
    Effect.gen(function*() {
      const { server, sql } = yield* opened()
      const messageOf = <A>(effect: Effect.Effect<A, { readonly message: string }>) =>
        Effect.map(Effect.flip(effect), ({ message }) => message)
      const executed = Effect.map(server.counters, ({ byFunction }) => byFunction.execute ?? 0)
      const before = yield* executed
      assert.include(yield* messageOf(sql.notify("x".repeat(31), "")), "name of a channel")
      assert.include(yield* messageOf(sql.notify("ora$secret", "")), "name of a channel")
      assert.include(yield* messageOf(sql.notify("orders", "ü".repeat(901))), "at most 1800 bytes")
      assert.include(yield* messageOf(sql.notify("orders", 5 as never)), "at most 1800 bytes")
      assert.include(yield* messageOf(Stream.runDrain(sql.listen(" "))), "name of a channel")
      assert.strictEqual(yield* executed, before)
    }))
})
