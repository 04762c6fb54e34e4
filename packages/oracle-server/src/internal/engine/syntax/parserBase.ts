/** The token stream under every parser: looking ahead, expecting, names, placeholders. */
import { type OraError, oraError, unimplemented } from "../values/oraError.ts"
import { type Token, tokenize } from "./lexer.ts"

/** The grammar where no version says otherwise. */
const newestRelease = 23

/** Words that cannot name a table, a column or an alias without quotes. */
export const reserved = new Set(
  ("ACCESS ADD ALL ALTER AND ANY AS ASC AUDIT BETWEEN BY CHAR CHECK CLUSTER COLUMN COMMENT COMPRESS CONNECT CREATE CURRENT " +
    "DATE DECIMAL DEFAULT DELETE DESC DISTINCT DROP ELSE EXCLUSIVE EXISTS FILE FLOAT FOR FROM GRANT GROUP HAVING " +
    "IDENTIFIED IMMEDIATE IN INCREMENT INDEX INITIAL INSERT INTEGER INTERSECT INTO IS LEVEL LIKE LOCK LONG MAXEXTENTS " +
    "MINUS MLSLABEL MODE MODIFY NOAUDIT NOCOMPRESS NOT NOWAIT NULL NUMBER OF OFFLINE ON ONLINE OPTION OR ORDER PCTFREE " +
    "PRIOR PUBLIC RAW RENAME RESOURCE REVOKE ROW ROWID ROWNUM ROWS SELECT SESSION SET SHARE SIZE SMALLINT START " +
    "SUCCESSFUL SYNONYM SYSDATE TABLE THEN TO TRIGGER UID UNION UNIQUE UPDATE USER VALIDATE VALUES VARCHAR VARCHAR2 VIEW " +
    "WHENEVER WHERE WITH").split(" ")
)

/** Reserved in SQL, and good names in PL/SQL. */
export const freeInPlsql = new Set(
  ("ACCESS ADD AUDIT COLUMN COMMENT FILE IMMEDIATE INCREMENT INITIAL MAXEXTENTS MODIFY NOAUDIT OFFLINE ONLINE PCTFREE " +
    "RENAME SESSION SUCCESSFUL SYNONYM TRIGGER VALIDATE WHENEVER").split(" ")
)

/** Reserved words that stand for a value. */
export const valueWords = new Set(["LEVEL", "NULL", "ROWID", "ROWNUM", "SYSDATE", "UID", "USER", "PRIOR", "DATE"])

interface BindSite {
  readonly name: string
  readonly at: number
}

export abstract class ParserBase {
  readonly sql: string
  readonly tokens: Array<Token>
  /** SQL: one for each occurrence. PL/SQL: one for each name. */
  readonly binds: Array<BindSite> = []
  /** Placeholders after RETURNING … INTO of a DML statement at the top. */
  readonly returning = new Set<number>()
  bindsByName = false
  /** Within a trigger: the names after a colon that stand for the row, each with the variable it means. */
  correlation: ReadonlyMap<string, string> = new Map()
  at = 0
  /** The release whose grammar holds: what came later is an error, as it is there. */
  readonly release: number

  constructor(sql: string, release: number = newestRelease) {
    this.sql = sql
    this.release = release
    this.tokens = tokenize(sql)
  }

  /** Whether what came with this release is known: 18, 19, 21, 23. */
  knows(release: number): boolean {
    return this.release >= release
  }

  takeIfExists(): boolean {
    return this.knows(23) && this.takeWord("IF", "EXISTS")
  }

  takeIfNotExists(): boolean {
    return this.knows(23) && this.takeWord("IF", "NOT", "EXISTS")
  }

  get token(): Token {
    return this.tokens[this.at]!
  }

  get offset(): number {
    return this.tokens[this.at]!.start
  }

  peek(distance = 1): Token {
    return this.tokens[Math.min(this.at + distance, this.tokens.length - 1)]!
  }

  isWord(word: string, distance = 0): boolean {
    const token = this.peek(distance)
    return token.kind === "word" && token.text === word
  }

  isOp(op: string, distance = 0): boolean {
    const token = this.peek(distance)
    return token.kind === "op" && token.text === op
  }

  takeWord(...words: ReadonlyArray<string>): boolean {
    for (let i = 0; i < words.length; i++) {
      if (!this.isWord(words[i]!, i)) return false
    }
    this.at += words.length
    return true
  }

  takeOp(op: string): boolean {
    if (!this.isOp(op)) return false
    this.at++
    return true
  }

  expectWord(...words: ReadonlyArray<string>): void {
    for (const word of words) {
      if (!this.takeWord(word)) throw this.missingWord(word)
    }
  }

  missingWord(word: string): OraError {
    if (word === "FROM") return oraError(923, "FROM keyword not found where expected", this.offset)
    if (word === "INTO") return oraError(925, "missing INTO keyword", this.offset)
    if (word === "SET") return oraError(971, "missing SET keyword", this.offset)
    if (word === "VALUES") return oraError(926, "missing VALUES keyword", this.offset)
    if (word === "BY") return oraError(924, "missing BY keyword", this.offset)
    return oraError(905, "missing keyword", this.offset)
  }

  expectOp(op: string): void {
    if (this.takeOp(op)) return
    if (op === ")") throw oraError(907, "missing right parenthesis", this.offset)
    if (op === "(") throw oraError(906, "missing left parenthesis", this.offset)
    if (op === ",") throw oraError(917, "missing comma", this.offset)
    throw oraError(933, "SQL command not properly ended", this.offset)
  }

  /** A name that may stand here without quotes, or a quoted one. */
  isName(distance = 0): boolean {
    const token = this.peek(distance)
    return token.kind === "quoted" || (token.kind === "word" && !reserved.has(token.text))
  }

  name(code = 904, message = "invalid identifier"): string {
    const token = this.token
    if (!this.isName()) throw oraError(code, message, token.start)
    this.at++
    return token.text
  }

  /** A name that PL/SQL declares. */
  declaredName(): string {
    if (this.token.kind === "word" && freeInPlsql.has(this.token.text)) return this.tokens[this.at++]!.text
    return this.name()
  }

  /** `a`, `a.b`, `a.b.c`. */
  path(code = 903, message = "invalid table name"): Array<string> {
    const parts = [this.name(code, message)]
    while (this.isOp(".")) {
      this.at++
      parts.push(this.name(code, message))
    }
    return parts
  }

  integer(): number {
    const negative = this.takeOp("-")
    const token = this.token
    if (token.kind !== "number" || !/^\d+$/.test(token.text)) throw oraError(1703, "invalid number", token.start)
    this.at++
    return negative ? -Number(token.text) : Number(token.text)
  }

  commaList<A>(item: () => A): Array<A> {
    const list = [item()]
    while (this.takeOp(",")) list.push(item())
    return list
  }

  bindIndex(): number {
    const token = this.token
    this.at++
    if (this.bindsByName) {
      const known = this.binds.findIndex((bind) => bind.name === token.text)
      if (known >= 0) return known
    }
    // A number, a quoted name and any name within a block are free to choose.
    const isPlain = this.sql[token.start + 1] !== "\"" && !this.bindsByName
    if (isPlain && reserved.has(token.text)) throw oraError(1745, "invalid host/bind variable name", token.start)
    this.binds.push({ name: token.text, at: token.start })
    return this.binds.length - 1
  }

  unsupported(feature: string): OraError {
    return unimplemented(feature, this.offset)
  }
}
