/** LIKE and the REGEXP functions. */
import { fromInteger } from "../values/oracleNumber.ts"
import { oraError } from "../values/oraError.ts"
import { BOOLEAN, NUMBER, varchar2 } from "../values/sqlType.ts"
import { hasSurrogates, points } from "../values/text.ts"
import { define, defineInPieces, type FunctionTable, type Pieces } from "./functionDef.ts"
import { RegularExpression } from "./regularExpression.ts"
import type { Characters, Match, Search } from "./regularSearch.ts"

const compiled = new Map<string, RegularExpression>()

const regexp = (pattern: string, options: string): RegularExpression => {
  const key = `${options}\0${pattern}`
  const known = compiled.get(key)
  if (known !== undefined) return known
  let ignoreCase = false
  let multiline = false
  let dotAll = false
  let extended = false
  for (const option of options) {
    if (option === "i") ignoreCase = true
    else if (option === "c") ignoreCase = false
    else if (option === "m") multiline = true
    else if (option === "n") dotAll = true
    else if (option === "x") extended = true
    else throw oraError(1760, "illegal argument for function")
  }
  const expression = new RegularExpression(pattern, { ignoreCase, multiline, dotAll, extended })
  if (compiled.size > 500) compiled.clear()
  compiled.set(key, expression)
  return expression
}

const charactersOf = (text: string): Characters => hasSurrogates(text) ? points(text) : text

const slice = (text: Characters, from: number, to?: number): string =>
  typeof text === "string" ? text.slice(from, to) : text.slice(from, to).join("")

function* nextMatch(search: Search, from: number): Pieces<Match | undefined> {
  search.begin(from)
  for (;;) {
    const found = search.advance()
    if (found !== "more") return found
    yield undefined
  }
}

/** Where the match after this one is looked for. */
const after = (match: Match): number => match[1]! > match[0]! ? match[1]! : match[1]! + 1

function* nthMatch(
  text: Characters,
  pattern: string,
  position: number,
  occurrence: number,
  options: string
): Pieces<Match | undefined> {
  if (position < 1 || occurrence < 1) {
    throw oraError(1428, `argument '${Math.min(position, occurrence)}' is out of range`)
  }
  const search = regexp(pattern, options).search(text)
  let at = position - 1
  for (let left = occurrence; at <= text.length;) {
    const match = yield* nextMatch(search, at)
    if (match === undefined || --left === 0) return match
    at = after(match)
  }
  return undefined
}

const part = (text: Characters, match: Match, group: number): string | null => {
  const from = match[group * 2] ?? -1
  const to = match[group * 2 + 1] ?? -1
  return from < 0 || to < 0 ? null : slice(text, from, to)
}

/** A pattern of LIKE: stretches of characters between the `%`. `undefined` in a stretch is `_`. */
interface Like {
  readonly stretches: ReadonlyArray<Stretch>
}

interface Stretch {
  readonly characters: ReadonlyArray<string | undefined>
  /** The text of a stretch without `_`. */
  readonly text: string | undefined
}

const likes = new Map<string, Like>()

const stretchOf = (characters: ReadonlyArray<string | undefined>): Stretch => ({
  characters,
  text: characters.includes(undefined) ? undefined : characters.join("")
})

const likeOf = (pattern: string, escape: string | null): Like => {
  const key = `${escape ?? ""}\0${pattern}`
  const known = likes.get(key)
  if (known !== undefined) return known
  const stretches: Array<Stretch> = []
  let current: Array<string | undefined> = []
  const characters = Array.from(pattern)
  for (let i = 0; i < characters.length; i++) {
    const c = characters[i]!
    if (escape !== null && c === escape) {
      const next = characters[++i]
      if (next !== "%" && next !== "_" && next !== escape) {
        throw oraError(1424, "missing or illegal character following the escape character")
      }
      current.push(next)
    } else if (c === "%") {
      stretches.push(stretchOf(current))
      current = []
    } else current.push(c === "_" ? undefined : c)
  }
  stretches.push(stretchOf(current))
  const like: Like = { stretches }
  if (likes.size > 500) likes.clear()
  likes.set(key, like)
  return like
}

const fits = (text: ReadonlyArray<string>, at: number, stretch: Stretch): boolean => {
  const { characters } = stretch
  if (at < 0 || at + characters.length > text.length) return false
  for (let i = 0; i < characters.length; i++) {
    if (characters[i] !== undefined && characters[i] !== text[at + i]) return false
  }
  return true
}

/**
 * The first and the last stretch have their places; each of those between takes the first place that fits. A later place
 * could not help, so nothing is ever tried twice.
 */
const isLike = (value: string, like: Like): boolean => {
  const { stretches } = like
  const first = stretches[0]!
  if (stretches.every((stretch) => stretch.text !== undefined)) {
    const last = stretches.at(-1)!.text!
    if (stretches.length === 1) return value === first.text
    if (value.length < first.text!.length + last.length) return false
    if (!value.startsWith(first.text!) || !value.endsWith(last)) return false
    let at = first.text!.length
    const end = value.length - last.length
    for (let i = 1; i < stretches.length - 1; i++) {
      const { text } = stretches[i]!
      const found = value.indexOf(text!, at)
      if (found < 0 || found + text!.length > end) return false
      at = found + text!.length
    }
    return true
  }
  const text = Array.from(value)
  if (stretches.length === 1) return text.length === first.characters.length && fits(text, 0, first)
  const last = stretches.at(-1)!
  const end = text.length - last.characters.length
  if (end < first.characters.length || !fits(text, 0, first) || !fits(text, end, last)) return false
  let at = first.characters.length
  for (let i = 1; i < stretches.length - 1; i++) {
    const stretch = stretches[i]!
    while (!fits(text, at, stretch)) {
      at++
      if (at + stretch.characters.length > end) return false
    }
    at += stretch.characters.length
    if (at > end) return false
  }
  return true
}

/** LIKE without an escape character. */
export const matchesLike = (value: string, pattern: string): boolean => isLike(value, likeOf(pattern, null))

export const patternFunctions: FunctionTable = {
  LIKE: define<[string, string, string?]>({
    params: ["c", "c", "c"],
    min: 2,
    returns: BOOLEAN,
    run: (_, a, pattern, escape) => {
      if (escape !== undefined && Array.from(escape).length !== 1) {
        throw oraError(1425, "escape character must be character string of length 1")
      }
      return isLike(a, likeOf(pattern, escape ?? null)) ? 1 : 0
    }
  }),
  REGEXP_LIKE: defineInPieces<[string, string, string?]>({
    params: ["c", "c", "c"],
    min: 2,
    returns: BOOLEAN,
    *pieces(a, pattern, options = "") {
      return (yield* nextMatch(regexp(pattern, options).search(charactersOf(a)), 0)) === undefined ? 0 : 1
    }
  }),
  REGEXP_SUBSTR: defineInPieces<[string, string, number?, number?, (string | null)?, number?]>({
    params: ["c", "c", "int", "int", "c", "int"],
    min: 2,
    returns: varchar2(),
    nulls: true,
    *pieces(a, pattern, position = 1, occurrence = 1, options = "", group = 0) {
      if (a === null || pattern === null || position === null || occurrence === null || group === null) return null
      const text = charactersOf(a)
      const match = yield* nthMatch(text, pattern, position, occurrence, options ?? "")
      return match === undefined ? null : part(text, match, group)
    }
  }),
  REGEXP_INSTR: defineInPieces<[string, string, number?, number?, number?, (string | null)?, number?]>({
    params: ["c", "c", "int", "int", "int", "c", "int"],
    min: 2,
    returns: NUMBER,
    nulls: true,
    *pieces(a, pattern, position = 1, occurrence = 1, behind = 0, options = "", group = 0) {
      if (a === null || pattern === null) return null
      const match = yield* nthMatch(charactersOf(a), pattern, position, occurrence, options ?? "")
      const place = match?.[group * 2 + (behind === 1 ? 1 : 0)] ?? -1
      return fromInteger(place + 1)
    }
  }),
  REGEXP_COUNT: defineInPieces<[string, string, number?, string?]>({
    params: ["c", "c", "int", "c"],
    min: 2,
    returns: NUMBER,
    *pieces(a, pattern, position = 1, options = "") {
      const text = charactersOf(a)
      const search = regexp(pattern, options).search(text)
      let count = 0
      for (let at = position - 1; at <= text.length; count++) {
        const match = yield* nextMatch(search, at)
        if (match === undefined) break
        at = after(match)
      }
      return fromInteger(count)
    }
  }),
  REGEXP_REPLACE: defineInPieces<[string | null, string | null, (string | null)?, number?, number?, (string | null)?]>({
    params: ["c", "c", "c", "int", "int", "c"],
    min: 2,
    returns: varchar2(),
    nulls: true,
    *pieces(a, pattern, by = "", position = 1, occurrence = 0, options = "") {
      if (a === null || pattern === null) return a
      const text = charactersOf(a)
      const template = by ?? ""
      const search = regexp(pattern, options ?? "").search(text)
      let out = ""
      let copied = 0
      let seen = 0
      for (let at = position - 1; at <= text.length;) {
        const match = yield* nextMatch(search, at)
        if (match === undefined) break
        at = after(match)
        seen++
        if (occurrence !== 0 && seen !== occurrence) continue
        out += slice(text, copied, match[0]!) +
          template.replace(
            /\\([1-9])|\\\\/g,
            (m, n: string | undefined) => n === undefined ? m.slice(1) : part(text, match, Number(n)) ?? ""
          )
        copied = match[1]!
        if (seen === occurrence) break
      }
      return out + slice(text, copied)
    }
  })
}

/** LIKE and a regular expression as JSON paths use them. */
export const isLikePattern = (text: string, pattern: string): boolean => isLike(text, likeOf(pattern, null))
export const matchesRegexp = (text: string, pattern: string): boolean => {
  const search = regexp(pattern, "").search(charactersOf(text))
  search.begin(0)
  for (;;) {
    const found = search.advance()
    if (found !== "more") return found !== undefined
  }
}
