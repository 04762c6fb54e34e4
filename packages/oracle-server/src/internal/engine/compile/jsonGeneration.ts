/** Functions that make JSON: objects and arrays of values, and of the rows of a group. */
import type { Frame } from "../execute/frame.ts"
import type { AggregateSpec } from "../execute/grouping.ts"
import type { Accumulator } from "../functions/accumulator.ts"
import { fromDocument, toJson } from "../functions/jsonValues.ts"
import type { Call, Expr, OrderItem } from "../syntax/ast.ts"
import type { Stored } from "../values/composite.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { type Json, JsonObject, writeJson } from "../values/json.ts"
import { oraError } from "../values/oraError.ts"
import { kindOf, varchar2 } from "../values/sqlType.ts"
import type { Compilation } from "./compilation.ts"
import { queryResult } from "./heavy.ts"
import { clausesOf, isJsonTerm, jsonOf, madeJson, returningType } from "./jsonTerms.ts"
import { convertTo } from "./operators.ts"
import { columnTerm, derived, type Scope, type Term } from "./term.ts"

const noKey = (): Error => oraError(40444, "JSON processing error: the key name of a JSON object is null")

interface Member {
  readonly key: (f: Frame) => string
  readonly value: (f: Frame) => Json
  readonly parts: ReadonlyArray<Term>
}

const duplicate = (): Error => oraError(40473, "duplicate key names in JSON object")

/** The columns that `*` or `t.*` stands for. */
const starMembers = (scope: Scope, path: ReadonlyArray<string>, at: number): ReadonlyArray<Member> => {
  const sources = scope.sources.filter((source) => path.length === 0 || source.alias === path.at(-1))
  if (sources.length === 0) throw oraError(904, `"${path.join("\".\"")}": invalid identifier`, at)
  return sources.flatMap((source) =>
    source.columns.filter((column) => column.hidden !== true && !(path.length === 0 && source.merged.has(column.name)))
      .map((column) => ({ key: () => column.name, value: jsonOf(column.term, false), parts: [column.term] }))
  )
}

const members = (c: Compilation, expr: Call, scope: Scope): ReadonlyArray<Member> => {
  const { formats, keys } = clausesOf(expr)
  const list: Array<Member> = []
  for (let i = 0; i < expr.args.length; i++) {
    const arg = expr.args[i]!
    if (arg.kind === "star") {
      list.push(...starMembers(scope, arg.path, arg.at))
      continue
    }
    const given = keys.get(i)
    if (given !== undefined) {
      const term = c.expr(c, arg, scope)
      list.push({ key: () => given, value: jsonOf(term, false), parts: [term] })
      continue
    }
    const key = convertTo(c.expr(c, arg, scope), varchar2(), arg.at)
    const value = c.expr(c, expr.args[++i]!, scope)
    list.push({
      key: (f) => {
        const name = key.eval(f)
        if (name === null) throw noKey()
        return name as string
      },
      value: jsonOf(value, formats.has(i)),
      parts: [key, value]
    })
  }
  return list
}

let numbered = 0

/** JSON_OBJECT and JSON_ARRAY. Their names tell calls apart, because clauses do not show in the arguments. */
export const compileGeneration = (c: Compilation, expr: Call, scope: Scope): Term => {
  const json = clausesOf(expr)
  const type = returningType(c, json.returning)
  const name = `${expr.path[0]!}#${numbered++}`
  if (expr.path[0] === "JSON_OBJECT") {
    const list = members(c, expr, scope)
    const keepsNull = json.onNull !== "absent"
    const isUnique = json.flags.has("UNIQUE")
    return madeJson(list.flatMap((member) => member.parts), name, type, json, (f) => {
      const out = new Map<string, Json>()
      for (const member of list) {
        const value = member.value(f)
        if (value === null && !keepsNull) continue
        const key = member.key(f)
        if (isUnique && out.has(key)) throw duplicate()
        out.set(key, value)
      }
      return new JsonObject(out)
    })
  }
  const keepsNull = json.onNull === "null"
  if (json.query !== undefined) return arrayOfQuery(c, expr, scope, type)
  const terms = expr.args.map((arg) => c.expr(c, arg, scope))
  const values = terms.map((term, i) => jsonOf(term, json.formats.has(i)))
  return madeJson(terms, name, type, json, (f) => {
    const all = values.map((value) => value(f))
    return keepsNull ? all : all.filter((value) => value !== null)
  })
}

/** `JSON_ARRAY(query)`: its rows in their order. */
const arrayOfQuery = (c: Compilation, expr: Call, scope: Scope, type: SqlType): Term => {
  const json = clausesOf(expr)
  const compiled = c.query(c, json.query!, scope)
  if (compiled.columns.length !== 1) throw oraError(913, "too many values", expr.at)
  const column = columnTerm(compiled.slot, 0, compiled.columns[0]!.type, true)
  const value = jsonOf(column, false)
  const keepsNull = json.onNull === "null"
  const read = queryResult<{ readonly items: Array<Json> }>(c, compiled.plan, () => ({ items: [] }), (f, state) => {
    const item = value(f)
    if (item !== null || keepsNull) state.items.push(item)
    return false
  })
  const made = madeJson([], `json_array#${c.place()}`, type, json, (f) => read(f).items)
  return { ...made, heavy: true, uses: compiled.plan.free }
}

class Members implements Accumulator {
  readonly #members = new Map<string, Json>()
  readonly #toJson: (value: Stored) => Json
  readonly #keepsNull: boolean
  readonly #isUnique: boolean
  readonly #write: (value: Json) => Stored
  #any = false
  constructor(
    toJsonValue: (value: Stored) => Json,
    keepsNull: boolean,
    isUnique: boolean,
    write: (value: Json) => Stored
  ) {
    this.#toJson = toJsonValue
    this.#keepsNull = keepsNull
    this.#isUnique = isUnique
    this.#write = write
  }
  add(key: Stored, more: ReadonlyArray<Stored>): void {
    if (key === null) throw noKey()
    this.#any = true
    const value = this.#toJson(more[0] ?? null)
    if (value === null && !this.#keepsNull) return
    if (this.#isUnique && this.#members.has(key as string)) throw duplicate()
    this.#members.set(key as string, value)
  }
  result(): Stored {
    return this.#any ? this.#write(new JsonObject(this.#members)) : null
  }
}

class Items implements Accumulator {
  readonly #items: Array<Json> = []
  readonly #toJson: (value: Stored) => Json
  readonly #keepsNull: boolean
  readonly #write: (value: Json) => Stored
  #any = false
  constructor(toJsonValue: (value: Stored) => Json, keepsNull: boolean, write: (value: Json) => Stored) {
    this.#toJson = toJsonValue
    this.#keepsNull = keepsNull
    this.#write = write
  }
  add(value: Stored): void {
    this.#any = true
    const item = this.#toJson(value)
    if (item !== null || this.#keepsNull) this.#items.push(item)
  }
  result(): Stored {
    return this.#any ? this.#write(this.#items) : null
  }
}

export const jsonAggregates: ReadonlySet<string> = new Set(["JSON_ARRAYAGG", "JSON_OBJECTAGG"])

/** The arguments of JSON_ARRAYAGG and JSON_OBJECTAGG, their order and their accumulators. */
export const jsonAggregate = (
  c: Compilation,
  expr: Call,
  scope: Scope
): {
  readonly args: ReadonlyArray<Term>
  readonly order: ReadonlyArray<OrderItem>
  readonly type: SqlType
  readonly make: AggregateSpec["make"]
} => {
  const json = clausesOf(expr)
  const type = returningType(c, json.returning)
  const options = {
    pretty: json.flags.has("PRETTY"),
    ascii: json.flags.has("ASCII"),
    ordered: json.flags.has("ORDERED")
  }
  const write = (value: Json): Stored => fromDocument(writeJson(value, options), type, json.flags.has("CUT"))
  const converter = (term: Term, place: number): (value: Stored) => Json => {
    const isJson = json.formats.has(place) || isJsonTerm(term)
    return (value) => toJson(value, term.type, isJson)
  }
  if (expr.path[0] === "JSON_ARRAYAGG") {
    const value = c.expr(c, expr.args[0]!, scope)
    const convert = converter(value, 0)
    return {
      args: [value],
      order: expr.withinGroup ?? [],
      type,
      make: () => new Items(convert, json.onNull === "null", write)
    }
  }
  const given = json.keys.get(0)
  const name: Expr = given === undefined
    ? expr.args[0]!
    : { kind: "string", value: given, national: false, at: expr.at }
  const key = convertTo(c.expr(c, name, scope), varchar2(), expr.at)
  const place = given === undefined ? 1 : 0
  const value = c.expr(c, expr.args[place]!, scope)
  const convert = converter(value, place)
  return {
    args: [key, value],
    order: [],
    type,
    make: () => new Members(convert, json.onNull !== "absent", json.flags.has("UNIQUE"), write)
  }
}

/** A result of theirs is JSON for the functions around it. */
export const markedJson = (term: Term): Term =>
  kindOf(term.type) === "j"
    ? term
    : { ...derived([term], "json", term.type, true, term.eval), isJson: true, key: term.key }
