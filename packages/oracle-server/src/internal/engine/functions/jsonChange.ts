/** Changing a document along a path: what JSON_TRANSFORM does. Documents are never changed in place. */
import { isArray, type Json, JsonObject } from "../values/json.ts"
import { oraError, unimplemented } from "../values/oraError.ts"
import type { ElementPlace, JsonPath, PathStep } from "./jsonPath.ts"
import { runPath } from "./jsonPathRun.ts"

/** What becomes of a value; undefined removes it. */
type Change = (value: Json) => Json | undefined

const placeOf = (list: ReadonlyArray<Json>, place: ElementPlace): number =>
  place.fromLast ? list.length - 1 - place.offset : place.offset

/** Applies a change to everything that the steps lead to. */
const along = (value: Json, steps: ReadonlyArray<PathStep>, change: Change): Json | undefined => {
  const [step, ...rest] = steps
  if (step === undefined) return change(value)
  switch (step.kind) {
    case "member":
    case "members": {
      if (isArray(value)) return value.flatMap((item) => along(item, steps, change) ?? [])
      if (!(value instanceof JsonObject)) return value
      const members = new Map<string, Json>()
      for (const [key, item] of value.members) {
        const now = step.kind === "members" || key === step.name ? along(item, rest, change) : item
        if (now !== undefined) members.set(key, now)
      }
      return new JsonObject(members)
    }
    case "elements": {
      if (!isArray(value)) return value
      const chosen = new Set<number>()
      for (const { from, to } of step.ranges ?? [{ from: first, to: last }]) {
        for (let i = placeOf(value, from); i <= placeOf(value, to); i++) chosen.add(i)
      }
      const items: Array<Json> = []
      value.forEach((item, i) => {
        const now = chosen.has(i) ? along(item, rest, change) : item
        if (now !== undefined) items.push(now)
      })
      return items
    }
    case "filter": {
      const holds = (item: Json): boolean => runPath({ steps: [step], strict: false, text: "" }, item).length > 0
      if (!isArray(value)) return holds(value) ? along(value, rest, change) : value
      return value.flatMap((item) => holds(item) ? along(item, rest, change) ?? [] : [item])
    }
    default:
      throw unimplemented("this path in JSON_TRANSFORM")
  }
}

const first: ElementPlace = { fromLast: false, offset: 0 }
const last: ElementPlace = { fromLast: true, offset: 0 }

export const removed = (value: Json, path: JsonPath): Json => along(value, path.steps, () => undefined) ?? null

export const replaced = (value: Json, path: JsonPath, change: (old: Json) => Json): Json =>
  along(value, path.steps, change) ?? null

/** Puts a value where nothing is yet: a member of an object, or an element at or behind the end of an array. */
export const created = (value: Json, path: JsonPath, item: Json): Json => {
  const end = path.steps.at(-1)
  if (end === undefined) return item
  const before = { ...path, steps: path.steps.slice(0, -1) }
  const parents = runPath(before, value)
  if (parents.length === 0 && before.steps.length > 0) {
    const empty: Json = end.kind === "elements" ? [] : new JsonObject()
    return created(created(value, before, empty), path, item)
  }
  return replaced(value, before, (parent) => {
    if (end.kind === "member" && parent instanceof JsonObject) {
      return new JsonObject(new Map([...parent.members, [end.name, item]]))
    }
    if (end.kind === "elements" && isArray(parent) && end.ranges?.length === 1) {
      const at = end.ranges[0]!.from.fromLast ? parent.length : end.ranges[0]!.from.offset
      const list = [...parent]
      while (list.length < at) list.push(null)
      list.splice(at, 0, item)
      return list
    }
    throw oraError(40763, "existing value in JSON_TRANSFORM has no such place")
  })
}

/** The document with nothing but what the paths lead to. */
export const kept = (value: Json, paths: ReadonlyArray<JsonPath>): Json => {
  const keep = (item: Json, lists: ReadonlyArray<ReadonlyArray<PathStep>>): Json | undefined => {
    if (lists.some((list) => list.length === 0)) return item
    if (isArray(item)) {
      const inner = lists.map((list) => list[0]!.kind === "elements" ? list.slice(1) : list)
      return item.flatMap((part) => keep(part, inner) ?? [])
    }
    if (!(item instanceof JsonObject)) return undefined
    const members = new Map<string, Json>()
    for (const [key, part] of item.members) {
      const inner = lists.filter(([step]) =>
        step!.kind === "members" || (step!.kind === "member" && step!.name === key)
      )
        .map((list) => list.slice(1))
      const now = inner.length === 0 ? undefined : keep(part, inner)
      if (now !== undefined) members.set(key, now)
    }
    return members.size === 0 && lists.length > 0 ? undefined : new JsonObject(members)
  }
  return keep(value, paths.map((path) => path.steps)) ?? (isArray(value) ? [] : new JsonObject())
}

export const renamed = (value: Json, path: JsonPath, name: string): Json => {
  const end = path.steps.at(-1)
  if (end?.kind !== "member") throw oraError(40597, "JSON path expression syntax error: RENAME needs a field")
  return replaced(value, { ...path, steps: path.steps.slice(0, -1) }, (parent) => {
    if (!(parent instanceof JsonObject)) return parent
    return new JsonObject(new Map([...parent.members].map(([key, item]) => [key === end.name ? name : key, item])))
  })
}
