/** Intervals between the driver's objects and the values of the program. */
import * as Duration from "effect/Duration"
import { type YearMonth, yearMonth } from "../OracleInterval.ts"
import { RefusedBind } from "./bindRefusal.ts"
import { type BindUnit, driver, type IntervalDS, type IntervalYM } from "./oracledb.ts"

const nanosOfSecond = 1_000_000_000n
const secondsOfDay = 86_400n
const millisOfDay = 86_400_000
const mostDays = 999_999_999
const mostMonths = 12 * 999_999_999 + 11

/** A `Duration`, in milliseconds where it has no finer part. */
export const readDaySecond = (interval: IntervalDS): Duration.Duration => {
  const { days, fseconds, hours, minutes, seconds } = interval
  if (fseconds % 1_000_000 === 0 && Math.abs(days) < 10_000_000) {
    return Duration.millis(days * millisOfDay + ((hours * 60 + minutes) * 60 + seconds) * 1000 + fseconds / 1_000_000)
  }
  const whole = BigInt(days) * secondsOfDay + BigInt((hours * 60 + minutes) * 60 + seconds)
  return Duration.nanos(whole * nanosOfSecond + BigInt(fseconds))
}

export const readYearMonth = ({ months, years }: IntervalYM): YearMonth => yearMonth({ years, months })

/** Division of bigints and `%` both lean to zero, as the parts of an interval do. */
export const writeDaySecond = (duration: Duration.Duration): BindUnit => {
  if (!Duration.isFinite(duration)) throw new RefusedBind("INTERVAL DAY TO SECOND has no infinity")
  const nanos = Duration.toNanosUnsafe(duration)
  const seconds = nanos / nanosOfSecond
  const days = seconds / secondsOfDay
  if (days > BigInt(mostDays) || days < -BigInt(mostDays)) {
    throw new RefusedBind(`an INTERVAL DAY TO SECOND has at most ${mostDays} days`)
  }
  const rest = Number(seconds % secondsOfDay)
  const parts = {
    days: Number(days),
    hours: Math.trunc(rest / 3600),
    minutes: Math.trunc(rest / 60) % 60,
    seconds: rest % 60,
    fseconds: Number(nanos % nanosOfSecond)
  }
  return { type: driver.DB_TYPE_INTERVAL_DS, val: new driver.IntervalDS(parts) }
}

export const writeYearMonth = ({ months, monthsOfYear, years }: YearMonth): BindUnit => {
  if (!Number.isInteger(months) || Math.abs(months) > mostMonths) {
    throw new RefusedBind("an INTERVAL YEAR TO MONTH is a whole number of months, of at most 999999999 years")
  }
  return { type: driver.DB_TYPE_INTERVAL_YM, val: new driver.IntervalYM({ years, months: monthsOfYear }) }
}
