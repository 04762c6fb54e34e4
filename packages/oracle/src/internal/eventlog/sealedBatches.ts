/** Batches that clients encrypt, as rows: the ids of their entries are joined in one column. */
import type * as Arr from "effect/Array"
import type { EntryId } from "effect/eventlog/EventJournal"
import type { EncryptedRemoteBatch } from "effect/eventlog/EventLogEncryption"
import { createHash } from "node:crypto"

export interface BatchRow {
  readonly sequence: number
  readonly iv: Uint8Array
  readonly entry_ids: Uint8Array
  readonly encrypted_batch: Uint8Array | null
}

const idBytes = 16

/** What the column of the vector holds. */
export const ivBytes = 12

export const joined = (ids: ReadonlyArray<Uint8Array>): Uint8Array => Uint8Array.from(Buffer.concat([...ids]))

export const idsOf = (bytes: Uint8Array): Arr.NonEmptyArray<EntryId> =>
  Array.from(
    { length: bytes.length / idBytes },
    (_, index) => Uint8Array.from(bytes.subarray(index * idBytes, (index + 1) * idBytes)) as EntryId
  ) as Arr.NonEmptyArray<EntryId>

export const batchOf = (row: BatchRow): EncryptedRemoteBatch => ({
  sequence: row.sequence,
  entryIds: idsOf(row.entry_ids),
  iv: Uint8Array.from(row.iv),
  encryptedBatch: Uint8Array.from(row.encrypted_batch ?? [])
})

export const hex = (id: Uint8Array): string => Buffer.from(id).toString("hex")

/** A store is that of one client's identity. */
export const storeKey = (publicKey: string, storeId: string): Uint8Array =>
  createHash("sha256").update(JSON.stringify([publicKey, storeId]), "utf8").digest()
