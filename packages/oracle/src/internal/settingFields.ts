/**
 * The settings of an Oracle pool beside the core pool's: how to connect, how to read values, and what leases are given, each with what it may hold.
 *
 * They are checked when a pool is made. The driver ignores, at best, what it does not know: a misspelled privilege would log on
 * without any, and a wrong type would look like an outage that passes.
 */
import type { PoolError } from "@sessionpool/core"
import { connectFields, connectSettingNames } from "./connectFields.ts"
import type { ConnectSettings } from "./connectSettings.ts"
import { escapeControls } from "./controlCharacters.ts"
import { duration, type Field, type Fields, flag, integer, text, word } from "./fieldKinds.ts"
import type { LeaseSettings } from "./leaseSettings.ts"
import { numberPolicies } from "./numberPolicy.ts"
import type { ValueOptions } from "./valueSettings.ts"

const leaseFields: Fields<LeaseSettings> = {
  commitTimeout: duration,
  serviceName: text,
  pipelining: flag,
  endToEnd: word("clear", "keep")
}

const isFunction = (input: unknown): boolean => typeof input === "function"

const orFunction = (field: Field<unknown>): Field<unknown> => ({
  expected: `${field.expected}, or a function`,
  parse: (input) => isFunction(input) ? input : field.parse(input)
})

const valueFields: Fields<ValueOptions> = {
  numbers: orFunction(word(...numberPolicies)),
  dates: word("utc", "local"),
  lobs: word("value", "handle"),
  columnNames: orFunction(word("upper", "lower", "camel")),
  fetchArraySize: integer(1, 1_000_000),
  prefetchRows: integer(0, 1_000_000)
}

export { connectSettingNames }

/** Their names, so that they can be told from the core pool's. */
export const leaseSettingNames = Object.keys(leaseFields) as ReadonlyArray<keyof LeaseSettings>
export const valueSettingNames = Object.keys(valueFields) as ReadonlyArray<keyof ValueOptions>

const shown = (value: unknown): string => {
  const text = typeof value === "string"
    ? JSON.stringify(value)
    : typeof value === "object" && value !== null
    ? "an object"
    : String(value)
  return escapeControls(text.length > 60 ? `${text.slice(0, 57)}...` : text)
}

type Problems = PoolError.InvalidOptionsError["problems"]

/** What was given of these fields, as the rest of this package reads it, and what cannot be used. */
export const checkFields = <Settings extends object>(fields: Fields<Settings>, given: Settings): {
  readonly settings: Settings
  readonly problems: Problems
} => {
  const problems: Array<Problems[number]> = []
  const settings: Record<string, unknown> = {}
  for (const [name, field] of Object.entries<Field<unknown>>(fields)) {
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
  const { problems, settings } = checkFields(connectFields, given)
  if (given.connectString !== undefined) return { settings, problems }
  return {
    settings,
    problems: [{ field: "connectString", problem: `must be ${connectFields.connectString.expected}` }, ...problems]
  }
}

/** How to read values, as it was given. */
export const checkValueOptions = (given: ValueOptions) => checkFields(valueFields, given)

/** What leases are given and what bounds them, as it was given. */
export const checkLeaseSettings = (given: LeaseSettings) => checkFields(leaseFields, given)
