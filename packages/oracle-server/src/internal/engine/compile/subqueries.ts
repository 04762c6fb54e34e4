/** Subqueries in expressions: of one value, EXISTS, IN, ANY and ALL, and CURSOR. */
import { type Eval, Frame } from "../execute/frame.ts"
import { QueryCursor } from "../execute/queryCursor.ts"
import type { BinaryOp, Query } from "../syntax/ast.ts"
import type { Stored } from "../values/composite.ts"
import { oraError } from "../values/oraError.ts"
import { keyOf, keyOfAll } from "../values/order.ts"
import { BOOLEAN, CURSOR, kindOf } from "../values/sqlType.ts"
import { decoderFor } from "../values/values.ts"
import type { Compilation, CompiledQuery } from "./compilation.ts"
import { describeColumn } from "./describe.ts"
import { queryResult } from "./heavy.ts"
import { comparable, comparison } from "./operators.ts"
import { columnTerm, derived, type Scope, type Term, union } from "./term.ts"

const own = (query: CompiledQuery): { readonly uses: ReadonlySet<number> } => ({ uses: query.plan.free })

const heavyTerm = (
  c: Compilation,
  parts: ReadonlyArray<Term>,
  query: CompiledQuery,
  type: Term["type"],
  evaluate: Eval,
  condition: boolean
): Term => {
  const term = derived(parts, `subquery#${c.place()}`, type, true, evaluate, { heavy: true })
  return { ...term, uses: union([term, own(query)]), ...(condition ? { condition } : {}) }
}

export const scalarSubquery = (
  c: Compilation,
  query: Query,
  scope: Scope,
  at: number,
  width = 1
): ReadonlyArray<Term> => {
  const compiled = c.query(c, query, scope)
  const { columns, slot } = compiled
  if (columns.length !== width) {
    throw columns.length > width ? oraError(913, "too many values", at) : oraError(947, "not enough values", at)
  }
  const read = queryResult<{ row: ReadonlyArray<Stored> | undefined }>(
    c,
    compiled.plan,
    () => ({ row: undefined }),
    (f, state) => {
      if (state.row !== undefined) throw oraError(1427, "single-row subquery returns more than one row")
      state.row = f.rows[slot]!
      return false
    }
  )
  return columns.map((column, i) => heavyTerm(c, [], compiled, column.type, (f) => read(f).row?.[i] ?? null, false))
}

export const existsTerm = (c: Compilation, query: Query, scope: Scope): Term => {
  const compiled = c.query(c, query, scope)
  const read = queryResult<{ found: boolean }>(c, compiled.plan, () => ({ found: false }), (_, state) => {
    state.found = true
    return true
  })
  return heavyTerm(c, [], compiled, BOOLEAN, (f) => read(f).found ? 1 : 0, true)
}

interface Members {
  readonly keys: Set<string | number | null>
  /** All rows of several columns: for those in which the left side has a null. */
  readonly rows: Array<ReadonlyArray<Stored>>
  /** Rows in which some column is null, to be compared one by one. */
  readonly open: Array<ReadonlyArray<Stored>>
  any: boolean
}

/** `x IN (query)`: rows are hashed when the query does not depend on the row around it. */
export const inSubquery = (
  c: Compilation,
  items: ReadonlyArray<Term>,
  query: Query,
  not: boolean,
  scope: Scope,
  at: number
): Term => {
  const compiled = c.query(c, query, scope)
  const { columns, slot } = compiled
  if (columns.length > items.length) throw oraError(913, "too many values", at)
  if (columns.length < items.length) throw oraError(947, "not enough values", at)
  const pairs = items.map((item, i) => comparable(item, columnTerm(slot, i, columns[i]!.type, true), at))
  const kinds = pairs.map((pair) => kindOf(pair.left.type))
  const trim = (value: Stored, i: number): Stored =>
    pairs[i]!.padded && value !== null ? (value as string).replace(/ +$/, "") : value
  const verdict = (result: Stored): Stored => result === null ? null : not ? 1 - (result as number) : result
  const parts = pairs.map((pair) => pair.left)
  if (compiled.plan.free.size > 0) {
    // The values to look for are the same for all rows of the query, so the first match decides.
    const read = queryResult<{ result: Stored }>(c, compiled.plan, () => ({ result: 0 }), (f, state) => {
      let all: Stored = 1
      for (const pair of pairs) {
        const x = pair.left.eval(f)
        const y = pair.right.eval(f)
        if (x === null || y === null) all = all === 0 ? 0 : null
        else if (pair.compare(x, y) !== 0) all = 0
      }
      if (all === null) state.result = null
      if (all !== 1) return false
      state.result = 1
      return true
    })
    return heavyTerm(c, parts, compiled, BOOLEAN, (f) => verdict(read(f).result), true)
  }
  const read = queryResult<Members>(
    c,
    compiled.plan,
    () => ({ keys: new Set(), rows: [], open: [], any: false }),
    (f, state) => {
      state.any = true
      const values = pairs.map((pair, i) => trim(pair.right.eval(f), i))
      if (values.includes(null)) {
        if (values.length > 1 || state.open.length === 0) state.open.push(values)
      } else {
        const key = kinds.length === 1 ? keyOf(kinds[0]!, values[0]!) : keyOfAll(kinds, values)
        if (!state.keys.has(key)) {
          f.take(60)
          if (kinds.length > 1) state.rows.push(values)
        }
        state.keys.add(key)
      }
      return false
    }
  )
  return heavyTerm(c, parts, compiled, BOOLEAN, (f) => {
    const members = read(f)
    if (!members.any) return verdict(0)
    const values = pairs.map((pair, i) => trim(pair.left.eval(f), i))
    if (!values.includes(null)) {
      const key = kinds.length === 1 ? keyOf(kinds[0]!, values[0]!) : keyOfAll(kinds, values)
      if (members.keys.has(key)) return verdict(1)
      if (members.open.length === 0) return verdict(0)
    } else if (kinds.length === 1) return null
    // A null leaves it open unless another column differs.
    const isOpen = (row: ReadonlyArray<Stored>): boolean =>
      row.every((y, i) => {
        const x = values[i]!
        return x === null || y === null || pairs[i]!.compare(x, y) === 0
      })
    const isUnknown = members.open.some(isOpen) || (values.includes(null) && members.rows.some(isOpen))
    return isUnknown ? null : verdict(0)
  }, true)
}

export const quantifiedSubquery = (
  c: Compilation,
  op: BinaryOp,
  left: Term,
  all: boolean,
  query: Query,
  scope: Scope,
  at: number
): Term => {
  const compiled = c.query(c, query, scope)
  if (compiled.columns.length !== 1) throw oraError(913, "too many values", at)
  const test = comparison(op, left, columnTerm(compiled.slot, 0, compiled.columns[0]!.type, true), at)
  // ALL fails on the first false, ANY holds on the first true; otherwise an unknown makes the whole unknown.
  const decided = all ? 0 : 1
  const run = (free: boolean) =>
    queryResult<{ result: Stored }>(
      c,
      free ? compiled.plan : { ...compiled.plan, free: union([left, own(compiled), { uses: new Set([-1]) }]) },
      () => ({ result: all ? 1 : 0 }),
      (f, state) => {
        const value = test.eval(f)
        if (value === decided) {
          state.result = decided
          return true
        }
        if (value === null) state.result = null
        return false
      }
    )
  // The value on the left changes from row to row, also where the query does not.
  const read = run(left.uses.size === 0 && left.constant !== undefined)
  return heavyTerm(c, [left], compiled, BOOLEAN, (f) => read(f).result, true)
}

/** `CURSOR(query)`: a cursor of its own for each row, which is opened when its rows are fetched. */
export const cursorTerm = (c: Compilation, query: Query, scope: Scope): Term => {
  const { columns, plan, slot } = c.query(c, query, scope)
  const described = {
    columns: columns.map(describeColumn),
    decoders: columns.map((column) => decoderFor(column.type)),
    out: columns,
    locks: []
  }
  const open = (f: Frame): QueryCursor => {
    const { scn, sid, statement } = f.snapshot
    const frame = new Frame(f.store, f.session, f.store.open(sid, statement, scn), f.params)
    frame.rows.push(...f.rows)
    frame.host = f.host
    return new QueryCursor(described, { frame, operator: plan.make(frame), slot, lockSlots: [], take: undefined })
  }
  const term = derived([], `cursor#${c.place()}`, CURSOR, false, (f) => open(f) as unknown as Stored)
  return { ...term, uses: plan.free }
}
