/** START WITH … CONNECT BY. */
import { Hierarchy, type HierarchySpec } from "../execute/hierarchy.ts"
import { Filter } from "../execute/rows.ts"
import type { Block, OrderItem } from "../syntax/ast.ts"
import { oraError } from "../values/oraError.ts"
import { kindOf } from "../values/sqlType.ts"
import { sortKey } from "./aggregateCalls.ts"
import { atSite, type Compilation, rowOf, settled } from "./compilation.ts"
import { condition, logic } from "./logic.ts"
import {
  conjuncts as termConjuncts,
  freeSlots,
  type FromWhere,
  leavesOf,
  planRelation,
  type Relation
} from "./relations.ts"
import { compileItem } from "./sources.ts"
import { type HierarchyScope, newScope, type Scope, type Source, type Term } from "./term.ts"
import { conjuncts, hasOuterMark, usesPrior } from "./walk.ts"

/** The same sources with their rows in other slots. */
const moved = (sources: ReadonlyArray<Source>, slots: ReadonlyMap<number, number>): ReadonlyArray<Source> =>
  sources.map((source) => ({
    ...source,
    columns: source.columns.map((column) => ({ ...column, term: movedTerm(column.term, slots) }))
  }))

const movedTerm = (term: Term, slots: ReadonlyMap<number, number>): Term => {
  const { eval: get } = term
  const pairs = [...term.uses].filter((slot) => slots.has(slot)).map((slot) => [slot, slots.get(slot)!] as const)
  if (term.column !== undefined) {
    const slot = slots.get(term.column.slot) ?? term.column.slot
    const { place } = term.column
    return {
      ...term,
      eval: (f) => f.rows[slot]![place]!,
      key: `c${slot}.${place}`,
      uses: new Set([slot]),
      column: { slot, place },
      rowidOf: undefined
    }
  }
  // Any other column is computed from its row, which is put in place for it.
  return {
    ...term,
    key: `moved(${pairs.map(([, to]) => to).join()},${term.key})`,
    uses: new Set([...term.uses].map((slot) => slots.get(slot) ?? slot)),
    rowidOf: undefined,
    eval: (f) => {
      const kept = pairs.map(([from]) => f.rows[from]!)
      for (const [from, to] of pairs) f.rows[from] = f.rows[to]!
      try {
        return get(f)
      } finally {
        pairs.forEach(([from], i) => {
          f.rows[from] = kept[i]!
        })
      }
    }
  }
}

/** Joins have a condition over several tables in WHERE: those come before the hierarchy, the others after it. */
const isJoin = (term: Term, slots: ReadonlySet<number>): boolean => {
  let count = 0
  for (const slot of term.uses) if (slots.has(slot)) count++
  return count > 1
}

export const compileHierarchy = (
  c: Compilation,
  block: Block,
  scope: Scope,
  siblings: ReadonlyArray<OrderItem>
): FromWhere => {
  const relations: Array<Relation> = []
  for (const item of block.from) {
    const compiled = compileItem(c, item, scope.parent, scope.sources)
    relations.push(compiled.relation)
    scope.sources.push(...compiled.sources)
  }
  if (block.from.length === 0) throw oraError(923, "FROM keyword not found where expected", block.at)
  const relation: Relation = relations.length === 1
    ? relations[0]!
    : { kind: "inner", items: relations, conditions: [] }
  const slots = leavesOf(relation).map((leaf) => leaf.slot)
  const widths = leavesOf(relation).map((leaf) => leaf.width)
  const prior = slots.map(() => c.slot())
  const root = slots.map(() => c.slot())
  const pseudoSlot = c.slot()
  const rownum = c.slot()
  const priorScope = newScope(scope.parent)
  priorScope.sources.push(...moved(scope.sources, new Map(slots.map((slot, i) => [slot, prior[i]!]))))
  const rootScope = newScope(scope.parent)
  rootScope.sources.push(...moved(scope.sources, new Map(slots.map((slot, i) => [slot, root[i]!]))))
  const hierarchy: HierarchyScope & { inside: boolean } = {
    slot: pseudoSlot,
    rownum,
    root: rootScope,
    paths: [],
    inside: true
  }
  scope.hierarchy = hierarchy
  const { rownum: outerRownum } = scope
  const start = block.startWith === undefined
    ? undefined
    : settled(c, () => condition(c, block.startWith!, scope))
  scope.prior = priorScope
  const connects = termConjuncts(
    conjuncts(block.connectBy).map((test) => settled(c, () => condition(c, test, scope)))
  )
  const siblingTerms: Array<Term> = []
  const siblingValues = atSite(c, () => {
    for (const item of siblings) siblingTerms.push(c.expr(c, item.expr, scope))
    return siblingTerms
  }, rowOf)
  hierarchy.inside = false
  scope.rownum = outerRownum
  const own = new Set(slots)
  const tests = conjuncts(block.where)
  if (tests.some(hasOuterMark)) {
    throw oraError(1437, "cannot have join with CONNECT BY", block.at)
  }
  const terms = termConjuncts(tests.map((test) => settled(c, () => condition(c, test, scope))))
  const joins = terms.filter((term) => isJoin(term, own) && [...term.uses].every((slot) => own.has(slot)))
  const after = terms.filter((term) => !joins.includes(term))
  const numberSlot = scope.rownum?.slot
  const numbered = numberSlot === undefined ? [] : after.filter((term) => term.uses.has(numberSlot))
  const filters = after.filter((term) => !numbered.includes(term))
  const base = planRelation(relation, joins, false)
  const key = hashKey(connects, own, new Set(prior))
  const paths = hierarchy.paths
  const spec = (): HierarchySpec => ({
    slots,
    prior,
    nulls: widths.map((width) => Array.from({ length: width }, () => null)),
    root,
    pseudo: pseudoSlot,
    rownum,
    start: start?.eval,
    connect: logic("and", connects).eval,
    key,
    usesPrior: usesPrior(block.connectBy),
    nocycle: block.nocycle,
    siblings: siblings.map((item, i) => sortKey(siblingTerms[i]!, item)),
    siblingValues,
    paths: paths.map(({ term }) => (f) => {
      const value = term.eval(f)
      return value === null ? "" : value as string
    })
  })
  const all = [...slots, ...prior, ...root, pseudoSlot, rownum]
  const parts = [...(start === undefined ? [] : [start]), ...connects, ...siblingTerms, ...filters]
  const filter = filters.length === 0 ? undefined : logic("and", filters).eval
  let made: HierarchySpec | undefined
  return {
    numbered,
    slots: [...slots, ...prior, ...root, pseudoSlot],
    plan: {
      slots: all,
      free: freeSlots(parts, [base], all),
      make: (f) => {
        // Paths are known when the select list has been compiled.
        made ??= spec()
        const operator = new Hierarchy(f, base.make(f), made)
        return filter === undefined ? operator : new Filter(f, operator, filter)
      }
    }
  }
}

/** An equality of a row with its parent finds children without looking at every row. */
const hashKey = (
  connects: ReadonlyArray<Term>,
  own: ReadonlySet<number>,
  prior: ReadonlySet<number>
): HierarchySpec["key"] => {
  const only = (term: Term, slots: ReadonlySet<number>): boolean =>
    !term.heavy && term.uses.size > 0 && [...term.uses].every((slot) => slots.has(slot))
  for (const { test } of connects) {
    if (test === undefined || test.op !== "=" || test.padded) continue
    const left = test.left
    const right = test.right[0]!
    const kind = kindOf(left.type)
    if (only(left, own) && only(right, prior)) return { build: left.eval, probe: right.eval, kind }
    if (only(right, own) && only(left, prior)) return { build: right.eval, probe: left.eval, kind }
  }
  return undefined
}
