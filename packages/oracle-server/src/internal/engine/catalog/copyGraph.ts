/** Copies a graph of plain data: its objects, arrays, maps and sets, each once, whatever circles they form. */

/** What stands under these names is made once and never changed: syntax trees and types, which are compared by identity. */
const unchanging = new Set(["type", "default", "virtual", "expr", "query", "subprogram"])

/** Functions and instances of classes are shared with the copy. */
export const copyGraph = <A>(root: A): A => {
  const copies = new Map<object, object>()
  const copy = (value: unknown): unknown => {
    if (typeof value !== "object" || value === null) return value
    const known = copies.get(value)
    if (known !== undefined) return known
    if (Array.isArray(value)) {
      const list: Array<unknown> = []
      copies.set(value, list)
      for (const item of value) list.push(copy(item))
      return list
    }
    if (value instanceof Map) {
      const map = new Map<unknown, unknown>()
      copies.set(value, map)
      for (const [key, item] of value) map.set(copy(key), copy(item))
      return map
    }
    if (value instanceof Set) {
      const set = new Set<unknown>()
      copies.set(value, set)
      for (const item of value) set.add(copy(item))
      return set
    }
    if (Object.getPrototypeOf(value) !== Object.prototype) return value
    const result: Record<string, unknown> = { ...value }
    copies.set(value, result)
    for (const key in result) {
      const item = result[key]
      if (typeof item === "object" && item !== null && !unchanging.has(key)) result[key] = copy(item)
    }
    return result
  }
  return copy(root) as A
}
