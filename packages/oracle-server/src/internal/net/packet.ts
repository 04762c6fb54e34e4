/** The packets of Oracle Net: cut from a stream of bytes, and made. It does not look inside. */
import { ProtocolError } from "./protocolError.ts"

/** Packet types of Oracle Net, byte 4 of the header. */
export const PacketType = {
  connect: 1,
  accept: 2,
  refuse: 4,
  redirect: 5,
  data: 6,
  resend: 11,
  marker: 12,
  control: 14
} as const

/** Flags in the first two bytes of a DATA packet's body. */
export const DataFlag = {
  endOfFile: 0x0040,
  beginPipeline: 0x1000,
  endOfResponse: 0x2000
} as const

/** Kinds of MARKER packets. */
export const MarkerKind = {
  break: 1,
  reset: 2,
  interrupt: 3
} as const

export interface Packet {
  readonly type: number
  readonly flags: number
  /** What follows the eight bytes of the header. */
  readonly body: Buffer
}

export const headerSize = 8

// Before an SDU is agreed on lengths have 16 bits.
const maxFirstPacketSize = 65_535

/**
 * Cuts a byte stream into packets, whatever the pieces it arrives in.
 *
 * The length field is 16 bits wide until an ACCEPT of protocol version 315 or later has been sent, and 32 bits wide from
 * the next packet on: `agree` must be called between the two.
 */
export class PacketReader {
  #chunks: Array<Buffer> = []
  #available = 0
  #large = false
  #limit = maxFirstPacketSize

  /** What ACCEPT has said: the width of lengths, and the size that no later packet exceeds. */
  agree(large: boolean, sdu: number): void {
    this.#large = large
    this.#limit = sdu
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return
    this.#chunks.push(chunk)
    this.#available += chunk.length
  }

  /** The next whole packet, or `undefined` when more bytes are needed. */
  next(): Packet | undefined {
    if (this.#available < headerSize) return undefined
    const head = this.#contiguous(headerSize)
    const length = this.#large ? head.readUInt32BE(0) : head.readUInt16BE(0)
    if (length < headerSize || length > this.#limit) throw new ProtocolError(`packet length ${length}`)
    if (this.#available < length) return undefined
    const bytes = this.#contiguous(length)
    this.#consume(length)
    return { type: bytes[4]!, flags: bytes[5]!, body: bytes.subarray(headerSize, length) }
  }

  #contiguous(size: number): Buffer {
    if (this.#chunks[0]!.length < size) this.#chunks = [Buffer.concat(this.#chunks)]
    return this.#chunks[0]!
  }

  #consume(size: number): void {
    const first = this.#chunks[0]!
    if (first.length === size) this.#chunks.shift()
    else this.#chunks[0] = first.subarray(size)
    this.#available -= size
  }
}

/** A packet ready to be sent. */
export const encodePacket = (type: number, body: Uint8Array, large: boolean, flags = 0): Buffer => {
  const packet = Buffer.allocUnsafe(headerSize + body.length)
  writeHeader(packet, 0, packet.length, type, large, flags)
  packet.set(body, headerSize)
  return packet
}

const writeHeader = (target: Buffer, at: number, length: number, type: number, large: boolean, flags: number): void => {
  if (large) target.writeUInt32BE(length, at)
  else target.writeUInt32BE(length * 0x10000, at)
  target[at + 4] = type
  target[at + 5] = flags
  target[at + 6] = 0
  target[at + 7] = 0
}

const dataOffset = 10

/** Frames `payload` as DATA packets of at most `sdu` bytes each; `lastFlags` are the data flags of the last one. */
export const encodeData = (payload: Uint8Array, sdu: number, large: boolean, lastFlags: number): Buffer => {
  const room = sdu - dataOffset
  const count = Math.max(1, Math.ceil(payload.length / room))
  const out = Buffer.allocUnsafe(payload.length + count * dataOffset)
  let from = 0
  let at = 0
  for (let index = 0; index < count; index++) {
    const size = Math.min(room, payload.length - from)
    writeHeader(out, at, size + dataOffset, PacketType.data, large, 0)
    out.writeUInt16BE(index === count - 1 ? lastFlags : 0, at + headerSize)
    out.set(payload.subarray(from, from + size), at + dataOffset)
    from += size
    at += size + dataOffset
  }
  return out
}

export const encodeMarker = (kind: number, large: boolean): Buffer =>
  encodePacket(PacketType.marker, Uint8Array.of(1, 0, kind), large)
