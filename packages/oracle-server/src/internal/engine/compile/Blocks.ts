/** One SELECT block: FROM, WHERE with ROWNUM and (+), GROUP BY, the select list, DISTINCT, ORDER BY. */
import type { Block, Expr, FromItem, OrderItem, SelectItem } from "../Ast.ts"
import { floor } from "../NumberArithmetic.ts"
import { isZero, toInteger } from "../OracleNumber.ts"
import { fromText } from "../OracleNumber.ts"
import { oraError, unimplemented } from "../OraError.ts"
import { kindOf, NUMBER } from "../SqlType.ts"
import { orderBySql } from "./AggregateCalls.ts"
import type { Compilation } from "./Compilation.ts"
import { compileHierarchy } from "./Hierarchies.ts"
import { convertTo } from "./Operators.ts"
import { type CompiledItem, compileItem } from "./Sources.ts"
import { type CompiledQuery, newScope, type OutColumn, type Scope, type Source, type Sql } from "./Sql.ts"
import { allNames, conjuncts, hasAggregate, hasOuterMark, outerNames, usesRownum } from "./Walk.ts"

export const conditionText = (c: Compilation, expr: Expr, scope: Scope): string => {
  const sql = c.expr(c, expr, scope)
  if (kindOf(sql.type) !== "b" && sql.type.name !== "NULL") throw oraError(920, "invalid relational operator", expr.at)
  return sql.sql
}

const isRownum = (expr: Expr): boolean => expr.kind === "name" && expr.path.length === 1 && expr.path[0] === "ROWNUM"

const flipped: Readonly<Record<string, string>> = { "<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>" }

/**
 * A row gets its number when it has passed the other conditions, so `ROWNUM <= n` is a limit on the rows; conditions that
 * the first row fails give none. Gives the texts of the limits, or undefined for another condition.
 */
const rownumLimit = (c: Compilation, expr: Expr, scope: Scope): string | undefined => {
  if (!usesRownum(expr)) return undefined
  if (expr.kind === "between" && isRownum(expr.arg) && !expr.not) {
    const low = c.expr(c, expr.low, scope)
    return `CASE WHEN ${convertTo(low, NUMBER, expr.at).sql}<=x'c102' THEN lim(${
      convertTo(c.expr(c, expr.high, scope), NUMBER, expr.at).sql
    },0) ELSE 0 END`
  }
  if (expr.kind !== "binary") throw unimplemented("this condition on ROWNUM", expr.at)
  const left = isRownum(expr.left)
  const other = left ? expr.right : expr.left
  if ((!left && !isRownum(expr.right)) || usesRownum(other)) throw unimplemented("this condition on ROWNUM", expr.at)
  const op = left ? expr.op : flipped[expr.op]
  const bound = convertTo(c.expr(c, other, scope), NUMBER, expr.at).sql
  switch (op) {
    case "<=":
      return `lim(${bound},0)`
    case "<":
      return `lim(${bound},1)`
    case "=":
      return `CASE WHEN ${bound}=x'c102' THEN 1 ELSE 0 END`
    case ">":
      return `CASE WHEN ${bound}<x'c102' THEN -1 ELSE 0 END`
    case ">=":
      return `CASE WHEN ${bound}<=x'c102' THEN -1 ELSE 0 END`
    default:
      throw unimplemented("this condition on ROWNUM", expr.at)
  }
}

interface Rows {
  readonly from: string
  readonly where: ReadonlyArray<string>
  readonly limits: ReadonlyArray<string>
}

const owns = (item: CompiledItem, path: ReadonlyArray<string>): boolean =>
  path.length > 1
    ? item.sources.some((s) => s.alias === path.at(-2))
    : item.sources.some((s) => s.columns.some((column) => column.name === path[0]))

/** `a.x = b.y(+)`: b is joined from the left by all conditions that mark it. */
const outerJoins = (
  c: Compilation,
  items: ReadonlyArray<CompiledItem>,
  marked: ReadonlyArray<Expr>,
  scope: Scope
): string => {
  const conditions = new Map<CompiledItem, Array<Expr>>()
  for (const expr of marked) {
    const owners = new Set(outerNames(expr).map((path) => items.find((item) => owns(item, path))))
    const owner = [...owners][0]
    if (owners.size !== 1 || owner === undefined) {
      throw oraError(1468, "a predicate may reference only one outer-joined table", expr.at)
    }
    if (expr.kind === "binary" && expr.op === "or") {
      throw oraError(1719, "outer join operator (+) not allowed in operand of OR or IN", expr.at)
    }
    conditions.set(owner, [...(conditions.get(owner) ?? []), expr])
  }
  const done = items.filter((item) => !conditions.has(item))
  if (done.length === 0) throw oraError(1416, "two tables cannot be outer-joined to each other", marked[0]!.at)
  let text = done.map((item) => item.sql).join(" CROSS JOIN ")
  const waiting = new Map(conditions)
  while (waiting.size > 0) {
    const next = [...waiting].find(([item, exprs]) =>
      exprs.every((expr) =>
        allNames(expr).every((path) => {
          const owner = items.find((candidate) => owns(candidate, path))
          return owner === undefined || owner === item || done.includes(owner)
        })
      )
    )
    if (next === undefined) throw oraError(1416, "two tables cannot be outer-joined to each other", marked[0]!.at)
    const [item, exprs] = next
    text += ` LEFT JOIN ${item.sql} ON ${exprs.map((expr) => conditionText(c, expr, scope)).join(" AND ")}`
    done.push(item)
    waiting.delete(item)
  }
  return text
}

const rowsOf = (c: Compilation, block: Block, scope: Scope): Rows => {
  const items = block.from.map((item: FromItem) => compileItem(c, item, scope.parent))
  for (const item of items) scope.sources.push(...item.sources)
  const aliases = new Set<string>()
  for (const source of scope.sources) {
    if (source.alias === undefined) continue
    const key = `${source.owner ?? ""}.${source.alias}`
    if (aliases.has(key) && source.owner !== undefined) {
      throw oraError(918, `${source.alias}: column ambiguously specified`, block.at)
    }
    aliases.add(key)
  }
  const tests = conjuncts(block.where)
  const marked = tests.filter(hasOuterMark)
  const limits: Array<string> = []
  const where: Array<string> = []
  for (const test of tests) {
    if (marked.includes(test)) continue
    const limit = rownumLimit(c, test, scope)
    if (limit !== undefined) limits.push(limit)
    else where.push(conditionText(c, test, scope))
  }
  const from = marked.length > 0
    ? outerJoins(c, items, marked, scope)
    : items.map((item) => item.sql).join(" CROSS JOIN ")
  return { from, where, limits }
}

interface Item {
  readonly sql: Sql
  readonly name: string
  readonly isJson: boolean
}

const displayName = (item: SelectItem): string => {
  if (item.alias !== undefined) return item.alias
  if (item.expr.kind === "name") return item.expr.path.at(-1)!
  return item.text.replace(/\s+/g, "").toUpperCase().slice(0, 128)
}

const starColumns = (scope: Scope, item: SelectItem, c: Compilation): ReadonlyArray<Item> => {
  if (item.expr.kind !== "star") return []
  const { at, path } = item.expr
  const wanted = path.length === 0
    ? scope.sources
    : scope.sources.filter((s) => s.alias === path.at(-1) && (path.length === 1 || s.owner === path[0]))
  if (wanted.length === 0) throw oraError(904, `"${path.join("\".\"")}": invalid identifier`, at)
  return wanted.flatMap((source: Source) =>
    source.columns.filter((column) =>
      column.rowidOf === undefined && !(path.length === 0 && source.merged.has(column.name))
    ).map((column): Item => ({
      sql: c.expr(c, {
        kind: "name",
        path: source.alias === undefined ? [column.name] : [source.alias, column.name],
        outer: false,
        at
      }, onlyOf(scope, source)),
      name: column.name,
      isJson: source.table?.columns.find((candidate) => candidate.name === column.name)?.isJson === true
    }))
  )
}

/** A view of the scope with one source, so that equal aliases do not clash. */
const onlyOf = (scope: Scope, source: Source): Scope => {
  const merged = new Set<string>()
  return Object.create(scope, { sources: { value: [{ ...source, merged }] } }) as Scope
}

const columnIsJson = (scope: Scope, expr: Expr): boolean => {
  if (expr.kind !== "name") return false
  const name = expr.path.at(-1)
  return scope.sources.some((s) =>
    (expr.path.length === 1 || s.alias === expr.path.at(-2)) &&
    s.table?.columns.some((column) => column.name === name && column.isJson) === true
  )
}

export interface BlockOptions {
  readonly orderBy: ReadonlyArray<OrderItem>
  readonly siblings: boolean
  /** LIMIT and OFFSET of the query around it. */
  readonly tail: string
  /** Versions and rows of these sources are added to the columns, for FOR UPDATE. */
  readonly locking: boolean
  /** NEXTVAL may stand in the select list. */
  readonly sequences: boolean
}

export const compileBlock = (
  c: Compilation,
  block: Block,
  parent: Scope | undefined,
  options: BlockOptions
): CompiledQuery & { readonly locked: ReadonlyArray<Source> } => {
  const scope = newScope(parent)
  const grouped = block.groupBy.length > 0 || block.having !== undefined || hasAggregate(block.items) ||
    hasAggregate(options.orderBy)
  const rownumAbove = usesRownum(block.items) || usesRownum(block.groupBy) || usesRownum(options.orderBy)
  const rows = block.connectBy === undefined
    ? rowsOf(c, block, scope)
    : compileHierarchy(c, block, scope, options.siblings ? options.orderBy : [], conditionText)
  const orderBy = options.siblings ? [] : options.orderBy
  const limited = rows.limits.length > 0
  const wrapped = rownumAbove || (limited && (grouped || block.distinct || orderBy.length > 0))
  const wrap = wrapped ? { alias: c.alias(), names: new Map<string, string>() } : undefined
  if (wrap !== undefined) {
    scope.wrap = wrap
    scope.rownum = `${wrap.alias}.rn`
    if (scope.level !== undefined) {
      wrap.names.set(scope.level, "wl")
      scope.level = `${wrap.alias}.wl`
    }
  }
  const groups = block.groupBy.map((expr) => c.expr(c, expr, scope))
  scope.groups = grouped ? groups.map((group) => group.sql) : undefined
  scope.aggregatesAllowed = true
  scope.sequences = options.sequences && !grouped && !block.distinct && orderBy.length === 0

  const items: Array<Item> = []
  for (const item of block.items) {
    if (item.expr.kind === "star") items.push(...starColumns(scope, item, c))
    else {items.push({
        sql: c.expr(c, item.expr, scope),
        name: displayName(item),
        isJson: columnIsJson(scope, item.expr)
      })}
  }
  scope.sequences = false
  const having = block.having === undefined ? "" : ` HAVING ${conditionText(c, block.having, scope)}`
  if (block.distinct) {
    for (const item of items) {
      if (["lc", "lb", "j", "v"].includes(kindOf(item.sql.type))) {
        throw oraError(932, `inconsistent datatypes: expected - got ${item.sql.type.name}`, block.at)
      }
    }
  }
  const order = orderBy.map((item) => orderItem(c, item, scope, items, block))
  const columns: ReadonlyArray<OutColumn> = items.map((item) => ({
    name: item.name,
    type: item.sql.type,
    nullable: item.sql.nullable,
    isJson: item.isJson,
    origin: options.locking ? originOf(scope.sources, item.sql.sql) : undefined
  }))
  const locked = options.locking ? scope.sources.filter((source) => source.table !== undefined) : []
  if (options.locking && (grouped || block.distinct || wrapped && rownumAbove)) {
    throw oraError(2014, "cannot select FOR UPDATE from view with DISTINCT, GROUP BY, etc.", block.at)
  }

  let from = rows.from
  let where = rows.where
  let limit = limited ? ` LIMIT ${limitText(rows.limits)}` : ""
  if (wrap !== undefined) {
    for (const source of locked) {
      wrap.names.set(`${source.sqlAlias}.r`, `r_${source.sqlAlias}`)
    }
    const inner = [...wrap.names].map(([sql, name]) => `${sql} AS ${name}`)
    from = `(SELECT ${[...inner, "ni(row_number() OVER ()) AS rn"].join(",")}${from === "" ? "" : ` FROM ${from}`}${
      whereText(where)
    }${limit}) AS ${wrap.alias}`
    where = []
    limit = ""
  }
  const list = items.map((item, i) => `${item.sql.sql} AS c${i}`)
  for (const source of locked) {
    list.push(wrap === undefined ? `${source.sqlAlias}.r` : `${wrap.alias}.r_${source.sqlAlias}`)
  }
  const select = `SELECT ${block.distinct ? "DISTINCT " : ""}${list.join(",")}`
  const group = groups.length === 0 ? "" : ` GROUP BY ${groups.map((item) => item.sql).join(",")}`
  const rest = `${whereText(where)}${group}${having}${order.length === 0 ? "" : ` ORDER BY ${order.join(",")}`}`
  let tail = options.tail
  if (limit !== "") {
    if (tail !== "") throw unimplemented("ROWNUM together with FETCH FIRST", block.at)
    tail = limit
  }
  const isDual = wrap === undefined && block.from.length === 1 && scope.sources.length === 1 &&
    scope.sources[0]!.alias !== undefined &&
    from.startsWith("(SELECT 'X' AS c0)") && !`${select}${rest}`.includes(`${scope.sources[0]!.sqlAlias}.`)
  return { sql: `${select}${from === "" || isDual ? "" : ` FROM ${from}`}${rest}${tail}`, columns, locked }
}

export const originOf = (sources: ReadonlyArray<Source>, sql: string): OutColumn["origin"] => {
  for (const source of sources) {
    const column = source.table === undefined ? undefined : source.columns.find((candidate) => candidate.sql === sql)
    if (column !== undefined) return { source, column: column.name }
  }
  return undefined
}

/** Several limits: the smallest counts, where a negative one is none. */
const limitText = (limits: ReadonlyArray<string>): string =>
  limits.length === 1 ? limits[0]! : `min_limit(${limits.join(",")})`

const whereText = (where: ReadonlyArray<string>): string => where.length === 0 ? "" : ` WHERE ${where.join(" AND ")}`

const orderItem = (c: Compilation, item: OrderItem, scope: Scope, items: ReadonlyArray<Item>, block: Block): string => {
  const { expr } = item
  let index = -1
  if (expr.kind === "number") {
    const position = fromText(expr.text)
    index = (toInteger(floor(position)) ?? 0) - 1
    if (isZero(position) || index < 0 || index >= items.length) {
      throw oraError(1785, "ORDER BY item must be the number of a SELECT-list expression", expr.at)
    }
  } else if (expr.kind === "name" && expr.path.length === 1) {
    index = items.findIndex((candidate) => candidate.name === expr.path[0])
  }
  if (index >= 0) {
    const { sql } = items[index]!
    return orderBySql(kindOf(sql.type) === "z" ? sql : { ...sql, sql: `c${index}` }, item)
  }
  const sql = c.expr(c, expr, scope)
  if (block.distinct && !items.some((candidate) => candidate.sql.sql === sql.sql)) {
    throw oraError(1791, "not a SELECTed expression", expr.at)
  }
  return orderBySql(sql, item)
}
