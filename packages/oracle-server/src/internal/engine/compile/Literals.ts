/** Literals in their stored form. */
import type { Expr } from "../Ast.ts"
import { encodeTimestamp, encodeZoned } from "../Calendar.ts"
import { readInterval, readMonths, storeDouble } from "../Convert.ts"
import { readDate } from "../format/DateReader.ts"
import { fromText } from "../OracleNumber.ts"
import { OraError, oraError } from "../OraError.ts"
import {
  BINARY_DOUBLE,
  BINARY_FLOAT,
  DATE,
  INTERVAL_DS,
  INTERVAL_YM,
  NUMBER,
  timestamp,
  timestampTz
} from "../SqlType.ts"
import { parseZone, toUtc } from "../TimeZones.ts"
import { blob, quoteText, type Sql } from "./Sql.ts"

export const numberLiteral = (text: string): Sql => {
  const suffix = text.at(-1)!.toLowerCase()
  if (suffix === "f" || suffix === "d") {
    const number = Number(text.slice(0, -1))
    const value = storeDouble(suffix === "f" ? Math.fround(number) : number)
    return {
      sql: `(${String(value)}e0)`.replace(/e(.*)e0/, "e$1"),
      type: suffix === "f" ? BINARY_FLOAT : BINARY_DOUBLE,
      nullable: false
    }
  }
  return { sql: blob(fromText(text)), type: NUMBER, nullable: false, literal: text }
}

export const datetimeLiteral = (form: "date" | "timestamp", text: string, at: number): Sql => {
  try {
    if (form === "date") {
      return { sql: String(readDate(text, "FXYYYY-MM-DD", 0).seconds), type: DATE, nullable: false }
    }
    const match = /^(.*?\d:\d{2}:\d{2}(?:\.\d+)?)\s*([+-]\d{1,2}:\d{2}|[A-Za-z]\S*)?$/.exec(text.trim())
    const read = readDate((match?.[1] ?? text).trim(), "YYYY-MM-DD HH24:MI:SS.FF", 0)
    const digits = /\.(\d+)$/.exec(match?.[1] ?? "")?.[1]?.length ?? 0
    if (match?.[2] === undefined) {
      return { sql: quoteText(encodeTimestamp(read)), type: timestamp(digits), nullable: false }
    }
    const zone = parseZone(match[2])
    const seconds = toUtc(zone, read.seconds)
    return {
      sql: quoteText(
        encodeZoned({ seconds, nanos: read.nanos, offsetMinutes: zone.offsetAt(seconds), region: zone.region })
      ),
      type: timestampTz(digits),
      nullable: false
    }
  } catch (error) {
    if (error instanceof OraError) throw error.at(at)
    throw error
  }
}

export const intervalLiteral = (expr: Extract<Expr, { kind: "interval" }>): Sql => {
  const { at, from, text, to } = expr
  if (from === "YEAR" || from === "MONTH") {
    const months = from === to ? Number(text) * (from === "YEAR" ? 12 : 1) : readMonths(text)
    if (!Number.isInteger(months)) throw oraError(1867, "the interval is invalid", at)
    return { sql: String(months), type: INTERVAL_YM, nullable: false }
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
  return {
    sql: quoteText(readInterval(`${negative ? "-" : ""}${Math.floor(total / 86400)} ${clock}`)),
    type: INTERVAL_DS,
    nullable: false
  }
}
