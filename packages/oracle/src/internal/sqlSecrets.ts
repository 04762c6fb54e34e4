/**
 * Where a statement gives a password, and the statement without it.
 *
 * Passwords stand after IDENTIFIED BY in all its forms (users, roles, links, wallets, grants, encrypted columns), after the REPLACE or
 * SET that follows one, and after SECRET of a key store. What cannot be read as Oracle would read it is left out up to its end: a
 * statement that the server refuses holds a password too.
 */
import { isSignificant, significant, type Token, tokenize, wordOf } from "./sqlTokens.ts"

/** A part of a text, from its first character up to and without the last. */
interface Range {
  readonly start: number
  readonly end: number
}

/** What may follow a password in a statement that is right. */
const continuations: ReadonlySet<string> = new Set(
  ("ACCOUNT AND AUTHENTICATED CONTAINER DEFAULT ENABLE ENCRYPT FORCE FROM HTTP IDENTIFIED INTO LOCAL NO NOT NULL PASSWORD PROFILE QUOTA "
    + "READ REPLACE SALT SET TABLESPACE TEMPORARY TO USING WITH").split(" ")
)

/** Statements in which BY comes before a password and nothing else, also after an IDENTIFIED that is misspelled. */
const accounts: ReadonlySet<string> = new Set(["USER", "ROLE", "DATABASE LINK"])

const verbs: ReadonlySet<string> = new Set(["CREATE", "ALTER", "DROP", "GRANT", "SET", "ADMINISTER"])

const isSymbol = (token: Token | undefined, ...symbols: ReadonlyArray<string>): boolean =>
  token?.kind === "symbol" && symbols.includes(token.text)

const objectOf = (tokens: ReadonlyArray<Token>): string => {
  const words = tokens.slice(1, 6).map(wordOf).filter((word) => word !== "PUBLIC" && word !== "SHARED")
  return words[0] === "DATABASE" && words[1] === "LINK" ? "DATABASE LINK" : words[0] ?? ""
}

class SecretFinder {
  readonly found: Array<Range> = []
  readonly #tokens: ReadonlyArray<Token>
  readonly #end: number
  readonly #isGrant: boolean

  /** `end` is how far what cannot be read is left out; only a GRANT, which prose may be, has lists of passwords. */
  constructor(tokens: ReadonlyArray<Token>, end: number, isGrant: boolean) {
    this.#tokens = tokens
    this.#end = end
    this.#isGrant = isGrant
  }

  #rest(from: number): number {
    const start = this.#tokens[from]?.start
    if (start !== undefined && start < this.#end) this.found.push({ start, end: this.#end })
    return this.#tokens.length
  }

  /** The last token of a password that begins at a token: all that stands at it without a space. */
  lastOf(from: number): number {
    const tokens = this.#tokens
    let last = from
    while (last + 1 < tokens.length && tokens[last]!.end === tokens[last + 1]!.start) last++
    while (last > from && isSymbol(tokens[last], ";", ",", ")")) last--
    return last
  }

  /** The password that begins at a token; gives where to go on. */
  password(from: number): number {
    const tokens = this.#tokens
    const last = this.lastOf(from)
    const first = tokens[from]
    if (first === undefined) return from
    if (first.kind !== "bind" || last > from) this.found.push({ start: first.start, end: tokens[last]!.end })
    const next = tokens[last + 1]
    if (next === undefined) return last + 1
    if (isSymbol(next, ",")) return this.#isGrant ? this.password(last + 2) : last + 2
    if (isSymbol(next, ";", ")")) return last + 2
    const word = wordOf(next)
    if (!continuations.has(word)) return this.#rest(last + 1)
    return word === "REPLACE" || word === "SET" ? this.password(last + 2) : last + 1
  }

  /** Everything after IDENTIFIED; gives where to go on. */
  identified(from: number): number {
    const word = wordOf(this.#tokens[from])
    if (word === "EXTERNALLY" || word === "GLOBALLY") return from + 1
    if (word !== "BY") return this.#rest(from)
    return this.password(wordOf(this.#tokens[from + 1]) === "VALUES" ? from + 2 : from + 1)
  }
}

/** The parts of a statement that are passwords. */
const secretsOfTokens = (tokens: ReadonlyArray<Token>, end: number): ReadonlyArray<Range> => {
  const verb = wordOf(tokens[0])
  const isAccount = (verb === "CREATE" || verb === "ALTER") && accounts.has(objectOf(tokens))
  const isKeyManagement = verb === "ADMINISTER"
  const finder = new SecretFinder(tokens, end, verb === "GRANT")
  for (let at = 0; at < tokens.length;) {
    const word = wordOf(tokens[at])
    const next = wordOf(tokens[at + 1])
    if (word === "IDENTIFIED" && (next === "BY" || verbs.has(verb))) at = finder.identified(at + 1)
    else if (word === "BY" && isAccount) at = finder.identified(at)
    else if (word === "SECRET" && isKeyManagement && next !== "FOR") at = finder.password(at + 1)
    else at++
  }
  return finder.found
}

/** The passwords of a statement, by where they stand; `tokens` are all of its text. */
export const secretRanges = (tokens: ReadonlyArray<Token>): ReadonlyArray<Range> => {
  const telling = tokens.filter(isSignificant)
  return secretsOfTokens(telling, telling.at(-1)?.end ?? 0)
}

/** Whether a statement gives a password, or may: its literals and comments then stay out of errors too. */
const speaksOfSecrets =
  /identified|credential|passw(?:or)?d|passphrase|\bpwd|secret|wallet|private_?key|keystore|access_?token/i

/** Commands of SQL*Plus, which are no SQL and hold a password all the same. */
const commands: ReadonlySet<string> = new Set([
  "CONN",
  "CONNE",
  "CONNEC",
  "CONNECT",
  "PASSW",
  "PASSWO",
  "PASSWOR",
  "PASSWORD"
])

const speaks = (token: Token): boolean =>
  token.kind !== "symbol" && token.kind !== "number" && token.kind !== "bind" && speaksOfSecrets.test(token.text)

/**
 * A statement without its passwords, for errors: `mask` stands in their place. Where anything in it speaks of secrets, its literals are
 * masked and its comments left out as well.
 */
export const withoutSecrets = (sql: string, mask: string): string => {
  if (!speaksOfSecrets.test(sql) && !/\bby\b|\bconn/i.test(sql)) return sql
  const tokens = tokenize(sql)
  const ranges = secretRanges(tokens)
  const first = tokens.find(isSignificant)
  if (commands.has(wordOf(first))) return `${first!.text} ${mask}`
  if (ranges.length === 0 && !tokens.some(speaks)) return sql
  return rewrite(sql, tokens, ranges, mask, (token) => {
    switch (token.kind) {
      case "comment":
        return " "
      case "string":
        return mask
      default:
        return token.isOpen ? mask : token.text
    }
  })
}

/** A text with `mask` for each range, and for each token outside of them what `write` makes of it. */
export const rewrite = (
  text: string,
  tokens: ReadonlyArray<Token>,
  ranges: ReadonlyArray<Range>,
  mask: string,
  write: (token: Token) => string
): string => {
  let out = ""
  let at = 0
  let range = 0
  for (const token of tokens) {
    if (token.start < at) continue
    while ((ranges[range]?.end ?? Infinity) <= token.start) range++
    const masked = ranges[range]
    if (masked !== undefined && masked.start <= token.start) {
      out += mask
      at = masked.end
    } else {
      out += write(token)
      at = token.end
    }
  }
  return at < text.length ? out + text.slice(at) : out
}

/** How far after IDENTIFIED a password is looked for in prose, and how often, so that no text takes long. */
const window = 4096
const mostOften = 50

/**
 * Prose, such as a message that repeats a statement, without passwords after IDENTIFIED BY and WITH SECRET. What cannot be read is left
 * out up to the end of its line.
 */
export const withoutIdentifiedBy = (text: string, mask: string): string => {
  let out = ""
  let at = 0
  let count = 0
  for (const { 0: introducer, index } of text.matchAll(/\bidentified\b|\bsecret\b/gi)) {
    if (index < at) continue
    if (++count > mostOften) return out + text.slice(at, index) + mask
    const seen = text.slice(index, index + window)
    for (const range of secretsInProse(introducer, seen)) {
      if (index + range.start < at) continue
      out += text.slice(at, index + range.start) + mask
      at = index + range.end
    }
  }
  return out + text.slice(at)
}

/** `text` begins with the word that may introduce a password. */
const secretsInProse = (introducer: string, text: string): ReadonlyArray<Range> => {
  const tokens = significant(text)
  const known = tokens[2]?.end ?? introducer.length
  const line = text.slice(known).search(/[\r\n]/)
  const finder = new SecretFinder(tokens, line < 0 ? text.length : known + line, true)
  if (/^secret$/i.test(introducer)) {
    const next = wordOf(tokens[finder.lastOf(1) + 1])
    const isGiven = next === "TO" || next === "FROM" || tokens[1]?.kind === "string" || tokens[1]?.kind === "name"
    if (isGiven) finder.password(1)
  } else if (wordOf(tokens[1]) === "BY") finder.identified(1)
  return finder.found
}
