/** FROM: tables, views, dictionary views, subqueries, joins. */
import type { Eval, Frame } from "../execute/frame.ts"
import type { Operator } from "../execute/operator.ts"
import { Filter } from "../execute/rows.ts"
import { ListScan } from "../execute/scans.ts"
import type { Row } from "../storage/tableData.ts"
import type { Block, FromItem, Pivot, Query, Unpivot } from "../syntax/ast.ts"
import { oraError } from "../values/oraError.ts"
import { BOOLEAN, NUMBER, varchar2 } from "../values/sqlType.ts"
import { asOwner, requireAccess } from "./access.ts"
import { collectionItem, valuesItem } from "./collectionSources.ts"
import { type Compilation, type CompiledQuery, settled } from "./compilation.ts"
import { booleanTerm, joined } from "./joinSources.ts"
import { compileJsonTable } from "./jsonTables.ts"
import { partitionTerm } from "./partitionConditions.ts"
import { pivotQuery, unpivotQuery } from "./pivots.ts"
import { secured } from "./policies.ts"
import { conjuncts as termConjuncts, type Leaf, type Relation } from "./relations.ts"
import { type CompiledItem, outColumns, source, tableSource } from "./tableSources.ts"
import {
  columnTerm,
  derived,
  newScope,
  noSlots,
  type Scope,
  type Source,
  type SourceColumn,
  type Term
} from "./term.ts"
import { conjuncts, hasAggregate, hasOuterMark, hasWindow, isPlainBlock, usesRownum } from "./walk.ts"

/** A query as an item of FROM: its rows come in the slot of its output. */
const queryLeaf = (query: CompiledQuery): Leaf => ({
  kind: "leaf",
  slot: query.slot,
  width: query.columns.length,
  table: undefined,
  free: query.plan.free,
  scan: (f, filter) => withFilter(f, query.plan.make(f), filter)
})

const withFilter = (f: Frame, operator: Operator, filter: Eval | undefined): Operator =>
  filter === undefined ? operator : new Filter(f, operator, filter)

const listLeaf = (slot: number, width: number, list: (f: Frame) => ReadonlyArray<Row>): Leaf => ({
  kind: "leaf",
  slot,
  width,
  table: undefined,
  free: noSlots,
  scan: (f, filter) => new ListScan(f, slot, list, filter)
})

/** Whether a row is among those of SAMPLE: with a SEED it always is, or never. */
const sampleTerm = (sample: NonNullable<Extract<FromItem, { kind: "table" }>["sample"]>, slot: number): Term => {
  const { at, percent, seed } = sample
  if (!(percent >= 0.000001 && percent < 100)) {
    throw oraError(30562, "SAMPLE percentage must be in the range [0.000001,100)", at)
  }
  const row = columnTerm(slot, 0, NUMBER, true)
  return derived([row], `sample:${percent}:${seed ?? ""}`, BOOLEAN, false, (f) => {
    const chance = seed === undefined ? Math.random() : scattered(row.eval(f) as number, seed)
    return chance * 100 < percent ? 1 : 0
  }, { condition: true })
}

/** A number from 0 to 1 that looks random. */
const scattered = (row: number, seed: number): number => {
  let hash = Math.imul(row + 1, 0x9e3779b1) ^ Math.imul(seed + 1, 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d)
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}

const dual: ReadonlyArray<Row> = [["X"]]

const tableItem = (c: Compilation, item: Extract<FromItem, { kind: "table" }>): CompiledItem => {
  const { alias, at, path } = item
  const name = path.at(-1)!
  if (path.length === 1) {
    const common = c.commonTables.findLast((entry) => entry.name === name)
    if (common !== undefined) {
      const slot = c.slot()
      const plan = common.read(c, slot)
      const leaf = queryLeaf({ plan, slot, columns: common.columns })
      // The row that a recursion goes on from depends on nothing but the recursion.
      const isWorking = plan.slots.length === 1 && plan.free.size === 1
      return {
        relation: isWorking ? { ...leaf, single: true } : leaf,
        sources: [source(alias ?? name, slot, outColumns(slot, common.columns))]
      }
    }
  }
  const object = c.context.catalog.find(path, c.schema)
  if (object?.kind === "table" || object?.kind === "view") {
    requireAccess(c, object, "READ", () => c.context.catalog.missing(path, c.schema, at), at)
    if (c.viewDepth === 0) c.named.add(object)
  }
  if (object?.kind === "table") {
    const compiled = tableSource(c, object, alias ?? (name === object.name ? undefined : name))
    const { relation } = compiled
    const guarded = secured(c, object, compiled.source, "SELECT")
    const conditions = [
      ...(item.sample === undefined ? [] : [sampleTerm(item.sample, relation.slot)]),
      ...(item.partition === undefined ? [] : [partitionTerm(c, object, item.partition, relation.slot)]),
      ...guarded.conditions
    ]
    const limited: Relation = conditions.length === 0 ? relation : { kind: "inner", items: [relation], conditions }
    return { relation: limited, sources: [guarded.source] }
  }
  if (object?.kind === "view") {
    if (c.viewDepth > 30) throw oraError(1731, "circular view definition encountered", at)
    const common = c.commonTables.splice(0)
    c.viewDepth++
    try {
      const compiled = asOwner(c, object.owner, () =>
        queryItem(
          c,
          object.query,
          undefined,
          alias ?? name,
          alias === undefined ? object.owner : undefined,
          object.columns
        ))
      const [shown] = compiled.sources
      if (shown === undefined) return compiled
      const { conditions, source: guarded } = secured(c, object, shown, "SELECT")
      return conditions.length === 0 && guarded === shown
        ? compiled
        : { relation: { kind: "inner", items: [compiled.relation], conditions }, sources: [guarded] }
    } finally {
      c.viewDepth--
      c.commonTables.push(...common)
    }
  }
  if (object === undefined && name === "DUAL" && (path.length === 1 || path[0] === "SYS")) {
    const slot = c.slot()
    return {
      relation: listLeaf(slot, 1, () => dual),
      sources: [source(alias ?? "DUAL", slot, [{ name: "DUMMY", term: columnTerm(slot, 0, varchar2(1), true) }], "SYS")]
    }
  }
  const view = object === undefined ? c.context.dictionary(path) : undefined
  if (view !== undefined) {
    const slot = c.slot()
    return {
      relation: listLeaf(slot, view.columns.length, (f) => view.rows(f.session)),
      sources: [
        source(
          alias ?? name,
          slot,
          view.columns.map((column, i) => ({ name: column.name, term: columnTerm(slot, i, column.type, true) }))
        )
      ]
    }
  }
  throw c.context.catalog.missing(path, c.schema, at)
}

/** A block of only FROM and WHERE becomes a part of the query around it: conditions and indexes then reach its tables. */
const isMergeable = (query: Query): query is Query & { readonly body: Block } => {
  const { body } = query
  return body.kind === "block" && query.ctes.length === 0 && query.orderBy.length === 0 &&
    query.offset === undefined && query.fetch === undefined && isPlainBlock(body) &&
    !hasAggregate(body.items) && !hasWindow(body.items) && !usesRownum(body) &&
    body.items.every(({ expr }) => expr.kind === "name" || (expr.kind === "star"))
}

const queryItem = (
  c: Compilation,
  query: Query,
  parent: Scope | undefined,
  alias: string | undefined,
  owner: string | undefined,
  names: ReadonlyArray<string>
): CompiledItem => {
  if (isMergeable(query)) {
    const merged = mergedItem(c, query.body, parent, alias, owner, names)
    if (merged !== undefined) return merged
  }
  const compiled = c.query(c, query, parent)
  return {
    relation: queryLeaf(compiled),
    sources: [source(alias, compiled.slot, outColumns(compiled.slot, compiled.columns, names), owner)]
  }
}

const mergedItem = (
  c: Compilation,
  block: Block,
  parent: Scope | undefined,
  alias: string | undefined,
  owner: string | undefined,
  names: ReadonlyArray<string>
): CompiledItem | undefined => {
  const tests = conjuncts(block.where)
  if (tests.some(hasOuterMark)) return undefined
  const scope = newScope(parent)
  const items: Array<CompiledItem> = []
  for (const item of block.from) {
    const compiled = compileItem(c, item, parent, scope.sources)
    items.push(compiled)
    scope.sources.push(...compiled.sources)
  }
  const conditions = termConjuncts(tests.map((test) => settled(c, () => booleanTerm(c, test, scope))))
  const columns: Array<SourceColumn> = []
  for (const { alias: given, expr } of block.items) {
    if (expr.kind === "star") {
      const wanted = expr.path.length === 0 ? scope.sources : scope.sources.filter((s) => s.alias === expr.path.at(-1))
      if (wanted.length === 0) return undefined
      for (const one of wanted) {
        for (const column of one.columns) {
          if (column.hidden !== true && !(expr.path.length === 0 && one.merged.has(column.name))) columns.push(column)
        }
      }
      continue
    }
    const term = c.expr(c, expr, scope)
    // Values of other rows than those of its own tables would not become null with them.
    if (term.column === undefined && term.rowidOf === undefined) return undefined
    columns.push({ name: given ?? (expr.kind === "name" ? expr.path.at(-1)! : ""), term })
  }
  if (names.length > 0 && names.length !== columns.length) return undefined
  const own = columns.map((column, i): SourceColumn => ({
    name: names[i] ?? column.name,
    term: { ...column.term, rowidOf: undefined }
  }))
  if (new Set(own.map((column) => column.name)).size !== own.length) return undefined
  return {
    relation: { kind: "inner", items: items.map((item) => item.relation), conditions },
    sources: [source(alias, items[0]?.sources[0]?.slot ?? -1, own, owner)]
  }
}

/** The columns of the source are found first: what is not named in the clause stays. */
const pivotItem = (
  c: Compilation,
  item: Pivot | Unpivot,
  parent: Scope | undefined,
  before: ReadonlyArray<Source>
): CompiledItem => {
  const columns = compileItem(c, item.source, parent, before).sources
    .flatMap((one) => one.columns.filter((column) => column.hidden !== true).map((column) => column.name))
  const query = item.kind === "pivot" ? pivotQuery(item, columns) : unpivotQuery(item, columns)
  return queryItem(c, query, parent, item.alias, undefined, [])
}

/** `before`: the sources that a lateral item may see. */
export const compileItem = (
  c: Compilation,
  item: FromItem,
  parent: Scope | undefined,
  before: ReadonlyArray<Source>
): CompiledItem => {
  switch (item.kind) {
    case "table":
      return tableItem(c, item)
    case "derived": {
      let outer = parent
      if (item.lateral) {
        outer = newScope(parent)
        outer.sources.push(...before)
      }
      return queryItem(c, item.query, outer, item.alias, undefined, [])
    }
    case "values":
      return valuesItem(c, item, parent)
    case "pivot":
    case "unpivot":
      return pivotItem(c, item, parent, before)
    case "jsonTable": {
      const scope = newScope(parent)
      scope.sources.push(...before)
      const { columns, leaf } = compileJsonTable(c, item, scope)
      return { relation: leaf, sources: [source(item.alias, leaf.slot, columns)] }
    }
    case "function":
      return collectionItem(c, item, parent, before)
    case "join": {
      const left = compileItem(c, item.left, parent, before)
      const right = compileItem(c, item.right, parent, [...before, ...left.sources])
      return joined(c, item, parent, left, right)
    }
  }
}
