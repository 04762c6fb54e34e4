/** The sentences that failures of a pool share: its name, its counts, causes, and what to change. */
import * as Formatter from "effect/Formatter"
import { formatDuration } from "./durationText.ts"
import { escapeControls } from "./messageText.ts"

/** The counts that a failure carries. */
interface Counts {
  readonly opened: number
  readonly busy: number
  readonly opening: number
  readonly pending: number
  readonly max: number
  readonly leases: ReadonlyArray<{
    readonly session: number
    readonly heldMillis: number
    readonly fiber: number
    readonly takenAt?: string
  }>
}

/** A wait that was too long. */
interface Wait {
  readonly snapshot: Counts
  readonly lastOpenFailure?: unknown
  readonly nestedSession?: number
}

/** A log-on that the database refused. */
interface Refused {
  readonly refusal?: "credentials" | "locked" | "identity"
  readonly retryMillis?: number
}

export const inPool = (name: string): string => `Session pool "${escapeControls(name)}"`

export const describeSnapshot = (snapshot: Counts): string => {
  const counts = `${snapshot.busy} busy of ${snapshot.opened} open, ${snapshot.opening} opening, ` +
    `${snapshot.pending} waiting, max ${snapshot.max}`
  if (snapshot.leases.length === 0) return counts
  const leases = snapshot.leases.map((lease) =>
    `session ${lease.session} by fiber #${lease.fiber} for ${formatDuration(lease.heldMillis)}${
      lease.takenAt === undefined ? "" : ` (acquired at ${lease.takenAt})`
    }`
  )
  return `${counts}; held longest: ${leases.join(", ")}`
}

/** What to do about a wait that was too long, by what kept it waiting. */
export const waitAdvice = ({ lastOpenFailure, nestedSession, snapshot }: Wait): string => {
  const isFull = snapshot.busy >= snapshot.max
  const advice: Array<string> = []
  if (nestedSession !== undefined) {
    advice.push(
      `The waiting fiber itself holds session ${nestedSession} of this pool: once all sessions are held like this, it waits ` +
        `for itself. Pass the connection on instead.`
    )
  }
  if (lastOpenFailure !== undefined) {
    advice.push(`The last attempt to open a session failed: ${describeCause(lastOpenFailure)}.`)
  }
  if (isFull) advice.push("All sessions are busy: raise max or waitTimeout, or hold sessions for a shorter time.")
  else if (snapshot.opening > 0) {
    advice.push(
      "Opening a session took longer than the wait: raise waitTimeout or min, or see why connecting is slow."
    )
  } else if (lastOpenFailure !== undefined) advice.push("Fix the cause; the pool keeps trying to open sessions.")
  else {
    advice.push(
      "Not all sessions are busy, but none fits this request yet: sessions of another identity, shard, tag or purity are " +
        "being checked or replaced. Raise waitTimeout, max or maxSessionsPerShard."
    )
  }
  return advice.join(" ")
}

/** When the pool tries refused credentials again. */
export const refusalAdvice = ({ refusal, retryMillis }: Refused): string => {
  const retry = retryMillis === undefined ? undefined : formatDuration(retryMillis)
  if (refusal === "locked") {
    return `The account is locked; the pool tries one log-on a minute${
      retry === undefined ? "" : `, the next in ${retry}`
    }, and any reconfigure makes it try at once.`
  }
  const what = refusal === "identity" ? "this identity for the credentials" : "the credentials"
  const once = retry === undefined ? "" : ` but once, in ${retry} (rotationRetry),`
  return `The database refused ${what}; the pool will not retry${once} until they change (another result of the ` +
    `credentials effect, or a request with others) or reconfigure is called.`
}

export const describeCause = (cause: unknown): string => {
  const message = typeof cause === "object" && cause !== null && "message" in cause ? cause.message : cause
  const text = typeof message === "string" && message !== "" ? message.replace(/[.\s]+$/, "") : Formatter.format(cause)
  // Databases report errors in several lines.
  return text.split("\n").map(escapeControls).join("\n")
}
