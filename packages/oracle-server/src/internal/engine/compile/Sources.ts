/** FROM: tables, views, dictionary views, subqueries, joins. */
import type { Expr, FromItem } from "../Ast.ts"
import type { Table } from "../Catalog.ts"
import { oraError, unimplemented } from "../OraError.ts"
import { BOOLEAN, kindOf, ROWID, varchar2 } from "../SqlType.ts"
import { visible } from "../Store.ts"
import type { Compilation } from "./Compilation.ts"
import { comparison, convertTo, unify } from "./Operators.ts"
import { newScope, type OutColumn, quoteText, type Scope, type Source, type SourceColumn } from "./Sql.ts"

export interface CompiledItem {
  readonly sql: string
  readonly sources: ReadonlyArray<Source>
  readonly dual: boolean
}

const source = (
  alias: string | undefined,
  sqlAlias: string,
  columns: ReadonlyArray<SourceColumn>,
  owner?: string,
  table?: Table
): Source => ({
  alias,
  owner,
  sqlAlias,
  columns,
  table,
  merged: new Set()
})

export const outColumns = (
  sqlAlias: string,
  columns: ReadonlyArray<OutColumn>,
  names: ReadonlyArray<string> = []
): ReadonlyArray<SourceColumn> =>
  columns.map((column, i) => ({
    name: names[i] ?? column.name,
    sql: `${sqlAlias}.c${i}`,
    type: column.type,
    nullable: true
  }))

/** `version`: the text of one version's number, to look at that version alone. */
export const tableSource = (
  c: Compilation,
  table: Table,
  alias: string | undefined,
  version?: string
): { readonly sql: string; readonly source: Source } => {
  c.tables.add(table.id)
  const sqlAlias = c.alias()
  const columns: Array<SourceColumn> = []
  for (const column of table.columns) {
    if (column.virtual === undefined) {
      columns.push({
        name: column.name,
        sql: `${sqlAlias}.${column.physical}`,
        type: column.type,
        nullable: column.nullable
      })
    }
  }
  if (table.columns.some((column) => column.virtual !== undefined)) {
    const scope = newScope(undefined)
    scope.sources.push(source(undefined, sqlAlias, [...columns]))
    const all = table.columns.map((column): SourceColumn => {
      if (column.virtual === undefined) return columns.find((candidate) => candidate.name === column.name)!
      const sql = convertTo(c.expr(c, column.virtual, scope), column.type, 0)
      return { name: column.name, sql: sql.sql, type: column.type, nullable: true }
    })
    columns.splice(0, columns.length, ...all)
  }
  const row = `${sqlAlias}.r`
  columns.push({
    name: "ROWID",
    sql: `rowid_text(${table.id},${row})`,
    type: ROWID,
    nullable: false,
    rowidOf: { table, sql: row }
  })
  const physical = table.columns.filter((column) => column.virtual === undefined).map((column) => column.physical)
  const session = table.temporary === undefined ? "" : ` AND s=${c.sid}`
  return {
    sql: `(SELECT ${["v", "r", "x", ...physical].join(",")} FROM ${table.physical} WHERE ${
      version === undefined ? visible(c.sid) + session : `v=${version}`
    }) AS ${sqlAlias}`,
    source: source(alias ?? table.name, sqlAlias, columns, alias === undefined ? table.owner : undefined, table)
  }
}

const tableItem = (c: Compilation, item: Extract<FromItem, { kind: "table" }>): CompiledItem => {
  const { alias, at, path } = item
  const name = path.at(-1)!
  if (path.length === 1) {
    const common = c.commonTables.findLast((entry) => entry.name === name)
    if (common !== undefined) {
      const sqlAlias = c.alias()
      return {
        sql: `${common.sqlName} AS ${sqlAlias}`,
        sources: [source(alias ?? name, sqlAlias, outColumns(sqlAlias, common.columns))],
        dual: false
      }
    }
  }
  const object = c.context.catalog.find(path, c.schema)
  if (object?.kind === "table") {
    const compiled = tableSource(c, object, alias ?? (name === object.name ? undefined : name))
    return { sql: compiled.sql, sources: [compiled.source], dual: false }
  }
  if (object?.kind === "view") {
    if (c.viewDepth > 30) throw oraError(1731, "circular view definition encountered", at)
    const schema = c.schema
    const common = c.commonTables.splice(0)
    c.schema = object.owner
    c.viewDepth++
    try {
      const query = c.query(c, object.query, undefined)
      const sqlAlias = c.alias()
      return {
        sql: `(${query.sql}) AS ${sqlAlias}`,
        sources: [
          source(
            alias ?? name,
            sqlAlias,
            outColumns(sqlAlias, query.columns, object.columns),
            alias === undefined ? object.owner : undefined
          )
        ],
        dual: false
      }
    } finally {
      c.schema = schema
      c.viewDepth--
      c.commonTables.push(...common)
    }
  }
  const sqlAlias = c.alias()
  if (object === undefined && name === "DUAL" && (path.length === 1 || path[0] === "SYS")) {
    const dummy: SourceColumn = { name: "DUMMY", sql: `${sqlAlias}.c0`, type: varchar2(1), nullable: true }
    return {
      sql: `(SELECT 'X' AS c0) AS ${sqlAlias}`,
      sources: [source(alias ?? "DUAL", sqlAlias, [dummy], "SYS")],
      dual: true
    }
  }
  const view = object === undefined ? c.context.dictionary(path) : undefined
  if (view !== undefined) {
    const columns = view.columns.map((column, i) => {
      const value = `json_extract(value,'$[${i}]')`
      const kind = kindOf(column.type)
      return kind === "n"
        ? `CASE WHEN ${value} IS NULL THEN NULL ELSE cv_c_n(${value}) END AS c${i}`
        : `${value} AS c${i}`
    })
    c.volatile = true
    return {
      sql: `(SELECT ${columns.join(",")} FROM json_each(dictionary(${quoteText(view.name)}))) AS ${sqlAlias}`,
      sources: [
        source(
          alias ?? name,
          sqlAlias,
          view.columns.map((column, i) => ({
            name: column.name,
            sql: `${sqlAlias}.c${i}`,
            type: column.type,
            nullable: true
          }))
        )
      ],
      dual: false
    }
  }
  throw c.context.catalog.missing(path, c.schema, at)
}

const valuesItem = (
  c: Compilation,
  item: Extract<FromItem, { kind: "values" }>,
  parent: Scope | undefined
): CompiledItem => {
  const scope = newScope(parent)
  const rows = item.rows.map((row) => row.map((expr) => c.expr(c, expr, scope)))
  const width = rows[0]!.length
  if (rows.some((row) => row.length !== width)) throw oraError(947, "not enough values", item.at)
  const types = Array.from({ length: width }, (_, i) => unify(rows.map((row) => row[i]!.type), false, item.at))
  const text = rows.map((row) =>
    `SELECT ${row.map((value, i) => `${convertTo(value, types[i]!, item.at).sql} AS c${i}`).join(",")}`
  ).join(" UNION ALL ")
  const sqlAlias = c.alias()
  const columns = types.map((type, i) => ({
    name: item.names[i] ?? `COLUMN${i + 1}`,
    sql: `${sqlAlias}.c${i}`,
    type,
    nullable: true
  }))
  return { sql: `(${text}) AS ${sqlAlias}`, sources: [source(item.alias, sqlAlias, columns)], dual: false }
}

export const compileItem = (c: Compilation, item: FromItem, parent: Scope | undefined): CompiledItem => {
  switch (item.kind) {
    case "table":
      return tableItem(c, item)
    case "derived": {
      const query = c.query(c, item.query, parent)
      const sqlAlias = c.alias()
      return {
        sql: `(${query.sql}) AS ${sqlAlias}`,
        sources: [source(item.alias, sqlAlias, outColumns(sqlAlias, query.columns))],
        dual: false
      }
    }
    case "values":
      return valuesItem(c, item, parent)
    case "function":
      throw unimplemented("table functions", item.at)
    case "join":
      return joinItem(c, item, parent)
  }
}

const find = (sources: ReadonlyArray<Source>, name: string, at: number): SourceColumn => {
  for (const candidate of sources) {
    if (candidate.merged.has(name)) continue
    const column = candidate.columns.find((col) => col.name === name)
    if (column !== undefined) return column
  }
  throw oraError(904, `"${name}": invalid identifier`, at)
}

const joinItem = (
  c: Compilation,
  item: Extract<FromItem, { kind: "join" }>,
  parent: Scope | undefined
): CompiledItem => {
  const left = compileItem(c, item.left, parent)
  const right = compileItem(c, item.right, parent)
  const keyword =
    { inner: "JOIN", left: "LEFT JOIN", right: "RIGHT JOIN", full: "FULL JOIN", cross: "CROSS JOIN" }[item.type]
  const rightSql = item.right.kind === "join" ? `(${right.sql})` : right.sql
  let shared = item.using
  if (item.natural) {
    const names = new Set(left.sources.flatMap((s) => s.columns.map((column) => column.name)))
    shared = right.sources.flatMap((s) => s.columns).filter((column) =>
      column.rowidOf === undefined && names.has(column.name)
    ).map((column) => column.name)
  }
  let on = ""
  if (shared !== undefined) {
    const tests: Array<string> = []
    for (const name of shared) {
      const a = find(left.sources, name, item.at)
      const b = find(right.sources, name, item.at)
      tests.push(comparison("=", a, b, item.at).sql)
      mergeColumn(item.type, left.sources, right.sources, name, a, b)
    }
    on = tests.length === 0 ? "" : ` ON ${tests.join(" AND ")}`
  } else if (item.on !== undefined) {
    const scope = newScope(parent)
    scope.sources.push(...left.sources, ...right.sources)
    on = ` ON ${booleanText(c, item.on, scope)}`
  }
  return { sql: `${left.sql} ${keyword} ${rightSql}${on}`, sources: [...left.sources, ...right.sources], dual: false }
}

const booleanText = (c: Compilation, expr: Expr, scope: Scope): string => {
  const sql = c.expr(c, expr, scope)
  if (kindOf(sql.type) !== kindOf(BOOLEAN) && sql.type.name !== "NULL") {
    throw oraError(920, "invalid relational operator", expr.at)
  }
  return sql.sql
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
    sql: type === "right" ? b.sql : type === "full" ? `coalesce(${a.sql},${b.sql})` : a.sql,
    nullable: true
  }
  for (const side of left) {
    const at = side.columns.indexOf(a)
    if (at >= 0 && type !== "inner" && type !== "left") (side.columns as Array<SourceColumn>)[at] = merged
  }
}
