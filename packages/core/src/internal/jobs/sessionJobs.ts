/** Work on one session that no caller waits for: pinging it, taking it away from its holder, closing it. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { type CloseReason, PoolEvent } from "../../PoolEvent.ts"
import { within } from "../data/timeLimit.ts"
import * as Lending from "../decisions/lending.ts"
import type { Session } from "../entities/session.ts"
import { breakOff } from "./breakOff.ts"
import type { Host } from "./host.ts"
import { runOwnWork } from "./ownWork.ts"

/** Pings a session that was set aside, and gives it on or closes it. */
export const checkSession = <S>(
  host: Host<S>,
  session: Session<S>
): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { state } = host
    const { suspicion } = state
    const ping = within(
      Effect.suspend(() => host.driver.ping(session.handle)),
      state.limits.pingTimeout,
      "a ping"
    )
    return Effect.map(Effect.exit(runOwnWork(session, ping)), (exit) => {
      if (session.place === "checking" && !session.isTaken) {
        const isAlive = Exit.isSuccess(exit)
        Lending.checked(state, session, { isAlive, suspicion }, state.now(), host.isHealthy)
      }
      host.flush()
    })
  })

/** Stops what runs on a session that was taken away from its holder, and closes it. */
export const takeAwaySession = <S>(
  host: Host<S>,
  session: Session<S>,
  reason: CloseReason
): Effect.Effect<void> =>
  Effect.suspend(() => {
    // First of all, so that the pool begins nothing more on it.
    const { worker } = session
    worker?.interruptUnsafe()
    const quiet: Effect.Effect<unknown> = Effect.exit(breakOff(host, session))
    const ended = worker === undefined ? quiet : Effect.andThen(
      quiet,
      Effect.exit(within(Fiber.await(worker), host.state.limits.pingTimeout, "stopping the pool's own work"))
    )
    return Effect.map(ended, () => {
      host.state.retire(session, reason)
      host.flush()
    })
  })

/** Closes a session for good; when that fails or takes too long, by force. */
export const closeSession = <S>(
  host: Host<S>,
  session: Session<S>,
  reason: CloseReason
): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { state } = host
    const close = (force: boolean) =>
      within(
        Effect.suspend(() => host.driver.close(session.handle, { force })),
        state.limits.closeTimeout,
        "closing a session"
      )
    // A dead session would not answer a polite goodbye.
    const isDead = reason === "dead" || reason === "broken"
    const closing = isDead ? close(true) : Effect.catchCause(close(false), () => close(true))
    return Effect.flatMap(Effect.exit(closing), (exit) => {
      const failure = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
      state.forget(session)
      if (state.isWatched) {
        state.emit(PoolEvent.SessionClosed({ at: state.date(), session: session.id, reason, failure }))
      }
      host.flush()
      return failure === undefined
        ? Effect.void
        : Effect.logDebug("A session failed to close cleanly", failure).pipe(
          Effect.annotateLogs({ "sessionpool.pool": state.settings.name, "sessionpool.session": session.id })
        )
    })
  })
