/** Rewriting trees: aggregates of aggregates as two queries, and aliases of the select list in GROUP BY and HAVING. */
import type { Block, Call, Expr, OrderItem, Query, SelectItem } from "../syntax/ast.ts"
import { oraError, unimplemented } from "../values/oraError.ts"
import { isAggregate } from "./aggregateCalls.ts"
import { some } from "./walk.ts"

type Node = { readonly kind?: unknown } & Readonly<Record<string, unknown>>

/** The tree with what `change` makes of its nodes; where that is undefined, the parts of a node are looked at. Subqueries stay. */
export const mapTree = <A>(root: A, change: (node: Node) => unknown): A => {
  const visit = (part: unknown): unknown => {
    if (part === null || typeof part !== "object") return part
    if (Array.isArray(part)) return part.map(visit)
    const node = part as Node
    if (node.kind !== undefined) {
      const changed = change(node)
      if (changed !== undefined) return changed
    }
    if ("ctes" in node) return node
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, visit(value)]))
  }
  return visit(root) as A
}

const isGroupCall = (node: Node): boolean =>
  node.kind === "call" && node["over"] === undefined && isAggregate(node as unknown as Call)

const isNested = (node: Node): boolean => isGroupCall(node) && some(node["args"], isGroupCall, false)

interface Nested {
  readonly block: Block
  readonly orderBy: ReadonlyArray<OrderItem>
}

/** `SUM(MAX(x))` with GROUP BY: the inner aggregates for each group, the outer ones over all groups. */
export const nestedAggregates = (block: Block, orderBy: ReadonlyArray<OrderItem>): Nested | undefined => {
  if (block.groupBy.length === 0 || !some([block.items, orderBy], isNested, false)) return undefined
  const inner: Array<SelectItem> = []
  const kept = (expr: Expr): Expr => {
    const alias = `NESTED ${inner.length + 1}`
    inner.push({ expr, alias, text: alias })
    return { kind: "name", path: [alias], outer: false, at: expr.at }
  }
  const outer = <A>(root: A): A =>
    mapTree(root, (node) => {
      if (node.kind === "name") {
        const { at, path } = node as unknown as Extract<Expr, { kind: "name" }>
        if (path.length === 1 && block.items.some((item) => item.alias === path[0])) return node
        throw oraError(937, `"${path.join(".")}": not a single-group group function`, at)
      }
      if (!isGroupCall(node)) return undefined
      const call = node as unknown as Call
      return {
        ...call,
        args: call.args.map(kept),
        withinGroup: call.withinGroup?.map((item) => ({ ...item, expr: kept(item.expr) })),
        keep: call.keep === undefined
          ? undefined
          : { ...call.keep, order: call.keep.order.map((item) => ({ ...item, expr: kept(item.expr) })) }
      }
    })
  const items = block.items.map((item) => ({
    ...item,
    alias: item.alias ?? item.text.replace(/\s+/g, "").toUpperCase().slice(0, 128),
    expr: outer(item.expr)
  }))
  const order = outer(orderBy)
  const query: Query = {
    ctes: [],
    body: { ...block, items: inner, into: undefined },
    orderBy: [],
    siblings: false,
    offset: undefined,
    fetch: undefined,
    forUpdate: undefined,
    at: block.at
  }
  return {
    orderBy: order,
    block: {
      ...block,
      items,
      from: [{ kind: "derived", query, alias: undefined, lateral: false, at: block.at }],
      where: undefined,
      startWith: undefined,
      connectBy: undefined,
      groupBy: [],
      groupingSets: undefined,
      having: undefined
    }
  }
}

/** Aliases of the select list as GROUP BY and HAVING may name them, where no column has the name. */
export const withAliases = <A>(root: A, items: ReadonlyArray<SelectItem>, isColumn: (name: string) => boolean): A =>
  mapTree(root, (node) => {
    if (node.kind !== "name") return undefined
    const { path } = node as unknown as Extract<Expr, { kind: "name" }>
    if (path.length !== 1 || isColumn(path[0]!)) return node
    return items.find((item) => item.alias === path[0])?.expr ?? node
  })

const quotedText = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** An expression as the dictionary writes it: names in quotes, no blanks. */
export const expressionText = (expr: Expr): string => {
  switch (expr.kind) {
    case "name":
      return expr.path.map((part) => `"${part}"`).join(".")
    case "number":
      return expr.text
    case "string":
      return quotedText(expr.value)
    case "null":
      return "NULL"
    case "call":
      return `${expr.path.join(".")}(${expr.args.map(expressionText).join(",")})`
    case "unary":
      return `${expr.op}${expressionText(expr.arg)}`
    case "binary":
      return `${expressionText(expr.left)}${expr.op}${expressionText(expr.right)}`
    case "case": {
      const whens = expr.whens.map(([when, then]) => ` WHEN ${expressionText(when)} THEN ${expressionText(then)}`).join(
        ""
      )
      const operand = expr.operand === undefined ? "" : ` ${expressionText(expr.operand)}`
      const otherwise = expr.otherwise === undefined ? "" : ` ELSE ${expressionText(expr.otherwise)}`
      return `CASE${operand}${whens}${otherwise} END`
    }
    default:
      throw unimplemented(`an index on this expression (${expr.kind})`, expr.at)
  }
}
