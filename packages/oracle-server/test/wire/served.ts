import { Effect, type Scope } from "effect"
import type { Engine } from "../../src/internal/engine/engine.ts"
import { type RunningServer, start } from "../../src/internal/server/start.ts"
import type { Options } from "../../src/OracleServer.ts"
import { type Connection, type ConnectionAttributes, oracledb } from "../driver.ts"

/** A server on any engine, for as long as the scope lasts. */
export const serve = (engine: Engine, options: Options = {}): Effect.Effect<RunningServer, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() => start(options, () => engine)),
    (server) => Effect.promise(() => server.stop())
  )

export const portOf = (server: RunningServer): number => server.cluster.instances[0]!.port

export const connectString = (server: RunningServer, service = "FREEPDB1"): string =>
  `127.0.0.1:${portOf(server)}/${service}`

/** A connection of the real driver, closed with the scope. */
export const connect = (
  server: RunningServer,
  attributes: ConnectionAttributes = {}
): Effect.Effect<Connection, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() =>
      oracledb.getConnection({
        user: "scott",
        password: "tiger",
        connectString: connectString(server),
        ...attributes
      })
    ),
    // A test may have broken it.
    (connection) => Effect.promise(() => connection.close().catch(() => undefined))
  )

/** The code of the error that the driver reports. */
export const codeOf = (work: () => Promise<unknown>): Effect.Effect<string> =>
  Effect.promise(() =>
    work().then(
      () => "no error",
      (cause: unknown) => cause instanceof Error && "code" in cause ? String(cause.code) : String(cause)
    )
  )

/** Every combination of protocol features that a client of this driver meets. */
export const dialects: ReadonlyArray<{ readonly name: string; readonly protocol: Options["protocol"] & object }> = [
  { name: "319 with fast authentication and end of response", protocol: {} },
  { name: "319 without fast authentication", protocol: { fastAuth: false } },
  { name: "318 without end of response", protocol: { netVersion: 318 } },
  { name: "318, field version 13", protocol: { netVersion: 318, fieldVersion: 13 } },
  { name: "315, field version 7", protocol: { netVersion: 315, fieldVersion: 7 } }
]

/** Waits until something that the client does not wait for has happened. */
export const eventually = (holds: () => boolean): Effect.Effect<void> =>
  Effect.gen(function*() {
    for (let tries = 0; tries < 200 && !holds(); tries++) yield* Effect.sleep("5 millis")
    if (!holds()) return yield* Effect.die(new Error("it never happened"))
  })
