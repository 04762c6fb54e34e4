/** The SQL functions on dates, timestamps and intervals, and their arithmetic. */
import {
  addMonths,
  checkRange,
  decodeInterval,
  decodeTimestamp,
  decodeZoned,
  encodeInterval,
  encodeTimestamp,
  encodeZoned,
  fieldsOf,
  type Instant,
  lastDayOfMonth,
  normalize,
  secondsOf,
  secondsPerDay
} from "../values/calendar.ts"
import { addIntervalMonths, localOf, readZoned, wallClock } from "../values/convert.ts"
import { dayNames } from "../values/format/dateModel.ts"
import { readDate } from "../values/format/dateReader.ts"
import { formatDate, weekday } from "../values/format/dateWriter.ts"
import { checkDateNls } from "../values/nls.ts"
import * as Arithmetic from "../values/numberArithmetic.ts"
import { fromDecimal, fromInteger, type NumberValue, toDecimal, toInteger } from "../values/oracleNumber.ts"
import { oraError } from "../values/oraError.ts"
import type { SessionState } from "../values/sessionState.ts"
import { DATE, INTERVAL_DS, INTERVAL_YM, NUMBER, timestamp, timestampTz, varchar2 } from "../values/sqlType.ts"
import { abbreviationOf, fixedZone, formatOffset, parseZone, toUtc } from "../values/timeZones.ts"
import { monthsBetween, roundTo, startOf } from "./dateUnits.ts"
import { define, type FunctionTable } from "./functionDef.ts"

type N = NumberValue
const day = fromInteger(secondsPerDay)

/** Seconds in a number of days, rounded to the whole second a DATE keeps. */
const secondsOfDays = (days: N): number => {
  const seconds = toInteger(Arithmetic.rescale(Arithmetic.multiply(days, day), 0, false))
  if (seconds === undefined) throw oraError(1841, "(full) year must be between -4713 and +9999, and not be 0")
  return seconds
}

const instantOfDays = (days: N, unitSeconds: number): Instant => {
  const { coefficient, exponent } = toDecimal(
    Arithmetic.rescale(Arithmetic.multiply(days, fromInteger(unitSeconds)), 9, false)
  )
  const nanos = exponent >= -9 ? coefficient * 10n ** BigInt(exponent + 9) : coefficient / 10n ** BigInt(-exponent - 9)
  const seconds = nanos / 1_000_000_000n - (nanos % 1_000_000_000n < 0n ? 1n : 0n)
  return { seconds: Number(seconds), nanos: Number(nanos - seconds * 1_000_000_000n) }
}

const plus = (a: Instant, b: Instant): Instant => normalize(a.seconds + b.seconds, a.nanos + b.nanos)
const minus = (a: Instant, b: Instant): Instant => normalize(a.seconds - b.seconds, a.nanos - b.nanos)

/** Nanoseconds of the clock that the statement started at. */
const now = (session: SessionState): Instant => ({
  seconds: Math.floor(session.statementTime / 1000),
  nanos: Math.round((session.statementTime - Math.floor(session.statementTime / 1000) * 1000) * 1000) * 1000
})

const today = (session: SessionState): number => localOf(now(session), session).seconds
const todayIn = (session: SessionState, nls: string | undefined): number => {
  checkDateNls(nls)
  return today(session)
}
const fraction = (seconds: number, nanos: number): N =>
  fromDecimal(BigInt(seconds) * 1_000_000_000n + BigInt(nanos), -9)

/** Fields of EXTRACT by kind of value: the wall clock for dates and timestamps, UTC for the zoned fields of `l`. */
const extractField = (field: string, at: Instant): N => {
  const f = fieldsOf(at.seconds)
  switch (field) {
    case "YEAR":
      return fromInteger(f.year)
    case "MONTH":
      return fromInteger(f.month)
    case "DAY":
      return fromInteger(f.day)
    case "HOUR":
      return fromInteger(f.hour)
    case "MINUTE":
      return fromInteger(f.minute)
    case "SECOND":
      return fraction(f.second, at.nanos)
    default:
      throw oraError(30076, "invalid extract field for extract source")
  }
}

const truncated = (n: N): number => toInteger(Arithmetic.rescale(n, 0, true)) ?? 0

/** The zones that NEW_TIME knows, in minutes from UTC. */
const oldZones: Readonly<Record<string, number>> = {
  AST: -240,
  ADT: -180,
  BST: -660,
  BDT: -600,
  CST: -360,
  CDT: -300,
  EST: -300,
  EDT: -240,
  GMT: 0,
  HST: -600,
  HDT: -540,
  MST: -420,
  MDT: -360,
  NST: -210,
  PST: -480,
  PDT: -420,
  YST: -540,
  YDT: -480
}

export const dateFunctions: FunctionTable = {
  D_ADD: define<[number, N]>({ params: ["d", "n"], returns: DATE, run: (_, d, n) => checkRange(d + secondsOfDays(n)) }),
  D_SUB: define<[number, N]>({ params: ["d", "n"], returns: DATE, run: (_, d, n) => checkRange(d - secondsOfDays(n)) }),
  D_DIFF: define<[number, number]>({
    params: ["d", "d"],
    returns: NUMBER,
    run: (_, a, b) => Arithmetic.divide(fromInteger(a - b), day)
  }),
  T_DIFF: define<[string, string]>({
    params: ["t", "t"],
    returns: INTERVAL_DS,
    run: (_, a, b) => encodeInterval(minus(decodeTimestamp(a), decodeTimestamp(b)))
  }),
  T_ADD_S: define<[string, string]>({
    params: ["t", "s"],
    returns: timestamp(9),
    run: (_, t, s) => encodeTimestamp(plus(decodeTimestamp(t), decodeInterval(s)))
  }),
  T_SUB_S: define<[string, string]>({
    params: ["t", "s"],
    returns: timestamp(9),
    run: (_, t, s) => encodeTimestamp(minus(decodeTimestamp(t), decodeInterval(s)))
  }),
  T_ADD_Y: define<[string, number]>({
    params: ["t", "y"],
    returns: timestamp(9),
    run: (_, t, y) => {
      const at = decodeTimestamp(t)
      return encodeTimestamp({ seconds: addIntervalMonths(at.seconds, y), nanos: at.nanos })
    }
  }),
  D_ADD_S: define<[number, string]>({
    params: ["d", "s"],
    returns: DATE,
    run: (_, d, s) => checkRange(d + decodeInterval(s).seconds)
  }),
  D_SUB_S: define<[number, string]>({
    params: ["d", "s"],
    returns: DATE,
    run: (_, d, s) => checkRange(minus({ seconds: d, nanos: 0 }, decodeInterval(s)).seconds)
  }),
  D_ADD_Y: define<[number, number]>({ params: ["d", "y"], returns: DATE, run: (_, d, y) => addIntervalMonths(d, y) }),
  Z_ADD_S: define<[string, string]>({
    params: ["z", "s"],
    returns: timestampTz(9),
    run: (_, z, s) => rezoned(z, plus(decodeZoned(z), decodeInterval(s)))
  }),
  Z_SUB_S: define<[string, string]>({
    params: ["z", "s"],
    returns: timestampTz(9),
    run: (_, z, s) => rezoned(z, minus(decodeZoned(z), decodeInterval(s)))
  }),
  Z_ADD_Y: define<[string, number]>({
    params: ["z", "y"],
    returns: timestampTz(9),
    run: (_, z, y) => {
      const at = decodeZoned(z)
      const local = wallClock(at)
      const moved = { seconds: addIntervalMonths(local.seconds, y), nanos: local.nanos }
      const zone = at.region === "" ? fixedZone(at.offsetMinutes) : parseZone(at.region)
      const seconds = toUtc(zone, moved.seconds)
      return encodeZoned({ seconds, nanos: moved.nanos, offsetMinutes: zone.offsetAt(seconds), region: at.region })
    }
  }),
  S_ADD: define<[string, string]>({
    params: ["s", "s"],
    returns: INTERVAL_DS,
    run: (_, a, b) => encodeInterval(plus(decodeInterval(a), decodeInterval(b)))
  }),
  S_SUB: define<[string, string]>({
    params: ["s", "s"],
    returns: INTERVAL_DS,
    run: (_, a, b) => encodeInterval(minus(decodeInterval(a), decodeInterval(b)))
  }),
  S_NEG: define<[string]>({
    params: ["s"],
    returns: INTERVAL_DS,
    run: (_, a) => encodeInterval(minus({ seconds: 0, nanos: 0 }, decodeInterval(a)))
  }),
  S_MUL: define<[string, N]>({
    params: ["s", "n"],
    returns: INTERVAL_DS,
    run: (_, a, n) => {
      const s = decodeInterval(a)
      return encodeInterval(instantOfDays(Arithmetic.multiply(fraction(s.seconds, s.nanos), n), 1))
    }
  }),
  Y_ADD: define<[number, number]>({ params: ["y", "y"], returns: INTERVAL_YM, run: (_, a, b) => a + b }),
  Y_SUB: define<[number, number]>({ params: ["y", "y"], returns: INTERVAL_YM, run: (_, a, b) => a - b }),
  Y_NEG: define<[number]>({ params: ["y"], returns: INTERVAL_YM, run: (_, a) => -a }),
  Y_MUL: define<[number, N]>({
    params: ["y", "n"],
    returns: INTERVAL_YM,
    run: (_, a, n) => truncated(Arithmetic.multiply(fromInteger(a), n))
  }),
  SYSDATE: define<[]>({ params: [], returns: DATE, run: (s) => now(s).seconds }),
  SYSTIMESTAMP: define<[]>({
    params: [],
    returns: timestampTz(),
    run: (s) => encodeZoned({ ...now(s), offsetMinutes: 0, region: "" })
  }),
  CURRENT_DATE: define<[]>({ params: [], returns: DATE, run: today }),
  CURRENT_TIMESTAMP: define<[]>({
    params: [],
    returns: timestampTz(),
    run: (s) => encodeZoned({ ...now(s), offsetMinutes: s.zone.offsetAt(now(s).seconds), region: s.zone.region })
  }),
  LOCALTIMESTAMP: define<[]>({ params: [], returns: timestamp(), run: (s) => encodeTimestamp(localOf(now(s), s)) }),
  SESSIONTIMEZONE: define<[]>({ params: [], returns: varchar2(75), run: (s) => s.zoneName }),
  DBTIMEZONE: define<[]>({ params: [], returns: varchar2(6), run: () => "+00:00" }),
  ADD_MONTHS: define<[number, N]>({ params: ["d", "n"], returns: DATE, run: (_, d, n) => addMonths(d, truncated(n)) }),
  MONTHS_BETWEEN: define<[number, number]>({
    params: ["d", "d"],
    returns: NUMBER,
    run: (_, a, b) => monthsBetween(a, b)
  }),
  NEW_TIME: define<[number, string, string]>({
    params: ["d", "c", "c"],
    returns: DATE,
    run: (_, d, from, to) => {
      const offset = (name: string): number => {
        const minutes = oldZones[name.trim().toUpperCase()]
        if (minutes === undefined) throw oraError(1857, "not a valid time zone")
        return minutes
      }
      return checkRange(d + (offset(to) - offset(from)) * 60)
    }
  }),
  CEIL_D: define<[number, string?]>({
    params: ["d", "c"],
    min: 1,
    returns: DATE,
    run: (_, d, unit = "DD") => {
      const start = startOf(d, unit)
      if (start === d) return d
      // Somewhere within the unit after this one: its beginning is the next one.
      let later = d
      for (let step = 1;; step++) {
        later = startOf(checkRange(start + step * 12 * 3600), unit)
        if (later > start) return later
        if (step > 80_000) throw oraError(1898, "too many precision specifiers")
      }
    }
  }),
  FLOOR_D: define<[number, string?]>({
    params: ["d", "c"],
    min: 1,
    returns: DATE,
    run: (_, d, unit = "DD") => startOf(d, unit)
  }),
  LAST_DAY: define<[number]>({
    params: ["d"],
    returns: DATE,
    run: (_, d) => {
      const f = fieldsOf(d)
      return secondsOf({ ...f, day: lastDayOfMonth(f.year, f.month) })
    }
  }),
  NEXT_DAY: define<[number, string]>({
    params: ["d", "c"],
    returns: DATE,
    run: (_, d, name) => {
      const number = /^\s*[1-7]\s*$/.test(name) ? Number(name) - 1 : undefined
      const wanted = number ??
        dayNames.findIndex((candidate) => name.trim().toUpperCase().startsWith(candidate.slice(0, 3).toUpperCase()))
      if (wanted < 0) throw oraError(1846, "not a valid day of the week")
      const today_ = weekday(Math.floor(d / secondsPerDay))
      return checkRange(d + (((wanted - today_ + 6) % 7) + 1) * secondsPerDay)
    }
  }),
  ROUND_D: define<[number, string?]>({
    params: ["d", "c"],
    min: 1,
    returns: DATE,
    run: (_, d, unit = "DD") => roundTo(d, unit)
  }),
  TRUNC_D: define<[number, string?]>({
    params: ["d", "c"],
    min: 1,
    returns: DATE,
    run: (_, d, unit = "DD") => startOf(d, unit)
  }),
  TO_DATE: define<[string, string?, string?]>({
    params: ["c", "c", "c"],
    min: 1,
    returns: DATE,
    run: (s, a, format, nls) => readDate(a, format ?? s.nls.dateFormat, todayIn(s, nls)).seconds
  }),
  TO_TIMESTAMP: define<[string, string?, string?]>({
    params: ["c", "c", "c"],
    min: 1,
    returns: timestamp(9),
    run: (s, a, format, nls) => encodeTimestamp(readDate(a, format ?? s.nls.timestampFormat, todayIn(s, nls)))
  }),
  TO_TIMESTAMP_TZ: define<[string, string?, string?]>({
    params: ["c", "c", "c"],
    min: 1,
    returns: timestampTz(9),
    run: (s, a, format, nls) => {
      checkDateNls(nls)
      return encodeZoned(readZoned(a, format ?? s.nls.timestampTzFormat, s))
    }
  }),
  TO_CHAR_D: define<[number, string, string?]>({
    params: ["d", "c", "c"],
    min: 2,
    returns: varchar2(75),
    run: (_, d, f, nls) => {
      checkDateNls(nls)
      return formatDate({ seconds: d, nanos: 0 }, f, undefined, false, 0)
    }
  }),
  TO_CHAR_T: define<[string, number, string, string?]>({
    params: ["t", "int", "c", "c"],
    min: 3,
    returns: varchar2(75),
    run: (_, t, digits, f, nls) => {
      checkDateNls(nls)
      return formatDate(decodeTimestamp(t), f, undefined, true, digits)
    }
  }),
  TO_CHAR_Z: define<[string, number, string, string?]>({
    params: ["z", "int", "c", "c"],
    min: 3,
    returns: varchar2(75),
    run: (_, z, digits, f, nls) => {
      checkDateNls(nls)
      return formatDate(wallClock(decodeZoned(z)), f, decodeZoned(z), true, digits)
    }
  }),
  NUMTODSINTERVAL: define<[N, string]>({
    params: ["n", "c"],
    returns: INTERVAL_DS,
    run: (_, n, unit) => {
      const sizes: Readonly<Record<string, number>> = { DAY: 86400, HOUR: 3600, MINUTE: 60, SECOND: 1 }
      const size = sizes[unit.trim().toUpperCase()]
      if (size === undefined) throw oraError(1760, "illegal argument for function")
      return encodeInterval(instantOfDays(n, size))
    }
  }),
  NUMTOYMINTERVAL: define<[N, string]>({
    params: ["n", "c"],
    returns: INTERVAL_YM,
    run: (_, n, unit) => {
      const name = unit.trim().toUpperCase()
      if (name !== "YEAR" && name !== "MONTH") throw oraError(1760, "illegal argument for function")
      const months = name === "YEAR" ? 12 : 1
      return toInteger(Arithmetic.rescale(Arithmetic.multiply(n, fromInteger(months)), 0, false)) ?? 0
    }
  }),
  FROM_TZ: define<[string, string]>({
    params: ["t", "c"],
    returns: timestampTz(9),
    run: (_, t, name) => {
      const zone = parseZone(name)
      const local = decodeTimestamp(t)
      const seconds = toUtc(zone, local.seconds)
      return encodeZoned({ seconds, nanos: local.nanos, offsetMinutes: zone.offsetAt(seconds), region: zone.region })
    }
  }),
  AT_ZONE: define<[string, string]>({
    params: ["z", "c"],
    returns: timestampTz(9),
    run: (s, z, name) => {
      const zone = name.toUpperCase() === "DBTIMEZONE"
        ? parseZone("+00:00")
        : name.toUpperCase() === "SESSIONTIMEZONE"
        ? s.zone
        : parseZone(name)
      const at = decodeZoned(z)
      return encodeZoned({
        seconds: at.seconds,
        nanos: at.nanos,
        offsetMinutes: zone.offsetAt(at.seconds),
        region: zone.region
      })
    }
  }),
  SYS_EXTRACT_UTC: define<[string]>({ params: ["z"], returns: timestamp(9), run: (_, z) => z.slice(0, 21) }),
  TZ_OFFSET: define<[string]>({
    params: ["c"],
    returns: varchar2(7),
    run: (s, name) => formatOffset(parseZone(name).offsetAt(now(s).seconds))
  }),
  EXTRACT_D: define<[string, number]>({
    params: ["c", "d"],
    returns: NUMBER,
    run: (_, field, d) => extractField(field, { seconds: d, nanos: 0 })
  }),
  EXTRACT_T: define<[string, string]>({
    params: ["c", "t"],
    returns: NUMBER,
    run: (_, field, t) => extractField(field, decodeTimestamp(t))
  }),
  EXTRACT_Z: define<[string, string]>({
    params: ["c", "z"],
    returns: NUMBER,
    run: (_, field, z) => {
      const at = decodeZoned(z)
      if (field === "TIMEZONE_HOUR") return fromInteger(Math.trunc(at.offsetMinutes / 60))
      if (field === "TIMEZONE_MINUTE") return fromInteger(at.offsetMinutes % 60)
      return extractField(field, at)
    }
  }),
  EXTRACT_REGION: define<[string]>({
    params: ["z"],
    returns: varchar2(64),
    run: (_, z) => decodeZoned(z).region.toUpperCase() || "UNKNOWN"
  }),
  EXTRACT_ABBR: define<[string]>({
    params: ["z"],
    returns: varchar2(10),
    run: (_, z) => {
      const { region, seconds } = decodeZoned(z)
      return region === "" ? "UNK" : abbreviationOf(region, seconds)
    }
  }),
  EXTRACT_S: define<[string, string]>({
    params: ["c", "s"],
    returns: NUMBER,
    run: (_, field, s) => {
      const at = decodeInterval(s)
      const total = BigInt(at.seconds) * 1_000_000_000n + BigInt(at.nanos)
      const seconds = total / 1_000_000_000n
      switch (field) {
        case "DAY":
          return fromDecimal(seconds / 86400n, 0)
        case "HOUR":
          return fromDecimal((seconds / 3600n) % 24n, 0)
        case "MINUTE":
          return fromDecimal((seconds / 60n) % 60n, 0)
        case "SECOND":
          return fromDecimal(total % 60_000_000_000n, -9)
        default:
          throw oraError(30076, "invalid extract field for extract source")
      }
    }
  }),
  EXTRACT_Y: define<[string, number]>({
    params: ["c", "y"],
    returns: NUMBER,
    run: (_, field, y) => {
      if (field === "YEAR") return fromInteger(Math.trunc(y / 12))
      if (field === "MONTH") return fromInteger(y % 12)
      throw oraError(30076, "invalid extract field for extract source")
    }
  })
}

function rezoned(original: string, at: Instant): string {
  const { offsetMinutes, region } = decodeZoned(original)
  return encodeZoned({
    ...at,
    offsetMinutes: region === "" ? offsetMinutes : parseZone(region).offsetAt(at.seconds),
    region
  })
}
