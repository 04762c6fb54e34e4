/** What of a statement is sent, and whether it changes what others find. */
import * as Effect from "effect/Effect"
import type { OracleError } from "../OracleError.ts"
import { wrongArgument } from "./refusal.ts"
import { firstWord, significant, type Token, wordOf } from "./sqlTokens.ts"

/** What is made with PL/SQL inside, and ends with its own semicolon. */
const units: ReadonlySet<string> = new Set([
  "FUNCTION",
  "PROCEDURE",
  "PACKAGE",
  "TRIGGER",
  "TYPE",
  "LIBRARY",
  "JAVA",
  "MLE"
])

const isBlock = (tokens: ReadonlyArray<Token>): boolean => {
  const [first] = tokens
  const word = wordOf(first)
  if (word === "BEGIN" || word === "DECLARE" || first?.text === "<") return true
  return word === "CREATE" && tokens.slice(1, 8).some((token) => units.has(wordOf(token)))
}

const withoutSemicolon = (sql: string): string => {
  const tokens = significant(sql)
  let last = tokens.length
  while (last > 0 && tokens[last - 1]!.text === ";") last--
  if (last === tokens.length || last === 0 || isBlock(tokens)) return sql
  return sql.slice(0, tokens[last - 1]!.end)
}

/** Statements are few, but texts made up by a program can be many, and long. */
const mostRemembered = 500
const longestRemembered = 20_000

const remembered = new Map<string, string>()

/** The statement as Oracle takes it: without the semicolon behind it that tools want, which blocks of PL/SQL keep. */
const sendable = (sql: string): string => {
  if (!sql.includes(";")) return sql
  const known = remembered.get(sql)
  if (known !== undefined) return known
  const sent = withoutSemicolon(sql)
  if (sql.length <= longestRemembered) {
    if (remembered.size >= mostRemembered) remembered.clear()
    remembered.set(sql, sent)
  }
  return sent
}

const definitions: ReadonlySet<string> = new Set(["CREATE", "ALTER", "DROP", "RENAME", "FLASHBACK", "PURGE"])

let changes = 0

/** How often this process has changed definitions: what was described before another number may be described otherwise. */
export const definitionChanges = (): number => changes

const noted = Effect.sync(() => {
  changes++
})

/** Runs a statement as Oracle takes it, and notes a change of definitions when it begins and when it has ended. */
export const sent = <A, E, R>(
  sql: string,
  run: (text: string) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | OracleError, R> => {
  if (typeof sql !== "string") {
    return Effect.fail(wrongArgument("execute", "A statement", "a text", sql))
  }
  const text = sendable(sql)
  const sending = run(text)
  return definitions.has(firstWord(text)) ? Effect.andThen(noted, Effect.ensuring(sending, noted)) : sending
}
