/** `UPDATE … FROM (values)`, which Oracle has as MERGE. */
import { type Piece, PieceText } from "./sqlPieces.ts"
import { type Token, wordOf } from "./sqlTokens.ts"

/** An UPDATE taken apart. */
export interface Update {
  readonly target: ReadonlyArray<Piece>
  readonly sets: ReadonlyArray<Piece>
}

const isSymbol = (token: Token, symbol: string): boolean => token.kind === "symbol" && token.text === symbol

/** The first token of a word outside of parentheses. */
const outside = (tokens: ReadonlyArray<Token>, word: string): Token | undefined => {
  let depth = 0
  return tokens.find((token) => {
    if (isSymbol(token, "(")) depth++
    else if (isSymbol(token, ")")) depth--
    return depth === 0 && wordOf(token) === word
  })
}

/** `UPDATE target SET … FROM`, when pieces are that. */
export const updateFrom = (pieces: ReadonlyArray<Piece>): Update | undefined => {
  const text = new PieceText(pieces)
  const [first] = text.tokens
  const from = text.tokens.at(-1)
  const set = outside(text.tokens, "SET")
  if (wordOf(first) !== "UPDATE" || wordOf(from) !== "FROM" || set === undefined) return undefined
  const target = text.trimmed(first!.end, set.start)
  const sets = text.trimmed(set.end, from!.start)
  return target.length === 0 || sets.length === 0 ? undefined : { target, sets }
}

/** What follows the values: the condition, and a RETURNING that the statement spells out itself. */
export const mergeRest = (pieces: ReadonlyArray<Piece>): {
  readonly condition: ReadonlyArray<Piece>
  readonly returning: ReadonlyArray<Piece>
} => {
  const text = new PieceText(pieces)
  const [first] = text.tokens
  const returning = outside(text.tokens, "RETURNING")
  const end = returning?.start ?? text.text.length
  const isWhere = wordOf(first) === "WHERE"
  const condition = text.trimmed(isWhere ? first!.end : 0, end)
  return {
    condition: condition.length === 0 ? ["1 = 1"] : isWhere ? condition : ["1 = 1 ", ...condition],
    returning: returning === undefined ? [] : [" ", ...text.trimmed(returning.start)]
  }
}
