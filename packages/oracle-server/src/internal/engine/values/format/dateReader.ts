/** TO_DATE, TO_TIMESTAMP and TO_TIMESTAMP_TZ: text to calendar fields by a format model. */
import { daysOf, fieldsOf, type Instant, lastDayOfMonth, secondsOf, secondsPerDay } from "../calendar.ts"
import { oraError, unimplemented } from "../oraError.ts"
import { dateModel, dayNames, type Element, monthNames, romanMonths } from "./dateModel.ts"

interface ReadDate extends Instant {
  /** Zone given in the text: minutes, or a region's name. */
  readonly offsetMinutes: number | undefined
  readonly region: string | undefined
}

const isPunctuation = (c: string | undefined): boolean => c !== undefined && /[^A-Za-z0-9]/.test(c)

/** Elements that are words: no digit can run into them. */
const spelled = new Set(["MON", "MONTH", "DAY", "DY", "RM"])

const checked = new WeakSet<ReadonlyArray<Element>>()

const rivals: ReadonlyArray<readonly [RegExp, number, string]> = [
  [/^(S?YYYY|Y,YYY|YYY|YY|Y|RRRR|RR)$/, 1812, "year may only be specified once"],
  [/^(MM|MON|MONTH|RM)$/, 1816, "month may only be specified once"],
  [/^(DY|DAY)$/, 1817, "day of week may only be specified once"],
  [/^(HH|HH12|HH24)$/, 1813, "hour may only be specified once"],
  [/^(AM|PM|A\.M\.|P\.M\.)$/, 1814, "AM/PM conflicts with use of A.M./P.M."],
  [/^(AD|BC|A\.D\.|B\.C\.)$/, 1815, "BC/AD conflicts with use of B.C./A.D."]
]

/** What a model for reading must not have twice, or beside one another. */
const checkModel = (elements: ReadonlyArray<Element>): void => {
  if (checked.has(elements)) return
  const names = elements.map(({ name }) => name).filter((name) => name !== "text" && name !== "FM" && name !== "FX")
  const twice = names.some((name, i) => names.indexOf(name) !== i)
  if (twice) throw oraError(1810, "format code appears twice")
  for (const [pattern, code, message] of rivals) {
    if (names.filter((name) => pattern.test(name)).length > 1) throw oraError(code, message)
  }
  if (names.includes("HH24") && names.some((name) => /^[AP]\.?M/.test(name))) {
    throw oraError(1818, "'HH24' precludes use of meridian indicator")
  }
  if (names.includes("SYYYY") && names.some((name) => /^[AB]\.?[DC]/.test(name))) {
    throw oraError(1819, "signed year precludes use of BC/AD")
  }
  checked.add(elements)
}

/** `now` gives the year and the month that the text leaves out. */
export const readDate = (text: string, format: string, now: number): ReadDate => {
  const today = fieldsOf(now)
  const elements = dateModel(format)
  let at = 0
  let year: number | undefined
  let month: number | undefined
  let day: number | undefined
  let dayInYear: number | undefined
  let hour: number | undefined
  let hour12: number | undefined
  let minute = 0
  let second = 0
  let nanos = 0
  let afternoon: boolean | undefined
  let secondsInDay: number | undefined
  let julian: number | undefined
  let zoneHour: number | undefined
  let zoneMinute = 0
  let zoneSign = 1
  let region: string | undefined
  let exact = false
  let isBeforeChrist = false

  const digits = (width: number, element: Element): number => {
    if (!exact) skipBlanks()
    if (at >= text.length) throw oraError(1840, "input value not long enough for date format")
    const match = /^\d+/.exec(text.slice(at, at + width))
    if (match === null) throw oraError(1858, `a non-numeric character was found where a numeric was expected`)
    if (exact && match[0].length !== width && element.name !== "FF") {
      throw oraError(1862, "the numeric value does not match the length of the format item")
    }
    at += match[0].length
    return Number(match[0])
  }
  const skipBlanks = (): void => {
    while (text[at] === " ") at++
  }
  const word = (list: ReadonlyArray<string>): number => {
    while (text[at] === " ") at++
    const rest = text.slice(at).toLowerCase()
    let best = -1
    for (let i = 0; i < list.length; i++) {
      const name = list[i]!.toLowerCase()
      if (rest.startsWith(name) && (best < 0 || name.length > list[best]!.length)) best = i
    }
    if (best >= 0) at += list[best]!.length
    return best
  }
  const monthByName = (): number => {
    let found = word(monthNames)
    if (found < 0) found = word(monthNames.map((name) => name.slice(0, 3)))
    if (found < 0) throw oraError(1843, "not a valid month")
    return found + 1
  }
  const twoDigitYear = (value: number, rounding: boolean): number => {
    const century = Math.floor(today.year / 100)
    if (!rounding) return century * 100 + value
    const half = today.year % 100 < 50
    if (value < 50) return (half ? century : century + 1) * 100 + value
    return (half ? century - 1 : century) * 100 + value
  }

  checkModel(elements)
  for (let i = 0; i < elements.length; i++) {
    const element = elements[i]!
    switch (element.name) {
      case "FM":
        break
      case "FX":
        exact = true
        break
      case "text": {
        if (at >= text.length) break
        if (element.source.length === 1 && !/[A-Za-z0-9]/.test(element.source)) {
          // Any punctuation answers any punctuation, and may be missing where digits meet.
          if (exact ? text[at] === element.source : isPunctuation(text[at])) at++
          else if (exact || /[A-Za-z]/.test(text[at]!) || spelled.has(elements[i + 1]?.name ?? "")) {
            throw oraError(1861, "literal does not match format string")
          }
          break
        }
        if (text.slice(at, at + element.source.length) !== element.source) {
          throw oraError(1861, "literal does not match format string")
        }
        at += element.source.length
        break
      }
      case "YYYY":
      case "SYYYY":
      case "RRRR": {
        if (element.name === "SYYYY") {
          if (!exact) skipBlanks()
          const sign = text[at]
          if (sign === "-" || sign === "+") at++
          isBeforeChrist = sign === "-"
        }
        const start = at
        let value = digits(4, element)
        if (element.name === "RRRR" && at - start <= 2) value = twoDigitYear(value, true)
        if (value === 0) throw oraError(1841, "(full) year must be between -4713 and +9999, and not be 0")
        year = value
        break
      }
      case "YYY":
        year = Math.floor(today.year / 1000) * 1000 + digits(3, element)
        break
      case "YY":
      case "RR": {
        // Four digits are taken where two were asked for, unless FX says otherwise.
        const four = !exact && /^\s*\d{4}/.test(text.slice(at)) &&
          !/^(MM|DD|HH|MI|SS)/.test(elements[i + 1]?.name ?? "")
        year = four ? digits(4, element) : twoDigitYear(digits(2, element), element.name === "RR")
        break
      }
      case "Y":
        year = Math.floor(today.year / 10) * 10 + digits(1, element)
        break
      case "MM":
        if (/^\s*[A-Za-z]/.test(text.slice(at))) month = monthByName()
        else {
          month = digits(2, element)
          if (month < 1 || month > 12) throw oraError(1843, "not a valid month")
        }
        break
      case "MON":
      case "MONTH":
        if (at >= text.length) throw oraError(1840, "input value not long enough for date format")
        else month = monthByName()
        break
      case "RM": {
        const found = word(romanMonths)
        if (found < 0) throw oraError(1843, "not a valid month")
        month = found + 1
        break
      }
      case "DD":
        day = digits(2, element)
        break
      case "DDD":
        dayInYear = digits(3, element)
        break
      case "DAY":
      case "DY":
        if (word(dayNames) < 0 && word(dayNames.map((name) => name.slice(0, 3))) < 0) {
          throw oraError(1846, "not a valid day of the week")
        }
        break
      case "HH24":
        hour = digits(2, element)
        if (hour > 23) throw oraError(1850, "hour must be between 0 and 23")
        break
      case "HH":
      case "HH12":
        hour12 = digits(2, element)
        if (hour12 < 1 || hour12 > 12) throw oraError(1849, "hour must be between 1 and 12")
        break
      case "MI":
        if (at >= text.length && !exact) break
        minute = digits(2, element)
        if (minute > 59) throw oraError(1851, "minutes must be between 0 and 59")
        break
      case "SS":
        if (at >= text.length && !exact) break
        second = digits(2, element)
        if (second > 59) throw oraError(1852, "seconds must be between 0 and 59")
        break
      case "SSSSS":
        secondsInDay = digits(5, element)
        if (secondsInDay > 86399) throw oraError(1853, "seconds in day must be between 0 and 86399")
        break
      case "J":
        julian = digits(7, element)
        break
      case "AM":
      case "PM":
      case "A.M.":
      case "P.M.": {
        const found = word(["AM", "PM", "A.M.", "P.M."])
        if (found < 0) throw oraError(1855, "AM/A.M. or PM/P.M. required")
        afternoon = found % 2 === 1
        break
      }
      case "AD":
      case "BC":
      case "A.D.":
      case "B.C.": {
        const found = word(["AD", "BC", "A.D.", "B.C."])
        if (found < 0) throw oraError(1856, "BC/B.C. or AD/A.D. required")
        isBeforeChrist = found % 2 === 1
        break
      }
      case "X":
        if (text[at] === "." || text[at] === ",") at++
        break
      case "TZH": {
        while (text[at] === " ") at++
        const sign = text[at]
        if (sign === "+" || sign === "-") {
          zoneSign = sign === "-" ? -1 : 1
          at++
        }
        zoneHour = digits(2, element)
        break
      }
      case "TZM":
        if (at < text.length) zoneMinute = digits(2, element)
        break
      case "TZR":
      case "TZD": {
        while (text[at] === " ") at++
        const match = /^([+-]\d{1,2}:\d{2}|[A-Za-z_]+(?:\/[A-Za-z_+\-0-9]+)*)/.exec(text.slice(at))
        if (match === null) throw oraError(1882, "timezone region not found")
        region = match[0]
        at += match[0].length
        break
      }
      default: {
        if (element.name.startsWith("FF")) {
          if (at >= text.length) break
          const start = at
          const width = element.name === "FF" ? 9 : Number(element.name.slice(2))
          digits(width, element)
          nanos = Number(text.slice(start, at).trim().padEnd(9, "0"))
          if (/^\d/.test(text.slice(at))) {
            throw oraError(1830, "date format picture ends before converting entire input string")
          }
          break
        }
        if (
          ["WW", "IW", "W", "IYYY", "IYY", "IY", "I", "Q", "D", "CC", "SCC", "YEAR", "SYEAR"].includes(element.name)
        ) {
          throw oraError(1820, "format code cannot appear in date input format")
        }
        throw unimplemented(`${element.name} in a date input format`)
      }
    }
  }
  while (text[at] === " ") at++
  if (at < text.length) throw oraError(1830, "date format picture ends before converting entire input string")

  if (hour12 !== undefined) hour = (hour12 % 12) + (afternoon === true ? 12 : 0)
  let h = hour ?? 0
  if (secondsInDay !== undefined) {
    h = Math.floor(secondsInDay / 3600)
    minute = Math.floor(secondsInDay / 60) % 60
    second = secondsInDay % 60
  }
  const y = isBeforeChrist ? -(year ?? today.year) : year ?? today.year
  if (y < -4712) throw oraError(1841, "(full) year must be between -4713 and +9999, and not be 0")
  let seconds: number
  if (julian !== undefined) seconds = (julian - 2440588) * secondsPerDay + h * 3600 + minute * 60 + second
  else if (dayInYear !== undefined) {
    const last = lastDayOfMonth(y, 2) === 29 ? 366 : 365
    if (dayInYear < 1 || dayInYear > last) {
      throw oraError(1848, "day of year must be between 1 and 365 (366 for leap year)")
    }
    seconds = (daysOf(y, 1, 1) + dayInYear - 1) * secondsPerDay + h * 3600 + minute * 60 + second
  } else {
    const m = month ?? (year === undefined && day === undefined ? today.month : today.month)
    const d = day ?? 1
    if (d < 1 || d > 31) throw oraError(1847, "day of month must be between 1 and last day of month")
    if (d > lastDayOfMonth(y, m)) throw oraError(1839, "date not valid for month specified")
    seconds = secondsOf({ year: y, month: m, day: d, hour: h, minute, second })
  }
  return {
    seconds,
    nanos,
    offsetMinutes: zoneHour === undefined ? undefined : zoneSign * (zoneHour * 60 + zoneMinute),
    region
  }
}
