/** One SELECT block: FROM, WHERE with ROWNUM and (+), GROUP BY, analytic functions, the select list, DISTINCT, ORDER BY. */
import type { Frame } from "../execute/frame.ts"
import { Grouping } from "../execute/grouping.ts"
import type { Plan } from "../execute/operator.ts"
import { Distinct, Filter, Project, Rownum } from "../execute/rows.ts"
import { Sort, type SortKey } from "../execute/sorting.ts"
import { type WindowInput, Windows } from "../execute/windows.ts"
import type { Block, Expr, OrderItem, SelectItem } from "../syntax/ast.ts"
import type { Stored } from "../values/composite.ts"
import { floor } from "../values/numberArithmetic.ts"
import { fromText, isZero, toInteger } from "../values/oracleNumber.ts"
import { oraError } from "../values/oraError.ts"
import { kindOf } from "../values/sqlType.ts"
import { sortKey } from "./aggregateCalls.ts"
import { atSite, type Compilation, type CompiledQuery, rowOf, settled } from "./compilation.ts"
import { compileHierarchy } from "./hierarchies.ts"
import { condition, logic } from "./logic.ts"
import {
  conjuncts as termConjuncts,
  freeSlots,
  type FromWhere,
  oneRow,
  planRelation,
  type Relation,
  type Stage
} from "./relations.ts"
import { nestedAggregates, withAliases } from "./rewrites.ts"
import { compileItem } from "./sources.ts"
import { type CompiledItem } from "./tableSources.ts"
import { columnTerm, newScope, type OutColumn, type Scope, type Source, type Term, type WindowScope } from "./term.ts"
import { allNames, conjuncts, hasAggregate, hasOuterMark, hasWindow, outerNames } from "./walk.ts"

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
): Relation => {
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
  let relation: Relation = { kind: "inner", items: done.map((item) => item.relation), conditions: [] }
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
    relation = {
      kind: "left",
      left: relation,
      right: item.relation,
      on: termConjuncts(exprs.map((expr) => settled(c, () => condition(c, expr, scope))))
    }
    done.push(item)
    waiting.delete(item)
  }
  return relation
}

const stage = (
  before: Stage,
  parts: ReadonlyArray<{ readonly uses: ReadonlySet<number> }>,
  added: ReadonlyArray<number>,
  make: (f: Frame) => ReturnType<Plan["make"]>,
  slots?: ReadonlyArray<number>
): Stage => {
  const own = slots ?? [...before.slots, ...added]
  const all = [...before.plan.slots, ...added]
  return { plan: { make, slots: all, free: freeSlots(parts, [before.plan], all) }, slots: own }
}

const fromWhere = (c: Compilation, block: Block, scope: Scope): FromWhere => {
  const items: Array<CompiledItem> = []
  for (const item of block.from) {
    const compiled = compileItem(c, item, scope.parent, scope.sources)
    items.push(compiled)
    scope.sources.push(...compiled.sources)
  }
  checkAliases(scope, block)
  const tests = conjuncts(block.where)
  const marked = tests.filter(hasOuterMark)
  const terms = termConjuncts(
    tests.filter((test) => !marked.includes(test)).map((test) => settled(c, () => condition(c, test, scope)))
  )
  const slot = scope.rownum?.slot
  const numbered = slot === undefined ? [] : terms.filter((term) => term.uses.has(slot))
  const plain = terms.filter((term) => !numbered.includes(term))
  if (items.length === 0) {
    const plan = oneRow(plain)
    return { plan, slots: [], numbered }
  }
  const relation: Relation = marked.length > 0
    ? outerJoins(c, items, marked, scope)
    : items.length === 1
    ? items[0]!.relation
    : { kind: "inner", items: items.map((item) => item.relation), conditions: [] }
  const plan = planRelation(relation, plain, false)
  return { plan, slots: plan.slots, numbered }
}

const checkAliases = (scope: Scope, block: Block): void => {
  const aliases = new Set<string>()
  for (const source of scope.sources) {
    if (source.alias === undefined) continue
    const key = `${source.owner ?? ""}.${source.alias}`
    if (aliases.has(key) && source.owner !== undefined) {
      throw oraError(918, `${source.alias}: column ambiguously specified`, block.at)
    }
    aliases.add(key)
  }
}

interface Item {
  readonly term: Term
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
  for (const { columns, table } of wanted) {
    const names = new Set(columns.map((column) => column.name))
    if (table !== undefined || names.size === columns.length) continue
    const twice = columns.find((column, i) => columns.findIndex(({ name }) => name === column.name) !== i)!
    throw oraError(918, `${twice.name}: column ambiguously specified`, at)
  }
  return wanted.flatMap((source: Source) =>
    source.columns.filter((column) => column.hidden !== true && !(path.length === 0 && source.merged.has(column.name)))
      .map((column): Item => ({
        term: scope.group === undefined ? column.term : c.expr(c, {
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
const onlyOf = (scope: Scope, source: Source): Scope => ({
  ...scope,
  sources: [{ ...source, merged: new Set(), shared: new Map() }]
})

const columnIsJson = (scope: Scope, expr: Expr): boolean => {
  if (expr.kind !== "name") return false
  const name = expr.path.at(-1)
  return scope.sources.some((s) =>
    (expr.path.length === 1 || s.alias === expr.path.at(-2)) &&
    s.table?.columns.some((column) => column.name === name && column.isJson) === true
  )
}

interface BlockOptions {
  readonly orderBy: ReadonlyArray<OrderItem>
  readonly siblings: boolean
  /** FOR UPDATE stands at the end. */
  readonly locking: boolean
  /** NEXTVAL may stand in the select list. */
  readonly sequences: boolean
  /** FETCH … WITH TIES needs to know which rows rank alike. */
  readonly ranks: boolean
}

export interface CompiledBlock extends CompiledQuery {
  /** Tables whose rows FOR UPDATE locks, by the slots of their rows. */
  readonly locked: ReadonlyArray<Source>
  /** The values that the rows were ordered by, with a plan that leaves them in a slot. */
  readonly rank: { readonly slot: number; readonly keys: ReadonlyArray<SortKey> } | undefined
}

const groupStage = (
  c: Compilation,
  before: Stage,
  scope: Scope,
  block: Block,
  terms: ReadonlyArray<Term>,
  keys: (f: Frame) => ReadonlyArray<Stored>
): Stage => {
  const group = scope.group!
  const kinds = terms.map((term) => kindOf(term.type))
  const { slot, specs } = group
  const site = c.site
  const inputs = (f: Frame): ReadonlyArray<ReadonlyArray<Stored>> => {
    const all: Array<ReadonlyArray<Stored>> = []
    for (let i = 0; i < specs.length; i++) {
      const { args } = specs[i]!
      all.push(args.length === 1 ? [args[0]!(f)] : args.map((arg) => arg(f)))
    }
    if (site.heavy) f.state[site.place] = ((f.state[site.place] as number | undefined) ?? 0) + 1
    return all
  }
  const isWhole = block.groupBy.length === 0 && block.groupingSets === undefined
  return stage(
    before,
    [...terms, ...group.uses.map((uses) => ({ uses }))],
    [slot],
    (f) => new Grouping(f, before.plan.make(f), slot, keys, kinds, specs, inputs, isWhole, group.sets),
    [slot]
  )
}

export const compileBlock = (
  c: Compilation,
  written: Block,
  parent: Scope | undefined,
  options: BlockOptions
): CompiledBlock => {
  const nested = nestedAggregates(written, options.orderBy)
  if (nested !== undefined) return compileBlock(c, nested.block, parent, { ...options, orderBy: nested.orderBy })
  let block = written
  const scope = newScope(parent)
  if (block.from.length > 0) scope.rownum = { slot: undefined }
  const isGrouped = block.groupBy.length > 0 || block.groupingSets !== undefined || block.having !== undefined ||
    hasAggregate(block.items) ||
    hasAggregate(options.orderBy)
  const rows: FromWhere = block.connectBy === undefined
    ? fromWhere(c, block, scope)
    : compileHierarchy(c, block, scope, options.siblings ? options.orderBy : [])
  const orderBy = options.siblings ? [] : options.orderBy
  // GROUP BY and HAVING know the select list's names since 23ai.
  const knowsAliases = c.context.session.environment.release >= 23
  if (isGrouped && knowsAliases && block.items.some(({ alias }) => alias !== undefined)) {
    const isColumn = (name: string): boolean =>
      scope.sources.some(({ columns }) => columns.some((column) => column.name === name))
    const groupBy = withAliases(block.groupBy, block.items, isColumn)
    block = { ...block, groupBy, having: withAliases(block.having, block.items, isColumn) }
  }
  scope.aggregatesAllowed = true

  // The select list and ORDER BY may use the number of a row, which is given before they are evaluated.
  let groupTerms: ReadonlyArray<Term> = []
  let groupKeys: (f: Frame) => ReadonlyArray<Stored> = () => []
  if (isGrouped) {
    groupKeys = atSite(c, () => {
      groupTerms = block.groupBy.map((expr) => c.expr(c, expr, scope))
      return groupTerms
    }, rowOf)
    for (const [i, term] of groupTerms.entries()) {
      if (["lc", "lb", "j", "v"].includes(kindOf(term.type))) {
        throw oraError(932, `inconsistent datatypes: expected - got ${term.type.name}`, block.groupBy[i]!.at)
      }
    }
    scope.group = {
      slot: c.slot(),
      keys: groupTerms.map((term) => term.key),
      terms: groupTerms,
      specs: [],
      known: new Map(),
      uses: [],
      site: { place: c.place(), heavy: false },
      sets: block.groupingSets?.map((set) => new Set(set))
    }
  }
  const windows: WindowScope | undefined = hasWindow(block.items) || hasWindow(options.orderBy)
    ? {
      slot: c.slot(),
      specs: [],
      partition: [],
      order: [],
      args: [],
      site: { place: c.place(), heavy: false },
      named: block.windows
    }
    : undefined
  scope.windows = windows
  scope.sequences = options.sequences && !isGrouped && !block.distinct && orderBy.length === 0

  const outSlot = c.slot()
  const items: Array<Item> = []
  const project = atSite(c, () => {
    for (const item of block.items) {
      if (item.expr.kind === "star") items.push(...starColumns(scope, item, c))
      else {
        items.push({
          term: c.expr(c, item.expr, scope),
          name: displayName(item),
          isJson: columnIsJson(scope, item.expr)
        })
      }
    }
    return items.map((item) => item.term)
  }, rowOf)
  scope.sequences = false
  const saved = scope.windows
  scope.windows = undefined
  const having = block.having === undefined ? undefined : settled(c, () => condition(c, block.having!, scope))
  scope.windows = saved
  if (block.distinct) {
    for (const item of items) {
      if (["lc", "lb", "j", "v"].includes(kindOf(item.term.type))) {
        throw oraError(932, `inconsistent datatypes: expected - got ${item.term.type.name}`, block.at)
      }
    }
  }
  const order: Array<{ readonly term: Term; readonly key: SortKey; readonly index: number }> = []
  const orderValues = atSite(c, () => {
    for (const item of orderBy) order.push(orderItem(c, item, scope, items, block, outSlot))
    return order.map(({ term }) => term)
  }, rowOf)
  if (options.locking && (isGrouped || block.distinct)) {
    throw oraError(2014, "cannot select FOR UPDATE from view with DISTINCT, GROUP BY, etc.", block.at)
  }
  const columns: ReadonlyArray<OutColumn> = items.map((item) => ({
    name: item.name,
    type: item.term.type,
    nullable: item.term.nullable,
    isJson: item.isJson,
    // LOBs can be written back into the row they stand in.
    origin: options.locking || item.term.type.name.endsWith("LOB") ? originOf(scope.sources, item.term) : undefined
  }))
  const locked = options.locking ? scope.sources.filter((source) => source.table !== undefined) : []

  let current: Stage = rows
  const rownum = scope.rownum?.slot
  if (rownum !== undefined) {
    const before = current
    const all = rows.numbered.length === 0 ? undefined : logic("and", rows.numbered).eval
    const last = rows.numbered.filter((term) => term.uses.size === 1 && !term.heavy)
    const lastEval = last.length === 0 ? undefined : logic("and", last).eval
    current = stage(
      before,
      rows.numbered,
      [rownum],
      (f) => new Rownum(f, before.plan.make(f), rownum, all, lastEval)
    )
  }
  if (scope.group !== undefined) {
    const outer = c.site
    c.site = scope.group.site
    current = groupStage(c, current, scope, block, groupTerms, groupKeys)
    c.site = outer
  }
  if (having !== undefined) {
    const before = current
    current = stage(before, [having], [], (f) => new Filter(f, before.plan.make(f), having.eval))
  }
  if (windows !== undefined && windows.specs.length > 0) current = windowStage(current, windows)

  const itemTerms = items.map((item) => item.term)
  // What may suspend is evaluated once for each row, before it is sorted by.
  const projectFirst = block.distinct || order.some(({ index }) => index >= 0 && itemTerms[index]!.heavy)
  const projected = (before: Stage): Stage =>
    stage(before, itemTerms, [outSlot], (f) => new Project(f, before.plan.make(f), outSlot, project))
  if (projectFirst) {
    current = projected(current)
    if (block.distinct) {
      const before = current
      const kinds = itemTerms.map((term) => kindOf(term.type))
      current = stage(before, [], [], (f) => new Distinct(f, before.plan.make(f), outSlot, kinds), [outSlot])
    }
  }
  let rank: CompiledBlock["rank"]
  if (order.length > 0) {
    const keys = order.map(({ key }) => key)
    const before = current
    const { slots } = before
    current = stage(
      before,
      order.map(({ term }) => term),
      [],
      (f) => new Sort(f, before.plan.make(f), slots, orderValues, keys)
    )
    if (options.ranks) {
      const rankSlot = c.slot()
      const sorted = current
      current = stage(sorted, [], [rankSlot], (f) => new Project(f, sorted.plan.make(f), rankSlot, orderValues))
      rank = { slot: rankSlot, keys }
    }
  }
  if (!projectFirst) current = projected(current)
  return { plan: current.plan, slot: outSlot, columns, locked, rank }
}

const windowStage = (before: Stage, windows: WindowScope): Stage => {
  const parts = windows.specs.map((_, i) => ({
    partition: rowOf(windows.partition[i]!),
    order: rowOf(windows.order[i]!),
    args: rowOf(windows.args[i]!)
  }))
  const { site } = windows
  const inputs = (f: Frame): ReadonlyArray<WindowInput> => {
    const all = parts.map(({ args, order, partition }) => ({ partition: partition(f), order: order(f), args: args(f) }))
    if (site.heavy) f.state[site.place] = ((f.state[site.place] as number | undefined) ?? 0) + 1
    return all
  }
  const { slots } = before
  return stage(
    before,
    [...windows.partition, ...windows.order, ...windows.args].flat(),
    [windows.slot],
    (f) => new Windows(f, before.plan.make(f), slots, windows.slot, windows.specs, inputs)
  )
}

export const originOf = (sources: ReadonlyArray<Source>, term: Term): OutColumn["origin"] => {
  for (const source of sources) {
    const column = source.table === undefined || term.column === undefined
      ? undefined
      : source.columns.find((candidate) => candidate.term.key === term.key)
    if (column !== undefined) return { source, column: column.name }
  }
  return undefined
}

const orderItem = (
  c: Compilation,
  item: OrderItem,
  scope: Scope,
  items: ReadonlyArray<Item>,
  block: Block,
  outSlot: number
): { readonly term: Term; readonly key: SortKey; readonly index: number } => {
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
  if (index < 0) {
    const term = c.expr(c, expr, scope)
    if (!block.distinct) return { term, key: sortKey(term, item), index }
    index = items.findIndex((candidate) => candidate.term.key === term.key)
    if (index < 0) throw oraError(1791, "not a SELECTed expression", expr.at)
  }
  const { term } = items[index]!
  // What is evaluated once for each row is then taken from there.
  const fromRow = block.distinct || term.heavy
  return { term: fromRow ? columnTerm(outSlot, index, term.type, true) : term, key: sortKey(term, item), index }
}
