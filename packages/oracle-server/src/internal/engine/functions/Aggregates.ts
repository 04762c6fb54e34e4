/** Aggregates over exact numbers, and LISTAGG. */
import type { DatabaseSync } from "node:sqlite"
import { loadDouble, type Stored, storeDouble } from "../Convert.ts"
import { add, divide, multiply, sqrt, subtract } from "../NumberArithmetic.ts"
import { compare, fromInteger, type NumberBytes, toInteger, zero } from "../OracleNumber.ts"
import { oraError } from "../OraError.ts"

interface Sum {
  /** The part that fits a safe integer, beside the exact rest. */
  small: number
  exact: NumberBytes
  count: number
}

const fold = (state: Sum): NumberBytes => add(fromInteger(state.small), state.exact)

const accumulate = (state: Sum, value: Stored, sign: 1 | -1): Sum => {
  if (value === null) return state
  const bytes = value as NumberBytes
  const integer = toInteger(bytes)
  if (integer !== undefined) {
    state.small += sign * integer
    if (Math.abs(state.small) > 1e14) {
      state.exact = fold(state)
      state.small = 0
    }
  } else state.exact = sign === 1 ? add(state.exact, bytes) : subtract(state.exact, bytes)
  state.count += sign
  return state
}

const numeric = (result: (state: Sum) => Stored): Parameters<DatabaseSync["aggregate"]>[1] => ({
  start: (() => ({ small: 0, exact: zero, count: 0 })) as never,
  step: ((state: Sum, value: Stored) => accumulate(state, value, 1)) as never,
  inverse: ((state: Sum, value: Stored) => accumulate(state, value, -1)) as never,
  result: result as never
})

interface Moments {
  count: number
  sum: NumberBytes
  squares: NumberBytes
}

const spread = (sample: boolean, root: boolean): Parameters<DatabaseSync["aggregate"]>[1] => ({
  start: (() => ({ count: 0, sum: zero, squares: zero })) as never,
  step: ((state: Moments, value: Stored) => {
    if (value === null) return state
    state.count++
    state.sum = add(state.sum, value as NumberBytes)
    state.squares = add(state.squares, multiply(value as NumberBytes, value as NumberBytes))
    return state
  }) as never,
  result: ((state: Moments) => {
    if (state.count === 0) return null
    if (state.count === 1) return zero
    const n = fromInteger(state.count)
    const centered = subtract(state.squares, divide(multiply(state.sum, state.sum), n))
    const variance = divide(centered, sample ? fromInteger(state.count - 1) : n)
    return root ? sqrt(variance) : variance
  }) as never
})

interface List {
  readonly parts: Array<string>
  size: number
  readonly seen: Set<string>
  separator: string
}

const list = (distinct: boolean): Parameters<DatabaseSync["aggregate"]>[1] => ({
  start: (() => ({ parts: [], size: 0, seen: new Set(), separator: "" })) as never,
  step: ((state: List, value: Stored, separator: Stored) => {
    if (value === null || (distinct && state.seen.has(value as string))) return state
    if (distinct) state.seen.add(value as string)
    state.separator = (separator as string | null) ?? ""
    state.parts.push(value as string)
    state.size += Buffer.byteLength(value as string) + Buffer.byteLength(state.separator)
    if (state.size > 32767 + 1000) throw oraError(1489, "result of string concatenation is too long")
    return state
  }) as never,
  result: ((state: List) => {
    const text = state.parts.join(state.separator)
    if (Buffer.byteLength(text) > 4000) throw oraError(1489, "result of string concatenation is too long")
    return text === "" ? null : text
  }) as never
})

const median: Parameters<DatabaseSync["aggregate"]>[1] = {
  start: (() => []) as never,
  step: ((state: Array<NumberBytes>, value: Stored) => {
    if (value !== null) state.push(value as NumberBytes)
    return state
  }) as never,
  result: ((state: Array<NumberBytes>) => {
    if (state.length === 0) return null
    state.sort(compare)
    const middle = state.length >> 1
    return state.length % 2 === 1 ? state[middle]! : divide(add(state[middle - 1]!, state[middle]!), fromInteger(2))
  }) as never
}

interface Doubles {
  readonly sum: number
  readonly count: number
}

/** NaN is kept as text, which the store's own SUM would take for nothing. */
const double = (result: (state: Doubles) => number): Parameters<DatabaseSync["aggregate"]>[1] => ({
  start: (() => ({ sum: 0, count: 0 })) as never,
  step:
    ((state: Doubles, value: Stored) =>
      value === null ? state : { sum: state.sum + loadDouble(value), count: state.count + 1 }) as never,
  result: ((state: Doubles) => state.count === 0 ? null : storeDouble(result(state))) as never
})

export const registerAggregates = (db: DatabaseSync): void => {
  db.aggregate("f_sum", double((state) => state.sum))
  db.aggregate("f_avg", double((state) => state.sum / state.count))
  db.aggregate("n_sum", numeric((state) => state.count === 0 ? null : fold(state)))
  db.aggregate("n_avg", numeric((state) => state.count === 0 ? null : divide(fold(state), fromInteger(state.count))))
  db.aggregate("n_stddev", spread(true, true))
  db.aggregate("n_stddev_pop", spread(false, true))
  db.aggregate("n_variance", spread(true, false))
  db.aggregate("n_var_pop", spread(false, false))
  db.aggregate("n_median", median)
  db.aggregate("c_listagg", list(false))
  db.aggregate("c_listagg_distinct", list(true))
}
