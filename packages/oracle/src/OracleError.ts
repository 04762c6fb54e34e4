/**
 * What went wrong in the database or on the way to it, as one typed error.
 *
 * An {@link OracleError} has the shape of `SqlError` in `effect/sql`: one tag in the error channel and a tagged `reason`, so
 * that `Effect.catchReason` and `Effect.catchReasons` pick out the cases a program can do something about. The reason comes
 * from one table of `ORA-`, `NJS-`, `DPI-` and `DPY-` codes, which {@link Classification} extends or corrects.
 *
 * It carries the SQL text and never the bind values. Credentials are replaced by `<redacted>` in the message, in the SQL and in `cause`,
 * which is a cleaned copy of what the driver threw. Where a statement gives a password, or something in it mentions one, its other literals
 * and its comments are left out too. Control characters are written out, such as `\u0000`.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { readDriverError } from "./internal/driverError.ts"
import { classify, type Details, isInDoubt, type Meaning, settleDoubt } from "./internal/errorMeaning.ts"
import * as Reason from "./internal/errorReason.ts"
import * as Table from "./internal/errorTable.ts"
import { redactStatement } from "./internal/secretRedaction.ts"

export type { Details, Meaning } from "./internal/errorMeaning.ts"
export {
  AuthenticationError,
  AuthorizationError,
  ConnectionError,
  ConstraintError,
  DeadlockError,
  InterruptedError,
  LockTimeoutError,
  type ReasonTag,
  ResourceError,
  SerializationError,
  SqlSyntaxError,
  StatementTimeoutError,
  UniqueViolation,
  UnknownError
} from "./internal/errorReason.ts"

const TypeId = "~sessionpool/oracle/OracleError"

/**
 * Why it happened: a union told apart by `_tag`.
 *
 * **Details**
 *
 * The names are those of `SqlError` in `effect/sql`; `ResourceError` and `InterruptedError` are added. Every reason has the
 * deciding `code`, all `codes`, `operation`, `sql`, `offset`, `isRetryable`, `isSessionFatal`, `message` and `cause`.
 *
 * **Example** (Picking a field of one reason)
 *
 * ```ts
 * import { OracleError } from "@sessionpool/oracle"
 *
 * const column = (reason: OracleError.OracleErrorReason) =>
 *   reason._tag === "ConstraintError" ? reason.constraint : undefined
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export type OracleErrorReason = InstanceType<(typeof Reason.reasons)[Reason.ReasonTag]>

/**
 * The schema of the reasons, to encode and decode them.
 *
 * **When to use**
 *
 * Use to send a failure to another process, or to keep it.
 *
 * **Example** (Picking a field of one reason)
 *
 * ```ts
 * import { OracleError } from "@sessionpool/oracle"
 * import { Schema } from "effect"
 *
 * const isReason = Schema.is(OracleError.OracleErrorReason)
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export const OracleErrorReason = Schema.Union([
  Reason.ConnectionError,
  Reason.AuthenticationError,
  Reason.AuthorizationError,
  Reason.SqlSyntaxError,
  Reason.UniqueViolation,
  Reason.ConstraintError,
  Reason.DeadlockError,
  Reason.SerializationError,
  Reason.LockTimeoutError,
  Reason.StatementTimeoutError,
  Reason.ResourceError,
  Reason.InterruptedError,
  Reason.UnknownError
])

/**
 * A failure of the database, of the driver or of the connection.
 *
 * **When to use**
 *
 * Use `Effect.catchTag("OracleError", …)` for every failure of the database, `Effect.catchReason` for one kind.
 *
 * **Details**
 *
 * Everything is derived from `reason`. `message` begins with the driver's own text, so it can be searched for, then says
 * during what and where, and what to do. `isRetryable` says that the same work may succeed if it is begun again, on another
 * session where `isSessionFatal` holds; such a session must not be used again.
 *
 * **Gotchas**
 *
 * When the connection is lost during a commit, the commit may have happened: `isCommitInDoubt` says so, and such an error is not
 * retryable, as the work could be done twice.
 * After a `DeadlockError` the transaction is still open; only its last statement was undone.
 *
 * **Example** (Inserting once)
 *
 * ```ts
 * import { OracleError } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * declare const insert: Effect.Effect<void, OracleError.OracleError>
 *
 * const insertOnce = insert.pipe(
 *   Effect.catchReason("OracleError", "UniqueViolation", (reason) => Effect.logInfo(`kept by ${reason.constraint}`)),
 *   Effect.retry({ times: 2, while: (error) => error.isRetryable })
 * )
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class OracleError extends Schema.TaggedError<OracleError>("@sessionpool/oracle/OracleError")("OracleError", {
  reason: OracleErrorReason
}) {
  get [TypeId](): typeof TypeId {
    return TypeId
  }

  /** The reason, so that what prints causes shows it. */
  override get cause(): OracleErrorReason {
    return this.reason
  }

  /** What happened, during what, and what to do. */
  override get message(): string {
    return this.reason.message
  }

  /** The code that decided the reason, such as `"ORA-00001"`; none when something without a code was thrown. */
  get code(): string | undefined {
    return this.reason.code
  }

  /** All codes of the error, outermost first. */
  get codes(): ReadonlyArray<string> {
    return this.reason.codes
  }

  /** Where in the SQL, in characters from its start (0 is the first), when the server says so. */
  get offset(): number | undefined {
    return this.reason.offset
  }

  /** The statement, with placeholders and without values. */
  get sql(): string | undefined {
    return this.reason.sql
  }

  /** The constraint, or the column, that the values broke. */
  get constraint(): string | undefined {
    return "constraint" in this.reason ? this.reason.constraint : undefined
  }

  /** Whether the same work, begun again, may succeed. */
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }

  /** Whether the session is lost and must not be lent again. */
  get isSessionFatal(): boolean {
    return this.reason.isSessionFatal
  }

  /** Whether it is unknown if a commit has happened: its answer was lost with the session. */
  get isCommitInDoubt(): boolean {
    return isInDoubt(this.reason.operation, this.reason.isSessionFatal)
  }
}

/**
 * Whether a value is an {@link OracleError}.
 *
 * **When to use**
 *
 * Use in handlers of failures whose type is not known, such as those of a `Cause`.
 *
 * **Example** (Reading a code)
 *
 * ```ts
 * import { OracleError } from "@sessionpool/oracle"
 *
 * const codeOf = (u: unknown) => OracleError.isOracleError(u) ? u.code : undefined
 * ```
 *
 * @category guards
 * @since 0.1.0
 */
export const isOracleError = (u: unknown): u is OracleError => Predicate.hasProperty(u, TypeId)

/**
 * Whether a value is one of the reasons of an {@link OracleError}.
 *
 * **When to use**
 *
 * Use in handlers of failures whose type is not known.
 *
 * **Example** (Reading a tag)
 *
 * ```ts
 * import { OracleError } from "@sessionpool/oracle"
 *
 * const tagOf = (u: unknown) => OracleError.isOracleErrorReason(u) ? u._tag : undefined
 * ```
 *
 * @category guards
 * @since 0.1.0
 */
export const isOracleErrorReason = (u: unknown): u is OracleErrorReason => Reason.isReason(u)

/**
 * Additions and corrections to the table, by code; empty by default.
 *
 * **When to use**
 *
 * To give a meaning to codes of your own (`raise_application_error` uses ORA-20000 to ORA-20999), or to decide a case of the
 * table otherwise. {@link failFromDriver} and everything in this package that fails with an {@link OracleError} reads it.
 *
 * **Gotchas**
 *
 * Codes are compared in their full form: `"ORA-00060"`, not `"ORA-60"`. A connection that the driver has closed stays
 * fatal, whatever is said here about the code that closed it.
 *
 * **Example** (Codes of an application)
 *
 * ```ts
 * import { OracleError } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * declare const program: Effect.Effect<void, OracleError.OracleError>
 *
 * const withOwnCodes = program.pipe(
 *   Effect.provideService(OracleError.Classification, {
 *     "ORA-20054": { reason: "LockTimeoutError", isRetryable: true }
 *   })
 * )
 * ```
 *
 * @category classification
 * @since 0.1.0
 */
export const Classification: Context.Reference<Readonly<Record<string, Meaning>>> = Context.Reference(
  "@sessionpool/oracle/OracleError/Classification",
  { defaultValue: (): Readonly<Record<string, Meaning>> => ({}) }
)

/**
 * Every code of the table with what it means, where that comes from, and why where sources disagree.
 *
 * **When to use**
 *
 * Use to see how a code is understood, before it is changed with {@link Classification}.
 *
 * **Details**
 *
 * `source` names public lists by letter (the head of `internal/errorTable.ts` spells them out).
 *
 * **Example** (Looking a code up)
 *
 * ```ts
 * import { OracleError } from "@sessionpool/oracle"
 *
 * const deadlock = OracleError.classifications.get("ORA-00060")?.reason // "DeadlockError"
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export const classifications: ReadonlyMap<
  string,
  Required<Meaning> & { readonly source: string; readonly note: string | undefined }
> = new Map(Table.rows.flatMap((row) =>
  row.codes.map((code) =>
    [code, {
      reason: row.reason,
      isRetryable: row.retryable,
      isSessionFatal: row.fatal,
      advice: row.advice ?? Table.adviceOf[row.reason],
      source: row.source,
      note: row.note
    }] as const
  )
))

/**
 * Reads what node-oracledb threw, or anything else, into an {@link OracleError}.
 *
 * **When to use**
 *
 * Use where the driver is called without this package, in code that does not run in an effect.
 *
 * **Details**
 *
 * The codes come from `code`, `errorNum` and the lines of `message` of the error and of its causes. Codes that only announce
 * another one (`NJS-500`, `ORA-00604`, `ORA-12801`, ...) leave the decision to it. A code that the table does not have gives
 * an `UnknownError` that is retryable if the driver says so (`isRecoverable`). An {@link OracleError} is returned as it is.
 *
 * **Gotchas**
 *
 * `cause` is a cleaned copy, so it is never `===` what was thrown. A password that is none of `secrets` is found where it
 * stands as `user/password@host`, `scheme://user:password@host`, `PASSWORD=...`, or after `identified by`, `replace` and `with secret` of
 * a statement, in any spacing and with comments in between.
 *
 * **Example** (Reading what the driver threw)
 *
 * ```ts
 * import { OracleError } from "@sessionpool/oracle"
 *
 * const thrown = Object.assign(new Error("ORA-00001: unique constraint (HR.PK_JOBS) violated"), { errorNum: 1 })
 * const error = OracleError.fromDriver(thrown, { operation: "execute", sql: "insert into jobs values (:id)" })
 * // error.reason._tag === "UniqueViolation", error.constraint === "HR.PK_JOBS"
 * ```
 *
 * @category conversions
 * @since 0.1.0
 */
export const fromDriver = (thrown: unknown, details: Details = {}): OracleError => {
  if (isOracleError(thrown)) return thrown
  const secrets = details.secrets ?? []
  const read = readDriverError(thrown, { secrets, sql: details.sql })
  const { advice, reason, ...decision } = settleDoubt(classify(read, details.classification ?? {}), details)
  const sql = details.sql === undefined ? undefined : redactStatement(details.sql, secrets)
  // The driver reports 0 where there is no position; only a statement that cannot be read can be wrong at its start.
  const offset = read.offset === 0 && (sql === undefined || reason !== "SqlSyntaxError") ? undefined : read.offset
  const where = [details.operation, offset === undefined ? undefined : `at offset ${offset} of the SQL`]
    .filter((part) => part !== undefined)
    .join(", ")
  const { code, ...flags } = decision
  const fields = {
    ...flags,
    cause: read.cause,
    codes: read.codes,
    ...(code !== undefined && { code }),
    ...(details.operation !== undefined && { operation: details.operation }),
    ...(offset !== undefined && { offset }),
    ...(sql !== undefined && { sql }),
    message: `${read.text}${where === "" ? "" : ` (${where})`}\n${advice}`
  }
  if (reason === "UniqueViolation") {
    return new OracleError({
      reason: new Reason.UniqueViolation({ ...fields, constraint: read.constraint ?? "unknown" })
    })
  }
  if (reason === "ConstraintError") {
    return new OracleError({
      reason: new Reason.ConstraintError({
        ...fields,
        ...(read.constraint !== undefined && { constraint: read.constraint })
      })
    })
  }
  return new OracleError({ reason: new Reason.reasons[reason](fields) })
}

/**
 * Fails with what {@link fromDriver} reads, under the {@link Classification} in force.
 *
 * **When to use**
 *
 * Use where the driver is called without this package, in an effect.
 *
 * **Example** (Failing with what a promise threw)
 *
 * ```ts
 * import { OracleError } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * declare const ping: () => Promise<void>
 *
 * const pinged = Effect.tryPromise(() => ping()).pipe(
 *   Effect.catch((error) => OracleError.failFromDriver(error.cause, { operation: "ping" }))
 * )
 * ```
 *
 * @category conversions
 * @since 0.1.0
 */
export const failFromDriver = (thrown: unknown, details: Details = {}): Effect.Effect<never, OracleError> =>
  Effect.flatMap(
    Classification,
    (classification) =>
      Effect.fail(fromDriver(thrown, { ...details, classification: { ...classification, ...details.classification } }))
  )
