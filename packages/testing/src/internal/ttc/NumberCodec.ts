import type { ByteWriter } from "./ByteWriter.ts"

const maxPairs = 20

/** The value does not fit NUMBER: ORA-01426. */
export class NumericOverflow extends Error {
  override readonly name = "NumericOverflow"
}

const decimal = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/

interface Decimal {
  readonly negative: boolean
  /** Significant digits, without zeros at either end; empty for zero. */
  readonly digits: string
  /** The value is 0.digits times ten to this power. */
  readonly power: number
}

const parseDecimal = (text: string): Decimal => {
  const match = decimal.exec(text)
  if (match === null || (match[2] === "" && (match[3] ?? "") === "")) {
    throw new TypeError(`not a decimal number: ${text}`)
  }
  const whole = match[2]!
  const all = whole + (match[3] ?? "")
  let from = 0
  while (from < all.length && all.charCodeAt(from) === 48) from++
  let to = all.length
  while (to > from && all.charCodeAt(to - 1) === 48) to--
  return {
    negative: match[1] === "-",
    digits: all.slice(from, to),
    power: whole.length - from + (match[4] === undefined ? 0 : Number(match[4]))
  }
}

// At most 20 base-100 digits are stored; the rest is rounded half up.
const roundTo = (digits: string, count: number): { digits: string; carried: boolean } => {
  if (digits.length <= count) return { digits, carried: false }
  if (digits.charCodeAt(count) < 53) return { digits: digits.slice(0, count), carried: false }
  const rounded = (BigInt(digits.slice(0, count)) + 1n).toString().padStart(count, "0")
  return { digits: rounded, carried: rounded.length > count }
}

const zero = Uint8Array.of(0x80)

/** The bytes of a NUMBER, from decimal text (an exponent is allowed), or from a number or bigint. */
export const encodeNumber = (value: string | number | bigint): Uint8Array => {
  if (typeof value === "number" && Number.isSafeInteger(value)) return encodeInteger(value)
  const parsed = parseDecimal(String(value))
  if (parsed.digits === "") return zero
  let { digits, power } = parsed
  // Pairs are aligned to the decimal point, so an odd power needs a zero in front.
  if (power % 2 !== 0) {
    digits = `0${digits}`
    power++
  }
  const rounded = roundTo(digits, maxPairs * 2)
  digits = rounded.digits
  if (rounded.carried) {
    digits = `0${digits}`
    power += 2
  }
  const exponent = power / 2
  if (exponent > 63) throw new NumericOverflow(`numeric overflow: ${value}`)
  if (exponent < -64) return zero
  if (digits.length % 2 !== 0) digits += "0"
  let pairs = digits.length / 2
  const pair = (index: number) => (digits.charCodeAt(index * 2) - 48) * 10 + digits.charCodeAt(index * 2 + 1) - 48
  while (pairs > 1 && pair(pairs - 1) === 0) pairs--
  return pack(parsed.negative, exponent, pairs, pair)
}

const pack = (negative: boolean, exponent: number, pairs: number, pair: (index: number) => number): Uint8Array => {
  const terminated = negative && pairs < maxPairs
  const out = new Uint8Array(1 + pairs + (terminated ? 1 : 0))
  const head = 192 + exponent
  out[0] = negative ? head ^ 0xff : head
  for (let index = 0; index < pairs; index++) out[index + 1] = negative ? 101 - pair(index) : pair(index) + 1
  if (terminated) out[pairs + 1] = 102
  return out
}

const scratch = new Uint8Array(8)

const encodeInteger = (value: number): Uint8Array => {
  if (value === 0) return zero
  let rest = Math.abs(value)
  let trailing = 0
  while (rest % 100 === 0) {
    rest /= 100
    trailing++
  }
  let pairs = 0
  while (rest > 0) {
    scratch[pairs++] = rest % 100
    rest = Math.floor(rest / 100)
  }
  return pack(value < 0, pairs + trailing, pairs, (index) => scratch[pairs - 1 - index]!)
}

/** Writes a NUMBER with its length. */
export const writeNumber = (writer: ByteWriter, value: string | number | bigint): void => {
  writer.lv(encodeNumber(value))
}

/** Decimal text, without an exponent, of the bytes of a NUMBER. */
export const decodeNumber = (bytes: Uint8Array): string => {
  const head = bytes[0]
  if (head === undefined) throw new TypeError("NUMBER without bytes")
  const negative = head < 0x80
  if (bytes.length === 1) {
    if (head === 0x80) return "0"
    throw new TypeError("NUMBER -infinity")
  }
  if (head === 255 && bytes[1] === 101) throw new TypeError("NUMBER infinity")
  const exponent = (negative ? head ^ 0xff : head) - 192
  let digits = ""
  for (let index = 1; index < bytes.length; index++) {
    const byte = bytes[index]!
    if (negative && byte === 102 && index === bytes.length - 1) break
    const pair = negative ? 101 - byte : byte - 1
    if (pair < 0 || pair > 99) throw new TypeError("NUMBER digit")
    digits += pair < 10 ? `0${pair}` : String(pair)
  }
  const power = exponent * 2
  let text: string
  if (power <= 0) text = `0.${"0".repeat(-power)}${digits}`
  else if (power >= digits.length) text = digits.padEnd(power, "0")
  else text = `${digits.slice(0, power)}.${digits.slice(power)}`
  text = text.replace(/^0+(?=\d)/, "")
  if (text.includes(".")) text = text.replace(/\.?0+$/, "")
  return negative ? `-${text}` : text
}
