/** Offsets of fixed zones (`+02:00`) and of regions (by the runtime's own zone data). */
import { fieldsOf, secondsOf } from "./calendar.ts"
import { oraError, unimplemented } from "./oraError.ts"

/** A zone by name: a fixed offset or a region. */
export interface Zone {
  readonly name: string
  /** Minutes from UTC at a UTC instant (seconds). */
  readonly offsetAt: (utcSeconds: number) => number
  readonly region: string
}

export const formatOffset = (minutes: number): string => {
  const size = Math.abs(minutes)
  return (minutes < 0 ? "-" : "+") + String(Math.floor(size / 60)).padStart(2, "0") + ":" +
    String(size % 60).padStart(2, "0")
}

export const fixedZone = (minutes: number): Zone => ({
  name: formatOffset(minutes),
  offsetAt: () => minutes,
  region: ""
})

const regions = new Map<string, Zone>()

const regionZone = (name: string): Zone | undefined => {
  const known = regions.get(name.toLowerCase())
  if (known !== undefined) return known
  let format: Intl.DateTimeFormat
  try {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: name,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric"
    })
  } catch {
    return undefined
  }
  const zone: Zone = {
    name: format.resolvedOptions().timeZone === "UTC" ? "UTC" : name,
    region: name,
    offsetAt: (utcSeconds) => {
      const parts: Record<string, number> = {}
      for (const part of format.formatToParts(utcSeconds * 1000)) parts[part.type] = Number(part.value)
      const local = secondsOf({
        year: parts["year"]!,
        month: parts["month"]!,
        day: parts["day"]!,
        hour: parts["hour"]!,
        minute: parts["minute"]!,
        second: parts["second"]!
      })
      return Math.round((local - utcSeconds) / 60)
    }
  }
  regions.set(name.toLowerCase(), zone)
  return zone
}

const abbreviations = new Map<string, Intl.DateTimeFormat>()
/** Zones whose abbreviation the runtime does not know in American English. */
const known: Readonly<Record<string, readonly [string, string]>> = {
  "europe/paris": ["CET", "CEST"],
  "europe/berlin": ["CET", "CEST"],
  "europe/madrid": ["CET", "CEST"],
  "europe/rome": ["CET", "CEST"],
  "europe/vienna": ["CET", "CEST"],
  "europe/zurich": ["CET", "CEST"],
  "europe/amsterdam": ["CET", "CEST"],
  "europe/brussels": ["CET", "CEST"],
  "europe/london": ["GMT", "BST"],
  "asia/tokyo": ["JST", "JST"],
  "asia/kolkata": ["IST", "IST"],
  "asia/calcutta": ["IST", "IST"]
}

/** The abbreviation of a region's time at a UTC instant: PST, PDT, CEST. */
export const abbreviationOf = (region: string, utcSeconds: number): string => {
  const pair = known[region.toLowerCase()]
  const zone = parseZone(region)
  if (pair !== undefined) {
    const winter = zone.offsetAt(Date.UTC(fieldsOf(utcSeconds).year, 0, 15) / 1000)
    return zone.offsetAt(utcSeconds) === winter ? pair[0] : pair[1]
  }
  let format = abbreviations.get(region)
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-US", { timeZone: region, timeZoneName: "short" })
    abbreviations.set(region, format)
  }
  const name = format.formatToParts(utcSeconds * 1000).find((part) => part.type === "timeZoneName")!.value
  if (!/^[A-Z]+$/.test(name)) throw unimplemented(`the abbreviation of ${region}`)
  return name
}

const offsetGrammar = /^\s*([+-]?)(\d{1,2}):(\d{2})\s*$/

export const parseZone = (text: string): Zone => {
  const match = offsetGrammar.exec(text)
  if (match !== null) {
    const minutes = (Number(match[2]) * 60 + Number(match[3])) * (match[1] === "-" ? -1 : 1)
    if (minutes < -15 * 60 - 59 || minutes > 15 * 60 || Number(match[3]) > 59) {
      throw oraError(1874, "time zone hour must be between -15 and 15")
    }
    return fixedZone(minutes)
  }
  const zone = regionZone(text.trim())
  if (zone === undefined) throw oraError(1882, "timezone region not found")
  return zone
}

const day = 86_400

/**
 * The UTC seconds of a wall clock reading in the zone; in the hour that is there twice, the first. A reading that is left out
 * when the clock is put forward is taken by the time before.
 */
export const toUtc = (zone: Zone, localSeconds: number): number => {
  const before = zone.offsetAt(localSeconds - day)
  const first = localSeconds - before * 60
  if (zone.offsetAt(first) === before) return first
  const after = zone.offsetAt(localSeconds + day)
  const second = localSeconds - after * 60
  return zone.offsetAt(second) === after ? second : first
}
