/** Reads binds: their types, then their values. */
import type { BindType, CompositeType, EngineSession, Value } from "../engine/engine.ts"
import { OraError, oraError, unimplemented } from "../engine/oraError.ts"
import { ProtocolError } from "../net/protocolError.ts"
import type { ByteReader } from "./byteReader.ts"
import { CharForm, columnType, typeName, WireType } from "./dataType.ts"
import { decodeBinaryDouble, decodeBinaryFloat } from "./floatCodec.ts"
import { decodeUtf16 } from "./lobTable.ts"
import { FieldVersion } from "./message.ts"
import type { TtcTerms } from "./negotiation.ts"
import { decodeNumber } from "./numberCodec.ts"
import { decodeImage as decodeObject } from "./objectCodec.ts"
import { decodeOson } from "./osonDecoder.ts"
import { readDateTime, readIntervalDayToSecond, readIntervalYearToMonth } from "./temporalCodec.ts"
import { decodeVector } from "./vectorCodec.ts"

/** How one bind is sent, or how one column is wanted. */
export interface BindMetadata {
  readonly type: number
  readonly form: number
  readonly maxSize: number
  readonly isArray: boolean
  readonly maxElements: number
  /** Of the type, for objects and collections: in hexadecimal digits. */
  readonly oid: string | undefined
  /** How much of a LOB is wanted together with its locator, in characters or bytes. */
  readonly prefetch: number
}

const arrayFlag = 0x40

export const readMetadata = (reader: ByteReader, terms: TtcTerms): BindMetadata => {
  const type = columnType(reader.u8())
  const flags = reader.u8()
  // Precision and scale.
  reader.skip(1)
  if (terms.countedBytes) reader.sb4()
  else reader.skip(1)
  const maxSize = reader.ub4()
  const maxElements = reader.ub4()
  reader.ub8()
  const oid = reader.counted()?.toString("hex").toUpperCase()
  reader.ub2()
  reader.ub2()
  const form = reader.u8()
  const prefetch = reader.ub4()
  if (terms.fieldVersion >= FieldVersion.v12_2) reader.ub4()
  return { type, form, maxSize, maxElements, oid, prefetch, isArray: (flags & arrayFlag) !== 0 }
}

/** What the engine is told of a bind. */
export const bindType = (bind: BindMetadata, session: EngineSession): BindType => {
  const type = typeName(bind.type, bind.form)
  if (type === undefined) throw unimplemented(bindName(bind.type))
  if (type === "OBJECT") return { type, maxSize: 0, composite: objectType(bind.oid, session) }
  // The client multiplies national sizes by four.
  const maxSize = bind.form === CharForm.national ? Math.floor(bind.maxSize / 4) : bind.maxSize
  return bind.isArray ? { type, maxSize, maxElements: bind.maxElements } : { type, maxSize }
}

/** The type that a client names by its id. */
const objectType = (oid: string | undefined, session: EngineSession): CompositeType => {
  const type = oid === undefined ? undefined : session.objectType(oid)
  if (type === undefined) throw oraError(21700, "object does not exist or is marked for delete")
  return type
}

const bindName = (type: number): string => type === WireType.bfile ? "binds of BFILE" : `binds of data type ${type}`

/** Whether a bind of a SQL statement comes after all the others in its row. */
export const isSentLast = (bind: BindMetadata, terms: TtcTerms): boolean => {
  // The sizes of these two in the metadata are not the ones by which the client orders.
  if (bind.type === WireType.json || bind.type === WireType.vector) return false
  const size = bind.form === CharForm.national && terms.ordersByCharacters ? bind.maxSize / 4 : bind.maxSize
  return size > terms.maxString
}

const text = (bytes: Buffer, form: number): string =>
  form === CharForm.national ? decodeUtf16(bytes) : bytes.toString("utf8")

/** A cursor that the client hands in. */
interface CursorReference {
  readonly _tag: "CursorReference"
  readonly id: number
}

/** A JSON or VECTOR value that is not decoded yet: one that is damaged fails its call, not its connection. */
interface ImageReference {
  readonly _tag: "Image"
  readonly kind: "JSON" | "VECTOR"
  readonly bytes: Buffer
}

/** The value of an image; ORA-03106 when there is none in it. */
export const decodeImage = ({ bytes, kind }: ImageReference): Value => {
  try {
    return kind === "JSON" ? { _tag: "Json", value: decodeOson(bytes) } : decodeVector(bytes)
  } catch (cause) {
    throw oraError(
      3106,
      `fatal two-task communication protocol error: ${kind} value: ${
        cause instanceof Error ? cause.message : String(cause)
      }`
    )
  }
}

/** A LOB that the client hands in. */
interface LobReference {
  readonly _tag: "LobReference"
  readonly locator: Buffer
}

const nullMarker = 0xfd

const readBoolean = (reader: ByteReader): boolean | null => {
  const length = reader.u8()
  if (length === nullMarker) {
    reader.skip(1)
    return null
  }
  if (length === 0 || length === 255) return null
  return reader.bytes(length)[0] === 1
}

const readCursor = (reader: ByteReader): CursorReference | null => {
  if (reader.u8() === 0 || reader.u8() === 0) return null
  return { _tag: "CursorReference", id: reader.ub4() }
}

/** An object that is not decoded yet: its type is known when the whole request is there. */
interface ObjectReference {
  readonly _tag: "ObjectReference"
  readonly bytes: Buffer
}

/** An object as it travels, not decoded yet. */
export const readObject = (reader: ByteReader): ObjectReference | null => {
  reader.counted()
  reader.counted()
  reader.counted()
  reader.ub4()
  const size = reader.ub4()
  reader.ub4()
  const image = size > 0 ? reader.lv() : null
  // A copy: the request's buffer is used again.
  return image === null ? null : { _tag: "ObjectReference", bytes: Buffer.from(image) }
}

/** The object in an image; ORA-22317 and the like when there is none in it. */
export const resolveObject = ({ bytes }: ObjectReference, type: CompositeType | undefined): Value => {
  if (type === undefined) throw oraError(21700, "object does not exist or is marked for delete")
  try {
    return decodeObject(bytes, type)
  } catch (cause) {
    if (cause instanceof OraError) throw cause
    throw oraError(
      3106,
      `fatal two-task communication protocol error: ${cause instanceof Error ? cause.message : String(cause)}`
    )
  }
}

/** Values that the engine takes as they are, and references that are resolved when the whole request is there. */
export type WireValue = Value | CursorReference | LobReference | ImageReference | ObjectReference

/** Reads one value of a bind. */
export const readBindValue = (reader: ByteReader, bind: BindMetadata): WireValue => {
  switch (bind.type) {
    case WireType.boolean:
      return readBoolean(reader)
    case WireType.cursor:
      return readCursor(reader)
    case WireType.object:
      return readObject(reader)
    case WireType.clob:
    case WireType.blob:
    case WireType.bfile: {
      const locator = reader.counted()
      return locator === null ? null : { _tag: "LobReference", locator: Buffer.from(locator) }
    }
    case WireType.json:
    case WireType.vector: {
      if (reader.ub4() === 0) return null
      reader.lv()
      const image = reader.lv()
      if (image === null) return null
      // A copy: the request's buffer is used again.
      return { _tag: "Image", kind: bind.type === WireType.json ? "JSON" : "VECTOR", bytes: Buffer.from(image) }
    }
    default:
  }
  const bytes = reader.lv()
  return bytes === null ? null : decodeScalar(bytes, bind)
}

/** The value of a type that travels as its bytes alone. */
export const decodeScalar = (bytes: Buffer, bind: BindMetadata): Value => {
  switch (bind.type) {
    case WireType.varchar:
    case WireType.char:
    case WireType.long:
      return text(bytes, bind.form)
    case WireType.rowid:
    case WireType.urowid:
      return bytes.toString("latin1")
    case WireType.number:
    case WireType.binaryInteger:
      return decodeNumber(bytes)
    case WireType.binaryDouble:
      return decodeBinaryDouble(sized(bytes, 8))
    case WireType.binaryFloat:
      return decodeBinaryFloat(sized(bytes, 4))
    case WireType.raw:
    case WireType.longRaw:
      // A copy: the request's buffer is used again.
      return Uint8Array.from(bytes)
    case WireType.date:
    case WireType.timestamp:
    case WireType.timestampTz:
    case WireType.timestampLtz:
      return readDateTime(bytes)
    case WireType.intervalYm:
      return readIntervalYearToMonth(bytes)
    case WireType.intervalDs:
      return readIntervalDayToSecond(bytes)
    default:
      // `bindType` refuses the type by its name before anything is executed.
      return null
  }
}

const sized = (bytes: Buffer, size: number): Buffer => {
  if (bytes.length !== size) throw new ProtocolError(`float of ${bytes.length} bytes`)
  return bytes
}
