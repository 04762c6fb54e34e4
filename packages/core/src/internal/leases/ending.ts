/** How a lease ends: its session goes back clean, or is closed. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { Connection } from "../../Connection.ts"
import type { CloseReason } from "../../PoolEvent.ts"
import type * as SessionTag from "../../SessionTag.ts"
import { within } from "../data/timeLimit.ts"
import * as Lending from "../decisions/lending.ts"
import type { Session } from "../entities/session.ts"
import { breakOff } from "../jobs/breakOff.ts"
import { runOwnWork } from "../jobs/ownWork.ts"
import { Lease, type LeaseParts } from "./lease.ts"

/** Ends a lease, whatever it has come to; what is left to do is the answer. */
export const finish = <S, C extends Connection, E, OE>(lease: Lease<S, C, E, OE>): Effect.Effect<void> | undefined =>
  end(lease, lease.sessionTag, undefined)

/** The same, in the state that `tag` names; with a reason the session is closed. */
export const end = <S, C extends Connection, E, OE>(
  lease: Lease<S, C, E, OE>,
  tag: SessionTag.SessionTag | undefined,
  reason: CloseReason | undefined
): Effect.Effect<void> | undefined => {
  lease.request = undefined
  lease.fiber = undefined
  if (lease.stage !== "held") return giveUp(lease)
  lease.stage = "ended"
  const { engine, meters } = lease.parts
  const session = lease.session!
  const now = engine.state.timeOfTurn()
  meters.used(now - session.takenAt)
  meters.quiet(lease.quietMillis(now))
  lease.session = undefined
  lease.waiter = undefined
  if (lease.watched !== undefined) engine.leaks.forget(lease)
  const why = reason ?? lease.endsWith
  if (why !== undefined) return endFor(lease, why, session)
  const work = lease.isInDoubt ? quiet(lease, session) : reset(lease.parts, session)
  if (work !== undefined) return clean(lease, session, tag, work)
  takeBack(lease, session, tag, now)
  return undefined
}

/** A defect of the pool itself costs the session, not the caller, whose work is done. */
const takeBack = <S, C extends Connection, E, OE>(
  { parts: { engine } }: Lease<S, C, E, OE>,
  session: Session<S>,
  tag: SessionTag.SessionTag | undefined,
  now: number
): void => {
  // Written out: a closure for every lease would cost some nanoseconds.
  try {
    engine.takeBack(session, tag, now)
  } catch (defect) {
    engine.failedOn(session, defect)
  }
}

/** The caller is gone before it had a session; what it was given without having seen it goes to the next. */
const giveUp = <S, C extends Connection, E, OE>(lease: Lease<S, C, E, OE>): undefined => {
  const { engine } = lease.parts
  const { state } = engine
  const wasWaiting = lease.stage === "waiting"
  lease.stage = "ended"
  if (!wasWaiting) return
  const session = Lending.withdraw(state, lease.waiter!)
  // It knows the request's password, and an error that was made on the way may keep this lease with its stack.
  lease.waiter = undefined
  if (session !== undefined) {
    Lending.offer(state, session, state.now(), engine.isHealthy, { warmest: false, proven: false })
  }
  engine.flush()
}

const endFor = <S, C extends Connection, E, OE>(
  lease: Lease<S, C, E, OE>,
  why: CloseReason,
  session: Session<S>
): Effect.Effect<void> | undefined => {
  if (why === "dropped") noteOpenWork(lease, session)
  if (lease.running === 0) return close(lease, session, why)
  // Nothing else may run on a session while it is closed.
  return awaitJob(lease, Effect.ignoreCause(breakOff(lease.parts.engine, session)), () => close(lease, session, why))
}

/** Tells of work that a lease leaves uncommitted, where the driver knows of it. Asked before the rollback runs. */
const noteOpenWork = <S, C extends Connection, E, OE>(
  { parts: { driver, engine } }: Lease<S, C, E, OE>,
  session: Session<S>
): void => {
  try {
    if (driver.hasOpenWork?.(session.handle) === true) engine.notices.rolledBack(session)
  } catch {
    // A driver that cannot say so must not cost the end of a lease.
  }
}

/**
 * Runs `effect` in the pool's scope and waits for it. The caller's fiber may be in the middle of being interrupted, where
 * nothing could be bounded in time.
 */
const awaitJob = <S, C extends Connection, E, OE>(
  lease: Lease<S, C, E, OE>,
  effect: Effect.Effect<unknown, unknown>,
  then: () => void
): Effect.Effect<void> =>
  Effect.suspend(() =>
    Effect.map(Fiber.await(lease.parts.engine.forkJob(effect)), (exit) => {
      if (Exit.isFailure(exit)) lease.breaks()
      then()
    })
  )

/** Gives the session back once `work`, and `resetSession` after it, have left it clean. */
const clean = <S, C extends Connection, E, OE>(
  lease: Lease<S, C, E, OE>,
  session: Session<S>,
  tag: SessionTag.SessionTag | undefined,
  work: Effect.Effect<void, unknown>
): Effect.Effect<void> => {
  noteOpenWork(lease, session)
  const { engine, resetSession } = lease.parts
  const all = resetSession === undefined ? work : Effect.andThen(work, resetByHand(lease, session, resetSession))
  return awaitJob(lease, all, () => {
    if (lease.endsWith !== undefined) return close(lease, session, lease.endsWith)
    // It may have been taken away by a forced close meanwhile.
    if (session.holder === lease) takeBack(lease, session, tag, engine.state.now())
  })
}

const close = <S, C extends Connection, E, OE>(
  lease: Lease<S, C, E, OE>,
  session: Session<S>,
  reason: CloseReason
): undefined => {
  // A session that was taken away by a forced close is not this lease's to close.
  if (session.holder !== lease) return
  const { engine } = lease.parts
  engine.attempt(session, () => {
    engine.state.retire(session, reason)
    engine.flush()
  })
}

/** What is left to do after a reset that had nothing to do, when something comes after it. */
const nothing = Effect.void

/** Rolls back what was not committed, once a lease has ended. What is left to do is the answer. */
const reset = <S, C extends Connection, E, OE>(
  parts: LeaseParts<S, C, E, OE>,
  session: Session<S>
): Effect.Effect<void, unknown> | undefined => {
  const { state } = parts.engine
  try {
    const work = parts.driver.reset(session.handle, state.settings)
    if (work !== undefined) return runOwnWork(session, within(work, state.limits.pingTimeout, "a reset"))
  } catch (defect) {
    return Effect.die(defect)
  }
  return parts.resetSession === undefined ? undefined : nothing
}

/** Stops what still runs, waits until no break can be on its way any more, and then rolls back. */
const quiet = <S, C extends Connection, E, OE>(
  lease: Lease<S, C, E, OE>,
  session: Session<S>
): Effect.Effect<void, unknown> =>
  Effect.gen(function*() {
    const { driver, engine } = lease.parts
    if (lease.running > 0) yield* breakOff(engine, session)
    // A forced close may take the session away in the middle of it.
    if (session.holder !== lease) return
    const ping = Effect.suspend(() => driver.ping(session.handle))
    yield* runOwnWork(session, within(ping, engine.state.limits.pingTimeout, "a ping"))
    if (session.holder !== lease) return
    yield* reset(lease.parts, session) ?? nothing
  })

/** Runs `resetSession` on a connection of its own: this lease has ended. */
const resetByHand = <S, C extends Connection, E, OE>(
  lease: Lease<S, C, E, OE>,
  session: Session<S>,
  resetSession: (connection: C) => Effect.Effect<unknown, unknown>
): Effect.Effect<void, unknown> =>
  Effect.suspend(() => {
    const { parts } = lease
    // A forced close may have taken the session away while the rollback ran.
    if (session.holder !== lease) return nothing
    const inner = new Lease<S, C, E, OE>(parts, undefined, undefined)
    inner.hold(session)
    inner.sessionTag = lease.sessionTag
    inner.outer = lease
    lease.inner = inner
    const connection = parts.driver.lease(session.handle, inner, undefined, undefined)
    const { pingTimeout } = parts.engine.state.limits
    return within(Effect.suspend(() => resetSession(connection)), pingTimeout, "resetSession").pipe(
      Effect.ensuring(Effect.sync(() => {
        inner.stage = "ended"
        lease.inner = undefined
      })),
      Effect.andThen(Effect.suspend(() => {
        if (session.holder !== lease) return nothing
        return inner.endsWith === undefined && !inner.isInDoubt
          ? reset(parts, session) ?? nothing
          : Effect.fail("resetSession left the session in doubt")
      }))
    )
  })
