/** What FROM is made of, and how it becomes a plan: which table first, and by which way the others are reached. */
import type { ColumnDef, Table } from "../catalog/catalog.ts"
import { type Eval, type Frame } from "../execute/frame.ts"
import { Cached, FullJoin, Hashed, type HashKey, InnerJoin, OuterJoin } from "../execute/joins.ts"
import type { Operator, Plan } from "../execute/operator.ts"
import { Filter } from "../execute/rows.ts"
import { IndexScan, type Lookup, OneRow, RowidLookup, TableScan } from "../execute/scans.ts"
import type { Row } from "../storage/tableData.ts"
import { kindOf } from "../values/sqlType.ts"
import { logic } from "./logic.ts"
import { mirror } from "./operators.ts"
import { type Term, type Test, union } from "./term.ts"

export interface Leaf {
  readonly kind: "leaf"
  readonly slot: number
  /** Values in a row: a row of nulls stands for a partner that is missing. */
  readonly width: number
  readonly table: Table | undefined
  /** It has one row: the others are looked up from it. */
  readonly single?: boolean
  /** Slots that it reads: those of the items before it when it is lateral. */
  readonly free: ReadonlySet<number>
  /** Gives the rows that pass the filter. */
  readonly scan: (f: Frame, filter: Eval | undefined) => Operator
}

export type Relation =
  | Leaf
  | { readonly kind: "inner"; readonly items: ReadonlyArray<Relation>; readonly conditions: ReadonlyArray<Term> }
  | {
    readonly kind: "left" | "full"
    readonly left: Relation
    readonly right: Relation
    readonly on: ReadonlyArray<Term>
  }

export const leavesOf = (relation: Relation): ReadonlyArray<Leaf> => {
  switch (relation.kind) {
    case "leaf":
      return [relation]
    case "inner":
      return relation.items.flatMap(leavesOf)
    default:
      return [...leavesOf(relation.left), ...leavesOf(relation.right)]
  }
}

const slotsOf = (relation: Relation): ReadonlyArray<number> => leavesOf(relation).map((leaf) => leaf.slot)

const nullsOf = (relation: Relation): ReadonlyArray<readonly [slot: number, row: Row]> =>
  leavesOf(relation).map(({ slot, width }) => [slot, Array.from({ length: width }, () => null)] as const)

/** The conditions of an AND, one by one. */
export const conjuncts = (terms: ReadonlyArray<Term>): ReadonlyArray<Term> =>
  terms.flatMap((term) => term.parts === undefined || term.heavy ? [term] : conjuncts(term.parts))

const all = (terms: ReadonlyArray<Term>): Eval | undefined =>
  terms.length === 0 ? undefined : terms.length === 1 ? terms[0]!.eval : logic("and", terms).eval

const without = (slots: ReadonlySet<number>, own: ReadonlyArray<number>): ReadonlySet<number> => {
  if (slots.size === 0) return slots
  const rest = new Set(slots)
  for (const slot of own) rest.delete(slot)
  return rest
}

/** Slots that a plan needs from around it. */
export const freeSlots = (
  parts: ReadonlyArray<{ readonly uses: ReadonlySet<number> }>,
  plans: ReadonlyArray<Plan>,
  own: ReadonlyArray<number>
): ReadonlySet<number> => without(union([...parts, ...plans.map((plan) => ({ uses: plan.free }))]), own)

/** A comparison seen from one source: its own side, and the side that is known when the source is opened. */
interface Probe {
  readonly test: Test
  readonly own: Term
  readonly others: ReadonlyArray<Term>
  readonly op: Test["op"]
  readonly term: Term
}

const probesOf = (terms: ReadonlyArray<Term>, slot: number): ReadonlyArray<Probe> => {
  const probes: Array<Probe> = []
  for (const term of terms) {
    const { test } = term
    if (test === undefined) continue
    const isOwn = (side: Term): boolean => side.uses.size === 1 && side.uses.has(slot) && !side.heavy
    const isKnown = (side: Term): boolean => !side.uses.has(slot) && (!side.heavy || side.uses.size === 0)
    if (isOwn(test.left) && test.right.every(isKnown)) {
      probes.push({ test, own: test.left, others: test.right, op: test.op, term })
    } else if (test.right.length === 1 && test.op !== "in" && isOwn(test.right[0]!) && isKnown(test.left)) {
      probes.push({ test, own: test.right[0]!, others: [test.left], op: mirror(test.op), term })
    }
  }
  return probes
}

/** An index as the catalog knows it. */
interface Index {
  readonly id: number
  /** Places of its columns in a row. */
  readonly columns: ReadonlyArray<number>
  readonly unique: boolean
}

const indexesOf = (table: Table): ReadonlyArray<Index> => {
  const index =
    (unique: boolean) => (one: { readonly indexId: number; readonly columns: ReadonlyArray<ColumnDef> }) => ({
      id: one.indexId,
      columns: one.columns.map((column) => column.place),
      unique
    })
  return [
    // A key that is not enforced at once may be there twice.
    ...table.keys.map((key) => index(key.state.enabled && !key.state.deferrable)(key)),
    ...table.indexes.map((one) => index(one.unique)(one)),
    ...table.foreign.map(index(false))
  ]
}

interface IndexChoice {
  readonly index: Index
  readonly lookup: Lookup
  readonly score: number
}

const isColumn = (probe: Probe, place: number): boolean =>
  probe.own.column?.place === place && probe.own.rowidOf === undefined && !probe.test.padded

const indexChoice = (index: Index, probes: ReadonlyArray<Probe>): IndexChoice | undefined => {
  const equal: Array<Eval> = []
  for (const place of index.columns) {
    const probe = probes.find((candidate) => candidate.op === "=" && isColumn(candidate, place))
    if (probe === undefined) break
    equal.push(probe.others[0]!.eval)
  }
  const next = index.columns[equal.length]
  let low: Lookup["low"]
  let high: Lookup["high"]
  if (next !== undefined) {
    for (const probe of probes) {
      if (!isColumn(probe, next)) continue
      const side = { value: probe.others[0]!.eval, inclusive: probe.op.endsWith("=") }
      if (probe.op === ">" || probe.op === ">=") low ??= side
      else if (probe.op === "<" || probe.op === "<=") high ??= side
    }
  }
  if (equal.length === index.columns.length) {
    return {
      index,
      lookup: { equal, any: undefined, low: undefined, high: undefined },
      score: index.unique ? 1000 : 10 * equal.length
    }
  }
  if (equal.length > 0) return { index, lookup: { equal, any: undefined, low, high }, score: 10 * equal.length }
  if (index.columns.length === 1) {
    const list = probes.find((candidate) => candidate.op === "in" && isColumn(candidate, index.columns[0]!))
    if (list !== undefined) {
      const any = list.others.map((other) => other.eval)
      return { index, lookup: { equal: [], any, low: undefined, high: undefined }, score: 8 }
    }
  }
  if (low === undefined && high === undefined) return undefined
  return { index, lookup: { equal, any: undefined, low, high }, score: low !== undefined && high !== undefined ? 5 : 3 }
}

const bestIndex = (table: Table, probes: ReadonlyArray<Probe>): IndexChoice | undefined => {
  if (probes.length === 0) return undefined
  let best: IndexChoice | undefined
  for (const index of indexesOf(table)) {
    const choice = indexChoice(index, probes)
    if (choice !== undefined && (best === undefined || choice.score > best.score)) best = choice
  }
  return best
}

const trimmed = (evaluate: Eval): Eval => (f) => {
  const value = evaluate(f)
  return value === null ? null : (value as string).replace(/ +$/, "")
}

/** `inner`: it is opened once for each row of what stands before it. */
const planLeaf = (leaf: Leaf, terms: ReadonlyArray<Term>, inner: boolean): Plan => {
  const { slot, table } = leaf
  const slots = [slot]
  const free = freeSlots([...terms, { uses: leaf.free }], [], slots)
  const plan = (make: Plan["make"]): Plan => ({ make, slots, free })
  const filter = all(terms)
  const probes = probesOf(terms, slot)
  if (table !== undefined) {
    const rowid = probes.find((probe) =>
      probe.op === "=" && probe.own.rowidOf?.slot === slot && ["c", "i"].includes(kindOf(probe.others[0]!.type))
    )
    if (rowid !== undefined) {
      const rest = all(terms.filter((term) => term !== rowid.term))
      return plan((f) => new RowidLookup(f, slot, table, rowid.others[0]!.eval, rest))
    }
    const choice = bestIndex(table, probes)
    if (choice !== undefined) {
      const { id } = choice.index
      return plan((f) => new IndexScan(f, slot, table, id, choice.lookup, filter))
    }
  }
  const isFixed = leaf.free.size === 0
  const own = terms.filter((term) => !term.heavy && [...term.uses].every((used) => used === slot))
  const rest = terms.filter((term) => !own.includes(term))
  const joins = isFixed ? probes.filter((probe) => probe.op === "=" && union(probe.others).size > 0) : []
  if (joins.length > 0) {
    const keys = joins.map((probe): HashKey => ({
      build: probe.test.padded ? trimmed(probe.own.eval) : probe.own.eval,
      probe: probe.test.padded ? trimmed(probe.others[0]!.eval) : probe.others[0]!.eval,
      kind: kindOf(probe.own.type)
    }))
    const residual = all(rest.filter((term) => !joins.some((probe) => probe.term === term)))
    return plan((f) => new Hashed(f, leaf.scan(f, all(own)), slots, keys, residual))
  }
  if (inner && isFixed) return plan((f) => new Cached(f, leaf.scan(f, all(own)), slots, all(rest)))
  return plan((f) => leaf.scan(f, filter))
}

export const tableScan = (slot: number, table: Table): Leaf["scan"] => (f, filter) =>
  new TableScan(f, slot, table, filter)

const filtered = (plan: Plan, terms: ReadonlyArray<Term>): Plan => {
  const condition = all(terms)
  if (condition === undefined) return plan
  return {
    slots: plan.slots,
    free: freeSlots(terms, [plan], plan.slots),
    make: (f) => new Filter(f, plan.make(f), condition)
  }
}

const innerJoin = (left: Plan, right: Plan): Plan => {
  const slots = [...left.slots, ...right.slots]
  return {
    slots,
    free: freeSlots([], [left, right], slots),
    make: (f) => new InnerJoin(left.make(f), right.make(f))
  }
}

const touches = (term: { readonly uses: ReadonlySet<number> }, slots: ReadonlySet<number>): boolean => {
  for (const slot of term.uses) if (slots.has(slot)) return true
  return false
}

/** True when what the term reads of these slots is there. */
const covered = (uses: ReadonlySet<number>, within: ReadonlySet<number>, placed: ReadonlySet<number>): boolean => {
  for (const slot of uses) if (within.has(slot) && !placed.has(slot)) return false
  return true
}

/** How few rows an item promises by conditions that need no other item. */
const startScore = (item: Relation, terms: ReadonlyArray<Term>): number => {
  if (item.kind === "leaf" && item.single === true) return 500
  if (item.kind !== "leaf" || item.table === undefined) return 0
  const probes = probesOf(terms, item.slot).filter((probe) => probe.others.every((other) => other.uses.size === 0))
  if (probes.some((probe) => probe.op === "=" && probe.own.rowidOf !== undefined)) return 2000
  return bestIndex(item.table, probes)?.score ?? 0
}

const planInner = (
  items: ReadonlyArray<Relation>,
  terms: ReadonlyArray<Term>,
  inner: boolean
): Plan => {
  const group = new Set(items.flatMap((item) => [...slotsOf(item)]))
  const placed = new Set<number>()
  let waiting = [...items]
  let left = [...terms]
  let plan: Plan | undefined
  // Conditions on no item at all are asked before anything is read.
  const guards = left.filter((term) => !touches(term, group) && !term.heavy)
  if (guards.length > 0 && !inner) {
    const condition = all(guards)!
    plan = { slots: [], free: freeSlots(guards, [], []), make: (f) => new OneRow(f, condition) }
    left = left.filter((term) => !guards.includes(term))
  }
  while (waiting.length > 0) {
    const ready = waiting.filter((item) =>
      leavesOf(item).every((leaf) =>
        covered(leaf.free, new Set([...group].filter((s) => !slotsOf(item).includes(s))), placed)
      )
    )
    let next = ready[0]!
    if (placed.size === 0) {
      let best = 9
      for (const item of ready) {
        const slots = new Set(slotsOf(item))
        const score = startScore(item, left.filter((term) => covered(term.uses, group, slots)))
        if (score > best) {
          best = score
          next = item
        }
      }
    } else {
      // A partner by a condition goes before one that has none.
      next = ready.find((item) => {
        const slots = new Set(slotsOf(item))
        const reach = new Set([...placed, ...slots])
        return left.some((term) => touches(term, slots) && touches(term, placed) && covered(term.uses, group, reach))
      }) ?? next
    }
    for (const slot of slotsOf(next)) placed.add(slot)
    const mine = left.filter((term) => covered(term.uses, group, placed))
    left = left.filter((term) => !mine.includes(term))
    const part = planRelation(next, mine, inner || plan !== undefined)
    plan = plan === undefined ? part : innerJoin(plan, part)
    waiting = waiting.filter((item) => item !== next)
  }
  return left.length === 0 ? plan! : filtered(plan!, left)
}

/** Inner joins within inner joins are one. */
const flatten = (
  relation: Extract<Relation, { kind: "inner" }>
): { readonly items: ReadonlyArray<Relation>; readonly conditions: ReadonlyArray<Term> } => {
  const items: Array<Relation> = []
  const conditions = [...relation.conditions]
  for (const item of relation.items) {
    if (item.kind !== "inner") items.push(item)
    else {
      const inner = flatten(item)
      items.push(...inner.items)
      conditions.push(...inner.conditions)
    }
  }
  return { items, conditions }
}

/** The plan of a relation under conditions: those around it, and its own. */
export const planRelation = (relation: Relation, terms: ReadonlyArray<Term>, inner: boolean): Plan => {
  switch (relation.kind) {
    case "leaf":
      return planLeaf(relation, terms, inner)
    case "inner": {
      const flat = flatten(relation)
      return planInner(flat.items, conjuncts([...flat.conditions, ...terms]), inner)
    }
    case "left": {
      const rightSlots = new Set(slotsOf(relation.right))
      const below = terms.filter((term) => !touches(term, rightSlots))
      const above = terms.filter((term) => !below.includes(term))
      const left = planRelation(relation.left, below, inner)
      const right = planRelation(relation.right, conjuncts(relation.on), true)
      const nulls = nullsOf(relation.right)
      const slots = [...left.slots, ...right.slots]
      return filtered({
        slots,
        free: freeSlots([], [left, right], slots),
        make: (f) => new OuterJoin(f, left.make(f), right.make(f), nulls)
      }, above)
    }
    case "full": {
      const left = planRelation(relation.left, [], inner)
      const right = planRelation(relation.right, [], false)
      const on = all(relation.on)
      const slots = [...left.slots, ...right.slots]
      const leftNulls = nullsOf(relation.left)
      const rightNulls = nullsOf(relation.right)
      return filtered({
        slots,
        free: freeSlots(relation.on, [left, right], slots),
        make: (f) => new FullJoin(f, left.make(f), right.make(f), right.slots, on, leftNulls, rightNulls)
      }, terms)
    }
  }
}

/** No FROM: one row. */
export const oneRow = (terms: ReadonlyArray<Term>): Plan => {
  const condition = all(terms)
  return { slots: [], free: freeSlots(terms, [], []), make: (f) => new OneRow(f, condition) }
}

/** What a block has read so far, and everything that it looked at outside of itself. */
export interface Stage {
  readonly plan: Plan
  /** Slots to keep when rows are put aside. */
  readonly slots: ReadonlyArray<number>
}

export interface FromWhere extends Stage {
  /** Conditions that wait for the number of the row. */
  readonly numbered: ReadonlyArray<Term>
}
