/** Values of SQL as JSON, and scalars of JSON as values of SQL. */
import {
  decodeInterval,
  decodeTimestamp,
  decodeZoned,
  encodeTimestamp,
  encodeZoned,
  fieldsOf,
  type Instant
} from "../values/calendar.ts"
import type { Stored } from "../values/composite.ts"
import { hex, readInterval, readMonths, wallClock } from "../values/convert.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { fit } from "../values/fit.ts"
import { readDate } from "../values/format/dateReader.ts"
import { isArray, type Json, JsonNumber, JsonObject, normalizeJson, readJson, writeJson } from "../values/json.ts"
import { fromText, type NumberValue, toDouble, toText } from "../values/oracleNumber.ts"
import { oraError, unimplemented } from "../values/oraError.ts"
import { kindOf } from "../values/sqlType.ts"
import { byteLength } from "../values/text.ts"
import { fixedZone, formatOffset, toUtc } from "../values/timeZones.ts"
import { loadVector } from "../values/vector.ts"

const pad = (value: number, width = 2): string => String(value).padStart(width, "0")

const iso = (at: Instant, withFraction: boolean): string => {
  const f = fieldsOf(at.seconds)
  const digits = pad(at.nanos, 9)
  const fraction = !withFraction ? "" : digits.endsWith("000") ? `.${digits.slice(0, 6)}` : `.${digits}`
  return `${pad(f.year, 4)}-${pad(f.month)}-${pad(f.day)}T${pad(f.hour)}:${pad(f.minute)}:${pad(f.second)}${fraction}`
}

const duration = (text: string): string => {
  const at = decodeInterval(text)
  const total = BigInt(at.seconds) * 1_000_000_000n + BigInt(at.nanos)
  const size = total < 0n ? -total : total
  const seconds = size / 1_000_000_000n
  const nanos = size % 1_000_000_000n
  const part = (value: bigint, unit: string): string => value === 0n ? "" : `${value}${unit}`
  const fraction = nanos === 0n ? "" : `.${nanos.toString().padStart(9, "0").replace(/0+$/, "")}`
  const rest = seconds % 60n
  const time = part((seconds / 3600n) % 24n, "H") + part((seconds / 60n) % 60n, "M") +
    (rest === 0n && fraction === "" ? "" : `${rest}${fraction}S`)
  const days = part(seconds / 86400n, "D")
  return `${total < 0n ? "-" : ""}P${days}${time === "" ? (days === "" ? "T0S" : "") : `T${time}`}`
}

/** A value of SQL. `isJson`: text that is JSON itself. */
export const toJson = (value: Stored, type: SqlType, isJson: boolean): Json => {
  if (value === null) return null
  switch (kindOf(type)) {
    case "n":
      return new JsonNumber(toText(value as NumberValue))
    case "f":
      if (!Number.isFinite(value as number)) return String(value)
      return new JsonNumber(String(value))
    case "c":
    case "lc":
    case "i":
      return isJson ? readJson(value as string) : value as string
    case "j":
      return readJson(value as string)
    case "r":
    case "lb":
      return isJson ? readJson(new TextDecoder().decode(value as Uint8Array)) : hex(value as Uint8Array)
    case "b":
      return value !== 0
    case "d":
      return iso({ seconds: value as number, nanos: 0 }, false)
    case "t":
      return iso(decodeTimestamp(value as string), true)
    case "l":
      return `${iso(decodeTimestamp(value as string), true)}Z`
    case "z": {
      const zoned = decodeZoned(value as string)
      return iso(wallClock(zoned), true) + (zoned.offsetMinutes === 0 ? "Z" : formatOffset(zoned.offsetMinutes))
    }
    case "s":
      return duration(value as string)
    case "y": {
      const months = Math.abs(value as number)
      return `${(value as number) < 0 ? "-" : ""}P${Math.floor(months / 12)}Y${months % 12}M`
    }
    case "v":
      return loadVector(value as string).values.map((item) => new JsonNumber(String(item)))
    default:
      throw unimplemented(`${type.name} in JSON`)
  }
}

export const isContainer = (value: Json): boolean => isArray(value) || value instanceof JsonObject

/** A scalar as text, without quotes. */
export const scalarText = (value: Json): string =>
  typeof value === "string" ? value : value instanceof JsonNumber ? value.text : writeJson(value)

const isoDate = /^(-?\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:?\d{2})?)?$/

const readIso = (text: string): Instant & { readonly offset: number | undefined } => {
  const match = isoDate.exec(text.trim())
  if (match === null) throw oraError(1861, "literal does not match format string")
  const [, year, month, day, hour = "00", minute = "00", second = "00", fraction = "", zone] = match
  const read = readDate(`${year}-${month}-${day} ${hour}:${minute}:${second}`, "SYYYY-MM-DD HH24:MI:SS", 0)
  const sign = zone?.startsWith("-") === true ? -1 : 1
  const digits = zone?.replace(/\D/g, "") ?? ""
  return {
    seconds: read.seconds,
    nanos: Number(fraction.padEnd(9, "0")),
    offset: zone === undefined
      ? undefined
      : zone === "Z"
      ? 0
      : sign * (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2)))
  }
}

interface ScalarOptions {
  readonly booleanNumbers: boolean
  readonly keepTime: boolean
}

/** A scalar as a value of a type; what cannot be one fails. */
export const fromScalar = (value: Json, type: SqlType, options: ScalarOptions): Stored => {
  if (value === null) return null
  switch (kindOf(type)) {
    case "n":
      if (typeof value === "boolean") {
        if (!options.booleanNumbers) throw oraError(40799, "cannot convert JSON boolean value to NUMBER")
        return value ? 1 : 0
      }
      return fit(fromText(scalarText(value)), type, { kind: "cast" })
    case "f": {
      const number = toDouble(fromText(scalarText(value)))
      return type.name === "BINARY_FLOAT" ? Math.fround(number) : number
    }
    case "b":
      if (typeof value === "boolean") return value ? 1 : 0
      if (typeof value === "string" && /^(true|false)$/i.test(value)) return value.toLowerCase() === "true" ? 1 : 0
      throw oraError(61800, "invalid boolean literal")
    case "d": {
      const at = readIso(scalarText(value))
      return options.keepTime ? at.seconds : Math.floor(at.seconds / 86400) * 86400
    }
    case "t":
      return encodeTimestamp(readIso(scalarText(value)))
    case "z":
    case "l": {
      const at = readIso(scalarText(value))
      const zone = fixedZone(at.offset ?? 0)
      const seconds = toUtc(zone, at.seconds)
      return kindOf(type) === "l"
        ? encodeTimestamp({ seconds, nanos: at.nanos })
        : encodeZoned({ seconds, nanos: at.nanos, offsetMinutes: at.offset ?? 0, region: "" })
    }
    case "y":
      return readMonths(scalarText(value))
    case "s":
      return readInterval(scalarText(value))
    case "j":
      return normalizeJson(writeJson(value))
    case "r":
      if (!/^([0-9a-fA-F]{2})*$/.test(scalarText(value))) throw oraError(1465, "invalid hex number")
      return Uint8Array.from(Buffer.from(scalarText(value), "hex"))
    case "c":
      return sized(scalarText(value), type, false)
    case "lc":
      return scalarText(value)
    default:
      throw unimplemented(`JSON_VALUE RETURNING ${type.name}`)
  }
}

/** Text within the size of its type; `cut` shortens what is too long. */
const sized = (text: string, type: SqlType, cut: boolean): string => {
  const limit = type.size === 0 ? 4000 : type.size
  if (byteLength(text) <= limit) return text
  if (!cut) throw oraError(40478, `output value too large (maximum: ${limit})`)
  let out = text.slice(0, limit)
  while (byteLength(out) > limit) out = out.slice(0, -1)
  return out
}

/** A document as the result of a function: text, bytes or JSON. */
export const fromDocument = (text: string, type: SqlType, cut: boolean): Stored => {
  switch (kindOf(type)) {
    case "c":
      return sized(text, type, cut)
    case "lc":
      return text
    case "lb":
      return Uint8Array.from(Buffer.from(text))
    case "j":
      return normalizeJson(text)
    default:
      throw oraError(40484, "invalid data type for JSON column")
  }
}
