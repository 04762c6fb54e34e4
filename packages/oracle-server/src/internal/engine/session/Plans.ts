/** Statements of a session and what they were compiled to. */
import type { StatementSync } from "node:sqlite"
import type { Expr, Query } from "../Ast.ts"
import type { Parsed } from "../AstDefinitions.ts"
import type { Table } from "../Catalog.ts"
import { Compilation, type CompilationContext, finish, type Parameter } from "../compile/Compilation.ts"
import { compileExpr } from "../compile/Expressions.ts"
import { compileQuery } from "../compile/Queries.ts"
import type { OutColumn, Source } from "../compile/Sql.ts"
import type { Stored } from "../Convert.ts"
import type { DmlPlan } from "../dml/DmlPlan.ts"
import { type Prepared } from "../dml/DmlPlan.ts"
import type { Column, Placeholder, Statement, StatementKind } from "../Engine.ts"
import { oraError } from "../OraError.ts"
import { QueryCursor } from "../QueryCursor.ts"
import type { SessionState } from "../SessionState.ts"
import type { SqlType } from "../SqlType.ts"
import type { Store } from "../Store.ts"
import { type Decoder, decoderFor, describeColumn } from "../Values.ts"

export interface QueryPlan {
  readonly kind: "query"
  readonly columns: ReadonlyArray<Column>
  readonly out: ReadonlyArray<OutColumn>
  readonly decoders: ReadonlyArray<Decoder>
  readonly tables: ReadonlySet<number>
  readonly sql: string
  readonly order: ReadonlyArray<Parameter>
  /** Tables to lock, with the column that holds the row. */
  readonly locks: ReadonlyArray<{ readonly table: Table; readonly column: number }>
  readonly query: Query
  /** Prepared statements that no cursor uses. */
  readonly free: Array<StatementSync>
}

export interface SessionStatement extends Statement {
  readonly parsed: Parsed
  /** By types of binds, schema and version of the catalog. */
  readonly plans: Map<string, QueryPlan | DmlPlan>
  lastKey: string
  lastPlan: QueryPlan | DmlPlan | undefined
  catalogVersion: number
  /** The state of the catalog when the directions of the placeholders were found. */
  readonly parsedVersion: number
}

export const statementKind = (parsed: Parsed): StatementKind => {
  switch (parsed.kind) {
    case "select":
      return "query"
    case "session":
      return "other"
    default:
      return parsed.kind
  }
}

export const newStatement = (
  sql: string,
  parsed: Parsed,
  placeholders: ReadonlyArray<Placeholder>,
  parsedVersion: number
): SessionStatement => ({
  _tag: "Statement",
  sql,
  kind: statementKind(parsed),
  placeholders,
  parsed,
  plans: new Map(),
  lastKey: "",
  lastPlan: undefined,
  catalogVersion: -1,
  parsedVersion
})

export const compilation = (context: CompilationContext): Compilation =>
  new Compilation(context, compileExpr, (c, query, parent) => compileQuery(c, query, parent))

export const planQuery = (c: Compilation, query: Query): QueryPlan => {
  const compiled = compileQuery(c, query, undefined, true)
  const { order, sql } = finish(c, compiled.sql)
  const of = query.forUpdate?.of ?? []
  const names = (source: Source, expr: Expr): boolean =>
    expr.kind === "name" && (expr.path.length === 1 || source.alias === expr.path.at(-2)) &&
    source.columns.some((column) => column.name === expr.path.at(-1))
  for (const expr of of) {
    if (compiled.locked.some((source) => names(source, expr))) continue
    const path = expr.kind === "name" ? expr.path : ["?"]
    throw oraError(904, `${path.map((part) => `"${part}"`).join(".")}: invalid identifier`, expr.at)
  }
  const locked = compiled.locked.filter((source) => of.length === 0 || of.some((expr) => names(source, expr)))
  return {
    kind: "query",
    columns: compiled.columns.map(describeColumn),
    out: compiled.columns,
    decoders: compiled.columns.map((column) => decoderFor(column.type)),
    tables: c.tables,
    sql,
    order,
    locks: locked.map((source) => ({
      table: source.table!,
      column: compiled.columns.length + compiled.locked.indexOf(source)
    })),
    query,
    free: []
  }
}

/** Reads a parameter at run time. */
export type ParameterReader = (parameter: Parameter) => Stored

export const parameterValues = (order: ReadonlyArray<Parameter>, read: ParameterReader): ReadonlyArray<Stored> => {
  if (order.length === 0) return []
  const values: Array<Stored> = []
  for (const parameter of order) values.push(read(parameter))
  return values
}

export const openQuery = (
  store: Store,
  session: SessionState,
  plan: QueryPlan,
  values: ReadonlyArray<Stored>
): QueryCursor => {
  const statement = plan.free.pop() ?? store.prepare(plan.sql)
  return new QueryCursor(store, session, plan, {
    statement,
    values,
    giveBack: (used) => {
      plan.free.push(used)
    }
  })
}

/** Runs a read to its end. */
export const readAll = (
  store: Store,
  prepared: Prepared,
  values: ReadonlyArray<Stored>
): ReadonlyArray<ReadonlyArray<Stored>> => store.rows(prepared.sql, ...values)

export const typesKey = (types: ReadonlyArray<SqlType>): string => {
  let key = ""
  for (const type of types) key += type.name + ";"
  return key
}
