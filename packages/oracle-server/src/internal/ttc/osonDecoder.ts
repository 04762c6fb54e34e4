/** Reads OSON, the binary form of JSON. */
import { ProtocolError } from "../net/protocolError.ts"
import { ByteReader, Incomplete } from "./byteReader.ts"
import { decodeBinaryDouble, decodeBinaryFloat } from "./floatCodec.ts"
import { decodeNumber } from "./numberCodec.ts"
import { Flag, longNameSegment16, magic, Node, offset32, versionLongNames, versionShortNames } from "./osonFormat.ts"
import { readDateTime, readIntervalDayToSecond, readIntervalYearToMonth } from "./temporalCodec.ts"
import { decodeVector } from "./vectorCodec.ts"

/** Decodes one OSON image. */
class OsonReader {
  readonly #reader: ByteReader
  readonly #names: Array<string> = []
  #treeStart = 0
  #relative = false
  #idSize = 1
  #depth = 0

  constructor(bytes: Buffer) {
    this.#reader = new ByteReader(bytes)
  }

  decode(): unknown {
    const reader = this.#reader
    if (magic.some((byte) => reader.u8() !== byte)) throw new ProtocolError("OSON image")
    const version = reader.u8()
    if (version !== versionShortNames && version !== versionLongNames) {
      throw new ProtocolError(`OSON version ${version}`)
    }
    const flags = reader.u16()
    this.#relative = (flags & Flag.relativeOffsets) !== 0
    if ((flags & Flag.scalar) !== 0) {
      reader.skip((flags & Flag.tree32) !== 0 ? 4 : 2)
      return this.#node()
    }
    this.#idSize = (flags & Flag.names32) !== 0 ? 4 : (flags & Flag.names16) !== 0 ? 2 : 1
    const shortCount = this.#integer(this.#idSize)
    const shortOffset = (flags & Flag.nameSegment32) !== 0 ? 4 : 2
    const shortSegment = this.#integer(shortOffset)
    let longOffset = 4
    let longCount = 0
    let longSegment = 0
    if (version === versionLongNames) {
      longOffset = (reader.u16() & longNameSegment16) !== 0 ? 2 : 4
      longCount = this.#integer(4)
      longSegment = this.#integer(4)
    }
    reader.skip((flags & Flag.tree32) !== 0 ? 4 : 2)
    reader.skip(2)
    this.#readNames(shortCount, shortOffset, shortSegment, 1)
    this.#readNames(longCount, longOffset, longSegment, 2)
    this.#treeStart = reader.position
    return this.#node()
  }

  #integer(size: number): number {
    return size === 1 ? this.#reader.u8() : size === 2 ? this.#reader.u16() : this.#reader.bytes(4).readUInt32BE(0)
  }

  #readNames(count: number, offsetSize: number, segmentSize: number, lengthSize: number): void {
    const reader = this.#reader
    reader.skip(count * lengthSize)
    const offsets = Array.from({ length: Math.min(count, reader.remaining) }, () => this.#integer(offsetSize))
    const segment = new ByteReader(reader.bytes(segmentSize))
    for (const offset of offsets) {
      segment.position = offset
      this.#names.push(segment.bytes(lengthSize === 1 ? segment.u8() : segment.u16()).toString("utf8"))
    }
  }

  #count(node: number): number | undefined {
    const bits = node & 0x18
    return bits === 0
      ? this.#integer(1)
      : bits === 0x08
      ? this.#integer(2)
      : bits === 0x10
      ? this.#integer(4)
      : undefined
  }

  #container(node: number): unknown {
    if (++this.#depth > 1024) throw new ProtocolError("OSON is nested too deep")
    const reader = this.#reader
    const start = reader.position - this.#treeStart - 1
    const offsetSize = (node & offset32) !== 0 ? 4 : 2
    const isObject = (node & 0x40) === 0
    let count = this.#count(node)
    let ids: number
    let offsets: number
    if (count === undefined) {
      // An object that shares its field ids with another one.
      const shared = this.#integer(offsetSize)
      offsets = reader.position
      reader.position = this.#treeStart + shared
      count = this.#count(reader.u8()) ?? 0
      ids = reader.position
    } else {
      ids = reader.position
      offsets = isObject ? ids + count * this.#idSize : ids
    }
    if (count > reader.end) throw new ProtocolError("OSON container is cut short")
    const elements: Array<unknown> = []
    const object: Array<[string, unknown]> = []
    for (let index = 0; index < count; index++) {
      reader.position = offsets + index * offsetSize
      const offset = this.#integer(offsetSize) + (this.#relative ? start : 0)
      let name = ""
      if (isObject) {
        reader.position = ids + index * this.#idSize
        name = this.#names[this.#integer(this.#idSize) - 1] ?? ""
      }
      reader.position = this.#treeStart + offset
      const value = this.#node()
      if (isObject) object.push([name, value])
      else elements.push(value)
    }
    this.#depth--
    // fromEntries defines own properties: a field called __proto__ stays a field.
    return isObject ? Object.fromEntries(object) : elements
  }

  #number(bytes: Buffer): number {
    return Number(decodeNumber(bytes))
  }

  #text(size: number): string {
    return this.#reader.bytes(size).toString("utf8")
  }

  #node(): unknown {
    const reader = this.#reader
    const node = reader.u8()
    if (node & 0x80) return this.#container(node)
    switch (node) {
      case Node.null:
        return null
      case Node.true:
        return true
      case Node.false:
        return false
      case Node.string8:
        return this.#text(reader.u8())
      case Node.string16:
        return this.#text(reader.u16())
      case Node.string32:
        return this.#text(this.#integer(4))
      case Node.number8:
        return this.#number(reader.bytes(reader.u8()))
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
        return reader.bytes(this.#integer(4)).toString("hex").toUpperCase()
      case Node.extended:
        if (reader.u8() !== 1) throw new ProtocolError("OSON extended type")
        return decodeVector(reader.bytes(this.#integer(4))).values
      default:
    }
    const bits = node & 0xf0
    if (bits === 0x20 || bits === 0x60) return this.#number(reader.bytes((node & 0x0f) + 1))
    if (bits === 0x40 || bits === 0x50) return this.#number(reader.bytes(node & 0x0f))
    if (node < 0x20) return this.#text(node)
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
