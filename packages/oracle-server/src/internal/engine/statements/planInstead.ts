/** Changes of a view that INSTEAD OF triggers carry out: the plan gives the old and the new rows. */
import type { View } from "../catalog/catalog.ts"
import { triggerOf } from "../catalog/units.ts"
import { atSite, type Compilation, rowOf } from "../compile/compilation.ts"
import { convertTo } from "../compile/operators.ts"
import { compileQuery } from "../compile/queries.ts"
import { columnTerm, constant, newScope, type Term } from "../compile/term.ts"
import type { Plan } from "../execute/operator.ts"
import { ValuesScan } from "../execute/scans.ts"
import type { Expr } from "../syntax/ast.ts"
import type { Delete, Insert, Update } from "../syntax/astStatements.ts"
import { blockOf, queryOf } from "../syntax/queryTrees.ts"
import { oraError, unimplemented } from "../values/oraError.ts"
import type { InsteadPlan } from "./dmlPlan.ts"
import { constantNumber, projected } from "./planRows.ts"

export const hasInstead = (c: Compilation, view: View, kind: "insert" | "update" | "delete"): boolean =>
  c.context.catalog.triggersOn(view).some((trigger) => {
    const tree = triggerOf(trigger)
    return trigger.enabled && tree?.events.some((event) => event.toLowerCase() === kind) === true
  })

const nameOf = (path: ReadonlyArray<string>, at: number): Expr => ({ kind: "name", path, outer: false, at })

/** The rows of the view that are concerned, and what they are to be: the triggers do the rest. */
export const planInstead = (c: Compilation, dml: Insert | Update | Delete, view: View): InsteadPlan => {
  const kind = dml.kind.toUpperCase() as "INSERT" | "UPDATE" | "DELETE"
  if ((c.context.policies?.(view, kind, false)?.length ?? 0) > 0) {
    throw unimplemented("policies on a view with INSTEAD OF triggers", dml.at)
  }
  if (dml.returning !== undefined) throw unimplemented("RETURNING from a view with INSTEAD OF triggers", dml.at)
  const names = view.described.map((column) => column.name)
  const scope = newScope(undefined)
  scope.sequences = true
  const common = {
    kind: "instead" as const,
    view,
    returning: undefined,
    parameters: c.parameters,
    tables: c.tables,
    compilation: c
  }
  if (dml.kind === "insert") {
    const columns = dml.columns.length === 0 ? names : dml.columns.map(({ at, name }) => {
      if (!names.includes(name)) throw oraError(904, `"${name}": invalid identifier`, at)
      return name
    })
    const count = (given: number): void => {
      if (given > columns.length) throw oraError(913, "too many values", dml.at)
      if (given < columns.length) throw oraError(947, "not enough values", dml.at)
    }
    const slot = c.slot()
    const row = (value: (at: number) => Term): Array<Term> =>
      view.described.map((column) => {
        const at = columns.indexOf(column.name)
        return at < 0 ? constant(null, column.type) : convertTo(value(at), column.type, dml.at)
      })
    if (dml.rows !== undefined) {
      const rows = dml.rows.map((list) => {
        count(list.length)
        return atSite(c, () => {
          c.sequences.clear()
          return row((at) => list[at] === undefined ? constant(null, constantNumber) : c.expr(c, list[at], scope))
        }, rowOf)
      })
      const plan: Plan = { slots: [slot], free: new Set(), make: (f) => new ValuesScan(f, slot, rows, undefined) }
      return { ...common, event: "INSERT", changed: new Set(), plan, slot }
    }
    if (dml.query === undefined) throw unimplemented("INSERT of a record into a view", dml.at)
    const query = compileQuery(c, dml.query, undefined, true)
    count(query.columns.length)
    const values = atSite(
      c,
      () => row((at) => columnTerm(query.slot, at, query.columns[at]!.type, true)),
      rowOf
    )
    return { ...common, event: "INSERT", changed: new Set(), plan: projected(query.plan, slot, values), slot }
  }
  const alias = dml.target.alias ?? dml.target.path.at(-1)!
  const at = dml.target.at
  const item = (expr: Expr) => ({ expr, alias: undefined, text: "", at })
  const sets = dml.kind === "update" ? dml.sets : []
  if (dml.kind === "update" && dml.record !== undefined) throw unimplemented("SET ROW of a view", dml.at)
  const changed = new Map<string, Expr>()
  for (const set of sets) {
    if (set.columns.length !== 1 || set.value === undefined) {
      throw unimplemented("SET of several columns of a view", dml.at)
    }
    const [column] = set.columns
    if (!names.includes(column!.name)) throw oraError(904, `"${column!.name}": invalid identifier`, column!.at)
    changed.set(column!.name, set.value)
  }
  const query = compileQuery(
    c,
    queryOf(
      blockOf({
        items: [
          ...names.map((name) => item(nameOf([alias, name], at))),
          ...dml.kind === "update" ? names.map((name) => item(changed.get(name) ?? nameOf([alias, name], at))) : []
        ],
        from: [{ kind: "table", path: dml.target.path, alias, link: undefined, at }],
        where: dml.where,
        at
      }),
      at
    ),
    undefined,
    true
  )
  const types = dml.kind === "update" ? [...view.described, ...view.described] : view.described
  const slot = c.slot()
  const values = atSite(
    c,
    () =>
      types.map((column, i) => convertTo(columnTerm(query.slot, i, query.columns[i]!.type, true), column.type, dml.at)),
    rowOf
  )
  return {
    ...common,
    event: dml.kind === "update" ? "UPDATE" : "DELETE",
    changed: new Set(changed.keys()),
    plan: projected(query.plan, slot, values),
    slot
  }
}
