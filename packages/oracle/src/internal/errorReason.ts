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
 * The call was cancelled, by an interrupted fiber or by someone else. `SqlError` has no such reason.
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
 *   Effect.catchReason("OracleError", "InterruptedError", () => Effect.logInfo("cancelled"))
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
