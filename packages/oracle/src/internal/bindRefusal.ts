/** Values that no bind can carry, found before anything is sent. */
import * as DateTime from "effect/DateTime"
import * as OracleError from "../OracleError.ts"
import { redactStatement } from "./secretRedaction.ts"

/**
 * Why a bind is refused. It is thrown where binds are written, in the turn of the call; as the driver's errors do, it has a code,
 * so that it is not taken for a defect that leaves the session in an unknown state.
 */
export class RefusedBind extends Error {
  readonly code = "ERR_REFUSED_BIND"
  readonly problem: string
  where = ""
  /** What is refused, where it is no bind. */
  subject: string | undefined = undefined

  constructor(problem: string) {
    super(problem)
    this.problem = problem
  }

  toOracleError(operation: string, sql: string | undefined): OracleError.OracleError {
    return new OracleError.OracleError({
      reason: new OracleError.UnknownError({
        codes: [],
        operation,
        isRetryable: false,
        isSessionFatal: false,
        cause: undefined,
        ...(sql !== undefined && { sql: redactStatement(sql) }),
        message: `${this.subject ?? `Bind ${this.where}`} cannot be sent: ${this.problem}`
      })
    })
  }
}

/** Runs `write` for the bind of that name or position; what it refuses says which. */
export const naming = <A>(where: string, write: () => A): A => {
  try {
    return write()
  } catch (thrown) {
    if (thrown instanceof RefusedBind && thrown.where === "") thrown.where = where
    throw thrown
  }
}

/** The same for a column of a batch, without a look at each value more than writing it takes. */
export const namingRows = <A>(
  column: string,
  values: ReadonlyArray<A>,
  write: (value: A) => unknown
): Array<unknown> => {
  const written: Array<unknown> = []
  try {
    for (const value of values) written.push(write(value))
  } catch (thrown) {
    if (thrown instanceof RefusedBind && thrown.where === "") thrown.where = `${column} of row ${written.length}`
    throw thrown
  }
  return written
}

const largest = 1e126
const smallest = 1e-130

/** NUMBER holds 38 digits, and from 1e-130 to below 1e126; the driver writes damaged bytes for the rest. */
export const checkNumber = (value: number | bigint): void => {
  if (typeof value === "bigint") {
    if (value < 1_000_000_000_000_000n && value > -1_000_000_000_000_000n) return
    const digits = value.toString().replace("-", "")
    if (digits.length > 126) throw new RefusedBind("a NUMBER is less than 1e126")
    if (digits.replace(/0+$/, "").length > 40) throw new RefusedBind("a NUMBER has at most 38 digits")
    return
  }
  if (!Number.isFinite(value)) throw new RefusedBind(`NUMBER has no ${value}; bind it as "double" for a BINARY_DOUBLE`)
  const size = Math.abs(value)
  if (size !== 0 && (size >= largest || size < smallest)) {
    throw new RefusedBind("a NUMBER is from 1e-130 to below 1e126, or 0; bind it as \"double\" for a BINARY_DOUBLE")
  }
}

/** DATE and the TIMESTAMPs, in the zone in which the driver writes them. */
export const checkDate = (date: Date, zone: "utc" | "local"): void => {
  const year = zone === "utc" ? date.getUTCFullYear() : date.getFullYear()
  if (Number.isNaN(year)) throw new RefusedBind("the date is invalid")
  if (year < 1 || year > 9999) throw new RefusedBind(`a date of the year ${year}; it can be from 1 to 9999`)
}

/** A JSON document: what its numbers and dates must be is what NUMBER and TIMESTAMP must be. */
export const checkJson = (document: unknown): void => {
  const open = new Set<object>()
  const check = (value: unknown, path: string): void => {
    const problemAt = (check: () => void): void => {
      try {
        check()
      } catch (thrown) {
        throw thrown instanceof RefusedBind ? new RefusedBind(`at ${path}, ${thrown.problem}`) : thrown
      }
    }
    if (typeof value === "number" || typeof value === "bigint") return problemAt(() => checkNumber(value))
    if (value instanceof Date) return problemAt(() => checkDate(value, "local"))
    if (typeof value !== "object" || value === null || ArrayBuffer.isView(value) || DateTime.isDateTime(value)) return
    if (open.has(value)) throw new RefusedBind(`at ${path}, the document holds itself`)
    open.add(value)
    if (Array.isArray(value)) value.forEach((each, index) => check(each, `${path}[${index}]`))
    else for (const [key, each] of Object.entries(value)) check(each, `${path}.${key}`)
    open.delete(value)
  }
  check(document, "$")
}
