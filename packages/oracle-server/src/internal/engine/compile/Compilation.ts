/** The state of compiling one statement for one session. */
import type { Expr, Query } from "../Ast.ts"
import type { Catalog } from "../Catalog.ts"
import type { BindType, Procedure } from "../Engine.ts"
import type { SessionState } from "../SessionState.ts"
import type { SqlType } from "../SqlType.ts"
import type { CompiledQuery, Scope, Sql } from "./Sql.ts"

/** Where a parameter of the store's statement gets its value at run time. */
export type Parameter =
  | { readonly kind: "bind"; readonly index: number; readonly type: SqlType }
  | { readonly kind: "variable"; readonly path: ReadonlyArray<string>; readonly type: SqlType }
  /** The version of a row that is looked at again after it was written. */
  | { readonly kind: "version" }

/** Rows of a data dictionary view. */
export interface DictionaryView {
  readonly columns: ReadonlyArray<{ readonly name: string; readonly type: SqlType }>
  /** The name under which the store asks for the rows. */
  readonly name: string
}

export interface CompilationContext {
  readonly catalog: Catalog
  readonly session: SessionState
  readonly bindTypes: ReadonlyArray<SqlType>
  /** Types of PL/SQL variables in scope. */
  readonly variable: (path: ReadonlyArray<string>) => SqlType | undefined
  readonly dictionary: (path: ReadonlyArray<string>) => DictionaryView | undefined
  /** A registered or stored function by its path, with its result type when SQL may call it. */
  readonly userFunction: (
    path: ReadonlyArray<string>
  ) => { readonly key: string; readonly procedure: Procedure; readonly returns: SqlType } | undefined
}

export interface CommonTableEntry {
  readonly name: string
  readonly sqlName: string
  readonly columns: CompiledQuery["columns"]
}

export class Compilation {
  readonly context: CompilationContext
  readonly parameters: Array<Parameter> = []
  /** Ids of the tables that are read. */
  readonly tables = new Set<number>()
  readonly commonTables: Array<CommonTableEntry> = []
  /** True when the statement takes a sequence value or calls a function with effects. */
  volatile = false
  /** Sequences whose NEXTVAL is taken. */
  readonly sequences = new Set<number>()
  /** The schema in which names are looked up: a view's own while the view is expanded. */
  schema: string
  private aliases = 0
  viewDepth = 0
  readonly expr: (c: Compilation, expr: Expr, scope: Scope) => Sql
  readonly query: (c: Compilation, query: Query, parent: Scope | undefined) => CompiledQuery

  constructor(
    context: CompilationContext,
    expr: (c: Compilation, expr: Expr, scope: Scope) => Sql,
    query: (c: Compilation, query: Query, parent: Scope | undefined) => CompiledQuery
  ) {
    this.context = context
    this.schema = context.session.currentSchema
    this.expr = expr
    this.query = query
  }

  get sid(): number {
    return this.context.session.info.sid
  }

  alias(): string {
    return "a" + ++this.aliases
  }

  parameter(parameter: Parameter): string {
    this.parameters.push(parameter)
    return `\u0001${this.parameters.length - 1}\u0001`
  }
}

/** A type for a bind as the driver describes it. */
export const bindSqlType = (bind: BindType | undefined): SqlType => {
  const name = bind?.type ?? "VARCHAR2"
  const fraction = name.startsWith("TIMESTAMP") ? 9 : 0
  return {
    name,
    precision: name.startsWith("INTERVAL") ? 9 : 0,
    scale: name === "NUMBER" || name === "BINARY_INTEGER" ? -127 : name === "INTERVAL DAY TO SECOND" ? 9 : fraction,
    size: bind?.maxSize ?? 4000,
    chars: 0
  }
}

/** The text with `?` for each parameter, and the parameters in the order of their places. */
export const finish = (
  c: Compilation,
  sql: string
): { readonly sql: string; readonly order: ReadonlyArray<Parameter> } => {
  if (c.parameters.length === 0) return { sql, order: [] }
  const order: Array<Parameter> = []
  const parts = sql.split("\u0001")
  let text = parts[0]!
  for (let i = 1; i < parts.length; i += 2) {
    order.push(c.parameters[Number(parts[i])]!)
    text += "?" + parts[i + 1]!
  }
  return { sql: text, order }
}
