/** Literals in their stored form. */
import type { Expr } from "../syntax/ast.ts"
import { encodeTimestamp, encodeZoned } from "../values/calendar.ts"
import { readInterval, readMonths, storeDouble } from "../values/convert.ts"
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
      return constant(readDate(text, text.startsWith("-") ? "FXSYYYY-MM-DD" : "FXYYYY-MM-DD", 0).seconds, DATE)
    }
    const match = /^(.*?\d:\d{2}:\d{2}(?:\.\d+)?)\s*([+-]\d{1,2}:\d{2}|[A-Za-z]\S*)?$/.exec(text.trim())
    const read = readDate((match?.[1] ?? text).trim(), "SYYYY-MM-DD HH24:MI:SS.FF", 0)
    const digits = /\.(\d+)$/.exec(match?.[1] ?? "")?.[1]?.length ?? 0
    if (match?.[2] === undefined) {
      return constant(encodeTimestamp(read), timestamp(digits))
    }
    const zone = parseZone(match[2])
    const seconds = toUtc(zone, read.seconds)
    return constant(
      encodeZoned({ seconds, nanos: read.nanos, offsetMinutes: zone.offsetAt(seconds), region: zone.region }),
      timestampTz(digits)
    )
  } catch (error) {
    if (error instanceof OraError) throw error.at(at)
    throw error
  }
}

export const intervalLiteral = (expr: Extract<Expr, { kind: "interval" }>): Term => {
  const { at, from, text, to } = expr
  if (from === "YEAR" || from === "MONTH") {
    const months = from === to ? Number(text) * (from === "YEAR" ? 12 : 1) : readMonths(text)
    if (!Number.isInteger(months)) throw oraError(1867, "the interval is invalid", at)
    return constant(months, INTERVAL_YM)
  }
  const negative = text.trim().startsWith("-")
  const body = text.trim().replace(/^[+-]/, "")
  const parts = body.split(/[ :]/)
  const units = ["DAY", "HOUR", "MINUTE", "SECOND"]
  const start = units.indexOf(from)
  if (start < 0 || units.indexOf(to) < start || parts.length !== units.indexOf(to) - start + 1) {
    throw oraError(1867, "the interval is invalid", at)
  }
  const values = [0, 0, 0]
  let second = "0"
  parts.forEach((part, i) => {
    if (start + i === 3) second = part
    else values[start + i] = Number(part)
  })
  const [whole = "0", fraction = ""] = second.split(".")
  // The leading field may be larger than its unit: 90 minutes are an hour and a half.
  const total = values[0]! * 86400 + values[1]! * 3600 + values[2]! * 60 + Number(whole)
  if (!Number.isFinite(total)) throw oraError(1867, "the interval is invalid", at)
  const rest = total % 86400
  const clock = `${Math.floor(rest / 3600)}:${Math.floor(rest / 60) % 60}:${rest % 60}${
    fraction === "" ? "" : "." + fraction.slice(0, 9)
  }`
  return constant(readInterval(`${negative ? "-" : ""}${Math.floor(total / 86400)} ${clock}`), INTERVAL_DS)
}
