import type { ByteReader } from "./ByteReader.ts"
import type { ByteWriter } from "./ByteWriter.ts"
import { MessageType } from "./Message.ts"

/** What PROTOCOL and DATA_TYPES settle for the rest of the connection. */
export interface TtcTerms {
  readonly fieldVersion: number
  /** Character and RAW values longer than this are treated as LONGs. */
  readonly maxString: number
}

export const clientFieldVersion = (compileCaps: Buffer | null): number => compileCaps?.[7] ?? 0

const zoneAware = 1
const utf8 = 873
const utf16 = 2000

/** PROTOCOL: the versions and the name of the client. */
export const parseProtocol = (reader: ByteReader): { readonly driver: string } => {
  while (reader.u8() !== 0);
  return { driver: reader.zeroTerminated().toString("latin1") }
}

export const writeProtocol = (writer: ByteWriter, banner: string, fieldVersion: number): void => {
  const compileCaps = Buffer.alloc(54)
  compileCaps[7] = fieldVersion
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

export interface DataTypesRequest {
  readonly fieldVersion: number
  readonly zoneAware: boolean
  /** The list as the client sent it, its end included. */
  readonly list: Buffer
}

export const parseDataTypes = (reader: ByteReader): DataTypesRequest => {
  reader.skip(5)
  const fieldVersion = clientFieldVersion(reader.lv())
  const runtimeCaps = reader.lv()
  const zones = ((runtimeCaps?.[1] ?? 0) & zoneAware) !== 0
  if (zones) reader.skip(11)
  const from = reader.position
  while (reader.u16() !== 0) {
    if (reader.u16() !== 0) reader.skip(4)
  }
  return { fieldVersion, zoneAware: zones, list: Buffer.from(reader.buffer.subarray(from, reader.position)) }
}

// +00:00, hours and minutes with a bias of 60.
const databaseTimeZone = Uint8Array.of(0x80, 0, 0, 0, 60, 60, 0x80, 0, 0, 0, 0)

/** DATA_TYPES: the client's own list back, as the types it wants are the types it gets. */
export const writeDataTypes = (writer: ByteWriter, request: DataTypesRequest): void => {
  writer.u8(MessageType.dataTypes)
  if (request.zoneAware) writer.bytes(databaseTimeZone)
  writer.bytes(request.list)
}
