/** Expressions of PL/SQL: compiled once to a statement of the store, or answered directly where no store is needed. */
import { type Parameter, settled } from "../compile/compilation.ts"
import { compileExpr } from "../compile/expressions.ts"
import { newScope } from "../compile/term.ts"
import { Frame } from "../execute/frame.ts"
import { complete } from "../execute/operator.ts"
import type { Variables } from "../statements/executor.ts"
import { compilation, parameterValues } from "../statements/plans.ts"
import { convertStored, parameterType } from "../statements/registeredProcedures.ts"
import type { Snapshot } from "../storage/tableData.ts"
import type { Step } from "../storage/waiting.ts"
import type { Call, Expr } from "../syntax/ast.ts"
import type { Subprogram } from "../syntax/astDefinitions.ts"
import { lineAndColumn } from "../syntax/places.ts"
import type { Stored } from "../values/convert.ts"
import { fit } from "../values/fit.ts"
import { fromInteger, fromText } from "../values/oracleNumber.ts"
import { OraError, oraError, unimplemented } from "../values/oraError.ts"
import { BOOLEAN, char, kindOf, NULL, NUMBER, type SqlType, varchar2 } from "../values/sqlType.ts"
import type { Environment } from "./environment.ts"
import { asPlsqlError, sqlCode } from "./exceptions.ts"
import type { Machine, Typed } from "./machine.ts"

interface Compiled {
  readonly evaluate: (f: Frame) => Stored
  readonly parameters: ReadonlyArray<Parameter>
  readonly type: SqlType
  /** It reads tables or calls PL/SQL. */
  readonly heavy: boolean
}

/** For expressions that read no table. */
const noSnapshot: Snapshot = { scn: 0, sid: 0, statement: 0 }

/** Whose expression it is, for the calls in it: they find their arguments there. */
interface Place {
  readonly machine: Machine
  readonly env: Environment
}

/** `name%ATTRIBUTE` and the like, which look like names. */
const attribute = (machine: Machine, env: Environment, path: ReadonlyArray<string>): Typed | undefined => {
  if (path.length === 1 && path[0] === "SQLCODE") {
    return { value: fromInteger(env.handling === undefined ? 0 : sqlCode(env.handling)), type: NUMBER }
  }
  if (path.length === 1 && path[0] === "SQLERRM") {
    return {
      value: env.handling === undefined
        ? "ORA-0000: normal, successful completion"
        : env.handling.message.split("\nORA-06512")[0]!,
      type: varchar2(512)
    }
  }
  const what = path.at(-1)!
  if (path.length !== 2 || !what.startsWith("%")) return undefined
  const boolean = (value: boolean | null): Typed => ({ value: value === null ? null : value ? 1 : 0, type: BOOLEAN })
  if (path[0] === "SQL") {
    const count = machine.sqlRowCount
    if (what === "%ROWCOUNT") return { value: count === undefined ? null : fromInteger(count), type: NUMBER }
    if (what === "%FOUND") return boolean(count === undefined ? null : count > 0)
    if (what === "%NOTFOUND") return boolean(count === undefined ? null : count === 0)
    if (what === "%ISOPEN") return boolean(false)
  }
  const entry = env.find(path[0]!)
  if (entry?.kind !== "cursor") return undefined
  if (what === "%ISOPEN") return boolean(entry.open !== undefined)
  if (entry.open === undefined) throw oraError(1001, "invalid cursor")
  if (what === "%FOUND") return boolean(entry.found)
  if (what === "%NOTFOUND") return boolean(entry.found === null ? null : !entry.found)
  if (what === "%ROWCOUNT") return { value: fromInteger(entry.rowCount), type: NUMBER }
  return undefined
}

const sqlNames = new Set(["SQLCODE", "SQLERRM"])

export const variablesOf = (machine: Machine, env: Environment): Variables => ({
  type: (path) => {
    const scalar = env.scalar(path)
    if (scalar !== undefined) return scalar.type
    if (path.at(-1)!.startsWith("%")) return path.at(-1) === "%ROWCOUNT" ? NUMBER : BOOLEAN
    if (path.length === 1 && sqlNames.has(path[0]!)) return path[0] === "SQLCODE" ? NUMBER : varchar2(512)
    return undefined
  },
  read: (path) => env.scalar(path)?.value ?? attribute(machine, env, path)?.value ?? null
})

/** Gives the server's compile error: the place in the text and what is wrong there. */
export const compileError = (machine: Machine, error: unknown, at: number, statement: string): unknown => {
  if (!(error instanceof OraError) || error.code === 3001 || error.code === 6550) return error
  const [line, column] = lineAndColumn(machine.program.sql, error.offset === 0 ? at : error.offset)
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

/** The compiled parts; a definition within the block makes those before it stale. */
export const partsOf = (machine: Machine): WeakMap<object, unknown> => {
  const { program } = machine
  const { version } = machine.host.core.catalog
  if (program.version !== version) {
    program.version = version
    program.compiled = new WeakMap()
  }
  return program.compiled
}

const compiledExpr = (machine: Machine, expr: Expr, env: Environment): Compiled => {
  const known = partsOf(machine).get(expr) as Compiled | undefined
  if (known !== undefined) return known
  try {
    const { executor } = machine.host
    const c = compilation({
      ...executor.context(machine.bindTypes, variablesOf(machine, env)),
      blockCall: (call) => {
        if (!isFunctionCall(machine, env, call)) return undefined
        return {
          returns: returnType(machine, env, call),
          *run(f): Step<Stored> {
            const place = f.host as Place
            return (yield* place.machine.call(call, place.env))?.value ?? null
          }
        }
      }
    })
    const scope = newScope(undefined)
    scope.sequences = true
    const term = settled(c, () => compileExpr(c, expr, scope))
    const compiled: Compiled = { evaluate: term.eval, parameters: c.parameters, type: term.type, heavy: term.heavy }
    partsOf(machine).set(expr, compiled)
    return compiled
  } catch (error) {
    throw compileError(machine, error, expr.at, "Statement")
  }
}

/** The type that a call of a PL/SQL function gives. */
const returnType = (machine: Machine, env: Environment, call: Call): SqlType => {
  const subprogram = subprogramOf(machine, env, call)
  if (subprogram === undefined) {
    const registered = machine.host.core.procedure(call.path, machine.session.currentSchema)!
    return parameterType(registered.procedure.returns!)
  }
  const type = machine.typeOf(subprogram.returns!, env)
  return { ...type, size: type.name === "VARCHAR2" ? 4000 : type.size }
}

const subprogramOf = (machine: Machine, env: Environment, call: Call): Subprogram | undefined => {
  const entry = call.path.length === 1 ? env.find(call.path[0]!) : undefined
  if (entry?.kind === "subprogram") return entry.subprogram
  const stored = machine.host.core.catalog.find(call.path, machine.session.currentSchema)
  return stored?.kind === "procedure" ? stored.subprogram : undefined
}

/** True when the call means a function written in PL/SQL or TypeScript. */
const isFunctionCall = (machine: Machine, env: Environment, node: Expr): node is Call => {
  if (node.kind !== "call") return false
  const entry = node.path.length === 1 ? env.find(node.path[0]!) : undefined
  if (entry?.kind === "subprogram") return entry.subprogram.returns !== undefined
  const stored = machine.host.core.catalog.find(node.path, machine.session.currentSchema)
  if (stored?.kind === "procedure") return stored.subprogram.returns !== undefined
  const registered = machine.host.core.procedure(node.path, machine.session.currentSchema)
  return registered?.procedure.returns !== undefined
}

export function* evaluate(machine: Machine, expr: Expr, env: Environment): Step<Typed> {
  switch (expr.kind) {
    case "number":
      if (/[fd]$/i.test(expr.text)) break
      return { value: fromText(expr.text), type: NUMBER }
    case "string":
      return expr.value === ""
        ? { value: null, type: NULL }
        : { value: expr.value, type: char(Buffer.byteLength(expr.value)) }
    case "null":
      return { value: null, type: NULL }
    case "boolean":
      return { value: expr.value ? 1 : 0, type: BOOLEAN }
    case "bind":
      if (machine.bindArrays.has(expr.index)) throw unimplemented("PL/SQL index-by table binds in expressions", expr.at)
      return { value: machine.binds[expr.index]!, type: machine.bindTypes[expr.index]! }
    case "name": {
      const scalar = env.scalar(expr.path)
      if (scalar !== undefined) return scalar
      const special = attribute(machine, env, expr.path)
      if (special !== undefined) return special
      const call: Call = { ...emptyCall, path: expr.path, at: expr.at }
      if (isFunctionCall(machine, env, call)) return (yield* machine.call(call, env)) ?? { value: null, type: NULL }
      break
    }
    case "call":
      if (isFunctionCall(machine, env, expr)) return (yield* machine.call(expr, env)) ?? { value: null, type: NULL }
      break
    default:
      break
  }
  const compiled = compiledExpr(machine, expr, env)
  const { session } = machine
  const { core } = machine.host
  // The clock goes on within a block; only a statement of SQL stands still.
  session.statementTime = core.host.now()
  const variables = variablesOf(machine, env)
  const frame = new Frame(
    core.store,
    session,
    compiled.heavy ? machine.host.executor.transaction.snapshot() : noSnapshot,
    parameterValues(
      compiled.parameters,
      (parameter) => parameter.kind === "bind" ? machine.binds[parameter.index]! : variables.read(parameter.path)
    )
  )
  frame.host = { machine, env } satisfies Place
  if (!compiled.heavy) {
    try {
      return { value: compiled.evaluate(frame), type: compiled.type }
    } catch (error) {
      throw asPlsqlError(error)
    }
  }
  try {
    return { value: yield* complete(frame, () => compiled.evaluate(frame)), type: compiled.type }
  } catch (error) {
    throw asPlsqlError(error)
  } finally {
    frame.close()
  }
}

const emptyCall: Omit<Call, "path" | "at"> = {
  kind: "call",
  args: [],
  names: [],
  distinct: false,
  star: false,
  withinGroup: undefined,
  keep: undefined,
  over: undefined,
  options: {},
  parens: false
}

export const assignScalar = (machine: Machine, type: SqlType, value: Typed, notNull: boolean): Stored => {
  let converted: Stored
  try {
    converted = kindOf(value.type) === "null" ? null : convertStored(value.value, value.type, type, machine.session)
  } catch (error) {
    throw asPlsqlError(error)
  }
  if (converted === null && notNull) throw oraError(6502, "PL/SQL: value or conversion error")
  return fit(converted, type, { kind: "plsql" })
}
