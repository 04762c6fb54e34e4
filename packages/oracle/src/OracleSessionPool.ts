/**
 * The pool of sessions of an Oracle database.
 *
 * {@link OracleSessionPool} is the service of a program's one database, and carries what makes pools: `layer`, `layerConfig`, `make`, and
 * `Service` for a program with several databases.
 */
import { type PoolError, SessionPool, type SessionRequest } from "@sessionpool/core"
import * as Config from "effect/Config"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as Settings from "./internal/connectSettings.ts"
import type * as Lease from "./internal/leaseSettings.ts"
import { makePool, type PoolFields, type PoolHooks, type PoolOptions } from "./internal/makePool.ts"
import { poolConfig } from "./internal/poolConfig.ts"
import type * as Tags from "./internal/tagState.ts"
import { tagState } from "./internal/tagState.ts"
import type { OracleConnection, ReadError } from "./OracleConnection.ts"
import type { OracleContext } from "./OracleContext.ts"

/**
 * What an `onSession` of the default service may fail with: everything that operations on a connection do.
 *
 * **Example** (The tag of a failure)
 *
 * ```ts
 * import type { OracleSessionPool } from "@sessionpool/oracle"
 *
 * const tagOf = (error: OracleSessionPool.Failure) => error._tag
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export type PreparationError = ReadError | PoolError.InvalidTagError

/**
 * The class of an Oracle pool's service: its tag, and the layers that provide it.
 *
 * **Example** (The service of one database)
 *
 * ```ts
 * import { OracleSessionPool } from "@sessionpool/oracle"
 * import { Redacted } from "effect"
 *
 * class HrPool extends OracleSessionPool.Service<HrPool>()("app/HrPool") {}
 *
 * const HrPoolLive = HrPool.layer({ connectString: "hr.example.com/HR", user: "hr", password: Redacted.make("tiger") })
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface OracleServiceClass<Self, Id extends string, OE>
  extends Context.ServiceClass<Self, Id, SessionPool.SessionPool<OracleConnection, OE>>
{
  /** A pool that lives as long as the layer. */
  readonly layer: <R = never>(
    options: PoolOptions<OE, R>
  ) => Layer.Layer<Self, PoolError.InvalidOptionsError | PoolError.OpenSessionError, Exclude<R, Scope.Scope>>
  /** The same, with a `Config` in place of the options, or of any field; `hooks` are the options that are functions. */
  readonly layerConfig: <R = never>(
    config: Config.Wrap<PoolFields>,
    hooks?: PoolHooks<OE, R>
  ) => Layer.Layer<
    Self,
    Config.ConfigError | PoolError.InvalidOptionsError | PoolError.OpenSessionError,
    Exclude<R, Scope.Scope>
  >
}

/**
 * Makes a pool that lives as long as the scope.
 *
 * **When to use**
 *
 * Use for a pool without a service, such as in a script.
 *
 * **Example** (A client in a scope)
 *
 * ```ts
 * import { OracleSessionPool } from "@sessionpool/oracle"
 * import { Effect, Redacted } from "effect"
 *
 * const today = Effect.gen(function*() {
 *   const pool = yield* OracleSessionPool.make({ connectString: "localhost/FREEPDB1", user: "scott", password: Redacted.make("tiger") })
 *   return yield* pool.use((connection) => connection.query("select sysdate as now from dual"))
 * }).pipe(Effect.scoped)
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: <OE = never, R = never>(
  options: PoolOptions<OE, R>
) => Effect.Effect<
  SessionPool.SessionPool<OracleConnection, OE>,
  PoolError.InvalidOptionsError | PoolError.OpenSessionError,
  R | Scope.Scope
> = makePool

/**
 * Reads every setting of a pool that is a value from the environment: `max` from `<PREFIX>_MAX`, `connectString` from
 * `<PREFIX>_CONNECT_STRING` or `<PREFIX>_DSN`, `sslServerDNMatch` from `<PREFIX>_SSL_SERVER_DN_MATCH`, and so on.
 *
 * **When to use**
 *
 * For `layerConfig`, of this module and of `OracleClient`, where the settings are not in the program.
 *
 * **Details**
 *
 * `prefix` is `ORACLE` by default. What is not set keeps its default; `appContext` is JSON. A value that cannot be used is a `ConfigError`
 * that names the variable and what it may hold.
 *
 * **Example** (A pool that the environment describes)
 *
 * ```ts
 * import { OracleSessionPool } from "@sessionpool/oracle"
 *
 * class HrPool extends OracleSessionPool.Service<HrPool>()("app/HrPool") {}
 *
 * // HR_CONNECT_STRING, HR_USER, HR_PASSWORD, HR_MAX, ...
 * const HrPoolLive = HrPool.layerConfig(OracleSessionPool.config("HR"))
 * ```
 *
 * @see {@link OracleServiceClass.layerConfig}
 * @category configuration
 * @since 0.1.0
 */
export const config: (prefix?: string) => Config.Config<PoolFields> = poolConfig

/**
 * Makes the service of one database, for programs with several.
 *
 * **When to use**
 *
 * Use once for each further database of a program.
 *
 * **Example** (A second database)
 *
 * ```ts
 * import { OracleSessionPool } from "@sessionpool/oracle"
 *
 * class SalesPool extends OracleSessionPool.Service<SalesPool>()("app/SalesPool") {}
 * ```
 *
 * @category services
 * @since 0.1.0
 */
export const Service =
  <Self, OE = PreparationError>() => <const Id extends string>(id: Id): OracleServiceClass<Self, Id, OE> => {
    const tag = SessionPool.Service<Self, OracleConnection, OE>()(id)
    return Object.assign(tag, {
      layer: <R>(options: PoolOptions<OE, R>) => Layer.effect(tag, make(options)),
      layerConfig: <R>(config: Config.Wrap<PoolFields>, hooks?: PoolHooks<OE, R>) =>
        Layer.effect(tag, Effect.flatMap(Config.unwrap(config), (fields) => make<OE, R>({ ...fields, ...hooks })))
    }) as OracleServiceClass<Self, Id, OE>
  }

/**
 * Takes the members of the pool out of the type of `OracleSessionPool.Service`. In the type of a service's tag that name also
 * stands for what the service is, but nothing stands under it when the program runs: no call of a member may compile.
 */
type NotThePool = { readonly [K in keyof SessionPool.SessionPool<OracleConnection, PreparationError>]: never }

/**
 * The pool of a program with one database.
 *
 * **When to use**
 *
 * Use in every program with one database.
 *
 * **Details**
 *
 * `yield* OracleSessionPool` gives the pool; `OracleSessionPool.layer` and `OracleSessionPool.layerConfig` provide it;
 * `OracleSessionPool.make` makes one without a service, and `OracleSessionPool.Service` the service of another database.
 * `OracleSessionPool.config` reads the settings from the environment, `OracleSessionPool.tagState` makes an `onSession` from a table of
 * the properties of tags.
 *
 * **Example** (A program with one database)
 *
 * ```ts
 * import { OracleSessionPool } from "@sessionpool/oracle"
 * import { Effect, Redacted } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const pool = yield* OracleSessionPool
 *   const connection = yield* pool.acquire({ tag: "USER_TZ=UTC" })
 *   return yield* connection.query("select :n * 2 as doubled from dual", { n: 21 })
 * }).pipe(Effect.scoped)
 *
 * const run = program.pipe(Effect.provide(OracleSessionPool.layer({
 *   connectString: "localhost:1521/FREEPDB1",
 *   user: "scott",
 *   password: Redacted.make("tiger"),
 *   max: 16
 * })))
 * ```
 *
 * @category services
 * @since 0.1.0
 */
export const OracleSessionPool:
  & OracleServiceClass<
    OracleSessionPool,
    "@sessionpool/oracle/OracleSessionPool",
    PreparationError
  >
  & {
    readonly make: typeof make
    readonly config: typeof config
    readonly Service: typeof Service & NotThePool
    readonly tagState: typeof tagState
  } = Object.assign(Service<OracleSessionPool>()("@sessionpool/oracle/OracleSessionPool"), {
    make,
    tagState,
    config,
    Service: Service as typeof Service & NotThePool & SessionPool.SessionPool<OracleConnection, PreparationError>
  })

/**
 * The identifier of {@link OracleSessionPool} among the services that an effect requires.
 *
 * **Example** (A program with one database)
 *
 * ```ts
 * import { OracleSessionPool } from "@sessionpool/oracle"
 * import type { Effect } from "effect"
 *
 * export type Program = Effect.Effect<void, never, OracleSessionPool>
 * ```
 *
 * @category services
 * @since 0.1.0
 */
export interface OracleSessionPool {
  readonly _: unique symbol
}

/**
 * The types that belong to the pool, under its name.
 *
 * **When to use**
 *
 * Use in every program with one database.
 *
 * **Example** (A program with one database)
 *
 * ```ts
 * import type { OracleSessionPool } from "@sessionpool/oracle"
 *
 * const options: OracleSessionPool.Options = { connectString: "localhost/FREEPDB1", user: "scott" }
 * ```
 *
 * @category services
 * @since 0.1.0
 */
export declare namespace OracleSessionPool {
  export type ConnectSettings = Settings.ConnectSettings
  export type Credentials = Settings.OracleCredentials
  export type Fields = PoolFields
  export type Hooks<OE = PreparationError, R = never> = PoolHooks<OE, R>
  export type LeaseSettings = Lease.LeaseSettings
  export type Options<OE = PreparationError, R = never> = PoolOptions<OE, R>
  export type Failure = PreparationError
  /** What a connection is asked for; `context` goes over the `OracleContext` of the fiber, field by field. */
  export type Request = Omit<SessionRequest.SessionRequest, "context"> & {
    readonly context?: OracleContext | undefined
  }
  export type TagProperty = Tags.TagProperty
  export type TagStatement = Tags.TagStatement
  export type TagValue = Tags.TagValue
  /** The pool itself, as `yield* OracleSessionPool` and `OracleSessionPool.make` give it. */
  export type Pool<OE = PreparationError> = SessionPool.SessionPool<OracleConnection, OE>
}
