/** Parses INSERT, UPDATE, DELETE, MERGE, and the statements of transactions and sessions. */
import { oraError } from "../values/oraError.ts"
import type { Expr, FromItem } from "./ast.ts"
import type {
  Assignment,
  Delete,
  Dml,
  Insert,
  Merge,
  Returning,
  SessionStatement,
  TableTarget,
  Update
} from "./astStatements.ts"
import { QueryParser } from "./queryParser.ts"

/** INSERT, UPDATE, DELETE, MERGE, and the statements of transactions and sessions. */
export abstract class DmlParser extends QueryParser {
  isDml(): boolean {
    return ["INSERT", "UPDATE", "DELETE", "MERGE"].some((word) => this.isWord(word))
  }

  dml(): Dml {
    if (this.isWord("INSERT")) return this.#insert()
    if (this.isWord("UPDATE")) return this.#update()
    if (this.isWord("DELETE")) return this.#delete()
    return this.#merge()
  }

  target(): TableTarget {
    const at = this.offset
    if (this.takeOp("(")) {
      const query = this.query()
      this.expectOp(")")
      if (this.isWord("WITH") && this.isWord("CHECK", 1)) throw this.unsupported("WITH CHECK OPTION of an inline view")
      const stops = ["SET", "WHERE", "VALUES", "SELECT", "RETURNING", "RETURN"]
      const isAlias = this.isName() && !stops.includes(this.token.text)
      return { path: [], query, alias: isAlias ? this.name() : undefined, at }
    }
    const path = this.path()
    if (this.isOp("@")) throw this.unsupported("database links")
    const partition = this.partitionSuffix()
    this.takeWord("AS")
    const stops = [
      "SET",
      "WHERE",
      "VALUES",
      "SELECT",
      "USING",
      "RETURNING",
      "RETURN",
      "LOG",
      "WITH",
      "LOOP",
      "DEFAULT",
      "INTO",
      "WHEN",
      "ELSE"
    ]
    const alias = this.isName() && !stops.includes(this.token.text) ? this.name() : undefined
    return { path, alias, partition, at }
  }

  #columnName(): { readonly name: string; readonly at: number } {
    const at = this.offset
    const path = this.path(904, "invalid identifier")
    return { name: path.at(-1)!, at }
  }

  #valueOrDefault(): Expr | undefined {
    if (this.isWord("DEFAULT")) {
      this.at++
      return undefined
    }
    return this.expr()
  }

  #insert(): Insert {
    const at = this.offset
    this.at++
    if (this.isWord("ALL") || this.isWord("FIRST")) return this.#multiInsert(at)
    this.expectWord("INTO")
    const target = this.target()
    let columns: Insert["columns"] = []
    if (this.isOp("(") && !this.isWord("SELECT", 1) && !this.isWord("WITH", 1) && !this.isOp("(", 1)) {
      this.at++
      columns = this.commaList(() => this.#columnName())
      this.expectOp(")")
    }
    let rows: Array<Array<Expr | undefined>> | undefined
    let record: Expr | undefined
    const query = this.isWord("SELECT") || this.isWord("WITH") || this.isOp("(") ? this.query() : undefined
    if (query === undefined) {
      this.expectWord("VALUES")
      if (this.bindsByName && this.isName()) record = this.sum()
      else {
        const row = () => {
          this.expectOp("(")
          const values = this.commaList(() => this.#valueOrDefault())
          this.expectOp(")")
          return values
        }
        rows = this.knows(23) ? this.commaList(row) : [row()]
      }
    }
    this.#refuseErrorLog()
    return { kind: "insert", target, columns, rows, query, record, returning: this.#returningClause(), at }
  }

  /** INSERT ALL and INSERT FIRST. */
  #multiInsert(at: number): Insert {
    const first = this.isWord("FIRST")
    this.at++
    const into = () => {
      this.expectWord("INTO")
      const target = this.target()
      let columns: Insert["columns"] = []
      if (this.takeOp("(")) {
        columns = this.commaList(() => this.#columnName())
        this.expectOp(")")
      }
      if (!this.takeWord("VALUES")) return { target, columns, values: undefined }
      this.expectOp("(")
      const values = this.commaList(() => this.#valueOrDefault())
      this.expectOp(")")
      return { target, columns, values }
    }
    const intos = () => {
      const list = [into()]
      while (this.isWord("INTO")) list.push(into())
      return list
    }
    const branches: Array<NonNullable<Insert["multi"]>["branches"][number]> = []
    while (this.takeWord("WHEN")) {
      const when = this.expr()
      this.expectWord("THEN")
      branches.push({ when, isElse: false, intos: intos() })
    }
    if (branches.length > 0 && this.takeWord("ELSE")) {
      branches.push({ when: undefined, isElse: true, intos: intos() })
    } else if (branches.length === 0 && !first) branches.push({ when: undefined, isElse: false, intos: intos() })
    if (branches.length === 0) throw oraError(905, "missing keyword", this.offset)
    const query = this.query()
    this.#refuseErrorLog()
    return {
      kind: "insert",
      target: branches[0]!.intos[0]!.target,
      multi: { first, branches },
      columns: [],
      rows: undefined,
      query,
      record: undefined,
      returning: undefined,
      at
    }
  }

  /** `FROM` of UPDATE and DELETE: tables that take part in the join. */
  #joined(): ReadonlyArray<FromItem> | undefined {
    return this.knows(23) && this.takeWord("FROM") ? this.commaList(() => this.fromItem()) : undefined
  }

  #refuseErrorLog(): void {
    if (this.isWord("LOG") && this.isWord("ERRORS", 1)) throw this.unsupported("LOG ERRORS")
  }

  #assignment(): Assignment {
    if (this.takeOp("(")) {
      const columns = this.commaList(() => this.#columnName())
      this.expectOp(")")
      this.expectOp("=")
      return { columns, value: this.expr() }
    }
    const columns = [this.#columnName()]
    if (!this.takeOp("=")) throw oraError(927, "missing equal sign", this.offset)
    return { columns, value: this.#valueOrDefault() }
  }

  #update(): Update {
    const at = this.offset
    this.at++
    const target = this.target()
    this.expectWord("SET")
    let record: Expr | undefined
    if (this.bindsByName && this.isWord("ROW") && this.isOp("=", 1)) {
      this.at += 2
      record = this.sum()
    }
    const sets = record === undefined ? this.commaList(() => this.#assignment()) : []
    const from = this.#joined()
    const where = this.#whereOrCurrent()
    this.#refuseErrorLog()
    return { kind: "update", target, sets, record, from, where, returning: this.#returningClause(), at }
  }

  #whereOrCurrent(): Expr | undefined {
    if (!this.takeWord("WHERE")) return undefined
    if (this.isWord("CURRENT") && this.isWord("OF", 1)) {
      const at = this.offset
      this.at += 2
      const cursor = this.name()
      return {
        kind: "binary",
        op: "=",
        left: { kind: "name", path: ["ROWID"], outer: false, at },
        right: { kind: "name", path: [cursor, "%ROWID"], outer: false, at },
        at
      }
    }
    return this.expr()
  }

  #delete(): Delete {
    const at = this.offset
    this.at++
    this.takeWord("FROM")
    const target = this.target()
    const from = this.#joined()
    const where = this.#whereOrCurrent()
    this.#refuseErrorLog()
    return { kind: "delete", target, from, where, returning: this.#returningClause(), at }
  }

  #merge(): Merge {
    const at = this.offset
    this.at++
    this.expectWord("INTO")
    const target = this.target()
    this.expectWord("USING")
    const using = this.fromItem()
    this.expectWord("ON")
    const on = this.expr()
    let matched: Merge["matched"]
    let notMatched: Merge["notMatched"]
    while (this.takeWord("WHEN")) {
      if (this.takeWord("NOT")) {
        this.expectWord("MATCHED", "THEN", "INSERT")
        let columns: Insert["columns"] = []
        if (this.takeOp("(")) {
          columns = this.commaList(() => this.#columnName())
          this.expectOp(")")
        }
        this.expectWord("VALUES")
        this.expectOp("(")
        const values = this.commaList(() => this.#valueOrDefault())
        this.expectOp(")")
        notMatched = { columns, values, where: this.takeWord("WHERE") ? this.expr() : undefined }
      } else {
        this.expectWord("MATCHED", "THEN", "UPDATE", "SET")
        const sets = this.commaList(() => this.#assignment())
        const where = this.takeWord("WHERE") ? this.expr() : undefined
        let deleteWhere: Expr | undefined
        if (this.takeWord("DELETE")) {
          this.expectWord("WHERE")
          deleteWhere = this.expr()
        }
        matched = { sets, where, deleteWhere }
      }
    }
    this.#refuseErrorLog()
    const returning = this.knows(23) ? this.#returningClause() : undefined
    if (matched === undefined && notMatched === undefined) throw oraError(905, "missing keyword", this.offset)
    return { kind: "merge", target, using, on, matched, notMatched, returning, at }
  }

  #returningClause(): Returning | undefined {
    if (!this.takeWord("RETURNING") && !this.takeWord("RETURN")) return undefined
    const images: Array<"old" | "new" | undefined> = []
    const exprs = this.commaList(() => {
      const next = this.peek()
      const isImage = this.knows(23) && (this.isWord("OLD") || this.isWord("NEW")) &&
        (next.kind === "word" || next.kind === "quoted") &&
        next.text !== "INTO" && next.text !== "BULK"
      images.push(isImage ? this.token.text.toLowerCase() as "old" | "new" : undefined)
      if (isImage) this.at++
      return this.expr()
    })
    const bulk = this.bindsByName && this.takeWord("BULK", "COLLECT")
    this.expectWord("INTO")
    const first = this.binds.length
    const into = this.commaList(() => this.sum())
    if (exprs.length !== into.length && (!this.bindsByName || into.length !== 1)) {
      throw oraError(
        exprs.length > into.length ? 947 : 913,
        exprs.length > into.length ? "not enough values" : "too many values",
        this.offset
      )
    }
    if (!this.bindsByName) {
      for (let i = first; i < this.binds.length; i++) this.returning.add(i)
      if (into.some((e) => e.kind !== "bind")) throw oraError(931, "missing identifier", this.offset)
    }
    return { exprs, images, into, bulk }
  }

  /** Statements without rows: undefined when this is none. */
  sessionStatement(): SessionStatement | undefined {
    if (this.takeWord("COMMIT")) {
      this.takeWord("WORK")
      if (this.takeWord("FORCE")) return this.#force(true)
      if (this.takeWord("COMMENT")) this.at++
      if (this.takeWord("WRITE")) { while (["WAIT", "NOWAIT", "IMMEDIATE", "BATCH"].some((w) => this.takeWord(w))); }
      return { kind: "commit" }
    }
    if (this.takeWord("ROLLBACK")) {
      this.takeWord("WORK")
      if (this.takeWord("FORCE")) return this.#force(false)
      if (!this.takeWord("TO")) return { kind: "rollback", savepoint: undefined }
      this.takeWord("SAVEPOINT")
      return { kind: "rollback", savepoint: this.name() }
    }
    if (this.takeWord("SAVEPOINT")) return { kind: "savepoint", name: this.name() }
    if (this.takeWord("SET", "TRANSACTION")) return this.#setTransaction()
    if (this.takeWord("SET", "CONSTRAINTS") || this.takeWord("SET", "CONSTRAINT")) {
      const names = this.takeWord("ALL") ? undefined : this.commaList(() => ({ at: this.offset, path: this.path() }))
      const mode = this.takeWord("DEFERRED") ? "deferred" : "immediate"
      if (mode === "immediate") this.expectWord("IMMEDIATE")
      return { kind: "setconstraints", names, mode }
    }
    if (this.takeWord("LOCK")) {
      this.expectWord("TABLE")
      const tables = this.commaList(() => ({ at: this.offset, path: this.path(), alias: undefined }))
      this.expectWord("IN")
      const words: Array<string> = []
      while (!this.isWord("MODE") && this.token.kind === "word") {
        words.push(this.token.text)
        this.at++
      }
      this.expectWord("MODE")
      const mode = words.join(" ")
      if (!["ROW SHARE", "ROW EXCLUSIVE", "SHARE UPDATE", "SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE"].includes(mode)) {
        throw oraError(1737, "valid modes: [ROW] SHARE, [[SHARE] ROW] EXCLUSIVE, SHARE UPDATE", this.offset)
      }
      return { kind: "lock", tables, mode, wait: this.waitClause() }
    }
    return undefined
  }

  #force(commits: boolean): SessionStatement {
    const { kind, text } = this.token
    if (kind !== "string") throw oraError(2057, "2PC: missing or invalid ID of the transaction", this.offset)
    this.at++
    // The number of the commit, which only the commits of others could need.
    if (this.takeOp(",")) this.at++
    return { kind: "force", name: text, commits }
  }

  #setTransaction(): SessionStatement {
    let isolation: Extract<SessionStatement, { kind: "settransaction" }>["isolation"] = "read committed"
    if (this.takeWord("READ", "ONLY")) isolation = "read only"
    else if (this.takeWord("ISOLATION", "LEVEL", "SERIALIZABLE")) isolation = "serializable"
    else if (
      !this.takeWord("READ", "WRITE") && !this.takeWord("ISOLATION", "LEVEL", "READ", "COMMITTED") &&
      !this.isWord("NAME")
    ) {
      if (this.takeWord("USE")) throw this.unsupported("SET TRANSACTION USE ROLLBACK SEGMENT")
      throw oraError(900, "invalid SQL statement", this.offset)
    }
    if (this.takeWord("NAME")) this.at++
    return { kind: "settransaction", isolation }
  }

  alterSession(): SessionStatement {
    if (
      this.isWord("ENABLE") || this.isWord("DISABLE") || this.isWord("CLOSE") || this.isWord("ADVISE") ||
      this.isWord("SYNC")
    ) {
      return this.#alterSessionSwitch()
    }
    this.expectWord("SET")
    const settings: Array<readonly [string, string, number]> = []
    while (this.token.kind === "word" || this.token.kind === "quoted") {
      const at = this.offset
      const name = this.token.text
      this.at++
      if (!this.takeOp("=")) {
        if (name === "EVENTS") throw this.unsupported("ALTER SESSION SET EVENTS")
        throw oraError(2248, "invalid option for ALTER SESSION", at)
      }
      let value = ""
      if (this.takeOp("-")) value = "-"
      const token = this.token
      if (token.kind === "end") throw oraError(2017, "integer value required", token.start)
      value += token.text
      this.at++
      settings.push([name, value, at])
    }
    if (settings.length === 0) throw oraError(927, "missing equal sign", this.offset)
    return { kind: "altersession", settings }
  }

  #alterSessionSwitch(): SessionStatement {
    const enable = this.token.text
    this.at++
    const what = this.token.text
    if (["PARALLEL", "RESUMABLE", "COMMIT", "GUARD"].includes(what)) {
      // Parallelism, resumable waits and commit-in-procedure change no answer here.
      while (this.token.kind !== "end") this.at++
      return { kind: "noop" }
    }
    throw this.unsupported(`ALTER SESSION ${enable} ${what}`)
  }
}
