/** The storage of an event log's server that reads what its clients write. */
import * as Arr from "effect/Array"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { type Entry, EntryIdOrder, RemoteEntry } from "effect/eventlog/EventJournal"
import * as EventLogServerUnencrypted from "effect/eventlog/EventLogServerUnencrypted"
import type * as Scope from "effect/Scope"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import { limit, OracleClient } from "../../OracleClient.ts"
import * as OracleMigrator from "../../OracleMigrator.ts"
import { inPieces } from "../cluster/clusterSql.ts"
import { entryColumns, entryOf, entryProblem, type EntryRow, keyHash, longColumns } from "./entryRows.ts"
import { bindings, createServerTables, keyOf, makeStores, pageSize, serverId } from "./serverTables.ts"

type Storage = EventLogServerUnencrypted.Storage["Service"]

export const plainMigrations = (nameOf: (table: string) => string) =>
  OracleMigrator.fromRecord({
    "1_create_tables": Effect.gen(function*() {
      const sql = (yield* OracleClient).withoutTransforms()
      const entries = nameOf("entries")
      yield* createServerTables(sql, nameOf, "varchar2(255 char)")
      yield* sql`create table ${sql(entries)} (
        store_id varchar2(255 char) not null,
        sequence number(19) not null,
        entry_id raw(16) not null,
        event varchar2(1000 char) not null,
        key_hash raw(32) not null,
        primary_key clob,
        payload blob,
        primary key (store_id, sequence),
        unique (store_id, entry_id)
      )`
      yield* sql`create index ${sql(`${entries}_key`)} on ${sql(entries)} (store_id, key_hash)`
    })
  })

interface RemoteRow extends EntryRow {
  readonly sequence: number
}

const remoteEntryOf = (row: RemoteRow): RemoteEntry =>
  new RemoteEntry({ remoteSequence: row.sequence, entry: entryOf(row) }, { disableChecks: true })

const inOrder = (found: ReadonlyArray<RemoteEntry>): Array<RemoteEntry> =>
  [...new Map(found.map((entry) => [entry.remoteSequence, entry])).values()]
    .sort((a, b) => a.remoteSequence - b.remoteSequence)

/** The storage over tables that exist already. */
export const makePlainStorage = (
  nameOf: (table: string) => string,
  pollInterval: Duration.Duration
): Effect.Effect<Storage, SqlError, OracleClient | Scope.Scope> =>
  Effect.gen(function*() {
    const sql = (yield* OracleClient).withoutTransforms()
    const entries = sql(nameOf("entries"))
    const remoteId = yield* serverId(sql, nameOf)
    const stores = yield* makeStores(sql, nameOf, pollInterval)
    const columns = sql.literal("sequence, entry_id, event, primary_key, payload")

    const read = (storeId: string) => (from: number) =>
      Effect.map(
        sql<RemoteRow>`select ${columns} from ${entries} where store_id = ${storeId} and sequence >= ${from}
          order by sequence ${limit(pageSize)}`,
        (rows) => rows.map(remoteEntryOf)
      )

    const readAll = (storeId: string, from: number) =>
      Effect.gen(function*() {
        const all: Array<RemoteEntry> = []
        for (;;) {
          const page = yield* read(storeId)(all.length === 0 ? from : all.at(-1)!.remoteSequence + 1)
          all.push(...page)
          if (page.length < pageSize) return all
        }
      })

    const sinceOf = (storeId: string, oldest: Entry) =>
      Effect.map(
        sql<RemoteRow>`select ${columns} from ${entries} where store_id = ${storeId} and entry_id >= ${oldest.id}`,
        (rows) => rows.map(remoteEntryOf)
      )

    /** Those that share an id, or an event and a key, with one of the batch. */
    const relatedTo = (storeId: string, oldest: Entry, batch: Arr.NonEmptyReadonlyArray<Entry>) =>
      Effect.gen(function*() {
        const same = yield* inPieces(batch, (some) =>
          sql<RemoteRow>`select ${columns} from ${entries}
            where store_id = ${storeId} and ${sql.in("entry_id", some.map(({ id }) => id))}`)
        const keys = new Map(
          batch.map(({ event, primaryKey }) => [JSON.stringify([event, primaryKey]), keyHash(event, primaryKey)])
        )
        const keyed = yield* inPieces([...keys.values()], (some) =>
          sql<RemoteRow>`select ${columns} from ${entries}
            where store_id = ${storeId} and ${sql.in("key_hash", some)} and entry_id >= ${oldest.id}`)
        const related = keyed.map(remoteEntryOf).filter(({ entry }) =>
          keys.has(JSON.stringify([entry.event, entry.primaryKey]))
        )
        return [...same.map(remoteEntryOf), ...related]
      })

    const insert = (storeId: string, added: ReadonlyArray<RemoteEntry>) =>
      Effect.gen(function*() {
        const problem = added.map(({ entry }) => entryProblem(entry)).find((found) => found !== undefined)
        if (problem !== undefined) return yield* Effect.die(new Error(problem))
        for (const some of Arr.chunksOf(added, 200)) {
          yield* sql`insert into ${entries} ${
            sql.insert(Arr.map(some, ({ entry, remoteSequence }) => ({
              store_id: storeId,
              sequence: remoteSequence,
              ...entryColumns(entry),
              ...longColumns(entry)
            })))
          }`
        }
      })

    const quiet = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.orDie(Effect.withTracerEnabled(effect, false))

    return EventLogServerUnencrypted.Storage.of({
      getId: Effect.succeed(remoteId),
      firstSequence: 1,
      getOrCreateSessionAuthBinding: bindings(sql, nameOf),
      entriesAfter: (name, entry, batch) =>
        quiet(Effect.map(
          batch === undefined ? sinceOf(keyOf(name), entry) : relatedTo(keyOf(name), entry, batch),
          (found) =>
            inOrder(
              batch === undefined ? found.filter((each) => EntryIdOrder(each.entry.id, entry.id) >= 0) : found
            )
        )),
      write: (name, added) => {
        const storeId = keyOf(name)
        return added.length === 0
          ? Effect.succeed([])
          : quiet(stores.write(storeId, storeId, (first) => {
            const committed = added.map((entry, index) =>
              new RemoteEntry({ remoteSequence: first + index, entry }, { disableChecks: true })
            )
            return Effect.as(insert(storeId, committed), { result: committed, next: first + added.length })
          }))
      },
      changes: ({ compactors, startSequence, storeId: name }) =>
        Stream.unwrap(Effect.gen(function*() {
          const storeId = keyOf(name)
          const backlog = compactors.size === 0 ? [] : yield* quiet(readAll(storeId, startSequence))
          const compacted = yield* Effect.orDie(
            EventLogServerUnencrypted.compactBacklog({ compactors, remoteEntries: backlog })
          )
          const next = backlog.length === 0 ? startSequence : backlog.at(-1)!.remoteSequence + 1
          return Stream.concat(
            Stream.fromArray(compacted),
            Stream.orDie(
              stores.follow(
                storeId,
                next,
                (from) => Effect.withTracerEnabled(read(storeId)(from), false),
                (last) => last.remoteSequence + 1
              )
            )
          )
        })),
      withTransaction: (effect) => Effect.catchIf(sql.withTransaction(effect), isSqlError, Effect.die)
    })
  })
