/** What plans of INSERT, UPDATE, DELETE and MERGE hold: how to read what is to be done, row by row, for the row writer. */
import type { ColumnDef, Table, View } from "../catalog/catalog.ts"
import type { Compilation } from "../compile/compilation.ts"
import type { OutColumn } from "../compile/term.ts"
import type { Eval, Frame } from "../execute/frame.ts"
import type { Plan } from "../execute/operator.ts"
import type { Row } from "../storage/tableData.ts"
import type { Expr } from "../syntax/ast.ts"
import type { RowCheck } from "./dmlTarget.ts"
import type { InsertAllParts } from "./insertAll.ts"

export interface ReturningPlan {
  /** The values for the row that was written, which stands in `slot`. */
  readonly values: (f: Frame) => Row
  readonly slot: number
  /** Where the row as it was stands. */
  readonly oldSlot: number
  readonly columns: ReadonlyArray<OutColumn>
  readonly into: ReadonlyArray<Expr>
  readonly bulk: boolean
}

interface Base {
  readonly table: Table
  /** Columns with a place in a row, in the order of the values. */
  readonly stored: ReadonlyArray<ColumnDef>
  readonly plan: Plan
  /** Where the plan leaves what is to be done. */
  readonly slot: number
  /** What a view WITH CHECK OPTION asks of a row that was written. */
  readonly check: RowCheck | undefined
  readonly returning: ReturningPlan | undefined
  readonly parameters: Compilation["parameters"]
  /** Those that it reads or changes. */
  readonly tables: ReadonlySet<Table>
  /** The compilation that made it: whether the plan is good for one execution only is known when it is complete. */
  readonly compilation: { readonly volatile: boolean }
}

/** The plan gives the values of `stored`. */
export interface InsertPlan extends Base {
  readonly kind: "insert"
  /** One row of given values. */
  readonly single: boolean
}

/** The plan gives the row's number, then the values of `changed`. */
export interface UpdatePlan extends Base {
  readonly kind: "update"
  /** A join may lead to a row twice. */
  readonly isJoin: boolean
  readonly changed: ReadonlyArray<ColumnDef>
}

/** The plan gives the row's number. */
export interface DeletePlan extends Base {
  readonly kind: "delete"
  readonly isJoin: boolean
}

/** The plan gives what to do, then a row's number with the values of `changed`, or the values of `stored`. */
export interface MergePlan extends Base {
  readonly kind: "merge"
  readonly inserts: boolean
  readonly changed: ReadonlyArray<ColumnDef>
  /** Asked with the updated row in `target`. */
  readonly deleteWhere: Eval | undefined
  readonly target: number
  /** What `check` is for the rows that are updated. */
  readonly insertCheck: RowCheck | undefined
}

/** A change of a view that its INSTEAD OF triggers do: the plan gives the old row, the new row, or both. */
export interface InsteadPlan extends Omit<Base, "table" | "stored" | "check"> {
  readonly kind: "instead"
  readonly view: View
  readonly event: "INSERT" | "UPDATE" | "DELETE"
  readonly changed: ReadonlySet<string>
}

export const mergeAction = { nothing: 0, update: 1, insert: 2 } as const

/** What changes the rows of a table. */
export interface InsertAllPlan extends Base {
  readonly kind: "insertAll"
  readonly targets: InsertAllParts["targets"]
}

export type TablePlan = InsertPlan | InsertAllPlan | UpdatePlan | DeletePlan | MergePlan

export type DmlPlan = TablePlan | InsteadPlan
