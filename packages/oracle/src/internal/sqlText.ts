/** What a statement does and to what, and its text as spans may show it. */
import { rewrite, secretRanges } from "./sqlSecrets.ts"
import { isSignificant, significant, type Token, tokenize, wordOf } from "./sqlTokens.ts"

/** What a statement does and to what. */
interface StatementSummary {
  /** The word that says what it does, in capitals, such as `SELECT`; `SQL` for a text that begins with no word of Oracle's. */
  readonly operation: string
  /** The first table, view or procedure that it names. */
  readonly target: string | undefined
}

/** The first words of statements: nothing else of a text, which may be no SQL at all, becomes the name of a span. */
const operations: ReadonlySet<string> = new Set(
  ("ADMINISTER ALTER ANALYZE ASSOCIATE AUDIT BEGIN CALL COMMENT COMMIT CREATE DECLARE DELETE DISASSOCIATE DROP EXPLAIN FLASHBACK GRANT "
    + "INSERT LOCK MERGE NOAUDIT PURGE RENAME REVOKE ROLLBACK SAVEPOINT SELECT SET TRUNCATE UPDATE WITH").split(" ")
)

const is = (token: Token | undefined, symbol: string): boolean => token?.kind === "symbol" && token.text === symbol

const isNamePart = (token: Token | undefined): boolean =>
  token !== undefined && !token.isOpen && (token.kind === "word" || token.kind === "name") && token.text.length <= 130

/** A name of up to three parts that begins at a token. */
const nameAt = (tokens: ReadonlyArray<Token>, at: number): string | undefined => {
  const first = tokens[at]
  if (!isNamePart(first)) return undefined
  let name = first!.text
  for (let next = at + 1; next <= at + 3 && is(tokens[next], ".") && isNamePart(tokens[next + 1]); next += 2) {
    name += `.${tokens[next + 1]!.text}`
  }
  return name
}

/** The name after a word; outside of parentheses first, where `extract(year from hired)` is not. */
const nameAfter = (tokens: ReadonlyArray<Token>, word: string, isDeep: boolean): string | undefined => {
  let depth = 0
  let inner: string | undefined
  for (let at = 1; at < tokens.length; at++) {
    const token = tokens[at]!
    if (is(token, "(")) depth++
    else if (is(token, ")")) depth--
    else if (wordOf(token) === word) {
      const name = nameAt(tokens, at + 1)
      if (name !== undefined && (depth === 0 || isDeep)) return name
      inner ??= name
    }
  }
  return inner
}

const targetOf = (operation: string, tokens: ReadonlyArray<Token>): string | undefined => {
  switch (operation) {
    case "SELECT":
      return nameAfter(tokens, "FROM", false)
    case "WITH":
      return nameAfter(tokens, "FROM", true)
    case "INSERT":
    case "MERGE":
      return nameAfter(tokens, "INTO", false)
    case "UPDATE":
    case "DELETE":
    case "CALL": {
      const second = wordOf(tokens[1])
      const at = operation === "DELETE" && second === "FROM" ? 2 : 1
      return nameAt(tokens, wordOf(tokens[at]) === "ONLY" && is(tokens[at + 1], "(") ? at + 2 : at)
    }
    default:
      return undefined
  }
}

/** Long statements are not searched to their end: a summary is only a hint. */
const searched = 4000

export const summarize = (sql: string): StatementSummary => {
  const tokens = significant(sql.slice(0, searched))
  // A block may begin with labels, a query with parentheses.
  const first = tokens.findIndex((token) => token.kind === "word" && operations.has(token.text.toUpperCase()))
  const isFirst = tokens.slice(0, Math.max(0, first)).every((token, at) =>
    is(token, "(") || is(token, "<") || is(token, ">") || is(tokens[at - 1], "<")
  )
  if (first < 0 || !isFirst) return { operation: "SQL", target: undefined }
  const operation = wordOf(tokens[first])
  return { operation, target: targetOf(operation, tokens.slice(first)) }
}

/** Units of other languages, whose literals are not those of SQL. */
const foreign: ReadonlySet<string> = new Set(["JAVA", "MLE"])

/** From where on a text cannot be trusted to be what its tokens say; its length when it can. */
const trusted = (sql: string, tokens: ReadonlyArray<Token>): number => {
  const telling = tokens.filter(isSignificant)
  if (wordOf(telling[0]) === "CREATE") {
    const at = telling.findIndex((token) => foreign.has(wordOf(token)))
    const body = telling.findIndex((token, index) =>
      at >= 0 && index > at && /^(?:AS|USING|LANGUAGE)$/.test(wordOf(token))
    )
    if (body >= 0) return telling[body]!.end
  }
  // A literal with no end, or with a word right behind it (`'it's'`), leaves open which side of a quotation mark is text.
  const isUncertain = tokens.some((token, at) =>
    token.isOpen || (token.kind === "string" && tokens[at + 1]?.kind === "word")
  )
  if (!isUncertain) return sql.length
  return tokens.find((token) => token.kind === "string" || token.isOpen)?.start ?? sql.length
}

const isSpace = (text: string): boolean => /^\s*$/.test(text)

/** The text of a statement without passwords, comments and hints, and with `?` for each literal text and number. */
export const queryText = (sql: string): string => {
  const all = tokenize(sql)
  const end = trusted(sql, all)
  const tokens = all.filter((token) => token.end <= end)
  const known = sql.slice(0, tokens.at(-1)?.end ?? 0)
  // What is no statement at all may be anything: `connect scott/tiger`.
  if (summarize(known).operation === "SQL") return known.trim() === "" ? "" : "?"
  let last = ""
  const written = rewrite(known, tokens, secretRanges(tokens), "?", (token) => {
    const text = token.kind === "string" || token.kind === "number"
      ? "?"
      : isSignificant(token)
      ? token.text
      : isSpace(last)
      ? ""
      : token.kind === "comment"
      ? " "
      : token.text
    if (text !== "") last = text
    return text
  }).trim()
  return end < sql.length ? `${written} ?` : written
}
