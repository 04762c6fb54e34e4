/** SQL inside of PL/SQL: queries, DML, cursors. */
import type { QueryCursor } from "../execute/queryCursor.ts"
import type { DmlPlan } from "../statements/dmlPlan.ts"
import type { DmlOutcome } from "../statements/dmlRun.ts"
import type { Step } from "../storage/waiting.ts"
import type { Expr, Query } from "../syntax/ast.ts"
import type { PlsqlStatement } from "../syntax/astPlsql.ts"
import type { Dml } from "../syntax/astStatements.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { oraError } from "../values/oraError.ts"
import { assigned } from "./assignment.ts"
import { type CursorVariable, Environment } from "./environment.ts"
import { type Machine, partsOf } from "./machine.ts"
import { compileError, contextOf, openQuery, readerOf, ready } from "./queryPlans.ts"
import { assignRow, bulkTargets, fetchBulk } from "./rows.ts"
import { cursorOf } from "./targets.ts"
import { newCell, newVariable } from "./variables.ts"

/** Exactly one row of an open query. */
export function* singleRow(
  machine: Machine,
  cursor: QueryCursor,
  into: ReadonlyArray<Expr>,
  env: Environment
): Step<void> {
  const rows = yield* cursor.take(2)
  const persists = cursor.types.map((type, i) => type.name.endsWith("LOB") ? cursor.persistOf(i) : undefined)
  cursor.close()
  machine.sql.rowCount = rows.length
  if (rows.length === 0) throw oraError(1403, "no data found")
  if (rows.length > 1) throw oraError(1422, "exact fetch returns more than requested number of rows")
  yield* assignRow(machine, into, rows[0]!, cursor.types, env, (column) => persists[column])
}

export function* selectInto(machine: Machine, query: Query, env: Environment): Step<void> {
  const { body } = query
  if (body.kind !== "block" || body.into === undefined) {
    throw oraError(6550, "PLS-00428: an INTO clause is expected in this SELECT statement", query.at)
  }
  const cursor = yield* openQuery(machine, query, env)
  if (!body.bulkInto) {
    yield* singleRow(machine, cursor, body.into, env)
    return
  }
  try {
    machine.sql.rowCount = yield* fetchBulk(machine, cursor, body.into, Infinity, env)
  } finally {
    cursor.close()
  }
}

export function* returnRows(
  machine: Machine,
  into: ReadonlyArray<Expr>,
  bulk: boolean,
  outcomes: ReadonlyArray<DmlOutcome>,
  types: ReadonlyArray<SqlType>,
  env: Environment,
  plan?: DmlPlan
): Step<void> {
  if (bulk) {
    const targets = yield* bulkTargets(machine, into, env)
    for (const { returned } of outcomes) for (const row of returned) targets.add(row, types)
    targets.finish()
    return
  }
  const rows = outcomes.flatMap(({ returned }) => returned)
  if (rows.length > 1) throw oraError(1422, "exact fetch returns more than requested number of rows")
  if (rows.length !== 1) return
  const number = outcomes.flatMap(({ returnedRows }) => returnedRows)[0]
  yield* assignRow(machine, into, rows[0]!, types, env, (column) => {
    const origin = plan?.returning?.columns[column]?.origin
    if (plan === undefined || plan.kind === "instead" || origin === undefined || number === undefined) return undefined
    return (data) => machine.host.executor.writeLob(plan.table, number, origin.column, data)
  })
}

export const dmlPlan = (machine: Machine, statement: Dml, env: Environment): DmlPlan => {
  const known = partsOf(machine).get(statement) as DmlPlan | undefined
  if (known !== undefined) return known
  try {
    const plan = machine.host.executor.compile(statement, contextOf(machine, env)) as DmlPlan
    if (!plan.compilation.volatile) partsOf(machine).set(statement, plan)
    return plan
  } catch (error) {
    throw compileError(machine, error, statement.at, "SQL Statement")
  }
}

export function* runDmlStatement(machine: Machine, statement: Dml, env: Environment): Step<number> {
  const plan = dmlPlan(machine, statement, env)
  yield* ready(machine, plan.parameters, env)
  const outcome = yield* machine.host.executor.dml(plan, readerOf(machine, env))
  machine.sql.rowCount = outcome.rowCount
  if (plan.returning !== undefined) {
    const types = plan.returning.columns.map((column) => column.type)
    yield* returnRows(machine, plan.returning.into, plan.returning.bulk, [outcome], types, env, plan)
  }
  return outcome.rowCount
}

export function* openDeclared(
  machine: Machine,
  cursor: CursorVariable,
  args: ReadonlyArray<Expr>,
  env: Environment
): Step<void> {
  if (cursor.cell.open !== undefined) throw oraError(6511, "PL/SQL: cursor already open")
  const outer = cursor.environment ?? env
  const scope = new Environment(outer)
  for (let i = 0; i < cursor.parameters.length; i++) {
    const parameter = cursor.parameters[i]!
    const type = machine.typeOf(parameter.type, outer)
    const given = args[i]
    if (given === undefined && parameter.default === undefined) {
      throw oraError(6550, `PLS-00306: wrong number or types of arguments in call to '${parameter.name}'`)
    }
    const value = given === undefined
      ? yield* machine.evaluate(parameter.default!, outer)
      : yield* machine.evaluate(given, env)
    scope.declare(parameter.name, newVariable(type, true, false, assigned(machine, type, value, false)))
  }
  cursor.cell = newCell(yield* openQuery(machine, cursor.query!, scope))
}

type Fetch = Extract<PlsqlStatement, { kind: "fetch" }>

export function* fetchInto(machine: Machine, statement: Fetch, env: Environment): Step<void> {
  const cell = cursorOf(statement.cursor, env)?.cell
  const open = cell?.open ??
    (statement.cursor.kind === "bind" ? machine.bindCursors.get(statement.cursor.index) : undefined)
  if (open === undefined) throw oraError(1001, "invalid cursor")
  if (statement.bulk) {
    const limit = statement.limit === undefined ? Infinity : yield* machine.integer(statement.limit, env)
    if (limit < 1) throw oraError(6502, "PL/SQL: value or conversion error")
    const count = yield* fetchBulk(machine, open, statement.into, limit, env)
    if (cell !== undefined) {
      cell.found = count === limit
      cell.rowCount += count
    }
    return
  }
  const row = (yield* open.take(1))[0]
  if (cell !== undefined) {
    cell.found = row !== undefined
    if (row !== undefined) cell.rowCount++
  }
  if (row !== undefined) {
    yield* assignRow(machine, statement.into, row, open.types, env, (column) => open.persistOf(column))
  }
}

export const closeCursor = (machine: Machine, expr: Expr, env: Environment): void => {
  const cell = cursorOf(expr, env)?.cell
  const open = cell?.open ?? (expr.kind === "bind" ? machine.bindCursors.get(expr.index) : undefined)
  if (open === undefined) throw oraError(1001, "invalid cursor")
  open.close()
  if (cell !== undefined) cell.open = undefined
  if (expr.kind === "bind") machine.bindCursors.delete(expr.index)
}
