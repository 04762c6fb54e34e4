/** Joins in FROM: their conditions, and the columns that USING and NATURAL merge. */
import type { Expr, FromItem } from "../syntax/ast.ts"
import { oraError } from "../values/oraError.ts"
import { BOOLEAN, kindOf } from "../values/sqlType.ts"
import { type Compilation, settled } from "./compilation.ts"
import { comparison } from "./operators.ts"
import { conjuncts as termConjuncts } from "./relations.ts"
import type { CompiledItem } from "./tableSources.ts"
import { derived, newScope, type Scope, type Source, type SourceColumn, type Term } from "./term.ts"
import { conjuncts } from "./walk.ts"

const find = (sources: ReadonlyArray<Source>, name: string, at: number): SourceColumn => {
  for (const candidate of sources) {
    if (candidate.merged.has(name)) continue
    const column = candidate.columns.find((col) => col.name === name)
    if (column !== undefined) return column
  }
  throw oraError(904, `"${name}": invalid identifier`, at)
}

/** Two items of FROM as one, with the columns that USING and NATURAL share merged. */
export const joined = (
  c: Compilation,
  item: Extract<FromItem, { kind: "join" }>,
  parent: Scope | undefined,
  left: CompiledItem,
  right: CompiledItem
): CompiledItem => {
  let shared = item.using
  if (item.natural) {
    const names = new Set(left.sources.flatMap((s) => s.columns.map((column) => column.name)))
    shared = right.sources.flatMap((s) => s.columns).filter((column) =>
      column.hidden !== true && names.has(column.name)
    ).map((column) => column.name)
  }
  const on: Array<Term> = []
  if (shared !== undefined) {
    for (const name of shared) {
      const a = find(left.sources, name, item.at)
      const b = find(right.sources, name, item.at)
      on.push(comparison("=", a.term, b.term, item.at))
      mergeColumn(item.type, left.sources, right.sources, name, a, b)
      for (const one of [...left.sources, ...right.sources]) {
        if (one.columns.some((column) => column.name === name)) one.shared.set(name, item.natural ? "natural" : "using")
      }
    }
  } else if (item.on !== undefined) {
    const scope = newScope(parent)
    scope.sources.push(...left.sources, ...right.sources)
    on.push(...termConjuncts(conjuncts(item.on).map((test) => settled(c, () => booleanTerm(c, test, scope)))))
  }
  const sources = [...left.sources, ...right.sources]
  switch (item.type) {
    case "inner":
    case "cross":
      return { relation: { kind: "inner", items: [left.relation, right.relation], conditions: on }, sources }
    case "left":
      return { relation: { kind: "left", left: left.relation, right: right.relation, on }, sources }
    case "right":
      return { relation: { kind: "left", left: right.relation, right: left.relation, on }, sources }
    case "full":
      return { relation: { kind: "full", left: left.relation, right: right.relation, on }, sources }
  }
}

export const booleanTerm = (c: Compilation, expr: Expr, scope: Scope): Term => {
  const term = c.expr(c, expr, scope)
  if (kindOf(term.type) !== kindOf(BOOLEAN) && term.type.name !== "NULL") {
    throw oraError(920, "invalid relational operator", expr.at)
  }
  return term
}

/** The shared column of USING stands once: from the side that is always there. */
const mergeColumn = (
  type: string,
  left: ReadonlyArray<Source>,
  right: ReadonlyArray<Source>,
  name: string,
  a: SourceColumn,
  b: SourceColumn
): void => {
  for (const side of right) if (side.columns.includes(b)) side.merged.add(name)
  const merged: SourceColumn = {
    ...a,
    term: type === "right" ? b.term : type === "full" ? either(a.term, b.term) : a.term
  }
  for (const side of left) {
    const at = side.columns.indexOf(a)
    if (at >= 0 && type !== "inner" && type !== "left") (side.columns as Array<SourceColumn>)[at] = merged
  }
}

const either = (a: Term, b: Term): Term => derived([a, b], "either", a.type, true, (f) => a.eval(f) ?? b.eval(f))
