/** FORALL: one DML statement for each index, as one statement with counts and errors by index. */
import type { DmlOutcome } from "../statements/dmlRun.ts"
import type { Step } from "../storage/waiting.ts"
import type { PlsqlStatement } from "../syntax/astPlsql.ts"
import { type CollectionValue, elementsOf, isComposite, RecordValue } from "../values/composite.ts"
import { fromInteger, toInteger } from "../values/oracleNumber.ts"
import { OraError, oraError } from "../values/oraError.ts"
import { NUMBER } from "../values/sqlType.ts"
import { executeImmediate } from "./dynamicSql.ts"
import { Environment } from "./environment.ts"
import { isCatchable } from "./exceptions.ts"
import type { Machine } from "./machine.ts"
import { readerOf } from "./queryPlans.ts"
import { dmlPlan, returnRows } from "./sqlStatements.ts"
import { newVariable } from "./variables.ts"

type Forall = Extract<PlsqlStatement, { kind: "forall" }>

function* collectionOf(machine: Machine, expr: Forall["low"], env: Environment): Step<CollectionValue> {
  const { value } = yield* machine.evaluate(expr, env)
  if (value === null) throw oraError(6531, "Reference to uninitialized collection")
  if (!isComposite(value) || value instanceof RecordValue) {
    throw oraError(6550, "PLS-00487: Invalid reference to variable", expr.at)
  }
  return value
}

function* indexes(machine: Machine, statement: Forall, env: Environment): Step<ReadonlyArray<number>> {
  const { over } = statement
  if (over === undefined) {
    const [low, high] = [yield* machine.integer(statement.low, env), yield* machine.integer(statement.high, env)]
    return Array.from({ length: Math.max(0, high - low + 1) }, (_, i) => low + i)
  }
  const collection = yield* collectionOf(machine, over.collection, env)
  if (over.values) return elementsOf(collection).map((value) => toInteger(value as number) ?? 0)
  const keys = collection.keys() as ReadonlyArray<number>
  if (over.between === undefined) return keys
  const [low, high] = [yield* machine.integer(over.between[0], env), yield* machine.integer(over.between[1], env)]
  return keys.filter((key) => key >= low && key <= high)
}

/** An element that is not there has an error of its own in FORALL. */
const asForallError = (error: unknown, index: number): unknown =>
  error instanceof OraError && (error.code === 6533 || error.code === 6532 || error.code === 1403)
    ? oraError(22160, `element at index [${index}] does not exist`)
    : error

export function* forall(machine: Machine, statement: Forall, env: Environment): Step<void> {
  const list = yield* indexes(machine, statement, env)
  const counts = new Map<number, number>()
  const errors: Array<{ readonly index: number; readonly code: number }> = []
  const outcomes: Array<DmlOutcome> = []
  const { sql } = machine
  sql.bulkCounts = counts
  sql.bulkErrors = errors
  const { run } = statement
  const plan = run.kind === "sql" && list.length > 0
    ? dmlPlan(machine, run.statement, counter(env, statement.variable, list[0]!))
    : undefined
  let total = 0
  try {
    for (let i = 0; i < list.length; i++) {
      const scope = counter(env, statement.variable, list[i]!)
      const { transaction } = machine.host.executor
      const mark = transaction.mark()
      try {
        let count: number
        if (run.kind === "sql") {
          const outcome = yield* machine.host.executor.dml(plan!, readerOf(machine, scope))
          outcomes.push(outcome)
          count = outcome.rowCount
        } else {
          yield* executeImmediate(machine, run, scope)
          count = sql.rowCount ?? 0
        }
        counts.set(i + 1, count)
        total += count
      } catch (error) {
        transaction.undoTo(mark, false)
        transaction.settle()
        if (!statement.saveExceptions || !isCatchable(error)) throw asForallError(error, list[i]!)
        counts.set(i + 1, 0)
        errors.push({ index: i + 1, code: (asForallError(error, list[i]!) as OraError).code })
      }
      yield* machine.breathe()
    }
  } finally {
    sql.rowCount = total
  }
  if (plan?.returning !== undefined) {
    const types = plan.returning.columns.map((column) => column.type)
    yield* returnRows(machine, plan.returning.into, plan.returning.bulk, outcomes, types, env)
  }
  if (errors.length > 0) throw oraError(24381, "error(s) in array DML")
}

const counter = (env: Environment, name: string, value: number): Environment => {
  const scope = new Environment(env)
  scope.declare(name, newVariable(NUMBER, true, true, fromInteger(value)))
  return scope
}
