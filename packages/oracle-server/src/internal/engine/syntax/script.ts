/** Cuts a script into its statements, by the rules of SQL*Plus. */
import { tokenize } from "./lexer.ts"

/** Statements of a script: SQL ends with `;`, PL/SQL with `/` on a line of its own. */
export const splitScript = (script: string): ReadonlyArray<string> => {
  const statements: Array<string> = []
  for (const part of script.split(/^\s*\/\s*$/m)) {
    const tokens = tokenize(part)
    let start = 0
    for (let i = 0; i < tokens.length; i++) {
      const token = tokens[i]!
      if (i === start && token.kind === "end") break
      if (i === start && isPlsql(tokens.slice(i, i + 5).map((t) => t.text))) {
        statements.push(part.slice(token.start).trim())
        break
      }
      if (token.kind === "end" || (token.kind === "op" && token.text === ";")) {
        const text = part.slice(tokens[start]!.start, token.start).trim()
        if (text !== "") statements.push(text)
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
