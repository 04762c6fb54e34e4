/** Resolving names: columns, pseudo columns, PL/SQL variables, functions without parentheses. */
import type { Expr } from "../Ast.ts"
import { library } from "../functions/Library.ts"
import { oraError } from "../OraError.ts"
import { BOOLEAN, NUMBER } from "../SqlType.ts"
import type { Compilation } from "./Compilation.ts"
import { call } from "./Operators.ts"
import type { Scope, Source, SourceColumn, Sql } from "./Sql.ts"

const nullaryFunctions = new Set([
  "SYSDATE",
  "SYSTIMESTAMP",
  "CURRENT_DATE",
  "CURRENT_TIMESTAMP",
  "LOCALTIMESTAMP",
  "SESSIONTIMEZONE",
  "DBTIMEZONE",
  "USER",
  "UID"
])

const matches = (source: Source, qualifier: ReadonlyArray<string>): boolean => {
  if (qualifier.length === 1) return source.alias === qualifier[0]
  return source.owner === qualifier[0] && source.alias === qualifier[1]
}

/** The column in this scope alone. */
const columnIn = (
  scope: Scope,
  path: ReadonlyArray<string>,
  at: number
): { readonly source: Source; readonly column: SourceColumn } | undefined => {
  const name = path.at(-1)!
  const qualifier = path.slice(0, -1)
  let found: { readonly source: Source; readonly column: SourceColumn } | undefined
  for (const source of scope.sources) {
    if (qualifier.length > 0 && !matches(source, qualifier)) continue
    const column = source.columns.find((candidate) => candidate.name === name)
    if (column === undefined) continue
    if (qualifier.length === 0 && source.merged.has(name)) continue
    if (found !== undefined) {
      throw oraError(
        918,
        `${name}: column ambiguously specified - appears in ${found.source.alias ?? ""} and ${source.alias ?? ""}`,
        at
      )
    }
    found = { source, column }
  }
  return found
}

const asSql = (column: SourceColumn, scope: Scope): Sql => {
  let sql = column.sql
  let rowidOf = column.rowidOf
  if (scope.wrap !== undefined) {
    let name = scope.wrap.names.get(sql)
    if (name === undefined) {
      name = "w" + scope.wrap.names.size
      scope.wrap.names.set(sql, name)
    }
    sql = `${scope.wrap.alias}.${name}`
    rowidOf = undefined
  }
  return { sql, type: column.type, nullable: column.nullable, ...(rowidOf === undefined ? {} : { rowidOf }) }
}

/** After grouping, only what was grouped by may be used. */
const checkGrouped = (scope: Scope, sql: Sql, name: string, at: number): Sql => {
  if (scope.groups === undefined || scope.inAggregate || scope.groups.includes(sql.sql)) return sql
  if (scope.groups.length === 0) throw oraError(937, `"${name}": not a single-group group function`, at)
  throw oraError(979, `"${name}": must appear in the GROUP BY clause or be used in an aggregate function`, at)
}

const sequenceValue = (c: Compilation, path: ReadonlyArray<string>, scope: Scope, at: number): Sql | undefined => {
  const what = path.at(-1)
  if (what !== "NEXTVAL" && what !== "CURRVAL") return undefined
  const object = c.context.catalog.find(path.slice(0, -1), c.schema)
  if (object === undefined) throw oraError(2289, "sequence does not exist", at)
  if (object.kind !== "sequence") throw oraError(2289, "sequence does not exist", at)
  if (!scope.sequences) throw oraError(2287, "sequence number not allowed here", at)
  c.volatile = true
  // One row takes one value however often it is named; the store would take one at each place.
  if (c.sequences.has(object.id)) {
    throw oraError(3001, "unimplemented feature: one sequence named twice in a statement", at)
  }
  if (what === "NEXTVAL") c.sequences.add(object.id)
  return { sql: `${what === "NEXTVAL" ? "seq_next" : "seq_curr"}(${object.id})`, type: NUMBER, nullable: false }
}

export const resolveName = (c: Compilation, expr: Extract<Expr, { kind: "name" }>, scope: Scope): Sql => {
  const { at, path } = expr
  const display = path.map((part) => `"${part}"`).join(".")
  for (let current: Scope | undefined = scope; current !== undefined; current = current.parent) {
    const found = columnIn(current, path, at)
    if (found !== undefined) {
      const sql = asSql(found.column, current)
      return checkGrouped(current, sql, path.join("."), at)
    }
    const special = pseudoColumn(current, path, at)
    if (special !== undefined) return special
  }
  const variable = c.context.variable(path)
  if (variable !== undefined) {
    return { sql: c.parameter({ kind: "variable", path, type: variable }), type: variable, nullable: true }
  }
  const sequence = sequenceValue(c, path, scope, at)
  if (sequence !== undefined) return sequence
  if (path.length === 1 && nullaryFunctions.has(path[0]!)) {
    const def = library[path[0]!]!
    return { ...call(path[0]!, def.returns as Sql["type"]), nullable: false }
  }
  const packaged = library[path.join(".")]
  if (path.length > 1 && packaged !== undefined && (packaged.min ?? packaged.params.length) === 0) {
    return call(path.join("."), packaged.returns as Sql["type"])
  }
  if (
    path.length === 1 && (path[0] === "LEVEL" || path[0] === "CONNECT_BY_ISLEAF" || path[0] === "CONNECT_BY_ISCYCLE")
  ) {
    throw oraError(1788, "CONNECT BY clause required in this query block", at)
  }
  if (path.length === 1 && path[0] === "ROWNUM") {
    throw oraError(976, "Specified pseudocolumn or operator not allowed here.", at)
  }
  throw oraError(904, `${display}: invalid identifier`, at)
}

const pseudoColumn = (scope: Scope, path: ReadonlyArray<string>, at: number): Sql | undefined => {
  const name = path.at(-1)!
  if (path.length === 1 && name === "ROWNUM" && scope.sources.length > 0) {
    scope.rownumUsed = true
    if (scope.rownum === undefined) throw oraError(3001, "unimplemented feature: ROWNUM in this place", at)
    return { sql: scope.rownum, type: NUMBER, nullable: false }
  }
  if (path.length === 1 && name === "LEVEL" && scope.level !== undefined) {
    return { sql: scope.level, type: NUMBER, nullable: false }
  }
  if (path.length === 1 && name === "CONNECT_BY_ISLEAF" && scope.hierarchy !== undefined) {
    return { sql: scope.hierarchy.isLeaf, type: NUMBER, nullable: false }
  }
  if (name === "ROWID") {
    const sources = scope.sources.filter((source) => path.length === 1 || matches(source, path.slice(0, -1)))
    if (sources.length === 0) return undefined
    if (sources.length > 1) throw oraError(918, "ROWID: column ambiguously specified", at)
    throw oraError(1446, "cannot select ROWID from, or sample, a view with DISTINCT, GROUP BY, etc.", at)
  }
  return undefined
}

export const trueSql: Sql = { sql: "1", type: BOOLEAN, nullable: false }
