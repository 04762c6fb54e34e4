/** Conversions between stored forms: what the server does implicitly, and what CAST and assignments do. */
import {
  addMonths,
  decodeInterval,
  decodeTimestamp,
  decodeZoned,
  encodeInterval,
  encodeTimestamp,
  encodeZoned,
  fieldsOf,
  type Instant,
  normalize,
  type Zoned
} from "./calendar.ts"
import type { Stored } from "./composite.ts"
import { formatDouble } from "./doubleText.ts"
import { readDate } from "./format/dateReader.ts"
import { formatDate } from "./format/dateWriter.ts"
import { plainNumber } from "./format/numberFormat.ts"
import { normalizeJson } from "./json.ts"
import { fromDouble, fromText, isZero, type NumberValue, parse, toDouble } from "./oracleNumber.ts"
import { oraError } from "./oraError.ts"
import type { SessionState } from "./sessionState.ts"
import type { Kind } from "./sqlType.ts"
import { fixedZone, parseZone, toUtc } from "./timeZones.ts"
import { loadVector, readVector, storeVector, writeVector } from "./vector.ts"

type Conversion = (value: Exclude<Stored, null>, session: SessionState) => Stored

const asNumber = (value: Stored): NumberValue => value as NumberValue
const text = (value: Stored): string => value as string

export const hex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex").toUpperCase()

export const unhex = (value: string): Uint8Array => {
  if (!/^[0-9a-fA-F]*$/.test(value)) throw oraError(1465, "invalid hex number")
  return Uint8Array.from(Buffer.from(value.length % 2 === 1 ? "0" + value : value, "hex"))
}

const readDouble = (value: string): Stored => {
  const trimmed = value.trim().toLowerCase()
  if (trimmed === "nan") return NaN
  if (trimmed === "inf" || trimmed === "+inf" || trimmed === "infinity") return Infinity
  if (trimmed === "-inf" || trimmed === "-infinity") return -Infinity
  if (parse(trimmed.replace(/[fd]$/, "")) === undefined) {
    throw oraError(1722, "unable to convert string value to a number")
  }
  return Number(trimmed.replace(/[fd]$/, ""))
}

export const storeDouble = (value: number): Stored => value
export const loadDouble = (value: Stored): number => value as number

const readNumber = (value: string, session: SessionState): NumberValue => {
  const decimal = session.nls.number.decimal
  return fromText(decimal === "." ? value : value.replace(decimal, "."))
}

/** Wall clock of the session's zone for a UTC instant. */
export const localOf = (utc: Instant, session: SessionState): Instant => ({
  seconds: utc.seconds + session.zone.offsetAt(utc.seconds) * 60,
  nanos: utc.nanos
})

const zonedOf = (local: Instant, session: SessionState): Zoned => {
  const seconds = toUtc(session.zone, local.seconds)
  return {
    seconds,
    nanos: local.nanos,
    offsetMinutes: session.zone.offsetAt(seconds),
    region: session.zone.region
  }
}

/** Wall clock of the value's own zone. */
export const wallClock = (zoned: Zoned): Instant => ({
  seconds: zoned.seconds + zoned.offsetMinutes * 60,
  nanos: zoned.nanos
})

export const readZoned = (value: string, format: string, session: SessionState): Zoned => {
  const read = readDate(
    value,
    format,
    session.statementTime / 1000 + session.zone.offsetAt(session.statementTime / 1000) * 60
  )
  const zone = read.offsetMinutes !== undefined
    ? fixedZone(read.offsetMinutes)
    : read.region !== undefined
    ? parseZone(read.region)
    : session.zone
  const seconds = toUtc(zone, read.seconds)
  return { seconds, nanos: read.nanos, offsetMinutes: zone.offsetAt(seconds), region: zone.region }
}

const today = (session: SessionState): number =>
  Math.floor(session.statementTime / 1000) + session.zone.offsetAt(session.statementTime / 1000) * 60

export const formatInterval = (value: Instant, dayDigits: number, fraction: number): string => {
  const negative = value.seconds < 0
  let { seconds, nanos } = value
  if (negative) {
    seconds = -seconds
    if (nanos > 0) {
      seconds--
      nanos = 1_000_000_000 - nanos
    }
  }
  const pad = (n: number, width: number): string => String(n).padStart(width, "0")
  return (negative ? "-" : "+") + pad(Math.floor(seconds / 86400), dayDigits) + " " +
    pad(Math.floor(seconds / 3600) % 24, 2) + ":" +
    pad(Math.floor(seconds / 60) % 60, 2) + ":" + pad(seconds % 60, 2) +
    (fraction > 0 ? "." + pad(nanos, 9).slice(0, fraction) : "")
}

export const formatMonths = (months: number, digits = 2): string =>
  (months < 0 ? "-" : "+") + String(Math.floor(Math.abs(months) / 12)).padStart(digits, "0") + "-" +
  String(Math.abs(months) % 12).padStart(2, "0")

const isoInterval = /^\s*(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d{1,9}))?S)?)?\s*$/

const readIsoInterval = (value: string): string => {
  const match = isoInterval.exec(value)
  if (match === null || !/\d/.test(value)) throw oraError(1867, "the interval is invalid")
  const part = (i: number): number => Number(match[i] ?? 0)
  const sign = match[1] === "-" ? -1 : 1
  const seconds = part(2) * 86400 + part(3) * 3600 + part(4) * 60 + part(5)
  return encodeInterval(normalize(sign * seconds, sign * Number((match[6] ?? "").padEnd(9, "0"))))
}

export const readInterval = (value: string): string => {
  if (/^\s*-?P/.test(value)) return readIsoInterval(value)
  const match = /^\s*([+-]?)(\d+)\s+(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,9}))?\s*$/.exec(value)
  if (match === null) throw oraError(1867, "the interval is invalid")
  if (Number(match[3]) > 23) throw oraError(1850, "hour must be between 0 and 23")
  if (Number(match[4]) > 59) throw oraError(1851, "minutes must be between 0 and 59")
  if (Number(match[5]) > 59) throw oraError(1852, "seconds must be between 0 and 59")
  const seconds = Number(match[2]) * 86400 + Number(match[3]) * 3600 + Number(match[4]) * 60 + Number(match[5])
  const nanos = Number((match[6] ?? "").padEnd(9, "0"))
  if (match[1] !== "-") return encodeInterval({ seconds, nanos })
  return encodeInterval(
    nanos === 0 ? { seconds: -seconds, nanos } : { seconds: -seconds - 1, nanos: 1_000_000_000 - nanos }
  )
}

export const readMonths = (value: string): number => {
  const iso = /^\s*(-?)P(?:(\d+)Y)?(?:(\d+)M)?(?:\d+D)?(?:T.*)?\s*$/.exec(value)
  if (iso !== null) return (Number(iso[2] ?? 0) * 12 + Number(iso[3] ?? 0)) * (iso[1] === "-" ? -1 : 1)
  const match = /^\s*([+-]?)(\d+)-(\d{1,2})\s*$/.exec(value)
  if (match === null) throw oraError(1867, "the interval is invalid")
  if (Number(match[3]) > 11) throw oraError(1843, "not a valid month")
  return (Number(match[2]) * 12 + Number(match[3])) * (match[1] === "-" ? -1 : 1)
}

const same: Conversion = (value) => value

const table: { readonly [pair: string]: Conversion } = {
  n_c: (v, s) => plainNumber(asNumber(v), s.nls.number.decimal),
  c_n: (v, s) => readNumber(text(v), s),
  n_f: (v) => toDouble(asNumber(v)),
  f_n: (v) => fromDouble(loadDouble(v)),
  f_c: (v) => formatDouble(loadDouble(v)),
  c_f: (v) => readDouble(text(v)),
  d_c: (v, s) => formatDate({ seconds: v as number, nanos: 0 }, s.nls.dateFormat, undefined, false, 0),
  c_d: (v, s) => readDate(text(v), s.nls.dateFormat, today(s)).seconds,
  t_c: (v, s) => formatDate(decodeTimestamp(text(v)), s.nls.timestampFormat, undefined, true, 6),
  c_t: (v, s) => encodeTimestamp(readDate(text(v), s.nls.timestampFormat, today(s))),
  z_c: (v, s) => {
    const zoned = decodeZoned(text(v))
    return formatDate(wallClock(zoned), s.nls.timestampTzFormat, zoned, true, 6)
  },
  c_z: (v, s) => encodeZoned(readZoned(text(v), s.nls.timestampTzFormat, s)),
  l_c: (v, s) => formatDate(localOf(decodeTimestamp(text(v)), s), s.nls.timestampFormat, undefined, true, 6),
  c_l: (v, s) => encodeTimestamp(zonedOf(readDate(text(v), s.nls.timestampFormat, today(s)), s)),
  d_t: (v) => encodeTimestamp({ seconds: v as number, nanos: 0 }),
  t_d: (v) => decodeTimestamp(text(v)).seconds,
  d_z: (v, s) => encodeZoned(zonedOf({ seconds: v as number, nanos: 0 }, s)),
  t_z: (v, s) => encodeZoned(zonedOf(decodeTimestamp(text(v)), s)),
  z_t: (v) => encodeTimestamp(wallClock(decodeZoned(text(v)))),
  z_d: (v) => wallClock(decodeZoned(text(v))).seconds,
  z_l: (v) => text(v).slice(0, 21),
  l_z: (v, s) => {
    const utc = decodeTimestamp(text(v))
    return encodeZoned({ ...utc, offsetMinutes: s.zone.offsetAt(utc.seconds), region: s.zone.region })
  },
  d_l: (v, s) => encodeTimestamp(zonedOf({ seconds: v as number, nanos: 0 }, s)),
  t_l: (v, s) => encodeTimestamp(zonedOf(decodeTimestamp(text(v)), s)),
  l_t: (v, s) => encodeTimestamp(localOf(decodeTimestamp(text(v)), s)),
  l_d: (v, s) => localOf(decodeTimestamp(text(v)), s).seconds,
  r_c: (v) => hex(v as Uint8Array),
  c_r: (v) => unhex(text(v)),
  c_lc: same,
  lc_c: same,
  n_lc: (v, s) => plainNumber(asNumber(v), s.nls.number.decimal),
  lc_n: (v, s) => readNumber(text(v), s),
  r_lb: same,
  lb_r: same,
  y_c: (v) => formatMonths(v as number),
  c_y: (v) => readMonths(text(v)),
  s_c: (v) => formatInterval(decodeInterval(text(v)), 2, 6),
  c_s: (v) => readInterval(text(v)),
  b_c: (v) => v === 0 ? "FALSE" : "TRUE",
  c_b: (v) => {
    const word = text(v).trim().toUpperCase()
    if (["TRUE", "YES", "ON", "1", "T", "Y"].includes(word)) return 1
    if (["FALSE", "NO", "OFF", "0", "F", "N"].includes(word)) return 0
    throw oraError(61800, "invalid boolean literal")
  },
  n_b: (v) => isZero(asNumber(v)) ? 0 : 1,
  b_n: (v) => fromText(v === 0 ? "0" : "1"),
  c_j: (v) => normalizeJson(text(v)),
  lc_j: (v) => normalizeJson(text(v)),
  j_c: same,
  j_lc: same,
  lb_j: (v) => normalizeJson(new TextDecoder().decode(v as Uint8Array)),
  c_v: (v) => storeVector(readVector(text(v))),
  lc_v: (v) => storeVector(readVector(text(v))),
  v_c: (v) => writeVector(loadVector(text(v))),
  v_lc: (v) => writeVector(loadVector(text(v))),
  j_v: (v) => storeVector(readVector(text(v))),
  c_i: same,
  i_c: same
}

/** undefined when the server knows no such conversion (ORA-00932). */
export const conversion = (from: Kind, to: Kind): Conversion | undefined =>
  from === to || from === "null" ? same : table[`${from}_${to}`]

/** Adds an interval of months the way INTERVAL arithmetic does: no clipping to the month's end (ORA-01839). */
export const addIntervalMonths = (seconds: number, months: number): number => {
  const moved = addMonths(seconds, months)
  if (fieldsOf(moved).day !== fieldsOf(seconds).day) {
    // ADD_MONTHS keeps the last day last; an interval keeps the number of the day.
    const back = fieldsOf(seconds).day - fieldsOf(moved).day
    const fixed = moved + back * 86400
    if (fieldsOf(fixed).month !== fieldsOf(moved).month) throw oraError(1839, "date not valid for month specified")
    return fixed
  }
  return moved
}
