/** What the server remembers of requests, for tests to look at. */
import type { FunctionName } from "../ttc/call.ts"

/** One request as the server saw it. */
export interface RequestRecord {
  /** Counts up from 1 over all connections. */
  readonly number: number
  /** Milliseconds since 1970. */
  readonly at: number
  readonly connection: number
  readonly sid: number | undefined
  readonly user: string | undefined
  readonly function: FunctionName
  readonly sql: string | undefined
  /** A message that rides with the next call, and is no round trip of its own. */
  readonly piggyback: boolean
  /** The `ORA-` number it was answered with; 0 for success; `undefined` while it runs. */
  readonly error: number | undefined
  readonly milliseconds: number | undefined
  /** What the server knows of a failure and does not tell the client: why a token or a certificate was refused. */
  readonly detail: string | undefined
}

/** Sums over the life of a server. */
export interface Counters {
  readonly connections: number
  /** Clients of a TLS listener whose handshake failed: they are no connections yet. */
  readonly failedHandshakes: number
  readonly openConnections: number
  readonly refused: number
  readonly redirected: number
  readonly malformed: number
  readonly logons: number
  readonly failedLogons: number
  readonly roundTrips: number
  readonly errors: number
  readonly bytesReceived: number
  readonly bytesSent: number
  readonly byFunction: { readonly [Name in FunctionName]?: number }
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

/** The last requests, oldest first. */
export class RequestLog {
  #records: Array<Mutable<RequestRecord>> = []
  #first = 0
  #number = 0
  readonly #capacity: number

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  add(record: Omit<RequestRecord, "number">): Mutable<RequestRecord> {
    const entry = { number: ++this.#number, ...record }
    if (this.#capacity === 0) return entry
    if (this.#records.length < this.#capacity) this.#records.push(entry)
    else {
      this.#records[this.#first] = entry
      this.#first = (this.#first + 1) % this.#capacity
    }
    return entry
  }

  list(): ReadonlyArray<RequestRecord> {
    return structuredClone([...this.#records.slice(this.#first), ...this.#records.slice(0, this.#first)])
  }

  clear(): void {
    this.#records = []
    this.#first = 0
  }
}
