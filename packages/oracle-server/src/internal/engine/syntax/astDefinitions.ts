/** The parsed form of DDL, and of whole statements. */
import type { Block as QueryBlock, Expr, Query, TypeSpec } from "./ast.ts"
import type { AccountDdl } from "./astAccounts.ts"
import type { PartitionAction, PartitioningSpec } from "./astPartitions.ts"
import type { PlsqlBlock } from "./astPlsql.ts"
import type { Dml, SessionStatement } from "./astStatements.ts"
import type { DropType } from "./astTypes.ts"
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
  readonly terms: ConstraintTerms
  readonly at: number
}

/** What a text says of when a constraint is enforced; undefined where it says nothing. */
export interface ConstraintTerms {
  readonly deferrable: boolean | undefined
  readonly initiallyDeferred: boolean | undefined
  readonly enabled: boolean | undefined
  readonly validated: boolean | undefined
  readonly rely: boolean | undefined
  /** EXCEPTIONS INTO: where the rows are noted that violate it. */
  readonly exceptions: { readonly path: ReadonlyArray<string>; readonly at: number } | undefined
}

export type ConstraintName =
  | { readonly kind: "name"; readonly name: string; readonly at: number }
  | { readonly kind: "primary"; readonly at: number }
  | { readonly kind: "unique"; readonly columns: ReadonlyArray<string>; readonly at: number }

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
  | { readonly kind: "partitions"; readonly action: PartitionAction }
  | {
    readonly kind: "constraintState"
    readonly constraint: ConstraintName
    readonly terms: ConstraintTerms
    readonly cascade: boolean
  }
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
    readonly partitioning?: PartitioningSpec | undefined
    readonly rowMovement?: boolean
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
    /** Which of them are DESC. */
    readonly descending: ReadonlyArray<boolean>
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
  | AccountDdl
  | {
    readonly kind: "createMview"
    readonly path: ReadonlyArray<string>
    readonly columns: ReadonlyArray<string>
    readonly query: Query
    readonly text: string
    readonly isDeferred: boolean
    readonly method: "FORCE" | "COMPLETE" | "FAST" | "NEVER"
    readonly rewrite: boolean
    readonly ifNotExists: boolean
    readonly at: number
  }
  | {
    readonly kind: "dropMview"
    readonly path: ReadonlyArray<string>
    readonly ifExists: boolean
    readonly at: number
  }
  /** DBMS_MVIEW.REFRESH. */
  | {
    readonly kind: "refreshMview"
    readonly path: ReadonlyArray<string>
    readonly method: string
    readonly at: number
  }
  | { readonly kind: "mviewLog"; readonly path: ReadonlyArray<string>; readonly exists: boolean; readonly at: number }
  | DropType
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

/** Whole statements. */
export type Parsed =
  | { readonly kind: "select"; readonly query: Query; readonly at: number }
  | Dml
  | { readonly kind: "ddl"; readonly ddl: Ddl }
  | { readonly kind: "session"; readonly statement: SessionStatement }
  | { readonly kind: "plsql"; readonly block: PlsqlBlock }
