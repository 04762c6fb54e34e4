/** What a statement is put together from before its binds are numbered: text, values in their places, and text that has its own binds. */
import { isSignificant, type Token, tokenize } from "./sqlTokens.ts"
import { StatementError } from "./statementError.ts"

/** A value in its place. */
export interface Bind {
  readonly value: unknown
}

/** Text of `sql.unsafe` with placeholders of its own. */
interface Raw {
  readonly raw: string
  readonly params: ReadonlyArray<unknown>
}

export type Piece = string | Bind | Raw

/** How many binds one statement can have; the driver and the server would each fail in a way of their own. */
export const mostBinds = 65_535

/** Pieces of several parts, with a text between the parts. */
export const joined = (parts: ReadonlyArray<ReadonlyArray<Piece>>, separator: string): Array<Piece> => {
  const all: Array<Piece> = []
  for (const [index, part] of parts.entries()) {
    if (index > 0) all.push(separator)
    append(all, part)
  }
  return all
}

/** As `push(...parts)`, which overflows the stack where there are many. */
export const append = (pieces: Array<Piece>, parts: ReadonlyArray<Piece>): void => {
  for (const part of parts) pieces.push(part)
}

/** The text and the binds of a statement, numbered by their places, by which the driver binds. */
export const numbered = (
  pieces: ReadonlyArray<Piece>
): { readonly sql: string; readonly binds: ReadonlyArray<unknown> } => {
  const binds: Array<unknown> = []
  let sql = ""
  for (const piece of pieces) {
    if (typeof piece === "string") sql += piece
    else if ("raw" in piece) {
      sql += piece.raw
      for (const value of piece.params) binds.push(value)
    } else sql += `:${binds.push(piece.value)}`
  }
  if (binds.length > mostBinds) {
    throw new StatementError(
      `A statement can have at most ${mostBinds} binds, and this one has ${binds.length}: send the values in parts, or insert them into a `
        + "table and join that"
    )
  }
  return { sql, binds }
}

/** Stands for a piece that is no text; the tokenizer takes it for a symbol. */
const placeholder = "\uE000"

/** Pieces as one text, so that tokens can be found in it, and cut again where they were found. */
export class PieceText {
  readonly text: string
  /** Without space and comments. */
  readonly tokens: ReadonlyArray<Token>
  readonly #pieces: ReadonlyArray<Piece>

  constructor(pieces: ReadonlyArray<Piece>) {
    this.#pieces = pieces
    this.text = pieces.map((piece) => typeof piece === "string" ? piece : placeholder).join("")
    this.tokens = tokenize(this.text).filter(isSignificant)
  }

  /** The pieces of a part of the text. */
  slice(start: number, end = this.text.length): Array<Piece> {
    const found: Array<Piece> = []
    let at = 0
    for (const piece of this.#pieces) {
      const length = typeof piece === "string" ? piece.length : placeholder.length
      if (at + length > start && at < end) {
        const part = typeof piece === "string" ? piece.slice(Math.max(0, start - at), end - at) : piece
        if (part !== "") found.push(part)
      }
      at += length
    }
    return found
  }

  /** The pieces of a part without the space around them. */
  trimmed(start: number, end = this.text.length): Array<Piece> {
    const inside = this.tokens.filter((token) => token.start >= start && token.end <= end)
    const first = inside[0]
    const last = inside.at(-1)
    return first === undefined || last === undefined ? [] : this.slice(first.start, last.end)
  }
}
