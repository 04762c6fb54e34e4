/** Parses the blocks and statements of PL/SQL. */
import { OraError as OraErrorClass, oraError } from "../values/oraError.ts"
import type { Call, Expr } from "./ast.ts"
import type { Parsed } from "./astDefinitions.ts"
import type { Declaration, Handler, PlsqlBlock, PlsqlStatement } from "./astPlsql.ts"
import { DeclarationParser } from "./declarationParser.ts"
import { lineAndColumn } from "./places.ts"

/** Blocks and statements of PL/SQL. */
export abstract class PlsqlParser extends DeclarationParser {
  anonymousBlock(): PlsqlBlock {
    this.bindsByName = true
    try {
      const block = this.#block_()
      this.#refuseGotos(0)
      if (this.isOp("/") && this.peek().kind === "end") {
        // It ends a block in a script; the server itself does not know it.
        const [line, column] = lineAndColumn(this.sql, this.offset)
        throw oraError(
          6550,
          `line ${line}, column ${column}:\nPLS-00103: Encountered the symbol "/" The symbol "/" was ignored.`,
          this.offset
        )
      }
      return block
    } catch (error) {
      // The syntax errors of embedded expressions and SQL are reported by the compiler of the block.
      if (error instanceof OraErrorClass && error.code !== 6550 && error.code !== 3001) {
        const [line, column] = lineAndColumn(this.sql, error.offset)
        throw oraError(6550, `line ${line}, column ${column}:\nPL/SQL: ${error.message}`, error.offset)
      }
      throw error
    }
  }

  callStatement(): Parsed {
    const at = this.offset
    this.at++
    this.bindsByName = true
    const expr = this.#primaryCall()
    const into = this.takeWord("INTO") ? this.sum() : undefined
    const statement: PlsqlStatement = into === undefined
      ? { kind: "call", call: expr, at }
      : { kind: "assign", target: into, value: expr, at }
    return {
      kind: "plsql",
      block: { kind: "block", label: undefined, declarations: [], body: [statement], handlers: [], at }
    }
  }

  #primaryCall(): Call {
    const expr = this.sum()
    if (expr.kind === "call") return expr
    if (expr.kind === "name") return this.#asCall(expr)
    throw oraError(6576, "not a valid function or procedure name", this.offset)
  }

  #asCall(name: { readonly path: ReadonlyArray<string>; readonly at: number }): Call {
    return {
      kind: "call",
      path: name.path,
      args: [],
      names: [],
      distinct: false,
      star: false,
      withinGroup: undefined,
      keep: undefined,
      over: undefined,
      options: {},
      parens: false,
      at: name.at
    }
  }

  #label(): string | undefined {
    if (!this.takeOp("<<")) return undefined
    const name = this.name()
    if (!this.takeOp(">>")) throw this.encountered(">>")
    return name
  }

  /** A block with its DECLARE, if any. */
  protected block(): PlsqlBlock {
    return this.#block_()
  }

  #block_(): PlsqlBlock {
    const label = this.#label()
    const at = this.offset
    const declarations = this.takeWord("DECLARE") ? this.declarations() : []
    return this.#body(label, declarations, at, false)
  }

  /** The body of a subprogram: no GOTO leads out of it. */
  protected blockBody(
    label: string | undefined,
    declarations: ReadonlyArray<Declaration>,
    at: number,
    isSection = false
  ): PlsqlBlock {
    const before = this.#gotos.length
    const block = this.#body(label, declarations, at, isSection)
    this.#refuseGotos(before)
    return block
  }

  /** Those whose label has not been found yet. */
  #gotos: Array<{ readonly label: string; readonly at: number }> = []

  #refuseGotos(from: number): void {
    const open = this.#gotos[from]
    if (open === undefined) return
    const [line, column] = lineAndColumn(this.sql, open.at)
    throw oraError(
      6550,
      `line ${line}, column ${column}:\nPLS-00375: illegal GOTO statement; this GOTO cannot branch to label '${open.label}'\n` +
        `ORA-06550: line ${line}, column ${column}:\nPL/SQL: Statement ignored`,
      open.at
    )
  }

  #body(
    label: string | undefined,
    declarations: ReadonlyArray<Declaration>,
    at: number,
    isSection: boolean
  ): PlsqlBlock {
    if (!this.takeWord("BEGIN")) throw this.encountered("begin function pragma procedure subtype type <an identifier>")
    const body = this.#statements("EXCEPTION", "END")
    const handlers: Array<Handler> = []
    if (this.takeWord("EXCEPTION")) {
      while (this.takeWord("WHEN")) {
        const names: Array<ReadonlyArray<string>> = []
        if (!this.takeWord("OTHERS")) {
          do names.push(this.path(904, "invalid identifier"))
          while (this.takeWord("OR"))
        }
        this.#expectThen()
        handlers.push({ names, body: this.#statements("WHEN", "END") })
      }
    }
    if (!this.takeWord("END")) throw this.encountered("end")
    if (isSection) { while (this.token.kind === "word") this.at++ }
    else if (!this.isOp(";")) this.declaredName()
    this.semicolon()
    return { kind: "block", label, declarations, body, handlers, at }
  }

  #expectThen(): void {
    if (!this.takeWord("THEN")) throw this.encountered("then")
  }

  #statements(...ends: ReadonlyArray<string>): Array<PlsqlStatement> {
    const list: Array<PlsqlStatement> = []
    const before = this.#gotos.length
    while (!ends.some((word) => this.isWord(word))) {
      if (this.token.kind === "end") {
        throw this.encountered(
          "( begin case declare end exception exit for goto if loop mod null pragma raise return select update while with"
        )
      }
      // The name of a block or a loop is its own too.
      const labels: Array<string> = []
      while (this.isOp("<<")) {
        list.push({ kind: "label", at: this.offset, name: this.#label()! })
        labels.push((list.at(-1) as { readonly name: string }).name)
      }
      list.push(this.#plsqlStatement(labels.at(-1)))
    }
    // A GOTO leads to a statement of its own list, or of one around it.
    if (this.#gotos.length > before) {
      const known = new Set(list.map((statement) => statement.kind === "label" ? statement.name : undefined))
      this.#gotos = this.#gotos.filter((goto, i) => i < before || !known.has(goto.label))
    }
    if (list.length === 0) {
      throw this.encountered(
        "( begin case declare exit for goto if loop mod null pragma raise return select update while with"
      )
    }
    return list
  }

  #plsqlStatement(label: string | undefined): PlsqlStatement {
    const at = this.offset
    if (this.isWord("BEGIN") || this.isWord("DECLARE")) {
      const block = this.#block_()
      return { ...block, label }
    }
    if (this.isWord("LOOP") || this.isWord("WHILE") || this.isWord("FOR")) return this.#loop(label)
    if (this.token.kind === "word") {
      const statement = this.#keywordStatement(at)
      if (statement !== undefined) {
        this.semicolon()
        return statement
      }
    }
    const target = this.sum()
    if (this.takeOp(":=")) {
      const value = this.expr()
      this.semicolon()
      return { kind: "assign", target, value, at }
    }
    if (target.kind === "member" || target.kind === "apply") {
      this.semicolon()
      return { kind: "method", expr: target, at }
    }
    if (target.kind !== "call" && target.kind !== "name") throw this.encountered(":= . ( @ % ;")
    this.semicolon()
    return { kind: "call", call: target.kind === "call" ? target : this.#asCall(target), at }
  }

  /** Statements that start with a keyword; the closing semicolon is the caller's. */
  #keywordStatement(at: number): PlsqlStatement | undefined {
    const word = this.token.text
    switch (word) {
      case "NULL":
        this.at++
        return { kind: "null", at }
      case "IF":
        return this.#ifStatement(at)
      case "CASE":
        return this.#caseStatement(at)
      case "EXIT":
      case "CONTINUE": {
        this.at++
        const label = this.isName() && !this.isWord("WHEN") ? this.name() : undefined
        const when = this.takeWord("WHEN") ? this.expr() : undefined
        return { kind: word === "EXIT" ? "exit" : "continue", label, when, at }
      }
      case "RETURN":
        this.at++
        return { kind: "return", value: this.isOp(";") ? undefined : this.expr(), at }
      case "RAISE":
        this.at++
        return { kind: "raise", name: this.isOp(";") ? undefined : this.path(904, "invalid identifier"), at }
      case "PIPE": {
        if (!this.isWord("ROW", 1)) return undefined
        this.at += 2
        this.expectOp("(")
        const value = this.expr()
        this.expectOp(")")
        return { kind: "pipe", value, at }
      }
      case "GOTO": {
        this.at++
        const label = this.name()
        this.#gotos.push({ label, at })
        return { kind: "goto", label, at }
      }
      case "INSERT":
      case "UPDATE":
      case "DELETE":
      case "MERGE":
        return { kind: "sql", statement: this.dml(), at }
      case "FORALL": {
        this.at++
        const variable = this.name()
        this.expectWord("IN")
        const over = this.#forallOver()
        const low: Expr = over === undefined ? this.sum() : { kind: "null", at }
        if (over === undefined) this.expectOp("..")
        const high: Expr = over === undefined ? this.sum() : { kind: "null", at }
        const saveExceptions = this.takeWord("SAVE", "EXCEPTIONS")
        const run = this.isWord("EXECUTE")
          ? this.#executeImmediate(this.offset)
          : { kind: "sql" as const, statement: this.dml(), at: this.offset }
        return { kind: "forall", variable, low, high, over, saveExceptions, run, at }
      }
      case "SELECT":
      case "WITH":
        return { kind: "selectInto", query: this.query(), at }
      case "EXECUTE":
        return this.#executeImmediate(at)
      case "OPEN":
        return this.#open(at)
      case "FETCH": {
        this.at++
        const cursor = this.sum()
        const bulk = this.takeWord("BULK", "COLLECT")
        this.expectWord("INTO")
        const into = this.commaList(() => this.sum())
        return { kind: "fetch", cursor, into, bulk, limit: this.takeWord("LIMIT") ? this.sum() : undefined, at }
      }
      case "CLOSE":
        this.at++
        return { kind: "close", cursor: this.sum(), at }
      case "COMMIT":
      case "ROLLBACK":
      case "SAVEPOINT":
      case "LOCK":
      case "SET": {
        const statement = this.sessionStatement()
        if (statement === undefined) throw this.encountered(";")
        return { kind: "session", statement, at }
      }
      case "CREATE":
      case "DROP":
      case "ALTER":
      case "TRUNCATE":
      case "GRANT":
        throw this.encountered(
          "( begin case declare end exception exit for goto if loop mod null pragma raise return select update while with"
        )
      default:
        return undefined
    }
  }

  #ifStatement(at: number): PlsqlStatement {
    this.at++
    const branches: Array<readonly [Expr, ReadonlyArray<PlsqlStatement>]> = []
    const branch = (): void => {
      const condition = this.expr()
      this.#expectThen()
      branches.push([condition, this.#statements("ELSIF", "ELSE", "END")])
    }
    branch()
    while (this.takeWord("ELSIF")) branch()
    const otherwise = this.takeWord("ELSE") ? this.#statements("END") : undefined
    this.#end("IF")
    return { kind: "if", branches, otherwise, at }
  }

  /** `END IF`, `END LOOP`, `END CASE`. */
  #end(word: "IF" | "LOOP" | "CASE"): void {
    if (!this.takeWord("END")) throw this.encountered("end")
    if (!this.takeWord(word)) throw this.encountered(word.toLowerCase())
  }

  #caseStatement(at: number): PlsqlStatement {
    this.at++
    const operand = this.isWord("WHEN") ? undefined : this.expr()
    const branches: Array<readonly [Expr, ReadonlyArray<PlsqlStatement>]> = []
    while (this.takeWord("WHEN")) {
      const condition = this.expr()
      this.#expectThen()
      branches.push([condition, this.#statements("WHEN", "ELSE", "END")])
    }
    const otherwise = this.takeWord("ELSE") ? this.#statements("END") : undefined
    this.#end("CASE")
    return { kind: "case", operand, branches, otherwise, at }
  }

  #loop(label: string | undefined): PlsqlStatement {
    const at = this.offset
    if (this.takeWord("FOR")) return this.#forLoop(label, at)
    const condition = this.takeWord("WHILE") ? this.expr() : undefined
    return { kind: "loop", label, condition, body: this.#loopBody(), at }
  }

  #loopBody(): Array<PlsqlStatement> {
    if (!this.takeWord("LOOP")) throw this.encountered("loop")
    const body = this.#statements("END")
    this.#end("LOOP")
    if (this.isName()) this.at++
    this.semicolon()
    return body
  }

  #forLoop(label: string | undefined, at: number): PlsqlStatement {
    const variable = this.name()
    this.expectWord("IN")
    const reverse = this.takeWord("REVERSE")
    if (this.isOp("(") && (this.isWord("SELECT", 1) || this.isWord("WITH", 1))) {
      this.at++
      const query = this.query()
      this.expectOp(")")
      return { kind: "forCursor", label, variable, query, cursor: undefined, args: [], body: this.#loopBody(), at }
    }
    const low = this.sum()
    if (!this.takeOp("..")) {
      if (low.kind === "name" || low.kind === "call") {
        return {
          kind: "forCursor",
          label,
          variable,
          query: undefined,
          cursor: low.path,
          args: low.kind === "call" ? low.args : [],
          body: this.#loopBody(),
          at
        }
      }
      throw this.encountered("..")
    }
    const high = this.sum()
    return { kind: "forRange", label, variable, low, high, reverse, body: this.#loopBody(), at }
  }

  /** INDICES OF and VALUES OF a collection. */
  #forallOver(): Extract<PlsqlStatement, { kind: "forall" }>["over"] {
    const values = this.takeWord("VALUES", "OF")
    if (!values && !this.takeWord("INDICES", "OF")) return undefined
    const collection = this.sum()
    let between: readonly [Expr, Expr] | undefined
    if (!values && this.takeWord("BETWEEN")) {
      const low = this.sum()
      this.expectWord("AND")
      between = [low, this.sum()]
    }
    return { collection, values, between }
  }

  #executeImmediate(at: number): Extract<PlsqlStatement, { kind: "execute" }> {
    this.at++
    if (!this.takeWord("IMMEDIATE")) throw this.encountered("immediate")
    const text = this.expr()
    const bulk = this.takeWord("BULK", "COLLECT")
    const into = this.takeWord("INTO") ? this.commaList(() => this.sum()) : []
    const using = this.takeWord("USING")
      ? this.commaList(() => {
        const isIn = this.takeWord("IN")
        const out = this.takeWord("OUT")
        return { in: isIn || !out, out, expr: this.expr() }
      })
      : []
    let returningBulk = false
    let returningInto: ReadonlyArray<Expr> = []
    if (this.takeWord("RETURNING") || this.takeWord("RETURN")) {
      returningBulk = this.takeWord("BULK", "COLLECT")
      this.expectWord("INTO")
      returningInto = this.commaList(() => this.sum())
    }
    return { kind: "execute", text, into, using, returningInto, bulk, returningBulk, at }
  }

  #open(at: number): PlsqlStatement {
    this.at++
    const target = this.sum()
    const cursor: Expr = target.kind === "call"
      ? { kind: "name", path: target.path, outer: false, at: target.at }
      : target
    const args = target.kind === "call" ? target.args : []
    if (!this.takeWord("FOR")) return { kind: "open", cursor, args, query: undefined, text: undefined, using: [], at }
    if (this.isWord("SELECT") || this.isWord("WITH")) {
      return { kind: "open", cursor, args, query: this.query(), text: undefined, using: [], at }
    }
    const text = this.expr()
    const using = this.takeWord("USING")
      ? this.commaList(() => {
        this.takeWord("IN")
        return this.expr()
      })
      : []
    return { kind: "open", cursor, args, query: undefined, text, using, at }
  }
}
