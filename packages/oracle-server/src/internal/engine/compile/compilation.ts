/** The state of compiling one statement for one session. */
import type { Catalog, Table, View } from "../catalog/catalog.ts"
import type { PolicyCondition, PolicyStatement } from "../catalog/policies.ts"
import type { Privileges } from "../catalog/privileges.ts"
import type { Eval, Frame } from "../execute/frame.ts"
import type { Plan } from "../execute/operator.ts"
import type { PipedRows } from "../execute/pipeScan.ts"
import type { Row } from "../storage/tableData.ts"
import type { Step } from "../storage/waiting.ts"
import type { Call, Expr, Query } from "../syntax/ast.ts"
import type { MethodKind } from "../syntax/astTypes.ts"
import type { Stored } from "../values/composite.ts"
import type { ObjectType, SqlType } from "../values/dataTypes.ts"
import type { SessionState } from "../values/sessionState.ts"
import type { BindType } from "../values/value.ts"
import type { OutColumn, Scope, Site, Term } from "./term.ts"

export type { Site }

/** Where a parameter gets its value at run time. */
export type Parameter =
  | { readonly kind: "bind"; readonly index: number; readonly type: SqlType }
  | { readonly kind: "variable"; readonly path: ReadonlyArray<string>; readonly type: SqlType }

/** Rows of a data dictionary view. */
export interface DictionaryView {
  readonly columns: ReadonlyArray<{ readonly name: string; readonly type: SqlType }>
  readonly rows: (session: SessionState) => ReadonlyArray<Row>
}

/** A function that is no part of the library: written in TypeScript or PL/SQL. */
export interface Routine {
  readonly returns: SqlType
  /** Types of the parameters in their order, with what stands for one that is left out. */
  readonly parameters: ReadonlyArray<{ readonly name: string; readonly type: SqlType; readonly optional: boolean }>
  /** `undefined` for a parameter that is left out. */
  readonly run: (f: Frame, args: ReadonlyArray<Stored | undefined>) => Step<Stored>
  /** Starts a pipelined function. */
  readonly pipe?: (f: Frame, args: ReadonlyArray<Stored | undefined>) => PipedRows
}

/** A call whose arguments PL/SQL evaluates by itself. */
export interface BlockCall {
  readonly returns: SqlType
  readonly run: (f: Frame) => Step<Stored>
}

export interface CompilationContext {
  readonly catalog: Catalog
  readonly privileges: Privileges
  readonly session: SessionState
  readonly bindTypes: ReadonlyArray<SqlType>
  /** Types of PL/SQL variables in scope. */
  readonly variable: (path: ReadonlyArray<string>) => SqlType | undefined
  readonly dictionary: (path: ReadonlyArray<string>) => DictionaryView | undefined
  /** The function of this name for arguments of these types, some of which have the name of their parameter. */
  readonly routine: (
    path: ReadonlyArray<string>,
    args: ReadonlyArray<SqlType>,
    names: ReadonlyArray<string | undefined>
  ) => Routine | undefined
  /** A type that somebody made, by its name. */
  readonly type?: (path: ReadonlyArray<string>) => SqlType | undefined
  /** A method of an object type, or its constructor; undefined when none takes these arguments. */
  readonly method?: (
    type: ObjectType,
    name: string,
    args: ReadonlyArray<SqlType>,
    names: ReadonlyArray<string | undefined>,
    /** That of the type itself, whatever subtype SELF is of. */
    exactly: boolean
  ) => (Routine & { readonly kind: MethodKind }) | undefined
  /** The MAP or ORDER method of a type. */
  readonly order?: (type: ObjectType) => { readonly kind: "map" | "order"; readonly name: string } | undefined
  /** Conditions that policies put on the rows of a table or a view now; undefined when it has no policies. */
  readonly policies?: (
    object: Table | View,
    kind: PolicyStatement,
    /** Only what policies with UPDATE_CHECK ask of a row that was written. */
    written: boolean
  ) => ReadonlyArray<PolicyCondition> | undefined
  /** In an expression of PL/SQL: the functions its names can mean. */
  readonly blockCall?: (call: Call) => BlockCall | undefined
  readonly nextValue: (id: number, session: SessionState) => Stored
  readonly currentValue: (id: number, session: SessionState) => Stored
}

/** A compiled query: its rows come in a slot. */
export interface CompiledQuery {
  readonly plan: Plan
  readonly slot: number
  readonly columns: ReadonlyArray<OutColumn>
}

/** A query that is put together, but may still become a part of the one around it. */
interface CommonTableEntry {
  readonly name: string
  readonly columns: ReadonlyArray<OutColumn>
  /** Makes a plan that reads it into this slot. */
  readonly read: (c: Compilation, slot: number) => Plan
}

export class Compilation {
  readonly context: CompilationContext
  readonly parameters: Array<Parameter> = []
  /** Tables that are read, with the slots of their rows. */
  readonly tables = new Set<Table>()
  /** Tables and views that the statement itself names, not those behind views. */
  readonly named = new Set<object>()
  readonly commonTables: Array<CommonTableEntry> = []
  /** The schema in which names are looked up: a view's own while the view is expanded. */
  schema: string
  viewDepth = 0
  /** Policies have been asked: the plan is good for one execution. */
  volatile = false
  depth = 0
  site: Site
  /** Sequences whose values a row takes, with the place where the row's value is kept. */
  readonly sequences = new Map<number, number>()
  #slots = 0
  #places = 0
  readonly expr: (c: Compilation, expr: Expr, scope: Scope) => Term
  readonly query: (c: Compilation, query: Query, parent: Scope | undefined) => CompiledQuery

  constructor(
    context: CompilationContext,
    expr: (c: Compilation, expr: Expr, scope: Scope) => Term,
    query: (c: Compilation, query: Query, parent: Scope | undefined) => CompiledQuery
  ) {
    this.context = context
    this.schema = context.session.currentSchema
    this.expr = expr
    this.query = query
    this.site = { place: this.place(), heavy: false }
  }

  /** A new slot for rows. */
  slot(): number {
    return this.#slots++
  }

  /** A new place in the state of a run. */
  place(): number {
    return this.#places++
  }

  parameter(parameter: Parameter): number {
    this.parameters.push(parameter)
    return this.parameters.length - 1
  }
}

/** Compiles what one operator evaluates at a time; the result of `build` must be evaluated through `wrap`. */
export const atSite = <A, B>(
  c: Compilation,
  build: () => A,
  wrap: (built: A) => (f: Frame) => B
): (f: Frame) => B => {
  const outer = c.site
  const site: Site = { place: c.place(), heavy: false }
  c.site = site
  let evaluate: (f: Frame) => B
  try {
    evaluate = wrap(build())
  } finally {
    c.site = outer
  }
  if (!site.heavy) return evaluate
  return (f) => {
    const value = evaluate(f)
    f.state[site.place] = ((f.state[site.place] as number | undefined) ?? 0) + 1
    return value
  }
}

/** One term, with its site. */
export const settled = (c: Compilation, build: () => Term): Term => {
  let term: Term | undefined
  const evaluate: Eval = atSite(c, () => {
    term = build()
    return term
  }, (built) => built.eval)
  return evaluate === term!.eval ? term! : { ...term!, eval: evaluate }
}

/** A row of the terms' values. */
export const rowOf = (terms: ReadonlyArray<Term>): (f: Frame) => Row => {
  const evals = terms.map((term) => term.eval)
  const { length } = evals
  if (length === 1) {
    const [a] = evals as [Eval]
    return (f) => [a(f)]
  }
  if (length === 2) {
    const [a, b] = evals as [Eval, Eval]
    return (f) => [a(f), b(f)]
  }
  return (f) => {
    const row: Row = []
    for (let i = 0; i < length; i++) row.push(evals[i]!(f))
    return row
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
    chars: 0,
    ...(bind?.composite === undefined ? {} : { composite: bind.composite })
  }
}
