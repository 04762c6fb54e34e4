/**
 * Many senders and takers, with failures, interruptions, rollbacks and killed sessions: every message that was sent is handled in exactly
 * one transaction that was committed, or stands in the exception queue.
 */
import { assert, describe, it } from "@effect/vitest"
import { OracleQueue } from "@sessionpool/oracle"
import { Effect, Fiber, Option, Random, Schedule } from "effect"
import { queueScript, workOptions } from "./queues.ts"
import { until, watched } from "./watchedPool.ts"

const rounds = Number(process.env["SESSIONPOOL_QUEUE_ROUNDS"] ?? "1")
const senders = 4
const takers = 6
const each = 8

/** Every choice comes from the seed; which fiber meets which message does not. */
const round = (seed: number) =>
  Effect.scoped(Effect.gen(function*() {
    const { pool, server } = yield* watched({ max: 4 }, { script: queueScript })
    const work = yield* OracleQueue.fromPool(pool, {
      ...workOptions,
      wait: "1 second",
      reconnect: Schedule.spaced("10 millis")
    })
    const sent = new Set<number>()
    const sender = (number: number) =>
      Effect.forEach(Array.from({ length: each }, (_, i) => number * 1000 + i), (id) =>
        Effect.gen(function*() {
          const chance = yield* Random.next
          const options = { priority: id % 3 }
          if (chance < 0.2) {
            // Rolled back: it must never be handled.
            yield* Effect.exit(pool.use((connection) =>
              connection.withTransaction(
                Effect.andThen(work.on(connection).offer({ id: id + 500 }, options), Effect.fail("no"))
              )
            ))
          }
          // A lost commit leaves open whether it was done: only what is known to be sent counts, so kills spare the senders' session.
          yield* work.offer({ id }, options)
          sent.add(id)
        }), { discard: true })
    const attempt = work.take(({ attempts, value: { id } }, connection) =>
      Effect.gen(function*() {
        yield* connection.execute("insert into done values (:id, :attempts)", { id, attempts })
        const chance = yield* Random.next
        if (chance < 0.15) return yield* Effect.fail("rolled back")
        if (chance < 0.2) return yield* Effect.interrupt
        if (chance < 0.35) {
          // The session of this taker, and maybe of others that wait.
          yield* server.killWhere(({ sid }) => sid % 2 === 0 && isListener(sid))
        }
        if (chance < 0.6) yield* Effect.sleep("2 millis")
      })
    )
    const isListener = (sid: number) => !own.has(sid)
    // The pool's own sessions are there from here on; every later one is a listener's.
    const own = yield* Effect.scoped(Effect.andThen(
      Effect.forEach([1, 2, 3, 4], () => pool.acquire(), { discard: true }),
      Effect.map(server.sessions, (sessions) => new Set(sessions.map(({ sid }) => sid)))
    ))
    const takersRun = yield* Effect.forEach(
      Array.from({ length: takers }),
      () => Effect.forkScoped(Effect.forever(Effect.exit(Effect.forkChild(attempt).pipe(Effect.flatMap(Fiber.await)))))
    )
    yield* Effect.forEach(Array.from({ length: senders }, (_, i) => i + 1), sender, {
      concurrency: "unbounded",
      discard: true
    })
    const left = pool.use((connection) => connection.query("select count(*) n from work_table where q_name = 'WORK'"))
    yield* until(Effect.orDie(Effect.map(left, ([row]) => row?.["N"] === 0)))
    yield* Effect.forEach(takersRun, Fiber.interrupt, { discard: true })
    const handled = (yield* pool.use((connection) => connection.query("select id from done"))).map(({ ID }) =>
      Number(ID)
    )
    const failed = yield* OracleQueue.fromPool(pool, { ...workOptions, queue: "aq$_work_table_e" })
    const given: Array<number> = []
    for (;;) {
      const next = yield* failed.poll(({ value }) => Effect.succeed(value.id))
      if (Option.isNone(next)) break
      given.push(next.value)
    }
    assert.deepStrictEqual(
      [...handled, ...given].toSorted((a, b) => a - b),
      [...sent].toSorted((a, b) => a - b),
      `seed ${seed}: each message once, committed or given up`
    )
    assert.strictEqual(sent.size, senders * each)
    return { handled: handled.length, given: given.length }
  })).pipe(Random.withSeed(seed))

describe("OracleQueue under senders, takers, failures and kills", () => {
  it.live("handles each message once", () =>
    Effect.gen(function*() {
      const seed = Number(process.env["SESSIONPOOL_QUEUE_SEED"] ?? "1")
      for (let i = 0; i < rounds; i++) {
        const { given, handled } = yield* round(seed + i)
        yield* Effect.logDebug(`seed ${seed + i}: ${handled} handled, ${given} given up`)
      }
    }), 120_000)

  it.live("gives messages of one taker by their priority", () =>
    Effect.gen(function*() {
      const { pool } = yield* watched({}, { script: queueScript })
      const work = yield* OracleQueue.fromPool(pool, workOptions)
      const priorities = yield* Effect.forEach(Array.from({ length: 40 }), () => Random.nextIntBetween(-5, 6))
      yield* Effect.forEach(priorities, (priority, id) => work.offer({ id }, { priority }), { discard: true })
      const taken: Array<number> = []
      for (let i = 0; i < priorities.length; i++) {
        taken.push(yield* work.take(({ value }) => Effect.succeed(value.id)))
      }
      const expected = priorities.map((priority, id) => ({ priority, id }))
        .toSorted((a, b) => a.priority - b.priority || a.id - b.id)
        .map(({ id }) => id)
      assert.deepStrictEqual(taken, expected)
    }).pipe(Random.withSeed(7)))
})
