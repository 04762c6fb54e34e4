/** TRUNC and ROUND of dates to a unit, and MONTHS_BETWEEN. */
import { addMonths, daysOf, fieldsOf, lastDayOfMonth, secondsPerDay } from "../values/calendar.ts"
import { isoWeek, weekday } from "../values/format/dateWriter.ts"
import * as Arithmetic from "../values/numberArithmetic.ts"
import { fromInteger, type NumberValue } from "../values/oracleNumber.ts"
import { oraError, unimplemented } from "../values/oraError.ts"

type N = NumberValue

export const startOf = (seconds: number, unit: string): number => {
  const f = fieldsOf(seconds)
  const days = Math.floor(seconds / secondsPerDay)
  const date = (year: number, month: number, dayOfMonth = 1): number => daysOf(year, month, dayOfMonth) * secondsPerDay
  switch (unit.toUpperCase()) {
    case "SYYYY":
    case "YYYY":
    case "YEAR":
    case "SYEAR":
    case "YYY":
    case "YY":
    case "Y":
      return date(f.year, 1)
    case "CC":
    case "SCC":
      return date(Math.floor((f.year - 1) / 100) * 100 + 1, 1)
    case "IYYY":
    case "IYY":
    case "IY":
    case "I": {
      const fourth = daysOf(isoWeek(f)[0], 1, 4)
      return (fourth - ((weekday(fourth) + 6) % 7)) * secondsPerDay
    }
    case "Q":
      return date(f.year, Math.floor((f.month - 1) / 3) * 3 + 1)
    case "MONTH":
    case "MON":
    case "MM":
    case "RM":
      return date(f.year, f.month)
    case "WW": {
      const first = daysOf(f.year, 1, 1)
      return (days - ((days - first) % 7)) * secondsPerDay
    }
    case "IW":
      return (days - ((weekday(days) + 6) % 7)) * secondsPerDay
    case "W": {
      const first = daysOf(f.year, f.month, 1)
      return (days - ((days - first) % 7)) * secondsPerDay
    }
    case "DDD":
    case "DD":
    case "J":
      return days * secondsPerDay
    case "DAY":
    case "DY":
    case "D":
      return (days - weekday(days)) * secondsPerDay
    case "HH":
    case "HH12":
    case "HH24":
      return seconds - (seconds - days * secondsPerDay) % 3600
    case "MI":
      return seconds - (seconds - days * secondsPerDay) % 60
    default:
      throw oraError(1898, "too many precision specifiers")
  }
}

export const roundTo = (seconds: number, unit: string): number => {
  const low = startOf(seconds, unit)
  const f = fieldsOf(low)
  const now_ = fieldsOf(seconds)
  switch (unit.toUpperCase()) {
    case "SYYYY":
    case "YYYY":
    case "YEAR":
    case "SYEAR":
    case "YYY":
    case "YY":
    case "Y":
      return now_.month >= 7 ? daysOf(f.year + 1, 1, 1) * secondsPerDay : low
    case "MONTH":
    case "MON":
    case "MM":
    case "RM":
      return now_.day >= 16 ? addMonths(low, 1) : low
    case "Q": {
      const middle = addMonths(low, 1) + 15 * secondsPerDay
      return seconds >= middle ? addMonths(low, 3) : low
    }
    case "CC":
    case "SCC":
    case "IYYY":
    case "IYY":
    case "IY":
    case "I":
      throw unimplemented(`ROUND of a date to ${unit}`)
    case "WW":
    case "IW":
    case "W":
    case "DAY":
    case "DY":
    case "D":
      return seconds - low >= 3.5 * secondsPerDay ? low + 7 * secondsPerDay : low
    case "DDD":
    case "DD":
    case "J":
      return seconds - low >= secondsPerDay / 2 ? low + secondsPerDay : low
    case "HH":
    case "HH12":
    case "HH24":
      return seconds - low >= 1800 ? low + 3600 : low
    default:
      return seconds - low >= 30 ? low + 60 : low
  }
}

export const monthsBetween = (a: number, b: number): N => {
  const x = fieldsOf(a)
  const y = fieldsOf(b)
  const whole = fromInteger((x.year - y.year) * 12 + x.month - y.month)
  const bothLast = x.day === lastDayOfMonth(x.year, x.month) && y.day === lastDayOfMonth(y.year, y.month)
  if (x.day === y.day || bothLast) return whole
  const rest = (x.day - y.day) * secondsPerDay + (x.hour - y.hour) * 3600 + (x.minute - y.minute) * 60 + x.second -
    y.second
  return Arithmetic.add(whole, Arithmetic.divide(fromInteger(rest), fromInteger(31 * secondsPerDay)))
}
