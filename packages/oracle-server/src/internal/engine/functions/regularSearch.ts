/**
 * Walks the program of a regular expression over a text, with a stack of places to go back to. It can stop after any number of steps and
 * go on later, so a long text keeps no other session waiting.
 */
import { oraError } from "../values/oraError.ts"

export type Test = (c: string) => boolean

export type Step =
  | { readonly kind: "char"; readonly test: Test }
  | { readonly kind: "split"; first: number; second: number }
  | { readonly kind: "jump"; to: number }
  | { readonly kind: "save"; readonly slot: number }
  | { readonly kind: "start" }
  | { readonly kind: "end" }
  | { readonly kind: "back"; readonly group: number }
  /** Fails when a repeated part has matched nothing since it began: it would repeat without end. */
  | { readonly kind: "progress"; readonly slot: number }
  | { readonly kind: "match" }

/** Characters: a text without surrogate pairs is a list of them already. */
export type Characters = string | ReadonlyArray<string>

/** Where a match and its groups stand, in characters; -1 for a group that took no part. */
export type Match = ReadonlyArray<number>

export interface Program {
  readonly steps: ReadonlyArray<Step>
  /** How many places a walk remembers. */
  readonly slots: number
  readonly groups: number
  readonly ignoreCase: boolean
  readonly multiline: boolean
  /** It has back references: a failure is not known for good. */
  readonly bounded: boolean
}

/** With back references, as many steps as a search may take. */
const mostSteps = 2_000_000
/** Steps between two pauses: about a millisecond. */
const fuel = 20_000

/** Which splits have been come through, at which places of the text. */
class Visits {
  readonly #bits: Uint32Array
  #keys: Array<number> = []
  #isFull = false

  constructor(size: number) {
    this.#bits = new Uint32Array(Math.ceil(size / 32))
  }

  /** False when it is known already. */
  add(key: number): boolean {
    const word = Math.floor(key / 32)
    const bit = 1 << (key % 32)
    if ((this.#bits[word]! & bit) !== 0) return false
    this.#bits[word]! |= bit
    if (this.#keys.length < this.#bits.length) this.#keys.push(key)
    else this.#isFull = true
    return true
  }

  clear(): void {
    if (this.#isFull) this.#bits.fill(0)
    else for (const key of this.#keys) this.#bits[Math.floor(key / 32)] = 0
    this.#keys = []
    this.#isFull = false
  }
}

/** One text and what is looked for in it. */
export class Search {
  readonly #program: Program
  readonly #text: Characters
  readonly #visits: Visits | undefined
  /** The number of each split; what has failed after one fails again. */
  readonly #numbers: ReadonlyArray<number>
  readonly #first: Test | undefined
  readonly #saved: Array<number>
  /** Threes: a place to go back to, or what a slot held before. */
  #stack: Array<number> = []
  #step = 0
  #at = 0
  #start = 0
  #fuel = fuel
  #taken = 0

  constructor(program: Program, text: Characters) {
    this.#program = program
    this.#text = text
    let splits = 0
    this.#numbers = program.steps.map((step) => step.kind === "split" ? splits++ : 0)
    this.#visits = program.bounded || splits === 0 ? undefined : new Visits(splits * (text.length + 1))
    this.#saved = Array.from({ length: program.slots }, () => -1)
    const begin = program.steps.find(({ kind }) => kind !== "save")
    this.#first = begin?.kind === "char" ? begin.test : undefined
  }

  begin(from: number): void {
    this.#saved.fill(-1)
    this.#stack = []
    this.#visits?.clear()
    this.#taken = 0
    this.#startAt(from)
  }

  #startAt(from: number): void {
    this.#start = from
    this.#saved[0] = from
    this.#step = 0
    this.#at = from
  }

  /** The first match from where the search began; "more" when it is time for a pause. */
  advance(): Match | undefined | "more" {
    const { bounded, groups, ignoreCase, multiline, steps } = this.#program
    const text = this.#text
    const { length } = text
    const width = length + 1
    const saved = this.#saved
    const stack = this.#stack
    let step = this.#step
    let at = this.#at
    let left = this.#fuel
    for (; left > 0; left--) {
      const current = steps[step]!
      let holds = true
      switch (current.kind) {
        case "char":
          if (at < length && current.test(text[at]!)) at++
          else holds = false
          break
        case "split":
          // The first way is taken now; coming here again at this place can only fail as it will.
          if (this.#visits?.add(this.#numbers[step]! * width + at) === false) {
            holds = false
            break
          }
          stack.push(current.second, at, 0)
          step = current.first
          continue
        case "jump":
          step = current.to
          continue
        case "save":
          stack.push(-1, current.slot, saved[current.slot]!)
          saved[current.slot] = at
          break
        case "progress":
          holds = saved[current.slot] !== at
          break
        case "start":
          holds = at === 0 || (multiline && text[at - 1] === "\n")
          break
        case "end":
          holds = at === length || (multiline && text[at] === "\n")
          break
        case "back": {
          const from = saved[current.group * 2]!
          const to = saved[current.group * 2 + 1]!
          if (from < 0 || to < 0) {
            holds = false
            break
          }
          for (let i = from; i < to && holds; i++) holds = isSame(text[i]!, text[at + i - from], ignoreCase)
          if (holds) at += to - from
          break
        }
        case "match":
          saved[1] = at
          this.#fuel = left
          return saved.slice(0, (groups + 1) * 2)
      }
      if (holds) {
        step++
        continue
      }
      for (;;) {
        if (stack.length === 0) {
          if (++this.#start > length) {
            this.#fuel = left
            return undefined
          }
          if (this.#first !== undefined) {
            while (this.#start < length && left > 1 && !this.#first(text[this.#start]!)) {
              this.#start++
              left--
            }
          }
          this.#startAt(this.#start)
          step = 0
          at = this.#start
          break
        }
        const old = stack.pop()!
        const place = stack.pop()!
        const back = stack.pop()!
        if (back >= 0) {
          step = back
          at = place
          break
        }
        saved[place] = old
      }
    }
    this.#step = step
    this.#at = at
    this.#fuel = fuel
    this.#taken += fuel
    if (bounded && this.#taken > mostSteps) throw oraError(12733, "regular expression too long")
    return "more"
  }
}

const isSame = (a: string, b: string | undefined, ignoreCase: boolean): boolean =>
  a === b || (ignoreCase && a.toLowerCase() === b?.toLowerCase())
