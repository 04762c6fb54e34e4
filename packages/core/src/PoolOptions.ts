/**
 * The settings of a session pool: defaults, bounds, and how they are read from a program, an environment or JSON.
 *
 * **Details**
 *
 * Every duration takes any `Duration.Input` or `"infinity"`. The names are those of cx_Oracle's `SessionPool` where it has the
 * setting, and of node-oracledb where only that does.
 *
 * The lists `writable` and `fixed` below are the only ones: types, schema, `config` and `docs/settings.md` are made from them.
 *
 * **Gotchas**
 *
 * A bare number is milliseconds, where Oracle's drivers often count seconds.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { mistake } from "./internal/data/messageText.ts"
import * as Field from "./internal/data/optionField.ts"
import { InvalidOptionsError } from "./PoolError.ts"

const getModes = ["wait", "noWait", "forceGet", "timedWait"] as const

/**
 * What a request does when no session is free.
 *
 * **Details**
 *
 * - `"wait"`: waits, without a limit unless the request brings a `waitTimeout`.
 * - `"noWait"`: fails with `PoolExhaustedError` when no session is free and none can be opened.
 * - `"forceGet"`: opens a session past `max`.
 * - `"timedWait"`: waits for `waitTimeout`, then fails with `AcquireTimeoutError`.
 *
 * @category models
 * @since 0.1.0
 */
export type GetMode = typeof getModes[number]

/** Notes how a setting is read without its schema. */
const noted = <S extends object>(schema: S, field: object, byDefault?: unknown): S => {
  const reader = Field.readers.get(field)!
  Field.readers.set(schema, { ...reader, parse: (input = byDefault) => reader.parse(input) })
  return schema
}

const withDefault = <S extends Schema.Top>(schema: S, value: NoInfer<S["Encoded"]>) =>
  noted(schema.pipe(Schema.withDecodingDefaultKey(Effect.succeed(value))), schema, value)

const optional = <S extends Schema.Top>(schema: S) => noted(Schema.optionalKey(schema), schema)

/** The bound of every count of sessions. */
const mostSessions = 100_000

const writable = {
  /** Sessions kept open from the start; eviction stops here. Default 0. */
  min: withDefault(Field.integer(0, mostSessions), 0),
  /** The most sessions open at once. Default 4. */
  max: withDefault(Field.integer(1, mostSessions), 4),
  /** How many sessions are opened at a time when demand grows. Default 1. */
  increment: withDefault(Field.integer(1, mostSessions), 1),
  /** What a request does when no session is free. Default `"wait"`. */
  getMode: withDefault(Field.oneOf(getModes), "wait"),
  /** How long a request waits with `getMode: "timedWait"`. Default 5 seconds. */
  waitTimeout: withDefault(Field.duration, "5 seconds"),
  /** The maximum number of queued requests, not counting those with a session being opened; -1: no limit. Default 500. */
  queueMax: withDefault(Field.integer(-1, 1_000_000_000), 500),
  /** The wait above which the pool counts as slow; see `PoolOverloadedError`. 0: off. Default 0. */
  queueTarget: withDefault(Field.duration, 0),
  /** How long every wait must have been above `queueTarget` before new requests are refused. Default 1 second. */
  queueInterval: withDefault(Field.duration, "1 second"),
  /** How long a session may be idle before it is closed, down to `min`; 0: off. Default 1 minute. */
  timeout: withDefault(Field.duration, "1 minute"),
  /** The age at which a session is closed once it is not in use; 0: off. Default 0. */
  maxLifetimeSession: withDefault(Field.duration, 0),
  /** The fraction by which each lifetime is randomly shortened, so that sessions do not all end at once. Default 0.1. */
  lifetimeJitter: withDefault(Field.fraction(0, 1), 0.1),
  /** A session idle longer is pinged before it is lent; 0: always, `"infinity"`: never. Default 1 minute. */
  pingInterval: withDefault(Field.duration, "1 minute"),
  /** How long a ping, a reset or a break may take before the session counts as dead; 0: no limit. Default 5 seconds. */
  pingTimeout: withDefault(Field.duration, "5 seconds"),
  /**
   * How long after a refusal the credentials of a `credentials` effect are tried once more; 0: off. Default 5 minutes.
   *
   * The database may rotate them later than the effect does. Failed log-ons count until one succeeds, so each set of credentials
   * gets one such try.
   */
  rotationRetry: withDefault(Field.duration, "5 minutes"),
  /** How often idle sessions are pinged to keep them alive; 0: off. Default 0. */
  keepAlive: withDefault(Field.duration, 0),
  /** How long opening a session may take; 0 and `"infinity"` leave it to the driver. Default 1 minute. */
  openTimeout: withDefault(Field.duration, "1 minute"),
  /** How long closing a session may take before it is forced; 0: no limit. Default 5 seconds. */
  closeTimeout: withDefault(Field.duration, "5 seconds"),
  /** How long the end of the pool's scope waits for busy sessions before it ends them. Default 5 seconds. */
  drainTimeout: withDefault(Field.duration, "5 seconds"),
  /** A lease held longer is reported as a leak, with the place that acquired it; 0: off. Default 0. */
  leakDetectionThreshold: withDefault(Field.duration, 0),
  /** Whether the session of a lease that was reported as a leak is taken away and closed, once no call runs on it. Default false. */
  leakReclaim: withDefault(Field.flag, false),
  /** A lease held longer without a call on its session is named in a warning; 0: off. Default 0. */
  idleLeaseThreshold: withDefault(Field.duration, 0),
  /** How many leases a session serves before it is closed; 0: no limit. Default 0. */
  maxUsesPerSession: withDefault(Field.integer(0, 1_000_000_000), 0),
  /**
   * How often one session leaves the instance of the database that has most, while the counts differ by more than a third; 0: never.
   * Default 1 minute.
   */
  rebalanceInterval: withDefault(Field.duration, "1 minute"),
  /** Whether all sessions belong to the pool's own user. Default true. */
  homogeneous: withDefault(Field.flag, true),
  /** The most sessions for one sharding key; 0: no limit. Default 0. */
  maxSessionsPerShard: withDefault(Field.integer(0, mostSessions), 0),
  /**
   * The most sessions of one identity while other identities wait for theirs: its fair share; 0: no limit. Default 0.
   *
   * An identity is a user, proxy, password, connection class and shard. What it has beyond its share comes from free places: idle
   * sessions that others have within their shares are left to them until `timeout` closes them.
   */
  maxSessionsPerIdentity: withDefault(Field.integer(0, mostSessions), 0),
  /** The same for all sessions of one user, behind a proxy the one it acts for; 0: no limit. Default 0. */
  maxSessionsPerUser: withDefault(Field.integer(0, mostSessions), 0),
  /** The same for all sessions of one connection class; 0: no limit. Default 0. */
  maxSessionsPerClass: withDefault(Field.integer(0, mostSessions), 0),
  /** How many statements each session caches. Default 30. */
  stmtCacheSize: withDefault(Field.integer(0, mostSessions), 30),
  /** The user that the pool's sessions belong to; without one, every request must bring its own. */
  user: optional(Field.user),
  /** The password of `user`. */
  password: optional(Field.secret)
}

const fixed = {
  /** The name in metrics, logs and errors; give each pool of a process its own. Default `"default"`. */
  name: withDefault(Field.text, "default"),
  /** The database, as given to the driver; a password in it is not kept. */
  dsn: optional(Field.address),
  /** The alias that `dsn` was found under, if it was one. */
  tnsentry: optional(Field.text),
  /** The connection class of requests that name none. */
  cclass: optional(Field.connectionClass),
  /** The edition that sessions are opened with. */
  edition: optional(Field.text),
  /** Whether making the pool waits until `min` sessions are open, and fails when they cannot be opened. Default false. */
  waitForMin: withDefault(Field.flag, false)
}

const fields = { ...fixed, ...writable }

type Problem = InvalidOptionsError["problems"][number]

/** What is wrong between settings that are right one by one. */
const problemsBetween = (
  { max, min, password, user }: { readonly max: number; readonly min: number } & Pick<Options, "user" | "password">
): ReadonlyArray<Problem> => {
  if (min > max) return [mistake("min", `at most max (${max})`, min)]
  return password !== undefined && user === undefined
    ? [{ field: "user", problem: "is required with a password" }]
    : []
}

/** A function, so that a bundler leaves the schema out where only a pool is made. */
const makeSchema = () =>
  Schema.Struct(fields).check(
    Schema.makeFilter((settings) =>
      problemsBetween(settings).map(({ field, problem }) => ({ path: [field], issue: problem }))
    )
  )

/**
 * The settings as a schema: decodes plain options and JSON, and fills in the defaults.
 *
 * **When to use**
 *
 * Use to read settings as part of a larger schema, such as a configuration file.
 *
 * **Example** (Decoding plain options)
 *
 * ```ts
 * import { PoolOptions } from "@sessionpool/core"
 * import { Schema } from "effect"
 *
 * const settings = Schema.decodeUnknownSync(PoolOptions.Settings)({ min: 2, max: 16, timeout: "5 minutes" })
 * console.log(settings.increment) // 1
 * ```
 *
 * @see {@link fromInput} for failures that name the pool
 * @see {@link config} for settings from the environment
 * @category schemas
 * @since 0.1.0
 */
export const Settings = /* @__PURE__ */ makeSchema()

/**
 * Settings in force: every default filled in.
 *
 * @category models
 * @since 0.1.0
 */
export type Settings = typeof Settings.Type

type Fields = typeof fields

/** What a program may give for a setting whose value is a `T`. */
type OptionOf<T> = T extends Duration.Duration ? DurationOption : T

type OptionsOf<F extends { readonly [name: string]: Schema.Top }> = {
  readonly [K in keyof F]?: OptionOf<F[K]["Type"]> | undefined
}

/**
 * Settings as a program gives them; what is left out has its default.
 *
 * **Example** (Settings of a pool)
 *
 * ```ts
 * import type { PoolOptions } from "@sessionpool/core"
 *
 * const options: PoolOptions.Options = { min: 2, max: 16, getMode: "timedWait", waitTimeout: "2 seconds" }
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends OptionsOf<Fields> {}

/**
 * A duration: any `Duration.Input`, or `"infinity"`. A bare number is milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export type DurationOption = Duration.Input | "infinity"

/**
 * The settings that can be changed while the pool runs.
 *
 * @see {@link change}
 * @category models
 * @since 0.1.0
 */
export interface Changes extends OptionsOf<typeof writable> {}

const withoutUndefined = (options: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))

const unknown = "is not a setting of a session pool"

/**
 * Checks options and fills in the defaults; the failure names every field that is wrong, its value and its bound.
 *
 * **When to use**
 *
 * Use to check settings before a pool is made, such as in a test of a configuration.
 *
 * **Details**
 *
 * A value that may be secret is left out of the failure. Numbers, flags and durations may be text, as an environment has them.
 *
 * **Example** (Options that cannot be used)
 *
 * ```ts
 * import { PoolOptions } from "@sessionpool/core"
 * import { Result } from "effect"
 *
 * const refused = PoolOptions.fromInput({ min: 5, max: 2 })
 * console.log(Result.isFailure(refused) && refused.failure.message)
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromInput = (input: unknown): Result.Result<Settings, InvalidOptionsError> => {
  // `Settings` would decode the same, and take ten times as long. A program waits for it before its first query.
  const settings: Record<string, unknown> = {}
  const problems: Array<Problem> = []
  if (typeof input === "object" && input !== null) {
    const given = withoutUndefined(input)
    for (const field of Object.keys(given)) {
      if (!Object.hasOwn(fields, field)) problems.push({ field, problem: unknown })
    }
    for (const [field, schema] of Object.entries(fields)) {
      const { expected, parse, secret } = Field.readers.get(schema)!
      const value = parse(given[field])
      if (value !== undefined) settings[field] = value
      else if (field in given) problems.push(mistake(field, expected, given[field], secret))
    }
  } else problems.push(mistake("options", "an object", input))
  if (problems.length === 0) problems.push(...problemsBetween(settings as Settings))
  return problems.length === 0
    ? Result.succeed(settings as Settings)
    : Result.fail(new InvalidOptionsError({ pool: Field.parseText(Object(input).name) ?? "default", problems }))
}

/**
 * Applies changes to settings; they are checked as a whole, so that the result is either valid or a failure.
 *
 * **When to use**
 *
 * Use to see what `reconfigure` would make of changes, without a pool.
 *
 * **Example** (Raising a bound)
 *
 * ```ts
 * import { PoolOptions } from "@sessionpool/core"
 * import { Result } from "effect"
 *
 * const settings = Result.getOrThrow(PoolOptions.fromInput({ max: 8 }))
 * console.log(Result.getOrThrow(PoolOptions.change(settings, { max: 16 })).max) // 16
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const change = (settings: Settings, changes: Changes): Result.Result<Settings, InvalidOptionsError> => {
  const refused = Object.keys(changes).filter((key) => !Object.hasOwn(writable, key))
  return refused.length === 0
    ? fromInput({ ...settings, ...withoutUndefined(changes) })
    : Result.fail(
      new InvalidOptionsError({
        pool: settings.name,
        problems: refused.map((field) => ({
          field,
          problem: Object.hasOwn(fixed, field)
            ? "cannot be changed while the pool runs"
            : unknown
        }))
      })
    )
}

const constantCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()

/**
 * Reads the settings from the environment: `max` from `<PREFIX>_MAX`, `waitTimeout` from `<PREFIX>_WAIT_TIMEOUT`, and so
 * on. What is not set keeps its default.
 *
 * **When to use**
 *
 * Use with a driver of your own; `OracleSessionPool.config` knows Oracle's settings as well.
 *
 * **Details**
 *
 * `prefix` defaults to `SESSION_POOL`. Blanks and line breaks around a value are cut off, but not those of a password. A
 * value that cannot be used is a `ConfigError` that names the variable, the value and the bound.
 *
 * **Example** (Reading an environment)
 *
 * ```ts
 * import { PoolOptions } from "@sessionpool/core"
 * import { ConfigProvider, Effect } from "effect"
 *
 * const environment = ConfigProvider.fromUnknown({ HR_POOL_MAX: "16", HR_POOL_TIMEOUT: "5 minutes" })
 * const settings = Effect.runSync(PoolOptions.config("HR_POOL").parse(environment))
 * console.log(settings.max) // 16
 * ```
 *
 * @see {@link Settings} for JSON
 * @category config
 * @since 0.1.0
 */
export const config = (prefix = "SESSION_POOL"): Config.Config<Settings> => {
  const variables: Record<string, Config.Config<Option.Option<unknown>>> = {}
  for (const key of Object.keys(fields)) {
    const variable = `${prefix}_${constantCase(key)}`
    // Blanks around a value are of the file or the shell that it came from; those of a password are its own.
    const read: Config.Config<unknown> = key === "password"
      ? Config.Redacted(variable)
      : Config.map(Config.String(variable), (value) => value.trim())
    variables[key] = Config.option(read)
  }
  return Config.all(variables).pipe(Config.mapEffect((values) => {
    const given = Object.fromEntries(
      Object.entries(values).flatMap(([key, value]) => Option.isSome(value) ? [[key, value.value]] : [])
    )
    return Effect.fromResult(fromInput(given)).pipe(
      Effect.mapError((error) =>
        new Config.ConfigError(
          new Schema.SchemaError(
            new SchemaIssue.InvalidValue({
              message: error.problems.map(({ field, problem }) => `${prefix}_${constantCase(field)} ${problem}`).join(
                "; "
              )
            })
          )
        )
      )
    )
  }))
}
