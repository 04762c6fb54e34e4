/** Questions about a tree that do not need its types. */
import type { Block, Expr, Query } from "../syntax/ast.ts"
import { isAggregate } from "./aggregateCalls.ts"

type Node = { readonly kind?: unknown } & Record<string, unknown>

/** True when some node satisfies the test; subqueries are entered only when asked. */
export const some = (root: unknown, test: (node: Node) => boolean, intoQueries: boolean): boolean => {
  if (root === null || typeof root !== "object") return false
  if (Array.isArray(root)) return root.some((item) => some(item, test, intoQueries))
  const node = root as Node
  if (node.kind !== undefined && test(node)) return true
  if (!intoQueries && "ctes" in node) return false
  for (const key in node) if (some(node[key], test, intoQueries)) return true
  return false
}

export const hasAggregate = (root: unknown): boolean =>
  some(
    root,
    (node) =>
      node.kind === "call" && node["over"] === undefined &&
      isAggregate(node as unknown as Extract<Expr, { kind: "call" }>),
    false
  )

export const usesRownum = (root: unknown): boolean =>
  some(
    root,
    (node) =>
      node.kind === "name" && Array.isArray(node["path"]) && node["path"].length === 1 && node["path"][0] === "ROWNUM",
    false
  )

export const usesPrior = (root: unknown): boolean =>
  some(root, (node) => node.kind === "unary" && node["op"] === "prior", true)

export const hasOuterMark = (root: unknown): boolean =>
  some(root, (node) => node.kind === "name" && node["outer"] === true, false)

/** Qualifiers of the names that carry (+). */
export const outerNames = (root: unknown): ReadonlyArray<ReadonlyArray<string>> => {
  const found: Array<ReadonlyArray<string>> = []
  some(root, (node) => {
    if (node.kind === "name" && node["outer"] === true) found.push(node["path"] as ReadonlyArray<string>)
    return false
  }, false)
  return found
}

export const allNames = (root: unknown): ReadonlyArray<ReadonlyArray<string>> => {
  const found: Array<ReadonlyArray<string>> = []
  some(root, (node) => {
    if (node.kind === "name") found.push(node["path"] as ReadonlyArray<string>)
    return false
  }, true)
  return found
}

export const conjuncts = (expr: Expr | undefined): ReadonlyArray<Expr> => {
  const found: Array<Expr> = []
  let left = expr
  while (left?.kind === "binary" && left.op === "and") {
    found.push(...conjuncts(left.right).toReversed())
    left = left.left
  }
  if (left !== undefined) found.push(left)
  return found.toReversed()
}

/** The name of a common table used within its own query. */
export const refersTo = (query: Query, name: string): boolean =>
  some(
    query,
    (node) =>
      node.kind === "table" && Array.isArray(node["path"]) && node["path"].length === 1 && node["path"][0] === name,
    true
  )

/** True when the tree has an analytic function. */
export const hasWindow = (root: unknown): boolean =>
  some(root, (node) => node.kind === "call" && node["over"] !== undefined, false)

/** Only FROM, WHERE and a select list. */
export const isPlainBlock = (block: Block): boolean =>
  !block.distinct && block.groupBy.length === 0 && block.having === undefined && block.connectBy === undefined &&
  block.from.length > 0

/** How often a common table's name stands in FROM. */
export const references = (root: unknown, name: string): number => {
  let count = 0
  some(root, (node) => {
    if (
      node.kind === "table" && Array.isArray(node["path"]) && node["path"].length === 1 && node["path"][0] === name
    ) count++
    return false
  }, true)
  return count
}
