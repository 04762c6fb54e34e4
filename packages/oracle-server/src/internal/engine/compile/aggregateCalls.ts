/** Aggregate and analytic functions. */
import type { AggregateSpec } from "../execute/grouping.ts"
import { compareKeys, type SortKey } from "../execute/sorting.ts"
import type { Edge, FrameSpec } from "../execute/windowFrames.ts"
import { accumulatorOf, collectorOf } from "../functions/aggregates.ts"
import {
  bitAggregates,
  hypotheticalRank,
  hypotheticalRanks,
  momentAggregates,
  pairAggregates,
  truthAggregates
} from "../functions/statisticalAggregates.ts"
import type { Call, FrameEdge, OrderItem, Window } from "../syntax/ast.ts"
import { compositeType } from "../values/composite.ts"
import type { CollectionType, SqlType } from "../values/dataTypes.ts"
import { fromText } from "../values/oracleNumber.ts"
import { oraError, unimplemented } from "../values/oraError.ts"
import { BINARY_DOUBLE, BOOLEAN, kindOf, NUMBER, varchar2 } from "../values/sqlType.ts"
import type { Compilation } from "./compilation.ts"
import { jsonAggregate, jsonAggregates, markedJson } from "./jsonGeneration.ts"
import { arithmetic, convertTo, inconsistent } from "./operators.ts"
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
  "STATS_MODE",
  "PERCENTILE_CONT",
  "PERCENTILE_DISC",
  "APPROX_COUNT_DISTINCT",
  ...pairAggregates,
  ...momentAggregates,
  ...bitAggregates,
  ...truthAggregates,
  ...jsonAggregates
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
  ...momentAggregates,
  ...bitAggregates
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
  if (
    expr.over === undefined && analytic.has(name) && (expr.withinGroup === undefined || !hypotheticalRanks.has(name))
  ) {
    throw oraError(30484, "missing window specification for this function", expr.at)
  }
  if (expr.over !== undefined) return windowed(c, expr, scope, name)
  if (scope.inAggregate) throw oraError(978, "nested group function without GROUP BY", expr.at)
  if (!scope.aggregatesAllowed) throw oraError(934, "group function is not allowed here", expr.at)
  const { group } = scope
  if (group === undefined) throw oraError(934, "group function is not allowed here", expr.at)
  if (expr.withinGroup === undefined && name.startsWith("PERCENTILE_")) {
    throw oraError(30491, "missing ORDER BY clause", expr.at)
  }
  const { site } = c
  c.site = group.site
  scope.inAggregate = true
  try {
    const { args, spec, type } = specOf(c, expr, scope, name)
    const key = `${name}${expr.distinct ? " distinct" : ""}${
      expr.keep === undefined ? "" : expr.keep.last ? " last" : " first"
    }(${args.map((arg) => arg.key).join(",")})${
      spec.order.map((order) => `${order.descending}${order.nullsFirst}`).join()
    }${
      expr.json === undefined
        ? ""
        : JSON.stringify({ ...expr.json, flags: [...expr.json.flags], formats: [...expr.json.formats] })
    }${expr.options["filler"] ?? ""}${expr.options["count"] ?? ""}`
    const known = group.known.get(key)
    if (known !== undefined) return known
    const term = columnTerm(group.slot, group.keys.length + group.specs.length, type, name !== "COUNT")
    group.specs.push(spec)
    group.uses.push(union(args))
    const made = jsonAggregates.has(name) ? markedJson(term) : term
    group.known.set(key, made)
    return made
  } finally {
    scope.inAggregate = false
    c.site = site
  }
}

/** Aggregates of more than one argument. */
const several = new Set(["LISTAGG", "JSON_OBJECTAGG", ...pairAggregates])

const one = (c: Compilation, expr: Call, scope: Scope): Term => {
  if (expr.args.length === 0 || (expr.args.length > 1 && !several.has(expr.path[0]!))) {
    throw oraError(909, "invalid number of arguments", expr.at)
  }
  return c.expr(c, expr.args[0]!, scope)
}

const summable = (x: Term, at: number): { readonly x: Term; readonly type: SqlType } => {
  const kind = kindOf(x.type)
  if (kind === "f") return { x, type: BINARY_DOUBLE }
  if (kind === "s" || kind === "y") return { x, type: x.type }
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
  if (expr.keep !== undefined && expr.withinGroup !== undefined) throw unimplemented(`KEEP of ${name}`, expr.at)
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
    const { count, filler } = expr.options
    const overflow = filler === undefined ? undefined : { filler, count: count === "yes" }
    return build(
      [value, separator],
      varchar2(),
      expr.withinGroup ?? [],
      accumulatorOf(name, "c", expr.distinct, overflow)
    )
  }
  if (hypotheticalRanks.has(name)) return hypothetical(c, expr, scope, name)
  if (name.startsWith("PERCENTILE_")) {
    const fraction = convertTo(one(c, expr, scope), NUMBER, expr.at)
    const items = expr.withinGroup!
    if (items.length !== 1) throw oraError(30492, "One and only one ORDER BY expression is allowed", expr.at)
    const value = percentileValue(c.expr(c, items[0]!.expr, scope), name, expr.at)
    return build([value, fraction], value.type, items)
  }
  if (name === "MEDIAN") {
    const value = percentileValue(one(c, expr, scope), name, expr.at)
    const order = { expr: expr.args[0]!, descending: false, nulls: undefined }
    const make = accumulatorOf("PERCENTILE_CONT", kindOf(value.type), expr.distinct)
    return build([value, constant(fromText("0.5"), NUMBER)], value.type, [order], make)
  }
  if (jsonAggregates.has(name)) {
    const { args, make, order: items, type } = jsonAggregate(c, expr, scope)
    return build(args, type, items, make)
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
  if (pairAggregates.has(name)) {
    if (expr.args.length !== 2) throw oraError(909, "invalid number of arguments", expr.at)
    const pair = [arg, c.expr(c, expr.args[1]!, scope)].map((x) => convertTo(x, NUMBER, expr.at))
    return build(pair, NUMBER, order)
  }
  if (truthAggregates.has(name)) return build([convertTo(arg, BOOLEAN, expr.at)], BOOLEAN, order)
  if (!numericOnly.has(name)) {
    if (["lc", "lb", "j", "v"].includes(kindOf(arg.type))) {
      throw inconsistent({ ...NUMBER, name: "NULL" }, arg.type, expr.at)
    }
    return build([arg], name === "APPROX_COUNT_DISTINCT" ? NUMBER : arg.type, order)
  }
  if (bitAggregates.has(name) || momentAggregates.has(name)) {
    return build([convertTo(arg, NUMBER, expr.at)], NUMBER, order)
  }
  const { type, x } = summable(arg, expr.at)
  if ((kindOf(type) === "s" || kindOf(type) === "y") && name !== "SUM" && name !== "AVG") {
    throw inconsistent(NUMBER, type, expr.at)
  }
  return build([x], type, order)
}

const percentileValue = (value: Term, name: string, at: number): Term => {
  if (name === "PERCENTILE_DISC") return value
  const kind = kindOf(value.type)
  if (kind === "n" || kind === "f" || kind === "d") return value
  if (kind === "c" || kind === "null") return convertTo(value, NUMBER, at)
  throw unimplemented(`${name} of ${value.type.name}`, at)
}

/** `RANK(values) WITHIN GROUP (ORDER BY …)`: both lists are converted to the types of the order. */
const hypothetical = (c: Compilation, expr: Call, scope: Scope, name: string): Specified => {
  const items = expr.withinGroup!
  if (items.length !== expr.args.length) {
    throw oraError(30477, "The input values for the aggregate function must match the ORDER BY expressions", expr.at)
  }
  const order = items.map((item) => c.expr(c, item.expr, scope))
  const given = expr.args.map((arg, i) => convertTo(c.expr(c, arg, scope), order[i]!.type, expr.at))
  const compare = compareKeys(items.map((item, i) => sortKey(order[i]!, item)))
  const args = [...given, ...order]
  return {
    args,
    type: NUMBER,
    spec: {
      make: hypotheticalRank(name, given.length, compare),
      args: args.map((arg) => arg.eval),
      order: [],
      keep: undefined
    }
  }
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
    frame: base.frame ?? over.frame,
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
    const offsets: Array<Term> = []
    const frame = frameOf(c, over, order, scope, (offset) => args.length + offsets.push(offset) - 1, expr.at)
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
      frame,
      ignoreNulls: expr.options["nulls"] === "IGNORE",
      fromLast: expr.options["from"] === "LAST",
      width: args.length
    })
    windows.partition.push(partition)
    windows.order.push(order)
    windows.args.push([...args, ...offsets])
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

/** The frame of a window; `keep` gives a term a place among the arguments. */
const frameOf = (
  c: Compilation,
  over: Window,
  order: ReadonlyArray<Term>,
  scope: Scope,
  keep: (offset: Term) => number,
  at: number
): FrameSpec | undefined => {
  const { frame } = over
  if (frame === undefined) return undefined
  if (order.length === 0) throw oraError(30485, "missing ORDER BY expression in the window specification", at)
  const edge = (side: FrameEdge): Edge => {
    if (!("offset" in side)) return { kind: side.kind }
    if (frame.unit !== "range") {
      return { kind: side.kind, arg: keep(convertTo(c.expr(c, side.offset, scope), NUMBER, at)) }
    }
    if (order.length > 1) throw oraError(30486, "invalid window aggregation group in the window specification", at)
    // The value that the frame reaches to: the key less, or plus, the offset.
    const key = order[0]!
    const isBack = (side.kind === "preceding") !== over.order[0]!.descending
    if (!["n", "f", "d", "t", "z", "l", "s", "y"].includes(kindOf(key.type))) {
      throw oraError(902, "invalid datatype", at)
    }
    const bound = arithmetic(isBack ? "-" : "+", key, c.expr(c, side.offset, scope), at)
    return { kind: "value", arg: keep(convertTo(bound, key.type, at)) }
  }
  return { unit: frame.unit, from: edge(frame.from), to: edge(frame.to), exclude: frame.exclude }
}
