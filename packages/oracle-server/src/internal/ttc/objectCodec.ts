/** Images of objects, collections and records: the form in which their values travel. */
import type { CompositeType, ElementType, ObjectValue, Value } from "../engine/engine.ts"
import { oraError, unimplemented } from "../engine/oraError.ts"
import { oidOf } from "../engine/values/composite.ts"
import { ProtocolError } from "../net/protocolError.ts"
import { ByteReader } from "./byteReader.ts"
import { ByteWriter } from "./byteWriter.ts"
import { decodeBinaryDouble, decodeBinaryFloat, encodeBinaryDouble, encodeBinaryFloat } from "./floatCodec.ts"
import { decodeUtf16, encodeUtf16 } from "./lobTable.ts"
import { decodeNumber, encodeNumber } from "./numberCodec.ts"
import { readDateTime, writeDate, writeTimestamp, writeTimestampTz } from "./temporalCodec.ts"

const imageFlag = { version81: 0x80, degenerate: 0x10, collection: 0x08, noPrefix: 0x04 } as const
const imageVersion = 1
const indexed = 0x10
const atomicNull = 253
const longLength = 254
const nullLength = 255
/** A length above this one takes five bytes. */
const maxShort = 245

/** What stands around the type's own id of 16 bytes. */
const toidPrefix = Buffer.from([0, 0x22, 0x02, 0x08])
const extentOid = Buffer.from("00000000000000000000000000010001", "hex")
const topLevel = 1

/** The id by which a type is named in a value. */
export const toid = (oid: string): Buffer => Buffer.concat([toidPrefix, Buffer.from(oid, "hex"), extentOid])

const isIndexed = (type: CompositeType): boolean => type.kind === "collection" && type.key !== undefined

const writeLength = (writer: ByteWriter, length: number): void => {
  if (length <= maxShort) writer.u8(length)
  else writer.u8(longLength).u32(length)
}

const writeBytes = (writer: ByteWriter, bytes: Uint8Array): void => {
  writeLength(writer, bytes.length)
  writer.bytes(bytes)
}

/** An image with its header. */
const encodeImage = (value: ObjectValue): Buffer => {
  const writer = new ByteWriter()
  const isCollection = value.type.kind === "collection"
  writer.u8(imageFlag.version81 | (isCollection ? imageFlag.collection : imageFlag.noPrefix)).u8(imageVersion)
  writer.u8(longLength).u32(0)
  if (isCollection) writer.u8(1).u8(1)
  writeBody(writer, value)
  const image = Buffer.from(writer.written())
  image.writeUInt32BE(image.length, 3)
  return image
}

const writeBody = (writer: ByteWriter, { keys, type, values }: ObjectValue): void => {
  if (type.kind !== "collection") {
    type.attributes.forEach((attribute, i) => writePart(writer, attribute.type, values[i] ?? null, false))
    return
  }
  const withKeys = isIndexed(type)
  if (withKeys && type.form === "texts") throw unimplemented("index-by tables by text outside of PL/SQL")
  writer.u8(withKeys ? indexed : 0)
  writeLength(writer, values.length)
  values.forEach((value, i) => {
    if (withKeys) writer.u32(Number(keys?.[i] ?? i + 1))
    writePart(writer, type.element, value, true)
  })
}

const isObject = (value: Value): value is ObjectValue =>
  typeof value === "object" && value !== null && "_tag" in value && value._tag === "Object"

const isTime = (value: Value): value is Extract<Value, { readonly _tag: "DateTime" }> =>
  typeof value === "object" && value !== null && "_tag" in value && value._tag === "DateTime"

/** An attribute or an element; collections and what is in them have an image of their own. */
const writePart = (writer: ByteWriter, type: ElementType, value: Value, isElement: boolean): void => {
  const { composite } = type
  if (value === null) {
    writer.u8(composite !== undefined && composite.kind !== "collection" ? atomicNull : nullLength)
    return
  }
  if (composite !== undefined) {
    if (!isObject(value)) throw oraError(932, `inconsistent datatypes: expected ${composite.name}`)
    if (isElement || composite.kind === "collection") writeBytes(writer, encodeImage(value))
    // Of a subtype only what the type of the attribute tells the client.
    else writeBody(writer, { ...value, type: composite })
    return
  }
  writeScalar(writer, type, value, isElement)
}

const writeScalar = (writer: ByteWriter, type: ElementType, value: Value, isElement: boolean): void => {
  const wrong = (): never => {
    throw oraError(932, `inconsistent datatypes: expected ${type.name}`)
  }
  switch (type.name) {
    case "VARCHAR2":
    case "CHAR":
    case "LONG":
      writeBytes(writer, Buffer.from(typeof value === "string" ? value : wrong(), "utf8"))
      return
    case "NVARCHAR2":
    case "NCHAR":
      writeBytes(writer, encodeUtf16(typeof value === "string" ? value : wrong()))
      return
    case "NUMBER":
      writeBytes(writer, encodeNumber(value as string))
      return
    case "BINARY_INTEGER":
      // Among elements it is described as a NUMBER.
      if (isElement) writeBytes(writer, encodeNumber(value as string))
      else writer.u8(4).u32(Number(value))
      return
    case "BOOLEAN":
      writer.u8(4).u32(value === true ? 1 : 0)
      return
    case "RAW":
      writeBytes(writer, value instanceof Uint8Array ? value : wrong())
      return
    case "BINARY_DOUBLE":
      writeBytes(writer, encodeBinaryDouble(value as number))
      return
    case "BINARY_FLOAT":
      writeBytes(writer, encodeBinaryFloat(value as number))
      return
    case "DATE":
      writeDate(writer, isTime(value) ? value : wrong())
      return
    case "TIMESTAMP":
    case "TIMESTAMP WITH LOCAL TIME ZONE":
      writeTimestamp(writer, isTime(value) ? value : wrong())
      return
    case "TIMESTAMP WITH TIME ZONE":
      writeTimestampTz(writer, isTime(value) ? value : wrong())
      return
    default:
      throw unimplemented(`${type.name} in objects on the wire`)
  }
}

/** Writes a value of an object type as a column or a bind has it. */
export const writeObject = (writer: ByteWriter, value: ObjectValue | null): void => {
  if (value === null) {
    // Type, object, snapshot, version, length of the image, flags.
    writer.zeros(6)
    return
  }
  const image = encodeImage(value)
  writer.counted(toid(oidOf(value.type))).ub(0).ub(0).ub(0).ub(image.length).ub(topLevel).lv(image)
}

const readLength = (reader: ByteReader): number => {
  const length = reader.u8()
  return length === longLength ? reader.bytes(4).readUInt32BE(0) : length
}

const damaged = (what: string): ProtocolError => new ProtocolError(`image of an object: ${what}`)

/** The value in an image that a client has sent. */
export const decodeImage = (bytes: Buffer, type: CompositeType): ObjectValue => {
  const reader = new ByteReader(bytes)
  const flags = reader.u8()
  reader.skip(1)
  readLength(reader)
  if ((flags & imageFlag.degenerate) !== 0) throw damaged("it is a locator")
  if ((flags & imageFlag.noPrefix) === 0) reader.skip(readLength(reader))
  return readBody(reader, type)
}

const readBody = (reader: ByteReader, type: CompositeType): ObjectValue => {
  if (type.kind !== "collection") {
    return {
      _tag: "Object",
      type,
      values: type.attributes.map((attribute) => readPart(reader, attribute.type, false))
    }
  }
  const withKeys = (reader.u8() & indexed) !== 0
  const count = readLength(reader)
  const keys: Array<number> = []
  const values: Array<Value> = []
  for (let i = 0; i < count; i++) {
    if (withKeys) keys.push(reader.bytes(4).readInt32BE(0))
    values.push(readPart(reader, type.element, true))
  }
  return { _tag: "Object", type, values, ...(withKeys ? { keys } : {}) }
}

const readPart = (reader: ByteReader, type: ElementType, isElement: boolean): Value => {
  const { composite } = type
  if (composite !== undefined && !isElement && composite.kind !== "collection") {
    if (reader.peek() !== atomicNull) return readBody(reader, composite)
    reader.skip(1)
    return null
  }
  const first = reader.u8()
  if (first === nullLength || first === 0 || (composite !== undefined && first === atomicNull)) return null
  const bytes = reader.bytes(first === longLength ? reader.bytes(4).readUInt32BE(0) : first)
  return composite === undefined ? readScalar(bytes, type, isElement) : decodeImage(bytes, composite)
}

const readScalar = (bytes: Buffer, type: ElementType, isElement: boolean): Value => {
  switch (type.name) {
    case "VARCHAR2":
    case "CHAR":
    case "LONG":
      return bytes.toString("utf8")
    case "NVARCHAR2":
    case "NCHAR":
      return decodeUtf16(bytes)
    case "NUMBER":
      return decodeNumber(bytes)
    case "BINARY_INTEGER":
      return isElement ? decodeNumber(bytes) : String(bytes.readIntBE(0, Math.min(bytes.length, 6)))
    case "BOOLEAN":
      return bytes[bytes.length - 1] === 1
    case "RAW":
      return Uint8Array.from(bytes)
    case "BINARY_DOUBLE":
      return decodeBinaryDouble(bytes)
    case "BINARY_FLOAT":
      return decodeBinaryFloat(bytes)
    case "DATE":
    case "TIMESTAMP":
    case "TIMESTAMP WITH TIME ZONE":
    case "TIMESTAMP WITH LOCAL TIME ZONE":
      return readDateTime(bytes)
    default:
      throw unimplemented(`${type.name} in objects on the wire`)
  }
}
