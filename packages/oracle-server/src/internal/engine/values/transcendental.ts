/**
 * Exponentials, logarithms and trigonometry of NUMBER, to the forty digits that it holds. Whole numbers with a fixed point
 * carry thirty digits more than the result keeps, so that rounding is right.
 */
import { fromDecimal, isNegative, isZero, type NumberValue, toDecimal, toDouble, toText, zero } from "./oracleNumber.ts"
import { oraError } from "./oraError.ts"

/** Digits after the point. */
const places = 80
const one = 10n ** BigInt(places)

const outOfRange = (a: NumberValue): Error => oraError(1428, `argument '${toText(a)}' is out of range`)

const abs = (value: bigint): bigint => value < 0n ? -value : value
const times = (a: bigint, b: bigint, unit = one): bigint => a * b / unit

/** The fixed point form of a number with `digits` places. */
const fixed = (a: NumberValue, digits = places): bigint => {
  const { coefficient, exponent } = toDecimal(a)
  const shift = exponent + digits
  return shift >= 0 ? coefficient * 10n ** BigInt(shift) : coefficient / 10n ** BigInt(-shift)
}

const number = (value: bigint): NumberValue => fromDecimal(value, -places)

const root = (value: bigint): bigint => {
  if (value < 2n) return value
  let x = 1n << BigInt((value.toString(2).length + 1) >> 1)
  for (;;) {
    const y = (x + value / x) >> 1n
    if (y >= x) return x
    x = y
  }
}

/** Sums `first`, then each term that `next` makes of the one before, until they vanish. */
const series = (first: bigint, next: (term: bigint, n: bigint) => bigint): bigint => {
  let sum = first
  let term = first
  for (let n = 1n; term !== 0n; n++) {
    term = next(term, n)
    sum += term
  }
  return sum
}

/** The arc tangent of `1 / n`. */
const inverseTangent = (n: bigint, unit: bigint): bigint => {
  let power = unit / n
  let sum = power
  const square = n * n
  for (let k = 3n; power !== 0n; k += 2n) {
    power /= -square
    sum += power / k
  }
  return sum
}

const pis = new Map<number, bigint>()

/** Pi with so many places, by Machin's formula. */
const pi = (digits = places): bigint => {
  let known = pis.get(digits)
  if (known === undefined) {
    const guarded = 10n ** BigInt(digits + 10)
    known = (16n * inverseTangent(5n, guarded) - 4n * inverseTangent(239n, guarded)) / 10n ** 10n
    pis.set(digits, known)
  }
  return known
}

/** `e ** x` of a small fixed point number. */
const exponential = (x: bigint): bigint => {
  const halvings = 12n
  const small = x / 2n ** halvings
  let value = one + series(small, (term, n) => times(term, small) / (n + 1n))
  for (let i = 0n; i < halvings; i++) value = times(value, value)
  return value
}

let ofTen: bigint | undefined
/** The natural logarithm of ten. */
const lnTen = (): bigint => ofTen ??= naturalLog(10n * one)

/** By Halley's iteration from a double's logarithm, which triples the right digits each time. */
function naturalLog(x: bigint): bigint {
  const length = abs(x).toString().length
  const lead = Number(x / 10n ** BigInt(Math.max(0, length - 17)))
  const start = Math.log(lead) + (Math.max(0, length - 17) - places) * Math.LN10
  let y = BigInt(Math.round(start * 1e12)) * 10n ** BigInt(places - 12)
  for (let i = 0; i < 3; i++) {
    const power = exponential(y)
    y += 2n * one * (x - power) / (x + power)
  }
  return y
}

/** `e ** x` for any fixed point number, as a NUMBER. */
const raise = (x: bigint): NumberValue => {
  const ten = lnTen()
  let power = x / ten
  if (x < 0n && power * ten !== x) power--
  if (power > 126n) throw oraError(1426, "numeric overflow")
  if (power < -132n) return zero
  return fromDecimal(exponential(x - power * ten), Number(power) - places)
}

/** The logarithm of a positive number in fixed point. */
const logarithm = (a: NumberValue): bigint => {
  const { coefficient, exponent } = toDecimal(a)
  const digits = coefficient.toString().length
  const mantissa = coefficient * one / 10n ** BigInt(digits - 1)
  return (mantissa === one ? 0n : naturalLog(mantissa)) + BigInt(exponent + digits - 1) * lnTen()
}

export const exp = (a: NumberValue): NumberValue => {
  if (toDouble(a) > 300) throw oraError(1426, "numeric overflow")
  return toDouble(a) < -320 ? zero : raise(fixed(a))
}

export const ln = (a: NumberValue): NumberValue => {
  if (isNegative(a) || isZero(a)) throw outOfRange(a)
  return number(logarithm(a))
}

/** `LOG(base, a)`. */
export const log = (base: NumberValue, a: NumberValue): NumberValue => {
  if (isNegative(base) || isZero(base) || base === 1) throw outOfRange(base)
  if (isNegative(a) || isZero(a)) throw outOfRange(a)
  return number(logarithm(a) * one / logarithm(base))
}

/** A power whose exponent is no whole number. */
export const brokenPower = (a: NumberValue, b: NumberValue): NumberValue => {
  if (isNegative(a)) throw outOfRange(a)
  if (isZero(a)) {
    if (isNegative(b)) throw outOfRange(b)
    return zero
  }
  const estimate = Math.log(toDouble(a)) * toDouble(b)
  if (estimate > 300) throw oraError(1426, "numeric overflow")
  return estimate < -320 ? zero : raise(times(logarithm(a), fixed(b)))
}

/** Sine and cosine; the angle is first brought into a quarter of a circle, with as many digits of pi as that takes. */
const sineAndCosine = (a: NumberValue): readonly [bigint, bigint] => {
  const { coefficient, exponent } = toDecimal(a)
  const digits = places + Math.max(0, abs(coefficient).toString().length + exponent)
  const half = pi(digits) / 2n
  const angle = fixed(a, digits)
  let quarters = angle / half
  if (angle < 0n && quarters * half !== angle) quarters--
  const x = (angle - quarters * half) / 10n ** BigInt(digits - places)
  const square = times(x, x)
  const sine = series(x, (term, n) => -times(term, square) / ((2n * n) * (2n * n + 1n)))
  const cosine = series(one, (term, n) => -times(term, square) / ((2n * n - 1n) * (2n * n)))
  switch (Number(((quarters % 4n) + 4n) % 4n)) {
    case 0:
      return [sine, cosine]
    case 1:
      return [cosine, -sine]
    case 2:
      return [-sine, -cosine]
    default:
      return [-cosine, sine]
  }
}

/** So near to zero these functions are their argument, in forty digits. */
const odd = (run: (a: NumberValue) => NumberValue) => (a: NumberValue): NumberValue =>
  Math.abs(toDouble(a)) < 1e-25 ? a : run(a)

export const sin = odd((a) => number(sineAndCosine(a)[0]))
export const cos = (a: NumberValue): NumberValue => number(sineAndCosine(a)[1])
export const tan = odd((a) => {
  const [sine, cosine] = sineAndCosine(a)
  return number(sine * one / cosine)
})

/** The arc tangent in fixed point: three halvings of the angle make the series short. */
const arcTangent = (x: bigint): bigint => {
  if (abs(x) > one) return (x < 0n ? -1n : 1n) * (pi() / 2n - arcTangent(one * one / abs(x)))
  let small = x
  for (let i = 0; i < 3; i++) small = small * one / (one + root(one * one + small * small))
  const square = times(small, small)
  let power = small
  let sum = small
  for (let k = 3n; power !== 0n; k += 2n) {
    power = -times(power, square)
    sum += power / k
  }
  return sum * 8n
}

const arcSine = (a: NumberValue): bigint => {
  const x = fixed(a)
  if (abs(x) > one) throw outOfRange(a)
  if (abs(x) === one) return (x < 0n ? -1n : 1n) * pi() / 2n
  return arcTangent(x * one / root(one * one - x * x))
}

export const asin = odd((a) => number(arcSine(a)))
export const acos = (a: NumberValue): NumberValue => a === 1 ? zero : number(pi() / 2n - arcSine(a))
export const atan = odd((a) => number(arcTangent(fixed(a))))

export const atan2 = (y: NumberValue, x: NumberValue): NumberValue => {
  if (isZero(x)) {
    if (isZero(y)) throw outOfRange(x)
    return number((isNegative(y) ? -1n : 1n) * pi() / 2n)
  }
  const angle = arcTangent(fixed(y) * one / fixed(x))
  return number(!isNegative(x) ? angle : isNegative(y) ? angle - pi() : angle + pi())
}

/** Both powers of e, for the hyperbolic functions. */
const powers = (a: NumberValue): readonly [bigint, bigint] => {
  if (Math.abs(toDouble(a)) > 300) throw oraError(1426, "numeric overflow")
  const x = fixed(a)
  return [fixed(raise(x), places * 2), fixed(raise(-x), places * 2)]
}

export const sinh = odd((a) => {
  const x = fixed(a)
  // Near zero the two powers would cancel each other.
  if (abs(x) < one) {
    const square = times(x, x)
    return number(series(x, (term, n) => times(term, square) / ((2n * n) * (2n * n + 1n))))
  }
  const [up, down] = powers(a)
  return fromDecimal((up - down) / 2n, -places * 2)
})

export const cosh = (a: NumberValue): NumberValue => {
  const [up, down] = powers(a)
  return fromDecimal((up + down) / 2n, -places * 2)
}

export const tanh = odd((a) => {
  const double = toDouble(a)
  if (Math.abs(double) > 100) return double < 0 ? -1 : 1
  const square = exponentialOfTwice(a)
  return number((square - one) * one / (square + one))
})

const exponentialOfTwice = (a: NumberValue): bigint => {
  const x = 2n * fixed(a)
  const ten = lnTen()
  let power = x / ten
  if (x < 0n && power * ten !== x) power--
  const value = exponential(x - power * ten)
  return power >= 0n ? value * 10n ** power : value / 10n ** -power
}
