/** The content of a LOB, and where it is written back. */
import { oraError } from "./oraError.ts"
import type { Lob } from "./value.ts"

/** A LOB's content with its locator: temporary, or read from a row (then `persist` writes back, when the row is locked). */
export class LobValue implements Lob {
  readonly _tag = "Lob"
  readonly type: Lob["type"]
  readonly temporary: boolean
  readonly chunkSize = 8132
  #data: string | Uint8Array | undefined
  readonly #persist: ((data: string | Uint8Array) => void) | undefined

  constructor(
    type: Lob["type"],
    data: string | Uint8Array,
    temporary: boolean,
    persist?: (data: string | Uint8Array) => void
  ) {
    this.type = type
    this.#data = data
    this.temporary = temporary
    this.#persist = persist
  }

  /** The same content, written back by this. */
  within(persist: ((data: string | Uint8Array) => void) | undefined): LobValue {
    return persist === undefined ? this : new LobValue(this.type, this.#content, false, persist)
  }

  get #content(): string | Uint8Array {
    if (this.#data === undefined) throw oraError(22922, "nonexistent LOB value")
    return this.#data
  }

  length(): number {
    return this.#content.length
  }

  read(offset: number, amount: number): string | Uint8Array {
    const start = Math.max(0, offset - 1)
    return this.#content.slice(start, start + amount)
  }

  #change(data: string | Uint8Array): void {
    if (!this.temporary) {
      if (this.#persist === undefined) throw oraError(22920, "row containing the LOB value is not locked")
      this.#persist(data)
    }
    this.#data = data
  }

  write(offset: number, data: string | Uint8Array): void {
    const content = this.#content
    const start = offset - 1
    if (typeof content === "string") {
      const text = typeof data === "string" ? data : new TextDecoder().decode(data)
      this.#change(content.slice(0, start).padEnd(start) + text + content.slice(start + text.length))
      return
    }
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data
    const joined = new Uint8Array(Math.max(content.length, start + bytes.length))
    joined.set(content)
    joined.set(bytes, start)
    this.#change(joined)
  }

  trim(length: number): void {
    if (length > this.#content.length) {
      throw oraError(22926, "specified trim length is greater than current LOB value's length")
    }
    this.#change(this.#content.slice(0, length))
  }

  free(): void {
    if (this.temporary) this.#data = undefined
  }
}
