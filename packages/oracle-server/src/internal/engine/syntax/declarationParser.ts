/** Parses the declarations of PL/SQL. */
import { type OraError, oraError } from "../values/oraError.ts"
import type { Declaration, Parameter, PlsqlBlock, Subprogram } from "./astDefinitions.ts"
import { DdlParser } from "./ddlParser.ts"
import { lineAndColumn } from "./places.ts"

/** Declarations of PL/SQL: variables, types, cursors, exceptions, subprograms. */
export abstract class DeclarationParser extends DdlParser {
  protected abstract blockBody(
    label: string | undefined,
    declarations: ReadonlyArray<Declaration>,
    at: number
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

  protected declarations(): Array<Declaration> {
    const list: Array<Declaration> = []
    while (!this.isWord("BEGIN") && this.token.kind !== "end") list.push(this.#declaration())
    return list
  }

  #declaration(): Declaration {
    const at = this.offset
    if (this.isWord("PROCEDURE") || this.isWord("FUNCTION")) {
      return { kind: "subprogram", subprogram: this.subprogram(false).subprogram, at }
    }
    if (this.takeWord("CURSOR")) {
      const name = this.name()
      const parameters = this.#parameters()
      this.expectWord("IS")
      const query = this.query()
      this.semicolon()
      return { kind: "cursor", name, parameters, query, at }
    }
    if (this.takeWord("TYPE")) return this.#typeDeclaration(at)
    if (this.takeWord("SUBTYPE")) throw this.unsupported("SUBTYPE")
    if (this.takeWord("PRAGMA")) {
      if (!this.takeWord("EXCEPTION_INIT")) throw this.unsupported(`PRAGMA ${this.token.text}`)
      this.expectOp("(")
      const name = this.name()
      this.expectOp(",")
      const code = this.integer()
      this.expectOp(")")
      this.semicolon()
      return { kind: "exceptionInit", name, code, at }
    }
    const name = this.name()
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

  #typeDeclaration(at: number): Declaration {
    const name = this.name()
    this.expectWord("IS")
    if (this.takeWord("RECORD")) {
      this.expectOp("(")
      const fields = this.commaList(() => ({ name: this.name(), type: this.typeSpec() }))
      this.expectOp(")")
      this.semicolon()
      return { kind: "record", name, fields, at }
    }
    if (this.takeWord("TABLE", "OF")) {
      const element = this.typeSpec()
      if (this.takeWord("INDEX", "BY")) {
        const index = this.typeSpec()
        if (!["PLS_INTEGER", "BINARY_INTEGER", "SIMPLE_INTEGER"].includes(index.name)) {
          throw this.unsupported("tables indexed by text")
        }
      }
      this.semicolon()
      return { kind: "tableType", name, element, at }
    }
    if (this.takeWord("REF", "CURSOR")) {
      if (this.takeWord("RETURN")) this.typeSpec()
      this.semicolon()
      return { kind: "refCursorType", name, at }
    }
    throw this.unsupported(`TYPE … IS ${this.token.text}`)
  }

  #parameters(): Array<Parameter> {
    if (!this.takeOp("(")) return []
    const list = this.commaList((): Parameter => {
      const name = this.name()
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
    const path = standalone ? this.path() : [this.name()]
    const parameters = this.#parameters()
    let returns: Subprogram["returns"]
    if (isFunction) {
      this.expectWord("RETURN")
      returns = this.typeSpec()
    }
    for (;;) {
      if (this.takeWord("DETERMINISTIC")) continue
      if (this.takeWord("AUTHID")) this.at++
      else if (this.isWord("PIPELINED") || this.isWord("RESULT_CACHE") || this.isWord("PARALLEL_ENABLE")) {
        throw this.unsupported(this.token.text)
      } else break
    }
    if (!this.takeWord("IS") && !this.takeWord("AS")) throw this.encountered("is as")
    if (this.isWord("LANGUAGE") || this.isWord("EXTERNAL")) throw this.unsupported("external procedures")
    this.takeWord("DECLARE")
    const block = this.blockBody(undefined, this.declarations(), at)
    return { subprogram: { name: path.at(-1)!, parameters, returns, block, at }, path }
  }
}
