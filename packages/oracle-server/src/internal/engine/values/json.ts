/**
 * JSON as a tree: read by Oracle's lax or strict syntax, written without needless blanks or prettily. Numbers keep their text, so
 * none loses a digit.
 */
import { plainNumber } from "./format/numberFormat.ts"
import { type NumberValue, parse as parseNumber, toText } from "./oracleNumber.ts"
import { oraError } from "./oraError.ts"

export class JsonNumber {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

export class JsonObject {
  readonly members: Map<string, Json>
  constructor(members: Map<string, Json> = new Map()) {
    this.members = members
  }
}

export type Json = null | boolean | string | JsonNumber | ReadonlyArray<Json> | JsonObject

interface ReadOptions {
  readonly strict?: boolean
  readonly uniqueKeys?: boolean
}

const syntaxError = (): Error => oraError(40441, "JSON syntax error")

/** Levels of objects and arrays within one another. */
const maxDepth = 1024

const escapes: Readonly<Record<string, string>> = {
  "\"": "\"",
  "'": "'",
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t"
}

class Reader {
  readonly #text: string
  readonly #options: ReadOptions
  #at = 0
  #depth = 0

  constructor(text: string, options: ReadOptions) {
    this.#text = text
    this.#options = options
  }

  whole(): Json {
    const value = this.#value()
    this.#blanks()
    if (this.#at < this.#text.length) throw syntaxError()
    return value
  }

  #blanks(): void {
    for (;;) {
      const c = this.#text.charCodeAt(this.#at)
      if (c !== 32 && c !== 9 && c !== 10 && c !== 13) return
      this.#at++
    }
  }

  #value(): Json {
    this.#blanks()
    const c = this.#text[this.#at]
    if (c === "{") return this.#object()
    if (c === "[") return this.#array()
    if (c === "\"" || (c === "'" && this.#options.strict !== true)) return this.#string()
    const number = this.#options.strict === true ? strictNumber : laxNumber
    number.lastIndex = this.#at
    const match = number.exec(this.#text)
    if (match !== null) {
      this.#at += match[0].length
      return new JsonNumber(match[0].replace(/^\+/, ""))
    }
    return this.#literal()
  }

  #literal(): Json {
    const word = /[A-Za-z]+/y
    word.lastIndex = this.#at
    const found = word.exec(this.#text)?.[0] ?? ""
    const name = this.#options.strict === true ? found : found.toLowerCase()
    this.#at += found.length
    if (name === "true") return true
    if (name === "false") return false
    if (name === "null") return null
    throw syntaxError()
  }

  /** Most strings are a stretch of the text as it stands. */
  #plainString(): string | undefined {
    const text = this.#text
    const quote = text.charCodeAt(this.#at)
    const from = this.#at + 1
    const control = this.#options.strict === true ? 31 : -1
    for (let at = from; at < text.length; at++) {
      const unit = text.charCodeAt(at)
      if (unit === quote) {
        this.#at = at + 1
        return text.slice(from, at)
      }
      if (unit === 92 || unit <= control) return undefined
    }
    return undefined
  }

  #string(): string {
    const plain = this.#plainString()
    if (plain !== undefined) return plain
    const quote = this.#text[this.#at++]
    let out = ""
    for (;;) {
      const c = this.#text[this.#at++]
      if (c === undefined) throw syntaxError()
      if (c === quote) return out
      if (c !== "\\") {
        if (c < " " && this.#options.strict === true) throw syntaxError()
        out += c
        continue
      }
      const next = this.#text[this.#at++] ?? ""
      if (next === "u") {
        const hex = this.#text.slice(this.#at, this.#at + 4)
        if (!/^[0-9a-fA-F]{4}$/.test(hex)) throw syntaxError()
        out += String.fromCharCode(parseInt(hex, 16))
        this.#at += 4
      } else {
        const plain = escapes[next]
        if (plain === undefined || (next === "'" && this.#options.strict === true)) throw syntaxError()
        out += plain
      }
    }
  }

  #key(): string {
    this.#blanks()
    const c = this.#text[this.#at]
    if (c === "\"" || (c === "'" && this.#options.strict !== true)) return this.#string()
    if (this.#options.strict === true) throw syntaxError()
    const name = /[\p{L}_$][\p{L}\p{N}_$]*/uy
    name.lastIndex = this.#at
    const found = name.exec(this.#text)?.[0]
    if (found === undefined) throw syntaxError()
    this.#at += found.length
    return found
  }

  #enter(): void {
    this.#at++
    if (++this.#depth > maxDepth) throw syntaxError()
  }

  /** After a member: true when another one follows. */
  #more(close: string): boolean {
    this.#blanks()
    const c = this.#text[this.#at++]
    if (c === close) return false
    if (c !== ",") throw syntaxError()
    this.#blanks()
    // A comma too many is forgiven by the lax syntax.
    if (this.#text[this.#at] !== close) return true
    if (this.#options.strict === true) throw syntaxError()
    this.#at++
    return false
  }

  #isEmpty(close: string): boolean {
    this.#blanks()
    if (this.#text[this.#at] !== close) return false
    this.#at++
    return true
  }

  #object(): Json {
    this.#enter()
    const members = new Map<string, Json>()
    if (!this.#isEmpty("}")) {
      do {
        const key = this.#key()
        this.#blanks()
        if (this.#text[this.#at++] !== ":") throw syntaxError()
        if (this.#options.uniqueKeys === true && members.has(key)) {
          throw oraError(40473, "duplicate key names in JSON object")
        }
        members.set(key, this.#value())
      } while (this.#more("}"))
    }
    this.#depth--
    return new JsonObject(members)
  }

  #array(): Json {
    this.#enter()
    const items: Array<Json> = []
    if (!this.#isEmpty("]")) {
      do items.push(this.#value())
      while (this.#more("]"))
    }
    this.#depth--
    return items
  }
}

const strictNumber = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const laxNumber = /[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y

/** The last documents that were read: paths of one statement ask for the same ones again and again. */
const recent = new Map<string, Json>()
/** The last long one, for as long as there is room for it. */
let long: WeakRef<{ readonly text: string; readonly value: Json }> | undefined

const readLong = (text: string): Json => {
  const known = long?.deref()
  if (known?.text === text) return known.value
  const value = new Reader(text, {}).whole()
  long = new WeakRef({ text, value })
  return value
}

export const readJson = (text: string, options: ReadOptions = {}): Json => {
  if (options.strict === true || options.uniqueKeys === true) return new Reader(text, options).whole()
  if (text.length > 100_000) return readLong(text)
  let value = recent.get(text)
  if (value === undefined) {
    value = new Reader(text, options).whole()
    if (recent.size >= 16) recent.clear()
    recent.set(text, value)
  }
  return value
}

export const isArray = (value: Json | undefined): value is ReadonlyArray<Json> => Array.isArray(value)
const isScalar = (value: Json): boolean => !isArray(value) && !(value instanceof JsonObject)

export interface WriteOptions {
  readonly pretty?: boolean | undefined
  readonly ascii?: boolean | undefined
  readonly ordered?: boolean | undefined
}

const quoted = (text: string, ascii: boolean): string => {
  const json = JSON.stringify(text)
  return ascii
    ? json.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`)
    : json
}

export const writeJson = (value: Json, options: WriteOptions = {}): string => {
  const { ascii = false, ordered = false, pretty = false } = options
  const write = (item: Json, indent: string): string => {
    if (item === null) return "null"
    if (typeof item === "boolean") return item ? "true" : "false"
    if (typeof item === "string") return quoted(item, ascii)
    if (item instanceof JsonNumber) return numberText(item)
    const inner = pretty ? `${indent}  ` : ""
    const isList = isArray(item)
    const parts: Array<string> = []
    if (isList) { for (const part of item) parts.push(write(part, inner)) }
    else {
      const { members } = item
      const all = ordered ? [...members].toSorted(([a], [b]) => a < b ? -1 : a > b ? 1 : 0) : members
      for (const [key, part] of all) {
        parts.push(quoted(key, ascii) + (pretty ? colon(part, inner) : ":") + write(part, inner))
      }
    }
    const [open, close] = isList ? ["[", "]"] : ["{", "}"]
    if (parts.length === 0) return open + close
    return pretty
      ? `${open}\n${parts.map((part) => inner + part).join(",\n")}\n${indent}${close}`
      : open + parts.join(",") + close
  }
  return write(value, "")
}

/** Objects and arrays stand on a line of their own. */
const colon = (part: Json, indent: string): string => isScalar(part) || isEmpty(part) ? " : " : ` :\n${indent}`

const isEmpty = (value: Json): boolean =>
  isArray(value) ? value.length === 0 : value instanceof JsonObject && value.members.size === 0

/** A number as JSON has it: with a zero before the point, none too many elsewhere. */
const numberText = ({ text }: JsonNumber): string =>
  /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text) ? text : toText(numberOf(text))

export const numberOf = (text: string): NumberValue => {
  const value = parseNumber(text)
  if (value === undefined) throw syntaxError()
  return value
}

/** Text in its JSON type: numbers as NUMBER keeps them, duplicate keys gone. */
export const normalizeJson = (text: string): string => writeJson(normalized(readJson(text)))

const normalized = (value: Json): Json => {
  if (value instanceof JsonNumber) return new JsonNumber(canonical(value.text))
  if (isArray(value)) return value.map(normalized)
  if (value instanceof JsonObject) {
    return new JsonObject(new Map([...value.members].map(([key, item]) => [key, normalized(item)])))
  }
  return value
}

const canonical = (text: string): string => {
  const plain = plainNumber(numberOf(text))
  return plain.startsWith(".") ? `0${plain}` : plain.startsWith("-.") ? `-0${plain.slice(1)}` : plain
}

/** Equal by value: the order of members does not count, nor how a number is written. */
export const equalJson = (a: Json, b: Json): boolean => {
  if (a instanceof JsonNumber) return b instanceof JsonNumber && canonical(a.text) === canonical(b.text)
  if (isArray(a)) return isArray(b) && a.length === b.length && a.every((item, i) => equalJson(item, b[i]!))
  if (a instanceof JsonObject) {
    return b instanceof JsonObject && a.members.size === b.members.size &&
      [...a.members].every(([key, item]) => b.members.has(key) && equalJson(item, b.members.get(key)!))
  }
  return a === b
}

/** RFC 7396: members of the patch replace those of the target, nulls remove them. */
export const mergePatch = (target: Json, patch: Json): Json => {
  if (!(patch instanceof JsonObject)) return patch
  const members = new Map(target instanceof JsonObject ? target.members : [])
  for (const [key, item] of patch.members) {
    if (item === null) members.delete(key)
    else members.set(key, mergePatch(members.get(key) ?? null, item))
  }
  return new JsonObject(members)
}
