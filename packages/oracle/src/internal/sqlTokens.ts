/**
 * The one tokenizer of Oracle's SQL and PL/SQL: comments, names, literals of every form, numbers, binds, symbols.
 *
 * It serves everything here that looks into a statement: RETURNING, what spans and errors may show, the compiler of `effect/sql`, the
 * semicolon at the end. It knows no grammar and never fails: what the server would refuse is cut into tokens too, and the tokens of a
 * text, one after another, are that text.
 */

/** What a token is; a hint is a comment, and a quoted name is a `name`. */
type TokenKind = "space" | "comment" | "word" | "name" | "string" | "number" | "bind" | "symbol"

export interface Token {
  readonly kind: TokenKind
  readonly text: string
  /** Where it begins, in characters from the start of the text. */
  readonly start: number
  readonly end: number
  /** A comment, a name or a literal whose end is missing: it reaches to the end of the text. */
  readonly isOpen: boolean
}

const space = /[\s\0]+/y
const word = /[\p{L}][\p{L}\p{M}\p{N}_$#]*/uy
/** `1..10` is a range of PL/SQL, so a point before a point does not belong to the number. */
const number = /(?:\d+(?:\.(?!\.)\d*)?|\.\d+)(?:e[+-]?\d+)?(?:[fd](?![\p{L}\p{N}_$#]))?/iuy
const bind = /:\s*(?:\d+|[\p{L}][\p{L}\p{M}\p{N}_$#]*|"[^"]*")/uy
const quotePrefix = /^n?q$/i

const closers: Readonly<Record<string, string>> = { "[": "]", "{": "}", "<": ">", "(": ")" }

const matchAt = (pattern: RegExp, text: string, at: number): number => {
  pattern.lastIndex = at
  const found = pattern.exec(text)
  return found === null ? at : at + found[0].length
}

/** The end of a literal whose quotation mark is at `open`; -1 when it has none. */
const plainEnd = (text: string, open: number): number => {
  let end = text.indexOf("'", open + 1)
  while (end >= 0 && text[end + 1] === "'") end = text.indexOf("'", end + 2)
  return end < 0 ? -1 : end + 1
}

/** The end of a q-quote whose quotation mark is at `open`; -1 when it has none, 0 when its delimiter can be none. */
const alternativeEnd = (text: string, open: number): number => {
  const delimiter = String.fromCodePoint(text.codePointAt(open + 1) ?? 0x20)
  if (/[\s\0]/.test(delimiter)) return 0
  const closer = `${closers[delimiter] ?? delimiter}'`
  const end = text.indexOf(closer, open + 1 + delimiter.length)
  return end < 0 ? -1 : end + closer.length
}

/** The end of what begins at `from` and ends with `mark`; -1 when it has none. */
const endAfter = (text: string, mark: string, from: number): number => {
  const found = text.indexOf(mark, from)
  return found < 0 ? -1 : found + mark.length
}

/** The end of a literal that begins with a prefix which ends at `quote`; 0 when the prefix is a word. */
const prefixedEnd = (text: string, at: number, quote: number): number => {
  if (text[quote] !== "'") return 0
  const prefix = text.slice(at, quote)
  if (prefix === "n" || prefix === "N") return plainEnd(text, quote)
  return quotePrefix.test(prefix) ? alternativeEnd(text, quote) : 0
}

type Found = readonly [kind: TokenKind, end: number]

/** The token that begins at a place, and where it ends: -1 where its end is missing. `last` is what came before. */
const tokenAt = (text: string, at: number, last: TokenKind | undefined): Found => {
  const char = text[at]
  const next = text[at + 1]
  if (char === "-" && next === "-") {
    const line = text.indexOf("\n", at)
    return ["comment", line < 0 ? text.length : line]
  }
  if (char === "/" && next === "*") return ["comment", endAfter(text, "*/", at + 2)]
  if (char === "'") return ["string", plainEnd(text, at)]
  if (char === "\"") return ["name", endAfter(text, "\"", at + 1)]
  const blank = matchAt(space, text, at)
  if (blank > at) return ["space", blank]
  const named = matchAt(word, text, at)
  if (named > at) {
    const end = prefixedEnd(text, at, named)
    return end === 0 ? ["word", named] : ["string", end]
  }
  const counted = matchAt(number, text, at)
  if (counted > at) return ["number", counted]
  // After a literal a colon is that of `json_object('k' : 1)`; the driver reads it so too.
  const bound = char === ":" && last !== "string" ? matchAt(bind, text, at) : at
  if (bound > at) return ["bind", bound]
  return ["symbol", char === "." && next === "." ? at + 2 : at + 1]
}

/** Cuts a text into tokens. */
export const tokenize = (text: string): Array<Token> => {
  const tokens: Array<Token> = []
  let last: TokenKind | undefined
  for (let at = 0; at < text.length;) {
    const [kind, found] = tokenAt(text, at, last)
    const isOpen = found < 0
    const end = isOpen ? text.length : found
    tokens.push({ kind, text: text.slice(at, end), start: at, end, isOpen })
    if (kind !== "space" && kind !== "comment") last = kind
    at = end
  }
  return tokens
}

/** Whether a token says something: neither space nor a comment. */
export const isSignificant = (token: Token): boolean => token.kind !== "space" && token.kind !== "comment"

/** The tokens without space and comments. */
export const significant = (text: string): Array<Token> => tokenize(text).filter(isSignificant)

/** The unquoted word of a token in capitals; an empty text for any other token, and past the end. */
export const wordOf = (token: Token | undefined): string => token?.kind === "word" ? token.text.toUpperCase() : ""

/** The first word of a statement in capitals, found without reading further; an empty text where something else comes first. */
export const firstWord = (text: string): string => {
  for (let at = 0; at < text.length;) {
    const [kind, found] = tokenAt(text, at, undefined)
    const end = found < 0 ? text.length : found
    if (kind === "word") return text.slice(at, end).toUpperCase()
    if (kind !== "space" && kind !== "comment") return ""
    at = end
  }
  return ""
}
