/**
 * The runner storage of Effect's cluster in tables of Oracle: which runners there are, and which of them holds which shard.
 *
 * A shard is held by a row that its runner renews, or by a lock of a session that is kept for it. All moments are those of the database's
 * clock in UTC, so the clocks of the runners do not matter.
 */
import { PersistenceError } from "effect/cluster/ClusterError"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import { ShardingConfig } from "effect/cluster/ShardingConfig"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { MigrationError } from "effect/sql/Migrator"
import type { SqlError } from "effect/sql/SqlError"
import { longText, retryUnique, utcAgo, utcNow } from "./internal/cluster/clusterSql.ts"
import { leaseLocks } from "./internal/cluster/leaseLocks.ts"
import { makeSessionLocks } from "./internal/cluster/sessionLocks.ts"
import {
  checkOptions,
  prefixField,
  type PrefixOptions,
  refused,
  runMigrations
} from "./internal/cluster/storeOptions.ts"
import { word } from "./internal/fieldKinds.ts"
import { OracleClient } from "./OracleClient.ts"
import * as OracleMigrator from "./OracleMigrator.ts"

/**
 * Options of the storage.
 *
 * **Details**
 *
 * - `prefix` begins the names of its tables and of its migrations' journal; default `cluster`. Runners with different prefixes do not see
 *   each other.
 * - `locks`: what holds shards. `"lease"`, the default: rows that their runner renews, and that another may take when they were not renewed
 *   for `shardLockExpiration`. `"session"`: locks of `DBMS_LOCK` on a session of the pool that is kept for them; none can be taken from a
 *   runner whose session lives, and all are free as soon as it has ended.
 *
 * **Gotchas**
 *
 * `"session"` needs `grant execute on sys.dbms_lock`, one session of the pool for as long as the runner runs, and no pooled server (DRCP).
 * A process that is stopped, but whose connection stays open, keeps its shards until its session ends: let the database find dead connections
 * (`SQLNET.EXPIRE_TIME`). All runners of a cluster must have the same kind. `shardLockDisableAdvisory` of `ShardingConfig` turns it off.
 *
 * **Example** (Locks that end with their session)
 *
 * ```ts
 * import type { OracleRunnerStorage } from "@sessionpool/oracle"
 *
 * const options: OracleRunnerStorage.StorageOptions = { prefix: "billing", locks: "session" }
 * ```
 *
 * @category models
 * @since 0.2.0
 */
export interface StorageOptions extends PrefixOptions {
  readonly locks?: "lease" | "session" | undefined
}

const checked = (options: StorageOptions | undefined) =>
  Effect.map(
    checkOptions("OracleRunnerStorage", { prefix: prefixField, locks: word("lease", "session") }, options),
    ({ locks = "lease", prefix = "cluster" }) => ({ locks, nameOf: (table: string) => `${prefix}_${table}` })
  )

const names = (options: StorageOptions | undefined) => Effect.map(checked(options), ({ nameOf }) => nameOf)

/** An operation on locks must not take longer than it leaves time to renew them. */
const operationLimit = (config: ShardingConfig["Service"]): Duration.Duration =>
  Duration.min(
    Duration.fromInputUnsafe(config.shardLockRefreshInterval),
    Duration.divideUnsafe(Duration.fromInputUnsafe(config.shardLockExpiration), 3)
  )

/** Locks are those of the whole database: the schema tells equal prefixes apart. */
const sessionLocksOf = (sql: OracleClient, locksTable: string) =>
  Effect.gen(function*() {
    const [row] = yield* sql<
      { readonly name: string }
    >`select sys_context('userenv', 'current_schema') as name from dual`
    return yield* makeSessionLocks(sql, `${row!.name}.${locksTable}`)
  }).pipe(Effect.mapError((cause) =>
    refused(
      "OracleRunnerStorage",
      `locks "session" needs EXECUTE on SYS.DBMS_LOCK, which could not be called (${cause.message})`
    )
  ))

/**
 * The encoded storage, over tables that exist already.
 *
 * **When to use**
 *
 * Use it to compose a storage of your own; {@link layer} is what most programs want.
 *
 * **Example** (The runners of a cluster)
 *
 * ```ts
 * import { OracleRunnerStorage } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * const runners = Effect.flatMap(OracleRunnerStorage.makeEncodedStorage(), (storage) => storage.getRunners)
 * ```
 *
 * @see {@link layerMigrations} for creating the tables
 * @category constructors
 * @since 0.2.0
 */
export const makeEncodedStorage: (
  options?: StorageOptions
) => Effect.Effect<
  RunnerStorage.Encoded,
  MigrationError,
  OracleClient | ShardingConfig | Scope.Scope
> = Effect.fnUntraced(function*(options?: StorageOptions) {
  const sql = (yield* OracleClient).withoutTransforms()
  const { locks: kind, nameOf } = yield* checked(options)
  const config = yield* ShardingConfig
  const runners = sql(nameOf("runners"))
  const now = sql.literal(utcNow)
  const since = utcAgo(Duration.toSeconds(Duration.fromInputUnsafe(config.shardLockExpiration)))
  const expired = sql.literal(since)
  const limit = operationLimit(config)
  const locks = kind === "session" && !config.shardLockDisableAdvisory
    ? yield* sessionLocksOf(sql, nameOf("locks"))
    : leaseLocks(sql, nameOf("locks"), since)

  const stored = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.withTracerEnabled(PersistenceError.refail(effect), false)
  const inTime = <A, E, R>(effect: Effect.Effect<A, E, R>) => stored(Effect.timeout(effect, limit))

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

    acquire: (address, shardIds) => inTime(locks.acquire(address, shardIds)),
    refresh: (address, shardIds) => inTime(Effect.andThen(heartbeat(address), locks.refresh(address, shardIds))),
    release: (address, shardId) => inTime(locks.release(address, shardId)),
    releaseAll: (address) => inTime(locks.releaseAll(address))
  }
  return encoded
})

/**
 * The migrations of the storage's tables, for a migrator of your own. {@link layerMigrations} runs them.
 *
 * **When to use**
 *
 * Use where migrations of the application and of the storage are run by one migrator.
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
      longest: nameOf("runner_migrations_lock"),
      tables: [nameOf("runners")]
    }))

/**
 * Creates the tables, or brings them up to date, without providing the storage.
 *
 * **When to use**
 *
 * Use it in a step of a deployment that logs on as the owner of the schema, and {@link layerStorage} in the runtime.
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
 * **When to use**
 *
 * Use where the storage is made in an effect; {@link layer} and {@link layerWith} are the same as layers.
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
 * **When to use**
 *
 * Use in the runtime where its user must not create tables: a deployment has run {@link layerMigrations}. Where the tables are missing, its
 * operations fail.
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
 * **When to use**
 *
 * Use where the schema has other clusters, or tables of these names.
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
 * **When to use**
 *
 * Use it for the runners of a cluster: it says which processes there are, and which of them has which shard.
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
