/** The whole parser: any statement in, its syntax tree out. The parsers of the parts are its base classes. */
import { OraError, oraError } from "../values/oraError.ts"
import type { Expr } from "./ast.ts"
import type { Ddl, Parsed } from "./astDefinitions.ts"
import type { UnitType } from "./astUnits.ts"
import { MviewParser } from "./mviewParser.ts"
import { parseUnit, unitTypes } from "./unitParser.ts"

interface ParsedStatement {
  readonly parsed: Parsed
  readonly binds: ReadonlyArray<{ readonly name: string; readonly at: number }>
  readonly returning: ReadonlySet<number>
  readonly sql: string
}

const droppable = [
  "TABLE",
  "VIEW",
  "INDEX",
  "SEQUENCE",
  "SYNONYM",
  "PROCEDURE",
  "FUNCTION",
  "PACKAGE",
  "TRIGGER"
] as const

/** One whole statement of any kind. */
class StatementParser extends MviewParser {
  statement(): Parsed {
    const token = this.token
    if (token.kind === "end") throw oraError(900, "invalid SQL statement", 0)
    if (token.kind === "op" && token.text === "(") return this.#select()
    if (token.kind === "op" && token.text === "<") return { kind: "plsql", block: this.anonymousBlock() }
    if (token.kind === "op" && token.text === "<<") return { kind: "plsql", block: this.anonymousBlock() }
    if (token.kind !== "word") throw oraError(900, "invalid SQL statement", token.start)
    switch (token.text) {
      case "SELECT":
      case "WITH":
        return this.#select()
      case "INSERT":
      case "UPDATE":
      case "DELETE":
      case "MERGE":
        return this.dml()
      case "BEGIN":
      case "DECLARE":
        return { kind: "plsql", block: this.anonymousBlock() }
      case "CALL":
        return this.callStatement()
      case "CREATE":
      case "DROP":
      case "TRUNCATE":
      case "COMMENT":
      case "GRANT":
      case "REVOKE":
      case "RENAME":
        return { kind: "ddl", ddl: this.#ddl() }
      case "ALTER":
        return this.#alter()
      case "EXPLAIN":
        throw this.unsupported("EXPLAIN PLAN")
      case "PURGE":
        return this.#purge()
      case "ANALYZE":
      case "FLASHBACK":
      case "AUDIT":
      case "NOAUDIT":
      case "ASSOCIATE":
        throw this.unsupported(token.text)
    }
    if (this.takeWord("SET", "ROLE")) return { kind: "session", statement: this.setRole() }
    const statement = this.sessionStatement()
    if (statement === undefined) throw oraError(900, "invalid SQL statement", token.start)
    return { kind: "session", statement }
  }

  /** What is dropped is gone at once: the recycle bin is empty. */
  #purge(): Parsed {
    this.at++
    if (this.takeWord("RECYCLEBIN") || this.takeWord("DBA_RECYCLEBIN")) {
      return { kind: "session", statement: { kind: "noop" } }
    }
    if (this.takeWord("TABLE") || this.takeWord("INDEX")) {
      throw oraError(38307, `object not in RECYCLE BIN`, this.offset)
    }
    throw this.unsupported(`PURGE ${this.token.text}`)
  }

  #select(): Parsed {
    const at = this.offset
    return { kind: "select", query: this.query(), at }
  }

  #alter(): Parsed {
    this.at++
    if (this.takeWord("SESSION")) return { kind: "session", statement: this.alterSession() }
    if (this.takeWord("SYSTEM")) {
      if (this.takeWord("KILL", "SESSION")) {
        const match = /^(\d+)\s*,\s*(\d+)(,\s*@\d+)?$/.exec(this.token.text)
        if (this.token.kind !== "string" || match === null) {
          throw oraError(26, "missing or invalid session ID", this.offset)
        }
        this.at++
        const immediate = this.takeWord("IMMEDIATE")
        return {
          kind: "session",
          statement: { kind: "killsession", sid: Number(match[1]), serial: Number(match[2]), immediate }
        }
      }
      throw this.unsupported(`ALTER SYSTEM ${this.token.text}`)
    }
    if (this.takeWord("TABLE")) return { kind: "ddl", ddl: this.alterTable() }
    if (this.takeWord("INDEX")) return { kind: "ddl", ddl: this.#alterIndex() }
    if (this.takeWord("USER")) return { kind: "ddl", ddl: this.alterUser() }
    if (this.takeWord("ROLE")) return { kind: "ddl", ddl: this.role("alterRole") }
    if (this.takeWord("PROFILE")) return { kind: "ddl", ddl: this.profile("alterProfile") }
    if (this.takeWord("SEQUENCE")) {
      const at = this.offset
      const path = this.path()
      return { kind: "ddl", ddl: { kind: "alterSequence", path, options: this.sequenceOptions(), at } }
    }
    if (unitTypes.has(this.token.text)) return { kind: "ddl", ddl: this.#alterUnit() }
    throw this.unsupported(`ALTER ${this.token.text}`)
  }

  #alterUnit(): Ddl {
    let type = this.token.text as UnitType
    this.at++
    const at = this.offset
    const path = this.path()
    if (this.takeWord("ENABLE")) return { kind: "alterUnit", type, path, action: "enable", at }
    if (this.takeWord("DISABLE")) return { kind: "alterUnit", type, path, action: "disable", at }
    if (this.isWord("RENAME")) throw this.unsupported("ALTER TRIGGER … RENAME")
    this.takeWord("EDITIONABLE")
    if (type === "TYPE" && !this.isWord("COMPILE")) throw this.unsupported(`ALTER TYPE … ${this.token.text}`)
    this.expectWord("COMPILE")
    while (this.token.kind !== "end") {
      if (this.takeWord("BODY")) type = type === "TYPE" ? "TYPE BODY" : "PACKAGE BODY"
      else this.at++
    }
    return { kind: "alterUnit", type, path, action: "compile", at }
  }

  #ddl(): Ddl {
    const first = this.token.text
    this.at++
    if (first === "CREATE") return this.#create()
    if (first === "DROP") return this.#drop()
    const at = this.offset
    if (first === "TRUNCATE") {
      this.expectWord("TABLE")
      const path = this.path()
      if (!this.takeWord("DROP", "STORAGE")) this.takeWord("REUSE", "STORAGE")
      if (this.isWord("CASCADE")) throw this.unsupported("TRUNCATE … CASCADE")
      return { kind: "truncate", path, at }
    }
    if (first === "RENAME") {
      const from = this.name()
      this.expectWord("TO")
      return { kind: "rename", from, to: this.name(), at }
    }
    if (first === "COMMENT") {
      this.expectWord("ON")
      const column = this.takeWord("COLUMN")
      if (!column && !this.isWord("TABLE")) throw this.unsupported(`COMMENT ON ${this.token.text}`)
      if (!column) this.expectWord("TABLE")
      const path = this.path()
      this.expectWord("IS")
      const text = this.token.text
      this.at++
      return { kind: "comment", path, column, text, at }
    }
    return this.grantOrRevoke(first === "GRANT" ? "grant" : "revoke")
  }

  #create(): Ddl {
    const replace = this.takeWord("OR", "REPLACE")
    if (this.isWord("EDITIONABLE") || this.isWord("NONEDITIONABLE")) this.at++
    if (this.isWord("FORCE")) throw this.unsupported("CREATE FORCE VIEW")
    this.takeWord("NO", "FORCE")
    if (this.takeWord("GLOBAL", "TEMPORARY")) {
      this.expectWord("TABLE")
      return this.createTable(true)
    }
    if (this.takeWord("TABLE")) return this.createTable(false)
    if (this.takeWord("MATERIALIZED", "VIEW")) return this.createMview()
    if (this.takeWord("VIEW")) {
      if (this.isWord("IF") && this.isWord("NOT", 1)) throw this.unsupported("CREATE VIEW IF NOT EXISTS")
      return this.#createView(replace)
    }
    if (this.isWord("UNIQUE") || this.isWord("INDEX")) {
      const unique = this.takeWord("UNIQUE")
      this.expectWord("INDEX")
      this.takeIfNotExists()
      const at = this.offset
      const path = this.path()
      this.expectWord("ON")
      const table = this.path()
      this.expectOp("(")
      const descending: Array<boolean> = []
      const columns: Array<Expr> = this.commaList(() => {
        const expr = this.expr()
        descending.push(!this.takeWord("ASC") && this.takeWord("DESC"))
        return expr
      })
      this.expectOp(")")
      while (this.physicalOption());
      return { kind: "createIndex", path, table, columns, descending, unique, at }
    }
    if (this.takeWord("SEQUENCE")) {
      this.takeIfNotExists()
      const at = this.offset
      const path = this.path()
      return { kind: "createSequence", path, options: this.sequenceOptions(), at }
    }
    const isPublic = this.isWord("PUBLIC") && this.isWord("SYNONYM", 1)
    if (isPublic) this.at++
    if (this.takeWord("SYNONYM")) {
      const at = this.offset
      const path = this.path()
      this.expectWord("FOR")
      return { kind: "createSynonym", path, target: this.path(), public: isPublic, replace, at }
    }
    if (this.takeWord("CONTEXT")) {
      const at = this.offset
      const name = this.name()
      this.expectWord("USING")
      const using = this.path()
      const isGlobal = this.takeWord("ACCESSED", "GLOBALLY")
      if (this.isWord("INITIALIZED")) throw this.unsupported("CREATE CONTEXT … INITIALIZED")
      return { kind: "createContext", name, using, global: isGlobal, replace, at }
    }
    if (unitTypes.has(this.token.text)) {
      const at = this.offset
      try {
        const { ifNotExists, unit } = parseUnit(this.sql.slice(at), this.release)
        this.at = this.tokens.length - 1
        return { kind: "createUnit", unit, replace, ifNotExists, at }
      } catch (error) {
        // The place of an error is one within the unit's own text.
        throw error instanceof OraError ? error.at(error.offset + at) : error
      }
    }
    if (this.takeWord("USER")) return this.createUser()
    if (this.takeWord("SCHEMA")) {
      // CREATE SCHEMA AUTHORIZATION stands for the session's own schema, which is there.
      if (this.isWord("AUTHORIZATION")) throw this.unsupported("CREATE SCHEMA AUTHORIZATION")
      return this.createUser()
    }
    if (this.takeWord("ROLE")) return this.role("createRole")
    if (this.takeWord("PROFILE")) return this.profile("createProfile")
    throw this.unsupported(`CREATE ${this.token.text}`)
  }

  /** Where an index is kept, and whether it is used, changes no answer here. */
  #alterIndex(): Ddl {
    const at = this.offset
    this.takeIfExists()
    const path = this.path()
    if (this.takeWord("RENAME", "TO")) return { kind: "alterIndex", path, to: this.name(), at }
    const isStorage = this.takeWord("REBUILD") || this.takeWord("COALESCE") || this.takeWord("SHRINK", "SPACE") ||
      this.takeWord("MONITORING", "USAGE") || this.takeWord("NOMONITORING", "USAGE") || this.physicalOption()
    if (!isStorage) throw this.unsupported(`ALTER INDEX ${this.token.text}`)
    while (this.physicalOption());
    return { kind: "alterIndex", path, to: undefined, at }
  }

  #createView(replace: boolean): Ddl {
    const at = this.offset
    const path = this.path()
    let columns: ReadonlyArray<string> = []
    if (this.takeOp("(")) {
      columns = this.commaList(() => this.name())
      this.expectOp(")")
    }
    this.expectWord("AS")
    const start = this.offset
    const query = this.query()
    const text = this.sql.slice(start, this.tokens[this.at - 1]!.end)
    let readOnly = false
    let checkOption = false
    if (this.takeWord("WITH")) {
      readOnly = this.takeWord("READ", "ONLY")
      if (!readOnly) {
        this.expectWord("CHECK", "OPTION")
        checkOption = true
      }
      if (this.takeWord("CONSTRAINT")) this.name()
    }
    return { kind: "createView", path, columns, query, text, replace, readOnly, checkOption, at }
  }

  #drop(): Ddl {
    const account = this.dropAccount()
    if (account !== undefined) return account
    if (this.takeWord("TYPE")) {
      const body = this.takeWord("BODY")
      const ifExists = this.takeIfExists()
      const at = this.offset
      const path = this.path()
      return { kind: "dropType", path, body, force: this.takeWord("FORCE") || this.takeWord("VALIDATE"), ifExists, at }
    }
    if (this.takeWord("CONTEXT")) {
      const at = this.offset
      return { kind: "dropContext", name: this.name(), at }
    }
    if (this.takeWord("MATERIALIZED", "VIEW")) return this.dropMview()
    const isPublic = this.takeWord("PUBLIC")
    const word = droppable.find((candidate) => this.isWord(candidate))
    if (word === undefined) throw this.unsupported(`DROP ${this.token.text}`)
    this.at++
    const object = word === "PACKAGE" && this.takeWord("BODY") ? "PACKAGE BODY" : word
    const ifExists = this.takeIfExists()
    const at = this.offset
    const path = this.path()
    const cascade = this.takeWord("CASCADE")
    if (cascade && !this.takeWord("CONSTRAINT")) this.expectWord("CONSTRAINTS")
    this.takeWord("PURGE")
    this.takeWord("FORCE")
    return { kind: "drop", object, path, cascade, public: isPublic, ifExists, at }
  }

  /** Everything has been read: SQL takes no semicolon, PL/SQL must have one. */
  finish(): void {
    if (this.token.kind === "end") return
    if (this.isOp(";")) throw oraError(911, ";: invalid character after " + this.tokens[this.at - 1]!.text, this.offset)
    throw oraError(933, "SQL command not properly ended", this.offset)
  }
}

export const parseStatement = (sql: string, release?: number): ParsedStatement => {
  const parser = new StatementParser(sql, release)
  const parsed = parser.statement()
  parser.finish()
  return { parsed, binds: parser.binds, returning: parser.returning, sql }
}
