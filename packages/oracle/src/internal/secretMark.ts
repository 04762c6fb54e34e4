/**
 * What a session keeps of the secrets that it was opened with: enough to find one in a text, and not the secret.
 *
 * A text is searched by a rolling sum, and what has the right sum is told by a digest. Both are made with numbers that the process has
 * drawn for itself.
 */
import * as Redacted from "effect/Redacted"
import { createHmac, randomBytes, randomInt } from "node:crypto"

const key = randomBytes(32)

/** A sum is a whole number of 32 bits: with any other it takes ten times as long. The base is odd, so that no bit is lost. */
const base = 2 * randomInt(2 ** 12, 2 ** 30) + 1

const digestOf = (text: string): string => createHmac("sha256", key).update(text, "utf8").digest("base64")

const add = (sum: number, code: number): number => (Math.imul(sum, base) + code) | 0

const sumOf = (text: string): number => {
  let sum = 0
  for (let at = 0; at < text.length; at++) sum = add(sum, text.charCodeAt(at))
  return sum
}

/** A secret that can be found in a text and cannot be read. */
export class SecretMark {
  readonly length: number
  readonly #sum: number
  readonly #digest: string
  /** What the first character of a window adds to its sum. */
  readonly #weight: number

  constructor(secret: Redacted.Redacted<string>) {
    const text = Redacted.value(secret)
    this.length = text.length
    this.#sum = sumOf(text)
    this.#digest = digestOf(text)
    let weight = 1
    for (let at = 1; at < text.length; at++) weight = Math.imul(weight, base)
    this.#weight = weight
  }

  /** Puts `mask` in the place of the secret wherever it stands; in linear time. */
  removeFrom(text: string, mask: string): string {
    const { length } = this
    if (length === 0 || text.length < length) return text
    let out = ""
    let copied = 0
    let start = 0
    let sum = sumOf(text.slice(0, length))
    for (;;) {
      if (sum === this.#sum && digestOf(text.slice(start, start + length)) === this.#digest) {
        out += text.slice(copied, start) + mask
        start += length
        copied = start
        if (start + length > text.length) break
        sum = sumOf(text.slice(start, start + length))
        continue
      }
      if (start + length >= text.length) break
      sum = add(sum - Math.imul(text.charCodeAt(start), this.#weight), text.charCodeAt(start + length))
      start++
    }
    return copied === 0 ? text : out + text.slice(copied)
  }
}
