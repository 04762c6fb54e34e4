/** UPDATE and DELETE: plans that find the rows to change and give their new values. */
import type { ColumnDef } from "../catalog/catalog.ts"
import type { PolicyStatement } from "../catalog/policies.ts"
import { atSite, type Compilation, rowOf, settled } from "../compile/compilation.ts"
import { condition } from "../compile/logic.ts"
import { convertTo } from "../compile/operators.ts"
import { secured } from "../compile/policies.ts"
import { conjuncts as termConjuncts, planRelation, type Relation } from "../compile/relations.ts"
import { compileItem } from "../compile/sources.ts"
import { scalarSubquery } from "../compile/subqueries.ts"
import { newScope, type Scope, type Term } from "../compile/term.ts"
import { conjuncts } from "../compile/walk.ts"
import type { Plan } from "../execute/operator.ts"
import type { Expr, FromItem } from "../syntax/ast.ts"
import type { Assignment, Delete, Update } from "../syntax/astStatements.ts"
import { oraError } from "../values/oraError.ts"
import { checkWritable, defaultOf, recordValues, storedColumns, targets } from "./dmlColumns.ts"
import type { DeletePlan, UpdatePlan } from "./dmlPlan.ts"
import { checkOf, dmlTarget, type Target } from "./dmlTarget.ts"
import { projected, rowNumber } from "./planRows.ts"
import { returningPlan } from "./returning.ts"

export interface Sets {
  readonly changed: ReadonlyArray<ColumnDef>
  readonly terms: ReadonlyArray<Term>
}

export const setValues = (
  c: Compilation,
  named: Target["column"],
  sets: ReadonlyArray<Assignment>,
  scope: Scope
): Sets => {
  const changed: Array<ColumnDef> = []
  const terms: Array<Term> = []
  for (const set of sets) {
    const columns = set.columns.map(({ at, name }) => {
      const column = named(name, at)
      checkWritable(column, at)
      if (column.identity?.mode === "always") {
        throw oraError(32796, "cannot update a generated always identity column", at)
      }
      if (changed.includes(column)) throw oraError(957, `"${column.name}": duplicate column name`, at)
      changed.push(column)
      return column
    })
    if (columns.length === 1 && set.value?.kind !== "tuple") {
      terms.push(
        set.value === undefined
          ? defaultOf(c, columns[0]!, scope)
          : convertTo(c.expr(c, set.value, scope), columns[0]!.type, set.value.at)
      )
      continue
    }
    if (set.value?.kind !== "subquery") {
      throw oraError(1767, "UPDATE ... SET expression must be a subquery", set.columns[0]!.at)
    }
    const { query } = set.value
    const values = scalarSubquery(c, query, scope, query.at, columns.length)
    columns.forEach((column, i) => terms.push(convertTo(values[i]!, column.type, query.at)))
  }
  return { changed, terms }
}

export const where = (c: Compilation, expr: Expr | undefined, scope: Scope): ReadonlyArray<Term> =>
  termConjuncts(conjuncts(expr).map((test) => settled(c, () => condition(c, test, scope))))

/** The target's rows, joined with what FROM names beside it. */
const changedRows = (
  c: Compilation,
  target: Target,
  from: ReadonlyArray<FromItem>,
  condition_: Expr | undefined,
  scope: Scope,
  kind: PolicyStatement
): { readonly rows: Plan; readonly touch: (column: string) => void } => {
  const guarded = secured(c, target.table, target.row, kind)
  const isPlain = target.source === target.row
  // Through a view all columns count as named.
  if (!isPlain) { for (const { name } of target.row.columns) guarded.touch(name) }
  scope.sources.push(isPlain ? guarded.source : target.source)
  const policies = [
    ...guarded.conditions,
    ...(target.views ?? []).flatMap(({ source, view }) => {
      const through = secured(c, view, source, kind)
      for (const { name } of source.columns) through.touch(name)
      return through.conditions
    })
  ]
  const items = from.map((item) => {
    const compiled = compileItem(c, item, undefined, scope.sources)
    scope.sources.push(...compiled.sources)
    return compiled.relation
  })
  const relation: Relation = items.length === 0
    ? target.relation
    : { kind: "inner", items: [target.relation, ...items], conditions: [] }
  return {
    rows: planRelation(relation, [...target.conditions, ...policies, ...where(c, condition_, scope)], false),
    touch: guarded.touch
  }
}

/** SET ROW: each column takes the field that stands in its place. */
const recordSets = (c: Compilation, target: Target, record: Expr, scope: Scope): ReadonlyArray<Assignment> => {
  const values = recordValues(c, record, scope)
  const columns = targets(target, [])
  if (values.length > columns.length) throw oraError(913, "too many values", record.at)
  if (values.length < columns.length) throw oraError(947, "not enough values", record.at)
  return columns.map(({ name }, i) => ({ columns: [{ name, at: record.at }], value: values[i] }))
}

export const planUpdate = (c: Compilation, dml: Update): UpdatePlan => {
  const scope = newScope(undefined)
  const target = dmlTarget(c, dml.target)
  const { table } = target
  const { rows, touch } = changedRows(c, target, dml.from ?? [], dml.where, scope, "UPDATE")
  const slot = c.slot()
  let sets: Sets = { changed: [], terms: [] }
  const row = atSite(c, () => {
    scope.sequences = true
    const given = dml.record === undefined ? dml.sets : recordSets(c, target, dml.record, scope)
    sets = setValues(c, target.column, given, scope)
    scope.sequences = false
    return [rowNumber(target.row), ...sets.terms]
  }, rowOf)
  for (const { name } of sets.changed) touch(name)
  return {
    kind: "update",
    table,
    stored: storedColumns(table),
    changed: sets.changed,
    plan: projected(rows, slot, row),
    slot,
    isJoin: dml.from !== undefined,
    check: checkOf(c, target, "UPDATE", sets.changed),
    returning: returningPlan(c, dml.target, dml.returning, "update"),
    parameters: c.parameters,
    tables: c.tables,
    compilation: c
  }
}

export const planDelete = (c: Compilation, dml: Delete): DeletePlan => {
  const scope = newScope(undefined)
  const target = dmlTarget(c, dml.target)
  const { table } = target
  const { rows } = changedRows(c, target, dml.from ?? [], dml.where, scope, "DELETE")
  const slot = c.slot()
  return {
    kind: "delete",
    table,
    stored: storedColumns(table),
    plan: projected(rows, slot, rowOf([rowNumber(target.row)])),
    slot,
    isJoin: dml.from !== undefined,
    check: undefined,
    returning: returningPlan(c, dml.target, dml.returning, "delete"),
    parameters: c.parameters,
    tables: c.tables,
    compilation: c
  }
}
