/** Datetime format models, split into elements once and kept. */
import { oraError } from "../oraError.ts"

export interface Element {
  /** The element's name, `text` for quoted text and punctuation, `FM`, `FX`. */
  readonly name: string
  /** As written: its case decides the case of names. */
  readonly source: string
  readonly suffix: "" | "TH" | "SP" | "SPTH"
}

const names = [
  "SYYYY",
  "YYYY",
  "Y,YYY",
  "YYY",
  "YY",
  "RRRR",
  "RR",
  "SYEAR",
  "YEAR",
  "IYYY",
  "IYY",
  "IY",
  "MONTH",
  "MON",
  "MM",
  "MI",
  "RM",
  "Q",
  "WW",
  "IW",
  "W",
  "DDD",
  "DD",
  "DAY",
  "DY",
  "DL",
  "DS",
  "D",
  "J",
  "HH24",
  "HH12",
  "HH",
  "SSSSS",
  "SS",
  "FF1",
  "FF2",
  "FF3",
  "FF4",
  "FF5",
  "FF6",
  "FF7",
  "FF8",
  "FF9",
  "FF",
  "A.M.",
  "P.M.",
  "AM",
  "PM",
  "A.D.",
  "B.C.",
  "AD",
  "BC",
  "TZH",
  "TZM",
  "TZR",
  "TZD",
  "TS",
  "SCC",
  "CC",
  "FM",
  "FX",
  "X",
  "Y",
  "I",
  "E"
].sort((a, b) => b.length - a.length)

const models = new Map<string, ReadonlyArray<Element>>()

export const dateModel = (format: string): ReadonlyArray<Element> => {
  const known = models.get(format)
  if (known !== undefined) return known
  const upper = format.toUpperCase()
  const elements: Array<Element> = []
  let at = 0
  while (at < format.length) {
    if (format[at] === "\"") {
      const end = format.indexOf("\"", at + 1)
      if (end < 0) throw oraError(1821, "date format not recognized")
      elements.push({ name: "text", source: format.slice(at + 1, end), suffix: "" })
      at = end + 1
      continue
    }
    const name = names.find((candidate) => upper.startsWith(candidate, at))
    if (name !== undefined && name !== "E") {
      const source = format.slice(at, at + name.length)
      at += name.length
      let suffix: Element["suffix"] = ""
      const rest = upper.slice(at)
      if (rest.startsWith("SPTH") || rest.startsWith("THSP")) suffix = "SPTH"
      else if (rest.startsWith("SP")) suffix = "SP"
      else if (rest.startsWith("TH")) suffix = "TH"
      at += suffix.length
      elements.push({ name, source, suffix })
      continue
    }
    if (/[A-Za-z0-9]/.test(format[at]!)) throw oraError(1821, "date format not recognized")
    elements.push({ name: "text", source: format[at]!, suffix: "" })
    at++
  }
  if (models.size > 2000) models.clear()
  models.set(format, elements)
  return elements
}

export const monthNames = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December"
]
export const dayNames = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
export const romanMonths = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"]
