/** What a statement reads of a row that it has written: the values of RETURNING, and the condition of a view. */
import type { Table } from "../catalog/catalog.ts"
import type { Frame } from "../execute/frame.ts"
import type { Row } from "../storage/tableData.ts"
import type { ReturningPlan, TablePlan } from "./dmlPlan.ts"
import type { RowCheck } from "./dmlTarget.ts"

const emptyRow = (table: Table): Row => Array.from({ length: table.nextPlace }, () => null)

/** The row as it is now, and as it was before; the one that there is not is empty. */
export const returnedValues = (
  returning: ReturningPlan,
  f: Frame,
  table: Table,
  now: Row | undefined,
  old: Row | undefined
): Row => {
  f.rows[returning.slot] = now ?? emptyRow(table)
  f.rows[returning.oldSlot] = old ?? emptyRow(table)
  return returning.values(f)
}

/** The row that was written, when the view it was written through shows it. */
export const checked = (plan: TablePlan, f: Frame, row: Row): Row => satisfying(plan.check, f, row)

/** A MERGE has a check of its own for the rows that it inserts. */
export const inserted = (plan: TablePlan, f: Frame, row: Row): Row =>
  satisfying(plan.kind === "merge" ? plan.insertCheck : plan.check, f, row)

const satisfying = (check: RowCheck | undefined, f: Frame, row: Row): Row => {
  if (check === undefined) return row
  f.rows[check.slot] = row
  const failure = check.failure(f)
  if (failure !== undefined) throw failure
  return row
}
