/** Calling subprograms: those of the block, stored ones, those written in TypeScript, those of the packages. */
import type { BindArray, Procedure, ProcedureContext, Row, Value } from "../engine.ts"
import { QueryCursor } from "../execute/queryCursor.ts"
import { turn } from "../execute/turns.ts"
import type { DmlPlan } from "../statements/dmlPlan.ts"
import type { QueryPlan } from "../statements/plans.ts"
import {
  argumentsOf,
  convertStored,
  fromValue,
  parameterType,
  raiseApplication,
  toValue
} from "../statements/registeredProcedures.ts"
import type { Step } from "../storage/waiting.ts"
import type { Call, Expr } from "../syntax/ast.ts"
import type { Subprogram } from "../syntax/astPlsql.ts"
import { compositeType, initialValue, sameType, type Stored } from "../values/composite.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { OraError, oraError, unimplemented } from "../values/oraError.ts"
import { CURSOR, kindOf, NULL, varchar2 } from "../values/sqlType.ts"
import { assigned } from "./assignment.ts"
import { calleeOf, unknownCall } from "./callees.ts"
import { declaredType, startingValue } from "./declarations.ts"
import { type Candidate, Environment, type Variable } from "./environment.ts"
import { located } from "./exceptions.ts"
import type { Callee, Leave, Machine } from "./machine.ts"
import type { Native } from "./native.ts"
import { builtin } from "./packages.ts"
import { isStep, matchArguments, wrongArguments } from "./subprograms.ts"
import type { Typed } from "./typed.ts"
import { newCell, newCursor, newVariable } from "./variables.ts"

export function* callSubprogram(
  machine: Machine,
  call: Call,
  candidate: Candidate,
  env: Environment
): Step<Typed | undefined> {
  const { declared, environment, implementation, native, scope } = candidate
  const home = environment.unit
  const inner = home === undefined || home === machine.home ? machine : machine.host.units.machineOf(home)
  const given = matchArguments(machine, call, declared.parameters.map((parameter) => parameter.name))
  if (native !== undefined) return yield* callNative(machine, inner, candidate, native, given, env)
  if (declared.pipelined && inner.pipe === undefined) {
    throw oraError(6550, "PLS-00653: aggregate/table functions are not allowed in PL/SQL scope", call.at)
  }
  if (implementation?.block === undefined) throw machine.host.units.withoutBody(home, declared.name)
  const local = new Environment(environment, declared.name)
  // What is being handled where it is called: SQLCODE and the stacks tell it there too.
  local.handling = env.handling
  for (let i = 0; i < declared.parameters.length; i++) {
    const parameter = declared.parameters[i]!
    const { name } = implementation.parameters[i]!
    const type = declaredType(inner, parameter.type, scope)
    const explicit = given.get(parameter.name)
    const arg = explicit ?? (parameter.direction === "in" ? parameter.default : undefined)
    if (arg === undefined) throw wrongArguments(machine, call)
    // A default is evaluated where it is declared.
    const [who, place] = explicit === undefined ? [inner, scope] : [machine, env]
    if (type === CURSOR) {
      const cursor = newCursor()
      if (parameter.direction !== "out") {
        const { cell } = yield* who.evaluate(arg, place)
        if (cell !== undefined) cursor.cell = cell
      }
      local.declare(name, cursor)
      continue
    }
    local.declare(name, yield* argumentVariable(who, parameter, type, arg, place))
  }
  // Calls within calls, without any loop, give the event loop its turns too.
  yield* inner.breathe()
  const { session } = machine
  const identity = { schema: session.currentSchema, rights: session.rights }
  const outer = inner.unit
  inner.unit = { ...outer, at: declared.at }
  const { stack } = machine.host
  if (home !== undefined) stack.push(home.name)
  let left: Leave
  try {
    // A unit finds its names in the schema of its owner.
    if (home !== undefined && !home.invoker) session.enter(home.owner)
    left = yield* inner.block(implementation.block, local)
  } catch (error) {
    // Calls within calls have used up the stack: the server runs out of memory for them.
    if (error instanceof RangeError) throw oraError(6500, "PL/SQL: storage error")
    throw error instanceof OraError ? located(error, inner.unit) : error
  } finally {
    session.leave(identity)
    inner.unit = outer
    if (home !== undefined) stack.pop()
  }
  for (let i = 0; i < declared.parameters.length; i++) {
    const parameter = declared.parameters[i]!
    if (parameter.direction === "in") continue
    const entry = local.own(implementation.parameters[i]!.name)!
    const arg = given.get(parameter.name)!
    if (entry.kind === "cursor") yield* machine.store(arg, { value: null, type: CURSOR, cell: entry.cell }, env)
    else if (entry.kind === "variable") yield* machine.store(arg, entry, env)
  }
  if (declared.returns === undefined || declared.pipelined) return undefined
  if (left?.kind !== "return" || left.value === undefined) {
    throw oraError(6503, "PL/SQL: Function returned without value")
  }
  const type = declaredType(inner, declared.returns, scope)
  if (type === CURSOR) return left.value
  return {
    value: assigned(machine, type, left.value, false),
    type: { ...type, size: type.name === "VARCHAR2" ? 4000 : type.size }
  }
}

/** A subprogram of the system's packages. */
function* callNative(
  machine: Machine,
  inner: Machine,
  { declared, scope }: Candidate,
  native: Native,
  given: ReadonlyMap<string, Expr>,
  env: Environment
): Step<Typed | undefined> {
  const args: Record<string, Stored> = {}
  for (const parameter of declared.parameters) {
    const name = parameter.name.toLowerCase()
    args[name] = null
    const explicit = given.get(parameter.name)
    const arg = explicit ?? parameter.default
    const type = declaredType(inner, parameter.type, scope)
    if (parameter.direction === "out") args[name] = initialValue(type)
    if (parameter.direction === "out" || arg === undefined) continue
    const [who, place] = explicit === undefined ? [inner, scope] : [machine, env]
    args[name] = (yield* argumentVariable(who, parameter, type, arg, place)).value
  }
  const outcome = native(machine, args, env)
  const result = isStep(outcome) ? yield* outcome : outcome as Stored
  for (const parameter of declared.parameters) {
    const arg = given.get(parameter.name)
    if (parameter.direction === "in" || arg === undefined) continue
    const type = declaredType(inner, parameter.type, scope)
    const value = args[parameter.name.toLowerCase()]!
    const variable = arg.kind === "name" ? env.variable(arg.path) : undefined
    const persist = variable?.persist
    // A LOB of a row that is changed in place.
    if (persist !== undefined && variable!.value !== value) persist(value)
    yield* machine.store(arg, persist === undefined ? { value, type } : { value, type, persist }, env)
  }
  if (declared.returns === undefined) return undefined
  const type = declaredType(inner, declared.returns, scope)
  return { value: result ?? null, type: { ...type, size: type.name === "VARCHAR2" ? 4000 : type.size } }
}

/** The variable that stands for a parameter: an IN parameter shares a record or a collection with the caller. */
function* argumentVariable(
  machine: Machine,
  parameter: Subprogram["parameters"][number],
  type: SqlType,
  arg: Expr,
  env: Environment
): Step<Variable> {
  const isIn = parameter.direction === "in"
  if (type.composite !== undefined) {
    if (parameter.direction === "out") return newVariable(type, false, false, yield* startingValue(machine, type))
    const given = yield* machine.evaluate(arg, env)
    const shared = isIn && given.value !== null && given.type.composite !== undefined &&
      sameType(given.type.composite, type.composite)
    return newVariable(type, isIn, false, shared ? given.value : assigned(machine, type, given, false))
  }
  const open = {
    ...type,
    size: 0,
    chars: 0,
    precision: kindOf(type) === "n" ? 0 : type.precision,
    scale: kindOf(type) === "n" ? -127 : type.scale
  }
  if (parameter.direction === "out") return newVariable(open)
  return newVariable(open, isIn, false, assigned(machine, open, yield* machine.evaluate(arg, env), false))
}

/** Runs to the end in one go: TypeScript has called and waits for the result. */
const runNow = <A>(steps: Step<A>): A => {
  let next = steps.next()
  while (next.done !== true) {
    next = next.value === turn
      ? steps.next()
      : steps.throw(unimplemented("waiting within a procedure's own SQL"))
  }
  return next.value
}

const typeOfValue = (value: Value): SqlType => {
  if (value === null) return varchar2()
  if (typeof value === "string") return varchar2()
  if (typeof value === "number") return { ...NULL, name: "NUMBER", scale: -127 }
  if (typeof value === "boolean") return { ...NULL, name: "BOOLEAN" }
  if (value instanceof Uint8Array) return { ...NULL, name: "RAW" }
  switch (value._tag) {
    case "DateTime":
      return parameterType("TIMESTAMP")
    case "Lob":
      return { ...NULL, name: value.type }
    case "IntervalYearToMonth":
      return parameterType("INTERVAL YEAR TO MONTH")
    case "IntervalDayToSecond":
      return parameterType("INTERVAL DAY TO SECOND")
    case "Json":
      return { ...NULL, name: "JSON" }
    case "Vector":
      return { ...NULL, name: "VECTOR" }
    case "Cursor":
      return CURSOR
    case "Object":
      return compositeType(value.type)
  }
}

const procedureContext = (machine: Machine, signal: AbortSignal): ProcedureContext => {
  const { executor } = machine.host
  const prepare = (text: string, binds: ReadonlyArray<Value>) => {
    const statement = executor.parse(text)
    const types = binds.map(typeOfValue)
    const stored = binds.map((value, i) => fromValue(value, types[i]!))
    return {
      statement,
      plan: executor.plan(statement, types),
      read: (parameter: { readonly kind: string; readonly index?: number }) =>
        parameter.kind === "bind" ? stored[parameter.index!]! : null
    }
  }
  return {
    session: machine.session.info,
    signal,
    raise: raiseApplication,
    sql: (text, ...binds) => {
      const { plan, read, statement } = prepare(text, binds)
      if (statement.kind !== "query") {
        return { rowCount: runNow(executor.dml(plan as DmlPlan, read)).rowCount, rows: [] }
      }
      const cursor = runNow(executor.query(plan as QueryPlan, read))
      const rows: ReadonlyArray<Row> = runNow(cursor.fetch(Number.MAX_SAFE_INTEGER))
      cursor.close()
      return { rowCount: rows.length, rows }
    },
    openCursor: (text, ...binds) => {
      const { plan, read } = prepare(text, binds)
      return runNow(executor.query(plan as QueryPlan, read))
    }
  }
}

function* callRegistered(
  machine: Machine,
  call: Call,
  procedure: Procedure,
  env: Environment
): Step<Typed | undefined> {
  const given = matchArguments(machine, call, procedure.parameters.map((parameter) => parameter.name.toUpperCase()))
  const values = new Map<string, Value | BindArray>()
  for (const parameter of procedure.parameters) {
    const arg = given.get(parameter.name.toUpperCase())
    if (arg === undefined) {
      if (parameter.default === undefined) throw wrongArguments(machine, call)
      continue
    }
    if (parameter.direction === "out") continue
    const type = parameterType(parameter.type)
    const array = arg.kind === "bind" ? machine.bindArrays.get(arg.index) : undefined
    if (array !== undefined) {
      const from = machine.bindTypes[(arg as Extract<Expr, { kind: "bind" }>).index]!
      values.set(
        parameter.name.toLowerCase(),
        array.map((item) => toValue(convertStored(item, from, type, machine.session), type))
      )
      continue
    }
    const typed = yield* machine.evaluate(arg, env)
    values.set(
      parameter.name.toLowerCase(),
      toValue(
        kindOf(typed.type) === "null" ? null : convertStored(typed.value, typed.type, type, machine.session),
        type
      )
    )
  }
  const abort = new AbortController()
  let result = procedure.run(argumentsOf(procedure, values), procedureContext(machine, abort.signal))
  if (result instanceof Promise) {
    const promise = result
    let settled: Awaited<typeof promise>
    yield async (signal) => {
      const stop = (): void => abort.abort(signal.reason)
      signal.addEventListener("abort", stop, { once: true })
      await Promise.race([
        promise.then((value) => {
          settled = value
        }),
        new Promise<void>((_, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true })
        )
      ])
      signal.removeEventListener("abort", stop)
    }
    result = settled!
  }
  const outs = result ?? {}
  for (const parameter of procedure.parameters) {
    const arg = given.get(parameter.name.toUpperCase())
    if (arg === undefined || (parameter.direction ?? "in") === "in") continue
    const value = outs[parameter.name.toLowerCase()] ?? null
    if (value instanceof QueryCursor) {
      yield* machine.store(arg, { value: null, type: CURSOR, cell: newCell(value) }, env)
    } else if (Array.isArray(value)) {
      if (arg.kind !== "bind") throw unimplemented("arrays as parameters", arg.at)
      const [from, to] = [parameterType(parameter.type), machine.bindTypes[arg.index]!]
      machine.bindArrays.set(
        arg.index,
        (value as BindArray).map((item) => convertStored(fromValue(item, from), from, to, machine.session))
      )
    } else {
      const type = parameterType(parameter.type)
      yield* machine.store(arg, { value: fromValue(value as Value, type), type }, env)
    }
  }
  if (procedure.returns === undefined) return undefined
  const type = parameterType(procedure.returns)
  return { value: fromValue((outs["return"] ?? null) as Value, type), type }
}

export function* runCall(machine: Machine, call: Call, env: Environment): Step<Typed | undefined> {
  const own = env.local(call.path[0]!) === undefined ? builtin(machine, call, env) : undefined
  if (own !== undefined) {
    yield* own
    return undefined
  }
  const callee = calleeOf(machine, call, env)
  if (callee === undefined) throw unknownCall(machine, call)
  return yield* invoke(machine, call, callee, env)
}

/** Runs what the name of a call was found to mean. */
export function* invoke(machine: Machine, call: Call, callee: Callee, env: Environment): Step<Typed | undefined> {
  const { units } = machine.host
  if (units.pending.length > 0) yield* units.elaborate()
  return callee.kind === "registered"
    ? yield* callRegistered(machine, call, callee.procedure, env)
    : yield* callSubprogram(machine, call, callee.candidate, env)
}
