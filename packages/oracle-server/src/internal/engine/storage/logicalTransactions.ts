/**
 * Transaction Guard: each session's transactions are numbered, and what became of one can be asked for from another session, also when
 * the session that ran it is gone. Who is told that a transaction has not been committed is told for good: it never will be.
 */
import { randomBytes } from "node:crypto"
import { oraError } from "../values/oraError.ts"

/** What is kept of sessions that are gone. */
const mostKept = 100_000

const idLength = 16

/** The numbered transactions of one session. */
export class LogicalTransaction {
  readonly user: string
  readonly sid: number
  readonly #id = randomBytes(idLength)
  #number = 1
  #isBlocked = false
  isOpen = true

  constructor(user: string, sid: number) {
    this.user = user
    this.sid = sid
  }

  get key(): string {
    return this.#id.toString("hex")
  }

  /** Names the transaction that the session commits next. */
  get name(): Buffer {
    const name = Buffer.alloc(idLength + 4)
    this.#id.copy(name)
    name.writeUInt32BE(this.#number, idLength)
    return name
  }

  /** Throws where the session has been told of as one that does not commit. */
  check(): void {
    if (this.#isBlocked) throw oraError(14909, "Your session has been blocked from committing by another session.")
  }

  committed(): void {
    this.#number++
  }

  /** Whether the transaction of that number is committed; if not, it is never going to be. */
  outcome(number: number): boolean {
    if (number === this.#number - 1) return true
    if (number < this.#number) {
      throw oraError(14950, "The server is ahead: the transaction is an old one that was followed by others.")
    }
    if (number > this.#number) throw oraError(14951, "The client is ahead: no such transaction has begun.")
    this.#isBlocked = true
    return false
  }
}

/** The numbered transactions of all sessions of a database. */
export class LogicalTransactions {
  readonly #sessions = new Map<string, LogicalTransaction>()

  open(user: string, sid: number): LogicalTransaction {
    const made = new LogicalTransaction(user, sid)
    this.#sessions.set(made.key, made)
    if (this.#sessions.size > mostKept) {
      for (const [key, { isOpen }] of this.#sessions) {
        if (isOpen) continue
        this.#sessions.delete(key)
        break
      }
    }
    return made
  }

  /** DBMS_APP_CONT.GET_LTXID_OUTCOME, asked by a session of `user`. */
  outcome(name: Uint8Array, user: string, sid: number): boolean {
    const bytes = Buffer.from(name)
    const found = bytes.length === idLength + 4
      ? this.#sessions.get(bytes.subarray(0, idLength).toString("hex"))
      : undefined
    if (found === undefined || found.user !== user) {
      throw oraError(14952, "The outcome of the transaction cannot be determined.")
    }
    if (found.isOpen && found.sid === sid) {
      throw oraError(14906, "GET_LTXID_OUTCOME cannot be called in the session that owns the transaction.")
    }
    return found.outcome(bytes.readUInt32BE(idLength))
  }
}
