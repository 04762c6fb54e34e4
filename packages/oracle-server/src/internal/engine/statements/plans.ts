/** Statements of a session and what they were compiled to. */
import type { Table } from "../catalog/catalog.ts"
import type { Guarded } from "../catalog/privileges.ts"
import { requireAccess } from "../compile/access.ts"
import { Compilation, type CompilationContext, type Parameter } from "../compile/compilation.ts"
import { describeColumn } from "../compile/describe.ts"
import { compileExpr } from "../compile/expressions.ts"
import { compileQuery } from "../compile/queries.ts"
import type { OutColumn, Source } from "../compile/term.ts"
import type { Column, Placeholder, Statement, StatementKind } from "../engine.ts"
import type { Plan } from "../execute/operator.ts"
import type { Expr, Query } from "../syntax/ast.ts"
import type { Parsed } from "../syntax/astDefinitions.ts"
import { type Stored, typeName } from "../values/composite.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { oraError } from "../values/oraError.ts"
import { type Decoder, decoderFor } from "../values/values.ts"
import type { DmlPlan } from "./dmlPlan.ts"

export interface QueryPlan {
  readonly kind: "query"
  readonly columns: ReadonlyArray<Column>
  readonly out: ReadonlyArray<OutColumn>
  readonly decoders: ReadonlyArray<Decoder>
  readonly plan: Plan
  /** Where the rows come. */
  readonly slot: number
  readonly parameters: ReadonlyArray<Parameter>
  /** Tables to lock, with the slots of their rows. */
  readonly locks: ReadonlyArray<{ readonly table: Table; readonly slot: number }>
  /** Tables whose LOBs are handed out, with the slots of their rows: a LOB of a row that the session holds can be written. */
  readonly owners: ReadonlyArray<{ readonly table: Table; readonly slot: number }>
  readonly query: Query
  /** Those that it reads. */
  readonly tables: ReadonlySet<Table>
  /** Whether it is good for one execution only. */
  readonly compilation: { readonly volatile: boolean }
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

const statementKind = (parsed: Parsed): StatementKind => {
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
  const of = query.forUpdate?.of ?? []
  const names = (source: Source, expr: Expr): boolean =>
    expr.kind === "name" && (expr.path.length === 1 || source.alias === expr.path.at(-2)) &&
    source.columns.some((column) => column.name === expr.path.at(-1))
  for (const expr of of) {
    if (compiled.locked.some((source) => names(source, expr))) continue
    const path = expr.kind === "name" ? expr.path : ["?"]
    throw oraError(904, `${path.map((part) => `"${part}"`).join(".")}: invalid identifier`, expr.at)
  }
  if (query.forUpdate !== undefined && query.fetch !== undefined) {
    throw oraError(2014, "cannot select FOR UPDATE from view with DISTINCT, GROUP BY, etc.", query.at)
  }
  for (const object of query.forUpdate === undefined ? [] : c.named) {
    // READ alone locks nothing.
    requireAccess(c, object as Guarded, "SELECT", () => oraError(1031, "insufficient privileges"), query.at)
  }
  const locked = compiled.locked.filter((source) => of.length === 0 || of.some((expr) => names(source, expr)))
  return {
    kind: "query",
    columns: compiled.columns.map(describeColumn),
    out: compiled.columns,
    decoders: compiled.columns.map((column) => decoderFor(column.type)),
    plan: compiled.plan,
    slot: compiled.slot,
    parameters: c.parameters,
    locks: locked.map((source) => ({ table: source.table!, slot: source.slot })),
    owners: lobOwners(compiled.columns),
    query,
    tables: c.tables,
    compilation: c
  }
}

const lobOwners = (columns: ReadonlyArray<OutColumn>): QueryPlan["owners"] => {
  const owners = new Map<number, Table>()
  for (const { origin, type } of columns) {
    if (origin?.source.table !== undefined && type.name.endsWith("LOB")) {
      owners.set(origin.source.slot, origin.source.table)
    }
  }
  return [...owners].map(([slot, table]) => ({ table, slot }))
}

/** Reads a parameter at run time. */
export type ParameterReader = (parameter: Parameter) => Stored

export const parameterValues = (
  parameters: ReadonlyArray<Parameter>,
  read: ParameterReader
): ReadonlyArray<Stored> => {
  if (parameters.length === 0) return []
  const values: Array<Stored> = []
  for (let i = 0; i < parameters.length; i++) values.push(read(parameters[i]!))
  return values
}

export const typesKey = (types: ReadonlyArray<SqlType>): string => {
  let key = ""
  for (const type of types) key += type.composite === undefined ? type.name + ";" : `${typeName(type.composite)};`
  return key
}
