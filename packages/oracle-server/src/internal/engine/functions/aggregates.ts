/** Aggregate functions: what each row adds, and the result. */
import { decodeInterval, encodeInterval, normalize } from "../values/calendar.ts"
import { ListValue, type Stored } from "../values/composite.ts"
import type { CollectionType } from "../values/dataTypes.ts"
import { add, divide, multiply, sqrt, subtract } from "../values/numberArithmetic.ts"
import { fromInteger, type NumberValue, zero } from "../values/oracleNumber.ts"
import { oraError } from "../values/oraError.ts"
import { comparerOf, keyOf } from "../values/order.ts"
import { type Kind, kindOf } from "../values/sqlType.ts"
import type { Accumulator } from "./accumulator.ts"
import { statisticalAccumulator } from "./statisticalAggregates.ts"

class Count implements Accumulator {
  #count = 0
  add(value: Stored): void {
    if (value !== null) this.#count++
  }
  result(): Stored {
    return this.#count
  }
}

class Sum implements Accumulator {
  protected total: NumberValue = zero
  protected count = 0
  add(value: Stored): void {
    if (value === null) return
    this.total = add(this.total, value as NumberValue)
    this.count++
  }
  result(): Stored {
    return this.count === 0 ? null : this.total
  }
}

class Average extends Sum {
  override result(): Stored {
    return this.count === 0 ? null : divide(this.total, fromInteger(this.count))
  }
}

class DoubleSum implements Accumulator {
  protected total = 0
  protected count = 0
  add(value: Stored): void {
    if (value === null) return
    this.total += value as number
    this.count++
  }
  result(): Stored {
    return this.count === 0 ? null : this.total
  }
}

class DoubleAverage extends DoubleSum {
  override result(): Stored {
    return this.count === 0 ? null : this.total / this.count
  }
}

/** Intervals of months are numbers, those of days keep their nanoseconds apart. */
class IntervalSum implements Accumulator {
  readonly #isAverage: boolean
  #seconds = 0
  #nanos = 0
  #count = 0
  constructor(isAverage: boolean) {
    this.#isAverage = isAverage
  }
  add(value: Stored): void {
    if (value === null) return
    const { nanos, seconds } = decodeInterval(value as string)
    this.#seconds += seconds
    this.#nanos += nanos
    this.#count++
  }
  result(): Stored {
    if (this.#count === 0) return null
    if (!this.#isAverage) return encodeInterval(normalize(this.#seconds, this.#nanos))
    const total = (BigInt(this.#seconds) * 1_000_000_000n + BigInt(this.#nanos)) / BigInt(this.#count)
    const seconds = total / 1_000_000_000n
    return encodeInterval(normalize(Number(seconds), Number(total - seconds * 1_000_000_000n)))
  }
}

class MonthSum extends DoubleSum {
  readonly #isAverage: boolean
  constructor(isAverage: boolean) {
    super()
    this.#isAverage = isAverage
  }
  override result(): Stored {
    return this.count === 0 ? null : this.#isAverage ? Math.trunc(this.total / this.count) : this.total
  }
}

/** Variance of floating-point numbers. */
class DoubleSpread implements Accumulator {
  readonly #values: Array<number> = []
  readonly #sample: boolean
  readonly #root: boolean
  readonly #lone: Stored
  constructor(sample: boolean, root: boolean, lone: Stored) {
    this.#sample = sample
    this.#root = root
    this.#lone = lone
  }
  add(value: Stored): void {
    if (value !== null) this.#values.push(value as number)
  }
  result(): Stored {
    const n = this.#values.length
    if (n === 0) return null
    if (n === 1) return this.#lone
    const mean = this.#values.reduce((sum, value) => sum + value, 0) / n
    const squares = this.#values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
    const variance = squares / (this.#sample ? n - 1 : n)
    return this.#root ? Math.sqrt(variance) : variance
  }
}

class Extreme implements Accumulator {
  #best: Stored = null
  readonly #compare: (a: Stored, b: Stored) => number
  readonly #sign: 1 | -1
  constructor(kind: Kind, sign: 1 | -1) {
    this.#compare = comparerOf(kind)
    this.#sign = sign
  }
  add(value: Stored): void {
    if (value === null) return
    if (this.#best === null || this.#compare(value, this.#best) * this.#sign > 0) this.#best = value
  }
  result(): Stored {
    return this.#best
  }
}

class Spread implements Accumulator {
  #count = 0
  #sum: NumberValue = zero
  #squares: NumberValue = zero
  readonly #sample: boolean
  readonly #root: boolean
  readonly #lone: Stored
  constructor(sample: boolean, root: boolean, lone: Stored) {
    this.#sample = sample
    this.#root = root
    this.#lone = lone
  }
  add(value: Stored): void {
    if (value === null) return
    this.#count++
    this.#sum = add(this.#sum, value as NumberValue)
    this.#squares = add(this.#squares, multiply(value as NumberValue, value as NumberValue))
  }
  result(): Stored {
    if (this.#count === 0) return null
    if (this.#count === 1) return this.#lone
    const n = fromInteger(this.#count)
    const centered = subtract(this.#squares, divide(multiply(this.#sum, this.#sum), n))
    const variance = divide(centered, this.#sample ? fromInteger(this.#count - 1) : n)
    return this.#root ? sqrt(variance) : variance
  }
}

/** What LISTAGG does when its text grows too long: `truncate` ends it with a filler, and with the number of those left out. */
interface Overflow {
  readonly filler: string
  readonly count: boolean
}

/** Rows come in the order of WITHIN GROUP: the caller sorts. */
class ListAggregate implements Accumulator {
  readonly #parts: Array<string> = []
  readonly #overflow: Overflow | undefined
  #separator = ""
  #size = 0
  constructor(overflow: Overflow | undefined) {
    this.#overflow = overflow
  }
  add(value: Stored, more: ReadonlyArray<Stored>): void {
    if (value === null) return
    this.#separator = (more[0] ?? "") as string
    this.#parts.push(value as string)
    this.#size += Buffer.byteLength(value as string) + Buffer.byteLength(this.#separator)
    if (this.#size > 33_000 && this.#overflow === undefined) throw tooLong()
  }
  result(): Stored {
    if (this.#parts.length === 0) return null
    const text = this.#size > 4000 + Buffer.byteLength(this.#separator) ? undefined : this.#parts.join(this.#separator)
    if (text !== undefined && Buffer.byteLength(text) <= 4000) return text === "" ? null : text
    if (this.#overflow === undefined) throw tooLong()
    return this.#cut(this.#overflow)
  }

  /** As many values as leave room for the filler and the longest count there can be. */
  #cut({ count, filler }: Overflow): string {
    const separator = Buffer.byteLength(this.#separator)
    const room = 4000 - Buffer.byteLength(filler) - separator - (count ? 24 : 0)
    let size = 0
    let kept = 0
    for (; kept < this.#parts.length; kept++) {
      const next = size + (kept === 0 ? 0 : separator) + Buffer.byteLength(this.#parts[kept]!)
      if (next > room) break
      size = next
    }
    const list = [...this.#parts.slice(0, kept), filler].join(this.#separator)
    return count ? `${list}(${this.#parts.length - kept})` : list
  }
}

const tooLong = (): Error => oraError(1489, "result of string concatenation is too long")

class Any implements Accumulator {
  #value: Stored = null
  add(value: Stored): void {
    this.#value ??= value
  }
  result(): Stored {
    return this.#value
  }
}

class Mode implements Accumulator {
  readonly #counts = new Map<string | number | null, { readonly value: Stored; count: number }>()
  readonly #kind: Kind
  constructor(kind: Kind) {
    this.#kind = kind
  }
  add(value: Stored): void {
    if (value === null) return
    const key = keyOf(this.#kind, value)
    const known = this.#counts.get(key)
    if (known === undefined) this.#counts.set(key, { value, count: 1 })
    else known.count++
  }
  result(): Stored {
    let best: { readonly value: Stored; count: number } | undefined
    for (const entry of this.#counts.values()) if (best === undefined || entry.count > best.count) best = entry
    return best?.value ?? null
  }
}

/** Only values that were not seen before reach the function. */
class DistinctValues implements Accumulator {
  readonly #inner: Accumulator
  readonly #kind: Kind
  readonly #seen = new Set<string | number | null>()
  constructor(inner: Accumulator, kind: Kind) {
    this.#inner = inner
    this.#kind = kind
  }
  add(value: Stored, more: ReadonlyArray<Stored>): void {
    if (value === null) return
    const key = keyOf(this.#kind, value)
    if (this.#seen.has(key)) return
    this.#seen.add(key)
    this.#inner.add(value, more)
  }
  result(): Stored {
    return this.#inner.result()
  }
}

/** COLLECT: the values as a nested table, nulls too. */
class Collector implements Accumulator {
  readonly #items: Array<Stored> = []
  readonly #type: CollectionType
  constructor(type: CollectionType) {
    this.#type = type
  }
  add(value: Stored): void {
    this.#items.push(value)
  }
  result(): Stored {
    return new ListValue(this.#type, this.#items)
  }
}

export const collectorOf = (type: CollectionType, isDistinct: boolean): () => Accumulator =>
  isDistinct
    ? () => new DistinctValues(new Collector(type), kindOf(type.element))
    : () => new Collector(type)

/** Makes the accumulators of one call. `kind` is that of the first argument. */
export const accumulatorOf = (
  name: string,
  kind: Kind,
  isDistinct: boolean,
  overflow?: Overflow
): () => Accumulator => {
  const plain = statisticalAccumulator(name, kind) ?? maker(name, kind, overflow)
  return isDistinct ? () => new DistinctValues(plain(), kind) : plain
}

const maker = (name: string, kind: Kind, overflow: Overflow | undefined): () => Accumulator => {
  switch (name) {
    case "COUNT":
      return () => new Count()
    case "SUM":
      if (kind === "s") return () => new IntervalSum(false)
      if (kind === "y") return () => new MonthSum(false)
      return kind === "f" ? () => new DoubleSum() : () => new Sum()
    case "AVG":
      if (kind === "s") return () => new IntervalSum(true)
      if (kind === "y") return () => new MonthSum(true)
      return kind === "f" ? () => new DoubleAverage() : () => new Average()
    case "MIN":
      return () => new Extreme(kind, -1)
    case "MAX":
      return () => new Extreme(kind, 1)
    case "LISTAGG":
      return () => new ListAggregate(overflow)
    case "STDDEV":
      return kind === "f" ? () => new DoubleSpread(true, true, zero) : () => new Spread(true, true, zero)
    case "STDDEV_SAMP":
      return kind === "f" ? () => new DoubleSpread(true, true, null) : () => new Spread(true, true, null)
    case "STDDEV_POP":
      return kind === "f" ? () => new DoubleSpread(false, true, zero) : () => new Spread(false, true, zero)
    case "VARIANCE":
      return kind === "f" ? () => new DoubleSpread(true, false, zero) : () => new Spread(true, false, zero)
    case "VAR_SAMP":
      return kind === "f" ? () => new DoubleSpread(true, false, null) : () => new Spread(true, false, null)
    case "VAR_POP":
      return kind === "f" ? () => new DoubleSpread(false, false, zero) : () => new Spread(false, false, zero)
    case "ANY_VALUE":
      return () => new Any()
    case "STATS_MODE":
      return () => new Mode(kind)
    default:
      throw oraError(904, `"${name}": invalid identifier`)
  }
}
