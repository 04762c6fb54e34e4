/** SQL/JSON path expressions: reading their text. Running them is `jsonPathRun.ts`. */
import { oraError, unimplemented } from "../values/oraError.ts"

export type PathStep =
  | { readonly kind: "member"; readonly name: string }
  | { readonly kind: "members" }
  | { readonly kind: "descendant"; readonly name: string }
  | { readonly kind: "elements"; readonly ranges: ReadonlyArray<ElementRange> | undefined }
  | { readonly kind: "filter"; readonly test: PathTest }
  | { readonly kind: "method"; readonly name: string }

/** Places counted from the beginning, or back from the last one. */
export interface ElementPlace {
  readonly fromLast: boolean
  readonly offset: number
}

interface ElementRange {
  readonly from: ElementPlace
  readonly to: ElementPlace
}

export type Operand =
  | { readonly kind: "path"; readonly steps: ReadonlyArray<PathStep>; readonly isRoot: boolean }
  | { readonly kind: "literal"; readonly value: null | boolean | string }
  | { readonly kind: "number"; readonly text: string }
  | { readonly kind: "variable"; readonly name: string }

export type PathTest =
  | { readonly kind: "and" | "or"; readonly left: PathTest; readonly right: PathTest }
  | { readonly kind: "not"; readonly test: PathTest }
  | { readonly kind: "exists"; readonly operand: Operand }
  | { readonly kind: "compare"; readonly op: string; readonly left: Operand; readonly right: Operand }
  | { readonly kind: "in"; readonly left: Operand; readonly list: ReadonlyArray<Operand> }

export interface JsonPath {
  readonly steps: ReadonlyArray<PathStep>
  readonly strict: boolean
  /** What names a value that JSON_TABLE takes by this path alone. */
  readonly text: string
}

const methods = new Set([
  "abs",
  "avg",
  "boolean",
  "booleanOnly",
  "ceiling",
  "count",
  "date",
  "double",
  "float",
  "floor",
  "length",
  "lower",
  "maxNumber",
  "maxString",
  "minNumber",
  "minString",
  "number",
  "numberOnly",
  "size",
  "string",
  "stringify",
  "stringOnly",
  "sum",
  "timestamp",
  "toBoolean",
  "toDateTime",
  "type",
  "upper"
])

const known = new Map<string, JsonPath>()

const invalid = (): Error => oraError(40442, "JSON path expression syntax error")

class PathReader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  path(): JsonPath {
    const strict = this.#word("strict")
    if (!strict) this.#word("lax")
    if (!this.#take("$")) throw invalid()
    const steps = this.#steps()
    this.#blanks()
    if (this.#at < this.#text.length) throw invalid()
    return { steps, strict, text: this.#text }
  }

  #blanks(): void {
    while (/\s/.test(this.#text[this.#at] ?? "")) this.#at++
  }

  #take(op: string): boolean {
    this.#blanks()
    if (!this.#text.startsWith(op, this.#at)) return false
    this.#at += op.length
    return true
  }

  #word(word: string): boolean {
    this.#blanks()
    const rest = this.#text.slice(this.#at, this.#at + word.length + 1).toLowerCase()
    if (!rest.startsWith(word) || /[\w$]/.test(rest[word.length] ?? "")) return false
    this.#at += word.length
    return true
  }

  #match(pattern: RegExp): string | undefined {
    this.#blanks()
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    if (found !== undefined) this.#at += found.length
    return found
  }

  #name(): string {
    const name = this.#match(/[\p{L}_$][\p{L}\p{N}_$]*/uy)
    if (name !== undefined) return name
    const quoted = this.#match(/"(?:[^"\\]|\\.)*"/y)
    if (quoted === undefined) throw invalid()
    return JSON.parse(quoted) as string
  }

  #steps(): ReadonlyArray<PathStep> {
    const steps: Array<PathStep> = []
    for (;;) {
      if (this.#take("..")) steps.push({ kind: "descendant", name: this.#name() })
      else if (this.#take(".")) {
        if (this.#take("*")) steps.push({ kind: "members" })
        else {
          const name = this.#name()
          if (this.#take("(")) {
            if (!this.#take(")")) throw unimplemented(`arguments of the JSON path method ${name}`)
            if (!methods.has(name)) throw unimplemented(`JSON path method ${name}`)
            steps.push({ kind: "method", name })
          } else steps.push({ kind: "member", name })
        }
      } else if (this.#take("[")) steps.push({ kind: "elements", ranges: this.#ranges() })
      else if (this.#take("?")) {
        if (!this.#take("(")) throw invalid()
        const test = this.#either()
        if (!this.#take(")")) throw invalid()
        steps.push({ kind: "filter", test })
      } else return steps
    }
  }

  #ranges(): ReadonlyArray<ElementRange> | undefined {
    if (this.#take("*")) {
      if (!this.#take("]")) throw invalid()
      return undefined
    }
    const ranges: Array<ElementRange> = []
    do {
      const from = this.#place()
      ranges.push({ from, to: this.#word("to") ? this.#place() : from })
    } while (this.#take(","))
    if (!this.#take("]")) throw invalid()
    return ranges
  }

  #place(): ElementPlace {
    if (this.#word("last")) {
      if (!this.#take("-")) return { fromLast: true, offset: 0 }
      return { fromLast: true, offset: this.#integer() }
    }
    return { fromLast: false, offset: this.#integer() }
  }

  #integer(): number {
    const digits = this.#match(/\d+/y)
    if (digits === undefined) throw invalid()
    return Number(digits)
  }

  #either(): PathTest {
    let left = this.#both()
    while (this.#take("||")) left = { kind: "or", left, right: this.#both() }
    return left
  }

  #both(): PathTest {
    let left = this.#single()
    while (this.#take("&&")) left = { kind: "and", left, right: this.#single() }
    return left
  }

  #single(): PathTest {
    if (this.#take("!=")) throw invalid()
    if (this.#take("!")) {
      const hasParentheses = this.#take("(")
      const test = hasParentheses ? this.#either() : this.#single()
      if (hasParentheses && !this.#take(")")) throw invalid()
      return { kind: "not", test }
    }
    if (this.#take("(")) {
      const test = this.#either()
      if (!this.#take(")")) throw invalid()
      return test
    }
    if (this.#word("exists")) {
      if (!this.#take("(")) throw invalid()
      const operand = this.#operand()
      if (!this.#take(")")) throw invalid()
      return { kind: "exists", operand }
    }
    const left = this.#operand()
    for (const op of ["==", "!=", "<>", "<=", ">=", "<", ">", "="]) {
      if (this.#take(op)) {
        return { kind: "compare", op: op === "=" ? "==" : op === "<>" ? "!=" : op, left, right: this.#operand() }
      }
    }
    if (this.#word("in")) {
      if (!this.#take("(")) throw invalid()
      const list: Array<Operand> = []
      do list.push(this.#operand())
      while (this.#take(","))
      if (!this.#take(")")) throw invalid()
      return { kind: "in", left, list }
    }
    if (this.#word("has")) {
      if (!this.#word("substring")) throw invalid()
      return { kind: "compare", op: "has substring", left, right: this.#operand() }
    }
    if (this.#word("starts")) {
      if (!this.#word("with")) throw invalid()
      return { kind: "compare", op: "starts with", left, right: this.#operand() }
    }
    for (const op of ["like_regex", "eq_regex", "regex", "like"]) {
      if (this.#word(op)) return { kind: "compare", op, left, right: this.#operand() }
    }
    // A path alone asks whether it leads anywhere.
    if (left.kind === "path") return { kind: "exists", operand: left }
    throw invalid()
  }

  #operand(): Operand {
    if (this.#take("@")) return { kind: "path", steps: this.#steps(), isRoot: false }
    const variable = this.#match(/\$[\p{L}_][\p{L}\p{N}_$]*/uy)
    if (variable !== undefined) return { kind: "variable", name: variable.slice(1) }
    if (this.#take("$")) return { kind: "path", steps: this.#steps(), isRoot: true }
    const number = this.#match(/-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y)
    if (number !== undefined) return { kind: "number", text: number }
    const text = this.#match(/"(?:[^"\\]|\\.)*"/y)
    if (text !== undefined) return { kind: "literal", value: JSON.parse(text) as string }
    const single = this.#match(/'(?:[^'\\]|\\.)*'/y)
    if (single !== undefined) return { kind: "literal", value: single.slice(1, -1) }
    if (this.#word("true")) return { kind: "literal", value: true }
    if (this.#word("false")) return { kind: "literal", value: false }
    if (this.#word("null")) return { kind: "literal", value: null }
    throw invalid()
  }
}

export const readPath = (text: string): JsonPath => {
  let path = known.get(text)
  if (path === undefined) {
    path = new PathReader(text.trim()).path()
    if (known.size > 500) known.clear()
    known.set(text, path)
  }
  return path
}
