import type { Expr } from "../Ast.ts"
import { oraError, unimplemented } from "../OraError.ts"
import { BINARY_DOUBLE, BOOLEAN, char, kindOf, NULL, NUMBER, timestampTz, varchar2 } from "../SqlType.ts"
import { compileCall } from "./Calls.ts"
import type { Compilation } from "./Compilation.ts"
import { datetimeLiteral, intervalLiteral, numberLiteral } from "./Literals.ts"
import { resolveName } from "./Names.ts"
import { arithmetic, call, comparable, comparison, concatenation, convertTo, inconsistent, unify } from "./Operators.ts"
import { quoteText, type Scope, type Sql } from "./Sql.ts"
import { resolveType } from "./Types.ts"

export const condition = (c: Compilation, expr: Expr, scope: Scope): string => {
  const sql = compileExpr(c, expr, scope)
  if (kindOf(sql.type) === "b" || sql.type.name === "NULL") return sql.sql
  throw oraError(920, "invalid relational operator", expr.at)
}

/** Compiles an expression; after grouping, a whole expression that was grouped by is taken as it is. */
export const compileExpr = (c: Compilation, expr: Expr, scope: Scope): Sql => {
  if (
    scope.groups !== undefined && scope.groups.length > 0 && !scope.inAggregate &&
    !["name", "number", "string", "bind"].includes(expr.kind)
  ) {
    const groups = scope.groups
    const { aggregates, windows } = scope
    scope.groups = undefined
    try {
      const whole = compileNode(c, expr, scope)
      if (groups.includes(whole.sql)) return whole
    } catch {
      // It is no grouped expression: the real error comes below.
    } finally {
      scope.groups = groups
      scope.aggregates = aggregates
      scope.windows = windows
    }
  }
  return compileNode(c, expr, scope)
}

const compileNode = (c: Compilation, expr: Expr, scope: Scope): Sql => {
  const { at } = expr
  switch (expr.kind) {
    case "number":
      return numberLiteral(expr.text)
    case "string":
      if (expr.value === "") return { sql: "NULL", type: { ...NULL }, nullable: true, literal: "" }
      return {
        sql: quoteText(expr.value),
        type: {
          ...char(Buffer.byteLength(expr.value)),
          name: expr.national ? "NCHAR" : "CHAR",
          ...(expr.national ? { size: expr.value.length * 2 } : {})
        },
        nullable: false,
        literal: expr.value
      }
    case "null":
      return { sql: "NULL", type: NULL, nullable: true }
    case "boolean":
      return { sql: expr.value ? "1" : "0", type: BOOLEAN, nullable: false }
    case "datetime":
      return datetimeLiteral(expr.form, expr.text, at)
    case "interval":
      return intervalLiteral(expr)
    case "bind": {
      const type = c.context.bindTypes[expr.index] ?? varchar2()
      return { sql: c.parameter({ kind: "bind", index: expr.index, type }), type, nullable: true }
    }
    case "name":
      return resolveName(c, expr, scope)
    case "star":
      throw oraError(936, "missing expression", at)
    case "unary":
      return unary(c, expr, scope)
    case "binary":
      return binary(c, expr, scope)
    case "between": {
      const arg = compileExpr(c, expr.arg, scope)
      const low = comparison(">=", arg, compileExpr(c, expr.low, scope), at)
      const high = comparison("<=", compileExpr(c, expr.arg, scope), compileExpr(c, expr.high, scope), at)
      return {
        sql: `(${expr.not ? "NOT " : ""}(${low.sql} AND ${high.sql}))`,
        type: BOOLEAN,
        nullable: true,
        condition: true
      }
    }
    case "in":
      return inList(c, expr, scope)
    case "quantified":
      return quantified(c, expr, scope)
    case "like": {
      const args = [compileExpr(c, expr.arg, scope), compileExpr(c, expr.pattern, scope)]
      if (expr.escape !== undefined) args.push(compileExpr(c, expr.escape, scope))
      const sql = call("LIKE", BOOLEAN, ...args.map((arg) => convertTo(arg, varchar2(), at)))
      return { ...sql, sql: expr.not ? `(NOT ${sql.sql})` : sql.sql, condition: true }
    }
    case "is":
      return isTest(c, expr, scope)
    case "exists": {
      const query = c.query(c, expr.query, scope)
      return { sql: `EXISTS(${query.sql})`, type: BOOLEAN, nullable: false, condition: true }
    }
    case "case":
      return caseExpr(c, expr, scope)
    case "cast": {
      const arg = compileExpr(c, expr.arg, scope)
      const type = resolveType(expr.type, c.context.session.nls.characters)
      const converted = convertTo(arg, type, at)
      const spec = JSON.stringify([type.name, type.precision, type.scale, type.size, type.chars])
      return { sql: `fit(${quoteText(spec)},${converted.sql})`, type, nullable: true }
    }
    case "extract": {
      const arg = compileExpr(c, expr.arg, scope)
      const kind = kindOf(arg.type)
      if (kind === "l") return extract("z", expr.field, convertTo(arg, timestampTz(), at))
      if (!["d", "t", "z", "s", "y"].includes(kind)) {
        throw oraError(30076, "invalid extract field for extract source", at)
      }
      if (kind === "d" && ["HOUR", "MINUTE", "SECOND"].includes(expr.field)) {
        throw oraError(30076, "invalid extract field for extract source", at)
      }
      return extract(kind, expr.field, arg)
    }
    case "atzone": {
      const arg = convertTo(compileExpr(c, expr.arg, scope), timestampTz(9), at)
      const zone = expr.zone === undefined
        ? { sql: "'SESSIONTIMEZONE'", type: varchar2(), nullable: false }
        : convertTo(compileExpr(c, expr.zone, scope), varchar2(), at)
      return call("AT_ZONE", timestampTz(9), arg, zone)
    }
    case "tuple":
      throw oraError(907, "missing right parenthesis", at)
    case "subquery": {
      const query = c.query(c, expr.query, scope)
      if (query.columns.length !== 1) throw oraError(913, "too many values", at)
      // A scalar subquery of several rows is an error there and the first row in sqlite: the count is checked as it runs.
      const single = /^SELECT [^]*LIMIT 1$/.test(query.sql) || isSingleRow(expr.query)
      return {
        sql: single
          ? `(${query.sql})`
          : `(SELECT one_row(count(*),max(c0)) FROM (SELECT c0 FROM (${query.sql}) LIMIT 2))`,
        type: query.columns[0]!.type,
        nullable: true
      }
    }
    case "cursor":
      throw unimplemented("CURSOR expressions", at)
    case "call":
      return compileCall(c, expr, scope)
  }
}

const isSingleRow = (query: Extract<Expr, { kind: "subquery" }>["query"]): boolean => {
  const { body } = query
  if (body.kind !== "block" || query.ctes.length > 0) return false
  if (body.connectBy !== undefined || body.groupBy.length > 0) return false
  if (body.from.length === 1 && body.from[0]!.kind === "table" && body.from[0]!.path.at(-1) === "DUAL") return true
  return body.items.every((item) =>
    item.expr.kind === "call" && item.expr.over === undefined &&
    ["COUNT", "SUM", "MIN", "MAX", "AVG"].includes(item.expr.path[0]!)
  ) && body.having === undefined
}

const extract = (kind: string, field: string, arg: Sql): Sql =>
  call(`EXTRACT_${kind.toUpperCase()}`, NUMBER, { sql: quoteText(field), type: varchar2(), nullable: false }, arg)

const unary = (c: Compilation, expr: Extract<Expr, { kind: "unary" }>, scope: Scope): Sql => {
  const { at } = expr
  switch (expr.op) {
    case "not":
      return { sql: `(NOT ${condition(c, expr.arg, scope)})`, type: BOOLEAN, nullable: true, condition: true }
    case "+":
      return compileExpr(c, expr.arg, scope)
    case "-": {
      if (expr.arg.kind === "number" && !/[fd]$/i.test(expr.arg.text)) return numberLiteral("-" + expr.arg.text)
      const arg = compileExpr(c, expr.arg, scope)
      const kind = kindOf(arg.type)
      if (kind === "s" || kind === "y") return call(`${kind.toUpperCase()}_NEG`, arg.type, arg)
      const type = kind === "f" ? BINARY_DOUBLE : NUMBER
      return call(type === NUMBER ? "N_NEG" : "F_NEG", type, convertTo(arg, type, at))
    }
    case "prior":
      if (scope.prior === undefined) throw oraError(976, "Specified pseudocolumn or operator not allowed here.", at)
      return compileExpr(c, expr.arg, scope.prior)
    case "connect_by_root":
      throw unimplemented("CONNECT_BY_ROOT", at)
  }
}

const binary = (c: Compilation, expr: Extract<Expr, { kind: "binary" }>, scope: Scope): Sql => {
  const { at, op } = expr
  if (op === "and" || op === "or") {
    const sql = `(${condition(c, expr.left, scope)} ${op === "and" ? "AND" : "OR"} ${condition(c, expr.right, scope)})`
    return { sql, type: BOOLEAN, nullable: true, condition: true }
  }
  if (expr.left.kind === "tuple" || (expr.right.kind === "tuple" && op === "=")) return tupleComparison(c, expr, scope)
  const left = compileExpr(c, expr.left, scope)
  const right = compileExpr(c, expr.right, scope)
  switch (op) {
    case "+":
    case "-":
    case "*":
    case "/":
      return arithmetic(op, left, right, at)
    case "**":
      return call("POWER", NUMBER, convertTo(left, NUMBER, at), convertTo(right, NUMBER, at))
    case "||":
      return concatenation(left, right, at)
    default:
      return comparison(op, left, right, at)
  }
}

const tupleComparison = (c: Compilation, expr: Extract<Expr, { kind: "binary" }>, scope: Scope): Sql => {
  const { at, left, op, right } = expr
  if (left.kind !== "tuple" || (op !== "=" && op !== "<>")) {
    throw oraError(1796, "this operator cannot be used with lists", at)
  }
  let parts: Array<string>
  if (right.kind === "tuple") {
    if (right.items.length !== left.items.length) throw oraError(1796, "this operator cannot be used with lists", at)
    parts = left.items.map((item, i) =>
      comparison("=", compileExpr(c, item, scope), compileExpr(c, right.items[i]!, scope), at).sql
    )
    return {
      sql: `(${op === "<>" ? "NOT " : ""}(${parts.join(" AND ")}))`,
      type: BOOLEAN,
      nullable: true,
      condition: true
    }
  }
  if (right.kind !== "subquery") throw oraError(1796, "this operator cannot be used with lists", at)
  return inList(c, { kind: "in", arg: left, list: undefined, query: right.query, not: op === "<>", at }, scope)
}

const inList = (c: Compilation, expr: Extract<Expr, { kind: "in" }>, scope: Scope): Sql => {
  const { at } = expr
  const not = expr.not ? "NOT " : ""
  if (expr.list !== undefined) {
    const parts = expr.list.map((item) =>
      binary(c, { kind: "binary", op: "=", left: expr.arg, right: item, at }, scope).sql
    )
    if (parts.length === 1) return { sql: `(${not}${parts[0]})`, type: BOOLEAN, nullable: true, condition: true }
    // The store uses an index for `x IN (…)` and not always for a chain of OR: the short form is taken where all left sides agree.
    const split = expr.arg.kind === "tuple"
      ? undefined
      : expr.list.map((item) => comparable(compileExpr(c, expr.arg, scope), compileExpr(c, item, scope), at))
    if (
      split !== undefined && !split[0]![0].sql.includes("\u0001") && split.every(([l]) => l.sql === split[0]![0].sql)
    ) {
      return {
        sql: `(${split[0]![0].sql} ${not}IN (${split.map(([, r]) => r.sql).join(",")}))`,
        type: BOOLEAN,
        nullable: true,
        condition: true
      }
    }
    return { sql: `(${not}(${parts.join(" OR ")}))`, type: BOOLEAN, nullable: true, condition: true }
  }
  const items = expr.arg.kind === "tuple" ? expr.arg.items : [expr.arg]
  const query = c.query(c, expr.query!, scope)
  if (query.columns.length > items.length) throw oraError(913, "too many values", at)
  if (query.columns.length < items.length) throw oraError(947, "not enough values", at)
  const pairs = items.map((item, i) =>
    comparable(compileExpr(c, item, scope), { sql: `q.c${i}`, type: query.columns[i]!.type, nullable: true }, at)
  )
  const left = pairs.map(([l]) => l.sql).join(",")
  const right = pairs.map(([, r]) => r.sql).join(",")
  const plain = pairs.every(([, r], i) => r.sql === `q.c${i}`)
  const inner = plain ? query.sql : `SELECT ${right} FROM (${query.sql}) AS q`
  return {
    sql: `(${pairs.length > 1 ? `(${left})` : left} ${not}IN (${inner}))`,
    type: BOOLEAN,
    nullable: true,
    condition: true
  }
}

const quantified = (c: Compilation, expr: Extract<Expr, { kind: "quantified" }>, scope: Scope): Sql => {
  const { all, at, op } = expr
  if (expr.list !== undefined) {
    const parts = expr.list.map((item) =>
      comparison(op, compileExpr(c, expr.left, scope), compileExpr(c, item, scope), at).sql
    )
    return { sql: `(${parts.join(all ? " AND " : " OR ")})`, type: BOOLEAN, nullable: true, condition: true }
  }
  const query = c.query(c, expr.query!, scope)
  const test =
    comparison(op, compileExpr(c, expr.left, scope), { sql: "q.c0", type: query.columns[0]!.type, nullable: true }, at)
      .sql
  // ALL fails on the first false, ANY holds on the first true; otherwise an unknown makes the whole unknown.
  const sql = all
    ? `(SELECT CASE WHEN total(${test}=0)>0 THEN 0 WHEN total((${test}) IS NULL)>0 THEN NULL ELSE 1 END FROM (${query.sql}) AS q)`
    : `(SELECT CASE WHEN total(${test})>0 THEN 1 WHEN total((${test}) IS NULL)>0 THEN NULL ELSE 0 END FROM (${query.sql}) AS q)`
  return { sql, type: BOOLEAN, nullable: true, condition: true }
}

const isTest = (c: Compilation, expr: Extract<Expr, { kind: "is" }>, scope: Scope): Sql => {
  const { at, not, what } = expr
  const arg = compileExpr(c, expr.arg, scope)
  const done = (sql: string): Sql => ({
    sql: not ? `(NOT ${sql})` : sql,
    type: BOOLEAN,
    nullable: false,
    condition: true
  })
  switch (what) {
    case "null":
      return { sql: `(${arg.sql} IS ${not ? "NOT " : ""}NULL)`, type: BOOLEAN, nullable: false, condition: true }
    case "nan":
      return done(`(${convertTo(arg, BINARY_DOUBLE, at).sql}='NaN')`)
    case "infinite":
      return done(`(abs(${convertTo(arg, BINARY_DOUBLE, at).sql})=9e999)`)
    case "json":
      return done(call("IS_JSON", BOOLEAN, convertTo(arg, varchar2(), at)).sql)
    case "true":
    case "false":
      if (kindOf(arg.type) !== "b") throw inconsistent(BOOLEAN, arg.type, at)
      return done(`(${arg.sql} IS ${what === "true" ? 1 : 0})`)
  }
}

const caseExpr = (c: Compilation, expr: Extract<Expr, { kind: "case" }>, scope: Scope): Sql => {
  const { at } = expr
  const results = expr.whens.map(([, result]) => compileExpr(c, result, scope))
  const otherwise = expr.otherwise === undefined ? undefined : compileExpr(c, expr.otherwise, scope)
  const type = unify([...results, ...(otherwise === undefined ? [] : [otherwise])].map((x) => x.type), false, at)
  const tests = expr.whens.map(([when]) =>
    expr.operand === undefined
      ? condition(c, when, scope)
      : comparison("=", compileExpr(c, expr.operand, scope), compileExpr(c, when, scope), at).sql
  )
  const as = (x: Sql): string => type.name === "NULL" ? x.sql : convertTo(x, type, at).sql
  const sql = tests.map((test, i) => `WHEN ${test} THEN ${as(results[i]!)}`).join(" ")
  return {
    sql: `(CASE ${sql} ELSE ${otherwise === undefined ? "NULL" : as(otherwise)} END)`,
    type,
    nullable: otherwise === undefined || otherwise.nullable || results.some((x) => x.nullable)
  }
}
