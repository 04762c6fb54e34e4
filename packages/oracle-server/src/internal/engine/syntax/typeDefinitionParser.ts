/** CREATE TYPE and CREATE TYPE BODY, read from their text. */
import type { Parameter } from "./astPlsql.ts"
import type { Method, MethodBody, MethodKind, TypeDdl } from "./astTypes.ts"
import { PlsqlParser } from "./plsqlParser.ts"

const finality = ["FINAL", "INSTANTIABLE", "PERSISTABLE"]

/** CREATE TYPE and CREATE TYPE BODY. */
export abstract class TypeDefinitionParser extends PlsqlParser {
  /** After the word TYPE. */
  createType(replace: boolean): TypeDdl {
    this.bindsByName = true
    if (this.takeWord("BODY")) return this.#body(replace)
    this.takeIfNotExists()
    const at = this.offset
    const path = this.path(904, "invalid identifier")
    const force = this.takeWord("FORCE")
    if (this.takeWord("OID")) this.at++
    while (this.#clause());
    if (this.isWord("UNDER")) throw this.unsupported("subtypes of objects (UNDER)")
    if (!this.takeWord("AS") && !this.takeWord("IS")) {
      if (this.isOp(";") || this.token.kind === "end") throw this.unsupported("incomplete types")
      throw this.encountered("as is")
    }
    const base = { kind: "createType" as const, path, replace, force, at }
    if (this.takeWord("OBJECT")) {
      this.expectOp("(")
      const attributes: Array<{ name: string; type: ReturnType<TypeDefinitionParser["typeSpec"]> }> = []
      const methods: Array<Method> = []
      do {
        const method = this.#method()
        if (method !== undefined) methods.push(method)
        else attributes.push({ name: this.name(), type: this.typeSpec() })
      } while (this.takeOp(","))
      this.expectOp(")")
      this.#finality()
      this.#end()
      return { ...base, shape: { kind: "object", attributes, methods } }
    }
    const limit = this.varrayLimit()
    if (limit === undefined) {
      if (this.isWord("OPAQUE")) throw this.unsupported("opaque types")
      this.expectWord("TABLE", "OF")
    }
    const element = this.typeSpec()
    this.takeWord("NOT", "NULL")
    if (this.isWord("INDEX")) {
      throw this.unsupported("CREATE TYPE of an index-by table")
    }
    this.#end()
    return { ...base, shape: { kind: "collection", form: limit === undefined ? "table" : "varray", limit, element } }
  }

  #clause(): boolean {
    if (this.takeWord("AUTHID")) {
      this.at++
      return true
    }
    if (this.takeWord("SHARING")) {
      this.expectOp("=")
      this.at++
      return true
    }
    return false
  }

  /** NOT FINAL and the like: there are no subtypes here. */
  #finality(): void {
    for (;;) {
      const not = this.isWord("NOT") ? 1 : 0
      if (this.isWord("INSTANTIABLE", not) && not === 1) throw this.unsupported("types that are not instantiable")
      if (!finality.some((word) => this.isWord(word, not))) return
      this.at += not + 1
    }
  }

  /** A semicolon may stand at the end. */
  #end(): void {
    this.takeOp(";")
  }

  #kind(): MethodKind | undefined {
    if (this.isWord("OVERRIDING") || (this.isWord("NOT") && this.isWord("INSTANTIABLE", 1))) {
      throw this.unsupported("methods of subtypes")
    }
    this.takeWord("FINAL")
    if (this.takeWord("MAP", "MEMBER")) return "map"
    if (this.takeWord("ORDER", "MEMBER")) return "order"
    if (this.takeWord("MEMBER")) return "member"
    if (this.takeWord("STATIC")) return "static"
    if (this.takeWord("CONSTRUCTOR")) return "constructor"
    return undefined
  }

  #method(): Method | undefined {
    const at = this.offset
    const kind = this.#kind()
    if (kind === undefined) return undefined
    const isFunction = this.takeWord("FUNCTION")
    if (!isFunction && !this.takeWord("PROCEDURE")) throw this.encountered("function procedure")
    const name = this.name()
    const parameters = this.parameters()
    let returns: Method["returns"]
    if (isFunction) {
      this.expectWord("RETURN")
      if (this.takeWord("SELF")) this.expectWord("AS", "RESULT")
      else returns = this.typeSpec()
    }
    while (this.takeWord("DETERMINISTIC"));
    if (this.isWord("PIPELINED")) throw this.unsupported("pipelined methods")
    return { kind, name, isFunction, parameters: withoutSelf(parameters), returns, at }
  }

  #body(replace: boolean): TypeDdl {
    const at = this.offset
    const path = this.path(904, "invalid identifier")
    if (!this.takeWord("AS") && !this.takeWord("IS")) throw this.encountered("as is")
    const methods: Array<MethodBody> = []
    while (!this.isWord("END")) {
      const method = this.#method()
      if (method === undefined) throw this.encountered("final not member static map order constructor overriding end")
      if (!this.takeWord("IS") && !this.takeWord("AS")) throw this.encountered("is as")
      this.takeWord("DECLARE")
      methods.push({ ...method, block: this.blockBody(undefined, this.declarations(), method.at) })
    }
    this.expectWord("END")
    if (this.isName()) this.at++
    this.#end()
    return { kind: "createTypeBody", path, replace, methods, at }
  }
}

const withoutSelf = (parameters: ReadonlyArray<Parameter>): ReadonlyArray<Parameter> =>
  parameters[0]?.name === "SELF" ? parameters.slice(1) : parameters
