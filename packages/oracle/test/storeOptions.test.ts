/** What the durable stores say to options, keys and names that they cannot use. */
import { assert, describe, it } from "@effect/vitest"
import {
  OracleCircuitBreaker,
  OracleClient,
  OracleEventJournal,
  OracleEventLogServer,
  OracleMessageStorage,
  OracleMigrator,
  OraclePersistedQueue,
  OracleRateLimiter,
  OracleRunnerStorage,
  OracleSessionPool,
  SessionBudget
} from "@sessionpool/oracle"
import { Fault } from "@sessionpool/oracle-server"
import { Context, Duration, Effect, Layer, Option, Schema } from "effect"
import { ShardingConfig } from "effect/cluster"
import { Digest } from "effect/crypto"
import { CircuitBreaker, PersistedQueue } from "effect/persistence"
import { MigrationError } from "effect/sql/Migrator"
import { database, embedded, isReal } from "./database.ts"
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
      assert.include(yield* queue({ tableName: "a.b.c" }), "a name, or schema.name")
      assert.include(yield* queue({ tableName: "half \ud800" }), "a name, or schema.name")
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

describe("names of the durable stores", () => {
  it.live("are those of one store each: what another has created is not taken for its own", () =>
    Effect.gen(function*() {
      const { client, sql, tableName: prefix } = yield* prepared
      const services = Layer.mergeAll(client, Digest.layerWebCrypto, ShardingConfig.layer())
      yield* Effect.provide(OracleEventJournal.make({ prefix }), services)
      const known = yield* sql`select table_name from user_tables order by table_name`
      const messages = yield* Effect.forEach([
        OracleEventLogServer.makeStorageUnencrypted({ prefix }),
        OracleEventLogServer.makeStorageEncrypted({ prefix }),
        OracleMessageStorage.makeEncoded({ prefix }),
        OraclePersistedQueue.makeStore({ tableName: prefix }),
        OracleRateLimiter.makeStore({ tableName: prefix })
      ], (store) => refusal(Effect.provide(store as Effect.Effect<unknown, unknown>, services)))
      const missing = ["_stores", "_stores", "_messages", "", ""]
      assert.deepStrictEqual(
        messages.map((message) => message.slice(message.indexOf(":"))),
        missing.map((ending) =>
          `: the migrations in ${prefix}_migrations are done, and the table ${prefix}${ending} is not there; another store has this name, or `
          + `the table was dropped: choose another name, or drop ${prefix}_migrations as well.`
        )
      )
      assert.deepStrictEqual(yield* sql`select table_name from user_tables order by table_name`, known)
      // The storages of a cluster are made for one prefix, and stores may be opened again.
      const cluster = { prefix: `${prefix}_c` }
      for (let times = 0; times < 2; times++) {
        yield* Effect.provide(OracleEventJournal.make({ prefix }), services)
        yield* Effect.provide(OracleMessageStorage.makeEncoded(cluster), services)
        yield* Effect.provide(OracleRunnerStorage.make(cluster), services)
      }
    }))

  it.live("may be asked for by many processes at once, the first time", () =>
    Effect.gen(function*() {
      const { connect } = yield* database
      const tableName = `sp_options_${process.pid}_${++tables}`
      const opened = yield* Effect.all(
        Array.from({ length: 4 }, () =>
          Effect.flatMap(
            Layer.build(OracleClient.layer({ ...connect, max: 3 })),
            (context) => Effect.provide(OraclePersistedQueue.makeStore({ tableName }), context)
          )),
        { concurrency: 4 }
      )
      assert.lengthOf(opened, 4)
    }))

  it.live("tell time by the database, whatever the zones of their sessions are", () =>
    Effect.gen(function*() {
      const { connect } = yield* database
      const tableName = `sp_options_${process.pid}_${++tables}`
      const [east, west] = yield* Effect.forEach(["+14:00", "-12:00"], (zone) =>
        Effect.gen(function*() {
          const services = yield* Layer.build(
            Layer.mergeAll(
              OracleClient.layer({
                ...connect,
                max: 3,
                onSession: (connection) => connection.execute(`alter session set time_zone = '${zone}'`)
              }),
              ShardingConfig.layer()
            )
          )
          const queue = yield* Effect.provide(OraclePersistedQueue.makeStore({ tableName }), services)
          yield* Layer.build(
            Layer.provide(OracleRunnerStorage.layerMigrations({ prefix: tableName }), Layer.succeedContext(services))
          )
          const runners = yield* Effect.provide(OracleRunnerStorage.makeEncodedStorage({ prefix: tableName }), services)
          const limiter = yield* Effect.provide(OracleRateLimiter.makeStore({ tableName: `${tableName}_l` }), services)
          return { queue, runners, limiter }
        }))
      const pairs = [[east!, west!], [west!, east!]] as const
      for (const [index, [one, other]] of pairs.entries()) {
        const id = `element ${index}`
        yield* one.queue.offer({ id, name: "jobs", element: index, isCustomId: true, delay: undefined })
        const taken = yield* Effect.scoped(
          other.queue.take({ name: "jobs", maxAttempts: 1, retryDelay: () => Effect.succeed(Duration.zero) })
        )
        assert.strictEqual(taken.id, id)
        yield* one.queue.offer({
          id: `late ${index}`,
          name: "later",
          element: 0,
          isCustomId: true,
          delay: Duration.hours(1)
        })
        const shard = `default:${index}`
        assert.deepStrictEqual(yield* one.runners.acquire("one", [shard]), [shard])
        assert.deepStrictEqual(yield* other.runners.acquire("other", [shard]), [])
        assert.deepStrictEqual(yield* other.runners.refresh("one", [shard]), [shard])
        const window = { key: `api ${index}`, tokens: 1, refillRate: Duration.minutes(10), limit: 10 }
        assert.strictEqual((yield* one.limiter.fixedWindow(window))[0], 1)
        const [count, rest] = yield* other.limiter.fixedWindow(window)
        assert.strictEqual(count, 2)
        // Ten minutes for each of both.
        assert.isAtMost(Duration.toMillis(Duration.fromInputUnsafe(rest)), 1_200_000)
        assert.isAbove(Duration.toMillis(Duration.fromInputUnsafe(rest)), 600_000)
      }
      const early = east!.queue.take({ name: "later", maxAttempts: 1, retryDelay: () => Effect.succeed(Duration.zero) })
      assert.isTrue(Option.isNone(yield* Effect.timeoutOption(Effect.scoped(early), "300 millis")))
    }))

  it.live.skipIf(isReal)(
    "have moments in UTC alone: no statement has the clock of the host's zone",
    () =>
      Effect.gen(function*() {
        const { connect, server } = yield* embedded()
        const fault = yield* server.inject(
          Fault.error({ code: 20000, sql: /(?<!sys_extract_utc\()\bsystimestamp\b|sysdate/i, times: Infinity })
        )
        const client = yield* Layer.build(OracleClient.layer({ ...connect, max: 4 }))
        const sql = Context.get(client, OracleClient.OracleClient)
        const services = Layer.mergeAll(
          Layer.succeed(OracleClient.OracleClient, sql),
          Digest.layerWebCrypto,
          ShardingConfig.layer()
        )
        yield* Effect.provide(
          Effect.all([
            OracleMessageStorage.makeEncoded(),
            OracleRunnerStorage.make(),
            OraclePersistedQueue.makeStore(),
            OracleRateLimiter.makeStore(),
            OracleCircuitBreaker.makeStore(),
            OracleEventJournal.make(),
            OracleEventLogServer.makeStorageEncrypted(),
            Effect.flatMap(
              OracleSessionPool.make(connect),
              (pool) => SessionBudget.join(pool, { name: "all", total: 10 })
            )
          ], { discard: true }),
          services
        )
        const [row] = yield* Effect.provide(OracleMigrator.records({ table: "cluster_migrations" }), services)
        assert.isBelow(Math.abs(row!.createdAt.getTime() - Date.now()), 10 * 60_000)
        assert.strictEqual(yield* fault.hits, 0)
      })
  )
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
      const half = "has half a surrogate pair, which a database cannot store as text"
      assert.strictEqual(yield* offer("half \ud800", "jobs"), `The id ${half}`)
      assert.strictEqual(yield* offer("one", "half \ud800"), `The queue's name ${half}`)
      const take = (name: string) =>
        Effect.map(
          Effect.flip(
            Effect.scoped(store.take({ name, maxAttempts: 1, retryDelay: () => Effect.succeed(Duration.zero) }))
          ),
          ({ message }) => message
        )
      assert.strictEqual(yield* take(""), "The queue's name has 0 characters, and must have 1 to 255")
      assert.strictEqual(yield* take("half \ud800"), `The queue's name ${half}`)
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
