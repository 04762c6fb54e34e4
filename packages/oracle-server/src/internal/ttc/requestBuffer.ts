/** The bytes of requests that have arrived and are not parsed yet. */
import { ProtocolError } from "../net/protocolError.ts"
import { ByteReader } from "./byteReader.ts"

// A message that is still not whole after so many bytes is none. Values are kept apart as soon as they are.
const maxRequest = 1024 * 1024 * 1024 + 65_536

/** The bytes of requests as they arrive in DATA packets, parsed from the front message by message. */
export class RequestBuffer {
  #buffer = Buffer.allocUnsafe(1024)
  #end = 0
  #needed = 0
  /** Ends of requests, as far as the client marks them. */
  #boundaries: Array<number> = []
  #marksEnds = false
  /** The last packet had room left: a request that its client does not mark ends with it. */
  #endsShort = true
  readonly reader = new ByteReader(this.#buffer, 0)

  /** `isFull`: the packet had no room for more, so that its request may go on in the next one. */
  append(payload: Buffer, endsRequest: boolean, isFull: boolean): void {
    const { reader } = this
    const start = reader.position
    if (this.#end - start + payload.length > maxRequest) throw new ProtocolError("a request is too long")
    if (this.#end + payload.length > this.#buffer.length) {
      const kept = this.#end - start
      const size = Math.max(1024, (kept + payload.length) * 2)
      const target = size > this.#buffer.length ? Buffer.allocUnsafe(size) : this.#buffer
      this.#buffer.copy(target, 0, start, this.#end)
      this.#buffer = target
      this.#end = kept
      this.#boundaries = this.#boundaries.map((boundary) => boundary - start)
      this.#needed = Math.max(0, this.#needed - start)
      reader.buffer = target
      reader.position = 0
    }
    payload.copy(this.#buffer, this.#end)
    this.#end += payload.length
    reader.end = this.#end
    if (endsRequest) {
      this.#marksEnds = true
      this.#boundaries.push(this.#end)
    }
    this.#endsShort = !isFull
  }

  get isEmpty(): boolean {
    return this.reader.position === this.#end
  }

  /** False while the last attempt's need is not met. */
  get isWorthAnAttempt(): boolean {
    return !this.isEmpty && this.#end >= this.#needed
  }

  /** Whether the client has marked the reader's position as the end of a request. */
  get endsHere(): boolean {
    return this.#boundaries.includes(this.reader.position)
  }

  /** What has been read so far will not be read again. */
  commit(): void {
    const { reader } = this
    // Some clients put several requests into one packet, and mark the end of the last.
    if (this.#boundaries[0] === reader.position) this.#boundaries.shift()
    else if (this.#boundaries.length > 0 && this.#boundaries[0]! < reader.position) {
      throw new ProtocolError("a message goes on past the marked end of its request")
    }
    this.#needed = 0
    if (this.isEmpty) this.clear()
  }

  /** Goes back to the last commit, at `start`, and waits for `needed` bytes in all. */
  retry(start: number, needed: number): void {
    if (this.#boundaries.length > 0) throw new ProtocolError("a request ends in the middle of a message")
    this.reader.position = start
    this.#needed = needed
  }

  /** Passes over what is left of a request that cannot be parsed; false when its end is not known yet. */
  skipToBoundary(): boolean {
    const boundary = this.#boundaries[0] ?? (this.#endsShort && !this.#marksEnds ? this.#end : undefined)
    if (boundary === undefined) return false
    this.reader.position = boundary
    this.commit()
    return true
  }

  clear(): void {
    this.#end = 0
    this.#needed = 0
    this.#boundaries = []
    this.reader.position = 0
    this.reader.end = 0
    // A request of several megabytes should not pin its buffer to an idle connection.
    if (this.#buffer.length > 1 << 20) {
      this.#buffer = Buffer.allocUnsafe(1024)
      this.reader.buffer = this.#buffer
    }
  }
}
