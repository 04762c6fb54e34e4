/** What is counted while a pool works. */
import type { PoolEvent } from "@sessionpool/core"
import { Predicate } from "effect"

const percent = (part: number, whole: number): string => whole === 0 ? "-" : `${Math.round(100 * part / whole)} %`

const listed = (failures: ReadonlyMap<string, number>): string =>
  failures.size === 0
    ? "no errors"
    : [...failures].sort(([, a], [, b]) => b - a).map(([type, count]) => `${count} ${type}`).join(", ")

/** Counts the work done, hits by tag, waits, and failures by type. */
export class Tally {
  done = 0
  /** Whether the database is away: what fails then is counted apart, until the first piece of work is done again. */
  isOutage = false
  isDatabaseBack = true
  /** Rooms that somebody else had booked for the night: an answer, not an error. */
  taken = 0
  opened = 0
  closed = 0
  readonly #waits: Array<number> = []
  readonly #byTag = new Map<string, { lent: number; hits: number }>()
  readonly #failures = new Map<string, number>()
  readonly #inOutage = new Map<string, number>()

  record(event: PoolEvent.PoolEvent): void {
    if (event._tag === "SessionOpened") this.opened++
    else if (event._tag === "SessionClosed") this.closed++
    else if (event._tag === "SessionLent") {
      this.#waits.push(event.waitedMillis)
      const tag = event.requestedTag ?? "no tag"
      const counts = this.#byTag.get(tag) ?? { lent: 0, hits: 0 }
      counts.lent++
      if (event.hit) counts.hits++
      this.#byTag.set(tag, counts)
    }
  }

  /** A piece of work failed; what counts is the type, and the reason or code within it. */
  failed(error: unknown): void {
    const tag = Predicate.hasProperty(error, "_tag") ? String(error._tag) : String(error)
    const code = Predicate.hasProperty(error, "code") && typeof error.code === "string" ? ` ${error.code}` : ""
    if (code === " ORA-00001") this.taken++
    else {
      const failures = this.isOutage ? this.#inOutage : this.#failures
      failures.set(tag + code, (failures.get(tag + code) ?? 0) + 1)
    }
  }

  succeeded(): void {
    this.done++
    if (this.isDatabaseBack) this.isOutage = false
  }

  /** The hit rate of a tag, such as `93 %`. */
  hitRate(tag: string): string {
    const counts = this.#byTag.get(tag)
    return counts === undefined ? "-" : percent(counts.hits, counts.lent)
  }

  /** The wait, in milliseconds, that this part of all requests did not pass. */
  waitOf(part: number): number {
    const sorted = this.#waits.toSorted((a, b) => a - b)
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
  }

  /** The summary, a line for each thing. */
  lines(): ReadonlyArray<string> {
    return [
      `Work done       ${this.done} bookings and searches; ${this.taken} rooms were taken already`,
      ...[...this.#byTag].sort(([a], [b]) => a.localeCompare(b)).map(([tag, { hits, lent }]) =>
        `Hit rate        ${percent(hits, lent).padStart(5)} of ${String(lent).padStart(5)} requests for ${tag}`
      ),
      `Waits           p50 ${this.waitOf(0.5)} ms, p99 ${this.waitOf(0.99)} ms`,
      `Sessions        ${this.opened} opened, ${this.closed} closed`,
      `In the outage   ${listed(this.#inOutage)}`,
      `Other errors    ${listed(this.#failures)}`
    ]
  }
}
