/**
 * The runner storage of Effect's cluster in tables of Oracle: which runners there are, and which of them holds which shard.
 *
 * A shard is held by a row that its runner renews; when it has not been renewed for `shardLockExpiration`, another runner may
 * take it. All moments are those of the database's clock in UTC, so the clocks of the runners do not matter.
 */
import { PersistenceError } from "effect/cluster/ClusterError"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import { ShardingConfig } from "effect/cluster/ShardingConfig"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { MigrationError } from "effect/sql/Migrator"
import type { SqlError } from "effect/sql/SqlError"
import { inPieces, longText, retryUnique, utcAgo, utcNow } from "./internal/cluster/clusterSql.ts"
import { namesOf, type PrefixOptions, runMigrations } from "./internal/cluster/storeOptions.ts"
import { OracleClient } from "./OracleClient.ts"
import * as OracleMigrator from "./OracleMigrator.ts"

/**
 * Options of the storage: `prefix` begins the names of its tables and of its migrations' journal; default `cluster`. Runners
 * with different prefixes do not see each other.
 *
 * @category models
 * @since 0.2.0
 */
export interface StorageOptions extends PrefixOptions {}

const names = (options: StorageOptions | undefined) => namesOf("OracleRunnerStorage", options)

/** An operation on locks must not take longer than it leaves time to renew them. */
const operationLimit = (config: ShardingConfig["Service"]): Duration.Duration =>
  Duration.min(
    Duration.fromInputUnsafe(config.shardLockRefreshInterval),
    Duration.divideUnsafe(Duration.fromInputUnsafe(config.shardLockExpiration), 3)
  )

/**
 * The encoded storage, over tables that exist already.
 *
 * @see {@link layerMigrations} for creating the tables
 * @category constructors
 * @since 0.2.0
 */
export const makeEncodedStorage = Effect.fnUntraced(function*(options?: StorageOptions) {
  const sql = (yield* OracleClient).withoutTransforms()
  const nameOf = yield* names(options)
  const config = yield* ShardingConfig
  const runners = sql(nameOf("runners"))
  const locks = sql(nameOf("locks"))
  const now = sql.literal(utcNow)
  const expired = sql.literal(utcAgo(Duration.toSeconds(Duration.fromInputUnsafe(config.shardLockExpiration))))
  const limit = operationLimit(config)

  const stored = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.withTracerEnabled(PersistenceError.refail(effect), false)
  const inTime = <A, E, R>(effect: Effect.Effect<A, E, R>) => stored(Effect.timeout(effect, limit))

  const held = (address: string, shardIds: ReadonlyArray<string>) =>
    inPieces(shardIds, (some) =>
      Effect.map(
        sql<{ readonly shard_id: string }>`select shard_id from ${locks}
          where address = ${address} and acquired_at >= ${expired} and ${sql.in("shard_id", some)}`,
        (rows) => rows.map(({ shard_id }) => shard_id)
      ))

  const unionOf = (shardIds: ReadonlyArray<string>) =>
    sql.join(" union all ", false)(shardIds.map((shardId) => sql`select ${shardId} as shard_id from dual`))

  /** Rows are locked in the order of their keys, whoever locks them, so that two runners cannot wait for each other. */
  const inOrder = (shardIds: ReadonlyArray<string>) => [...shardIds].sort()

  const heartbeat = (address: string) => sql`update ${runners} set last_heartbeat = ${now} where address = ${address}`

  const encoded: RunnerStorage.Encoded = {
    getRunners: Effect.map(
      sql<{ readonly runner: string; readonly healthy: number }>`select runner, healthy from ${runners}
        where last_heartbeat > ${expired} order by machine_id`,
      (rows) => rows.map(({ healthy, runner }) => [runner, healthy === 1] as const)
    ).pipe(stored),

    register: (address, runner, healthy) =>
      retryUnique(
        sql`merge into ${runners} t using (select ${address} as address from dual) s on (t.address = s.address)
        when matched then update set healthy = ${Number(healthy)}, last_heartbeat = ${now}, runner = ${longText(runner)}
        when not matched then insert (address, healthy, last_heartbeat, runner)
          values (s.address, ${Number(healthy)}, ${now}, ${longText(runner)})`
      ).pipe(
        Effect.andThen(
          sql<{ readonly machine_id: number }>`select machine_id from ${runners} where address = ${address}`
        ),
        Effect.map(([row]) => row!.machine_id),
        stored
      ),

    unregister: (address) =>
      stored(Effect.asVoid(sql`delete from ${runners} where address = ${address} or last_heartbeat < ${expired}`)),

    setRunnerHealth: (address, healthy) =>
      stored(Effect.asVoid(sql`update ${runners} set healthy = ${Number(healthy)} where address = ${address}`)),

    acquire: (address, shardIds) =>
      inPieces(inOrder(shardIds), (some) =>
        Effect.as(
          retryUnique(
            sql`merge into ${locks} t using (${unionOf(some)}) s on (t.shard_id = s.shard_id)
          when matched then update set address = ${address}, acquired_at = ${now}
            where t.address = ${address} or t.acquired_at < ${expired}
          when not matched then insert (shard_id, address, acquired_at) values (s.shard_id, ${address}, ${now})`
          ),
          []
        ), 100).pipe(
          Effect.andThen(held(address, shardIds)),
          inTime
        ),

    refresh: (address, shardIds) =>
      heartbeat(address).pipe(
        Effect.andThen(inPieces(inOrder(shardIds), (some) =>
          Effect.as(
            sql`update ${locks} set acquired_at = ${now} where address = ${address} and ${sql.in("shard_id", some)}`,
            []
          ))),
        Effect.andThen(held(address, shardIds)),
        inTime
      ),

    release: (address, shardId) =>
      inTime(Effect.asVoid(sql`delete from ${locks} where address = ${address} and shard_id = ${shardId}`)),

    releaseAll: (address) => inTime(Effect.asVoid(sql`delete from ${locks} where address = ${address}`))
  }
  return encoded
})

/**
 * The migrations of the storage's tables, for a migrator of your own. {@link layerMigrations} runs them.
 *
 * @category migrations
 * @since 0.2.0
 */
export const migrations = (options?: StorageOptions) =>
  OracleMigrator.fromRecord({
    "1_create_tables": Effect.gen(function*() {
      const sql = (yield* OracleClient).withoutTransforms()
      const nameOf = yield* names(options)
      yield* sql`create table ${sql(nameOf("runners"))} (
        machine_id number(10) generated always as identity primary key,
        address varchar2(255 char) not null unique,
        healthy number(1) not null,
        last_heartbeat timestamp(3) not null,
        runner clob not null
      )`
      yield* sql`create table ${sql(nameOf("locks"))} (
        shard_id varchar2(50 char) not null primary key,
        address varchar2(255 char) not null,
        acquired_at timestamp(3) not null
      )`
    })
  })

const createTables = (options: StorageOptions | undefined) =>
  Effect.flatMap(names(options), (nameOf) =>
    runMigrations("OracleRunnerStorage", {
      loader: migrations(options),
      journal: nameOf("runner_migrations"),
      longest: nameOf("runner_migrations_lock")
    }))

/**
 * Creates the tables, or brings them up to date, without providing the storage.
 *
 * @category layers
 * @since 0.2.0
 */
export const layerMigrations = (
  options?: StorageOptions
): Layer.Layer<never, MigrationError | SqlError, OracleClient> => Layer.effectDiscard(createTables(options))

/**
 * The storage; the tables are created before.
 *
 * @category constructors
 * @since 0.2.0
 */
export const make = (options?: StorageOptions) =>
  createTables(options).pipe(
    Effect.andThen(makeEncodedStorage(options)),
    Effect.map(RunnerStorage.makeEncoded)
  )

/**
 * The storage, over tables that exist already.
 *
 * @category layers
 * @since 0.2.0
 */
export const layerStorage = (
  options?: StorageOptions
): Layer.Layer<RunnerStorage.RunnerStorage, MigrationError, OracleClient | ShardingConfig> =>
  Layer.effect(RunnerStorage.RunnerStorage, Effect.map(makeEncodedStorage(options), RunnerStorage.makeEncoded))

/**
 * The storage with a prefix of your own; the tables are created before.
 *
 * @category layers
 * @since 0.2.0
 */
export const layerWith = (
  options: StorageOptions
): Layer.Layer<RunnerStorage.RunnerStorage, MigrationError | SqlError, OracleClient | ShardingConfig> =>
  Layer.provide(layerStorage(options), layerMigrations(options))

/**
 * The storage in tables that begin with `cluster_`; they are created before.
 *
 * **Example** (Runners in the database)
 *
 * ```ts
 * import { OracleClient, OracleRunnerStorage } from "@sessionpool/oracle"
 * import { Layer } from "effect"
 *
 * const storage = OracleRunnerStorage.layer.pipe(
 *   Layer.provide(OracleClient.layer({ connectString: "localhost/FREEPDB1", user: "scott" }))
 * )
 * ```
 *
 * @category layers
 * @since 0.2.0
 */
export const layer: Layer.Layer<
  RunnerStorage.RunnerStorage,
  MigrationError | SqlError,
  OracleClient | ShardingConfig
> = layerWith({})
