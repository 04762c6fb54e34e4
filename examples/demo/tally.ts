/** What is counted while a pool works. */
import type { PoolEvent } from "@sessionpool/core"
import { Predicate } from "effect"

const percent = (part: number, whole: number): string => whole === 0 ? "-" : `${Math.round(100 * part / whole)} %`

/** Counts the work done, hits by tag, waits, and failures by type. */
export class Tally {
  done = 0
  opened = 0
  closed = 0
  readonly #waits: Array<number> = []
  readonly #byTag = new Map<string, { lent: number; hits: number }>()
  readonly #failures = new Map<string, number>()

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
    this.#failures.set(tag + code, (this.#failures.get(tag + code) ?? 0) + 1)
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
    const failures = [...this.#failures].sort(([, a], [, b]) => b - a).map(([type, count]) => `${count} ${type}`)
    return [
      `Work done       ${this.done} bookings and searches`,
      ...[...this.#byTag].sort(([a], [b]) => a.localeCompare(b)).map(([tag, { hits, lent }]) =>
        `Hit rate        ${percent(hits, lent).padStart(5)} of ${String(lent).padStart(5)} requests for ${tag}`
      ),
      `Waits           p50 ${this.waitOf(0.5)} ms, p99 ${this.waitOf(0.99)} ms`,
      `Sessions        ${this.opened} opened, ${this.closed} closed`,
      `Errors          ${failures.length === 0 ? "none" : failures.join(", ")}`
    ]
  }
}
