/**
 * The failures of a session pool. Each says what happened, in which pool, after how long, and what to change.
 *
 * Passwords never appear in any of them. Drivers add their own cause to `OpenSessionError` and fail with their own
 * errors while a session is being used.
 */
import * as Formatter from "effect/Formatter"
import * as Schema from "effect/Schema"
import { formatDuration } from "./internal/durationText.ts"

const pool = Schema.String

/** The counts of a pool at one moment, as carried by failures. */
export const Snapshot = Schema.Struct({
  /** Sessions that are open, idle or busy. */
  opened: Schema.Number,
  /** Sessions that are lent. */
  busy: Schema.Number,
  /** Sessions being opened. */
  opening: Schema.Number,
  /** Requests that wait, the failed one included. */
  pending: Schema.Number,
  /** The most sessions that the pool may hold. */
  max: Schema.Number,
  /** The leases held longest, at most five. */
  leases: Schema.Array(Schema.Struct({
    session: Schema.Number,
    /** How long it has been held, in milliseconds. */
    heldMillis: Schema.Number,
    /** The fiber that took it. */
    fiber: Schema.Number,
    /** Where it was taken; known while `leakDetectionThreshold` is set. */
    takenAt: Schema.optionalKey(Schema.String)
  }))
})

/** The type of {@link Snapshot}. */
export type Snapshot = typeof Snapshot.Type

const describeSnapshot = (snapshot: Snapshot): string => {
  const counts = `${snapshot.busy} busy of ${snapshot.opened} open, ${snapshot.opening} opening, ` +
    `${snapshot.pending} waiting, max ${snapshot.max}`
  if (snapshot.leases.length === 0) return counts
  const leases = snapshot.leases.map((lease) =>
    `session ${lease.session} by fiber #${lease.fiber} for ${formatDuration(lease.heldMillis)}${
      lease.takenAt === undefined ? "" : ` (taken at ${lease.takenAt})`
    }`
  )
  return `${counts}; held longest: ${leases.join(", ")}`
}

/**
 * The pool is closed or closing: it gives no session any more.
 */
export class PoolClosedError extends Schema.TaggedError<PoolClosedError>("@sessionpool/core/PoolClosedError")(
  "PoolClosedError",
  { pool }
) {
  override get message() {
    return `Session pool "${this.pool}" is closed. It was closed by hand, or its scope has ended: acquire inside the ` +
      `scope of its layer.`
  }
}

/**
 * A plain `close()` found sessions that are lent; the pool stays open and unharmed.
 */
export class PoolBusyError extends Schema.TaggedError<PoolBusyError>("@sessionpool/core/PoolBusyError")(
  "PoolBusyError",
  { pool, busy: Schema.Number }
) {
  override get message() {
    return `Session pool "${this.pool}" cannot be closed: ${this.busy} of its sessions are busy. Close it with a ` +
      `drainTimeout to wait for them, or with force to end them.`
  }
}

/**
 * With `getMode: "noWait"`: every session is busy and there is no room for another.
 */
export class PoolExhaustedError extends Schema.TaggedError<PoolExhaustedError>("@sessionpool/core/PoolExhaustedError")(
  "PoolExhaustedError",
  { pool, snapshot: Snapshot }
) {
  override get message() {
    return `Session pool "${this.pool}" has no free session and its get mode is "noWait" (${
      describeSnapshot(this.snapshot)
    }). Raise max, hold sessions for less long, or wait with getMode "wait" or "timedWait".`
  }
}

/**
 * No session could be had within `waitTimeout`.
 *
 * **Details**
 *
 * The time covers queueing, checking and opening. `lastOpenFailure` is why the pool could not open the last session it
 * tried to, when that failed. `nestedSession` is set when the fiber that waited holds a session of the same pool itself:
 * such nested acquires end in a deadlock as soon as enough fibers do the same.
 */
export class AcquireTimeoutError
  extends Schema.TaggedError<AcquireTimeoutError>("@sessionpool/core/AcquireTimeoutError")(
    "AcquireTimeoutError",
    {
      pool,
      /** How long the request waited, in milliseconds. */
      waitedMillis: Schema.Number,
      /** What was asked for, without secrets. */
      request: Schema.String,
      snapshot: Snapshot,
      lastOpenFailure: Schema.optionalKey(Schema.Defect()),
      nestedSession: Schema.optionalKey(Schema.Number)
    }
  )
{
  override get message() {
    const nested = this.nestedSession === undefined
      ? ""
      : ` The waiting fiber itself holds session ${this.nestedSession} of this pool: a nested acquire waits for itself ` +
        `once all sessions are held that way; pass the connection on instead of acquiring again.`
    const opening = this.lastOpenFailure === undefined
      ? ""
      : ` The last attempt to open a session failed: ${describeCause(this.lastOpenFailure)}.`
    return `Session pool "${this.pool}" had no session for ${this.request} within ${
      formatDuration(this.waitedMillis)
    } (${
      describeSnapshot(this.snapshot)
    }).${nested}${opening} Raise max or waitTimeout, or hold sessions for less long.`
  }
}

/**
 * The queue of waiting requests is full (`queueMax`).
 */
export class QueueFullError extends Schema.TaggedError<QueueFullError>("@sessionpool/core/QueueFullError")(
  "QueueFullError",
  { pool, queueMax: Schema.Number, snapshot: Snapshot }
) {
  override get message() {
    return `Session pool "${this.pool}" refused a request: ${this.queueMax} are waiting already, as many as queueMax ` +
      `allows (${describeSnapshot(this.snapshot)}). Raise max, hold sessions for less long, or take in less work.`
  }
}

/**
 * The pool is overloaded: for a whole `queueInterval` nobody was served within `queueTarget`, and this request would have
 * waited more than twice that.
 */
export class PoolOverloadedError
  extends Schema.TaggedError<PoolOverloadedError>("@sessionpool/core/PoolOverloadedError")(
    "PoolOverloadedError",
    {
      pool,
      /** The wait that was to be expected, in milliseconds. */
      expectedWaitMillis: Schema.Number,
      /** `queueTarget`, in milliseconds. */
      targetMillis: Schema.Number,
      snapshot: Snapshot
    }
  )
{
  override get message() {
    return `Session pool "${this.pool}" is overloaded: a request would wait about ${
      formatDuration(this.expectedWaitMillis)
    }, more than twice the queueTarget of ${formatDuration(this.targetMillis)} (${
      describeSnapshot(this.snapshot)
    }). Shed load, raise max, or raise queueTarget.`
  }
}

/**
 * A session could not be opened, and no open session could serve the request.
 *
 * **Details**
 *
 * `cause` is the driver's failure. `isAuthentication` says that the database refused the credentials: the pool then stops
 * trying with these, so that it never locks the account.
 */
export class OpenSessionError extends Schema.TaggedError<OpenSessionError>("@sessionpool/core/OpenSessionError")(
  "OpenSessionError",
  {
    pool,
    /** The identity that the session was to have, without secrets. */
    identity: Schema.String,
    isAuthentication: Schema.Boolean,
    /** How many attempts in a row have failed. */
    attempts: Schema.Number,
    cause: Schema.Defect()
  }
) {
  override get message() {
    const what = `Session pool "${this.pool}" could not open a session for ${this.identity}: ${
      describeCause(this.cause)
    }.`
    return this.isAuthentication
      ? `${what} The credentials were refused; the pool tries no more until they change (reconfigure, another result of ` +
        `the credentials effect, or a request with others).`
      : `${what} ${this.attempts === 1 ? "The attempt" : `${this.attempts} attempts in a row`} failed; ` +
        `the pool goes on trying with growing pauses.`
  }
}

/**
 * A request carried `user` or `password`, which a homogeneous pool does not take.
 */
export class CredentialsNotAllowedError
  extends Schema.TaggedError<CredentialsNotAllowedError>("@sessionpool/core/CredentialsNotAllowedError")(
    "CredentialsNotAllowedError",
    { pool }
  )
{
  override get message() {
    return `Session pool "${this.pool}" is homogeneous: all its sessions belong to the pool's own user, and a request ` +
      `must not name a user or a password. Make the pool with homogeneous: false to give each request its own.`
  }
}

/**
 * A tag is not of the form `name=value;name=value`; nothing was changed.
 */
export class InvalidTagError extends Schema.TaggedError<InvalidTagError>("@sessionpool/core/InvalidTagError")(
  "InvalidTagError",
  { pool, tag: Schema.String, problem: Schema.String }
) {
  override get message() {
    return `Session pool "${this.pool}" does not take the tag "${this.tag}": ${this.problem}.`
  }
}

/**
 * Options of a pool, or of one request, that cannot be used; nothing was changed.
 *
 * **Details**
 *
 * `problems` names every field that is wrong, with its value and the bound it must keep.
 */
export class InvalidOptionsError
  extends Schema.TaggedError<InvalidOptionsError>("@sessionpool/core/InvalidOptionsError")(
    "InvalidOptionsError",
    { pool, problems: Schema.Array(Schema.Struct({ field: Schema.String, problem: Schema.String })) }
  )
{
  override get message() {
    const problems = this.problems.map(({ field, problem }) => `${field} ${problem}`)
    return `Session pool "${this.pool}" cannot use these options: ${problems.join("; ")}.`
  }
}

/**
 * A connection was used after its lease had ended, or given back to a pool that it is not of; `owner` names its pool then.
 */
export class ConnectionReleasedError
  extends Schema.TaggedError<ConnectionReleasedError>("@sessionpool/core/ConnectionReleasedError")(
    "ConnectionReleasedError",
    { pool, session: Schema.Number, owner: Schema.optionalKey(Schema.String) }
  )
{
  override get message() {
    return this.owner === undefined
      ? `A connection of session pool "${this.pool}" (session ${this.session}) was used after it had gone back. Use it ` +
        `only inside the scope, or the function, that acquired it.`
      : `Session pool "${this.pool}" was given a connection that is not its own, but of session pool "${this.owner}" ` +
        `(session ${this.session}). Give it back to the pool that it was acquired from.`
  }
}

/** Everything that `acquire` and `use` can fail with, apart from the failures of the pool's own `onSession`. */
export type AcquireError =
  | PoolClosedError
  | PoolExhaustedError
  | AcquireTimeoutError
  | QueueFullError
  | PoolOverloadedError
  | OpenSessionError
  | CredentialsNotAllowedError
  | InvalidTagError
  | InvalidOptionsError

const describeCause = (cause: unknown): string => {
  const message = typeof cause === "object" && cause !== null && "message" in cause ? cause.message : cause
  return typeof message === "string" && message !== "" ? message.replace(/[.\s]+$/, "") : Formatter.format(cause)
}
