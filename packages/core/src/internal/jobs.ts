/**
 * The effects that a pool runs on its own account: opening, closing and checking sessions, and pausing after failures. None
 * runs in a caller's fiber, so a caller that gives up never cancels them.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import type { Connection } from "../Connection.ts"
import { type CloseReason, PoolEvent } from "../PoolEvent.ts"
import { poolName } from "../PoolMetrics.ts"
import { breakOff } from "./breakOff.ts"
import { formatDuration } from "./durationText.ts"
import type { Engine } from "./engine.ts"
import type { OpenFailure } from "./groupOpening.ts"
import { describeIdentity, identityText } from "./identity.ts"
import * as Lending from "./lending.ts"
import { attemptToOpen, canRotate, type Opened } from "./opening.ts"
import { OpeningFailure } from "./openingFailure.ts"
import { Session } from "./session.ts"
import type { SessionGroup } from "./sessionGroup.ts"
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
    const { openTimeout } = state.limits
    const order = engine.nextOpening()
    const began = state.now()
    let isLate = false
    const timer = openTimeout !== Infinity
      ? engine.fork(Effect.andThen(
        Effect.sleep(openTimeout),
        Effect.sync(() => {
          isLate = true
          fiber.interruptUnsafe()
        })
      ))
      : undefined
    let opened: Opened<S> | undefined
    const keep = (session: Opened<S>) => {
      opened = session
    }
    const attempt = Effect.withSpan(attemptToOpen(engine, group, keep), "sessionpool.open", {
      kind: "client",
      root: true,
      attributes: {
        [poolName]: engine.settings.name,
        "sessionpool.identity": describeIdentity(group.identity)
      }
    })
    return Effect.flatMap(Effect.exit(attempt), (exit) => {
      timer?.interruptUnsafe()
      const session = opened
      // Whatever else has failed, such as a tracer: what is open belongs to the pool.
      if (session !== undefined) return openingSucceeded(engine, group, session, order, began)
      const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
      state.unreserve(group)
      if (error instanceof OpeningFailure) return openingEnded(engine, group, error)
      // The pool is closing and has given the opening up.
      if (state.phase !== "open") return Effect.sync(() => engine.flush())
      const cause = isLate
        ? new TookTooLong(
          `opening a session timed out after ${formatDuration(openTimeout)} (openTimeout)`
        )
        : error
      return openingEnded(engine, group, new OpeningFailure({ cause }))
    })
  })

/** A session is open: it takes its place, and goes to who waits. */
const openingSucceeded = <S, C extends Connection, E, OE>(
  engine: Engine<S, C, E, OE>,
  group: SessionGroup<S>,
  opened: Opened<S>,
  order: number,
  began: number
): Effect.Effect<void> =>
  Effect.flatMap(Random.next, (random) => {
    const { state } = engine
    const now = state.now()
    const session = new Session<S>({
      id: engine.nextSessionNumber(),
      group,
      handle: opened.handle,
      now,
      account: opened.account,
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
      const cause = new Error("the session was not healthy when it was opened")
      return openingEnded(engine, group, new OpeningFailure({ cause, fingerprint: opened.fingerprint }))
    }
    // Opening works again: those that held back for this one follow.
    if (group.opener.failure !== undefined || !group.opener.isReady) engine.resume(group)
    const since = engine.troubles.opened(identityText(group.identity))
    state.lastOpenFailure = undefined
    adoptCredentials(engine, session, order)
    Lending.offer(state, session, now, engine.isHealthy, { warmest: true, proven: true })
    engine.flush()
    if (since === undefined) return Effect.void
    return Effect.logInfo(`Sessions can be opened again, after ${formatDuration(now - since)}`).pipe(
      Effect.annotateLogs(annotationsOf(engine, group))
    )
  })

const annotationsOf = <S, C extends Connection, E, OE>(engine: Engine<S, C, E, OE>, group: SessionGroup<S>) => ({
  "sessionpool.pool": engine.settings.name,
  "sessionpool.identity": describeIdentity(group.identity)
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
  const { opener } = group
  const isAuthentication = error.refusal !== undefined
  const failure: OpenFailure = {
    cause: error.cause,
    isAuthentication,
    refusal: error.refusal,
    attempts: Math.max(1, (opener.failure?.attempts ?? 0) + (error.isShared ? 0 : 1)),
    fingerprint: error.fingerprint,
    retryAt: error.retryAt
  }
  const isNew = engine.troubles.failed(identityText(group.identity), isAuthentication, state.now())
  openingFailed(state, group, failure)
  if (state.phase === "open") waitToOpen(engine, group, failure)
  if (!error.isShared) {
    state.totals.openFailures++
    if (state.isWatched) {
      state.emit(PoolEvent.SessionOpenFailed({
        at: state.date(),
        identity: describeIdentity(group.identity),
        cause: failure.cause,
        isAuthentication,
        attempts: failure.attempts
      }))
    }
  }
  engine.flush()
  // One warning for each trouble; what follows is at hand in events, metrics and the errors of requests.
  if (error.isShared && !isNew) return Effect.void
  const log = isNew ? Effect.logWarning : Effect.logDebug
  return log("A session could not be opened", failure.cause).pipe(
    Effect.annotateLogs({ ...annotationsOf(engine, group), "sessionpool.attempts": failure.attempts })
  )
}

/** After a failure opening pauses; after a refusal that cannot change by itself it stops. */
const waitToOpen = <S, C extends Connection, E, OE>(
  engine: Engine<S, C, E, OE>,
  group: SessionGroup<S>,
  failure: OpenFailure
): void => {
  const { state } = engine
  const isStopped = failure.isAuthentication && !canRotate(engine, group)
  const number = group.opener.wait(isStopped ? "stopped" : "pausing")
  if (number === undefined || (isStopped && failure.retryAt === Infinity)) return
  const wait = isStopped
    ? Effect.sleep(Math.max(0, failure.retryAt - state.now()))
    : engine.waitForPause(group, failure.cause)
  const effect = Effect.ensuring(
    wait,
    Effect.sync(() => {
      if (!group.opener.endWait(number)) return
      state.isUnsettled = true
      state.leftGroups.add(group)
      engine.flush()
    })
  )
  state.jobs.push({ _tag: "Run", effect })
}

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
      state.limits.pingTimeout,
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
        state.limits.closeTimeout,
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
