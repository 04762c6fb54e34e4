/** Parses statements about materialized views. */
import { oraError } from "../values/oraError.ts"
import { AccountParser } from "./accountParser.ts"
import type { Ddl } from "./astDefinitions.ts"

export abstract class MviewParser extends AccountParser {
  /** After CREATE MATERIALIZED VIEW. */
  createMview(): Ddl {
    if (this.takeWord("LOG", "ON")) return this.#log()
    const ifNotExists = this.takeWord("IF", "NOT", "EXISTS")
    const at = this.offset
    const path = this.path()
    let columns: ReadonlyArray<string> = []
    if (this.takeOp("(")) {
      columns = this.commaList(() => this.name())
      this.expectOp(")")
    }
    let isDeferred = false
    let method: "FORCE" | "COMPLETE" | "FAST" | "NEVER" = "FORCE"
    let rewrite = false
    while (!this.isWord("AS")) {
      if (this.takeWord("BUILD", "DEFERRED")) isDeferred = true
      else if (this.takeWord("BUILD", "IMMEDIATE")) isDeferred = false
      else if (this.takeWord("NEVER", "REFRESH")) method = "NEVER"
      else if (this.takeWord("REFRESH")) method = this.#refresh()
      else if (this.takeWord("ENABLE", "QUERY", "REWRITE")) rewrite = true
      else if (this.takeWord("DISABLE", "QUERY", "REWRITE")) rewrite = false
      else if (this.takeWord("USING", "INDEX") || this.takeWord("USING", "NO", "INDEX")) continue
      else if (this.isWord("ON") && this.isWord("PREBUILT", 1)) throw this.unsupported("ON PREBUILT TABLE")
      else if (this.isWord("FOR") && this.isWord("UPDATE", 1)) throw this.unsupported("updatable materialized views")
      else if (!this.physicalOption()) throw oraError(922, "missing or invalid option", this.offset)
    }
    this.at++
    const start = this.offset
    const query = this.query()
    const text = this.sql.slice(start, this.tokens[this.at - 1]!.end)
    return { kind: "createMview", path, columns, query, text, isDeferred, method, rewrite, ifNotExists, at }
  }

  #refresh(): "FORCE" | "COMPLETE" | "FAST" {
    let method: "FORCE" | "COMPLETE" | "FAST" = "FORCE"
    for (;;) {
      if (this.takeWord("COMPLETE")) method = "COMPLETE"
      else if (this.takeWord("FAST")) method = "FAST"
      else if (this.takeWord("FORCE")) method = "FORCE"
      else if (this.takeWord("ON", "DEMAND")) continue
      else if (this.isWord("ON") && (this.isWord("COMMIT", 1) || this.isWord("STATEMENT", 1))) {
        throw this.unsupported(`REFRESH ON ${this.peek().text}`)
      } else if (this.isWord("START") || this.isWord("NEXT")) throw this.unsupported("scheduled refreshes")
      else if (this.takeWord("WITH", "PRIMARY", "KEY") || this.takeWord("WITH", "ROWID")) continue
      else return method
    }
  }

  /** A log tells a fast refresh what has changed: a refresh here reads everything, so nothing is kept but that there is one. */
  #log(): Ddl {
    const at = this.offset
    const path = this.path()
    while (this.token.kind !== "end") this.at++
    return { kind: "mviewLog", path, exists: true, at }
  }

  /** After DROP MATERIALIZED VIEW. */
  dropMview(): Ddl {
    if (this.takeWord("LOG", "ON")) {
      const at = this.offset
      return { kind: "mviewLog", path: this.path(), exists: false, at }
    }
    const ifExists = this.takeWord("IF", "EXISTS")
    const at = this.offset
    const path = this.path()
    if (this.isWord("PRESERVE")) throw this.unsupported("PRESERVE TABLE")
    return { kind: "dropMview", path, ifExists, at }
  }
}
