/** The SQL functions on numbers, and arithmetic by operator. */
import { loadDouble, storeDouble } from "../values/convert.ts"
import { formatNumber, parseNumber } from "../values/format/numberFormat.ts"
import * as Arithmetic from "../values/numberArithmetic.ts"
import { fromDouble, fromInteger, type NumberValue, toInteger } from "../values/oracleNumber.ts"
import { oraError, unimplemented } from "../values/oraError.ts"
import { BINARY_DOUBLE, NUMBER, varchar2 } from "../values/sqlType.ts"
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
  ROUND_F: double((a) => Math.sign(a) * Math.round(Math.abs(a))),
  TRUNC_F: double(Math.trunc),
  POWER: define<[N, N]>({
    params: ["n", "n"],
    returns: NUMBER,
    run: (_, a, b) => {
      const result = Arithmetic.wholePower(a, b)
      if (result === undefined) throw unimplemented("POWER of a NUMBER with a broken exponent (use BINARY_DOUBLE)")
      return result
    }
  }),
  POWER_F: doubles((a, b) => a ** b),
  EXP_F: double(Math.exp),
  LN_F: double(Math.log),
  SIN_F: double(Math.sin),
  COS_F: double(Math.cos),
  TAN_F: double(Math.tan),
  TO_CHAR_N: define<[N, string]>({
    params: ["n", "c"],
    returns: varchar2(64),
    run: (s, a, format) => formatNumber(a, format, s.nls.number)
  }),
  TO_NUMBER_FORMAT: define<[string, string]>({
    params: ["c", "c"],
    returns: NUMBER,
    run: (s, a, format) => parseNumber(a, format, s.nls.number)
  }),
  "DBMS_RANDOM.VALUE": define<[N?, N?]>({
    params: ["n", "n"],
    min: 0,
    returns: NUMBER,
    run: (_, low, high) => {
      const random = fromDouble(Math.random())
      return low === undefined || high === undefined
        ? random
        : Arithmetic.add(low, Arithmetic.multiply(random, Arithmetic.subtract(high, low)))
    }
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
