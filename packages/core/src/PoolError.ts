/**
 * The failures of a session pool. Each message says what failed, in which pool, after how long, and what to change.
 *
 * Passwords never appear in any of them, and control characters are escaped. Drivers put their own failure into
 * `OpenSessionError` as its cause, and fail with errors of their own while a session is being used.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { formatDuration } from "./internal/data/durationText.ts"
import { describeCause, describeSnapshot, inPool, refusalAdvice, waitAdvice } from "./internal/data/errorText.ts"
import { escapeControls } from "./internal/data/messageText.ts"

const pool = Schema.String

/**
 * The counts of a pool at one moment, as carried by failures.
 *
 * **When to use**
 *
 * Use to log or to test what a failed request found in the pool.
 *
 * **Example** (Reading the counts of a failure)
 *
 * ```ts
 * import { PoolError } from "@sessionpool/core"
 *
 * const isFull = (error: PoolError.AcquireTimeoutError) => error.snapshot.busy >= error.snapshot.max
 * ```
 *
 * @see {@link AcquireTimeoutError}
 * @category models
 * @since 0.1.0
 */
export const Snapshot = Schema.Struct({
  /** Open sessions, idle or busy. */
  opened: Schema.Number,
  /** Sessions that are lent. */
  busy: Schema.Number,
  /** Sessions that are being opened. */
  opening: Schema.Number,
  /** Waiting requests, including the failed one. */
  pending: Schema.Number,
  /** The setting `max`. */
  max: Schema.Number,
  /** The leases held longest, at most five. */
  leases: Schema.Array(Schema.Struct({
    session: Schema.Number,
    /** How long it has been held, in milliseconds. */
    heldMillis: Schema.Number,
    /** The fiber that acquired it. */
    fiber: Schema.Number,
    /** Where it was acquired; known while `leakDetectionThreshold` is set. */
    takenAt: Schema.optionalKey(Schema.String)
  }))
})

/**
 * The type of {@link Snapshot}.
 *
 * @category models
 * @since 0.1.0
 */
export type Snapshot = typeof Snapshot.Type

/**
 * The pool is closed or closing and accepts no more requests.
 *
 * **When to use**
 *
 * Use to answer that a program is shutting down, rather than that its database is.
 *
 * **Details**
 *
 * `isRetryable` is `false`: a closed pool stays closed.
 *
 * **Example** (Catching it by its tag)
 *
 * ```ts
 * import type { Connection, SessionPool } from "@sessionpool/core"
 * import { Effect, Option } from "effect"
 *
 * const unlessClosed = <C extends Connection.Connection>(pool: SessionPool.SessionPool<C>) =>
 *   pool.use((connection) => Effect.succeedSome(connection.id)).pipe(
 *     Effect.catchTag("PoolClosedError", () => Effect.succeed(Option.none<number>()))
 *   )
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class PoolClosedError extends Schema.TaggedError<PoolClosedError>("@sessionpool/core/PoolClosedError")(
  "PoolClosedError",
  { pool }
) {
  override get message() {
    return `${
      inPool(this.pool)
    } is closed. It was closed explicitly, or its scope closed: acquire inside the scope of ` +
      `its layer.`
  }

  /** Whether the same call may succeed later without any change. */
  get isRetryable(): boolean {
    return false
  }
}

/**
 * `close()` without options found sessions that are lent; the pool stays open and unchanged.
 *
 * **When to use**
 *
 * Use to wait with closing, or to close with `drainTimeout` or `force`.
 *
 * **Details**
 *
 * `busy` is how many sessions are lent. `isRetryable` is `true`: once they are returned, `close()` succeeds.
 *
 * @category errors
 * @since 0.1.0
 */
export class PoolBusyError extends Schema.TaggedError<PoolBusyError>("@sessionpool/core/PoolBusyError")(
  "PoolBusyError",
  { pool, busy: Schema.Number }
) {
  override get message() {
    return `${inPool(this.pool)} cannot be closed: ${this.busy} of its sessions are busy. Close it with a ` +
      `drainTimeout to wait for them, or with force to end them.`
  }

  /** Whether the same call may succeed later without any change. */
  get isRetryable(): boolean {
    return true
  }
}

/**
 * With `getMode: "noWait"`: every session is busy and no other can be opened.
 *
 * **When to use**
 *
 * Use to do without a session, or to answer that the caller may try again soon.
 *
 * **Details**
 *
 * `isRetryable` is `true`: a session may be returned.
 *
 * @see {@link AcquireTimeoutError} for get modes that wait
 * @category errors
 * @since 0.1.0
 */
export class PoolExhaustedError extends Schema.TaggedError<PoolExhaustedError>("@sessionpool/core/PoolExhaustedError")(
  "PoolExhaustedError",
  { pool, snapshot: Snapshot }
) {
  override get message() {
    return `${inPool(this.pool)} has no free session and its get mode is "noWait" (${
      describeSnapshot(this.snapshot)
    }). Raise max, hold sessions for a shorter time, or wait with getMode "wait" or "timedWait".`
  }

  /** Whether the same request may succeed later without any change. */
  get isRetryable(): boolean {
    return true
  }
}

/**
 * The pool could not provide a session within `waitTimeout`.
 *
 * **When to use**
 *
 * Use to tell from its counts whether the pool is too small, a session is held too long, or the database cannot be reached.
 *
 * **Details**
 *
 * The time covers queueing, checking and opening. `lastOpenFailure` is why the pool could not open the last session it
 * tried to open, if that failed. `nestedSession` is set when the waiting fiber itself holds a session of the same pool.
 * `isRetryable` is `true`.
 *
 * **Gotchas**
 *
 * Nested acquires deadlock as soon as enough fibers do the same: pass the connection on instead.
 *
 * @category errors
 * @since 0.1.0
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
    return `${inPool(this.pool)} could not provide a session for ${escapeControls(this.request)} within ${
      formatDuration(this.waitedMillis)
    } (${describeSnapshot(this.snapshot)}). ${waitAdvice(this)}`
  }

  /** Whether the same request may succeed later without any change. */
  get isRetryable(): boolean {
    return true
  }
}

/**
 * The queue of waiting requests is full (`queueMax`).
 *
 * **When to use**
 *
 * Use to refuse work at the door, such as with HTTP status 503.
 *
 * **Details**
 *
 * `isRetryable` is `true`: the queue may be shorter later.
 *
 * @see {@link PoolOverloadedError} for a bound on the time that requests wait
 * @category errors
 * @since 0.1.0
 */
export class QueueFullError extends Schema.TaggedError<QueueFullError>("@sessionpool/core/QueueFullError")(
  "QueueFullError",
  { pool, queueMax: Schema.Number, snapshot: Snapshot }
) {
  override get message() {
    return `${inPool(this.pool)} refused a request: ${
      this.queueMax === 1 ? "1 request is" : `${this.queueMax} requests are`
    } waiting already, as many as ` +
      `queueMax allows (${
        describeSnapshot(this.snapshot)
      }). Raise max, hold sessions for a shorter time, or accept less work.`
  }

  /** Whether the same request may succeed later without any change. */
  get isRetryable(): boolean {
    return true
  }
}

/**
 * The pool is overloaded: during a whole `queueInterval` every wait was longer than `queueTarget`, and this request would
 * wait more than twice the target.
 *
 * **When to use**
 *
 * Use to refuse work at the door while those who wait already are served.
 *
 * **Details**
 *
 * `isRetryable` is `true`: the pool accepts requests again as soon as the waits are shorter.
 *
 * @see {@link QueueFullError} for a bound on the number of waiting requests
 * @category errors
 * @since 0.1.0
 */
export class PoolOverloadedError
  extends Schema.TaggedError<PoolOverloadedError>("@sessionpool/core/PoolOverloadedError")(
    "PoolOverloadedError",
    {
      pool,
      /** The expected wait, in milliseconds. */
      expectedWaitMillis: Schema.Number,
      /** `queueTarget`, in milliseconds. */
      targetMillis: Schema.Number,
      snapshot: Snapshot
    }
  )
{
  override get message() {
    return `${inPool(this.pool)} is overloaded: a request would wait about ${
      formatDuration(this.expectedWaitMillis)
    }, more than twice the queueTarget of ${formatDuration(this.targetMillis)} (${
      describeSnapshot(this.snapshot)
    }). Shed load, raise max, or raise queueTarget.`
  }

  /** Whether the same request may succeed later without any change. */
  get isRetryable(): boolean {
    return true
  }
}

/**
 * A session could not be opened, and no open session can serve the request.
 *
 * **When to use**
 *
 * Use to tell a database that cannot be reached from credentials that it refuses.
 *
 * **Details**
 *
 * `cause` is the driver's failure. `isAuthentication` says that the database refused the log-on, and `refusal` what of it. The pool
 * does not repeat refused credentials, so that it never locks the account; `retryMillis` says when it tries them again by itself,
 * where it does. `isRetryable` is `false` then; otherwise it is what the driver's failure says, and `true` when that says nothing.
 *
 * @category errors
 * @since 0.1.0
 */
export class OpenSessionError extends Schema.TaggedError<OpenSessionError>("@sessionpool/core/OpenSessionError")(
  "OpenSessionError",
  {
    pool,
    /** The identity that the session was to have, without secrets. */
    identity: Schema.String,
    isAuthentication: Schema.Boolean,
    /** What was refused, as `SessionDriver.Refusal` has it. */
    refusal: Schema.optionalKey(Schema.Literals(["credentials", "locked", "identity"])),
    /** In how many milliseconds the pool tries the refused credentials again by itself. */
    retryMillis: Schema.optionalKey(Schema.Number),
    /** How many attempts in a row have failed. */
    attempts: Schema.Number,
    cause: Schema.Defect()
  }
) {
  override get message() {
    const what = `${inPool(this.pool)} could not open a session for ${escapeControls(this.identity)}: ${
      describeCause(this.cause)
    }.`
    return this.isAuthentication
      ? `${what} ${refusalAdvice(this)}`
      : `${what} ${
        this.attempts === 1 ? "The attempt failed" : `${this.attempts} attempts in a row have failed`
      }; the pool keeps trying, with growing pauses.`
  }

  /** Whether the same request may succeed later without any change. */
  get isRetryable(): boolean {
    if (this.isAuthentication) return false
    const { cause } = this
    return typeof cause === "object" && cause !== null && "isRetryable" in cause &&
        typeof cause.isRetryable === "boolean"
      ? cause.isRetryable
      : true
  }
}

/**
 * A request named `user` or `password`, which a homogeneous pool does not accept.
 *
 * **When to use**
 *
 * Use to find the request to mend: no state of the pool or the database leads to it. `homogeneous: false` allows credentials.
 *
 * **Details**
 *
 * `isRetryable` is `false`.
 *
 * @category errors
 * @since 0.1.0
 */
export class CredentialsNotAllowedError
  extends Schema.TaggedError<CredentialsNotAllowedError>("@sessionpool/core/CredentialsNotAllowedError")(
    "CredentialsNotAllowedError",
    { pool }
  )
{
  override get message() {
    return `${inPool(this.pool)} is homogeneous: all its sessions belong to the pool's own user, so a request cannot ` +
      `name a user or a password. Make the pool with homogeneous: false to let each request bring its own.`
  }

  /** Whether the same request may succeed later without any change. */
  get isRetryable(): boolean {
    return false
  }
}

/**
 * A tag does not have the form `name=value;name=value`; nothing was changed.
 *
 * **When to use**
 *
 * Use to refuse a tag that came from outside. `SessionTag.parse` gives it without a pool.
 *
 * **Details**
 *
 * `isRetryable` is `false`.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidTagError extends Schema.TaggedError<InvalidTagError>("@sessionpool/core/InvalidTagError")(
  "InvalidTagError",
  { pool, tag: Schema.String, problem: Schema.String }
) {
  override get message() {
    return `${inPool(this.pool)} cannot use the tag "${escapeControls(this.tag)}": ${escapeControls(this.problem)}.`
  }

  /** Whether the same request may succeed later without any change. */
  get isRetryable(): boolean {
    return false
  }
}

/**
 * Settings of a pool, or parts of a request, cannot be used; nothing was changed.
 *
 * **When to use**
 *
 * Use to show whoever configures the program which settings to change.
 *
 * **Details**
 *
 * `problems` names every field that is wrong, its value unless that may be secret, and its bound. `isRetryable` is `false`.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidOptionsError
  extends Schema.TaggedError<InvalidOptionsError>("@sessionpool/core/InvalidOptionsError")(
    "InvalidOptionsError",
    { pool, problems: Schema.Array(Schema.Struct({ field: Schema.String, problem: Schema.String })) }
  )
{
  override get message() {
    const problems = this.problems.map(({ field, problem }) => escapeControls(`${field} ${problem}`))
    return `${inPool(this.pool)} cannot use these options: ${problems.join("; ")}.`
  }

  /** Whether the same call may succeed later without any change. */
  get isRetryable(): boolean {
    return false
  }
}

/**
 * A connection was used after its lease had ended, or was returned to a pool it does not belong to.
 *
 * **When to use**
 *
 * Use to find code that keeps a connection beyond its scope.
 *
 * **Details**
 *
 * `owner` names the pool of the connection when it was returned to another. `isRetryable` is `false`.
 *
 * @category errors
 * @since 0.1.0
 */
export class ConnectionReleasedError
  extends Schema.TaggedError<ConnectionReleasedError>("@sessionpool/core/ConnectionReleasedError")(
    "ConnectionReleasedError",
    { pool, session: Schema.Number, owner: Schema.optionalKey(Schema.String) }
  )
{
  override get message() {
    return this.owner === undefined
      ? `A connection of session pool "${escapeControls(this.pool)}" (session ${this.session}) was used after it was ` +
        `returned to the pool. Use it only inside the scope, or the function, that acquired it.`
      : `${inPool(this.pool)} was given a connection it does not own: it belongs to session pool "${
        escapeControls(this.owner)
      }" (session ${this.session}). Return it to the pool that it was acquired from.`
  }

  /** Whether the same call may succeed later without any change. */
  get isRetryable(): boolean {
    return false
  }
}

/**
 * Everything that `acquire` and `use` can fail with, apart from the failures of the pool's own `onSession`.
 *
 * @category errors
 * @since 0.1.0
 */
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
