/** The generations of a store: which one is active, and the way back to the one before it. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { CompactionActivation, CompactionConfig, StorageCompaction } from "effect/eventlog/EventLogServerEncrypted"
import { CompactionRollbackError } from "effect/eventlog/EventLogServerEncrypted"
import type { SqlError } from "effect/sql/SqlError"
import type * as Statement from "effect/sql/Statement"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import type { OracleClient } from "../../OracleClient.ts"
import { utcMillis } from "../cluster/clusterSql.ts"
import { type HeaderRow, type Locked, log, quiet, type Steps, type Stores } from "./compactionSteps.ts"
import { hex, idsOf, storeKey } from "./sealedBatches.ts"

interface ActivationRow {
  readonly id: string
  readonly batch_set: string | null
  readonly base_sequence: number
  readonly kept_count: number | null
  readonly previous: string | null
  readonly superseded_at: number | null
  readonly prune_started_at: number | null
}

export const makeGenerations = (
  sql: OracleClient,
  nameOf: (table: string) => string,
  stores: Stores,
  steps: Steps,
  config: CompactionConfig
) => {
  const { eachOf, lockedState, originalHeaders, paged, recordHour, setHeaders, step } = steps
  const storesTable = sql(nameOf("stores"))
  const activations = sql(nameOf("activations"))
  const snapshots = sql(nameOf("snapshots"))
  const batches = sql(nameOf("batches"))
  const now = sql.literal(utcMillis)
  const afterGrace = sql.literal(`${utcMillis} + ${Duration.toMillis(config.grace)}`)

  /** Ends the active generation and makes another one active. */
  const activate = (store: Locked, next: {
    readonly batchSet: string | null
    readonly base: number
    readonly keptCount: number | null
    readonly previous: string | null
  }) =>
    Effect.gen(function*() {
      const id = randomUUID()
      yield* sql`update ${activations} set superseded_at = ${now}, prunable_at = ${afterGrace}
        where id = ${store.activation}`
      yield* sql`insert into ${activations} (id, store_id, ordinal, batch_set, base_sequence, kept_count, previous)
        select ${id}, ${store.key}, max(ordinal) + 1, ${next.batchSet}, ${next.base}, ${next.keptCount}, ${next.previous}
        from ${activations} where store_id = ${store.key}`
      yield* sql`update ${storesTable} set active_activation = ${id}, no_op_at = null, no_op_count = null
        where store_id = ${store.key}`
      return id
    })

  const activationColumns = sql.literal(
    "id, batch_set, base_sequence, kept_count, previous, superseded_at, prune_started_at"
  )

  const activationOf = (id: string | null): Effect.Effect<ActivationRow | undefined, SqlError> =>
    id === null
      ? Effect.succeed(undefined)
      : Effect.map(
        sql<ActivationRow>`select ${activationColumns} from ${activations} where id = ${id}`,
        ([row]) => row
      )

  /** Appends what a withdrawn snapshot was made of: the snapshot before it, and the originals between the two. */
  const reappend = (key: Uint8Array, first: number, target: ActivationRow, withdrawn: ActivationRow) =>
    Effect.gen(function*() {
      let next = first
      const copy = (source: Statement.Fragment, owner: string | Uint8Array) => (rows: ReadonlyArray<HeaderRow>) =>
        eachOf(
          sql`insert into ${batches} (store_id, sequence, last_sequence, iv, entry_ids, encrypted_batch)
              select ${key}, ${0}, ${0}, iv, entry_ids, encrypted_batch from ${source}`,
          rows.map(({ entry_ids, place }) => {
            const sequence = next
            next += idsOf(entry_ids).length
            return [key, sequence, next - 1, owner, place]
          })
        )
      const { batch_set: batchSet } = target
      if (batchSet !== null) {
        yield* Stream.runForEachArray(
          paged(-1, (after) => setHeaders(batchSet, after)),
          copy(sql`${snapshots} where batch_set = ${batchSet} and position = ${0}`, batchSet)
        )
      }
      // The copies are above the base of the withdrawn one, so the pages do not reach them.
      yield* Stream.runForEachArray(
        paged(target.base_sequence, (after) => originalHeaders(key, after, withdrawn.base_sequence)),
        copy(sql`${batches} where store_id = ${key} and sequence = ${0}`, key)
      )
      return next
    })

  const compaction: Pick<StorageCompaction, "rollback" | "history"> = {
    rollback: (publicKey, storeId, expectedActivationId) => {
      const key = storeKey(publicKey, storeId)
      return quiet(stores.write(hex(key), key, (first) =>
        Effect.gen(function*() {
          const store = { ...(yield* lockedState(key)), key }
          const refused = (reason: CompactionRollbackError["reason"]) =>
            Effect.fail(new CompactionRollbackError({ reason }))
          if (store.activation !== expectedActivationId) return yield* refused("NotActive")
          const withdrawn = (yield* activationOf(store.activation))!
          const target = yield* activationOf(withdrawn.previous)
          if (target === undefined) return yield* refused("NoPrevious")
          if (target.prune_started_at !== null) return yield* refused("PruneStarted")
          const activationId = yield* activate(store, {
            batchSet: target.batch_set,
            base: target.base_sequence,
            keptCount: target.kept_count,
            previous: target.previous
          })
          const next = yield* reappend(key, first, target, withdrawn)
          if (next > first) yield* recordHour(key, next - 1)
          return { next, result: { activationId, target, withdrawn } }
        }))).pipe(
          Effect.tap(({ activationId, target, withdrawn }) =>
            log("Rolled back compaction snapshot", {
              publicKey,
              storeId,
              activationId,
              base: target.base_sequence,
              keptCount: target.kept_count ?? undefined,
              withdrawnActivationId: withdrawn.id,
              withdrawnBase: withdrawn.base_sequence,
              withdrawnKeptCount: withdrawn.kept_count ?? undefined
            })
          ),
          Effect.map(({ activationId }) => activationId)
        )
    },
    history: (publicKey, storeId) =>
      step<ReadonlyArray<CompactionActivation>, never>(publicKey, storeId, (store) =>
        Effect.map(
          sql<ActivationRow>`select ${activationColumns} from ${activations}
            where store_id = ${store.key} order by ordinal`,
          (rows) =>
            rows.map((row) => ({
              activationId: row.id,
              base: row.base_sequence,
              keptCount: row.kept_count ?? undefined,
              active: row.id === store.activation,
              supersededAt: row.superseded_at ?? undefined,
              restorable: row.prune_started_at === null
            }))
        ))
  }
  return { activate, ...compaction }
}
