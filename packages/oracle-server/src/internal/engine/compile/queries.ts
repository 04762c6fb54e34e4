/** Whole queries: WITH, set operators, ORDER BY, OFFSET and FETCH. */
import { CommonRows, sharedRows } from "../execute/commonTables.ts"
import type { Frame } from "../execute/frame.ts"
import type { Operator, Plan } from "../execute/operator.ts"
import { Concatenation, Limit, type LimitSpec, Percent, Project, RowSets } from "../execute/rows.ts"
import { Sort, type SortKey } from "../execute/sorting.ts"
import type { CommonTable, Expr, Query, QueryBody, SetOperation } from "../syntax/ast.ts"
import { oraError } from "../values/oraError.ts"
import { keyOfAll } from "../values/order.ts"
import { kindOf, NUMBER } from "../values/sqlType.ts"
import { sortKey } from "./aggregateCalls.ts"
import { compileBlock, type CompiledBlock } from "./blocks.ts"
import { movedTo, plainBlock, renamed } from "./commonColumns.ts"
import { type Compilation, type CompiledQuery, rowOf, settled } from "./compilation.ts"
import { convertTo, unify } from "./operators.ts"
import { recursiveTable } from "./recursiveTables.ts"
import { freeSlots } from "./relations.ts"
import { columnTerm, newScope, type OutColumn, type Scope, type Source, type Term } from "./term.ts"
import { references, refersTo } from "./walk.ts"

const commonTable = (c: Compilation, cte: CommonTable, parent: Scope | undefined, uses: number): void => {
  const compiled = refersTo(cte.query, cte.name)
    ? recursiveTable(c, cte, parent, operand)
    : compileQuery(c, cte.query, parent)
  const columns = refersTo(cte.query, cte.name) ? compiled.columns : renamed(cte, compiled.columns)
  // One reader takes the rows as they come; several share what the first of them has read.
  const place = uses > 1 && compiled.plan.free.size === 0 ? c.place() : undefined
  let isFirst = true
  c.commonTables.push({
    name: cte.name,
    columns,
    read: (inner, slot) => {
      if (place !== undefined) {
        return {
          slots: [slot],
          free: compiled.plan.free,
          make: (f) => new CommonRows(f, sharedRows(f, place, compiled), slot)
        }
      }
      if (isFirst) {
        isFirst = false
        return movedTo(compiled, slot)
      }
      // The slots of a plan serve one reader at a time.
      const again = refersTo(cte.query, cte.name)
        ? recursiveTable(inner, cte, parent, operand)
        : compileQuery(inner, cte.query, parent)
      return movedTo(again, slot)
    }
  })
}

const operand = (c: Compilation, body: QueryBody, parent: Scope | undefined): CompiledQuery => {
  if (body.kind === "set") return setOperation(c, body, parent)
  if (body.kind === "nested") return c.query(c, body.query, parent)
  return compileBlock(c, body, parent, plainBlock)
}

/** Types of the columns of two operands. */
const joinedColumns = (
  set: SetOperation,
  left: ReadonlyArray<OutColumn>,
  right: ReadonlyArray<OutColumn>
): ReadonlyArray<OutColumn> => {
  if (left.length !== right.length) {
    throw oraError(1789, "query block has incorrect number of result columns", set.at)
  }
  return left.map((column, i): OutColumn => {
    const other = right[i]!
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
}

/** The rows of an operand in the common types and the common slot. */
const inTypes = (
  query: CompiledQuery,
  columns: ReadonlyArray<OutColumn>,
  slot: number,
  at: number
): Plan => {
  const isSame = columns.every((column, i) => kindOf(column.type) === kindOf(query.columns[i]!.type))
  if (isSame) return movedTo(query, slot)
  const row = rowOf(
    columns.map((column, i) => convertTo(columnTerm(query.slot, i, query.columns[i]!.type, true), column.type, at))
  )
  return {
    slots: [...query.plan.slots, slot],
    free: query.plan.free,
    make: (f) => new Project(f, query.plan.make(f), slot, row)
  }
}

const setOperation = (c: Compilation, set: SetOperation, parent: Scope | undefined): CompiledQuery => {
  if (set.op === "union all") return concatenation(c, set, parent)
  const left = operand(c, set.left, parent)
  const right = operand(c, set.right, parent)
  const columns = joinedColumns(set, left.columns, right.columns)
  const slot = c.slot()
  const one = inTypes(left, columns, slot, set.at)
  const two = inTypes(right, columns, slot, set.at)
  const kinds = columns.map((column) => kindOf(column.type))
  const { op } = set
  return {
    slot,
    columns,
    plan: {
      slots: [slot],
      free: freeSlots([], [one, two], [slot]),
      make: (f) => new RowSets(f, op, one.make(f), two.make(f), slot, kinds)
    }
  }
}

/** `a union all b union all c …`: one list, however long. */
const concatenation = (c: Compilation, set: SetOperation, parent: Scope | undefined): CompiledQuery => {
  const bodies: Array<QueryBody> = []
  const sets: Array<SetOperation> = []
  let body: QueryBody = set
  while (body.kind === "set" && body.op === "union all") {
    bodies.push(body.right)
    sets.push(body)
    body = body.left
  }
  bodies.push(body)
  const queries = bodies.toReversed().map((one) => operand(c, one, parent))
  let { columns } = queries[0]!
  sets.toReversed().forEach((one, i) => {
    columns = joinedColumns(one, columns, queries[i + 1]!.columns)
  })
  const slot = c.slot()
  const plans = queries.map((query) => inTypes(query, columns, slot, set.at))
  return {
    slot,
    columns,
    plan: {
      slots: [slot],
      free: freeSlots([], plans, [slot]),
      make: (f) => new Concatenation(plans.map((plan) => plan.make(f)))
    }
  }
}

interface TopQuery extends CompiledQuery {
  readonly locked: ReadonlyArray<Source>
}

/** `top`: the outermost query of a statement, where FOR UPDATE and sequence values may stand. */
export const compileQuery = (c: Compilation, query: Query, parent: Scope | undefined, top = false): TopQuery => {
  if (query.forUpdate !== undefined && !top) throw oraError(907, "missing right parenthesis", query.at)
  const depth = c.commonTables.length
  query.ctes.forEach((cte, i) => {
    const users = [query.body, query.orderBy, ...query.ctes.slice(i + 1).map((later) => later.query)]
    commonTable(c, cte, parent, references(users, cte.name))
  })
  const result = bodyOf(c, query, parent, top)
  c.commonTables.length = depth
  return result
}

const bodyOf = (c: Compilation, query: Query, parent: Scope | undefined, top: boolean): TopQuery => {
  const isLimited = query.offset !== undefined || query.fetch !== undefined
  if (query.body.kind === "block") {
    const block = compileBlock(c, query.body, parent, {
      orderBy: query.orderBy,
      siblings: query.siblings,
      locking: query.forUpdate !== undefined,
      sequences: top && !isLimited,
      ranks: query.fetch?.ties === true
    })
    return { ...limited(c, query, parent, block, block.rank), locked: block.locked }
  }
  if (query.forUpdate !== undefined) {
    throw oraError(2014, "cannot select FOR UPDATE from view with DISTINCT, GROUP BY, etc.", query.at)
  }
  const body = operand(c, query.body, parent)
  const order = query.orderBy.map((item) => {
    const index = columnIndex(body.columns, item.expr)
    const column = body.columns[index]!
    const term = columnTerm(body.slot, index, column.type, column.nullable)
    return { term, key: sortKey(term, item) }
  })
  if (order.length === 0) return { ...limited(c, query, parent, body, undefined), locked: [] }
  const values = rowOf(order.map(({ term }) => term))
  const keys = order.map(({ key }) => key)
  const { slot } = body
  const sorted: CompiledQuery = {
    ...body,
    plan: { ...body.plan, make: (f) => new Sort(f, body.plan.make(f), [slot], values, keys) }
  }
  if (query.fetch?.ties !== true) return { ...limited(c, query, parent, sorted, undefined), locked: [] }
  const rank = c.slot()
  const ranked: CompiledQuery = {
    ...sorted,
    plan: {
      ...sorted.plan,
      slots: [...sorted.plan.slots, rank],
      make: (f) => new Project(f, sorted.plan.make(f), rank, values)
    }
  }
  return { ...limited(c, query, parent, ranked, { slot: rank, keys }), locked: [] }
}

const columnIndex = (columns: ReadonlyArray<OutColumn>, expr: Expr): number => {
  if (expr.kind === "name" && expr.path.length === 1) {
    const index = columns.findIndex((column) => column.name === expr.path[0])
    if (index >= 0) return index
  }
  if (expr.kind === "name") {
    throw oraError(904, `${expr.path.map((part) => `"${part}"`).join(".")}: invalid identifier`, expr.at)
  }
  const index = expr.kind === "number" ? Number(expr.text) - 1 : -1
  if (columns[index] === undefined) {
    throw oraError(1785, "ORDER BY item must be the number of a SELECT-list expression", expr.at)
  }
  return index
}

/** OFFSET and FETCH around a query. */
const limited = (
  c: Compilation,
  query: Query,
  parent: Scope | undefined,
  inner: CompiledQuery,
  rank: CompiledBlock["rank"]
): CompiledQuery => {
  const { fetch, offset } = query
  if (offset === undefined && fetch === undefined) return inner
  const scope = newScope(parent)
  const number = (expr: Expr): Term => settled(c, () => convertTo(c.expr(c, expr, scope), NUMBER, query.at))
  const skip = offset === undefined ? undefined : number(offset)
  const count = fetch === undefined
    ? undefined
    : fetch.count === undefined
    ? { eval: () => 1, uses: new Set<number>() }
    : number(fetch.count)
  const rankKey = rank === undefined ? undefined : rankOf(rank)
  const spec: LimitSpec = {
    offset: skip?.eval,
    count: count?.eval,
    percent: fetch?.percent === true,
    rank: rankKey
  }
  const { plan, slot } = inner
  const parts = [...(skip === undefined ? [] : [skip]), ...(count === undefined ? [] : [count])]
  return {
    ...inner,
    plan: {
      slots: plan.slots,
      free: freeSlots(parts, [plan], []),
      make: (f): Operator =>
        spec.percent
          ? new Percent(f, plan.make(f), slot, spec)
          : new Limit(f, plan.make(f), spec)
    }
  }
}

const rankOf = (rank: { readonly slot: number; readonly keys: ReadonlyArray<SortKey> }): (f: Frame) => string => {
  const kinds = rank.keys.map((key) => key.kind)
  return (f) => keyOfAll(kinds, f.rows[rank.slot]!)
}
