/** PROTOCOL and DATA_TYPES: what both sides can do, settled once a connection. */
import type { ByteReader } from "./byteReader.ts"
import type { ByteWriter } from "./byteWriter.ts"
import { MessageType } from "./message.ts"

/** What PROTOCOL and DATA_TYPES settle for the rest of the connection. */
export interface TtcTerms {
  readonly fieldVersion: number
  /** Character and RAW values longer than this are treated as LONGs. */
  readonly maxString: number
  /** The client wants the ends of responses marked. */
  readonly endOfResponse: boolean
  /** The user's name and the texts of statements come with their length before them once more. */
  readonly countedTexts: boolean
  /** Signed integers of one byte come with their length, as the larger ones do. */
  readonly countedBytes: boolean
  /** The client derives the keys of an 11g logon as those of a 12c one. */
  readonly mixesAllKeys: boolean
  /** The client keeps track of sessionless transactions, and has to be told of them. */
  readonly knowsSessionless: boolean
  /** The client orders long binds by the size of their national text in characters, not by the size that it sends. */
  readonly ordersByCharacters: boolean
}

/** The terms before anything is negotiated. */
export const firstTerms = (fieldVersion: number): TtcTerms => ({
  fieldVersion,
  maxString: 32_767,
  endOfResponse: true,
  countedTexts: true,
  countedBytes: false,
  mixesAllKeys: true,
  knowsSessionless: false,
  ordersByCharacters: true
})

const zoneAware = 1
const utf8 = 873
const utf16 = 2000

/** Places in the compile capabilities, and the bits in them that this server looks at or sets. */
const CompileCap = {
  sqlVersion: 0,
  logonTypes: 4,
  fieldVersion: 7,
  ttc1: 15,
  oci1: 16,
  wideTypes: 27,
  ttc3: 37,
  ttc4: 40,
  ttc5: 44,
  backport2: 45
} as const

const logonTypes = { o5: 0x08, o5WithoutPadding: 0x02, o7: 0x20, longIdentifiers: 0x40, longPasswords: 0x80 } as const
const endOfCallStatus = 0x01
const sequenceInStatus = 0x01
const bigChunks = 0x20
const zoneVersion = 0x02
const endOfResponseBit = 0x20
const endUserContexts = 0x02
const sessionlessBit = 0x20

/** PROTOCOL: the versions and the name of the client. */
export const parseProtocol = (reader: ByteReader): { readonly driver: string } => {
  while (reader.u8() !== 0);
  return { driver: reader.zeroTerminated().toString("latin1") }
}

export const writeProtocol = (writer: ByteWriter, banner: string, fieldVersion: number, hasTokens = false): void => {
  const compileCaps = Buffer.alloc(54)
  compileCaps[CompileCap.sqlVersion] = 6
  compileCaps[CompileCap.logonTypes] = logonTypes.o5 | logonTypes.o5WithoutPadding | logonTypes.o7 |
    logonTypes.longIdentifiers | logonTypes.longPasswords
  compileCaps[CompileCap.fieldVersion] = fieldVersion
  compileCaps[CompileCap.ttc1] = endOfCallStatus
  compileCaps[CompileCap.oci1] = sequenceInStatus
  // Numbers of data types are two bytes wide.
  compileCaps[CompileCap.wideTypes] = 1
  compileCaps[CompileCap.ttc3] = bigChunks
  if (hasTokens) compileCaps[CompileCap.backport2] = endUserContexts
  const runtimeCaps = Buffer.alloc(14)
  runtimeCaps[1] = zoneAware
  // Strings of 32767 bytes.
  runtimeCaps[6] = 0x04
  // The national character set is read from the FDO at 6 + fdo[5] + fdo[6] + 3.
  const fdo = Buffer.alloc(11)
  fdo.writeUInt16BE(utf16, 9)
  writer.u8(MessageType.protocol).u8(6).u8(0)
    .bytes(Buffer.from(banner.slice(0, 47), "latin1")).u8(0)
    .u16le(utf8).u8(1).u16le(0)
    .u16(fdo.length).bytes(fdo)
    .lv(compileCaps).lv(runtimeCaps)
}

/** DATA_TYPES as a client sends it. */
export interface DataTypesRequest {
  readonly fieldVersion: number
  readonly zoneAware: boolean
  readonly zoneVersion: boolean
  readonly endOfResponse: boolean
  readonly countedTexts: boolean
  readonly mixesAllKeys: boolean
  readonly countedBytes: boolean
  readonly knowsSessionless: boolean
  /** The list as the client sent it, its end included. */
  readonly list: Buffer
}

const conversionOfLengths = 0x02
const signedByte = 27
const universal = 1

export const parseDataTypes = (reader: ByteReader): DataTypesRequest => {
  reader.skip(4)
  const flags = reader.u8()
  const compileCaps = reader.lv() ?? Buffer.alloc(0)
  const has = (place: number, bit: number) => ((compileCaps[place] ?? 0) & bit) !== 0
  const zones = ((reader.lv()?.[1] ?? 0) & zoneAware) !== 0
  const versioned = zones && has(CompileCap.ttc3, zoneVersion)
  if (zones) reader.skip(versioned ? 15 : 11)
  const wide = has(CompileCap.wideTypes, 0xff)
  // Some clients put the national character set before the list. No data type has such a number.
  if (reader.u16() !== swapped(utf16)) reader.position -= 2
  const from = reader.position
  let countedBytes = false
  const next = () => wide ? reader.u16() : reader.u8()
  for (let type = next(); type !== 0; type = next()) {
    if (next() === 0) continue
    const representation = next()
    next()
    if (type === signedByte) countedBytes = representation === universal
  }
  return {
    fieldVersion: compileCaps[CompileCap.fieldVersion] ?? 0,
    zoneAware: zones,
    zoneVersion: versioned,
    endOfResponse: has(CompileCap.ttc4, endOfResponseBit),
    countedTexts: (flags & conversionOfLengths) !== 0,
    mixesAllKeys: has(CompileCap.logonTypes, logonTypes.o7),
    countedBytes,
    knowsSessionless: has(CompileCap.ttc5, sessionlessBit),
    list: Buffer.from(reader.buffer.subarray(from, reader.position))
  }
}

const swapped = (value: number): number => (value & 0xff) * 0x100 + (value >>> 8)

/** The terms that follow from what both sides can do. */
export const agreeOnTerms = (terms: TtcTerms, request: DataTypesRequest, fieldVersion: number): TtcTerms => ({
  ...terms,
  fieldVersion: Math.min(fieldVersion, request.fieldVersion || fieldVersion),
  endOfResponse: request.endOfResponse,
  countedTexts: request.countedTexts,
  countedBytes: request.countedBytes,
  mixesAllKeys: request.mixesAllKeys,
  knowsSessionless: request.knowsSessionless
})

// +00:00, hours and minutes with a bias of 60.
const databaseTimeZone = Uint8Array.of(0x80, 0, 0, 0, 60, 60, 0x80, 0, 0, 0, 0)

// The version of the time zone file.
const databaseZoneVersion = 43

/** DATA_TYPES: the client's own list back, as the types it wants are the types it gets. */
export const writeDataTypes = (writer: ByteWriter, request: DataTypesRequest): void => {
  writer.u8(MessageType.dataTypes)
  if (request.zoneAware) writer.bytes(databaseTimeZone)
  if (request.zoneVersion) writer.u32(databaseZoneVersion)
  writer.bytes(request.list)
}
