/** Parses what operators stand between: literals, names, calls, CASE, CAST, subqueries. */
import { oraError, unimplemented } from "../values/oraError.ts"
import type { Expr } from "./ast.ts"
import { call } from "./callParser.ts"
import { JsonParser } from "./jsonParser.ts"
import { freeInPlsql, reserved, valueWords } from "./parserBase.ts"

export abstract class PrimaryParser extends JsonParser {
  primary(): Expr {
    const token = this.token
    const at = token.start
    switch (token.kind) {
      case "number":
        this.at++
        return { kind: "number", text: token.text, at }
      case "string":
        this.at++
        return { kind: "string", value: token.text, national: token.national === true, at }
      case "bind": {
        const row = this.correlation.get(token.text)
        if (row !== undefined && this.isOp(".", 1)) {
          this.at += 2
          const column = this.name()
          return { kind: "name", path: [row, column], outer: false, at }
        }
        if (row !== undefined) {
          this.at++
          return { kind: "name", path: [row], outer: false, at }
        }
        const index = this.bindIndex()
        if (this.token.kind === "bind" || (this.isWord("INDICATOR"))) {
          throw unimplemented("indicator variables", this.offset)
        }
        return { kind: "bind", index, at }
      }
      case "op":
        if (token.text === "(") return this.#parenthesis()
        if (token.text === ":") throw oraError(1745, "invalid host/bind variable name", at)
        throw oraError(936, "missing expression", at)
      case "quoted":
        return this.#nameOrCall()
      case "word":
        return this.#word()
      case "end":
        throw oraError(936, "missing expression", at)
    }
  }

  #parenthesis(): Expr {
    const at = this.offset
    this.at++
    if (this.isWord("SELECT") || this.isWord("WITH")) {
      const query = this.query()
      this.expectOp(")")
      return { kind: "subquery", query, at }
    }
    const items = this.commaList(() => this.expr())
    if (items.length === 1 && this.bindsByName && this.takeWord("AS")) {
      const type = this.typeSpec()
      this.expectOp(")")
      return this.#postfix({ kind: "upcast", arg: items[0]!, type, at })
    }
    this.expectOp(")")
    if (items.length === 1) return items[0]!
    return { kind: "tuple", items, at }
  }

  #word(): Expr {
    const token = this.token
    const at = token.start
    const next = this.peek()
    switch (token.text) {
      case "NULL":
        this.at++
        return { kind: "null", at }
      case "TRUE":
      case "FALSE":
        // SQL has them since 23ai.
        if (!this.bindsByName && !this.knows(23)) break
        this.at++
        return { kind: "boolean", value: token.text === "TRUE", at }
      case "DATE":
      case "TIMESTAMP":
        if (next.kind === "string") {
          this.at += 2
          return { kind: "datetime", form: token.text === "DATE" ? "date" : "timestamp", text: next.text, at }
        }
        break
      case "INTERVAL":
        if (next.kind === "string") return this.#interval()
        break
      case "CASE":
        return this.#caseExpr()
      case "EXISTS":
        if (next.text === "(") {
          this.at += 2
          const query = this.query()
          this.expectOp(")")
          return { kind: "exists", query, at }
        }
        break
      case "CURSOR":
        if (next.text === "(") {
          this.at += 2
          const query = this.query()
          this.expectOp(")")
          return { kind: "cursor", query, at }
        }
        break
      case "CAST":
        if (next.text === "(") return this.#cast()
        break
      case "TREAT":
        if (next.text === "(") return this.#treat()
        break
      case "EXTRACT":
        if (next.text === "(") {
          this.at += 2
          const field = this.name()
          this.expectWord("FROM")
          const arg = this.expr()
          this.expectOp(")")
          return { kind: "extract", field, arg, at }
        }
        break
      case "TRIM":
        if (next.text === "(") return this.#trim()
        break
    }
    if (
      reserved.has(token.text) && !valueWords.has(token.text) &&
      !(this.bindsByName && freeInPlsql.has(token.text)) &&
      !(next.text === "(" && ["CHAR", "ROWID", "SET"].includes(token.text))
    ) {
      throw oraError(936, "missing expression", at)
    }
    return this.#nameOrCall()
  }

  #cast(): Expr {
    const at = this.offset
    this.at += 2
    if (this.takeWord("MULTISET")) {
      this.expectOp("(")
      const query = this.query()
      this.expectOp(")")
      this.expectWord("AS")
      const type = this.typeSpec()
      this.expectOp(")")
      return { kind: "multiset", query, type, at }
    }
    const arg = this.expr()
    this.expectWord("AS")
    const type = this.typeSpec()
    const onConversionError = this.conversionDefault()
    const formats = this.takeOp(",") ? this.commaList(() => this.expr()) : []
    this.expectOp(")")
    return { kind: "cast", arg, type, onConversionError, formats, at }
  }

  #treat(): Expr {
    const at = this.offset
    this.at += 2
    const arg = this.expr()
    this.expectWord("AS")
    if (this.isWord("JSON")) throw this.unsupported("TREAT AS JSON")
    if (this.isWord("REF")) throw this.unsupported("references to objects (REF)")
    const type = this.typeSpec()
    this.expectOp(")")
    return this.#postfix({ kind: "treat", arg, type, at })
  }

  #trim(): Expr {
    const at = this.offset
    this.at += 2
    let side = "BOTH"
    let explicit = false
    for (const word of ["LEADING", "TRAILING", "BOTH"]) {
      if (this.takeWord(word)) {
        side = word
        explicit = true
      }
    }
    let args: Array<Expr>
    if (explicit && this.takeWord("FROM")) args = [this.expr()]
    else {
      const first = this.expr()
      args = this.takeWord("FROM") ? [this.expr(), first] : [first]
    }
    this.expectOp(")")
    return call(at, ["TRIM"], args, { options: { side } })
  }

  #interval(): Expr {
    const at = this.offset
    this.at++
    const text = this.token.text
    this.at++
    let precision: number | undefined
    let fraction: number | undefined
    const field = (): string => {
      const unit = this.name()
      if (this.takeOp("(")) {
        const digits = this.integer()
        if (this.takeOp(",")) fraction = this.integer()
        else if (unit === "SECOND" && precision !== undefined) fraction = digits
        precision ??= digits
        this.expectOp(")")
      }
      return unit
    }
    const from = field()
    let to = from
    if (this.takeWord("TO")) {
      precision ??= 2
      to = field()
    }
    return { kind: "interval", text, from, to, precision, fraction, at }
  }

  #caseExpr(): Expr {
    const at = this.offset
    this.at++
    const operand = this.isWord("WHEN") ? undefined : this.expr()
    const whens: Array<readonly [Expr, Expr]> = []
    while (this.takeWord("WHEN")) {
      const condition = this.expr()
      this.expectWord("THEN")
      whens.push([condition, this.expr()])
    }
    if (whens.length === 0) throw oraError(905, "missing keyword", this.offset)
    const otherwise = this.takeWord("ELSE") ? this.expr() : undefined
    this.expectWord("END")
    return { kind: "case", operand, whens, otherwise, at }
  }

  #nameOrCall(): Expr {
    const at = this.offset
    const path = [this.token.text]
    const written = [this.#written()]
    this.at++
    while (this.isOp(".")) {
      this.at++
      if (this.takeOp("*")) return { kind: "star", path, at }
      const token = this.token
      if (token.kind !== "word" && token.kind !== "quoted") {
        throw oraError(1747, "invalid user.table.column, table.column, or column specification", token.start)
      }
      path.push(token.text)
      written.push(this.#written())
      this.at++
    }
    if (this.isOp("[") && path.length > 1 && !this.bindsByName) {
      return { kind: "name", path, outer: false, steps: this.#jsonSteps(), written, at }
    }
    // A method at the end of a path into a JSON document.
    if (path.length > 2 && this.isOp("(") && this.isOp(")", 1) && !this.bindsByName) {
      const method = this.call(path, at)
      return this.#postfix({ ...method, written })
    }
    if (this.isOp("(")) {
      if (this.isOp("+", 1) && this.isOp(")", 2)) {
        this.at += 3
        return { kind: "name", path, outer: true, at }
      }
      return this.#postfix(this.call(path, at))
    }
    if (this.isOp("@")) throw this.unsupported("database links")
    // Attributes of PL/SQL cursors: SQL%ROWCOUNT.
    if (this.isOp("%") && this.peek().kind === "word" && this.bindsByName) {
      this.at++
      path.push("%" + this.token.text)
      this.at++
      return this.#postfix({ kind: "name", path, outer: false, at })
    }
    return path.length > 2
      ? { kind: "name", path, outer: false, written, at }
      : { kind: "name", path, outer: false, at }
  }

  /** A name in the case it was written in. */
  #written(): string {
    const { end, kind, start, text } = this.token
    return kind === "quoted" ? text : this.sql.slice(start, end)
  }

  /** `[0].a.b[1]`: the rest of a path into a JSON document. */
  #jsonSteps(): string {
    const start = this.offset
    for (;;) {
      if (this.isOp("[")) {
        while (!this.isOp("]")) {
          if (this.token.kind === "end") throw oraError(907, "missing right parenthesis", this.offset)
          this.at++
        }
        this.at++
      } else if (this.isOp(".") && (this.peek().kind === "word" || this.peek().kind === "quoted")) {
        this.at += 2
        if (this.isOp("(") && this.isOp(")", 1)) this.at += 2
      } else return this.sql.slice(start, this.tokens[this.at - 1]!.end)
    }
  }

  /** What follows a call: `t(1).name`, `t(1)(2)`. */
  #postfix(expr: Expr): Expr {
    let left = expr
    for (;;) {
      const at = this.offset
      const next = this.peek()
      if (this.isOp(".") && (next.kind === "word" || next.kind === "quoted")) {
        this.at += 2
        left = { kind: "member", of: left, name: next.text, at }
      } else if (this.isOp("(") && !this.isOp("+", 1)) {
        const list = this.call([""], at)
        left = { kind: "apply", of: left, args: list.args, names: list.names, at }
      } else return left
    }
  }
}
