/** Whole queries: WITH, set operators, ORDER BY, OFFSET and FETCH. */
import type { CommonTable, Query, QueryBody, SetOperation } from "../Ast.ts"
import { oraError, unimplemented } from "../OraError.ts"
import { kindOf, NUMBER, type SqlType } from "../SqlType.ts"
import { orderBySql } from "./AggregateCalls.ts"
import { compileBlock } from "./Blocks.ts"
import type { Compilation } from "./Compilation.ts"
import { convertTo, unify } from "./Operators.ts"
import { type CompiledQuery, newScope, type OutColumn, type Scope, type Source } from "./Sql.ts"
import { refersTo } from "./Walk.ts"

const limitTail = (c: Compilation, query: Query, parent: Scope | undefined): string => {
  if (query.offset === undefined && query.fetch === undefined) return ""
  if (query.fetch?.percent === true) throw unimplemented("FETCH … PERCENT", query.at)
  if (query.fetch?.ties === true) throw unimplemented("FETCH … WITH TIES", query.at)
  const scope = newScope(parent)
  const count = query.fetch === undefined
    ? "-1"
    : query.fetch.count === undefined
    ? "1"
    : `lim(${convertTo(c.expr(c, query.fetch.count, scope), NUMBER, query.at).sql},0)`
  const offset = query.offset === undefined
    ? ""
    : ` OFFSET lim(${convertTo(c.expr(c, query.offset, scope), NUMBER, query.at).sql},0)`
  return ` LIMIT ${count}${offset}`
}

const commonTable = (c: Compilation, cte: CommonTable, parent: Scope | undefined): string => {
  const sqlName = c.alias()
  const named = (columns: ReadonlyArray<OutColumn>): ReadonlyArray<OutColumn> => {
    if (cte.columns.length > 0 && cte.columns.length !== columns.length) {
      throw oraError(
        32038,
        "number of WITH clause column names does not match number of elements in select list",
        cte.at
      )
    }
    return columns.map((column, i) => ({ ...column, name: cte.columns[i] ?? column.name }))
  }
  if (!refersTo(cte.query, cte.name)) {
    const query = c.query(c, cte.query, parent)
    c.commonTables.push({ name: cte.name, sqlName, columns: named(query.columns) })
    return `${sqlName} AS (${query.sql})`
  }
  const { body } = cte.query
  if (body.kind !== "set" || body.op !== "union all" || body.left.kind !== "block" || body.right.kind !== "block") {
    throw oraError(32040, "recursive WITH clause must use a UNION ALL operation", cte.at)
  }
  if (cte.columns.length === 0) throw oraError(32039, "recursive WITH clause must have column alias list", cte.at)
  const options = { orderBy: [], siblings: false, tail: "", locking: false, sequences: false }
  const anchor = compileBlock(c, body.left, parent, options)
  const widened = named(anchor.columns).map(({ isJson, name, type }): OutColumn => ({
    name,
    type: general(type),
    nullable: true,
    isJson
  }))
  c.commonTables.push({ name: cte.name, sqlName, columns: widened })
  const step = compileBlock(c, body.right, parent, options)
  for (const [i, column] of step.columns.entries()) {
    const from = kindOf(column.type)
    if (from !== "null" && from !== kindOf(widened[i]!.type)) {
      throw oraError(1790, "expression must have same datatype as corresponding expression", cte.at)
    }
  }
  return `${sqlName}(${widened.map((_, i) => `c${i}`).join(",")}) AS (${anchor.sql} UNION ALL ${step.sql})`
}

/** Rows of the recursive part may be wider than those of the first. */
const general = (type: SqlType): SqlType =>
  kindOf(type) === "n" ? NUMBER : kindOf(type) === "c" ? { ...type, name: "VARCHAR2", size: 4000, chars: 0 } : type

const operand = (c: Compilation, body: QueryBody, parent: Scope | undefined): CompiledQuery => {
  if (body.kind === "set") return setOperation(c, body, parent)
  if (body.kind === "nested") return c.query(c, body.query, parent)
  return compileBlock(c, body, parent, { orderBy: [], siblings: false, tail: "", locking: false, sequences: false })
}

const setOperation = (c: Compilation, set: SetOperation, parent: Scope | undefined): CompiledQuery => {
  const left = operand(c, set.left, parent)
  const right = operand(c, set.right, parent)
  if (left.columns.length !== right.columns.length) {
    throw oraError(1789, "query block has incorrect number of result columns", set.at)
  }
  const columns = left.columns.map((column, i): OutColumn => {
    const other = right.columns[i]!
    const a = kindOf(column.type)
    const b = kindOf(other.type)
    const alike = a === b || a === "null" || b === "null" || (a === "n" && b === "f") || (a === "f" && b === "n") ||
      (["d", "t", "z", "l"].includes(a) && ["d", "t", "z", "l"].includes(b)) ||
      (["c", "lc"].includes(a) && ["c", "lc"].includes(b))
    if (!alike) throw oraError(1790, "expression must have same datatype as corresponding expression", set.at)
    if (set.op !== "union all" && ["lc", "lb", "j", "v"].includes(a)) {
      throw oraError(932, `inconsistent datatypes: expected - got ${column.type.name}`, set.at)
    }
    return {
      name: column.name,
      type: unify([column.type, other.type], false, set.at),
      nullable: column.nullable || other.nullable,
      isJson: false
    }
  })
  const side = (query: CompiledQuery): string => {
    const list = columns.map((column, i) => {
      const own = { sql: `c${i}`, type: query.columns[i]!.type, nullable: true }
      return `${convertTo(own, column.type, set.at).sql} AS c${i}`
    })
    return `SELECT ${list.join(",")} FROM (${query.sql})`
  }
  const op = { "union": "UNION", "union all": "UNION ALL", "minus": "EXCEPT", "intersect": "INTERSECT" }[set.op]
  return { sql: `${side(left)} ${op} ${side(right)}`, columns }
}

export interface TopQuery extends CompiledQuery {
  readonly locked: ReadonlyArray<Source>
}

/** `top`: the outermost query of a statement, where FOR UPDATE and sequence values may stand. */
export const compileQuery = (c: Compilation, query: Query, parent: Scope | undefined, top = false): TopQuery => {
  if (query.forUpdate !== undefined && !top) throw oraError(907, "missing right parenthesis", query.at)
  const depth = c.commonTables.length
  const tables = query.ctes.map((cte) => commonTable(c, cte, parent))
  const prefix = tables.length === 0 ? "" : `WITH RECURSIVE ${tables.join(",")} `
  const result = bodyOf(c, query, parent, top)
  c.commonTables.length = depth
  return prefix === "" ? result : { ...result, sql: prefix + result.sql }
}

const bodyOf = (c: Compilation, query: Query, parent: Scope | undefined, top: boolean): TopQuery => {
  const tail = limitTail(c, query, parent)
  if (query.body.kind === "block") {
    return compileBlock(c, query.body, parent, {
      orderBy: query.orderBy,
      siblings: query.siblings,
      tail,
      locking: query.forUpdate !== undefined,
      sequences: top && tail === ""
    })
  }
  if (query.forUpdate !== undefined) {
    throw oraError(2014, "cannot select FOR UPDATE from view with DISTINCT, GROUP BY, etc.", query.at)
  }
  const body = operand(c, query.body, parent)
  if (query.orderBy.length === 0 && tail === "") return { ...body, locked: [] }
  const order = query.orderBy.map((item) => {
    const { expr } = item
    let index = -1
    if (expr.kind === "number") index = Number(expr.text) - 1
    else if (expr.kind === "name" && expr.path.length === 1) {
      index = body.columns.findIndex((column) => column.name === expr.path[0])
    }
    const column = body.columns[index]
    if (column === undefined) {
      if (expr.kind === "number") {
        throw oraError(1785, "ORDER BY item must be the number of a SELECT-list expression", expr.at)
      }
      if (expr.kind === "name") {
        throw oraError(
          904,
          `${expr.path.map((part) => `"${part}"`).join(".")}: invalid identifier`,
          expr.at
        )
      }
      throw oraError(1785, "ORDER BY item must be the number of a SELECT-list expression", expr.at)
    }
    return orderBySql({ sql: `c${index}`, type: column.type, nullable: column.nullable }, item)
  })
  const list = body.columns.map((_, i) => `c${i}`).join(",")
  return {
    sql: `SELECT ${list} FROM (${body.sql})${order.length === 0 ? "" : ` ORDER BY ${order.join(",")}`}${tail}`,
    columns: body.columns,
    locked: []
  }
}
