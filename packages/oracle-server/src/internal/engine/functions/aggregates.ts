/** Aggregate functions: what each row adds, and the result. */
import { type CollectionType, ListValue } from "../values/composite.ts"
import type { Stored } from "../values/convert.ts"
import { add, divide, multiply, sqrt, subtract } from "../values/numberArithmetic.ts"
import { compare, fromInteger, type NumberValue, zero } from "../values/oracleNumber.ts"
import { oraError } from "../values/oraError.ts"
import { comparerOf, keyOf } from "../values/order.ts"
import { type Kind, kindOf } from "../values/sqlType.ts"

export interface Accumulator {
  /** The first argument's value; further ones where the function has them. */
  add(value: Stored, more: ReadonlyArray<Stored>): void
  result(): Stored
}

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

class Median implements Accumulator {
  readonly #values: Array<NumberValue> = []
  add(value: Stored): void {
    if (value !== null) this.#values.push(value as NumberValue)
  }
  result(): Stored {
    const values = this.#values
    if (values.length === 0) return null
    values.sort(compare)
    const middle = values.length >> 1
    return values.length % 2 === 1 ? values[middle]! : divide(add(values[middle - 1]!, values[middle]!), fromInteger(2))
  }
}

/** Rows come in the order of WITHIN GROUP: the caller sorts. */
class ListAggregate implements Accumulator {
  readonly #parts: Array<string> = []
  #separator = ""
  #size = 0
  add(value: Stored, more: ReadonlyArray<Stored>): void {
    if (value === null) return
    this.#separator = (more[0] ?? "") as string
    this.#parts.push(value as string)
    this.#size += Buffer.byteLength(value as string) + Buffer.byteLength(this.#separator)
    if (this.#size > 33_000) throw oraError(1489, "result of string concatenation is too long")
  }
  result(): Stored {
    const text = this.#parts.join(this.#separator)
    if (Buffer.byteLength(text) > 4000) throw oraError(1489, "result of string concatenation is too long")
    return text === "" ? null : text
  }
}

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
export const accumulatorOf = (name: string, kind: Kind, isDistinct: boolean): () => Accumulator => {
  const plain = maker(name, kind)
  return isDistinct ? () => new DistinctValues(plain(), kind) : plain
}

const maker = (name: string, kind: Kind): () => Accumulator => {
  switch (name) {
    case "COUNT":
      return () => new Count()
    case "SUM":
      return kind === "f" ? () => new DoubleSum() : () => new Sum()
    case "AVG":
      return kind === "f" ? () => new DoubleAverage() : () => new Average()
    case "MIN":
      return () => new Extreme(kind, -1)
    case "MAX":
      return () => new Extreme(kind, 1)
    case "LISTAGG":
      return () => new ListAggregate()
    case "STDDEV":
      return () => new Spread(true, true, zero)
    case "STDDEV_SAMP":
      return () => new Spread(true, true, null)
    case "STDDEV_POP":
      return () => new Spread(false, true, zero)
    case "VARIANCE":
      return () => new Spread(true, false, zero)
    case "VAR_SAMP":
      return () => new Spread(true, false, null)
    case "VAR_POP":
      return () => new Spread(false, false, zero)
    case "MEDIAN":
      return () => new Median()
    case "ANY_VALUE":
      return () => new Any()
    case "STATS_MODE":
      return () => new Mode(kind)
    default:
      throw oraError(904, `"${name}": invalid identifier`)
  }
}
