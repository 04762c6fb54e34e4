/** The statements that sessions have run, as `v$sql` shows them: the last ones, with what they took. */
import { createHash } from "node:crypto"

export interface SqlEntry {
  readonly text: string
  readonly schema: string
  readonly module: string | null
  /** Milliseconds since 1970. */
  readonly firstLoad: number
  lastActive: number
  executions: number
  rows: number
  /** Milliseconds. */
  elapsed: number
  /** Sessions that run it now. */
  users: number
}

/** How many statements are kept. */
const capacity = 2000

const digits = "0123456789abcdfghjkmnpqrstuvwxyz"

const hashOf = (text: string): Buffer => createHash("md5").update(`${text}\0`, "utf8").digest()

/** The id that the server gives a text: the last half of its MD5 in thirteen digits of base 32. */
export const sqlIdOf = (text: string): string => {
  const hash = hashOf(text)
  let value = (BigInt(hash.readUInt32LE(8)) << 32n) | BigInt(hash.readUInt32LE(12))
  let id = ""
  for (let i = 0; i < 13; i++) {
    id = digits[Number(value & 31n)]! + id
    value >>= 5n
  }
  return id
}

export const hashValueOf = (text: string): number => hashOf(text).readUInt32LE(12)

export class SqlArea {
  readonly #entries = new Map<string, SqlEntry>()

  /** A statement begins; gives what is to be called with its rows when it ends. */
  begin(text: string, schema: string, module: string | null, now: number): SqlEntry {
    let entry = this.#entries.get(text)
    if (entry === undefined) {
      if (this.#entries.size >= capacity) this.#entries.delete(this.#entries.keys().next().value!)
      entry = { text, schema, module, firstLoad: now, lastActive: now, executions: 0, rows: 0, elapsed: 0, users: 0 }
      this.#entries.set(text, entry)
    }
    entry.executions++
    entry.users++
    entry.lastActive = now
    return entry
  }

  end(entry: SqlEntry, rows: number, elapsed: number): void {
    entry.users--
    entry.rows += rows
    entry.elapsed += elapsed
  }

  entries(): ReadonlyArray<SqlEntry> {
    return [...this.#entries.values()]
  }
}
