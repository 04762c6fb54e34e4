/** FROM: tables, views, dictionary views, subqueries, joins. */
import type { Table } from "../catalog/catalog.ts"
import type { PolicyStatement } from "../catalog/policies.ts"
import { CollectionScan } from "../execute/collectionScan.ts"
import type { Eval, Frame } from "../execute/frame.ts"
import type { Operator } from "../execute/operator.ts"
import { PipeScan } from "../execute/pipeScan.ts"
import { Filter } from "../execute/rows.ts"
import { ListScan, ValuesScan } from "../execute/scans.ts"
import type { Row } from "../storage/tableData.ts"
import type { Block, Expr, FromItem, Pivot, Query, Unpivot } from "../syntax/ast.ts"
import { call as callOf } from "../syntax/callParser.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { oraError } from "../values/oraError.ts"
import { formatRowid } from "../values/rowid.ts"
import { BOOLEAN, kindOf, NUMBER, ROWID, varchar2 } from "../values/sqlType.ts"
import { routineArguments } from "./calls.ts"
import { atSite, type Compilation, type CompiledQuery, type Routine, rowOf, settled } from "./compilation.ts"
import { compileJsonTable } from "./jsonTables.ts"
import { choose, condition } from "./logic.ts"
import { comparison, convertTo, unify } from "./operators.ts"
import { pivotQuery, unpivotQuery } from "./pivots.ts"
import { conjuncts as termConjuncts, type Leaf, type Relation, tableScan } from "./relations.ts"
import {
  columnTerm,
  constant,
  derived,
  newScope,
  noSlots,
  type OutColumn,
  type Scope,
  type Source,
  type SourceColumn,
  type Term,
  union
} from "./term.ts"
import { conjuncts, hasAggregate, hasOuterMark, hasWindow, isPlainBlock, usesRownum } from "./walk.ts"

export interface CompiledItem {
  readonly relation: Relation
  readonly sources: ReadonlyArray<Source>
}

const source = (
  alias: string | undefined,
  slot: number,
  columns: ReadonlyArray<SourceColumn>,
  owner?: string,
  table?: Table
): Source => ({ alias, owner, slot, columns, table, merged: new Set(), shared: new Map() })

const outColumns = (
  slot: number,
  columns: ReadonlyArray<OutColumn>,
  names: ReadonlyArray<string> = []
): ReadonlyArray<SourceColumn> =>
  columns.map((column, i) => ({
    name: names[i] ?? column.name,
    // As the server describes them.
    term: columnTerm(slot, i, column.type, true)
  }))

/** The columns of a table as names see them, with the row in a slot. */
export const tableColumns = (c: Compilation, table: Table, slot: number): ReadonlyArray<SourceColumn> => {
  const stored = table.columns.filter((column) => column.virtual === undefined).map((column): SourceColumn => ({
    name: column.name,
    term: columnTerm(slot, column.place, column.type, column.nullable),
    ...(column.invisible ? { hidden: true } : {})
  }))
  const columns: Array<SourceColumn> = stored.length === table.columns.length
    ? stored
    : virtualColumns(c, table, slot, stored)
  const { id } = table
  columns.push({
    name: "ROWID",
    hidden: true,
    term: {
      eval: (f) => {
        const row = f.rows[slot]![0]!
        return row === null ? null : formatRowid(id, row as number)
      },
      type: ROWID,
      nullable: false,
      key: `rowid${slot}`,
      uses: new Set([slot]),
      heavy: false,
      rowidOf: { table, slot }
    }
  })
  return columns
}

const virtualColumns = (
  c: Compilation,
  table: Table,
  slot: number,
  stored: ReadonlyArray<SourceColumn>
): Array<SourceColumn> => {
  const scope = newScope(undefined)
  scope.sources.push(source(undefined, slot, stored))
  return table.columns.map((column): SourceColumn => {
    if (column.virtual === undefined) return stored.find((candidate) => candidate.name === column.name)!
    const term = convertTo(c.expr(c, column.virtual, scope), column.type, 0)
    // With no row there is no value, whatever the expression makes of nulls.
    const isRow = columnTerm(slot, 0, ROWID, true)
    const present = derived([isRow], "present", BOOLEAN, false, (f) => isRow.eval(f) === null ? 0 : 1)
    return {
      name: column.name,
      term: { ...choose([present], [term], constant(null, column.type), column.type), key: term.key }
    }
  })
}

export const tableSource = (
  c: Compilation,
  table: Table,
  alias: string | undefined
): { readonly relation: Leaf; readonly source: Source } => {
  c.tables.add(table)
  const slot = c.slot()
  return {
    relation: {
      kind: "leaf",
      slot,
      width: table.nextPlace,
      table,
      free: noSlots,
      scan: tableScan(slot, table)
    },
    source: source(
      alias ?? table.name,
      slot,
      tableColumns(c, table, slot),
      alias === undefined ? table.owner : undefined,
      table
    )
  }
}

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

/** What policies ask of the rows of a table. */
export const policyConditions = (
  c: Compilation,
  table: Table,
  source: Source,
  kind: PolicyStatement
): ReadonlyArray<Term> => {
  const asked = c.context.policies?.(table, kind)
  if (asked === undefined) return []
  c.volatile = true
  const scope = newScope(undefined)
  scope.sources.push(source)
  return asked.map((expr) => settled(c, () => condition(c, expr, scope)))
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
  if (object?.kind === "table") {
    const compiled = tableSource(c, object, alias ?? (name === object.name ? undefined : name))
    const { relation } = compiled
    const conditions = [
      ...(item.sample === undefined ? [] : [sampleTerm(item.sample, relation.slot)]),
      ...policyConditions(c, object, compiled.source, "SELECT")
    ]
    const limited: Relation = conditions.length === 0 ? relation : { kind: "inner", items: [relation], conditions }
    return { relation: limited, sources: [compiled.source] }
  }
  if (object?.kind === "view") {
    if (c.viewDepth > 30) throw oraError(1731, "circular view definition encountered", at)
    const schema = c.schema
    const common = c.commonTables.splice(0)
    c.schema = object.owner
    c.viewDepth++
    try {
      return queryItem(
        c,
        object.query,
        undefined,
        alias ?? name,
        alias === undefined ? object.owner : undefined,
        object.columns
      )
    } finally {
      c.schema = schema
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

const valuesItem = (
  c: Compilation,
  item: Extract<FromItem, { kind: "values" }>,
  parent: Scope | undefined
): CompiledItem => {
  const scope = newScope(parent)
  const slot = c.slot()
  const raw = item.rows.map((row) => row.map((expr) => c.expr(c, expr, scope)))
  const width = raw[0]!.length
  if (raw.some((row) => row.length !== width)) throw oraError(947, "not enough values", item.at)
  const types = Array.from({ length: width }, (_, i) => unify(raw.map((row) => row[i]!.type), false, item.at))
  const list = item.rows.map((row) =>
    atSite(
      c,
      () => row.map((expr, i) => convertTo(c.expr(c, expr, scope), types[i]!, item.at)),
      rowOf
    )
  )
  const columns = types.map((type, i): SourceColumn => ({
    name: item.names[i] ?? `COLUMN${i + 1}`,
    term: columnTerm(slot, i, type, true)
  }))
  return {
    relation: {
      kind: "leaf",
      slot,
      width,
      table: undefined,
      free: union(raw.flat()),
      scan: (f, filter) => new ValuesScan(f, slot, list, filter)
    },
    sources: [source(item.alias, slot, columns)]
  }
}

/** TABLE(collection): it may name what stands before it in FROM. */
const collectionItem = (
  c: Compilation,
  item: Extract<FromItem, { kind: "function" }>,
  parent: Scope | undefined,
  before: ReadonlyArray<Source>
): CompiledItem => {
  const scope = newScope(parent)
  scope.sources.push(...before)
  const pipe = pipedItem(c, item, scope)
  if (pipe !== undefined) return pipe
  let term: Term | undefined
  const get = atSite(c, () => {
    term = c.expr(c, item.call, scope)
    return term
  }, (built) => built.eval)
  const { composite } = term!.type
  if (composite?.kind !== "collection" || composite.key !== undefined) {
    throw oraError(22905, "cannot access rows from a non-nested table item", item.at)
  }
  const slot = c.slot()
  return elementItem(
    item,
    slot,
    composite.element,
    term!.uses,
    (width) => (f, filter) => new CollectionScan(f, slot, width, get, filter)
  )
}

/** Elements as rows: the attributes of objects and records are the columns. */
const elementItem = (
  item: Extract<FromItem, { kind: "function" }>,
  slot: number,
  element: SqlType,
  free: ReadonlySet<number>,
  scan: (width: number) => Leaf["scan"]
): CompiledItem => {
  const columns = element.composite === undefined || element.composite.kind === "collection"
    ? [{ name: "COLUMN_VALUE", type: element }]
    : element.composite.attributes
  const width = columns.length
  return {
    relation: { kind: "leaf", slot, width: width + 1, table: undefined, free, scan: scan(width) },
    sources: [
      source(item.alias, slot, [
        ...columns.map((column, i): SourceColumn => ({
          name: column.name,
          term: columnTerm(slot, i, column.type, true)
        })),
        { name: "OBJECT_VALUE", hidden: true, term: columnTerm(slot, width, element, true) }
      ])
    ]
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

/** A pipelined function; undefined for any other expression. */
const pipedItem = (
  c: Compilation,
  item: Extract<FromItem, { kind: "function" }>,
  scope: Scope
): CompiledItem | undefined => {
  const { call } = item
  if (call.kind !== "call" && call.kind !== "name") return undefined
  const expr = call.kind === "call" ? call : callOf(call.at, call.path, [])
  let routine: Routine | undefined
  let uses: ReadonlySet<number> = noSlots
  const values = atSite(c, () => {
    const args = expr.args.map((arg) => c.expr(c, arg, scope))
    routine = c.context.routine(expr.path, args.map((arg) => arg.type), expr.names)
    if (routine?.pipe === undefined) return []
    uses = union(args)
    return routineArguments(expr, routine, args)
  }, (given) => (f) => given.map((term) => term?.eval(f)))
  const pipe = routine?.pipe
  if (pipe === undefined) return undefined
  const { composite } = routine!.returns
  if (composite?.kind !== "collection") {
    throw oraError(22905, "cannot access rows from a non-nested table item", item.at)
  }
  const slot = c.slot()
  return elementItem(
    item,
    slot,
    composite.element,
    uses,
    (width) => (f, filter) => new PipeScan(f, slot, width, (frame) => pipe(frame, values(frame)), filter)
  )
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
    case "join":
      return joinItem(c, item, parent, before)
  }
}

const find = (sources: ReadonlyArray<Source>, name: string, at: number): SourceColumn => {
  for (const candidate of sources) {
    if (candidate.merged.has(name)) continue
    const column = candidate.columns.find((col) => col.name === name)
    if (column !== undefined) return column
  }
  throw oraError(904, `"${name}": invalid identifier`, at)
}

const joinItem = (
  c: Compilation,
  item: Extract<FromItem, { kind: "join" }>,
  parent: Scope | undefined,
  before: ReadonlyArray<Source>
): CompiledItem => {
  const left = compileItem(c, item.left, parent, before)
  const right = compileItem(c, item.right, parent, [...before, ...left.sources])
  let shared = item.using
  if (item.natural) {
    const names = new Set(left.sources.flatMap((s) => s.columns.map((column) => column.name)))
    shared = right.sources.flatMap((s) => s.columns).filter((column) =>
      column.hidden !== true && names.has(column.name)
    ).map((column) => column.name)
  }
  const on: Array<Term> = []
  if (shared !== undefined) {
    for (const name of shared) {
      const a = find(left.sources, name, item.at)
      const b = find(right.sources, name, item.at)
      on.push(comparison("=", a.term, b.term, item.at))
      mergeColumn(item.type, left.sources, right.sources, name, a, b)
      for (const one of [...left.sources, ...right.sources]) {
        if (one.columns.some((column) => column.name === name)) one.shared.set(name, item.natural ? "natural" : "using")
      }
    }
  } else if (item.on !== undefined) {
    const scope = newScope(parent)
    scope.sources.push(...left.sources, ...right.sources)
    on.push(...termConjuncts(conjuncts(item.on).map((test) => settled(c, () => booleanTerm(c, test, scope)))))
  }
  const sources = [...left.sources, ...right.sources]
  switch (item.type) {
    case "inner":
    case "cross":
      return { relation: { kind: "inner", items: [left.relation, right.relation], conditions: on }, sources }
    case "left":
      return { relation: { kind: "left", left: left.relation, right: right.relation, on }, sources }
    case "right":
      return { relation: { kind: "left", left: right.relation, right: left.relation, on }, sources }
    case "full":
      return { relation: { kind: "full", left: left.relation, right: right.relation, on }, sources }
  }
}

const booleanTerm = (c: Compilation, expr: Expr, scope: Scope): Term => {
  const term = c.expr(c, expr, scope)
  if (kindOf(term.type) !== kindOf(BOOLEAN) && term.type.name !== "NULL") {
    throw oraError(920, "invalid relational operator", expr.at)
  }
  return term
}

/** The shared column of USING stands once: from the side that is always there. */
const mergeColumn = (
  type: string,
  left: ReadonlyArray<Source>,
  right: ReadonlyArray<Source>,
  name: string,
  a: SourceColumn,
  b: SourceColumn
): void => {
  for (const side of right) if (side.columns.includes(b)) side.merged.add(name)
  const merged: SourceColumn = {
    ...a,
    term: type === "right" ? b.term : type === "full" ? either(a.term, b.term) : a.term
  }
  for (const side of left) {
    const at = side.columns.indexOf(a)
    if (at >= 0 && type !== "inner" && type !== "left") (side.columns as Array<SourceColumn>)[at] = merged
  }
}

const either = (a: Term, b: Term): Term => derived([a, b], "either", a.type, true, (f) => a.eval(f) ?? b.eval(f))
