/** Parses the declarations of PL/SQL. */
import { type OraError, oraError } from "../values/oraError.ts"
import type { Declaration, Field, Parameter, PlsqlBlock, Subprogram } from "./astPlsql.ts"
import { DdlParser } from "./ddlParser.ts"
import { lineAndColumn } from "./places.ts"

/** What they ask for changes no result. */
const idlePragmas = new Set(["INLINE", "UDF", "RESTRICT_REFERENCES", "DEPRECATE", "SUPPRESSES_WARNING_6009"])

/** Declarations of PL/SQL: variables, types, cursors, exceptions, subprograms. */
export abstract class DeclarationParser extends DdlParser {
  /** Whether the unit that is read has AUTHID CURRENT_USER. */
  protected invoker = false

  protected abstract blockBody(
    label: string | undefined,
    declarations: ReadonlyArray<Declaration>,
    at: number,
    isSection?: boolean
  ): PlsqlBlock

  protected encountered(expecting: string): OraError {
    const token = this.token
    const [line, column] = lineAndColumn(this.sql, token.start)
    const symbol = token.kind === "end" ? "end-of-file" : token.text
    return oraError(
      6550,
      `line ${line}, column ${column}:\nPLS-00103: Encountered the symbol "${symbol}" when expecting one of the following:\n\n   ${expecting}`,
      token.start
    )
  }

  protected semicolon(): void {
    if (!this.takeOp(";")) throw this.encountered(";")
  }

  /** Up to BEGIN, or to the END of a package, or to where the caller says. */
  protected declarations(isOver: () => boolean = () => false): Array<Declaration> {
    const list: Array<Declaration> = []
    while (!this.isWord("BEGIN") && !this.isWord("END") && this.token.kind !== "end" && !isOver()) {
      const declaration = this.#declaration()
      if (declaration !== undefined) list.push(declaration)
    }
    return list
  }

  /** Pragmas that change nothing here give none. */
  #declaration(): Declaration | undefined {
    const at = this.offset
    if (this.isWord("PROCEDURE") || this.isWord("FUNCTION")) {
      return { kind: "subprogram", subprogram: this.subprogram(false).subprogram, at }
    }
    if (this.takeWord("CURSOR")) {
      const name = this.name()
      const parameters = this.parameters()
      this.expectWord("IS")
      const query = this.query()
      this.semicolon()
      return { kind: "cursor", name, parameters, query, at }
    }
    if (this.takeWord("TYPE")) return this.#typeDeclaration(at)
    if (this.takeWord("SUBTYPE")) return this.#subtype(at)
    if (this.takeWord("PRAGMA")) {
      if (this.takeWord("AUTONOMOUS_TRANSACTION")) {
        this.semicolon()
        return { kind: "autonomous", at }
      }
      if (this.isWord("SERIALLY_REUSABLE")) throw this.unsupported("PRAGMA SERIALLY_REUSABLE")
      if (idlePragmas.has(this.token.text)) {
        while (!this.isOp(";") && this.token.kind !== "end") this.at++
        this.semicolon()
        return undefined
      }
      if (!this.takeWord("EXCEPTION_INIT")) throw this.unsupported(`PRAGMA ${this.token.text}`)
      this.expectOp("(")
      const name = this.name()
      this.expectOp(",")
      const code = this.integer()
      this.expectOp(")")
      this.semicolon()
      return { kind: "exceptionInit", name, code, at }
    }
    const name = this.declaredName()
    if (this.takeWord("EXCEPTION")) {
      this.semicolon()
      return { kind: "exception", name, at }
    }
    const constant = this.takeWord("CONSTANT")
    const type = this.typeSpec()
    const notNull = this.takeWord("NOT", "NULL")
    const value = this.takeOp(":=") || this.takeWord("DEFAULT") ? this.expr() : undefined
    this.semicolon()
    return { kind: "variable", name, type, constant, notNull, value, at }
  }

  /** `VARRAY(10) OF`, `VARYING ARRAY (10) OF`. */
  protected varrayLimit(): number | undefined {
    if (!this.takeWord("VARRAY") && !this.takeWord("VARYING", "ARRAY")) return undefined
    this.expectOp("(")
    const limit = this.integer()
    this.expectOp(")")
    this.expectWord("OF")
    return limit
  }

  #subtype(at: number): Declaration {
    const name = this.name()
    this.expectWord("IS")
    const type = this.typeSpec()
    if (this.isWord("RANGE")) throw this.unsupported("RANGE of a subtype")
    const notNull = this.takeWord("NOT", "NULL")
    this.semicolon()
    return { kind: "subtype", name, type, notNull, at }
  }

  #typeDeclaration(at: number): Declaration {
    const name = this.name()
    this.expectWord("IS")
    if (this.takeWord("RECORD")) {
      this.expectOp("(")
      const fields = this.commaList((): Field => {
        const field = this.name()
        const type = this.typeSpec()
        const notNull = this.takeWord("NOT", "NULL")
        const value = this.takeOp(":=") || this.takeWord("DEFAULT") ? this.expr() : undefined
        return { name: field, type, notNull, value }
      })
      this.expectOp(")")
      this.semicolon()
      return { kind: "record", name, fields, at }
    }
    const limit = this.varrayLimit()
    if (limit !== undefined || this.takeWord("TABLE", "OF")) {
      const element = this.typeSpec()
      const elementNotNull = this.takeWord("NOT", "NULL")
      const index = limit === undefined && this.takeWord("INDEX", "BY") ? this.typeSpec() : undefined
      this.semicolon()
      return {
        kind: "collection",
        name,
        form: limit === undefined ? "table" : "varray",
        limit,
        element,
        elementNotNull,
        index,
        at
      }
    }
    if (this.takeWord("REF", "CURSOR")) {
      if (this.takeWord("RETURN")) this.typeSpec()
      this.semicolon()
      return { kind: "refCursorType", name, at }
    }
    throw this.unsupported(`TYPE … IS ${this.token.text}`)
  }

  protected parameters(): Array<Parameter> {
    if (!this.takeOp("(")) return []
    const list = this.commaList((): Parameter => {
      const name = this.declaredName()
      let direction: Parameter["direction"] = "in"
      if (this.takeWord("IN")) direction = this.takeWord("OUT") ? "inout" : "in"
      else if (this.takeWord("OUT")) direction = "out"
      this.takeWord("NOCOPY")
      const type = this.typeSpec()
      const value = this.takeOp(":=") || this.takeWord("DEFAULT") ? this.expr() : undefined
      return { name, direction, type, default: value }
    })
    this.expectOp(")")
    return list
  }

  subprogram(standalone: boolean): { readonly subprogram: Subprogram; readonly path: ReadonlyArray<string> } {
    const isFunction = this.isWord("FUNCTION")
    this.at++
    const at = this.offset
    const path = standalone ? this.path() : [this.declaredName()]
    const parameters = this.parameters()
    let returns: Subprogram["returns"]
    if (isFunction) {
      this.expectWord("RETURN")
      returns = this.typeSpec()
    }
    let deterministic = false
    let pipelined = false
    for (;;) {
      if (this.takeWord("DETERMINISTIC")) deterministic = true
      else if (this.takeWord("PARALLEL_ENABLE")) continue
      else if (this.takeWord("RESULT_CACHE")) {
        // Results are computed anew each time: nothing is stale.
        if (this.takeWord("RELIES_ON")) this.#skipParentheses()
      } else if (standalone && this.takeWord("AUTHID")) {
        this.invoker = this.isWord("CURRENT_USER")
        this.at++
      } else if (this.takeWord("ACCESSIBLE", "BY")) this.#skipParentheses()
      else if (this.takeWord("PIPELINED")) {
        if (this.isWord("USING") || this.isWord("ROW") || this.isWord("TABLE")) {
          throw this.unsupported(`PIPELINED ${this.token.text}`)
        }
        pipelined = true
      } else break
    }
    const head = { name: path.at(-1)!, parameters, returns, deterministic, pipelined, at }
    if (!standalone && this.takeOp(";")) return { subprogram: { ...head, block: undefined }, path }
    if (!this.takeWord("IS") && !this.takeWord("AS")) throw this.encountered("is as")
    if (this.isWord("LANGUAGE") || this.isWord("EXTERNAL")) throw this.unsupported("external procedures")
    this.takeWord("DECLARE")
    const block = this.blockBody(undefined, this.declarations(), at)
    return { subprogram: { ...head, block }, path }
  }

  #skipParentheses(): void {
    this.expectOp("(")
    for (let depth = 1; depth > 0 && this.token.kind !== "end"; this.at++) {
      if (this.isOp("(")) depth++
      else if (this.isOp(")")) depth--
    }
  }
}
