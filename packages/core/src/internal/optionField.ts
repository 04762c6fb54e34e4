import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaTransformation from "effect/SchemaTransformation"

/**
 * One option: a schema that takes what a program, an environment variable or a JSON file may hold for it, and whose only
 * complaint is `expected`, the bound, beside the value. A secret value is left out of the complaint.
 */
const field = <T>(
  type: Schema.Codec<T, T>,
  options: {
    readonly expected: string
    readonly parse: (input: unknown) => T | undefined
    readonly secret?: boolean
  }
) =>
  Schema.Unknown.pipe(Schema.decodeTo(
    type,
    SchemaTransformation.transformEffect<T, unknown>({
      decode: (input, parseOptions) => {
        const value = options.parse(input)
        if (value !== undefined) return Effect.succeed(value)
        const annotations = { expected: options.expected }
        return Effect.fail(
          options.secret === true
            ? new SchemaIssue.InvalidValue(annotations)
            : new SchemaIssue.InvalidValue(annotations, input, parseOptions)
        )
      },
      encode: Effect.succeed
    })
  ))

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

/** A text that is not empty. */
export const text = field(Schema.String, {
  expected: "a text that is not empty",
  parse: (input) => typeof input === "string" && input.trim() !== "" ? input : undefined
})

/** A password, redacted or still in the clear; it never shows in a message. */
export const secret = field(Schema.Redacted(Schema.String), {
  expected: "a password (Redacted)",
  secret: true,
  parse: (input) => {
    if (typeof input === "string" && input !== "") return Redacted.make(input)
    return Redacted.isRedacted(input) && typeof Redacted.value(input) === "string"
      ? input as Redacted.Redacted<string>
      : undefined
  }
})

/** One of some words. */
export const oneOf = <const Words extends ReadonlyArray<string>>(words: Words) =>
  field(Schema.Literals(words), {
    expected: words.map((word) => `"${word}"`).join(" or "),
    parse: (input) => words.find((word): word is Words[number] => word === input)
  })

const parseDuration = (input: unknown): Duration.Duration | undefined => {
  if (typeof input === "number" && Number.isNaN(input)) return undefined
  const text = typeof input === "string" ? input.trim() : undefined
  if (text !== undefined && text.toLowerCase() === "infinity") return Duration.infinity
  const value = text !== undefined && text !== "" && !Number.isNaN(Number(text)) ? Number(text) : text ?? input
  const duration = Option.getOrUndefined(Duration.fromInput(value as Duration.Input))
  return duration !== undefined && Duration.toMillis(duration) >= 0 ? duration : undefined
}

/** Milliseconds of a duration of zero or more; `undefined` when it is none. */
export const parseMillis = (input: unknown): number | undefined => {
  const duration = parseDuration(input)
  return duration === undefined ? undefined : Duration.toMillis(duration)
}

/** A duration of zero or more, as any `Duration.Input`; a bare number, also as text, is milliseconds. */
export const duration = field(Schema.Duration, {
  expected: `a duration of 0 or more, such as "30 seconds", 30000 (milliseconds) or "infinity"`,
  parse: parseDuration
})
