/**
 * What is stored in PL/SQL: procedures, functions, packages, triggers and types. A unit is read from its own text, which begins
 * at the word for its kind, so that places in it are those that USER_SOURCE and USER_ERRORS count from.
 */
import { OraError, oraError } from "../values/oraError.ts"
import type { PlsqlBlock } from "./astPlsql.ts"
import type { ParsedUnit, TriggerEvent, TriggerPoint, TriggerUnit, UnitTree, UnitType } from "./astUnits.ts"
import { lineAndColumn } from "./places.ts"
import { TypeDefinitionParser } from "./typeDefinitionParser.ts"

export const unitTypes: ReadonlySet<string> = new Set(["PROCEDURE", "FUNCTION", "PACKAGE", "TRIGGER", "TYPE"])

const triggerEvents = ["INSERT", "UPDATE", "DELETE"] as const

class UnitParser extends TypeDefinitionParser {
  /** What a trigger whose body cannot be read is known by: its head stands for itself. */
  #head: TriggerUnit | undefined

  unit(): { readonly unit: ParsedUnit; readonly ifNotExists: boolean } {
    this.bindsByName = true
    const word = this.token.text
    const isBody = (word === "PACKAGE" || word === "TYPE") && this.isWord("BODY", 1)
    const type = (isBody ? `${word} BODY` : word) as UnitType
    const start = this.at
    this.at += isBody ? 2 : 1
    const ifNotExists = this.takeIfNotExists()
    const nameAt = this.offset
    const path = this.path()
    const head = { type, path, text: this.sql, nameAt }
    try {
      return { unit: { ...head, tree: this.#tree(type, start, ifNotExists), error: undefined }, ifNotExists }
    } catch (error) {
      // What the engine does not know is told at once; what is wrong makes the unit invalid.
      if (!(error instanceof OraError) || error.code === 3001 || error.code === 942) throw error
      return { unit: { ...head, tree: this.#head, error: this.#asCompileError(error) }, ifNotExists }
    }
  }

  #asCompileError(error: OraError): OraError {
    if (error.code === 6550) return error
    const [line, column] = lineAndColumn(this.sql, error.offset)
    return oraError(6550, `line ${line}, column ${column}:\nPL/SQL: ${error.message}`, error.offset)
  }

  #tree(type: UnitType, start: number, ifNotExists: boolean): UnitTree {
    let tree: UnitTree
    switch (type) {
      case "PROCEDURE":
      case "FUNCTION": {
        this.at = ifNotExists ? start + 3 : start
        const { subprogram } = this.subprogram(true)
        tree = { kind: "subprogram", subprogram, invoker: this.invoker }
        break
      }
      case "PACKAGE":
        this.#packageHead()
        tree = { kind: "packageSpec", declarations: this.declarations(), invoker: this.invoker }
        this.#packageEnd()
        break
      case "PACKAGE BODY": {
        this.#packageHead()
        const at = this.offset
        const declarations = this.declarations()
        let initialization: PlsqlBlock | undefined
        if (this.isWord("BEGIN")) initialization = this.blockBody(undefined, [], at)
        else this.#packageEnd()
        tree = { kind: "packageBody", declarations, initialization }
        break
      }
      case "TRIGGER":
        tree = this.#trigger()
        break
      case "TYPE":
        tree = this.typeSpecUnit()
        break
      case "TYPE BODY":
        tree = this.typeBodyUnit()
    }
    if (this.isOp("/") && this.peek().kind === "end") this.at++
    if (this.token.kind !== "end") throw this.encountered("end-of-file")
    const bind = this.binds[0]
    if (bind !== undefined) {
      const [line, column] = lineAndColumn(this.sql, bind.at)
      throw oraError(
        6550,
        `line ${line}, column ${column}:\nPLS-00049: bad bind variable '${bind.name}'`,
        bind.at
      )
    }
    return tree
  }

  #packageHead(): void {
    for (;;) {
      if (this.takeWord("AUTHID")) {
        this.invoker = this.isWord("CURRENT_USER")
        this.at++
      } else if (this.takeWord("ACCESSIBLE", "BY")) {
        while (!this.isOp(")") && this.token.kind !== "end") this.at++
        this.expectOp(")")
      } else break
    }
    if (!this.takeWord("IS") && !this.takeWord("AS")) throw this.encountered("is as compress compiled wrapped")
  }

  #packageEnd(): void {
    if (!this.takeWord("END")) throw this.encountered("begin end function pragma procedure subtype type")
    if (this.isName()) this.at++
    this.semicolon()
  }

  #trigger(): TriggerUnit {
    const nameAt = this.tokens[1]!.start
    const timing = this.#timing()
    const events: Array<TriggerEvent> = []
    const columns: Array<string> = []
    do {
      const event = triggerEvents.find((word) => this.isWord(word))
      if (event === undefined) throw this.unsupported(`triggers on ${this.token.text}`)
      this.at++
      events.push(event)
      if (event === "UPDATE" && this.takeWord("OF")) columns.push(...this.commaList(() => this.name()))
    } while (this.takeWord("OR"))
    this.expectWord("ON")
    if (this.isWord("NESTED")) throw this.unsupported("triggers on nested tables")
    if (this.isWord("SCHEMA") || this.isWord("DATABASE")) throw this.unsupported(`triggers on ${this.token.text}`)
    const table = this.path()
    const correlation = { new: "NEW", old: "OLD" }
    if (this.takeWord("REFERENCING")) {
      for (;;) {
        const which = this.takeWord("NEW") ? "new" : this.takeWord("OLD") ? "old" : undefined
        if (which === undefined) break
        this.takeWord("AS")
        correlation[which] = this.name()
      }
      if (this.isWord("PARENT")) throw this.unsupported("REFERENCING PARENT")
    }
    const row = this.takeWord("FOR", "EACH", "ROW") || timing === "INSTEAD OF"
    const follows: Array<ReadonlyArray<string>> = []
    if (this.takeWord("FOLLOWS")) follows.push(...this.commaList(() => this.path()))
    if (this.isWord("PRECEDES")) throw this.unsupported("PRECEDES")
    const enabled = !this.takeWord("DISABLE")
    if (enabled) this.takeWord("ENABLE")
    let when: TriggerUnit["when"]
    let whenText: string | undefined
    const rows = [[correlation.new, ":NEW"], [correlation.old, ":OLD"]] as const
    if (this.takeWord("WHEN")) {
      this.expectOp("(")
      const from = this.offset
      when = this.expr()
      whenText = this.sql.slice(from, this.offset).trimEnd()
      this.expectOp(")")
    }
    this.correlation = new Map(rows)
    const bodyAt = this.offset
    const common = {
      kind: "trigger" as const,
      timing,
      events,
      columns,
      table,
      row,
      correlation,
      enabled,
      follows,
      when,
      whenText,
      description: this.sql.slice(nameAt, bodyAt),
      body: this.sql.slice(bodyAt).replace(/\s*\/?\s*$/, "")
    }
    if (this.takeWord("CALL")) throw this.unsupported("triggers that CALL")
    this.#head = { ...common, declarations: [], sections: [] }
    if (timing === "COMPOUND") return { ...common, ...this.#compound() }
    const point: TriggerPoint = timing === "INSTEAD OF"
      ? "instead of row"
      : `${timing === "BEFORE" ? "before" : "after"} ${row ? "row" : "statement"}`
    return { ...common, declarations: [], sections: [{ point, block: this.block() }] }
  }

  #timing(): TriggerUnit["timing"] {
    if (this.takeWord("BEFORE")) return "BEFORE"
    if (this.takeWord("AFTER")) return "AFTER"
    if (this.takeWord("INSTEAD", "OF")) return "INSTEAD OF"
    if (this.takeWord("FOR")) return "COMPOUND"
    throw this.encountered("after before for instead")
  }

  #compound(): Pick<TriggerUnit, "declarations" | "sections"> {
    this.expectWord("COMPOUND", "TRIGGER")
    const isSection = (): boolean =>
      (this.isWord("BEFORE") || this.isWord("AFTER") || this.isWord("INSTEAD")) &&
      (this.isWord("EACH", 1) || this.isWord("STATEMENT", 1) || this.isWord("OF", 1))
    const declarations = this.declarations(isSection)
    const sections: Array<TriggerUnit["sections"][number]> = []
    while (isSection()) {
      const at = this.offset
      const first = this.token.text
      this.at++
      let point: TriggerPoint
      if (first === "INSTEAD") {
        this.expectWord("OF", "EACH", "ROW")
        point = "instead of row"
      } else if (this.takeWord("STATEMENT")) point = first === "BEFORE" ? "before statement" : "after statement"
      else {
        this.expectWord("EACH", "ROW")
        point = first === "BEFORE" ? "before row" : "after row"
      }
      if (!this.takeWord("IS") && !this.takeWord("AS")) throw this.encountered("is as")
      // A section ends with its name: END BEFORE STATEMENT.
      const block = this.blockBody(undefined, this.declarations(), at, true)
      sections.push({ point, block })
    }
    this.#packageEnd()
    return { declarations, sections }
  }
}

/** Throws what the engine does not know, and an error in the unit's name. */
export const parseUnit = (
  text: string,
  release?: number
): { readonly unit: ParsedUnit; readonly ifNotExists: boolean } => new UnitParser(text, release).unit()
