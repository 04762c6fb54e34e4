/** Entries of a journal as rows: what their columns hold, and how they are found by event and key. */
import { Entry, type EntryId } from "effect/eventlog/EventJournal"
import { createHash } from "node:crypto"
import { longBytes, longText } from "../cluster/clusterSql.ts"

/** Event tags are names; keys and payloads may have any length. */
const longestEvent = 1000

/** The digest under which entries of one event and one key are found; keys are too long for an index. */
export const keyHash = (event: string, primaryKey: string): Uint8Array =>
  createHash("sha256").update(JSON.stringify([event, primaryKey]), "utf8").digest()

/** To Oracle an empty text, and no bytes, are nothing: they are stored as that. */
export interface EntryRow {
  readonly entry_id: Uint8Array
  readonly event: string
  readonly primary_key: string | null
  readonly payload: Uint8Array | null
}

const copied = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => Uint8Array.from(bytes)

export const entryOf = (row: EntryRow): Entry =>
  new Entry({
    id: copied(row.entry_id) as EntryId,
    event: row.event,
    primaryKey: row.primary_key ?? "",
    payload: copied(row.payload ?? new Uint8Array(0))
  }, { disableChecks: true })

/** The columns of an entry, those that may be long last. */
export const entryColumns = (entry: Entry) => ({
  entry_id: entry.id,
  event: entry.event,
  key_hash: keyHash(entry.event, entry.primaryKey)
})

export const longColumns = (entry: Entry) => ({
  primary_key: longText(entry.primaryKey === "" ? null : entry.primaryKey),
  payload: longBytes(entry.payload)
})

/** Says which entry cannot be stored, and why. */
export const entryProblem = (entry: Entry): string | undefined =>
  entry.event.length >= 1 && entry.event.length <= longestEvent && entry.event.isWellFormed()
    ? entry.primaryKey.isWellFormed()
      ? undefined
      : `The primary key of an entry of ${entry.event} has half a surrogate pair, which a database cannot store as text`
    : `The event of an entry must have 1 to ${longestEvent} characters, and has ${entry.event.length}`
