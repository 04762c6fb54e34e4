/** The bytes that a value has inside of the database: what DUMP, VSIZE and STANDARD_HASH look at. */
import { fieldsOf } from "./calendar.ts"
import type { Stored } from "./composite.ts"
import type { SqlType } from "./dataTypes.ts"
import { type NumberValue, toBytes } from "./oracleNumber.ts"
import { unimplemented } from "./oraError.ts"
import { kindOf } from "./sqlType.ts"

interface InternalForm {
  /** The number of the type. */
  readonly type: number
  readonly bytes: Uint8Array
  readonly characterSet: string | undefined
}

/** UTF-16 with the high byte first, as the national character set has it. */
const bigEndian = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "utf16le").swap16())

/** Floating-point bytes that compare like the numbers: the sign bit is turned, all bits of a negative number are. */
const sortable = (bytes: Buffer): Uint8Array =>
  Uint8Array.from(bytes, (byte, i) => (bytes[0]! & 0x80) !== 0 ? ~byte & 0xff : i === 0 ? byte | 0x80 : byte)

/** `isColumn`: the value stands in a table, where dates look different. */
export const internalForm = (value: Exclude<Stored, null>, type: SqlType, isColumn: boolean): InternalForm => {
  switch (kindOf(type)) {
    case "c": {
      const number = type.name === "CHAR" || type.name === "NCHAR" ? 96 : 1
      return type.name === "NVARCHAR2" || type.name === "NCHAR"
        ? { type: number, bytes: bigEndian(value as string), characterSet: "AL16UTF16" }
        : { type: number, bytes: Uint8Array.from(Buffer.from(value as string)), characterSet: "AL32UTF8" }
    }
    case "n":
      return { type: 2, bytes: toBytes(value as NumberValue), characterSet: undefined }
    case "r":
      return { type: 23, bytes: value as Uint8Array, characterSet: undefined }
    case "d": {
      const f = fieldsOf(value as number)
      const year = Math.abs(f.year)
      const bytes = isColumn
        ? [
          100 + Math.sign(f.year) * Math.floor(year / 100),
          100 + Math.sign(f.year) * (year % 100),
          f.month,
          f.day,
          f.hour + 1,
          f.minute + 1,
          f.second + 1
        ]
        : [f.year & 0xff, (f.year >> 8) & 0xff, f.month, f.day, f.hour, f.minute, f.second, 0]
      return { type: isColumn ? 12 : 13, bytes: Uint8Array.from(bytes), characterSet: undefined }
    }
    case "f": {
      const isFloat = type.name === "BINARY_FLOAT"
      const bytes = Buffer.alloc(isFloat ? 4 : 8)
      if (isFloat) bytes.writeFloatBE(value as number)
      else bytes.writeDoubleBE(value as number)
      return { type: isFloat ? 100 : 101, bytes: sortable(bytes), characterSet: undefined }
    }
    default:
      throw unimplemented(`the inside of ${type.name}`)
  }
}

const shown = (byte: number, format: number): string => {
  switch (format) {
    case 8:
      return byte.toString(8)
    case 16:
      return byte.toString(16)
    case 17:
      return byte > 32 && byte < 127 ? String.fromCharCode(byte) : byte.toString(16)
    default:
      return String(byte)
  }
}

/** The text of DUMP. `format` is 8, 10, 16 or 17, with 1000 more for the character set. */
export const dump = (form: InternalForm, format: number, from: number, length: number | undefined): string => {
  const start = from > 0 ? from - 1 : from < 0 ? Math.max(0, form.bytes.length + from) : 0
  const part = form.bytes.slice(start, length === undefined || length === 0 ? undefined : start + Math.abs(length))
  const set = format >= 1000 && form.characterSet !== undefined ? ` CharacterSet=${form.characterSet}` : ""
  return `Typ=${form.type} Len=${form.bytes.length}${set}: ${
    Array.from(part, (byte) => shown(byte, format % 1000)).join(",")
  }`
}
