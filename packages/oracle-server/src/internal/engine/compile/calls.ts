/** Function calls: those whose types depend on their arguments here, all others from the library's table. */
import type { FunctionDef } from "../functions/functionDef.ts"
import { callOf, library } from "../functions/library.ts"
import type { Call, Expr } from "../syntax/ast.ts"
import { oraError, unimplemented } from "../values/oraError.ts"
import { comparerOf } from "../values/order.ts"
import {
  BINARY_DOUBLE,
  BINARY_FLOAT,
  BLOB,
  BOOLEAN,
  CLOB,
  DATE,
  INTERVAL_DS,
  INTERVAL_YM,
  JSON_TYPE,
  type Kind,
  kindOf,
  NUMBER,
  raw,
  ROWID,
  type SqlType,
  timestamp,
  timestampLtz,
  timestampTz,
  varchar2
} from "../values/sqlType.ts"
import { absent } from "./absentFunctions.ts"
import { compileAggregate, isAggregate } from "./aggregateCalls.ts"
import { type Compilation, type Routine } from "./compilation.ts"
import { stepTerm } from "./heavy.ts"
import { choose } from "./logic.ts"
import { call, comparable, comparison, convertTo, inconsistent, unify } from "./operators.ts"
import { columnTerm, constant, derived, pathPlace, type Scope, type Term } from "./term.ts"

const kindType: Readonly<Record<Exclude<Kind, "null" | "cur" | "v">, SqlType>> = {
  n: NUMBER,
  f: BINARY_DOUBLE,
  c: varchar2(),
  r: raw(),
  d: DATE,
  t: timestamp(9),
  z: timestampTz(9),
  l: timestampLtz(9),
  y: INTERVAL_YM,
  s: INTERVAL_DS,
  b: BOOLEAN,
  lc: CLOB,
  lb: BLOB,
  j: JSON_TYPE,
  i: ROWID
}

const arity = (expr: Call, min: number, max: number): void => {
  if (expr.args.length < min) throw oraError(909, "invalid number of arguments", expr.at)
  if (expr.args.length > max) throw oraError(939, "too many arguments for function", expr.at)
}

export const compileCall = (c: Compilation, expr: Call, scope: Scope): Term => {
  if (isAggregate(expr)) return compileAggregate(c, expr, scope)
  if (expr.path.length === 1 && (expr.path[0] === "GROUPING" || expr.path[0] === "GROUPING_ID")) {
    return grouping(c, expr, scope)
  }
  if (expr.over !== undefined || expr.withinGroup !== undefined || expr.keep !== undefined) {
    throw unimplemented(`analytic ${expr.path.join(".")}`, expr.at)
  }
  const name = expr.path.join(".")
  const args = (): Array<Term> => expr.args.map((arg) => c.expr(c, arg, scope))
  const special = specials[name]
  if (special !== undefined) {
    if (expr.names.some((n) => n !== undefined)) throw unimplemented(`named arguments of ${name}`, expr.at)
    return special(c, expr, args(), scope)
  }
  const block = c.context.blockCall?.(expr)
  if (block !== undefined) return stepTerm(c, [], name, block.returns, (f) => block.run(f))
  const routine = c.context.routine(expr.path)
  if (routine !== undefined) return routineCall(c, expr, routine, args())
  const trim = name === "TRIM" ? `TRIM_${expr.options["side"] ?? "BOTH"}` : name
  const def = library[trim]
  if (def !== undefined && !/^[A-Z]+_[NFTDZSY]$/.test(trim) && !/^[NFDTSYZ]_/.test(trim)) {
    return libraryCall(expr, trim, def, args())
  }
  if (absent.has(name) || expr.path[0]!.startsWith("DBMS_") || expr.path[0]!.startsWith("UTL_")) {
    throw unimplemented(name, expr.at)
  }
  throw oraError(904, `${expr.path.map((part) => `"${part}"`).join(".")}: invalid identifier`, expr.at)
}

const libraryCall = (expr: Call, name: string, def: FunctionDef, args: ReadonlyArray<Term>): Term => {
  arity(expr, def.min ?? def.params.length, def.rest === undefined ? def.params.length : Infinity)
  if (Object.keys(expr.options).some((key) => key !== "side")) throw unimplemented(`clauses of ${name}`, expr.at)
  const converted = args.map((arg, i) => {
    const param = def.params[i] ?? def.rest!
    if (param === "any") return arg
    if (param === "c" && kindOf(arg.type) === "lc") return arg
    return convertTo(arg, kindType[param === "int" ? "n" : param as keyof typeof kindType], expr.at)
  })
  const type = typeof def.returns === "function" ? def.returns(args.map((arg) => arg.type)) : def.returns
  const term = derived(converted, name, type, true, callOf(def, converted.map((arg) => arg.eval)))
  // Values of functions without arguments that differ each time must not be taken for equal.
  return type.name === "BOOLEAN" ? { ...term, condition: true } : term
}

const wrongArguments = (expr: Call): Error =>
  oraError(6553, `PLS-306: wrong number or types of arguments in call to '${expr.path.at(-1)}'`, expr.at)

const routineCall = (c: Compilation, expr: Call, routine: Routine, args: ReadonlyArray<Term>): Term => {
  const { parameters } = routine
  if (args.length > parameters.length) throw wrongArguments(expr)
  const given = parameters.map((parameter, i) => {
    const named = expr.names.findIndex((n) => n === parameter.name.toUpperCase())
    const at = named >= 0 ? named : expr.names[i] === undefined && i < args.length ? i : -1
    if (at >= 0) return convertTo(args[at]!, parameter.type, expr.at)
    if (!parameter.optional) throw wrongArguments(expr)
    return undefined
  })
  return stepTerm(
    c,
    given.filter((term) => term !== undefined),
    expr.path.join("."),
    routine.returns,
    (f) => routine.run(f, given.map((term) => term?.eval(f)))
  )
}

type Special = (c: Compilation, expr: Call, args: ReadonlyArray<Term>, scope: Scope) => Term

const nvl: Special = (_c, expr, args) => {
  arity(expr, 2, 2)
  const type = unify(args.map((a) => a.type), true, expr.at)
  if (args[0]!.literal !== undefined && type.name === "CHAR") return nvlOf(args, { ...type, name: "VARCHAR2" }, expr.at)
  return nvlOf(args, type, expr.at)
}

const nvlOf = (args: ReadonlyArray<Term>, type: SqlType, at: number): Term => {
  const converted = args.map((a) => convertTo(a, type, at))
  const evals = converted.map((a) => a.eval)
  return derived(converted, "nvl", type, args.every((a) => a.nullable), (f) => {
    for (let i = 0; i < evals.length; i++) {
      const value = evals[i]!(f)
      if (value !== null) return value
    }
    return null
  })
}

const decode: Special = (_c, expr, args) => {
  arity(expr, 3, 255)
  const subject = args[0]!
  const results: Array<Term> = []
  const tests: Array<Term> = []
  let i = 1
  for (; i + 1 < args.length; i += 2) {
    const search = kindOf(args[1]!.type) === "null" ? args[i]! : convertTo(args[i]!, args[1]!.type, expr.at)
    const { compare, left, right } = comparable(subject, search, expr.at)
    // DECODE takes two nulls as equal.
    tests.push(derived([left, right], "same", BOOLEAN, false, (f) => {
      const x = left.eval(f)
      const y = right.eval(f)
      return x === null || y === null ? (x === y ? 1 : 0) : compare(x, y) === 0 ? 1 : 0
    }))
    results.push(args[i + 1]!)
  }
  const otherwise = i < args.length ? args[i] : undefined
  const all = otherwise === undefined ? results : [...results, otherwise]
  const type = kindOf(results[0]!.type) === "null"
    ? unify([varchar2(1), ...all.map((x) => x.type)], true, expr.at)
    : unify(all.map((x) => x.type), true, expr.at)
  const as = (x: Term): Term => convertTo(x, type, expr.at)
  return {
    ...choose(tests, results.map(as), otherwise === undefined ? constant(null, type) : as(otherwise), type),
    nullable: true
  }
}

const extreme = (sign: 1 | -1): Special => (_c, expr, args) => {
  arity(expr, 1, 255)
  const type = unify(args.map((a) => a.type), true, expr.at)
  const converted = args.map((a) => convertTo(a, type, expr.at))
  const evals = converted.map((a) => a.eval)
  const compare = comparerOf(kindOf(type))
  return derived(
    converted,
    sign === 1 ? "greatest" : "least",
    type.name === "CHAR" ? { ...type, name: "VARCHAR2" } : type,
    args.some((a) => a.nullable),
    (f) => {
      let best = evals[0]!(f)
      for (let i = 1; i < evals.length && best !== null; i++) {
        const value = evals[i]!(f)
        if (value === null) return null
        if (compare(value, best) * sign > 0) best = value
      }
      return best
    }
  )
}

/** What FF stands for: the digits that the type has; in PL/SQL always nine. */
const fractionDigits = (c: Compilation, type: SqlType): Term =>
  constant(c.context.blockCall === undefined ? type.scale : 9, NUMBER)

const toChar: Special = (c, expr, args) => {
  arity(expr, 1, 3)
  const [value, format] = args as [Term, Term?]
  const kind = kindOf(value.type)
  if (args.length === 3) throw unimplemented("NLS parameter of TO_CHAR", expr.at)
  if (format === undefined) {
    if (kind === "c" || kind === "lc") {
      return { ...value, type: { ...varchar2(), size: kind === "c" ? value.type.size : 4000 } }
    }
    return convertTo(value, varchar2(kind === "n" ? 40 : 75), expr.at)
  }
  const model = convertTo(format, varchar2(), expr.at)
  switch (kind) {
    case "n":
    case "f":
    case "c":
    case "null":
      return call("TO_CHAR_N", varchar2(64), convertTo(value, NUMBER, expr.at), model)
    case "d":
      return call("TO_CHAR_D", varchar2(75), value, model)
    case "t":
      return call("TO_CHAR_T", varchar2(75), value, model, fractionDigits(c, value.type))
    case "l":
    case "z":
      return call(
        "TO_CHAR_Z",
        varchar2(75),
        convertTo(value, timestampTz(9), expr.at),
        model,
        fractionDigits(c, value.type)
      )
    default:
      throw unimplemented(`TO_CHAR of ${value.type.name} with a format`, expr.at)
  }
}

const toDatetime =
  (name: "TO_DATE" | "TO_TIMESTAMP" | "TO_TIMESTAMP_TZ", type: SqlType): Special => (_c, expr, args) => {
    arity(expr, 1, 3)
    if (args.length === 3) throw unimplemented(`NLS parameter of ${name}`, expr.at)
    const kind = kindOf(args[0]!.type)
    if (args.length === 1 && ["d", "t", "z", "l"].includes(kind)) return convertTo(args[0]!, type, expr.at)
    return { ...call(name, type, ...args.map((arg) => convertTo(arg, varchar2(), expr.at))), nullable: true }
  }

const byKind = (name: string): Special => (_c, expr, args) => {
  arity(expr, 1, 2)
  const kind = kindOf(args[0]!.type)
  const rounding = name === "ROUND" || name === "TRUNC"
  if (!rounding) arity(expr, 1, 1)
  if (rounding && ["d", "t", "z", "l"].includes(kind)) {
    return call(
      `${name}_D`,
      DATE,
      convertTo(args[0]!, DATE, expr.at),
      ...args.slice(1).map((arg) => convertTo(arg, varchar2(), expr.at))
    )
  }
  if (kind === "f" && args.length === 1) return call(`${name}_F`, BINARY_DOUBLE, args[0]!)
  return call(rounding ? `${name}_N` : name, NUMBER, ...args.map((arg) => convertTo(arg, NUMBER, expr.at)))
}

/** Transcendental functions are exact to a double's digits only: NUMBER arguments are refused. */
const onDoubles = (name: string): Special => (_c, expr, args) => {
  arity(expr, 1, 1)
  if (kindOf(args[0]!.type) !== "f") throw unimplemented(`${name} of a NUMBER (use BINARY_DOUBLE)`, expr.at)
  return call(`${name}_F`, BINARY_DOUBLE, args[0]!)
}

const toType = (type: SqlType): Special => (_c, expr, args) => {
  arity(expr, 1, 1)
  return convertTo(kindOf(args[0]!.type) === "null" ? { ...args[0]!, type: varchar2() } : args[0]!, type, expr.at)
}

/** The steps of a path are joined by the operator itself; its text stands beside LEVEL. */
const connectByPath: Special = (_c, expr, args, scope) => {
  arity(expr, 2, 2)
  const { hierarchy } = scope
  if (hierarchy === undefined || hierarchy.inside) {
    throw oraError(30002, "SYS_CONNECT_BY_PATH function is not allowed here", expr.at)
  }
  const [value, separator] = args.map((arg) => convertTo(arg, varchar2(), expr.at)) as [Term, Term]
  const step = derived([value, separator], "path", varchar2(), true, (f) => {
    const text = value.eval(f)
    return `${(separator.eval(f) ?? "") as string}${(text ?? "") as string}`
  })
  return columnTerm(hierarchy.slot, pathPlace(hierarchy, step), varchar2(), true)
}

/** GROUPING and GROUPING_ID: which of the grouped expressions a row of ROLLUP and the like leaves out. */
const grouping = (c: Compilation, expr: Call, scope: Scope): Term => {
  const { group } = scope
  if (group === undefined) throw oraError(979, `"${expr.path[0]!}": must appear in the GROUP BY clause`, expr.at)
  arity(expr, 1, expr.path[0] === "GROUPING" ? 1 : 255)
  const columns = expr.args.map((arg) => {
    const plain: Scope = { ...scope, group: undefined, windows: undefined }
    const index = group.keys.indexOf(c.expr(c, arg, plain).key)
    if (index < 0) throw oraError(979, "not a GROUP BY expression", arg.at)
    return index
  })
  const { sets, slot, specs } = group
  if (sets === undefined) return constant(0, NUMBER)
  return derived([columnTerm(slot, 0, NUMBER, false)], `grouping${columns.join()}`, NUMBER, false, (f) => {
    const set = sets[f.rows[slot]![group.keys.length + specs.length] as number]!
    return columns.reduce((bits, column) => bits * 2 + (set.has(column) ? 0 : 1), 0)
  })
}

const specials: Readonly<Record<string, Special>> = {
  SYS_CONNECT_BY_PATH: connectByPath,
  NVL: nvl,
  NVL2: (_c, expr, args) => {
    arity(expr, 3, 3)
    const type = unify([args[1]!.type, args[2]!.type], true, expr.at)
    const [test, present, absent_] = [args[0]!, convertTo(args[1]!, type, expr.at), convertTo(args[2]!, type, expr.at)]
    return derived(
      [test, present, absent_],
      "nvl2",
      type,
      true,
      (f) => test.eval(f) !== null ? present.eval(f) : absent_.eval(f)
    )
  },
  COALESCE: (_c, expr, args) => {
    arity(expr, 2, 255)
    return nvlOf(args, unify(args.map((a) => a.type), false, expr.at), expr.at)
  },
  NULLIF: (_c, expr, args) => {
    arity(expr, 2, 2)
    if (kindOf(args[0]!.type) !== kindOf(args[1]!.type) && kindOf(args[1]!.type) !== "null") {
      throw inconsistent(args[0]!.type, args[1]!.type, expr.at)
    }
    const same = comparison("=", args[0]!, args[1]!, expr.at)
    const { eval: get } = args[0]!
    return derived([args[0]!, args[1]!], "nullif", args[0]!.type, true, (f) => same.eval(f) === 1 ? null : get(f))
  },
  NANVL: (_c, expr, args) => {
    arity(expr, 2, 2)
    const type = args.some((arg) => kindOf(arg.type) === "f") ? BINARY_DOUBLE : NUMBER
    const [value, otherwise] = args.map((arg) => convertTo(arg, type, expr.at)) as [Term, Term]
    return derived([value, otherwise], "nanvl", type, true, (f) => {
      const x = value.eval(f)
      return Number.isNaN(x) ? otherwise.eval(f) : x
    })
  },
  DECODE: decode,
  GREATEST: extreme(1),
  LEAST: extreme(-1),
  TO_CHAR: toChar,
  TO_NUMBER: (_c, expr, args) => {
    arity(expr, 1, 3)
    if (args.length === 3) throw unimplemented("NLS parameter of TO_NUMBER", expr.at)
    if (args.length === 1) {
      return convertTo(kindOf(args[0]!.type) === "null" ? { ...args[0]!, type: varchar2() } : args[0]!, NUMBER, expr.at)
    }
    return call("TO_NUMBER_FORMAT", NUMBER, ...args.map((arg) => convertTo(arg, varchar2(), expr.at)))
  },
  TO_DATE: toDatetime("TO_DATE", DATE),
  TO_TIMESTAMP: toDatetime("TO_TIMESTAMP", timestamp(9)),
  TO_TIMESTAMP_TZ: toDatetime("TO_TIMESTAMP_TZ", timestampTz(9)),
  TO_BINARY_DOUBLE: toType(BINARY_DOUBLE),
  TO_BINARY_FLOAT: (_c, expr, args) => {
    arity(expr, 1, 1)
    return { ...call("TO_FLOAT", BINARY_FLOAT, convertTo(args[0]!, BINARY_DOUBLE, expr.at)) }
  },
  TO_DSINTERVAL: toType(INTERVAL_DS),
  TO_YMINTERVAL: toType(INTERVAL_YM),
  TO_BOOLEAN: toType(BOOLEAN),
  ROUND: byKind("ROUND"),
  TRUNC: byKind("TRUNC"),
  ABS: byKind("ABS"),
  CEIL: byKind("CEIL"),
  FLOOR: byKind("FLOOR"),
  SQRT: byKind("SQRT"),
  POWER: (_c, expr, args) => {
    arity(expr, 2, 2)
    const double = args.some((arg) => kindOf(arg.type) === "f")
    const type = double ? BINARY_DOUBLE : NUMBER
    return call(double ? "POWER_F" : "POWER", type, ...args.map((arg) => convertTo(arg, type, expr.at)))
  },
  EXP: onDoubles("EXP"),
  LN: onDoubles("LN"),
  SIN: onDoubles("SIN"),
  COS: onDoubles("COS"),
  TAN: onDoubles("TAN"),
  MOD: (_c, expr, args) => {
    arity(expr, 2, 2)
    return call("MOD", NUMBER, ...args.map((arg) => convertTo(arg, NUMBER, expr.at)))
  },
  CONCAT: (c, expr, _args, scope) => {
    arity(expr, 2, 255)
    const joined = expr.args.reduce((left, right): Expr => ({ kind: "binary", op: "||", left, right, at: expr.at }))
    return c.expr(c, joined, scope)
  },
  LNNVL: (_c, expr, args) => {
    arity(expr, 1, 1)
    const { eval: get } = args[0]!
    return derived([args[0]!], "lnnvl", BOOLEAN, false, (f) => get(f) === 1 ? 0 : 1, { condition: true })
  }
}
