/**
 * The transactions that belong to no session: sessionless ones, and branches of global ones. Who has each of them, how long it
 * may lie without a holder, and what becomes of it. What a session does with them is not here (`statements/branchWork.ts`).
 *
 * attached → idle (detached: a clock runs) → attached again; either → prepared (no clock; it is attached no more) → gone. COMMIT FORCE and
 * ROLLBACK FORCE leave a prepared branch as decided until its coordinator forgets it. Every change of state is made here.
 */
import { oraError } from "../values/oraError.ts"
import type { Locks } from "./locks.ts"
import type { Transaction } from "./transaction.ts"
import type { Step } from "./waiting.ts"

export type BranchKind = "sessionless" | "global"

export interface BranchId {
  readonly formatId: number
  readonly global: Uint8Array
  readonly qualifier: Uint8Array
}

/** The session that works with a branch. */
export interface BranchHolder {
  readonly sid: number
  readonly instance: string
  /** The branch is over, or somebody has detached it. */
  readonly left: () => void
}

type BranchState = "attached" | "idle" | "prepared" | "committed" | "rolled back"

export interface Branch {
  readonly number: number
  readonly kind: BranchKind
  readonly id: BranchId
  readonly user: string
  /** Seconds that it may be idle. */
  readonly timeout: number
  readonly transaction: Transaction
  /** Milliseconds since 1970. */
  readonly since: number
}

interface Entry extends Branch {
  state: BranchState
  holder: BranchHolder | undefined
  /** Every instance that has worked in it: it is lost with any of them. */
  readonly instances: Set<string>
  clock: AbortController | undefined
  readonly waiting: Set<() => void>
}

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex").toUpperCase()

const keyOf = (kind: BranchKind, id: BranchId): string =>
  kind === "sessionless" ? `s:${hex(id.global)}` : `g:${id.formatId}:${hex(id.global)}:${hex(id.qualifier)}`

/** How a branch is named in messages. */
export const nameOf = (kind: BranchKind, id: BranchId): string =>
  kind === "sessionless" ? hex(id.global) : `${id.formatId}, ${hex(id.global)}, ${hex(id.qualifier)}`

/** Ids of branches that have expired: their coordinators are told so once. */
const mostExpired = 1000

export class Branches {
  readonly #entries = new Map<string, Entry>()
  readonly #byNumber = new Map<number, Entry>()
  readonly #expired = new Set<string>()
  readonly #sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>
  readonly #now: () => number
  readonly #locks: Locks
  #last = 0

  constructor(
    locks: Locks,
    sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>,
    now: () => number
  ) {
    this.#locks = locks
    this.#sleep = sleep
    this.#now = now
  }

  has(kind: BranchKind, id: BranchId): boolean {
    return this.#entries.has(keyOf(kind, id))
  }

  find(kind: BranchKind, id: BranchId): Branch | undefined {
    return this.#entries.get(keyOf(kind, id))
  }

  numbered(number: number): Branch | undefined {
    return this.#byNumber.get(number)
  }

  stateOf(branch: Branch): BranchState {
    return this.#entry(branch).state
  }

  /** All of them, oldest first. */
  list(): ReadonlyArray<Branch> {
    return [...this.#entries.values()]
  }

  #entry(branch: Branch): Entry {
    return branch as Entry
  }

  /** A new branch, attached to its holder. */
  begin(
    from: Omit<Branch, "number" | "since">,
    holder: BranchHolder
  ): Branch {
    const entry: Entry = {
      ...from,
      number: ++this.#last,
      since: this.#now(),
      state: "attached",
      holder,
      instances: new Set([holder.instance]),
      clock: undefined,
      waiting: new Set()
    }
    const key = keyOf(from.kind, from.id)
    this.#expired.delete(key)
    this.#entries.set(key, entry)
    this.#byNumber.set(entry.number, entry)
    entry.transaction.endings.push(() => this.#forget(entry))
    return entry
  }

  /** Takes a branch that lies there, or waits so many seconds for the session that has it. */
  *attach(branch: Branch, holder: BranchHolder, seconds: number): Step<void> {
    const entry = this.#entry(branch)
    const until = this.#now() + seconds * 1000
    while (entry.state === "attached") {
      const left = until - this.#now()
      if (left <= 0) throw oraError(25_351, "transaction is currently in use")
      yield (signal) => this.#freed(entry, left, signal)
    }
    if (entry.state !== "idle" || !this.#byNumber.has(entry.number)) throw absent(entry.kind, entry.id)
    entry.clock?.abort()
    entry.clock = undefined
    entry.state = "attached"
    entry.holder = holder
    entry.instances.add(holder.instance)
  }

  async #freed(entry: Entry, milliseconds: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const over = new AbortController()
    let wake: () => void = () => undefined
    try {
      await new Promise<void>((resolve, reject) => {
        wake = resolve
        entry.waiting.add(wake)
        signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true, signal: over.signal })
        this.#sleep(milliseconds, over.signal).then(
          () => reject(oraError(25_351, "transaction is currently in use")),
          () => undefined
        )
      })
    } finally {
      entry.waiting.delete(wake)
      over.abort()
    }
  }

  /** The holder goes, the branch stays: for its timeout, or until its fate is decided when it is prepared. */
  detach(branch: Branch): void {
    const entry = this.#entry(branch)
    this.#leave(entry)
    entry.state = "idle"
    const clock = new AbortController()
    entry.clock = clock
    this.#sleep(entry.timeout * 1000, clock.signal).then(() => {
      if (entry.clock !== clock || entry.state !== "idle") return
      this.#expired.add(keyOf(entry.kind, entry.id))
      if (this.#expired.size > mostExpired) this.#expired.delete(this.#expired.values().next().value!)
      entry.transaction.rollback()
    }, () => undefined)
    this.#wake(entry)
  }

  #leave(entry: Entry): void {
    const { holder } = entry
    entry.holder = undefined
    holder?.left()
  }

  /** Votes for a commit; false when there is nothing to commit: then the branch is gone already. */
  prepare(branch: Branch): boolean {
    const entry = this.#entry(branch)
    if (entry.transaction.changes.length === 0) {
      entry.transaction.rollback()
      return false
    }
    if (entry.state === "attached") this.#leave(entry)
    entry.clock?.abort()
    entry.clock = undefined
    entry.state = "prepared"
    this.#locks.doubt(entry.transaction.sid, true)
    // Sessions that wait for its locks are told why they would wait for long.
    this.#locks.wake(entry.transaction.sid)
    this.#wake(entry)
    return true
  }

  /** Decides a prepared branch in the place of its coordinator, which still has to forget it. */
  force(branch: Branch, commits: boolean): void {
    const entry = this.#entry(branch)
    entry.state = commits ? "committed" : "rolled back"
    if (commits) entry.transaction.complete()
    else entry.transaction.rollback()
  }

  forget(branch: Branch): void {
    this.#remove(this.#entry(branch))
  }

  /** Whether it has been rolled back because its time was over. */
  takeExpired(kind: BranchKind, id: BranchId): boolean {
    return this.#expired.delete(keyOf(kind, id))
  }

  /** The transaction has ended, however that came. */
  #forget(entry: Entry): void {
    this.#locks.doubt(entry.transaction.sid, false)
    // One that was decided by force is kept for its coordinator.
    if (entry.state === "committed" || entry.state === "rolled back") return
    this.#remove(entry)
    this.#leave(entry)
  }

  #remove(entry: Entry): void {
    entry.clock?.abort()
    entry.clock = undefined
    this.#entries.delete(keyOf(entry.kind, entry.id))
    this.#byNumber.delete(entry.number)
    if (entry.state === "attached") entry.state = "rolled back"
    this.#wake(entry)
  }

  #wake(entry: Entry): void {
    for (const wake of entry.waiting) wake()
  }

  /** An instance is lost: what it has worked on and not prepared is rolled back. */
  loseInstance(name: string): void {
    for (const entry of this.#entries.values()) {
      if ((entry.state === "idle" || entry.state === "attached") && entry.instances.has(name)) {
        entry.transaction.rollback()
      }
    }
  }

  /** The database becomes another one. */
  abandon(): void {
    for (const entry of this.#entries.values()) {
      if (entry.state === "committed" || entry.state === "rolled back") this.#remove(entry)
      else entry.transaction.rollback()
    }
    this.#expired.clear()
  }

  close(): void {
    for (const entry of this.#entries.values()) entry.clock?.abort()
  }
}

/** What a session is told that asks for a branch which is not there. */
export const absent = (kind: BranchKind, id: BranchId) =>
  kind === "sessionless"
    ? oraError(26_218, `sessionless transaction with GTRID ${hex(id.global)} does not exist.`)
    : oraError(24_756, "transaction does not exist")
