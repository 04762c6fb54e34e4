/** INSERT, UPDATE, DELETE and MERGE as reads of the store whose rows the row writer then applies. */
import type { Assignment, Delete, Dml, Expr, Insert, Merge, Returning, Update } from "../Ast.ts"
import { column as columnOf, type ColumnDef, type Table } from "../Catalog.ts"
import { conditionText, originOf } from "../compile/Blocks.ts"
import { type Compilation, finish, type Parameter } from "../compile/Compilation.ts"
import { convertTo } from "../compile/Operators.ts"
import { compileQuery } from "../compile/Queries.ts"
import { compileItem, tableSource } from "../compile/Sources.ts"
import { newScope, type OutColumn, type Scope, type Sql } from "../compile/Sql.ts"
import { oraError, unimplemented } from "../OraError.ts"

/** A statement of the store with the sources of its parameters. */
export interface Prepared {
  readonly sql: string
  readonly order: ReadonlyArray<Parameter>
}

export interface ReturningPlan {
  readonly prepared: Prepared
  readonly columns: ReadonlyArray<OutColumn>
  readonly into: ReadonlyArray<Expr>
}

interface Base {
  readonly table: Table
  /** Columns with a place in the store, in the order of row values. */
  readonly stored: ReadonlyArray<ColumnDef>
  readonly read: Prepared
  readonly returning: ReturningPlan | undefined
}

export interface InsertPlan extends Base {
  readonly kind: "insert"
  /** Stored columns whose value was not given: identity takes its sequence. */
  readonly omitted: ReadonlySet<ColumnDef>
}

export interface UpdatePlan extends Base {
  readonly kind: "update"
  /** Indexes of stored columns that get new values; the read gives v, r, x, the old row, then these. */
  readonly changed: ReadonlyArray<number>
}

export interface DeletePlan extends Base {
  readonly kind: "delete"
}

export interface MergePlan extends Base {
  readonly kind: "merge"
  readonly changed: ReadonlyArray<number>
  readonly updates: boolean
  readonly inserts: boolean
  readonly omitted: ReadonlySet<ColumnDef>
}

export type DmlPlan = InsertPlan | UpdatePlan | DeletePlan | MergePlan

export const storedColumns = (table: Table): ReadonlyArray<ColumnDef> =>
  table.columns.filter((column) => column.virtual === undefined)

const checkWritable = (column: ColumnDef, at: number): void => {
  if (column.virtual !== undefined) throw oraError(54013, "INSERT operation disallowed on virtual columns", at)
}

const targets = (table: Table, columns: Insert["columns"]): ReadonlyArray<ColumnDef> => {
  if (columns.length === 0) return storedColumns(table)
  const list = columns.map(({ at, name }) => columnOf(table, name, at))
  list.forEach((column, i) => {
    checkWritable(column, columns[i]!.at)
    if (list.indexOf(column) !== i) throw oraError(957, `"${column.name}": duplicate column name`, columns[i]!.at)
  })
  return list
}

const defaultOf = (c: Compilation, column: ColumnDef, scope: Scope): Sql => {
  if (column.default === undefined) return { sql: "NULL", type: column.type, nullable: true }
  return convertTo(c.expr(c, column.default, scope), column.type, 0)
}

const forColumn = (c: Compilation, column: ColumnDef, value: Expr | undefined, scope: Scope, at: number): Sql => {
  if (value === undefined) return defaultOf(c, column, scope)
  if (column.identity?.mode === "always") {
    throw oraError(32795, "cannot insert into a generated always identity column", at)
  }
  const sql = convertTo(c.expr(c, value, scope), column.type, value.at)
  return column.defaultOnNull ? { ...sql, sql: `coalesce(${sql.sql},${defaultOf(c, column, scope).sql})` } : sql
}

const returningPlan = (
  c: Compilation,
  table: Table,
  alias: string | undefined,
  returning: Returning | undefined
): ReturningPlan | undefined => {
  if (returning === undefined) return undefined
  const scope = newScope(undefined)
  const { source, sql } = tableSource(c, table, alias, c.parameter({ kind: "version" }))
  scope.sources.push(source)
  const values = returning.exprs.map((expr) => c.expr(c, expr, scope))
  return {
    prepared: finish(c, `SELECT ${values.map((value) => value.sql).join(",")} FROM ${sql}`),
    columns: values.map((value) => ({
      name: "",
      type: value.type,
      nullable: true,
      isJson: false,
      origin: originOf(scope.sources, value.sql)
    })),
    into: returning.into
  }
}

export const planDml = (c: Compilation, dml: Dml): DmlPlan => {
  const table = c.context.catalog.table(dml.target.path, c.schema, dml.target.at)
  c.tables.add(table.id)
  switch (dml.kind) {
    case "insert":
      return planInsert(c, dml, table)
    case "update":
      return planUpdate(c, dml, table)
    case "delete":
      return planDelete(c, dml, table)
    case "merge":
      return planMerge(c, dml, table)
  }
}

const planInsert = (c: Compilation, dml: Insert, table: Table): InsertPlan => {
  const columns = targets(table, dml.columns)
  const stored = storedColumns(table)
  const omitted = new Set<ColumnDef>()
  const scope = newScope(undefined)
  scope.sequences = true
  let text: string
  if (dml.record !== undefined) {
    const record = dml.record
    const values = stored.map((column) =>
      forColumn(c, column, { kind: "name", path: [record, column.name], outer: false, at: dml.at }, scope, dml.at).sql
    )
    text = `SELECT ${values.join(",")}`
  } else if (dml.rows !== undefined) {
    text = dml.rows.map((row) => {
      if (row.length > columns.length) throw oraError(913, "too many values", dml.at)
      if (row.length < columns.length) throw oraError(947, "not enough values", dml.at)
      const values = stored.map((column) => {
        const at = columns.indexOf(column)
        const given = at < 0 ? undefined : row[at]
        if (given === undefined) omitted.add(column)
        return forColumn(c, column, given, scope, given?.at ?? dml.at).sql
      })
      return `SELECT ${values.join(",")}`
    }).join(" UNION ALL ")
    if (
      dml.rows.length > 1 && stored.some((column) =>
        column.identity !== undefined && omitted.has(column) &&
        dml.rows!.some((row) => row[columns.indexOf(column)] !== undefined)
      )
    ) {
      throw unimplemented("DEFAULT for an identity column in some rows only", dml.at)
    }
  } else {
    const query = compileQuery(c, dml.query!, undefined, true)
    if (query.columns.length > columns.length) throw oraError(913, "too many values", dml.at)
    if (query.columns.length < columns.length) throw oraError(947, "not enough values", dml.at)
    const values = stored.map((column) => {
      const at = columns.indexOf(column)
      if (at < 0) {
        omitted.add(column)
        return defaultOf(c, column, scope).sql
      }
      if (column.identity?.mode === "always") {
        throw oraError(32795, "cannot insert into a generated always identity column", dml.at)
      }
      const value =
        convertTo({ sql: `q.c${at}`, type: query.columns[at]!.type, nullable: true }, column.type, dml.at).sql
      return column.defaultOnNull ? `coalesce(${value},${defaultOf(c, column, scope).sql})` : value
    })
    text = `SELECT ${values.join(",")} FROM (${query.sql}) AS q`
  }
  const read = finish(c, text)
  return {
    kind: "insert",
    table,
    stored,
    omitted,
    read,
    returning: returningPlan(c, table, dml.target.alias, dml.returning)
  }
}

const setValues = (
  c: Compilation,
  table: Table,
  sets: ReadonlyArray<Assignment>,
  scope: Scope
): { readonly changed: ReadonlyArray<number>; readonly values: ReadonlyArray<string> } => {
  const stored = storedColumns(table)
  const changed: Array<number> = []
  const values: Array<string> = []
  for (const set of sets) {
    const columns = set.columns.map(({ at, name }) => {
      const column = columnOf(table, name, at)
      checkWritable(column, at)
      if (column.identity?.mode === "always") {
        throw oraError(32796, "cannot update a generated always identity column", at)
      }
      const index = stored.indexOf(column)
      if (changed.includes(index)) throw oraError(957, `"${column.name}": duplicate column name`, at)
      changed.push(index)
      return column
    })
    if (columns.length === 1 && set.value?.kind !== "tuple") {
      values.push(
        set.value === undefined
          ? defaultOf(c, columns[0]!, scope).sql
          : convertTo(c.expr(c, set.value, scope), columns[0]!.type, set.value.at).sql
      )
      continue
    }
    if (set.value?.kind !== "subquery") {
      throw oraError(1767, "UPDATE ... SET expression must be a subquery", set.columns[0]!.at)
    }
    const { query } = set.value
    columns.forEach((column, i) => {
      const compiled = c.query(c, query, scope)
      if (compiled.columns.length !== columns.length) {
        throw oraError(
          compiled.columns.length > columns.length ? 913 : 947,
          compiled.columns.length > columns.length ? "too many values" : "not enough values",
          query.at
        )
      }
      values.push(
        convertTo(
          {
            sql: `(SELECT one_row(count(*),max(c${i})) FROM (SELECT c${i} FROM (${compiled.sql}) LIMIT 2))`,
            type: compiled.columns[i]!.type,
            nullable: true
          },
          column.type,
          query.at
        ).sql
      )
    })
  }
  return { changed, values }
}

const oldRow = (
  stored: ReadonlyArray<ColumnDef>,
  alias: string
): ReadonlyArray<string> => [
  `${alias}.v`,
  `${alias}.r`,
  `${alias}.x`,
  ...stored.map((column) => `${alias}.${column.physical}`)
]

const planUpdate = (c: Compilation, dml: Update, table: Table): UpdatePlan => {
  const scope = newScope(undefined)
  const { source, sql } = tableSource(c, table, dml.target.alias)
  scope.sources.push(source)
  const stored = storedColumns(table)
  scope.sequences = true
  const { changed, values } = setValues(c, table, dml.sets, scope)
  scope.sequences = false
  const where = dml.where === undefined ? "" : ` WHERE ${conditionText(c, dml.where, scope)}`
  const read = finish(c, `SELECT ${[...oldRow(stored, source.sqlAlias), ...values].join(",")} FROM ${sql}${where}`)
  return {
    kind: "update",
    table,
    stored,
    changed,
    read,
    returning: returningPlan(c, table, dml.target.alias, dml.returning)
  }
}

const planDelete = (c: Compilation, dml: Delete, table: Table): DeletePlan => {
  const scope = newScope(undefined)
  const { source, sql } = tableSource(c, table, dml.target.alias)
  scope.sources.push(source)
  const stored = storedColumns(table)
  const where = dml.where === undefined ? "" : ` WHERE ${conditionText(c, dml.where, scope)}`
  const read = finish(c, `SELECT ${oldRow(stored, source.sqlAlias).join(",")} FROM ${sql}${where}`)
  return { kind: "delete", table, stored, read, returning: returningPlan(c, table, dml.target.alias, dml.returning) }
}

/** The read gives v, r, x, the old row, "update this", the new values, "insert this", the row to insert. */
const planMerge = (c: Compilation, dml: Merge, table: Table): MergePlan => {
  if (dml.matched?.deleteWhere !== undefined) throw unimplemented("MERGE … DELETE WHERE", dml.at)
  const stored = storedColumns(table)
  const target = tableSource(c, table, dml.target.alias)
  const using = compileItem(c, dml.using, undefined)
  const scope = newScope(undefined)
  scope.sources.push(target.source, ...using.sources)
  const sourceScope = newScope(undefined)
  sourceScope.sources.push(...using.sources)
  const on = conditionText(c, dml.on, scope)
  const alias = target.source.sqlAlias
  scope.sequences = true
  sourceScope.sequences = true
  const sets = dml.matched === undefined ? { changed: [], values: [] } : setValues(c, table, dml.matched.sets, scope)
  const updateWhere = dml.matched === undefined
    ? "0"
    : dml.matched.where === undefined
    ? "1"
    : conditionText(c, dml.matched.where, scope)
  const omitted = new Set<ColumnDef>()
  let inserted: ReadonlyArray<string> = []
  let insertWhere = "0"
  const { notMatched } = dml
  if (notMatched !== undefined) {
    const columns = targets(table, notMatched.columns)
    if (columns.length !== notMatched.values.length) {
      throw oraError(
        columns.length > notMatched.values.length ? 947 : 913,
        columns.length > notMatched.values.length ? "not enough values" : "too many values",
        dml.at
      )
    }
    inserted = stored.map((column) => {
      const at = columns.indexOf(column)
      const given = at < 0 ? undefined : notMatched.values[at]
      if (given === undefined) omitted.add(column)
      return `CASE WHEN ${alias}.v IS NULL THEN ${
        forColumn(c, column, given, sourceScope, given?.at ?? dml.at).sql
      } END`
    })
    insertWhere = notMatched.where === undefined ? "1" : conditionText(c, notMatched.where, sourceScope)
  }
  const columns = [
    ...oldRow(stored, alias),
    `CASE WHEN ${alias}.v IS NOT NULL THEN ${updateWhere} ELSE 0 END`,
    ...sets.values.map((value) => `CASE WHEN ${alias}.v IS NOT NULL THEN ${value} END`),
    `CASE WHEN ${alias}.v IS NULL THEN ${insertWhere} ELSE 0 END`,
    ...inserted
  ]
  const read = finish(c, `SELECT ${columns.join(",")} FROM ${using.sql} LEFT JOIN ${target.sql} ON ${on}`)
  return {
    kind: "merge",
    table,
    stored,
    changed: sets.changed,
    updates: dml.matched !== undefined,
    inserts: notMatched !== undefined,
    omitted,
    read,
    returning: undefined
  }
}
