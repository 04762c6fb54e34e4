/** Aggregates of pairs of numbers, percentiles, and the place that a row which is not there would have. */
import type { Stored } from "../values/composite.ts"
import { add, divide, multiply, sqrt, subtract } from "../values/numberArithmetic.ts"
import {
  compare,
  fromDecimal,
  fromDouble,
  fromInteger,
  isNegative,
  isZero,
  type NumberValue,
  toDecimal,
  toDouble,
  zero
} from "../values/oracleNumber.ts"
import { oraError } from "../values/oraError.ts"
import { keyOf } from "../values/order.ts"
import type { Kind } from "../values/sqlType.ts"
import type { Accumulator } from "./accumulator.ts"

/** Sums over the pairs of which neither is null: `y` is the first argument, `x` the second. */
class Pairs implements Accumulator {
  readonly #result: (pairs: PairSums) => Stored
  readonly #sums: PairSums = { n: 0, x: zero, y: zero, xx: zero, yy: zero, xy: zero }
  constructor(result: (pairs: PairSums) => Stored) {
    this.#result = result
  }
  add(value: Stored, more: ReadonlyArray<Stored>): void {
    const other = more[0]!
    if (value === null || other === null) return
    const y = value as NumberValue
    const x = other as NumberValue
    const sums = this.#sums
    sums.n++
    sums.x = add(sums.x, x)
    sums.y = add(sums.y, y)
    sums.xx = add(sums.xx, multiply(x, x))
    sums.yy = add(sums.yy, multiply(y, y))
    sums.xy = add(sums.xy, multiply(x, y))
  }
  result(): Stored {
    return this.#result(this.#sums)
  }
}

interface PairSums {
  n: number
  x: NumberValue
  y: NumberValue
  xx: NumberValue
  yy: NumberValue
  xy: NumberValue
}

/** `n * sum(ab) - sum(a) * sum(b)`, exact. */
const spread = (n: number, ab: NumberValue, a: NumberValue, b: NumberValue): NumberValue =>
  subtract(multiply(fromInteger(n), ab), multiply(a, b))

const sxx = (s: PairSums): NumberValue => spread(s.n, s.xx, s.x, s.x)
const syy = (s: PairSums): NumberValue => spread(s.n, s.yy, s.y, s.y)
const sxy = (s: PairSums): NumberValue => spread(s.n, s.xy, s.x, s.y)

/** The formulas; null where there are too few pairs, or a spread is zero where it divides. */
const pairResults: Readonly<Record<string, (s: PairSums) => Stored>> = {
  COVAR_POP: (s) => s.n === 0 ? null : divide(sxy(s), fromInteger(s.n * s.n)),
  COVAR_SAMP: (s) => s.n < 2 ? null : divide(sxy(s), fromInteger(s.n * (s.n - 1))),
  CORR: (s) => {
    if (s.n < 1) return null
    const product = multiply(sxx(s), syy(s))
    return isZero(product) ? null : divide(sxy(s), sqrt(product))
  },
  REGR_COUNT: (s) => s.n,
  REGR_AVGX: (s) => s.n === 0 ? null : divide(s.x, fromInteger(s.n)),
  REGR_AVGY: (s) => s.n === 0 ? null : divide(s.y, fromInteger(s.n)),
  REGR_SXX: (s) => s.n === 0 ? null : divide(sxx(s), fromInteger(s.n)),
  REGR_SYY: (s) => s.n === 0 ? null : divide(syy(s), fromInteger(s.n)),
  REGR_SXY: (s) => s.n === 0 ? null : divide(sxy(s), fromInteger(s.n)),
  REGR_SLOPE: (s) => s.n === 0 || isZero(sxx(s)) ? null : divide(sxy(s), sxx(s)),
  REGR_INTERCEPT: (s) => {
    if (s.n === 0 || isZero(sxx(s))) return null
    const n = fromInteger(s.n)
    return subtract(divide(s.y, n), multiply(divide(sxy(s), sxx(s)), divide(s.x, n)))
  },
  REGR_R2: (s) => {
    if (s.n === 0 || isZero(sxx(s))) return null
    if (isZero(syy(s))) return 1
    return divide(multiply(sxy(s), sxy(s)), multiply(sxx(s), syy(s)))
  }
}

/** PERCENTILE_CONT and PERCENTILE_DISC: the values come in their order. */
class Percentile implements Accumulator {
  readonly #values: Array<Stored> = []
  readonly #kind: Kind
  readonly #isContinuous: boolean
  #fraction: NumberValue | null = null
  constructor(kind: Kind, isContinuous: boolean) {
    this.#kind = kind
    this.#isContinuous = isContinuous
  }
  add(value: Stored, more: ReadonlyArray<Stored>): void {
    this.#fraction = more[0] as NumberValue | null
    if (value !== null) this.#values.push(value)
  }
  result(): Stored {
    const values = this.#values
    const fraction = this.#fraction
    if (values.length === 0 || fraction === null) return null
    if (isNegative(fraction) || compare(fraction, 1) > 0) {
      throw oraError(30497, "Argument should be a constant or a function of expressions in GROUP BY.")
    }
    if (!this.#isContinuous) {
      const place = multiply(fraction, fromInteger(values.length))
      const whole = Math.floor(toDouble(place))
      const index = compare(fromInteger(whole), place) === 0 ? whole : whole + 1
      return values[Math.max(0, Math.min(values.length, index) - 1)]!
    }
    const place = multiply(fraction, fromInteger(values.length - 1))
    const low = Math.floor(toDouble(place))
    const part = subtract(place, fromInteger(low))
    const a = values[low]!
    if (isZero(part)) return a
    return between(this.#kind, a, values[low + 1]!, part)
  }
}

const between = (kind: Kind, a: Stored, b: Stored, part: NumberValue): Stored => {
  if (kind === "f") return (a as number) + ((b as number) - (a as number)) * toDouble(part)
  if (kind === "n") {
    return add(a as NumberValue, multiply(part, subtract(b as NumberValue, a as NumberValue)))
  }
  return Math.round((a as number) + ((b as number) - (a as number)) * toDouble(part))
}

/** The place of a row that is given by its values among those of a group: RANK(…) WITHIN GROUP and its like. */
class Hypothetical implements Accumulator {
  readonly #name: string
  readonly #compare: (a: ReadonlyArray<Stored>, b: ReadonlyArray<Stored>) => number
  readonly #width: number
  readonly #before = new Set<string>()
  #rows = 0
  #smaller = 0
  #equal = 0
  constructor(
    name: string,
    width: number,
    order: (a: ReadonlyArray<Stored>, b: ReadonlyArray<Stored>) => number
  ) {
    this.#name = name
    this.#width = width
    this.#compare = order
  }
  /** The given values, then those of a row. */
  add(value: Stored, more: ReadonlyArray<Stored>): void {
    const all = [value, ...more]
    const row = all.slice(this.#width)
    const order = this.#compare(row, all.slice(0, this.#width))
    this.#rows++
    if (order < 0) {
      this.#smaller++
      if (this.#name === "DENSE_RANK") this.#before.add(JSON.stringify(row.map(plainKey)))
    } else if (order === 0) this.#equal++
  }
  result(): Stored {
    switch (this.#name) {
      case "RANK":
        return this.#smaller + 1
      case "DENSE_RANK":
        return this.#before.size + 1
      case "PERCENT_RANK":
        return this.#rows === 0 ? 0 : divide(fromInteger(this.#smaller), fromInteger(this.#rows))
      default:
        return divide(fromInteger(this.#smaller + this.#equal + 1), fromInteger(this.#rows + 1))
    }
  }
}

const plainKey = (value: Stored): unknown => value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value

/** BIT_AND_AGG and its like, over the whole part of the values. */
class Bits implements Accumulator {
  readonly #combine: (a: bigint, b: bigint) => bigint
  #value: bigint | undefined
  constructor(combine: (a: bigint, b: bigint) => bigint) {
    this.#combine = combine
  }
  add(value: Stored): void {
    if (value === null) return
    const { coefficient, exponent } = toDecimal(value as NumberValue)
    const whole = exponent >= 0 ? coefficient * 10n ** BigInt(exponent) : coefficient / 10n ** BigInt(-exponent)
    this.#value = this.#value === undefined ? whole : this.#combine(this.#value, whole)
  }
  result(): Stored {
    return this.#value === undefined ? null : fromDecimal(this.#value, 0)
  }
}

class Truth implements Accumulator {
  readonly #isAnd: boolean
  #value: Stored = null
  constructor(isAnd: boolean) {
    this.#isAnd = isAnd
  }
  add(value: Stored): void {
    if (value === null) return
    if (this.#value === null) this.#value = value
    else {this.#value = this.#isAnd
        ? Math.min(this.#value as number, value as number)
        : Math.max(this.#value as number, value as number)}
  }
  result(): Stored {
    return this.#value
  }
}

class DistinctCount implements Accumulator {
  readonly #seen = new Set<string | number | null>()
  readonly #kind: Kind
  constructor(kind: Kind) {
    this.#kind = kind
  }
  add(value: Stored): void {
    if (value !== null) this.#seen.add(keyOf(this.#kind, value))
  }
  result(): Stored {
    return this.#seen.size
  }
}

/** SKEWNESS and KURTOSIS, from the moments in floating point. */
class Moments implements Accumulator {
  readonly #values: Array<number> = []
  readonly #name: string
  constructor(name: string) {
    this.#name = name
  }
  add(value: Stored): void {
    if (value !== null) this.#values.push(toDouble(value as NumberValue))
  }
  result(): Stored {
    const n = this.#values.length
    if (n === 0) return null
    const mean = this.#values.reduce((sum, value) => sum + value, 0) / n
    const moment = (power: number): number => this.#values.reduce((sum, value) => sum + (value - mean) ** power, 0) / n
    const spread2 = moment(2)
    if (spread2 === 0) return null
    const skew = moment(3) / spread2 ** 1.5
    const kurt = moment(4) / spread2 ** 2 - 3
    switch (this.#name) {
      case "SKEWNESS_POP":
        return fromDouble(skew)
      case "SKEWNESS_SAMP":
        return n < 3 ? null : fromDouble(skew * Math.sqrt(n * (n - 1)) / (n - 2))
      case "KURTOSIS_POP":
        return fromDouble(kurt)
      default:
        return n < 4 ? null : fromDouble((n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * kurt + 6))
    }
  }
}

export const pairAggregates: ReadonlySet<string> = new Set(Object.keys(pairResults))
export const hypotheticalRanks: ReadonlySet<string> = new Set(["RANK", "DENSE_RANK", "PERCENT_RANK", "CUME_DIST"])
export const momentAggregates: ReadonlySet<string> = new Set([
  "SKEWNESS_POP",
  "SKEWNESS_SAMP",
  "KURTOSIS_POP",
  "KURTOSIS_SAMP"
])
export const bitAggregates: ReadonlySet<string> = new Set(["BIT_AND_AGG", "BIT_OR_AGG", "BIT_XOR_AGG"])
export const truthAggregates: ReadonlySet<string> = new Set(["BOOLEAN_AND_AGG", "BOOLEAN_OR_AGG", "EVERY"])

/** The accumulators of one of these; undefined for a name that is none of them. */
export const statisticalAccumulator = (name: string, kind: Kind): (() => Accumulator) | undefined => {
  const pair = pairResults[name]
  if (pair !== undefined) return () => new Pairs(pair)
  if (momentAggregates.has(name)) return () => new Moments(name)
  switch (name) {
    case "PERCENTILE_CONT":
      return () => new Percentile(kind, true)
    case "PERCENTILE_DISC":
      return () => new Percentile(kind, false)
    case "BIT_AND_AGG":
      return () => new Bits((a, b) => a & b)
    case "BIT_OR_AGG":
      return () => new Bits((a, b) => a | b)
    case "BIT_XOR_AGG":
      return () => new Bits((a, b) => a ^ b)
    case "BOOLEAN_AND_AGG":
    case "EVERY":
      return () => new Truth(true)
    case "BOOLEAN_OR_AGG":
      return () => new Truth(false)
    case "APPROX_COUNT_DISTINCT":
      return () => new DistinctCount(kind)
    default:
      return undefined
  }
}

export const hypotheticalRank = (
  name: string,
  width: number,
  order: (a: ReadonlyArray<Stored>, b: ReadonlyArray<Stored>) => number
): () => Accumulator =>
() => new Hypothetical(name, width, order)
