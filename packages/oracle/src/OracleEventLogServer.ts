/**
 * What a server of Effect's event log keeps, in tables of Oracle: for `EventLogServerUnencrypted`, which reads its clients' entries, and
 * for `EventLogServerEncrypted`, which cannot.
 *
 * Sequences have the order of the commits, because the writers of a store take turns on its row. So readers find what is new by its
 * sequence, whichever process has written it: at once what this one wrote, within `pollInterval` what others did.
 *
 * The storage that cannot read bears compaction: clients that can replace a store's history with a snapshot, which takes the place of the old
 * batches for new readers. When it is wanted is decided by `EventLogServerEncrypted`, what a snapshot keeps by the clients' compactors.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as EventLogServerEncrypted from "effect/eventlog/EventLogServerEncrypted"
import * as EventLogServerUnencrypted from "effect/eventlog/EventLogServerUnencrypted"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { MigrationError } from "effect/sql/Migrator"
import type { SqlError } from "effect/sql/SqlError"
import { checkOptions, interval, nameBefore, runMigrations } from "./internal/cluster/storeOptions.ts"
import { compactionConfig } from "./internal/eventlog/compactionOptions.ts"
import { makePlainStorage, plainMigrations } from "./internal/eventlog/plainStorage.ts"
import { makeSealedStorage, sealedMigrations } from "./internal/eventlog/sealedStorage.ts"
import type { Field } from "./internal/fieldKinds.ts"
import type { OracleClient } from "./OracleClient.ts"

/**
 * Options of a storage.
 *
 * **Details**
 *
 * - `prefix`: how the names of its tables and of its migrations' journal begin; default `effect_events` for the one that can read, and
 *   `effect_sealed` for the one that cannot.
 * - `pollInterval`: how often readers look for what other processes have written; default 1 second.
 *
 * **Example** (A server that stands alone)
 *
 * ```ts
 * import type { OracleEventLogServer } from "@sessionpool/oracle"
 *
 * const options: OracleEventLogServer.StorageOptions = { prefix: "notes", pollInterval: "1 minute" }
 * ```
 *
 * @category models
 * @since 0.2.0
 */
export interface StorageOptions {
  readonly prefix?: string | undefined
  readonly pollInterval?: Duration.Input | undefined
}

/**
 * Options of the storage that cannot read: those of {@link StorageOptions}, and when a store is compacted.
 *
 * **Details**
 *
 * `compaction` is that of `EventLogServerEncrypted`, with the same defaults:
 *
 * - `lag`: how long ago, in whole hours, a batch must have been stored before it can be compacted; default 24 hours.
 * - `thresholdFloor`: how many new entries there must be, and no fewer than the last snapshot kept; default 1,000.
 * - `stageTtl`: how long a client's claim lasts after the last part that it uploaded; default 10 minutes.
 * - `grace`: how long what a snapshot replaced is kept, and `compaction.rollback` can bring it back; default 30 days. It is longer than `lag` and
 *   `stageTtl`.
 * - `sweepInterval`: how often what is past its grace is deleted; default 1 hour.
 *
 * **Example** (A week to notice a bad snapshot)
 *
 * ```ts
 * import type { OracleEventLogServer } from "@sessionpool/oracle"
 *
 * const options: OracleEventLogServer.EncryptedStorageOptions = {
 *   compaction: { lag: "2 hours", grace: "7 days", thresholdFloor: 10_000 }
 * }
 * ```
 *
 * @category models
 * @since 0.3.0
 */
export interface EncryptedStorageOptions extends StorageOptions {
  readonly compaction?: EventLogServerEncrypted.CompactionOptions | undefined
}

const isOptions: Field<object> = {
  expected: "an object",
  parse: (input) => typeof input === "object" && input !== null ? input : undefined
}

const named = ({ pollInterval = Duration.seconds(1), prefix }: StorageOptions, otherwise: string) => ({
  pollInterval: Duration.fromInputUnsafe(pollInterval),
  nameOf: (table: string) => `${prefix ?? otherwise}_${table}`
})

const fields = { prefix: nameBefore("_migrations_lock"), pollInterval: interval }

const checkedPlain = (options: StorageOptions | undefined) =>
  Effect.map(checkOptions("OracleEventLogServer", fields, options), (given) => named(given, "effect_events"))

const checkedSealed = (options: EncryptedStorageOptions | undefined) =>
  Effect.flatMap(
    checkOptions<StorageOptions & { readonly compaction?: object }>(
      "OracleEventLogServer",
      { ...fields, compaction: isOptions },
      options
    ),
    ({ compaction, ...given }) =>
      Effect.map(compactionConfig(compaction), (config) => ({ ...named(given, "effect_sealed"), config }))
  )

type NameOf = (table: string) => string

const prepared = (nameOf: NameOf, loader: ReturnType<typeof plainMigrations>, tables: ReadonlyArray<string>) =>
  runMigrations("OracleEventLogServer", {
    loader,
    journal: nameOf("migrations"),
    longest: nameOf("migrations_lock"),
    tables: tables.map(nameOf)
  })

/**
 * The storage of a server that reads its clients' entries; its tables are created before.
 *
 * **When to use**
 *
 * Use it for a storage without a layer, such as in a test.
 *
 * **Example** (The id of the server)
 *
 * ```ts
 * import { OracleEventLogServer } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * const id = Effect.flatMap(OracleEventLogServer.makeStorageUnencrypted(), (storage) => storage.getId)
 * ```
 *
 * @see {@link layerStorageUnencrypted} for the same as a layer
 * @category constructors
 * @since 0.2.0
 */
export const makeStorageUnencrypted = (
  options?: StorageOptions
): Effect.Effect<
  EventLogServerUnencrypted.Storage["Service"],
  MigrationError | SqlError,
  OracleClient | Scope.Scope
> =>
  Effect.flatMap(
    checkedPlain(options),
    ({ nameOf, pollInterval }) =>
      Effect.andThen(
        prepared(nameOf, plainMigrations(nameOf), ["stores", "entries"]),
        makePlainStorage(nameOf, pollInterval)
      )
  )

/**
 * Provides the storage of a server that reads its clients' entries; its tables are created before.
 *
 * **When to use**
 *
 * Use it beneath `EventLogServerUnencrypted.layerServer`, where `SqlEventLogServerUnencrypted` stands for other databases.
 *
 * **Details**
 *
 * Handlers that write through `OracleClient` are part of the transaction that stores their entries.
 *
 * **Example** (A storage)
 *
 * ```ts
 * import { OracleClient, OracleEventLogServer } from "@sessionpool/oracle"
 * import { Layer } from "effect"
 *
 * const storage = OracleEventLogServer.layerStorageUnencrypted().pipe(
 *   Layer.provide(OracleClient.layer({ connectString: "localhost/FREEPDB1", user: "scott" }))
 * )
 * ```
 *
 * @category layers
 * @since 0.2.0
 */
export const layerStorageUnencrypted = (
  options?: StorageOptions
): Layer.Layer<EventLogServerUnencrypted.Storage, MigrationError | SqlError, OracleClient> =>
  Layer.effect(EventLogServerUnencrypted.Storage, makeStorageUnencrypted(options))

/**
 * The storage of a server that keeps what its clients encrypt; its tables are created before.
 *
 * **When to use**
 *
 * Use it for a storage without a layer, such as in a test, or to take back a snapshot with its `compaction.rollback`.
 *
 * **Details**
 *
 * It does whatever `SqlEventLogServerEncrypted` does for other databases, compaction included. Moments are the database's, so `lag`, `grace` and
 * `stageTtl` do not depend on the clocks of processes; only the sweep itself runs by the clock of its fiber.
 *
 * **Gotchas**
 *
 * Processes that share a store should have the same options: the one that commits a snapshot fixes how long what it replaced is kept.
 *
 * **Example** (The id of the server)
 *
 * ```ts
 * import { OracleEventLogServer } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * const id = Effect.flatMap(OracleEventLogServer.makeStorageEncrypted(), (storage) => storage.getId)
 * ```
 *
 * @see {@link layerStorageEncrypted} for the same as a layer
 * @category constructors
 * @since 0.2.0
 */
export const makeStorageEncrypted = (
  options?: EncryptedStorageOptions
): Effect.Effect<
  EventLogServerEncrypted.Storage["Service"],
  MigrationError | SqlError,
  OracleClient | Scope.Scope
> =>
  Effect.flatMap(
    checkedSealed(options),
    ({ config, nameOf, pollInterval }) =>
      Effect.andThen(
        prepared(nameOf, sealedMigrations(nameOf), ["stores", "batches"]),
        makeSealedStorage(nameOf, pollInterval, config)
      )
  )

/**
 * Provides the storage of a server that keeps what its clients encrypt; its tables are created before.
 *
 * **When to use**
 *
 * Use it beneath `EventLogServerEncrypted.layerRpcHandlers`, where `SqlEventLogServerEncrypted` stands for other databases.
 *
 * **Details**
 *
 * Clients whose compactors have `remote: true` compact their stores, as {@link EncryptedStorageOptions} says.
 *
 * **Gotchas**
 *
 * Processes that share a store should have the same options: the one that commits a snapshot fixes how long what it replaced is kept.
 *
 * **Example** (A storage)
 *
 * ```ts
 * import { OracleClient, OracleEventLogServer } from "@sessionpool/oracle"
 * import { Layer } from "effect"
 *
 * const storage = OracleEventLogServer.layerStorageEncrypted().pipe(
 *   Layer.provide(OracleClient.layer({ connectString: "localhost/FREEPDB1", user: "scott" }))
 * )
 * ```
 *
 * @category layers
 * @since 0.2.0
 */
export const layerStorageEncrypted = (
  options?: EncryptedStorageOptions
): Layer.Layer<EventLogServerEncrypted.Storage, MigrationError | SqlError, OracleClient> =>
  Layer.effect(EventLogServerEncrypted.Storage, makeStorageEncrypted(options))
