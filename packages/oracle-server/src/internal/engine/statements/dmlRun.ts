/** Running a DML plan for one set of bind values. */
import type { Table } from "../catalog/catalog.ts"
import type { Frame } from "../execute/frame.ts"
import { complete } from "../execute/operator.ts"
import { turn } from "../execute/turns.ts"
import type { Locks } from "../storage/locks.ts"
import type { Row } from "../storage/tableData.ts"
import type { Transaction } from "../storage/transaction.ts"
import type { Step } from "../storage/waiting.ts"
import type { Stored } from "../values/composite.ts"
import { oraError } from "../values/oraError.ts"
import { formatRowid } from "../values/rowid.ts"
import type { DmlOutcome } from "./dmlOutcome.ts"
import { type DmlPlan, type InsertAllPlan, mergeAction, type MergePlan, type TablePlan } from "./dmlPlan.ts"
import { checked, inserted, returnedValues } from "./returnedRows.ts"
import { Blocked, Changed, RowWriter, type RowWriterServices } from "./rowWriter.ts"
import { applyFiring, applyInstead } from "./triggeredRows.ts"
import type { StatementTriggers } from "./triggering.ts"

export interface DmlServices {
  readonly locks: Locks
  readonly transaction: Transaction
  readonly sid: number
  /** A frame for one attempt, reading at the moment of the call. */
  readonly frame: () => Frame
  readonly violated: RowWriterServices["violated"]
  readonly partitionFor: RowWriterServices["partitionFor"]
  readonly refuseCascade: (table: Table) => void
  /** Those that the statement fires, if any. */
  readonly triggers: StatementTriggers | undefined
}

export type { DmlOutcome } from "./dmlOutcome.ts"

export function* runDml(plan: DmlPlan, services: DmlServices): Step<DmlOutcome> {
  const { transaction } = services
  transaction.beforeWrite()
  for (;;) {
    const mark = transaction.mark()
    let frame: Frame | undefined
    try {
      for (const table of writtenTables(plan)) {
        const holder = transaction.lockTable(table, "ROW EXCLUSIVE")
        if (holder !== 0) throw new Blocked(holder)
      }
      frame = services.frame()
      const { triggers } = services
      const outcome = plan.kind === "instead"
        ? yield* applyInstead(plan, triggers, frame)
        : triggers === undefined
        ? yield* apply(plan, services, frame)
        : yield* applyFiring(plan, newWriter(services, frame), triggers, frame)
      if (outcome.rowCount === 0) transaction.settle()
      return outcome
    } catch (error) {
      if (!(error instanceof Blocked) && !(error instanceof Changed)) {
        yield* undo(transaction, mark)
        transaction.undoTo(mark, false)
        transaction.settle()
        throw error
      }
      // The locks that were reached are kept; the statement then starts anew and sees what was committed.
      transaction.undoTo(mark, true)
      frame?.close()
      frame = undefined
      if (error instanceof Changed) continue
      try {
        yield services.locks.waitFor(services.sid, error.holder, undefined)
      } catch (failure) {
        transaction.undoTo(mark, false)
        transaction.settle()
        throw failure
      }
    } finally {
      frame?.close()
    }
  }
}

const writtenTables = (plan: DmlPlan): ReadonlyArray<Table> =>
  plan.kind === "instead"
    ? []
    : plan.kind === "insertAll"
    ? plan.targets.map(({ table }) => table)
    : [plan.table]

/** Changes that are taken back between two turns of the event loop. */
const undoneAtOnce = 4096

/** Takes a long statement back a slice at a time. A second break, or the end of the session, does not stop that. */
function* undo(transaction: Transaction, mark: ReturnType<Transaction["mark"]>): Step<void> {
  while (transaction.undoSome(mark, undoneAtOnce)) {
    try {
      yield turn
    } catch {
      // What is left is taken back at once.
      return
    }
  }
}

const newWriter = (services: DmlServices, frame: Frame): RowWriter =>
  new RowWriter({
    frame,
    transaction: services.transaction,
    sid: services.sid,
    violated: services.violated,
    partitionFor: services.partitionFor,
    refuseCascade: services.refuseCascade
  })

function* apply(plan: TablePlan, services: DmlServices, f: Frame): Step<DmlOutcome> {
  const writer = newWriter(services, f)
  const operator = plan.plan.make(f)
  const returned: Array<ReadonlyArray<Stored>> = []
  const returnedRows: Array<number> = []
  const returning = (now: Row | undefined, old: Row | undefined): void => {
    if (plan.returning === undefined) return
    returned.push(returnedValues(plan.returning, f, plan.table, now, old))
    returnedRows.push((now ?? old!)[0] as number)
  }
  const seen = new Set<number>()
  let rowCount = 0
  yield* complete(f, () => operator.open())
  yield* complete(f, () => {
    while (operator.next()) {
      const row = f.rows[plan.slot]!
      switch (plan.kind) {
        case "insert":
          returning(checked(plan, f, writer.insert(plan.table, plan.stored, row)), undefined)
          rowCount++
          break
        case "insertAll":
          rowCount += insertRows(plan, row, writer)
          break
        case "update": {
          const number = row[0] as number
          if (plan.isJoin && seen.has(number)) throw unstable()
          if (plan.isJoin) seen.add(number)
          const old = writer.lock(plan.table, number)
          returning(checked(plan, f, writer.update(plan.table, number, old, plan.changed, row.slice(1))), old)
          rowCount++
          break
        }
        case "delete": {
          const number = row[0] as number
          if (plan.isJoin && seen.has(number)) break
          if (plan.isJoin) seen.add(number)
          const old = writer.lock(plan.table, number)
          returning(undefined, old)
          writer.remove(plan.table, number, old)
          rowCount++
          break
        }
        case "merge":
          rowCount += mergeRow(plan, row, writer, f, seen, returning)
      }
      f.step()
    }
  })
  yield* complete(f, () => writer.finish())
  const last = writer.lastRow
  return {
    rowCount,
    lastRowid: last === undefined ? undefined : formatRowid(last.table.id, last.row),
    returned,
    returnedRows
  }
}

const unstable = (): Error => oraError(30926, "unable to get a stable set of rows in the source tables")

/** The rows of a multitable INSERT: null for a table that this row does not go to. */
const insertRows = (plan: InsertAllPlan, rows: Row, writer: RowWriter): number => {
  let count = 0
  plan.targets.forEach(({ stored, table }, i) => {
    const values = rows[i] as unknown as Row | null
    if (values === null) return
    writer.insert(table, stored, values)
    count++
  })
  return count
}

const mergeRow = (
  plan: MergePlan,
  row: Row,
  writer: RowWriter,
  f: Frame,
  seen: Set<number>,
  returning: (now: Row | undefined, old: Row | undefined) => void
): number => {
  switch (row[0]) {
    case mergeAction.update: {
      const number = row[1] as number
      if (seen.has(number)) throw unstable()
      seen.add(number)
      const old = writer.lock(plan.table, number)
      const now = checked(plan, f, writer.update(plan.table, number, old, plan.changed, row.slice(2)))
      f.rows[plan.target] = now
      const isGone = plan.deleteWhere !== undefined && plan.deleteWhere(f) === 1
      returning(isGone ? undefined : now, old)
      if (isGone) writer.remove(plan.table, number, now)
      return 1
    }
    case mergeAction.insert:
      returning(inserted(plan, f, writer.insert(plan.table, plan.stored, row.slice(1))), undefined)
      return 1
    default:
      return 0
  }
}
