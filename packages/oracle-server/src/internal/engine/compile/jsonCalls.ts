/** Functions that ask a document: JSON_VALUE, JSON_QUERY, JSON_EXISTS, IS JSON, and the dots of `t.doc.a.b`. */
import { readPath } from "../functions/jsonPath.ts"
import { runPath } from "../functions/jsonPathRun.ts"
import { fromDocument, fromScalar, isContainer, scalarText } from "../functions/jsonValues.ts"
import type { Call, IsJson } from "../syntax/ast.ts"
import type { Stored } from "../values/composite.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { equalJson, isArray, type Json, JsonObject, mergePatch, readJson, writeJson } from "../values/json.ts"
import { OraError, oraError } from "../values/oraError.ts"
import { BOOLEAN, DATE, JSON_TYPE, kindOf, NUMBER, timestamp, varchar2 } from "../values/sqlType.ts"
import {
  attempt,
  clausesOf,
  documentText,
  found,
  handled,
  jsonOf,
  likeInput,
  madeJson,
  passingOf,
  pathOf,
  returningType
} from "./jsonTerms.ts"
import type { Special } from "./special.ts"
import { derived, type Term } from "./term.ts"

const nameOf = (expr: Call): string =>
  `${expr.path[0]!} ${JSON.stringify({ ...expr.json, query: undefined, flags: [...expr.json!.flags] })}`

const noValue = (): OraError => oraError(40462, "JSON_VALUE evaluated to no value")

/** The one scalar that the values are; fails for none, for several and for what is no scalar. */
export const onlyScalar = (values: ReadonlyArray<Json>): Json => {
  if (values.length === 0) throw noValue()
  if (values.length > 1) throw oraError(40470, "JSON_VALUE evaluated to multiple values")
  const value = values[0]!
  if (isContainer(value)) throw oraError(40456, "JSON_VALUE evaluated to non-scalar value")
  return value
}

const jsonValue: Special = (c, expr, args, scope) => {
  const json = clausesOf(expr)
  const type = returningType(c, json.returning)
  const read = found(documentText(args[0]!, expr.at), pathOf(json), passingOf(json, args))
  const onError = handled(c, json.onError, type, scope, expr.at)
  const onEmpty = json.onEmpty === undefined ? onError : handled(c, json.onEmpty, type, scope, expr.at)
  const options = { booleanNumbers: json.flags.has("BOOLEAN NUMBERS"), keepTime: json.flags.has("PRESERVE") }
  const cut = json.flags.has("CUT")
  return derived(args, nameOf(expr), type, true, (f) => {
    let isEmpty = false
    const result = attempt(f, () => {
      const values = read(f)
      if (values === undefined) return null
      if (values.length === 0) {
        isEmpty = true
        return null
      }
      const value = onlyScalar(values)
      return cut && value !== null && kindOf(type) === "c"
        ? fromDocument(scalarText(value), type, true)
        : fromScalar(value, type, options)
    }, onError)
    const settled = isEmpty ? onEmpty(f, noValue()) : result
    return settled === "" ? null : settled
  })
}

/** The text of what a path leads to, in brackets when the wrapper says so. */
export const wrapped = (
  values: ReadonlyArray<Json>,
  wrapper: "without" | "conditional" | "unconditional" | undefined,
  scalars: boolean
): Json => {
  const isBare = values.length === 1 && (isContainer(values[0]!) || (scalars && wrapper === undefined))
  if (wrapper === "unconditional" || (wrapper === "conditional" && !isBare)) return values
  if (values.length === 0) throw oraError(40462, "JSON_QUERY evaluated to no value")
  if (!isBare && !(scalars && values.length === 1)) {
    throw oraError(40480, "result cannot be returned without array wrapper")
  }
  return values[0]!
}

const jsonQuery: Special = (c, expr, args, scope) => {
  const json = clausesOf(expr)
  const type = returningType(c, json.returning, likeInput(args[0]!))
  const read = found(documentText(args[0]!, expr.at), pathOf(json), passingOf(json, args))
  const onError = handled(c, json.onError, type, scope, expr.at)
  const onEmpty = json.onEmpty === undefined ? onError : handled(c, json.onEmpty, type, scope, expr.at)
  const scalars = json.scalars ?? kindOf(type) === "j"
  const options = {
    pretty: json.flags.has("PRETTY"),
    ascii: json.flags.has("ASCII"),
    ordered: json.flags.has("ORDERED")
  }
  return derived(args, nameOf(expr), type, true, (f) => {
    let isEmpty = false
    const result = attempt(f, () => {
      const values = read(f)
      if (values === undefined) return null
      if (values.length === 0) {
        isEmpty = true
        return null
      }
      return fromDocument(writeJson(wrapped(values, json.wrapper, scalars), options), type, json.flags.has("CUT"))
    }, onError)
    return isEmpty ? onEmpty(f, oraError(40462, "JSON_QUERY evaluated to no value")) : result
  }, { isJson: true })
}

const jsonExists: Special = (c, expr, args, scope) => {
  const json = clausesOf(expr)
  const read = found(documentText(args[0]!, expr.at), pathOf(json), passingOf(json, args))
  const onError = handled(c, json.onError ?? { kind: "false", value: undefined }, BOOLEAN, scope, expr.at)
  const onEmpty = json.onEmpty === undefined ? undefined : handled(c, json.onEmpty, BOOLEAN, scope, expr.at)
  return derived(args, nameOf(expr), BOOLEAN, false, (f) =>
    attempt(f, (): Stored => {
      const values = read(f)
      if (values === undefined) return 0
      if (values.length === 0 && onEmpty !== undefined) return onEmpty(f, noValue())
      return values.length > 0 ? 1 : 0
    }, onError), { condition: true })
}

const jsonSerialize: Special = (c, expr, args, scope) => {
  const json = clausesOf(expr)
  const type = returningType(c, json.returning)
  const text = documentText(args[0]!, expr.at)
  const onError = handled(c, json.onError ?? { kind: "error", value: undefined }, type, scope, expr.at)
  const options = {
    pretty: json.flags.has("PRETTY"),
    ascii: json.flags.has("ASCII"),
    ordered: json.flags.has("ORDERED")
  }
  return derived(args, nameOf(expr), type, true, (f) =>
    attempt(f, () => {
      const document = text(f)
      return document === null
        ? null
        : fromDocument(writeJson(readJson(document), options), type, json.flags.has("CUT"))
    }, onError), { isJson: true })
}

export const jsonCalls: Readonly<Record<string, Special>> = {
  JSON_VALUE: jsonValue,
  JSON_QUERY: jsonQuery,
  JSON_EXISTS: jsonExists,
  JSON_SERIALIZE: jsonSerialize,
  JSON: (_c, expr, args) => {
    const text = documentText(args[0]!, expr.at)
    return madeJson(args, "json", JSON_TYPE, expr.json, (f) => {
      const document = text(f)
      return document === null ? undefined : readJson(document)
    })
  },
  JSON_SCALAR: (_c, expr, args) => {
    const json = jsonOf({ ...args[0]!, isJson: false }, false)
    const { eval: get } = args[0]!
    const keepsNull = expr.json!.flags.has("JSON NULL")
    return madeJson(
      args,
      nameOf(expr),
      JSON_TYPE,
      undefined,
      (f) => get(f) === null && !keepsNull ? undefined : json(f)
    )
  },
  JSON_MERGEPATCH: (c, expr, args) => {
    const json = clausesOf(expr)
    const [target, patch] = [documentText(args[0]!, expr.at), documentText(args[1]!, expr.at)]
    return madeJson(args, nameOf(expr), returningType(c, json.returning, likeInput(args[0]!)), json, (f) => {
      const [a, b] = [target(f), patch(f)]
      return a === null || b === null ? undefined : mergePatch(readJson(a), readJson(b))
    })
  },
  JSON_EQUAL: (c, expr, args, scope) => {
    const [a, b] = [documentText(args[0]!, expr.at), documentText(args[1]!, expr.at)]
    const onError = handled(c, expr.json!.onError ?? { kind: "false", value: undefined }, BOOLEAN, scope, expr.at)
    return derived(args, "json_equal", BOOLEAN, true, (f) =>
      attempt(f, () => {
        const [x, y] = [a(f), b(f)]
        return x === null || y === null ? null : equalJson(readJson(x), readJson(y)) ? 1 : 0
      }, onError), { condition: true })
  }
}

/** `IS JSON` with its clauses: 1 or 0, null of null. */
export const isJsonText = (term: Term, clauses: IsJson | undefined, at: number): Term => {
  const text = documentText(term, at)
  const { shapes = [], strict = false, uniqueKeys = false } = clauses ?? {}
  const name = `is_json:${strict}${uniqueKeys}${shapes.join()}`
  return derived([term], name, BOOLEAN, true, (f) => {
    const document = text(f)
    if (document === null) return null
    try {
      const value = readJson(document, { strict, uniqueKeys })
      const shape = isArray(value) ? "array" : value instanceof JsonObject ? "object" : "scalar"
      return shapes.length === 0 || shapes.includes("value") || shapes.includes(shape) ? 1 : 0
    } catch (error) {
      if (error instanceof OraError) return 0
      throw error
    }
  })
}

const methodTypes: Readonly<Record<string, SqlType>> = {
  number: NUMBER,
  numberOnly: NUMBER,
  double: { ...NUMBER, name: "BINARY_DOUBLE" },
  string: varchar2(),
  stringOnly: varchar2(),
  date: DATE,
  timestamp: timestamp(6),
  boolean: BOOLEAN,
  booleanOnly: BOOLEAN,
  count: NUMBER,
  size: NUMBER,
  length: NUMBER,
  sum: NUMBER,
  avg: NUMBER,
  abs: NUMBER,
  ceiling: NUMBER,
  floor: NUMBER,
  type: varchar2(),
  upper: varchar2(),
  lower: varchar2()
}

/** `t.doc.a.b`: what the rest of the names leads to in the document of a column. */
export const dotted = (column: Term, names: ReadonlyArray<string>, rest: string, at: number): Term => {
  const path = readPath(`$${names.map((name) => `.${JSON.stringify(name)}`).join("")}${rest}`)
  const text = documentText(column, at)
  const last = path.steps.at(-1)
  const isMethod = last?.kind === "method"
  const type = isMethod ? methodTypes[last.name] ?? varchar2() : kindOf(column.type) === "j" ? JSON_TYPE : varchar2()
  const isScalar = isMethod
  return derived([column], `dot:${path.text}`, type, true, (f) => {
    const document = text(f)
    if (document === null) return null
    let values: ReadonlyArray<Json>
    try {
      values = runPath(path, readJson(document))
    } catch (error) {
      if (error instanceof OraError && error.code !== 3001) return null
      throw error
    }
    if (values.length === 0) return null
    if (values.length === 1 && !isContainer(values[0]!) && type !== JSON_TYPE) {
      try {
        const scalar = fromScalar(values[0]!, type, { booleanNumbers: true, keepTime: isScalar })
        return scalar === "" ? null : scalar
      } catch (error) {
        if (error instanceof OraError) return null
        throw error
      }
    }
    if (isScalar) return null
    return fromDocument(writeJson(values.length === 1 ? values[0]! : values), type, false)
  }, type === JSON_TYPE ? { isJson: true } : {})
}
