/** Failures of the pool and of the database as `SqlError`, by the one table that `OracleError` has. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SqlError from "effect/sql/SqlError"
import { isOracleError, type OracleError } from "../OracleError.ts"
import { StatementError } from "./statementError.ts"

interface Fields {
  readonly cause: unknown
  readonly message: string
  readonly operation: string
}

/** A reason has a fixed answer to whether it is worth another try; the table knows better. */
const retryable = <R extends SqlError.SqlErrorReason>(reason: R, isRetryable: boolean): R =>
  reason.isRetryable === isRetryable ? reason : Object.defineProperty(reason, "isRetryable", { value: isRetryable })

const reasons = {
  ConnectionError: SqlError.ConnectionError,
  AuthenticationError: SqlError.AuthenticationError,
  AuthorizationError: SqlError.AuthorizationError,
  SqlSyntaxError: SqlError.SqlSyntaxError,
  ConstraintError: SqlError.ConstraintError,
  DeadlockError: SqlError.DeadlockError,
  SerializationError: SqlError.SerializationError,
  LockTimeoutError: SqlError.LockTimeoutError,
  StatementTimeoutError: SqlError.StatementTimeoutError,
  ResourceError: SqlError.UnknownError,
  InterruptedError: SqlError.UnknownError,
  UnknownError: SqlError.UnknownError
}

const reasonOf = (error: OracleError, fields: Fields): SqlError.SqlErrorReason => {
  const { reason } = error
  return reason._tag === "UniqueViolation"
    ? new SqlError.UniqueViolation({ ...fields, constraint: reason.constraint })
    : new reasons[reason._tag](fields)
}

/** The reason that `effect/sql` has for a failure of the database. */
export const classify = (error: OracleError, operation: string): SqlError.SqlErrorReason =>
  retryable(reasonOf(error, { cause: error, message: error.message, operation }), error.isRetryable)

const messageOf = (failure: unknown): string =>
  typeof failure === "object" && failure !== null && "message" in failure ? String(failure.message) : String(failure)

/** Whether a failure of the pool says itself that another try may succeed. */
const isRetryable = (failure: unknown): boolean =>
  typeof failure === "object" && failure !== null && "isRetryable" in failure && failure.isRetryable === true

const tagOf = (failure: unknown): unknown =>
  typeof failure === "object" && failure !== null && "_tag" in failure ? failure._tag : undefined

/** A statement that cannot be sent as it is. */
export const misuse = (error: StatementError): SqlError.SqlError =>
  new SqlError.SqlError({
    reason: new SqlError.SqlSyntaxError({ cause: error, message: error.message, operation: "compile" })
  })

/** A failure of the pool, of a connection or of what was read, as a `SqlError`. */
export const toSqlError = (failure: unknown, operation: string): SqlError.SqlError => {
  if (SqlError.isSqlError(failure)) return failure
  if (failure instanceof StatementError) return misuse(failure)
  if (isOracleError(failure)) return new SqlError.SqlError({ reason: classify(failure, operation) })
  const fields = { cause: failure, message: messageOf(failure), operation }
  const tag = tagOf(failure)
  if (tag === "RowDecodeError") return new SqlError.SqlError({ reason: new SqlError.UnknownError(fields) })
  if (tag === "OpenSessionError" && typeof failure === "object" && failure !== null && "cause" in failure) {
    const { cause } = failure
    if (isOracleError(cause) && cause.reason._tag === "AuthenticationError") {
      return new SqlError.SqlError({ reason: new SqlError.AuthenticationError(fields) })
    }
  }
  return new SqlError.SqlError({ reason: retryable(new SqlError.ConnectionError(fields), isRetryable(failure)) })
}

/** An effect whose failures are `SqlError`s. */
export const asSqlError =
  (operation: string) => <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, SqlError.SqlError, R> =>
    Effect.mapError(effect, (failure) => toSqlError(failure, operation))

/**
 * Why a commit failed, and whether its work is there.
 *
 * **When to use**
 *
 * Use it to find out whether work has to be done again, must not be done again, or has to be looked for first.
 *
 * **Details**
 *
 * It is the reason of the `SqlError` that `withTransaction` fails with, so it is an `UnknownError` to code that knows
 * `effect/sql` alone, with the `OracleError` as its `cause`. `outcome` is `"unknown"` when the answer was lost with the
 * connection, ran into a timeout, or left a distributed transaction in doubt: the work may be there, and nothing is worth
 * another try before somebody has looked. It is `"rolled back"` when the database said so (ORA-02091) or the transaction was
 * still open and has been rolled back; `constraint` then names a deferred constraint that was broken.
 *
 * **Example** (Asking for the outcome)
 *
 * ```ts
 * import { OracleClient } from "@sessionpool/oracle"
 *
 * const mayBeThere = (reason: unknown) => reason instanceof OracleClient.CommitFailed && reason.outcome === "unknown"
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class CommitFailed extends SqlError.UnknownError.extend<CommitFailed>("@sessionpool/oracle/CommitFailed")({
  outcome: Schema.Literals(["unknown", "rolled back"])
}) {
  /** The deferred constraint that the work broke. */
  get constraint(): string | undefined {
    return isOracleError(this.cause) ? this.cause.constraint : undefined
  }

  /** Never when the outcome is unknown; else as the table says of what undid it. */
  override get isRetryable(): boolean {
    return this.outcome === "rolled back" && isOracleError(this.cause) && this.cause.isRetryable
  }
}

/** The reason of a commit that failed with `error`. */
export const commitFailed = (error: OracleError): CommitFailed => {
  const outcome = outcomeOf(error)
  const said = outcome === "unknown"
    ? "It is not known whether the transaction was committed: look for its work before doing it again."
    : "The transaction was rolled back."
  return new CommitFailed({
    cause: error,
    message: `The commit failed. ${said} ${error.message}`,
    operation: "commit",
    outcome
  })
}

const inDoubt: ReadonlySet<string> = new Set(["ORA-02050", "ORA-02053", "ORA-02054", "ORA-25408"])

const outcomeOf = (error: OracleError): "unknown" | "rolled back" => {
  if (error.codes.includes("ORA-02091") || error.reason.commitOutcome !== undefined) return "rolled back"
  const isLost = error.isSessionFatal
    || error.reason._tag === "ConnectionError"
    || error.reason._tag === "StatementTimeoutError"
    || error.reason._tag === "InterruptedError"
  return isLost || error.codes.some((code) => inDoubt.has(code)) ? "unknown" : "rolled back"
}

/** A failed commit as a `SqlError`. */
export const toCommitError = (failure: unknown): SqlError.SqlError =>
  isOracleError(failure)
    ? new SqlError.SqlError({ reason: commitFailed(failure) })
    : toSqlError(failure, "commit")
