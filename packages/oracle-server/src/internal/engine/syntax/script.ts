/** Cuts a script into its statements, by the rules of SQL*Plus. */
import { tokenize } from "./lexer.ts"

interface LocatedStatement {
  readonly text: string
  /** Where it begins in the script. */
  readonly at: number
}

/** Statements of a script: SQL ends with `;`, PL/SQL with `/` on a line of its own. */
export const splitScript = (script: string): ReadonlyArray<string> => locateStatements(script).map(({ text }) => text)

/** The statements of a script with their places. */
export const locateStatements = (script: string): ReadonlyArray<LocatedStatement> => {
  const statements: Array<LocatedStatement> = []
  let from = 0
  // A separator that is kept by the parentheses comes between any two parts.
  for (const [index, part] of script.split(/(^\s*\/\s*$)/m).entries()) {
    const base = from
    from += part.length
    if (index % 2 === 1) continue
    const tokens = tokenize(part)
    let start = 0
    for (let i = 0; i < tokens.length; i++) {
      const token = tokens[i]!
      if (i === start && token.kind === "end") break
      if (i === start && isPlsql(tokens.slice(i, i + 5).map((t) => t.text))) {
        statements.push({ text: part.slice(token.start).trim(), at: base + token.start })
        break
      }
      if (token.kind === "end" || (token.kind === "op" && token.text === ";")) {
        const at = tokens[start]!.start
        const text = part.slice(at, token.start).trim()
        if (text !== "") statements.push({ text, at: base + at })
        start = i + 1
      }
    }
  }
  return statements
}

const isPlsql = (words: ReadonlyArray<string>): boolean =>
  words[0] === "BEGIN" || words[0] === "DECLARE" ||
  (words[0] === "CREATE" &&
    words.some((word) =>
      word === "PROCEDURE" || word === "FUNCTION" || word === "PACKAGE" || word === "TRIGGER" || word === "TYPE"
    ))
