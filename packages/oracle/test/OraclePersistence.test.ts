import { assert, describe, it } from "@effect/vitest"
import { OracleClient, OraclePersistence } from "@sessionpool/oracle"
import { Cause, Duration, Effect, Exit, Layer } from "effect"
import { SqlMessageStorage, SqlRunnerStorage } from "effect/cluster"
import { SqlEventJournal } from "effect/eventlog"
import { KeyValueStore, PersistedQueue, Persistence } from "effect/persistence"
import { SqlClient } from "effect/sql"
import { openClient } from "./openClient.ts"

let tables = 0

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
    Effect.scoped(Effect.gen(function*() {
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
    })))
})

describe("layerBacking", () => {
  it.live("keeps results in stores apart, until they expire", () =>
    Effect.scoped(Effect.gen(function*() {
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
    })))
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
      Effect.scoped(Effect.gen(function*() {
        const { sql } = yield* openClient()
        const exit = yield* Effect.exit(
          Layer.build(Layer.provide(layer, Layer.succeed(SqlClient.SqlClient, sql)))
        )
        assert.isTrue(Exit.isFailure(exit))
        assert.match(Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "", /ORA-|Oracle/)
      })))
  }
})
