/** Functions of vectors: making, measuring and printing them. */
import type { Expr } from "../syntax/ast.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { toInteger } from "../values/oracleNumber.ts"
import { oraError } from "../values/oraError.ts"
import { BINARY_DOUBLE, kindOf, NUMBER, varchar2, VECTOR } from "../values/sqlType.ts"
import {
  dimensionsOf,
  distance,
  fitVector,
  loadVector,
  type Metric,
  norm,
  readVector,
  storeVector,
  type Vector,
  type VectorFormat,
  writeVector
} from "../values/vector.ts"
import { returningType } from "./jsonTerms.ts"
import { convertTo } from "./operators.ts"
import { arity, type Special } from "./special.ts"
import { derived, type Term } from "./term.ts"

const vectorOf = (term: Term, at: number): Term => convertTo(term, VECTOR, at)

const word = (expr: Expr | undefined): string | undefined =>
  expr?.kind === "name" && expr.path.length === 1 ? expr.path[0] : undefined

const formats = new Set(["FLOAT32", "FLOAT64", "INT8", "BINARY"])

/** `TO_VECTOR(text, dimensions, format)`. */
const toVector: Special = (c, expr, _args, scope) => {
  arity(expr, 1, 4)
  const value = c.expr(c, expr.args[0]!, scope)
  const count = expr.args[1] === undefined || expr.args[1].kind === "null" || word(expr.args[1]) !== undefined
    ? undefined
    : convertTo(c.expr(c, expr.args[1], scope), NUMBER, expr.at)
  const format = word(expr.args[2]) ?? word(expr.args[1])
  if (format !== undefined && !formats.has(format)) throw oraError(51801, "VECTOR format is not valid", expr.at)
  const isText = kindOf(value.type) !== "v"
  const text = isText ? convertTo(value, varchar2(), expr.at) : value
  const parts = count === undefined ? [text] : [text, count]
  const type: SqlType = { ...VECTOR, vector: { dimensions: 0, format: (format ?? "FLOAT32") as VectorFormat } }
  return derived(parts, `to_vector:${format ?? ""}`, type, true, (f) => {
    const given = text.eval(f)
    if (given === null) return null
    const vector = isText
      ? readVector(given as string, format as VectorFormat | undefined)
      : loadVector(given as string)
    const dimensions = count === undefined ? 0 : toInteger(count.eval(f) as never) ?? 0
    return storeVector(fitVector(vector, dimensions, isText ? "ANY" : (format ?? "ANY") as VectorFormat))
  })
}

const ofOne = (name: string, type: SqlType, run: (vector: Vector) => number | string): Special => (_c, expr, args) => {
  arity(expr, 1, 1)
  const vector = vectorOf(args[0]!, expr.at)
  return derived([vector], name, type, true, (f) => {
    const value = vector.eval(f)
    return value === null ? null : run(loadVector(value as string))
  })
}

const measured = (a: Term, b: Term, metric: Metric | undefined, sign: 1 | -1, at: number): Term => {
  const [left, right] = [vectorOf(a, at), vectorOf(b, at)]
  return derived([left, right], `distance:${metric ?? ""}${sign}`, BINARY_DOUBLE, true, (f) => {
    const [x, y] = [left.eval(f), right.eval(f)]
    if (x === null || y === null) return null
    const [v, w] = [loadVector(x as string), loadVector(y as string)]
    return distance(v, w, metric ?? (v.format === "BINARY" ? "HAMMING" : "COSINE")) * sign
  })
}

const byMetric = (metric: Metric, sign: 1 | -1 = 1): Special => (_c, expr, args) => {
  arity(expr, 2, 2)
  return measured(args[0]!, args[1]!, metric, sign, expr.at)
}

const metrics: Readonly<Record<string, Metric>> = {
  COSINE: "COSINE",
  DOT: "DOT",
  EUCLIDEAN: "EUCLIDEAN",
  L2_SQUARED: "EUCLIDEAN_SQUARED",
  EUCLIDEAN_SQUARED: "EUCLIDEAN_SQUARED",
  MANHATTAN: "MANHATTAN",
  HAMMING: "HAMMING",
  JACCARD: "JACCARD"
}

const vectorDistance: Special = (c, expr, _args, scope) => {
  arity(expr, 2, 3)
  const name = word(expr.args[2])
  const metric = name === undefined ? undefined : metrics[name]
  if (expr.args[2] !== undefined && metric === undefined) {
    throw oraError(904, `"${name ?? "?"}": invalid identifier`, expr.args[2].at)
  }
  const [a, b] = expr.args.slice(0, 2).map((arg) => c.expr(c, arg, scope)) as [Term, Term]
  return measured(a, b, metric, 1, expr.at)
}

const serialize: Special = (c, expr, _args, scope) => {
  arity(expr, 1, 1)
  const type = returningType(c, expr.type)
  const vector = vectorOf(c.expr(c, expr.args[0]!, scope), expr.at)
  return derived([vector], "from_vector", type, true, (f) => {
    const value = vector.eval(f)
    return value === null ? null : writeVector(loadVector(value as string))
  })
}

/** Those whose arguments hold words that are no expressions. */
export const vectorWords: Readonly<Record<string, Special>> = {
  TO_VECTOR: toVector,
  VECTOR: toVector,
  VECTOR_DISTANCE: vectorDistance,
  FROM_VECTOR: serialize,
  VECTOR_SERIALIZE: serialize
}

export const vectorCalls: Readonly<Record<string, Special>> = {
  L1_DISTANCE: byMetric("MANHATTAN"),
  L2_DISTANCE: byMetric("EUCLIDEAN"),
  COSINE_DISTANCE: byMetric("COSINE"),
  DOT_DISTANCE: byMetric("DOT"),
  INNER_PRODUCT: byMetric("DOT", -1),
  HAMMING_DISTANCE: byMetric("HAMMING"),
  JACCARD_DISTANCE: byMetric("JACCARD"),
  VECTOR_NORM: ofOne("norm", BINARY_DOUBLE, norm),
  VECTOR_DIMS: ofOne("dims", NUMBER, dimensionsOf),
  VECTOR_DIMENSION_COUNT: ofOne("dims", NUMBER, dimensionsOf),
  VECTOR_DIMENSION_FORMAT: ofOne("format", varchar2(10), (vector) => vector.format)
}
