/** Reads what the driver threw: its codes, where in the SQL, the constraint, and a copy of it without secrets. */
import { escapeControls } from "./controlCharacters.ts"
import { type KnownSecret, redactSecrets, redactStack, redactStatement, redactValues } from "./secretRedaction.ts"

/** What is known about something that was thrown. */
export interface DriverError {
  /** All codes, outermost first, each once. */
  readonly codes: ReadonlyArray<string>
  /** The text of the error, without the driver's link to the help page. */
  readonly text: string
  readonly offset: number | undefined
  readonly constraint: string | undefined
  /** What the driver itself says about trying again. */
  readonly isRecoverable: boolean
  /** A cleaned copy. */
  readonly cause: unknown
}

/** What may stand in an error and must not be shown as it is: secrets, and the statement, which may hold one. */
interface Hidden {
  readonly secrets: ReadonlyArray<KnownSecret>
  readonly sql?: string | undefined
}

interface Known extends Hidden {
  /** Texts that were cleaned before: an error repeats its message. */
  readonly cleaned: Map<string, string>
}

const property = (value: unknown, key: string): unknown => {
  if (typeof value !== "object" || value === null) return undefined
  try {
    return (value as Record<string, unknown>)[key]
  } catch {
    return undefined
  }
}

const text = (value: unknown, key: string): string | undefined => {
  const found = property(value, key)
  return typeof found === "string" ? found : undefined
}

const integer = (value: unknown, key: string): number | undefined => {
  const found = property(value, key)
  return typeof found === "number" && Number.isSafeInteger(found) ? found : undefined
}

/** Two forms of one code are one code: `ORA-1017` is `ORA-01017`. */
const canonicalCode = (code: string): string => {
  const [prefix = "", digits = ""] = code.toUpperCase().split("-")
  return prefix === "ORA"
    ? `ORA-${digits.padStart(5, "0")}`
    : prefix === "NJS"
    ? `NJS-${digits.padStart(3, "0")}`
    : code
}

const codeAtLineStart = /^\s*((?:ORA|NJS|DPI|DPY|OCI|PLS|TNS)-\d{3,5})\b/gim

/** Where the driver quotes the listener's or the server's code inside its own sentence. */
const quotedCode = /(?:Cause: |closed by |Similar to )(ORA-\d{1,5})\b/g

const systemCode = /^E[A-Z]{3,}$/
const driverCode = /^(?:ORA|NJS|DPI|DPY|OCI)-\d{1,5}$/

const deepest = 8

/** The error and its nested causes, outermost first. */
const chainOf = (thrown: unknown): ReadonlyArray<unknown> => {
  const chain: Array<unknown> = []
  let current = thrown
  while (current !== undefined && current !== null && chain.length < deepest && !chain.includes(current)) {
    chain.push(current)
    current = property(current, "cause")
  }
  return chain
}

const messageOf = (thrown: unknown): string | undefined => typeof thrown === "string" ? thrown : text(thrown, "message")

const codesOf = (chain: ReadonlyArray<unknown>): ReadonlyArray<string> => {
  const found = new Set<string>()
  for (const link of chain) {
    const code = text(link, "code")
    const message = messageOf(link) ?? ""
    if (code !== undefined && (driverCode.test(code) || systemCode.test(code))) found.add(canonicalCode(code))
    for (const match of message.matchAll(codeAtLineStart)) found.add(canonicalCode(match[1] ?? ""))
    for (const match of message.matchAll(quotedCode)) found.add(canonicalCode(match[1] ?? ""))
    const number = integer(link, "errorNum")
    if (number !== undefined && number > 0 && number < 100_000) found.add(canonicalCode(`ORA-${number}`))
  }
  return [...found]
}

const constraintNamed = /constraint \(([^()\s]+)\)/i
const columnNamed = /ORA-(?:01400|01407|12899|01438)[^\n]*?((?:"[^"]+"\.)*"[^"]+")/

const helpLine = /\n?\s*Help: https:\/\/docs\.oracle\.com\/\S*/g

/** Copies an error without what may hold a secret: text is cleaned, and of the properties only harmless ones are taken over. */
const copyOf = (thrown: unknown, known: Known, depth: number, seen: Set<unknown>): unknown => {
  if (typeof thrown === "string") return clean(thrown, known)
  if (typeof thrown !== "object" && typeof thrown !== "function") return thrown
  if (thrown === null) return thrown
  const message = text(thrown, "message")
  // An object that is no error may hold anything, connect settings and bind values included.
  if (message === undefined) return new Error("something that is not an error was thrown")
  if (depth > deepest || seen.has(thrown)) return new Error("(a cause further down is left out)")
  seen.add(thrown)
  const nested = property(thrown, "cause")
  const copy = new Error(
    clean(message, known),
    nested === undefined ? undefined : { cause: copyOf(nested, known, depth + 1, seen) }
  )
  const define = (key: string, value: unknown, enumerable: boolean) =>
    value === undefined || Object.defineProperty(copy, key, { value, enumerable, writable: true, configurable: true })
  const name = text(thrown, "name")
  define("name", name === undefined ? undefined : clean(name, known), false)
  const stack = text(thrown, "stack")
  define(
    "stack",
    stack === undefined
      ? `${copy.name}: ${copy.message}`
      : escapeControls(redactValues(redactStack(withoutStatement(stack, known), known.secrets))),
    false
  )
  const code = text(thrown, "code")
  define("code", code === undefined ? undefined : clean(code, known), true)
  define("errorNum", integer(thrown, "errorNum"), true)
  define("offset", integer(thrown, "offset"), true)
  const errors = property(thrown, "errors")
  if (Array.isArray(errors)) {
    define("errors", errors.slice(0, 20).map((error) => copyOf(error, known, depth + 1, seen)), true)
  }
  return copy
}

/** A server, or a driver, may repeat the whole statement. */
const withoutStatement = (value: string, { secrets, sql }: Hidden): string =>
  sql === undefined || sql === "" || !value.includes(sql) ? value : value.replaceAll(sql, redactStatement(sql, secrets))

const clean = (value: string, known: Known): string => {
  const before = known.cleaned.get(value)
  if (before !== undefined) return before
  const cleaned = escapeControls(redactValues(redactSecrets(withoutStatement(value, known), known.secrets)))
  known.cleaned.set(value, cleaned)
  return cleaned
}

/** Reads anything that was thrown; never throws itself. */
export const readDriverError = (thrown: unknown, hidden: Hidden): DriverError => {
  const known = { ...hidden, cleaned: new Map<string, string>() }
  const chain = chainOf(thrown)
  const messages = chain.flatMap((link) => messageOf(link) ?? [])
  const whole = clean(messages.join("\n"), known)
  const first = messages[0]
  return {
    codes: codesOf(chain),
    text: first === undefined || first.trim() === ""
      ? "something that is not an error was thrown"
      : clean(first, known).replace(helpLine, "").trim(),
    offset: chain.map((link) => integer(link, "offset")).find((offset) => offset !== undefined && offset >= 0),
    constraint: (constraintNamed.exec(whole) ?? columnNamed.exec(whole))?.[1],
    isRecoverable: chain.some((link) => property(link, "isRecoverable") === true),
    cause: copyOf(thrown, known, 0, new Set())
  }
}
