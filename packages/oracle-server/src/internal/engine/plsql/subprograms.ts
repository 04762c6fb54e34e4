/** The subprograms of a name: which declaration a body belongs to, and which of them a call means. */
import type { Step } from "../storage/waiting.ts"
import type { Call, Expr, TypeSpec } from "../syntax/ast.ts"
import type { Parameter, Subprogram } from "../syntax/astPlsql.ts"
import { lineAndColumn } from "../syntax/places.ts"
import { isAssignable, sameType } from "../values/composite.ts"
import { conversion } from "../values/convert.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { type OraError, oraError } from "../values/oraError.ts"
import { CURSOR, kindOf } from "../values/sqlType.ts"
import type { Candidate, Environment, SubprogramEntry } from "./environment.ts"
import { type Machine, partsOf } from "./machine.ts"
import type { Native } from "./native.ts"

/** A place in the text that runs, in the words of the compiler. */
export const compilerError = (machine: Machine, text: string, at: number, ignored = "Statement"): OraError => {
  const [line, column] = lineAndColumn(machine.unit.sql, at)
  return oraError(
    6550,
    `line ${line}, column ${column}:\n${text}\nORA-06550: line ${line}, column ${column}:\nPL/SQL: ${ignored} ignored`,
    at
  )
}

export const wrongArguments = (machine: Machine, call: Call): OraError =>
  compilerError(machine, `PLS-00306: wrong number or types of arguments in call to '${call.path.at(-1)}'`, call.at)

const typeText = ({ anchor, args, name }: TypeSpec): string =>
  anchor === undefined ? `${name}(${args.join()})` : `${anchor.path.join(".")}%${anchor.row ? "ROWTYPE" : "TYPE"}`

const signature = ({ parameters, returns }: Subprogram): string =>
  parameters.map((parameter) => `${parameter.name} ${parameter.direction} ${typeText(parameter.type)}`).join() +
  (returns === undefined ? "" : ` return ${typeText(returns)}`)

/** A body goes to the declaration that has been waiting for it. */
export const declareSubprogram = (env: Environment, subprogram: Subprogram, native?: Native): void => {
  const known = env.own(subprogram.name)
  const entry: SubprogramEntry = known?.kind === "subprogram" ? known : { kind: "subprogram", candidates: [] }
  if (entry !== known) env.declare(subprogram.name, entry)
  if (subprogram.block !== undefined) {
    const own = signature(subprogram)
    const waiting = entry.candidates.find((candidate) =>
      candidate.implementation === undefined && signature(candidate.declared) === own
    )
    if (waiting !== undefined) {
      waiting.implementation = subprogram
      waiting.environment = env
      return
    }
  }
  entry.candidates.push({
    declared: subprogram,
    scope: env,
    implementation: subprogram.block === undefined ? undefined : subprogram,
    environment: env,
    native
  })
}

/** Whether the arguments find a parameter each, and no parameter that needs one is left out. */
const fits = (call: Call, { parameters }: Subprogram): boolean => {
  if (call.args.length > parameters.length) return false
  const given = new Set<string>()
  for (let i = 0; i < call.args.length; i++) {
    const name = call.names[i] ?? parameters[i]!.name
    if (given.has(name) || !parameters.some((parameter) => parameter.name === name)) return false
    given.add(name)
  }
  return parameters.every((parameter) => given.has(parameter.name) || parameter.default !== undefined)
}

/** The expression given for each parameter, by position or by name. */
export const matchArguments = (
  machine: Machine,
  call: Call,
  names: ReadonlyArray<string>
): ReadonlyMap<string, Expr> => {
  const given = new Map<string, Expr>()
  call.args.forEach((arg, i) => {
    const name = call.names[i] ?? names[i]
    if (name === undefined || !names.includes(name) || given.has(name)) throw wrongArguments(machine, call)
    given.set(name, arg)
  })
  return given
}

/** How well a value of one type stands for a parameter of another: 0 not at all. */
const closeness = (from: SqlType | undefined, to: SqlType): number => {
  if (from === undefined || from === CURSOR || to === CURSOR) return from === to || from === undefined ? 2 : 0
  const [given, wanted] = [kindOf(from), kindOf(to)]
  if (from.composite !== undefined && to.composite !== undefined) {
    return sameType(from.composite, to.composite) ? 5 : isAssignable(from.composite, to.composite) ? 4 : 0
  }
  if (given === wanted) return from.name === to.name ? 5 : 4
  if (given === "null") return 3
  return conversion(given, wanted) === undefined ? 0 : 1
}

/** Types of arguments against types of parameters: the sum of how well they fit, 0 when one does not. */
export const fitness = <P extends { readonly name: string }>(
  args: ReadonlyArray<SqlType | undefined>,
  names: ReadonlyArray<string | undefined>,
  parameters: ReadonlyArray<P>,
  typeOf: (parameter: P) => SqlType | undefined
): number => {
  let sum = 1
  for (let i = 0; i < args.length; i++) {
    const name = names[i]
    const parameter = name === undefined ? parameters[i] : parameters.find((candidate) => candidate.name === name)
    const type = parameter === undefined ? undefined : typeOf(parameter)
    if (type === undefined) continue
    const close = closeness(args[i], type)
    if (close === 0) return 0
    sum += close
  }
  return sum
}

/** The best of several; undefined when none fits, an error when two fit equally well. */
export const best = <A>(list: ReadonlyArray<A>, rate: (item: A) => number, tie: () => Error): A | undefined => {
  let found: A | undefined
  let highest = 0
  let isTie = false
  for (const item of list) {
    const rating = rate(item)
    if (rating === 0) continue
    if (rating === highest) isTie = true
    else if (rating > highest) {
      highest = rating
      found = item
      isTie = false
    }
  }
  if (isTie) throw tie()
  return found
}

const parameterTypeIn = (machine: Machine, candidate: Candidate) => (parameter: Parameter): SqlType | undefined => {
  try {
    return machine.typeOf(parameter.type, candidate.scope)
  } catch {
    // No scalar: it says nothing here.
    return undefined
  }
}

/** The subprogram that this call means. */
export const choose = (machine: Machine, call: Call, entry: SubprogramEntry, env: Environment): Candidate => {
  const { candidates } = entry
  if (candidates.length === 1) {
    if (!fits(call, candidates[0]!.declared)) throw wrongArguments(machine, call)
    return candidates[0]!
  }
  const parts = partsOf(machine)
  // The call itself is the key of its compiled expression.
  const known = parts.get(call.args) as number | undefined
  if (known !== undefined) return candidates[known]!
  const fitting = candidates.filter((candidate) => fits(call, candidate.declared))
  let chosen = fitting.length === 1 ? fitting[0] : undefined
  if (fitting.length > 1) {
    const types = call.args.map((arg) => machine.expressionType(arg, env))
    chosen = best(
      fitting,
      (candidate) => fitness(types, call.names, candidate.declared.parameters, parameterTypeIn(machine, candidate)),
      () => compilerError(machine, `PLS-00307: too many declarations of '${call.path.at(-1)}' match this call`, call.at)
    )
  }
  if (chosen === undefined) throw wrongArguments(machine, call)
  parts.set(call.args, candidates.indexOf(chosen))
  return chosen
}

/** A generator, or a value that is there at once. */
export const isStep = (value: unknown): value is Step<never> =>
  typeof value === "object" && value !== null && "next" in value && "throw" in value
