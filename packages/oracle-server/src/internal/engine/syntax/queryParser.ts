/** Parses SELECT. */
import { oraError } from "../values/oraError.ts"
import type {
  Block,
  CommonTable,
  CycleClause,
  Expr,
  ForUpdate,
  FromItem,
  OrderItem,
  Query,
  QueryBody,
  SearchClause,
  SelectItem,
  SetOperation
} from "./ast.ts"
import { FromParser } from "./fromParser.ts"

/** SELECT: WITH, set operators, hierarchies, groups, row limits, FOR UPDATE. */
export abstract class QueryParser extends FromParser {
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
      return { name, columns, query, search: this.#search(), cycle: this.#cycle(), at }
    })
  }

  #search(): SearchClause | undefined {
    const at = this.offset
    if (!this.takeWord("SEARCH")) return undefined
    const depthFirst = this.takeWord("DEPTH")
    if (!depthFirst) this.expectWord("BREADTH")
    this.expectWord("FIRST", "BY")
    const by = this.commaList(() => {
      const name = this.name()
      const descending = this.takeWord("DESC")
      if (!descending) this.takeWord("ASC")
      const nulls = this.takeWord("NULLS", "FIRST") ? "first" : this.takeWord("NULLS", "LAST") ? "last" : undefined
      return { name, descending, nulls } as const
    })
    this.expectWord("SET")
    return { depthFirst, by, set: this.name(), at }
  }

  #cycle(): CycleClause | undefined {
    const at = this.offset
    if (!this.takeWord("CYCLE")) return undefined
    const columns = this.commaList(() => this.name())
    this.expectWord("SET")
    const set = this.name()
    this.expectWord("TO")
    const mark = this.sum()
    this.expectWord("DEFAULT")
    return { columns, set, mark, otherwise: this.sum(), at }
  }

  #body(): QueryBody {
    let left = this.#operand()
    for (;;) {
      const at = this.offset
      let op: SetOperation["op"]
      if (this.takeWord("UNION")) op = this.takeWord("ALL") ? "union all" : "union"
      else if (this.takeWord("MINUS") || (this.knows(21) && this.takeWord("EXCEPT"))) op = "minus"
      else if (this.takeWord("INTERSECT")) op = "intersect"
      else return left
      if (this.knows(21) && this.takeWord("ALL")) op = op === "minus" ? "minus all" : "intersect all"
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
    if (this.takeWord("FROM")) from = this.commaList(() => this.fromItem())
    else if (!this.knows(23)) throw this.missingWord("FROM")
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
      if (this.isWord("ALL")) throw this.unsupported("GROUP BY ALL")
      const grouped = this.#groupBy()
      groupBy = grouped.exprs
      groupingSets = grouped.sets
    }
    if (this.takeWord("HAVING")) having = this.expr()
    const windows = this.knows(21) && this.takeWord("WINDOW")
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

  #rowLimit(): Pick<Query, "offset" | "fetch"> {
    let offset: Expr | undefined
    let fetch: Query["fetch"]
    if (this.takeWord("OFFSET")) {
      offset = this.sum()
      if (!this.takeWord("ROWS")) this.expectWord("ROW")
    }
    if (this.takeWord("FETCH")) {
      // There are no approximate indexes: an exact answer is one of the approximate ones.
      if (this.knows(23) && !this.takeWord("APPROX") && !this.takeWord("APPROXIMATE")) this.takeWord("EXACT")
      if (!this.takeWord("FIRST")) this.expectWord("NEXT")
      const count = this.isWord("ROW") || this.isWord("ROWS") ? undefined : this.sum()
      const percent = this.takeWord("PERCENT")
      if (!this.takeWord("ROWS")) this.expectWord("ROW")
      const ties = this.takeWord("WITH")
      if (ties) this.expectWord("TIES")
      else this.expectWord("ONLY")
      if (this.takeWord("WITH", "TARGET", "ACCURACY")) {
        const hasParentheses = this.takeOp("(")
        while (this.token.kind === "number" || this.token.kind === "word" || this.isOp(",")) {
          if (!hasParentheses && this.isWord("FOR")) break
          this.at++
        }
        if (hasParentheses) this.expectOp(")")
      }
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
