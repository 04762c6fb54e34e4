/** The book of a test database: what happened in it, and whether what was opened was closed. */

/**
 * What happened in a test database, one entry for each thing that it was asked to do, in the order in which it happened.
 *
 * **When to use**
 *
 * Look through `database.ledger` in a test to see what reached the database: how often it was pinged, when a session was closed, which log-on failed.
 *
 * **Example** (When sessions were closed)
 *
 * ```ts
 * import type { TestDatabase } from "@sessionpool/testing"
 *
 * const closings = (ledger: ReadonlyArray<TestDatabase.LedgerEntry>) =>
 *   ledger.filter(({ event }) => event === "closed").map(({ at }) => at)
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface LedgerEntry {
  /** When, in milliseconds of the clock that the database was made under. */
  readonly at: number
  readonly event:
    | "openRequested"
    | "opened"
    | "openFailed"
    | "openAbandoned"
    | "lent"
    | "executed"
    | "pinged"
    | "reset"
    | "interrupted"
    | "killed"
    | "closed"
  /** The number of the session in the database, 0 where there is none. */
  readonly session: number
  /** Who the session belongs to; for `lent`, the number of the session in the pool. */
  readonly who: string
  /** What went wrong; absent when nothing did. */
  readonly failure?: string
}

/** The book that a test database keeps. */
export class LedgerBook {
  readonly entries: Array<LedgerEntry> = []
  readonly violations: Array<string> = []
  readonly #now: () => number
  #open = 0
  #opening = 0
  #mostOpen = 0

  constructor(now: () => number) {
    this.#now = now
  }

  get open(): number {
    return this.#open
  }

  /** The most sessions that were open or being opened at any one moment. */
  get mostOpen(): number {
    return this.#mostOpen
  }

  write(event: LedgerEntry["event"], session: number, who: string, failure?: string): void {
    const at = this.#now()
    this.entries.push(failure === undefined ? { at, event, session, who } : { at, event, session, who, failure })
    if (event === "openRequested") this.#opening++
    else if (event === "openFailed" || event === "openAbandoned") this.#opening--
    else if (event === "opened") {
      this.#opening--
      this.#open++
    } else if (event === "closed") this.#open--
    this.#mostOpen = Math.max(this.#mostOpen, this.#open + this.#opening)
  }

  violate(what: string): void {
    this.violations.push(`${this.#now()}ms: ${what}`)
  }

  count(event: LedgerEntry["event"]): number {
    return this.entries.reduce((count, entry) => entry.event === event ? count + 1 : count, 0)
  }

  /** Everything that a pool which has been closed must not leave behind. */
  imbalances(): ReadonlyArray<string> {
    const problems = [...this.violations]
    const closings = new Map<number, number>()
    for (const entry of this.entries) {
      if (entry.event === "opened") closings.set(entry.session, 0)
      if (entry.event === "closed") closings.set(entry.session, (closings.get(entry.session) ?? 0) + 1)
    }
    for (const [session, times] of closings) {
      if (times !== 1) problems.push(`session ${session} was opened once and closed ${times} times`)
    }
    if (this.#opening !== 0) problems.push(`${this.#opening} sessions are still being opened`)
    return problems
  }
}
