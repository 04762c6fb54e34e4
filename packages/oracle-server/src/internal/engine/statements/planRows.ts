/** What a plan gives for each row: projected values, and the number of the row that is changed. */
import { columnTerm, constant, type Source, type Term } from "../compile/term.ts"
import type { Frame } from "../execute/frame.ts"
import type { Plan } from "../execute/operator.ts"
import { Project } from "../execute/rows.ts"
import type { Row } from "../storage/tableData.ts"

export const projected = (plan: Plan, slot: number, row: (f: Frame) => Row): Plan => ({
  slots: [...plan.slots, slot],
  free: plan.free,
  make: (f) => new Project(f, plan.make(f), slot, row)
})

export const rowNumber = (source: Source): Term =>
  columnTerm(source.slot, 0, constant(0, { ...constantNumber }).type, true)

export const constantNumber = { name: "NUMBER", precision: 0, scale: -127, size: 0, chars: 0 } as const
