/**
 * Migrations on Oracle: the loaders of `effect/sql`, with a lock that holds and a record that says how far each came.
 *
 * Oracle commits before and after every DDL statement, so a migration with DDL cannot be undone as a whole. Nothing here pretends
 * otherwise: each statement is recorded before it runs, a migration without DDL is undone and may be run again, and one that
 * failed after DDL stops every later run until somebody has looked and called {@link resolve}.
 */
import type { PoolOptions } from "@sessionpool/core"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { type Loader, MigrationError, type ResolvedMigration } from "effect/sql/Migrator"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import { durationOf } from "./internal/fieldKinds.ts"
import { longestName, MigrationJournal, type MigrationRecord } from "./internal/migrationJournal.ts"
import { takeSessions, WaitLimit } from "./internal/migratorSessions.ts"
import { CommitFailed } from "./internal/sqlReason.ts"
import { transactionOn } from "./internal/sqlTransactions.ts"
import { OracleClient } from "./OracleClient.ts"
import type { OracleConnection } from "./OracleConnection.ts"

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
 * `table` names the table of records (`effect_sql_migrations`), `schema.table` for one of another schema; beside it stands the one
 * of the lock, `…_lock`. `lockTimeout` is how long a run waits in all, one minute by default: for another migrator, and for sessions
 * of the pool. `"infinity"` waits without bound.
 *
 * **Example** (A table of records of its own)
 *
 * ```ts
 * import { OracleMigrator } from "@sessionpool/oracle"
 *
 * const options: OracleMigrator.MigratorOptions = {
 *   loader: OracleMigrator.fromRecord({}),
 *   table: "app_migrations",
 *   lockTimeout: "5 minutes"
 * }
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface MigratorOptions<R = never> {
  readonly loader: Loader<R>
  readonly table?: string | undefined
  readonly lockTimeout?: PoolOptions.DurationOption | undefined
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

/** How far a migration came, as far as its statements went through the SQL client. */
const reached = (record: Pick<MigrationRecord, "steps" | "lastStep">): string =>
  record.steps === 0 ? "" : ` in step ${record.steps} (${record.lastStep ?? "unknown"})`

const halfApplied = (record: MigrationRecord): MigrationError =>
  failure(
    "BadState",
    `Migration "${record.id}_${record.name}" is half-applied: it ${
      record.state === "failed" ? "failed" : "was interrupted"
    }${reached(record)}, after part of its work had been committed, by DDL or by a COMMIT. `
      + "Repair the schema, then call OracleMigrator.resolve with \"done\", or with \"again\" to run it from its beginning."
  )

const needsRepair = (record: MigrationRecord): boolean => record.state === "failed" || record.isHalfApplied

/** What was asked for, as the run needs it. */
interface Checked {
  readonly table: string
  readonly limit: WaitLimit
}

const checked = (
  options: Pick<MigratorOptions, "table" | "lockTimeout">
): Effect.Effect<Checked, MigrationError> =>
  Clock.clockWith((clock) => {
    const { lockTimeout = "1 minute", table = defaultTable } = options
    if (typeof table !== "string" || table.trim() === "" || /["\p{Cc}]/u.test(table)) {
      return Effect.fail(
        failure("BadState", "The migrator's option table must be the name of a table, or schema.table.")
      )
    }
    const limit = durationOf(lockTimeout)
    return limit === undefined
      ? Effect.fail(
        failure("BadState", "The migrator's option lockTimeout must be a duration of 0 or more, such as \"1 minute\".")
      )
      : Effect.succeed({ table, limit: new WaitLimit(limit, clock) })
  })

/** What cannot be recorded is refused before anything runs. */
const checkMigrations = (found: ReadonlyArray<ResolvedMigration>): MigrationError | undefined => {
  for (const [id, name] of found) {
    if (!Number.isSafeInteger(id) || id < 0) {
      return failure(
        "BadState",
        `Migration "${id}_${name}": its number must be an integer from 0 to ${Number.MAX_SAFE_INTEGER}.`
      )
    }
    if ([...name].length > longestName) {
      return failure("BadState", `Migration ${id}: its name is longer than ${longestName} characters.`)
    }
  }
  return new Set(found.map(([id]) => id)).size === found.length
    ? undefined
    : failure("Duplicates", "Found duplicate migration id's")
}

const runOne = Effect.fnUntraced(function*(
  client: OracleClient,
  journal: MigrationJournal,
  work: OracleConnection,
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
  let isSameTransaction = true
  const inTransaction = transactionOn(client, work)
  const exit = yield* Effect.exit(inTransaction(
    journal.markOn(work, id).pipe(
      Effect.andThen(body),
      Effect.onError(() =>
        Effect.map(Effect.option(journal.isMarkedOn(work, id)), (mark) => {
          // A connection that is lost was rolled back; what was committed by then has its mark committed.
          if (mark._tag === "Some") isSameTransaction = mark.value
        })
      ),
      Effect.andThen(journal.doneWith(work, id))
    )
  ))
  if (Exit.isSuccess(exit)) return
  const error = Cause.squash(exit.cause)
  const reason = typeof error === "object" && error !== null && "reason" in error ? error.reason : undefined
  const isUnknown = reason instanceof CommitFailed && reason.outcome === "unknown"
  const isHalf = isUnknown || !isSameTransaction || (yield* journal.isMarked(id))
  const record = (yield* journal.records).find((each) => each.id === id)
  if (record?.state !== "done") yield* isHalf ? journal.failed(id) : journal.forget(id)
  if (Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.interrupt
  const said = isUnknown
    ? "It is not known whether its work was committed: look, then call OracleMigrator.resolve."
    : isHalf
    ? `It is half-applied: it failed${
      reached(record ?? { steps: 0, lastStep: undefined })
    }, and by then part of its work `
      + "had been committed, by DDL or by a COMMIT. Repair the schema, then call OracleMigrator.resolve."
    : "All of its work was undone; it runs again with the next run."
  return yield* failure("Failed", `Migration "${id}_${name}" failed. ${said}`, error)
})

/**
 * Runs the migrations that are newer than the latest one done, in the order of their numbers; gives those that it ran.
 *
 * **When to use**
 *
 * Use in the program or the script that owns the schema.
 *
 * **Details**
 *
 * Only one migrator runs at a time, in any process: the others wait, then find nothing left to do. Each migration is a
 * transaction of its own, and is recorded as done in that same transaction. The migrator takes three sessions of the pool before
 * it locks anything, and fails with `kind: "Locked"` when it cannot have them within `lockTimeout`: migrate before the rest of
 * the program takes sessions.
 *
 * **Gotchas**
 *
 * DDL commits, also what stood before it in the migration, and so does a `COMMIT` by whatever way. A migration of which anything
 * was committed and that then fails is half-applied, and stops every later run until {@link resolve} is called. Keep one DDL statement to a migration, or write steps that can be
 * repeated, and put changes of data into migrations of their own: those are undone when they fail.
 *
 * **Example** (One migration)
 *
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
 *
 * @category combinators
 * @since 0.1.0
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
    const { limit, table } = yield* checked(options)
    const [holder, clerk, work] = yield* takeSessions(client, 3, limit) as Effect.Effect<
      readonly [OracleConnection, OracleConnection, OracleConnection],
      MigrationError | SqlError,
      Scope.Scope
    >
    const journal = new MigrationJournal((f) => f(clerk), table)
    yield* journal.ensureTables
    yield* journal.lock(holder, Duration.toSeconds(limit.left))

    const records = yield* journal.records
    const broken = records.find(needsRepair)
    if (broken !== undefined) return yield* halfApplied(broken)
    const latest = records.reduce((most, { id, state }) => state === "done" ? Math.max(most, id) : most, 0)

    const found = yield* options.loader
    const refused = checkMigrations(found)
    if (refused !== undefined) return yield* refused
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
      yield* runOne(client, journal, work, migration, effect).pipe(
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
 * **When to use**
 *
 * Use where a program migrates before the rest of it is built.
 *
 * **Example** (Before the program)
 *
 * ```ts
 * import { OracleClient, OracleMigrator } from "@sessionpool/oracle"
 * import { Layer } from "effect"
 *
 * const database = OracleMigrator.layer({ loader: OracleMigrator.fromRecord({}) }).pipe(
 *   Layer.provideMerge(OracleClient.layer({ connectString: "localhost/FREEPDB1", user: "scott" }))
 * )
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <R = never>(
  options: MigratorOptions<R>
): Layer.Layer<never, MigrationError | SqlError, OracleClient | R> => Layer.effectDiscard(run(options))

/**
 * What the database says of every migration, in the order of their numbers.
 *
 * **When to use**
 *
 * Use to show the state of a schema, and to find a migration that is half-applied.
 *
 * **Example** (Showing them)
 *
 * ```ts
 * import { OracleMigrator } from "@sessionpool/oracle"
 * import { Console, Effect } from "effect"
 *
 * const show = Effect.flatMap(OracleMigrator.records(), Console.table)
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const records = (options: { readonly table?: string | undefined } = {}): Effect.Effect<
  ReadonlyArray<MigrationRecord>,
  MigrationError | SqlError,
  OracleClient
> =>
  Effect.gen(function*() {
    const { pool } = yield* OracleClient
    const { table } = yield* checked(options)
    const journal = new MigrationJournal((f) => pool.use(f), table)
    yield* journal.ensureTables
    return yield* journal.records
  })

/**
 * Says what is to become of a migration that was left half-applied, once the schema is as it should be: it is `"done"`, or it
 * runs `"again"` from its beginning. Waits for a migrator that is at work.
 *
 * **When to use**
 *
 * Use after a migration failed half-way and its schema was repaired manually.
 *
 * **Example** (Running one again)
 *
 * ```ts
 * import { OracleMigrator } from "@sessionpool/oracle"
 *
 * const resolved = OracleMigrator.resolve(3, "again")
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const resolve = (
  id: number,
  as: "done" | "again",
  options: Pick<MigratorOptions, "table" | "lockTimeout"> = {}
): Effect.Effect<void, MigrationError | SqlError, OracleClient> =>
  Effect.scoped(Effect.gen(function*() {
    const client = yield* OracleClient
    const { limit, table } = yield* checked(options)
    if (as !== "done" && as !== "again") {
      return yield* failure("BadState", "OracleMigrator.resolve takes \"done\" or \"again\"; nothing was changed.")
    }
    const [holder, clerk] = yield* takeSessions(client, 2, limit) as Effect.Effect<
      readonly [OracleConnection, OracleConnection],
      MigrationError | SqlError,
      Scope.Scope
    >
    const journal = new MigrationJournal((f) => f(clerk), table)
    yield* journal.ensureTables
    yield* journal.lock(holder, Duration.toSeconds(limit.left))
    const record = (yield* journal.records).find((each) => each.id === id)
    if (record === undefined || record.state === "done") {
      return yield* failure("BadState", `Migration ${id} was not left half-applied.`)
    }
    yield* as === "done" ? journal.done(id) : journal.forget(id)
  }))
