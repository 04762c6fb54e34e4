/** Types and their bodies, read from the text of their unit: what stands behind the name. */
import type { TypeSpec } from "./ast.ts"
import type { Parameter } from "./astPlsql.ts"
import type { Method, MethodBody, MethodKind, TypeBodyUnit, TypeShape, TypeSpecUnit } from "./astTypes.ts"
import { PlsqlParser } from "./plsqlParser.ts"

/** What may follow a word of inheritance before a method; an attribute of that name has its type there. */
const methodStarts = new Set([
  "OVERRIDING",
  "FINAL",
  "INSTANTIABLE",
  "NOT",
  "MEMBER",
  "STATIC",
  "MAP",
  "ORDER",
  "CONSTRUCTOR"
])

/** Types and their bodies. */
export abstract class TypeDefinitionParser extends PlsqlParser {
  protected typeSpecUnit(): TypeSpecUnit {
    const force = this.takeWord("FORCE")
    if (this.takeWord("OID")) this.at++
    while (this.#clause());
    const shape = this.#shape()
    this.#end()
    return { kind: "typeSpec", force, shape }
  }

  #shape(): TypeShape {
    if (this.takeWord("UNDER")) {
      const at = this.offset
      return this.#object({ path: this.path(904, "invalid identifier"), at })
    }
    if (!this.takeWord("AS") && !this.takeWord("IS")) {
      if (this.isOp(";") || this.token.kind === "end") throw this.unsupported("incomplete types")
      throw this.encountered("( ; is authid as compress force under accessible")
    }
    if (this.takeWord("OBJECT")) return this.#object(undefined)
    const limit = this.varrayLimit()
    if (limit === undefined) {
      if (this.isWord("OPAQUE")) throw this.unsupported("opaque types")
      if (!this.takeWord("TABLE")) throw this.encountered("array varray table object fixed varying opaque sparse")
      if (!this.takeWord("OF")) throw this.encountered("of")
    }
    const element = this.#type()
    this.takeWord("NOT", "NULL")
    if (this.isWord("INDEX")) throw this.unsupported("CREATE TYPE of an index-by table")
    return { kind: "collection", form: limit === undefined ? "table" : "varray", limit, element }
  }

  /** The attributes and methods, and what may stand after them. */
  #object(supertype: Extract<TypeShape, { kind: "object" }>["supertype"]): TypeShape {
    if (!this.takeOp("(")) throw this.encountered("( authid external")
    const attributes: Array<{ name: string; type: TypeSpec; at: number }> = []
    const methods: Array<Method> = []
    do {
      const method = this.#method()
      if (method !== undefined) methods.push(method)
      else {
        const at = this.offset
        if (!this.isName()) throw this.encountered("<an identifier> <a double-quoted delimited-identifier>")
        attributes.push({ name: this.name(), type: this.#type(), at })
      }
    } while (this.takeOp(","))
    if (!this.takeOp(")")) throw this.encountered(":= ) , not null default external character")
    let final = true
    let instantiable = true
    for (;;) {
      const not = this.isWord("NOT") ? 1 : 0
      if (this.isWord("FINAL", not)) final = not === 0
      else if (this.isWord("INSTANTIABLE", not)) instantiable = not === 0
      else if (!this.isWord("PERSISTABLE", not)) break
      this.at += not + 1
    }
    return { kind: "object", supertype, final, instantiable, attributes, methods }
  }

  #type(): TypeSpec {
    if (this.token.kind !== "word" && this.token.kind !== "quoted") {
      throw this.encountered(
        "<an identifier> <a double-quoted delimited-identifier> LONG double ref char time timestamp"
      )
    }
    return this.typeSpec()
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

  /** A semicolon may stand at the end. */
  #end(): void {
    this.takeOp(";")
  }

  #kind(): MethodKind | undefined {
    if (this.takeWord("MAP", "MEMBER")) return "map"
    if (this.takeWord("ORDER", "MEMBER")) return "order"
    if (this.takeWord("MEMBER")) return "member"
    if (this.takeWord("STATIC")) return "static"
    if (this.takeWord("CONSTRUCTOR")) return "constructor"
    return undefined
  }

  /** OVERRIDING, FINAL and INSTANTIABLE, each of which may have a NOT. */
  #inheritance(): Pick<Method, "overriding" | "final" | "instantiable"> {
    const found = { overriding: false, final: false, instantiable: true }
    for (;;) {
      const not = this.isWord("NOT") ? 1 : 0
      const word = (["OVERRIDING", "FINAL", "INSTANTIABLE"] as const).find((candidate) =>
        this.isWord(candidate, not) && this.token.kind === "word" && methodStarts.has(this.peek(not + 1).text)
      )
      if (word === undefined) return found
      found[word.toLowerCase() as keyof typeof found] = not === 0
      this.at += not + 1
    }
  }

  #method(): Method | undefined {
    const inheritance = this.#inheritance()
    const at = this.offset
    const kind = this.#kind()
    if (kind === undefined) return undefined
    const isFunction = this.takeWord("FUNCTION")
    if (!isFunction && !this.takeWord("PROCEDURE")) throw this.encountered("function procedure")
    const nameAt = this.offset
    const name = this.declaredName()
    const parameters = this.parameters()
    const self = parameters[0]?.name === "SELF" ? parameters[0] : undefined
    const changesSelf = kind === "constructor" || (self === undefined ? !isFunction : self.direction === "inout")
    let returns: Method["returns"]
    if (isFunction) {
      this.expectWord("RETURN")
      if (this.takeWord("SELF")) this.expectWord("AS", "RESULT")
      else returns = this.typeSpec()
    }
    while (this.takeWord("DETERMINISTIC"));
    if (this.isWord("PIPELINED")) throw this.unsupported("pipelined methods")
    return {
      kind,
      name,
      isFunction,
      parameters: withoutSelf(parameters),
      changesSelf,
      returns,
      ...inheritance,
      at,
      nameAt
    }
  }

  protected typeBodyUnit(): TypeBodyUnit {
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
    return { kind: "typeBody", methods }
  }
}

const withoutSelf = (parameters: ReadonlyArray<Parameter>): ReadonlyArray<Parameter> =>
  parameters[0]?.name === "SELF" ? parameters.slice(1) : parameters
