/** MERGE: one plan that says for each row of the source whether it updates, inserts or does nothing. */
import { column as columnOf, type ColumnDef, type Table } from "../catalog/catalog.ts"
import { atSite, type Compilation } from "../compile/compilation.ts"
import { condition } from "../compile/logic.ts"
import { type Secured, secured } from "../compile/policies.ts"
import { planRelation, type Relation } from "../compile/relations.ts"
import { compileItem } from "../compile/sources.ts"
import { tableSource } from "../compile/tableSources.ts"
import { constant, newScope, type Source, type Term } from "../compile/term.ts"
import type { Frame } from "../execute/frame.ts"
import type { Row } from "../storage/tableData.ts"
import type { Merge } from "../syntax/astStatements.ts"
import { oraError, unimplemented } from "../values/oraError.ts"
import { forColumn, storedColumns, targets } from "./dmlColumns.ts"
import { mergeAction, type MergePlan } from "./dmlPlan.ts"
import { checkOf, plainTarget } from "./dmlTarget.ts"
import { type Sets, setValues, where } from "./planChange.ts"
import { constantNumber, projected, rowNumber } from "./planRows.ts"
import { returningPlan } from "./returning.ts"

/** A policy has to be for all that a MERGE may do. */
const mergeTarget = (c: Compilation, table: Table, source: Source, at: number): Secured => {
  const kinds = ["INSERT", "UPDATE", "DELETE"] as const
  const asked = kinds.map((kind) => c.context.policies?.(table, kind, false)?.length ?? 0)
  if (new Set(asked).size > 1) {
    throw oraError(28132, "The MERGE INTO syntax does not support the security policy.", at)
  }
  return secured(c, table, source, "UPDATE")
}

export const planMerge = (c: Compilation, dml: Merge, table: Table): MergePlan => {
  const stored = storedColumns(table)
  const plain = tableSource(c, table, dml.target.alias)
  const guarded = mergeTarget(c, table, plain.source, dml.at)
  const target = { ...plain, source: guarded.source }
  const using = compileItem(c, dml.using, undefined, [])
  const scope = newScope(undefined)
  scope.sources.push(target.source, ...using.sources)
  const sourceScope = newScope(undefined)
  sourceScope.sources.push(...using.sources)
  const on = where(c, dml.on, scope)
  const slot = c.slot()
  const number = rowNumber(target.source)
  let sets: Sets = { changed: [], terms: [] }
  const update = atSite(c, () => {
    scope.sequences = true
    const terms: Array<Term> = [
      dml.matched === undefined
        ? constant(0, { ...constantNumber })
        : dml.matched.where === undefined
        ? constant(1, { ...constantNumber })
        : condition(c, dml.matched.where, scope)
    ]
    if (dml.matched !== undefined) sets = setValues(c, (name, at) => columnOf(table, name, at), dml.matched.sets, scope)
    scope.sequences = false
    return [...terms, ...sets.terms]
  }, (terms) => {
    const [test, ...values] = terms.map((term) => term.eval)
    return (f: Frame): Row =>
      test!(f) === 1
        ? [mergeAction.update, number.eval(f), ...values.map((value) => value(f))]
        : [mergeAction.nothing]
  })
  const { notMatched } = dml
  let inserted: ReadonlyArray<ColumnDef> = []
  const insert = atSite(c, () => {
    sourceScope.sequences = true
    c.sequences.clear()
    if (notMatched === undefined) return [constant(0, { ...constantNumber })]
    const columns = targets(plainTarget(table, target), notMatched.columns)
    inserted = columns
    if (columns.length !== notMatched.values.length) {
      throw oraError(
        columns.length > notMatched.values.length ? 947 : 913,
        columns.length > notMatched.values.length ? "not enough values" : "too many values",
        dml.at
      )
    }
    return [
      notMatched.where === undefined
        ? constant(1, { ...constantNumber })
        : condition(c, notMatched.where, sourceScope),
      ...stored.map((column) => {
        const at = columns.indexOf(column)
        const given = at < 0 ? undefined : notMatched.values[at]
        return forColumn(c, column, given, sourceScope, given?.at ?? dml.at)
      })
    ]
  }, (terms) => {
    const [test, ...values] = terms.map((term) => term.eval)
    return (f: Frame): Row =>
      test!(f) === 1 ? [mergeAction.insert, ...values.map((value) => value(f))] : [mergeAction.nothing]
  })
  const remove = dml.matched?.deleteWhere === undefined ? undefined : condition(c, dml.matched.deleteWhere, scope)
  if (remove?.heavy === true) throw unimplemented("subqueries in MERGE … DELETE WHERE", dml.at)
  for (const { name } of sets.changed) guarded.touch(name)
  // Rows that policies hide are not there: what would match them is inserted.
  const seen: Relation = guarded.conditions.length === 0
    ? target.relation
    : { kind: "inner", items: [target.relation], conditions: guarded.conditions }
  const relation: Relation = { kind: "left", left: using.relation, right: seen, on }
  return {
    kind: "merge",
    inserts: notMatched !== undefined,
    table,
    stored,
    changed: sets.changed,
    plan: projected(
      planRelation(relation, [], false),
      slot,
      (f) => number.eval(f) === null ? insert(f) : update(f)
    ),
    slot,
    deleteWhere: remove?.eval,
    target: target.source.slot,
    check: checkOf(c, plainTarget(table, plain), "UPDATE", sets.changed),
    insertCheck: checkOf(c, plainTarget(table, plain), "INSERT", inserted),
    returning: returningPlan(c, dml.target, dml.returning, "update"),
    parameters: c.parameters,
    tables: c.tables,
    compilation: c
  }
}
