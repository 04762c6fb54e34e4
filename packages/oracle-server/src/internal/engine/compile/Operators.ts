/** Types meet here: arithmetic, comparison, concatenation, and finding one type for several values. */
import type { BinaryOp } from "../Ast.ts"
import { conversion } from "../Convert.ts"
import { storeName } from "../functions/Library.ts"
import { oraError, unimplemented } from "../OraError.ts"
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
  type SqlType,
  timestamp,
  timestampTz,
  varchar2
} from "../SqlType.ts"
import type { Sql } from "./Sql.ts"

export const inconsistent = (expected: SqlType, got: SqlType, at: number): Error =>
  oraError(932, `inconsistent datatypes: expected ${errorName(expected)} got ${errorName(got)}`, at)

export const convertTo = (x: Sql, type: SqlType, at: number): Sql => {
  const from = kindOf(x.type)
  const to = kindOf(type)
  if (from === to || from === "null") return x.type.name === "NULL" ? { ...x, type } : x
  if (conversion(from, to) === undefined) throw inconsistent(type, x.type, at)
  // A BINARY_FLOAT has fewer digits than the double it is kept in.
  if (type.name === "BINARY_FLOAT") return { sql: `f_to_float(cv_${from}_f(${x.sql}))`, type, nullable: x.nullable }
  return { sql: from === "c" && to === "lc" ? x.sql : `cv_${from}_${to}(${x.sql})`, type, nullable: x.nullable }
}

export const call = (name: string, type: SqlType, ...args: ReadonlyArray<Sql>): Sql => ({
  sql: `${storeName(name)}(${args.map((arg) => arg.sql).join(",")})`,
  type,
  nullable: args.some((arg) => arg.nullable)
})

const numeric = (kind: Kind): boolean => kind === "n" || kind === "f"
const datetime = (kind: Kind): boolean => kind === "d" || kind === "t" || kind === "z" || kind === "l"

export const arithmetic = (op: "+" | "-" | "*" | "/", left: Sql, right: Sql, at: number): Sql => {
  const l = kindOf(left.type)
  const r = kindOf(right.type)
  const verb = { "+": "ADD", "-": "SUB", "*": "MUL", "/": "DIV" }[op]
  if (l === "l") return arithmetic(op, convertTo(left, timestampTz(), at), right, at)
  if (r === "l") return arithmetic(op, left, convertTo(right, timestampTz(), at), at)
  const isText = (k: Kind): boolean => k === "c" || k === "null" || k === "lc"
  if ((numeric(l) || isText(l)) && (numeric(r) || isText(r))) {
    const type = l === "f" || r === "f" ? wider(left.type, right.type) : NUMBER
    const result = call(
      `${type === NUMBER ? "N" : "F"}_${verb}`,
      type,
      convertTo(left, type, at),
      convertTo(right, type, at)
    )
    return type === BINARY_FLOAT ? { ...result, sql: `f_to_float(${result.sql})` } : result
  }
  if (op === "+" && !datetime(l) && datetime(r)) return arithmetic(op, right, left, at)
  if (datetime(l) && (op === "+" || op === "-")) {
    if (datetime(r)) {
      if (op === "+") throw oraError(975, "date + date not allowed", at)
      if (l === "d" && r === "d") return call("D_DIFF", NUMBER, left, right)
      if (l === "z" || r === "z") {
        const utc = (x: Sql): Sql => ({
          ...convertTo(x, timestampTz(), at),
          sql: `substr(${convertTo(x, timestampTz(), at).sql},1,21)`
        })
        return call("T_DIFF", INTERVAL_DS, utc(left), utc(right))
      }
      return call("T_DIFF", INTERVAL_DS, convertTo(left, timestamp(), at), convertTo(right, timestamp(), at))
    }
    if (r === "n" || r === "f" || isText(r)) {
      return call(`D_${verb}`, DATE, convertTo(left, DATE, at), convertTo(right, NUMBER, at))
    }
    if (r === "s") return call(`${l.toUpperCase()}_${verb}_S`, left.type, left, right)
    if (r === "y") {
      if (l === "z") throw unimplemented("TIMESTAMP WITH TIME ZONE and an interval of months", at)
      return call(`${l.toUpperCase()}_ADD_Y`, left.type, left, op === "+" ? right : call("Y_NEG", INTERVAL_YM, right))
    }
  }
  if (op === "*" && numeric(l) && (r === "s" || r === "y")) return arithmetic(op, right, left, at)
  if (l === "s") {
    if (r === "s" && (op === "+" || op === "-")) return call(`S_${verb}`, INTERVAL_DS, left, right)
    if (numeric(r) && (op === "*" || op === "/")) {
      const factor = op === "*"
        ? convertTo(right, NUMBER, at)
        : call("N_DIV", NUMBER, { sql: "x'c102'", type: NUMBER, nullable: false }, convertTo(right, NUMBER, at))
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

const sqlOps: Readonly<Record<string, string>> = { "=": "=", "<>": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">=" }

/** Both sides in the form in which they can be compared by the store. */
export const comparable = (left: Sql, right: Sql, at: number): readonly [Sql, Sql] => {
  if (left.rowidOf !== undefined && kindOf(right.type) === "c") {
    return [{ ...left, sql: left.rowidOf.sql }, { ...right, sql: `rid(${left.rowidOf.table.id},${right.sql})` }]
  }
  if (right.rowidOf !== undefined && kindOf(left.type) === "c") {
    return [{ ...left, sql: `rid(${right.rowidOf.table.id},${left.sql})` }, { ...right, sql: right.rowidOf.sql }]
  }
  if (left.rowidOf !== undefined && right.rowidOf !== undefined && left.rowidOf.table === right.rowidOf.table) {
    return [{ ...left, sql: left.rowidOf.sql }, { ...right, sql: right.rowidOf.sql }]
  }
  const type = comparisonType(left.type, right.type, at)
  let a = convertTo(left, type, at)
  let b = convertTo(right, type, at)
  if (kindOf(type) === "z") {
    a = { ...a, sql: `substr(${a.sql},1,21)` }
    b = { ...b, sql: `substr(${b.sql},1,21)` }
  } else if (
    isBlankPadded(left.type) && isBlankPadded(right.type) &&
    !(left.literal !== undefined && right.literal !== undefined && left.literal.length === right.literal.length)
  ) {
    a = { ...a, sql: paddedKey(a) }
    b = { ...b, sql: paddedKey(b) }
  }
  return [a, b]
}

const paddedKey = (x: Sql): string =>
  x.literal !== undefined && !x.literal.endsWith(" ") ? x.sql : `rtrim(${x.sql},' ')`

export const comparison = (op: BinaryOp, left: Sql, right: Sql, at: number): Sql => {
  const [a, b] = comparable(left, right, at)
  return { sql: `(${a.sql}${sqlOps[op]!}${b.sql})`, type: BOOLEAN, nullable: a.nullable || b.nullable, condition: true }
}

export const concatenation = (left: Sql, right: Sql, at: number): Sql => {
  const big = [left, right].some((x) => kindOf(x.type) === "lc")
  const text = (x: Sql): Sql => convertTo(x, big ? CLOB : varchar2(), at)
  const a = text(left)
  const b = text(right)
  const part = (x: Sql): string => x.nullable ? `coalesce(${x.sql},'')` : x.sql
  const size = Math.min(4000, textSize(left.type) + textSize(right.type))
  const type = big
    ? CLOB
    : {
      ...varchar2(size),
      name: left.type.name === "NVARCHAR2" || right.type.name === "NVARCHAR2"
        ? "NVARCHAR2" as const
        : "VARCHAR2" as const
    }
  if (!a.nullable || !b.nullable) return { sql: `(${part(a)}||${part(b)})`, type, nullable: false }
  return { sql: `nullif(${part(a)}||${part(b)},'')`, type, nullable: true }
}

/** Bytes that a value of this type takes as text. */
export const textSize = (type: SqlType): number => {
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
