/** The effects that the pool needs, over standalone connections of the driver. */
import type { SessionDriver } from "@sessionpool/core"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import { OracleConnection } from "../OracleConnection.ts"
import * as OracleError from "../OracleError.ts"
import type { ConnectParameters, OpenRequest } from "./connectSettings.ts"
import { driver, type DriverConnection } from "./oracledb.ts"
import { OracleSession } from "./session.ts"
import { Sockets } from "./sockets.ts"
import { spanAttributes } from "./tracing.ts"
import type { ValueSettings } from "./valueSettings.ts"

type Secrets = ReadonlyArray<Redacted.Redacted<string>>

const failed = (operation: string, secrets: Secrets) => (thrown: unknown) =>
  OracleError.failFromDriver(thrown, { operation, secrets })

/** Nothing may come of an attempt that was given up: its sockets are cut, and a connection that it made is closed. */
const connect = (parameters: object, sockets: Sockets): Effect.Effect<DriverConnection, unknown> =>
  Effect.callback((resume) => {
    let isAbandoned = false
    const attempt = sockets.during(() => driver.getConnection(parameters)).then(async (connection) => {
      if (!isAbandoned) return resume(Effect.succeed(connection))
      sockets.destroy()
      await connection.close()
    })
    const settled = attempt.catch((thrown: unknown) => resume(Effect.fail(thrown)))
    return Effect.suspend(() => {
      isAbandoned = true
      sockets.destroy()
      // In Thick mode there is nothing to cut; what the attempt comes to is closed when it comes.
      return driver.thin ? Effect.timeoutOption(Effect.promise(() => settled), "1 second") : Effect.void
    })
  })

const open = (
  parameters: ConnectParameters,
  request: OpenRequest
): Effect.Effect<OracleSession, OracleError.OracleError> => {
  const { settings } = parameters
  const secrets = [request.password, request.token, request.privateKey, settings.walletPassword, settings.walletContent]
    .filter((secret) => secret !== undefined)
  const sockets = new Sockets()
  return parameters.of(request).pipe(
    Effect.flatMap((given) =>
      Effect.map(
        Effect.interruptible(connect(given, sockets)),
        (connection) => new OracleSession(connection, sockets, secrets, settings.poolBoundary !== undefined)
      )
    ),
    Effect.catch(failed("open session", secrets))
  )
}

const close = (session: OracleSession, force: boolean): Effect.Effect<void, OracleError.OracleError> => {
  if (!force) {
    return Effect.catch(session.call((connection) => connection.close()), failed("close session", session.secrets))
  }
  return Effect.sync(() => {
    // Thick mode has no socket to cut. A break makes the call that runs come back, if the server still answers at all.
    if (!driver.thin) session.connection.break().catch(() => {})
    session.sockets.destroy()
    session.connection.close().catch(() => {})
  })
}

/** Puts back what a caller may have changed in the driver; the statement cache of Thin mode cannot be changed. */
const putBack = (session: OracleSession, settings: SessionDriver.SessionSettings): void => {
  const { connection } = session
  if (connection.callTimeout !== 0) connection.callTimeout = 0
  if (!driver.thin && connection.stmtCacheSize !== settings.stmtCacheSize) {
    connection.stmtCacheSize = settings.stmtCacheSize
  }
}

/** Closing what a caller left open costs no round trip: cursors and LOBs are freed along with the next call. */
const closeResources = (session: OracleSession): Effect.Effect<void, unknown> =>
  Effect.suspend(() => {
    const resources = [...session.resources]
    session.resources.clear()
    return Effect.tryPromise({
      try: async () => {
        for (const resource of resources) await resource.close()
      },
      catch: (thrown) => thrown
    })
  })

const reset = (
  session: OracleSession,
  settings: SessionDriver.SessionSettings
): Effect.Effect<void, OracleError.OracleError> | undefined => {
  putBack(session, settings)
  session.lease = undefined
  const hasWork = session.connection.transactionInProgress === true
  if (!hasWork && session.resources.size === 0) return undefined
  return closeResources(session).pipe(
    Effect.andThen(hasWork ? session.call((connection) => connection.rollback()) : Effect.void),
    Effect.catch(failed("reset session", session.secrets))
  )
}

/** The driver of a pool that opens its sessions with `settings`. */
export const make = (
  parameters: ConnectParameters,
  values: ValueSettings
): SessionDriver.SessionDriver<OracleSession, OracleConnection, OracleError.OracleError> => ({
  open: (request) => open(parameters, request),
  close: (session, { force }) => close(session, force),
  ping: (session) => Effect.catch(session.call((connection) => connection.ping()), failed("ping", session.secrets)),
  reset,
  interrupt: (session) => Effect.catch(session.stop, failed("break", session.secrets)),
  isHealthy: (session) => session.connection.isHealthy(),
  isAuthenticationFailure: (error) => error.reason._tag === "AuthenticationError",
  lease: (session, lease) => {
    session.lease = lease
    return new OracleConnection(lease, session, values)
  },
  attributes: (session) => spanAttributes(session.connection)
})
