/** Conditions put together: AND, OR, NOT and CASE. */
import type { Eval } from "../execute/frame.ts"
import type { Expr } from "../syntax/ast.ts"
import type { Stored } from "../values/composite.ts"
import { oraError } from "../values/oraError.ts"
import { BOOLEAN, kindOf } from "../values/sqlType.ts"
import type { Compilation } from "./compilation.ts"
import { derived, type Scope, type Term } from "./term.ts"

export const condition = (c: Compilation, expr: Expr, scope: Scope): Term => {
  const term = c.expr(c, expr, scope)
  if (kindOf(term.type) === "b" || term.type.name === "NULL") return term
  throw oraError(920, "invalid relational operator", expr.at)
}

export const negation = (term: Term): Term =>
  derived([term], "not", BOOLEAN, term.nullable, (f) => {
    const value = term.eval(f)
    return value === null ? null : value === 0 ? 1 : 0
  }, { condition: true })

/** AND and OR over any number of conditions: the first that decides is the last that is asked. */
export const logic = (op: "and" | "or", terms: ReadonlyArray<Term>): Term => {
  if (terms.length === 1) return terms[0]!
  const evals = terms.map((term) => term.eval)
  const decided = op === "and" ? 0 : 1
  const otherwise = 1 - decided
  const [a, b] = evals as [Eval, Eval]
  const evaluate: Eval = evals.length === 2
    ? (f) => {
      const x = a(f)
      if (x === decided) return decided
      const y = b(f)
      return y === decided ? decided : x === null || y === null ? null : otherwise
    }
    : (f) => {
      let result: Stored = otherwise
      for (let i = 0; i < evals.length; i++) {
        const value = evals[i]!(f)
        if (value === decided) return decided
        if (value === null) result = null
      }
      return result
    }
  return derived(terms, op, BOOLEAN, terms.some((term) => term.nullable), evaluate, {
    condition: true,
    ...(op === "and" ? { parts: terms } : {})
  })
}

/** CASE: the first test that holds decides; nothing after it is evaluated. */
export const choose = (
  tests: ReadonlyArray<Term>,
  results: ReadonlyArray<Term>,
  otherwise: Term,
  type: Term["type"]
): Term => {
  const conditions = tests.map((test) => test.eval)
  const values = results.map((result) => result.eval)
  return derived(
    [...tests, ...results, otherwise],
    "case",
    type,
    otherwise.nullable || results.some((x) => x.nullable),
    (f) => {
      for (let i = 0; i < conditions.length; i++) if (conditions[i]!(f) === 1) return values[i]!(f)
      return otherwise.eval(f)
    }
  )
}
