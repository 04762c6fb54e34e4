/** Procedures and functions written in TypeScript: values across, and functions called from SQL. */
import type { Routine } from "../compile/compilation.ts"
import type { BindArray, Procedure, ProcedureContext, TypeName, Value } from "../engine.ts"
import type { Stored } from "../values/composite.ts"
import { conversion } from "../values/convert.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { oraError, unimplemented } from "../values/oraError.ts"
import type { SessionState } from "../values/sessionState.ts"
import { kindOf, NULL } from "../values/sqlType.ts"
import { decoderFor, encodeValue } from "../values/values.ts"
import type { Core } from "./core.ts"

export const parameterType = (name: TypeName): SqlType => ({
  ...NULL,
  name,
  scale: name === "NUMBER" ? -127 : name.startsWith("TIMESTAMP") || name === "INTERVAL DAY TO SECOND" ? 9 : 0,
  precision: name.startsWith("INTERVAL") ? 9 : 0,
  size: name === "VARCHAR2" || name === "CHAR" || name === "NVARCHAR2" ? 32767 : 0
})

export const convertStored = (value: Stored, from: SqlType, to: SqlType, session: SessionState): Stored => {
  if (value === null) return null
  const convert = conversion(kindOf(from), kindOf(to))
  if (convert === undefined) {
    throw oraError(6550, `PLS-00382: expression is of wrong type (${from.name} where ${to.name} is expected)`)
  }
  return convert(value, session)
}

export const toValue = (value: Stored, type: SqlType): Value => decoderFor(type)(value)
export const fromValue = (value: Value, type: SqlType): Stored => encodeValue(value, type)

const noContext = (session: SessionState): ProcedureContext => ({
  session: session.info,
  signal: new AbortController().signal,
  sql: () => {
    throw unimplemented("SQL within a function called from SQL")
  },
  openCursor: () => {
    throw unimplemented("SQL within a function called from SQL")
  },
  raise: raiseApplication
})

export const raiseApplication = (code: number, message: string): never => {
  if (code > -20000 || code < -20999) {
    throw oraError(21000, `error number argument to raise_application_error of ${code} is out of range`)
  }
  throw oraError(-code, message)
}

/** The arguments by name, defaults filled in. */
export const argumentsOf = (
  procedure: Procedure,
  given: ReadonlyMap<string, Value | BindArray>
): Record<string, Value | BindArray> => {
  const args: Record<string, Value | BindArray> = {}
  for (const parameter of procedure.parameters) {
    const name = parameter.name.toLowerCase()
    if (parameter.direction === "out") continue
    args[name] = given.has(name) ? given.get(name)! : parameter.default ?? null
  }
  return args
}

/** A function written in TypeScript that SQL may call by this path. */
export const registeredFunction = (
  core: Core,
  path: ReadonlyArray<string>,
  session: SessionState
): Routine | undefined => {
  const found = core.procedure(path, session.currentSchema)
  if (found === undefined || found.procedure.returns === undefined) return undefined
  const { key, procedure } = found
  const types = procedure.parameters.map((parameter) => parameterType(parameter.type))
  const returns = parameterType(procedure.returns!)
  return {
    returns: { ...returns, size: returns.name === "VARCHAR2" ? 4000 : returns.size },
    parameters: procedure.parameters.map((parameter, i) => ({
      name: parameter.name,
      type: types[i]!,
      optional: parameter.default !== undefined
    })),
    *run(_, args) {
      const given = new Map<string, Value>()
      procedure.parameters.forEach((parameter, i) => {
        const value = args[i]
        if (value !== undefined) given.set(parameter.name.toLowerCase(), toValue(value, types[i]!))
      })
      let result = procedure.run(argumentsOf(procedure, given), noContext(session))
      if (result instanceof Promise) {
        const promise = result
        let settled: Awaited<typeof promise>
        yield async (signal) => {
          await Promise.race([
            promise.then((value) => {
              settled = value
            }),
            new Promise<void>((_resolve, reject) =>
              signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true })
            )
          ])
        }
        result = settled!
      }
      const value = result?.["return"] ?? null
      if (Array.isArray(value)) throw unimplemented(`arrays as results of ${key}`)
      return fromValue(value as Value, returns)
    }
  }
}
