/** What a statement reads of a row that it has written: the values of RETURNING, and the condition of a view. */
import type { Table } from "../catalog/catalog.ts"
import type { Frame } from "../execute/frame.ts"
import type { Row } from "../storage/tableData.ts"
import type { ReturningPlan, TablePlan } from "./dmlPlan.ts"

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
export const checked = (plan: TablePlan, f: Frame, row: Row): Row => {
  if (plan.check === undefined) return row
  f.rows[plan.check.slot] = row
  const failure = plan.check.failure(f)
  if (failure !== undefined) throw failure
  return row
}
