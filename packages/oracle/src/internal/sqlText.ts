/** What a statement is about, for spans: its operation, its first table, and its text without literals. */

/** Comments and hints, up to their end. */
const comments = /\/\*[\s\S]*?\*\/|--[^\n]*/g
const literal = /\b[nN]?[qQ]'\[[\s\S]*?\]'|[nN]?'(?:[^']|'')*'/g
const name = String.raw`((?:"[^"]{1,128}"|[\w$#]{1,128})(?:\s*\.\s*(?:"[^"]{1,128}"|[\w$#]{1,128})){0,2})`

const targets: { readonly [operation: string]: RegExp } = {
  SELECT: new RegExp(String.raw`\bfrom\s+${name}`, "i"),
  WITH: new RegExp(String.raw`\bfrom\s+${name}`, "i"),
  INSERT: new RegExp(String.raw`\binto\s+${name}`, "i"),
  UPDATE: new RegExp(String.raw`^\s*update\s+(?:only\s*\(\s*)?${name}`, "i"),
  DELETE: new RegExp(String.raw`^\s*delete\s+(?:from\s+)?${name}`, "i"),
  MERGE: new RegExp(String.raw`\binto\s+${name}`, "i"),
  CALL: new RegExp(String.raw`^\s*call\s+${name}`, "i")
}

/** What a statement does and to what. */
export interface StatementSummary {
  /** Its first word in capitals, such as `SELECT`. */
  readonly operation: string
  /** The first table, view or procedure that it names. */
  readonly target: string | undefined
}

/** Long statements are not searched to their end: a summary is only a hint. */
const searched = 4000

export const summarize = (sql: string): StatementSummary => {
  const text = sql.slice(0, searched).replace(literal, "''").replace(comments, " ")
  const operation = (/[a-z]+/i.exec(text)?.[0] ?? "SQL").toUpperCase()
  const pattern = targets[operation]
  return { operation, target: pattern?.exec(text)?.[1]?.replace(/\s*\.\s*/g, ".") }
}

/** The text of a statement, with `?` in the place of every literal text. */
export const withoutLiterals = (sql: string): string => sql.replace(literal, "?")

const part = String.raw`(?:[A-Za-z\u0080-\uffff][\w$#\u0080-\uffff]*|"[^"\0]+")`
const qualified = new RegExp(String.raw`^${part}(?:\.${part}){0,3}(?:@${part}(?:\.${part}){0,8})?$`)
const simple = new RegExp(`^${part}$`)

/** Whether a text can stand in a statement as the name of a procedure, and as nothing else. */
export const isName = (text: string): boolean => qualified.test(text)

/** Whether a text can stand in a statement as the name of an argument. */
export const isSimpleName = (text: string): boolean => simple.test(text)
