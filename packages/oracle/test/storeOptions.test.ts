/** What the durable stores say to options, keys and names that they cannot use. */
import { assert, describe, it } from "@effect/vitest"
import {
  OracleCircuitBreaker,
  OracleClient,
  OracleMessageStorage,
  OraclePersistedQueue,
  OracleRateLimiter,
  OracleRunnerStorage
} from "@sessionpool/oracle"
import { Duration, Effect, Layer, Schema } from "effect"
import { ShardingConfig } from "effect/cluster"
import { CircuitBreaker, PersistedQueue } from "effect/persistence"
import { MigrationError } from "effect/sql/Migrator"
import { openClient } from "./openClient.ts"

let tables = 0

const prepared = Effect.gen(function*() {
  const { sql } = yield* openClient()
  const tableName = `sp_options_${process.pid}_${++tables}`
  yield* Effect.addFinalizer(() =>
    Effect.forEach(
      [tableName, `${tableName}_migrations`, `${tableName}_migrations_lock`],
      (table) => Effect.ignore(sql`drop table ${sql(table)}`),
      { discard: true }
    )
  )
  return { sql, tableName, client: Layer.succeed(OracleClient.OracleClient, sql) }
})

/** Whatever a program that is not type checked may give. */
const any = <T>(value: unknown): T => value as T

const refusal = <A, R>(effect: Effect.Effect<A, unknown, R>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.instanceOf(error, MigrationError)
    assert.strictEqual(error.kind, "BadState")
    return error.message
  })

describe("options of the durable stores", () => {
  it.live("are refused with a sentence before anything is created", () =>
    Effect.gen(function*() {
      const { client, sql } = yield* prepared
      const queue = (options: unknown) => refusal(Effect.provide(OraclePersistedQueue.makeStore(any(options)), client))
      const duration = "a duration above 0, such as \"30 seconds\" or 30000 (milliseconds)"
      assert.strictEqual(
        yield* queue({ pollInterval: "abc", lockExpiration: 0 }),
        `OraclePersistedQueue: pollInterval must be ${duration}, not "abc"; lockExpiration must be ${duration}, not 0.`
      )
      assert.include(yield* queue({ pollInterval: -4 }), `pollInterval must be ${duration}, not -4`)
      assert.include(yield* queue({ tableName: "" }), "tableName must be a name, or schema.name, of 1 to 112 bytes")
      assert.include(yield* queue({ tableName: 5 }), "not 5.")
      assert.include(yield* queue({ tableName: "x".repeat(113) }), "of 1 to 112 bytes")
      assert.include(yield* queue({ tableName: "a\"b" }), "without quotation marks")
      assert.strictEqual(
        yield* queue({ tabelName: "queue" }),
        "OraclePersistedQueue: \"tabelName\" is not one of its options (tableName, pollInterval, lockRefreshInterval, lockExpiration)."
      )
      assert.strictEqual(yield* queue(null), "OraclePersistedQueue: its options must be an object.")
      assert.include(
        yield* refusal(Effect.provide(OracleRateLimiter.makeStore(any({ table: "x" })), client)),
        "OracleRateLimiter: \"table\" is not one of its options (tableName)"
      )
      assert.include(
        yield* refusal(Effect.provide(OracleCircuitBreaker.makeStore(any({ probeLease: "soon" })), client)),
        "OracleCircuitBreaker: probeLease must be a duration above 0"
      )
      for (
        const layer of [
          OracleMessageStorage.layerMigrations({ prefix: " " }),
          OracleRunnerStorage.layerMigrations(any({ prefix: 7 })),
          OracleRunnerStorage.layerStorage({ prefix: "x".repeat(106) })
        ]
      ) {
        assert.include(
          yield* refusal(
            Layer.build(Layer.provide(layer as Layer.Layer<never, unknown, never>, [client, ShardingConfig.layer()]))
          ),
          "prefix must be a name, or schema.name, of 1 to 105 bytes"
        )
      }
      assert.deepStrictEqual(
        yield* sql`select table_name from user_tables where lower(table_name) like 'effect%' or lower(table_name) like 'sp\\_options%' escape '\\'`,
        []
      )
    }))

  it.live("may be a lock that never lapses", () =>
    Effect.gen(function*() {
      const { client, tableName } = yield* prepared
      const context = yield* Layer.build(
        PersistedQueue.layer.pipe(
          Layer.provide(OraclePersistedQueue.layerStore({ tableName, lockExpiration: "Infinity" })),
          Layer.provide(client)
        )
      )
      const queue = yield* Effect.provide(PersistedQueue.make({ name: "jobs", schema: Schema.Number }), context)
      yield* queue.offer(5)
      assert.strictEqual(yield* queue.take(Effect.succeed), 5)
    }))
})

describe("keys of the durable stores", () => {
  it.live("may be empty, long, or no well-formed text, where a limiter or a circuit has them", () =>
    Effect.gen(function*() {
      const { client, tableName } = yield* prepared
      const limiter = yield* Effect.provide(OracleRateLimiter.makeStore({ tableName }), client)
      const keys = ["", "k".repeat(5000), `${"k".repeat(4999)}l`, "half \ud800", "half \ud801", "a\0b", "ключ"]
      const take = (key: string) => limiter.fixedWindow({ key, tokens: 1, refillRate: Duration.minutes(1), limit: 10 })
      for (const times of [1, 2]) {
        for (const key of keys) assert.strictEqual((yield* take(key))[0], times)
      }
      const breaker = yield* Effect.provide(OracleCircuitBreaker.makeStore({ tableName }), client)
      for (const key of keys) {
        const { generation } = yield* Effect.scoped(breaker.admit(key))
        const change = yield* breaker.record({
          key,
          generation,
          outcome: "Failure",
          openFor: Duration.minutes(1),
          tripPolicy: CircuitBreaker.consecutive(1)
        })
        assert.strictEqual(change?.to, "Open")
        assert.strictEqual((yield* breaker.state(key))._tag, "Open")
      }
    }))

  it.live("are refused with a sentence where a queue cannot keep them", () =>
    Effect.gen(function*() {
      const { client, tableName } = yield* prepared
      const store = yield* Effect.provide(OraclePersistedQueue.makeStore({ tableName }), client)
      const offer = (id: string, name: string) =>
        Effect.map(
          Effect.flip(store.offer({ id, name, element: 1, isCustomId: true, delay: undefined })),
          ({ message }) => message
        )
      assert.strictEqual(yield* offer("", "jobs"), "The id has 0 characters, and must have 1 to 255")
      assert.strictEqual(yield* offer("x".repeat(256), "jobs"), "The id has 256 characters, and must have 1 to 255")
      assert.strictEqual(yield* offer("one", ""), "The queue's name has 0 characters, and must have 1 to 255")
    }))

  it.live("are counted apart from the transaction of a caller, whose rollback gives nothing back", () =>
    Effect.gen(function*() {
      const { client, sql, tableName } = yield* prepared
      const limiter = yield* Effect.provide(OracleRateLimiter.makeStore({ tableName }), client)
      const take = limiter.fixedWindow({ key: "api", tokens: 1, refillRate: Duration.minutes(1), limit: 10 })
      assert.strictEqual(
        yield* Effect.flip(sql.withTransaction(Effect.andThen(take, Effect.fail("rolled back")))),
        "rolled back"
      )
      assert.strictEqual((yield* take)[0], 2)
    }))
})
