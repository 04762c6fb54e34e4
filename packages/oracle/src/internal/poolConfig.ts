/** All settings of an Oracle pool from the environment, or from whatever a `ConfigProvider` reads. */
import { PoolOptions } from "@sessionpool/core"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import type { ConnectSettings } from "./connectSettings.ts"
import type { LeaseSettings } from "./leaseSettings.ts"
import type { PoolFields } from "./makePool.ts"
import {
  checkConnectSettings,
  checkLeaseSettings,
  checkValueOptions,
  connectSettingNames,
  leaseSettingNames,
  valueSettingNames
} from "./settingFields.ts"
import type { ValueOptions } from "./valueSettings.ts"

/** `sslServerDNMatch` as `SSL_SERVER_DN_MATCH`. */
const constantCase = (name: string): string =>
  name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").replace(/([A-Z]+)([A-Z][a-z])/g, "$1_$2").toUpperCase()

const secrets: ReadonlySet<string> = new Set<keyof ConnectSettings>(["walletContent", "walletPassword"])

/** A list of triples comes as JSON. */
const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const read = (name: string, variable: string): Config.Config<unknown> => {
  if (secrets.has(name)) return Config.Redacted(variable)
  const text = Config.map(Config.String(variable), (value) => value.trim())
  return name === "appContext" ? Config.map(text, parsed) : text
}

const connectString = (prefix: string): Config.Config<string> => {
  const own = Config.String(`${prefix}_CONNECT_STRING`)
  // The last one says what is missing.
  return Config.orElse(own, () => Config.orElse(Config.String(`${prefix}_DSN`), () => own))
}

const invalid = (message: string): Config.ConfigError =>
  new Config.ConfigError(new Schema.SchemaError(new SchemaIssue.InvalidValue({ message })))

/** The settings of this package that are set: how to connect, what leases have, how to read values. */
const ownFields = (prefix: string): Config.Config<Partial<PoolFields>> => {
  const names = [...connectSettingNames, ...leaseSettingNames, ...valueSettingNames].filter((name) =>
    name !== "connectString"
  )
  const variables = Object.fromEntries(
    names.map((name) => [name, Config.option(read(name, `${prefix}_${constantCase(name)}`))])
  )
  return Config.mapEffect(
    Config.all({ ...variables, connectString: Config.map(connectString(prefix), Option.some) }),
    (values) => {
      const given = Object.fromEntries(
        Object.entries(values).flatMap(([name, value]) => Option.isSome(value) ? [[name, value.value]] : [])
      )
      const part = (wanted: ReadonlyArray<string>): object =>
        Object.fromEntries(Object.entries(given).filter(([name]) => wanted.includes(name)))
      const connect = checkConnectSettings(part(connectSettingNames) as ConnectSettings)
      const lease = checkLeaseSettings(part(leaseSettingNames) as LeaseSettings)
      const value = checkValueOptions(part(valueSettingNames) as ValueOptions)
      const problems = [...connect.problems, ...lease.problems, ...value.problems]
      return problems.length === 0
        ? Effect.succeed({ ...connect.settings, ...lease.settings, ...value.settings } as Partial<PoolFields>)
        : Effect.fail(
          invalid(problems.map(({ field, problem }) => `${prefix}_${constantCase(field)} ${problem}`).join("; "))
        )
    }
  )
}

export const poolConfig = (prefix = "ORACLE"): Config.Config<PoolFields> =>
  Config.map(
    Config.all({ core: PoolOptions.config(prefix), own: ownFields(prefix) }),
    // The connect string is what core calls so.
    ({ core: { dsn: _dsn, tnsentry: _tnsentry, ...core }, own }) => ({ ...core, ...own }) as PoolFields
  )
