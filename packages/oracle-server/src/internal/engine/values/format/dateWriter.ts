/** TO_CHAR of dates, timestamps and intervals. */
import { daysOf, type Fields, fieldsOf, type Instant, secondsPerDay } from "../calendar.ts"
import { oraError, unimplemented } from "../oraError.ts"
import { abbreviationOf } from "../timeZones.ts"
import { dateModel, dayNames, type Element, monthNames, romanMonths } from "./dateModel.ts"

interface ZoneText {
  readonly offsetMinutes: number
  readonly region: string
}

const pad = (value: number, width: number): string => String(value).padStart(width, "0")

const casedName = (name: string, source: string): string => {
  // Texts that begin with a digit, such as 17th.
  const letters = source.replace(/[^A-Za-z]/g, "")
  if (letters[0] === letters[0]!.toLowerCase()) return name.toLowerCase()
  return letters.length > 1 && letters[1] === letters[1]!.toLowerCase() ? name : name.toUpperCase()
}

export const dayOfYear = (f: Fields): number => daysOf(f.year, f.month, f.day) - daysOf(f.year, 1, 1) + 1
/** 0 is Sunday. */
export const weekday = (days: number): number => (((days + 4) % 7) + 7) % 7

export const isoWeek = (f: Fields): readonly [number, number] => {
  const days = daysOf(f.year, f.month, f.day)
  const thursday = days - ((weekday(days) + 6) % 7) + 3
  const year = fieldsOf(thursday * secondsPerDay).year
  return [year, Math.floor((thursday - daysOf(year, 1, 1)) / 7) + 1]
}

const small = [
  "zero",
  "one",
  "two",
  "three",
  "four",
  "five",
  "six",
  "seven",
  "eight",
  "nine",
  "ten",
  "eleven",
  "twelve",
  "thirteen",
  "fourteen",
  "fifteen",
  "sixteen",
  "seventeen",
  "eighteen",
  "nineteen"
]
const tens = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]

const spell = (value: number): string => {
  if (value < 20) return small[value]!
  if (value < 100) return tens[Math.floor(value / 10)]! + (value % 10 === 0 ? "" : "-" + small[value % 10]!)
  if (value < 1000) {
    return small[Math.floor(value / 100)]! + " hundred" + (value % 100 === 0 ? "" : " " + spell(value % 100))
  }
  return spell(Math.floor(value / 1000)) + " thousand" + (value % 1000 === 0 ? "" : " " + spell(value % 1000))
}

const ordinalSuffix = (text: string): string => {
  const value = Number(text)
  const last = value % 100
  const suffix = last >= 11 && last <= 13 ? "th" : (["th", "st", "nd", "rd"][value % 10] ?? "th")
  return text + suffix
}

const withSuffix = (text: string, element: Element): string => {
  if (element.suffix === "") return text
  if (element.suffix === "TH") return casedName(ordinalSuffix(text), element.source)
  const spelled = spell(Number(text))
  return casedName(capitals(element.suffix === "SPTH" ? ordinal(spelled) : spelled), element.source)
}

const capitals = (text: string): string => text.replace(/\b[a-z]/g, (c) => c.toUpperCase())

const irregular: Readonly<Record<string, string>> = {
  one: "first",
  two: "second",
  three: "third",
  five: "fifth",
  eight: "eighth",
  nine: "ninth",
  twelve: "twelfth"
}

const ordinal = (spelled: string): string => {
  const at = Math.max(spelled.lastIndexOf(" "), spelled.lastIndexOf("-")) + 1
  const last = spelled.slice(at)
  return spelled.slice(0, at) + (irregular[last] ?? (last.endsWith("y") ? last.slice(0, -1) + "ieth" : last + "th"))
}

/** A year in words: two pairs of digits, but thousands where the century says nothing. */
const yearInWords = (year: number): string => {
  const rest = year % 100
  if (year < 100 || year % 1000 < 10) return spell(year)
  if (rest === 0) return `${spell(year / 100)} hundred`
  if (rest < 10) throw unimplemented("YEAR of a year that ends in 01 to 09 in a date format")
  return `${spell(Math.floor(year / 100))} ${spell(rest)}`
}

export const formatDate = (
  at: Instant,
  format: string,
  zone: ZoneText | undefined,
  fraction: boolean,
  precision: number
): string => {
  const f = fieldsOf(at.seconds)
  const year = Math.abs(f.year)
  let out = ""
  let fill = true
  const number = (value: number, width: number): string => fill ? pad(value, width) : String(value)
  for (const element of dateModel(format)) {
    if (element.name === "FM") {
      fill = !fill
      continue
    }
    out += withSuffix(write(element), element)
  }
  return out

  function write(element: Element): string {
    switch (element.name) {
      case "text":
        return element.source
      case "FX":
        return ""
      case "YYYY":
      case "RRRR":
        return number(year, 4)
      case "SYYYY":
        return (f.year < 0 ? "-" : fill ? " " : "") + number(year, 4)
      case "Y,YYY":
        return `${Math.floor(year / 1000)},${pad(year % 1000, 3)}`
      case "YYY":
        return number(year % 1000, 3)
      case "YY":
      case "RR":
        return number(year % 100, 2)
      case "Y":
        return String(year % 10)
      case "YEAR":
      case "SYEAR":
        return (element.name === "YEAR" ? "" : f.year < 0 ? "-" : fill ? " " : "") +
          casedName(capitals(yearInWords(year)), element.source.replace(/^S/i, ""))
      case "IYYY":
        return number(isoWeek(f)[0], 4)
      case "IYY":
        return number(isoWeek(f)[0] % 1000, 3)
      case "IY":
        return number(isoWeek(f)[0] % 100, 2)
      case "I":
        return String(isoWeek(f)[0] % 10)
      case "CC":
      case "SCC":
        return (element.name === "CC" ? "" : f.year < 0 ? "-" : fill ? " " : "") +
          number(Math.floor((year + 99) / 100), 2)
      case "Q":
        return String(Math.floor((f.month + 2) / 3))
      case "MM":
        return number(f.month, 2)
      case "MONTH": {
        const name = casedName(monthNames[f.month - 1]!, element.source)
        return fill ? name.padEnd(9) : name
      }
      case "MON":
        return casedName(monthNames[f.month - 1]!.slice(0, 3), element.source)
      case "RM": {
        const name = element.source === "rm" ? romanMonths[f.month - 1]!.toLowerCase() : romanMonths[f.month - 1]!
        return fill ? name.padEnd(4) : name
      }
      case "WW":
        return number(Math.floor((dayOfYear(f) - 1) / 7) + 1, 2)
      case "IW":
        return number(isoWeek(f)[1], 2)
      case "W":
        return String(Math.floor((f.day - 1) / 7) + 1)
      case "DDD":
        return number(dayOfYear(f), 3)
      case "DD":
        return number(f.day, 2)
      case "DAY": {
        const name = casedName(dayNames[weekday(Math.floor(at.seconds / secondsPerDay))]!, element.source)
        return fill ? name.padEnd(9) : name
      }
      case "DY":
        return casedName(dayNames[weekday(Math.floor(at.seconds / secondsPerDay))]!.slice(0, 3), element.source)
      case "D":
        return String(weekday(Math.floor(at.seconds / secondsPerDay)) + 1)
      case "J":
        return String(Math.floor(at.seconds / secondsPerDay) + 2440588)
      case "HH":
      case "HH12":
        return number(f.hour % 12 === 0 ? 12 : f.hour % 12, 2)
      case "HH24":
        return number(f.hour, 2)
      case "MI":
        return number(f.minute, 2)
      case "SS":
        return number(f.second, 2)
      case "SSSSS":
        return number(f.hour * 3600 + f.minute * 60 + f.second, 5)
      case "AM":
      case "PM":
        return element.source[0] === element.source[0]!.toLowerCase()
          ? (f.hour < 12 ? "am" : "pm")
          : f.hour < 12
          ? "AM"
          : "PM"
      case "A.M.":
      case "P.M.":
        return element.source[0] === element.source[0]!.toLowerCase()
          ? (f.hour < 12 ? "a.m." : "p.m.")
          : f.hour < 12
          ? "A.M."
          : "P.M."
      case "AD":
      case "BC": {
        const era = f.year < 0 ? "BC" : "AD"
        return element.source[0] === element.source[0]!.toLowerCase() ? era.toLowerCase() : era
      }
      case "A.D.":
      case "B.C.": {
        const era = f.year < 0 ? "B.C." : "A.D."
        return element.source[0] === element.source[0]!.toLowerCase() ? era.toLowerCase() : era
      }
      case "X":
        if (!fraction) throw oraError(1821, "date format not recognized")
        return "."
      case "DS":
        return `${f.month}/${f.day}/${pad(f.year, 4)}`
      case "DL":
        return formatDate(at, "fmDay, Month DD, YYYY", zone, fraction, precision)
      case "TS":
        return formatDate(at, "fmHH:fmMI:SS AM", zone, fraction, precision)
      case "TZH":
        if (zone === undefined) throw oraError(1821, "date format not recognized")
        return (zone.offsetMinutes < 0 ? "-" : "+") + pad(Math.floor(Math.abs(zone.offsetMinutes) / 60), 2)
      case "TZM":
        if (zone === undefined) throw oraError(1821, "date format not recognized")
        return pad(Math.abs(zone.offsetMinutes) % 60, 2)
      case "TZR":
        if (zone === undefined) throw oraError(1821, "date format not recognized")
        if (zone.region !== "") return zone.region.toUpperCase()
        return (zone.offsetMinutes < 0 ? "-" : "+") + pad(Math.floor(Math.abs(zone.offsetMinutes) / 60), 2) + ":" +
          pad(Math.abs(zone.offsetMinutes) % 60, 2)
      case "TZD":
        if (zone === undefined) throw oraError(1821, "date format not recognized")
        return zone.region === "" ? "" : abbreviationOf(zone.region, at.seconds - zone.offsetMinutes * 60)
      default:
        if (element.name.startsWith("FF")) {
          if (!fraction) throw oraError(1821, "date format not recognized")
          const digits = element.name === "FF" ? precision : Number(element.name.slice(2))
          return pad(at.nanos, 9).slice(0, digits)
        }
        throw oraError(1821, "date format not recognized")
    }
  }
}
