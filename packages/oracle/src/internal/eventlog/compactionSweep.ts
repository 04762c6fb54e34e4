/**
 * The sweep of compaction: it closes stages whose claim has expired, deletes what no generation and no stage needs any more, and the hours
 * that say nothing new.
 *
 * What it deletes cannot be needed again once it is marked: a stage that is closed stays closed, and a rollback refuses a generation whose
 * pruning has begun. So sweeps of several processes may run at once, and one that ends in the middle leaves the rest to the next.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { CompactionConfig } from "effect/eventlog/EventLogServerEncrypted"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { SqlError } from "effect/sql/SqlError"
import type { OracleClient } from "../../OracleClient.ts"
import { deleteInPieces, utcMillis } from "../cluster/clusterSql.ts"
import { lagHour } from "./compactionTables.ts"
import type { makeStores } from "./serverTables.ts"

export const sweepCompaction = (
  sql: OracleClient,
  nameOf: (table: string) => string,
  { lock }: Pick<Effect.Success<ReturnType<typeof makeStores>>, "lock">,
  config: CompactionConfig
): Effect.Effect<void, never, Scope.Scope> => {
  const stores = sql(nameOf("stores"))
  const activations = sql(nameOf("activations"))
  const stages = sql(nameOf("stages"))
  const snapshots = sql(nameOf("snapshots"))
  const batches = sql(nameOf("batches"))
  const hours = sql(nameOf("hours"))
  const now = sql.literal(utcMillis)

  interface StageRow {
    readonly id: string
    readonly store_id: Uint8Array
  }
  const over = sql`from ${stages} g join ${stores} s on s.store_id = g.store_id
    where (s.open_stage is null or s.open_stage <> g.id or g.expires_at <= ${now})`

  /** Whether the stage is closed, for good, when this is done. */
  const close = ({ id, store_id: key }: StageRow): Effect.Effect<boolean, SqlError> =>
    sql.withTransaction(Effect.gen(function*() {
      yield* lock(key)
      const found = yield* sql`select 1 as found ${over} and g.id = ${id}`
      if (found.length === 0) return false
      yield* sql`update ${stores} set open_stage = null where store_id = ${key} and open_stage = ${id}`
      return true
    }))

  const sweepStages = Effect.gen(function*() {
    for (const stage of yield* sql<StageRow>`select g.id, g.store_id ${over}`) {
      if (!(yield* close(stage))) continue
      yield* deleteInPieces(sql, snapshots, sql`batch_set = ${stage.id}`)
      yield* sql`delete from ${stages} where id = ${stage.id}`
    }
  })

  /** Marks what is past its grace, and gives what remains of a store. */
  const mark = (key: Uint8Array) =>
    sql.withTransaction(Effect.gen(function*() {
      yield* lock(key)
      yield* sql`update ${activations} set prune_started_at = ${now}
        where store_id = ${key} and prunable_at <= ${now} and prune_started_at is null`
      const [kept] = yield* sql<{ readonly base: number }>`select min(base_sequence) as base from ${activations}
        where store_id = ${key} and prune_started_at is null`
      return kept!.base
    }))

  const sweepStore = (key: Uint8Array) =>
    Effect.gen(function*() {
      const base = yield* mark(key)
      const isKept = sql`exists (select 1 from ${activations} k
        where k.batch_set = a.batch_set and k.prune_started_at is null)`
      const sets = yield* sql<{ readonly batch_set: string }>`select distinct a.batch_set from ${activations} a
        where a.store_id = ${key} and a.prune_started_at is not null and a.pruned_at is null
          and a.batch_set is not null and not ${isKept}`
      for (const { batch_set: set } of sets) yield* deleteInPieces(sql, snapshots, sql`batch_set = ${set}`)
      yield* deleteInPieces(sql, batches, sql`store_id = ${key} and last_sequence <= ${base}`)
      // Another sweep may still hold some of these rows; then the next one looks again.
      yield* sql`update ${activations} a set pruned_at = ${now}
        where a.store_id = ${key} and a.prune_started_at is not null and a.pruned_at is null
          and (a.batch_set is null or ${isKept}
            or not exists (select 1 from ${snapshots} p where p.batch_set = a.batch_set))
          and not exists (select 1 from ${batches} b where b.store_id = ${key} and b.last_sequence <= ${base})`
    })

  const sweepStores = Effect.gen(function*() {
    const due = yield* sql<{ readonly store_id: Uint8Array }>`select distinct store_id from ${activations}
      where prunable_at <= ${now} and pruned_at is null`
    for (const { store_id } of due) yield* warned(sweepStore(store_id))
  })

  /** Only the newest hour before the lag says how far compaction may go. */
  const sweepHours = sql`delete from ${hours} h where h.hour < (
    select max(n.hour) from ${hours} n
    where n.store_id = h.store_id and n.hour <= ${sql.literal(lagHour(Duration.toMillis(config.lag)))}
  )`

  const warned = (effect: Effect.Effect<unknown, SqlError>): Effect.Effect<void> =>
    Effect.catchCause(Effect.asVoid(effect), (cause) => Effect.logWarning("Compaction sweep failed", cause))

  return Effect.forEach([sweepStages, sweepStores, sweepHours], warned, { discard: true }).pipe(
    Effect.withTracerEnabled(false),
    Effect.repeat(Schedule.fixed(config.sweepInterval)),
    Effect.delay(config.sweepInterval),
    Effect.forkScoped,
    Effect.asVoid
  )
}
