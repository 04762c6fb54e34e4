/** One running block: its parts call each other through this. */
import type { Routine } from "../compile/compilation.ts"
import type { QueryCursor } from "../execute/queryCursor.ts"
import type { Step } from "../storage/waiting.ts"
import type { Call, Dml, Expr, Query, TypeSpec } from "../syntax/ast.ts"
import type { PlsqlBlock, PlsqlStatement } from "../syntax/astPlsql.ts"
import type { Stored } from "../values/composite.ts"
import type { SqlType } from "../values/dataTypes.ts"
import type { OraError } from "../values/oraError.ts"
import type { SessionState } from "../values/sessionState.ts"
import type { Callee } from "./callees.ts"
import type { CursorCell, Environment, SubprogramEntry } from "./environment.ts"
import type { PlsqlHost } from "./plsqlHost.ts"

export interface Typed {
  readonly value: Stored
  readonly type: SqlType
  /** The open query of a cursor. */
  readonly cell?: CursorCell
  /** Of a LOB from a row: writes a change of it back. */
  readonly persist?: ((data: Stored) => void) | undefined
}

/** How a statement left its sequence. */
export type Leave =
  | { readonly kind: "exit" | "continue"; readonly label: string | undefined }
  | { readonly kind: "return"; readonly value: Typed | undefined }
  | undefined

/** Compiled expressions and statements of one text, by node. */
export interface Program {
  readonly sql: string
  /** The state of the catalog that the parts were compiled for. */
  version: number
  readonly schema: string
  compiled: WeakMap<object, unknown>
  /** The types that its declarations make: they stay the same for as long as it runs. */
  readonly types: WeakMap<object, SqlType>
}

export const newProgram = (sql: string, version: number, schema: string): Program => ({
  sql,
  version,
  schema,
  compiled: new WeakMap(),
  types: new WeakMap()
})

/** One run of a text in which statements stand: error stacks tell its lines. */
/** The program of a stored unit. */
export interface UnitProgram extends Program {
  /** `OWNER.NAME`, as the stack of an error gives it. */
  readonly name: string
  /** Of the specification of a package: what it declares may be used from everywhere. */
  readonly isSpec: boolean
  /** Lines before the one that counts as the first: those of a trigger are counted from its body. */
  readonly linesBefore: number
  /** AUTHID CURRENT_USER: names are looked up in the caller's schema. */
  readonly invoker: boolean
}

export interface Unit {
  /** `OWNER.NAME`; undefined for an anonymous block. */
  readonly name: string | undefined
  readonly sql: string
  /** Where the statement that runs now begins. */
  at: number
  readonly linesBefore?: number
}

/** What the attributes of SQL tell. */
export interface SqlState {
  /** SQL%ROWCOUNT; undefined before the first statement. */
  rowCount: number | undefined
  /** SQL%BULK_ROWCOUNT: rows of each iteration of a FORALL. */
  bulkCounts: ReadonlyMap<number, number>
  /** SQL%BULK_EXCEPTIONS. */
  bulkErrors: ReadonlyArray<{ readonly index: number; readonly code: number }>
}

export interface Machine {
  readonly host: PlsqlHost
  readonly session: SessionState
  readonly program: Program
  readonly bindTypes: ReadonlyArray<SqlType>
  readonly binds: Array<Stored>
  readonly bindCursors: Map<number, QueryCursor>
  /** Index-by table binds: they pass through to procedures as they are. */
  readonly bindArrays: Map<number, ReadonlyArray<Stored>>
  /** How many elements fit in each of them. */
  readonly bindRooms: Map<number, number>
  readonly sql: SqlState
  /** The stored unit whose code it runs; undefined for an anonymous block. */
  readonly home: UnitProgram | undefined
  unit: Unit
  /** The run of a pipelined function: what its rows are, and the last one. */
  pipe: { readonly element: SqlType; value: Stored } | undefined
  readonly evaluate: (expr: Expr, env: Environment) => Step<Typed>
  readonly test: (expr: Expr, env: Environment) => Step<boolean>
  /** Assigns to a variable, a field, an element, a bind or a cursor variable. */
  readonly store: (target: Expr, value: Typed, env: Environment) => Step<void>
  readonly block: (block: PlsqlBlock, parent: Environment) => Step<Leave>
  readonly statements: (list: ReadonlyArray<PlsqlStatement>, env: Environment) => Step<Leave>
  readonly call: (call: Call, env: Environment) => Step<Typed | undefined>
  /** Runs what the name of a call was found to mean. */
  readonly invoke: (call: Call, callee: Callee, env: Environment) => Step<Typed | undefined>
  readonly openQuery: (query: Query, env: Environment) => Step<QueryCursor>
  readonly dml: (statement: Dml, env: Environment) => Step<number>
  /** Gives the event loop a turn now and then. */
  readonly breathe: () => Step<void>
  readonly integer: (expr: Expr, env: Environment) => Step<number>
  /** The static type of an expression; undefined for what has none. */
  readonly expressionType: (expr: Expr, env: Environment) => SqlType | undefined
  /** A function that a statement of SQL in this text calls. */
  readonly functionInSql: (
    path: ReadonlyArray<string>,
    entry: SubprogramEntry,
    args: ReadonlyArray<SqlType>,
    names: ReadonlyArray<string | undefined>
  ) => Routine | undefined
  /** The type a declaration names, in this place. */
  readonly typeOf: (spec: TypeSpec, env: Environment) => SqlType
  readonly fail: (error: OraError) => never
}

/** The compiled parts; a definition within the block makes those before it stale. */
export const partsOf = (machine: Machine): WeakMap<object, unknown> => {
  const { program } = machine
  const { version } = machine.host.core.catalog
  if (program.version !== version) {
    program.version = version
    program.compiled = new WeakMap()
  }
  return program.compiled
}
