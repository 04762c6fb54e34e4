import { ProtocolError } from "../net/ProtocolError.ts"
import { ByteReader, Incomplete } from "./ByteReader.ts"
import { ByteWriter } from "./ByteWriter.ts"
import { decodeBinaryDouble, decodeBinaryFloat } from "./FloatCodec.ts"
import { decodeNumber, encodeNumber } from "./NumberCodec.ts"
import { readDateTime, readIntervalDayToSecond, readIntervalYearToMonth } from "./TemporalCodec.ts"
import { decodeVector } from "./VectorCodec.ts"

// OSON is the binary form of JSON: a dictionary of field names, then a tree whose containers hold offsets to their
// children. Facts from lib/impl/datahandlers/oson.js of the driver.

const magic = [0xff, 0x4a, 0x5a] as const
const versionShortNames = 1
const versionLongNames = 3

const Flag = {
  relativeOffsets: 0x0001,
  inlineLeaf: 0x0002,
  lengthInNode: 0x0004,
  names32: 0x0008,
  scalar: 0x0010,
  hash8: 0x0100,
  names16: 0x0400,
  nameSegment32: 0x0800,
  tree32: 0x1000,
  tinyNodes: 0x2000
} as const

const longNameSegment16 = 0x0100

const Node = {
  null: 0x30,
  true: 0x31,
  false: 0x32,
  string8: 0x33,
  number8: 0x34,
  binaryDouble: 0x36,
  string16: 0x37,
  string32: 0x38,
  timestamp: 0x39,
  binary16: 0x3a,
  binary32: 0x3b,
  date: 0x3c,
  intervalYm: 0x3d,
  intervalDs: 0x3e,
  extended: 0x7b,
  timestampTz: 0x7c,
  timestamp7: 0x7d,
  id: 0x7e,
  binaryFloat: 0x7f,
  object: 0x84,
  array: 0xc0
} as const

const offset32 = 0x20

interface FieldName {
  readonly bytes: Buffer
  readonly text: string
  readonly hash: number
  id: number
}

// FNV-1a, of which the low byte is stored.
const hashOf = (bytes: Buffer): number => {
  let hash = 0x811c9dc5
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 16_777_619)
  return hash & 0xff
}

const collectNames = (value: unknown, names: Map<string, FieldName>): void => {
  if (Array.isArray(value)) {
    for (const element of value) collectNames(element, names)
  } else if (typeof value === "object" && value !== null) {
    for (const [text, element] of Object.entries(value)) {
      if (!names.has(text)) {
        const bytes = Buffer.from(text, "utf8")
        if (bytes.length > 65_535) throw new TypeError("JSON field name is longer than 65535 bytes")
        names.set(text, { bytes, text, hash: hashOf(bytes), id: 0 })
      }
      collectNames(element, names)
    }
  }
}

const byHash = (one: FieldName, other: FieldName): number =>
  one.hash - other.hash || one.bytes.length - other.bytes.length || Buffer.compare(one.bytes, other.bytes)

const writeContainerHead = (tree: ByteWriter, node: number, count: number): void => {
  if (count < 256) tree.u8(node | offset32).u8(count)
  else if (count < 65_536) tree.u8(node | offset32 | 0x08).u16(count)
  else tree.u8(node | offset32 | 0x10).u32(count)
}

const writeSized = (tree: ByteWriter, value: string): void => {
  const bytes = Buffer.from(value, "utf8")
  if (bytes.length < 256) tree.u8(Node.string8).u8(bytes.length)
  else if (bytes.length < 65_536) tree.u8(Node.string16).u16(bytes.length)
  else tree.u8(Node.string32).u32(bytes.length)
  tree.bytes(bytes)
}

const writeId = (tree: ByteWriter, id: number, size: number): void => {
  if (size === 1) tree.u8(id)
  else if (size === 2) tree.u16(id)
  else tree.u32(id)
}

const writeNode = (tree: ByteWriter, value: unknown, names: Map<string, FieldName>, idSize: number): void => {
  if (value === null || value === undefined) tree.u8(Node.null)
  else if (value === true) tree.u8(Node.true)
  else if (value === false) tree.u8(Node.false)
  else if (typeof value === "string") writeSized(tree, value)
  else if (typeof value === "number" || typeof value === "bigint") {
    const bytes = encodeNumber(value)
    tree.u8(Node.number8).u8(bytes.length).bytes(bytes)
  } else if (Array.isArray(value)) {
    writeContainerHead(tree, Node.array, value.length)
    const offsets = tree.length
    tree.zeros(value.length * 4)
    for (let index = 0; index < value.length; index++) {
      tree.written().writeUInt32BE(tree.length, offsets + index * 4)
      writeNode(tree, value[index], names, idSize)
    }
  } else if (typeof value === "object") {
    const entries = Object.entries(value).map(([text, element]) => ({ name: names.get(text)!, element }))
    entries.sort((one, other) => one.name.id - other.name.id)
    writeContainerHead(tree, Node.object, entries.length)
    for (const { name } of entries) writeId(tree, name.id, idSize)
    const offsets = tree.length
    tree.zeros(entries.length * 4)
    for (let index = 0; index < entries.length; index++) {
      tree.written().writeUInt32BE(tree.length, offsets + index * 4)
      writeNode(tree, entries[index]!.element, names, idSize)
    }
  } else throw new TypeError(`not a JSON value: ${typeof value}`)
}

const writeNames = (out: ByteWriter, names: ReadonlyArray<FieldName>, segment: number, long: boolean): void => {
  for (const name of names) {
    if (long) out.u16(name.hash)
    else out.u8(name.hash)
  }
  let at = 0
  for (const name of names) {
    if (segment > 65_535) out.u32(at)
    else out.u16(at)
    at += name.bytes.length + (long ? 2 : 1)
  }
  for (const name of names) {
    if (long) out.u16(name.bytes.length)
    else out.u8(name.bytes.length)
    out.bytes(name.bytes)
  }
}

/** The OSON image of a value as `JSON.parse` gives it; bigints are kept whole. */
export const encodeOson = (value: unknown): Buffer => {
  const container = typeof value === "object" && value !== null
  const names = new Map<string, FieldName>()
  collectNames(value, names)
  const all = [...names.values()]
  const short = all.filter((name) => name.bytes.length <= 255).sort(byHash)
  const long = all.filter((name) => name.bytes.length > 255).sort(byHash)
  for (const [index, name] of [...short, ...long].entries()) name.id = index + 1
  const idSize = all.length < 256 ? 1 : all.length < 65_536 ? 2 : 4
  const tree = new ByteWriter()
  writeNode(tree, value, names, idSize)
  const shortSegment = short.reduce((sum, name) => sum + name.bytes.length + 1, 0)
  const longSegment = long.reduce((sum, name) => sum + name.bytes.length + 2, 0)

  let flags: number = Flag.inlineLeaf | Flag.lengthInNode
  if (!container) flags |= Flag.scalar
  else {
    flags |= Flag.hash8 | Flag.tinyNodes
    if (idSize === 2) flags |= Flag.names16
    if (idSize === 4) flags |= Flag.names32
    if (shortSegment > 65_535) flags |= Flag.nameSegment32
  }
  if (tree.length > 65_535) flags |= Flag.tree32

  const out = new ByteWriter()
  out.bytes(Uint8Array.from(magic)).u8(long.length > 0 ? versionLongNames : versionShortNames).u16(flags)
  if (container) {
    writeId(out, short.length, idSize)
    if (shortSegment > 65_535) out.u32(shortSegment)
    else out.u16(shortSegment)
    if (long.length > 0) {
      out.u16(longSegment > 65_535 ? 0 : longNameSegment16).u32(long.length).u32(longSegment)
    }
  }
  if (tree.length > 65_535) out.u32(tree.length)
  else out.u16(tree.length)
  if (container) {
    out.u16(0)
    writeNames(out, short, shortSegment, false)
    if (long.length > 0) writeNames(out, long, longSegment, true)
  }
  out.bytes(tree.written())
  return Buffer.from(out.written())
}

/** Decodes one OSON image. */
class OsonReader {
  private readonly reader: ByteReader
  private readonly names: Array<string> = []
  private treeStart = 0
  private relative = false
  private idSize = 1
  private depth = 0

  constructor(bytes: Buffer) {
    this.reader = new ByteReader(bytes)
  }

  decode(): unknown {
    const { reader } = this
    if (magic.some((byte) => reader.u8() !== byte)) throw new ProtocolError("OSON image")
    const version = reader.u8()
    if (version !== versionShortNames && version !== versionLongNames) {
      throw new ProtocolError(`OSON version ${version}`)
    }
    const flags = reader.u16()
    this.relative = (flags & Flag.relativeOffsets) !== 0
    if ((flags & Flag.scalar) !== 0) {
      reader.skip((flags & Flag.tree32) !== 0 ? 4 : 2)
      return this.node()
    }
    this.idSize = (flags & Flag.names32) !== 0 ? 4 : (flags & Flag.names16) !== 0 ? 2 : 1
    const shortCount = this.integer(this.idSize)
    const shortOffset = (flags & Flag.nameSegment32) !== 0 ? 4 : 2
    const shortSegment = this.integer(shortOffset)
    let longOffset = 4
    let longCount = 0
    let longSegment = 0
    if (version === versionLongNames) {
      longOffset = (reader.u16() & longNameSegment16) !== 0 ? 2 : 4
      longCount = this.integer(4)
      longSegment = this.integer(4)
    }
    reader.skip((flags & Flag.tree32) !== 0 ? 4 : 2)
    reader.skip(2)
    this.readNames(shortCount, shortOffset, shortSegment, 1)
    this.readNames(longCount, longOffset, longSegment, 2)
    this.treeStart = reader.position
    return this.node()
  }

  private integer(size: number): number {
    return size === 1 ? this.reader.u8() : size === 2 ? this.reader.u16() : this.reader.bytes(4).readUInt32BE(0)
  }

  private readNames(count: number, offsetSize: number, segmentSize: number, lengthSize: number): void {
    const { reader } = this
    reader.skip(count * lengthSize)
    const offsets = Array.from({ length: Math.min(count, reader.remaining) }, () => this.integer(offsetSize))
    const segment = new ByteReader(reader.bytes(segmentSize))
    for (const offset of offsets) {
      segment.position = offset
      this.names.push(segment.bytes(lengthSize === 1 ? segment.u8() : segment.u16()).toString("utf8"))
    }
  }

  private count(node: number): number | undefined {
    const bits = node & 0x18
    return bits === 0 ? this.integer(1) : bits === 0x08 ? this.integer(2) : bits === 0x10 ? this.integer(4) : undefined
  }

  private container(node: number): unknown {
    if (++this.depth > 1024) throw new ProtocolError("OSON is nested too deep")
    const { reader } = this
    const start = reader.position - this.treeStart - 1
    const offsetSize = (node & offset32) !== 0 ? 4 : 2
    const isObject = (node & 0x40) === 0
    let count = this.count(node)
    let ids: number
    let offsets: number
    if (count === undefined) {
      // An object that shares its field ids with another one.
      const shared = this.integer(offsetSize)
      offsets = reader.position
      reader.position = this.treeStart + shared
      count = this.count(reader.u8()) ?? 0
      ids = reader.position
    } else {
      ids = reader.position
      offsets = isObject ? ids + count * this.idSize : ids
    }
    if (count > reader.end) throw new ProtocolError("OSON container is cut short")
    const elements: Array<unknown> = []
    const object: Array<[string, unknown]> = []
    for (let index = 0; index < count; index++) {
      reader.position = offsets + index * offsetSize
      const offset = this.integer(offsetSize) + (this.relative ? start : 0)
      let name = ""
      if (isObject) {
        reader.position = ids + index * this.idSize
        name = this.names[this.integer(this.idSize) - 1] ?? ""
      }
      reader.position = this.treeStart + offset
      const value = this.node()
      if (isObject) object.push([name, value])
      else elements.push(value)
    }
    this.depth--
    // fromEntries defines own properties: a field called __proto__ stays a field.
    return isObject ? Object.fromEntries(object) : elements
  }

  private number(bytes: Buffer): number {
    return Number(decodeNumber(bytes))
  }

  private text(size: number): string {
    return this.reader.bytes(size).toString("utf8")
  }

  private node(): unknown {
    const { reader } = this
    const node = reader.u8()
    if (node & 0x80) return this.container(node)
    switch (node) {
      case Node.null:
        return null
      case Node.true:
        return true
      case Node.false:
        return false
      case Node.string8:
        return this.text(reader.u8())
      case Node.string16:
        return this.text(reader.u16())
      case Node.string32:
        return this.text(this.integer(4))
      case Node.number8:
        return this.number(reader.bytes(reader.u8()))
      case Node.binaryDouble:
        return decodeBinaryDouble(reader.bytes(8))
      case Node.binaryFloat:
        return decodeBinaryFloat(reader.bytes(4))
      case Node.date:
      case Node.timestamp7:
        return isoText(reader.bytes(7))
      case Node.timestamp:
        return isoText(reader.bytes(11))
      case Node.timestampTz:
        return isoText(reader.bytes(13))
      case Node.intervalYm: {
        const { months, years } = readIntervalYearToMonth(reader.bytes(5))
        return `${years < 0 || months < 0 ? "-" : ""}P${Math.abs(years)}Y${Math.abs(months)}M`
      }
      case Node.intervalDs: {
        const value = readIntervalDayToSecond(reader.bytes(11))
        const parts = [value.days, value.hours, value.minutes, value.seconds, value.nanoseconds]
        const [days, hours, minutes, seconds, nanoseconds] = parts.map(Math.abs)
        const fraction = nanoseconds === 0 ? "" : `.${String(nanoseconds).padStart(9, "0").replace(/0+$/, "")}`
        const sign = parts.some((part) => part < 0) ? "-" : ""
        return `${sign}P${days}DT${hours}H${minutes}M${seconds}${fraction}S`
      }
      case Node.id:
        return reader.bytes(reader.u8()).toString("hex").toUpperCase()
      case Node.binary16:
        return reader.bytes(reader.u16()).toString("hex").toUpperCase()
      case Node.binary32:
        return reader.bytes(this.integer(4)).toString("hex").toUpperCase()
      case Node.extended:
        if (reader.u8() !== 1) throw new ProtocolError("OSON extended type")
        return decodeVector(reader.bytes(this.integer(4))).values
      default:
    }
    const bits = node & 0xf0
    if (bits === 0x20 || bits === 0x60) return this.number(reader.bytes((node & 0x0f) + 1))
    if (bits === 0x40 || bits === 0x50) return this.number(reader.bytes(node & 0x0f))
    if (node < 0x20) return this.text(node)
    throw new ProtocolError(`OSON node ${node}`)
  }
}

// JSON has no dates of its own: they become the ISO text that JSON_SERIALIZE gives.
const isoText = (bytes: Buffer): string => {
  const value = readDateTime(bytes)
  const two = (part: number) => String(part).padStart(2, "0")
  const fraction = value.nanosecond === 0 ? "" : `.${String(Math.trunc(value.nanosecond / 1000)).padStart(6, "0")}`
  const zone = bytes.length < 13 ? "" : "Z"
  const utc = bytes.length < 13 ? value : readDateTime(bytes.subarray(0, 11))
  return `${String(utc.year).padStart(4, "0")}-${two(utc.month)}-${two(utc.day)}T${two(utc.hour)}:${two(utc.minute)}:${
    two(utc.second)
  }${fraction}${zone}`
}

/**
 * The value of an OSON image as `JSON.parse` would give it. Dates and intervals become ISO text, binary values upper-case
 * hexadecimal text.
 */
export const decodeOson = (bytes: Buffer): unknown => {
  try {
    return new OsonReader(bytes).decode()
  } catch (cause) {
    // The image is whole: what is missing in it will not arrive.
    if (cause instanceof Incomplete) throw new ProtocolError("OSON image is cut short")
    throw cause
  }
}
