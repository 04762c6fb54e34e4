/** Exceptions of PL/SQL: their names, what a handler may catch, and the lines of the stack that an error tells. */
import { lineAndColumn } from "../syntax/places.ts"
import { OraError, oraError } from "../values/oraError.ts"
import type { Unit } from "./program.ts"

export const predefined: Readonly<Record<string, number>> = {
  ACCESS_INTO_NULL: 6530,
  CASE_NOT_FOUND: 6592,
  COLLECTION_IS_NULL: 6531,
  CURSOR_ALREADY_OPEN: 6511,
  DUP_VAL_ON_INDEX: 1,
  INVALID_CURSOR: 1001,
  INVALID_NUMBER: 1722,
  LOGIN_DENIED: 1017,
  NO_DATA_FOUND: 1403,
  NO_DATA_NEEDED: 6548,
  NOT_LOGGED_ON: 1012,
  PROGRAM_ERROR: 6501,
  ROWTYPE_MISMATCH: 6504,
  SELF_IS_NULL: 30625,
  STORAGE_ERROR: 6500,
  SUBSCRIPT_BEYOND_COUNT: 6533,
  SUBSCRIPT_OUTSIDE_LIMIT: 6532,
  SYS_INVALID_ROWID: 1410,
  TIMEOUT_ON_RESOURCE: 51,
  TOO_MANY_ROWS: 1422,
  VALUE_ERROR: 6502,
  ZERO_DIVIDE: 1476
}

const messages: Readonly<Record<number, string>> = {
  1: "unique constraint (.) violated",
  51: "timeout occurred while waiting for a resource",
  1001: "invalid cursor",
  1012: "not logged on",
  1017: "invalid credential or not authorized; logon denied",
  1403: "no data found",
  1410: "invalid ROWID",
  1422: "exact fetch returns more than requested number of rows",
  1476: "divisor is equal to zero",
  1722: "invalid number",
  6500: "PL/SQL: storage error",
  6501: "PL/SQL: program error",
  6502: "PL/SQL: value or conversion error",
  6504: "PL/SQL: Return types of Result Set variables or query do not match",
  6511: "PL/SQL: cursor already open",
  6530: "Reference to uninitialized composite",
  6531: "Reference to uninitialized collection",
  6532: "Subscript outside of limit",
  6533: "Subscript beyond count",
  6548: "no more rows needed",
  6592: "CASE not found while executing CASE statement",
  30625: "method dispatch on NULL SELF argument is disallowed"
}

/** Texts without the names that an error fills in, for SQLERRM of a number. */
const plain: Readonly<Record<number, string>> = {
  54: "resource busy and acquire with NOWAIT specified or timeout expired",
  60: "deadlock detected while waiting for resource",
  904: ": invalid identifier",
  942: "table or view does not exist",
  1031: "insufficient privileges",
  1400: "cannot insert NULL into ()",
  1407: "cannot update () to NULL",
  1426: "numeric overflow",
  1438: "value larger than specified precision allowed for this column",
  1476: "divisor is equal to zero",
  2290: "check constraint (.) violated",
  2291: "integrity constraint (.) violated - parent key not found",
  2292: "integrity constraint (.) violated - child record found",
  4068: "existing state of packages has been discarded",
  4088: "error during execution of trigger '.'",
  4091: "table . is mutating, trigger/function may not see it",
  6512: "at line ",
  6550: "line , column :\n",
  12899: "value too large for column  (actual: , maximum: )",
  24381: "error(s) in array DML"
}

/** SQLERRM of a number, as the server says it without an error that stands behind. */
export const messageOf = (code: number): string => {
  if (code === 0) return "ORA-0000: normal, successful completion"
  if (code > 0 && code !== 100) return ` -${code}: non-ORACLE exception `
  const number = code === 100 ? 1403 : -code
  const name = `ORA-${String(number).padStart(5, "0")}: `
  if (number >= 20_000 && number <= 20_999) return name
  return name + (plain[number] ?? messages[number] ?? `Message ${number} not found;  product=RDBMS; facility=ORA`)
}

/** What RAISE of a predefined exception says; undefined for an unknown name. */
export const predefinedError = (name: string): OraError | undefined => {
  const code = predefined[name]
  return code === undefined ? undefined : oraError(code, messages[code]!)
}

/** An exception declared in the block and raised by name. */
export class UserException extends OraError {
  readonly source: object
  constructor(source: object, code: number, message?: string) {
    super(
      code === 1 ? 6510 : code,
      message ??
        (code === 1 ? "ORA-06510: PL/SQL: unhandled user-defined exception" : `ORA-${String(code).padStart(5, "0")}: `)
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

/** What SQLERRM says: the message without the lines of the stack. */
export const errorText = (error: OraError): string =>
  error instanceof UserException && error.code === 6510
    ? "User-Defined Exception"
    : error.message.split("\n").filter((line) => !line.startsWith("ORA-06512")).join("\n")

/** Inside a block some failures have another name than in SQL. */
export const asPlsqlError = (error: unknown): unknown => {
  if (error instanceof OraError && error.code === 1722) {
    return oraError(6502, "PL/SQL: value or conversion error: character to number conversion error")
  }
  return error
}

/** Errors that tell a line of this run of a unit already. */
const told = new WeakMap<OraError, Unit>()

const withMessage = (error: OraError, message: string, unit: Unit): OraError => {
  const copy = error instanceof UserException
    ? new UserException(error.source, error.code === 6510 ? 1 : error.code, message)
    : new OraError(error.code, message, error.offset)
  if (replacing.has(error)) replacing.add(copy)
  told.set(copy, unit)
  return copy
}

/** What stands around the error is told below it. */
export const withLastLine = (error: OraError, line: string): OraError => {
  const copy = error instanceof UserException
    ? new UserException(error.source, error.code === 6510 ? 1 : error.code, `${error.message}\n${line}`)
    : new OraError(error.code, `${error.message}\n${line}`, error.offset)
  if (replacing.has(error)) replacing.add(copy)
  return copy
}

const lineOf = (unit: Unit): string => {
  const [line] = lineAndColumn(unit.sql, unit.at)
  return unit.name === undefined
    ? `ORA-06512: at line ${line}`
    : `ORA-06512: at "${unit.name}", line ${line - (unit.linesBefore ?? 0)}`
}

/** The error as it leaves a unit, or reaches a handler in it: with the line at which it came up there. */
export const located = (error: OraError, unit: Unit): OraError =>
  told.get(error) === unit || error.code === 6550 || error.code === 3001 || error.code === 1013 || error.code === 28
    ? error
    : withMessage(error, `${error.message}\n${lineOf(unit)}`, unit)

/** RAISE without a name: its own line stands before those that are told. */
export const raisedAgain = (error: OraError, unit: Unit): OraError => {
  const lines = error.message.split("\n")
  const at = lines.findIndex((line) => line.startsWith("ORA-06512"))
  lines.splice(at < 0 ? lines.length : at, 0, lineOf(unit))
  const again = withMessage(error, lines.join("\n"), unit)
  replacing.add(again)
  return again
}

/** Errors that stand for those that were being handled: of RAISE and RAISE_APPLICATION_ERROR. */
const replacing = new WeakSet<OraError>()

export const replaces = (error: OraError): OraError => {
  replacing.add(error)
  return error
}

/** An error that came up while another one was handled: the other stands below it. */
export const stacked = (error: OraError, handled: OraError, unit: Unit): OraError => {
  if (replacing.has(error)) return error
  const own = located(error, unit)
  return withMessage(own, `${own.message}\n${handled.message}`, unit)
}
