/** Compiles expressions of SQL into terms: operators, CASE, calls, binds. Conditions and queries have files of their own. */
import type { Eval } from "../execute/frame.ts"
import type { Expr, TypeSpec } from "../syntax/ast.ts"
import type { Stored } from "../values/composite.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { oraError } from "../values/oraError.ts"
import { keyOf } from "../values/order.ts"
import { BINARY_DOUBLE, BOOLEAN, char, kindOf, NULL, NUMBER, timestampTz, varchar2 } from "../values/sqlType.ts"
import { compileCall } from "./calls.ts"
import { collectionTest, setTerm } from "./collectionSets.ts"
import type { Compilation } from "./compilation.ts"
import { castCollection, elementTerm, memberTerm, multisetTerm, objectComparison } from "./composites.ts"
import { compileCast } from "./conversionCalls.ts"
import { isJsonText } from "./jsonCalls.ts"
import { datetimeLiteral, intervalLiteral, numberLiteral } from "./literals.ts"
import { choose, condition, logic, negation } from "./logic.ts"
import { groupTerm, resolveName } from "./names.ts"
import { arithmetic, call, comparable, comparison, concatenation, convertTo, inconsistent, unify } from "./operators.ts"
import { cursorTerm, existsTerm, inSubquery, quantifiedSubquery, scalarSubquery } from "./subqueries.ts"
import { isOfTerm, treatTerm } from "./subtypes.ts"
import { constant, derived, noSlots, type Scope, type Term } from "./term.ts"
import { resolveType } from "./types.ts"

/** Compiles an expression; after grouping, a whole expression that was grouped by is taken as it is. */
export const compileExpr = (c: Compilation, expr: Expr, scope: Scope): Term => {
  const { group } = scope
  if (
    group !== undefined && group.keys.length > 0 && !scope.inAggregate &&
    !["name", "number", "string", "bind"].includes(expr.kind)
  ) {
    const { windows } = scope
    const { site } = c
    scope.group = undefined
    scope.windows = undefined
    // What is only tried must not mark the real evaluation.
    c.site = { place: c.place(), heavy: false }
    try {
      const whole = compileNode(c, expr, scope)
      const index = group.keys.indexOf(whole.key)
      if (index >= 0) return groupTerm(group, index)
    } catch {
      // It is no grouped expression: the real error comes below.
    } finally {
      scope.group = group
      scope.windows = windows
      c.site = site
    }
  }
  return compileNode(c, expr, scope)
}

const compileNode = (c: Compilation, expr: Expr, scope: Scope): Term => {
  const { at } = expr
  switch (expr.kind) {
    case "number":
      return numberLiteral(expr.text)
    case "string":
      if (expr.value === "") return constant(null, { ...NULL }, "")
      if (
        expr.value.length > 1000 && Buffer.byteLength(expr.value) > (c.context.blockCall === undefined ? 4000 : 32767)
      ) {
        throw oraError(1704, "string literal too long", at)
      }
      return constant(expr.value, {
        ...char(Buffer.byteLength(expr.value)),
        name: expr.national ? "NCHAR" : "CHAR",
        ...(expr.national ? { size: expr.value.length * 2 } : {})
      }, expr.value)
    case "null":
      return constant(null, NULL)
    case "boolean":
      return constant(expr.value ? 1 : 0, BOOLEAN)
    case "datetime":
      return datetimeLiteral(expr.form, expr.text, at)
    case "interval":
      return intervalLiteral(expr)
    case "bind": {
      const type = c.context.bindTypes[expr.index] ?? varchar2()
      const index = c.parameter({ kind: "bind", index: expr.index, type })
      return {
        eval: (f) => f.params[index]!,
        type,
        nullable: true,
        key: `:${expr.index}`,
        uses: noSlots,
        heavy: false
      }
    }
    case "name":
      return resolveName(c, expr, scope)
    case "star":
      throw oraError(936, "missing expression", at)
    case "unary":
      return unary(c, expr, scope)
    case "binary":
      return binary(c, expr, scope)
    case "between": {
      const arg = compileExpr(c, expr.arg, scope)
      const low = comparison(">=", arg, compileExpr(c, expr.low, scope), at)
      const high = comparison("<=", arg, compileExpr(c, expr.high, scope), at)
      const both = logic("and", [low, high])
      return expr.not ? negation(both) : both
    }
    case "in":
      return inList(c, expr, scope)
    case "quantified":
      return quantified(c, expr, scope)
    case "like": {
      const args = [compileExpr(c, expr.arg, scope), compileExpr(c, expr.pattern, scope)]
      if (expr.escape !== undefined) args.push(compileExpr(c, expr.escape, scope))
      const like = { ...call("LIKE", BOOLEAN, ...args.map((arg) => convertTo(arg, varchar2(), at))), condition: true }
      return expr.not ? negation(like) : like
    }
    case "is":
      return isTest(c, expr, scope)
    case "treat":
    case "upcast":
      return treatTerm(c, expr, compileExpr(c, expr.arg, scope))
    case "exists":
      return existsTerm(c, expr.query, scope)
    case "case":
      return caseExpr(c, expr, scope)
    case "cast": {
      const made = c.context.type?.(expr.type.name.split("."))
      return made === undefined
        ? compileCast(c, expr, scope)
        : castCollection(compileExpr(c, expr.arg, scope), made, at)
    }
    case "extract": {
      const arg = compileExpr(c, expr.arg, scope)
      const kind = kindOf(arg.type)
      if (kind === "l") return extract("z", expr.field, convertTo(arg, timestampTz(), at))
      if (!["d", "t", "z", "s", "y"].includes(kind)) {
        throw oraError(30076, "invalid extract field for extract source", at)
      }
      if (kind === "d" && ["HOUR", "MINUTE", "SECOND"].includes(expr.field)) {
        throw oraError(30076, "invalid extract field for extract source", at)
      }
      return extract(kind, expr.field, arg)
    }
    case "atzone": {
      const arg = convertTo(compileExpr(c, expr.arg, scope), timestampTz(9), at)
      const zone = expr.zone === undefined
        ? constant("SESSIONTIMEZONE", varchar2())
        : convertTo(compileExpr(c, expr.zone, scope), varchar2(), at)
      return call("AT_ZONE", timestampTz(9), arg, zone)
    }
    case "tuple":
      throw oraError(907, "missing right parenthesis", at)
    case "subquery":
      return scalarSubquery(c, expr.query, scope, at)[0]!
    case "cursor":
      return cursorTerm(c, expr.query, scope)
    case "call":
      return compileCall(c, expr, scope)
    case "member":
      return memberTerm(c, compileExpr(c, expr.of, scope), expr.name, undefined, at)
    case "apply": {
      const args = expr.args.map((arg) => compileExpr(c, arg, scope))
      if (expr.of.kind === "member") {
        return memberTerm(c, compileExpr(c, expr.of.of, scope), expr.of.name, args, at)
      }
      return elementTerm(c, compileExpr(c, expr.of, scope), args, at)
    }
    case "multiset":
      return multisetTerm(c, expr, typeOf(c, expr.type), scope)
    case "sets":
      return setTerm(expr.op, compileExpr(c, expr.left, scope), compileExpr(c, expr.right, scope), at)
  }
}

const extract = (kind: string, field: string, arg: Term): Term => {
  if (kind === "z" && field === "TIMEZONE_REGION") return call("EXTRACT_REGION", varchar2(64), arg)
  if (kind === "z" && field === "TIMEZONE_ABBR") return call("EXTRACT_ABBR", varchar2(10), arg)
  return call(`EXTRACT_${kind.toUpperCase()}`, NUMBER, constant(field, varchar2()), arg)
}

/** A type by its name: one of the language, or one that somebody made. */
const typeOf = (c: Compilation, spec: TypeSpec): SqlType =>
  c.context.type?.(spec.name.split(".")) ?? resolveType(spec, c.context.session.nls.characters)

const unary = (c: Compilation, expr: Extract<Expr, { kind: "unary" }>, scope: Scope): Term => {
  const { at } = expr
  switch (expr.op) {
    case "not":
      return negation(condition(c, expr.arg, scope))
    case "+":
      return compileExpr(c, expr.arg, scope)
    case "-": {
      if (expr.arg.kind === "number" && !/[fd]$/i.test(expr.arg.text)) return numberLiteral("-" + expr.arg.text)
      const arg = compileExpr(c, expr.arg, scope)
      const kind = kindOf(arg.type)
      if (kind === "s" || kind === "y") return call(`${kind.toUpperCase()}_NEG`, arg.type, arg)
      const type = kind === "f" ? BINARY_DOUBLE : NUMBER
      return call(type === NUMBER ? "N_NEG" : "F_NEG", type, convertTo(arg, type, at))
    }
    case "prior":
      if (scope.prior === undefined) throw oraError(976, "Specified pseudocolumn or operator not allowed here.", at)
      return compileExpr(c, expr.arg, scope.prior)
    case "connect_by_root":
      if (scope.hierarchy === undefined || scope.hierarchy.inside) {
        throw oraError(976, "Specified pseudocolumn or operator not allowed here.", at)
      }
      return compileExpr(c, expr.arg, scope.hierarchy.root)
  }
}

/** The operands of a chain of one operator, first to last: long chains must not need a deep stack. */
const chain = (expr: Expr, op: string): ReadonlyArray<Expr> => {
  const items: Array<Expr> = []
  let left = expr
  while (left.kind === "binary" && left.op === op) {
    items.push(left.right)
    left = left.left
  }
  items.push(left)
  return items.toReversed()
}

const sums = new Set(["+", "-", "*", "/", "||"])

const binary = (c: Compilation, expr: Extract<Expr, { kind: "binary" }>, scope: Scope): Term => {
  const { at, op } = expr
  if (op === "and" || op === "or") {
    return logic(
      op,
      chain(expr, op).flatMap((item) => {
        const term = condition(c, item, scope)
        return op === "and" && term.parts !== undefined ? term.parts : [term]
      })
    )
  }
  if (sums.has(op)) {
    // The left spine is walked in a loop.
    const spine: Array<Extract<Expr, { kind: "binary" }>> = []
    let left: Expr = expr
    while (left.kind === "binary" && sums.has(left.op)) {
      spine.push(left)
      left = left.left
    }
    let term = compileExpr(c, left, scope)
    for (const node of spine.toReversed()) {
      const right = compileExpr(c, node.right, scope)
      term = node.op === "||"
        ? concatenation(term, right, node.at)
        : arithmetic(node.op as "+" | "-" | "*" | "/", term, right, node.at)
    }
    return term
  }
  if (expr.left.kind === "tuple" || (expr.right.kind === "tuple" && op === "=")) return tupleComparison(c, expr, scope)
  const left = textOfLob(c, compileExpr(c, expr.left, scope))
  const right = textOfLob(c, compileExpr(c, expr.right, scope))
  if (op === "**") return call("POWER", NUMBER, convertTo(left, NUMBER, at), convertTo(right, NUMBER, at))
  return objectComparison(c, op, left, right, at) ?? comparison(op, left, right, at)
}

/** PL/SQL compares CLOBs as it compares texts; SQL refuses them. */
const textOfLob = (c: Compilation, term: Term): Term =>
  c.context.blockCall !== undefined && kindOf(term.type) === "lc" ? { ...term, type: varchar2(32_767) } : term

const tupleComparison = (c: Compilation, expr: Extract<Expr, { kind: "binary" }>, scope: Scope): Term => {
  const { at, left, op, right } = expr
  if (left.kind !== "tuple" || (op !== "=" && op !== "<>")) {
    throw oraError(1796, "this operator cannot be used with lists", at)
  }
  const items = left.items.map((item) => compileExpr(c, item, scope))
  if (right.kind === "tuple") {
    if (right.items.length !== items.length) throw oraError(1796, "this operator cannot be used with lists", at)
    const all = logic("and", items.map((item, i) => comparison("=", item, compileExpr(c, right.items[i]!, scope), at)))
    return op === "<>" ? negation(all) : all
  }
  if (right.kind !== "subquery") throw oraError(1796, "this operator cannot be used with lists", at)
  const values = scalarSubquery(c, right.query, scope, at, items.length)
  const all = logic("and", items.map((item, i) => comparison("=", item, values[i]!, at)))
  return op === "<>" ? negation(all) : all
}

const inList = (c: Compilation, expr: Extract<Expr, { kind: "in" }>, scope: Scope): Term => {
  const { at, not } = expr
  const items = expr.arg.kind === "tuple" ? expr.arg.items : [expr.arg]
  if (expr.list === undefined) {
    return inSubquery(c, items.map((item) => compileExpr(c, item, scope)), expr.query!, not, scope, at)
  }
  if (expr.list.length > 65_535) throw oraError(1795, "maximum number of expressions in a list is 65535", at)
  if (expr.arg.kind === "tuple") {
    const left = items.map((item) => compileExpr(c, item, scope))
    const tests = expr.list.map((row) => {
      if (row.kind !== "tuple" || row.items.length !== left.length) {
        throw oraError(1796, "this operator cannot be used with lists", at)
      }
      return logic("and", left.map((item, i) => comparison("=", item, compileExpr(c, row.items[i]!, scope), at)))
    })
    const any = logic("or", tests)
    return not ? negation(any) : any
  }
  const arg = compileExpr(c, expr.arg, scope)
  const list = expr.list.map((item) => compileExpr(c, item, scope))
  const any = list.length === 1 ? comparison("=", arg, list[0]!, at) : inTerms(arg, list, at)
  return not ? negation(any) : any
}

/** `x IN (…)`: constants are looked up in a set, the others compared. */
const inTerms = (arg: Term, list: ReadonlyArray<Term>, at: number): Term => {
  const pairs = list.map((item) => comparable(arg, item, at))
  const isUniform = pairs.every((pair) => pair.left.key === pairs[0]!.left.key && pair.padded === pairs[0]!.padded)
  if (!isUniform) return logic("or", list.map((item) => comparison("=", arg, item, at)))
  const { compare, left, padded } = pairs[0]!
  const kind = kindOf(left.type)
  const known = new Set<string | number | null>()
  const others: Array<Eval> = []
  let hasNull = false
  for (const { right } of pairs) {
    if (padded || right.constant === undefined) others.push(right.eval)
    else if (right.constant.value === null) hasNull = true
    else known.add(keyOf(kind, right.constant.value))
  }
  const { eval: get } = left
  const rights = pairs.map((pair) => pair.right)
  return derived([left, ...rights], "in", BOOLEAN, true, (f) => {
    const value = get(f)
    if (value === null) return null
    if (known.has(keyOf(kind, value))) return 1
    let result: Stored = hasNull ? null : 0
    for (let i = 0; i < others.length; i++) {
      const other = others[i]!(f)
      if (other === null) result = null
      else if (compare(value, other) === 0) return 1
    }
    return result
  }, { condition: true, test: { op: "in", left, right: rights, padded } })
}

const quantified = (c: Compilation, expr: Extract<Expr, { kind: "quantified" }>, scope: Scope): Term => {
  const { all, at, op } = expr
  const left = compileExpr(c, expr.left, scope)
  if (expr.list === undefined) return quantifiedSubquery(c, op, left, all, expr.query!, scope, at)
  return logic(all ? "and" : "or", expr.list.map((item) => comparison(op, left, compileExpr(c, item, scope), at)))
}

const isTest = (c: Compilation, expr: Extract<Expr, { kind: "is" }>, scope: Scope): Term => {
  const { at, not, what } = expr
  const arg = compileExpr(c, expr.arg, scope)
  const test = (name: string, term: Term, holds: (value: Exclude<Stored, null>) => boolean, ofNull: Stored): Term => {
    const yes = not ? 0 : 1
    const nothing = ofNull === null ? null : not ? 1 - (ofNull as number) : ofNull
    return derived([term], `${not ? "not" : ""} is ${name}`, BOOLEAN, false, (f) => {
      const value = term.eval(f)
      return value === null ? nothing : holds(value) ? yes : 1 - yes
    }, { condition: true })
  }
  switch (what) {
    case "null":
      return test("null", arg, () => false, 1)
    case "nan":
      return test("nan", convertTo(arg, BINARY_DOUBLE, at), (value) => Number.isNaN(value as number), null)
    case "infinite":
      return test(
        "infinite",
        convertTo(arg, BINARY_DOUBLE, at),
        (value) => value === Infinity || value === -Infinity,
        null
      )
    case "of":
      return isOfTerm(c, expr, arg)
    case "empty":
    case "set": {
      const holds = collectionTest(what, arg, at)
      return not ? negation(holds) : holds
    }
    case "json":
      return test("json", isJsonText(arg, expr.json, at), (value) => value === 1, null)
    case "true":
    case "false":
      if (kindOf(arg.type) !== "b") throw inconsistent(BOOLEAN, arg.type, at)
      return test(what, arg, (value) => value === (what === "true" ? 1 : 0), 0)
  }
}

const caseExpr = (c: Compilation, expr: Extract<Expr, { kind: "case" }>, scope: Scope): Term => {
  const { at } = expr
  const operand = expr.operand === undefined ? undefined : compileExpr(c, expr.operand, scope)
  const tests = expr.whens.map(([when]) =>
    operand === undefined
      ? condition(c, when, scope)
      : comparison("=", operand, compileExpr(c, when, scope), at)
  )
  const results = expr.whens.map(([, result]) => compileExpr(c, result, scope))
  const otherwise = expr.otherwise === undefined ? undefined : compileExpr(c, expr.otherwise, scope)
  const type = unify([...results, ...(otherwise === undefined ? [] : [otherwise])].map((x) => x.type), false, at)
  const as = (x: Term): Term => type.name === "NULL" ? x : convertTo(x, type, at)
  return choose(tests, results.map(as), otherwise === undefined ? constant(null, type) : as(otherwise), type)
}
