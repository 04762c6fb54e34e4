/** TO_CHAR and its relatives, CAST and VALIDATE_CONVERSION: conversions with formats, and what stands for a failed one. */
import type { Call, Expr } from "../syntax/ast.ts"
import type { Stored } from "../values/composite.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { fit } from "../values/fit.ts"
import { OraError, oraError, unimplemented } from "../values/oraError.ts"
import {
  BINARY_DOUBLE,
  BINARY_FLOAT,
  BOOLEAN,
  DATE,
  INTERVAL_DS,
  INTERVAL_YM,
  kindOf,
  NUMBER,
  timestamp,
  timestampTz,
  varchar2
} from "../values/sqlType.ts"
import type { Compilation } from "./compilation.ts"
import { call, convertTo } from "./operators.ts"
import { arity, type Special } from "./special.ts"
import { constant, derived, type Scope, type Term } from "./term.ts"
import { resolveType } from "./types.ts"

/** What FF stands for: the digits that the type has; in PL/SQL always nine. */
const fractionDigits = (c: Compilation, type: SqlType): Term =>
  constant(c.context.blockCall === undefined ? type.scale : 9, NUMBER)

const textOf = (x: Term, at: number): Term => convertTo(x, varchar2(), at)

/** A name for a text of its own: two formats must not be taken for one another. */
const formats = (rest: ReadonlyArray<Term>, at: number): ReadonlyArray<Term> => rest.map((term) => textOf(term, at))

const toChar: Special = (c, expr, args) => {
  arity(expr, 1, 3)
  const [value] = args as [Term]
  const kind = kindOf(value.type)
  if (args.length === 1) {
    if (kind === "c" || kind === "lc") {
      return { ...value, type: { ...varchar2(), size: kind === "c" ? value.type.size : 4000 } }
    }
    return convertTo(value, varchar2(kind === "n" ? 40 : 75), expr.at)
  }
  const rest = formats(args.slice(1), expr.at)
  switch (kind) {
    case "n":
    case "f":
    case "c":
    case "null":
      return call("TO_CHAR_N", varchar2(64), convertTo(value, NUMBER, expr.at), ...rest)
    case "d":
      return call("TO_CHAR_D", varchar2(75), value, ...rest)
    case "t":
      return call("TO_CHAR_T", varchar2(75), value, fractionDigits(c, value.type), ...rest)
    case "l":
    case "z":
      return call(
        "TO_CHAR_Z",
        varchar2(75),
        convertTo(value, timestampTz(9), expr.at),
        fractionDigits(c, value.type),
        ...rest
      )
    default:
      throw unimplemented(`TO_CHAR of ${value.type.name} with a format`, expr.at)
  }
}

/** Converts what a held value stands for; a conversion that fails gives the other value, converted in the same way. */
const orElse = (
  value: Term,
  otherwise: Term,
  convert: (x: Term) => Term,
  name: string
): Term => {
  let held: Stored = null
  const attempt = convert({ ...value, eval: () => held, constant: undefined as never, column: undefined as never })
  const fallback = convert(otherwise)
  return derived([value, attempt, fallback], `${name} default`, attempt.type, true, (f) => {
    held = value.eval(f)
    try {
      return attempt.eval(f)
    } catch (error) {
      if (!(error instanceof OraError)) throw error
      return fallback.eval(f)
    }
  })
}

const withDefault = (c: Compilation, expr: Call, args: ReadonlyArray<Term>, scope: Scope, make: Special): Term => {
  if (expr.onConversionError === undefined) return make(c, expr, args, scope)
  const [value, ...rest] = args as [Term, ...Array<Term>]
  const name = expr.path[0]!
  const otherwise = c.expr(c, expr.onConversionError, scope)
  const text = kindOf(value.type) === "null" ? value : textOf(value, expr.at)
  return orElse(text, otherwise, (x) => make(c, expr, [x, ...rest], scope), name)
}

const guarded = (make: Special): Special => (c, expr, args, scope) => withDefault(c, expr, args, scope, make)

const toDatetime = (name: "TO_DATE" | "TO_TIMESTAMP" | "TO_TIMESTAMP_TZ", type: SqlType): Special =>
  guarded((_c, expr, args) => {
    arity(expr, 1, 3)
    const kind = kindOf(args[0]!.type)
    if (args.length === 1 && ["d", "t", "z", "l"].includes(kind)) return convertTo(args[0]!, type, expr.at)
    return { ...call(name, type, ...formats(args, expr.at)), nullable: true }
  })

const toNumber = guarded((_c, expr, args) => {
  arity(expr, 1, 3)
  if (args.length === 1) {
    return convertTo(kindOf(args[0]!.type) === "null" ? { ...args[0]!, type: varchar2() } : args[0]!, NUMBER, expr.at)
  }
  // A number is taken as it is: there is nothing to read by a format.
  if (kindOf(args[0]!.type) === "n") return args[0]!
  return call("TO_NUMBER_FORMAT", NUMBER, ...formats(args, expr.at))
})

const toDouble = (type: SqlType): Special =>
  guarded((_c, expr, args) => {
    arity(expr, 1, 3)
    const [value, ...rest] = args as [Term, ...Array<Term>]
    if (rest.length > 0) {
      return convertTo(call("TO_NUMBER_FORMAT", NUMBER, ...formats(args, expr.at)), type, expr.at)
    }
    const double = convertTo(
      kindOf(value.type) === "null" ? { ...value, type: varchar2() } : value,
      BINARY_DOUBLE,
      expr.at
    )
    return type.name === "BINARY_FLOAT" ? call("TO_FLOAT", BINARY_FLOAT, double) : double
  })

const toType = (type: SqlType): Special =>
  guarded((_c, expr, args) => {
    arity(expr, 1, 1)
    return convertTo(kindOf(args[0]!.type) === "null" ? { ...args[0]!, type: varchar2() } : args[0]!, type, expr.at)
  })

/** `TO_NCHAR` and the like: what TO_CHAR gives, as another type of text. */
const toText = (type: SqlType): Special => (c, expr, args, scope) => {
  const text = toChar(c, expr, args, scope)
  return { ...text, type: { ...type, size: type.size === 0 ? 0 : text.type.size }, key: `${type.name}(${text.key})` }
}

/** A conversion as CAST makes it, with the formats that may follow the type. */
const converted = (c: Compilation, value: Term, type: SqlType, rest: ReadonlyArray<Term>, at: number): Term => {
  if (rest.length === 0) return convertTo(value, type, at)
  const kind = kindOf(type)
  const list = formats(rest, at)
  switch (kind) {
    case "d":
      return call("TO_DATE", DATE, textOf(value, at), ...list)
    case "t":
      return call("TO_TIMESTAMP", timestamp(9), textOf(value, at), ...list)
    case "z":
    case "l":
      return convertTo(call("TO_TIMESTAMP_TZ", timestampTz(9), textOf(value, at), ...list), type, at)
    case "n":
      return call("TO_NUMBER_FORMAT", NUMBER, textOf(value, at), ...list)
    case "f":
      return convertTo(call("TO_NUMBER_FORMAT", NUMBER, textOf(value, at), ...list), type, at)
    case "c": {
      const expr: Expr = { kind: "null", at }
      return toChar(c, { ...callShape, args: [expr, ...rest.map(() => expr)], at }, [value, ...list], {} as Scope)
    }
    default:
      throw unimplemented(`a format in a conversion to ${type.name}`, at)
  }
}

const callShape: Call = {
  kind: "call",
  path: ["TO_CHAR"],
  args: [],
  names: [],
  distinct: false,
  star: false,
  withinGroup: undefined,
  keep: undefined,
  over: undefined,
  options: {},
  parens: true,
  at: 0
}

const fitted = (value: Term, target: Term, type: SqlType): Term => {
  const name = `cast:${type.name}:${type.precision}:${type.scale}:${type.size}:${type.chars}`
  const from = kindOf(value.type)
  // Text is cut to its length; what was no text has to fit.
  const kind = kindOf(type) === "c" && !["c", "lc", "null"].includes(from) ? "castText" : "cast"
  return derived([target], name, type, true, (f) => fit(target.eval(f), type, { kind }))
}

export const compileCast = (c: Compilation, expr: Extract<Expr, { kind: "cast" }>, scope: Scope): Term => {
  const { at } = expr
  const value = c.expr(c, expr.arg, scope)
  const type = resolveType(expr.type, c.context.session.nls.characters)
  const rest = expr.formats.map((format) => c.expr(c, format, scope))
  const make = (x: Term): Term => fitted(x, converted(c, x, type, rest, at), type)
  if (expr.onConversionError === undefined) return make(value)
  return orElse(value, c.expr(c, expr.onConversionError, scope), make, "cast")
}

/** Whether a conversion would succeed: 1 or 0. */
const validateConversion: Special = (c, expr, args) => {
  const type = resolveType(expr.type!, c.context.session.nls.characters)
  const [value, ...rest] = args as [Term, ...Array<Term>]
  let held: Stored = null
  const attempt = converted(c, { ...value, eval: () => held, constant: undefined as never }, type, rest, expr.at)
  const checked = fitted(value, attempt, type)
  return derived([value, checked], "validate", NUMBER, false, (f) => {
    held = value.eval(f)
    try {
      checked.eval(f)
      return 1
    } catch (error) {
      if (!(error instanceof OraError)) throw error
      return 0
    }
  })
}

export const conversionCalls: Readonly<Record<string, Special>> = {
  TO_CHAR: toChar,
  TO_NCHAR: toText({ ...varchar2(), name: "NVARCHAR2" }),
  TO_NUMBER: toNumber,
  TO_DATE: toDatetime("TO_DATE", DATE),
  TO_TIMESTAMP: toDatetime("TO_TIMESTAMP", timestamp(9)),
  TO_TIMESTAMP_TZ: toDatetime("TO_TIMESTAMP_TZ", timestampTz(9)),
  TO_BINARY_DOUBLE: toDouble(BINARY_DOUBLE),
  TO_BINARY_FLOAT: toDouble(BINARY_FLOAT),
  TO_DSINTERVAL: toType(INTERVAL_DS),
  TO_YMINTERVAL: toType(INTERVAL_YM),
  TO_BOOLEAN: toType(BOOLEAN),
  VALIDATE_CONVERSION: validateConversion,
  "DAY TO SECOND": (_c, expr, args) => {
    const [difference] = args as [Term]
    const interval = kindOf(difference.type) === "n"
      ? call("NUMTODSINTERVAL", INTERVAL_DS, difference, constant("DAY", varchar2()))
      : convertTo(difference, INTERVAL_DS, expr.at)
    const type = {
      ...INTERVAL_DS,
      precision: Number(expr.options["precision"]),
      scale: Number(expr.options["fraction"])
    }
    return fitted(interval, interval, type)
  },
  // A number of fractional digits changes the type, so it has to be a literal.
  CURRENT_TIMESTAMP: (_c, expr, args) => moment("CURRENT_TIMESTAMP", timestampTz, expr, args),
  LOCALTIMESTAMP: (_c, expr, args) => moment("LOCALTIMESTAMP", timestamp, expr, args)
}

const moment = (name: string, type: (scale: number) => SqlType, expr: Call, args: ReadonlyArray<Term>): Term => {
  arity(expr, 0, 1)
  const scale = args.length === 0 ? 6 : args[0]!.constant?.value
  if (typeof scale !== "number" || !Number.isInteger(scale) || scale < 0 || scale > 9) {
    throw oraError(30088, "datetime/interval precision is out of range", expr.at)
  }
  const now = call(name, type(scale))
  return args.length === 0 ? now : fitted(now, now, type(scale))
}
