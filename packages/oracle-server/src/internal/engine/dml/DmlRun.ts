/** Running a DML plan for one set of bind values. */
import type { Stored } from "../Convert.ts"
import type { Locks } from "../Locks.ts"
import { oraError } from "../OraError.ts"
import { formatRowid } from "../Rowid.ts"
import type { Step } from "../Waiting.ts"
import type { DmlPlan, MergePlan, Prepared, UpdatePlan } from "./DmlPlan.ts"
import { Blocked, RowWriter, type RowWriterServices } from "./RowWriter.ts"

export interface DmlOutcome {
  readonly rowCount: number
  readonly lastRowid: string | undefined
  /** For RETURNING: a row of values for each row touched. */
  readonly returned: ReadonlyArray<ReadonlyArray<Stored>>
  /** The logical row behind each of them. */
  readonly returnedRows: ReadonlyArray<number>
}

export interface DmlServices extends RowWriterServices {
  readonly locks: Locks
  /** Runs a prepared read with this statement's parameters; `version` fills the row parameter. */
  readonly read: (prepared: Prepared, version: number | null) => ReadonlyArray<ReadonlyArray<Stored>>
}

export function* runDml(plan: DmlPlan, services: DmlServices): Step<DmlOutcome> {
  for (;;) {
    const { transaction } = services
    const mark = transaction.mark()
    try {
      const holder = transaction.lockTable(plan.table, "ROW EXCLUSIVE")
      if (holder !== 0) throw new Blocked(holder)
      const outcome = apply(plan, services)
      if (outcome.rowCount === 0) transaction.settle()
      return outcome
    } catch (error) {
      if (!(error instanceof Blocked)) {
        transaction.undoTo(mark, false)
        transaction.settle()
        throw error
      }
      // The locks that were reached are kept while waiting; the statement then starts anew and sees what was committed.
      transaction.undoTo(mark, true)
      yield services.locks.waitFor(services.sid, error.holder, undefined)
    }
  }
}

const apply = (plan: DmlPlan, services: DmlServices): DmlOutcome => {
  const rows = services.read(plan.read, null)
  const writer = new RowWriter(services)
  const returned: Array<ReadonlyArray<Stored>> = []
  const returnedRows: Array<number> = []
  const returning = (version: number): void => {
    if (plan.returning === undefined) return
    returned.push(services.read(plan.returning.prepared, version)[0]!)
    returnedRows.push(writer.lastRow?.row ?? -1)
  }
  let rowCount = rows.length
  switch (plan.kind) {
    case "insert":
      for (const row of rows) returning(writer.insert(plan.table, row, plan.omitted))
      break
    case "update":
      lockAll(plan, rows, writer)
      for (const row of rows) returning(updateRow(plan, services.sid, row, writer, 3))
      break
    case "delete":
      lockAll(plan, rows, writer)
      for (const row of rows) {
        returning(row[0] as number)
        writer.remove(plan.table, row[0] as number, row[1] as number, row.slice(3))
      }
      break
    case "merge":
      rowCount = mergeRows(plan, services.sid, rows, writer)
      break
  }
  writer.finish()
  const last = writer.lastRow
  return {
    rowCount,
    lastRowid: last === undefined ? undefined : formatRowid(last.table.id, last.row),
    returned,
    returnedRows
  }
}

const lockAll = (plan: DmlPlan, rows: ReadonlyArray<ReadonlyArray<Stored>>, writer: RowWriter): void => {
  for (const row of rows) writer.lock(plan.table, row[1] as number)
}

const updateRow = (
  plan: UpdatePlan | MergePlan,
  sid: number,
  row: ReadonlyArray<Stored>,
  writer: RowWriter,
  start: number
): number => {
  const old = row.slice(3, 3 + plan.stored.length)
  const next = [...old]
  const first = start + plan.stored.length + (plan.kind === "merge" ? 1 : 0)
  plan.changed.forEach((column, i) => {
    next[column] = row[first + i]!
  })
  return writer.update(plan.table, row[0] as number, row[1] as number, row[2] === sid, old, next, plan.changed)
}

const mergeRows = (
  plan: MergePlan,
  sid: number,
  rows: ReadonlyArray<ReadonlyArray<Stored>>,
  writer: RowWriter
): number => {
  const updateFlag = 3 + plan.stored.length
  const insertFlag = updateFlag + 1 + plan.changed.length
  const seen = new Set<Stored>()
  let count = 0
  for (const row of rows) {
    if (plan.updates && row[0] !== null && row[updateFlag] === 1) {
      if (seen.has(row[1]!)) throw oraError(30926, "unable to get a stable set of rows in the source tables")
      seen.add(row[1]!)
      writer.lock(plan.table, row[1] as number)
    }
  }
  for (const row of rows) {
    if (plan.updates && row[0] !== null && row[updateFlag] === 1) {
      updateRow(plan, sid, row, writer, 3)
      count++
    } else if (plan.inserts && row[0] === null && row[insertFlag] === 1) {
      writer.insert(plan.table, row.slice(insertFlag + 1), plan.omitted)
      count++
    }
  }
  return count
}
