/** The effects that the pool needs, over standalone connections of the driver. */
import type { SessionDriver } from "@sessionpool/core"
import * as Effect from "effect/Effect"
import type { PlatformError } from "effect/PlatformError"
import { OracleConnection } from "../OracleConnection.ts"
import * as OracleError from "../OracleError.ts"
import type { PipelineState } from "./callBatches.ts"
import { askOnAnother } from "./commitOutcome.ts"
import type { ConnectDescriptorError } from "./connectDescriptorError.ts"
import type { ConnectParameters, OpenRequest, OracleCredentials } from "./connectSettings.ts"
import { fitConnection, type Member } from "./driverInternals.ts"
import type { LeaseContexts } from "./leaseContext.ts"
import { logOnTurns } from "./logOnTurns.ts"
import { driver, type DriverConnection } from "./oracledb.ts"
import { changesServerSession } from "./pooledServer.ts"
import { PooledTransport } from "./pooledTransport.ts"
import { SecretMark } from "./secretMark.ts"
import type { KnownSecret } from "./secretRedaction.ts"
import { OracleSession } from "./session.ts"
import { attempt, type Limits } from "./sessionCall.ts"
import { Sockets } from "./sockets.ts"
import type { ValueSettings } from "./valueSettings.ts"

type Secrets = ReadonlyArray<KnownSecret>

const failed = (operation: string, secrets: Secrets) => (thrown: unknown) =>
  OracleError.failFromDriver(thrown, { operation, secrets })

/** What an attempt to connect comes to. */
interface Connected {
  readonly connection: DriverConnection
  readonly transport?: PooledTransport
  /** What this driver does not have, of the private members that this package knows. */
  readonly missing?: ReadonlyArray<Member>
}

const connectAlone = async (parameters: object): Promise<Connected> => ({
  connection: await driver.getConnection(parameters)
})

const named = new Set<Member>()

/** One line for each private member that this driver does not have, for the whole process. */
const nameMissing = (missing: ReadonlyArray<Member>): Effect.Effect<void> =>
  Effect.forEach(missing, (member) => {
    if (named.has(member)) return Effect.void
    named.add(member)
    return Effect.logWarning(
      `This release of oracledb has no ${member.name} as this package knows it: ${member.fallback}`
    )
  }, { discard: true })

/** Nothing may come of an attempt that was given up: its sockets are cut, and a connection that it made is closed. */
const connect = (attempt: () => Promise<Connected>, sockets: Sockets): Effect.Effect<Connected, unknown> =>
  Effect.callback((resume) => {
    let isAbandoned = false
    const made = sockets.during(attempt).then(async (connected) => {
      if (!isAbandoned) return resume(Effect.succeed(connected))
      sockets.destroy()
      await connected.connection.close()
      await connected.transport?.close()
    })
    const settled = made.catch((thrown: unknown) => resume(Effect.fail(thrown)))
    return Effect.suspend(() => {
      isAbandoned = true
      sockets.destroy()
      // In Thick mode there is nothing to cut; what the attempt comes to is closed when it comes.
      return driver.thin ? Effect.timeoutOption(Effect.promise(() => settled), "1 second") : Effect.void
    })
  })

/** A connect string that leads nowhere: nothing was sent, and trying again reads the same. */
const unreadable = (failure: ConnectDescriptorError | PlatformError): OracleError.OracleError =>
  new OracleError.OracleError({
    reason: new OracleError.ConnectionError({
      cause: failure,
      codes: [],
      isRetryable: false,
      isSessionFatal: false,
      message: `The connect string cannot be used: ${failure.message}`,
      operation: "open session"
    })
  })

const open = (
  parameters: ConnectParameters,
  request: OpenRequest,
  limits: Limits,
  contexts: LeaseContexts,
  pipelines: PipelineState
): Effect.Effect<OracleSession, OracleError.OracleError> => {
  const { settings } = parameters
  const secrets = [request.password, request.token, request.privateKey, settings.walletPassword, settings.walletContent]
    .filter((secret) => secret !== undefined)
  const sockets = new Sockets()
  const way = (given: object): Promise<Connected> =>
    settings.serverPool === "release"
      ? PooledTransport.connect(given, request.cclass ?? parameters.ownClass, sockets)
      : connectAlone(given)
  return parameters.of(request).pipe(
    Effect.mapError(unreadable),
    Effect.flatMap((given) => logOnTurns.run(connect(() => way(given), sockets))),
    Effect.tap(({ connection, missing = [] }) =>
      driver.thin ? nameMissing([...missing, ...fitConnection(connection)]) : Effect.void
    ),
    Effect.map(({ connection, transport }) =>
      new OracleSession({
        connection,
        ...(transport !== undefined && { transport }),
        sockets,
        secrets: secrets.map((secret) => new SecretMark(secret)),
        isPooledServer: changesServerSession(settings),
        limits,
        context: contexts.ofSession(settings),
        pipelines,
        outcomeOf: (ltxid) =>
          askOnAnother(
            open(parameters, request, limits, contexts, pipelines),
            (session) => close(session, true),
            limits.breakLimit,
            ltxid
          )
      })
    ),
    // Until its first lease it needs no session of the server.
    Effect.tap((session) => session.transport === undefined ? Effect.void : session.detach),
    Effect.catch(failed("open session", [...secrets, ...parameters.secrets]))
  )
}

const closeAll = async (session: OracleSession): Promise<void> => {
  const { attached, transport } = session
  session.attached = undefined
  await attached?.close()
  await transport?.close()
}

const close = (session: OracleSession, force: boolean): Effect.Effect<void, OracleError.OracleError> => {
  if (!force) {
    const closed = session.attached === undefined && session.transport !== undefined
      ? attempt(() => closeAll(session))
      : session.call(() => closeAll(session))
    return Effect.catch(closed, failed("close session", session.secrets))
  }
  return Effect.sync(() => {
    // Thick mode has no socket to cut. A break makes the call that runs come back, if the server still answers at all.
    if (!driver.thin) session.attached?.break().catch(() => {})
    session.sockets.destroy()
    closeAll(session).catch(() => {})
  })
}

/** The server must not keep a session for one that only was asked whether it lives. */
const ping = (session: OracleSession): Effect.Effect<void, OracleError.OracleError> =>
  Effect.suspend(() => {
    // After a call that was broken off the pool asks before it resets the session; nothing of the holder may end it.
    if (session.lease?.isReleased === true) session.putBack()
    return session.call((connection) => connection.ping())
  }).pipe(
    Effect.andThen(
      Effect.suspend(() =>
        session.transport === undefined || session.lease !== undefined ? Effect.void : session.detach
      )
    ),
    Effect.catch(failed("ping", session.secrets))
  )

/** Puts back what a caller may have changed in the driver; the statement cache of Thin mode cannot be changed. */
const putBack = (connection: DriverConnection, settings: SessionDriver.SessionSettings): void => {
  if (!driver.thin && connection.stmtCacheSize !== settings.stmtCacheSize) {
    connection.stmtCacheSize = settings.stmtCacheSize
  }
}

/** Closing what a caller left open costs no round trip: cursors and LOBs are freed along with the next call. */
const closeResources = (session: OracleSession): Effect.Effect<void, unknown> =>
  Effect.suspend(() => {
    const resources = [...session.resources]
    session.resources.clear()
    return attempt(async () => {
      for (const resource of resources) await resource.close()
    })
  })

/** What a part of a sessionless transaction has done is undone; the work of the sessions before it stays. */
const suspend = async (
  connection: DriverConnection,
  { savepoint }: NonNullable<OracleSession["part"]>
): Promise<void> => {
  if (savepoint !== undefined) await connection.execute(`rollback to savepoint ${savepoint}`, [], {})
  await connection.suspendSessionlessTransaction?.()
}

const reset = (
  session: OracleSession,
  settings: SessionDriver.SessionSettings
): Effect.Effect<void, OracleError.OracleError> | undefined => {
  const { attached, transport } = session
  session.putBack()
  session.lease = undefined
  if (attached === undefined) return undefined
  putBack(attached, settings)
  const hasWork = attached.transactionInProgress === true
  if (!hasWork && transport === undefined && session.resources.size === 0) return undefined
  const { part } = session
  session.part = undefined
  const rollBack = hasWork
    ? session.call(
      (connection) => part === undefined ? connection.rollback() : suspend(connection, part),
      { isOfHolder: true }
    )
    : Effect.void
  return closeResources(session).pipe(
    Effect.andThen(transport === undefined ? rollBack : Effect.andThen(rollBack, session.detach)),
    Effect.catch(failed("reset session", session.secrets))
  )
}

/** The driver of a pool. */
export const make = (
  parameters: ConnectParameters,
  values: ValueSettings,
  limits: Limits,
  contexts: LeaseContexts,
  pipelines: PipelineState
): SessionDriver.SessionDriver<OracleSession, OracleConnection, OracleError.OracleError, OracleCredentials> => ({
  open: (request) => open(parameters, request, limits, contexts, pipelines),
  close: (session, { force }) => close(session, force),
  ping,
  reset,
  interrupt: (session) => Effect.catch(session.stop, failed("break", session.secrets)),
  isHealthy: (session) => session.isHealthy,
  hasNotice: (session) => session.hasNotice,
  hasOpenWork: (session) => session.attached?.transactionInProgress === true,
  isAuthenticationFailure: (error) => error.reason._tag === "AuthenticationError",
  refusal: ({ reason: { codes } }) =>
    codes.some((code) => code === "ORA-28000")
      ? "locked"
      // The proxy may not act for the user, or the user may not log on: the password was not the reason.
      : codes.some((code) => code === "ORA-28150" || code === "ORA-01045")
      ? "identity"
      : "credentials",
  lease: (session, lease, context, requested) => {
    session.beginLease(lease, context === undefined ? undefined : contexts.of(context, requested))
    return new OracleConnection(lease, session, values)
  },
  describe: (session) => session.description,
  attributes: (session) => session.attributes
})
