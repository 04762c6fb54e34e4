/** Connections for the recorder: to the database that the environment names, and to an embedded server made for one run. */
import { Config, Data, Effect, Option, Redacted, type Scope } from "effect"
import * as OracleServer from "../../OracleServer.ts"
import { type Driver, type DriverConnection, loadDriver } from "./driver.ts"
import { Player } from "./play.ts"
import type { Recording } from "./recording.ts"
import { ScriptError, type ScriptStep } from "./script.ts"

/** The recorder could not do its work; differences between databases are no such failure. */
export class RecorderError extends Data.TaggedError("RecorderError")<{
  readonly message: string
  readonly cause: unknown
}> {}

/** What went wrong, in a sentence that begins with what was being done. */
export const recorderError = (doing: string) => (cause: unknown): RecorderError =>
  new RecorderError({ message: `${doing}: ${cause instanceof Error ? cause.message : String(cause)}`, cause })

interface Target {
  readonly connectString: string
  readonly user: string
  readonly password: Redacted.Redacted<string>
}

/** `ORACLE_CONNECT_STRING`, `ORACLE_USER` and `ORACLE_PASSWORD`. */
export const targetOfEnvironment: Effect.Effect<Target, RecorderError> = Effect.gen(function*() {
  const connectString = yield* Config.option(Config.String("ORACLE_CONNECT_STRING"))
  if (Option.isNone(connectString)) {
    return yield* new RecorderError({
      message: "ORACLE_CONNECT_STRING, ORACLE_USER and ORACLE_PASSWORD must name the database to compare with",
      cause: undefined
    })
  }
  return {
    connectString: connectString.value,
    user: yield* Config.String("ORACLE_USER"),
    password: yield* Config.Redacted("ORACLE_PASSWORD")
  }
}).pipe(Effect.catchTag("ConfigError", (error) => Effect.fail(recorderError("the environment")(error))))

const driver: Effect.Effect<Driver, RecorderError> = Effect.tryPromise({
  try: loadDriver,
  catch: recorderError("the driver is missing; install it with `npm install oracledb`")
})

const connect = (driver: Driver, target: Target): Effect.Effect<DriverConnection, RecorderError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: () =>
        driver.getConnection({
          user: target.user,
          password: Redacted.value(target.password),
          connectString: target.connectString
        }),
      catch: recorderError(`connecting to ${target.connectString}`)
    }),
    // A connection that was lost has nothing to close.
    (connection) => Effect.promise(() => connection.close().catch(() => undefined))
  )

/** Plays the steps on a database. */
export const record = (target: Target, steps: ReadonlyArray<ScriptStep>): Effect.Effect<Recording, RecorderError> =>
  Effect.scoped(Effect.gen(function*() {
    const loaded = yield* driver
    const connection = yield* connect(loaded, target)
    return yield* Effect.tryPromise({
      try: () => new Player(loaded, connection).play(steps),
      catch: (cause) =>
        recorderError(cause instanceof ScriptError ? "the script" : `playing on ${target.connectString}`)(cause)
    })
  }))

/** Plays them on an embedded server that is there for nothing else, and that behaves as the given version. */
export const recordEmbedded = (
  steps: ReadonlyArray<ScriptStep>,
  options: { readonly user: string; readonly version?: string }
): Effect.Effect<Recording, RecorderError> =>
  Effect.scoped(Effect.gen(function*() {
    const password = "embedded"
    const server = yield* OracleServer.make({
      users: { [options.user]: password },
      ...(options.version === undefined ? {} : { version: options.version })
    }).pipe(Effect.mapError(recorderError("the embedded server")))
    return yield* record({
      connectString: server.connectString,
      user: options.user,
      password: Redacted.make(password)
    }, steps)
  }))
