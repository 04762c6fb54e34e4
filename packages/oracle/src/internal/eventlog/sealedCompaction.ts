/**
 * Compaction of a store that the server cannot read: clients make the snapshots, and these are the steps that the server lets them take.
 *
 * Each step that changes something locks the row of the store first, so it sees whatever the step before it committed. What the server
 * decides (when compaction is wanted, and whether a snapshot is one of its input) is upstream's `EventLogServerEncrypted`.
 */
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { StoreId } from "effect/eventlog/EventLogMessage"
import * as EventLogServerEncrypted from "effect/eventlog/EventLogServerEncrypted"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import type { OracleClient } from "../../OracleClient.ts"
import { longBytes, utcMillis } from "../cluster/clusterSql.ts"
import { makeGenerations } from "./compactionGenerations.ts"
import { type HeaderRow, type Input, log, makeSteps, quiet, type Stores } from "./compactionSteps.ts"
import { lagHour } from "./compactionTables.ts"
import { batchOf, type BatchRow, idsOf, ivBytes, joined, storeKey } from "./sealedBatches.ts"

/** The server reads a segment and its place in it from a position: `floor(position / 2 ** 20)` is the segment. */
const positionsPerSegment = 2 ** 20
const maxSegments = Math.floor(Number.MAX_SAFE_INTEGER / positionsPerSegment)

/** Batches that one statement brings with their contents. */
const contentsAtOnce = 100

export const makeCompaction = (
  sql: OracleClient,
  nameOf: (table: string) => string,
  stores: Stores,
  config: EventLogServerEncrypted.CompactionConfig
): EventLogServerEncrypted.StorageCompaction => {
  const steps = makeSteps(sql, nameOf, stores)
  const { close, eachOf, inputOf, originalHeaders, paged, setHeaders, stageOf, stageStep, state, step } = steps
  const { activate, history, rollback } = makeGenerations(sql, nameOf, stores, steps, config)
  const storesTable = sql(nameOf("stores"))
  const stages = sql(nameOf("stages"))
  const snapshots = sql(nameOf("snapshots"))
  const batches = sql(nameOf("batches"))
  const hours = sql(nameOf("hours"))
  const afterTtl = sql.literal(`${utcMillis} + ${Duration.toMillis(config.stageTtl)}`)

  const setContents = (batchSet: string, sequences: ReadonlyArray<number>) =>
    sql<BatchRow>`select sequence, iv, entry_ids, encrypted_batch from ${snapshots}
      where batch_set = ${batchSet} and ${sql.in("sequence", sequences)}`

  const originalContents = (key: Uint8Array, sequences: ReadonlyArray<number>) =>
    sql<BatchRow>`select sequence, iv, entry_ids, encrypted_batch from ${batches}
      where store_id = ${key} and ${sql.in("sequence", sequences)}`

  const abort = (publicKey: string, storeId: StoreId, stageId: string): Effect.Effect<void> =>
    step<void, never>(
      publicKey,
      storeId,
      (store) => store.openStage === stageId ? Effect.asVoid(close(store)) : Effect.void
    )

  return {
    config,
    status: (publicKey, storeId) => {
      const key = storeKey(publicKey, storeId)
      return quiet(Effect.gen(function*() {
        const store = yield* state(key)
        const [lag] = yield* sql<{ readonly last_sequence: number | null }>`select max(last_sequence) as last_sequence
          from ${hours} where store_id = ${key} and hour <= ${sql.literal(lagHour(Duration.toMillis(config.lag)))}`
        return {
          head: (store?.nextSequence ?? 1) - 1,
          base: store?.base ?? 0,
          activeKeptCount: store?.keptCount ?? 0,
          lagHead: lag?.last_sequence ?? 0,
          noOp: store?.noOp
        }
      }))
    },
    begin: (publicKey, storeId, { through }) =>
      step<EventLogServerEncrypted.CompactionBeginResult, never>(publicKey, storeId, (store) =>
        Effect.gen(function*() {
          const open = yield* stageOf(store, store.openStage)
          if (open !== undefined) return { _tag: "Busy", expiresAt: open.expires_at } as const
          // A base within a batch would cut it in two.
          const [whole] = yield* sql<
            { readonly last_sequence: number | null }
          >`select max(last_sequence) as last_sequence
            from ${batches} where store_id = ${store.key} and last_sequence <= ${through}`
          const stageId = randomUUID()
          yield* sql`insert into ${stages} (id, store_id, pinned, through_sequence, expires_at)
            values (${stageId}, ${store.key}, ${store.activation},
              ${Math.max(whole?.last_sequence ?? 0, store.base)}, ${afterTtl})`
          yield* sql`update ${storesTable} set open_stage = ${stageId} where store_id = ${store.key}`
          return { _tag: "Started", stageId } as const
        })),
    inputHeaders: (publicKey, storeId, stageId) => {
      const key = storeKey(publicKey, storeId)
      return Stream.unwrap(Effect.map(quiet(inputOf(key, stageId)), (input) => {
        const { base_sequence: base, batch_set: batchSet, through_sequence: through } = input
        // A page that was read while its generation began to be pruned may have lost some of its rows.
        const checked = Effect.tap<
          ReadonlyArray<HeaderRow>,
          Input,
          EventLogServerEncrypted.CompactionNotFound | SqlError,
          never
        >(
          () => inputOf(key, stageId)
        )
        return Stream.concat(
          batchSet === null ? Stream.empty : paged(-1, (after) => checked(setHeaders(batchSet, after))),
          paged(base, (after) => checked(originalHeaders(key, after, through)))
        ).pipe(Stream.map(({ entry_ids, sequence }) => ({ sequence, entryIds: idsOf(entry_ids) })))
      }))
    },
    fetch: (publicKey, storeId, stageId, sequences) => {
      const key = storeKey(publicKey, storeId)
      return Stream.fromIterable(Arr.chunksOf(sequences, contentsAtOnce)).pipe(
        Stream.mapEffect((some) =>
          quiet(Effect.gen(function*() {
            const input = yield* inputOf(key, stageId)
            const { base_sequence: base, batch_set: batchSet, through_sequence: through } = input
            const ofSet = some.filter((sequence) => sequence <= base)
            const originals = some.filter((sequence) => sequence > base && sequence <= through)
            const rows = [
              ...(batchSet === null || ofSet.length === 0 ? [] : yield* setContents(batchSet, ofSet)),
              ...(originals.length === 0 ? [] : yield* originalContents(key, originals))
            ]
            yield* inputOf(key, stageId)
            const found = new Map(rows.map((row) => [row.sequence, batchOf(row)]))
            return some.flatMap((sequence) => found.get(sequence) ?? [])
          }))
        ),
        Stream.flattenIterable
      )
    },
    stagePart: (publicKey, storeId, stageId, segment, given) => {
      const problem = !Number.isSafeInteger(segment) || segment < 0 || segment >= maxSegments
        ? "Invalid segment index"
        : given.length > positionsPerSegment
        ? "Too many batches in a segment"
        : given.some(({ iv }) => iv.length !== ivBytes)
        ? `An initialization vector must have ${ivBytes} bytes`
        : undefined
      if (problem !== undefined) {
        return Effect.andThen(
          abort(publicKey, storeId, stageId),
          Effect.fail(new EventLogServerEncrypted.CompactionInvalidRequest({ stageId, message: problem }))
        )
      }
      return stageStep<"Stored" | "AlreadyStored", never>(publicKey, storeId, stageId, () =>
        Effect.gen(function*() {
          const first = segment * positionsPerSegment
          const known = new Set(
            (yield* sql<{ readonly position: number }>`select position from ${snapshots}
              where batch_set = ${stageId} and position between ${first} and ${first + given.length - 1}`)
              .map(({ position }) => position)
          )
          const rows = given.flatMap(({ encryptedBatch, entryIds, iv }, index) =>
            known.has(first + index) ? [] : [{
              batch_set: stageId,
              position: first + index,
              entry_count: entryIds.length,
              iv,
              entry_ids: longBytes(joined(entryIds)),
              encrypted_batch: longBytes(encryptedBatch)
            }]
          )
          if (rows.length === 0) return "AlreadyStored"
          yield* Effect.forEach(
            Arr.chunksOf(rows, contentsAtOnce),
            (some) => sql`insert into ${snapshots} ${sql.insert(some)}`,
            { discard: true }
          )
          yield* sql`update ${stages} set expires_at = ${afterTtl} where id = ${stageId}`
          return "Stored"
        }))
    },
    stagedHeaders: (publicKey, storeId, stageId) =>
      Stream.unwrap(Effect.as(
        quiet(inputOf(storeKey(publicKey, storeId), stageId)),
        paged(-1, (after) => setHeaders(stageId, after)).pipe(
          Stream.map(({ entry_ids, place }) => ({ position: place, entryIds: idsOf(entry_ids) }))
        )
      )),
    commit: (publicKey, storeId, stageId, virtualSequences) =>
      stageStep(publicKey, storeId, stageId, (store, stage) =>
        Effect.gen(function*() {
          const staged = yield* sql<{ readonly position: number; readonly entry_count: number }>`
            select position, entry_count from ${snapshots} where batch_set = ${stageId} order by position`
          const keptCount = staged.reduce((count, each) => count + each.entry_count, 0)
          const outcome = { through: stage.through_sequence, keptCount }
          yield* close(store)
          if (stage.pinned !== store.activation) return { ...outcome, result: "Superseded" as const }
          if (staged.length !== virtualSequences.length) {
            return yield* Effect.die(
              new Error(
                `A snapshot of ${staged.length} batches was given ${virtualSequences.length} sequences`
              )
            )
          }
          yield* eachOf(
            sql`update ${snapshots} set sequence = ${0}, last_sequence = ${0}
              where batch_set = ${""} and position = ${0}`,
            staged.map((each, index) => {
              const sequence = virtualSequences[index]!
              return [sequence, sequence + each.entry_count - 1, stageId, each.position]
            })
          )
          const activationId = yield* activate(store, {
            batchSet: stageId,
            base: stage.through_sequence,
            keptCount,
            previous: store.activation
          })
          yield* sql`delete from ${stages} where id = ${stageId}`
          return { ...outcome, result: "Committed" as const, activationId }
        })).pipe(
          Effect.tap(({ result, ...outcome }) =>
            log(result === "Committed" ? "Committed compaction snapshot" : "Compaction snapshot superseded", {
              publicKey,
              storeId,
              ...outcome
            })
          ),
          Effect.map(({ result }) => result)
        ),
    recordNoOp: (publicKey, storeId, stageId) =>
      stageStep<number, never>(publicKey, storeId, stageId, (store, stage) =>
        Effect.gen(function*() {
          // A rollback since the stage began has cleared this, so a stale run leaves it.
          if (stage.pinned === store.activation) {
            yield* sql`update ${storesTable} set no_op_at = ${stage.through_sequence},
              no_op_count = ${(store.noOp?.count ?? 0) + 1} where store_id = ${store.key}`
          }
          yield* close(store)
          return stage.through_sequence
        })).pipe(
          Effect.flatMap((through) => log("Committed compaction no-op", { publicKey, storeId, stageId, through }))
        ),
    abort,
    rollback,
    history
  }
}
