/**
 * The effects that a pool runs on its own account: opening, closing and checking sessions, and pausing after failures. None
 * runs in a caller's fiber, so a caller that gives up never cancels them.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import type { Connection } from "../Connection.ts"
import { type CloseReason, PoolEvent } from "../PoolEvent.ts"
import { poolName } from "../PoolMetrics.ts"
import { breakOff } from "./breakOff.ts"
import { formatDuration } from "./durationText.ts"
import type { Engine } from "./engine.ts"
import { describeIdentity } from "./identity.ts"
import * as Lending from "./lending.ts"
import { attemptToOpen } from "./opening.ts"
import { OpeningFailure } from "./openingFailure.ts"
import { Session } from "./session.ts"
import type { OpenFailure, SessionGroup } from "./sessionGroup.ts"
import { openingFailed } from "./settling.ts"
import { TookTooLong, within } from "./timeLimit.ts"

/**
 * Opens a session in the place that was reserved for it, and offers it to who waits.
 *
 * The driver's `open` is never cut off from outside: a session that was opened in the same moment would be lost. It is
 * interrupted, by the timeout or by the end of the pool, and then waited for.
 */
export const openSession = <S, C extends Connection, E, OE>(
  engine: Engine<S, C, E, OE>,
  group: SessionGroup<S>
): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    const { state } = engine
    const { openTimeout } = engine.settings
    const order = engine.nextOpening()
    const began = state.now()
    let isLate = false
    const timer = Duration.isFinite(openTimeout)
      ? engine.fork(Effect.andThen(
        Effect.sleep(openTimeout),
        Effect.sync(() => {
          isLate = true
          fiber.interruptUnsafe()
        })
      ))
      : undefined
    const attempt = Effect.withSpan(attemptToOpen(engine, group), "sessionpool.open", {
      kind: "client",
      root: true,
      attributes: {
        [poolName]: engine.settings.name,
        "sessionpool.identity": describeIdentity(group.identity)
      }
    })
    return Effect.flatMap(Effect.exit(attempt), (exit) => {
      timer?.interruptUnsafe()
      if (Exit.isFailure(exit)) {
        const error = Cause.squash(exit.cause)
        state.unreserve(group)
        if (error instanceof OpeningFailure) return openingEnded(engine, group, error)
        // The pool is closing and has given the opening up.
        if (state.phase !== "open") return Effect.sync(() => engine.flush())
        if (!isLate) return openingEnded(engine, group, new OpeningFailure(error, false, ""))
        const late = new TookTooLong(
          `opening a session did not end within ${formatDuration(Duration.toMillis(openTimeout))} (openTimeout)`
        )
        return openingEnded(engine, group, new OpeningFailure(late, false, ""))
      }
      return Effect.flatMap(Random.next, (random) => {
        const now = state.now()
        const session = new Session<S>({
          id: engine.nextSessionNumber(),
          group,
          handle: exit.value.handle,
          now,
          account: exit.value.account,
          lifetimePart: 1 - random * engine.settings.lifetimeJitter,
          suspicion: state.suspicion
        })
        state.admit(session)
        engine.meters.created(now - began)
        const isHealthy = engine.isHealthy(session)
        if (!isHealthy) state.retire(session, "dead")
        if (state.isWatched) {
          state.emit(PoolEvent.SessionOpened({
            at: state.date(now),
            session: session.id,
            identity: describeIdentity(group.identity),
            tookMillis: now - began
          }))
        }
        if (!isHealthy) {
          // Another would be no better: without a pause the pool would open and close as fast as it can.
          const unfit = new Error("the session was not healthy when it was opened")
          return openingEnded(engine, group, new OpeningFailure(unfit, false, exit.value.fingerprint))
        }
        // Opening works again: those that held back for this one follow.
        if (group.failure !== undefined || group.isPausing) engine.resume(group)
        state.lastOpenFailure = undefined
        adoptCredentials(engine, session, order)
        Lending.offer(state, session, now, engine.isHealthy, { warmest: true, proven: true })
        engine.flush()
        return Effect.void
      })
    })
  })

/** Once a session was opened with other credentials of the pool, those opened with the old ones retire. */
const adoptCredentials = <S, C extends Connection, E, OE>(
  engine: Engine<S, C, E, OE>,
  session: Session<S>,
  order: number
): void => {
  const { state } = engine
  if (session.group.identity.credentials === "request" || !engine.isLatestOpening(order)) return
  const before = state.account
  state.adopt(session.account)
  if (before === undefined || before === session.account) return
  if (state.isWatched) state.emit(PoolEvent.CredentialsChanged({ at: state.date() }))
  state.retireOutdated()
}

const openingEnded = <S, C extends Connection, E, OE>(
  engine: Engine<S, C, E, OE>,
  group: SessionGroup<S>,
  error: OpeningFailure
): Effect.Effect<void> => {
  const { state } = engine
  const failure: OpenFailure = {
    cause: error.cause,
    isAuthentication: error.isAuthentication,
    attempts: Math.max(1, (group.failure?.attempts ?? 0) + (error.isShared ? 0 : 1)),
    fingerprint: error.fingerprint
  }
  const isFirst = group.failure === undefined
  openingFailed(state, group, failure)
  const canChange = group.identity.credentials === "pool" && engine.parts.credentials !== undefined
  if (failure.isAuthentication && !canChange) group.isStopped = true
  else if (!group.isPausing && state.phase === "open") {
    group.isPausing = true
    state.jobs.push({ _tag: "Run", effect: pause(engine, group, failure.cause) })
  }
  if (error.isShared) return Effect.sync(() => engine.flush())
  state.totals.openFailures++
  if (state.isWatched) {
    state.emit(PoolEvent.SessionOpenFailed({
      at: state.date(),
      identity: describeIdentity(group.identity),
      cause: failure.cause,
      isAuthentication: failure.isAuthentication,
      attempts: failure.attempts
    }))
  }
  engine.flush()
  // One warning for each trouble; what follows is at hand in events, metrics and the errors of requests.
  const log = isFirst ? Effect.logWarning : Effect.logDebug
  return log("A session could not be opened", failure.cause).pipe(
    Effect.annotateLogs({
      "sessionpool.pool": engine.settings.name,
      "sessionpool.identity": describeIdentity(group.identity),
      "sessionpool.attempts": failure.attempts
    })
  )
}

const pause = <S, C extends Connection, E, OE>(
  engine: Engine<S, C, E, OE>,
  group: SessionGroup<S>,
  cause: unknown
): Effect.Effect<void> =>
  Effect.suspend(() => {
    const number = ++group.pauseNumber
    return Effect.ensuring(
      engine.waitForPause(group, cause),
      Effect.sync(() => {
        if (group.pauseNumber !== number) return
        group.isPausing = false
        engine.state.isUnsettled = true
        engine.state.leftGroups.add(group)
        engine.flush()
      })
    )
  })

/** Pings a session that was set aside, and gives it on or closes it. */
export const checkSession = <S, C extends Connection, E, OE>(
  engine: Engine<S, C, E, OE>,
  session: Session<S>
): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { state } = engine
    const { suspicion } = state
    const ping = within(
      Effect.suspend(() => engine.parts.driver.ping(session.handle)),
      engine.settings.pingTimeout,
      "a ping"
    )
    return Effect.map(Effect.exit(ping), (exit) => {
      // A pool that is closed by force takes the session away in the meantime.
      if (session.place === "checking") {
        const isAlive = Exit.isSuccess(exit)
        Lending.checked(state, session, { isAlive, suspicion }, state.now(), engine.isHealthy)
      }
      engine.flush()
    })
  })

/** Stops what runs on a session that was taken away from its holder, and closes it. */
export const takeAwaySession = <S, C extends Connection, E, OE>(
  engine: Engine<S, C, E, OE>,
  session: Session<S>
): Effect.Effect<void> =>
  Effect.map(Effect.exit(breakOff(engine, session)), () => {
    engine.state.retire(session, "closing")
    engine.flush()
  })

/** Closes a session for good; when that fails or takes too long, by force. */
export const closeSession = <S, C extends Connection, E, OE>(
  engine: Engine<S, C, E, OE>,
  session: Session<S>,
  reason: CloseReason
): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { state } = engine
    const close = (force: boolean) =>
      within(
        Effect.suspend(() => engine.parts.driver.close(session.handle, { force })),
        engine.settings.closeTimeout,
        "closing a session"
      )
    // A dead session would not answer a polite goodbye.
    const isHopeless = reason === "dead" || reason === "broken"
    const closing = isHopeless ? close(true) : Effect.catchCause(close(false), () => close(true))
    return Effect.flatMap(Effect.exit(closing), (exit) => {
      const failure = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
      state.forget(session)
      if (state.isWatched) {
        state.emit(PoolEvent.SessionClosed({ at: state.date(), session: session.id, reason, failure }))
      }
      engine.flush()
      return failure === undefined
        ? Effect.void
        : Effect.logDebug("A session could not be closed in good order", failure).pipe(
          Effect.annotateLogs({ "sessionpool.pool": engine.settings.name, "sessionpool.session": session.id })
        )
    })
  })
