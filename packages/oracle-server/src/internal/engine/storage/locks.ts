/**
 * Table locks, and which session waits for which; row locks are in the rows of each table.
 *
 * A lock belongs to a session's transaction and ends with it (or with a rollback to a savepoint from before it). A session
 * waits for the holder, not for a place in a queue: when the holder ends, all who wait try again in their order. A wait that
 * would close a circle is refused with ORA-00060 in the session that asked last.
 */
import { oraError } from "../values/oraError.ts"
import type { Wait } from "./waiting.ts"

const modes = ["ROW SHARE", "ROW EXCLUSIVE", "SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE"] as const
export type TableMode = typeof modes[number]

const compatible: Readonly<Record<TableMode, ReadonlyArray<TableMode>>> = {
  "ROW SHARE": ["ROW SHARE", "ROW EXCLUSIVE", "SHARE", "SHARE ROW EXCLUSIVE"],
  "ROW EXCLUSIVE": ["ROW SHARE", "ROW EXCLUSIVE"],
  "SHARE": ["ROW SHARE", "SHARE"],
  "SHARE ROW EXCLUSIVE": ["ROW SHARE"],
  "EXCLUSIVE": []
}

/** How a transaction is named that has no session: three numbers, as its undo is found by. */
export const localName = (owner: number): string => {
  const number = Math.abs(owner)
  return `${(number % 64) + 1}.${Math.floor(number / 64) % 64}.${number}`
}

export class Locks {
  readonly #tables = new Map<number, Array<{ readonly sid: number; readonly mode: TableMode }>>()
  readonly #waitsFor = new Map<number, number>()
  readonly #waiters = new Map<number, Array<() => void>>()
  /** Prepared branches of global transactions: their locks stay until their coordinators decide. */
  readonly #inDoubt = new Set<number>()
  readonly #sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>

  constructor(sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>) {
    this.#sleep = sleep
  }

  table(id: number, mode: TableMode, sid: number): number {
    const held = this.#tables.get(id)
    if (held === undefined) {
      this.#tables.set(id, [{ sid, mode }])
      return 0
    }
    for (const lock of held) if (lock.sid !== sid && !compatible[mode].includes(lock.mode)) return lock.sid
    if (!held.some((lock) => lock.sid === sid && lock.mode === mode)) held.push({ sid, mode })
    return 0
  }

  /** The locks of tables that are held. */
  *tableLocks(): Iterable<{ readonly id: number; readonly sid: number; readonly mode: TableMode }> {
    for (const [id, held] of this.#tables) for (const { mode, sid } of held) yield { id, sid, mode }
  }

  /** A session other than this one that holds any lock on the table. */
  foreignHolder(id: number, sid: number): number {
    return this.#tables.get(id)?.find((lock) => lock.sid !== sid)?.sid ?? 0
  }

  holds(id: number, sid: number): boolean {
    return this.#tables.get(id)?.some((lock) => lock.sid === sid) === true
  }

  releaseTables(sid: number): void {
    for (const [id, held] of this.#tables) {
      const rest = held.filter((lock) => lock.sid !== sid)
      if (rest.length === 0) this.#tables.delete(id)
      else if (rest.length !== held.length) this.#tables.set(id, rest)
    }
  }

  /** Wakes everybody who waits for this session. */
  wake(sid: number): void {
    const list = this.#waiters.get(sid)
    if (list === undefined) return
    this.#waiters.delete(sid)
    for (const resume of list) resume()
  }

  /** From now on its locks are not waited for, or they are again. */
  doubt(sid: number, isInDoubt: boolean): void {
    if (isInDoubt) this.#inDoubt.add(sid)
    else this.#inDoubt.delete(sid)
  }

  blockerOf(sid: number): number | undefined {
    return this.#waitsFor.get(sid)
  }

  /** An autonomous transaction runs within another one, which waits for it until the step that ends it. */
  nest(outer: number, inner: number): () => void {
    this.#waitsFor.set(outer, inner)
    return () => {
      this.#waitsFor.delete(outer)
    }
  }

  /** `seconds` undefined waits without a limit; 0 fails at once with ORA-00054. */
  waitFor(sid: number, holder: number, seconds: number | undefined): Wait {
    if (seconds === 0) throw oraError(54, "resource busy and acquire with NOWAIT specified or timeout expired")
    if (this.#inDoubt.has(holder)) {
      throw oraError(1591, `lock held by in-doubt distributed transaction ${localName(holder)}`)
    }
    for (let next: number | undefined = holder; next !== undefined; next = this.#waitsFor.get(next)) {
      if (next === sid) throw oraError(60, "deadlock detected while waiting for resource")
    }
    return async (signal) => {
      signal.throwIfAborted()
      const before = this.#waitsFor.get(sid)
      this.#waitsFor.set(sid, holder)
      const timer = new AbortController()
      try {
        await new Promise<void>((resolve, reject) => {
          const list = this.#waiters.get(holder) ?? []
          list.push(resolve)
          this.#waiters.set(holder, list)
          signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true, signal: timer.signal })
          if (seconds !== undefined) {
            const expired = (): void => {
              if (!timer.signal.aborted) reject(oraError(30006, "resource busy; acquire with WAIT timeout expired"))
            }
            this.#sleep(seconds * 1000, timer.signal).then(expired, () => undefined)
          }
        })
      } finally {
        // A session around an autonomous transaction waits for that one again.
        if (before === undefined) this.#waitsFor.delete(sid)
        else this.#waitsFor.set(sid, before)
        timer.abort()
      }
    }
  }
}
