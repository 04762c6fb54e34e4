/** Calls of procedures that belong to objects, and which method a call means. */
import type { Step } from "../storage/waiting.ts"
import type { Expr } from "../syntax/ast.ts"
import type { Stored } from "../values/composite.ts"
import { oraError } from "../values/oraError.ts"
import { assigned } from "./assignment.ts"
import type { Environment } from "./environment.ts"
import type { Machine } from "./machine.ts"
import { methodFor, type ObjectMethod } from "./methods.ts"
import { namedType } from "./names.ts"
import { targetOf } from "./targets.ts"

/** A call of an object's procedure: SELF is assigned what the procedure makes of it. */
export const objectCall = (machine: Machine, expr: Expr, env: Environment): Step<void> | undefined => {
  let of: Expr
  let name: string
  let args: ReadonlyArray<Expr> = []
  let names: ReadonlyArray<string | undefined> = []
  if (expr.kind === "call" || expr.kind === "apply") ({ args, names } = expr)
  if (expr.kind === "call" || expr.kind === "name") {
    if (expr.path.length < 2) return undefined
    if (env.headOf(expr.path.slice(0, -1)) === undefined) return staticCall(machine, expr, args, names, env)
    of = { kind: "name", path: expr.path.slice(0, -1), outer: false, at: expr.at }
    name = expr.path.at(-1)!
  } else {
    const member = expr.kind === "apply" ? expr.of : expr
    if (member.kind !== "member") return undefined
    ;({ of, name } = member)
  }
  return callMethod(machine, of, name, args, names, env, expr.at)
}

function* callMethod(
  machine: Machine,
  of: Expr,
  name: string,
  args: ReadonlyArray<Expr>,
  names: ReadonlyArray<string | undefined>,
  env: Environment,
  at: number
): Step<void> {
  const target = yield* targetOf(machine, of, env)
  const { composite } = target.type
  const method = composite?.kind === "object"
    ? methodFor(machine.host.methods(composite, name), args.length, names)
    : undefined
  if (method === undefined) throw oraError(6550, `PLS-00302: component '${name}' must be declared`, at)
  if (method.returns !== undefined) {
    throw oraError(6550, `PLS-00221: '${name}' is not a procedure or is undefined`, at)
  }
  const values = yield* argumentsOf(machine, method, args, names, env)
  target.set((yield* method.run(target.get(), values)).self)
}

function* argumentsOf(
  machine: Machine,
  method: ObjectMethod,
  args: ReadonlyArray<Expr>,
  names: ReadonlyArray<string | undefined>,
  env: Environment
): Step<ReadonlyArray<Stored | undefined>> {
  const values: Array<Stored | undefined> = []
  for (let i = 0; i < method.parameters.length; i++) {
    const parameter = method.parameters[i]!
    const named = names.indexOf(parameter.name)
    const arg = named >= 0 ? args[named] : names[i] === undefined ? args[i] : undefined
    values.push(
      arg === undefined ? undefined : assigned(machine, parameter.type, yield* machine.evaluate(arg, env), false)
    )
  }
  return values
}

const staticCall = (
  machine: Machine,
  expr: Extract<Expr, { kind: "call" | "name" }>,
  args: ReadonlyArray<Expr>,
  names: ReadonlyArray<string | undefined>,
  env: Environment
): Step<void> | undefined => {
  const type = namedType(machine, expr.path.slice(0, -1), env)?.composite
  if (type?.kind !== "object") return undefined
  const method = methodFor(machine.host.methods(type, expr.path.at(-1)!), args.length, names)
  if (method?.method.kind !== "static" || method.returns !== undefined) return undefined
  return function*(): Step<void> {
    yield* method.run(null, yield* argumentsOf(machine, method, args, names, env))
  }()
}
