/** Literals in their stored form. */
import type { Expr } from "../syntax/ast.ts"
import { encodeInterval, encodeTimestamp, encodeZoned, normalize } from "../values/calendar.ts"
import { readMonths, storeDouble } from "../values/convert.ts"
import { readDate } from "../values/format/dateReader.ts"
import { fromText } from "../values/oracleNumber.ts"
import { OraError, oraError } from "../values/oraError.ts"
import {
  BINARY_DOUBLE,
  BINARY_FLOAT,
  DATE,
  INTERVAL_DS,
  INTERVAL_YM,
  NUMBER,
  timestamp,
  timestampTz
} from "../values/sqlType.ts"
import { parseZone, toUtc } from "../values/timeZones.ts"
import { constant, type Term } from "./term.ts"

export const numberLiteral = (text: string): Term => {
  const suffix = text.at(-1)!.toLowerCase()
  if (suffix === "f" || suffix === "d") {
    const number = Number(text.slice(0, -1))
    const value = storeDouble(suffix === "f" ? Math.fround(number) : number)
    return constant(value, suffix === "f" ? BINARY_FLOAT : BINARY_DOUBLE)
  }
  return constant(fromText(text), NUMBER, text)
}

export const datetimeLiteral = (form: "date" | "timestamp", text: string, at: number): Term => {
  try {
    if (form === "date") {
      const model = text.trimStart().startsWith("-") ? "SYYYY-MM-DD" : "YYYY-MM-DD"
      return constant(readDate(text.trimStart(), model, 0).seconds, DATE)
    }
    const match = /^(.*?\d:\d{2}:\d{2}(?:\.\d+)?)\s*([+-]\d{1,2}:\d{2}|[A-Za-z]\S*)?$/.exec(text.trim())
    const read = readDate((match?.[1] ?? text).trim(), "SYYYY-MM-DD HH24:MI:SS.FF", 0)
    // Literals have nine digits of the second, however many are written.
    if (match?.[2] === undefined) return constant(encodeTimestamp(read), timestamp(9))
    const zone = parseZone(match[2])
    const seconds = toUtc(zone, read.seconds)
    return constant(
      encodeZoned({ seconds, nanos: read.nanos, offsetMinutes: zone.offsetAt(seconds), region: zone.region }),
      timestampTz(9)
    )
  } catch (error) {
    if (error instanceof OraError) throw error.at(at)
    throw error
  }
}

const tooSmall = (at: number): Error => oraError(1873, "the leading precision of the interval is too small", at)

const units = ["DAY", "HOUR", "MINUTE", "SECOND"]
/** The largest values of the fields after the leading one, with the errors for larger ones. */
const limits: ReadonlyArray<readonly [number, number, string]> = [
  [Infinity, 1867, ""],
  [23, 1850, "hour must be between 0 and 23"],
  [59, 1851, "minutes must be between 0 and 59"],
  [59, 1852, "seconds must be between 0 and 59"]
]

export const intervalLiteral = (expr: Extract<Expr, { kind: "interval" }>): Term => {
  const { at, from, fraction = 6, precision = 2, text, to } = expr
  const invalid = (): Error => oraError(1867, "the interval is invalid", at)
  if (precision > 9 || fraction > 9) throw oraError(30088, "datetime/interval precision is out of range", at)
  if (from === "YEAR" || from === "MONTH") {
    if (to !== "MONTH" && to !== from) throw invalid()
    const isSingle = from === to
    if (isSingle && !/^\s*[+-]?\d+\s*$/.test(text)) throw invalid()
    const months = isSingle ? Number(text) * (from === "YEAR" ? 12 : 1) : readMonths(text)
    const lead = isSingle ? Math.abs(Number(text)) : Math.floor(Math.abs(months) / 12)
    if (lead >= 10 ** precision) throw tooSmall(at)
    return constant(months, { ...INTERVAL_YM, precision })
  }
  const negative = text.trim().startsWith("-")
  const body = text.trim().replace(/^[+-]/, "")
  const parts = body.split(/ +|:/)
  const start = units.indexOf(from)
  const end = units.indexOf(to)
  if (start < 0 || end < start || parts.length !== end - start + 1) throw invalid()
  const values = [0, 0, 0, 0]
  let nanos = 0
  parts.forEach((part, i) => {
    const match = /^(\d+)(?:\.(\d+))?$/.exec(part)
    if (match === null || (match[2] !== undefined && start + i !== 3)) throw invalid()
    const value = Number(match[1])
    const [limit, code, message] = limits[start + i]!
    if (i > 0 && value > limit) throw oraError(code, message, at)
    values[start + i] = value
    nanos = Math.round(Number(`0.${match[2] ?? "0"}`) * 10 ** fraction) * 10 ** (9 - fraction)
  })
  if (values[start]! >= 10 ** precision) throw tooSmall(at)
  // The leading field may be larger than its unit: 90 minutes are an hour and a half.
  const total = values[0]! * 86400 + values[1]! * 3600 + values[2]! * 60 + values[3]!
  const size = normalize(total, nanos)
  const value = negative ? normalize(-size.seconds, -size.nanos) : size
  return constant(encodeInterval(value), { ...INTERVAL_DS, precision: from === "DAY" ? precision : 2, scale: fraction })
}
