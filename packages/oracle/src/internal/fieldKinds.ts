/** The kinds of settings: what each may hold, and what is expected where it holds something else. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"

/** What a setting may hold: the value to go on with, or `undefined` where `input` is none. */
export interface Field<out T> {
  readonly expected: string
  readonly parse: (input: unknown) => T | undefined
  /** Whether its value must stay out of messages. */
  readonly isSecret?: boolean
}

/** A field for each setting. */
export type Fields<Settings> = { readonly [Name in keyof Required<Settings>]: Field<unknown> }

const trimmed = (input: unknown): unknown => typeof input === "string" ? input.trim() : input

/** Words may be written in any case. */
export const word = <const Words extends ReadonlyArray<string>>(...words: Words): Field<Words[number]> => ({
  expected: words.map((each) => `"${each}"`).join(", "),
  parse: (input) => {
    const text = trimmed(input)
    return typeof text === "string" ? words.find((each) => each.toLowerCase() === text.toLowerCase()) : undefined
  }
})

export const text: Field<string> = {
  expected: "a non-empty string without control characters",
  parse: (input) => typeof input === "string" && input.trim() !== "" && !/\p{Cc}/u.test(input) ? input : undefined
}

/** What the driver writes into a descriptor as it is, and the characters that it allows there. */
export const networkName: Field<string> = {
  expected: "a string of letters, digits and < > / \\ , . : ; ' \" - _ $ + * # & ! % ? @",
  parse: (input) =>
    typeof input === "string" && /^[\w<>/\\,.:;'"$+*#&!%?@-]+$/.test(input) && !/^['"]|['"\\]$/.test(input)
      ? input
      : undefined
}

export const secret: Field<Redacted.Redacted<string>> = {
  expected: "a Redacted string",
  parse: (input) =>
    Redacted.isRedacted(input) && typeof Redacted.value(input) === "string"
      ? input as Redacted.Redacted<string>
      : undefined,
  isSecret: true
}

export const flag: Field<boolean> = {
  expected: "true or false",
  parse: (input) => {
    if (typeof input === "boolean") return input
    const given = typeof input === "string" ? input.trim().toLowerCase() : undefined
    return given === "true" ? true : given === "false" ? false : undefined
  }
}

export const integer = (least: number, most: number): Field<number> => ({
  expected: `an integer from ${least} to ${most}`,
  parse: (input) => {
    const value = typeof input === "string" && input.trim() !== "" ? Number(input) : input
    return typeof value === "number" && Number.isInteger(value) && value >= least && value <= most ? value : undefined
  }
})

const units = new Set([
  "weeks",
  "days",
  "hours",
  "minutes",
  "seconds",
  "milliseconds",
  "microseconds",
  "nanoseconds"
])

const isFilled = (input: object): boolean => {
  if (Duration.isDuration(input) || Array.isArray(input)) return true
  const entries = Object.entries(input)
  return entries.length > 0
    && entries.every(([unit, value]) => units.has(unit) && typeof value === "number" && Number.isFinite(value))
}

/** A duration of 0 or more, or `undefined` where `input` is none. A bare number is milliseconds. */
export const durationOf = (input: unknown): Duration.Duration | undefined => {
  const given = trimmed(input)
  if (typeof given === "string" && given.toLowerCase() === "infinity") return Duration.infinity
  if (typeof given === "object" && (given === null || !isFilled(given))) return undefined
  if (typeof given === "number" && Number.isNaN(given)) return undefined
  const found = Option.getOrUndefined(Duration.fromInput(given as Duration.Input))
  return found !== undefined && Duration.toMillis(found) >= 0 ? found : undefined
}

export const duration: Field<Duration.Duration> = {
  expected: "a duration of 0 or more, such as \"30 seconds\", 30000 (milliseconds) or \"infinity\"",
  parse: durationOf
}
