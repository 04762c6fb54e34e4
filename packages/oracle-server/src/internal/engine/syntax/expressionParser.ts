/** Parses expressions and conditions, by the precedence of their operators. What operators stand between is `PrimaryParser`'s. */
import { oraError } from "../values/oraError.ts"
import type { BinaryOp, Expr, IsTest, Query } from "./ast.ts"
import { call } from "./callParser.ts"
import { PrimaryParser } from "./primaryParser.ts"

/** Distances of vectors as operators. */
const distances: Readonly<Record<string, string>> = {
  "<->": "L2_DISTANCE",
  "<=>": "COSINE_DISTANCE",
  "<#>": "DOT_DISTANCE"
}

const comparisons = new Set(["=", "<>", "<", "<=", ">", ">="])

export abstract class ExpressionParser extends PrimaryParser {
  expr(): Expr {
    let left = this.#conjunction()
    while (this.isWord("OR")) {
      const at = this.offset
      this.at++
      left = { kind: "binary", op: "or", left, right: this.#conjunction(), at }
    }
    return left
  }

  #conjunction(): Expr {
    let left = this.#negation()
    while (this.isWord("AND")) {
      const at = this.offset
      this.at++
      left = { kind: "binary", op: "and", left, right: this.#negation(), at }
    }
    return left
  }

  #negation(): Expr {
    if (this.isWord("NOT")) {
      const at = this.offset
      this.at++
      return { kind: "unary", op: "not", arg: this.#negation(), at }
    }
    return this.#predicate()
  }

  #predicate(): Expr {
    let left = this.sum()
    for (;;) {
      const at = this.offset
      const token = this.token
      if (token.kind === "op" && comparisons.has(token.text)) {
        this.at++
        const op = token.text as BinaryOp
        if (this.isWord("ALL") || this.isWord("ANY") || this.isWord("SOME")) {
          const all = this.isWord("ALL")
          this.at++
          left = { kind: "quantified", op, left, all, at, ...this.#listOrQuery() }
        } else left = { kind: "binary", op, left, right: this.sum(), at }
        continue
      }
      if (token.kind !== "word") return left
      if (token.text === "COLLATE" && this.isName(1)) throw this.unsupported("COLLATE")
      const not = token.text === "NOT" &&
        ["IN", "BETWEEN", "LIKE", "LIKEC", "LIKE2", "LIKE4", "MEMBER", "SUBMULTISET"].includes(this.peek().text)
      if (not) this.at++
      if (this.takeWord("IN")) left = { kind: "in", arg: left, not, at, ...this.#listOrQuery() }
      else if (this.takeWord("BETWEEN")) {
        const low = this.sum()
        this.expectWord("AND")
        left = { kind: "between", arg: left, low, high: this.sum(), not, at }
      } else if (["LIKE", "LIKEC", "LIKE2", "LIKE4"].some((word) => this.takeWord(word))) {
        const pattern = this.sum()
        const escape = this.takeWord("ESCAPE") ? this.sum() : undefined
        left = { kind: "like", arg: left, pattern, escape, not, at }
      } else if (this.takeWord("IS")) left = this.#isTest(left, at)
      else if (this.isWord("MEMBER") || this.isWord("SUBMULTISET")) {
        const op = this.isWord("MEMBER") ? "member" : "submultiset"
        this.at++
        this.takeWord("OF")
        const test: Expr = { kind: "sets", op, left, right: this.sum(), at }
        left = not ? { kind: "unary", op: "not", arg: test, at } : test
      } else return left
    }
  }

  #isTest(arg: Expr, at: number): Expr {
    const not = this.takeWord("NOT")
    if (this.takeWord("EMPTY")) return { kind: "is", arg, what: "empty", not, at }
    if (this.takeWord("A", "SET")) return { kind: "is", arg, what: "set", not, at }
    if (this.isWord("OF") && (this.isOp("(", 1) || this.isWord("TYPE", 1))) return this.#isOf(arg, not, at)
    const token = this.token
    const tests: Readonly<Record<string, IsTest>> = {
      NULL: "null",
      NAN: "nan",
      INFINITE: "infinite",
      JSON: "json",
      TRUE: "true",
      FALSE: "false"
    }
    const what = tests[token.text]
    if (token.kind !== "word" || what === undefined) {
      if (["OF", "A", "PRESENT", "ANY"].includes(token.text)) throw this.unsupported(`IS ${token.text}`)
      throw oraError(908, "missing NULL keyword", token.start)
    }
    this.at++
    if (what === "json") return { kind: "is", arg, what, not, json: this.isJsonClauses(), at }
    return { kind: "is", arg, what, not, at }
  }

  #isOf(arg: Expr, not: boolean, at: number): Expr {
    this.at++
    this.takeWord("TYPE")
    this.expectOp("(")
    const types = this.commaList(() => ({ only: this.takeWord("ONLY"), type: this.typeSpec() }))
    this.expectOp(")")
    return { kind: "is", arg, what: "of", not, types, at }
  }

  #listOrQuery(): { readonly list: ReadonlyArray<Expr> | undefined; readonly query: Query | undefined } {
    if (!this.isOp("(")) return { list: [this.sum()], query: undefined }
    this.at++
    if (this.isWord("SELECT") || this.isWord("WITH")) {
      const query = this.query()
      this.expectOp(")")
      return { list: undefined, query }
    }
    const list = this.commaList(() => this.expr())
    this.expectOp(")")
    return { list, query: undefined }
  }

  sum(): Expr {
    let left = this.#product()
    for (;;) {
      const token = this.token
      const distance = token.kind === "op" ? distances[token.text] : undefined
      if (distance !== undefined) {
        this.at++
        left = call(token.start, [distance], [left, this.#product()])
        continue
      }
      if (token.kind === "word" && token.text === "MULTISET") {
        left = this.#multisetOperation(left)
        continue
      }
      if (token.kind !== "op" || (token.text !== "+" && token.text !== "-" && token.text !== "||")) return left
      this.at++
      left = { kind: "binary", op: token.text, left, right: this.#product(), at: token.start }
    }
  }

  #multisetOperation(left: Expr): Expr {
    const at = this.offset
    this.at++
    const word = this.token.text
    if (word !== "UNION" && word !== "INTERSECT" && word !== "EXCEPT") {
      throw oraError(905, "missing keyword", this.offset)
    }
    this.at++
    const distinct = this.takeWord("DISTINCT")
    if (!distinct) this.takeWord("ALL")
    const op = word.toLowerCase() as "union" | "intersect" | "except"
    return { kind: "sets", op: distinct ? `${op} distinct` : op, left, right: this.#product(), at }
  }

  #product(): Expr {
    let left = this.#signed()
    for (;;) {
      const token = this.token
      if (token.kind === "op" && (token.text === "*" || token.text === "/" || token.text === "**")) {
        this.at++
        left = { kind: "binary", op: token.text, left, right: this.#signed(), at: token.start }
      } else if (token.kind === "word" && token.text === "MOD" && this.bindsByName) {
        this.at++
        left = call(token.start, ["MOD"], [left, this.#signed()])
      } else return left
    }
  }

  #signed(): Expr {
    const at = this.offset
    if (this.takeOp("-")) return { kind: "unary", op: "-", arg: this.#signed(), at }
    if (this.takeOp("+")) return { kind: "unary", op: "+", arg: this.#signed(), at }
    if (this.takeWord("PRIOR")) return { kind: "unary", op: "prior", arg: this.#signed(), at }
    if (this.takeWord("CONNECT_BY_ROOT")) return { kind: "unary", op: "connect_by_root", arg: this.#signed(), at }
    let arg = this.primary()
    if ((this.isWord("DAY") || this.isWord("YEAR")) && this.#isIntervalEnd()) arg = this.#intervalExpression(arg)
    while (this.isWord("AT") && (this.isWord("TIME", 1) || this.isWord("LOCAL", 1))) {
      this.at++
      if (this.takeWord("LOCAL")) arg = { kind: "atzone", arg, zone: undefined, at }
      else {
        this.expectWord("TIME", "ZONE")
        arg = { kind: "atzone", arg, zone: this.primary(), at }
      }
    }
    return arg
  }

  /** `(a - b) DAY TO SECOND`: whether what stands here makes an interval of a difference. */
  #isIntervalEnd(): boolean {
    const after = this.isOp("(", 1) ? 4 : 1
    return this.isWord("TO", after) && (this.isWord("SECOND", after + 1) || this.isWord("MONTH", after + 1))
  }

  #intervalExpression(arg: Expr): Expr {
    const at = this.offset
    if (this.isWord("YEAR")) throw this.unsupported("an interval expression YEAR TO MONTH")
    this.at++
    const digits = (): number | undefined => {
      if (!this.takeOp("(")) return undefined
      const count = this.integer()
      this.expectOp(")")
      return count
    }
    const precision = digits() ?? 2
    this.expectWord("TO", "SECOND")
    const fraction = digits() ?? 6
    return call(at, ["DAY TO SECOND"], [arg], { options: { precision: String(precision), fraction: String(fraction) } })
  }
}
