/** What DML changes: a table, or the table behind a view or an inline view that shows its rows one by one. */
import { column as columnOf, type ColumnDef, type Table, type View } from "../catalog/catalog.ts"
import { asOwner } from "../compile/access.ts"
import { type Compilation, settled } from "../compile/compilation.ts"
import { condition, logic } from "../compile/logic.ts"
import { partitionTerm } from "../compile/partitionConditions.ts"
import { writtenConditions } from "../compile/policies.ts"
import { conjuncts as termConjuncts, type Leaf } from "../compile/relations.ts"
import { tableSource } from "../compile/tableSources.ts"
import { newScope, type Source, type SourceColumn, type Term } from "../compile/term.ts"
import { conjuncts, hasAggregate, hasWindow, isPlainBlock, usesRownum } from "../compile/walk.ts"
import type { Frame } from "../execute/frame.ts"
import type { Query } from "../syntax/ast.ts"
import type { TableTarget } from "../syntax/astStatements.ts"
import { oraError, unimplemented } from "../values/oraError.ts"

export interface Target {
  readonly table: Table
  readonly relation: Leaf
  /** The row of the table. */
  readonly row: Source
  /** As the statement's names see it. */
  readonly source: Source
  /** What the views around the table ask of a row. */
  readonly conditions: ReadonlyArray<Term>
  /** Those that a changed row has to satisfy, too. */
  readonly checks: ReadonlyArray<Term>
  /** The views around the table that may have policies, each as the row is seen through it. */
  readonly views?: ReadonlyArray<{ readonly view: View; readonly source: Source }>
  /** The checks are those of a partition that the statement names. */
  readonly isPartition?: boolean
  /** Names for an INSERT without a list of columns; undefined for those of the table. */
  readonly names: ReadonlyArray<string> | undefined
  readonly column: (name: string, at: number) => ColumnDef
}

const notLegal = (at: number): Error => oraError(1732, "data manipulation operation not legal on this view", at)

export const dmlTarget = (c: Compilation, target: TableTarget): Target => {
  const { alias, at, path, query } = target
  if (query !== undefined) return ofQuery(c, query, alias, [], at, false)
  const view = c.context.catalog.find(path, c.schema)
  if (view?.kind === "view") {
    if (view.readOnly) throw oraError(42399, "cannot perform a DML operation on a read-only view", at)
    const through = asOwner(
      c,
      view.owner,
      () => ofQuery(c, view.query, alias ?? view.name, view.columns, at, view.checkOption)
    )
    return { ...through, views: [...through.views ?? [], { view, source: through.source }] }
  }
  const table = c.context.catalog.table(path, c.schema, at)
  if (table.materialized !== undefined) throw notLegal(at)
  if (table.readOnly === true) {
    throw oraError(12081, `update operation not allowed on table "${table.owner}"."${table.name}"`, at)
  }
  const { relation, source } = tableSource(c, table, alias)
  const conditions = target.partition === undefined ? [] : [partitionTerm(c, table, target.partition, source.slot)]
  return {
    table,
    relation,
    row: source,
    source,
    conditions,
    checks: conditions,
    ...(target.partition === undefined ? {} : { isPartition: true }),
    names: undefined,
    column: (name, place) => columnOf(table, name, place)
  }
}

const ofQuery = (
  c: Compilation,
  query: Query,
  alias: string | undefined,
  names: ReadonlyArray<string>,
  at: number,
  isChecked: boolean
): Target => {
  const { body } = query
  const [item] = body.kind === "block" ? body.from : []
  if (
    body.kind !== "block" || item === undefined || body.from.length !== 1 || !isPlainBlock(body) ||
    query.ctes.length > 0 || query.fetch !== undefined || query.offset !== undefined ||
    hasAggregate(body.items) || hasWindow(body.items) || usesRownum(body)
  ) throw notLegal(at)
  if (item.kind !== "table" && item.kind !== "derived") throw notLegal(at)
  const inner = dmlTarget(
    c,
    item.kind === "table"
      ? { path: item.path, alias: item.alias, at }
      : { path: [], alias: item.alias, query: item.query, at }
  )
  const scope = newScope(undefined)
  scope.sources.push(inner.source)
  const own = termConjuncts(conjuncts(body.where).map((test) => settled(c, () => condition(c, test, scope))))
  const columns: Array<SourceColumn> = []
  const bases = new Map<string, (place: number) => ColumnDef>()
  const add = (name: string, term: Term, base: (place: number) => ColumnDef): void => {
    const shown = names[columns.length] ?? name
    columns.push({ name: shown, term })
    bases.set(shown, base)
  }
  for (const { alias: given, expr, text } of body.items) {
    if (expr.kind === "star") {
      for (const column of inner.source.columns) {
        if (column.hidden !== true) add(column.name, column.term, (place) => inner.column(column.name, place))
      }
      continue
    }
    const term = settled(c, () => c.expr(c, expr, scope))
    const name = given ?? (expr.kind === "name" ? expr.path.at(-1)! : text.toUpperCase())
    add(name, term, (place) => {
      if (expr.kind !== "name") throw oraError(1733, "virtual column not allowed here", place)
      return inner.column(expr.path.at(-1)!, place)
    })
  }
  const rowid = inner.row.columns.find((column) => column.name === "ROWID")
  const shown = columns.map((column) => column.name)
  if (rowid !== undefined) columns.push(rowid)
  const conditions = [...inner.conditions, ...own]
  return {
    ...inner,
    conditions,
    checks: isChecked ? conditions : inner.checks,
    names: shown,
    source: { ...inner.source, alias, owner: undefined, columns, merged: new Set(), shared: new Map() },
    column: (name, place) => {
      const base = bases.get(name)
      if (base === undefined) throw oraError(904, `"${name}": invalid identifier`, place)
      return base(place)
    }
  }
}

/** What a view WITH CHECK OPTION asks of a row that was written, which stands in `slot`. */
export interface RowCheck {
  readonly slot: number
  /** The error when the row may not be. */
  readonly failure: (f: Frame) => Error | undefined
}

/** The check of all views WITH CHECK OPTION on the way to the table, and that of its policies. */
export const checkOf = (
  c: Compilation,
  target: Target,
  kind: "INSERT" | "UPDATE",
  written: ReadonlyArray<ColumnDef>
): RowCheck | undefined => {
  const names = written.map(({ name }) => name)
  const policies = [
    ...writtenConditions(c, target.table, target.row, kind, names),
    ...(target.views ?? []).flatMap(({ source, view }) =>
      writtenConditions(c, view, source, kind, source.columns.map(({ name }) => name))
    )
  ]
  if (target.checks.length === 0 && policies.length === 0) return undefined
  if (target.checks.some((term) => term.heavy)) throw unimplemented("subqueries in a view WITH CHECK OPTION")
  if (policies.some((term) => term.heavy)) throw unimplemented("subqueries in a policy with UPDATE_CHECK")
  const shown = logic("and", target.checks).eval
  const allowed = logic("and", policies).eval
  const isPartition = target.isPartition === true
  return {
    slot: target.row.slot,
    failure: (f) =>
      target.checks.length > 0 && shown(f) !== 1
        ? isPartition
          ? oraError(14401, "inserted partition key is outside specified partition")
          : oraError(1402, "view WITH CHECK OPTION where-clause violation")
        : policies.length > 0 && allowed(f) !== 1
        ? oraError(28115, "policy with check option violation")
        : undefined
  }
}

export const plainTarget = (table: Table, { relation, source }: ReturnType<typeof tableSource>): Target => ({
  table,
  relation,
  row: source,
  source,
  conditions: [],
  checks: [],
  names: undefined,
  column: (name, at) => columnOf(table, name, at)
})
