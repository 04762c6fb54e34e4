/** The bytes of dates, timestamps and intervals. */
import type { DateTime, IntervalDayToSecond, IntervalYearToMonth } from "../engine/engine.ts"
import { oraError } from "../engine/oraError.ts"
import { ProtocolError } from "../net/protocolError.ts"
import type { ByteWriter } from "./byteWriter.ts"

/** The wall clock `minutes` later. */
const shiftMinutes = (value: DateTime, minutes: number): DateTime => {
  if (minutes === 0) return value
  const date = new Date(0)
  // Date.UTC takes years below 100 for 19xx.
  date.setUTCFullYear(value.year, value.month - 1, value.day)
  date.setUTCHours(value.hour, value.minute + minutes, value.second)
  return {
    ...value,
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds()
  }
}

const writeFields = (writer: ByteWriter, value: DateTime): void => {
  writer.u8(Math.trunc(value.year / 100) + 100)
    .u8((value.year % 100) + 100)
    .u8(value.month)
    .u8(value.day)
    .u8(value.hour + 1)
    .u8(value.minute + 1)
    .u8(value.second + 1)
}

/** Seven bytes, without a fraction. */
export const writeDate = (writer: ByteWriter, value: DateTime): void => {
  writer.u8(7)
  writeFields(writer, value)
}

/** TIMESTAMP and TIMESTAMP WITH LOCAL TIME ZONE: the fraction is left out when it is zero. */
export const writeTimestamp = (writer: ByteWriter, value: DateTime): void => {
  if (value.nanosecond === 0) return writeDate(writer, value)
  writer.u8(11)
  writeFields(writer, value)
  writer.u32(value.nanosecond)
}

const zoneHourBias = 20
const zoneMinuteBias = 60

/** The fields travel in UTC, the zone beside them. */
export const writeTimestampTz = (writer: ByteWriter, value: DateTime): void => {
  writer.u8(13)
  writeFields(writer, shiftMinutes(value, -value.offsetMinutes))
  writer.u32(value.nanosecond)
    .u8(Math.trunc(value.offsetMinutes / 60) + zoneHourBias)
    .u8((value.offsetMinutes % 60) + zoneMinuteBias)
}

const within = (value: number, low: number, high: number, what: string): number => {
  if (value < low || value > high) throw new ProtocolError(`${what} of a date is ${value}`)
  return value
}

const regionFlag = 0x80
// The numbers of GMT and UTC. Of the other regions this server knows the names only.
const regionsAtZero: ReadonlySet<number> = new Set([1, 5121])

/** DATE and all TIMESTAMPs; the length says which. A value with a zone comes back as wall clock of that zone. */
export const readDateTime = (bytes: Buffer): DateTime => {
  if (bytes.length !== 7 && bytes.length !== 11 && bytes.length !== 13) {
    throw new ProtocolError(`date of ${bytes.length} bytes`)
  }
  const fields: DateTime = {
    _tag: "DateTime",
    year: within((bytes[0]! - 100) * 100 + bytes[1]! - 100, -4712, 9999, "year"),
    month: within(bytes[2]!, 1, 12, "month"),
    day: within(bytes[3]!, 1, 31, "day"),
    hour: within(bytes[4]! - 1, 0, 23, "hour"),
    minute: within(bytes[5]! - 1, 0, 59, "minute"),
    second: within(bytes[6]! - 1, 0, 59, "second"),
    nanosecond: bytes.length >= 11 ? within(bytes.readUInt32BE(7), 0, 999_999_999, "fraction") : 0,
    offsetMinutes: 0
  }
  if (bytes.length < 13) return fields
  if (bytes[11]! & regionFlag) {
    const region = (bytes[11]! & ~regionFlag) * 64 + (bytes[12]! >> 2)
    if (!regionsAtZero.has(region)) throw oraError(1882, `timezone region ${region} not found`)
    return fields
  }
  const offsetMinutes = (bytes[11]! - zoneHourBias) * 60 + bytes[12]! - zoneMinuteBias
  return { ...shiftMinutes(fields, offsetMinutes), offsetMinutes }
}

const bias32 = 0x8000_0000
const bias8 = 60

export const writeIntervalYearToMonth = (writer: ByteWriter, value: IntervalYearToMonth): void => {
  writer.u8(5).u32(value.years + bias32).u8(value.months + bias8)
}

export const readIntervalYearToMonth = (bytes: Buffer): IntervalYearToMonth => {
  if (bytes.length !== 5) throw new ProtocolError(`INTERVAL YEAR TO MONTH of ${bytes.length} bytes`)
  return { _tag: "IntervalYearToMonth", years: bytes.readUInt32BE(0) - bias32, months: bytes[4]! - bias8 }
}

export const writeIntervalDayToSecond = (writer: ByteWriter, value: IntervalDayToSecond): void => {
  writer.u8(11)
    .u32(value.days + bias32)
    .u8(value.hours + bias8)
    .u8(value.minutes + bias8)
    .u8(value.seconds + bias8)
    .u32(value.nanoseconds + bias32)
}

export const readIntervalDayToSecond = (bytes: Buffer): IntervalDayToSecond => {
  if (bytes.length !== 11) throw new ProtocolError(`INTERVAL DAY TO SECOND of ${bytes.length} bytes`)
  return {
    _tag: "IntervalDayToSecond",
    days: bytes.readUInt32BE(0) - bias32,
    hours: bytes[4]! - bias8,
    minutes: bytes[5]! - bias8,
    seconds: bytes[6]! - bias8,
    nanoseconds: bytes.readUInt32BE(7) - bias32
  }
}
