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

/** A request on its way to a connection. */
interface Asking<S, C extends Connection, E, OE> {
  readonly lease: Lease<S, C, E, OE> | undefined
  /** What is left to do before there is a connection; `undefined`: to wait, and nothing else. */
  left: Effect.Effect<C, AcquireError | OE> | undefined
  /** Waits until the outcome is known. */
  readonly asleep: Effect.Effect<void>
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

/** Takes a session; `undefined`: what is left has to be done before its connection can be used. */
export const ask = <S, C extends Connection, E, OE>(
  asking: Asking<S, C, E, OE>,
  fiber: Fiber.Fiber<unknown, unknown>
): C | undefined => completed(asking.lease!, () => askInStep(asking, fiber))

const askInStep = <S, C extends Connection, E, OE>(
  asking: Asking<S, C, E, OE>,
  fiber: Fiber.Fiber<unknown, unknown>
): C | undefined => {
  const lease = asking.lease!
  const { engine } = lease.parts
  const { state } = engine
  lease.fiber = fiber
  if (state.phase !== "open") return fails(asking, new PoolClosedError({ pool: lease.pool }))
  const read = engine.groups.read(lease.request, state)
  if (Result.isFailure(read)) return fails(asking, read.failure)
  const criteria = read.success
  const now = state.timeOfTurn()
  const session = Lending.findIdle(state, criteria, now, engine.isHealthy)
  if (session === undefined || Lending.needsPing(state, session, now)) {
    wait(lease, fiber.id, criteria, session, now)
    // Without a trace around it the span would belong to nothing, and every waiting request would pay for it.
    asking.left = fiber.cache.span === undefined ? undefined : inSpan(asking, fiber.context)
    return undefined
  }
  state.lend(session, lease, now)
  return begin(asking, fiber.context, session, criteria, now)
}

const fails = <S, C extends Connection, E, OE>(
  asking: Asking<S, C, E, OE>,
  error: AcquireError
): undefined => {
  asking.left = Effect.fail(error)
}

/** The wait, in a span of its own. */
const inSpan = <S, C extends Connection, E, OE>(
  asking: Asking<S, C, E, OE>,
  context: Context.Context<never>
): Effect.Effect<C, AcquireError | OE> =>
  Effect.withSpan(
    Effect.flatMap(asking.asleep, () => {
      const connection = served(asking, context)
      return connection === undefined ? asking.left! : Effect.succeed(connection)
    }),
    "sessionpool.acquire",
    { attributes: { "db.client.connection.pool.name": asking.lease!.pool } }
  )

/**
 * The session is this caller's: makes the connection; `undefined`: the preparation that the session needs before it is seen is
 * left.
 */
const begin = <S, C extends Connection, E, OE>(
  asking: Asking<S, C, E, OE>,
  context: Context.Context<never> | undefined,
  session: Session<S>,
  criteria: Criteria<S>,
  now: number,
  since?: number
): C | undefined => {
  const lease = asking.lease!
  const { driver, engine, meters, onLease, onSession } = lease.parts
  const { state } = engine
  lease.hold(session)
  session.takenAt = now
  const isPrepared = !session.isFresh && SessionTag.equals(criteria.tag, session.tag)
  // Until it has been prepared the state of the session is unknown.
  if (!isPrepared) lease.endsWith = "unprepared"
  session.isFresh = false
  state.count("lent")
  if (!isPrepared || since !== undefined) state.count("misses")
  const waitedMillis = now - (since ?? now)
  meters.waited(waitedMillis)
  engine.leaks.watch(lease, now)
  const connection = driver.lease(session.handle, lease, context, lease.request?.context)
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
  const prepare = isPrepared ? undefined : onSession
  if (!isPrepared && prepare === undefined) {
    lease.endsWith = undefined
    if (requestedTag !== undefined) engine.notices.unprepared(session, requestedTag, now)
  }
  if (prepare === undefined && onLease === undefined) return connection
  const run = (hook: typeof onLease) =>
    Effect.suspend((): Effect.Effect<unknown, OE> => hook?.(connection, { requestedTag }) ?? Effect.void)
  asking.left = Effect.andThen(run(prepare), () => {
    if (lease.endsWith === "unprepared") lease.endsWith = undefined
    return Effect.as(run(onLease), connection)
  })
  return undefined
}

const wait = <S, C extends Connection, E, OE>(
  lease: Lease<S, C, E, OE>,
  fiberId: number,
  criteria: Criteria<S>,
  toCheck: Session<S> | undefined,
  timeOfTurn: number
): void => {
  const { engine } = lease.parts
  const { state } = engine
  const mode = state.settings.getMode
  const timeout = parseMillis(lease.request?.waitTimeout) ??
    (mode === "timedWait" ? state.limits.waitTimeout : Infinity)
  // What ends at a time must not begin before it was asked for.
  const now = timeout === Infinity ? timeOfTurn : state.now()
  const waiter = new Waiter<S>(criteria, lease, fiberId, now, state.nextWaiterNumber(), mode)
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
    state.limitWait(waiter, timeout)
    if (timeout === Infinity) engine.notices.waits()
  }
  if (!state.isWatched) return
  engine.flush()
  if (waiter.isWaiting) {
    state.emit(PoolEvent.RequestQueued({ at: state.date(now), pending: state.waiting.size }))
  }
}

/** The outcome of a wait is known: the connection; `undefined`: what is left is to be done. */
export const served = <S, C extends Connection, E, OE>(
  asking: Asking<S, C, E, OE>,
  context: Context.Context<never> | undefined
): C | undefined => {
  const lease = asking.lease!
  const { criteria, outcome, since } = lease.waiter!
  // A forced close may have taken the session away before it was seen.
  if (lease.isReleased) return fails(asking, new PoolClosedError({ pool: lease.pool }))
  if (outcome!._tag === "Refused") return fails(asking, outcome!.error as AcquireError)
  const { session } = outcome!
  const now = lease.parts.engine.state.timeOfTurn()
  return completed(lease, () => begin(asking, context, session, criteria, now, since))
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
