/** Parses calls of functions, with the words some of them have between their arguments. */
import type { Call, Expr, FrameEdge, OrderItem, TypeSpec, Window, WindowFrame } from "./ast.ts"
import { ParserBase } from "./parserBase.ts"
import { parseTypeSpec } from "./typeParser.ts"

/** Functions whose arguments have words between them that no other function has. */
const ownGrammar = new Set([
  "TREAT",
  "XMLAGG",
  "XMLCAST",
  "XMLELEMENT",
  "XMLEXISTS",
  "XMLFOREST",
  "XMLPARSE",
  "XMLQUERY",
  "XMLROOT",
  "XMLSERIALIZE"
])

const vectorMakers = new Set(["FROM_VECTOR", "TO_VECTOR", "VECTOR", "VECTOR_SERIALIZE"])

export const call = (
  at: number,
  path: ReadonlyArray<string>,
  args: ReadonlyArray<Expr>,
  rest: Partial<Call> = {}
): Call => ({
  kind: "call",
  path,
  args,
  names: [],
  distinct: false,
  star: false,
  withinGroup: undefined,
  keep: undefined,
  over: undefined,
  options: {},
  parens: true,
  at,
  ...rest
})

/** What the rows of a frame are counted in. */
const units = ["ROWS", "RANGE", "GROUPS"] as const

/** What stands between and after the parentheses of a call: arguments, WITHIN GROUP, KEEP, OVER. */
export abstract class CallParser extends ParserBase {
  abstract expr(): Expr

  typeSpec(): TypeSpec {
    return parseTypeSpec(this)
  }

  call(path: ReadonlyArray<string>, at: number): Call {
    this.expectOp("(")
    if (path.length === 1 && ownGrammar.has(path[0]!)) throw this.unsupported(path[0]!)
    const args: Array<Expr> = []
    const names: Array<string | undefined> = []
    const options: Record<string, string> = {}
    let distinct = false
    let star = false
    let onConversionError: Expr | undefined
    let type: TypeSpec | undefined
    if (this.takeWord("DISTINCT") || this.takeWord("UNIQUE")) distinct = true
    else this.takeWord("ALL")
    if (this.isOp("*") && this.isOp(")", 1)) {
      this.at++
      star = true
    } else if (!this.isOp(")")) {
      do {
        if (this.peek().text === "=>" && this.peek().kind === "op") {
          names[args.length] = this.declaredName()
          this.at++
        }
        // TO_VECTOR(text, *, FLOAT32): any number of dimensions.
        if (args.length === 1 && vectorMakers.has(path[0]!) && this.takeOp("*")) {
          args.push({ kind: "null", at: this.offset })
          continue
        }
        args.push(this.expr())
        if (vectorMakers.has(path[0]!) && this.takeWord("RETURNING")) type = this.typeSpec()
        if (args.length === 1 && this.isWord("DEFAULT")) onConversionError = this.conversionDefault()
        if (path[0] === "CHR" && this.takeWord("USING", "NCHAR_CS")) options["using"] = "NCHAR_CS"
        if (path[0] === "TRANSLATE" && this.takeWord("USING")) options["using"] = this.name()
        if (path[0] === "VALIDATE_CONVERSION" && this.takeWord("AS")) type = this.typeSpec()
      } while (this.takeOp(","))
    }
    this.#nullTreatment(options)
    if (path.at(-1) === "LISTAGG" && this.takeWord("ON", "OVERFLOW")) this.#overflow(options)
    this.expectOp(")")
    let withinGroup: ReadonlyArray<OrderItem> | undefined
    if (this.takeWord("WITHIN", "GROUP")) {
      this.expectOp("(")
      withinGroup = this.orderBy()
      this.expectOp(")")
    }
    if (this.isWord("FILTER") && this.isOp("(", 1)) throw this.unsupported("FILTER")
    if (path.at(-1) === "NTH_VALUE" && this.isWord("FROM") && (this.isWord("FIRST", 1) || this.isWord("LAST", 1))) {
      options["from"] = this.peek().text
      this.at += 2
    }
    this.#nullTreatment(options)
    let keep: Call["keep"]
    if (this.takeWord("KEEP")) {
      this.expectOp("(")
      this.expectWord("DENSE_RANK")
      const last = this.takeWord("LAST")
      if (!last) this.expectWord("FIRST")
      keep = { last, order: this.orderBy() }
      this.expectOp(")")
    }
    const over = this.takeWord("OVER") ? this.window() : undefined
    return call(at, path, args, {
      names,
      distinct,
      star,
      withinGroup,
      keep,
      over,
      options,
      onConversionError,
      type
    })
  }

  /** `DEFAULT value ON CONVERSION ERROR`, when it stands here. */
  conversionDefault(): Expr | undefined {
    if (!this.takeWord("DEFAULT")) return undefined
    const value = this.expr()
    this.expectWord("ON", "CONVERSION", "ERROR")
    return value
  }

  /** `IGNORE NULLS`, which may stand within the parentheses or after them. */
  #nullTreatment(options: Record<string, string>): void {
    if ((!this.isWord("IGNORE") && !this.isWord("RESPECT")) || !this.isWord("NULLS", 1)) return
    options["nulls"] = this.token.text
    this.at += 2
  }

  /** `ON OVERFLOW ERROR`, or `TRUNCATE 'filler' WITH COUNT`. */
  #overflow(options: Record<string, string>): void {
    if (this.takeWord("ERROR")) return
    this.expectWord("TRUNCATE")
    options["filler"] = "..."
    if (this.token.kind === "string") {
      options["filler"] = this.token.text
      this.at++
    }
    options["count"] = this.takeWord("WITHOUT", "COUNT") ? "no" : "yes"
    this.takeWord("WITH", "COUNT")
  }

  orderBy(): Array<OrderItem> {
    this.expectWord("ORDER", "BY")
    return this.commaList(() => this.orderItem())
  }

  orderItem(): OrderItem {
    const expr = this.expr()
    const descending = this.takeWord("DESC")
    if (!descending) this.takeWord("ASC")
    let nulls: "first" | "last" | undefined
    if (this.takeWord("NULLS", "FIRST")) nulls = "first"
    else if (this.takeWord("NULLS", "LAST")) nulls = "last"
    return { expr, descending, nulls }
  }

  /** What follows OVER: the name of a window, or its specification. */
  window(): Window {
    if (this.isName()) return { partition: [], order: [], frame: undefined, name: this.name() }
    this.expectOp("(")
    const isFrame = units.some((word) => this.isWord(word))
    const name = this.isName() && !this.isWord("PARTITION") && !isFrame ? this.name() : undefined
    const partition = this.takeWord("PARTITION", "BY") ? this.commaList(() => this.expr()) : []
    const order = this.isWord("ORDER") ? this.orderBy() : []
    const frame = this.#frame()
    this.expectOp(")")
    return { partition, order, frame, name }
  }

  #frame(): WindowFrame | undefined {
    const unit = units.find((word) => this.isWord(word) && (word !== "GROUPS" || this.knows(21)))
    if (unit === undefined) return undefined
    this.at++
    let from: FrameEdge
    let to: FrameEdge = { kind: "current" }
    if (this.takeWord("BETWEEN")) {
      from = this.#frameEdge(true)
      this.expectWord("AND")
      to = this.#frameEdge(false)
    } else from = this.#frameEdge(true)
    let exclude: WindowFrame["exclude"]
    if (this.knows(21) && this.takeWord("EXCLUDE")) {
      if (this.takeWord("CURRENT", "ROW")) exclude = "current"
      else if (this.takeWord("GROUP")) exclude = "group"
      else if (this.takeWord("TIES")) exclude = "ties"
      else this.expectWord("NO", "OTHERS")
    }
    return { unit: unit.toLowerCase() as WindowFrame["unit"], from, to, exclude }
  }

  #frameEdge(isFirst: boolean): FrameEdge {
    if (this.takeWord("CURRENT", "ROW")) return { kind: "current" }
    if (this.takeWord("UNBOUNDED")) {
      // The frame cannot begin at its end, nor end at its beginning.
      this.expectWord(isFirst ? "PRECEDING" : "FOLLOWING")
      return { kind: "unbounded" }
    }
    const offset = this.expr()
    if (this.takeWord("PRECEDING")) return { kind: "preceding", offset }
    this.expectWord("FOLLOWING")
    return { kind: "following", offset }
  }
}
