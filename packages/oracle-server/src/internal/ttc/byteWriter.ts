/** Writes the primitives of the two-task protocol. */
const maxShortLength = 252
const chunkSize = 32_767

/** Writes the primitives of the two-task protocol into one buffer that grows and is used again for the next response. */
export class ByteWriter {
  #buffer = Buffer.allocUnsafe(1024)
  #position = 0

  get length(): number {
    return this.#position
  }

  /** The bytes written so far. They are valid until the next write. */
  written(): Buffer {
    return this.#buffer.subarray(0, this.#position)
  }

  reset(): void {
    this.#position = 0
    // A response of several megabytes should not pin its buffer to an idle connection.
    if (this.#buffer.length > 1 << 20) this.#buffer = Buffer.allocUnsafe(1024)
  }

  truncate(length: number): void {
    this.#position = length
  }

  #reserve(count: number): number {
    const at = this.#position
    const needed = at + count
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
      this.#buffer.copy(larger, 0, 0, at)
      this.#buffer = larger
    }
    this.#position = needed
    return at
  }

  u8(value: number): this {
    const at = this.#reserve(1)
    this.#buffer[at] = value
    return this
  }

  u16(value: number): this {
    const at = this.#reserve(2)
    this.#buffer.writeUInt16BE(value, at)
    return this
  }

  u16le(value: number): this {
    const at = this.#reserve(2)
    this.#buffer.writeUInt16LE(value, at)
    return this
  }

  u32(value: number): this {
    const at = this.#reserve(4)
    this.#buffer.writeUInt32BE(value >>> 0, at)
    return this
  }

  u64(value: number): this {
    const at = this.#reserve(8)
    this.#buffer.writeUInt32BE(Math.floor(value / 0x1_0000_0000), at)
    this.#buffer.writeUInt32BE(value % 0x1_0000_0000, at + 4)
    return this
  }

  zeros(count: number): this {
    const at = this.#reserve(count)
    this.#buffer.fill(0, at, at + count)
    return this
  }

  bytes(value: Uint8Array): this {
    const at = this.#reserve(value.length)
    this.#buffer.set(value, at)
    return this
  }

  /** UB2, UB4 and UB8 are the same on the wire: a byte count and as many bytes as the value needs. */
  ub(value: number): this {
    if (value === 0) return this.u8(0)
    if (value < 0x100) {
      const at = this.#reserve(2)
      this.#buffer[at] = 1
      this.#buffer[at + 1] = value
      return this
    }
    if (value < 0x1_0000) return this.u8(2).u16(value)
    if (value < 0x1_0000_0000) return this.u8(4).u32(value)
    return this.u8(8).u64(value)
  }

  sb(value: number): this {
    if (value >= 0) return this.ub(value)
    const at = this.#position
    this.ub(-value)
    this.#buffer[at]! |= 0x80
    return this
  }

  lv(value: Uint8Array | null): this {
    if (value === null || value.length === 0) return this.u8(0)
    if (value.length <= maxShortLength) {
      const at = this.#reserve(value.length + 1)
      this.#buffer[at] = value.length
      this.#buffer.set(value, at + 1)
      return this
    }
    this.u8(254)
    for (let from = 0; from < value.length; from += chunkSize) {
      const chunk = value.subarray(from, from + chunkSize)
      this.ub(chunk.length).bytes(chunk)
    }
    return this.ub(0)
  }

  /** Text as UTF-8 with its length. */
  lvText(value: string): this {
    // Three bytes are the most that one UTF-16 unit becomes.
    if (value.length * 3 > maxShortLength) return this.lv(Buffer.from(value, "utf8"))
    const at = this.#reserve(value.length * 3 + 1)
    const length = this.#buffer.write(value, at + 1, "utf8")
    this.#buffer[at] = length
    this.#position = at + 1 + length
    return this
  }

  counted(value: Uint8Array | null): this {
    if (value === null || value.length === 0) return this.ub(0)
    return this.ub(value.length).lv(value)
  }

  countedText(value: string): this {
    return value === "" ? this.ub(0) : this.counted(Buffer.from(value, "utf8"))
  }
}
