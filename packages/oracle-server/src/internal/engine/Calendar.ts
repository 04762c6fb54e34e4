/**
 * How the store keeps dates, so that it can compare and sort them itself.
 *
 * - DATE: seconds since 1970-01-01 of the calendar fields, an integer;
 * - TIMESTAMP: the same seconds plus a bias in twelve digits, then nine digits of nanoseconds: text that sorts;
 * - TIMESTAMP WITH LOCAL TIME ZONE: that text for the UTC instant;
 * - TIMESTAMP WITH TIME ZONE: that text for the UTC instant, then sign and four digits of offset minutes, then the region;
 * - INTERVAL DAY TO SECOND: biased seconds in fifteen digits, then nanoseconds;
 * - INTERVAL YEAR TO MONTH: months, an integer.
 *
 * The calendar is Gregorian throughout; years before 1 are refused (ORA-01841).
 */
import type { DateTime } from "./Engine.ts"
import { oraError } from "./OraError.ts"

/** A point on the calendar: whole seconds since 1970 and the nanoseconds after them. */
export interface Instant {
  readonly seconds: number
  readonly nanos: number
}

export interface Fields {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
}

export const secondsPerDay = 86400
const bias = 274_877_906_944
const intervalBias = 500_000_000_000_000

/** Days since 1970-01-01. */
export const daysOf = (year: number, month: number, day: number): number => {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  return era * 146097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719468
}

export const lastDayOfMonth = (year: number, month: number): number =>
  month === 2
    ? (year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28)
    : [4, 6, 9, 11].includes(month)
    ? 30
    : 31

const minimum = daysOf(1, 1, 1) * secondsPerDay
const maximum = daysOf(10000, 1, 1) * secondsPerDay

/** Refuses what lies outside of the years 1 to 9999. */
export const checkRange = (seconds: number): number => {
  if (!(seconds >= minimum && seconds < maximum)) {
    throw oraError(1841, "(full) year must be between -4713 and +9999, and not be 0")
  }
  return seconds
}

export const secondsOf = (f: Fields): number =>
  daysOf(f.year, f.month, f.day) * secondsPerDay + f.hour * 3600 + f.minute * 60 + f.second

export const fieldsOf = (seconds: number): Fields => {
  const days = Math.floor(seconds / secondsPerDay)
  const time = seconds - days * secondsPerDay
  const z = days + 719468
  const era = Math.floor(z / 146097)
  const dayOfEra = z - era * 146097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const mp = Math.floor((5 * dayOfYear + 2) / 153)
  const month = mp + (mp < 10 ? 3 : -9)
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * mp + 2) / 5) + 1,
    hour: Math.floor(time / 3600),
    minute: Math.floor(time / 60) % 60,
    second: time % 60
  }
}

export const encodeTimestamp = (instant: Instant): string =>
  String(checkRange(instant.seconds) + bias).padStart(12, "0") + String(instant.nanos).padStart(9, "0")

export const decodeTimestamp = (text: string): Instant => ({
  seconds: Number(text.slice(0, 12)) - bias,
  nanos: Number(text.slice(12, 21))
})

/** `instant` is UTC. */
export interface Zoned extends Instant {
  readonly offsetMinutes: number
  readonly region: string
}

export const encodeZoned = (zoned: Zoned): string =>
  encodeTimestamp(zoned) + (zoned.offsetMinutes < 0 ? "-" : "+") +
  String(Math.abs(zoned.offsetMinutes)).padStart(4, "0") + zoned.region

export const decodeZoned = (text: string): Zoned => ({
  seconds: Number(text.slice(0, 12)) - bias,
  nanos: Number(text.slice(12, 21)),
  offsetMinutes: Number(text.slice(21, 26)),
  region: text.slice(26)
})

export const encodeInterval = (interval: Instant): string =>
  String(interval.seconds + intervalBias).padStart(15, "0") + String(interval.nanos).padStart(9, "0")

export const decodeInterval = (text: string): Instant => ({
  seconds: Number(text.slice(0, 15)) - intervalBias,
  nanos: Number(text.slice(15, 24))
})

/** Carries nanoseconds outside of 0 to 999999999 into the seconds. */
export const normalize = (seconds: number, nanos: number): Instant => {
  const carry = Math.floor(nanos / 1_000_000_000)
  return { seconds: seconds + carry, nanos: nanos - carry * 1_000_000_000 }
}

/** Rounds the nanoseconds to `digits` digits of a second. */
export const roundFraction = (instant: Instant, digits: number): Instant => {
  if (digits >= 9) return instant
  const unit = 10 ** (9 - digits)
  return normalize(instant.seconds, Math.round(instant.nanos / unit) * unit)
}

export const toDateTime = (instant: Instant, offsetMinutes = 0): DateTime => ({
  _tag: "DateTime",
  ...fieldsOf(instant.seconds),
  nanosecond: instant.nanos,
  offsetMinutes
})

/** The fields of a record as seconds; the offset is not applied. */
export const fromDateTime = (value: DateTime): Instant => {
  if (value.month < 1 || value.month > 12) throw oraError(1843, "not a valid month")
  if (value.day < 1 || value.day > lastDayOfMonth(value.year, value.month)) {
    throw oraError(1847, "day of month must be between 1 and last day of month")
  }
  return { seconds: checkRange(secondsOf(value)), nanos: value.nanosecond }
}

/** Adds whole months; the last day of a month stays the last day, as ADD_MONTHS does. */
export const addMonths = (seconds: number, months: number): number => {
  const f = fieldsOf(seconds)
  const total = f.year * 12 + (f.month - 1) + months
  const year = Math.floor(total / 12)
  const month = total - year * 12 + 1
  const last = lastDayOfMonth(year, month)
  const day = f.day === lastDayOfMonth(f.year, f.month) || f.day > last ? last : f.day
  return checkRange(secondsOf({ ...f, year, month, day }))
}
