/** Storages of event logs that the server cannot read, over tables that are dropped afterwards. */
import { it } from "@effect/vitest"
import { OracleClient, OracleEventLogServer } from "@sessionpool/oracle"
import { Effect, Layer, References, Schedule, type Scope } from "effect"
import type { EventLogServerEncrypted } from "effect/eventlog"
import { openClient } from "./openClient.ts"

let prefixes = 0

const tables = [
  "activations",
  "stages",
  "snapshots",
  "hours",
  "batches",
  "ids",
  "stores",
  "bindings",
  "server",
  "migrations",
  "migrations_lock"
]

/** A client, a way to open storages over the same tables, and the tables themselves. */
export const prepared = Effect.fnUntraced(
  function*(compaction: EventLogServerEncrypted.CompactionOptions = { thresholdFloor: 3 }) {
    const { sql } = yield* openClient()
    const prefix = `sp_compact_${process.pid}_${++prefixes}`
    yield* Effect.addFinalizer(() =>
      Effect.forEach(tables, (table) => Effect.ignore(sql`drop table ${sql(`${prefix}_${table}`)}`), { discard: true })
    )
    const open = Effect.map(
      Effect.provide(
        OracleEventLogServer.makeStorageEncrypted({ prefix, pollInterval: "50 millis", compaction }),
        Layer.succeed(OracleClient.OracleClient, sql)
      ),
      (storage) => ({ ...storage, compaction: storage.compaction! })
    )
    const table = (name: string) => sql(`${prefix}_${name}`)
    return {
      sql,
      prefix,
      open,
      table,
      /** What was stored counts as stored two days ago. */
      age: sql`update ${table("hours")} set hour = hour - 48`,
      rows: (name: string) =>
        Effect.map(sql<{ readonly n: number }>`select count(*) as n from ${table(name)}`, ([row]) => row!.n)
    }
  }
)

/** Looks again until it is so. */
export const eventually = <A, E, R>(effect: Effect.Effect<A, E, R>, until: (value: A) => boolean) =>
  Effect.repeat(effect, { until, schedule: Schedule.spaced("20 millis") })

/** Runs a test, which does not show what is logged. */
export const live = <E>(name: string, test: Effect.Effect<void, E, Scope.Scope>) =>
  it.live(name, () => Effect.provideService(test, References.MinimumLogLevel, "Error"))
