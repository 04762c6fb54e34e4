/** The parsed form of DDL and PL/SQL. */
import type { Block as QueryBlock, Call, Dml, Expr, Query, SessionStatement, TypeSpec } from "./ast.ts"

import type { TypeDdl } from "./astTypes.ts"
import type { UnitDdl } from "./astUnits.ts"

export type { QueryBlock }

export interface ColumnSpec {
  readonly name: string
  readonly type: TypeSpec | undefined
  readonly default: Expr | undefined
  readonly defaultText: string | undefined
  readonly defaultOnNull: boolean
  readonly identity: { readonly mode: "always" | "default" | "onnull"; readonly sequence: SequenceOptions } | undefined
  readonly virtual: Expr | undefined
  /** undefined when the text does not say (ALTER … MODIFY keeps it). */
  readonly nullable: boolean | undefined
  /** INVISIBLE or VISIBLE, where the text says so. */
  readonly visible: boolean | undefined
  readonly constraints: ReadonlyArray<ConstraintSpec>
  readonly at: number
}

export interface ConstraintSpec {
  readonly name: string | undefined
  readonly type: "primary" | "unique" | "foreign" | "check" | "notnull"
  readonly columns: ReadonlyArray<string>
  readonly references:
    | { readonly table: ReadonlyArray<string>; readonly columns: ReadonlyArray<string>; readonly at: number }
    | undefined
  readonly onDelete: "cascade" | "set null" | undefined
  readonly check: Expr | undefined
  readonly checkText: string | undefined
  readonly disabled: boolean
  readonly at: number
}

export interface SequenceOptions {
  readonly start: string | undefined
  readonly increment: string | undefined
  readonly min: string | undefined
  readonly max: string | undefined
  readonly cycle: boolean | undefined
  readonly cache: string | undefined
  readonly order: boolean | undefined
  readonly restart: boolean
}

export type AlterTableAction =
  | { readonly kind: "addColumns"; readonly columns: ReadonlyArray<ColumnSpec> }
  | { readonly kind: "addConstraint"; readonly constraint: ConstraintSpec }
  | { readonly kind: "modifyColumns"; readonly columns: ReadonlyArray<ColumnSpec> }
  | { readonly kind: "dropColumns"; readonly names: ReadonlyArray<string> }
  | { readonly kind: "dropConstraint"; readonly name: string | undefined; readonly primary: boolean }
  | { readonly kind: "renameColumn"; readonly from: string; readonly to: string }
  | { readonly kind: "renameTable"; readonly to: string }
  | { readonly kind: "renameConstraint"; readonly from: string; readonly to: string }
  | { readonly kind: "readOnly"; readonly readOnly: boolean }
  | { readonly kind: "storage" }
  | { readonly kind: "triggers"; readonly enabled: boolean }

export type Ddl =
  | {
    readonly kind: "createTable"
    readonly path: ReadonlyArray<string>
    readonly columns: ReadonlyArray<ColumnSpec>
    readonly constraints: ReadonlyArray<ConstraintSpec>
    readonly temporary: "delete" | "preserve" | undefined
    readonly query: Query | undefined
    readonly ifNotExists: boolean
    readonly at: number
  }
  | {
    readonly kind: "createView"
    readonly path: ReadonlyArray<string>
    readonly columns: ReadonlyArray<string>
    readonly query: Query
    readonly text: string
    readonly replace: boolean
    readonly readOnly: boolean
    readonly checkOption: boolean
    readonly at: number
  }
  | {
    readonly kind: "alterIndex"
    readonly path: ReadonlyArray<string>
    readonly to: string | undefined
    readonly at: number
  }
  | {
    readonly kind: "createIndex"
    readonly path: ReadonlyArray<string>
    readonly table: ReadonlyArray<string>
    readonly columns: ReadonlyArray<Expr>
    readonly unique: boolean
    readonly at: number
  }
  | {
    readonly kind: "createSequence"
    readonly path: ReadonlyArray<string>
    readonly options: SequenceOptions
    readonly at: number
  }
  | {
    readonly kind: "createSynonym"
    readonly path: ReadonlyArray<string>
    readonly target: ReadonlyArray<string>
    readonly public: boolean
    readonly replace: boolean
    readonly at: number
  }
  | {
    readonly kind: "createContext"
    readonly name: string
    readonly using: ReadonlyArray<string>
    readonly global: boolean
    readonly replace: boolean
    readonly at: number
  }
  | { readonly kind: "dropContext"; readonly name: string; readonly at: number }
  | { readonly kind: "createUser"; readonly name: string; readonly password: string | undefined; readonly at: number }
  | {
    readonly kind: "alterUser"
    readonly name: string
    readonly password: string | undefined
    readonly account: "locked" | "open" | "expired" | undefined
    readonly at: number
  }
  | { readonly kind: "dropUser"; readonly name: string; readonly cascade: boolean; readonly at: number }
  | TypeDdl
  | UnitDdl
  | {
    readonly kind: "drop"
    readonly object:
      | "TABLE"
      | "VIEW"
      | "INDEX"
      | "SEQUENCE"
      | "SYNONYM"
      | "PROCEDURE"
      | "FUNCTION"
      | "PACKAGE"
      | "PACKAGE BODY"
      | "TRIGGER"
    readonly path: ReadonlyArray<string>
    readonly cascade: boolean
    readonly public: boolean
    readonly ifExists: boolean
    readonly at: number
  }
  | {
    readonly kind: "alterTable"
    readonly path: ReadonlyArray<string>
    readonly actions: ReadonlyArray<AlterTableAction>
    readonly at: number
  }
  | {
    readonly kind: "alterSequence"
    readonly path: ReadonlyArray<string>
    readonly options: SequenceOptions
    readonly at: number
  }
  | { readonly kind: "truncate"; readonly path: ReadonlyArray<string>; readonly at: number }
  | { readonly kind: "rename"; readonly from: string; readonly to: string; readonly at: number }
  | {
    readonly kind: "comment"
    readonly path: ReadonlyArray<string>
    readonly column: boolean
    readonly text: string
    readonly at: number
  }
  | {
    readonly kind: "grant"
    /** Who gets, or loses, the privileges. */
    readonly grantees: ReadonlyArray<{ readonly name: string; readonly at: number }>
    readonly at: number
  }

/** Whole statements. */
export type Parsed =
  | { readonly kind: "select"; readonly query: Query; readonly at: number }
  | Dml
  | { readonly kind: "ddl"; readonly ddl: Ddl }
  | { readonly kind: "session"; readonly statement: SessionStatement }
  | { readonly kind: "plsql"; readonly block: PlsqlBlock }

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
