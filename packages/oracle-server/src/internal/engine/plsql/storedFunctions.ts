/** Functions stored in PL/SQL, called from SQL. */
import type { Routine } from "../compile/compilation.ts"
import type { Frame } from "../execute/frame.ts"
import { QueryCursor } from "../execute/queryCursor.ts"
import { library } from "../functions/library.ts"
import type { Step } from "../storage/waiting.ts"
import type { Call, Expr } from "../syntax/ast.ts"
import type { Parameter, Subprogram } from "../syntax/astPlsql.ts"
import type { Stored } from "../values/composite.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { OraError, oraError } from "../values/oraError.ts"
import type { SessionState } from "../values/sessionState.ts"
import { CURSOR } from "../values/sqlType.ts"
import { callSubprogram } from "./calls.ts"
import { type Candidate, type Entry, Environment, type SubprogramEntry } from "./environment.ts"
import { newMachine } from "./interpreter.ts"
import type { Machine, PlsqlHost } from "./machine.ts"
import { startPipe } from "./pipelined.ts"
import { newProgram } from "./program.ts"
import { best, fitness } from "./subprograms.ts"
import { newCell, newCursor, newVariable } from "./variables.ts"

const hosts = new WeakMap<SessionState, PlsqlHost>()

/** Lets the session's SQL call what is stored. */
export const serveFunctions = (session: SessionState, host: PlsqlHost): void => {
  hosts.set(session, host)
  host.units.routineOf = (path, entry, args, names) => routineOf(host, path, entry, args, names)
}

/** What runs a call that comes from SQL: it has no text of its own. */
const callerOf = (host: PlsqlHost): Machine =>
  newMachine(host, newProgram("", host.core.catalog.version, host.executor.state.currentSchema), [], [])

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

/** A CURSOR expression gives an open query in place of a value. */
const isCursor = (value: unknown): value is QueryCursor => value instanceof QueryCursor

/** The queries among the arguments are opened before the function reads them. */
function* opened<A>(values: ReadonlyArray<Stored | undefined>, then: () => Step<A>): Step<A> {
  for (const value of values) if (isCursor(value)) yield* value.open()
  try {
    return yield* then()
  } finally {
    for (const value of values) if (isCursor(value)) value.close()
  }
}

const argumentScope = (
  host: PlsqlHost,
  values: ReadonlyArray<Stored | undefined>,
  types: ReadonlyArray<SqlType>
): Environment => {
  const env = new Environment(host.units.root)
  values.forEach((value, i) => {
    if (value === undefined) return
    if (types[i] !== CURSOR) env.declare(argument(i), newVariable(types[i]!, true, false, value))
    else {
      const variable = newCursor()
      if (isCursor(value)) variable.cell = newCell(value)
      env.declare(argument(i), variable)
    }
  })
  return env
}

/** Names in SQL say what is invalid in words of their own. */
const lookup = (host: PlsqlHost, path: ReadonlyArray<string>): Entry | undefined => {
  try {
    return host.units.root.lookup(path)
  } catch (error) {
    if (error instanceof OraError && error.code === 6550) {
      throw oraError(6575, `Package or function ${path.join(".")} is in an invalid state`)
    }
    throw error
  }
}

const wrongArguments = (name: string): Error =>
  oraError(6553, `PLS-306: wrong number or types of arguments in call to '${name}'`)

/** The function of this path for these arguments, undefined when none is stored. */
export const storedFunction = (
  path: ReadonlyArray<string>,
  args: ReadonlyArray<SqlType>,
  names: ReadonlyArray<string | undefined>,
  session: SessionState
): Routine | undefined => {
  const host = hosts.get(session)
  // SQL has some functions of the system's packages as its own.
  if (host === undefined || library[path.join(".")] !== undefined) return undefined
  const entry = lookup(host, path)
  return entry?.kind === "subprogram" ? routineOf(host, path, entry, args, names) : undefined
}

/** A subprogram as SQL calls it. */
const routineOf = (
  host: PlsqlHost,
  path: ReadonlyArray<string>,
  entry: SubprogramEntry,
  args: ReadonlyArray<SqlType>,
  names: ReadonlyArray<string | undefined>
): Routine | undefined => {
  const functions = entry.candidates.filter(({ declared }) => declared.returns !== undefined)
  if (functions.length === 0) return undefined
  const typeOf = ({ scope }: Candidate) => (parameter: Parameter): SqlType | undefined => {
    try {
      return host.units.machineOf(scope.unit!).typeOf(parameter.type, scope)
    } catch (error) {
      if (error instanceof OraError && error.code === 3001) return undefined
      throw error
    }
  }
  const takes = ({ declared: { parameters } }: Candidate): boolean => {
    const given = new Set(args.map((_, i) => names[i] ?? parameters[i]?.name))
    return args.length <= parameters.length && !given.has(undefined) &&
      [...given].every((name) => parameters.some((parameter) => parameter.name === name)) &&
      parameters.every((parameter) => given.has(parameter.name) || parameter.default !== undefined)
  }
  const candidate = functions.length === 1 ? functions[0]! : best(
    functions.filter(takes),
    (one) => fitness(args, names, one.declared.parameters, typeOf(one)),
    () => oraError(6553, `PLS-307: too many declarations of '${path.at(-1)!}' match this call`)
  )
  if (candidate === undefined) throw wrongArguments(path.at(-1)!)
  const { declared, scope } = candidate
  const home = host.units.machineOf(scope.unit!)
  const types = declared.parameters.map((parameter): SqlType => {
    const type = home.typeOf(parameter.type, scope)
    if (parameter.direction !== "in") {
      throw oraError(6572, `Function ${declared.name} has out arguments`)
    }
    return type
  })
  const returns = home.typeOf(declared.returns!, scope)
  return {
    returns: { ...returns, size: returns.name === "VARCHAR2" ? 4000 : returns.size },
    parameters: declared.parameters.map((parameter, i) => ({
      name: parameter.name,
      type: types[i]!,
      optional: parameter.default !== undefined
    })),
    ...(declared.pipelined
      ? {
        pipe: (_: Frame, values: ReadonlyArray<Stored | undefined>) => {
          const env = argumentScope(host, values, types)
          const call = callOf(path, declared, values)
          return startPipe(
            host,
            candidate,
            returns,
            (machine) => opened(values, () => callSubprogram(machine, call, candidate, env))
          )
        }
      }
      : {}),
    run: (f, values) => {
      // The package may have been discarded since the statement was compiled.
      if (path.length > 1) lookup(host, path)
      return runFromSql(host, f, path, candidate, values, types)
    }
  }
}

/** Runs a subprogram for what is evaluated in a frame: a statement of SQL, or an expression of PL/SQL. */
export function* runFromSql(
  host: PlsqlHost,
  f: Frame,
  path: ReadonlyArray<string>,
  candidate: Candidate,
  values: ReadonlyArray<Stored | undefined>,
  types: ReadonlyArray<SqlType>
): Step<Stored> {
  const { executor } = host
  const session = executor.state
  const time = session.statementTime
  const { surroundings } = executor
  const env = argumentScope(host, values, types)
  // An expression of PL/SQL has its own machine beside it: what stands around that one stays.
  if (f.host === undefined) executor.surroundings = { changing: f.changing, around: surroundings }
  try {
    if (host.units.pending.length > 0) yield* host.units.elaborate()
    const call = callOf(path, candidate.declared, values)
    const result = yield* opened(values, () => callSubprogram(callerOf(host), call, candidate, env))
    return result?.value ?? null
  } finally {
    executor.surroundings = surroundings
    // The statement that called goes on at its own moment.
    session.statementTime = time
  }
}

/** Calls a stored function by its path, with texts: what the system itself asks. */
export function* callFunction(
  host: PlsqlHost,
  path: ReadonlyArray<string>,
  args: ReadonlyArray<Stored>,
  types: ReadonlyArray<SqlType>
): Step<Stored> {
  const entry = host.units.root.lookup(path)
  const candidate = entry?.kind === "subprogram"
    ? entry.candidates.find(({ declared }) =>
      declared.returns !== undefined && declared.parameters.length === args.length
    )
    : undefined
  if (candidate === undefined) throw oraError(28110, `policy function or package ${path.join(".")} has error`)
  const env = new Environment(host.units.root)
  args.forEach((value, i) => env.declare(argument(i), newVariable(types[i]!, true, false, value)))
  if (host.units.pending.length > 0) yield* host.units.elaborate()
  return (yield* callSubprogram(callerOf(host), callOf(path, candidate.declared, args), candidate, env))?.value ?? null
}
