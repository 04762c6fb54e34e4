/** LIKE and the REGEXP functions. */
import { fromInteger } from "../OracleNumber.ts"
import { oraError, unimplemented } from "../OraError.ts"
import { BOOLEAN, NUMBER, varchar2 } from "../SqlType.ts"
import { define, type FunctionTable } from "./FunctionDef.ts"

const classes: Readonly<Record<string, string>> = {
  alpha: "\\p{L}",
  digit: "0-9",
  alnum: "\\p{L}\\p{N}",
  upper: "\\p{Lu}",
  lower: "\\p{Ll}",
  space: "\\s",
  punct: "!-\\/:-@\\[-`\\{-~",
  blank: " \\t",
  cntrl: "\\x00-\\x1f\\x7f",
  print: "\\x20-\\x7e",
  graph: "\\x21-\\x7e",
  xdigit: "0-9A-Fa-f"
}

const compiled = new Map<string, RegExp>()

/** POSIX bracket classes become Unicode ones; the rest of the syntax is shared. */
const regexp = (pattern: string, options: string): RegExp => {
  const key = `${options}\0${pattern}`
  const known = compiled.get(key)
  if (known !== undefined) {
    known.lastIndex = 0
    return known
  }
  let flags = "gu"
  for (const option of options) {
    if (option === "i") flags += "i"
    else if (option === "m") flags += "m"
    else if (option === "n") flags += "s"
    else if (option === "c") flags = flags.replace("i", "")
    else if (option !== "x") throw oraError(1760, "illegal argument for function")
    else throw unimplemented("match parameter x")
  }
  if (/\[[.=]/.test(pattern)) throw unimplemented("collation elements in regular expressions")
  let source = pattern.replace(/\[:(\w+):\]/g, (_m, name: string) => {
    const set = classes[name]
    if (set === undefined) throw oraError(12729, "invalid character class in regular expression")
    return set
  })
  // An unknown escape stands for its character.
  source = source.replace(/\\([^\w\s^$\\.*+?()[\]{}|/-])/gu, "$1")
  let expression: RegExp
  try {
    expression = new RegExp(source, flags)
  } catch {
    throw oraError(12726, "unmatched bracket in regular expression")
  }
  if (compiled.size > 500) compiled.clear()
  compiled.set(key, expression)
  return expression
}

const nthMatch = (
  text: string,
  pattern: string,
  position: number,
  occurrence: number,
  options: string
): RegExpExecArray | null => {
  if (position < 1 || occurrence < 1) {
    throw oraError(1428, `argument '${Math.min(position, occurrence)}' is out of range`)
  }
  const expression = regexp(pattern, options)
  expression.lastIndex = position - 1
  let match: RegExpExecArray | null = null
  for (let n = 0; n < occurrence; n++) {
    match = expression.exec(text)
    if (match === null) return null
    if (match[0] === "") expression.lastIndex++
  }
  return match
}

const likes = new Map<string, RegExp>()

const likeExpression = (pattern: string, escape: string | null): RegExp => {
  const key = `${escape ?? ""}\0${pattern}`
  const known = likes.get(key)
  if (known !== undefined) return known
  let source = "^"
  const characters = Array.from(pattern)
  for (let i = 0; i < characters.length; i++) {
    const c = characters[i]!
    if (escape !== null && c === escape) {
      const next = characters[++i]
      if (next !== "%" && next !== "_" && next !== escape) {
        throw oraError(1424, "missing or illegal character following the escape character")
      }
      source += next.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")
    } else if (c === "%") source += ".*"
    else if (c === "_") source += "."
    else source += c.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")
  }
  const expression = new RegExp(source + "$", "su")
  if (likes.size > 500) likes.clear()
  likes.set(key, expression)
  return expression
}

export const patternFunctions: FunctionTable = {
  LIKE: define<[string, string, string?]>({
    params: ["c", "c", "c"],
    min: 2,
    returns: BOOLEAN,
    run: (_, a, pattern, escape) => {
      if (escape !== undefined && Array.from(escape).length !== 1) {
        throw oraError(1425, "escape character must be character string of length 1")
      }
      return likeExpression(pattern, escape ?? null).test(a) ? 1 : 0
    }
  }),
  REGEXP_LIKE: define<[string, string, string?]>({
    params: ["c", "c", "c"],
    min: 2,
    returns: BOOLEAN,
    run: (_, a, pattern, options = "") => regexp(pattern, options).test(a) ? 1 : 0
  }),
  REGEXP_SUBSTR: define<[string, string, number?, number?, (string | null)?, number?]>({
    params: ["c", "c", "int", "int", "c", "int"],
    min: 2,
    returns: varchar2(),
    nulls: true,
    run: (_, a, pattern, position = 1, occurrence = 1, options = "", group = 0) => {
      if (a === null || pattern === null || position === null || occurrence === null) return null
      return nthMatch(a, pattern, position, occurrence, options ?? "")?.[group] ?? null
    }
  }),
  REGEXP_INSTR: define<[string, string, number?, number?, number?, (string | null)?, number?]>({
    params: ["c", "c", "int", "int", "int", "c", "int"],
    min: 2,
    returns: NUMBER,
    nulls: true,
    run: (_, a, pattern, position = 1, occurrence = 1, after = 0, options = "", group = 0) => {
      if (a === null || pattern === null) return null
      if (group > 0) throw unimplemented("REGEXP_INSTR of a subexpression")
      const match = nthMatch(a, pattern, position, occurrence, options ?? "")
      return fromInteger(match === null ? 0 : match.index + 1 + (after === 1 ? match[0].length : 0))
    }
  }),
  REGEXP_COUNT: define<[string, string, number?, string?]>({
    params: ["c", "c", "int", "c"],
    min: 2,
    returns: NUMBER,
    run: (_, a, pattern, position = 1, options = "") =>
      fromInteger([...a.slice(position - 1).matchAll(regexp(pattern, options))].length)
  }),
  REGEXP_REPLACE: define<[string | null, string | null, (string | null)?, number?, number?, (string | null)?]>({
    params: ["c", "c", "c", "int", "int", "c"],
    min: 2,
    returns: varchar2(),
    nulls: true,
    run: (_, a, pattern, by = "", position = 1, occurrence = 0, options = "") => {
      if (a === null || pattern === null) return a
      let seen = 0
      const head = a.slice(0, position - 1)
      const template = by ?? ""
      return head +
        a.slice(position - 1).replace(regexp(pattern, options ?? ""), (...groups: ReadonlyArray<unknown>) => {
          seen++
          if (occurrence !== 0 && seen !== occurrence) return groups[0] as string
          return template.replace(
            /\\([1-9])|\\\\/g,
            (m, n: string | undefined) =>
              n === undefined ? m.slice(1) : typeof groups[Number(n)] === "string" ? groups[Number(n)] as string : ""
          )
        })
    }
  })
}
