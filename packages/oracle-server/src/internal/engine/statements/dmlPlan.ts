/** INSERT, UPDATE, DELETE and MERGE: a plan that reads what is to be done, row by row, for the row writer. */
import { column as columnOf, type ColumnDef, type Table, type View } from "../catalog/catalog.ts"
import type { PolicyStatement } from "../catalog/policies.ts"
import { triggerOf } from "../catalog/units.ts"
import { originOf } from "../compile/blocks.ts"
import { atSite, type Compilation, rowOf, settled } from "../compile/compilation.ts"
import { condition, logic } from "../compile/logic.ts"
import { convertTo } from "../compile/operators.ts"
import { compileQuery } from "../compile/queries.ts"
import { conjuncts as termConjuncts, planRelation, type Relation } from "../compile/relations.ts"
import { compileItem, policyConditions, tableSource } from "../compile/sources.ts"
import { scalarSubquery } from "../compile/subqueries.ts"
import { columnTerm, constant, newScope, type OutColumn, type Scope, type Source, type Term } from "../compile/term.ts"
import { conjuncts } from "../compile/walk.ts"
import type { Eval, Frame } from "../execute/frame.ts"
import type { Plan } from "../execute/operator.ts"
import { Project } from "../execute/rows.ts"
import { ValuesScan } from "../execute/scans.ts"
import type { Row } from "../storage/tableData.ts"
import type {
  Assignment,
  Delete,
  Dml,
  Expr,
  FromItem,
  Insert,
  Merge,
  Returning,
  TableTarget,
  Update
} from "../syntax/ast.ts"
import { oraError, unimplemented } from "../values/oraError.ts"
import {
  checkWritable,
  defaultOf,
  forColumn,
  orDefault,
  refuseIdentity,
  storedColumns,
  takesDefaultForNull,
  targets
} from "./dmlColumns.ts"
import { dmlTarget, type Target } from "./dmlTarget.ts"
import { type InsertAllParts, planInsertAll } from "./insertAll.ts"

export interface ReturningPlan {
  /** The values for the row that was written, which stands in `slot`. */
  readonly values: (f: Frame) => Row
  readonly slot: number
  /** Where the row as it was stands. */
  readonly oldSlot: number
  readonly columns: ReadonlyArray<OutColumn>
  readonly into: ReadonlyArray<Expr>
  readonly bulk: boolean
}

interface Base {
  readonly table: Table
  /** Columns with a place in a row, in the order of the values. */
  readonly stored: ReadonlyArray<ColumnDef>
  readonly plan: Plan
  /** Where the plan leaves what is to be done. */
  readonly slot: number
  /** What a view WITH CHECK OPTION asks of a row that was written. */
  readonly check: { readonly slot: number; readonly holds: Eval } | undefined
  readonly returning: ReturningPlan | undefined
  readonly parameters: Compilation["parameters"]
  /** Those that it reads or changes. */
  readonly tables: ReadonlySet<Table>
  /** The compilation that made it: whether the plan is good for one execution only is known when it is complete. */
  readonly compilation: { readonly volatile: boolean }
}

/** The plan gives the values of `stored`. */
export interface InsertPlan extends Base {
  readonly kind: "insert"
  /** One row of given values. */
  readonly single: boolean
}

/** The plan gives the row's number, then the values of `changed`. */
export interface UpdatePlan extends Base {
  readonly kind: "update"
  /** A join may lead to a row twice. */
  readonly isJoin: boolean
  readonly changed: ReadonlyArray<ColumnDef>
}

/** The plan gives the row's number. */
export interface DeletePlan extends Base {
  readonly kind: "delete"
  readonly isJoin: boolean
}

/** The plan gives what to do, then a row's number with the values of `changed`, or the values of `stored`. */
export interface MergePlan extends Base {
  readonly kind: "merge"
  readonly inserts: boolean
  readonly changed: ReadonlyArray<ColumnDef>
  /** Asked with the updated row in `target`. */
  readonly deleteWhere: Eval | undefined
  readonly target: number
}

/** A change of a view that its INSTEAD OF triggers do: the plan gives the old row, the new row, or both. */
export interface InsteadPlan extends Omit<Base, "table" | "stored" | "check"> {
  readonly kind: "instead"
  readonly view: View
  readonly event: "INSERT" | "UPDATE" | "DELETE"
  readonly changed: ReadonlySet<string>
}

export const mergeAction = { nothing: 0, update: 1, insert: 2 } as const

/** What changes the rows of a table. */
export interface InsertAllPlan extends Base {
  readonly kind: "insertAll"
  readonly targets: InsertAllParts["targets"]
}

export type TablePlan = InsertPlan | InsertAllPlan | UpdatePlan | DeletePlan | MergePlan

export type DmlPlan = TablePlan | InsteadPlan

/** RETURNING reads the row as it is now, or as it was: each of the two stands in a slot of its own. */
const returningPlan = (
  c: Compilation,
  target: TableTarget,
  returning: Returning | undefined,
  kind: "insert" | "update" | "delete"
): ReturningPlan | undefined => {
  if (returning === undefined) return undefined
  const image = (): { readonly scope: Scope; readonly slot: number } => {
    const scope = newScope(undefined)
    const { row, source } = dmlTarget(c, target)
    scope.sources.push(source)
    return { scope, slot: row.slot }
  }
  const now = image()
  const before = image()
  const isDelete = kind === "delete"
  const scopes = returning.exprs.map((_, i) =>
    (returning.images[i] ?? (isDelete ? "old" : "new")) === "old" ? before.scope : now.scope
  )
  const terms = returning.exprs.map((expr, i) => c.expr(c, expr, scopes[i]!))
  if (terms.some((term) => term.heavy)) throw unimplemented("subqueries in RETURNING", returning.exprs[0]!.at)
  return {
    values: rowOf(terms),
    slot: now.slot,
    oldSlot: before.slot,
    columns: terms.map((term, i) => ({
      name: "",
      type: term.type,
      nullable: true,
      isJson: false,
      origin: originOf(scopes[i]!.sources, term)
    })),
    into: returning.into,
    bulk: returning.bulk
  }
}

export const planDml = (c: Compilation, dml: Dml): DmlPlan => {
  const view = c.context.catalog.find(dml.target.path, c.schema)
  if (view?.kind === "view" && dml.kind !== "merge" && hasInstead(c, view, dml.kind)) return planInstead(c, dml, view)
  switch (dml.kind) {
    case "insert":
      return dml.multi === undefined ? planInsert(c, dml) : insertAllPlan(c, dml)
    case "update":
      return planUpdate(c, dml)
    case "delete":
      return planDelete(c, dml)
    case "merge": {
      const table = c.context.catalog.table(dml.target.path, c.schema, dml.target.at)
      c.tables.add(table)
      return planMerge(c, dml, table)
    }
  }
}

const hasInstead = (c: Compilation, view: View, kind: "insert" | "update" | "delete"): boolean =>
  c.context.catalog.triggersOn(view).some((trigger) => {
    const tree = triggerOf(trigger)
    return trigger.enabled && tree?.events.some((event) => event.toLowerCase() === kind) === true
  })

const nameOf = (path: ReadonlyArray<string>, at: number): Expr => ({ kind: "name", path, outer: false, at })

/** The rows of the view that are concerned, and what they are to be: the triggers do the rest. */
const planInstead = (c: Compilation, dml: Insert | Update | Delete, view: View): InsteadPlan => {
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
    {
      ctes: [],
      body: {
        kind: "block",
        distinct: false,
        items: [
          ...names.map((name) => item(nameOf([alias, name], at))),
          ...dml.kind === "update" ? names.map((name) => item(changed.get(name) ?? nameOf([alias, name], at))) : []
        ],
        from: [{ kind: "table", path: dml.target.path, alias, link: undefined, at }],
        where: dml.where,
        startWith: undefined,
        connectBy: undefined,
        nocycle: false,
        groupBy: [],
        groupingSets: undefined,
        having: undefined,
        windows: [],
        into: undefined,
        bulkInto: false,
        at
      },
      orderBy: [],
      siblings: false,
      offset: undefined,
      fetch: undefined,
      forUpdate: undefined,
      at
    },
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

const projected = (plan: Plan, slot: number, row: (f: Frame) => Row): Plan => ({
  slots: [...plan.slots, slot],
  free: plan.free,
  make: (f) => new Project(f, plan.make(f), slot, row)
})

/** The fields of a record, in their order. */
const recordValues = (c: Compilation, record: Expr, scope: Scope): ReadonlyArray<Expr> => {
  const { composite } = c.expr(c, record, scope).type
  if (composite?.kind !== "record") throw oraError(947, "not enough values", record.at)
  return composite.attributes.map(({ name }) => ({ kind: "member", of: record, name, at: record.at }))
}

const insertAllPlan = (c: Compilation, dml: Insert): InsertAllPlan => {
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

/** What views WITH CHECK OPTION ask of a row that was written; it stands in the slot of the table's row. */
const checkOf = (target: Target): Base["check"] => {
  if (target.checks.length === 0) return undefined
  if (target.checks.some((term) => term.heavy)) throw unimplemented("subqueries in a view WITH CHECK OPTION")
  return { slot: target.row.slot, holds: logic("and", target.checks).eval }
}

const planInsert = (c: Compilation, dml: Insert): InsertPlan => {
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
    check: checkOf(target),
    returning: returningPlan(c, dml.target, dml.returning, "insert"),
    parameters: c.parameters,
    tables: c.tables,
    compilation: c
  }
}

interface Sets {
  readonly changed: ReadonlyArray<ColumnDef>
  readonly terms: ReadonlyArray<Term>
}

const setValues = (
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

const where = (c: Compilation, expr: Expr | undefined, scope: Scope): ReadonlyArray<Term> =>
  termConjuncts(conjuncts(expr).map((test) => settled(c, () => condition(c, test, scope))))

const rowNumber = (source: Source): Term => columnTerm(source.slot, 0, constant(0, { ...constantNumber }).type, true)
const constantNumber = { name: "NUMBER", precision: 0, scale: -127, size: 0, chars: 0 } as const

/** The target's rows, joined with what FROM names beside it. */
const changedRows = (
  c: Compilation,
  target: Target,
  from: ReadonlyArray<FromItem>,
  condition_: Expr | undefined,
  scope: Scope,
  kind: PolicyStatement
): Plan => {
  scope.sources.push(target.source)
  const items = from.map((item) => {
    const compiled = compileItem(c, item, undefined, scope.sources)
    scope.sources.push(...compiled.sources)
    return compiled.relation
  })
  const relation: Relation = items.length === 0
    ? target.relation
    : { kind: "inner", items: [target.relation, ...items], conditions: [] }
  const policies = policyConditions(c, target.table, target.row, kind)
  return planRelation(relation, [...target.conditions, ...policies, ...where(c, condition_, scope)], false)
}

const planUpdate = (c: Compilation, dml: Update): UpdatePlan => {
  const scope = newScope(undefined)
  const target = dmlTarget(c, dml.target)
  const { table } = target
  const rows = changedRows(c, target, dml.from ?? [], dml.where, scope, "UPDATE")
  const slot = c.slot()
  let sets: Sets = { changed: [], terms: [] }
  const row = atSite(c, () => {
    scope.sequences = true
    sets = setValues(c, target.column, dml.sets, scope)
    scope.sequences = false
    return [rowNumber(target.row), ...sets.terms]
  }, rowOf)
  return {
    kind: "update",
    table,
    stored: storedColumns(table),
    changed: sets.changed,
    plan: projected(rows, slot, row),
    slot,
    isJoin: dml.from !== undefined,
    check: checkOf(target),
    returning: returningPlan(c, dml.target, dml.returning, "update"),
    parameters: c.parameters,
    tables: c.tables,
    compilation: c
  }
}

const planDelete = (c: Compilation, dml: Delete): DeletePlan => {
  const scope = newScope(undefined)
  const target = dmlTarget(c, dml.target)
  const { table } = target
  const rows = changedRows(c, target, dml.from ?? [], dml.where, scope, "DELETE")
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

const plainTarget = (table: Table, { relation, source }: ReturnType<typeof tableSource>): Target => ({
  table,
  relation,
  row: source,
  source,
  conditions: [],
  checks: [],
  names: undefined,
  column: (name, at) => columnOf(table, name, at)
})

const planMerge = (c: Compilation, dml: Merge, table: Table): MergePlan => {
  const stored = storedColumns(table)
  const target = tableSource(c, table, dml.target.alias)
  if (policyConditions(c, table, target.source, "UPDATE").length > 0) {
    throw unimplemented("MERGE into a table with policies", dml.at)
  }
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
  const insert = atSite(c, () => {
    sourceScope.sequences = true
    c.sequences.clear()
    if (notMatched === undefined) return [constant(0, { ...constantNumber })]
    const columns = targets(plainTarget(table, target), notMatched.columns)
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
  const relation: Relation = { kind: "left", left: using.relation, right: target.relation, on }
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
    check: undefined,
    returning: undefined,
    parameters: c.parameters,
    tables: c.tables,
    compilation: c
  }
}
