/** Failures of this package's own: refused before anything is sent, and with what to do about it. */
import * as OracleError from "../OracleError.ts"

/** What a value is, without the value: it may be a secret. */
export const kindOf = (value: unknown): string =>
  value === null || value === undefined
    ? String(value)
    : Array.isArray(value)
    ? "an array"
    : typeof value === "object"
    ? "an object"
    : `a ${typeof value}`

/** A failure without a code of the driver or the database. */
export const refusal = (operation: string, message: string): OracleError.OracleError =>
  new OracleError.OracleError({
    reason: new OracleError.UnknownError({
      codes: [],
      operation,
      isRetryable: false,
      isSessionFatal: false,
      cause: undefined,
      message
    })
  })

/** Programs without types pass what they have. `what` is named, and what it must be. */
export const wrongArgument = (
  operation: string,
  what: string,
  expected: string,
  given: unknown
): OracleError.OracleError => refusal(operation, `${what} must be ${expected}, not ${kindOf(given)}: nothing was sent.`)
