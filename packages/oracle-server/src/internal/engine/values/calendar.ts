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
 * The calendar is Julian up to 1582-10-04 and Gregorian from 1582-10-15 on. Years before Christ are negative, from -4712. The
 * server refuses a year 0 and counts one all the same: 0001-01-01 is 367 days after -0001-12-31 (its bug 106242).
 */
import { oraError } from "./oraError.ts"
import type { DateTime } from "./value.ts"

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

/** 1582-10-15, the first day of the Gregorian calendar, in days since 1970-01-01. */
const reform = -141427

/** Days since 1970-01-01. The ten days that were left out in October 1582 count as the 15th. */
export const daysOf = (year: number, month: number, day: number): number => {
  if (year > 1582 || (year === 1582 && (month > 10 || (month === 10 && day >= 15)))) return gregorian(year, month, day)
  if (year === 1582 && month === 10 && day > 4) return reform
  const y = year - (month <= 2 ? 1 : 0)
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  return Math.floor(y * 1461 / 4) + dayOfYear - 719470
}

const gregorian = (year: number, month: number, day: number): number => {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  return era * 146097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719468
}

const isLeap = (year: number): boolean => year % 4 === 0 && (year <= 1582 || year % 100 !== 0 || year % 400 === 0)

export const lastDayOfMonth = (year: number, month: number): number =>
  month === 2
    ? (isLeap(year) ? 29 : 28)
    : [4, 6, 9, 11].includes(month)
    ? 30
    : 31

const minimum = daysOf(-4712, 1, 1) * secondsPerDay
const maximum = daysOf(10000, 1, 1) * secondsPerDay

/** Refuses what lies outside of the years -4712 to 9999. */
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
  if (days < reform) return julianFields(days, time)
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

const julianFields = (days: number, time: number): Fields => {
  const z = days + 719470
  const y = Math.floor((4 * z + 3) / 1461)
  const dayOfYear = z - Math.floor(y * 1461 / 4)
  const mp = Math.floor((5 * dayOfYear + 2) / 153)
  const month = mp + (mp < 10 ? 3 : -9)
  const year = y + (month <= 2 ? 1 : 0)
  return {
    year,
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
  if (value.year === 0) throw oraError(1841, "(full) year must be between -4713 and +9999, and not be 0")
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
