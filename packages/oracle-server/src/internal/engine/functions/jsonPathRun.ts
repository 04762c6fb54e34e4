/** SQL/JSON path expressions: the values of a document that a path leads to. */
import { isArray, type Json, JsonNumber, JsonObject, numberOf, writeJson } from "../values/json.ts"
import { absolute, add, ceiling, divide, floor } from "../values/numberArithmetic.ts"
import { compare, fromInteger, type NumberValue, toText } from "../values/oracleNumber.ts"
import { oraError, unimplemented } from "../values/oraError.ts"
import { lengthOf } from "../values/text.ts"
import type { ElementPlace, JsonPath, Operand, PathStep, PathTest } from "./jsonPath.ts"
import { isLikePattern, matchesRegexp } from "./patternFunctions.ts"

/** Values of PASSING, by name. */
export type Passing = ReadonlyMap<string, Json>

interface Run {
  readonly root: Json
  readonly strict: boolean
  readonly passing: Passing
}

const none: Passing = new Map()

export const runPath = (path: JsonPath, root: Json, passing: Passing = none): ReadonlyArray<Json> =>
  steps({ root, strict: path.strict, passing }, path.steps, [root])

const steps = (run: Run, list: ReadonlyArray<PathStep>, from: ReadonlyArray<Json>): ReadonlyArray<Json> =>
  list.reduce<ReadonlyArray<Json>>((values, step) => take(run, step, values), from)

/** Lax paths look into arrays where an object is asked for. */
const unwrapped = (run: Run, value: Json): ReadonlyArray<Json> => !run.strict && isArray(value) ? value : [value]

const take = (run: Run, step: PathStep, values: ReadonlyArray<Json>): ReadonlyArray<Json> => {
  switch (step.kind) {
    case "member":
      return values.flatMap((value) =>
        unwrapped(run, value).flatMap((item) => {
          if (!(item instanceof JsonObject)) return []
          const member = item.members.get(step.name)
          return member === undefined ? [] : [member]
        })
      )
    case "members":
      return values.flatMap((value) =>
        unwrapped(run, value).flatMap((item) => item instanceof JsonObject ? [...item.members.values()] : [])
      )
    case "descendant":
      return values.flatMap((value) => descendants(value, step.name))
    case "elements":
      return values.flatMap((value) => {
        const list = isArray(value) ? value : run.strict ? [] : [value]
        if (step.ranges === undefined) return list
        return step.ranges.flatMap(({ from, to }) => {
          const [first, last] = [placeIn(list, from), placeIn(list, to)]
          return first > last ? [] : list.slice(Math.max(0, first), last + 1)
        })
      })
    case "filter":
      return values.flatMap((value) => unwrapped(run, value)).filter((value) => holds(run, step.test, value))
    case "method":
      return method(run, step.name, values)
  }
}

const placeIn = (list: ReadonlyArray<Json>, place: ElementPlace): number =>
  place.fromLast ? list.length - 1 - place.offset : place.offset

const descendants = (value: Json, name: string): ReadonlyArray<Json> => {
  if (isArray(value)) return value.flatMap((item) => descendants(item, name))
  if (!(value instanceof JsonObject)) return []
  return [...value.members].flatMap(([key, item]) => [...(key === name ? [item] : []), ...descendants(item, name)])
}

const operandValues = (run: Run, operand: Operand, context: Json): ReadonlyArray<Json> => {
  switch (operand.kind) {
    case "path":
      return steps(run, operand.steps, [operand.isRoot ? run.root : context]).flatMap((value) => unwrapped(run, value))
    case "literal":
      return [operand.value]
    case "number":
      return [new JsonNumber(operand.text)]
    case "variable": {
      const value = run.passing.get(operand.name)
      if (value === undefined) throw oraError(40442, `JSON path expression syntax error: $${operand.name} has no value`)
      return [value]
    }
  }
}

const holds = (run: Run, test: PathTest, context: Json): boolean => {
  switch (test.kind) {
    case "and":
      return holds(run, test.left, context) && holds(run, test.right, context)
    case "or":
      return holds(run, test.left, context) || holds(run, test.right, context)
    case "not":
      return !holds(run, test.test, context)
    case "exists": {
      const { operand } = test
      return operand.kind !== "path" ||
        steps(run, operand.steps, [operand.isRoot ? run.root : context]).length > 0
    }
    case "in": {
      const list = test.list.flatMap((operand) => operandValues(run, operand, context))
      return operandValues(run, test.left, context).some((a) => list.some((b) => compared("==", a, b)))
    }
    case "compare": {
      const right = operandValues(run, test.right, context)
      return operandValues(run, test.left, context).some((a) => right.some((b) => compared(test.op, a, b)))
    }
  }
}

const verdicts: Readonly<Record<string, (order: number) => boolean>> = {
  "==": (order) => order === 0,
  "!=": (order) => order !== 0,
  "<": (order) => order < 0,
  "<=": (order) => order <= 0,
  ">": (order) => order > 0,
  ">=": (order) => order >= 0
}

/** Scalars of one type compare; a number in a text is compared as one with a number. */
const compared = (op: string, a: Json, b: Json): boolean => {
  const verdict = verdicts[op]
  if (verdict === undefined) {
    if (typeof a !== "string" || typeof b !== "string") return false
    switch (op) {
      case "has substring":
        return a.includes(b)
      case "starts with":
        return a.startsWith(b)
      case "like":
        return isLikePattern(a, b)
      case "eq_regex":
        return matchesRegexp(a, `^(${b})$`)
      default:
        return matchesRegexp(a, b)
    }
  }
  const [x, y] = [numeric(a, b), numeric(b, a)]
  if (x !== undefined && y !== undefined) return verdict(compare(x, y))
  if (typeof a === "string" && typeof b === "string") return verdict(a < b ? -1 : a > b ? 1 : 0)
  if (typeof a === "boolean" && typeof b === "boolean") return verdict(Number(a) - Number(b))
  if (a === null && b === null) return verdict(0)
  return false
}

const numeric = (value: Json, other: Json): NumberValue | undefined => {
  if (value instanceof JsonNumber) return numberOf(value.text)
  if (typeof value !== "string" || !(other instanceof JsonNumber)) return undefined
  return /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$/.test(value) ? numberOf(value.trim()) : undefined
}

const asNumber = (value: Json): NumberValue | undefined =>
  value instanceof JsonNumber
    ? numberOf(value.text)
    : typeof value === "string" && /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$/.test(value)
    ? numberOf(value.trim())
    : undefined

const asText = (value: Json): string | undefined =>
  typeof value === "string"
    ? value
    : value instanceof JsonNumber
    ? value.text
    : typeof value === "boolean"
    ? String(value)
    : value === null
    ? "null"
    : undefined

const json = (value: NumberValue): Json => new JsonNumber(toText(value))

/** The type of a value by the name that `type()` has for it. */
const typeName = (value: Json): string =>
  value === null
    ? "null"
    : value instanceof JsonNumber
    ? "number"
    : isArray(value)
    ? "array"
    : value instanceof JsonObject
    ? "object"
    : typeof value

/** Item methods: a value that a method does not apply to is left out. */
const method = (run: Run, name: string, values: ReadonlyArray<Json>): ReadonlyArray<Json> => {
  switch (name) {
    case "type":
      return values.map(typeName)
    case "size":
      return values.map((value) => json(isArray(value) ? value.length : 1))
    case "count":
      return [json(values.length)]
    case "stringify":
      return values.map((value) => writeJson(value))
  }
  const items = values.flatMap((value) => unwrapped(run, value))
  const numbers = items.flatMap((value) => asNumber(value) ?? [])
  const texts = items.filter((value) => typeof value === "string")
  switch (name) {
    case "sum":
      return numbers.length === 0 ? [] : [json(numbers.reduce(add))]
    case "avg":
      return numbers.length === 0 ? [] : [json(divide(numbers.reduce(add), fromInteger(numbers.length)))]
    case "minNumber":
      return numbers.length === 0 ? [] : [json(numbers.reduce((a, b) => compare(b, a) < 0 ? b : a))]
    case "maxNumber":
      return numbers.length === 0 ? [] : [json(numbers.reduce((a, b) => compare(b, a) > 0 ? b : a))]
    case "minString":
      return texts.length === 0 ? [] : [texts.reduce((a, b) => b < a ? b : a)]
    case "maxString":
      return texts.length === 0 ? [] : [texts.reduce((a, b) => b > a ? b : a)]
  }
  return items.flatMap((value) => oneMethod(name, value) ?? [])
}

const oneMethod = (name: string, value: Json): Json | undefined => {
  const number = (change: (n: NumberValue) => NumberValue): Json | undefined => {
    const n = asNumber(value)
    return n === undefined ? undefined : json(change(n))
  }
  const text = (change: (s: string) => Json): Json | undefined => {
    const s = asText(value)
    return s === undefined ? undefined : change(s)
  }
  switch (name) {
    case "abs":
      return number(absolute)
    case "ceiling":
      return number(ceiling)
    case "floor":
      return number(floor)
    case "number":
    case "double":
    case "float":
      return number((n) => n)
    case "numberOnly":
      return value instanceof JsonNumber ? value : undefined
    case "string":
      return text((s) => s)
    case "stringOnly":
      return typeof value === "string" ? value : undefined
    case "booleanOnly":
      return typeof value === "boolean" ? value : undefined
    case "boolean":
    case "toBoolean":
      return typeof value === "boolean" ? value : value === "true" ? true : value === "false" ? false : undefined
    case "upper":
      return text((s) => s.toUpperCase())
    case "lower":
      return text((s) => s.toLowerCase())
    case "length":
      return text((s) => json(fromInteger(lengthOf(s))))
    case "date":
      return typeof value === "string" ? value.slice(0, 10) : undefined
    case "timestamp":
    case "toDateTime":
      return typeof value === "string" ? value : undefined
    default:
      throw unimplemented(`JSON path method ${name}`)
  }
}
