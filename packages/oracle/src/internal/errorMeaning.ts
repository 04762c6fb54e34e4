/** What the codes of an error mean: the reason, whether the work may be repeated, whether the session is lost, and what to do. */
import type { DriverError } from "./driverError.ts"
import type * as Reason from "./errorReason.ts"
import * as Table from "./errorTable.ts"
import type { KnownSecret } from "./secretRedaction.ts"

const application = /^ORA-2[0]\d{3}$/

/** The code that decides, past those that only announce another one. */
const decidingCode = (codes: ReadonlyArray<string>, own: Readonly<Record<string, Meaning>>): string | undefined =>
  codes.find((code) => Object.hasOwn(own, code) || Table.rowOf(code)?.wraps !== true) ?? codes[0]

const adviceFor = (code: string | undefined, reason: Reason.ReasonTag): string => {
  if (code === undefined) return Table.adviceWithoutCode
  return (application.test(code) ? Table.applicationAdvice : Table.rowOf(code)?.advice) ?? Table.adviceOf[reason]
}

export const classify = (read: DriverError, own: Readonly<Record<string, Meaning>>) => {
  const code = decidingCode(read.codes, own)
  const row = code === undefined ? undefined : Table.rowOf(code)
  const meaning = code !== undefined && Object.hasOwn(own, code) ? own[code] : undefined
  const reason = meaning?.reason ?? row?.reason ?? "UnknownError"
  const isClosed = read.codes.some((each) => {
    const announcing = Table.rowOf(each)
    return announcing?.wraps === true && announcing.fatal
  })
  return {
    code,
    reason,
    isRetryable: meaning?.isRetryable ?? row?.retryable ?? read.isRecoverable,
    isSessionFatal: isClosed || (meaning?.isSessionFatal ?? row?.fatal ?? false),
    advice: meaning?.advice ?? adviceFor(code, reason)
  }
}

const doubt =
  "The session was lost during the commit: it is unknown whether the work was committed. Look for it before " +
  "doing it again."

const doubtOfStatement =
  "The answer was lost, and the statement commits by itself: it is unknown whether it took effect. Look for its work before " +
  "running it again."

/** Reasons for which an answer was lost that may have said that the work was done. */
const lostAnswer: ReadonlySet<Reason.ReasonTag> = new Set([
  "ConnectionError",
  "StatementTimeoutError",
  "InterruptedError"
])

/** Work that may have been committed must not be done again without looking. */
export const settleDoubt = (meaning: ReturnType<typeof classify>, details: Details): ReturnType<typeof classify> => {
  if (isInDoubt(details.operation, meaning.isSessionFatal)) return { ...meaning, isRetryable: false, advice: doubt }
  const isLost = details.commits === true && (meaning.isSessionFatal || lostAnswer.has(meaning.reason))
  if (isLost) return { ...meaning, isRetryable: false, advice: doubtOfStatement }
  return details.isSessionUnknown === true ? { ...meaning, isSessionFatal: true, advice: unknownState } : meaning
}

const unknownState =
  "It is a defect of the driver. The pool closes the session, as it is unknown how much of an answer the driver has read."

export const isInDoubt = (operation: string | undefined, isSessionFatal: boolean): boolean =>
  operation === "commit" && isSessionFatal

/**
 * What a code means, as the table or an extension of it says.
 *
 * **Example** (A meaning for an own code)
 *
 * ```ts
 * import { OracleError } from "@sessionpool/oracle"
 *
 * const lockLost: OracleError.Meaning = { reason: "LockTimeoutError", isRetryable: true, isSessionFatal: false }
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface Meaning {
  readonly reason: Reason.ReasonTag
  /** Default: as in the table, else `false`. */
  readonly isRetryable?: boolean | undefined
  /** Default: as in the table, else `false`. */
  readonly isSessionFatal?: boolean | undefined
  /** What to do, for the message. Default: the advice of the table or of the reason. */
  readonly advice?: string | undefined
}

/**
 * What is known beside the thrown value.
 *
 * **Example** (What was being done)
 *
 * ```ts
 * import { OracleError } from "@sessionpool/oracle"
 *
 * const details: OracleError.Details = { operation: "query", sql: "select * from nope" }
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface Details {
  /** What was being done, in a word or two: `"query"`, `"open session"`. */
  readonly operation?: string | undefined
  /** The statement, with placeholders. Never put values into it. */
  readonly sql?: string | undefined
  /** Secrets in use, removed wherever they stand. Default: none; credentials are then found by their surroundings. */
  readonly secrets?: ReadonlyArray<KnownSecret> | undefined
  /** Additions and corrections to the table. Default: none. */
  readonly classification?: Readonly<Record<string, Meaning>> | undefined
  /** Whether what was done commits by itself, so that it may have happened when its answer was lost. Default: `false`. */
  readonly commits?: boolean | undefined
  /** Whether the state of the session is unknown afterwards, whatever the code says. Default: `false`. */
  readonly isSessionUnknown?: boolean | undefined
}
