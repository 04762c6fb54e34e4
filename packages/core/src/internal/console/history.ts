/**
 * What a console knows of a pool's past: a pure summary of its events, of bounded size. It holds nothing that could be a secret: of
 * failures the name alone, never a message.
 */
import type { PoolEvent } from "../../PoolEvent.ts"

/** A number of the most recent values, in a ring. */
class Recent {
  readonly #values: Array<number> = []
  #next = 0
  readonly #size: number

  constructor(size: number) {
    this.#size = size
  }

  add(value: number): void {
    this.#values[this.#next] = value
    this.#next = (this.#next + 1) % this.#size
  }

  /** The value that a share of them does not exceed; `undefined` when there is none. */
  quantile(share: number): number | undefined {
    if (this.#values.length === 0) return undefined
    const sorted = this.#values.toSorted((a, b) => a - b)
    return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]
  }
}

/** How often requests for one tag got a session that was in that state already. */
interface TagCounts {
  readonly tag: string
  readonly lent: number
  readonly hits: number
}

/** An event as the page shows it. */
interface Line {
  readonly at: number
  readonly kind: string
  readonly session: number | undefined
  readonly text: string
}

/** What happened to one session, for its lane. */
export interface Stroke {
  readonly at: number
  readonly session: number
  readonly kind: "opened" | "lent" | "returned" | "closed"
  readonly tag: string
}

/** How many waits the figures are made of, how many tags are told apart, and how many lines are kept. */
const waitsKept = 2048
const tagsKept = 50
const linesKept = 100

const seconds = (millis: number): string => `${(millis / 1000).toFixed(millis < 10_000 ? 2 : 0)} s`

/** The name of a failure. Its message may hold anything. */
const nameOf = (cause: unknown): string => {
  if (typeof cause !== "object" || cause === null) return "a failure"
  const { _tag, code, name } = cause as { readonly _tag?: unknown; readonly code?: unknown; readonly name?: unknown }
  const known = [_tag, name].find((text) => typeof text === "string" && text.length < 80) ?? "a failure"
  return typeof code === "string" && /^[A-Z]{2,5}-\d+$/.test(code) ? `${String(known)} ${code}` : String(known)
}

/** The line of an event that is worth one; the everyday ones are not. */
const lineOf = (event: PoolEvent): Line | undefined => {
  const line = (text: string): Line => ({
    at: event.at,
    kind: event._tag,
    session: "session" in event ? event.session : undefined,
    text
  })
  switch (event._tag) {
    case "SessionOpened":
      return line(
        `opened in ${seconds(event.tookMillis)}${event.instance === undefined ? "" : ` on ${event.instance}`}`
      )
    case "SessionOpenFailed":
      return line(
        `could not be opened, ${event.attempts} in a row: ${nameOf(event.cause)}${
          event.isAuthentication ? "; the database refused the log-on" : ""
        }`
      )
    case "SessionClosed":
      return line(`closed: ${event.reason}`)
    case "SessionUnprepared":
      return line(`lent for ${event.requestedTag} in another state: the pool has no onSession`)
    case "WorkRolledBack":
      return line(`came back with uncommitted work after ${seconds(event.heldMillis)}`)
    case "RequestTimedOut":
      return line(`a request gave up after ${seconds(event.waitedMillis)}`)
    case "RequestRefused":
      return line(`a request was refused: ${event.reason}`)
    case "LeakSuspected":
      return line(`held for ${seconds(event.heldMillis)}, taken at ${event.takenAt ?? "a place that is not known"}`)
    case "LeakReturned":
      return line(`came back after ${seconds(event.heldMillis)}`)
    case "NestedAcquireSuspected":
      return line(`its holder has waited for a second session for ${seconds(event.waitedMillis)}`)
    case "CredentialsChanged":
      return line("other credentials: sessions opened with the old ones retire")
    case "Reconfigured":
      return line(`changed: ${event.changed.join(", ")}`)
    case "PoolClosing":
      return line(event.force ? "the pool is being closed by force" : "the pool is draining")
    case "PoolClosed":
      return line("the pool is closed")
    case "SessionLent":
    case "SessionReturned":
    case "RequestQueued":
      return undefined
    default:
      return line("")
  }
}

/** What an event draws in the lane of its session. */
export const strokeOf = (event: PoolEvent): Stroke | undefined => {
  switch (event._tag) {
    case "SessionOpened":
      return { at: event.at, session: event.session, kind: "opened", tag: "" }
    case "SessionLent":
      return { at: event.at, session: event.session, kind: "lent", tag: event.tag ?? "" }
    case "SessionReturned":
      return { at: event.at, session: event.session, kind: "returned", tag: event.tag ?? "" }
    case "SessionClosed":
      return { at: event.at, session: event.session, kind: "closed", tag: "" }
    default:
      return undefined
  }
}

/** The figures of a pool's past. */
export interface Figures {
  readonly waits: { readonly p50: number | undefined; readonly p99: number | undefined }
  readonly tags: ReadonlyArray<TagCounts>
  readonly lines: ReadonlyArray<Line>
}

/** The past of one pool, as far as it is shown. */
export class History {
  readonly #waits = new Recent(waitsKept)
  readonly #tags = new Map<string, { lent: number; hits: number }>()
  #lines: Array<Line> = []

  add(event: PoolEvent): void {
    if (event._tag === "SessionLent") {
      this.#waits.add(event.waitedMillis)
      this.#count(event.requestedTag ?? "", event.hit)
    }
    const line = lineOf(event)
    if (line === undefined) return
    this.#lines.push(line)
    if (this.#lines.length > linesKept) this.#lines = this.#lines.slice(-linesKept)
  }

  /** Tags that come when the table is full are counted together. */
  #count(tag: string, hit: boolean): void {
    const key = this.#tags.has(tag) || this.#tags.size < tagsKept ? tag : "others"
    const counts = this.#tags.get(key) ?? { lent: 0, hits: 0 }
    counts.lent++
    if (hit) counts.hits++
    this.#tags.set(key, counts)
  }

  get figures(): Figures {
    return {
      waits: { p50: this.#waits.quantile(0.5), p99: this.#waits.quantile(0.99) },
      tags: Array.from(this.#tags, ([tag, counts]) => ({ tag, ...counts })).toSorted((a, b) => b.lent - a.lent),
      lines: this.#lines
    }
  }
}
