/** One running block: its parts call each other through this. */
import type { QueryCursor } from "../execute/queryCursor.ts"
import type { Step } from "../storage/waiting.ts"
import type { Call, Dml, Expr, Query, TypeSpec } from "../syntax/ast.ts"
import type { PlsqlBlock, PlsqlStatement } from "../syntax/astDefinitions.ts"
import type { Stored } from "../values/convert.ts"
import type { OraError } from "../values/oraError.ts"
import type { SessionState } from "../values/sessionState.ts"
import type { SqlType } from "../values/sqlType.ts"
import type { Environment } from "./environment.ts"
import type { PlsqlHost } from "./plsqlHost.ts"

export interface Typed {
  readonly value: Stored
  readonly type: SqlType
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
  /** SQL%ROWCOUNT; undefined before the first statement. */
  sqlRowCount: number | undefined
  readonly evaluate: (expr: Expr, env: Environment) => Step<Typed>
  readonly test: (expr: Expr, env: Environment) => Step<boolean>
  readonly assign: (target: Expr, value: Typed, env: Environment) => void
  readonly assignCursor: (target: Expr, cursor: QueryCursor | undefined, env: Environment) => void
  readonly block: (block: PlsqlBlock, parent: Environment) => Step<Leave>
  readonly statements: (list: ReadonlyArray<PlsqlStatement>, env: Environment) => Step<Leave>
  readonly call: (call: Call, env: Environment) => Step<Typed | undefined>
  readonly openQuery: (query: Query, env: Environment) => Step<QueryCursor>
  readonly dml: (statement: Dml, env: Environment) => Step<number>
  /** The type a declaration names, in this place. */
  readonly typeOf: (spec: TypeSpec, env: Environment) => SqlType
  readonly fail: (error: OraError) => never
}
