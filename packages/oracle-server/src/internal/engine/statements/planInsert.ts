/** INSERT: plans that give the values of the new rows. */
import { atSite, type Compilation, rowOf } from "../compile/compilation.ts"
import { convertTo } from "../compile/operators.ts"
import { compileQuery } from "../compile/queries.ts"
import { columnTerm, newScope } from "../compile/term.ts"
import type { Plan } from "../execute/operator.ts"
import { ValuesScan } from "../execute/scans.ts"
import type { Insert } from "../syntax/astStatements.ts"
import { oraError } from "../values/oraError.ts"
import {
  defaultOf,
  forColumn,
  orDefault,
  recordValues,
  refuseIdentity,
  storedColumns,
  takesDefaultForNull,
  targets
} from "./dmlColumns.ts"
import type { InsertAllPlan, InsertPlan } from "./dmlPlan.ts"
import { checkOf, dmlTarget } from "./dmlTarget.ts"
import { planInsertAll } from "./insertAll.ts"
import { projected } from "./planRows.ts"
import { returningPlan } from "./returning.ts"

export const insertAllPlan = (c: Compilation, dml: Insert): InsertAllPlan => {
  const parts = planInsertAll(c, dml)
  const { stored, table } = parts.targets[0]!
  return {
    ...parts,
    kind: "insertAll",
    table,
    stored,
    check: undefined,
    returning: undefined,
    parameters: c.parameters,
    tables: c.tables,
    compilation: c
  }
}

export const planInsert = (c: Compilation, dml: Insert): InsertPlan => {
  const target = dmlTarget(c, dml.target)
  const { table } = target
  const columns = targets(target, dml.columns)
  const stored = storedColumns(table)
  const scope = newScope(undefined)
  scope.sequences = true
  const slot = c.slot()
  let plan: Plan
  if (dml.rows !== undefined || dml.record !== undefined) {
    const { record } = dml
    const lists = dml.rows ?? [recordValues(c, record!, scope)]
    const rows = lists.map((row) => {
      if (row.length > columns.length) throw oraError(913, "too many values", dml.at)
      if (row.length < columns.length) throw oraError(947, "not enough values", dml.at)
      return atSite(c, () => {
        // Each row takes sequence values of its own.
        c.sequences.clear()
        return stored.map((column) => {
          const at = columns.indexOf(column)
          const given = at < 0 ? undefined : row[at]
          return forColumn(c, column, given, scope, given?.at ?? dml.at)
        })
      }, rowOf)
    })
    plan = { slots: [slot], free: new Set(), make: (f) => new ValuesScan(f, slot, rows, undefined) }
  } else {
    const query = compileQuery(c, dml.query!, undefined, true)
    if (query.columns.length > columns.length) throw oraError(913, "too many values", dml.at)
    if (query.columns.length < columns.length) throw oraError(947, "not enough values", dml.at)
    plan = projected(
      query.plan,
      slot,
      atSite(c, () => {
        c.sequences.clear()
        return stored.map((column) => {
          const at = columns.indexOf(column)
          if (at < 0) return defaultOf(c, column, scope)
          refuseIdentity(column, dml.at)
          const value = convertTo(
            columnTerm(query.slot, at, query.columns[at]!.type, true),
            column.type,
            dml.at
          )
          return takesDefaultForNull(column) ? orDefault(value, defaultOf(c, column, scope)) : value
        })
      }, rowOf)
    )
  }
  return {
    kind: "insert",
    single: dml.query === undefined && (dml.rows === undefined || dml.rows.length === 1),
    table,
    stored,
    plan,
    slot,
    check: checkOf(c, target, "INSERT", columns),
    returning: returningPlan(c, dml.target, dml.returning, "insert"),
    parameters: c.parameters,
    tables: c.tables,
    compilation: c
  }
}
