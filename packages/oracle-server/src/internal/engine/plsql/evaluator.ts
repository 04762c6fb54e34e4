/** Expressions of PL/SQL: compiled once to a statement of the store, or answered directly where no store is needed. */
import { type BlockCall, type Parameter, settled } from "../compile/compilation.ts"
import { compileExpr } from "../compile/expressions.ts"
import { newScope } from "../compile/term.ts"
import { Frame } from "../execute/frame.ts"
import { complete } from "../execute/operator.ts"
import { compilation } from "../statements/plans.ts"
import { convertStored, parameterType } from "../statements/registeredProcedures.ts"
import type { Snapshot } from "../storage/tableData.ts"
import type { Step } from "../storage/waiting.ts"
import type { Call, Expr } from "../syntax/ast.ts"
import { RecordValue, type Stored } from "../values/composite.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { fromText, type NumberValue, toDouble } from "../values/oracleNumber.ts"
import { BOOLEAN, char, CURSOR, NULL, NUMBER, varchar2 } from "../values/sqlType.ts"
import { arrayValue } from "./bindArrays.ts"
import { calleeOf } from "./callees.ts"
import type { Environment, Variable } from "./environment.ts"
import { asPlsqlError, messageOf } from "./exceptions.ts"
import { type Callee, type Machine, partsOf } from "./machine.ts"
import { attribute, readName, variablesOf } from "./names.ts"
import { typeShape } from "./pickler.ts"
import { compileError } from "./queryPlans.ts"
import type { Typed } from "./typed.ts"

interface Compiled {
  readonly evaluate: (f: Frame) => Stored
  readonly parameters: ReadonlyArray<Parameter>
  readonly type: SqlType
  /** It reads tables or calls PL/SQL. */
  readonly heavy: boolean
  /** For one that is not heavy: such an expression is complete before any other begins. */
  frame: Frame | undefined
}

/** For expressions that read no table. */
const noSnapshot: Snapshot = { scn: 0, sid: 0, statement: 0 }

/** Whose expression it is, for the calls in it: they find their arguments there. */
interface Place {
  readonly machine: Machine
  readonly env: Environment
}

const compiledExpr = (machine: Machine, expr: Expr, env: Environment): Compiled => {
  const known = partsOf(machine).get(expr) as Compiled | undefined
  if (known !== undefined) return known
  try {
    const { executor } = machine.host
    const c = compilation({
      ...executor.context(machine.bindTypes, variablesOf(machine, env)),
      blockCall: (call) => {
        if (call.path.length === 1 && call.path[0] === "SQLERRM" && call.args.length === 1) {
          return messageCall(call.args[0]!)
        }
        const returns = functionType(machine, env, call)
        if (returns === undefined) return undefined
        return {
          returns,
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
    const compiled: Compiled = {
      evaluate: term.eval,
      parameters: c.parameters,
      type: term.type,
      heavy: term.heavy,
      frame: undefined
    }
    partsOf(machine).set(expr, compiled)
    return compiled
  } catch (error) {
    throw compileError(machine, error, expr.at, "Statement")
  }
}

/** SQLERRM of a number. */
const messageCall = (of: Expr): BlockCall => ({
  returns: varchar2(512),
  *run(f): Step<Stored> {
    const { env, machine } = f.host as Place
    const { type, value } = yield* evaluate(machine, of, env)
    const code = convertStored(value, type, NUMBER, machine.session)
    return code === null ? null : messageOf(toDouble(code as NumberValue))
  }
})

/** The type that a call of a PL/SQL function gives; undefined when the call means none. */
const functionType = (machine: Machine, env: Environment, call: Call): SqlType | undefined => {
  const callee = calleeOf(machine, call, env)
  if (callee === undefined) return undefined
  if (callee.kind === "registered") {
    const { returns } = callee.procedure
    return returns === undefined ? undefined : parameterType(returns)
  }
  const { declared, environment, scope } = callee.candidate
  if (declared.returns === undefined) return undefined
  const home = environment.unit
  const owner = home === undefined || home === machine.home ? machine : machine.host.units.machineOf(home)
  const type = owner.typeOf(declared.returns, scope)
  return { ...type, size: type.name === "VARCHAR2" ? 4000 : type.size }
}

/** The static type of an expression; undefined for what has none. */
export const expressionType = (machine: Machine, expr: Expr, env: Environment): SqlType | undefined => {
  if (expr.kind === "bind") return machine.bindTypes[expr.index]
  if (expr.kind === "name") {
    const entry = env.lookup(expr.path)
    if (entry?.kind === "variable") return entry.type
    if (entry?.kind === "cursor") return CURSOR
  }
  if (expr.kind === "call" && typeShape(machine, expr, env) !== undefined) return undefined
  return compiledExpr(machine, expr, env).type
}

/** The packages of its variables have to be there before they are read. */
const awaitsPackages = (machine: Machine): boolean => machine.host.units.pending.length > 0

/** The values of the parameters; undefined when a package has to be set up first. */
const valuesOf = (
  machine: Machine,
  parameters: ReadonlyArray<Parameter>,
  env: Environment
): ReadonlyArray<Stored> | undefined => {
  const values: Array<Stored> = []
  for (let i = 0; i < parameters.length; i++) {
    const parameter = parameters[i]!
    values.push(
      parameter.kind === "bind" ? machine.binds[parameter.index]! : readName(machine, env, parameter.path)
    )
  }
  return awaitsPackages(machine) ? undefined : values
}

const nullValue: Typed = { value: null, type: NULL }

/** What an expression of PL/SQL alone gives at once; undefined for what may call, wait or read tables. */
export const evaluateNow = (machine: Machine, expr: Expr, env: Environment): Typed | undefined => {
  switch (expr.kind) {
    case "number":
      if (/[fd]$/i.test(expr.text)) break
      return { value: fromText(expr.text), type: NUMBER }
    case "string":
      return expr.value === "" ? nullValue : { value: expr.value, type: char(Buffer.byteLength(expr.value)) }
    case "null":
      return nullValue
    case "boolean":
      return { value: expr.value ? 1 : 0, type: BOOLEAN }
    case "bind":
      if (machine.bindArrays.has(expr.index)) return arrayValue(machine, expr.index)
      return { value: machine.binds[expr.index]!, type: machine.bindTypes[expr.index]! }
    case "name": {
      const head = env.headOf(expr.path)
      if (awaitsPackages(machine)) return undefined
      if (head !== undefined) {
        const known = fieldOf(head.variable, head.rest)
        if (known !== undefined) return known
        break
      }
      const entry = env.lookup(expr.path)
      if (entry?.kind === "cursor") return { value: null, type: CURSOR, cell: entry.cell }
      const special = attribute(machine, env, expr.path)
      if (special !== undefined) return special
      if (entry?.kind === "subprogram") return undefined
      const call: Call = { ...emptyCall, path: expr.path, at: expr.at }
      if (isFunction(calleeOf(machine, call, env))) return undefined
      break
    }
    case "call":
      if (typeShape(machine, expr, env) !== undefined || isFunction(calleeOf(machine, expr, env))) return undefined
      break
    default:
      break
  }
  const compiled = compiledExpr(machine, expr, env)
  if (compiled.heavy) return undefined
  const values = valuesOf(machine, compiled.parameters, env)
  if (values === undefined) return undefined
  const { host, session } = machine
  // The clock goes on within a block; only a statement of SQL stands still.
  session.statementTime = host.core.host.now()
  compiled.frame ??= new Frame(host.core.store, session, noSnapshot, values)
  compiled.frame.params = values
  try {
    return { value: compiled.evaluate(compiled.frame), type: compiled.type }
  } catch (error) {
    throw asPlsqlError(error)
  }
}

const isFunction = (callee: Callee | undefined): callee is Callee =>
  callee !== undefined &&
  (callee.kind === "registered" ? callee.procedure.returns : callee.candidate.declared.returns) !== undefined

export function* evaluate(machine: Machine, expr: Expr, env: Environment): Step<Typed> {
  const { host, session } = machine
  for (;;) {
    const now = evaluateNow(machine, expr, env)
    if (now !== undefined) return now
    if (!awaitsPackages(machine)) break
    yield* host.units.elaborate()
  }
  if (expr.kind === "name" || expr.kind === "call") {
    const shape = expr.kind === "call" ? typeShape(machine, expr, env) : undefined
    if (shape !== undefined) return yield* shape
    const call: Call = expr.kind === "call" ? expr : { ...emptyCall, path: expr.path, at: expr.at }
    const callee = calleeOf(machine, call, env)
    if (isFunction(callee)) return (yield* machine.invoke(call, callee, env)) ?? nullValue
  }
  const compiled = compiledExpr(machine, expr, env)
  session.statementTime = host.core.host.now()
  let values = valuesOf(machine, compiled.parameters, env)
  while (values === undefined) {
    yield* host.units.elaborate()
    values = valuesOf(machine, compiled.parameters, env)
  }
  const frame = new Frame(host.core.store, session, host.executor.transaction.snapshot(), values)
  frame.host = { machine, env } satisfies Place
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

/** A variable, or a field of it; undefined for what has to be worked out. */
const fieldOf = (variable: Variable, rest: ReadonlyArray<string>): Typed | undefined => {
  if (rest.length === 0) return variable
  let { type, value }: Typed = variable
  for (const name of rest) {
    const { composite } = type
    if (!(value instanceof RecordValue) || composite === undefined || composite.kind === "collection") return undefined
    const index = composite.attributes.findIndex((candidate) => candidate.name === name)
    if (index < 0) return undefined
    type = composite.attributes[index]!.type
    value = value.values[index]!
  }
  return { type, value }
}
