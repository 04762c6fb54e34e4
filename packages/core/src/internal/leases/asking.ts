/** How a lease begins: at once with an idle session, or in the queue; with the preparation that its session needs before it is seen. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import type { Connection } from "../../Connection.ts"
import { type AcquireError, PoolClosedError, PoolOverloadedError, QueueFullError } from "../../PoolError.ts"
import { PoolEvent } from "../../PoolEvent.ts"
import * as SessionTag from "../../SessionTag.ts"
import { parseMillis } from "../data/optionField.ts"
import * as Overload from "../data/overload.ts"
import { isOwed } from "../decisions/demand.ts"
import * as Lending from "../decisions/lending.ts"
import { isProvidedFor, queueLength } from "../decisions/settling.ts"
import type { Session } from "../entities/session.ts"
import { type Criteria, Waiter } from "../entities/session.ts"
import type { Engine } from "../jobs/engine.ts"
import type { Lease } from "./lease.ts"

/** What is known of who asked, from the moment of asking on. */
interface Asked {
  readonly fiberId: number
  readonly context: Context.Context<never>
  /** The `context` of the request, for the driver. */
  readonly requested: unknown
  /** The wait that the request allows, in milliseconds; the pool's setting when it says nothing. */
  readonly timeout: number | undefined
}

/**
 * The connection, when an idle session is what is asked for and nothing else is to be done; `undefined`: the fast path does
 * not apply, call `ask`. For this as for `ask` the caller must have made sure that the lease is ended whatever happens.
 */
export const take = <S, C extends Connection, E, OE>(
  lease: Lease<S, C, E, OE>,
  fiber: Fiber.Fiber<unknown, unknown>
): C | undefined => {
  const { driver, engine } = lease.parts
  const { state } = engine
  const { request } = lease
  lease.fiber = fiber
  const criteria = engine.groups.readPlain(request, state)
  if (criteria === undefined) return undefined
  let session: Session<S> | undefined
  try {
    session = state.fast.lend(criteria, lease, engine.isHealthy)
  } catch (defect) {
    engine.recoverFrom(defect, undefined)
    throw defect
  }
  if (session === undefined) return undefined
  lease.hold(session)
  return driver.lease(session.handle, lease, fiber.context, request?.context)
}

/** Takes a session, and does what has to be done before its connection can be used. */
export const ask = <S, C extends Connection, E, OE>(
  lease: Lease<S, C, E, OE>,
  fiber: Fiber.Fiber<unknown, unknown>
): Effect.Effect<C, AcquireError | OE> => completed(lease, () => askAtOnce(lease, fiber))

/** One step of a lease that begins. It is completed whatever comes of it: a driver may throw, and the pool may be wrong. */
const completed = <S, C extends Connection, E, OE, A>({ parts: { engine } }: Lease<S, C, E, OE>, step: () => A): A => {
  try {
    return step()
  } catch (defect) {
    engine.recoverFrom(defect, undefined)
    throw defect
  } finally {
    if (engine.state.isIncomplete) engine.flush()
  }
}

const askAtOnce = <S, C extends Connection, E, OE>(
  lease: Lease<S, C, E, OE>,
  fiber: Fiber.Fiber<unknown, unknown>
): Effect.Effect<C, AcquireError | OE> => {
  const { engine } = lease.parts
  const { state } = engine
  lease.fiber = fiber
  if (state.phase !== "open") return Effect.fail(new PoolClosedError({ pool: lease.pool }))
  const read = engine.groups.read(lease.request, state)
  if (Result.isFailure(read)) return Effect.fail(read.failure)
  const criteria = read.success
  const ownTimeout = lease.request?.waitTimeout
  const asked: Asked = {
    fiberId: fiber.id,
    context: fiber.context,
    requested: lease.request?.context,
    timeout: ownTimeout === undefined ? undefined : parseMillis(ownTimeout)
  }
  const now = state.timeOfTurn()
  const session = Lending.findIdle(state, criteria, now, engine.isHealthy)
  if (session === undefined || Lending.needsPing(state, session, now)) {
    const waiting = wait(lease, criteria, session, asked)
    // Without a trace around it the span would belong to nothing, and every waiting request would pay for it.
    return fiber.cache.span === undefined ? waiting : Effect.withSpan(waiting, "sessionpool.acquire", {
      attributes: { "db.client.connection.pool.name": lease.pool }
    })
  }
  state.lend(session, lease, now)
  return begin(lease, session, criteria, now, 0, asked)
}

/** The session is this caller's: makes the connection, and the preparation that it needs before it is seen. */
const begin = <S, C extends Connection, E, OE>(
  lease: Lease<S, C, E, OE>,
  session: Session<S>,
  criteria: Criteria<S>,
  now: number,
  waitedMillis: number,
  asked: Asked
): Effect.Effect<C, OE> => {
  const { driver, engine, meters, onLease, onSession } = lease.parts
  const { state } = engine
  lease.hold(session)
  session.takenAt = now
  const isPrepared = !session.isFresh && SessionTag.equals(criteria.tag, session.tag)
  // Until it has been prepared the state of the session is unknown.
  if (!isPrepared) lease.endsWith = "unprepared"
  session.isFresh = false
  state.count("lent")
  if (!isPrepared || waitedMillis > 0) state.count("misses")
  meters.waited(waitedMillis)
  engine.leaks.watch(lease, now)
  const connection = driver.lease(session.handle, lease, asked.context, asked.requested)
  const requestedTag = criteria.tag?.text
  if (state.isWatched) {
    state.emit(PoolEvent.SessionLent({
      at: state.date(now),
      session: session.id,
      requestedTag,
      tag: session.tag?.text,
      hit: isPrepared,
      waitedMillis
    }))
  }
  const info = { requestedTag }
  const seen = onLease === undefined
    ? Effect.succeed(connection)
    : Effect.as(Effect.suspend(() => onLease(connection, info)), connection)
  if (isPrepared) return seen
  if (onSession === undefined) {
    lease.endsWith = undefined
    if (requestedTag !== undefined) engine.notices.unprepared(session, requestedTag, now)
    return seen
  }
  return Effect.flatMap(Effect.suspend(() => onSession(connection, info)), () => {
    if (lease.endsWith === "unprepared") lease.endsWith = undefined
    return seen
  })
}

const wait = <S, C extends Connection, E, OE>(
  lease: Lease<S, C, E, OE>,
  criteria: Criteria<S>,
  toCheck: Session<S> | undefined,
  asked: Asked
): Effect.Effect<C, AcquireError | OE> => {
  const { engine } = lease.parts
  const { state } = engine
  const now = state.now()
  const mode = state.settings.getMode
  const number = state.nextWaiterNumber()
  const waiter = new Waiter({ criteria, holder: lease, fiberId: asked.fiberId, since: now, number, mode })
  lease.waiter = waiter
  lease.stage = "waiting"
  state.enqueue(waiter)
  if (toCheck !== undefined) Lending.setAside(state, toCheck, waiter)
  engine.decide()
  if (!isProvidedFor(state, waiter)) {
    const refusal = refusalOf(engine, waiter, now)
    if (refusal !== undefined) Lending.refuse(state, waiter, refusal)
  }
  if (waiter.isWaiting) {
    const timeout = asked.timeout ?? (mode === "timedWait" ? state.limits.waitTimeout : Infinity)
    state.limitWait(waiter, timeout)
    if (timeout === Infinity) engine.notices.waits()
  }
  engine.flush()
  if (waiter.isWaiting && state.isWatched) {
    state.emit(PoolEvent.RequestQueued({ at: state.date(now), pending: state.waiting.size }))
  }
  return sleep(waiter, Effect.suspend(() => served(lease, waiter, asked)))
}

/** The outcome of a wait is known. */
const served = <S, C extends Connection, E, OE>(
  lease: Lease<S, C, E, OE>,
  waiter: Waiter<S>,
  asked: Asked
): Effect.Effect<C, AcquireError | OE> => {
  // A forced close may have taken the session away before it was seen.
  if (lease.isReleased) return Effect.fail(new PoolClosedError({ pool: lease.pool }))
  const outcome = waiter.outcome!
  if (outcome._tag === "Refused") return Effect.fail(outcome.error as AcquireError)
  const { engine } = lease.parts
  const now = engine.state.timeOfTurn()
  return completed(lease, () => begin(lease, outcome.session, waiter.criteria, now, now - waiter.since, asked))
}

/** Why a request may not wait for others to end their leases; `undefined` when it may. */
const refusalOf = <S>({ refusals, state }: Engine<S>, waiter: Waiter<S>, now: number): unknown => {
  const { queueMax, queueTarget } = state.limits
  // A flood of others must not keep it from its share, which bounds how many such requests there are.
  if (isOwed(state, waiter)) return undefined
  if (queueLength(state) > queueMax && !Lending.claim(state, waiter)) {
    return new QueueFullError({ ...refusals.refused("queueFull"), queueMax })
  }
  if (queueTarget === Infinity || state.isSuspended) return undefined
  Lending.rollOverload(state, now)
  const expectedWaitMillis = Overload.refusal(state.overload, queueTarget, state.oldestWait(now))
  return expectedWaitMillis === undefined
    ? undefined
    : new PoolOverloadedError({ ...refusals.refused("overloaded"), expectedWaitMillis, targetMillis: queueTarget })
}

/**
 * Waits until the outcome is known, and goes on with `then`; a session in it is the waiter's already, so an interrupt here
 * loses nothing.
 */
const sleep = <S, A, E>(waiter: Waiter<S>, then: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.callback((resume) => {
    if (waiter.outcome !== undefined) resume(then)
    else waiter.wake = () => resume(then)
  })
