/** What programs without types give a queue: never a throw, never a defect, nothing sent, and no attempt of a message spent. */
import { assert, describe, it } from "@effect/vitest"
import { OracleClient, type OracleError, OracleQueue } from "@sessionpool/oracle"
import { Fault } from "@sessionpool/oracle-server"
import { Cause, Effect, Exit, Fiber, Option, Queue, Redacted, Schedule, Schema, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import { isReal } from "./database.ts"
import { queueScript, Work, workOptions } from "./queues.ts"
import { active, type Pool, watched } from "./watchedPool.ts"

const hostile: ReadonlyArray<unknown> = [
  null,
  5,
  Number.NaN,
  -1,
  1.5,
  2 ** 31,
  Infinity,
  "nope; drop",
  "",
  true,
  Symbol("s"),
  1n,
  {},
  [],
  [null],
  new Date(Number.NaN),
  Redacted.make("r"),
  Object.create(null),
  new Uint8Array(2)
]

const anything = (value: unknown) => value as never
const noEffect = (value: unknown) => value as Effect.Effect<void>

const opened = Effect.gen(function*() {
  const { pool, server } = yield* watched({}, { script: queueScript })
  return { pool, server, work: yield* OracleQueue.fromPool(pool, workOptions) }
})

const rows = (pool: Pool) =>
  Effect.map(
    pool.use((connection) => connection.query("select q_name, retry_count from work_table order by 1, 2")),
    (found) => found.map(({ Q_NAME, RETRY_COUNT }) => `${Q_NAME} ${RETRY_COUNT}`)
  )

const messageOf = (effect: Effect.Effect<unknown, unknown>) =>
  Effect.map(Effect.flip(effect), (error) => (error as OracleError.OracleError).message.split("\n")[0])

/** What became of a call that was given something: it may have done as it was told. */
const isTyped = (call: () => Effect.Effect<unknown, unknown>) =>
  Effect.gen(function*() {
    let effect: Effect.Effect<unknown, unknown>
    try {
      effect = call()
    } catch (thrown) {
      return `threw ${String(thrown)}`
    }
    const exit = yield* Effect.exit(effect)
    return Exit.isFailure(exit) && Cause.hasDies(exit.cause) ? `died of ${Cause.pretty(exit.cause)}` : undefined
  })

describe.skipIf(isReal)("a queue that is given anything", () => {
  it.live("fails, typed, or does as it is told, and loses nothing", () =>
    Effect.gen(function*() {
      const { pool, work } = yield* opened
      yield* work.offer({ id: 1 }, { correlation: "kept" })
      const nothing = { correlation: "none" }
      const calls: ReadonlyArray<readonly [string, (value: never) => Effect.Effect<unknown, unknown>]> = [
        ["fromPool, the pool", (value) => OracleQueue.fromPool(value, workOptions)],
        ["fromPool, the options", (value) => OracleQueue.fromPool(pool, value)],
        ...["queue", "payload", "wait", "reconnect"].map((key) =>
          [
            `fromPool { ${key} }`,
            (value: never) => OracleQueue.fromPool(pool, { ...workOptions, [key]: value })
          ] as const
        ),
        ["offer, the value", (value) => work.offer(value)],
        ["offer, the options", (value) => work.offer(anything({ id: "refused" }), value)],
        ...["delay", "expiration", "priority", "correlation", "exceptionQueue"].map((key) =>
          [
            `offer { ${key} }`,
            (value: never) => work.offer(anything({ id: "refused" }), { [key]: value })
          ] as const
        ),
        ["offerAll, the values", (value) => work.offerAll(value)],
        ["offerAll, a value", (value) => work.offerAll([value])],
        ["on, the connection", (value) => work.on(value).offer({ id: 3 })],
        ["on, offerAll", (value) => work.on(value).offerAll([{ id: 3 }])],
        ["take, the function", (value) => work.take(value, nothing)],
        ["poll, the function", (value) => work.poll(value)],
        ...["correlation", "condition"].map((key) =>
          [
            `poll { ${key} }`,
            (value: never) => work.poll(() => Effect.fail("no message"), { ...nothing, [key]: value })
          ] as const
        )
      ]
      const problems: Array<string> = []
      for (const [name, call] of calls) {
        for (const value of hostile) {
          const problem = yield* isTyped(() => call(anything(value)))
          if (problem !== undefined) problems.push(`${name}, given ${typeof value}: ${problem}`)
        }
      }
      assert.deepStrictEqual(problems, [])
      assert.deepStrictEqual(yield* rows(pool), ["WORK 0"])
    }), 30_000)

  it.live("says what it must be, and sends nothing", () =>
    Effect.gen(function*() {
      const { pool, server, work } = yield* opened
      yield* pool.use((connection) => connection.ping)
      const calls = () =>
        Effect.map(server.counters, ({ byFunction: { dequeue = 0, enqueue = 0 } }) => dequeue + enqueue)
      const before = yield* calls()
      assert.deepStrictEqual(
        yield* Effect.forEach([
          OracleQueue.fromPool(pool, anything(undefined)),
          OracleQueue.fromPool(pool, anything({ queue: "work" })),
          OracleQueue.fromPool(pool, { queue: "work", payload: OracleQueue.raw(anything(5)) }),
          OracleQueue.fromPool(pool, { queue: "work", payload: OracleQueue.object("", Schema.String) }),
          OracleQueue.fromPool(pool, { ...workOptions, reconnect: anything("1 second") }),
          work.offer({ id: 1 }, { delay: -1 }),
          work.offer({ id: 1 }, { expiration: Number.NaN }),
          work.offer({ id: 1 }, { priority: 2 ** 31 }),
          work.offer({ id: 1 }, { exceptionQueue: "" }),
          work.offer(anything({})),
          work.offerAll([{ id: 1 }, anything({ id: "x" })]),
          work.offerAll(anything(5)),
          work.on(anything({})).offer({ id: 1 }),
          work.take(anything(undefined) as () => Effect.Effect<void>),
          work.poll(() => Effect.void, anything(null)),
          Stream.runDrain(work.stream({ condition: "" }))
        ], messageOf),
        [
          "The options must be an object, not undefined: nothing was sent.",
          "The payload of a queue must be OracleQueue.raw, json or object, not undefined: nothing was sent.",
          "The schema of a payload must be a Schema, not a number: nothing was sent.",
          "The name of an object type must be a text that is not empty, not a string: nothing was sent.",
          "The option reconnect must be a Schedule, not a string: nothing was sent.",
          "The option delay must be a duration of 0 to 2147483647 seconds: nothing was sent.",
          "The option expiration must be a duration of 0 to 2147483647 seconds: nothing was sent.",
          "The option priority must be a whole number from -2147483647 to 2147483647, not 2147483648: nothing was sent.",
          "The option exceptionQueue must be a text that is not empty, not a string: nothing was sent.",
          "The message cannot be sent: at id, Missing key",
          "Message 2 of 2 cannot be sent: at id, Expected number",
          "The messages must be an array, or another iterable, not a number: nothing was sent.",
          "What a message is sent on must be an OracleConnection, not an object: nothing was sent.",
          "What is done with a message must be a function that gives an effect, not undefined: nothing was sent.",
          "The options of a take must be an object, not null: nothing was sent.",
          "The option condition must be a text that is not empty, not a string: nothing was sent."
        ]
      )
      assert.strictEqual(yield* calls(), before)
    }))
})

describe.skipIf(isReal)("a function that gives no effect", () => {
  const given = [undefined, 5, Promise.resolve(1)]

  it.live("costs a take a defect that says so, and gives the message back", () =>
    Effect.gen(function*() {
      const { pool, work } = yield* opened
      yield* work.offer({ id: 1 })
      for (const value of given.slice(0, 2)) {
        const exit = yield* Effect.exit(work.take(() => noEffect(value)))
        assert.include(String(exit), "What is done with a message must give an effect")
      }
      // Its session is free: no other one has the message.
      assert.deepStrictEqual(yield* rows(pool), ["WORK 2"])
      assert.deepStrictEqual(yield* work.take(({ attempts }) => Effect.succeed(attempts)), 2)
      assert.strictEqual((yield* pool.statistics).dedicated, 1)
    }))

  it.live("costs a client no session", () =>
    Effect.gen(function*() {
      const { pool } = yield* watched({ max: 1 })
      const sql = yield* Effect.provide(OracleClient.fromPool(pool), Reactivity.layer)
      for (const value of given) {
        const wrong: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
          pool.use(() => noEffect(value)),
          sql.useConnection(() => noEffect(value)),
          sql.withTransaction(sql.useConnection(() => noEffect(value))),
          sql.withTransaction(noEffect(value))
        ]
        for (const effect of wrong) {
          assert.include(String(yield* Effect.exit(effect)), "effect")
          assert.strictEqual((yield* pool.statistics).busy, 0)
        }
      }
      assert.deepStrictEqual(yield* sql`select 1 as n from dual`, [{ n: 1 }])
    }))
})

describe.skipIf(isReal)("a server that says nothing any more", () => {
  it.live("costs a taker its session, and the next one takes the message", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ pingTimeout: "100 millis" }, { script: queueScript })
      const work = yield* OracleQueue.fromPool(pool, { ...workOptions, wait: "1 second" })
      yield* server.inject(Fault.hang({ on: "dequeue", times: 2 }))
      const taker = yield* Effect.forkScoped(work.take(({ value }) => Effect.succeed(value.id)))
      yield* active(server, 1)
      yield* work.offer({ id: 1 })
      assert.strictEqual(yield* Fiber.join(taker), 1)
      assert.deepStrictEqual(yield* rows(pool), [])
    }), 20_000)

  it.live(
    "ends a poll, which does not wait for a database that opens no session either",
    () =>
      Effect.gen(function*() {
        const { pool, server } = yield* watched({ pingTimeout: "100 millis" }, { script: queueScript })
        const work = yield* OracleQueue.fromPool(pool, { ...workOptions, reconnect: Schedule.spaced("10 millis") })
        yield* work.offer({ id: 1 })
        yield* server.inject(Fault.hang({ on: "dequeue", times: 4 }))
        const hung = yield* Effect.flip(work.poll(() => Effect.void))
        assert.isTrue((hung as OracleError.OracleError).isSessionFatal)
        assert.deepStrictEqual(yield* rows(pool), ["WORK 0"])
        yield* server.inject(Fault.refuse())
        assert.strictEqual((yield* Effect.flip(work.poll(() => Effect.void)))._tag, "OpenSessionError")
      }),
    20_000
  )

  it.live(
    "costs listeners their session, and they hear what is sent to the next one",
    () =>
      Effect.gen(function*() {
        const { pool, server } = yield* watched({ pingTimeout: "100 millis" })
        const sql = yield* Effect.provide(OracleClient.fromPool(pool), Reactivity.layer)
        const heard = yield* Queue.unbounded<string>()
        yield* server.inject(Fault.hang({ sql: /waitany/i, times: 1 }))
        yield* server.inject(Fault.hang({ sql: /register/i, times: 1 }))
        yield* Effect.forkScoped(Stream.runForEach(sql.listen("prices"), (payload) => Queue.offer(heard, payload)))
        // A notice that comes while no session is registered is lost, so it is sent again.
        const hears = Effect.map(Effect.timeoutOption(Queue.take(heard), "50 millis"), Option.isSome)
        yield* Effect.repeat(Effect.andThen(sql.notify("prices", "7"), hears), { until: (isHeard) => isHeard })
      }),
    30_000
  )
})

describe.skipIf(isReal)("a message that is large, or empty", () => {
  it.live("comes as it went", () =>
    Effect.gen(function*() {
      const { pool } = yield* opened
      const bytes = yield* OracleQueue.fromPool(pool, { queue: "bytes", payload: OracleQueue.raw() })
      for (const size of [0, 1, 252, 253, 32_767, 32_768, 5_000_000]) {
        const sent = Uint8Array.from({ length: size }, (_, at) => at % 251)
        yield* bytes.offer(sent)
        const got = yield* bytes.take(({ value }) => Effect.succeed(value))
        assert.isTrue(Buffer.from(got).equals(sent), `${size} bytes`)
      }
      const wide = yield* OracleQueue.fromPool(pool, {
        queue: "work",
        payload: OracleQueue.json(Schema.Array(Schema.Union([Work, Schema.String])))
      })
      const sent = Array.from({ length: 2000 }, (_, id) => id % 2 === 0 ? { id } : "é".repeat(id))
      yield* wide.offer(sent)
      assert.deepStrictEqual(yield* wide.take(({ value }) => Effect.succeed(value)), sent)
    }), 20_000)
})
