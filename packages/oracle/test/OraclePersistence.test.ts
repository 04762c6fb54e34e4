import { assert, describe, it } from "@effect/vitest"
import { OracleClient, OraclePersistence, OracleSessionPool } from "@sessionpool/oracle"
import { Fault } from "@sessionpool/oracle-server"
import { type Array as Arr, Cause, Duration, Effect, Exit, Layer } from "effect"
import { SqlMessageStorage, SqlRunnerStorage } from "effect/cluster"
import { SqlEventJournal } from "effect/eventlog"
import { KeyValueStore, PersistedQueue, Persistence } from "effect/persistence"
import { Reactivity } from "effect/reactivity"
import { SqlClient } from "effect/sql"
import { embedded, isReal } from "./database.ts"
import { openClient } from "./openClient.ts"

let tables = 0

const nonEmpty = <A>(list: ReadonlyArray<A>) => list as Arr.NonEmptyArray<A>

/** A layer for what it does while it is built. */
const nothing = <A, E, R>(layer: Layer.Layer<A, E, R>): Layer.Layer<never, E, R> =>
  Layer.effectDiscard(Effect.scoped(Layer.build(layer)))

const prepared = Effect.gen(function*() {
  const { sql } = yield* openClient()
  const table = `sp_store_${process.pid}_${++tables}`
  yield* Effect.addFinalizer(() => Effect.ignore(sql`drop table ${sql(table)}`))
  return { sql, table, client: Layer.succeed(OracleClient.OracleClient, sql) }
})

describe("layerKeyValueStore", () => {
  it.live("keeps text and bytes under keys", () =>
    Effect.gen(function*() {
      const { client, table } = yield* prepared
      const layer = Layer.provide(OraclePersistence.layerKeyValueStore({ table }), client)
      yield* Effect.gen(function*() {
        const store = yield* KeyValueStore.KeyValueStore
        assert.isUndefined(yield* store.get("a"))
        assert.isTrue(yield* store.isEmpty)
        yield* store.set("a", "one")
        yield* store.set("a", "two")
        yield* store.set("A", "other")
        yield* store.set("ab%", new Uint8Array([1, 2, 3]))
        assert.strictEqual(yield* store.get("a"), "two")
        assert.deepStrictEqual(new Uint8Array((yield* store.getUint8Array("ab%"))!), new Uint8Array([1, 2, 3]))
        assert.strictEqual(yield* store.get("ab%"), "AQID")
        assert.isTrue(yield* store.has("A"))
        assert.strictEqual(yield* store.size, 3)
        yield* store.set("empty", "")
        assert.strictEqual(yield* store.get("empty"), "")
        const long = "x".repeat(50_000)
        yield* store.set("long", long)
        assert.strictEqual(yield* store.get("long"), long)
        assert.strictEqual(yield* store.modify("a", (value) => `${value}!`), "two!")
        yield* store.clearPrefix("a")
        assert.isFalse(yield* store.has("ab%"))
        assert.isTrue(yield* store.has("A"))
        yield* store.remove("A")
        assert.strictEqual(yield* store.size, 2)
        yield* store.clear
        assert.isTrue(yield* store.isEmpty)
        assert.strictEqual((yield* Effect.flip(store.set("", "x"))).method, "set")
      }).pipe(Effect.provide(layer))
      // The table is there by now.
      yield* Effect.provide(Effect.flatMap(KeyValueStore.KeyValueStore, (store) => store.set("again", "x")), layer)
    }))
})

describe("what stores are given", () => {
  it.live("is kept as it is, or refused (H11)", () =>
    Effect.gen(function*() {
      const { client, table } = yield* prepared
      yield* Effect.gen(function*() {
        const store = yield* KeyValueStore.KeyValueStore
        for (const text of ["\uFEFFwith a mark", "\uFEFF", "in the \uFEFF middle", "😀 \u0000"]) {
          yield* store.set("text", text)
          assert.strictEqual(yield* store.get("text"), text)
        }
        const half = yield* Effect.flip(store.set("text", "a\uD83D"))
        assert.deepStrictEqual([half._tag, half.method], ["KeyValueStoreError", "set"])
        assert.strictEqual((yield* Effect.flip(store.set("\uDE00b", "x"))).method, "set")
        assert.strictEqual(yield* store.get("text"), "😀 \u0000")
        assert.strictEqual(yield* store.size, 1)
      }).pipe(Effect.provide(Layer.provide(OraclePersistence.layerKeyValueStore({ table }), client)))
    }))

  it.live("fails with PersistenceError where it has no JSON, and nothing of it is kept (H12)", () =>
    Effect.gen(function*() {
      const { client, table } = yield* prepared
      yield* Effect.gen(function*() {
        const store = yield* (yield* Persistence.BackingPersistence).make("s")
        const circular: { self?: object } = {}
        circular.self = circular
        for (const value of [circular, { n: 1n }, { toJSON: () => undefined }]) {
          assert.strictEqual((yield* Effect.flip(store.set("k", value, undefined)))._tag, "PersistenceError")
          const many = store.setMany([["a", { n: 1 }, undefined], ["b", value, undefined]])
          assert.strictEqual((yield* Effect.flip(many))._tag, "PersistenceError")
        }
        assert.deepStrictEqual(yield* store.getMany(["k", "a", "b"]), [undefined, undefined, undefined])
      }).pipe(Effect.provide(Layer.provide(OraclePersistence.layerBacking({ table }), client)))
    }))
})

describe("layerBacking", () => {
  it.live("is written by many at once, in whatever order they have their keys (H10)", () =>
    Effect.gen(function*() {
      const { client, table } = yield* prepared
      yield* Effect.gen(function*() {
        const store = yield* (yield* Persistence.BackingPersistence).make("s")
        const keys = Array.from({ length: 8 }, (_, n) => `k${n}`)
        const entries = (n: number) => {
          const turned = [...keys.slice(n % 8), ...keys.slice(0, n % 8)]
          const ordered = n % 2 === 0 ? turned : turned.toReversed()
          return ordered.map((key) => [key, { n }, undefined] as const)
        }
        yield* Effect.forEach(
          Array.from({ length: 16 }, (_, n) => n),
          (n) => store.setMany(nonEmpty(entries(n))),
          { concurrency: "unbounded" }
        )
        const found = yield* store.getMany(nonEmpty(keys))
        // Whoever committed last has written all of them.
        assert.lengthOf(new Set(found.map((value) => JSON.stringify(value))), 1)
        yield* store.setMany([["twice", { n: 1 }, undefined], ["twice", { n: 2 }, undefined]])
        assert.deepStrictEqual(yield* store.get("twice"), { n: 2 })
      }).pipe(Effect.provide(Layer.provide(OraclePersistence.layerBacking({ table }), client)))
    }))

  it.live.skipIf(isReal)(
    "does a deadlock's work again as a whole, where that is not its caller's to do (H10)",
    () =>
      Effect.gen(function*() {
        const { connect, server } = yield* embedded()
        const pool = yield* OracleSessionPool.make(connect)
        const sql = yield* Effect.provide(OracleClient.fromPool(pool), Reactivity.layer)
        yield* Effect.gen(function*() {
          const store = yield* (yield* Persistence.BackingPersistence).make("s")
          const deadlock = server.inject(Fault.error({ code: 60, sql: /merge/i, skip: 1, times: 2 }))
          const many = store.setMany([["a", { n: 1 }, undefined], ["b", { n: 2 }, undefined]])
          const first = yield* deadlock
          yield* many
          assert.strictEqual(yield* first.hits, 2)
          assert.deepStrictEqual(yield* store.getMany(["a", "b"]), [{ n: 1 }, { n: 2 }])
          yield* store.clear
          const second = yield* deadlock
          const error = yield* Effect.flip(sql.withTransaction(many))
          assert.strictEqual(error._tag, "PersistenceError")
          assert.strictEqual(yield* second.hits, 1)
          assert.isUndefined(yield* store.get("a"))
        }).pipe(
          Effect.provide(Layer.provide(OraclePersistence.layerBacking(), Layer.succeed(OracleClient.OracleClient, sql)))
        )
      })
  )

  it.live("keeps results in stores apart, until they expire", () =>
    Effect.gen(function*() {
      const { client, sql, table } = yield* prepared
      yield* Effect.gen(function*() {
        const backing = yield* Persistence.BackingPersistence
        const users = yield* backing.make("users")
        const others = yield* backing.make("others")
        assert.isUndefined(yield* users.get("1"))
        yield* users.set("1", { name: "Ada" }, undefined)
        yield* users.set("1", { name: "Eve", text: "y".repeat(10_000) }, Duration.infinity)
        assert.deepStrictEqual(yield* users.get("1"), { name: "Eve", text: "y".repeat(10_000) })
        assert.isUndefined(yield* others.get("1"))
        yield* users.setMany([["2", { n: 2 }, Duration.millis(1)], ["3", { n: 3 }, Duration.minutes(1)]])
        yield* Effect.sleep("20 millis")
        assert.deepStrictEqual(yield* users.getMany(["3", "2", "4"]), [{ n: 3 }, undefined, undefined])
        yield* users.remove("3")
        assert.isUndefined(yield* users.get("3"))
        yield* others.set("1", {}, undefined)
        // A second client of the table deletes what has expired as soon as it is there.
        yield* users.set("2", { n: 2 }, Duration.millis(1))
        yield* Effect.sleep("20 millis")
        const cleaned = Effect.gen(function*() {
          yield* Effect.sleep("200 millis")
          return yield* sql`select count(*) as n from ${sql(table)} where id = '2'`
        })
        assert.deepStrictEqual(
          yield* Effect.provide(cleaned, Layer.provide(OraclePersistence.layerBacking({ table }), client)),
          [{ n: 0 }]
        )
        yield* users.clear
        assert.isUndefined(yield* users.get("1"))
        assert.deepStrictEqual(yield* others.get("1"), {})
      }).pipe(Effect.provide(Layer.provide(OraclePersistence.layerBacking({ table }), client)))
    }))
})

describe("the SQL layers of effect have no text for Oracle", () => {
  /** They end while they are built: their first statement is one of SQLite. */
  const layers: Record<string, Layer.Layer<never, unknown, SqlClient.SqlClient>> = {
    "KeyValueStore.layerSql": nothing(KeyValueStore.layerSql({ table: "sp_none" })),
    "Persistence.layerBackingSql": nothing(Persistence.layerBackingSql),
    "Persistence.layerBackingSqlMultiTable": Layer.effectDiscard(
      Effect.flatMap(Persistence.BackingPersistence, (backing) => backing.make("sp_none"))
    ).pipe(Layer.provide(Persistence.layerBackingSqlMultiTable)),
    "PersistedQueue.layerStoreSql": nothing(PersistedQueue.layerStoreSql({ tableName: "sp_none" })),
    "SqlMessageStorage.layerMigrations": SqlMessageStorage.layerMigrations({ prefix: "sp_none" }),
    "SqlRunnerStorage.layerMigrations": SqlRunnerStorage.layerMigrations({ prefix: "sp_none" }),
    "SqlEventJournal.layer": nothing(SqlEventJournal.layer({ entryTable: "sp_none" }))
  }
  for (const [name, layer] of Object.entries(layers)) {
    it.live(name, () =>
      Effect.gen(function*() {
        const { sql } = yield* openClient()
        const exit = yield* Effect.exit(
          Layer.build(Layer.provide(layer, Layer.succeed(SqlClient.SqlClient, sql)))
        )
        assert.isTrue(Exit.isFailure(exit))
        assert.match(Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "", /ORA-|Oracle/)
      }))
  }
})
