/** Queries within a block: their plans, their columns, and what their names read. */
import type { QueryCursor } from "../execute/queryCursor.ts"
import { compilation, type ParameterReader, planQuery, type QueryPlan } from "../statements/plans.ts"
import type { Step } from "../storage/waiting.ts"
import type { Query } from "../syntax/ast.ts"
import { lineAndColumn } from "../syntax/places.ts"
import { OraError, oraError } from "../values/oraError.ts"
import type { SqlType } from "../values/sqlType.ts"
import type { Environment } from "./environment.ts"
import { type Machine, partsOf } from "./machine.ts"
import { variablesOf } from "./names.ts"

/** Gives the server's compile error: the place in the text and what is wrong there. */
export const compileError = (machine: Machine, error: unknown, at: number, statement: string): unknown => {
  if (!(error instanceof OraError) || error.code === 3001 || error.code === 6550) return error
  const [line, column] = lineAndColumn(machine.unit.sql, error.offset === 0 ? at : error.offset)
  const name = /"([^"]+)": invalid identifier/.exec(error.message)?.[1]
  const text = error.code === 904 && name !== undefined && statement === "Statement"
    ? `PLS-00201: identifier '${name}' must be declared`
    : `PL/SQL: ${error.message}`
  return oraError(
    6550,
    `line ${line}, column ${column}:\n${text}\nORA-06550: line ${line}, column ${column}:\nPL/SQL: ${statement} ignored`,
    at
  )
}

export const readerOf = (machine: Machine, env: Environment): ParameterReader => {
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
  return yield* machine.host.executor.query(queryPlan(machine, query, env), readerOf(machine, env))
}
