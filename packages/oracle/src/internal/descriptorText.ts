/**
 * The text of connect descriptors: nested `(NAME=value)` parameters.
 *
 * It accepts what the driver's own reader accepts (`lib/thin/sqlnet/nvStrToNvPair.js`) and keeps values as they are written,
 * quotation marks included, so that printing gives back what was read but for the space between parameters.
 */
import { malformed } from "./connectDescriptorError.ts"

/**
 * One parameter of a descriptor: a text, or parameters inside it.
 *
 * **Example** (A parameter)
 *
 * ```ts
 * import type { ConnectDescriptor } from "@sessionpool/oracle"
 *
 * const sdu: ConnectDescriptor.Parameter = { name: "SDU", value: "8192" }
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface Parameter {
  readonly name: string
  readonly value: string | ReadonlyArray<Parameter>
}

/** As deep as the driver reads (`DEFAULT_MAX_DESCRIPTOR_DEPTH`). */
const deepest = 64

const isSpace = (char: string | undefined): boolean => char === " " || char === "\t" || char === "\n" || char === "\r"

const name = /[^\s=(),"']+/y

/** Reads exactly one parameter; positions in failures begin at `base`. */
export const parseParameter = (text: string, base: number): Parameter => {
  let position = 0
  const fail = (at: number, what: string): never => malformed(base + at, what)
  const skipSpace = () => {
    while (isSpace(text[position])) position++
  }
  const found = (): string => position < text.length ? `found "${text[position]}"` : "the text ends here"
  const expect = (char: string, after: string) => {
    skipSpace()
    if (text[position] !== char) fail(position, `expected "${char}" ${after}, ${found()}`)
    position++
  }

  const quoted = (quote: string): string => {
    const start = position
    position++
    while (position < text.length && text[position] !== quote) position += text[position] === "\\" ? 2 : 1
    if (position >= text.length) fail(start, `the quotation mark ${quote} is not closed`)
    position++
    return text.slice(start, position)
  }

  const plain = (): string => {
    const start = position
    while (position < text.length && text[position] !== ")") {
      if (text[position] === "(") fail(position, "a value cannot hold parentheses; is a \")\" missing before it?")
      position += text[position] === "\\" ? 2 : 1
    }
    return text.slice(start, position).trimEnd()
  }

  /** `(low, high)`: words without a name, taken as one text. */
  const words = (): string | undefined => {
    const end = /^\([^=()]+\)/.exec(text.slice(position))?.[0].length
    if (end === undefined) return undefined
    position += end
    return text.slice(position - end, position)
  }

  const parameter = (depth: number): Parameter => {
    if (depth > deepest) fail(position, `more than ${deepest} parentheses deep`)
    expect("(", "before a parameter")
    skipSpace()
    name.lastIndex = position
    const called = name.exec(text)?.[0] ?? fail(position, `expected the name of a parameter, ${found()}`)
    position += called.length
    expect("=", "after the name of a parameter")
    skipSpace()
    const value = valueOf(depth)
    expect(")", "at the end of a parameter")
    return { name: called, value }
  }

  const valueOf = (depth: number): Parameter["value"] => {
    const first = text[position]
    if (first === "\"" || first === "'") return quoted(first)
    if (first !== "(") return plain()
    const list = words()
    if (list !== undefined) return list
    const children: Array<Parameter> = []
    do {
      children.push(parameter(depth + 1))
      skipSpace()
    } while (text[position] === "(")
    return children
  }

  const root = parameter(1)
  skipSpace()
  if (position < text.length) fail(position, `expected the end of the text, ${found()}`)
  return root
}

/** Prints a parameter without any space. */
export const printParameter = ({ name, value }: Parameter): string =>
  `(${name}=${typeof value === "string" ? value : value.map(printParameter).join("")})`

/** Whether a parameter has this name; case does not matter. */
export const isNamed = (parameter: Parameter, wanted: string): boolean =>
  parameter.name.toUpperCase() === wanted.toUpperCase()

/** The parameters inside one; none where it holds a text. */
export const childrenOf = (parameter: Parameter | undefined): ReadonlyArray<Parameter> =>
  parameter === undefined || typeof parameter.value === "string" ? [] : parameter.value

/** The text of a child, without quotation marks around it. */
export const textOf = (parent: Parameter | undefined, wanted: string): string | undefined => {
  const value = childrenOf(parent).find((child) => isNamed(child, wanted))?.value
  return typeof value === "string" ? value.replace(/^(["'])(.*)\1$/s, "$2") : undefined
}
