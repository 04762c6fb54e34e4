/** Applies the rows of a statement one by one, with the triggers that it fires around each and around all of them. */
import type { ColumnDef } from "../catalog/catalog.ts"
import type { Frame } from "../execute/frame.ts"
import { complete } from "../execute/operator.ts"
import type { Row } from "../storage/tableData.ts"
import type { Step } from "../storage/waiting.ts"
import type { TriggerEvent } from "../syntax/astUnits.ts"
import type { Stored } from "../values/composite.ts"
import { oraError } from "../values/oraError.ts"
import { formatRowid } from "../values/rowid.ts"
import type { DmlOutcome } from "./dmlOutcome.ts"
import { type DmlPlan, type InsteadPlan, mergeAction, type TablePlan } from "./dmlPlan.ts"
import { checked, inserted, returnedValues } from "./returnedRows.ts"
import type { RowWriter } from "./rowWriter.ts"
import type { StatementTriggers, TriggerRequest } from "./triggering.ts"

const events = (plan: DmlPlan): ReadonlyArray<TriggerEvent> => {
  switch (plan.kind) {
    case "insert":
      return ["INSERT"]
    case "insertAll":
      // Planning has refused tables with triggers.
      return []
    case "update":
      return ["UPDATE"]
    case "delete":
      return ["DELETE"]
    case "instead":
      return [plan.event]
    case "merge":
      return [
        ...(plan.inserts ? ["INSERT" as const] : []),
        ...(plan.changed.length > 0 ? ["UPDATE" as const] : []),
        ...(plan.deleteWhere === undefined ? [] : ["DELETE" as const])
      ]
  }
}

export const triggerRequest = (plan: DmlPlan): TriggerRequest => ({
  object: plan.kind === "instead" ? plan.view : plan.table,
  events: events(plan),
  changed: plan.kind === "instead"
    ? plan.changed
    : new Set(plan.kind === "update" || plan.kind === "merge" ? plan.changed.map((column) => column.name) : []),
  single: plan.kind === "insert" && plan.single
})

const withValues = (row: Row, columns: ReadonlyArray<ColumnDef>, values: ReadonlyArray<Stored>): Row => {
  const changed = [...row]
  for (let i = 0; i < columns.length; i++) changed[columns[i]!.place] = values[i]!
  return changed
}

const emptyRow = (length: number): Row => Array.from({ length }, () => null)

/** The columns whose values a trigger has changed, beside those that the statement sets. */
const alsoChanged = (
  plan: TablePlan,
  changed: ReadonlyArray<ColumnDef>,
  before: Row,
  after: Row
): ReadonlyArray<ColumnDef> =>
  plan.stored.filter((column) => changed.includes(column) || before[column.place] !== after[column.place])

export function* applyFiring(
  plan: TablePlan,
  writer: RowWriter,
  triggers: StatementTriggers,
  f: Frame
): Step<DmlOutcome> {
  const { table } = plan
  const operator = plan.plan.make(f)
  const returned: Array<ReadonlyArray<Stored>> = []
  const returnedRows: Array<number> = []
  const returning = (now: Row | undefined, old: Row | undefined): void => {
    if (plan.returning === undefined) return
    returned.push(returnedValues(plan.returning, f, table, now, old))
    returnedRows.push((now ?? old!)[0] as number)
  }
  function* insert(values: Row): Step<void> {
    const given = withValues(emptyRow(table.nextPlace), plan.stored, values)
    const now = (yield* triggers.beforeRow("INSERT", undefined, given))!
    const written = writer.insert(table, plan.stored, plan.stored.map((column) => now[column.place] ?? null))
    yield* triggers.afterRow("INSERT", undefined, written)
    returning(inserted(plan, f, written), undefined)
  }
  function* update(
    number: number,
    changed: ReadonlyArray<ColumnDef>,
    values: Row,
    returns: boolean
  ): Step<Row> {
    const old = writer.lock(table, number)
    const given = withValues(old, changed, values)
    const now = (yield* triggers.beforeRow("UPDATE", old, given))!
    const columns = alsoChanged(plan, changed, given, now)
    const written = writer.update(table, number, old, columns, columns.map((column) => now[column.place] ?? null))
    yield* triggers.afterRow("UPDATE", old, written)
    checked(plan, f, written)
    if (returns) returning(written, old)
    return written
  }
  function* remove(number: number): Step<void> {
    const old = writer.lock(table, number)
    yield* triggers.beforeRow("DELETE", old, undefined)
    returning(undefined, old)
    writer.remove(table, number, old)
    yield* triggers.afterRow("DELETE", old, undefined)
  }
  const seen = new Set<number>()
  let rowCount = 0
  yield* triggers.beforeStatement()
  yield* complete(f, () => operator.open())
  while (yield* complete(f, () => operator.next())) {
    const row = f.rows[plan.slot]!
    rowCount++
    switch (plan.kind) {
      case "insert":
        yield* insert(row)
        break
      case "update":
        yield* update(row[0] as number, plan.changed, row.slice(1), true)
        break
      case "delete":
        yield* remove(row[0] as number)
        break
      case "merge":
        if (row[0] === mergeAction.insert) yield* insert(row.slice(1))
        else if (row[0] === mergeAction.update) {
          const number = row[1] as number
          if (seen.has(number)) throw oraError(30926, "unable to get a stable set of rows in the source tables")
          seen.add(number)
          const now = yield* update(number, plan.changed, row.slice(2), plan.deleteWhere === undefined)
          if (plan.deleteWhere === undefined) break
          f.rows[plan.target] = now
          if (plan.deleteWhere(f) === 1) yield* remove(number)
        } else rowCount--
    }
    yield* complete(f, () => f.step())
  }
  yield* complete(f, () => writer.finish())
  yield* triggers.afterStatement()
  const last = writer.lastRow
  return {
    rowCount,
    lastRowid: last === undefined ? undefined : formatRowid(last.table.id, last.row),
    returned,
    returnedRows
  }
}

/** A view changes by what its triggers do in place of the statement. */
export function* applyInstead(
  plan: InsteadPlan,
  triggers: StatementTriggers | undefined,
  f: Frame
): Step<DmlOutcome> {
  const operator = plan.plan.make(f)
  const width = plan.view.described.length
  let rowCount = 0
  yield* complete(f, () => operator.open())
  while (yield* complete(f, () => operator.next())) {
    const row = f.rows[plan.slot]!
    const old = plan.event === "INSERT" ? undefined : row.slice(0, width)
    const now = plan.event === "INSERT" ? row : plan.event === "UPDATE" ? row.slice(width) : undefined
    if (triggers !== undefined) yield* triggers.insteadOfRow(plan.event, old, now)
    rowCount++
    yield* complete(f, () => f.step())
  }
  return { rowCount, lastRowid: undefined, returned: [], returnedRows: [] }
}
