/**
 * Regular expressions of the REGEXP functions, in time that grows with the text times the pattern.
 *
 * The pattern becomes a program of small steps that is walked with a stack of places to go back to. A step that has failed
 * at a place of the text fails there always, so it is not tried again: no pattern can explode. Back references make a
 * failure depend on what was matched before; a pattern that has them is bounded by a number of steps instead.
 */
import { oraError, unimplemented } from "../values/oraError.ts"
import { type Characters, type Program, Search, type Step, type Test } from "./regularSearch.ts"

type Node =
  | { readonly kind: "char"; readonly test: Test }
  | { readonly kind: "list"; readonly items: ReadonlyArray<Node> }
  | { readonly kind: "either"; readonly items: ReadonlyArray<Node> }
  | { readonly kind: "group"; readonly item: Node; readonly number: number }
  | { readonly kind: "repeat"; readonly item: Node; readonly min: number; readonly max: number; readonly lazy: boolean }
  | { readonly kind: "start" }
  | { readonly kind: "end" }
  | { readonly kind: "back"; readonly group: number }

interface Flags {
  readonly ignoreCase: boolean
  /** `.` matches a line feed too. */
  readonly dotAll: boolean
  /** `^` and `$` at each line. */
  readonly multiline: boolean
  /** Blanks in the pattern do not count. */
  readonly extended: boolean
}

const classes: Readonly<Record<string, RegExp>> = {
  alpha: /\p{L}/u,
  digit: /[0-9]/,
  alnum: /[\p{L}\p{N}]/u,
  upper: /\p{Lu}/u,
  lower: /\p{Ll}/u,
  space: /\s/,
  punct: /[!-/:-@[-`{-~]/,
  blank: /[ \t]/,
  cntrl: /[\x00-\x1f\x7f]/, // eslint-disable-line no-control-regex
  print: /[\x20-\x7e]|[^\x00-\x7f]/, // eslint-disable-line no-control-regex
  graph: /[\x21-\x7e]|[^\x00-\x7f]/, // eslint-disable-line no-control-regex
  xdigit: /[0-9A-Fa-f]/
}

const escapes: Readonly<Record<string, Test>> = {
  d: (c) => /[0-9]/.test(c),
  D: (c) => !/[0-9]/.test(c),
  w: (c) => /[\p{L}\p{N}_]/u.test(c),
  W: (c) => !/[\p{L}\p{N}_]/u.test(c),
  s: (c) => /\s/.test(c),
  S: (c) => !/\s/.test(c)
}

/** Copies of a repeated part that a pattern may ask for, all in all. */
const longestProgram = 20_000

class Parser {
  readonly #pattern: ReadonlyArray<string>
  readonly #flags: Flags
  #at = 0
  groups = 0
  hasBackReferences = false

  constructor(pattern: string, flags: Flags) {
    this.#pattern = Array.from(pattern)
    this.#flags = flags
  }

  parse(): Node {
    const node = this.#either()
    if (this.#at < this.#pattern.length) throw oraError(12725, "unmatched parentheses in regular expression")
    return node
  }

  get #next(): string | undefined {
    return this.#pattern[this.#at]
  }

  #either(): Node {
    const items = [this.#list()]
    while (this.#next === "|") {
      this.#at++
      items.push(this.#list())
    }
    return items.length === 1 ? items[0]! : { kind: "either", items }
  }

  #list(): Node {
    const items: Array<Node> = []
    for (;;) {
      const c = this.#next
      if (c === undefined || c === "|" || c === ")") break
      if (this.#flags.extended && /\s/.test(c)) {
        this.#at++
        continue
      }
      items.push(this.#repeated(this.#atom()))
    }
    return { kind: "list", items }
  }

  #repeated(atom: Node): Node {
    let node = atom
    for (;;) {
      const c = this.#next
      let min: number
      let max: number
      if (c === "*") [min, max] = [0, Infinity]
      else if (c === "+") [min, max] = [1, Infinity]
      else if (c === "?") [min, max] = [0, 1]
      else if (c === "{") {
        const match = /^\{(\d*)(,?)(\d*)\}/.exec(this.#pattern.slice(this.#at, this.#at + 14).join(""))
        if (match === null || (match[1] === "" && match[3] === "")) return node
        min = Number(match[1] === "" ? 0 : match[1])
        max = match[2] === "" ? min : match[3] === "" ? Infinity : Number(match[3])
        if (max < min) throw oraError(12727, "invalid back reference in regular expression")
        this.#at += match[0].length - 1
      } else return node
      this.#at++
      const lazy = this.#next === "?"
      if (lazy) this.#at++
      node = { kind: "repeat", item: node, min, max, lazy }
    }
  }

  #char(c: string): Node {
    if (!this.#flags.ignoreCase) return { kind: "char", test: (x) => x === c }
    const lower = c.toLowerCase()
    return { kind: "char", test: (x) => x === c || x.toLowerCase() === lower }
  }

  #atom(): Node {
    const c = this.#pattern[this.#at++]!
    switch (c) {
      case "(": {
        if (this.#next === "?") throw unimplemented("(?…) in regular expressions")
        const number = ++this.groups
        const item = this.#either()
        if (this.#next !== ")") throw oraError(12725, "unmatched parentheses in regular expression")
        this.#at++
        return { kind: "group", item, number }
      }
      case "[":
        return { kind: "char", test: this.#bracket() }
      case ".":
        return { kind: "char", test: this.#flags.dotAll ? () => true : (x) => x !== "\n" }
      case "^":
        return { kind: "start" }
      case "$":
        return { kind: "end" }
      case "*":
      case "+":
      case "?":
        throw oraError(12728, "invalid range in regular expression")
      case "\\": {
        const escaped = this.#pattern[this.#at++]
        if (escaped === undefined) return this.#char("\\")
        if (/[1-9]/.test(escaped)) {
          if (Number(escaped) > this.groups) throw oraError(12727, "invalid back reference in regular expression")
          this.hasBackReferences = true
          return { kind: "back", group: Number(escaped) }
        }
        const test = escapes[escaped]
        if (test !== undefined) return { kind: "char", test }
        if (escaped === "A") return { kind: "start" }
        if (escaped === "Z" || escaped === "z") return { kind: "end" }
        return this.#char(escaped)
      }
      default:
        return this.#char(c)
    }
  }

  #bracket(): Test {
    const isNegated = this.#next === "^"
    if (isNegated) this.#at++
    const tests: Array<Test> = []
    let isFirst = true
    for (;;) {
      const c = this.#pattern[this.#at++]
      if (c === undefined) throw oraError(12726, "unmatched bracket in regular expression")
      if (c === "]" && !isFirst) break
      isFirst = false
      if (c === "[" && this.#next === ":") {
        const end = this.#pattern.indexOf(":", this.#at + 1)
        if (end < 0 || this.#pattern[end + 1] !== "]") {
          throw oraError(12729, "invalid character class in regular expression")
        }
        const set = classes[this.#pattern.slice(this.#at + 1, end).join("")]
        if (set === undefined) throw oraError(12729, "invalid character class in regular expression")
        this.#at = end + 2
        tests.push((x) => set.test(x))
        continue
      }
      if (c === "[" && (this.#next === "." || this.#next === "=")) {
        throw unimplemented("collation elements in regular expressions")
      }
      if (c === "\\" && this.#next !== undefined && escapes[this.#next] !== undefined) {
        tests.push(escapes[this.#pattern[this.#at++]!]!)
        continue
      }
      const from = c === "\\" && this.#next !== undefined ? this.#pattern[this.#at++]! : c
      if (this.#next === "-" && this.#pattern[this.#at + 1] !== undefined && this.#pattern[this.#at + 1] !== "]") {
        this.#at++
        const to = this.#pattern[this.#at++]!
        const [low, high] = [from.codePointAt(0)!, to.codePointAt(0)!]
        if (high < low) throw oraError(12728, "invalid range in regular expression")
        tests.push((x) => x.codePointAt(0)! >= low && x.codePointAt(0)! <= high)
      } else tests.push((x) => x === from)
    }
    const has = (x: string): boolean => tests.some((test) => test(x))
    const any = this.#flags.ignoreCase
      ? (x: string): boolean => has(x) || has(x.toLowerCase()) || has(x.toUpperCase())
      : has
    return isNegated ? (x) => !any(x) : any
  }
}

class Compiler {
  readonly steps: Array<Step> = []
  slots: number

  constructor(groups: number) {
    this.slots = (groups + 1) * 2
  }

  #add(step: Step): number {
    if (this.steps.length >= longestProgram) throw oraError(12733, "regular expression too long")
    this.steps.push(step)
    return this.steps.length - 1
  }

  compile(node: Node): void {
    switch (node.kind) {
      case "list":
        for (const item of node.items) this.compile(item)
        return
      case "either": {
        const ends: Array<{ to: number }> = []
        node.items.forEach((item, i) => {
          if (i === node.items.length - 1) {
            this.compile(item)
            return
          }
          const split = { kind: "split" as const, first: 0, second: 0 }
          split.first = this.#add(split) + 1
          this.compile(item)
          const jump = { kind: "jump" as const, to: 0 }
          this.#add(jump)
          ends.push(jump)
          split.second = this.steps.length
        })
        for (const end of ends) end.to = this.steps.length
        return
      }
      case "group":
        this.#add({ kind: "save", slot: node.number * 2 })
        this.compile(node.item)
        this.#add({ kind: "save", slot: node.number * 2 + 1 })
        return
      case "repeat": {
        for (let i = 0; i < node.min; i++) this.compile(node.item)
        if (node.max === Infinity) this.#loop(node.item, node.lazy)
        else for (let i = node.min; i < node.max; i++) this.#optional(node.item, node.lazy)
        return
      }
      case "char":
        this.#add({ kind: "char", test: node.test })
        return
      case "back":
        this.#add({ kind: "back", group: node.group })
        return
      default:
        this.#add({ kind: node.kind })
    }
  }

  #optional(item: Node, lazy: boolean): void {
    const split = { kind: "split" as const, first: 0, second: 0 }
    const inside = this.#add(split) + 1
    this.compile(item)
    const after = this.steps.length
    split.first = lazy ? after : inside
    split.second = lazy ? inside : after
  }

  #loop(item: Node, lazy: boolean): void {
    const split = { kind: "split" as const, first: 0, second: 0 }
    const begin = this.#add(split)
    const slot = this.slots++
    this.#add({ kind: "save", slot })
    this.compile(item)
    this.#add({ kind: "progress", slot })
    this.#add({ kind: "jump", to: begin })
    const after = this.steps.length
    split.first = lazy ? after : begin + 1
    split.second = lazy ? begin + 1 : after
  }
}

export class RegularExpression {
  readonly #program: Program

  constructor(pattern: string, flags: Flags) {
    const parser = new Parser(pattern, flags)
    const node = parser.parse()
    const compiler = new Compiler(parser.groups)
    compiler.compile(node)
    this.#program = {
      steps: [...compiler.steps, { kind: "match" }],
      slots: compiler.slots,
      groups: parser.groups,
      ignoreCase: flags.ignoreCase,
      multiline: flags.multiline,
      bounded: parser.hasBackReferences
    }
  }

  search(text: Characters): Search {
    return new Search(this.#program, text)
  }
}
