/**
 * Migrations on Oracle: the loaders of `effect/sql`, with a lock that holds and a record that says how far each came.
 *
 * Oracle commits before and after every DDL statement, so a migration with DDL cannot be undone as a whole. Nothing here pretends
 * otherwise: each statement is recorded before it runs, a migration without DDL is undone and may be run again, and one that
 * failed after DDL stops every later run until somebody has looked and called {@link resolve}.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { type Loader, MigrationError, type ResolvedMigration } from "effect/sql/Migrator"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import { MigrationJournal, type MigrationRecord } from "./internal/migrationJournal.ts"
import { CommitFailed } from "./internal/sqlReason.ts"
import { OracleClient } from "./OracleClient.ts"

export {
  fromBabelGlob,
  fromGlob,
  fromRecord,
  type Loader,
  type Migration,
  MigrationError,
  type ResolvedMigration
} from "effect/sql/Migrator"
export { fromFileSystem } from "effect/sql/MigratorFileSystem"
export type { MigrationRecord } from "./internal/migrationJournal.ts"

/**
 * What a run of migrations needs to know.
 *
 * **Details**
 *
 * `table` names the table of records (`effect_sql_migrations`); beside it stands the one of the lock, `…_lock`.
 * `lockTimeout` is how long another migrator is waited for, one minute by default; in whole seconds, as Oracle counts.
 *
 * @example
 * ```ts
 * import { OracleMigrator } from "@sessionpool/oracle"
 *
 * const options: OracleMigrator.MigratorOptions = {
 *   loader: OracleMigrator.fromRecord({}),
 *   table: "app_migrations",
 *   lockTimeout: "5 minutes"
 * }
 * ```
 */
export interface MigratorOptions<R = never> {
  readonly loader: Loader<R>
  readonly table?: string | undefined
  readonly lockTimeout?: Duration.Input | undefined
}

const defaultTable = "effect_sql_migrations"

const failure = (kind: MigrationError["kind"], message: string, cause?: unknown) =>
  new MigrationError({ kind, message, ...(cause !== undefined && { cause }) })

/** What a loader gives is an effect, or a module whose default export is one. */
const exported = (loaded: unknown): unknown => {
  if (Effect.isEffect(loaded) || typeof loaded !== "object" || loaded === null || !("default" in loaded)) return loaded
  const inner = loaded.default
  return typeof inner === "object" && inner !== null && !Effect.isEffect(inner) && "default" in inner
    ? inner.default
    : inner
}

const load = ([id, name, loading]: ResolvedMigration): Effect.Effect<
  Effect.Effect<unknown, unknown, SqlClient>,
  MigrationError,
  SqlClient
> =>
  Effect.matchCauseEffect(loading, {
    onFailure: (cause) =>
      Effect.fail(
        failure("ImportError", `Could not import migration "${id}_${name}"\n\n${Cause.pretty(cause)}`, cause)
      ),
    onSuccess: (loaded: unknown) => {
      const found = exported(loaded)
      return Effect.isEffect(found)
        ? Effect.succeed(found as Effect.Effect<unknown, unknown, SqlClient>)
        : Effect.fail(failure("ImportError", `Migration "${id}_${name}" has no default export that is an Effect`))
    }
  })

const halfApplied = (record: MigrationRecord): MigrationError =>
  failure(
    "BadState",
    `Migration "${record.id}_${record.name}" is half-applied: it ${
      record.state === "failed" ? "failed" : "was interrupted"
    } in step ${record.steps} (${record.lastStep ?? "unknown"}), after Oracle had committed with the DDL of a step. `
      + "Repair the schema, then call OracleMigrator.resolve with \"done\", or with \"again\" to run it from its beginning."
  )

const needsRepair = (record: MigrationRecord): boolean =>
  record.state === "failed" || (record.state === "running" && record.committedSteps > 0)

const runOne = Effect.fnUntraced(function*(
  client: OracleClient,
  journal: MigrationJournal,
  [id, name]: ResolvedMigration,
  migration: Effect.Effect<unknown, unknown, SqlClient>
) {
  yield* journal.begin(id, name)
  const outer = yield* Statement.CurrentTransformer
  // The record is kept whatever becomes of the migration; a migration that cannot be recorded must not go on.
  const recording: Statement.Transformer = (statement, sql, fiber, span) =>
    Effect.andThen(
      Effect.orDie(journal.step(id, statement.compile()[0])),
      outer === undefined ? Effect.succeed(statement) : outer(statement, sql, fiber, span)
    )
  const body = Effect.provideService(migration, Statement.CurrentTransformer, recording)
  const exit = yield* Effect.exit(client.withTransaction(
    Effect.andThen(body, client.useConnection((connection) => journal.doneWith(connection, id)))
  ))
  if (Exit.isSuccess(exit)) return
  const record = (yield* journal.records).find((each) => each.id === id)
  const error = Cause.squash(exit.cause)
  const reason = typeof error === "object" && error !== null && "reason" in error ? error.reason : undefined
  const isUnknown = reason instanceof CommitFailed && reason.outcome === "unknown"
  const isHalf = isUnknown || (record?.committedSteps ?? 0) > 0
  if (record?.state !== "done") yield* isHalf ? journal.failed(id) : journal.forget(id)
  if (Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.interrupt
  const said = isUnknown
    ? "It is not known whether its work was committed: look, then call OracleMigrator.resolve."
    : isHalf
    ? `It is half-applied: step ${record?.steps} (${record?.lastStep}) was begun, and Oracle had committed with DDL. `
      + "Repair the schema, then call OracleMigrator.resolve."
    : "All of its work was undone; it runs again with the next run."
  return yield* failure("Failed", `Migration "${id}_${name}" failed. ${said}`, error)
})

/**
 * Runs the migrations that are newer than the latest one done, in the order of their numbers; gives those that it ran.
 *
 * **Details**
 *
 * Only one migrator runs at a time, in any process: the others wait, then find nothing left to do. Each migration is a
 * transaction of its own, and is recorded as done in that same transaction. The migrator uses three sessions of the pool.
 *
 * **Gotchas**
 *
 * DDL commits, also what stood before it in the migration. Keep one DDL statement to a migration, or write steps that can be
 * repeated, and put changes of data into migrations of their own: those are undone when they fail.
 *
 * @example
 * ```ts
 * import { OracleClient, OracleMigrator } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 * import { SqlClient } from "effect/sql"
 *
 * const migrate = OracleMigrator.run({
 *   loader: OracleMigrator.fromRecord({
 *     "1_people": Effect.flatMap(SqlClient.SqlClient, (sql) => sql`create table people (id number primary key)`)
 *   })
 * }).pipe(Effect.provide(OracleClient.layer({ connectString: "localhost/FREEPDB1", user: "scott" })))
 * ```
 */
export const run = <R = never>(
  options: MigratorOptions<R>
): Effect.Effect<ReadonlyArray<readonly [id: number, name: string]>, MigrationError | SqlError, OracleClient | R> =>
  Effect.scoped(Effect.gen(function*() {
    const client = yield* OracleClient
    const transaction = yield* Effect.serviceOption(client.transactionService)
    if (transaction._tag === "Some") {
      return yield* failure(
        "BadState",
        "Migrations cannot run inside a transaction: Oracle commits it with the first DDL."
      )
    }
    const journal = new MigrationJournal(client, options.table ?? defaultTable)
    yield* journal.ensureTables
    const holder = yield* journal.locked(
      Duration.toSeconds(Duration.fromInputUnsafe(options.lockTimeout ?? "1 minute"))
    )

    const records = yield* journal.records
    const broken = records.find(needsRepair)
    if (broken !== undefined) return yield* halfApplied(broken)
    const latest = records.reduce((most, { id, state }) => state === "done" ? Math.max(most, id) : most, 0)

    const found = yield* options.loader
    if (new Set(found.map(([id]) => id)).size !== found.length) {
      return yield* failure("Duplicates", "Found duplicate migration id's")
    }
    const required = found.filter(([id]) => id > latest).sort(([a], [b]) => a - b)
    // All are there before the first one changes anything.
    const loaded = yield* Effect.forEach(
      required,
      (migration) => Effect.map(load(migration), (effect) => [migration, effect] as const)
    )

    for (const [migration, effect] of loaded) {
      const [id, name] = migration
      // With its session the lock would be gone, and another migrator at work.
      yield* Effect.mapError(
        holder.ping,
        (error) => failure("Locked", "The session that holds the migrator's lock is gone.", error)
      )
      yield* runOne(client, journal, migration, effect).pipe(
        Effect.annotateLogs({ migration_id: String(id), migration_name: name }),
        Effect.withSpan(`Migrator ${id}_${name}`)
      )
      yield* Effect.logDebug("Migration done").pipe(
        Effect.annotateLogs({ migration_id: String(id), migration_name: name })
      )
    }
    return required.map(([id, name]) => [id, name] as const)
  })).pipe((effect) => Effect.flatMap(OracleClient, (client) => Effect.provideService(effect, SqlClient, client)))

/**
 * Runs the migrations when the layer is built.
 *
 * @example
 * ```ts
 * import { OracleClient, OracleMigrator } from "@sessionpool/oracle"
 * import { Layer } from "effect"
 *
 * const database = OracleMigrator.layer({ loader: OracleMigrator.fromRecord({}) }).pipe(
 *   Layer.provideMerge(OracleClient.layer({ connectString: "localhost/FREEPDB1", user: "scott" }))
 * )
 * ```
 */
export const layer = <R = never>(
  options: MigratorOptions<R>
): Layer.Layer<never, MigrationError | SqlError, OracleClient | R> => Layer.effectDiscard(run(options))

/**
 * What the database says of every migration, in the order of their numbers.
 *
 * @example
 * ```ts
 * import { OracleMigrator } from "@sessionpool/oracle"
 * import { Console, Effect } from "effect"
 *
 * const show = Effect.flatMap(OracleMigrator.records(), Console.table)
 * ```
 */
export const records = (options: { readonly table?: string | undefined } = {}): Effect.Effect<
  ReadonlyArray<MigrationRecord>,
  SqlError,
  OracleClient
> =>
  Effect.flatMap(OracleClient, (client) => {
    const journal = new MigrationJournal(client, options.table ?? defaultTable)
    return Effect.andThen(journal.ensureTables, journal.records)
  })

/**
 * Says what is to become of a migration that was left half-applied, once the schema is as it should be: it is `"done"`, or it
 * runs `"again"` from its beginning. Waits for a migrator that is at work.
 *
 * @example
 * ```ts
 * import { OracleMigrator } from "@sessionpool/oracle"
 *
 * const resolved = OracleMigrator.resolve(3, "again")
 * ```
 */
export const resolve = (
  id: number,
  as: "done" | "again",
  options: Pick<MigratorOptions, "table" | "lockTimeout"> = {}
): Effect.Effect<void, MigrationError | SqlError, OracleClient> =>
  Effect.scoped(Effect.gen(function*() {
    const journal = new MigrationJournal(yield* OracleClient, options.table ?? defaultTable)
    yield* journal.ensureTables
    yield* journal.locked(Duration.toSeconds(Duration.fromInputUnsafe(options.lockTimeout ?? "1 minute")))
    const record = (yield* journal.records).find((each) => each.id === id)
    if (record === undefined || record.state === "done") {
      return yield* failure("BadState", `Migration ${id} was not left half-applied.`)
    }
    yield* as === "done" ? journal.done(id) : journal.forget(id)
  }))
