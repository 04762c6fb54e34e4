/** EXECUTE IMMEDIATE and OPEN … FOR a text. */
import type { QueryCursor } from "../execute/queryCursor.ts"
import type { DmlPlan } from "../statements/dmlPlan.ts"
import type { ParameterReader, QueryPlan, SessionStatement } from "../statements/plans.ts"
import type { Step } from "../storage/waiting.ts"
import type { Expr } from "../syntax/ast.ts"
import type { PlsqlStatement } from "../syntax/astPlsql.ts"
import { type OraError, oraError } from "../values/oraError.ts"
import type { Environment } from "./environment.ts"
import type { Machine } from "./machine.ts"
import { fetchBulk } from "./rows.ts"
import { returnRows, singleRow } from "./sqlStatements.ts"
import type { Typed } from "./typed.ts"
import { newCell } from "./variables.ts"

type Execute = Extract<PlsqlStatement, { kind: "execute" }>

const unbound = (): OraError => oraError(1008, "not all variables bound")

const bindReader = (binds: ReadonlyArray<Typed>): ParameterReader => (parameter) =>
  parameter.kind === "bind" ? binds[parameter.index]?.value ?? null : null

const textOf = function*(machine: Machine, expr: Expr, env: Environment): Step<string> {
  const text = yield* machine.evaluate(expr, env)
  if (text.value === null) throw oraError(6535, "statement string in EXECUTE IMMEDIATE is NULL or 0 length")
  return text.value as string
}

export function* executeImmediate(machine: Machine, statement: Execute, env: Environment): Step<void> {
  const { executor } = machine.host
  const parsed = executor.parse(yield* textOf(machine, statement.text, env))
  const binds: Array<Typed> = []
  for (const using of statement.using) binds.push(yield* machine.evaluate(using.expr, env))
  if (binds.length < parsed.placeholders.length - statement.returningInto.length) throw unbound()
  if (binds.length > parsed.placeholders.length) throw oraError(1006, "bind variable does not exist")
  switch (parsed.parsed.kind) {
    case "ddl": {
      const failed = yield* executor.define(parsed.parsed.ddl)
      if (failed !== undefined) throw oraError(24344, "success with compilation error")
      machine.sql.rowCount = 0
      return
    }
    case "session":
      yield* executor.sessionStatement(parsed.parsed.statement)
      return
    case "plsql": {
      const outs = yield* machine.host.runDynamic(parsed.sql, binds, statement.using.map((using) => using.out))
      for (let i = 0; i < statement.using.length; i++) {
        const using = statement.using[i]!
        if (using.out) yield* machine.store(using.expr, outs[i]!, env)
      }
      return
    }
    case "select": {
      if (statement.into.length === 0) return
      const plan = executor.plan(parsed, binds.map((bind) => bind.type)) as QueryPlan
      const cursor = yield* executor.query(plan, bindReader(binds))
      if (!statement.bulk) {
        yield* singleRow(machine, cursor, statement.into, env)
        return
      }
      try {
        machine.sql.rowCount = yield* fetchBulk(machine, cursor, statement.into, Infinity, env)
      } finally {
        cursor.close()
      }
      return
    }
    default:
      yield* executeDml(machine, statement, parsed, binds, env)
  }
}

function* executeDml(
  machine: Machine,
  statement: Execute,
  parsed: SessionStatement,
  binds: ReadonlyArray<Typed>,
  env: Environment
): Step<void> {
  const { executor } = machine.host
  const plan = executor.plan(parsed, binds.map((bind) => bind.type)) as DmlPlan
  const outcome = yield* executor.dml(plan, bindReader(binds))
  machine.sql.rowCount = outcome.rowCount
  if (plan.returning === undefined) return
  const types = plan.returning.columns.map((column) => column.type)
  // The values go to RETURNING INTO, or to the OUT arguments of USING at the places of the text's own INTO.
  const into = statement.returningInto.length > 0
    ? statement.returningInto
    : plan.returning.into.flatMap((target) => {
      const using = target.kind === "bind" ? statement.using[target.index] : undefined
      return using?.out === true ? [using.expr] : []
    })
  if (into.length === 0) throw unbound()
  yield* returnRows(machine, into, statement.returningBulk, [outcome], types, env)
}

type Open = Extract<PlsqlStatement, { kind: "open" }>

/** OPEN … FOR: a query, or a text with binds. */
export function* openFor(machine: Machine, statement: Open, env: Environment): Step<void> {
  let opened: QueryCursor
  if (statement.query !== undefined) opened = yield* machine.openQuery(statement.query, env)
  else {
    const { executor } = machine.host
    const parsed = executor.parse(yield* textOf(machine, statement.text!, env))
    if (parsed.parsed.kind !== "select") throw oraError(6539, "target of OPEN must be a query")
    const binds: Array<Typed> = []
    for (const using of statement.using) binds.push(yield* machine.evaluate(using, env))
    if (binds.length < parsed.placeholders.length) throw unbound()
    const plan = executor.plan(parsed, binds.map((bind) => bind.type)) as QueryPlan
    opened = yield* executor.query(plan, bindReader(binds))
  }
  yield* machine.store(statement.cursor, { value: null, type: cursorType, cell: newCell(opened) }, env)
}

const cursorType = { name: "CURSOR", precision: 0, scale: 0, size: 0, chars: 0 } as const
