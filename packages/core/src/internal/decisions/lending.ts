/**
 * Who gets which session. Every function here is one synchronous step: a session that is freed belongs to the request it
 * wakes before anything else can run.
 *
 * The rule that makes it simple: no request waits while an idle session fits it. So a newcomer may take what is idle
 * without looking at the queue, and a freed session need only look at the queue.
 */
import * as SessionTag from "../../SessionTag.ts"
import * as Overload from "../data/overload.ts"
import type { PoolState } from "../entities/poolState.ts"
import { type Criteria, type IsHealthy, type Session, type Waiter, whyUnhealthy } from "../entities/session.ts"
import { isOpenable, unmetInShares } from "./demand.ts"
import { isOverdue } from "./growth.ts"

/** Whether a session must show that it is alive before it is lent. */
export const needsPing = <S>(state: PoolState<S>, session: Session<S>, now: number): boolean =>
  session.provenAgainst !== state.suspicion || state.limits.pingInterval === 0 ||
  now - session.provenAt > state.limits.pingInterval

/**
 * The idle session to lend for `criteria`. Those that cannot be lent any more are closed on the way. It is still idle: the
 * caller takes it, or sets it aside to be pinged.
 */
export const findIdle = <S>(
  state: PoolState<S>,
  criteria: Criteria<S>,
  now: number,
  isHealthy: IsHealthy<S>
): Session<S> | undefined => {
  if (state.isSuspended) return undefined
  for (;;) {
    const session = state.idleFor(criteria)
    if (session === undefined) return undefined
    if (session.expiresAt <= now) state.retire(session, "expired")
    else if (!isHealthy(session)) state.retire(session, whyUnhealthy(session))
    else return session
  }
}

/** Sets an idle session aside to be pinged, for a waiting request or for none. */
export const setAside = <S>(state: PoolState<S>, session: Session<S>, waiter: Waiter<S> | undefined): void => {
  state.setAside(session)
  state.order({ _tag: "Check", session })
  if (waiter === undefined) return
  session.checkedFor = waiter
  waiter.checking = session
  waiter.criteria.group.unserved--
}

const fits = <S>(session: Session<S>, { fresh, group, matchAnyTag, tag }: Criteria<S>): boolean =>
  session.group === group && (!fresh || session.isFresh) &&
  (session.tag === undefined || (tag !== undefined && (matchAnyTag || SessionTag.equals(tag, session.tag))))

/**
 * A session that is being pinged for no request, to keep it alive, becomes that of a request which would be refused
 * otherwise; `true` when there is one.
 */
export const claim = <S>(state: PoolState<S>, waiter: Waiter<S>): boolean => {
  if (state.counts.checking === 0) return false
  for (const session of state.sessions) {
    if (session.place !== "checking" || session.checkedFor !== undefined || !fits(session, waiter.criteria)) continue
    session.checkedFor = waiter
    waiter.checking = session
    waiter.criteria.group.unserved--
    return true
  }
  return false
}

/** Looks for an idle session for a request that waits: it is the request's then, or is pinged for it. */
const seek = <S>(state: PoolState<S>, waiter: Waiter<S>, now: number, isHealthy: IsHealthy<S>): void => {
  const session = findIdle(state, waiter.criteria, now, isHealthy)
  if (session === undefined) return
  if (needsPing(state, session, now)) setAside(state, session, waiter)
  else serve(state, waiter, session, now)
}

/** The pool was resumed: requests that waited meanwhile look for a session, in their order. */
export const resume = <S>(state: PoolState<S>, now: number, isHealthy: IsHealthy<S>): void => {
  for (const waiter of state.waiting) {
    if (waiter.checking === undefined) seek(state, waiter, now, isHealthy)
  }
}

/** The session is the request's from here on. */
const serve = <S>(state: PoolState<S>, waiter: Waiter<S>, session: Session<S>, now: number): void => {
  // In this order: a lend that cannot be leaves the request in the queue.
  state.lend(session, waiter.holder, now)
  state.dequeue(waiter)
  state.wake(waiter, { _tag: "Served", session })
  if (state.limits.queueTarget !== Infinity) {
    rollOverload(state, now)
    state.noteOverload(Overload.served(state.overload, waiter.waited(now), state.limits.queueTarget))
  }
}

export const rollOverload = <S>(state: PoolState<S>, now: number): void => {
  const options = {
    interval: state.limits.queueInterval,
    target: state.limits.queueTarget,
    oldestWait: state.oldestWait(now)
  }
  state.noteOverload(Overload.roll(state.overload, now, options))
}

/** A waiting request ends without a session. */
export const refuse = <S>(state: PoolState<S>, waiter: Waiter<S>, error: unknown): void => {
  state.dequeue(waiter)
  state.wake(waiter, { _tag: "Refused", error })
}

/**
 * The fiber of a request is gone. A session that it was given in the meantime passes on to the next; the answer is that
 * session.
 */
export const withdraw = <S>(state: PoolState<S>, waiter: Waiter<S>): Session<S> | undefined => {
  waiter.wake = undefined
  if (waiter.isWaiting) {
    state.dequeue(waiter)
    state.unsettle()
    return undefined
  }
  return waiter.outcome?._tag === "Served" ? waiter.outcome.session : undefined
}

/** Whether a session, about to go to `waiter`, may stay in the pool; else why not. */
const unfit = <S>(
  state: PoolState<S>,
  session: Session<S>,
  waiter: Waiter<S> | undefined,
  now: number,
  isHealthy: IsHealthy<S>
) =>
  state.phase !== "open"
    ? "closing"
    : session.expiresAt <= now
    ? "expired"
    : !state.isCurrent(session) || (state.settings.homogeneous && session.group.isNamedByRequest)
    ? "credentials"
    : session.epoch !== state.epoch
    ? "refreshed"
    : session.uses >= state.limits.maxUses
    ? "used"
    : session.leaves !== undefined
    ? session.leaves
    : !isHealthy(session)
    ? whyUnhealthy(session)
    // Where requests do not wait for others, a session past `max` was opened for one of them.
    : state.roomToCome < 0 && (waiter === undefined || session.group.queue.impatientCount === 0)
    ? "surplus"
    : state.isShardOver(session.group.shard)
    ? "surplus"
    : undefined

/**
 * A session is free: a lease has ended, it was opened, it answered a ping, or the request that it was given to is gone. It goes to
 * the oldest request that it fits, else it is idle.
 *
 * A request that it does not fit is passed over by younger ones; the oldest of all not without end, or else a stream of
 * requests for one tag would starve it: in the end a session is replaced for it.
 */
export const offer = <S>(
  state: PoolState<S>,
  session: Session<S>,
  now: number,
  isHealthy: IsHealthy<S>,
  was: {
    /** Whether it was in use up to now, so that no idle session is warmer. */
    readonly warmest: boolean
    /** Whether it has just shown that it is alive. */
    readonly proven: boolean
  }
): void => {
  session.holder = undefined
  const waiter = state.isSuspended ? undefined : session.group.queue.for(session)
  const reason = unfit(state, session, waiter, now, isHealthy)
  if (reason !== undefined) return state.retire(session, reason)
  if (waiter === undefined) return state.makeIdle(session, was.warmest)
  if (isOwedToOthers(state, session)) return state.retire(session, "replaced")
  const oldest = state.waiting.first!
  if (oldest !== waiter && oldest.checking === undefined) {
    if (isOverdue(oldest.passedOver, state.limits.max) && makesRoomFor(state, oldest)) {
      oldest.passedOver = 0
      return state.retire(session, "replaced")
    }
    oldest.passedOver++
  }
  if (!was.proven && needsPing(state, session, now)) return checkFor(state, session, waiter)
  serve(state, waiter, session, now)
}

/**
 * Whether a session belongs to a group with more than its fair share, while requests of others wait for theirs and no other place is
 * to come for them. One that was opened for a request serves it first; past `max` closing one makes no room.
 */
const isOwedToOthers = <S>(state: PoolState<S>, { group, isFresh }: Session<S>): boolean =>
  state.limits.hasShares && !isFresh && state.shareRoom(group) < 0 && state.roomToCome >= 0 &&
  unmetInShares(state, group) > state.roomToCome

/**
 * Whether a session for a waiting request could be opened in the place of one that is closed now, and none is on its way: one
 * request causes one replacement, however long that takes.
 */
const makesRoomFor = <S>(state: PoolState<S>, { criteria: { group } }: Waiter<S>): boolean => {
  if (!isOpenable(group) || group.opening > 0 || state.shardRoom(group.shard) <= 0) return false
  // Past `max` the place that it leaves belongs to no one; below, a session that is closing leaves one.
  return state.roomToCome === 0
}

/** A busy session is pinged before it goes on to the request that it fits. */
const checkFor = <S>(state: PoolState<S>, session: Session<S>, waiter: Waiter<S>): void => {
  state.setAside(session)
  state.order({ _tag: "Check", session })
  if (waiter.checking !== undefined) return
  session.checkedFor = waiter
  waiter.checking = session
  waiter.criteria.group.unserved--
}

/** A session that was set aside answered its ping, or did not. */
export const checked = <S>(
  state: PoolState<S>,
  session: Session<S>,
  outcome: { readonly isAlive: boolean; readonly suspicion: number },
  now: number,
  isHealthy: IsHealthy<S>
): void => {
  const waiter = session.checkedFor
  if (waiter !== undefined) {
    session.checkedFor = undefined
    waiter.checking = undefined
    waiter.criteria.group.unserved++
  }
  if (outcome.isAlive) {
    session.provenAt = now
    session.provenAgainst = outcome.suspicion
    offer(state, session, now, isHealthy, { warmest: false, proven: outcome.suspicion === state.suspicion })
  } else {
    state.retire(session, "dead")
  }
  // The session may have gone to an older request, or be dead: the one it was pinged for looks again.
  if (waiter !== undefined && waiter.isWaiting && waiter.checking === undefined) {
    seek(state, waiter, now, isHealthy)
    state.unsettle()
  }
}
