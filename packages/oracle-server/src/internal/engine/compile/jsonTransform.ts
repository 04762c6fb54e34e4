/** JSON_TRANSFORM: one operation after the other on a document. */
import type { Frame } from "../execute/frame.ts"
import { created, kept, removed, renamed, replaced } from "../functions/jsonChange.ts"
import { type JsonPath, readPath } from "../functions/jsonPath.ts"
import { runPath } from "../functions/jsonPathRun.ts"
import type { JsonOperation } from "../syntax/ast.ts"
import { isArray, type Json, readJson } from "../values/json.ts"
import { oraError } from "../values/oraError.ts"
import { clausesOf, documentText, jsonOf, likeInput, madeJson, returningType } from "./jsonTerms.ts"
import type { Special } from "./special.ts"

type Step = (document: Json, f: Frame) => Json

const missing = (): Error => oraError(40768, "no value found at the JSON_TRANSFORM path")
const existing = (): Error => oraError(40762, "value already exists at the JSON_TRANSFORM path")

/** Where nothing is: create it, leave it, or fail. */
const onMissing = (handler: string, document: Json, path: JsonPath, value: Json): Json => {
  if (handler === "IGNORE") return document
  if (handler === "ERROR") throw missing()
  return created(document, path, handler === "NULL" ? null : value)
}

const stepOf = (operation: JsonOperation, value: ((f: Frame) => Json) | undefined): Step => {
  const path = readPath(operation.path)
  const there = (document: Json): boolean => runPath(path, document).length > 0
  const { kind } = operation
  switch (kind) {
    case "remove":
      return (document) => {
        if (there(document)) return removed(document, path)
        if (operation.onMissing === "ERROR") throw missing()
        return document
      }
    case "rename":
      return (document) => {
        if (there(document)) return renamed(document, path, operation.name!)
        if (operation.onMissing === "ERROR") throw missing()
        return document
      }
    case "append":
    case "prepend":
      return (document, f) => {
        const item = value!(f)
        if (item === null && operation.onNull === "IGNORE") return document
        if (!there(document)) return onMissing(operation.onMissing ?? "ERROR", document, path, [item])
        return replaced(document, path, (list) => {
          const items = isArray(list) ? list : [list]
          return kind === "append" ? [...items, item] : [item, ...items]
        })
      }
    default:
      return (document, f) => {
        const item = value!(f)
        if (item === null) {
          if (operation.onNull === "IGNORE") return document
          if (operation.onNull === "REMOVE") return removed(document, path)
          if (operation.onNull === "ERROR") throw oraError(40598, "JSON_TRANSFORM value is null")
        }
        const end = path.steps.at(-1)
        // An element is inserted before the one that is there.
        if (kind === "insert" && end?.kind === "elements") return created(document, path, item)
        if (!there(document)) {
          return onMissing(operation.onMissing ?? (kind === "replace" ? "IGNORE" : "CREATE"), document, path, item)
        }
        const handler = operation.onExisting ?? (kind === "insert" || kind === "create" ? "ERROR" : "REPLACE")
        if (handler === "ERROR") throw existing()
        return handler === "IGNORE" ? document : replaced(document, path, () => item)
      }
  }
}

export const jsonTransform: Special = (c, expr, args) => {
  const json = clausesOf(expr)
  const text = documentText(args[0]!, expr.at)
  const steps: Array<Step> = []
  const keeps = json.operations.filter((operation) => operation.kind === "keep").map(({ path }) => readPath(path))
  let hasKept = false
  for (const operation of json.operations) {
    if (operation.kind === "keep") {
      if (!hasKept) steps.push((document) => kept(document, keeps))
      hasKept = true
      continue
    }
    const value = operation.arg === undefined ? undefined : jsonOf(args[operation.arg]!, operation.formatJson)
    steps.push(stepOf(operation, value))
  }
  const type = returningType(c, json.returning, likeInput(args[0]!))
  const name = `json_transform:${JSON.stringify(json.operations)}`
  return madeJson(args, name, type, json, (f) => {
    const document = text(f)
    return document === null ? undefined : steps.reduce((value, step) => step(value, f), readJson(document))
  })
}
