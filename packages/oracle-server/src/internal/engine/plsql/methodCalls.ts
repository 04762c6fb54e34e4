/** Calls of procedures that belong to objects, and which method a call means. */
import type { Step } from "../storage/waiting.ts"
import type { Call, Expr } from "../syntax/ast.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { oraError } from "../values/oraError.ts"
import type { Environment } from "./environment.ts"
import type { Machine } from "./machine.ts"
import type { ObjectMethod } from "./methods.ts"
import { namedType } from "./names.ts"
import { fitness } from "./subprograms.ts"
import { targetOf } from "./targets.ts"

/** The method that takes these arguments best, by position or by name. */
export const methodFor = (
  methods: ReadonlyArray<ObjectMethod>,
  args: ReadonlyArray<SqlType | undefined>,
  names: ReadonlyArray<string | undefined>
): ObjectMethod | undefined => {
  const fitting = methods.filter(({ parameters }) =>
    args.length <= parameters.length &&
    parameters.every((parameter, i) =>
      parameter.optional || names.includes(parameter.name) || (i < args.length && names[i] === undefined)
    )
  )
  if (fitting.length < 2) return fitting[0]
  const rate = ({ parameters }: ObjectMethod): number => fitness(args, names, parameters, ({ type }) => type)
  return fitting.reduce((best, each) => rate(each) > rate(best) ? each : best)
}

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

const callOf = (
  name: string,
  args: ReadonlyArray<Expr>,
  names: ReadonlyArray<string | undefined>,
  at: number
): Call => ({
  kind: "call",
  path: [name],
  args,
  names,
  distinct: false,
  star: false,
  withinGroup: undefined,
  keep: undefined,
  over: undefined,
  options: {},
  parens: true,
  at
})

function* callMethod(
  machine: Machine,
  of: Expr,
  name: string,
  args: ReadonlyArray<Expr>,
  names: ReadonlyArray<string | undefined>,
  env: Environment,
  at: number
): Step<void> {
  const composite = machine.expressionType(of, env)?.composite
  const method = composite?.kind === "object"
    ? methodFor(machine.host.methods(composite, name), args.map((arg) => machine.expressionType(arg, env)), names)
    : undefined
  if (method === undefined) throw oraError(6550, `PLS-00302: component '${name}' must be declared`, at)
  if (method.returns !== undefined) {
    throw oraError(6550, `PLS-00221: '${name}' is not a procedure or is undefined`, at)
  }
  const target = method.method.changesSelf ? yield* targetOf(machine, of, env) : undefined
  const given = target === undefined ? (yield* machine.evaluate(of, env)).value : target.get()
  if (given === null) throw oraError(30625, "method dispatch on NULL SELF argument is disallowed")
  const { candidate, self } = method.bind(given, of.kind === "upcast")
  yield* machine.invoke(callOf(name, args, names, at), { kind: "subprogram", candidate }, env)
  if (self !== undefined) target?.set(self.value)
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
  const name = expr.path.at(-1)!
  const types = args.map((arg) => machine.expressionType(arg, env))
  const method = methodFor(machine.host.methods(type, name), types, names)
  if (method?.method.kind !== "static" || method.returns !== undefined) return undefined
  const { candidate } = method.bind(null, true)
  return function*(): Step<void> {
    yield* machine.invoke(callOf(name, args, names, expr.at), { kind: "subprogram", candidate }, env)
  }()
}
