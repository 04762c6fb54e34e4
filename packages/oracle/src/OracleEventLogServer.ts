/**
 * What a server of Effect's event log keeps, in tables of Oracle: for `EventLogServerUnencrypted`, which reads its clients' entries, and
 * for `EventLogServerEncrypted`, which cannot.
 *
 * Sequences have the order of the commits, because the writers of a store take turns on its row. So readers find what is new by its
 * sequence, whichever process has written it: at once what this one wrote, within `pollInterval` what others did.
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
import { makePlainStorage, plainMigrations } from "./internal/eventlog/plainStorage.ts"
import { makeSealedStorage, sealedMigrations } from "./internal/eventlog/sealedStorage.ts"
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

const checked = (options: StorageOptions | undefined, otherwise: string) =>
  Effect.map(
    checkOptions("OracleEventLogServer", { prefix: nameBefore("_migrations_lock"), pollInterval: interval }, options),
    ({ pollInterval = Duration.seconds(1), prefix = otherwise }) => ({
      pollInterval,
      nameOf: (table: string) => `${prefix}_${table}`
    })
  )

type NameOf = (table: string) => string

const prepared = (nameOf: NameOf, loader: ReturnType<typeof plainMigrations>) =>
  runMigrations("OracleEventLogServer", {
    loader,
    journal: nameOf("migrations"),
    longest: nameOf("migrations_lock")
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
    checked(options, "effect_events"),
    ({ nameOf, pollInterval }) =>
      Effect.andThen(prepared(nameOf, plainMigrations(nameOf)), makePlainStorage(nameOf, pollInterval))
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
 * Use it for a storage without a layer, such as in a test.
 *
 * **Gotchas**
 *
 * It has no `compaction`, which is optional in `EventLogServerEncrypted.Storage`: clients are told so, and every batch is kept.
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
  options?: StorageOptions
): Effect.Effect<
  EventLogServerEncrypted.Storage["Service"],
  MigrationError | SqlError,
  OracleClient | Scope.Scope
> =>
  Effect.flatMap(
    checked(options, "effect_sealed"),
    ({ nameOf, pollInterval }) =>
      Effect.andThen(prepared(nameOf, sealedMigrations(nameOf)), makeSealedStorage(nameOf, pollInterval))
  )

/**
 * Provides the storage of a server that keeps what its clients encrypt; its tables are created before.
 *
 * **When to use**
 *
 * Use it beneath `EventLogServerEncrypted.layerRpcHandlers`, where `SqlEventLogServerEncrypted` stands for other databases.
 *
 * **Gotchas**
 *
 * It has no `compaction`: every batch is kept.
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
  options?: StorageOptions
): Layer.Layer<EventLogServerEncrypted.Storage, MigrationError | SqlError, OracleClient> =>
  Layer.effect(EventLogServerEncrypted.Storage, makeStorageEncrypted(options))
