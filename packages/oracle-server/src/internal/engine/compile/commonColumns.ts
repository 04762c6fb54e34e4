/** What plain and recursive common tables share: names for their columns, and their rows in the slot of a reader. */
import type { Plan } from "../execute/operator.ts"
import { Project } from "../execute/rows.ts"
import type { CommonTable } from "../syntax/ast.ts"
import { oraError } from "../values/oraError.ts"
import type { CompiledQuery } from "./compilation.ts"
import type { OutColumn } from "./term.ts"

export const plainBlock = { orderBy: [], siblings: false, locking: false, sequences: false, ranks: false }

export const renamed = (cte: CommonTable, columns: ReadonlyArray<OutColumn>): ReadonlyArray<OutColumn> => {
  if (cte.columns.length > 0 && cte.columns.length !== columns.length) {
    throw oraError(
      32038,
      "number of WITH clause column names does not match number of elements in select list",
      cte.at
    )
  }
  return columns.map((column, i) => ({ ...column, name: cte.columns[i] ?? column.name }))
}

/** The rows of a plan in another slot. */
export const movedTo = (query: CompiledQuery, slot: number): Plan => {
  const slots = [...query.plan.slots, slot]
  const from = query.slot
  return {
    slots,
    free: query.plan.free,
    make: (f) => new Project(f, query.plan.make(f), slot, () => f.rows[from]!)
  }
}
