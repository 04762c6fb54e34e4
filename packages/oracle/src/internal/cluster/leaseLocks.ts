/** Shards held by rows: a row names its holder, who renews it; once it has not been renewed for long enough, another may take it. */
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { OracleClient } from "../../OracleClient.ts"
import { inPieces, retryUnique, utcNow } from "./clusterSql.ts"

/** What holds shards for a runner. A runner that a renewal does not name a shard for has lost it. */
export interface ShardLocks<out E> {
  readonly acquire: (address: string, shardIds: ReadonlyArray<string>) => Effect.Effect<Array<string>, E>
  readonly refresh: (address: string, shardIds: ReadonlyArray<string>) => Effect.Effect<Array<string>, E>
  readonly release: (address: string, shardId: string) => Effect.Effect<void, E>
  readonly releaseAll: (address: string) => Effect.Effect<void, E>
}

/** How many shards one statement takes: it has a line for each. */
const takenAtOnce = 100

/** `expired` is the moment, as SQL, before which a row counts no more. */
export const leaseLocks = (sql: OracleClient, tableName: string, expired: string): ShardLocks<SqlError> => {
  const locks = sql(tableName)
  const now = sql.literal(utcNow)
  const before = sql.literal(expired)

  const held = (address: string, shardIds: ReadonlyArray<string>) =>
    inPieces(shardIds, (some) =>
      Effect.map(
        sql<{ readonly shard_id: string }>`select shard_id from ${locks}
          where address = ${address} and acquired_at >= ${before} and ${sql.in("shard_id", some)}`,
        (rows) => rows.map(({ shard_id }) => shard_id)
      ))

  const unionOf = (shardIds: ReadonlyArray<string>) =>
    sql.join(" union all ", false)(shardIds.map((shardId) => sql`select ${shardId} as shard_id from dual`))

  /** Rows are locked in the order of their keys, whoever locks them, so that two runners seldom wait for each other. */
  const inOrder = (shardIds: ReadonlyArray<string>) => [...shardIds].sort()

  return {
    acquire: (address, shardIds) =>
      inPieces(inOrder(shardIds), (some) =>
        Effect.as(
          retryUnique(
            sql`merge into ${locks} t using (${unionOf(some)}) s on (t.shard_id = s.shard_id)
          when matched then update set address = ${address}, acquired_at = ${now}
            where t.address = ${address} or t.acquired_at < ${before}
          when not matched then insert (shard_id, address, acquired_at) values (s.shard_id, ${address}, ${now})`
          ),
          []
        ), takenAtOnce).pipe(Effect.andThen(held(address, shardIds))),

    refresh: (address, shardIds) =>
      inPieces(inOrder(shardIds), (some) =>
        Effect.as(
          sql`update ${locks} set acquired_at = ${now} where address = ${address} and ${sql.in("shard_id", some)}`,
          []
        )).pipe(Effect.andThen(held(address, shardIds))),

    release: (address, shardId) =>
      Effect.asVoid(sql`delete from ${locks} where address = ${address} and shard_id = ${shardId}`),

    releaseAll: (address) => Effect.asVoid(sql`delete from ${locks} where address = ${address}`)
  }
}
