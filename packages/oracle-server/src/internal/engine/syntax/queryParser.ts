/** Parses SELECT. */
import { oraError } from "../values/oraError.ts"
import type {
  Block,
  CommonTable,
  Expr,
  ForUpdate,
  FromItem,
  OrderItem,
  Query,
  QueryBody,
  SelectItem,
  SetOperation
} from "./ast.ts"
import { ExpressionParser } from "./expressionParser.ts"

/** SELECT: WITH, set operators, joins, hierarchies, row limits, FOR UPDATE. */
export abstract class QueryParser extends ExpressionParser {
  query(): Query {
    const at = this.offset
    const ctes = this.takeWord("WITH") ? this.#commonTables() : []
    const body = this.#body()
    let orderBy: ReadonlyArray<OrderItem> = []
    let siblings = false
    if (this.isWord("ORDER") && this.isWord("SIBLINGS", 1)) {
      this.at += 2
      this.expectWord("BY")
      siblings = true
      orderBy = this.commaList(() => this.orderItem())
    } else if (this.isWord("ORDER")) orderBy = this.orderBy()
    const forUpdateFirst = this.#forUpdate()
    const limit = this.#rowLimit()
    const forUpdate = forUpdateFirst ?? this.#forUpdate()
    return { ctes, body, orderBy, siblings, ...limit, forUpdate, at }
  }

  #commonTables(): Array<CommonTable> {
    if ((this.isWord("FUNCTION") || this.isWord("PROCEDURE")) && !this.isWord("AS", 1)) {
      throw this.unsupported("WITH FUNCTION")
    }
    return this.commaList(() => {
      const at = this.offset
      const name = this.name()
      let columns: ReadonlyArray<string> = []
      if (this.takeOp("(")) {
        columns = this.commaList(() => this.name())
        this.expectOp(")")
      }
      this.expectWord("AS")
      this.expectOp("(")
      const query = this.query()
      this.expectOp(")")
      if (this.isWord("SEARCH") || this.isWord("CYCLE")) throw this.unsupported(`${this.token.text} clause of WITH`)
      return { name, columns, query, at }
    })
  }

  #body(): QueryBody {
    let left = this.#operand()
    for (;;) {
      const at = this.offset
      let op: SetOperation["op"]
      if (this.takeWord("UNION")) op = this.takeWord("ALL") ? "union all" : "union"
      else if (this.takeWord("MINUS") || this.takeWord("EXCEPT")) op = "minus"
      else if (this.takeWord("INTERSECT")) op = "intersect"
      else return left
      if (this.takeWord("ALL")) op = op === "minus" ? "minus all" : "intersect all"
      left = { kind: "set", op, left, right: this.#operand(), at }
    }
  }

  #operand(): QueryBody {
    const at = this.offset
    if (this.takeOp("(")) {
      const query = this.query()
      this.expectOp(")")
      return { kind: "nested", query, at }
    }
    return this.#block()
  }

  #block(): Block {
    const at = this.offset
    if (!this.takeWord("SELECT")) throw oraError(928, "missing SELECT keyword", at)
    const distinct = this.takeWord("DISTINCT") || this.takeWord("UNIQUE")
    if (!distinct) this.takeWord("ALL")
    const items = this.commaList(() => this.#selectItem())
    let into: ReadonlyArray<Expr> | undefined
    let bulkInto = false
    if (this.bindsByName && this.takeWord("BULK")) {
      this.expectWord("COLLECT", "INTO")
      bulkInto = true
      into = this.commaList(() => this.sum())
    } else if (this.bindsByName && this.takeWord("INTO")) into = this.commaList(() => this.sum())
    let from: ReadonlyArray<FromItem> = []
    // A SELECT without FROM is allowed since 23ai.
    if (this.takeWord("FROM")) from = this.commaList(() => this.fromItem())
    else if (this.token.kind !== "end" && !this.isOp(")") && !this.isOp(";") && !this.#isBlockEnd()) {
      throw this.missingWord("FROM")
    }
    const where = this.takeWord("WHERE") ? this.expr() : undefined
    let startWith: Expr | undefined
    let connectBy: Expr | undefined
    let nocycle = false
    if (this.takeWord("START", "WITH")) startWith = this.expr()
    if (this.takeWord("CONNECT")) {
      this.expectWord("BY")
      nocycle = this.takeWord("NOCYCLE")
      connectBy = this.expr()
      if (this.takeWord("START", "WITH")) startWith = this.expr()
    }
    let groupBy: ReadonlyArray<Expr> = []
    let groupingSets: Block["groupingSets"]
    let having: Expr | undefined
    if (this.takeWord("GROUP")) {
      this.expectWord("BY")
      const grouped = this.#groupBy()
      groupBy = grouped.exprs
      groupingSets = grouped.sets
    }
    if (this.takeWord("HAVING")) having = this.expr()
    const windows = this.takeWord("WINDOW")
      ? this.commaList(() => {
        const name = this.name()
        this.expectWord("AS")
        return { name, window: this.window() }
      })
      : []
    for (const word of ["MODEL", "QUALIFY"]) {
      if (this.isWord(word)) throw this.unsupported(`${word} clause`)
    }
    return {
      kind: "block",
      distinct,
      items,
      from,
      where,
      startWith,
      connectBy,
      nocycle,
      groupBy,
      groupingSets,
      having,
      windows,
      into,
      bulkInto,
      at
    }
  }

  /** The expressions of GROUP BY, and the sets of them where it has ROLLUP, CUBE or GROUPING SETS. */
  #groupBy(): { readonly exprs: ReadonlyArray<Expr>; readonly sets: Block["groupingSets"] } {
    const exprs: Array<Expr> = []
    let isPlain = true
    const one = (expr: Expr): number => {
      const text = JSON.stringify({ ...expr, at: 0 })
      const known = exprs.findIndex((other) => JSON.stringify({ ...other, at: 0 }) === text)
      if (known >= 0) return known
      exprs.push(expr)
      return exprs.length - 1
    }
    /** `a`, `(a, b)` or `()` as one unit. */
    const unit = (): ReadonlyArray<number> => {
      if (this.isOp("(") && this.isOp(")", 1)) {
        this.at += 2
        return []
      }
      const expr = this.expr()
      return expr.kind === "tuple" ? expr.items.map(one) : [one(expr)]
    }
    const units = (): ReadonlyArray<ReadonlyArray<number>> => {
      this.expectOp("(")
      const list = this.commaList(unit)
      this.expectOp(")")
      return list
    }
    const element = (): ReadonlyArray<ReadonlyArray<number>> => {
      if (this.isWord("ROLLUP") && this.isOp("(", 1)) {
        this.at++
        isPlain = false
        const list = units()
        return Array.from({ length: list.length + 1 }, (_, i) => list.slice(0, list.length - i).flat())
      }
      if (this.isWord("CUBE") && this.isOp("(", 1)) {
        this.at++
        isPlain = false
        const list = units()
        return Array.from(
          { length: 2 ** list.length },
          (_, bits) => list.filter((_unit, i) => (bits & (1 << (list.length - 1 - i))) === 0).flat()
        )
      }
      if (this.isWord("GROUPING") && this.isWord("SETS", 1)) {
        this.at += 2
        isPlain = false
        this.expectOp("(")
        const list = this.commaList(element).flat()
        this.expectOp(")")
        return list
      }
      if (this.isOp("(") && this.isOp(")", 1)) isPlain = false
      return [unit()]
    }
    const sets = this.commaList(element).reduce<ReadonlyArray<ReadonlyArray<number>>>(
      (all, more) => all.flatMap((set) => more.map((other) => [...new Set([...set, ...other])])),
      [[]]
    )
    return { exprs, sets: isPlain ? undefined : sets }
  }

  #isBlockEnd(): boolean {
    return ["UNION", "MINUS", "EXCEPT", "INTERSECT", "ORDER", "FETCH", "OFFSET", "WHERE"].some((w) => this.isWord(w))
  }

  #selectItem(): SelectItem {
    const start = this.offset
    if (this.isOp("*")) {
      this.at++
      return { expr: { kind: "star", path: [], at: start }, alias: undefined, text: "*" }
    }
    const expr = this.expr()
    const text = this.sql.slice(start, this.tokens[this.at - 1]!.end)
    let alias: string | undefined
    if (this.takeWord("AS")) alias = this.name(923, "FROM keyword not found where expected")
    else if (this.isName() && !this.isWord("BULK")) alias = this.name()
    return { expr, alias, text }
  }

  #alias(): string | undefined {
    const stops = [
      "LEFT",
      "RIGHT",
      "FULL",
      "INNER",
      "CROSS",
      "JOIN",
      "NATURAL",
      "OUTER",
      "USING",
      "WINDOW",
      "MODEL",
      "FETCH",
      "OFFSET",
      "SAMPLE",
      "PIVOT",
      "UNPIVOT",
      "MATCH_RECOGNIZE",
      "PARTITION",
      "LOG",
      "RETURNING",
      "RETURN",
      "LOOP",
      "QUALIFY",
      "EXCEPT"
    ]
    if (this.token.kind === "word" && stops.includes(this.token.text)) return undefined
    return this.isName() ? this.name() : undefined
  }

  fromItem(): FromItem {
    let left = this.#fromPrimary()
    for (;;) {
      const at = this.offset
      const natural = this.takeWord("NATURAL")
      let type: "inner" | "left" | "right" | "full" | "cross"
      if (this.takeWord("JOIN")) type = "inner"
      else if (this.takeWord("INNER")) {
        this.expectWord("JOIN")
        type = "inner"
      } else if (this.isWord("LEFT") || this.isWord("RIGHT") || this.isWord("FULL")) {
        type = this.token.text.toLowerCase() as "left" | "right" | "full"
        this.at++
        this.takeWord("OUTER")
        this.expectWord("JOIN")
      } else if (this.isWord("CROSS") || this.isWord("OUTER")) {
        if (this.isWord("APPLY", 1)) {
          left = this.#apply(left, at)
          continue
        }
        this.at++
        this.expectWord("JOIN")
        type = "cross"
      } else return left
      const right = this.#fromPrimary()
      let on: Expr | undefined
      let using: ReadonlyArray<string> | undefined
      if (type !== "cross" && !natural) {
        if (this.takeWord("ON")) on = this.expr()
        else if (this.takeWord("USING")) {
          this.expectOp("(")
          using = this.commaList(() => this.name())
          this.expectOp(")")
        } else throw oraError(905, "missing keyword", this.offset)
      }
      left = { kind: "join", type, natural, left, right, on, using, at }
    }
  }

  /** CROSS APPLY and OUTER APPLY: the right side may use the columns of the left one. */
  #apply(left: FromItem, at: number): FromItem {
    const type = this.isWord("CROSS") ? "cross" : "left"
    this.at += 2
    const item = this.#fromPrimary()
    const right = item.kind === "derived" ? { ...item, lateral: true } : item
    return { kind: "join", type, natural: false, left, right, on: undefined, using: undefined, at }
  }

  #fromPrimary(): FromItem {
    const at = this.offset
    const lateral = this.takeWord("LATERAL")
    if (this.isWord("ONLY") && this.isOp("(", 1)) throw this.unsupported("ONLY")
    if (this.isWord("TABLE") && this.isOp("(", 1)) {
      this.at += 2
      const from = this.offset
      const call: Expr = this.isWord("SELECT") || this.isWord("WITH")
        ? { kind: "subquery", query: this.query(), at: from }
        : this.expr()
      this.expectOp(")")
      return { kind: "function", call, alias: this.#alias(), at }
    }
    if (this.isWord("JSON_TABLE") || this.isWord("XMLTABLE")) throw this.unsupported(this.token.text)
    if (this.takeOp("(")) {
      if (this.takeWord("VALUES")) return this.#valuesTable(at)
      if (this.isWord("SELECT") || this.isWord("WITH") || (this.isOp("(") && this.#nestedQuery())) {
        const query = this.query()
        this.expectOp(")")
        this.#refuseTableSuffix()
        return { kind: "derived", query, alias: this.#alias(), lateral, at }
      }
      const item = this.fromItem()
      this.expectOp(")")
      return item
    }
    const path = this.path()
    if (this.isOp("@")) throw this.unsupported("database links")
    if (this.isOp("(")) {
      const call = this.call(path, at)
      return { kind: "function", call, alias: this.#alias(), at }
    }
    this.#refuseTableSuffix()
    if (this.isWord("AS") && this.isWord("OF", 1)) throw this.unsupported("flashback query")
    const alias = this.#alias()
    this.#refuseTableSuffix()
    return { kind: "table", path, alias, link: undefined, at }
  }

  #valuesTable(at: number): FromItem {
    const rows = this.commaList(() => {
      this.expectOp("(")
      const row = this.commaList(() => this.expr())
      this.expectOp(")")
      return row
    })
    this.expectOp(")")
    const alias = this.#alias()
    let names: ReadonlyArray<string> = []
    if (this.takeOp("(")) {
      names = this.commaList(() => this.name())
      this.expectOp(")")
    }
    return { kind: "values", rows, alias, names, at }
  }

  #nestedQuery(): boolean {
    let distance = 0
    while (this.isOp("(", distance)) distance++
    return this.isWord("SELECT", distance) || this.isWord("WITH", distance)
  }

  #refuseTableSuffix(): void {
    for (const word of ["PIVOT", "UNPIVOT", "MATCH_RECOGNIZE", "SAMPLE", "VERSIONS"]) {
      if (
        this.isWord(word) && this.peek().kind !== "end" &&
        (this.isOp("(", 1) || this.isWord("XML", 1) || this.isWord("BETWEEN", 1))
      ) {
        throw this.unsupported(word)
      }
    }
    if ((this.isWord("PARTITION") || this.isWord("SUBPARTITION")) && (this.isOp("(", 1) || this.isWord("FOR", 1))) {
      throw this.unsupported("PARTITION of a table")
    }
  }

  #rowLimit(): Pick<Query, "offset" | "fetch"> {
    let offset: Expr | undefined
    let fetch: Query["fetch"]
    if (this.takeWord("OFFSET")) {
      offset = this.sum()
      if (!this.takeWord("ROWS")) this.expectWord("ROW")
    }
    if (this.takeWord("FETCH")) {
      if (!this.takeWord("FIRST")) this.expectWord("NEXT")
      const count = this.isWord("ROW") || this.isWord("ROWS") ? undefined : this.sum()
      const percent = this.takeWord("PERCENT")
      if (!this.takeWord("ROWS")) this.expectWord("ROW")
      const ties = this.takeWord("WITH")
      if (ties) this.expectWord("TIES")
      else this.expectWord("ONLY")
      fetch = { count, percent, ties }
    }
    return { offset, fetch }
  }

  #forUpdate(): ForUpdate | undefined {
    if (!this.isWord("FOR") || !this.isWord("UPDATE", 1)) return undefined
    this.at += 2
    const of = this.takeWord("OF") ? this.commaList(() => this.sum()) : []
    const waiting = this.waitClause()
    const skipLocked = this.takeWord("SKIP", "LOCKED")
    return { of, wait: waiting, skipLocked }
  }

  waitClause(): number | undefined {
    if (this.takeWord("NOWAIT")) return 0
    if (this.takeWord("WAIT")) return this.integer()
    return undefined
  }
}
