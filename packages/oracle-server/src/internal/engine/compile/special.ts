/** The shape of a function whose types depend on its arguments, and the check of their number. */
import type { Call } from "../syntax/ast.ts"
import { oraError } from "../values/oraError.ts"
import type { Compilation } from "./compilation.ts"
import type { Scope, Term } from "./term.ts"

export type Special = (c: Compilation, expr: Call, args: ReadonlyArray<Term>, scope: Scope) => Term

export const arity = (expr: Call, min: number, max: number): void => {
  if (expr.args.length < min) throw oraError(909, "invalid number of arguments", expr.at)
  if (expr.args.length > max) throw oraError(939, "too many arguments for function", expr.at)
}
