/**
 * The tables of compaction, and what it knows of a store.
 *
 * A store has one active generation: its originals, or a snapshot that its clients made of them. `stores` names it, and the one stage that
 * may be open: a stage that `stores` does not name is closed, and only the sweep has to do with it. Generations and the moments of their
 * ends are in `activations`, and are kept as history. Batches of snapshots and of stages are in `snapshots`, under the id of their stage.
 * `hours` says how far a store had got in each hour.
 */
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import { randomUUID } from "node:crypto"
import { OracleClient } from "../../OracleClient.ts"
import { utcMillis } from "../cluster/clusterSql.ts"

export const createCompactionTables = (nameOf: (table: string) => string) =>
  Effect.gen(function*() {
    const sql = (yield* OracleClient).withoutTransforms()
    const activations = nameOf("activations")
    const snapshots = nameOf("snapshots")
    const stores = sql(nameOf("stores"))
    yield* sql`alter table ${stores} add (
      active_activation varchar2(36),
      open_stage varchar2(36),
      no_op_at number(19),
      no_op_count number(10)
    )`
    yield* sql`create table ${sql(activations)} (
      id varchar2(36) not null primary key,
      store_id raw(32) not null,
      ordinal number(10) not null,
      batch_set varchar2(36),
      base_sequence number(19) not null,
      kept_count number(19),
      previous varchar2(36),
      superseded_at number(19),
      prunable_at number(19),
      prune_started_at number(19),
      pruned_at number(19),
      unique (store_id, ordinal)
    )`
    yield* sql`create index ${sql(`${activations}_due`)} on ${sql(activations)} (prunable_at)`
    yield* sql`create table ${sql(nameOf("stages"))} (
      id varchar2(36) not null primary key,
      store_id raw(32) not null,
      pinned varchar2(36) not null,
      through_sequence number(19) not null,
      expires_at number(19) not null
    )`
    yield* sql`create table ${sql(snapshots)} (
      batch_set varchar2(36) not null,
      position number(19) not null,
      sequence number(19),
      last_sequence number(19),
      entry_count number(10) not null,
      iv raw(12) not null,
      entry_ids blob not null,
      encrypted_batch blob,
      primary key (batch_set, position)
    )`
    yield* sql`create index ${sql(`${snapshots}_last`)} on ${sql(snapshots)} (batch_set, last_sequence)`
    yield* sql`create table ${sql(nameOf("hours"))} (
      store_id raw(32) not null,
      hour number(10) not null,
      last_sequence number(19) not null,
      primary key (store_id, hour)
    )`
    // What is stored already counts as stored now.
    yield* sql`insert into ${sql(nameOf("hours"))} (store_id, hour, last_sequence)
      select store_id, ${sql.literal(hourOf(utcMillis))}, next_sequence - 1 from ${stores} where next_sequence > 1`
  })

const hourMillis = 60 * 60 * 1000

const hourOf = (millis: string): string => `floor((${millis}) / ${hourMillis})`

/** The newest hour that ended before the lag began. */
export const lagHour = (lagMillis: number): string => `${hourOf(`${utcMillis} - ${lagMillis}`)} - 1`

/** A store as compaction sees it. `activation` is `null` until compaction first had to do with the store. */
export interface StoreState {
  readonly nextSequence: number
  readonly activation: string | null
  readonly batchSet: string | null
  readonly base: number
  readonly keptCount: number
  readonly openStage: string | null
  readonly noOp: { readonly at: number; readonly count: number } | undefined
}

interface StoreRow {
  readonly next_sequence: number
  readonly active_activation: string | null
  readonly open_stage: string | null
  readonly no_op_at: number | null
  readonly no_op_count: number | null
  readonly batch_set: string | null
  readonly base_sequence: number | null
  readonly kept_count: number | null
}

/** The statements about a store that compaction, writers and readers share. */
export const storeStatements = (sql: OracleClient, nameOf: (table: string) => string) => {
  const stores = sql(nameOf("stores"))
  const activations = sql(nameOf("activations"))
  const hours = sql(nameOf("hours"))

  const state = (key: Uint8Array): Effect.Effect<StoreState | undefined, SqlError> =>
    Effect.map(
      sql<StoreRow>`select s.next_sequence, s.active_activation, s.open_stage, s.no_op_at, s.no_op_count,
        a.batch_set, a.base_sequence, a.kept_count
        from ${stores} s left join ${activations} a on a.id = s.active_activation where s.store_id = ${key}`,
      ([row]) =>
        row === undefined ? undefined : {
          nextSequence: row.next_sequence,
          activation: row.active_activation,
          batchSet: row.batch_set,
          base: row.base_sequence ?? 0,
          keptCount: row.kept_count ?? 0,
          openStage: row.open_stage,
          noOp: row.no_op_at === null ? undefined : { at: row.no_op_at, count: row.no_op_count ?? 0 }
        }
    )

  /** The state of a store whose row this transaction has locked; its originals become its first generation. */
  const lockedState = (key: Uint8Array): Effect.Effect<StoreState & { readonly activation: string }, SqlError> =>
    Effect.gen(function*() {
      const found = (yield* state(key))!
      if (found.activation !== null) return { ...found, activation: found.activation }
      const activation = randomUUID()
      yield* sql`insert into ${activations} (id, store_id, ordinal, base_sequence) values (${activation}, ${key}, 0, 0)`
      yield* sql`update ${stores} set active_activation = ${activation} where store_id = ${key}`
      return { ...found, activation }
    })

  /** Says how far the store has got in this hour. Its row is locked. */
  const recordHour = (key: Uint8Array, lastSequence: number): Effect.Effect<void, SqlError> =>
    Effect.asVoid(
      sql`merge into ${hours} t using (
          select ${key} as store_id, ${
        sql.literal(hourOf(utcMillis))
      } as hour, ${lastSequence} as last_sequence from dual
        ) s on (t.store_id = s.store_id and t.hour = s.hour)
        when matched then update set t.last_sequence = greatest(t.last_sequence, s.last_sequence)
        when not matched then insert (store_id, hour, last_sequence) values (s.store_id, s.hour, s.last_sequence)`
    )

  return { state, lockedState, recordHour }
}
