/** Functions that choose among values, and those that read what a hierarchy or a group knows of a row. */
import type { Call, Expr } from "../syntax/ast.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { oraError } from "../values/oraError.ts"
import { comparerOf } from "../values/order.ts"
import { BINARY_DOUBLE, BOOLEAN, kindOf, NUMBER, varchar2 } from "../values/sqlType.ts"
import type { Compilation } from "./compilation.ts"
import { choose } from "./logic.ts"
import { comparable, comparison, convertTo, inconsistent, unify } from "./operators.ts"
import { arity, type Special } from "./special.ts"
import { columnTerm, constant, derived, pathPlace, type Scope, type Term } from "./term.ts"

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

export const groupFunctions = new Set(["GROUPING", "GROUPING_ID", "GROUP_ID"])

/** GROUPING and GROUPING_ID: which of the grouped expressions a row of ROLLUP and the like leaves out. */
export const grouping = (c: Compilation, expr: Call, scope: Scope): Term => {
  const { group } = scope
  if (group === undefined) throw oraError(979, `"${expr.path[0]!}": must appear in the GROUP BY clause`, expr.at)
  const name = expr.path[0]!
  if (name === "GROUP_ID") arity(expr, 0, 0)
  else arity(expr, 1, name === "GROUPING" ? 1 : 255)
  const columns = expr.args.map((arg) => {
    const plain: Scope = { ...scope, group: undefined, windows: undefined }
    const index = group.keys.indexOf(c.expr(c, arg, plain).key)
    if (index < 0) throw oraError(979, "not a GROUP BY expression", arg.at)
    return index
  })
  const { sets, slot, specs } = group
  if (sets === undefined) return constant(0, NUMBER)
  if (name === "GROUP_ID") {
    // Which one of several equal sets a row comes from.
    const ids = sets.map((set, i) => sets.slice(0, i).filter((other) => isSame(set, other)).length)
    return derived(
      [columnTerm(slot, 0, NUMBER, false)],
      "group_id",
      NUMBER,
      false,
      (f) => ids[f.rows[slot]![group.keys.length + specs.length] as number]!
    )
  }
  return derived([columnTerm(slot, 0, NUMBER, false)], `grouping${columns.join()}`, NUMBER, false, (f) => {
    const set = sets[f.rows[slot]![group.keys.length + specs.length] as number]!
    return columns.reduce((bits, column) => bits * 2 + (set.has(column) ? 0 : 1), 0)
  })
}

const isSame = (a: ReadonlySet<number>, b: ReadonlySet<number>): boolean =>
  a.size === b.size && [...a].every((x) => b.has(x))

export const valueCalls: Readonly<Record<string, Special>> = {
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
