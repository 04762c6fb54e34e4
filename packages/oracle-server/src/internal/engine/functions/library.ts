/** Every function by its name, and how a call of one is made of its arguments. */
import type { Stored } from "../values/composite.ts"
import { rescale } from "../values/numberArithmetic.ts"
import { type NumberValue, toInteger } from "../values/oracleNumber.ts"
import { oraError } from "../values/oraError.ts"
import type { SessionState } from "../values/sessionState.ts"
import { characterFunctions } from "./characterFunctions.ts"
import { dateFunctions } from "./dateFunctions.ts"
import type { FunctionDef, FunctionTable, Pieces } from "./functionDef.ts"
import { numberFunctions } from "./numberFunctions.ts"
import { patternFunctions } from "./patternFunctions.ts"
import { sessionFunctions } from "./sessionFunctions.ts"
import { textFunctions } from "./textFunctions.ts"

export const library: FunctionTable = {
  ...textFunctions,
  ...characterFunctions,
  ...numberFunctions,
  ...dateFunctions,
  ...patternFunctions,
  ...sessionFunctions
}

const toInt = (value: Stored): number => {
  const whole = toInteger(rescale(value as NumberValue, 0, true))
  if (whole === undefined) throw oraError(1426, "numeric overflow")
  return whole
}

/** An empty LOB is not null. */
const keepsEmpty = (def: FunctionDef): boolean =>
  typeof def.returns === "object" && (def.returns.name === "CLOB" || def.returns.name === "NCLOB")

type Get<F> = (f: F) => Stored

/** A call: nulls, whole numbers and the empty text as the definition wants them. `F` has the session. */
export const callOf = <F extends { readonly session: SessionState }>(
  def: FunctionDef,
  args: ReadonlyArray<Get<F>>
): Get<F> => {
  const run = def.run as unknown as (session: SessionState, ...args: ReadonlyArray<unknown>) => Stored
  const nulls = def.nulls === true
  const keeps = keepsEmpty(def)
  const done = (value: Stored): Stored => value === "" && !keeps ? null : value
  const isInt = args.map((_, i) => (def.params[i] ?? def.rest) === "int")
  if (args.length === 0) return (f) => done(run(f.session))
  if (!isInt.includes(true) && !nulls) {
    const [a, b] = args as [Get<F>, Get<F>]
    if (args.length === 1) {
      return (f) => {
        const x = a(f)
        return x === null ? null : done(run(f.session, x))
      }
    }
    if (args.length === 2) {
      return (f) => {
        const x = a(f)
        if (x === null) return null
        const y = b(f)
        return y === null ? null : done(run(f.session, x, y))
      }
    }
  }
  return (f) => {
    const values = valuesOf(def, args, f)
    return values === undefined ? null : done(run(f.session, ...values))
  }
}

/** The arguments as the function takes them; undefined when one of them is null and makes the result so. */
const valuesOf = <F>(def: FunctionDef, args: ReadonlyArray<Get<F>>, f: F): ReadonlyArray<unknown> | undefined => {
  const values: Array<unknown> = []
  for (let i = 0; i < args.length; i++) {
    const value = args[i]!(f)
    if (value === null && def.nulls !== true) return undefined
    values.push(value !== null && (def.params[i] ?? def.rest) === "int" ? toInt(value) : value)
  }
  return values
}

/** A call that can be left between its pieces; undefined for a function that has none. */
export const piecesOf = <F extends { readonly session: SessionState }>(
  def: FunctionDef,
  args: ReadonlyArray<Get<F>>
): ((f: F) => Pieces<Stored>) | undefined => {
  const pieces = def.pieces as unknown as
    | ((session: SessionState, ...args: ReadonlyArray<unknown>) => Pieces<Stored>)
    | undefined
  if (pieces === undefined) return undefined
  return function*(f) {
    const values = valuesOf(def, args, f)
    const value = values === undefined ? null : yield* pieces(f.session, ...values)
    return value === "" && !keepsEmpty(def) ? null : value
  }
}
