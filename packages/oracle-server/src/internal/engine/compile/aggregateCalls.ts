/** Aggregate and analytic functions. */
import type { AggregateSpec } from "../execute/grouping.ts"
import type { SortKey } from "../execute/sorting.ts"
import type { Edge, FrameSpec } from "../execute/windows.ts"
import { accumulatorOf, collectorOf } from "../functions/aggregates.ts"
import type { Call, OrderItem, Window } from "../syntax/ast.ts"
import { type CollectionType, compositeType } from "../values/composite.ts"
import { oraError, unimplemented } from "../values/oraError.ts"
import { BINARY_DOUBLE, kindOf, NUMBER, type SqlType, varchar2 } from "../values/sqlType.ts"
import type { Compilation } from "./compilation.ts"
import { convertTo, inconsistent } from "./operators.ts"
import { columnTerm, constant, type Scope, type Term, union, type WindowScope } from "./term.ts"

const aggregates = new Set([
  "COLLECT",
  "COUNT",
  "SUM",
  "AVG",
  "MIN",
  "MAX",
  "LISTAGG",
  "STDDEV",
  "STDDEV_SAMP",
  "STDDEV_POP",
  "VARIANCE",
  "VAR_SAMP",
  "VAR_POP",
  "MEDIAN",
  "ANY_VALUE",
  "STATS_MODE"
])
const analytic = new Set([
  "ROW_NUMBER",
  "RANK",
  "DENSE_RANK",
  "NTILE",
  "LAG",
  "LEAD",
  "FIRST_VALUE",
  "LAST_VALUE",
  "NTH_VALUE",
  "PERCENT_RANK",
  "CUME_DIST",
  "RATIO_TO_REPORT"
])
const numericOnly = new Set([
  "SUM",
  "AVG",
  "STDDEV",
  "STDDEV_SAMP",
  "STDDEV_POP",
  "VARIANCE",
  "VAR_SAMP",
  "VAR_POP",
  "MEDIAN"
])

export const isAggregate = (expr: Call): boolean =>
  expr.path.length === 1 && (aggregates.has(expr.path[0]!) || analytic.has(expr.path[0]!))

/** NULL sorts high unless the text says otherwise. */
export const sortKey = (term: Term, item: OrderItem): SortKey => {
  const kind = kindOf(term.type)
  if (kind === "o") throw oraError(22950, "cannot ORDER objects without MAP or ORDER method", item.expr.at)
  if (["lc", "lb", "j", "v"].includes(kind)) throw inconsistent({ ...NUMBER, name: "NULL" }, term.type, item.expr.at)
  return {
    kind,
    descending: item.descending,
    nullsFirst: (item.nulls ?? (item.descending ? "first" : "last")) === "first"
  }
}

export const compileAggregate = (c: Compilation, expr: Call, scope: Scope): Term => {
  const name = expr.path[0]!
  if (expr.over === undefined && analytic.has(name)) {
    if (expr.withinGroup !== undefined) throw unimplemented(`${name} as an aggregate`, expr.at)
    throw oraError(30484, "missing window specification for this function", expr.at)
  }
  if (expr.over !== undefined) return windowed(c, expr, scope, name)
  if (scope.inAggregate) throw oraError(978, "nested group function without GROUP BY", expr.at)
  if (!scope.aggregatesAllowed) throw oraError(934, "group function is not allowed here", expr.at)
  const { group } = scope
  if (group === undefined) throw oraError(934, "group function is not allowed here", expr.at)
  const { site } = c
  c.site = group.site
  scope.inAggregate = true
  try {
    const { args, spec, type } = specOf(c, expr, scope, name)
    const key = `${name}${expr.distinct ? " distinct" : ""}${
      expr.keep === undefined ? "" : expr.keep.last ? " last" : " first"
    }(${args.map((arg) => arg.key).join(",")})${
      spec.order.map((order) => `${order.descending}${order.nullsFirst}`).join()
    }`
    const known = group.known.get(key)
    if (known !== undefined) return known
    const term = columnTerm(group.slot, group.keys.length + group.specs.length, type, name !== "COUNT")
    group.specs.push(spec)
    group.uses.push(union(args))
    group.known.set(key, term)
    return term
  } finally {
    scope.inAggregate = false
    c.site = site
  }
}

const one = (c: Compilation, expr: Call, scope: Scope): Term => {
  if (expr.args.length === 0) throw oraError(909, "invalid number of arguments", expr.at)
  return c.expr(c, expr.args[0]!, scope)
}

const summable = (x: Term, at: number): { readonly x: Term; readonly type: SqlType } => {
  const kind = kindOf(x.type)
  if (kind === "f") return { x, type: BINARY_DOUBLE }
  if (kind === "s" || kind === "y") throw unimplemented("SUM of intervals", at)
  if (kind !== "n" && kind !== "c" && kind !== "null") throw inconsistent(NUMBER, x.type, at)
  return { x: convertTo(x, NUMBER, at), type: NUMBER }
}

interface Specified {
  readonly spec: AggregateSpec
  readonly args: ReadonlyArray<Term>
  readonly type: SqlType
}

const specOf = (c: Compilation, expr: Call, scope: Scope, name: string): Specified => {
  const build = (
    args: ReadonlyArray<Term>,
    type: SqlType,
    items: ReadonlyArray<OrderItem>,
    make?: AggregateSpec["make"]
  ): Specified => {
    const terms = items.map((item) => c.expr(c, item.expr, scope))
    const kind = args.length === 0 ? "n" : kindOf(args[0]!.type)
    return {
      args: [...args, ...terms],
      type,
      spec: {
        make: make ?? accumulatorOf(name, kind, expr.distinct),
        args: [...args, ...terms].map((arg) => arg.eval),
        order: items.map((item, i) => sortKey(terms[i]!, item)),
        keep: expr.keep === undefined ? undefined : expr.keep.last ? "last" : "first"
      }
    }
  }
  const order = expr.keep?.order ?? []
  if (name === "COUNT") {
    // With an order there has to be a value before those it goes by.
    if (expr.star) return build(order.length === 0 ? [] : [constant(1, NUMBER)], NUMBER, order)
    return build([one(c, expr, scope)], NUMBER, order)
  }
  if (name === "LISTAGG") {
    const value = convertTo(one(c, expr, scope), varchar2(), expr.at)
    const separator = expr.args[1] === undefined
      ? constant(null, varchar2())
      : convertTo(c.expr(c, expr.args[1], scope), varchar2(), expr.at)
    return build([value, separator], varchar2(), expr.withinGroup ?? [])
  }
  const arg = one(c, expr, scope)
  if (name === "COLLECT") {
    const type: CollectionType = {
      kind: "collection",
      owner: "SYS",
      package: undefined,
      name: "SYSTP",
      form: "table",
      element: arg.type,
      limit: undefined,
      key: undefined
    }
    return build([arg], compositeType(type), order, collectorOf(type, expr.distinct))
  }
  if (!numericOnly.has(name)) {
    if (["lc", "lb", "j", "v"].includes(kindOf(arg.type))) {
      throw inconsistent({ ...NUMBER, name: "NULL" }, arg.type, expr.at)
    }
    return build([arg], arg.type, order)
  }
  const { type, x } = summable(arg, expr.at)
  if (type === BINARY_DOUBLE && name !== "SUM" && name !== "AVG") {
    throw unimplemented(`${name} of BINARY_DOUBLE`, expr.at)
  }
  return build([x], type, order)
}

/** A window by its name, with what the call adds to it. */
const resolved = (over: Window, named: WindowScope["named"], at: number): Window => {
  if (over.name === undefined) return over
  const found = named.find((one) => one.name === over.name)
  if (found === undefined) throw oraError(904, `"${over.name}": invalid identifier`, at)
  const base = resolved(found.window, named.slice(0, named.indexOf(found)), at)
  return {
    partition: base.partition,
    order: base.order.length > 0 ? base.order : over.order,
    frame: base.frame === "" ? over.frame : base.frame,
    name: undefined
  }
}

const needsOrder = new Set(["ROW_NUMBER", "RANK", "DENSE_RANK", "NTILE", "LAG", "LEAD", "PERCENT_RANK", "CUME_DIST"])

const windowed = (c: Compilation, expr: Call, scope: Scope, name: string): Term => {
  const { windows } = scope
  if (windows === undefined || !scope.aggregatesAllowed || scope.inAggregate) {
    throw oraError(30483, "window functions are not allowed here", expr.at)
  }
  const over = resolved(expr.over!, windows.named, expr.at)
  if (expr.distinct && over.order.length > 0) {
    throw oraError(30487, "ORDER BY not allowed here", expr.at)
  }
  if (needsOrder.has(name) && over.order.length === 0) {
    throw oraError(30485, "missing ORDER BY expression in the window specification", expr.at)
  }
  // A window within a window makes no sense, an aggregate in one does.
  scope.windows = undefined
  const { site } = c
  c.site = windows.site
  try {
    const partition = over.partition.map((item) => c.expr(c, item, scope))
    const order = over.order.map((item) => c.expr(c, item.expr, scope))
    const orderKeys = over.order.map((item, i) => sortKey(order[i]!, item))
    const { args, spec, type } = argumentsOf(c, expr, scope, name)
    const term = columnTerm(
      windows.slot,
      windows.specs.length,
      type,
      !["COUNT", "ROW_NUMBER", "RANK", "DENSE_RANK"].includes(name)
    )
    windows.specs.push({
      name,
      aggregate: spec,
      partition: partition.map((item) => kindOf(item.type)),
      order: orderKeys,
      frame: frameOf(over, expr.at),
      ignoreNulls: expr.options["nulls"] === "IGNORE"
    })
    windows.partition.push(partition)
    windows.order.push(order)
    windows.args.push(args)
    return term
  } finally {
    scope.windows = windows
    c.site = site
  }
}

const argumentsOf = (
  c: Compilation,
  expr: Call,
  scope: Scope,
  name: string
): { readonly args: ReadonlyArray<Term>; readonly spec: AggregateSpec | undefined; readonly type: SqlType } => {
  if (aggregates.has(name)) return specOf(c, expr, scope, name)
  const args = expr.args.map((arg) => c.expr(c, arg, scope))
  const integer = (i: number): Term => convertTo(args[i]!, NUMBER, expr.at)
  const need = (count: number): void => {
    if (args.length < count) throw oraError(909, "invalid number of arguments", expr.at)
  }
  switch (name) {
    case "ROW_NUMBER":
    case "RANK":
    case "DENSE_RANK":
    case "PERCENT_RANK":
    case "CUME_DIST":
      return { args: [], spec: undefined, type: NUMBER }
    case "NTILE":
      need(1)
      return { args: [integer(0)], spec: undefined, type: NUMBER }
    case "RATIO_TO_REPORT": {
      need(1)
      const spec: AggregateSpec = {
        make: accumulatorOf("SUM", "n", false),
        args: [],
        order: [],
        keep: undefined
      }
      return { args: [integer(0)], spec, type: NUMBER }
    }
    case "LAG":
    case "LEAD": {
      need(1)
      const offset = args[1] === undefined ? constant(1, NUMBER) : integer(1)
      const missing = args[2] === undefined ? [] : [convertTo(args[2], args[0]!.type, expr.at)]
      return { args: [args[0]!, offset, ...missing], spec: undefined, type: args[0]!.type }
    }
    case "NTH_VALUE":
      need(2)
      return { args: [args[0]!, integer(1)], spec: undefined, type: args[0]!.type }
    default:
      need(1)
      return { args: [args[0]!], spec: undefined, type: args[0]!.type }
  }
}

/** `ROWS BETWEEN 1 PRECEDING AND CURRENT ROW` and the like, as the parser keeps it. */
const frameOf = (over: Window, at: number): FrameSpec | undefined => {
  if (over.frame === "") return undefined
  if (over.order.length === 0) throw oraError(30485, "missing ORDER BY expression in the window specification", at)
  const words = over.frame.split(" ")
  const unit = words.shift() === "ROWS" ? "rows" : "range"
  const edge = (): Edge => {
    const word = words.shift()!
    const next = words.shift()
    if (word === "UNBOUNDED") return { kind: "unbounded" }
    if (word === "CURRENT") return { kind: "current" }
    return { kind: next === "PRECEDING" ? "preceding" : "following", rows: Number(word) }
  }
  if (words[0] !== "BETWEEN") return { unit, from: edge(), to: { kind: "current" } }
  words.shift()
  const from = edge()
  words.shift()
  return { unit, from, to: edge() }
}
