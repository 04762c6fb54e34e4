/** Every function that the store can call by name, and its registration with the store. */
import type { DatabaseSync } from "node:sqlite"
import { conversionOf, conversionPairs, type Stored } from "../Convert.ts"
import { rescale } from "../NumberArithmetic.ts"
import { toInteger } from "../OracleNumber.ts"
import { oraError } from "../OraError.ts"
import type { SessionState } from "../SessionState.ts"
import { dateFunctions } from "./DateFunctions.ts"
import type { FunctionDef, FunctionTable } from "./FunctionDef.ts"
import { jsonFunctions } from "./JsonFunctions.ts"
import { numberFunctions } from "./NumberFunctions.ts"
import { patternFunctions } from "./PatternFunctions.ts"
import { sessionFunctions } from "./SessionFunctions.ts"
import { textFunctions } from "./TextFunctions.ts"

export const library: FunctionTable = {
  ...textFunctions,
  ...numberFunctions,
  ...dateFunctions,
  ...patternFunctions,
  ...sessionFunctions,
  ...jsonFunctions
}

/** The name under which the store knows a function. */
export const storeName = (name: string): string => "f_" + name.replaceAll(".", "_").toLowerCase()

/** The session on whose behalf the store is running. */
export interface Caller {
  session: SessionState
}

const toInt = (value: Stored): number => {
  const whole = toInteger(rescale(value as Uint8Array, 0, true))
  if (whole === undefined) throw oraError(1426, "numeric overflow")
  return whole
}

const wrap = (def: FunctionDef, caller: Caller): (...args: ReadonlyArray<Stored>) => Stored => {
  const run = def.run as (session: SessionState, ...args: ReadonlyArray<unknown>) => Stored
  const integers = def.params.includes("int")
  const nulls = def.nulls === true
  return (...args) => {
    if (!nulls) { for (let i = 0; i < args.length; i++) if (args[i] === null) return null }
    let values: ReadonlyArray<unknown> = args
    if (integers) {
      values = args.map((arg, i) =>
        arg !== null && def.params[i] === "int" && typeof arg !== "number" ? toInt(arg) : arg
      )
    }
    const result = run(caller.session, ...values)
    return result === "" && def.returns !== undefined && !keepsEmpty(def) ? null : result
  }
}

/** An empty LOB is not null. */
const keepsEmpty = (def: FunctionDef): boolean =>
  typeof def.returns === "object" && (def.returns.name === "CLOB" || def.returns.name === "NCLOB")

export const registerLibrary = (db: DatabaseSync, caller: Caller): void => {
  for (const [name, def] of Object.entries(library)) {
    db.function(storeName(name), { varargs: true }, wrap(def, caller) as never)
  }
  for (const pair of conversionPairs) {
    const convert = conversionOf(pair)
    db.function(
      "cv_" + pair,
      {},
      ((value: Stored) => {
        if (value === null) return null
        const result = convert(value, caller.session)
        return result === "" && !pair.endsWith("_lc") && !pair.endsWith("_lb") ? null : result
      }) as never
    )
  }
}
