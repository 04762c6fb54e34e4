/**
 * The journal of Effect's event log in tables of Oracle: what this application has written, what it has received from remotes, and how far
 * each remote has been served.
 *
 * `SqlEventJournal` of `effect` has text for five databases and none for Oracle. Writers take turns on one row, so the numbers of entries
 * have the order of the commits, and an upload that has got as far as one number has missed none before it.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as EventJournal from "effect/eventlog/EventJournal"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import type { MigrationError } from "effect/sql/Migrator"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import { inPieces, retryUnique } from "./internal/cluster/clusterSql.ts"
import { namesOf, type PrefixOptions, runMigrations } from "./internal/cluster/storeOptions.ts"
import {
  entryColumns,
  entryOf,
  entryProblem,
  type EntryRow,
  keyHash,
  longColumns
} from "./internal/eventlog/entryRows.ts"
import { applyRemote, newEntries, sequenceAfter, sequenceOver } from "./internal/eventlog/journalRules.ts"
import { OracleClient } from "./OracleClient.ts"
import * as OracleMigrator from "./OracleMigrator.ts"

type Service = EventJournal.EventJournal["Service"]

/**
 * Options of the journal.
 *
 * **Details**
 *
 * `prefix` begins the names of its tables and of its migrations' journal; default `effect_journal`. Journals with different prefixes do
 * not see each other.
 *
 * **Example** (Two journals in one schema)
 *
 * ```ts
 * import type { OracleEventJournal } from "@sessionpool/oracle"
 *
 * const billing: OracleEventJournal.JournalOptions = { prefix: "billing" }
 * ```
 *
 * @category models
 * @since 0.2.0
 */
export interface JournalOptions extends PrefixOptions {}

const names = (options: JournalOptions | undefined) => namesOf("OracleEventJournal", options, "effect_journal")

/** What the effect of a caller fails with, until it has left the transaction. */
class CallerFailure<E> {
  readonly _tag = "CallerFailure"
  readonly error: E
  constructor(error: E) {
    this.error = error
  }
}

/**
 * The journal over tables that exist already.
 *
 * **When to use**
 *
 * Use it, with {@link layerMigrations} in a deployment, where the runtime has no right to create tables.
 *
 * **Example** (A journal without migrations)
 *
 * ```ts
 * import { OracleEventJournal } from "@sessionpool/oracle"
 *
 * const journal = OracleEventJournal.makeJournal({ prefix: "billing" })
 * ```
 *
 * @see {@link layerMigrations} for creating the tables
 * @category constructors
 * @since 0.2.0
 */
export const makeJournal: (
  options?: JournalOptions
) => Effect.Effect<Service, MigrationError, OracleClient> = Effect.fnUntraced(function*(options?: JournalOptions) {
  const sql = (yield* OracleClient).withoutTransforms()
  const nameOf = yield* names(options)
  const entries = sql(nameOf("entries"))
  const remotes = sql(nameOf("remotes"))
  const writers = sql(nameOf("writers"))
  const pubsub = yield* PubSub.unbounded<EventJournal.Entry>()
  const columns = sql.literal("entry_id, event, primary_key, payload")

  const failing = (method: string) => (cause: unknown) =>
    cause instanceof EventJournal.EventJournalError ? cause : new EventJournal.EventJournalError({ cause, method })
  const stored = (method: string) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    effect.pipe(Effect.withTracerEnabled(false), Effect.mapError(failing(method)))

  const byId = (a: EventJournal.Entry, b: EventJournal.Entry) => EventJournal.Entry.Order(a, b)
  const ordered = (rows: ReadonlyArray<EntryRow>) => rows.map(entryOf).sort(byId)

  /** One writer at a time; gives the number of the next entry. */
  const lockWriters = Effect.map(
    sql<{ readonly next_sequence: number }>`select next_sequence from ${writers} where id = 1 for update`,
    ([row]) => row!.next_sequence
  )

  const insert = (first: number, added: ReadonlyArray<EventJournal.Entry>, source: EventJournal.RemoteId | null) =>
    Effect.gen(function*() {
      const problem = added.map(entryProblem).find((found) => found !== undefined)
      if (problem !== undefined) {
        return yield* new EventJournal.EventJournalError({ cause: problem, method: "write" })
      }
      for (const some of Arr.chunksOf(added.map((entry, index) => ({ entry, index })), 200)) {
        yield* sql`insert into ${entries} ${
          sql.insert(Arr.map(some, ({ entry, index }) => ({
            sequence: first + index,
            created: entry.createdAtMillis,
            source,
            ...entryColumns(entry),
            ...longColumns(entry)
          })))
        }`
      }
      yield* sql`update ${writers} set next_sequence = ${first + added.length} where id = 1`
    })

  /** The ids of the latest millisecond: other processes share the table, not this process's sequence of ids. */
  const latestIds = Effect.map(
    sql<
      Pick<EntryRow, "entry_id">
    >`select entry_id from ${entries} where created = (select max(created) from ${entries})`,
    (rows) => rows.map(({ entry_id }) => Uint8Array.from(entry_id) as EventJournal.EntryId)
  )

  const writeMany: Service["writeMany"] = ({ effect, entries: drafts }) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function*() {
        const first = yield* lockWriters
        const committed = yield* newEntries(drafts, yield* latestIds)
        const result = yield* Effect.mapError(restore(effect(committed)), (error) => new CallerFailure(error))
        yield* insert(first, committed, null)
        yield* sql.afterCommit(Effect.asVoid(PubSub.publishAll(pubsub, committed)))
        return result
      }).pipe(
        sql.withTransaction,
        Effect.withTracerEnabled(false),
        Effect.mapError((error) => error instanceof CallerFailure ? error.error : failing("writeMany")(error))
      )
    )

  /** Stored entries of the same events and keys; a digest that two keys share is told apart afterwards. */
  const mayConflict = (added: ReadonlyArray<EventJournal.Entry>, sinceMillis: number) => {
    const hashes = new Map(
      added.map(({ event, primaryKey }) => [JSON.stringify([event, primaryKey]), keyHash(event, primaryKey)])
    )
    return inPieces(
      [...hashes.values()],
      (some) =>
        sql<EntryRow>`select ${columns} from ${entries} where ${sql.in("key_hash", some)} and created >= ${sinceMillis}`
    )
      .pipe(Effect.map(ordered), Effect.mapError(failing("writeFromRemote")))
  }

  const nextSequenceOf = (remoteId: EventJournal.RemoteId) =>
    Effect.map(
      sql<{ readonly next_sequence: number }>`select next_sequence from ${remotes} where remote_id = ${remoteId}`,
      ([row]) => row?.next_sequence ?? 0
    )

  /** Marks only move forward. */
  const advance = (remoteId: EventJournal.RemoteId, column: "next_sequence" | "uploaded", value: number) => {
    const name = sql.literal(column)
    return retryUnique(
      sql`merge into ${remotes} t using (select ${remoteId} as remote_id from dual) s on (t.remote_id = s.remote_id)
        when matched then update set ${name} = greatest(${name}, ${value})
        when not matched then insert (remote_id, ${name}) values (s.remote_id, ${value})`
    )
  }

  const writeFromRemote: Service["writeFromRemote"] = (options) =>
    Effect.gen(function*() {
      const first = yield* lockWriters
      const given = options.entries.map(({ entry }) => entry)
      const known = yield* inPieces(given, (some) =>
        sql<Pick<EntryRow, "entry_id">>`select entry_id from ${entries} where ${
          sql.in(
            "entry_id",
            some.map(({ id }) =>
              id
            )
          )
        }`)
      const seen = new Set(known.map(({ entry_id }) => idText(entry_id)))
      const duplicateEntries = given.filter(({ id }) => seen.has(idText(id)))
      // Batches may overlap and repeat an entry; the first one counts.
      const added = options.entries.filter(({ entry }) => {
        const id = idText(entry.id)
        if (seen.has(id)) return false
        seen.add(id)
        return true
      })
      yield* applyRemote(options, added, mayConflict)
      if (added.length > 0) yield* insert(first, added.map(({ entry }) => entry), options.remoteId)
      if (given.length > 0) yield* advance(options.remoteId, "next_sequence", sequenceAfter(options.entries, 0))
      return { duplicateEntries }
    }).pipe(sql.withTransaction, stored("writeFromRemote"))

  return EventJournal.EventJournal.of({
    entries: sql<EntryRow>`select ${columns} from ${entries} order by created`.pipe(
      Effect.map(ordered),
      stored("entries")
    ),
    entriesById: (ids) =>
      inPieces(ids, (some) => sql<EntryRow>`select ${columns} from ${entries} where ${sql.in("entry_id", some)}`).pipe(
        Effect.map((rows) => {
          const found = new Map(rows.map((row) => [idText(row.entry_id), entryOf(row)]))
          return ids.map((id) => found.get(idText(id)))
        }),
        stored("entriesById")
      ),
    write: ({ effect, ...entry }) => writeMany({ entries: [entry], effect: ([written]) => effect(written) }),
    writeMany,
    writeFromRemote,
    withRemoteUncommited: (remoteId, f) =>
      Effect.gen(function*() {
        // What is committed while it is uploaded waits for the next time.
        const [bounds] = yield* sql<{ readonly uploaded: number; readonly latest: number }>`
          select nvl((select uploaded from ${remotes} where remote_id = ${remoteId}), 0) as uploaded,
            next_sequence - 1 as latest from ${writers} where id = 1`.pipe(stored("withRemoteUncommited"))
        const { latest, uploaded } = bounds!
        if (latest <= uploaded) return Option.none()
        const pending = yield* sql<EntryRow>`select ${columns} from ${entries}
          where sequence > ${uploaded} and sequence <= ${latest} and (source is null or source <> ${remoteId})`.pipe(
          Effect.map(ordered),
          stored("withRemoteUncommited")
        )
        return yield* Effect.uninterruptibleMask((restore) =>
          restore(Arr.isReadonlyArrayNonEmpty(pending) ? Effect.asSome(f(pending)) : Effect.succeedNone).pipe(
            Effect.tap(stored("withRemoteUncommited")(advance(remoteId, "uploaded", latest)))
          )
        )
      }),
    writeRemoteAcks: ({ acks, firstSequence = 0, remoteId }) =>
      acks.length === 0
        ? Effect.void
        : Effect.flatMap(nextSequenceOf(remoteId), (next) =>
          advance(remoteId, "next_sequence", sequenceOver(acks, next, firstSequence))).pipe(
            sql.withTransaction,
            Effect.asVoid,
            stored("writeRemoteAcks")
          ),
    nextRemoteSequence: (remoteId) => stored("nextRemoteSequence")(nextSequenceOf(remoteId)),
    changes: PubSub.subscribe(pubsub),
    destroy: lockWriters.pipe(
      Effect.andThen(sql`delete from ${entries}`),
      Effect.andThen(sql`delete from ${remotes}`),
      Effect.andThen(sql`update ${writers} set next_sequence = 1 where id = 1`),
      sql.withTransaction,
      Effect.asVoid,
      stored("destroy")
    ),
    withLock: () => (effect) =>
      Effect.andThen(lockWriters, effect).pipe(sql.withTransaction, Effect.catchIf(isSqlError, Effect.die))
  })
})

const idText = (id: Uint8Array): string => Buffer.from(id).toString("hex")

/**
 * The migrations of the journal's tables, for a migrator of your own. {@link layerMigrations} runs them.
 *
 * **When to use**
 *
 * Use it where one migrator creates everything.
 *
 * **Example** (The loader of a migrator)
 *
 * ```ts
 * import { OracleEventJournal } from "@sessionpool/oracle"
 *
 * const loader = OracleEventJournal.migrations({ prefix: "billing" })
 * ```
 *
 * @category migrations
 * @since 0.2.0
 */
export const migrations = (options?: JournalOptions) =>
  OracleMigrator.fromRecord({
    "1_create_tables": Effect.gen(function*() {
      const sql = (yield* OracleClient).withoutTransforms()
      const nameOf = yield* names(options)
      const entries = nameOf("entries")
      yield* sql`create table ${sql(entries)} (
        sequence number(19) not null primary key,
        entry_id raw(16) not null unique,
        created number(19) not null,
        source raw(16),
        event varchar2(1000 char) not null,
        key_hash raw(32) not null,
        primary_key clob,
        payload blob
      )`
      yield* sql`create index ${sql(`${entries}_key`)} on ${sql(entries)} (key_hash, created)`
      yield* sql`create index ${sql(`${entries}_created`)} on ${sql(entries)} (created)`
      yield* sql`create table ${sql(nameOf("remotes"))} (
        remote_id raw(16) not null primary key,
        next_sequence number(19) default 0 not null,
        uploaded number(19) default 0 not null
      )`
      yield* sql`create table ${sql(nameOf("writers"))} (
        id number(1) not null primary key,
        next_sequence number(19) not null
      )`
      yield* sql`insert into ${sql(nameOf("writers"))} (id, next_sequence) values (1, 1)`
    })
  })

const createTables = (options: JournalOptions | undefined) =>
  Effect.flatMap(names(options), (nameOf) =>
    runMigrations("OracleEventJournal", {
      loader: migrations(options),
      journal: nameOf("migrations"),
      longest: nameOf("migrations_lock"),
      tables: [nameOf("writers")]
    }))

/**
 * Creates the tables, or brings them up to date, without providing the journal.
 *
 * **When to use**
 *
 * Use it in a step of a deployment that logs on as the owner of the schema, and {@link makeJournal} in the runtime.
 *
 * **Example** (A step of a deployment)
 *
 * ```ts
 * import { OracleClient, OracleEventJournal } from "@sessionpool/oracle"
 * import { Layer } from "effect"
 *
 * const deployment = OracleEventJournal.layerMigrations().pipe(
 *   Layer.provide(OracleClient.layer({ connectString: "localhost/FREEPDB1", user: "owner" }))
 * )
 * ```
 *
 * @category layers
 * @since 0.2.0
 */
export const layerMigrations = (
  options?: JournalOptions
): Layer.Layer<never, MigrationError | SqlError, OracleClient> => Layer.effectDiscard(createTables(options))

/**
 * The journal; the tables are created before.
 *
 * **When to use**
 *
 * Use it for a journal without a layer, such as in a test.
 *
 * **Example** (All entries)
 *
 * ```ts
 * import { OracleEventJournal } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * const entries = Effect.flatMap(OracleEventJournal.make(), (journal) => journal.entries)
 * ```
 *
 * @category constructors
 * @since 0.2.0
 */
export const make = (
  options?: JournalOptions
): Effect.Effect<Service, MigrationError | SqlError, OracleClient> =>
  Effect.andThen(createTables(options), makeJournal(options))

/**
 * Provides the journal; the tables are created before.
 *
 * **When to use**
 *
 * Use it beneath `EventLog.layer`, where `SqlEventJournal.layer` stands for other databases.
 *
 * **Details**
 *
 * Handlers that write through `OracleClient` are part of the transaction that stores their entries: both are committed, or none.
 *
 * **Gotchas**
 *
 * `changes` tells what this process has committed; other processes on the same tables have their own.
 *
 * **Example** (A journal for an event log)
 *
 * ```ts
 * import { OracleClient, OracleEventJournal } from "@sessionpool/oracle"
 * import { Layer } from "effect"
 *
 * const journal = OracleEventJournal.layer().pipe(
 *   Layer.provide(OracleClient.layer({ connectString: "localhost/FREEPDB1", user: "scott" }))
 * )
 * ```
 *
 * @category layers
 * @since 0.2.0
 */
export const layer = (
  options?: JournalOptions
): Layer.Layer<EventJournal.EventJournal, MigrationError | SqlError, OracleClient> =>
  Layer.effect(EventJournal.EventJournal, make(options))
