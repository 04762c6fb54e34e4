/** The LOBs whose locators a client holds. */
import type { Lob } from "../engine/engine.ts"
import { oraError } from "../engine/oraError.ts"

export const locatorSize = 40

const flagBlob = 0x01
const flagText = 0x02
const flagInit = 0x08
const flagTemporary = 0x01
const flagUtf16 = 0x80

// Locators of persistent LOBs are never given back by clients, so only this many of them stay usable.
const maxPersistent = 65_536

const idOf = (locator: Buffer): number => locator.length >= 24 ? locator.readDoubleBE(16) : 0

/** The LOBs a session's client holds locators of. */
export class LobTable {
  readonly #lobs = new Map<number, Lob>()
  readonly #persistent = new Set<number>()
  readonly #opened = new Set<number>()
  #nextId = 1

  /** How many temporary LOBs there are. */
  get temporary(): number {
    return this.#lobs.size - this.#persistent.size
  }

  /** A locator of 40 bytes that leads back to `lob`. */
  locate(lob: Lob): Buffer {
    const id = this.#nextId++
    this.#lobs.set(id, lob)
    if (!lob.temporary) this.#remember(id)
    const locator = Buffer.alloc(locatorSize)
    locator.writeUInt16BE(locatorSize - 2, 0)
    // Not 4, which announces a value without a LOB behind it.
    locator[3] = 1
    // Text travels as UTF-16, so that a piece which ends between two surrogates stays whole.
    if (lob.type === "BLOB") locator[4] = flagBlob
    else {
      locator[4] = flagText
      locator[6] = flagUtf16
    }
    locator[5] = flagInit
    if (lob.temporary) locator[7] = flagTemporary
    locator.writeDoubleBE(id, 16)
    return locator
  }

  #remember(id: number): void {
    this.#persistent.add(id)
    if (this.#persistent.size <= maxPersistent) return
    const [oldest] = this.#persistent
    this.#persistent.delete(oldest!)
    this.#lobs.delete(oldest!)
  }

  find(locator: Buffer): Lob {
    const lob = this.#lobs.get(idOf(locator))
    if (lob === undefined) throw oraError(22922, "nonexistent LOB value")
    return lob
  }

  /** Opens the LOB that a locator leads to, until it is closed. */
  open(locator: Buffer): void {
    this.find(locator)
    const id = idOf(locator)
    if (this.#opened.has(id)) throw oraError(22293, "LOB already opened in the same transaction")
    this.#opened.add(id)
  }

  close(locator: Buffer): void {
    this.find(locator)
    if (!this.#opened.delete(idOf(locator))) {
      throw oraError(22289, "cannot perform CLOSE operation on an unopened file or LOB")
    }
  }

  isOpen(locator: Buffer): boolean {
    this.find(locator)
    return this.#opened.has(idOf(locator))
  }

  /** Frees a temporary LOB; a locator that leads nowhere any more is none to free. */
  free(locator: Buffer): void {
    const id = idOf(locator)
    const lob = this.#lobs.get(id)
    if (lob === undefined) return
    this.#lobs.delete(id)
    this.#opened.delete(id)
    this.#persistent.delete(id)
    if (lob.temporary) lob.free()
  }

  clear(): void {
    this.#lobs.clear()
    this.#opened.clear()
    this.#persistent.clear()
  }
}

/** Text of a CLOB as its locators promise it: UTF-16, high byte first. */
export const encodeUtf16 = (text: string): Buffer => Buffer.from(text, "utf16le").swap16()

export const decodeUtf16 = (bytes: Buffer): string => {
  const even = bytes.length % 2 === 0 ? bytes : bytes.subarray(0, bytes.length - 1)
  return Buffer.from(even).swap16().toString("utf16le")
}
