/** CONNECT BY as a recursive common table that is walked depth first. */
import type { Block, Expr, OrderItem } from "../Ast.ts"
import { unimplemented } from "../OraError.ts"
import { orderBySql } from "./AggregateCalls.ts"
import type { Compilation } from "./Compilation.ts"
import { compileItem } from "./Sources.ts"
import { newScope, type Scope, type Source, type SourceColumn } from "./Sql.ts"
import { conjuncts, some, usesPrior, usesRownum } from "./Walk.ts"

type Condition = (c: Compilation, expr: Expr, scope: Scope) => string

/** `ROWNUM <= n` in CONNECT BY generates rows as `LEVEL <= n` does when there is one root. */
const rownumAsLevel = (expr: Expr): Expr =>
  JSON.parse(JSON.stringify(expr).replaceAll("[\"ROWNUM\"]", "[\"LEVEL\"]")) as Expr

export const compileHierarchy = (
  c: Compilation,
  block: Block,
  scope: Scope,
  siblings: ReadonlyArray<OrderItem>,
  condition: Condition
): { readonly from: string; readonly where: ReadonlyArray<string>; readonly limits: ReadonlyArray<string> } => {
  if (block.from.length !== 1 || block.from[0]!.kind === "join") throw unimplemented("CONNECT BY over a join", block.at)
  if (usesRownum(block.where)) throw unimplemented("ROWNUM in WHERE with CONNECT BY", block.at)
  if (
    some(
      [block.items, block.where, block.connectBy],
      (node) => node.kind === "name" && String((node["path"] as ReadonlyArray<string>)[0]).startsWith("CONNECT_BY_"),
      false
    )
  ) {
    throw unimplemented("CONNECT_BY_ISLEAF and CONNECT_BY_ISCYCLE", block.at)
  }
  const item = block.from[0]!
  const roots = compileItem(c, item, scope.parent)
  const nodes = compileItem(c, item, scope.parent)
  const root = roots.sources[0]!
  const node = nodes.sources[0]!
  const name = c.alias()
  const prior = usesPrior(block.connectBy)

  // Columns of the recursive table: the level, the path of rows for cycles, the sort keys, the columns of the source.
  const columns = (source: Source): ReadonlyArray<string> => source.columns.map((column) => column.sql)
  const own = root.columns.map((column, i): SourceColumn => ({
    name: column.name,
    sql: `${name}.k${i}`,
    type: column.type,
    nullable: column.nullable,
    ...(column.rowidOf === undefined ? {} : { rowidOf: column.rowidOf })
  }))
  const walked: Source = {
    ...root,
    sqlAlias: name,
    columns: own.map((column) =>
      column.rowidOf === undefined ? column : { ...column, rowidOf: { table: column.rowidOf.table, sql: `${name}.p` } }
    )
  }

  const rootScope = newScope(scope.parent)
  rootScope.sources.push(root)
  rootScope.level = "x'c102'"
  const nodeScope = newScope(scope.parent)
  nodeScope.sources.push(node)
  nodeScope.level = `ni(${name}.l+1)`
  const priorScope = newScope(scope.parent)
  priorScope.sources.push(walked)
  priorScope.level = `ni(${name}.l)`
  nodeScope.prior = priorScope

  const start = block.startWith === undefined ? "" : ` WHERE ${condition(c, block.startWith, rootScope)}`
  let connect = block.connectBy!
  if (usesRownum(connect)) {
    if (prior || root.table !== undefined) throw unimplemented("ROWNUM in CONNECT BY over a table", block.at)
    connect = rownumAsLevel(connect)
  }
  const tests = conjuncts(connect).map((test) => condition(c, test, nodeScope))
  const rowOf = (source: Source): string =>
    source.table === undefined
      ? `json_array(${columns(source).map((sql) => `hex(${sql})`).join(",")})`
      : `${source.sqlAlias}.r`
  const path = (source: Source, before: string): string => prior ? `${before}||${rowOf(source)}||'/'` : "''"
  if (prior) tests.push(`no_cycle(${name}.w,'/'||${rowOf(node)}||'/',${block.nocycle ? 1 : 0})`)
  const keys = (own_: Scope): ReadonlyArray<string> => siblings.map((key) => c.expr(c, key.expr, own_).sql)
  const keyNames = siblings.map((_, i) => `s${i}`)
  const id = (source: Source): string => source.table === undefined ? "0" : `${source.sqlAlias}.r`
  const order = [
    "1 DESC",
    ...siblings.map((key, i) => {
      const sql = c.expr(c, key.expr, rootScope)
      return orderBySql({ ...sql, sql: String(4 + i) }, key)
    })
  ]
  const names = ["l", "w", "p", ...keyNames, ...own.map((_, i) => `k${i}`)]
  const anchor = ["1", path(root, "'/'"), id(root), ...keys(rootScope), ...columns(root)]
  const step = [`${name}.l+1`, path(node, `${name}.w`), id(node), ...keys(nodeScope), ...columns(node)]
  const depthFirst = prior || siblings.length > 0 ? ` ORDER BY ${order.join(",")}` : ""
  const text = `WITH RECURSIVE ${name}(${names.join(",")}) AS (SELECT ${
    anchor.join(",")
  } FROM ${roots.sql}${start} UNION ALL SELECT ${step.join(",")} FROM ${name} CROSS JOIN ${nodes.sql} WHERE ${
    tests.join(" AND ")
  }${depthFirst}) SELECT * FROM ${name}`
  scope.sources.push(walked)
  scope.level = `ni(${name}.l)`
  const where = conjuncts(block.where).map((test) => condition(c, test, scope))
  return { from: `(${text}) AS ${name}`, where, limits: [] }
}
