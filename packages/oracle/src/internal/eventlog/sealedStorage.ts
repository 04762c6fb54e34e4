/** The storage of an event log's server that cannot read what its clients write: batches that they encrypt, and the ids in them. */
import * as Arr from "effect/Array"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { EntryId } from "effect/eventlog/EventJournal"
import type { EncryptedRemoteBatch } from "effect/eventlog/EventLogEncryption"
import * as EventLogServerEncrypted from "effect/eventlog/EventLogServerEncrypted"
import type * as Scope from "effect/Scope"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import { limit, OracleClient } from "../../OracleClient.ts"
import * as OracleMigrator from "../../OracleMigrator.ts"
import { inPieces, longBytes } from "../cluster/clusterSql.ts"
import { sweepCompaction } from "./compactionSweep.ts"
import { createCompactionTables, storeStatements } from "./compactionTables.ts"
import { batchOf, type BatchRow, hex, joined, storeKey } from "./sealedBatches.ts"
import { makeCompaction } from "./sealedCompaction.ts"
import { bindings, createServerTables, makeStores, pageSize, serverId } from "./serverTables.ts"

type Storage = EventLogServerEncrypted.Storage["Service"]

export const sealedMigrations = (nameOf: (table: string) => string) =>
  OracleMigrator.fromRecord({
    "1_create_tables": Effect.gen(function*() {
      const sql = (yield* OracleClient).withoutTransforms()
      const batches = nameOf("batches")
      yield* createServerTables(sql, nameOf, "raw(32)")
      yield* sql`create table ${sql(batches)} (
        store_id raw(32) not null,
        sequence number(19) not null,
        last_sequence number(19) not null,
        iv raw(12) not null,
        entry_ids blob not null,
        encrypted_batch blob,
        primary key (store_id, sequence)
      )`
      yield* sql`create index ${sql(`${batches}_last`)} on ${sql(batches)} (store_id, last_sequence)`
      yield* sql`create table ${sql(nameOf("ids"))} (
        store_id raw(32) not null,
        entry_id raw(16) not null,
        sequence number(19) not null,
        primary key (store_id, entry_id)
      )`
    }),
    "2_compaction": createCompactionTables(nameOf)
  })

/** The storage over tables that exist already. */
export const makeSealedStorage = (
  nameOf: (table: string) => string,
  pollInterval: Duration.Duration,
  config: EventLogServerEncrypted.CompactionConfig
): Effect.Effect<Storage, SqlError, OracleClient | Scope.Scope> =>
  Effect.gen(function*() {
    const sql = (yield* OracleClient).withoutTransforms()
    const batches = sql(nameOf("batches"))
    const ids = sql(nameOf("ids"))
    const snapshots = sql(nameOf("snapshots"))
    const remoteId = yield* serverId(sql, nameOf)
    const stores = yield* makeStores(sql, nameOf, pollInterval)

    const sequencesOf = (key: Uint8Array, entryIds: ReadonlyArray<EntryId>) =>
      inPieces(entryIds, (some) =>
        sql<{ readonly entry_id: Uint8Array; readonly sequence: number }>`select entry_id, sequence from ${ids}
          where store_id = ${key} and ${sql.in("entry_id", some)}`)

    const { recordHour, state } = storeStatements(sql, nameOf)
    const columns = sql.literal("sequence, iv, entry_ids, encrypted_batch")

    const originals = (key: Uint8Array, from: number) =>
      sql<BatchRow>`select ${columns} from ${batches}
        where store_id = ${key} and last_sequence >= ${from} order by sequence ${limit(pageSize)}`

    /** At or below the base of an active snapshot, its batches stand for the originals, which may be gone. */
    const read = (key: Uint8Array) => (from: number) =>
      Effect.gen(function*() {
        const store = yield* state(key)
        if (store === undefined || store.nextSequence <= from) {
          return []
        }
        if (store.batchSet === null || from > store.base) {
          return (yield* originals(key, from)).map(batchOf)
        }
        const ofSnapshot = yield* sql<BatchRow>`select ${columns} from ${snapshots}
          where batch_set = ${store.batchSet} and last_sequence >= ${from} order by position ${limit(pageSize)}`
        if (ofSnapshot.length === 0) {
          return yield* Effect.die(new Error("The active compaction snapshot of a store has no batches"))
        }
        const rest = ofSnapshot.length === pageSize ? [] : yield* originals(key, store.base + 1)
        return [...ofSnapshot, ...rest].map(batchOf)
      })

    yield* sweepCompaction(sql, nameOf, stores, config)

    const quiet = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      Effect.orDie(Effect.withTracerEnabled(effect, false))

    return EventLogServerEncrypted.Storage.of({
      getId: Effect.succeed(remoteId),
      firstSequence: 1,
      getOrCreateSessionAuthBinding: bindings(sql, nameOf),
      write: (publicKey, storeId, given) => {
        if (given.length === 0) {
          return Effect.succeed([])
        }
        const key = storeKey(publicKey, storeId)
        return quiet(stores.write(hex(key), key, (first) =>
          Effect.gen(function*() {
            const stored: Array<EncryptedRemoteBatch> = []
            let next = first
            for (const batch of given) {
              // An id that comes again keeps its first sequence; a batch of nothing new is not stored.
              const known = new Set((yield* sequencesOf(key, batch.entryIds)).map(({ entry_id }) =>
                hex(entry_id)
              ))
              const added: Array<{ store_id: Uint8Array; entry_id: Uint8Array; sequence: number }> = []
              batch.entryIds.forEach((entryId, index) => {
                if (known.has(hex(entryId))) return
                known.add(hex(entryId))
                added.push({ store_id: key, entry_id: entryId, sequence: next + index })
              })
              if (!Arr.isArrayNonEmpty(added)) continue
              yield* sql`insert into ${ids} ${sql.insert(added)}`
              yield* sql`insert into ${batches} ${
                sql.insert({
                  store_id: key,
                  sequence: next,
                  last_sequence: next + batch.entryIds.length - 1,
                  iv: batch.iv,
                  entry_ids: longBytes(joined(batch.entryIds)),
                  encrypted_batch: longBytes(batch.encryptedBatch)
                })
              }`
              stored.push({ sequence: next, ...batch })
              next += batch.entryIds.length
            }
            if (next > first) yield* recordHour(key, next - 1)
            return { result: stored, next }
          })))
      },
      entrySequences: (publicKey, storeId, entryIds) =>
        quiet(Effect.map(
          sequencesOf(storeKey(publicKey, storeId), entryIds),
          (rows) => rows.map(({ entry_id, sequence }) => ({ entryId: Uint8Array.from(entry_id) as EntryId, sequence }))
        )),
      changes: (publicKey, storeId, startSequence) => {
        const key = storeKey(publicKey, storeId)
        return Stream.orDie(
          stores.follow(
            hex(key),
            startSequence,
            (from) => Effect.withTracerEnabled(read(key)(from), false),
            (last) => last.sequence + last.entryIds.length
          )
        )
      },
      compaction: makeCompaction(sql, nameOf, stores, config)
    })
  })
