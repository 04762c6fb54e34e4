/** A socket with counts, limits and back-pressure. It knows bytes only. */
import type { Socket } from "node:net"
import type { Ending } from "../../Fault.ts"

/** Ends a connection when so many bytes have passed. */
export interface ByteLimit {
  readonly direction: "toClient" | "toServer"
  remaining: number
  readonly then: Ending
  readonly reached: () => void
  /** Who set the limit, so that it can be lifted again. */
  readonly owner: unknown
}

/** Bytes of answers that may wait for a client to read them. */
const maxUnread = 16 * 1024 * 1024

/** A client's socket, with byte counts and with limits that cut it at an exact byte. */
export class Transport {
  received = 0
  sent = 0
  #limits: Array<ByteLimit> = []
  #silent = false
  #deaf = false
  readonly #socket: Socket
  /** The TCP socket: the same one, or the one below TLS. */
  readonly #raw: Socket
  readonly #onBytes: (chunk: Buffer) => void

  constructor(socket: Socket, onBytes: (chunk: Buffer) => void, onClosed: () => void, raw = socket) {
    this.#socket = socket
    this.#raw = raw
    this.#onBytes = onBytes
    socket.setNoDelay(true)
    socket.on("data", (chunk) => this.#deliver(chunk))
    // A client that vanishes shows up as an error and then as a close; only the latter matters here.
    socket.on("error", () => undefined)
    socket.on("end", () => this.end())
    socket.on("close", onClosed)
  }

  limit(limit: ByteLimit): void {
    this.#limits.push(limit)
    if (limit.remaining === 0) this.#reach(limit)
  }

  lift(owner: unknown): void {
    this.#limits = this.#limits.filter((limit) => limit.owner !== owner)
  }

  /** Counts bytes off the limits of a direction; the number of bytes that may still pass. */
  #allow(direction: ByteLimit["direction"], count: number): { allowed: number; limit?: ByteLimit } {
    let allowed = count
    let strictest: ByteLimit | undefined
    for (const limit of this.#limits) {
      if (limit.direction !== direction) continue
      if (limit.remaining <= allowed) {
        allowed = limit.remaining
        strictest = limit
      }
    }
    for (const limit of this.#limits) if (limit.direction === direction) limit.remaining -= allowed
    return strictest === undefined ? { allowed } : { allowed, limit: strictest }
  }

  #deliver(chunk: Buffer): void {
    if (this.#deaf) return
    this.received += chunk.length
    if (this.#limits.length === 0) return this.#onBytes(chunk)
    const { allowed, limit } = this.#allow("toServer", chunk.length)
    if (allowed > 0) this.#onBytes(chunk.subarray(0, allowed))
    if (limit !== undefined) this.#reach(limit)
  }

  write(bytes: Buffer): void {
    if (this.#silent || this.#socket.destroyed || this.#socket.writableEnded) return
    if (this.#limits.length === 0) {
      this.sent += bytes.length
      return this.#put(bytes)
    }
    const { allowed, limit } = this.#allow("toClient", bytes.length)
    this.sent += allowed
    if (allowed > 0) this.#put(bytes.subarray(0, allowed))
    if (limit !== undefined) this.#reach(limit)
  }

  // A client that sends requests and does not read their answers is not listened to until it does.
  #put(bytes: Buffer): void {
    this.#socket.write(bytes)
    if (this.#socket.writableLength <= maxUnread || this.#socket.isPaused()) return
    this.#socket.pause()
    this.#socket.once("drain", () => this.#socket.resume())
  }

  #reach(limit: ByteLimit): void {
    this.lift(limit.owner)
    limit.reached()
    this.stop(limit.then)
  }

  /** Ends the connection in the given way; bytes that were written before still go out. */
  stop(ending: Ending): void {
    if (ending === "hang") {
      this.#silent = true
      this.#deaf = true
    } else if (ending === "reset") this.reset()
    else this.end()
  }

  cork(): void {
    this.#socket.cork()
  }

  uncork(): void {
    this.#socket.uncork()
  }

  end(): void {
    this.#deaf = true
    this.#silent = true
    this.#socket.destroySoon()
  }

  reset(): void {
    this.#deaf = true
    this.#silent = true
    // What was written has to leave before the reset does.
    const reset = () => {
      this.#raw.resetAndDestroy()
      this.#socket.destroy()
    }
    if (this.#socket.writableLength === 0) reset()
    else this.#socket.write(Buffer.alloc(0), reset)
  }

  destroy(): void {
    this.#deaf = true
    this.#silent = true
    this.#socket.destroy()
  }

  get remoteAddress(): string {
    return this.#socket.remoteAddress ?? ""
  }
}
