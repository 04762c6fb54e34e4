/** An Oracle pool from its options: the settings of the pool, of the connections and of the values, told apart. */
import { PoolError, PoolOptions as CoreOptions, SessionPool } from "@sessionpool/core"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { OracleConnection } from "../OracleConnection.ts"
import { failFromDriver, type OracleError } from "../OracleError.ts"
import { ConnectParameters, type ConnectSettings, type OracleCredentials } from "./connectSettings.ts"
import { connectStringProblem, isAlias, shownConnectString } from "./connectStringCheck.ts"
import { LeaseContexts } from "./leaseContext.ts"
import { defaultCommitTimeout, type LeaseSettings, limitOf } from "./leaseSettings.ts"
import { listenerSettings, withListeners } from "./listenerSessions.ts"
import { openPauses } from "./openPauses.ts"
import { driver } from "./oracledb.ts"
import { noteAddress, shareAddress } from "./poolAddress.ts"
import { changesServerSession, pooledServerProblems, withoutTags } from "./pooledServer.ts"
import type { OracleSession } from "./session.ts"
import * as Driver from "./sessionDriver.ts"
import {
  checkConnectSettings,
  checkLeaseSettings,
  checkValueOptions,
  connectSettingNames,
  leaseSettingNames,
  valueSettingNames
} from "./settingFields.ts"
import { longestTimer } from "./timers.ts"
import { defaultValues, over, type ValueOptions } from "./valueSettings.ts"

/**
 * The options of a pool that are plain values: the pool's settings, how to connect, how to read values.
 *
 * **Example** (Settings that are values)
 *
 * ```ts
 * import type { OracleSessionPool } from "@sessionpool/oracle"
 *
 * const fields: OracleSessionPool.Fields = { connectString: "localhost/FREEPDB1", user: "scott", max: 16, numbers: "bigint" }
 * ```
 */
export interface PoolFields
  extends
    Omit<CoreOptions.Options, "dsn" | "tnsentry">,
    ConnectSettings,
    LeaseSettings,
    Omit<ValueOptions, "numbers" | "columnNames">
{
  readonly numbers?: Extract<ValueOptions["numbers"], string> | undefined
  readonly columnNames?: Extract<ValueOptions["columnNames"], string> | undefined
}

/**
 * The options of a pool that are functions or effects.
 *
 * **Details**
 *
 * `credentials` take the place of `user` and `password` and are asked at every opening. `onSession`, `onLease` and `resetSession` are those of
 * the core pool, and so is `openRetry`, but for its default: while no database can be reached, pauses are 30 ms and 0.2 % of how long
 * that has lasted; after what a database refuses they begin at 100 ms and double. Both end at 1 second and are jittered by 20 %.
 *
 * **Example** (Credentials from an effect)
 *
 * ```ts
 * import type { OracleSessionPool } from "@sessionpool/oracle"
 * import { Effect, Redacted } from "effect"
 *
 * const hooks: OracleSessionPool.Hooks = {
 *   credentials: Effect.succeed({ user: "scott", password: Redacted.make("tiger") })
 * }
 * ```
 */
export interface PoolHooks<OE, R> {
  readonly credentials?: Effect.Effect<OracleCredentials, unknown, R> | undefined
  readonly onSession?:
    | ((
      connection: OracleConnection,
      info: { readonly requestedTag: string | undefined }
    ) => Effect.Effect<unknown, OE, R>)
    | undefined
  /** Runs at every lease, after `onSession`. When it fails the session goes back, and the failure is the caller's. */
  readonly onLease?:
    | ((
      connection: OracleConnection,
      info: { readonly requestedTag: string | undefined }
    ) => Effect.Effect<unknown, OE, R>)
    | undefined
  readonly resetSession?: ((connection: OracleConnection) => Effect.Effect<unknown, unknown, R>) | undefined
  readonly openRetry?: Schedule.Schedule<unknown, unknown, unknown, R> | undefined
  /** Under which names columns appear in rows; over the field of the same name. */
  readonly columnNames?: ValueOptions["columnNames"]
  /** What NUMBER columns are read as, by column; over the field of the same name. */
  readonly numbers?: ValueOptions["numbers"]
}

/**
 * Everything that a pool can be made with.
 *
 * **Example** (A pool that keeps two sessions open)
 *
 * ```ts
 * import type { OracleSessionPool } from "@sessionpool/oracle"
 *
 * const options: OracleSessionPool.Options = { connectString: "localhost/FREEPDB1", user: "scott", min: 2 }
 * ```
 */
export type PoolOptions<OE, R> = Omit<PoolFields, "numbers" | "columnNames"> & PoolHooks<OE, R>

const pick = <A extends object, K extends keyof A>(from: A, names: ReadonlyArray<K>): Pick<A, K> =>
  Object.fromEntries(names.flatMap((name) => from[name] === undefined ? [] : [[name, from[name]]])) as Pick<A, K>

const omit = <A extends object, K extends keyof A>(from: A, names: ReadonlyArray<K>): Omit<A, K> =>
  Object.fromEntries(Object.entries(from).filter(([name]) => !names.some((each) => each === name))) as Omit<A, K>

/**
 * What an effect that fetches credentials fails or dies with may be anything, the credentials included: what is no error is left out, and
 * a defect is shown as the failure of an opening that it is.
 */
const quiet = <R>(
  credentials: Effect.Effect<OracleCredentials, unknown, R>
): Effect.Effect<OracleCredentials, unknown, R> =>
  Effect.catchCause(credentials, (cause) => {
    if (Cause.hasInterrupts(cause)) return Effect.failCause(cause)
    const thrown = Cause.squash(cause)
    return Cause.hasFails(cause) && thrown instanceof Error
      ? Effect.fail(thrown)
      : failFromDriver(thrown, { operation: "credentials" })
  })

/** A connect string that must not be sent, or that cannot be read where it has to be. */
const connectStringProblems = (
  settings: ConnectSettings,
  options: PoolOptions<unknown, unknown>
): PoolError.InvalidOptionsError["problems"] => {
  const { connectString } = settings
  if (typeof connectString !== "string") return []
  const problem = connectStringProblem(connectString, {
    user: options.user,
    password: options.password,
    hasOtherUser: options.credentials !== undefined || settings.externalAuth === true || options.homogeneous === false,
    isRouted: options.cclass !== undefined || settings.poolBoundary !== undefined || settings.serverPool !== undefined
      || settings.sourceRoute === true,
    isThin: driver.thin
  })
  return problem === undefined ? [] : [{ field: "connectString", problem }]
}

/** Hooks run long after the pool was made: what cannot be run is named now. */
const hookProblems = (options: PoolOptions<unknown, unknown>): PoolError.InvalidOptionsError["problems"] =>
  (["onSession", "onLease", "resetSession"] as const).flatMap((field) =>
    options[field] === undefined || typeof options[field] === "function"
      ? []
      : [{ field, problem: "must be a function that returns an effect" }]
  )

type Pool<OE> = SessionPool.SessionPool<OracleConnection, OE>

const makeOne: <OE = never, R = never>(
  options: PoolOptions<OE, R>
) => Effect.Effect<
  Pool<OE>,
  PoolError.InvalidOptionsError | PoolError.OpenSessionError,
  R | Scope.Scope
> = Effect.fnUntraced(function*<OE, R>(options: PoolOptions<OE, R>) {
  // Programs without types pass what they have.
  if (typeof options !== "object" || options === null) {
    const problems = [{ field: "options", problem: "must be an object with at least a connectString" }]
    return yield* new PoolError.InvalidOptionsError({ pool: "default", problems })
  }
  const poolOptions = omit(options, [...connectSettingNames, ...leaseSettingNames, ...valueSettingNames])
  const name = poolOptions.name ?? "default"
  const connect = checkConnectSettings(pick(options, connectSettingNames))
  const lease = checkLeaseSettings(pick(options, leaseSettingNames))
  const read = checkValueOptions(pick(options, valueSettingNames))
  const { settings } = connect
  const problems = [
    ...connect.problems,
    ...lease.problems,
    ...read.problems,
    ...hookProblems(options),
    ...pooledServerProblems(settings, options),
    ...connectStringProblems(settings, options)
  ]
  if (problems.length > 0) return yield* new PoolError.InvalidOptionsError({ pool: name, problems })
  const values = over(defaultValues, read.settings)
  const { connectString } = settings
  const checked = yield* Effect.fromResult(CoreOptions.fromInput(pick(poolOptions, ["name", "pingTimeout"])))
  const limits = {
    current: Effect.succeed(checked),
    /** `reconfigure` changes it. */
    get breakLimit(): number {
      const { pingTimeout } = Effect.runSync(this.current)
      return Math.min(Duration.toMillis(pingTimeout) || longestTimer, longestTimer)
    },
    commitLimit: limitOf(lease.settings.commitTimeout ?? defaultCommitTimeout)
  }
  const { onSession } = options
  const contexts = new LeaseContexts({
    module: lease.settings.serviceName ?? checked.name,
    keeps: lease.settings.endToEnd === "keep"
  })
  const parameters = new ConnectParameters(settings)
  const pool = yield* SessionPool.make<OracleSession, OracleConnection, OracleError, OE, R, OE, OracleCredentials>({
    ...poolOptions,
    dsn: shownConnectString(connectString, options.password),
    ...(isAlias(connectString) && { tnsentry: connectString }),
    ...(poolOptions.credentials !== undefined && { credentials: quiet(poolOptions.credentials) }),
    openRetry: poolOptions.openRetry ?? openPauses,
    ...(onSession !== undefined && {
      onSession: (connection: OracleConnection, info: { readonly requestedTag: string | undefined }) => {
        const prepared = onSession(connection, info)
        // What is no effect is refused by the pool.
        return Effect.isEffect(prepared) ? Effect.tap(prepared, () => connection.prepared) : prepared
      }
    }),
    driver: Driver.make(parameters, values, limits, contexts, {
      isOn: lease.settings.pipelining === true,
      isRefused: false
    })
  })
  limits.current = pool.settings
  const made = changesServerSession(settings) ? withoutTags(pool, name) : pool
  noteAddress(made, parameters.summary)
  return made
})

/** A pool, and beside it one for listeners when they come. */
export const makePool: <OE = never, R = never>(
  options: PoolOptions<OE, R>
) => Effect.Effect<
  Pool<OE>,
  PoolError.InvalidOptionsError | PoolError.OpenSessionError,
  R | Scope.Scope
> = Effect.fnUntraced(function*<OE, R>(options: PoolOptions<OE, R>) {
  const pool = yield* makeOne(options)
  const context = yield* Effect.context<R | Scope.Scope>()
  const beside = { ...options, ...listenerSettings(options.name ?? "default") }
  const made = yield* withListeners(pool, (changed) =>
    // The settings were good for the pool, so they are for this one.
    Effect.orDie(Effect.provideContext(makeOne<OE, R>({ ...beside, ...changed }), context)))
  shareAddress(pool, made)
  return made
})
