/** Parses statements about users, roles, profiles and privileges. */
import { oraError } from "../values/oraError.ts"
import type { AccountDdl, Named, PrivilegeName, RoleChoice, UserOptions } from "./astAccounts.ts"
import type { SessionStatement } from "./astStatements.ts"
import { PlsqlParser } from "./plsqlParser.ts"

const durations: Readonly<Record<string, number>> = { K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 }

export abstract class AccountParser extends PlsqlParser {
  /** The name of a user or a role: some of them are reserved words. */
  #grantee(): Named {
    const { kind, start: at, text } = this.token
    if (kind !== "word" && kind !== "quoted") throw oraError(987, "missing or invalid username(s)", at)
    this.at++
    return { name: text, at }
  }

  /** A password keeps its case, in quotes or without. */
  #passwordText(): string {
    const { end, kind, start, text } = this.token
    if (kind === "end") throw oraError(988, "missing or invalid password(s)", start)
    this.at++
    return kind === "word" ? this.sql.slice(start, end) : text
  }

  /** `IDENTIFIED BY` a password. */
  #identified(): string | undefined {
    if (this.isWord("IDENTIFIED") && this.isWord("BY", 1) && this.isWord("VALUES", 2)) {
      throw this.unsupported("IDENTIFIED BY VALUES")
    }
    if (!this.takeWord("IDENTIFIED", "BY")) return undefined
    const password = this.#passwordText()
    if (this.takeWord("REPLACE")) this.#passwordText()
    return password
  }

  #roleChoice(): RoleChoice {
    if (this.takeWord("NONE")) return { kind: "none" }
    if (this.takeWord("ALL")) {
      return { kind: "all", except: this.takeWord("EXCEPT") ? this.commaList(() => this.#grantee()) : [] }
    }
    return {
      kind: "some",
      roles: this.commaList(() => ({ ...this.#grantee(), password: this.#identified() }))
    }
  }

  /** `100M`, which is a number and a word, or two of them. */
  #size(): number {
    if (this.takeWord("UNLIMITED")) return Infinity
    const { kind, start, text } = this.token
    const match = kind === "number" ? /^(\d+)([KMGT]?)$/i.exec(text) : null
    if (match === null) throw oraError(2180, "invalid option for CREATE USER", start)
    this.at++
    let unit = match[2]!.toUpperCase()
    if (unit === "" && this.token.kind === "word" && durations[this.token.text] !== undefined) {
      unit = this.token.text
      this.at++
    }
    return Number(match[1]) * (durations[unit] ?? 1)
  }

  #userOptions(): UserOptions {
    const quotas: Array<readonly [string, number]> = []
    const options: { -readonly [Key in keyof UserOptions]: UserOptions[Key] } = {
      password: undefined,
      account: undefined,
      profile: undefined,
      defaultTablespace: undefined,
      temporaryTablespace: undefined,
      quotas,
      defaultRoles: undefined
    }
    while (this.token.kind !== "end") {
      const at = this.offset
      if (this.isWord("IDENTIFIED") && this.isWord("BY", 1)) options.password = this.#identified()
      else if (this.takeWord("IDENTIFIED")) {
        if (!this.takeWord("EXTERNALLY") && !this.takeWord("GLOBALLY")) {
          throw oraError(922, "missing or invalid option", at)
        }
        if (this.takeWord("AS")) this.at++
      } else if (this.takeWord("NO", "AUTHENTICATION")) continue
      else if (this.takeWord("ACCOUNT", "LOCK")) options.account = "locked"
      else if (this.takeWord("ACCOUNT", "UNLOCK")) options.account = "open"
      else if (this.takeWord("PASSWORD", "EXPIRE")) options.account = "expired"
      else if (this.takeWord("PROFILE")) options.profile = this.#grantee()
      else if (this.takeWord("DEFAULT", "TABLESPACE")) options.defaultTablespace = this.name()
      else if (this.takeWord("LOCAL", "TEMPORARY", "TABLESPACE") || this.takeWord("TEMPORARY", "TABLESPACE")) {
        options.temporaryTablespace = this.name()
      } else if (this.takeWord("QUOTA")) {
        const size = this.#size()
        this.expectWord("ON")
        quotas.push([this.name(), size])
      } else if (this.takeWord("DEFAULT", "ROLE")) options.defaultRoles = this.#roleChoice()
      else if (this.takeWord("DEFAULT", "COLLATION")) this.name()
      else if (this.takeWord("ENABLE", "EDITIONS") || this.takeWord("READ", "ONLY") || this.takeWord("READ", "WRITE")) {
        continue
      } else if (this.takeWord("CONTAINER")) this.at += 2
      else throw oraError(922, "missing or invalid option", at)
    }
    return options
  }

  createUser(): AccountDdl {
    this.takeWord("IF", "NOT", "EXISTS")
    const { at, name } = this.#grantee()
    return { kind: "createUser", name, options: this.#userOptions(), at }
  }

  alterUser(): AccountDdl {
    this.takeWord("IF", "EXISTS")
    const names = this.commaList(() => this.#grantee())
    const { at, name } = names[0]!
    const grant = this.isWord("GRANT")
    if (this.takeWord("GRANT", "CONNECT", "THROUGH") || this.takeWord("REVOKE", "CONNECT", "THROUGH")) {
      if (this.isWord("ENTERPRISE")) throw this.unsupported("GRANT CONNECT THROUGH ENTERPRISE USERS")
      const proxy = this.#grantee()
      let roles: RoleChoice = { kind: "all", except: [] }
      if (this.takeWord("WITH", "NO", "ROLES")) roles = { kind: "none" }
      else if (this.takeWord("WITH", "ROLE")) roles = this.#roleChoice()
      if (this.takeWord("AUTHENTICATION", "REQUIRED")) throw this.unsupported("AUTHENTICATION REQUIRED")
      return { kind: "proxyUser", names, grant, proxy, roles, at }
    }
    return { kind: "alterUser", name, options: this.#userOptions(), at }
  }

  role(kind: "createRole" | "alterRole"): AccountDdl {
    this.takeWord("IF", "NOT", "EXISTS")
    const { at, name } = this.#grantee()
    let password: string | undefined
    if (this.takeWord("NOT", "IDENTIFIED")) password = undefined
    else if (this.isWord("IDENTIFIED") && !this.isWord("BY", 1)) {
      throw this.unsupported(`roles IDENTIFIED ${this.peek().text}`)
    } else password = this.#identified()
    if (this.takeWord("CONTAINER")) this.at += 2
    return { kind, name, password, at }
  }

  profile(kind: "createProfile" | "alterProfile"): AccountDdl {
    const { at, name } = this.#grantee()
    this.expectWord("LIMIT")
    const limits: Array<readonly [string, string]> = []
    while (this.token.kind === "word" && !this.takeWord("CONTAINER")) {
      const limit = this.token.text
      this.at++
      limits.push([limit, this.#limitValue()])
    }
    if (this.token.kind !== "end") this.at = this.tokens.length - 1
    return { kind, name, limits, at }
  }

  /** A number of things or days, also as `1/24`, or a word. */
  #limitValue(): string {
    const { kind, start, text } = this.token
    this.at++
    if (kind === "word") return text
    if (kind !== "number") throw oraError(2376, "invalid or redundant resource", start)
    if (!this.takeOp("/")) {
      const unit = this.token.kind === "word" ? durations[this.token.text] : undefined
      if (unit !== undefined) this.at++
      return String(Number(text) * (unit ?? 1))
    }
    const below = this.token.text
    this.at++
    return String(Number(text) / Number(below))
  }

  dropAccount(): AccountDdl | undefined {
    if (this.takeWord("USER")) {
      this.takeWord("IF", "EXISTS")
      const { at, name } = this.#grantee()
      return { kind: "dropUser", name, cascade: this.takeWord("CASCADE"), at }
    }
    if (this.takeWord("ROLE")) {
      this.takeWord("IF", "EXISTS")
      const { at, name } = this.#grantee()
      return { kind: "dropRole", name, at }
    }
    if (!this.takeWord("PROFILE")) return undefined
    const { at, name } = this.#grantee()
    return { kind: "dropProfile", name, cascade: this.takeWord("CASCADE"), at }
  }

  /** A privilege of several words, a role, or a privilege on columns. */
  #privilege(): PrivilegeName {
    const at = this.offset
    if (this.token.kind === "quoted") {
      const { text } = this.token
      this.at++
      return { name: text, columns: [], at }
    }
    const words: Array<string> = []
    while (this.token.kind === "word" && !["ON", "TO", "FROM"].includes(this.token.text)) {
      words.push(this.token.text)
      this.at++
    }
    if (words.join(" ") === "" && this.takeWord("ON", "COMMIT", "REFRESH")) words.push("ON COMMIT REFRESH")
    if (words.length === 0) throw oraError(990, "missing or invalid privilege", at)
    const columns: Array<Named> = []
    if (this.takeOp("(")) {
      columns.push(...this.commaList(() => ({ at: this.offset, name: this.name() })))
      this.expectOp(")")
    }
    const name = words.join(" ")
    return { name: name === "ALL" || name === "ALL PRIVILEGES" ? "ALL" : name, columns, at }
  }

  grantOrRevoke(kind: "grant" | "revoke"): AccountDdl {
    const at = this.offset
    const privileges = this.commaList(() => this.#privilege())
    let on: { readonly path: ReadonlyArray<string>; readonly at: number } | undefined
    let schema: Named | undefined
    if (this.takeWord("ON")) {
      if (this.takeWord("SCHEMA")) schema = this.#grantee()
      else if (this.isWord("USER")) {
        // Whoever runs code with a caller's rights may do so here without being allowed to.
        this.at++
        this.#grantee()
        return this.#inherited(kind, at)
      } else {
        for (const word of ["DIRECTORY", "EDITION", "MINING", "JAVA", "SQL"]) {
          if (this.isWord(word) && !this.isWord("TO", 1)) throw this.unsupported(`${kind.toUpperCase()} ON ${word}`)
        }
        on = { at: this.offset, path: this.path() }
      }
    }
    if (!this.takeWord(kind === "grant" ? "TO" : "FROM")) throw oraError(905, "missing keyword", this.offset)
    if (this.isWord("PROCEDURE") || this.isWord("FUNCTION") || this.isWord("PACKAGE")) {
      throw this.unsupported("roles of program units")
    }
    const grantees = this.commaList(() => this.#grantee())
    const terms = { privileges, on, schema, grantees, at }
    if (kind === "revoke") {
      const cascadeConstraints = this.takeWord("CASCADE", "CONSTRAINTS")
      this.takeWord("FORCE")
      if (this.takeWord("CONTAINER")) this.at += 2
      return { ...terms, kind, cascadeConstraints }
    }
    const passwords: Array<string> = []
    if (this.takeWord("IDENTIFIED", "BY")) passwords.push(...this.commaList(() => this.#passwordText()))
    let option = false
    while (this.takeWord("WITH")) {
      if (this.takeWord("HIERARCHY", "OPTION")) continue
      option = this.takeWord("ADMIN") || this.takeWord("GRANT") || this.takeWord("DELEGATE")
      if (!option) throw oraError(994, "missing OPTION keyword", this.offset)
      this.expectWord("OPTION")
    }
    if (this.takeWord("CONTAINER")) this.at += 2
    return { ...terms, kind, option, passwords }
  }

  #inherited(kind: "grant" | "revoke", at: number): AccountDdl {
    this.expectWord(kind === "grant" ? "TO" : "FROM")
    const grantees = this.commaList(() => this.#grantee())
    const terms = { privileges: [], on: undefined, schema: undefined, grantees, at }
    return kind === "grant"
      ? { ...terms, kind, option: false, passwords: [] }
      : { ...terms, kind, cascadeConstraints: false }
  }

  setRole(): SessionStatement {
    const at = this.offset
    return { kind: "setrole", choice: this.#roleChoice(), at }
  }
}
