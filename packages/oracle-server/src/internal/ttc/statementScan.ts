/** Finds placeholders in the text of a statement without parsing it. */
// Which binds carry a value has to be known to find the end of a request, even when its text does not parse. This scan
// follows the rules by which the client itself looks at a text: first keyword, quotes, comments, RETURNING ... INTO.

const space = /\s/
const letter = /\p{L}/u
const wordPart = /[\p{L}\p{N}$_#]/u

const closers: { readonly [open: string]: string } = { "[": "]", "{": "}", "(": ")", "<": ">" }

/** The end of the quoted text, comment or q-string that begins at `at`, or `at` when none does. */
const skipQuoted = (sql: string, at: number): number => {
  const char = sql[at]!
  const until = (stop: string, from: number) => {
    const end = sql.indexOf(stop, from)
    return end < 0 ? sql.length : end + stop.length
  }
  if (char === "'" || char === "\"") return until(char, at + 1)
  if (char === "-" && sql[at + 1] === "-") return until("\n", at + 2)
  if (char === "/" && sql[at + 1] === "*") return until("*/", at + 2)
  if ((char === "q" || char === "Q") && sql[at + 1] === "'" && at + 2 < sql.length) {
    const open = sql[at + 2]!
    return until(`${closers[open] ?? open}'`, at + 3)
  }
  return at
}

const dml = new Set(["INSERT", "UPDATE", "DELETE", "MERGE"])

/** The indices of the placeholders that stand in the INTO of a RETURNING clause. */
export const returningPlaceholders = (sql: string): ReadonlySet<number> => {
  const found = new Set<number>()
  let first: string | undefined
  let returning = false
  let into = false
  let count = 0
  let at = 0
  while (at < sql.length) {
    const end = skipQuoted(sql, at)
    if (end > at) {
      at = end
      continue
    }
    const char = sql[at]!
    if (letter.test(char)) {
      const from = at
      while (at < sql.length && wordPart.test(sql[at]!)) at++
      const word = sql.slice(from, at).toUpperCase()
      if (first === undefined) {
        first = word
        if (!dml.has(first)) return found
      } else if (word === "RETURNING" || word === "RETURN") returning = true
      else if (returning && word === "INTO") into = true
      continue
    }
    at++
    if (char !== ":") continue
    while (at < sql.length && space.test(sql[at]!)) at++
    if (at < sql.length && (wordPart.test(sql[at]!) || sql[at] === "\"")) {
      if (into) found.add(count)
      count++
      if (sql[at] === "\"") at = skipQuoted(sql, at)
      else while (at < sql.length && wordPart.test(sql[at]!)) at++
    }
  }
  return found
}
