/**
 * NUMBER: a safe integer is a JavaScript number, everything else stands in the database's own format.
 *
 * The rule is strict: a value that is a safe integer is never kept as bytes, so equal values always look alike. The
 * format is an exponent byte and up to twenty base-100 digits, which compares bytewise like the numbers it stands for.
 * Zero is `80`; positive: `0x80 | (e + 65)` then digit + 1; negative: the complement of that byte, then 101 - digit, then
 * 102 when there are fewer than twenty digits.
 */
import { oraError } from "./oraError.ts"

export type NumberValue = number | Uint8Array

/** `coefficient * 10 ** exponent`. */
export interface Decimal {
  readonly coefficient: bigint
  readonly exponent: number
}

const maxPairs = 20

export const zero: NumberValue = 0

const zeroBytes = Uint8Array.of(0x80)

const encodePairs = (negative: boolean, exponent: number, pairs: ReadonlyArray<number>): Uint8Array => {
  if (exponent > 62) throw oraError(1426, "numeric overflow")
  if (exponent < -65) return zeroBytes
  const closing = negative && pairs.length < maxPairs
  const bytes = new Uint8Array(1 + pairs.length + (closing ? 1 : 0))
  const head = 0x80 | (exponent + 65)
  bytes[0] = negative ? ~head & 0xff : head
  for (let i = 0; i < pairs.length; i++) bytes[i + 1] = negative ? 101 - pairs[i]! : pairs[i]! + 1
  if (closing) bytes[bytes.length - 1] = 102
  return bytes
}

/** A safe integer in the format. */
const bytesOfInteger = (value: number): Uint8Array => {
  if (value === 0) return zeroBytes
  const pairs: Array<number> = []
  let rest = Math.abs(value)
  let exponent = -1
  while (rest > 0) {
    const pair = rest % 100
    if (pair !== 0 || pairs.length > 0) pairs.push(pair)
    rest = Math.floor(rest / 100)
    exponent++
  }
  return encodePairs(value < 0, exponent, pairs.toReversed())
}

/** The value in the database's format. */
export const toBytes = (value: NumberValue): Uint8Array => typeof value === "number" ? bytesOfInteger(value) : value

/** A safe integer; -0 becomes 0. */
export const fromInteger = (value: number): NumberValue => value + 0

/** Rounds half away from zero to the twenty base-100 digits a NUMBER can hold. */
export const fromDecimal = (coefficient: bigint, exponent: number): NumberValue => {
  if (coefficient === 0n) return 0
  if (exponent === 0 && coefficient <= 9007199254740991n && coefficient >= -9007199254740991n) {
    return Number(coefficient)
  }
  if (coefficient <= largestSmall && coefficient >= -largestSmall) {
    return settle(bytesOfSmall(Number(coefficient), exponent))
  }
  return settle(bytesOfDecimal(coefficient, exponent))
}

/** A coefficient that JavaScript's numbers hold, ten times as large too. */
const largestSmall = 900_719_925_474_099n

/** The same for a coefficient that is a safe integer: no text in between. */
export const fromSmallDecimal = (coefficient: number, exponent: number): NumberValue =>
  coefficient === 0 ? 0 : Math.abs(coefficient) <= Number(largestSmall)
    ? settle(bytesOfSmall(coefficient, exponent))
    : fromDecimal(BigInt(coefficient), exponent)

const bytesOfSmall = (coefficient: number, exponent: number): Uint8Array => {
  let rest = Math.abs(coefficient)
  let last = exponent
  // The last digit of a pair stands at an even power of ten.
  if ((last & 1) !== 0) {
    rest *= 10
    last--
  }
  while (rest % 100 === 0) {
    rest /= 100
    last += 2
  }
  const pairs: Array<number> = []
  while (rest > 0) {
    pairs.push(rest % 100)
    rest = Math.floor(rest / 100)
  }
  return encodePairs(coefficient < 0, last / 2 + pairs.length - 1, pairs.toReversed())
}

/** Bytes that stand for a safe integer become one. */
const settle = (bytes: Uint8Array): NumberValue => {
  if (bytes.length === 1 && bytes[0] === 0x80) return 0
  const exponent = headExponent(bytes)
  const count = pairCount(bytes)
  if (exponent > 7 || count > exponent + 1) return bytes
  const negative = isNegative(bytes)
  let value = 0
  for (let i = 0; i <= exponent; i++) {
    value = value * 100 + (i < count ? (negative ? 101 - bytes[i + 1]! : bytes[i + 1]! - 1) : 0)
  }
  // Sixteen digits may pass the safe integers; a sum that rounded on the way is above them too.
  return value > Number.MAX_SAFE_INTEGER ? bytes : negative ? -value : value
}

const bytesOfDecimal = (coefficient: bigint, exponent: number): Uint8Array => {
  const negative = coefficient < 0n
  let digits = (negative ? -coefficient : coefficient).toString()
  let exp = exponent
  // The last digit of a pair stands at an even power of ten.
  if ((exp & 1) !== 0) {
    digits += "0"
    exp--
  }
  if ((digits.length & 1) !== 0) digits = "0" + digits
  let count = digits.length / 2
  let carry = 0
  if (count > maxPairs) {
    carry = digits.charCodeAt(maxPairs * 2) >= 53 ? 1 : 0
    exp += (count - maxPairs) * 2
    count = maxPairs
  }
  const pairs: Array<number> = Array.from({ length: count })
  for (let i = count - 1; i >= 0; i--) {
    let pair = (digits.charCodeAt(i * 2) - 48) * 10 + digits.charCodeAt(i * 2 + 1) - 48 + carry
    carry = 0
    if (pair === 100) {
      pair = 0
      carry = 1
    }
    pairs[i] = pair
  }
  if (carry === 1) pairs.unshift(1)
  const head = exp / 2 + count - 1 + (carry === 1 ? 1 : 0)
  let end = pairs.length
  while (end > 0 && pairs[end - 1] === 0) end--
  return encodePairs(
    negative,
    head,
    end === pairs.length && end <= maxPairs ? pairs : pairs.slice(0, Math.min(end, 20))
  )
}

/** The value of valid bytes in the database's format. */
export const fromBytes = (bytes: Uint8Array): NumberValue => settle(bytes)

const grammar = /^\s*([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d+))?\s*$/

/** The number a decimal text stands for, or undefined when it is none. */
export const parse = (text: string): NumberValue | undefined => {
  const match = grammar.exec(text)
  if (match === null) return undefined
  const fraction = match[3] ?? match[4] ?? ""
  const whole = match[2] ?? ""
  const digits = whole + fraction
  const exponent = Number(match[5] ?? 0) - fraction.length
  if (digits.length <= 15 && exponent === 0) return fromInteger(match[1] === "-" ? -Number(digits) : Number(digits))
  const coefficient = BigInt(digits)
  return fromDecimal(match[1] === "-" ? -coefficient : coefficient, exponent)
}

export const fromText = (text: string): NumberValue => {
  const bytes = parse(text)
  if (bytes === undefined) throw oraError(1722, "unable to convert string value to a number")
  return bytes
}

export const isNegative = (value: NumberValue): boolean => typeof value === "number" ? value < 0 : value[0]! < 0x80
export const isZero = (value: NumberValue): boolean => value === 0

const pairCount = (bytes: Uint8Array): number =>
  isNegative(bytes) && bytes[bytes.length - 1] === 102 ? bytes.length - 2 : bytes.length - 1

const headExponent = (bytes: Uint8Array): number =>
  isNegative(bytes) ? (~bytes[0]! & 0x7f) - 65 : (bytes[0]! & 0x7f) - 65

/** The value as a safe integer, or undefined when it is none. */
export const toInteger = (value: NumberValue): number | undefined => typeof value === "number" ? value : undefined

/** Digits without sign and the power of ten of the last one. */
const digitsOf = (bytes: Uint8Array): { readonly digits: string; readonly exponent: number } => {
  const count = pairCount(bytes)
  const negative = isNegative(bytes)
  let digits = ""
  for (let i = 1; i <= count; i++) {
    const pair = negative ? 101 - bytes[i]! : bytes[i]! - 1
    digits += pair < 10 ? "0" + pair : pair
  }
  return { digits, exponent: (headExponent(bytes) - count + 1) * 2 }
}

export const toDecimal = (bytes: NumberValue): Decimal => {
  if (typeof bytes === "number") return { coefficient: BigInt(bytes), exponent: 0 }
  const count = pairCount(bytes)
  if (count <= 7) {
    const negative = isNegative(bytes)
    let small = 0
    for (let i = 1; i <= count; i++) small = small * 100 + (negative ? 101 - bytes[i]! : bytes[i]! - 1)
    return { coefficient: BigInt(negative ? -small : small), exponent: (headExponent(bytes) - count + 1) * 2 }
  }
  const { digits, exponent } = digitsOf(bytes)
  const coefficient = BigInt(digits)
  return { coefficient: isNegative(bytes) ? -coefficient : coefficient, exponent }
}

/** Plain decimal text: no exponent, `0.5` with its zero, no trailing zeros. */
export const toText = (bytes: NumberValue): string => {
  if (typeof bytes === "number") return String(bytes)
  const { digits, exponent } = digitsOf(bytes)
  let text: string
  if (exponent >= 0) text = digits.replace(/^0+/, "") + "0".repeat(exponent)
  else {
    const padded = digits.padStart(1 - exponent, "0")
    const cut = padded.length + exponent
    text = (padded.slice(0, cut).replace(/^0+/, "") || "0") + "." + padded.slice(cut).replace(/0+$/, "")
    if (text.endsWith(".")) text = text.slice(0, -1)
  }
  return isNegative(bytes) ? "-" + text : text
}

export const toDouble = (bytes: NumberValue): number => typeof bytes === "number" ? bytes : Number(toText(bytes))

/** The decimal with the fewest digits that is this double. */
export const fromDouble = (value: number): NumberValue => {
  if (!Number.isFinite(value)) throw oraError(1426, "numeric overflow")
  if (Number.isSafeInteger(value)) return fromInteger(value)
  return fromText(String(value))
}

const compareBytes = (a: Uint8Array, b: Uint8Array): number => {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    if (a[i] !== b[i]) return a[i]! - b[i]!
  }
  return a.length - b.length
}

export const compare = (a: NumberValue, b: NumberValue): number =>
  typeof a === "number" && typeof b === "number" ? a - b : compareBytes(toBytes(a), toBytes(b))
