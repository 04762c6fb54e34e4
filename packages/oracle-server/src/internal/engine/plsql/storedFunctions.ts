/** Functions stored in PL/SQL, called from SQL: a block of their own for each call. */
import type { Routine } from "../compile/compilation.ts"
import type { Step } from "../storage/waiting.ts"
import type { Call, Expr } from "../syntax/ast.ts"
import type { Subprogram } from "../syntax/astDefinitions.ts"
import type { Stored } from "../values/convert.ts"
import { oraError } from "../values/oraError.ts"
import type { SessionState } from "../values/sessionState.ts"
import { CURSOR, type SqlType } from "../values/sqlType.ts"
import { Environment } from "./environment.ts"
import { newMachine } from "./interpreter.ts"
import { type Machine, newProgram, type Typed } from "./machine.ts"
import type { PlsqlHost } from "./plsqlHost.ts"
import { newVariable } from "./variables.ts"

const hosts = new WeakMap<SessionState, PlsqlHost>()

/** Lets the session's SQL call what is stored. */
export const serveFunctions = (session: SessionState, host: PlsqlHost): void => {
  hosts.set(session, host)
}

const machineFor = (host: PlsqlHost, sql: string): Machine => {
  const program = newProgram(sql, host.core.catalog.version, host.executor.state.currentSchema)
  return newMachine(host, program, [], [], function*(): Step<ReadonlyArray<Typed>> {
    throw oraError(14552, "cannot perform a DDL, commit or rollback inside a query or DML")
  })
}

/** Stands for a parameter's value in the call. */
const argument = (i: number): string => `$${i}`

const callOf = (
  path: ReadonlyArray<string>,
  subprogram: Subprogram,
  given: ReadonlyArray<Stored | undefined>
): Call => {
  const args: Array<Expr> = []
  const names: Array<string | undefined> = []
  given.forEach((value, i) => {
    if (value === undefined) return
    names[args.length] = subprogram.parameters[i]!.name
    args.push({ kind: "name", path: [argument(i)], outer: false, at: 0 })
  })
  return {
    kind: "call",
    path,
    args,
    names,
    distinct: false,
    star: false,
    withinGroup: undefined,
    keep: undefined,
    over: undefined,
    options: {},
    parens: true,
    at: 0
  }
}

/** The function of this path, undefined when none is stored. */
export const storedFunction = (path: ReadonlyArray<string>, session: SessionState): Routine | undefined => {
  const host = hosts.get(session)
  const stored = host?.core.catalog.find(path, session.currentSchema)
  if (host === undefined || stored?.kind !== "procedure" || stored.subprogram.returns === undefined) return undefined
  const { subprogram, text } = stored
  const probe = machineFor(host, text)
  const nowhere = new Environment(undefined)
  const types = subprogram.parameters.map((parameter): SqlType => {
    const type = probe.typeOf(parameter.type, nowhere)
    if (type === CURSOR || parameter.direction !== "in") {
      throw oraError(6572, `Function ${stored.name} has out arguments`)
    }
    return type
  })
  const returns = probe.typeOf(subprogram.returns!, nowhere)
  return {
    returns: { ...returns, size: returns.name === "VARCHAR2" ? 4000 : returns.size },
    parameters: subprogram.parameters.map((parameter, i) => ({
      name: parameter.name,
      type: types[i]!,
      optional: parameter.default !== undefined
    })),
    *run(_, args): Step<Stored> {
      const time = session.statementTime
      const machine = machineFor(host, text)
      const env = new Environment(undefined)
      args.forEach((value, i) => {
        if (value === undefined) return
        env.declare(argument(i), newVariable(types[i]!, true, false, value))
      })
      try {
        return (yield* machine.call(callOf(path, subprogram, args), env))?.value ?? null
      } finally {
        // The statement that called goes on at its own moment.
        session.statementTime = time
      }
    }
  }
}
