/** What the functions of JSON share: documents that come in, the type that comes out, and what stands for a failure. */
import type { Frame } from "../execute/frame.ts"
import { type JsonPath, readPath } from "../functions/jsonPath.ts"
import { type Passing, runPath } from "../functions/jsonPathRun.ts"
import { fromDocument, toJson } from "../functions/jsonValues.ts"
import type { Call, JsonClauses, JsonHandler, TypeSpec } from "../syntax/ast.ts"
import type { Stored } from "../values/composite.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { type Json, readJson, writeJson, type WriteOptions } from "../values/json.ts"
import { OraError } from "../values/oraError.ts"
import { JSON_TYPE, kindOf, varchar2 } from "../values/sqlType.ts"
import type { Compilation } from "./compilation.ts"
import { convertTo, inconsistent } from "./operators.ts"
import { derived, type Scope, type Term } from "./term.ts"
import { resolveType } from "./types.ts"

/** The type after RETURNING; text without a size has 4000 bytes. */
export const returningType = (c: Compilation, spec: TypeSpec | undefined, otherwise: SqlType = varchar2()): SqlType => {
  if (spec === undefined) return otherwise
  if (spec.name === "VARCHAR2" && spec.args.length === 0) return varchar2()
  return resolveType(spec, c.context.session.nls.characters)
}

/** The text of a document: SQL's null is none. */
export const documentText = (term: Term, at: number): (f: Frame) => string | null => {
  const kind = kindOf(term.type)
  if (!["c", "lc", "lb", "r", "j", "null"].includes(kind)) throw inconsistent(varchar2(), term.type, at)
  const { eval: get } = term
  return (f) => {
    const value = get(f)
    if (value === null) return null
    return value instanceof Uint8Array ? new TextDecoder().decode(value) : value as string
  }
}

/** Whether a term's text is JSON already: it is not quoted when it becomes a part of other JSON. */
export const isJsonTerm = (term: Term): boolean => term.isJson === true || kindOf(term.type) === "j"

export const jsonOf = (term: Term, formatJson: boolean): (f: Frame) => Json => {
  const isJson = formatJson || isJsonTerm(term)
  const { type } = term
  const { eval: get } = term
  return (f) => toJson(get(f), type, isJson)
}

export const passingOf = (json: JsonClauses, args: ReadonlyArray<Term>): ((f: Frame) => Passing) | undefined => {
  const { passing } = json
  if (passing.length === 0) return undefined
  const values = args.slice(args.length - passing.length).map((term) => jsonOf(term, false))
  return (f) => new Map(passing.map((name, i) => [name, values[i]!(f)]))
}

export const pathOf = (json: JsonClauses): JsonPath => readPath(json.path ?? "$")

/** The values that the path leads to; undefined when there is no document. */
export const found = (
  document: (f: Frame) => string | null,
  path: JsonPath,
  passing: ((f: Frame) => Passing) | undefined
): (f: Frame) => ReadonlyArray<Json> | undefined =>
(f) => {
  const text = document(f)
  return text === null ? undefined : runPath(path, readJson(text), passing?.(f))
}

/** A function that runs with what stands for its failure. `DEFAULT` values are converted to the type. */
export const handled = (
  c: Compilation,
  handler: JsonHandler | undefined,
  type: SqlType,
  scope: Scope,
  at: number
): (f: Frame, error: OraError) => Stored => {
  switch (handler?.kind) {
    case "error":
      return (_f, error) => {
        throw error
      }
    case "true":
      return () => 1
    case "false":
      return () => 0
    case "empty":
    case "empty array":
      return () => fromDocument("[]", type, false)
    case "empty object":
      return () => fromDocument("{}", type, false)
    case "default": {
      const value = convertTo(c.expr(c, handler.value!, scope), type, at)
      return (f) => value.eval(f)
    }
    default:
      return () => null
  }
}

export const attempt = (f: Frame, run: () => Stored, onError: (f: Frame, error: OraError) => Stored): Stored => {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof OraError)) throw error
    return onError(f, error)
  }
}

/** A term of JSON that is made: its text in the type that is asked for. */
export const madeJson = (
  parts: ReadonlyArray<Term>,
  name: string,
  type: SqlType,
  json: JsonClauses | undefined,
  make: (f: Frame) => Json | undefined
): Term => {
  const options: WriteOptions = {
    pretty: json?.flags.has("PRETTY"),
    ascii: json?.flags.has("ASCII"),
    ordered: json?.flags.has("ORDERED")
  }
  const cut = json?.flags.has("CUT") === true
  return derived(parts, `${name}:${type.name}`, type, true, (f) => {
    const value = make(f)
    return value === undefined ? null : fromDocument(writeJson(value, options), type, cut)
  }, { isJson: true })
}

/** JSON when the input is, text otherwise. */
export const likeInput = (term: Term): SqlType => kindOf(term.type) === "j" ? JSON_TYPE : varchar2()

export const clausesOf = (expr: Call): JsonClauses => expr.json!
