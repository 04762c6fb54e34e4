/** The SQL functions on numbers, and arithmetic by operator. */
import { loadDouble, storeDouble } from "../values/convert.ts"
import { formatNumber, parseNumber } from "../values/format/numberFormat.ts"
import * as Arithmetic from "../values/numberArithmetic.ts"
import { fromDecimal, fromInteger, type NumberValue, toInteger } from "../values/oracleNumber.ts"
import { oraError } from "../values/oraError.ts"
import { BINARY_DOUBLE, NUMBER, varchar2 } from "../values/sqlType.ts"
import * as Transcendental from "../values/transcendental.ts"
import { define, type FunctionDef, type FunctionTable } from "./functionDef.ts"

type N = NumberValue
const one = (run: (a: N) => N): FunctionDef => define<[N]>({ params: ["n"], returns: NUMBER, run: (_, a) => run(a) })
const two = (run: (a: N, b: N) => N): FunctionDef =>
  define<[N, N]>({ params: ["n", "n"], returns: NUMBER, run: (_, a, b) => run(a, b) })
const doubles = (run: (a: number, b: number) => number): FunctionDef =>
  define<[number | string, number | string]>({
    params: ["f", "f"],
    returns: BINARY_DOUBLE,
    run: (_, a, b) => storeDouble(run(loadDouble(a), loadDouble(b)))
  })
const double = (run: (a: number) => number): FunctionDef =>
  define<[number | string]>({ params: ["f"], returns: BINARY_DOUBLE, run: (_, a) => storeDouble(run(loadDouble(a))) })

/** Arithmetic by operator and kind, and the numeric functions; those on doubles end in `_F`. */
export const numberFunctions: FunctionTable = {
  N_ADD: two(Arithmetic.add),
  N_SUB: two(Arithmetic.subtract),
  N_MUL: two(Arithmetic.multiply),
  N_DIV: two(Arithmetic.divide),
  N_NEG: one(Arithmetic.negate),
  F_ADD: doubles((a, b) => a + b),
  F_SUB: doubles((a, b) => a - b),
  F_MUL: doubles((a, b) => a * b),
  F_DIV: doubles((a, b) => a / b),
  TO_FLOAT: double(Math.fround),
  F_NEG: double((a) => -a),
  MOD: two(Arithmetic.modulo),
  REMAINDER: two(Arithmetic.remainder),
  ABS: one(Arithmetic.absolute),
  ABS_F: double(Math.abs),
  SIGN: one(Arithmetic.sign),
  SIGN_F: define<[number]>({ params: ["f"], returns: NUMBER, run: (_, a) => a < 0 ? -1 : 1 }),
  CEIL: one(Arithmetic.ceiling),
  CEIL_F: double(Math.ceil),
  FLOOR: one(Arithmetic.floor),
  FLOOR_F: double(Math.floor),
  SQRT: one(Arithmetic.sqrt),
  SQRT_F: double(Math.sqrt),
  ROUND_N: define<[N, number?]>({
    params: ["n", "int"],
    min: 1,
    returns: NUMBER,
    run: (_, a, places = 0) => Arithmetic.rescale(a, places, false)
  }),
  TRUNC_N: define<[N, number?]>({
    params: ["n", "int"],
    min: 1,
    returns: NUMBER,
    run: (_, a, places = 0) => Arithmetic.rescale(a, places, true)
  }),
  // Floating-point numbers go to the nearest even value.
  ROUND_F: double((a) => {
    const below = Math.floor(a)
    const rest = a - below
    return rest < 0.5 || (rest === 0.5 && below % 2 === 0) ? below : rest >= 0.5 ? below + 1 : a
  }),
  TRUNC_F: double(Math.trunc),
  POWER: define<[N, N]>({
    params: ["n", "n"],
    returns: NUMBER,
    run: (_, a, b) => Arithmetic.wholePower(a, b) ?? Transcendental.brokenPower(a, b)
  }),
  POWER_F: doubles((a, b) => a ** b),
  EXP: one(Transcendental.exp),
  LN: one(Transcendental.ln),
  LOG: two(Transcendental.log),
  SIN: one(Transcendental.sin),
  COS: one(Transcendental.cos),
  TAN: one(Transcendental.tan),
  ASIN: one(Transcendental.asin),
  ACOS: one(Transcendental.acos),
  ATAN: one(Transcendental.atan),
  ATAN2: two(Transcendental.atan2),
  SINH: one(Transcendental.sinh),
  COSH: one(Transcendental.cosh),
  TANH: one(Transcendental.tanh),
  EXP_F: double(Math.exp),
  LN_F: double(Math.log),
  LOG_F: doubles((base, a) => Math.log(a) / Math.log(base)),
  SIN_F: double(Math.sin),
  COS_F: double(Math.cos),
  TAN_F: double(Math.tan),
  ASIN_F: double(Math.asin),
  ACOS_F: double(Math.acos),
  ATAN_F: double(Math.atan),
  ATAN2_F: doubles(Math.atan2),
  SINH_F: double(Math.sinh),
  COSH_F: double(Math.cosh),
  TANH_F: double(Math.tanh),
  MOD_F: doubles((a, b) => b === 0 ? a : a % b),
  REMAINDER_F: doubles((a, b) => {
    if (!Number.isFinite(a) || Number.isNaN(b) || b === 0) return NaN
    if (!Number.isFinite(b)) return a
    const rest = a % b
    const half = Math.abs(b) / 2
    // On a tie the even multiple is the nearest one.
    if (Math.abs(rest) < half) return rest
    if (Math.abs(rest) > half || Math.abs(Math.trunc(a / b)) % 2 === 1) return rest - Math.sign(rest) * Math.abs(b)
    return rest
  }),
  TO_CHAR_N: define<[N, string, string?]>({
    params: ["n", "c", "c"],
    min: 2,
    returns: varchar2(64),
    run: (s, a, format, nls) => formatNumber(a, format, nls === undefined ? s.nls.number : s.nls.numberWith(nls))
  }),
  TO_NUMBER_FORMAT: define<[string, string, string?]>({
    params: ["c", "c", "c"],
    min: 2,
    returns: NUMBER,
    run: (s, a, format, nls) => parseNumber(a, format, nls === undefined ? s.nls.number : s.nls.numberWith(nls))
  }),
  BIN_TO_NUM: define<ReadonlyArray<number>>({
    params: ["int"],
    rest: "int",
    returns: NUMBER,
    run: (_, ...bits) =>
      fromDecimal(
        bits.reduce((all, bit) => {
          if (bit !== 0 && bit !== 1) throw oraError(1428, `argument '${bit}' is out of range`)
          return all * 2n + BigInt(bit)
        }, 0n),
        0
      )
  }),
  BITAND: define<[N, N]>({
    params: ["n", "n"],
    returns: NUMBER,
    run: (_, a, b) => {
      const x = toInteger(Arithmetic.rescale(a, 0, true))
      const y = toInteger(Arithmetic.rescale(b, 0, true))
      if (x === undefined || y === undefined) throw oraError(1426, "numeric overflow")
      return fromInteger(Number(BigInt.asIntN(64, BigInt(x) & BigInt(y))))
    }
  }),
  WIDTH_BUCKET: define<[N, N, N, number]>({
    params: ["n", "n", "n", "int"],
    returns: NUMBER,
    run: (_, value, low, high, count) => {
      const span = Arithmetic.subtract(high, low)
      const part = Arithmetic.divide(Arithmetic.multiply(Arithmetic.subtract(value, low), fromInteger(count)), span)
      const bucket = toInteger(Arithmetic.floor(part))
      if (bucket === undefined) throw oraError(1426, "numeric overflow")
      return fromInteger(Math.max(0, Math.min(count + 1, bucket + 1)))
    }
  })
}
