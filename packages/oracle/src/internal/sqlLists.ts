/** Lists of values after IN, of any length. */
import { joined, type Piece, PieceText } from "./sqlPieces.ts"
import { significant, type Token, wordOf } from "./sqlTokens.ts"
import { StatementError } from "./statementError.ts"

/** Whether what has been written ends with IN. */
export const endsWithIn = (pieces: ReadonlyArray<Piece>): boolean => {
  const last = pieces.at(-1)
  return typeof last === "string" && wordOf(significant(last).at(-1)) === "IN"
}

/** What comes before the left side of a condition. */
const before: ReadonlySet<string> = new Set(
  "WHERE AND OR NOT ON WHEN THEN ELSE CASE HAVING WITH BY SELECT DISTINCT SET RETURNING CHECK IF ELSIF WHILE RETURN"
    .split(" ")
)

const is = (token: Token | undefined, symbol: string): boolean => token?.kind === "symbol" && token.text === symbol

/** Where the left side of the IN at the end begins, in tokens: outside of its own parentheses, behind what a condition comes after. */
const leftSide = (tokens: ReadonlyArray<Token>, end: number): number => {
  let depth = 0
  let at = end
  while (at > 0) {
    const token = tokens[at - 1]
    if (is(token, ")")) depth++
    else if (is(token, "(")) {
      if (depth === 0) return at
      depth--
    } else if (depth === 0 && (is(token, ",") || is(token, ";") || before.has(wordOf(token)))) return at
    at--
  }
  return at
}

/**
 * A condition with a list that is longer than the server takes: lists of what it does take, with OR, or after NOT IN with AND. `pieces` end
 * with IN.
 */
export const longList = (
  pieces: ReadonlyArray<Piece>,
  values: ReadonlyArray<ReadonlyArray<Piece>>,
  longest: number
): Array<Piece> => {
  const written = new PieceText(pieces)
  const { tokens } = written
  const isNot = wordOf(tokens.at(-2)) === "NOT"
  const end = tokens.length - (isNot ? 2 : 1)
  const start = leftSide(tokens, end)
  if (start >= end) {
    throw new StatementError(
      `A list after IN can have ${longest} values on this server; for a longer one use sql.in(column, values), so that the left side is known`
    )
  }
  const left = written.slice(tokens[start]!.start, tokens[end - 1]!.end)
  const lists: Array<Array<Piece>> = []
  for (let from = 0; from < values.length; from += longest) {
    lists.push([...left, isNot ? " NOT IN (" : " IN (", ...joined(values.slice(from, from + longest), ","), ")"])
  }
  return [...written.slice(0, tokens[start]!.start), "(", ...joined(lists, isNot ? " AND " : " OR "), ")"]
}
