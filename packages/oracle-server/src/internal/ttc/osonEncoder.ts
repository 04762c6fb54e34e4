/** Writes OSON, the binary form of JSON. */
import { ByteWriter } from "./byteWriter.ts"
import { encodeNumber } from "./numberCodec.ts"
import { Flag, longNameSegment16, magic, Node, offset32, versionLongNames, versionShortNames } from "./osonFormat.ts"

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
