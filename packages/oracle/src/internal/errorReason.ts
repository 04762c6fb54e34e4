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
  isSessionFatal: Schema.Boolean
}

const id = (tag: string): string => `@sessionpool/oracle/OracleError/${tag}`

/** The session could not be opened or was lost: network, listener, shutdown, kill, or a connect string that leads nowhere. */
export class ConnectionError extends Schema.TaggedError<ConnectionError>(id("ConnectionError"))(
  "ConnectionError",
  fields
) {
  readonly [typeId] = typeId
}

/** The login was refused: password, locked or expired account, token, certificate. Trying again may lock the account. */
export class AuthenticationError extends Schema.TaggedError<AuthenticationError>(id("AuthenticationError"))(
  "AuthenticationError",
  fields
) {
  readonly [typeId] = typeId
}

/** The connected user may not do this. */
export class AuthorizationError extends Schema.TaggedError<AuthorizationError>(id("AuthorizationError"))(
  "AuthorizationError",
  fields
) {
  readonly [typeId] = typeId
}

/** The statement cannot be run as it is written: syntax, a missing table or column, binds that do not fit. */
export class SqlSyntaxError extends Schema.TaggedError<SqlSyntaxError>(id("SqlSyntaxError"))(
  "SqlSyntaxError",
  fields
) {
  readonly [typeId] = typeId
}

/** A unique or primary key exists already. `constraint` is `"unknown"` when the server did not name it. */
export class UniqueViolation extends Schema.TaggedError<UniqueViolation>(id("UniqueViolation"))("UniqueViolation", {
  ...fields,
  constraint: Schema.String
}) {
  readonly [typeId] = typeId
}

/** Any other rule on the data was broken: not null, check, foreign key, a value too large for its column. */
export class ConstraintError extends Schema.TaggedError<ConstraintError>(id("ConstraintError"))("ConstraintError", {
  ...fields,
  /** The constraint, or the column where the server names only that. */
  constraint: Schema.optional(Schema.String)
}) {
  readonly [typeId] = typeId
}

/** The server chose this session as the victim of a deadlock. Only the statement was rolled back, not the transaction. */
export class DeadlockError extends Schema.TaggedError<DeadlockError>(id("DeadlockError"))("DeadlockError", fields) {
  readonly [typeId] = typeId
}

/** A serializable transaction met a change made after it began. */
export class SerializationError extends Schema.TaggedError<SerializationError>(id("SerializationError"))(
  "SerializationError",
  fields
) {
  readonly [typeId] = typeId
}

/** A lock was not free, or not free in time. */
export class LockTimeoutError extends Schema.TaggedError<LockTimeoutError>(id("LockTimeoutError"))(
  "LockTimeoutError",
  fields
) {
  readonly [typeId] = typeId
}

/** A call took longer than it may: the driver's call timeout or a limit of the server. */
export class StatementTimeoutError extends Schema.TaggedError<StatementTimeoutError>(id("StatementTimeoutError"))(
  "StatementTimeoutError",
  fields
) {
  readonly [typeId] = typeId
}

/** Something is used up: processes, sessions, cursors, memory, undo, space. `SqlError` has no such reason. */
export class ResourceError extends Schema.TaggedError<ResourceError>(id("ResourceError"))("ResourceError", fields) {
  readonly [typeId] = typeId
}

/** The call was cancelled, by an interrupted fiber or by someone else. `SqlError` has no such reason. */
export class InterruptedError extends Schema.TaggedError<InterruptedError>(id("InterruptedError"))(
  "InterruptedError",
  fields
) {
  readonly [typeId] = typeId
}

/** A code that is not in the table, or something that is not a database error at all. */
export class UnknownError extends Schema.TaggedError<UnknownError>(id("UnknownError"))("UnknownError", fields) {
  readonly [typeId] = typeId
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

/** The name of a reason. */
export type ReasonTag = keyof typeof reasons

/** Whether `u` is one of the reasons. */
export const isReason = (u: unknown): boolean => typeof u === "object" && u !== null && typeId in u
