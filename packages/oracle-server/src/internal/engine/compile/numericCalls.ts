/** Numeric functions: exact for NUMBER, floating-point for BINARY_FLOAT and BINARY_DOUBLE. */
import type { SqlType } from "../values/dataTypes.ts"
import { BINARY_DOUBLE, DATE, kindOf, NUMBER, varchar2 } from "../values/sqlType.ts"
import { call, convertTo } from "./operators.ts"
import { arity, type Special } from "./special.ts"
import type { Term } from "./term.ts"

const datetimes = new Set(["d", "t", "z", "l"])

/** ROUND and TRUNC: of dates by a format, of numbers by places. */
const rounding = (name: "ROUND" | "TRUNC"): Special => (_c, expr, args) => {
  arity(expr, 1, 2)
  const kind = kindOf(args[0]!.type)
  if (datetimes.has(kind)) {
    return call(
      `${name}_D`,
      DATE,
      convertTo(args[0]!, DATE, expr.at),
      ...args.slice(1).map((arg) => convertTo(arg, varchar2(), expr.at))
    )
  }
  if (kind === "f" && args.length === 1) return call(`${name}_F`, args[0]!.type, args[0]!)
  return call(`${name}_N`, NUMBER, ...args.map((arg) => convertTo(arg, NUMBER, expr.at)))
}

/** CEIL and FLOOR take a unit for dates. */
const whole = (name: "CEIL" | "FLOOR"): Special => (_c, expr, args) => {
  arity(expr, 1, 2)
  const kind = kindOf(args[0]!.type)
  if (datetimes.has(kind)) {
    return call(
      `${name}_D`,
      DATE,
      convertTo(args[0]!, DATE, expr.at),
      ...args.slice(1).map((arg) => convertTo(arg, varchar2(), expr.at))
    )
  }
  arity(expr, 1, 1)
  if (kind === "f") return call(`${name}_F`, args[0]!.type, args[0]!)
  return call(name, NUMBER, convertTo(args[0]!, NUMBER, expr.at))
}

const wider = (args: ReadonlyArray<Term>): SqlType =>
  args.some((arg) => kindOf(arg.type) === "f")
    ? args.every((arg) => arg.type.name === "BINARY_FLOAT") ? args[0]!.type : BINARY_DOUBLE
    : NUMBER

/** One function for each kind of number; `result` is the type for floating-point arguments. */
const byKind = (name: string, count: number, result?: SqlType): Special => (_c, expr, args) => {
  arity(expr, count, count)
  const type = wider(args)
  const isNumber = type === NUMBER
  const converted = args.map((arg) => convertTo(arg, isNumber ? NUMBER : BINARY_DOUBLE, expr.at))
  return call(isNumber ? name : `${name}_F`, isNumber ? NUMBER : result ?? type, ...converted)
}

export const numericCalls: Readonly<Record<string, Special>> = {
  ROUND: rounding("ROUND"),
  TRUNC: rounding("TRUNC"),
  CEIL: whole("CEIL"),
  FLOOR: whole("FLOOR"),
  ABS: byKind("ABS", 1),
  SIGN: byKind("SIGN", 1, NUMBER),
  MOD: byKind("MOD", 2),
  REMAINDER: byKind("REMAINDER", 2),
  SQRT: byKind("SQRT", 1, BINARY_DOUBLE),
  POWER: byKind("POWER", 2, BINARY_DOUBLE),
  LOG: byKind("LOG", 2, BINARY_DOUBLE),
  ATAN2: byKind("ATAN2", 2, BINARY_DOUBLE),
  ...Object.fromEntries(
    ["EXP", "LN", "SIN", "COS", "TAN", "ASIN", "ACOS", "ATAN", "SINH", "COSH", "TANH"]
      .map((name) => [name, byKind(name, 1, BINARY_DOUBLE)])
  )
}
