/** Queries within a block: their plans, their columns, and what their names read. */
import type { CompilationContext, Parameter } from "../compile/compilation.ts"
import type { QueryCursor } from "../execute/queryCursor.ts"
import { compilation, type ParameterReader, planQuery, type QueryPlan } from "../statements/plans.ts"
import type { Step } from "../storage/waiting.ts"
import type { Query } from "../syntax/ast.ts"
import { lineAndColumn } from "../syntax/places.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { OraError, oraError } from "../values/oraError.ts"
import type { Environment } from "./environment.ts"
import { type Machine, partsOf } from "./machine.ts"
import { readName, variablesOf } from "./names.ts"

/** What is no error of the text: the engine's own gaps, what has its place, and packages that are no longer what they were. */
const passed = new Set([3001, 6550, 4063, 4067, 4068])

/** Gives the server's compile error: the place in the text and what is wrong there. */
export const compileError = (machine: Machine, error: unknown, at: number, statement: string): unknown => {
  if (!(error instanceof OraError) || passed.has(error.code)) return error
  const [line, column] = lineAndColumn(machine.unit.sql, error.offset === 0 ? at : error.offset)
  const name = /((?:"[^"]+"\.)*"[^"]+"): invalid identifier/.exec(error.message)?.[1]?.replaceAll("\"", "")
  const text = error.code === 904 && name !== undefined && statement === "Statement"
    ? `PLS-00201: identifier '${name}' must be declared`
    : `PL/SQL: ${error.message}`
  return oraError(
    6550,
    `line ${line}, column ${column}:\n${text}\nORA-06550: line ${line}, column ${column}:\nPL/SQL: ${statement} ignored`,
    at
  )
}

export const readerOf = (machine: Machine, env: Environment): ParameterReader => (parameter) =>
  parameter.kind === "bind"
    ? machine.binds[parameter.index]!
    : parameter.kind === "variable"
    ? readName(machine, env, parameter.path)
    : null

/** What names mean in a statement within PL/SQL: variables, and functions that are declared nearer than stored ones. */
export const contextOf = (machine: Machine, env: Environment): CompilationContext => {
  const context = machine.host.executor.context(machine.bindTypes, variablesOf(machine, env))
  return {
    ...context,
    routine: (path, args, names) => {
      const entry = env.local(path[0]!) === undefined ? undefined : env.lookup(path)
      return entry?.kind === "subprogram"
        ? machine.functionInSql(path, entry, args, names)
        : context.routine(path, args, names)
    }
  }
}

/** The packages of the variables that a statement reads have to be there before it begins. */
export function* ready(machine: Machine, parameters: ReadonlyArray<Parameter>, env: Environment): Step<void> {
  for (const parameter of parameters) {
    if (parameter.kind === "variable" && parameter.path.length > 1) env.headOf(parameter.path)
  }
  if (machine.host.units.pending.length > 0) yield* machine.host.units.elaborate()
}

const queryPlan = (machine: Machine, query: Query, env: Environment): QueryPlan => {
  const known = partsOf(machine).get(query) as QueryPlan | undefined
  if (known !== undefined) return known
  try {
    const plan = planQuery(compilation(contextOf(machine, env)), query)
    if (!plan.compilation.volatile) partsOf(machine).set(query, plan)
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
  const plan = queryPlan(machine, query, env)
  yield* ready(machine, plan.parameters, env)
  return yield* machine.host.executor.query(plan, readerOf(machine, env))
}
