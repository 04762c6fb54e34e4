/**
 * What the steps of compaction share: how they lock a store, which stage is open, what a stage reads, and rows page by page.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import type { StoreId } from "effect/eventlog/EventLogMessage"
import { CompactionNotFound } from "effect/eventlog/EventLogServerEncrypted"
import * as Option from "effect/Option"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import type * as Statement from "effect/sql/Statement"
import * as Stream from "effect/Stream"
import type * as OracleBind from "../../OracleBind.ts"
import { limit, type OracleClient } from "../../OracleClient.ts"
import { utcMillis } from "../cluster/clusterSql.ts"
import { asSqlError } from "../sqlReason.ts"
import { type StoreState, storeStatements } from "./compactionTables.ts"
import { storeKey } from "./sealedBatches.ts"
import { type makeStores, pageSize } from "./serverTables.ts"

export type Stores = Effect.Success<ReturnType<typeof makeStores>>

/** Rows that one call changes. */
const changedAtOnce = 1000

const isId = (text: string): boolean => /^[0-9a-f-]{36}$/.test(text)

export const log = (message: string, annotations: Record<string, unknown>) =>
  Effect.annotateLogs(Effect.logInfo(message), { service: "EventLogServerEncrypted", ...annotations })

/** What fails in the database is a defect to the server; what a step refuses is not. */
export const quiet = <A, E, R>(effect: Effect.Effect<A, E | SqlError, R>): Effect.Effect<A, Exclude<E, SqlError>, R> =>
  Effect.withTracerEnabled(
    Effect.catchIf(effect, (error): error is E & SqlError => isSqlError(error), Effect.die),
    false
  ) as Effect.Effect<A, Exclude<E, SqlError>, R>

export type Locked = StoreState & { readonly activation: string; readonly key: Uint8Array }

interface Stage {
  readonly id: string
  readonly pinned: string
  readonly through_sequence: number
  readonly expires_at: number
}

export interface Input {
  readonly through_sequence: number
  readonly batch_set: string | null
  readonly base_sequence: number
}

export interface HeaderRow {
  readonly place: number
  readonly sequence: number
  readonly entry_ids: Uint8Array
}

export const makeSteps = (sql: OracleClient, nameOf: (table: string) => string, stores: Stores) => {
  const { lockedState, recordHour, state } = storeStatements(sql, nameOf)
  const storesTable = sql(nameOf("stores"))
  const activations = sql(nameOf("activations"))
  const stages = sql(nameOf("stages"))
  const snapshots = sql(nameOf("snapshots"))
  const batches = sql(nameOf("batches"))
  const now = sql.literal(utcMillis)

  const notFound = (stageId: string) => Effect.fail(new CompactionNotFound({ stageId }))

  const locked = (key: Uint8Array): Effect.Effect<Locked, SqlError> =>
    Effect.andThen(stores.lock(key), Effect.map(lockedState(key), (found) => ({ ...found, key })))

  /** Runs a step as a transaction that has locked the store. */
  const step = <A, E>(
    publicKey: string,
    storeId: StoreId,
    run: (store: Locked) => Effect.Effect<A, E | SqlError>
  ): Effect.Effect<A, Exclude<E, SqlError>> =>
    quiet<A, E, never>(sql.withTransaction(Effect.flatMap(locked(storeKey(publicKey, storeId)), run)))

  const stageOf = (store: Locked, stageId: string | null): Effect.Effect<Stage | undefined, SqlError> =>
    stageId === null || store.openStage !== stageId
      ? Effect.succeed(undefined)
      : Effect.map(
        sql<Stage>`select id, pinned, through_sequence, expires_at from ${stages}
          where id = ${stageId} and store_id = ${store.key} and expires_at > ${now}`,
        ([row]) => row
      )

  /** The step of a stage that is still open. */
  const stageStep = <A, E>(
    publicKey: string,
    storeId: StoreId,
    stageId: string,
    run: (store: Locked, stage: Stage) => Effect.Effect<A, E | SqlError>
  ) =>
    step<A, E | CompactionNotFound>(publicKey, storeId, (store) =>
      Effect.flatMap(
        stageOf(store, stageId),
        (stage): Effect.Effect<A, E | CompactionNotFound | SqlError> =>
          stage === undefined ? notFound(stageId) : run(store, stage)
      ))

  const close = (store: Locked) => sql`update ${storesTable} set open_stage = null where store_id = ${store.key}`

  /** What an open stage reads, as long as none of it has begun to be pruned. */
  const inputOf = (
    key: Uint8Array,
    stageId: string
  ): Effect.Effect<Input, CompactionNotFound | SqlError> =>
    Effect.flatMap(
      isId(stageId)
        ? sql<Input>`select g.through_sequence, a.batch_set, a.base_sequence
            from ${stages} g join ${storesTable} s on s.store_id = g.store_id and s.open_stage = g.id
            join ${activations} a on a.id = g.pinned
            where g.id = ${stageId} and g.store_id = ${key} and g.expires_at > ${now} and a.prune_started_at is null`
        : Effect.succeed([]),
      ([row]) => row === undefined ? notFound(stageId) : Effect.succeed(row)
    )

  const paged = <E>(first: number, page: (after: number) => Effect.Effect<ReadonlyArray<HeaderRow>, E | SqlError>) =>
    Stream.paginate(first, (after) =>
      Effect.map(
        quiet<ReadonlyArray<HeaderRow>, E, never>(page(after)),
        (rows) => [rows, rows.length < pageSize ? Option.none() : Option.some(rows.at(-1)!.place)] as const
      ))

  const setHeaders = (batchSet: string, after: number) =>
    sql<HeaderRow>`select position as place, nvl(sequence, 0) as sequence, entry_ids from ${snapshots}
      where batch_set = ${batchSet} and position > ${after} order by position ${limit(pageSize)}`

  const originalHeaders = (key: Uint8Array, after: number, through: number) =>
    sql<HeaderRow>`select sequence as place, sequence, entry_ids from ${batches}
      where store_id = ${key} and sequence > ${after} and last_sequence <= ${through} order by sequence ${
      limit(pageSize)
    }`

  /** Changes rows by one text with many lists of values, on the session of the transaction. */
  const eachOf = (statement: Statement.Statement<unknown>, rows: ReadonlyArray<ReadonlyArray<OracleBind.Bind>>) =>
    sql.useConnection((connection) =>
      Effect.forEach(
        Arr.chunksOf(rows, changedAtOnce),
        (some) => connection.executeMany(statement.compile()[0], some),
        { discard: true }
      )
    ).pipe(asSqlError("execute"))

  return {
    state,
    lockedState,
    recordHour,
    notFound,
    step,
    stageStep,
    stageOf,
    close,
    inputOf,
    paged,
    setHeaders,
    originalHeaders,
    eachOf
  }
}

export type Steps = ReturnType<typeof makeSteps>
