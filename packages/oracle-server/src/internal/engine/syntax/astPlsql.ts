/** The parsed form of blocks of PL/SQL: their declarations, statements and handlers. */
import type { Call, Expr, Query, TypeSpec } from "./ast.ts"
import type { Dml, SessionStatement } from "./astStatements.ts"

export interface Parameter {
  readonly name: string
  readonly direction: "in" | "out" | "inout"
  readonly type: TypeSpec
  readonly default: Expr | undefined
}

export interface Subprogram {
  readonly name: string
  readonly parameters: ReadonlyArray<Parameter>
  readonly returns: TypeSpec | undefined
  /** undefined for one that is only declared: its body comes later, or elsewhere. */
  readonly block: PlsqlBlock | undefined
  readonly deterministic: boolean
  readonly pipelined: boolean
  readonly at: number
}

export type Declaration =
  | {
    readonly kind: "variable"
    readonly name: string
    readonly type: TypeSpec
    readonly constant: boolean
    readonly notNull: boolean
    readonly value: Expr | undefined
    readonly at: number
  }
  | {
    readonly kind: "cursor"
    readonly name: string
    readonly parameters: ReadonlyArray<Parameter>
    readonly query: Query
    readonly at: number
  }
  | { readonly kind: "exception"; readonly name: string; readonly at: number }
  | { readonly kind: "exceptionInit"; readonly name: string; readonly code: number; readonly at: number }
  | { readonly kind: "subprogram"; readonly subprogram: Subprogram; readonly at: number }
  | {
    readonly kind: "record"
    readonly name: string
    readonly fields: ReadonlyArray<Field>
    readonly at: number
  }
  | {
    readonly kind: "collection"
    readonly name: string
    readonly form: "table" | "varray"
    /** Of a VARRAY. */
    readonly limit: number | undefined
    readonly element: TypeSpec
    readonly elementNotNull: boolean
    readonly index: TypeSpec | undefined
    readonly at: number
  }
  | {
    readonly kind: "subtype"
    readonly name: string
    readonly type: TypeSpec
    readonly notNull: boolean
    readonly at: number
  }
  | { readonly kind: "autonomous"; readonly at: number }
  /** A pragma that changes no answer. */
  | { readonly kind: "noPragma"; readonly at: number }
  | { readonly kind: "refCursorType"; readonly name: string; readonly at: number }

export interface Field {
  readonly name: string
  readonly type: TypeSpec
  readonly notNull: boolean
  readonly value: Expr | undefined
}

export interface Handler {
  /** Empty for WHEN OTHERS. */
  readonly names: ReadonlyArray<ReadonlyArray<string>>
  readonly body: ReadonlyArray<PlsqlStatement>
}

export interface PlsqlBlock {
  readonly kind: "block"
  readonly label: string | undefined
  readonly declarations: ReadonlyArray<Declaration>
  readonly body: ReadonlyArray<PlsqlStatement>
  readonly handlers: ReadonlyArray<Handler>
  readonly at: number
}

export type PlsqlStatement =
  | PlsqlBlock
  | { readonly kind: "null"; readonly at: number }
  /** Before the statement that it names. */
  | { readonly kind: "label"; readonly name: string; readonly at: number }
  | { readonly kind: "goto"; readonly label: string; readonly at: number }
  | { readonly kind: "assign"; readonly target: Expr; readonly value: Expr; readonly at: number }
  | {
    readonly kind: "if"
    readonly branches: ReadonlyArray<readonly [Expr, ReadonlyArray<PlsqlStatement>]>
    readonly otherwise: ReadonlyArray<PlsqlStatement> | undefined
    readonly at: number
  }
  | {
    readonly kind: "case"
    readonly operand: Expr | undefined
    readonly branches: ReadonlyArray<readonly [Expr, ReadonlyArray<PlsqlStatement>]>
    readonly otherwise: ReadonlyArray<PlsqlStatement> | undefined
    readonly at: number
  }
  | {
    readonly kind: "loop"
    readonly label: string | undefined
    readonly condition: Expr | undefined
    readonly body: ReadonlyArray<PlsqlStatement>
    readonly at: number
  }
  | {
    readonly kind: "forRange"
    readonly label: string | undefined
    readonly variable: string
    readonly low: Expr
    readonly high: Expr
    readonly reverse: boolean
    readonly body: ReadonlyArray<PlsqlStatement>
    readonly at: number
  }
  | {
    readonly kind: "forCursor"
    readonly label: string | undefined
    readonly variable: string
    readonly query: Query | undefined
    readonly cursor: ReadonlyArray<string> | undefined
    readonly args: ReadonlyArray<Expr>
    readonly body: ReadonlyArray<PlsqlStatement>
    readonly at: number
  }
  | {
    readonly kind: "exit" | "continue"
    readonly label: string | undefined
    readonly when: Expr | undefined
    readonly at: number
  }
  | { readonly kind: "return"; readonly value: Expr | undefined; readonly at: number }
  | { readonly kind: "raise"; readonly name: ReadonlyArray<string> | undefined; readonly at: number }
  | { readonly kind: "call"; readonly call: Call; readonly at: number }
  /** PIPE ROW. */
  | { readonly kind: "pipe"; readonly value: Expr; readonly at: number }
  /** A method of what an expression gives: `t(1).extend`. */
  | { readonly kind: "method"; readonly expr: Expr; readonly at: number }
  | { readonly kind: "sql"; readonly statement: Dml; readonly at: number }
  | {
    readonly kind: "forall"
    readonly variable: string
    readonly low: Expr
    readonly high: Expr
    /** INDICES OF and VALUES OF: a collection in place of bounds. */
    readonly over: {
      readonly collection: Expr
      readonly values: boolean
      readonly between: readonly [Expr, Expr] | undefined
    } | undefined
    readonly saveExceptions: boolean
    readonly run: Extract<PlsqlStatement, { readonly kind: "sql" | "execute" }>
    readonly at: number
  }
  | { readonly kind: "selectInto"; readonly query: Query; readonly at: number }
  | { readonly kind: "session"; readonly statement: SessionStatement; readonly at: number }
  | {
    readonly kind: "execute"
    readonly text: Expr
    readonly into: ReadonlyArray<Expr>
    readonly using: ReadonlyArray<{ readonly expr: Expr; readonly out: boolean; readonly in: boolean }>
    readonly returningInto: ReadonlyArray<Expr>
    /** BULK COLLECT before INTO, and before the INTO of RETURNING. */
    readonly bulk: boolean
    readonly returningBulk: boolean
    readonly at: number
  }
  | {
    readonly kind: "open"
    readonly cursor: Expr
    readonly args: ReadonlyArray<Expr>
    readonly query: Query | undefined
    readonly text: Expr | undefined
    readonly using: ReadonlyArray<Expr>
    readonly at: number
  }
  | {
    readonly kind: "fetch"
    readonly cursor: Expr
    readonly into: ReadonlyArray<Expr>
    readonly bulk: boolean
    readonly limit: Expr | undefined
    readonly at: number
  }
  | { readonly kind: "close"; readonly cursor: Expr; readonly at: number }
