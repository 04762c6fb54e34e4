/** The kinds of settings: what each accepts from a program, an environment variable or JSON, and what it says of anything else. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { hasControls, hasPassword, maskLogin } from "./messageText.ts"

/** How an option is read: its value, or `undefined` for what is not as `expected`. A secret is left out of the complaint. */
interface Reader<out T> {
  readonly expected: string
  readonly parse: (input: unknown) => T | undefined
  readonly secret?: boolean
}

/** What the schemas of options are made of. To read an option without its schema takes a tenth of the time. */
export const readers = new WeakMap<object, Reader<unknown>>()

/**
 * One option: a schema that takes what a program, an environment variable or a JSON file may hold for it, and whose only
 * complaint is `expected`, the bound, beside the value. A secret value is left out of the complaint.
 */
const field = <T>(
  type: Schema.Codec<T, T>,
  options: Reader<T>
) => {
  const schema = Schema.Unknown.pipe(Schema.decodeTo(
    type,
    SchemaTransformation.transformEffect<T, unknown>({
      decode: (input, parseOptions) => {
        const value = options.parse(input)
        if (value !== undefined) return Effect.succeed(value)
        const { expected, secret } = options
        return Effect.fail(
          secret === true
            ? new SchemaIssue.InvalidValue({ expected })
            : new SchemaIssue.InvalidValue({ expected }, input, parseOptions)
        )
      },
      encode: Effect.succeed
    })
  ))
  readers.set(schema, options)
  return schema
}

const parseNumber = (input: unknown): number | undefined => {
  if (typeof input === "number") return input
  if (typeof input === "string" && input.trim() !== "") return Number(input)
  return undefined
}

/** A whole number within bounds; text that reads as one is taken too. */
export const integer = (minimum: number, maximum: number) =>
  field(Schema.Number, {
    expected: `an integer from ${minimum} to ${maximum}`,
    parse: (input) => {
      const value = parseNumber(input)
      return value !== undefined && Number.isInteger(value) && value >= minimum && value <= maximum ? value : undefined
    }
  })

/** A number within bounds; text that reads as one is taken too. */
export const fraction = (minimum: number, maximum: number) =>
  field(Schema.Number, {
    expected: `a number from ${minimum} to ${maximum}`,
    parse: (input) => {
      const value = parseNumber(input)
      return value !== undefined && value >= minimum && value <= maximum ? value : undefined
    }
  })

/** `true` or `false`, also as text. */
export const flag = field(Schema.Boolean, {
  expected: "true or false",
  parse: (input) => {
    if (typeof input === "boolean") return input
    if (typeof input !== "string") return undefined
    const text = input.trim().toLowerCase()
    return text === "true" ? true : text === "false" ? false : undefined
  }
})

/** A text without blanks around it; `undefined` when nothing is left of it, or when it holds control characters. */
export const parseText = (input: unknown): string | undefined => {
  if (typeof input !== "string" || hasControls(input)) return undefined
  const text = input.trim()
  return text === "" ? undefined : text
}

const expectedText = "a non-empty string without control characters"

/** A text that is not empty and has no control characters; blanks around it are cut off. */
export const text = field(Schema.String, { expected: expectedText, parse: parseText })

/** The name of a user; `undefined` when it holds a password as well, or is no text. */
export const parseUserName = (input: unknown): string | undefined => {
  const name = parseText(input)
  return name === undefined || hasPassword(name) ? undefined : name
}

export const expectedUser = `a user name without control characters; a password goes in "password", not after a "/"`

/** The name of a user. What is refused is not repeated: it may hold a password. */
export const user = field(Schema.String, { expected: expectedUser, secret: true, parse: parseUserName })

/** A connection class; `undefined` for what would end the part of a connect descriptor that it is written in. */
export const parseClass = (input: unknown): string | undefined => {
  const name = parseText(input)
  return name === undefined || /[()="']/.test(name) ? undefined : name
}

export const expectedClass = "a non-empty string without control characters, parentheses, quotes and equals signs"

/** A connection class. */
export const connectionClass = field(Schema.String, { expected: expectedClass, parse: parseClass })

/** The address of a database. A password in front of it does not stay: addresses are shown. */
export const address = field(Schema.String, {
  expected: expectedText,
  secret: true,
  parse: (input) => {
    const text = parseText(input)
    return text === undefined ? undefined : maskLogin(text)
  }
})

/** A password, redacted or still in the clear; it never shows in a message. */
export const secret = field(Schema.Redacted(Schema.String), {
  expected: "a Redacted or a non-empty string",
  secret: true,
  parse: (input) => {
    if (typeof input === "string" && input !== "") return Redacted.make(input)
    return Redacted.isRedacted(input) && typeof Redacted.value(input) === "string"
      ? input as Redacted.Redacted<string>
      : undefined
  }
})

/** One of some words, in any case, blanks around it cut off. */
export const oneOf = <const Words extends ReadonlyArray<string>>(words: Words) =>
  field(Schema.Literals(words), {
    expected: words.map((word) => `"${word}"`).join(" or "),
    parse: (input) => {
      if (typeof input !== "string") return undefined
      const given = input.trim().toLowerCase()
      return words.find((word): word is Words[number] => word.toLowerCase() === given)
    }
  })

const durationUnits: ReadonlySet<string> = new Set(
  [
    "weeks",
    "days",
    "hours",
    "minutes",
    "seconds",
    "milliseconds",
    "microseconds",
    "nanoseconds"
  ] satisfies ReadonlyArray<keyof Duration.DurationObject>
)

const isNumber = (value: unknown): boolean => typeof value === "number" && !Number.isNaN(value)

/** Whether an object is a duration by its parts. `Duration.fromInput` takes every object, and reads what it does not know as 0. */
const isDurationObject = (input: object): boolean => {
  const parts = Object.entries(input).filter(([, value]) => value !== undefined)
  return Object.getPrototypeOf(input) === Object.prototype && parts.length > 0 &&
    parts.every(([unit, value]) => durationUnits.has(unit) && isNumber(value))
}

const isDurationInput = (input: unknown): boolean => {
  if (typeof input === "object" && input !== null) {
    if (Duration.isDuration(input)) return true
    return Array.isArray(input) ? input.length === 2 && input.every(isNumber) : isDurationObject(input)
  }
  return typeof input === "string" || typeof input === "bigint" || isNumber(input)
}

const parseDuration = (input: unknown): Duration.Duration | undefined => {
  if (!isDurationInput(input)) return undefined
  const text = typeof input === "string" ? input.trim() : undefined
  if (text !== undefined && text.toLowerCase() === "infinity") return Duration.infinity
  const number = parseNumber(input)
  const value = number === undefined || Number.isNaN(number) ? text ?? input : number
  const duration = Option.getOrUndefined(Duration.fromInput(value as Duration.Input))
  return duration !== undefined && Duration.toMillis(duration) >= 0 ? duration : undefined
}

/** Milliseconds of a duration of zero or more; `undefined` when it is none. */
export const parseMillis = (input: unknown): number | undefined => {
  const duration = parseDuration(input)
  return duration === undefined ? undefined : Duration.toMillis(duration)
}

/** Milliseconds of a setting, with zero and `"infinity"` both meaning off. */
export const offOrMillis = (duration: Duration.Duration): number => {
  const millis = Duration.toMillis(duration)
  return millis === 0 ? Infinity : millis
}

export const expectedDuration = `a duration of 0 or more, such as "30 seconds", 30000 (milliseconds) or "infinity"`

/** A duration of zero or more, in every form of `Duration.Input`; a bare number, also as text, is milliseconds. */
export const duration = field(Schema.Duration, { expected: expectedDuration, parse: parseDuration })
