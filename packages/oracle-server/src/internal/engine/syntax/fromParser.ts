/** Parses FROM: tables, joins, inline views, PIVOT and UNPIVOT. */
import { oraError } from "../values/oraError.ts"
import type { Expr, FromItem, PartitionName, Query } from "./ast.ts"
import { ExpressionParser } from "./expressionParser.ts"
import { blockOf, queryOf } from "./queryTrees.ts"

export abstract class FromParser extends ExpressionParser {
  tableAlias(): string | undefined {
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
    let item = this.#plainItem()
    while ((this.isWord("PIVOT") || this.isWord("UNPIVOT")) && this.#isPivot()) {
      item = this.isWord("PIVOT") ? this.#pivot(item) : this.#unpivot(item)
    }
    return item
  }

  #isPivot(): boolean {
    return this.isOp("(", 1) || this.isWord("XML", 1) || this.isWord("INCLUDE", 1) || this.isWord("EXCLUDE", 1)
  }

  #names(): ReadonlyArray<string> {
    if (!this.takeOp("(")) return [this.name()]
    const names = this.commaList(() => this.name())
    this.expectOp(")")
    return names
  }

  /** `a`, or `(a, b)`. */
  #exprs(): ReadonlyArray<Expr> {
    const expr = this.expr()
    return expr.kind === "tuple" ? expr.items : [expr]
  }

  #pivot(source: FromItem): FromItem {
    const at = this.offset
    this.at++
    if (this.isWord("XML")) throw this.unsupported("PIVOT XML")
    this.expectOp("(")
    const aggregates = this.commaList(() => {
      const call = this.expr()
      const hasAlias = this.takeWord("AS") || (this.isName() && !this.isWord("FOR"))
      return { call, alias: hasAlias ? this.name() : undefined }
    })
    this.expectWord("FOR")
    const columns = this.#names()
    this.expectWord("IN")
    this.expectOp("(")
    if (this.isWord("ANY") || this.isWord("SELECT")) {
      throw this.unsupported(`PIVOT with ${this.token.text} in its IN clause`)
    }
    const values = this.commaList(() => {
      const from = this.at
      const items = this.#exprs()
      const words = this.tokens.slice(from, this.at).filter((token) => token.kind !== "op" || token.text === "-")
      const text = words.map((token) => this.sql.slice(token.start, token.end)).join("_")
      const hasAlias = this.takeWord("AS") || this.isName()
      return { items, alias: hasAlias ? this.name() : undefined, text }
    })
    this.expectOp(")")
    this.expectOp(")")
    return { kind: "pivot", source, aggregates, columns, values, alias: this.tableAlias(), at }
  }

  #unpivot(source: FromItem): FromItem {
    const at = this.offset
    this.at++
    const includeNulls = this.takeWord("INCLUDE", "NULLS")
    if (!includeNulls) this.takeWord("EXCLUDE", "NULLS")
    this.expectOp("(")
    const values = this.#names()
    this.expectWord("FOR")
    const names = this.#names()
    this.expectWord("IN")
    this.expectOp("(")
    const sets = this.commaList(() => {
      const columns = this.#names()
      return { columns, labels: this.takeWord("AS") ? this.#exprs() : undefined }
    })
    this.expectOp(")")
    this.expectOp(")")
    return { kind: "unpivot", source, includeNulls, values, names, sets, alias: this.tableAlias(), at }
  }

  #plainItem(): FromItem {
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
      return { kind: "function", call, alias: this.tableAlias(), at }
    }
    if (this.isWord("JSON_TABLE") && this.isOp("(", 1)) return this.jsonTable(at)
    if (this.isWord("XMLTABLE") && this.isOp("(", 1)) return this.#rowsThroughXml(at)
    if (this.takeOp("(")) {
      if (this.knows(23) && this.takeWord("VALUES")) return this.#valuesTable(at)
      if (this.isWord("SELECT") || this.isWord("WITH") || (this.isOp("(") && this.#nestedQuery())) {
        const query = this.query()
        this.expectOp(")")
        this.#refuseTableSuffix()
        return { kind: "derived", query, alias: this.tableAlias(), lateral, at }
      }
      const item = this.fromItem()
      this.expectOp(")")
      return item
    }
    const path = this.path()
    if (this.isOp("@")) throw this.unsupported("database links")
    if (this.isOp("(")) {
      const call = this.call(path, at)
      return { kind: "function", call, alias: this.tableAlias(), at }
    }
    const partition = this.partitionSuffix()
    if (!this.isWord("SAMPLE")) this.#refuseTableSuffix()
    if (this.isWord("AS") && this.isWord("OF", 1)) throw this.unsupported("flashback query")
    const sample = this.#sample()
    const alias = this.tableAlias()
    this.#refuseTableSuffix()
    return { kind: "table", path, alias, link: undefined, partition, sample, at }
  }

  #valuesTable(at: number): FromItem {
    const rows = this.commaList(() => {
      this.expectOp("(")
      const row = this.commaList(() => this.expr())
      this.expectOp(")")
      return row
    })
    this.expectOp(")")
    this.takeWord("AS")
    const alias = this.tableAlias()
    let names: ReadonlyArray<string> = []
    if (this.takeOp("(")) {
      names = this.commaList(() => this.name())
      this.expectOp(")")
    }
    return { kind: "values", rows, alias, names, at }
  }

  /**
   * `XMLTABLE('/ROWSET/ROW' PASSING dbms_xmlgen.getXMLType('query') COLUMNS …)`, by which tools read LONG columns as text: the rows of the
   * query, converted. No other XML is known.
   */
  #rowsThroughXml(at: number): FromItem {
    const isRows = this.peek(2).kind === "string" && this.peek(2).text.toUpperCase() === "/ROWSET/ROW" &&
      this.isWord("PASSING", 3) && this.isWord("DBMS_XMLGEN", 4) && this.isWord("GETXMLTYPE", 6) && this.isOp("(", 7) &&
      this.peek(8).kind === "string" && this.isOp(")", 9)
    if (!isRows) throw this.unsupported("XMLTABLE")
    const query = this.#textAsQuery(this.peek(8).text)
    this.at += 10
    this.expectWord("COLUMNS")
    const items = this.commaList(() => {
      const from = this.offset
      const name = this.name()
      const type = this.typeSpec()
      const column = this.takeWord("PATH") ? this.#pathOfColumn() : name
      const arg: Expr = { kind: "name", path: [column], outer: false, at: from }
      return { expr: { kind: "cast", arg, type, formats: [], at: from } as const, alias: name, text: name }
    })
    this.expectOp(")")
    const from: FromItem = { kind: "derived", query, alias: undefined, lateral: false, at }
    return {
      kind: "derived",
      query: queryOf(blockOf({ items, from: [from], at }), at),
      alias: this.tableAlias(),
      lateral: false,
      at
    }
  }

  #pathOfColumn(): string {
    const { kind, text } = this.token
    if (kind !== "string" || !/^[A-Z_$#][A-Z0-9_$#]*$/.test(text)) throw this.unsupported("paths of XMLTABLE")
    this.at++
    return text
  }

  /** Another text, read by the same grammar. */
  #textAsQuery(text: string): Query {
    const Parser = this.constructor as new(sql: string, release: number) => FromParser
    const parser = new Parser(text, this.release)
    const query = parser.query()
    if (parser.token.kind !== "end") throw oraError(933, "SQL command not properly ended", parser.offset)
    return query
  }

  #sample(): Extract<FromItem, { kind: "table" }>["sample"] {
    const at = this.offset
    if (!this.isWord("SAMPLE") || !(this.isOp("(", 1) || this.isWord("BLOCK", 1))) return undefined
    this.at++
    this.takeWord("BLOCK")
    const number = (): number => {
      const token = this.token
      if (token.kind !== "number") throw oraError(933, "SQL command not properly ended", token.start)
      this.at++
      return Number(token.text)
    }
    this.expectOp("(")
    const percent = number()
    if (this.takeOp(",")) number()
    this.expectOp(")")
    let seed: number | undefined
    if (this.takeWord("SEED")) {
      this.expectOp("(")
      seed = number()
      this.expectOp(")")
    }
    return { percent, seed, at }
  }

  #nestedQuery(): boolean {
    let distance = 0
    while (this.isOp("(", distance)) distance++
    return this.isWord("SELECT", distance) || this.isWord("WITH", distance)
  }

  /** `PARTITION (p)` or `PARTITION FOR (key)` after the name of a table. */
  partitionSuffix(): PartitionName | undefined {
    const isSuffix = this.isOp("(", 1) || this.isWord("FOR", 1)
    if (this.isWord("SUBPARTITION") && isSuffix) throw this.unsupported("SUBPARTITION of a table")
    if (!this.isWord("PARTITION") || !isSuffix) return undefined
    const at = this.offset
    this.at++
    const isFor = this.takeWord("FOR")
    this.expectOp("(")
    const partition: PartitionName = isFor
      ? { kind: "for", key: this.commaList(() => this.expr()), at }
      : { kind: "name", name: this.name(), at }
    this.expectOp(")")
    return partition
  }

  #refuseTableSuffix(): void {
    for (const word of ["MATCH_RECOGNIZE", "SAMPLE", "VERSIONS"]) {
      if (
        this.isWord(word) && this.peek().kind !== "end" &&
        (this.isOp("(", 1) || this.isWord("XML", 1) || this.isWord("BETWEEN", 1))
      ) {
        throw this.unsupported(word)
      }
    }
  }
}
