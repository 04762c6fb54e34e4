/** The reasons of an `OracleError`: why it happened, under the names that `SqlError` of `effect/sql` uses where it has one. */
import * as Schema from "effect/Schema"

const typeId = "~sessionpool/oracle/OracleError/Reason"

const fields = {
  /** A cleaned copy of what the driver threw. Never the object itself: that may hold connect settings. */
  cause: Schema.Defect(),
  message: Schema.String,
  /** What was being done, such as `"query"` or `"open session"`. */
  operation: Schema.optional(Schema.String),
  /** The code that decided the reason, such as `"ORA-00001"`. */
  code: Schema.optional(Schema.String),
  /** All codes of the error, outermost first: `["NJS-500", "ORA-03113"]`. */
  codes: Schema.Array(Schema.String),
  /** Where in the SQL the error is: characters from its start, 0 for the first. */
  offset: Schema.optional(Schema.Int),
  /** The statement as it was sent: with placeholders, without values. */
  sql: Schema.optional(Schema.String),
  isRetryable: Schema.Boolean,
  /** That a commit whose answer was lost is known not to have happened (Transaction Guard). */
  commitOutcome: Schema.optional(Schema.Literal("rolled back")),
  isSessionFatal: Schema.Boolean
}

const id = (tag: string): string => `@sessionpool/oracle/OracleError/${tag}`

/**
 * The session could not be opened or was lost: network, listener, shutdown, kill, or a connect string that leads nowhere.
 *
 * **When to use**
 *
 * Match it to tell an outage from a wrong statement: answer "try again later", or take a fallback. `isRetryable` says whether the same
 * may succeed later.
 *
 * **Example** (Handling it)
 *
 * ```ts
 * import type { OracleError } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * declare const work: Effect.Effect<void, OracleError.OracleError>
 *
 * const handled = work.pipe(
 *   Effect.catchReason("OracleError", "ConnectionError", (reason) => Effect.logWarning(`${reason.code}: is the database up?`))
 * )
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class ConnectionError extends Schema.TaggedError<ConnectionError>(id("ConnectionError"))(
  "ConnectionError",
  fields
) {
  get [typeId](): typeof typeId {
    return typeId
  }
}

/**
 * The login was refused: password, locked or expired account, token, certificate. Trying again may lock the account.
 *
 * **When to use**
 *
 * Match it to raise an alarm, or to fetch new credentials; do not try again with the same ones.
 *
 * **Example** (Handling it)
 *
 * ```ts
 * import type { OracleError } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * declare const work: Effect.Effect<void, OracleError.OracleError>
 *
 * const handled = work.pipe(
 *   Effect.catchReason("OracleError", "AuthenticationError", () => Effect.logError("the password has changed"))
 * )
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class AuthenticationError extends Schema.TaggedError<AuthenticationError>(id("AuthenticationError"))(
  "AuthenticationError",
  fields
) {
  get [typeId](): typeof typeId {
    return typeId
  }
}

/**
 * The connected user may not do this.
 *
 * **When to use**
 *
 * Match it where a missing privilege is an answer, as in a program that looks into views only some users may see; elsewhere it is a
 * fault of the installation.
 *
 * **Example** (Handling it)
 *
 * ```ts
 * import type { OracleError } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * declare const work: Effect.Effect<void, OracleError.OracleError>
 *
 * const handled = work.pipe(
 *   Effect.catchReason("OracleError", "AuthorizationError", (reason) => Effect.logError(`not allowed: ${reason.sql}`))
 * )
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class AuthorizationError extends Schema.TaggedError<AuthorizationError>(id("AuthorizationError"))(
  "AuthorizationError",
  fields
) {
  get [typeId](): typeof typeId {
    return typeId
  }
}

/**
 * The statement cannot be run as it is written: syntax, a missing table or column, binds that do not fit.
 *
 * **When to use**
 *
 * Match it where users write the SQL, and point at `offset` in it. In statements that a program holds it is a bug.
 *
 * **Example** (Handling it)
 *
 * ```ts
 * import type { OracleError } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * declare const work: Effect.Effect<void, OracleError.OracleError>
 *
 * const handled = work.pipe(
 *   Effect.catchReason("OracleError", "SqlSyntaxError", (reason) => Effect.logError(`wrong at ${reason.offset}: ${reason.sql}`))
 * )
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class SqlSyntaxError extends Schema.TaggedError<SqlSyntaxError>(id("SqlSyntaxError"))(
  "SqlSyntaxError",
  fields
) {
  get [typeId](): typeof typeId {
    return typeId
  }
}

/**
 * A unique or primary key exists already. `constraint` is `"unknown"` when the server did not name it.
 *
 * **When to use**
 *
 * Match it to turn a duplicate into an answer ("this name is taken"), or into an update of the row that is there.
 *
 * **Example** (Handling it)
 *
 * ```ts
 * import type { OracleError } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * declare const work: Effect.Effect<void, OracleError.OracleError>
 *
 * const handled = work.pipe(
 *   Effect.catchReason("OracleError", "UniqueViolation", (reason) => Effect.logInfo(`${reason.constraint} has it already`))
 * )
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class UniqueViolation extends Schema.TaggedError<UniqueViolation>(id("UniqueViolation"))("UniqueViolation", {
  ...fields,
  constraint: Schema.String
}) {
  get [typeId](): typeof typeId {
    return typeId
  }
}

/**
 * Any other rule on the data was broken: not null, check, foreign key, a value too large for its column.
 *
 * **When to use**
 *
 * Match it to turn bad data into an answer for whoever sent it, by `constraint`.
 *
 * **Example** (Handling it)
 *
 * ```ts
 * import type { OracleError } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * declare const work: Effect.Effect<void, OracleError.OracleError>
 *
 * const handled = work.pipe(
 *   Effect.catchReason("OracleError", "ConstraintError", (reason) => Effect.logInfo(`${reason.constraint} does not allow it`))
 * )
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class ConstraintError extends Schema.TaggedError<ConstraintError>(id("ConstraintError"))("ConstraintError", {
  ...fields,
  /** The constraint, or the column where the server names only that. */
  constraint: Schema.optional(Schema.String)
}) {
  get [typeId](): typeof typeId {
    return typeId
  }
}

/**
 * The server chose this session as the victim of a deadlock. Only the statement was rolled back, not the transaction.
 *
 * **When to use**
 *
 * Match it to roll back and run the whole transaction again; the option `recover` of a transaction does both.
 *
 * **Example** (Handling it)
 *
 * ```ts
 * import type { OracleError } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * declare const work: Effect.Effect<void, OracleError.OracleError>
 *
 * const handled = work.pipe(
 *   Effect.catchReason("OracleError", "DeadlockError", () => Effect.logInfo("begin the transaction again"))
 * )
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class DeadlockError extends Schema.TaggedError<DeadlockError>(id("DeadlockError"))("DeadlockError", fields) {
  get [typeId](): typeof typeId {
    return typeId
  }
}

/**
 * A serializable transaction met a change made after it began.
 *
 * **When to use**
 *
 * Match it to run the whole transaction again; the option `recover` of a transaction does it.
 *
 * **Example** (Handling it)
 *
 * ```ts
 * import type { OracleError } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * declare const work: Effect.Effect<void, OracleError.OracleError>
 *
 * const handled = work.pipe(
 *   Effect.catchReason("OracleError", "SerializationError", () => Effect.logInfo("begin the transaction again"))
 * )
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class SerializationError extends Schema.TaggedError<SerializationError>(id("SerializationError"))(
  "SerializationError",
  fields
) {
  get [typeId](): typeof typeId {
    return typeId
  }
}

/**
 * A lock was not free, or not free in time.
 *
 * **When to use**
 *
 * Match it after `for update nowait` or `for update wait n`, to tell a caller that somebody else works on the row.
 *
 * **Example** (Handling it)
 *
 * ```ts
 * import type { OracleError } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * declare const work: Effect.Effect<void, OracleError.OracleError>
 *
 * const handled = work.pipe(
 *   Effect.catchReason("OracleError", "LockTimeoutError", () => Effect.logInfo("somebody else is at it"))
 * )
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class LockTimeoutError extends Schema.TaggedError<LockTimeoutError>(id("LockTimeoutError"))(
  "LockTimeoutError",
  fields
) {
  get [typeId](): typeof typeId {
    return typeId
  }
}

/**
 * A call took longer than it may: the driver's call timeout or a limit of the server.
 *
 * **When to use**
 *
 * Match it to report work that is too slow, or to do it in smaller parts.
 *
 * **Example** (Handling it)
 *
 * ```ts
 * import type { OracleError } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * declare const work: Effect.Effect<void, OracleError.OracleError>
 *
 * const handled = work.pipe(
 *   Effect.catchReason("OracleError", "StatementTimeoutError", (reason) => Effect.logWarning(`too slow: ${reason.operation}`))
 * )
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class StatementTimeoutError extends Schema.TaggedError<StatementTimeoutError>(id("StatementTimeoutError"))(
  "StatementTimeoutError",
  fields
) {
  get [typeId](): typeof typeId {
    return typeId
  }
}

/**
 * Something is used up: processes, sessions, cursors, memory, undo, space. `SqlError` has no such reason.
 *
 * **When to use**
 *
 * Match it to tell operations what has run out; trying again at once rarely helps.
 *
 * **Example** (Handling it)
 *
 * ```ts
 * import type { OracleError } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * declare const work: Effect.Effect<void, OracleError.OracleError>
 *
 * const handled = work.pipe(
 *   Effect.catchReason("OracleError", "ResourceError", (reason) => Effect.logError(reason.message))
 * )
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class ResourceError extends Schema.TaggedError<ResourceError>(id("ResourceError"))("ResourceError", fields) {
  get [typeId](): typeof typeId {
    return typeId
  }
}

/**
 * The call was canceled, by an interrupted fiber or by someone else. `SqlError` has no such reason.
 *
 * **When to use**
 *
 * Match it where somebody else may cancel statements (`alter system cancel sql`, a resource plan). An interrupted fiber does not see it:
 * it is interrupted.
 *
 * **Example** (Handling it)
 *
 * ```ts
 * import type { OracleError } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * declare const work: Effect.Effect<void, OracleError.OracleError>
 *
 * const handled = work.pipe(
 *   Effect.catchReason("OracleError", "InterruptedError", () => Effect.logInfo("canceled"))
 * )
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class InterruptedError extends Schema.TaggedError<InterruptedError>(id("InterruptedError"))(
  "InterruptedError",
  fields
) {
  get [typeId](): typeof typeId {
    return typeId
  }
}

/**
 * A code that is not in the table, or something that is not a database error at all.
 *
 * **When to use**
 *
 * Match it last, to log `codes`. `OracleError.Classification` gives a reason to a code that the table does not know.
 *
 * **Example** (Handling it)
 *
 * ```ts
 * import type { OracleError } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * declare const work: Effect.Effect<void, OracleError.OracleError>
 *
 * const handled = work.pipe(
 *   Effect.catchReason("OracleError", "UnknownError", (reason) => Effect.logError("unexpected", reason.codes))
 * )
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class UnknownError extends Schema.TaggedError<UnknownError>(id("UnknownError"))("UnknownError", fields) {
  get [typeId](): typeof typeId {
    return typeId
  }
}

/** Every reason class, by its tag. */
export const reasons = {
  ConnectionError,
  AuthenticationError,
  AuthorizationError,
  SqlSyntaxError,
  UniqueViolation,
  ConstraintError,
  DeadlockError,
  SerializationError,
  LockTimeoutError,
  StatementTimeoutError,
  ResourceError,
  InterruptedError,
  UnknownError
}

/**
 * The name of a reason.
 *
 * **Example** (Choosing reasons)
 *
 * ```ts
 * import type { OracleError } from "@sessionpool/oracle"
 *
 * const worthAlerting: ReadonlyArray<OracleError.ReasonTag> = ["AuthenticationError", "ResourceError"]
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export type ReasonTag = keyof typeof reasons

/** Whether `u` is one of the reasons. */
export const isReason = (u: unknown): boolean => typeof u === "object" && u !== null && typeId in u
