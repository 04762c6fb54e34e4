/** Terms that take collections as sets: MEMBER OF, the MULTISET operators, IS EMPTY, CARDINALITY, SET. */
import type { SetOp } from "../syntax/ast.ts"
import { type CollectionValue, copyOf, elementsOf, ListValue, sameType, type Stored } from "../values/composite.ts"
import type { CollectionType } from "../values/dataTypes.ts"
import { oraError } from "../values/oraError.ts"
import { keyOf } from "../values/order.ts"
import { BOOLEAN, kindOf, NUMBER } from "../values/sqlType.ts"
import { convertTo, inconsistent } from "./operators.ts"
import { constant, derived, type Term } from "./term.ts"

const tableOf = (term: Term, at: number): CollectionType => {
  const { composite } = term.type
  if (composite?.kind !== "collection") {
    throw oraError(932, `inconsistent datatypes: expected UDT got ${term.type.name}`, at)
  }
  return composite
}

/** MEMBER OF, SUBMULTISET OF and the MULTISET operators. */
export const setTerm = (op: SetOp, left: Term, right: Term, at: number): Term => {
  const type = tableOf(right, at)
  const kind = kindOf(type.element)
  const keys = (value: Stored): Array<Stored> => elementsOf(value as CollectionValue).map((item) => keyOf(kind, item))
  if (op === "member") {
    const wanted = convertTo(left, type.element, at)
    return derived([wanted, right], "member", BOOLEAN, true, (f) => {
      const collection = right.eval(f)
      const value = wanted.eval(f)
      if (collection === null || value === null) return null
      const key = keyOf(kind, value)
      let isUnknown = false
      for (const item of elementsOf(collection as CollectionValue)) {
        if (item === null) isUnknown = true
        else if (keyOf(kind, item) === key) return 1
      }
      return isUnknown ? null : 0
    }, { condition: true })
  }
  if (!sameType(tableOf(left, at), type)) throw inconsistent(left.type, right.type, at)
  if (op === "submultiset") {
    return derived([left, right], op, BOOLEAN, true, (f) => {
      const [part, whole] = [left.eval(f), right.eval(f)]
      if (part === null || whole === null) return null
      const rest = new Counts(keys(whole))
      return keys(part).every((key) => rest.take(key)) ? 1 : 0
    }, { condition: true })
  }
  return derived([left, right], op, left.type, true, (f) => {
    const [a, b] = [left.eval(f), right.eval(f)]
    if (a === null || b === null) return null
    return new ListValue(type, combined(op, a as CollectionValue, b as CollectionValue, keys).map(copyOf))
  })
}

/** How often each key is there. */
class Counts {
  readonly #counts = new Map<Stored, number>()

  constructor(keys: ReadonlyArray<Stored>) {
    for (const key of keys) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
  }

  has(key: Stored): boolean {
    return this.#counts.has(key)
  }

  /** False when none is left. */
  take(key: Stored): boolean {
    const count = this.#counts.get(key) ?? 0
    if (count > 0) this.#counts.set(key, count - 1)
    return count > 0
  }
}

const combined = (
  op: SetOp,
  a: CollectionValue,
  b: CollectionValue,
  keys: (value: Stored) => Array<Stored>
): ReadonlyArray<Stored> => {
  const items = [...elementsOf(a)]
  const others = keys(b)
  let result: Array<Stored>
  if (op.startsWith("union")) result = [...items, ...elementsOf(b)]
  else {
    const isExcept = op.startsWith("except")
    const isDistinct = op.endsWith("distinct")
    const own = keys(a)
    const counts = new Counts(others)
    result = items.filter((_, i) => (isDistinct ? counts.has(own[i]!) : counts.take(own[i]!)) !== isExcept)
  }
  if (!op.endsWith("distinct")) return result
  const seen = new Set<Stored>()
  const resultKeys = keys(new ListValue({ ...a.type, limit: undefined }, result))
  return result.filter((_, i) => {
    if (seen.has(resultKeys[i]!)) return false
    seen.add(resultKeys[i]!)
    return true
  })
}

/** IS EMPTY, IS A SET. */
export const collectionTest = (what: "empty" | "set", arg: Term, at: number): Term => {
  const kind = kindOf(tableOf(arg, at).element)
  return derived([arg], `is ${what}`, BOOLEAN, true, (f) => {
    const value = arg.eval(f) as CollectionValue | null
    if (value === null) return null
    if (what === "empty") return value.count === 0 ? 1 : 0
    const keys = elementsOf(value).map((item) => keyOf(kind, item))
    return new Set(keys).size === keys.length ? 1 : 0
  }, { condition: true })
}

/** CARDINALITY(collection). */
export const cardinality = (arg: Term, at: number): Term => {
  tableOf(arg, at)
  return derived([arg], "cardinality", NUMBER, true, (f) => (arg.eval(f) as CollectionValue | null)?.count ?? null)
}

/** SET(collection): each element once. */
export const setOf = (arg: Term, at: number): Term => {
  const type = tableOf(arg, at)
  return setTerm("union distinct", arg, { ...constant(null, arg.type), eval: () => new ListValue(type, []) }, at)
}
