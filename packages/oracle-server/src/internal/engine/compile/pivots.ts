/** PIVOT and UNPIVOT, written as the queries that they stand for. */
import type { Call, Expr, FromItem, Pivot, Query, SelectItem, Unpivot } from "../syntax/ast.ts"
import { blockOf, queryOf } from "../syntax/queryTrees.ts"
import { oraError } from "../values/oraError.ts"
import { isAggregate } from "./aggregateCalls.ts"

const column = (name: string, at: number): Expr => ({ kind: "name", path: [name], outer: false, at })
const item = (expr: Expr, alias: string): SelectItem => ({ expr, alias, text: alias })

const every = (tests: ReadonlyArray<Expr>, op: "and" | "or", at: number): Expr =>
  tests.reduce((left, right) => ({ kind: "binary", op, left, right, at }))

/** The call over those rows alone that the test holds for. */
const only = (call: Call, test: Expr): Expr => {
  const { at } = call
  const value: Expr = call.star ? { kind: "number", text: "1", at } : call.args[0]!
  const when: Expr = { kind: "case", operand: undefined, whens: [[test, value]], otherwise: undefined, at }
  return { ...call, star: false, args: [when, ...call.args.slice(1)] }
}

/** `columns`: those of the source, in their order. */
export const pivotQuery = (pivot: Pivot, columns: ReadonlyArray<string>): Query => {
  const { aggregates, at, columns: by, values } = pivot
  for (const name of by) {
    if (!columns.includes(name)) throw oraError(904, `"${name}": invalid identifier`, at)
  }
  const calls = aggregates.map(({ alias, call }) => {
    if (call.kind !== "call" || !isAggregate(call) || call.over !== undefined) {
      throw oraError(56902, "expect aggregate function inside pivot operation", call.at)
    }
    return { call, alias }
  })
  if (calls.length > 1 && calls.filter(({ alias }) => alias === undefined).length > 1) {
    throw oraError(918, "column ambiguously specified", at)
  }
  const used = new Set(by)
  const collect = (node: unknown): void => {
    if (node === null || typeof node !== "object") return
    const { kind, path } = node as { readonly kind?: unknown; readonly path?: ReadonlyArray<string> }
    if (kind === "name" && path !== undefined) used.add(path.at(-1)!)
    for (const part of Object.values(node)) collect(part)
  }
  for (const { call } of calls) collect([call.args, call.withinGroup, call.keep])
  const grouped = columns.filter((name) => !used.has(name))
  const made = values.flatMap(({ alias, items, text }) => {
    if (items.length !== by.length) {
      throw oraError(56901, "non-constant expression is not allowed for pivot|unpivot values", at)
    }
    const tests = items.map((value, i): Expr => ({
      kind: "binary",
      op: "=",
      left: column(by[i]!, at),
      right: value,
      at
    }))
    const test = every(tests, "and", at)
    return calls.map(({ alias: suffix, call }) =>
      item(only(call, test), (alias ?? text) + (suffix === undefined ? "" : `_${suffix}`))
    )
  })
  return queryOf(
    blockOf({
      items: [...grouped.map((name) => item(column(name, at), name)), ...made],
      from: [pivot.source],
      groupBy: grouped.map((name) => column(name, at)),
      at
    }),
    at
  )
}

/** A row of the source for each of the sets of columns, in their order. */
export const unpivotQuery = (unpivot: Unpivot, columns: ReadonlyArray<string>): Query => {
  const { at, includeNulls, names, sets, values } = unpivot
  const used = new Set(sets.flatMap((set) => set.columns))
  for (const name of used) {
    if (!columns.includes(name)) throw oraError(904, `"${name}": invalid identifier`, at)
  }
  const kept = columns.filter((name) => !used.has(name))
  const rows = sets.map((set) => {
    if (set.columns.length !== values.length) throw oraError(56903, "unpivot columns do not match", at)
    const label = set.columns.join("_")
    const labels = set.labels ?? names.map((): Expr => ({ kind: "string", value: label, national: false, at }))
    if (labels.length !== names.length) throw oraError(56903, "unpivot columns do not match", at)
    return blockOf({
      items: [
        ...labels.map((value, i) => item(value, names[i]!)),
        ...set.columns.map((name, i) => item(column(name, at), values[i]!))
      ],
      from: [],
      at
    })
  })
  const all = rows.reduce<Query["body"] | undefined>(
    (left, right) => left === undefined ? right : { kind: "set", op: "union all", left, right, at },
    undefined
  )!
  const alias = "UNPIVOT ROWS"
  const lateral: FromItem = { kind: "derived", query: queryOf(all, at), alias, lateral: true, at }
  const made = (name: string): SelectItem => item({ kind: "name", path: [alias, name], outer: false, at }, name)
  const present = values.map((name): Expr => ({
    kind: "is",
    arg: { kind: "name", path: [alias, name], outer: false, at },
    what: "null",
    not: true,
    at
  }))
  return queryOf(
    blockOf({
      items: [...kept.map((name) => item(column(name, at), name)), ...names.map(made), ...values.map(made)],
      from: [unpivot.source, lateral],
      where: includeNulls ? undefined : every(present, "or", at),
      at
    }),
    at
  )
}
