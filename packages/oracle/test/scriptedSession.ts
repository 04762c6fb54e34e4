/** Sessions over a connection of which only what a test names is there. */
import { Cause, Effect, Exit } from "effect"
import { mock } from "node:test"
import type { DriverConnection } from "../src/internal/oracledb.ts"
import { OracleSession, type SessionParts } from "../src/internal/session.ts"
import { Sockets } from "../src/internal/sockets.ts"

export const connectionOf = (members: object): DriverConnection =>
  ({ isHealthy: () => true, callTimeout: 0, currentSchema: "", ...members }) as DriverConnection

/** The parts that a test gives replace those that do nothing. */
export const scriptedSession = (members: object | DriverConnection, parts: Partial<SessionParts> = {}): OracleSession =>
  new OracleSession({
    connection: "isHealthy" in members ? members as DriverConnection : connectionOf(members),
    sockets: new Sockets(),
    secrets: [],
    isPooledServer: false,
    limits: { breakLimit: 1000, commitLimit: 0 },
    context: { keeps: false, isPooledServer: false, attributes: new Map() },
    pipelines: { isOn: false, isRefused: false },
    outcomeOf: () => Effect.succeed("unknown"),
    ...parts
  })

export const cancelled = (): Error =>
  Object.assign(new Error("ORA-01013: cancelled"), { errorNum: 1013, code: "ORA-01013" })

/** Sockets that a test moves. */
export class ScriptedSockets extends Sockets {
  isCut = false
  bytes = 0

  override get bytesRead(): number {
    return this.bytes
  }

  override get isOpen(): boolean {
    return !this.isCut
  }

  override destroy(): void {
    this.isCut = true
  }
}

/** The timers of a session, moved by the test; those of Effect are not touched, as nothing here sleeps. */
export const withTimers = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.acquireUseRelease(
    Effect.sync(() => mock.timers.enable({ apis: ["setTimeout", "setInterval"] })),
    () => effect,
    () => Effect.sync(() => mock.timers.reset())
  )

/** A call that the server does not answer. */
export const never = () => new Promise<never>(() => {})

/** Lets the session's timers pass. */
export const pass = (millis: number): void => mock.timers.tick(millis)

/** The driver's code of a failure. */
export const codeOf = (exit: Exit.Exit<unknown, unknown>): unknown =>
  Exit.isFailure(exit) ? (Cause.squash(exit.cause) as { readonly code?: string }).code : "success"

/** Lets everything run that waits for nothing but its turn. */
export const settle = Effect.promise(async () => {
  for (let n = 0; n < 10; n++) await Promise.resolve()
})
