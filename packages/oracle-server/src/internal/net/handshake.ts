/** CONNECT and its answers: ACCEPT, REFUSE, REDIRECT, RESEND. The bytes only; `server/connection.ts` decides. */
import { encodePacket, headerSize, type Packet, PacketType } from "./packet.ts"
import { ProtocolError } from "./protocolError.ts"

/** The fixed part of a CONNECT packet that this server looks at. */
export interface ConnectPacket {
  readonly version: number
  readonly sdu: number
  readonly tdu: number
  /** Set on a CONNECT that follows a REDIRECT. */
  readonly redirected: boolean
  /** The connect data, or the number of bytes of it that follow in DATA packets. */
  readonly data: string | number
}

/** What both sides have agreed on in CONNECT and ACCEPT. */
export interface NetTerms {
  readonly version: number
  readonly sdu: number
  readonly tdu: number
  /** Packet lengths are 32 bits wide. */
  readonly large: boolean
  /** Responses end with message 29 in a packet flagged 0x2000. */
  readonly endOfResponse: boolean
  readonly fastAuth: boolean
}

const minVersion = 300
const largeSduVersion = 315
const acceptFlags2Version = 318
const endOfResponseVersion = 319

const redirectedFlag = 0x04

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value))

// Offsets are those of PROTOCOL section 1, less the header.
export const decodeConnect = (packet: Packet): ConnectPacket => {
  const { body } = packet
  if (body.length < 26) throw new ProtocolError("CONNECT is too short")
  const version = body.readUInt16BE(0)
  const large = version >= largeSduVersion && body.length >= 58
  const dataLength = body.readUInt16BE(16)
  const from = body.readUInt16BE(18) - headerSize
  if (from < 0) throw new ProtocolError("CONNECT data offset")
  const inPacket = body.length - from
  if (inPacket > 0 && inPacket < dataLength) throw new ProtocolError("CONNECT data is cut short")
  return {
    version,
    sdu: large ? body.readUInt32BE(50) : body.readUInt16BE(6),
    tdu: large ? body.readUInt32BE(54) : body.readUInt16BE(8),
    redirected: (packet.flags & redirectedFlag) !== 0,
    data: dataLength > 0 && inPacket <= 0 ? dataLength : body.toString("utf8", from, from + dataLength)
  }
}

interface NetLimits {
  readonly version: number
  readonly sdu: number
  readonly endOfResponse: boolean
  readonly fastAuth: boolean
}

/** The terms for a client, or `undefined` when it is too old to be served. */
export const agree = (connect: ConnectPacket, limits: NetLimits): NetTerms | undefined => {
  const version = Math.min(connect.version, limits.version)
  if (version < minVersion) return undefined
  const large = version >= largeSduVersion
  const most = large ? 2_097_152 : 65_535
  return {
    version,
    sdu: clamp(Math.min(connect.sdu, limits.sdu), 512, most),
    tdu: clamp(connect.tdu, 255, most),
    large,
    endOfResponse: limits.endOfResponse && version >= endOfResponseVersion,
    fastAuth: limits.fastAuth && version >= acceptFlags2Version
  }
}

// Byte 23 of ACCEPT: native network services are not wanted.
const noNativeServices = 0x08
const acceptEndOfResponse = 0x02000000
const acceptFastAuth = 0x10000000

const acceptSize = (terms: NetTerms): number => {
  // From this version on 16 bytes follow that identify the database. They stay zero: JDBC would otherwise open its next
  // connections by the terms of the first.
  if (terms.version >= endOfResponseVersion) return 61
  if (terms.version >= acceptFlags2Version) return 45
  return terms.large ? 41 : 32
}

export const encodeAccept = (terms: NetTerms): Buffer => {
  const body = Buffer.alloc(acceptSize(terms) - headerSize)
  body.writeUInt16BE(terms.version, 0)
  body.writeUInt16BE(Math.min(terms.sdu, 65_535), 4)
  body.writeUInt16BE(Math.min(terms.tdu, 65_535), 6)
  body.writeUInt16BE(1, 8)
  body.writeUInt16BE(body.length + headerSize, 12)
  body[15] = noNativeServices
  if (terms.large) {
    body.writeUInt32BE(terms.sdu, 24)
    body.writeUInt32BE(terms.tdu, 28)
  }
  if (terms.version >= acceptFlags2Version) {
    body.writeUInt32BE((terms.endOfResponse ? acceptEndOfResponse : 0) | (terms.fastAuth ? acceptFastAuth : 0), 33)
  }
  return encodePacket(PacketType.accept, body, false)
}

/** REFUSE with the `ERR` that the client turns into its error. */
export const encodeRefuse = (code: number): Buffer => {
  const text = `(DESCRIPTION=(TMP=)(VSNNUM=0)(ERR=${code})(ERROR_STACK=(ERROR=(CODE=${code})(EMFI=4))))`
  const body = Buffer.alloc(4 + text.length)
  body[0] = 34
  body.writeUInt16BE(text.length, 2)
  body.write(text, 4, "latin1")
  return encodePacket(PacketType.refuse, body, false)
}

/** REDIRECT to another address; the client sends its own connect data again there. */
export const encodeRedirect = (host: string, port: number, secure = false): Buffer => {
  const text = `(ADDRESS=(PROTOCOL=${secure ? "TCPS" : "TCP"})(HOST=${host})(PORT=${port}))`
  const body = Buffer.alloc(2 + text.length)
  body.writeUInt16BE(text.length, 0)
  body.write(text, 2, "latin1")
  return encodePacket(PacketType.redirect, body, false)
}

export const encodeResend = (): Buffer => encodePacket(PacketType.resend, Buffer.alloc(0), false)

const inbandNotification = 8

/** CONTROL that announces an error outside any call: 12572 says that the database is shutting down. */
export const encodeControl = (code: number, large: boolean): Buffer => {
  const body = Buffer.alloc(14)
  body.writeUInt16BE(inbandNotification, 0)
  body.writeUInt32BE(code, 6)
  return encodePacket(PacketType.control, body, large)
}
