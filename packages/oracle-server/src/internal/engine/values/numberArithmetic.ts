/** Exact decimal arithmetic on NUMBER: results are rounded to the forty digits the format holds, as the server does. */
import {
  compare,
  type Decimal,
  fromDecimal,
  fromInteger,
  fromSmallDecimal,
  isNegative,
  isZero,
  type NumberValue,
  toDecimal,
  toInteger,
  zero
} from "./oracleNumber.ts"
import { oraError } from "./oraError.ts"

const align = (a: Decimal, b: Decimal): readonly [bigint, bigint, number] => {
  if (a.exponent === b.exponent) return [a.coefficient, b.coefficient, a.exponent]
  return a.exponent > b.exponent
    ? [a.coefficient * 10n ** BigInt(a.exponent - b.exponent), b.coefficient, b.exponent]
    : [a.coefficient, b.coefficient * 10n ** BigInt(b.exponent - a.exponent), a.exponent]
}

export const add = (a: NumberValue, b: NumberValue): NumberValue => {
  if (typeof a === "number" && typeof b === "number") {
    const result = a + b
    if (Number.isSafeInteger(result)) return result
  }
  const [m, n, exponent] = align(toDecimal(a), toDecimal(b))
  return fromDecimal(m + n, exponent)
}

export const negate = (a: NumberValue): NumberValue => {
  if (typeof a === "number") return 0 - a
  const { coefficient, exponent } = toDecimal(a)
  return fromDecimal(-coefficient, exponent)
}

export const subtract = (a: NumberValue, b: NumberValue): NumberValue => {
  if (typeof a === "number" && typeof b === "number") {
    const result = a - b
    if (Number.isSafeInteger(result)) return result
  }
  const [m, n, exponent] = align(toDecimal(a), toDecimal(b))
  return fromDecimal(m - n, exponent)
}

export const multiply = (a: NumberValue, b: NumberValue): NumberValue => {
  if (typeof a === "number" && typeof b === "number") {
    const product = a * b
    if (Number.isSafeInteger(product)) return product + 0
  }
  const m = toDecimal(a)
  const n = toDecimal(b)
  return fromDecimal(m.coefficient * n.coefficient, m.exponent + n.exponent)
}

const abs = (value: bigint): bigint => value < 0n ? -value : value

/** `m / n * 10 ** exponent` to more digits than a NUMBER holds; a sticky digit keeps the rounding right. */
const quotient = (m: bigint, n: bigint, exponent: number): NumberValue => {
  const shift = Math.max(0, 44 + abs(n).toString().length - abs(m).toString().length)
  const scaled = m * 10n ** BigInt(shift)
  const whole = scaled / n
  const sticky = scaled % n === 0n ? 0n : (m < 0n) === (n < 0n) ? 1n : -1n
  return fromDecimal(whole * 10n + sticky, exponent - shift - 1)
}

export const divide = (a: NumberValue, b: NumberValue): NumberValue => {
  if (isZero(b)) throw oraError(1476, "divisor is equal to zero")
  if (isZero(a)) return zero
  const x = toInteger(a)
  const y = toInteger(b)
  if (x !== undefined && y !== undefined) {
    // Few digits after the point are found without long division.
    let scaled = x
    for (let places = 0; places <= 6 && Number.isSafeInteger(scaled); places++) {
      if (scaled % y === 0) return fromSmallDecimal(scaled / y, -places)
      scaled *= 10
    }
  }
  const m = toDecimal(a)
  const n = toDecimal(b)
  return quotient(m.coefficient, n.coefficient, m.exponent - n.exponent)
}

/** `MOD(m, 0)` is `m`; the sign follows `m`. */
export const modulo = (a: NumberValue, b: NumberValue): NumberValue => {
  if (isZero(b)) return a
  const x = toInteger(a)
  const y = toInteger(b)
  if (x !== undefined && y !== undefined) return fromInteger((x % y) + 0)
  const [m, n, exponent] = align(toDecimal(a), toDecimal(b))
  return fromDecimal(m % n, exponent)
}

/** `REMAINDER`: like MOD, with the nearest multiple (even on a tie). */
export const remainder = (a: NumberValue, b: NumberValue): NumberValue => {
  if (isZero(b)) throw oraError(1476, "divisor is equal to zero")
  const [m, n, exponent] = align(toDecimal(a), toDecimal(b))
  const floor = m / n
  const candidates = [floor - 1n, floor, floor + 1n].map((k) => ({ k, rest: m - n * k }))
  const best = candidates.reduce((p, q) =>
    abs(q.rest) < abs(p.rest) || (abs(q.rest) === abs(p.rest) && q.k % 2n === 0n) ? q : p
  )
  return fromDecimal(best.rest, exponent)
}

export const absolute = (a: NumberValue): NumberValue => isNegative(a) ? negate(a) : a
export const sign = (a: NumberValue): NumberValue => isZero(a) ? zero : fromInteger(isNegative(a) ? -1 : 1)

/** Rounds half away from zero (or cuts) at `places` digits after the point; negative places stand before it. */
export const rescale = (a: NumberValue, places: number, cut: boolean): NumberValue => {
  if (typeof a === "number" && places >= 0) return a
  const { coefficient, exponent } = toDecimal(a)
  const drop = -places - exponent
  if (drop <= 0) return a
  const unit = 10n ** BigInt(Math.min(drop, 200))
  let whole = coefficient / unit
  if (!cut && abs(coefficient % unit) * 2n >= unit) whole += coefficient < 0n ? -1n : 1n
  return fromDecimal(whole, -places)
}

export const floor = (a: NumberValue): NumberValue => {
  const cut = rescale(a, 0, true)
  return isNegative(a) && compare(cut, a) !== 0 ? add(cut, fromInteger(-1)) : cut
}

export const ceiling = (a: NumberValue): NumberValue => {
  const cut = rescale(a, 0, true)
  return !isNegative(a) && compare(cut, a) !== 0 ? add(cut, fromInteger(1)) : cut
}

const squareRoot = (value: bigint): bigint => {
  if (value < 2n) return value
  let x = 1n << BigInt((value.toString(2).length + 1) >> 1)
  for (;;) {
    const y = (x + value / x) >> 1n
    if (y >= x) return x
    x = y
  }
}

export const sqrt = (a: NumberValue): NumberValue => {
  if (isNegative(a)) throw oraError(1428, `argument '${String(toInteger(a) ?? "negative")}' is out of range`)
  if (isZero(a)) return zero
  const { coefficient, exponent } = toDecimal(a)
  // Pairs and integers have even exponents, so the root's exponent is whole.
  const scaled = coefficient * 10n ** 90n
  const root = squareRoot(scaled)
  return fromDecimal(root * 10n + (root * root === scaled ? 0n : 1n), (exponent - 90) / 2 - 1)
}

/** A whole power, exact to the forty digits; undefined for a broken exponent. */
export const wholePower = (a: NumberValue, b: NumberValue): NumberValue | undefined => {
  const n = toInteger(b)
  if (n === undefined) return undefined
  if (isZero(a)) {
    if (n < 0) throw oraError(1428, `argument '${n}' is out of range`)
    return n === 0 ? fromInteger(1) : zero
  }
  const { coefficient, exponent } = toDecimal(a)
  const limit = 10n ** 120n
  let mantissa = 1n
  let scale = 0
  let baseMantissa = coefficient
  let baseScale = exponent
  // Beyond 120 digits the lowest ones cannot reach the forty that stay.
  const trim = (value: bigint): readonly [bigint, number] => {
    let kept = value
    let dropped = 0
    while (abs(kept) > limit) {
      kept /= 10n ** 20n
      dropped += 20
    }
    return [kept, dropped]
  }
  for (let rest = Math.abs(n); rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) {
      const [kept, dropped] = trim(mantissa * baseMantissa)
      mantissa = kept
      scale += baseScale + dropped
    }
    const [kept, dropped] = trim(baseMantissa * baseMantissa)
    baseMantissa = kept
    baseScale = baseScale * 2 + dropped
    if (Math.abs(scale) > 1e6) break
  }
  if (n < 0) return scale > 400 ? zero : quotient(1n, mantissa, -scale)
  if (scale > 400) throw oraError(1426, "numeric overflow")
  return scale < -600 ? zero : fromDecimal(mantissa, scale)
}

/** Total digits and digits after the point, for checks against `NUMBER(p, s)`. */
export const fits = (a: NumberValue, precision: number, scale: number): boolean => {
  if (isZero(a)) return true
  if (typeof a === "number" && precision - scale <= 15) return Math.abs(a) < 10 ** (precision - scale)
  const { coefficient, exponent } = toDecimal(a)
  return abs(coefficient).toString().length + exponent <= precision - scale
}
