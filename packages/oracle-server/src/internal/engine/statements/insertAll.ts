/** INSERT ALL and INSERT FIRST: each row of a query goes into the tables whose conditions it meets. */
import type { ColumnDef, Table } from "../catalog/catalog.ts"
import { atSite, type Compilation } from "../compile/compilation.ts"
import { condition } from "../compile/logic.ts"
import { convertTo } from "../compile/operators.ts"
import { writtenConditions } from "../compile/policies.ts"
import { compileQuery } from "../compile/queries.ts"
import { columnTerm, newScope, type Source, type Term } from "../compile/term.ts"
import type { Frame } from "../execute/frame.ts"
import type { Plan } from "../execute/operator.ts"
import { Project } from "../execute/rows.ts"
import type { Row } from "../storage/tableData.ts"
import type { Expr } from "../syntax/ast.ts"
import type { Insert } from "../syntax/astStatements.ts"
import type { Stored } from "../values/composite.ts"
import { oraError, unimplemented } from "../values/oraError.ts"
import { defaultOf, forColumn, storedColumns, targets } from "./dmlColumns.ts"
import { dmlTarget } from "./dmlTarget.ts"

interface InsertTarget {
  readonly table: Table
  readonly stored: ReadonlyArray<ColumnDef>
}

/** The plan gives for each target the values of its columns, or null where the row does not go there. */
export interface InsertAllParts {
  readonly targets: ReadonlyArray<InsertTarget>
  readonly plan: Plan
  readonly slot: number
}

interface Into extends InsertTarget {
  readonly values: ReadonlyArray<Term>
}

interface Branch {
  /** Taken when no other one is. */
  readonly isElse: boolean
  readonly when: Term | undefined
  readonly intos: ReadonlyArray<Into>
}

export const planInsertAll = (c: Compilation, dml: Insert): InsertAllParts => {
  const { branches, first } = dml.multi!
  const query = compileQuery(c, dml.query!, undefined, true)
  const source: Source = {
    alias: undefined,
    owner: undefined,
    slot: query.slot,
    columns: query.columns.map((column, i) => ({
      name: column.name,
      term: columnTerm(query.slot, i, column.type, true)
    })),
    table: undefined,
    merged: new Set(),
    shared: new Map()
  }
  const scope = newScope(undefined)
  scope.sources.push(source)
  const into = (clause: (typeof branches)[number]["intos"][number]): Into => {
    const target = dmlTarget(c, clause.target)
    const names = targets(target, clause.columns).map(({ name }) => name)
    if (writtenConditions(c, target.table, target.row, "INSERT", names).length > 0) {
      throw unimplemented("INSERT ALL into a table with a policy with UPDATE_CHECK", clause.target.at)
    }
    const { table } = target
    if (c.context.catalog.triggersOn(table).some((trigger) => trigger.enabled)) {
      throw unimplemented("triggers of a multitable INSERT", clause.target.at)
    }
    const stored = storedColumns(table)
    const columns = targets(target, clause.columns)
    const given: ReadonlyArray<Expr | undefined> = clause.values ??
      query.columns.map((column): Expr => ({ kind: "name", path: [column.name], outer: false, at: dml.at }))
    if (given.length > columns.length) throw oraError(913, "too many values", dml.at)
    if (given.length < columns.length) throw oraError(947, "not enough values", dml.at)
    const values = stored.map((column) => {
      const at = columns.indexOf(column)
      if (at < 0) return defaultOf(c, column, scope)
      return convertTo(forColumn(c, column, given[at], scope, given[at]?.at ?? dml.at), column.type, dml.at)
    })
    return { table, stored, values }
  }
  const slot = c.slot()
  let compiled: ReadonlyArray<Branch> = []
  const row = atSite(c, () => {
    scope.sequences = true
    c.sequences.clear()
    compiled = branches.map(({ intos, isElse, when }) => ({
      isElse,
      when: when === undefined ? undefined : condition(c, when, scope),
      intos: intos.map(into)
    }))
    return compiled
  }, (list) => (f: Frame): Row => {
    const out: Array<ReadonlyArray<Stored> | null> = []
    let isMatched = false
    for (const { intos, isElse, when } of list) {
      const takes = isElse ? !isMatched : !(first && isMatched) && (when === undefined || when.eval(f) === 1)
      if (takes && when !== undefined) isMatched = true
      for (const { values } of intos) out.push(takes ? values.map((value) => value.eval(f)) : null)
    }
    return out as unknown as Row
  })
  return {
    targets: compiled.flatMap(({ intos }) => intos.map(({ stored, table }) => ({ stored, table }))),
    slot,
    plan: {
      slots: [...query.plan.slots, slot],
      free: query.plan.free,
      make: (f) => new Project(f, query.plan.make(f), slot, row)
    }
  }
}
