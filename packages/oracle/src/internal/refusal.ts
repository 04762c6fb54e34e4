/** Failures of this package's own: refused before anything is sent, and with what to do about it. */
import * as OracleError from "../OracleError.ts"

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
