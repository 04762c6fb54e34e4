/** JSON_VALUE, JSON_QUERY and JSON_EXISTS over simple paths. */
import type { Stored } from "../values/convert.ts"
import { oraError, unimplemented } from "../values/oraError.ts"
import { BOOLEAN, varchar2 } from "../values/sqlType.ts"
import { define, type FunctionTable } from "./functionDef.ts"

type Step = string | number

const paths = new Map<string, ReadonlyArray<Step>>()

const parsePath = (path: string): ReadonlyArray<Step> => {
  const known = paths.get(path)
  if (known !== undefined) return known
  let rest = path.trim()
  if (!rest.startsWith("$")) throw oraError(40442, "JSON path expression syntax error")
  rest = rest.slice(1)
  const steps: Array<Step> = []
  while (rest !== "") {
    const match = /^(?:\.([A-Za-z_$][\w$]*)|\."([^"]*)"|\[(\d+)\])/.exec(rest)
    if (match === null) throw unimplemented(`JSON path ${path}`)
    steps.push(match[3] === undefined ? match[1] ?? match[2]! : Number(match[3]))
    rest = rest.slice(match[0].length)
  }
  paths.set(path, steps)
  return steps
}

const missing = Symbol("missing")

const walk = (text: string, path: string): unknown => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return missing
  }
  for (const step of parsePath(path)) {
    if (value === null || typeof value !== "object") return missing
    const next = (value as Record<string | number, unknown>)[step]
    if (next === undefined) return missing
    value = next
  }
  return value
}

export const jsonFunctions: FunctionTable = {
  JSON_VALUE: define<[string, string]>({
    params: ["c", "c"],
    returns: varchar2(),
    run: (_, text, path): Stored => {
      const value = walk(text, path)
      return value === missing || value === null || typeof value === "object" ? null : String(value)
    }
  }),
  JSON_QUERY: define<[string, string]>({
    params: ["c", "c"],
    returns: varchar2(),
    run: (_, text, path): Stored => {
      const value = walk(text, path)
      return value !== missing && value !== null && typeof value === "object" ? JSON.stringify(value) : null
    }
  }),
  JSON_EXISTS: define<[string, string]>({
    params: ["c", "c"],
    returns: BOOLEAN,
    run: (_, text, path) => walk(text, path) === missing ? 0 : 1
  }),
  IS_JSON: define<[string]>({
    params: ["c"],
    returns: BOOLEAN,
    run: (_, text) => {
      try {
        const value: unknown = JSON.parse(text)
        return typeof value === "object" && value !== null ? 1 : 0
      } catch {
        return 0
      }
    }
  })
}
