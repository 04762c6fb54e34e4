/** Aggregate and analytic functions. */
import type { Call, OrderItem } from "../Ast.ts"
import { oraError, unimplemented } from "../OraError.ts"
import { BINARY_DOUBLE, kindOf, NUMBER, type SqlType, varchar2 } from "../SqlType.ts"
import type { Compilation } from "./Compilation.ts"
import { convertTo, inconsistent } from "./Operators.ts"
import type { Scope, Sql } from "./Sql.ts"

const aggregates = new Set([
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
  "MEDIAN"
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
const spreads: Readonly<Record<string, string>> = {
  STDDEV: "n_stddev",
  STDDEV_SAMP: "n_stddev",
  STDDEV_POP: "n_stddev_pop",
  VARIANCE: "n_variance",
  VAR_SAMP: "n_variance",
  VAR_POP: "n_var_pop",
  MEDIAN: "n_median"
}

export const isAggregate = (expr: Call): boolean =>
  expr.path.length === 1 && (aggregates.has(expr.path[0]!) || analytic.has(expr.path[0]!))

/** NULL sorts high in Oracle and low in the store. */
export const orderText = (c: Compilation, item: OrderItem, scope: Scope): string =>
  orderBySql(c.expr(c, item.expr, scope), item)

export const orderBySql = (sql: Sql, item: OrderItem): string => {
  const kind = kindOf(sql.type)
  if (["lc", "lb", "j", "v"].includes(kind)) throw inconsistent({ ...NUMBER, name: "NULL" }, sql.type, item.expr.at)
  const text = kind === "z" ? `substr(${sql.sql},1,21)` : sql.sql
  const nulls = item.nulls ?? (item.descending ? "first" : "last")
  return text + (item.descending ? " DESC" : "") +
    (sql.nullable ? (nulls === "first" ? " NULLS FIRST" : " NULLS LAST") : "")
}

const windowText = (c: Compilation, expr: Call, scope: Scope): string => {
  const over = expr.over!
  const parts: Array<string> = []
  if (over.partition.length > 0) {
    parts.push("PARTITION BY " + over.partition.map((e) => c.expr(c, e, scope).sql).join(","))
  }
  if (over.order.length > 0) parts.push("ORDER BY " + over.order.map((item) => orderText(c, item, scope)).join(","))
  if (over.frame !== "") parts.push(over.frame)
  return ` OVER (${parts.join(" ")})`
}

export const compileAggregate = (c: Compilation, expr: Call, scope: Scope): Sql => {
  const name = expr.path[0]!
  if (expr.keep !== undefined) throw unimplemented("KEEP (DENSE_RANK …)", expr.at)
  if (expr.over === undefined && analytic.has(name)) {
    if (expr.withinGroup !== undefined) throw unimplemented(`${name} as an aggregate`, expr.at)
    throw oraError(30484, "missing window specification for this function", expr.at)
  }
  if (expr.over !== undefined) return windowed(c, expr, scope, name)
  if (scope.inAggregate) throw oraError(978, "nested group function without GROUP BY", expr.at)
  if (!scope.aggregatesAllowed) throw oraError(934, "group function is not allowed here", expr.at)
  scope.aggregates++
  scope.inAggregate = true
  try {
    return plain(c, expr, scope, name)
  } finally {
    scope.inAggregate = false
  }
}

const one = (c: Compilation, expr: Call, scope: Scope): Sql => {
  if (expr.args.length === 0) throw oraError(909, "invalid number of arguments", expr.at)
  return c.expr(c, expr.args[0]!, scope)
}

const summable = (x: Sql, at: number): { readonly x: Sql; readonly type: SqlType } => {
  const kind = kindOf(x.type)
  if (kind === "f") return { x, type: BINARY_DOUBLE }
  if (kind === "s" || kind === "y") throw unimplemented("SUM of intervals", at)
  if (kind !== "n" && kind !== "c" && kind !== "null") throw inconsistent(NUMBER, x.type, at)
  return { x: convertTo(x, NUMBER, at), type: NUMBER }
}

const plain = (c: Compilation, expr: Call, scope: Scope, name: string): Sql => {
  const distinct = expr.distinct ? "DISTINCT " : ""
  if (name === "COUNT") {
    if (expr.star) return { sql: "ni(count(*))", type: NUMBER, nullable: false }
    return { sql: `ni(count(${distinct}${one(c, expr, scope).sql}))`, type: NUMBER, nullable: false }
  }
  if (name === "LISTAGG") {
    const value = convertTo(one(c, expr, scope), varchar2(), expr.at)
    const separator = expr.args[1] === undefined
      ? "''"
      : `coalesce(${convertTo(c.expr(c, expr.args[1], scope), varchar2(), expr.at).sql},'')`
    const order = expr.withinGroup === undefined
      ? ""
      : " ORDER BY " + expr.withinGroup.map((item) => orderText(c, item, scope)).join(",")
    return {
      sql: `c_listagg${expr.distinct ? "_distinct" : ""}(${value.sql},${separator}${order})`,
      type: varchar2(),
      nullable: true
    }
  }
  const arg = one(c, expr, scope)
  if (name === "MIN" || name === "MAX") {
    return { sql: `${name.toLowerCase()}(${arg.sql})`, type: arg.type, nullable: true }
  }
  const { type, x } = summable(arg, expr.at)
  if (type === BINARY_DOUBLE && spreads[name] !== undefined) throw unimplemented(`${name} of BINARY_DOUBLE`, expr.at)
  const own = spreads[name] ??
    (name === "SUM" ? (type === NUMBER ? "n_sum" : "f_sum") : type === NUMBER ? "n_avg" : "f_avg")
  return { sql: `${own}(${distinct}${x.sql})`, type, nullable: true }
}

const windowed = (c: Compilation, expr: Call, scope: Scope, name: string): Sql => {
  if (!scope.aggregatesAllowed) throw oraError(30483, "window functions are not allowed here", expr.at)
  scope.windows++
  if (expr.distinct) throw unimplemented("DISTINCT in an analytic function", expr.at)
  if (name === "LISTAGG" || spreads[name] !== undefined) throw unimplemented(`${name} … OVER`, expr.at)
  if (expr.options["nulls"] === "IGNORE") throw unimplemented("IGNORE NULLS", expr.at)
  const window = windowText(c, expr, scope)
  const args = expr.args.map((arg) => c.expr(c, arg, scope))
  const needsOrder = ["ROW_NUMBER", "RANK", "DENSE_RANK", "NTILE", "LAG", "LEAD", "PERCENT_RANK", "CUME_DIST"]
  if (needsOrder.includes(name) && expr.over!.order.length === 0) {
    throw oraError(30485, "missing ORDER BY expression in the window specification", expr.at)
  }
  const integer = (i: number): string => `to_int(${convertTo(args[i]!, NUMBER, expr.at).sql})`
  switch (name) {
    case "COUNT":
      return { sql: `ni(count(${expr.star ? "*" : args[0]!.sql})${window})`, type: NUMBER, nullable: false }
    case "ROW_NUMBER":
    case "RANK":
    case "DENSE_RANK":
      return { sql: `ni(${name.toLowerCase()}()${window})`, type: NUMBER, nullable: false }
    case "NTILE":
      return { sql: `ni(ntile(${integer(0)})${window})`, type: NUMBER, nullable: false }
    case "PERCENT_RANK":
    case "CUME_DIST":
      throw unimplemented(name, expr.at)
    case "RATIO_TO_REPORT":
      return {
        sql: `f_n_div(${args[0]!.sql},n_sum(${args[0]!.sql})${window})`,
        type: NUMBER,
        nullable: true
      }
    case "LAG":
    case "LEAD": {
      const offset = args[1] === undefined ? "1" : integer(1)
      const missing = args[2] === undefined ? "" : `,${convertTo(args[2], args[0]!.type, expr.at).sql}`
      return {
        sql: `${name.toLowerCase()}(${args[0]!.sql},${offset}${missing})${window}`,
        type: args[0]!.type,
        nullable: true
      }
    }
    case "FIRST_VALUE":
    case "LAST_VALUE":
      return { sql: `${name.toLowerCase()}(${args[0]!.sql})${window}`, type: args[0]!.type, nullable: true }
    case "NTH_VALUE":
      return { sql: `nth_value(${args[0]!.sql},${integer(1)})${window}`, type: args[0]!.type, nullable: true }
    case "MIN":
    case "MAX":
      return { sql: `${name.toLowerCase()}(${args[0]!.sql})${window}`, type: args[0]!.type, nullable: true }
    default: {
      const { type, x } = summable(args[0]!, expr.at)
      if (type === BINARY_DOUBLE) throw unimplemented(`${name} of BINARY_DOUBLE … OVER`, expr.at)
      const own = name === "SUM" ? (type === NUMBER ? "n_sum" : "f_sum") : type === NUMBER ? "n_avg" : "f_avg"
      return { sql: `${own}(${x.sql})${window}`, type, nullable: true }
    }
  }
}
