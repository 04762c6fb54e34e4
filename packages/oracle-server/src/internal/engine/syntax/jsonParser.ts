/** Parses the functions of JSON and JSON_TABLE, whose clauses stand between and behind their arguments. */
import { oraError } from "../values/oraError.ts"
import type {
  Call,
  Expr,
  FromItem,
  JsonClauses,
  JsonColumn,
  JsonHandler,
  JsonOperation,
  Query,
  TypeSpec
} from "./ast.ts"
import { call, CallParser } from "./callParser.ts"
import { tokenize } from "./lexer.ts"

const functions = new Set([
  "JSON",
  "JSON_ARRAY",
  "JSON_ARRAYAGG",
  "JSON_EQUAL",
  "JSON_EXISTS",
  "JSON_MERGEPATCH",
  "JSON_OBJECT",
  "JSON_OBJECTAGG",
  "JSON_QUERY",
  "JSON_SCALAR",
  "JSON_SERIALIZE",
  "JSON_TRANSFORM",
  "JSON_VALUE"
])

interface Draft {
  path: string | undefined
  readonly passing: Array<string>
  returning: TypeSpec | undefined
  onError: JsonHandler | undefined
  onEmpty: JsonHandler | undefined
  onNull: JsonClauses["onNull"]
  wrapper: JsonClauses["wrapper"]
  scalars: boolean | undefined
  readonly formats: Set<number>
  readonly keys: Map<number, string | undefined>
  readonly flags: Set<string>
  readonly operations: Array<JsonOperation>
  query: Query | undefined
}

const draft = (): Draft => ({
  path: undefined,
  passing: [],
  returning: undefined,
  onError: undefined,
  onEmpty: undefined,
  onNull: undefined,
  wrapper: undefined,
  scalars: undefined,
  formats: new Set(),
  keys: new Map(),
  flags: new Set(),
  operations: [],
  query: undefined
})

/** Words that may follow an operation of JSON_TRANSFORM, before ON. */
const transformHandlers = ["ERROR", "IGNORE", "REPLACE", "CREATE", "NULL", "REMOVE"]

export abstract class JsonParser extends CallParser {
  abstract query(): Query
  abstract sum(): Expr
  abstract tableAlias(): string | undefined

  override call(path: ReadonlyArray<string>, at: number): Call {
    if (path.length === 1 && functions.has(path[0]!)) return this.#function(path[0]!, at)
    return super.call(path, at)
  }

  #function(name: string, at: number): Call {
    this.expectOp("(")
    const args: Array<Expr> = []
    const json = draft()
    let order: ReturnType<CallParser["orderBy"]> | undefined
    const value = (): void => {
      args.push(this.expr())
      if (this.takeWord("FORMAT", "JSON")) json.formats.add(args.length - 1)
    }
    switch (name) {
      case "JSON_OBJECT":
        if (!this.#isClause() && !this.isOp(")")) {
          do this.#member(args, json)
          while (this.takeOp(","))
        }
        break
      case "JSON_OBJECTAGG":
        this.#member(args, json)
        break
      case "JSON_ARRAY":
        if (this.isWord("SELECT") || this.isWord("WITH")) json.query = this.query()
        else if (!this.#isClause() && !this.isOp(")")) {
          do value()
          while (this.takeOp(","))
        }
        break
      case "JSON_ARRAYAGG":
        value()
        if (this.isWord("ORDER")) order = this.orderBy()
        break
      case "JSON_MERGEPATCH":
      case "JSON_EQUAL":
        value()
        this.expectOp(",")
        value()
        break
      case "JSON_TRANSFORM":
        value()
        while (this.takeOp(",")) this.#operation(args, json)
        break
      case "JSON_VALUE":
      case "JSON_QUERY":
      case "JSON_EXISTS":
        value()
        this.expectOp(",")
        json.path = this.#path()
        break
      default:
        if (this.isOp("[") || this.isOp("{")) throw this.unsupported("the JSON constructor with an expression")
        value()
    }
    if (this.takeWord("PASSING")) {
      for (const passed of this.#passing()) {
        args.push(passed.value)
        json.passing.push(passed.name)
      }
    }
    while (!this.isOp(")")) this.#clause(json)
    this.expectOp(")")
    const over = this.takeWord("OVER") ? this.window() : undefined
    return call(at, [name], args, { json, withinGroup: order, over })
  }

  #path(): string {
    const token = this.token
    if (token.kind !== "string") {
      throw oraError(40454, "path expression not a literal", token.start)
    }
    this.at++
    return token.text
  }

  #passing(): ReadonlyArray<{ readonly name: string; readonly value: Expr }> {
    return this.commaList(() => {
      const value = this.expr()
      this.expectWord("AS")
      const token = this.token
      this.name()
      // Names in paths keep their case.
      return { value, name: token.kind === "quoted" ? token.text : this.sql.slice(token.start, token.end) }
    })
  }

  /** `KEY k VALUE v`, `k IS v`, `k : v`, `column` or `*`. */
  #member(args: Array<Expr>, json: Draft): void {
    const from = this.at
    if (this.isOp("*")) {
      this.at++
      json.keys.set(args.length, undefined)
      args.push({ kind: "star", path: [], at: this.offset })
      return
    }
    if (this.isWord("KEY") && !this.isWord("VALUE", 1) && !this.isWord("IS", 1) && this.peek().kind !== "op") this.at++
    const key = this.sum()
    if (key.kind === "star") {
      json.keys.set(args.length, undefined)
      args.push(key)
      return
    }
    if (this.token.kind === "bind") this.#splitColon()
    if (!this.takeWord("VALUE") && !this.takeWord("IS") && !this.takeOp(":")) {
      if (key.kind !== "name") throw oraError(40450, "invalid ON ERROR clause", this.offset)
      const last = this.tokens[this.at - 1]!
      json.keys.set(args.length, last.kind === "quoted" ? last.text : this.sql.slice(last.start, last.end))
      args.push(key)
      return
    }
    if (from === this.at) throw oraError(936, "missing expression", this.offset)
    args.push(key, this.expr())
    if (this.takeWord("FORMAT", "JSON")) json.formats.add(args.length - 1)
  }

  /** `'a' : b` looks like a placeholder: it is a colon and a name. */
  #splitColon(): void {
    const { end, start } = this.token
    const rest = tokenize(this.sql.slice(start + 1, end)).slice(0, -1).map((token) => ({
      ...token,
      start: token.start + start + 1,
      end: token.end + start + 1
    }))
    this.tokens.splice(this.at, 1, { kind: "op", text: ":", start, end: start + 1 }, ...rest)
  }

  #isClause(): boolean {
    return this.isWord("RETURNING") || this.isWord("STRICT") || (this.isWord("WITH") && this.isWord("UNIQUE", 1)) ||
      ((this.isWord("NULL") || this.isWord("ABSENT")) && this.isWord("ON", 1))
  }

  #handler(): JsonHandler {
    if (this.takeWord("DEFAULT")) return { kind: "default", value: this.sum() }
    for (const kind of ["null", "error", "true", "false", "absent"] as const) {
      if (this.takeWord(kind.toUpperCase())) return { kind, value: undefined }
    }
    if (this.takeWord("EMPTY")) {
      if (this.takeWord("OBJECT")) return { kind: "empty object", value: undefined }
      return { kind: this.takeWord("ARRAY") ? "empty array" : "empty", value: undefined }
    }
    throw oraError(907, "missing right parenthesis", this.offset)
  }

  #clause(json: Draft): void {
    if (this.takeWord("RETURNING")) {
      json.returning = this.typeSpec()
      if (this.takeWord("TRUNCATE", "TIME") || this.takeWord("PRESERVE", "TIME")) {
        json.flags.add(this.tokens[this.at - 2]!.text)
      }
      if (this.takeWord("TRUNCATE")) json.flags.add("CUT")
      if (this.takeWord("FORMAT", "JSON")) this.takeWord("ENCODING", "UTF8")
      return
    }
    if (this.takeWord("ALLOW", "SCALARS")) json.scalars = true
    else if (this.takeWord("DISALLOW", "SCALARS")) json.scalars = false
    else if (this.takeWord("ALLOW", "BOOLEAN", "TO", "NUMBER", "CONVERSION")) json.flags.add("BOOLEAN NUMBERS")
    else if (this.takeWord("DISALLOW", "BOOLEAN", "TO", "NUMBER", "CONVERSION")) json.flags.delete("BOOLEAN NUMBERS")
    else if (this.takeWord("WITH", "UNIQUE")) {
      this.expectWord("KEYS")
      json.flags.add("UNIQUE")
    } else if (this.takeWord("WITHOUT", "UNIQUE", "KEYS")) json.flags.delete("UNIQUE")
    else if (this.takeWord("WITHOUT")) {
      this.takeWord("ARRAY")
      this.expectWord("WRAPPER")
      json.wrapper = "without"
    } else if (this.takeWord("WITH")) {
      json.wrapper = this.takeWord("CONDITIONAL") ? "conditional" : "unconditional"
      this.takeWord("UNCONDITIONAL")
      this.takeWord("ARRAY")
      this.expectWord("WRAPPER")
    } else if (this.isWord("TYPE") && this.isOp("(", 1)) throw this.unsupported("TYPE clause of JSON functions")
    else if (["PRETTY", "ASCII", "ORDERED", "STRICT", "TRUNCATE"].some((word) => this.isWord(word))) {
      json.flags.add(this.token.text === "TRUNCATE" ? "CUT" : this.token.text)
      this.at++
    } else this.#on(json)
  }

  #on(json: Draft): void {
    if (this.takeWord("JSON", "NULL", "ON", "NULL")) {
      json.flags.add("JSON NULL")
      return
    }
    if (this.takeWord("SQL", "NULL", "ON", "NULL")) {
      json.flags.delete("JSON NULL")
      return
    }
    const handler = this.#handler()
    this.expectWord("ON")
    if (this.takeWord("ERROR")) json.onError = handler
    else if (this.takeWord("EMPTY")) json.onEmpty = handler
    else if (this.takeWord("NULL")) {
      if (handler.kind !== "null" && handler.kind !== "absent") {
        throw oraError(907, "missing right parenthesis", this.offset)
      }
      json.onNull = handler.kind
    } else if (this.isWord("MISMATCH")) throw this.unsupported("ON MISMATCH")
    else throw oraError(905, "missing keyword", this.offset)
  }

  #operation(args: Array<Expr>, json: Draft): void {
    const kinds = ["SET", "INSERT", "REPLACE", "APPEND", "PREPEND", "REMOVE", "KEEP", "RENAME", "CREATE"] as const
    const word = kinds.find((candidate) => this.isWord(candidate))
    if (word === undefined) throw this.unsupported(`${this.token.text} in JSON_TRANSFORM`)
    this.at++
    const kind = word.toLowerCase() as JsonOperation["kind"]
    const paths = kind === "keep" ? this.commaPaths() : [this.#path()]
    let arg: number | undefined
    let name: string | undefined
    let formatJson = false
    if (kind === "rename") {
      this.expectWord("WITH")
      name = this.token.text
      this.at++
    } else if (kind !== "remove" && kind !== "keep") {
      this.expectOp("=")
      if (this.isWord("PATH")) throw this.unsupported("PATH on the right side in JSON_TRANSFORM")
      arg = args.length
      args.push(this.expr())
      formatJson = this.takeWord("FORMAT", "JSON")
    }
    const handlers: Record<string, string> = {}
    while (transformHandlers.some((handler) => this.isWord(handler) && this.isWord("ON", 1))) {
      handlers[this.peek(2).text] = this.token.text
      this.at += 3
    }
    for (const path of paths) {
      json.operations.push({
        kind,
        path,
        arg,
        formatJson,
        name,
        onExisting: handlers["EXISTING"],
        onMissing: handlers["MISSING"],
        onNull: handlers["NULL"]
      })
    }
  }

  /** Paths of KEEP: the commas between them must not end the operation. */
  commaPaths(): ReadonlyArray<string> {
    const paths = [this.#path()]
    while (this.isOp(",") && this.peek().kind === "string") {
      this.at++
      paths.push(this.#path())
    }
    return paths
  }

  /** `IS JSON`, after those words. */
  isJsonClauses(): NonNullable<Extract<Expr, { kind: "is" }>["json"]> {
    let strict = false
    let uniqueKeys = false
    const shapes: Array<"value" | "array" | "object" | "scalar"> = []
    const shape = (): boolean => {
      const word = (["VALUE", "ARRAY", "OBJECT", "SCALAR"] as const).find((candidate) => this.isWord(candidate))
      if (word === undefined) return false
      this.at++
      shapes.push(word.toLowerCase() as "value")
      return true
    }
    for (;;) {
      if (this.takeWord("STRICT")) strict = true
      else if (this.takeWord("LAX")) strict = false
      else if (this.takeWord("ALLOW", "SCALARS")) continue
      else if (this.takeWord("DISALLOW", "SCALARS")) shapes.push("array", "object")
      else if (this.takeWord("WITH", "UNIQUE", "KEYS")) uniqueKeys = true
      else if (this.takeWord("WITHOUT", "UNIQUE", "KEYS")) uniqueKeys = false
      else if (this.takeWord("FORMAT", "JSON")) continue
      else if (this.isWord("VALIDATE")) throw this.unsupported("IS JSON VALIDATE")
      else if (this.isOp("(") && ["VALUE", "ARRAY", "OBJECT", "SCALAR"].includes(this.peek().text)) {
        this.at++
        this.commaList(shape)
        this.expectOp(")")
      } else if (!shape()) return { strict, uniqueKeys, shapes }
    }
  }

  jsonTable(at: number): FromItem {
    this.at++
    this.expectOp("(")
    const document = this.expr()
    this.takeWord("FORMAT", "JSON")
    const path = this.takeOp(",") ? this.#path() : "$"
    const passing = this.takeWord("PASSING") ? this.#passing() : []
    const clauses = draft()
    while (!this.isWord("COLUMNS")) this.#on(clauses)
    const columns = this.#columns()
    while (!this.isOp(")")) this.#on(clauses)
    this.expectOp(")")
    return {
      kind: "jsonTable",
      document,
      path,
      passing,
      onError: clauses.onError,
      columns,
      alias: this.tableAlias(),
      at
    }
  }

  #columns(): ReadonlyArray<JsonColumn> {
    this.expectWord("COLUMNS")
    const hasParentheses = this.takeOp("(")
    const columns = this.commaList(() => this.#column())
    if (hasParentheses) this.expectOp(")")
    return columns
  }

  #column(): JsonColumn {
    const at = this.offset
    const clauses = draft()
    if (
      this.isWord("NESTED") && (this.isWord("PATH", 1) || this.peek().kind === "string" || this.peek().kind === "word")
    ) {
      this.at++
      this.takeWord("PATH")
      const path = this.token.kind === "string" ? this.#path() : this.#looseSteps()
      return { kind: "nested", name: "", type: undefined, path, clauses, columns: this.#columns(), at }
    }
    const token = this.token
    const name = this.name()
    const written = token.kind === "quoted" ? token.text : this.sql.slice(token.start, token.end)
    if (this.takeWord("FOR", "ORDINALITY")) {
      return { kind: "ordinality", name, type: undefined, path: "$", clauses, columns: [], at }
    }
    let type: TypeSpec | undefined
    const clauseWords = ["PATH", "EXISTS", "FORMAT", "NULL", "ERROR", "DEFAULT", "WITH", "WITHOUT", "TRUNCATE"]
    if (this.token.kind === "word" && !clauseWords.includes(this.token.text) && !this.isWord("COLUMNS")) {
      type = this.typeSpec()
    }
    let kind: JsonColumn["kind"] = this.takeWord("EXISTS") ? "exists" : "value"
    if (this.takeWord("FORMAT", "JSON")) kind = "query"
    let path = `$."${written}"`
    for (;;) {
      if (this.takeWord("PATH")) path = this.token.kind === "string" ? this.#path() : this.#looseSteps()
      else if (this.takeWord("FORMAT", "JSON")) kind = "query"
      else if (this.isOp(",") || this.isOp(")")) break
      else this.#clause(clauses)
    }
    if (clauses.wrapper !== undefined && kind === "value") kind = "query"
    if (type?.name === "JSON" && kind === "value") kind = "query"
    return { kind, name, type, path, clauses, columns: [], at }
  }

  /** A path without quotes: `a.b[*]`. */
  #looseSteps(): string {
    const start = this.offset
    let depth = 0
    while (
      this.token.kind !== "end" && !this.isWord("COLUMNS") &&
      (depth > 0 || (!this.isOp(",") && !this.isOp(")")))
    ) {
      if (this.isOp("[")) depth++
      if (this.isOp("]")) depth--
      const next = this.peek()
      this.at++
      // Blanks end it.
      if (depth === 0 && next.start > this.tokens[this.at - 1]!.end) break
    }
    const text = this.sql.slice(start, this.tokens[this.at - 1]!.end)
    return text.startsWith("$") ? text : `$.${text}`
  }
}
