/** Text to tokens: words, quoted names, numbers, literals, placeholders and operators, each with its offset. */
import { oraError } from "../values/oraError.ts"

type TokenKind = "word" | "quoted" | "number" | "string" | "bind" | "op" | "end"

export interface Token {
  readonly kind: TokenKind
  /** Words in upper case; names and literals as they are meant; operators as written. */
  readonly text: string
  readonly start: number
  readonly end: number
  /** A literal of the national character set. */
  readonly national?: boolean
}

const isSpace = (c: number): boolean => c === 32 || (c >= 9 && c <= 13) || c === 0 || c === 0xa0
const isDigit = (c: number): boolean => c >= 48 && c <= 57
const isLetter = (c: number): boolean => (c >= 65 && c <= 90) || (c >= 97 && c <= 122) || c > 127
const isWord = (c: number): boolean => isLetter(c) || isDigit(c) || c === 95 || c === 36 || c === 35

/** As Oracle puts names in capitals: letter by letter, so that `ß`, whose capital would be two letters, stays. */
const nameInCapitals = (name: string): string => {
  const all = name.toUpperCase()
  if (all.length === name.length) return all
  return Array.from(name, (letter) => {
    const capital = letter.toUpperCase()
    return [...capital].length === 1 ? capital : letter
  }).join("")
}

const pairs = new Set(["<<", ">>", "!=", "<>", "^=", "~=", "<=", ">=", "||", ":=", "=>", "**", ".."])
const single = "+-*/(),.;=<>@%?[]"

const closers: Readonly<Record<string, string>> = { "[": "]", "{": "}", "<": ">", "(": ")" }

export const tokenize = (sql: string): Array<Token> => {
  const tokens: Array<Token> = []
  const length = sql.length
  let at = 0
  const push = (kind: TokenKind, text: string, start: number, end: number, national = false): void => {
    tokens.push(national ? { kind, text, start, end, national } : { kind, text, start, end })
    at = end
  }
  while (at < length) {
    const c = sql.charCodeAt(at)
    if (isSpace(c)) {
      at++
      continue
    }
    const next = sql.charCodeAt(at + 1)
    if (c === 45 && next === 45) {
      const end = sql.indexOf("\n", at)
      at = end < 0 ? length : end + 1
      continue
    }
    if (c === 47 && next === 42) {
      const end = sql.indexOf("*/", at + 2)
      if (end < 0) throw oraError(1742, "comment not terminated properly", at)
      at = end + 2
      continue
    }
    if (c === 39) {
      quote(at, at, false)
      continue
    }
    if ((c === 78 || c === 110) && next === 39) {
      quote(at, at + 1, true)
      continue
    }
    if ((c === 81 || c === 113) && next === 39) {
      alternative(at, at + 2, false)
      continue
    }
    if ((c === 78 || c === 110) && (next === 81 || next === 113) && sql.charCodeAt(at + 2) === 39) {
      alternative(at, at + 3, true)
      continue
    }
    if (isLetter(c)) {
      let end = at + 1
      while (end < length && isWord(sql.charCodeAt(end))) end++
      const text = sql.slice(at, end)
      if (text.length > 128) throw oraError(972, "identifier is too long", at)
      push("word", nameInCapitals(text), at, end)
      continue
    }
    if (isDigit(c) || (c === 46 && isDigit(next))) {
      numeral()
      continue
    }
    if (c === 34) {
      const end = sql.indexOf("\"", at + 1)
      if (end < 0) throw oraError(1740, "missing double quote in identifier", at)
      if (end === at + 1) throw oraError(1741, "illegal zero-length identifier", at)
      push("quoted", sql.slice(at + 1, end), at, end + 1)
      continue
    }
    if (c === 58 && next !== 61) {
      let start = at + 1
      while (start < length && isSpace(sql.charCodeAt(start))) start++
      if (sql[start] === "\"") {
        const end = sql.indexOf("\"", start + 1)
        if (end < 0) throw oraError(1740, "missing double quote in identifier", start)
        push("bind", sql.slice(start + 1, end), at, end + 1)
        continue
      }
      let end = start
      while (end < length && isWord(sql.charCodeAt(end))) end++
      if (end === start) {
        // A colon between a key and a value of JSON; anywhere else the parser refuses it.
        push("op", ":", at, at + 1)
        continue
      }
      push("bind", nameInCapitals(sql.slice(start, end)), at, end)
      continue
    }
    const triple = sql.slice(at, at + 3)
    if (triple === "<->" || triple === "<=>" || triple === "<#>") {
      push("op", triple, at, at + 3)
      continue
    }
    const pair = sql.slice(at, at + 2)
    if (pairs.has(pair)) {
      push("op", pair === "!=" || pair === "^=" || pair === "~=" ? "<>" : pair, at, at + 2)
      continue
    }
    if (single.includes(sql[at]!)) {
      push("op", sql[at]!, at, at + 1)
      continue
    }
    throw oraError(911, `${sql[at]}: invalid character after ${tokens.at(-1)?.text ?? "start"}`, at)
  }
  tokens.push({ kind: "end", text: "", start: length, end: length })
  return tokens

  function quote(start: number, open: number, national: boolean): void {
    let end = open + 1
    for (;;) {
      end = sql.indexOf("'", end)
      if (end < 0) throw oraError(1756, "quoted string not properly terminated", start)
      if (sql.charCodeAt(end + 1) !== 39) break
      end += 2
    }
    push("string", sql.slice(open + 1, end).replaceAll("''", "'"), start, end + 1, national)
  }

  function alternative(start: number, open: number, national: boolean): void {
    const opener = sql[open] ?? ""
    const end = sql.indexOf((closers[opener] ?? opener) + "'", open + 1)
    if (opener === "" || end < 0) throw oraError(1756, "quoted string not properly terminated", start)
    push("string", sql.slice(open + 1, end), start, end + 2, national)
  }

  function numeral(): void {
    let end = at
    while (end < length && isDigit(sql.charCodeAt(end))) end++
    // `1..10` is a range of PL/SQL, not a fraction.
    if (sql[end] === "." && sql[end + 1] !== ".") {
      end++
      while (end < length && isDigit(sql.charCodeAt(end))) end++
    }
    if (sql[end] === "e" || sql[end] === "E") {
      let power = end + 1
      if (sql[power] === "+" || sql[power] === "-") power++
      if (isDigit(sql.charCodeAt(power))) {
        while (power < length && isDigit(sql.charCodeAt(power))) power++
        end = power
      }
    }
    const suffix = sql[end]
    if ((suffix === "f" || suffix === "F" || suffix === "d" || suffix === "D") && !isWord(sql.charCodeAt(end + 1))) {
      end++
    }
    push("number", sql.slice(at, end), at, end)
  }
}
