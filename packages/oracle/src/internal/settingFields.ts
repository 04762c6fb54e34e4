/**
 * The settings of an Oracle pool beside the core pool's: how to connect, how to read values, and what leases are given, each with what it may hold.
 *
 * They are checked when a pool is made. The driver ignores, at best, what it does not know: a misspelled privilege would log on
 * without any, and a wrong type would look like an outage that passes.
 */
import type { PoolError } from "@sessionpool/core"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { ConnectSettings } from "./connectSettings.ts"
import { escapeControls } from "./controlCharacters.ts"
import type { LeaseSettings } from "./leaseSettings.ts"
import type { ValueOptions } from "./valueSettings.ts"

/** What a setting may hold: the value to go on with, or `undefined` where `input` is none. */
interface Field {
  readonly expected: string
  readonly parse: (input: unknown) => unknown
  /** Whether its value must stay out of messages. */
  readonly isSecret?: boolean
}

const trimmed = (input: unknown): unknown => typeof input === "string" ? input.trim() : input

/** Words may be written in any case. */
const word = (...words: ReadonlyArray<string>): Field => ({
  expected: words.map((each) => `"${each}"`).join(", "),
  parse: (input) => {
    const text = trimmed(input)
    return typeof text === "string" ? words.find((each) => each.toLowerCase() === text.toLowerCase()) : undefined
  }
})

const text: Field = {
  expected: "a text that is not empty, without control characters",
  parse: (input) => typeof input === "string" && input.trim() !== "" && !/\p{Cc}/u.test(input) ? input : undefined
}

/** What the driver writes into a descriptor as it is, and the characters that it allows there. */
const networkName: Field = {
  expected: "a text of letters, digits and < > / \\ , . : ; ' \" - _ $ + * # & ! % ? @",
  parse: (input) =>
    typeof input === "string" && /^[\w<>/\\,.:;'"$+*#&!%?@-]+$/.test(input) && !/^['"]|['"\\]$/.test(input)
      ? input
      : undefined
}

const secret: Field = {
  expected: "a Redacted text",
  parse: (input) => Redacted.isRedacted(input) && typeof Redacted.value(input) === "string" ? input : undefined,
  isSecret: true
}

const flag: Field = {
  expected: "true or false",
  parse: (input) => {
    if (typeof input === "boolean") return input
    const given = typeof input === "string" ? input.trim().toLowerCase() : undefined
    return given === "true" ? true : given === "false" ? false : undefined
  }
}

const integer = (least: number, most: number): Field => ({
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

const duration: Field = {
  expected: "a duration of 0 or more, such as \"30 seconds\", 30000 (milliseconds) or \"infinity\"",
  parse: durationOf
}

const isContext = (entry: unknown): boolean =>
  Array.isArray(entry) && entry.length === 3 && entry.every((part) => typeof part === "string")

const appContext: Field = {
  expected: "a list of [namespace, name, value]",
  parse: (input) => Array.isArray(input) && input.every(isContext) ? input : undefined
}

const privileges = ["sysdba", "sysoper", "sysasm", "sysbackup", "sysdg", "syskm", "sysrac"] as const

type Fields<Settings> = { readonly [Name in keyof Required<Settings>]: Field }

const connectFields: Fields<ConnectSettings> = {
  connectString: {
    expected: "an easy connect string, a descriptor or an alias",
    parse: (input) => typeof input === "string" && input.trim() !== "" ? input : undefined,
    isSecret: true
  },
  configDir: text,
  privilege: word(...privileges),
  externalAuth: flag,
  events: flag,
  sourceRoute: flag,
  poolBoundary: word("statement", "transaction"),
  serverPool: word("hold", "release"),
  walletLocation: text,
  walletContent: secret,
  walletPassword: secret,
  sslServerDNMatch: flag,
  sslServerCertDN: text,
  sslAllowWeakDNMatch: flag,
  useSNI: flag,
  httpsProxy: text,
  httpsProxyPort: integer(0, 65_535),
  retryCount: integer(0, 1_000_000),
  retryDelay: duration,
  connectTimeout: duration,
  transportConnectTimeout: duration,
  expireTime: duration,
  sdu: integer(1, 2_147_483_647),
  connectionIdPrefix: networkName,
  networkCompression: flag,
  networkCompressionThreshold: integer(0, 2_147_483_647),
  machine: networkName,
  osUser: networkName,
  program: networkName,
  terminal: text,
  driverName: text,
  appContext,
  txnPriority: word("high", "medium", "low", "")
}

const leaseFields: Fields<LeaseSettings> = {
  commitTimeout: duration,
  serviceName: text,
  pipelining: flag,
  endToEnd: word("clear", "keep")
}

const isFunction = (input: unknown): boolean => typeof input === "function"

const orFunction = (field: Field): Field => ({
  expected: `${field.expected}, or a function`,
  parse: (input) => isFunction(input) ? input : field.parse(input)
})

const valueFields: Fields<ValueOptions> = {
  numbers: orFunction(word("number", "bigint", "bigDecimal", "string", "double")),
  dates: word("utc", "local"),
  lobs: word("value", "handle"),
  columnNames: orFunction(word("upper", "lower", "camel")),
  fetchArraySize: integer(1, 1_000_000),
  prefetchRows: integer(0, 1_000_000)
}

/** Their names, so that they can be told from the core pool's. */
export const connectSettingNames = Object.keys(connectFields) as ReadonlyArray<keyof ConnectSettings>
export const leaseSettingNames = Object.keys(leaseFields) as ReadonlyArray<keyof LeaseSettings>
export const valueSettingNames = Object.keys(valueFields) as ReadonlyArray<keyof ValueOptions>

const shown = (value: unknown): string => {
  const text = typeof value === "string"
    ? JSON.stringify(value)
    : typeof value === "object"
    ? "an object"
    : String(value)
  return escapeControls(text.length > 60 ? `${text.slice(0, 57)}...` : text)
}

type Problems = PoolError.InvalidOptionsError["problems"]

const checked = <Settings extends object>(fields: Fields<Settings>, given: Settings): {
  readonly settings: Settings
  readonly problems: Problems
} => {
  const problems: Array<Problems[number]> = []
  const settings: Record<string, unknown> = {}
  for (const [name, field] of Object.entries<Field>(fields)) {
    const input: unknown = Reflect.get(given, name)
    if (input === undefined) continue
    const value = field.parse(input)
    if (value !== undefined) settings[name] = value
    else {problems.push({
        field: name,
        problem: `must be ${field.expected}${field.isSecret === true ? "" : `, not ${shown(input)}`}`
      })}
  }
  return { settings: settings as Settings, problems }
}

/** How to connect, as it was given; words in the case that the rest of this package knows. */
export const checkConnectSettings = (given: ConnectSettings) => {
  const { problems, settings } = checked(connectFields, given)
  if (given.connectString !== undefined) return { settings, problems }
  return {
    settings,
    problems: [{ field: "connectString", problem: `must be ${connectFields.connectString.expected}` }, ...problems]
  }
}

/** How to read values, as it was given. */
export const checkValueOptions = (given: ValueOptions) => checked(valueFields, given)

/** What leases are given and what bounds them, as it was given. */
export const checkLeaseSettings = (given: LeaseSettings) => checked(leaseFields, given)
