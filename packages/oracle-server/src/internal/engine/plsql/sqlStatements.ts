/** SQL inside of PL/SQL: queries, DML, EXECUTE IMMEDIATE, cursors. */
import type { QueryCursor } from "../execute/queryCursor.ts"
import type { DmlPlan } from "../statements/dmlPlan.ts"
import { compilation, type ParameterReader, planQuery, type QueryPlan } from "../statements/plans.ts"
import type { Step } from "../storage/waiting.ts"
import type { Dml, Expr, Query } from "../syntax/ast.ts"
import type { PlsqlStatement } from "../syntax/astDefinitions.ts"
import type { Stored } from "../values/convert.ts"
import { oraError, unimplemented } from "../values/oraError.ts"
import { kindOf, type SqlType } from "../values/sqlType.ts"
import { type CursorVariable, Environment, type RecordVariable } from "./environment.ts"
import { assignScalar, compileError, partsOf, variablesOf } from "./evaluator.ts"
import type { Machine, Typed } from "./machine.ts"

const reader = (machine: Machine, env: Environment): ParameterReader => {
  const variables = variablesOf(machine, env)
  return (parameter) =>
    parameter.kind === "bind"
      ? machine.binds[parameter.index]!
      : parameter.kind === "variable"
      ? variables.read(parameter.path)
      : null
}

const queryPlan = (machine: Machine, query: Query, env: Environment): QueryPlan => {
  const known = partsOf(machine).get(query) as QueryPlan | undefined
  if (known !== undefined) return known
  try {
    const plan = planQuery(
      compilation(machine.host.executor.context(machine.bindTypes, variablesOf(machine, env))),
      query
    )
    partsOf(machine).set(query, plan)
    return plan
  } catch (error) {
    throw compileError(machine, error, query.at, "SQL Statement")
  }
}

export const queryColumns = (
  machine: Machine,
  query: Query,
  env: Environment
): ReadonlyArray<{ readonly name: string; readonly type: SqlType }> => queryPlan(machine, query, env).out

export function* openQuery(machine: Machine, query: Query, env: Environment): Step<QueryCursor> {
  return yield* machine.host.executor.query(queryPlan(machine, query, env), reader(machine, env))
}

/** Columns of a row to variables, or to one record. */
export const assignRow = (
  machine: Machine,
  into: ReadonlyArray<Expr>,
  row: ReadonlyArray<Stored>,
  types: ReadonlyArray<SqlType>,
  env: Environment
): void => {
  const record = into.length === 1 ? recordOf(into[0]!, env) : undefined
  if (record !== undefined) {
    const fields = [...record.fields.values()]
    if (fields.length !== types.length) {
      throw oraError(6504, "PL/SQL: Return types of Result Set variables or query do not match")
    }
    fields.forEach((field, i) => {
      field.value = assignScalar(machine, field.type, { value: row[i]!, type: types[i]! }, false)
    })
    return
  }
  if (into.length !== types.length) {
    throw oraError(
      into.length < types.length ? 947 : 913,
      into.length < types.length ? "not enough values" : "too many values"
    )
  }
  into.forEach((target, i) => machine.assign(target, { value: row[i]!, type: types[i]! }, env))
}

const recordOf = (target: Expr, env: Environment): RecordVariable | undefined => {
  if (target.kind !== "name" || target.path.length !== 1) return undefined
  const entry = env.find(target.path[0]!)
  return entry?.kind === "record" ? entry : undefined
}

export function* selectInto(machine: Machine, query: Query, env: Environment): Step<void> {
  const { body } = query
  if (body.kind !== "block" || body.into === undefined) {
    throw oraError(6550, "PLS-00428: an INTO clause is expected in this SELECT statement", query.at)
  }
  if (body.bulkInto) throw unimplemented("BULK COLLECT", query.at)
  const cursor = yield* openQuery(machine, query, env)
  const rows = yield* cursor.take(2)
  cursor.close()
  machine.sqlRowCount = rows.length
  if (rows.length === 0) throw oraError(1403, "no data found")
  if (rows.length > 1) throw oraError(1422, "exact fetch returns more than requested number of rows")
  assignRow(machine, body.into, rows[0]!, queryColumns(machine, query, env).map((column) => column.type), env)
}

export function* runDmlStatement(machine: Machine, statement: Dml, env: Environment): Step<number> {
  let plan = partsOf(machine).get(statement) as DmlPlan | undefined
  if (plan === undefined) {
    try {
      plan = machine.host.executor.compile(
        statement,
        machine.host.executor.context(machine.bindTypes, variablesOf(machine, env))
      ) as DmlPlan
    } catch (error) {
      throw compileError(machine, error, statement.at, "SQL Statement")
    }
    partsOf(machine).set(statement, plan)
  }
  const outcome = yield* machine.host.executor.dml(plan, reader(machine, env))
  machine.sqlRowCount = outcome.rowCount
  if (plan.returning !== undefined) {
    if (outcome.returned.length > 1) throw oraError(1422, "exact fetch returns more than requested number of rows")
    if (outcome.returned.length === 1) {
      assignRow(
        machine,
        plan.returning.into,
        outcome.returned[0]!,
        plan.returning.columns.map((column) => column.type),
        env
      )
    }
  }
  return outcome.rowCount
}

type Execute = Extract<PlsqlStatement, { kind: "execute" }>

export function* executeImmediate(
  machine: Machine,
  statement: Execute,
  env: Environment,
  runBlock: (sql: string, binds: Array<Typed>, outs: ReadonlyArray<boolean>) => Step<ReadonlyArray<Typed>>
): Step<void> {
  const text = yield* machine.evaluate(statement.text, env)
  if (text.value === null) throw oraError(6535, "statement string in EXECUTE IMMEDIATE is NULL or 0 length")
  const { executor } = machine.host
  const parsed = executor.parse(text.value as string)
  const binds: Array<Typed> = []
  for (const using of statement.using) binds.push(yield* machine.evaluate(using.expr, env))
  if (binds.length < parsed.placeholders.length - statement.returningInto.length) {
    throw oraError(1008, "not all variables bound")
  }
  if (binds.length > parsed.placeholders.length) throw oraError(1006, "bind variable does not exist")
  const types = binds.map((bind) => bind.type)
  const read: ParameterReader = (parameter) => parameter.kind === "bind" ? binds[parameter.index]?.value ?? null : null
  switch (parsed.parsed.kind) {
    case "ddl":
      yield* executor.define(parsed.parsed.ddl, parsed.sql)
      machine.sqlRowCount = 0
      return
    case "session":
      yield* executor.sessionStatement(parsed.parsed.statement)
      return
    case "plsql": {
      const outs = yield* runBlock(parsed.sql, binds, statement.using.map((using) => using.out))
      statement.using.forEach((using, i) => {
        if (using.out) machine.assign(using.expr, outs[i]!, env)
      })
      return
    }
    case "select": {
      if (statement.into.length === 0) return
      const plan = executor.plan(parsed, types) as QueryPlan
      const cursor = yield* executor.query(plan, read)
      const rows = yield* cursor.take(2)
      cursor.close()
      machine.sqlRowCount = rows.length
      if (rows.length === 0) throw oraError(1403, "no data found")
      if (rows.length > 1) throw oraError(1422, "exact fetch returns more than requested number of rows")
      assignRow(machine, statement.into, rows[0]!, plan.out.map((column) => column.type), env)
      return
    }
    default: {
      const plan = executor.plan(parsed, types) as DmlPlan
      const outcome = yield* executor.dml(plan, read)
      machine.sqlRowCount = outcome.rowCount
      if (plan.returning !== undefined && outcome.returned.length > 0) {
        assignRow(
          machine,
          statement.returningInto,
          outcome.returned[0]!,
          plan.returning.columns.map((column) => column.type),
          env
        )
      }
    }
  }
}

const cursorOf = (expr: Expr, env: Environment): CursorVariable | undefined => {
  if (expr.kind !== "name" || expr.path.length !== 1) return undefined
  const entry = env.find(expr.path[0]!)
  return entry?.kind === "cursor" ? entry : undefined
}

export function* openDeclared(
  machine: Machine,
  cursor: CursorVariable,
  args: ReadonlyArray<Expr>,
  env: Environment,
  parameterTypes: (env: Environment) => ReadonlyArray<SqlType>
): Step<void> {
  if (cursor.open !== undefined) throw oraError(6511, "PL/SQL: cursor already open")
  const scope = new Environment(env)
  const types = parameterTypes(env)
  for (let i = 0; i < cursor.parameters.length; i++) {
    const parameter = cursor.parameters[i]!
    const given = args[i] ?? parameter.default
    if (given === undefined) {
      throw oraError(6550, `PLS-00306: wrong number or types of arguments in call to '${parameter.name}'`)
    }
    scope.declare(parameter.name, {
      kind: "scalar",
      type: types[i]!,
      constant: true,
      notNull: false,
      value: assignScalar(machine, types[i]!, yield* machine.evaluate(given, env), false)
    })
  }
  cursor.open = yield* openQuery(machine, cursor.query!, scope)
  cursor.found = null
  cursor.rowCount = 0
}

type Open = Extract<PlsqlStatement, { kind: "open" }>

/** OPEN … FOR: a query, or a text with binds. */
export function* openFor(machine: Machine, statement: Open, env: Environment): Step<void> {
  let opened: QueryCursor
  if (statement.query !== undefined) opened = yield* openQuery(machine, statement.query, env)
  else {
    const text = yield* machine.evaluate(statement.text!, env)
    const { executor } = machine.host
    const parsed = executor.parse(String(text.value))
    if (parsed.parsed.kind !== "select") throw oraError(6539, "target of OPEN must be a query")
    const binds: Array<Typed> = []
    for (const using of statement.using) binds.push(yield* machine.evaluate(using, env))
    if (binds.length < parsed.placeholders.length) throw oraError(1008, "not all variables bound")
    const plan = executor.plan(parsed, binds.map((bind) => bind.type)) as QueryPlan
    opened = yield* executor.query(
      plan,
      (parameter) => parameter.kind === "bind" ? binds[parameter.index]!.value : null
    )
  }
  machine.assignCursor(statement.cursor, opened, env)
}

type Fetch = Extract<PlsqlStatement, { kind: "fetch" }>

export function* fetchInto(machine: Machine, statement: Fetch, env: Environment): Step<void> {
  if (statement.bulk) throw unimplemented("BULK COLLECT", statement.at)
  const cursor = cursorOf(statement.cursor, env)
  const open = cursor?.open ??
    (statement.cursor.kind === "bind" ? machine.bindCursors.get(statement.cursor.index) : undefined)
  if (open === undefined) throw oraError(1001, "invalid cursor")
  const row = (yield* open.take(1))[0]
  if (cursor !== undefined) {
    cursor.found = row !== undefined
    if (row !== undefined) cursor.rowCount++
  }
  if (row !== undefined) {
    assignRow(
      machine,
      statement.into,
      row,
      open.columns.map((column, i) => cursorType(open, column.type, i)),
      env
    )
  }
}

/** The static type behind a described column. */
const cursorType = (cursor: QueryCursor, name: SqlType["name"], index: number): SqlType => {
  const column = cursor.columns[index]!
  return {
    name,
    precision: column.precision,
    scale: column.scale,
    size: kindOf({ name, precision: 0, scale: 0, size: 0, chars: 0 }) === "c" ? column.maxSize : 0,
    chars: 0
  }
}

export const closeCursor = (machine: Machine, expr: Expr, env: Environment): void => {
  const cursor = cursorOf(expr, env)
  const open = cursor?.open ?? (expr.kind === "bind" ? machine.bindCursors.get(expr.index) : undefined)
  if (open === undefined) throw oraError(1001, "invalid cursor")
  open.close()
  if (cursor !== undefined) cursor.open = undefined
  if (expr.kind === "bind") machine.bindCursors.delete(expr.index)
}
