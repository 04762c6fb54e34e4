/** Types meet here: arithmetic, comparison, concatenation, and finding one type for several values. */
import type { Eval, Frame } from "../execute/frame.ts"
import { callOf, library } from "../functions/library.ts"
import type { BinaryOp } from "../syntax/ast.ts"
import { decodeInterval, decodeTimestamp, decodeZoned } from "../values/calendar.ts"
import { isSubtype, type Stored } from "../values/composite.ts"
import { conversion, formatInterval, formatMonths, localOf, wallClock } from "../values/convert.ts"
import type { CompositeType, SqlType } from "../values/dataTypes.ts"
import { formatFloat } from "../values/doubleText.ts"
import { formatDate } from "../values/format/dateWriter.ts"
import { add, divide, multiply, subtract } from "../values/numberArithmetic.ts"
import type { NumberValue } from "../values/oracleNumber.ts"
import { oraError } from "../values/oraError.ts"
import { comparePadded, comparerOf } from "../values/order.ts"
import {
  BINARY_DOUBLE,
  BINARY_FLOAT,
  BOOLEAN,
  CLOB,
  DATE,
  errorName,
  INTERVAL_DS,
  INTERVAL_YM,
  isBlankPadded,
  type Kind,
  kindOf,
  NULL,
  NUMBER,
  timestamp,
  timestampTz,
  varchar2,
  VECTOR
} from "../values/sqlType.ts"
import { combine, loadVector, readVector, storeVector } from "../values/vector.ts"
import { withoutJson } from "./jsonScalars.ts"
import { constant, derived, type Term } from "./term.ts"

export const inconsistent = (expected: SqlType, got: SqlType, at: number): Error =>
  oraError(932, `inconsistent datatypes: expected ${errorName(expected)} got ${errorName(got)}`, at)

/** Records are taken by their fields, all else by the type's name. */
const isAssignable = (from: CompositeType, to: CompositeType): boolean =>
  isSubtype(from, to) ||
  (from.kind !== "collection" && to.kind === "record" && from.attributes.length === to.attributes.length)

const toFloat = (value: Stored): Stored => value === null ? null : Math.fround(value as number)

export const convertTo = (x: Term, type: SqlType, at: number): Term => {
  const from = kindOf(x.type)
  const to = kindOf(type)
  if (from === "o" && to === "o" && !isAssignable(x.type.composite!, type.composite!)) {
    throw inconsistent(type, x.type, at)
  }
  if (from === to || from === "null") return x.type.name === "NULL" ? { ...x, type } : x
  const convert = conversion(from, to)
  if (convert === undefined) throw inconsistent(type, x.type, at)
  if (from === "c" && to === "lc") return { ...x, type, column: undefined as never, key: `lob(${x.key})` }
  if (to === "v" && (from === "c" || from === "lc")) return vectorOfText(x, type)
  if (to === "c" && (from === "t" || from === "z" || from === "l")) return timestampText(x, type)
  if (to === "c" && (from === "s" || from === "y")) return intervalText(x, type)
  if (to === "c" && x.type.name === "BINARY_FLOAT") return floatText(x, type)
  const { eval: get } = x
  const keepsEmpty = to === "lc" || to === "lb"
  const converted: Eval = (f) => {
    const value = get(f)
    if (value === null) return null
    const result = convert(value, f.session)
    return result === "" && !keepsEmpty ? null : result
  }
  // A BINARY_FLOAT has fewer digits than the double it is kept in.
  const evaluate: Eval = type.name === "BINARY_FLOAT" ? (f) => toFloat(converted(f)) : converted
  return derived([x], `${from}_${to}${type.name === "BINARY_FLOAT" ? "f" : ""}`, type, x.nullable, evaluate)
}

/** A timestamp in the session's format, with as many digits of the second as its type has. */
const timestampText = (x: Term, type: SqlType): Term => {
  const { eval: get } = x
  const kind = kindOf(x.type)
  const digits = x.type.scale
  return derived([x], `${kind}_c${digits}`, type, x.nullable, (f) => {
    const value = get(f)
    if (value === null) return null
    const { nls } = f.session
    if (kind === "z") {
      const zoned = decodeZoned(value as string)
      return formatDate(wallClock(zoned), nls.timestampTzFormat, zoned, true, digits)
    }
    const at = decodeTimestamp(value as string)
    return formatDate(kind === "l" ? localOf(at, f.session) : at, nls.timestampFormat, undefined, true, digits)
  })
}

/** An interval with as many digits as its type has. */
const intervalText = (x: Term, type: SqlType): Term => {
  const { eval: get } = x
  const { name, precision, scale } = x.type
  const isMonths = kindOf(x.type) === "y"
  return derived([x], `${name}_c${precision}.${scale}`, type, x.nullable, (f) => {
    const value = get(f)
    if (value === null) return null
    return isMonths
      ? formatMonths(value as number, precision)
      : formatInterval(decodeInterval(value as string), precision, scale)
  })
}

/** Text is read in the format that the vector is to have. */
const vectorOfText = (x: Term, type: SqlType): Term => {
  const format = type.vector === undefined || type.vector.format === "ANY" ? "FLOAT32" : type.vector.format
  return derived([x], `vector:${format}`, type, x.nullable, (f) => {
    const value = x.eval(f)
    return value === null ? null : storeVector(readVector(value as string, format))
  })
}

const floatText = (x: Term, type: SqlType): Term => {
  const { eval: get } = x
  return derived([x], "float_c", type, x.nullable, (f) => {
    const value = get(f)
    return value === null ? null : formatFloat(value as number)
  })
}

/** A function of the library, whose arguments have the right kinds already. */
export const call = (name: string, type: SqlType, ...args: ReadonlyArray<Term>): Term =>
  derived(args, name, type, args.some((arg) => arg.nullable), callOf(library[name]!, args.map((arg) => arg.eval)))

const numeric = (kind: Kind): boolean => kind === "n" || kind === "f"
const datetime = (kind: Kind): boolean => kind === "d" || kind === "t" || kind === "z" || kind === "l"

const operations: Readonly<Record<"+" | "-" | "*" | "/", (a: NumberValue, b: NumberValue) => NumberValue>> = {
  "+": add,
  "-": subtract,
  "*": multiply,
  "/": divide
}

const numeric_ = (op: "+" | "-" | "*" | "/", left: Term, right: Term): Term => {
  const operation = operations[op]
  const a = left.eval
  const b = right.eval
  return derived([left, right], op, NUMBER, left.nullable || right.nullable, (f) => {
    const x = a(f)
    if (x === null) return null
    const y = b(f)
    return y === null ? null : operation(x as NumberValue, y as NumberValue)
  })
}

/** The instant of a TIMESTAMP WITH TIME ZONE, as a TIMESTAMP. */
const instant = (x: Term): Term =>
  derived([x], "utc", timestamp(9), x.nullable, (f) => {
    const value = x.eval(f)
    return value === null ? null : (value as string).slice(0, 21)
  })

export const arithmetic = (op: "+" | "-" | "*" | "/", left: Term, right: Term, at: number): Term => {
  const l = kindOf(left.type)
  const r = kindOf(right.type)
  const verb = { "+": "ADD", "-": "SUB", "*": "MUL", "/": "DIV" }[op]
  if (l === "l") return arithmetic(op, convertTo(left, timestampTz(), at), right, at)
  if (r === "l") return arithmetic(op, left, convertTo(right, timestampTz(), at), at)
  const isText = (k: Kind): boolean => k === "c" || k === "null" || k === "lc"
  if ((numeric(l) || isText(l)) && (numeric(r) || isText(r))) {
    const type = l === "f" || r === "f" ? wider(left.type, right.type) : NUMBER
    const a = convertTo(left, type, at)
    const b = convertTo(right, type, at)
    if (type === NUMBER) return numeric_(op, a, b)
    const result = call(`F_${verb}`, type, a, b)
    return type === BINARY_FLOAT ? { ...result, key: `f${result.key}`, eval: (f) => toFloat(result.eval(f)) } : result
  }
  if (l === "v" && r === "v" && op !== "/") {
    return derived([left, right], `vector${op}`, VECTOR, left.nullable || right.nullable, (f) => {
      const [x, y] = [left.eval(f), right.eval(f)]
      return x === null || y === null
        ? null
        : storeVector(combine(loadVector(x as string), loadVector(y as string), op))
    })
  }
  if (op === "+" && !datetime(l) && datetime(r)) return arithmetic(op, right, left, at)
  if (datetime(l) && (op === "+" || op === "-")) {
    if (datetime(r)) {
      if (op === "+") throw oraError(975, "date + date not allowed", at)
      if (l === "d" && r === "d") return call("D_DIFF", NUMBER, left, right)
      const type = { ...INTERVAL_DS, scale: Math.max(left.type.scale, right.type.scale) }
      if (l === "z" || r === "z") {
        return call(
          "T_DIFF",
          type,
          instant(convertTo(left, timestampTz(), at)),
          instant(convertTo(right, timestampTz(), at))
        )
      }
      return call("T_DIFF", type, convertTo(left, timestamp(), at), convertTo(right, timestamp(), at))
    }
    if (r === "n" || r === "f" || isText(r)) {
      return call(`D_${verb}`, DATE, convertTo(left, DATE, at), convertTo(right, NUMBER, at))
    }
    if (r === "s") return call(`${l.toUpperCase()}_${verb}_S`, left.type, left, right)
    if (r === "y") {
      return call(`${l.toUpperCase()}_ADD_Y`, left.type, left, op === "+" ? right : call("Y_NEG", INTERVAL_YM, right))
    }
  }
  if (op === "*" && numeric(l) && (r === "s" || r === "y")) return arithmetic(op, right, left, at)
  if (l === "s") {
    if (r === "s" && (op === "+" || op === "-")) return call(`S_${verb}`, INTERVAL_DS, left, right)
    if (numeric(r) && (op === "*" || op === "/")) {
      const factor = op === "*"
        ? convertTo(right, NUMBER, at)
        : numeric_("/", constant(1, NUMBER), convertTo(right, NUMBER, at))
      return call("S_MUL", INTERVAL_DS, left, factor)
    }
  }
  if (l === "y") {
    if (r === "y" && (op === "+" || op === "-")) return call(`Y_${verb}`, INTERVAL_YM, left, right)
    if (numeric(r) && op === "*") return call("Y_MUL", INTERVAL_YM, left, convertTo(right, NUMBER, at))
  }
  throw inconsistent(
    numeric(l) || l === "c" ? NUMBER : left.type,
    numeric(l) || l === "c" ? right.type : right.type,
    at
  )
}

/** BINARY_DOUBLE goes before BINARY_FLOAT, and both before NUMBER. */
const wider = (a: SqlType, b: SqlType): SqlType =>
  a.name === "BINARY_DOUBLE" || b.name === "BINARY_DOUBLE" ? BINARY_DOUBLE : BINARY_FLOAT

/** The kind in which two values are compared. */
const comparisonType = (left: SqlType, right: SqlType, at: number): SqlType => {
  const l = kindOf(left)
  const r = kindOf(right)
  for (const [k, type] of [[l, left], [r, right]] as const) {
    if (k === "lc" || k === "lb" || k === "j" || k === "v") {
      const other = type === left ? right : left
      throw oraError(
        932,
        `inconsistent datatypes: expected ${k === "lc" || k === "lb" ? "-" : errorName(other)} got ${errorName(type)}`,
        at
      )
    }
  }
  if (l === "null") return right
  if (r === "null" || l === r) return left
  const has = (k: Kind): boolean => l === k || r === k
  if (has("f") && (has("n") || has("c"))) return wider(left, right)
  if (has("n") && (has("c") || has("b"))) return has("b") ? BOOLEAN : NUMBER
  if (has("z") && (has("d") || has("t") || has("l") || has("c"))) return timestampTz()
  if (has("l") && (has("d") || has("t") || has("c"))) return l === "l" ? left : right
  if (has("t") && (has("d") || has("c"))) return timestamp()
  if (has("c")) return l === "c" ? right : left
  throw inconsistent(left, right, at)
}

/** Both sides in one kind, in which they can be compared. */
interface Comparable {
  readonly left: Term
  readonly right: Term
  readonly padded: boolean
  readonly compare: (a: Stored, b: Stored) => number
}

export const comparable = (one: Term, other: Term, at: number): Comparable => {
  const [left, right] = withoutJson(one, other)
  const type = comparisonType(left.type, right.type, at)
  const padded = isBlankPadded(left.type) && isBlankPadded(right.type)
  return {
    left: convertTo(left, type, at),
    right: convertTo(right, type, at),
    padded,
    compare: padded
      ? comparePadded as (a: never, b: never) => number as (a: Stored, b: Stored) => number
      : comparerOf(kindOf(type))
  }
}

const verdicts: Readonly<Record<string, (order: number) => boolean>> = {
  "=": (order) => order === 0,
  "<>": (order) => order !== 0,
  "<": (order) => order < 0,
  "<=": (order) => order <= 0,
  ">": (order) => order > 0,
  ">=": (order) => order >= 0
}

const numbers = (op: BinaryOp, a: Eval, b: Eval, compare: (a: Stored, b: Stored) => number): Eval => {
  const test = verdicts[op]!
  const slow = (x: Stored, y: Stored): Stored => test(compare(x, y)) ? 1 : 0
  const both = (f: Frame, fast: (x: number, y: number) => boolean): Stored => {
    const x = a(f)
    if (x === null) return null
    const y = b(f)
    if (y === null) return null
    return typeof x === "number" && typeof y === "number" ? (fast(x, y) ? 1 : 0) : slow(x, y)
  }
  switch (op) {
    case "=":
      return (f) => {
        const x = a(f)
        if (x === null) return null
        const y = b(f)
        if (y === null) return null
        return x === y ? 1 : typeof x === "number" || typeof y === "number" ? 0 : slow(x, y)
      }
    case "<":
      return (f) => both(f, (x, y) => x < y)
    case "<=":
      return (f) => both(f, (x, y) => x <= y)
    case ">":
      return (f) => both(f, (x, y) => x > y)
    case ">=":
      return (f) => both(f, (x, y) => x >= y)
    default:
      return (f) => both(f, (x, y) => x !== y)
  }
}

const mirrored: Readonly<Record<string, NonNullable<Term["test"]>["op"]>> = {
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
  "=": "="
}

export const mirror = (op: NonNullable<Term["test"]>["op"]): NonNullable<Term["test"]>["op"] => mirrored[op]!

export const comparison = (op: BinaryOp, left: Term, right: Term, at: number): Term => {
  const both = comparable(left, right, at)
  const { compare } = both
  const a = both.left.eval
  const b = both.right.eval
  const test = verdicts[op]!
  const evaluate: Eval = kindOf(both.left.type) === "n"
    ? numbers(op, a, b, compare)
    : (f) => {
      const x = a(f)
      if (x === null) return null
      const y = b(f)
      if (y === null) return null
      return test(compare(x, y)) ? 1 : 0
    }
  return derived([both.left, both.right], op, BOOLEAN, left.nullable || right.nullable, evaluate, {
    condition: true,
    ...(op === "<>" ? {} : {
      test: { op: op as "=", left: both.left, right: [both.right], padded: both.padded }
    })
  })
}

export const concatenation = (left: Term, right: Term, at: number): Term => {
  const big = [left, right].some((x) => kindOf(x.type) === "lc")
  const text = (x: Term): Term => convertTo(x, big ? CLOB : varchar2(), at)
  const a = text(left)
  const b = text(right)
  const size = Math.min(4000, textSize(left.type) + textSize(right.type))
  const type = big
    ? CLOB
    : {
      ...varchar2(size),
      name: left.type.name === "NVARCHAR2" || right.type.name === "NVARCHAR2"
        ? "NVARCHAR2" as const
        : "VARCHAR2" as const
    }
  return derived([a, b], "||", type, a.nullable && b.nullable, (f) => {
    const x = a.eval(f)
    const y = b.eval(f)
    if (x === null) return y
    if (y === null) return x
    return joined(x as string, y as string)
  })
}

/** No text of the server is longer than this; V8 would refuse it a little later with an error of its own. */
const longestText = 256 * 1024 * 1024

const joined = (x: string, y: string): string => {
  if (x.length + y.length > longestText) {
    throw oraError(
      4030,
      `out of process memory when trying to allocate ${x.length + y.length} bytes (sessionpool server,text)`
    )
  }
  return x + y
}

/** Bytes that a value of this type takes as text. */
const textSize = (type: SqlType): number => {
  switch (kindOf(type)) {
    case "c":
      return type.size > 0 ? type.size : 4000
    case "n":
    case "f":
      return 40
    case "null":
      return 0
    default:
      return 75
  }
}

/** One type for the branches of CASE, NVL, DECODE, set operators. `lenient` converts to the first type. */
export const unify = (types: ReadonlyArray<SqlType>, lenient: boolean, at: number): SqlType => {
  let result = NULL
  for (const type of types) {
    const a = kindOf(result)
    const b = kindOf(type)
    if (b === "null") continue
    if (a === "null") result = type
    else if (a === b) result = merge(result, type)
    else if (a === "f" && b === "n") continue
    else if (a === "n" && b === "f") result = lenient ? result : type
    else if ((a === "lc" && b === "c") || (a === "c" && b === "lc")) result = CLOB
    else if (datetime(a) && datetime(b)) {
      if (a === "d") result = type
      else if (b === "z") result = type
    } else if (lenient && conversion(b, a) !== undefined) {
      if (a === "c") result = { ...result, size: Math.max(textSize(result), textSize(type)) }
    } else throw inconsistent(result, type, at)
  }
  return result
}

const merge = (a: SqlType, b: SqlType): SqlType => {
  if (kindOf(a) === "n") return a.precision === b.precision && a.scale === b.scale ? a : NUMBER
  if (kindOf(a) === "c") {
    const name = a.name === "CHAR" && b.name === "CHAR" && a.size === b.size
      ? "CHAR"
      : [a.name, b.name].some((n) => n[0] === "N")
      ? "NVARCHAR2"
      : "VARCHAR2"
    return { ...a, name, size: Math.max(textSize(a), textSize(b)), chars: 0 }
  }
  return a.scale >= b.scale ? a : b
}
