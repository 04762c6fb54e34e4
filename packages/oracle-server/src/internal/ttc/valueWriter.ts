/** Writes values of columns and binds. */
import type { Column, Cursor, Lob, TypeName, Value } from "../engine/engine.ts"
import { oraError } from "../engine/oraError.ts"
import type { ByteWriter } from "./byteWriter.ts"
import { CharForm, WireType, wireType } from "./dataType.ts"
import { encodeBinaryDouble, encodeBinaryFloat } from "./floatCodec.ts"
import { encodeUtf16, locatorSize } from "./lobTable.ts"
import { encodeNumber } from "./numberCodec.ts"
import { writeObject } from "./objectCodec.ts"
import { encodeOson } from "./osonEncoder.ts"
import { parseRowid } from "./rowidCodec.ts"
import {
  writeDate,
  writeIntervalDayToSecond,
  writeIntervalYearToMonth,
  writeTimestamp,
  writeTimestampTz
} from "./temporalCodec.ts"
import { encodeVector } from "./vectorCodec.ts"

/** Where values that are more than bytes are registered. */
export interface ValueContext {
  /** A locator that leads to the LOB. */
  readonly locate: (lob: Lob) => Buffer
  /** Writes the description of a cursor that is handed out and gives it an id. */
  readonly writeCursor: (cursor: Cursor) => void
}

const inconsistent = (type: TypeName, value: Value): never => {
  throw oraError(932, `inconsistent datatypes: expected ${type} got ${typeof value}`)
}

const isLob = (value: Value): value is Lob =>
  typeof value === "object" && value !== null && "_tag" in value && value._tag === "Lob"

const writeText = (writer: ByteWriter, type: TypeName, value: Value, national: boolean): void => {
  const text = isLob(value) ? value.read(1, value.length()) : value
  if (typeof text !== "string") return inconsistent(type, value)
  if (national) writer.lv(encodeUtf16(text))
  else writer.lvText(text)
}

const writeBytes = (writer: ByteWriter, type: TypeName, value: Value): void => {
  const bytes = isLob(value) ? value.read(1, value.length()) : value
  if (!(bytes instanceof Uint8Array)) return inconsistent(type, value)
  writer.lv(bytes)
}

const writeLocator = (writer: ByteWriter, lob: Lob, locate: ValueContext["locate"], prefetch = 0): void => {
  writer.ub(locatorSize).ub(lob.length()).ub(lob.chunkSize)
  if (prefetch > 0) writePrefetch(writer, lob, prefetch)
  writer.lv(locate(lob))
}

const utf16 = 2000

const writePrefetch = (writer: ByteWriter, lob: Lob, amount: number): void => {
  const data = lob.read(1, Math.min(amount, lob.length()))
  if (typeof data !== "string") {
    writer.lv(data)
    return
  }
  // Text of variable width, its character set, and the form.
  writer.u8(1).ub(utf16).u8(lob.type === "NCLOB" ? CharForm.national : CharForm.implicit).lv(encodeUtf16(data))
}

// JSON and VECTOR travel in the frame of a LOB whose data comes at once.
const writeImage = (writer: ByteWriter, image: Buffer): void => {
  writer.ub(locatorSize).ub(image.length).ub(0).lv(image).lv(Buffer.alloc(locatorSize))
}

const writeNull = (writer: ByteWriter): void => {
  // For the framed types it is a length of zero, for the others an empty value: the same byte.
  writer.u8(0)
}

/** Writes a value in the form of `type`. `rowidAsText` is how OUT binds carry rowids. */
export const writeValue = (
  writer: ByteWriter,
  type: TypeName,
  value: Value,
  context: ValueContext,
  rowidAsText: boolean
): void => {
  if (value === null) return type === "OBJECT" ? writeObject(writer, null) : writeNull(writer)
  switch (type) {
    case "VARCHAR2":
    case "CHAR":
    case "LONG":
      return writeText(writer, type, value, false)
    case "NVARCHAR2":
    case "NCHAR":
      return writeText(writer, type, value, true)
    case "NUMBER":
    case "BINARY_INTEGER":
      if (typeof value !== "string" && typeof value !== "number") return inconsistent(type, value)
      writer.lv(encodeNumber(value))
      return
    case "BINARY_DOUBLE":
      if (typeof value !== "number") return inconsistent(type, value)
      writer.lv(encodeBinaryDouble(value))
      return
    case "BINARY_FLOAT":
      if (typeof value !== "number") return inconsistent(type, value)
      writer.lv(encodeBinaryFloat(value))
      return
    case "RAW":
    case "LONG RAW":
      return writeBytes(writer, type, value)
    case "BOOLEAN":
      if (typeof value !== "boolean") return inconsistent(type, value)
      if (value) writer.u8(2).u8(1).u8(1)
      else writer.u8(1).u8(0)
      return
    case "ROWID":
    case "UROWID":
      if (typeof value !== "string") return inconsistent(type, value)
      if (rowidAsText) writer.lvText(value)
      else if (type === "ROWID") writeRowid(writer, value)
      else writeUrowid(writer, value)
      return
    default:
  }
  if (typeof value !== "object" || !("_tag" in value)) return inconsistent(type, value)
  switch (type) {
    case "DATE":
      if (value._tag !== "DateTime") return inconsistent(type, value)
      return writeDate(writer, value)
    case "TIMESTAMP":
    case "TIMESTAMP WITH LOCAL TIME ZONE":
      if (value._tag !== "DateTime") return inconsistent(type, value)
      return writeTimestamp(writer, value)
    case "TIMESTAMP WITH TIME ZONE":
      if (value._tag !== "DateTime") return inconsistent(type, value)
      return writeTimestampTz(writer, value)
    case "INTERVAL YEAR TO MONTH":
      if (value._tag !== "IntervalYearToMonth") return inconsistent(type, value)
      return writeIntervalYearToMonth(writer, value)
    case "INTERVAL DAY TO SECOND":
      if (value._tag !== "IntervalDayToSecond") return inconsistent(type, value)
      return writeIntervalDayToSecond(writer, value)
    case "CLOB":
    case "NCLOB":
    case "BLOB":
      if (value._tag !== "Lob") return inconsistent(type, value)
      return writeLocator(writer, value, context.locate)
    case "JSON":
      if (value._tag !== "Json") return inconsistent(type, value)
      return writeImage(writer, encodeOson(value.value))
    case "VECTOR":
      if (value._tag !== "Vector") return inconsistent(type, value)
      return writeImage(writer, encodeVector(value))
    case "OBJECT":
      if (value._tag !== "Object") return inconsistent(type, value)
      return writeObject(writer, value)
    case "CURSOR":
      if (value._tag !== "Cursor") return inconsistent(type, value)
      writer.u8(1)
      return context.writeCursor(value)
    default:
      return inconsistent(type, value)
  }
}

const writeRowid = (writer: ByteWriter, value: string): void => {
  const rowid = parseRowid(value)
  writer.u8(13).ub(rowid.rba).ub(rowid.partition).u8(0).ub(rowid.block).ub(rowid.slot)
}

const physicalRowid = 1

const writeUrowid = (writer: ByteWriter, value: string): void => {
  const rowid = parseRowid(value)
  const bytes = Buffer.alloc(13)
  bytes[0] = physicalRowid
  bytes.writeUInt32BE(rowid.rba, 1)
  bytes.writeUInt16BE(rowid.partition, 5)
  bytes.writeUInt32BE(rowid.block, 7)
  bytes.writeUInt16BE(rowid.slot, 11)
  writer.lv(Uint8Array.of(bytes.length)).lv(bytes)
}

/** How a column is sent: its own type, or the one a define asked for. */
export interface ColumnForm {
  readonly column: Column
  readonly type: TypeName
  /** A null indicator and a return code follow each value. */
  readonly trailer: boolean
  /** How much of a LOB goes with its locator; without a define nothing does, not even the length. */
  readonly prefetch: number | undefined
}

/** The form of a column that nothing was said about. */
export const ownForm = (column: Column, maxString: number): ColumnForm => ({
  column,
  type: column.type,
  prefetch: undefined,
  trailer: column.type === "LONG" || column.type === "LONG RAW" || describedSize(column, maxString) > maxString
})

/** LOB-like columns are described with a size that never makes them LONGs. */
export const describedSize = (column: Column, maxString: number): number => {
  const number = wireType(column.type)
  const framed = number === WireType.object || number === WireType.clob || number === WireType.blob ||
    number === WireType.json ||
    number === WireType.vector
  return framed ? Math.min(Math.max(column.maxSize, 1), maxString) : Math.max(column.maxSize, 1)
}

const asDefined = (value: Value, form: ColumnForm): Value => {
  if (value === null || form.type === form.column.type) return value
  if (typeof value === "object" && "_tag" in value) {
    if (value._tag === "Json") return JSON.stringify(value.value)
    if (value._tag === "Vector") return `[${value.values.join(",")}]`
  }
  return value
}

/** Writes one value of a fetched row. */
export const writeColumn = (writer: ByteWriter, form: ColumnForm, value: Value, context: ValueContext): void => {
  const given = asDefined(value, form)
  if (given !== null && isLob(given) && given.type === form.type) {
    if (form.prefetch === undefined) writer.ub(locatorSize).lv(context.locate(given))
    else writeLocator(writer, given, context.locate, form.prefetch)
    return
  }
  writeValue(writer, form.type, given, context, false)
  // Null indicator -1 and return code 1405 say that the column is null.
  if (form.trailer) {
    if (given === null) writer.sb(-1).ub(1405)
    else writer.ub(0).ub(0)
  }
}
