/** The parsed form of statements that change rows, and of those that control a session or a transaction. */
import type { Expr, FromItem, PartitionName, Query } from "./ast.ts"
import type { RoleChoice } from "./astAccounts.ts"

export interface Returning {
  readonly exprs: ReadonlyArray<Expr>
  /** OLD or NEW before an expression. */
  readonly images: ReadonlyArray<"old" | "new" | undefined>
  readonly into: ReadonlyArray<Expr>
  /** BULK COLLECT INTO. */
  readonly bulk: boolean
}

export interface TableTarget {
  readonly path: ReadonlyArray<string>
  readonly partition?: PartitionName | undefined
  /** An inline view in place of a name. */
  readonly query?: Query | undefined
  readonly alias: string | undefined
  readonly at: number
}

export interface Assignment {
  readonly columns: ReadonlyArray<{ readonly name: string; readonly at: number }>
  /** One expression for one column, a subquery for several; undefined is DEFAULT. */
  readonly value: Expr | undefined
}

/** INSERT ALL and INSERT FIRST. */
interface MultiInsert {
  readonly first: boolean
  readonly branches: ReadonlyArray<{
    readonly when: Expr | undefined
    readonly isElse: boolean
    readonly intos: ReadonlyArray<{
      readonly target: TableTarget
      readonly columns: ReadonlyArray<{ readonly name: string; readonly at: number }>
      /** undefined takes the columns of the query. */
      readonly values: ReadonlyArray<Expr | undefined> | undefined
    }>
  }>
}

export interface Insert {
  readonly kind: "insert"
  readonly target: TableTarget
  readonly multi?: MultiInsert | undefined
  readonly columns: ReadonlyArray<{ readonly name: string; readonly at: number }>
  /** Rows of VALUES; undefined stands for DEFAULT. */
  readonly rows: ReadonlyArray<ReadonlyArray<Expr | undefined>> | undefined
  readonly query: Query | undefined
  /** `VALUES record` of PL/SQL. */
  readonly record: Expr | undefined
  readonly returning: Returning | undefined
  readonly at: number
}

export interface Update {
  readonly kind: "update"
  readonly target: TableTarget
  /** Tables that the values and the condition may name, too. */
  readonly from?: ReadonlyArray<FromItem> | undefined
  readonly sets: ReadonlyArray<Assignment>
  /** SET ROW: the record that all columns take their values from; there are no sets then. */
  readonly record?: Expr | undefined
  readonly where: Expr | undefined
  readonly returning: Returning | undefined
  readonly at: number
}

export interface Delete {
  readonly kind: "delete"
  readonly target: TableTarget
  readonly from?: ReadonlyArray<FromItem> | undefined
  readonly where: Expr | undefined
  readonly returning: Returning | undefined
  readonly at: number
}

export interface Merge {
  readonly kind: "merge"
  readonly target: TableTarget
  readonly using: FromItem
  readonly on: Expr
  readonly matched: {
    readonly sets: ReadonlyArray<Assignment>
    readonly where: Expr | undefined
    readonly deleteWhere: Expr | undefined
  } | undefined
  readonly notMatched: {
    readonly columns: ReadonlyArray<{ readonly name: string; readonly at: number }>
    readonly values: ReadonlyArray<Expr | undefined>
    readonly where: Expr | undefined
  } | undefined
  readonly returning: Returning | undefined
  readonly at: number
}

export type Dml = Insert | Update | Delete | Merge

interface LockTable {
  readonly kind: "lock"
  readonly tables: ReadonlyArray<TableTarget>
  readonly mode: string
  readonly wait: number | undefined
}

export type SessionStatement =
  | { readonly kind: "commit" }
  /** COMMIT FORCE and ROLLBACK FORCE. */
  | { readonly kind: "force"; readonly name: string; readonly commits: boolean }
  | { readonly kind: "rollback"; readonly savepoint: string | undefined }
  | { readonly kind: "savepoint"; readonly name: string }
  | {
    readonly kind: "settransaction"
    readonly isolation: "read committed" | "serializable" | "read only"
  }
  | { readonly kind: "altersession"; readonly settings: ReadonlyArray<readonly [string, string, number]> }
  | { readonly kind: "killsession"; readonly sid: number; readonly serial: number; readonly immediate: boolean }
  | { readonly kind: "noop" }
  | {
    readonly kind: "setconstraints"
    /** undefined for ALL. */
    readonly names: ReadonlyArray<{ readonly path: ReadonlyArray<string>; readonly at: number }> | undefined
    readonly mode: "deferred" | "immediate"
  }
  | { readonly kind: "setrole"; readonly choice: RoleChoice; readonly at: number }
  | LockTable
