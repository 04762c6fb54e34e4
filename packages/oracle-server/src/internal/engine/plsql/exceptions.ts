/** Exceptions of PL/SQL: their names, and what a handler may catch. */
import { OraError, oraError } from "../values/oraError.ts"

export const predefined: Readonly<Record<string, number>> = {
  NO_DATA_FOUND: 1403,
  TOO_MANY_ROWS: 1422,
  DUP_VAL_ON_INDEX: 1,
  ZERO_DIVIDE: 1476,
  VALUE_ERROR: 6502,
  INVALID_NUMBER: 1722,
  INVALID_CURSOR: 1001,
  CURSOR_ALREADY_OPEN: 6511,
  TIMEOUT_ON_RESOURCE: 51,
  LOGIN_DENIED: 1017,
  NOT_LOGGED_ON: 1012,
  PROGRAM_ERROR: 6501,
  STORAGE_ERROR: 6500,
  CASE_NOT_FOUND: 6592,
  ROWTYPE_MISMATCH: 6504,
  SYS_INVALID_ROWID: 1410
}

/** An exception declared in the block and raised by name. */
export class UserException extends OraError {
  readonly source: object
  constructor(source: object, code: number) {
    super(
      code === 1 ? 6510 : code,
      code === 1 ? "ORA-06510: PL/SQL: unhandled user-defined exception" : `ORA-${String(code).padStart(5, "0")}: `
    )
    this.source = source
  }
}

/** What the compiler of the server would have refused before anything ran, a break and a kill reach no handler. */
export const isCatchable = (error: unknown): error is OraError =>
  error instanceof OraError && error.code !== 6550 && error.code !== 3001 && error.code !== 1013 && error.code !== 28

/** SQLCODE: +100 for no data found, 1 for a user's own exception, otherwise negative. */
export const sqlCode = (error: OraError): number =>
  error.code === 1403 ? 100 : error instanceof UserException && error.code === 6510 ? 1 : -error.code

/** Inside a block some failures have another name than in SQL. */
export const asPlsqlError = (error: unknown): unknown => {
  if (error instanceof OraError && error.code === 1722) {
    return oraError(6502, "PL/SQL: value or conversion error: character to number conversion error")
  }
  return error
}

/** Adds the line at which an unhandled error left the block. */
export const withLine = (error: OraError, line: number, name?: string): OraError => {
  const at = name === undefined ? `ORA-06512: at line ${line}` : `ORA-06512: at "${name}", line ${line}`
  return new OraError(error.code, `${error.message}\n${at}`, error.offset)
}
