/** Reads the primitives of the two-task protocol. */
import { ProtocolError } from "../net/protocolError.ts"

/** Thrown when a message goes on past the bytes received so far: parsing starts again when more have arrived. */
export class Incomplete extends Error {
  override readonly name = "Incomplete"
  /** The number of bytes of the request that are certainly needed. */
  needed = 0
}

// One instance: it is thrown for every packet of a long request, and a stack trace would cost more than the parse.
const incomplete = new Incomplete("more bytes are needed")

const longLength = 254
const nullLength = 255

/** Reads the primitives of the two-task protocol (PROTOCOL section 3) from the bytes of one request. */
export class ByteReader {
  buffer: Buffer
  end: number
  position = 0

  constructor(buffer: Buffer, end = buffer.length) {
    this.buffer = buffer
    this.end = end
  }

  get remaining(): number {
    return this.end - this.position
  }

  #take(count: number): number {
    const at = this.position
    if (at + count > this.end) {
      incomplete.needed = at + count
      throw incomplete
    }
    this.position = at + count
    return at
  }

  u8(): number {
    return this.buffer[this.#take(1)]!
  }

  /** The next byte, which stays to be read. */
  peek(): number {
    const byte = this.u8()
    this.position--
    return byte
  }

  u16(): number {
    return this.buffer.readUInt16BE(this.#take(2))
  }

  u16le(): number {
    return this.buffer.readUInt16LE(this.#take(2))
  }

  skip(count: number): void {
    this.#take(count)
  }

  bytes(count: number): Buffer {
    const at = this.#take(count)
    return this.buffer.subarray(at, at + count)
  }

  ub2(): number {
    return this.#unsigned(2)
  }

  ub4(): number {
    return this.#unsigned(4)
  }

  /** Values beyond 2^53 occur in no field that this server uses, and are refused. */
  ub8(): number {
    const value = this.#unsigned(8)
    if (!Number.isSafeInteger(value)) throw new ProtocolError("integer is too large")
    return value
  }

  #unsigned(most: number): number {
    const count = this.u8()
    if (count > most) throw new ProtocolError(`integer of ${count} bytes where at most ${most} are allowed`)
    const at = this.#take(count)
    let value = 0
    for (let index = 0; index < count; index++) value = value * 256 + this.buffer[at + index]!
    return value
  }

  sb4(): number {
    const head = this.u8()
    const count = head & 0x7f
    if (count > 4) throw new ProtocolError(`integer of ${count} bytes where at most 4 are allowed`)
    const at = this.#take(count)
    let value = 0
    for (let index = 0; index < count; index++) value = value * 256 + this.buffer[at + index]!
    return head & 0x80 ? -value : value
  }

  /** Bytes with their length; `null` for the null value, which is also the empty one. */
  lv(): Buffer | null {
    const length = this.u8()
    if (length === 0 || length === nullLength) return null
    return length === longLength ? this.#chunks() : this.bytes(length)
  }

  // Two passes, so that an incomplete value is only walked over and not copied.
  #chunks(): Buffer {
    const start = this.position
    let total = 0
    for (;;) {
      const size = this.ub4()
      if (size === 0) break
      this.#take(size)
      total += size
    }
    const stop = this.position
    const out = Buffer.allocUnsafe(total)
    this.position = start
    let at = 0
    for (;;) {
      const size = this.ub4()
      if (size === 0) break
      out.set(this.bytes(size), at)
      at += size
    }
    this.position = stop
    return out
  }

  lvText(): string {
    return this.lv()?.toString("utf8") ?? ""
  }

  /** A text whose length was given before; `counted` says that it comes with its length once more. */
  text(length: number, counted: boolean): string {
    if (length === 0) return ""
    return counted ? this.lvText() : this.bytes(length).toString("utf8")
  }

  /** A UB4 length, and when it is not zero the bytes with their length once more. */
  counted(): Buffer | null {
    return this.ub4() === 0 ? null : this.lv()
  }

  countedText(): string {
    return this.counted()?.toString("utf8") ?? ""
  }

  zeroTerminated(): Buffer {
    const at = this.buffer.indexOf(0, this.position)
    if (at < 0 || at >= this.end) {
      this.#take(this.remaining + 1)
    }
    const bytes = this.buffer.subarray(this.position, at)
    this.position = at + 1
    return bytes
  }
}
