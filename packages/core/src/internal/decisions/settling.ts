/**
 * What to open and what to replace, once something has changed: a request waits, a place of `max` became free, opening may
 * go on, settings changed.
 */
import { OpenSessionError } from "../../PoolError.ts"
import type { OpenFailure } from "../entities/groupOpening.ts"
import { describeIdentity } from "../entities/identity.ts"
import type { PoolState } from "../entities/poolState.ts"
import type { Session } from "../entities/session.ts"
import type { SessionGroup } from "../entities/session.ts"
import type { Waiter } from "../entities/session.ts"
import { type DemandOf, isOpenable, isProbing, openableGroups, totalUnmet, unmetInShare, unmetOf } from "./demand.ts"
import { sessionsToFill, sessionsToOpen, sessionsToReplace } from "./growth.ts"
import { refuse } from "./lending.ts"

const incrementOf = <S>(state: PoolState<S>, group: SessionGroup<S>): number =>
  // What other identities will want next is anybody's guess: they grow one by one.
  group === state.ownGroup && group.opener.failure === undefined ? state.limits.increment : 1

const reserve = <S>(state: PoolState<S>, group: SessionGroup<S>, count: number): void => {
  for (let i = 0; i < count; i++) state.reserve(group)
}

/** Opens sessions for so much of what the groups ask for, as far as there is room. */
const open = <S>(state: PoolState<S>, groups: ReadonlyArray<SessionGroup<S>>, demandOf: DemandOf<S>): void => {
  let unmet = groups.reduce((total, group) => total + demandOf(state, group), 0)
  const isShared = state.limits.hasShares && groups.length > 1
  for (const group of groups) {
    const room = state.limits.max - state.slots
    if (room <= 0) return
    const own = demandOf(state, group)
    unmet -= own
    const shardRoom = state.shardRoom(group.shard)
    const demand = {
      unmet: own,
      increment: incrementOf(state, group),
      shardRoom: isShared ? Math.max(own, Math.min(shardRoom, state.shareRoom(group))) : shardRoom
    }
    reserve(state, group, Math.min(shardRoom, sessionsToOpen(demand, room, unmet)))
  }
}

/** Within their shares all groups grow first. Beyond, as long as no request waits for the share of its group. */
const grow = <S>(state: PoolState<S>, groups: ReadonlyArray<SessionGroup<S>>): void => {
  open(state, groups, unmetInShare)
  if (state.limits.hasShares && groups.every((group) => unmetInShare(state, group) === 0)) open(state, groups, unmetOf)
}

/** The session that has been idle for longest and may be closed for a request of `group`. */
const coldest = <S>(state: PoolState<S>, group: SessionGroup<S>, isInShare: boolean): Session<S> | undefined => {
  const { last } = state.recency
  if (!state.limits.hasShares || last === undefined) return last
  const isOver = (session: Session<S>) => session.group === group || state.shareRoom(session.group) < 0
  const found = [...state.recency].findLast(isOver)
  // What a group has within its share is not closed for what another wants beyond its own, where being idle will end it.
  const { idleTimeout, max, min } = state.limits
  const isEndless = idleTimeout === Infinity || max <= min
  return found ?? (isInShare || isEndless ? last : undefined)
}

/** Closes the longest-idle sessions, so that requests which no idle session fits find room. */
const replaceFor = <S>(
  state: PoolState<S>,
  groups: ReadonlyArray<SessionGroup<S>>,
  demandOf: DemandOf<S>,
  isInShare: boolean
): void => {
  let unmetByPool = 0
  for (const group of groups) {
    const unmet = demandOf(state, group)
    const shard = group.shard
    if (shard !== undefined && state.shardRoom(shard) <= 0) {
      const toClose = sessionsToReplace(unmet, state.shardRoomToCome(shard))
      for (let i = 0; i < toClose && shard.idle.last !== undefined; i++) state.retire(shard.idle.last, "replaced")
      continue
    }
    unmetByPool += unmet
    const toClose = Math.min(unmet, sessionsToReplace(unmetByPool, state.roomToCome))
    for (let i = 0; i < toClose; i++) {
      const session = coldest(state, group, isInShare)
      if (session === undefined) break
      state.retire(session, "replaced")
    }
  }
}

const replace = <S>(state: PoolState<S>, groups: ReadonlyArray<SessionGroup<S>>): void => {
  replaceFor(state, groups, unmetInShare, true)
  if (state.limits.hasShares && groups.every((group) => unmetInShare(state, group) === 0)) {
    replaceFor(state, groups, unmetOf, false)
  }
}

/** Sessions to be opened so that every request with get mode "forceGet" has one, and those that stand before it. */
const unmetByForce = <S>(group: SessionGroup<S>): number => {
  if (group.forced === 0) return 0
  const unserved = [...group.queue.all()].filter((waiter) => waiter.checking === undefined)
  const last = unserved.reduce((last, waiter) => waiter.isForced ? Math.max(last, waiter.number) : last, 0)
  const needed = unserved.filter((waiter) => waiter.number <= last).length
  return Math.max(0, needed - group.opening)
}

/**
 * Requests with get mode "forceGet" do not wait for others: what is missing for them is opened past `max`. While the last attempt has failed
 * that is one at a time, but what they need all together counts: a place that a closing session is to leave is no place for them all.
 */
const force = <S>(state: PoolState<S>): void => {
  const groups = openableGroups(state).map((group) => [group, unmetByForce(group)] as const)
  const unmet = groups.reduce((total, [, unmet]) => total + unmet, 0)
  if (unmet === 0 || unmet <= state.roomToCome) return
  for (const [group, unmet] of groups) {
    reserve(state, group, Math.min(unmet, unmetOf(state, group), Math.max(0, state.shardRoom(group.shard))))
  }
}

const fill = <S>(state: PoolState<S>): void => {
  const group = state.ownGroup
  if (!state.hasOwnUser || !isOpenable(group)) return
  const missing = sessionsToFill(
    state.limits.min,
    state.slots - state.counts.closing,
    state.limits.max - state.slots
  )
  reserve(state, group, group.opener.failure === undefined ? missing : Math.min(missing, isProbing(group) ? 0 : 1))
}

const shrink = <S>(state: PoolState<S>): void => {
  while (state.roomToCome < 0 && state.recency.last !== undefined) state.retire(state.recency.last, "surplus")
}

/**
 * Whether every place is taken by a session in use, and those who wait are of one identity, that opens without trouble, and
 * wait for others: as a busy pool mostly is. Nothing can be opened or replaced then.
 */
export const isSaturated = <S>(state: PoolState<S>): boolean => {
  const { counts, limits, waiting, waitingGroups } = state
  if (counts.busy !== limits.max || state.slots !== counts.busy || waitingGroups.size !== 1) return false
  const { opener, queue } = waiting.first!.criteria.group
  return opener.failure === undefined && !opener.isStopped && queue.impatientCount === 0
}

/** Brings the pool to rest: afterwards no request can be served by opening or replacing. */
export const settle = <S>(state: PoolState<S>): void => {
  do {
    if (state.phase !== "open") return
    shrink(state)
    if (state.isSuspended) continue
    if (state.waitingGroups.size > 0) {
      refuseStopped(state)
      const groups = openableGroups(state)
      grow(state, groups)
      replace(state, groups)
      force(state)
    }
    fill(state)
  } while (state.takeUnsettled())
}

/** Whether a waiting request will be served without anybody else ending a lease. */
export const isProvidedFor = <S>(state: PoolState<S>, waiter: Waiter<S>): boolean => {
  if (!waiter.isWaiting || waiter.checking !== undefined) return true
  if (state.isSuspended || isSaturated(state)) return false
  const group = waiter.criteria.group
  if (group.opening >= group.unserved) return true
  if (!isOpenable(group) || isProbing(group)) return false
  const shard = group.shard
  const shardToCome = state.shardRoomToCome(shard)
  return Math.min(state.roomToCome, shardToCome) >= totalUnmet(state, openableGroups(state))
}

/** Requests that do not wait for others to end their leases, and for which nothing is under way. */
export const unprovided = <S>(state: PoolState<S>): ReadonlyArray<Waiter<S>> => {
  const found: Array<Waiter<S>> = []
  if (state.isSuspended) return found
  for (const group of state.waitingGroups) {
    // One opening shows whether it works again: what follows from that is known when it ends.
    if (group.queue.impatientCount === 0 || group.opening >= group.unserved || isProbing(group)) continue
    const unserved = [...group.queue.all()].filter((waiter) => waiter.checking === undefined)
    // What is being opened goes to the oldest.
    const beyond = unserved.sort((a, b) => a.number - b.number).slice(group.opening)
    found.push(...beyond.filter((waiter) => waiter.isImpatient && !isProvidedFor(state, waiter)))
  }
  return found
}

/** How many requests wait for others to end their leases, or for opening to work again. */
export const queueLength = <S>(state: PoolState<S>): number => {
  if (state.isSuspended || isSaturated(state)) return state.waiting.size
  let waiting = 0
  for (const group of state.waitingGroups) waiting += Math.max(0, group.unserved - group.opening)
  return waiting - Math.min(Math.max(0, state.roomToCome), totalUnmet(state, openableGroups(state)))
}

export const openSessionError = <S>(
  state: PoolState<S>,
  group: SessionGroup<S>,
  failure: OpenFailure
): OpenSessionError =>
  new OpenSessionError({
    pool: state.settings.name,
    identity: describeIdentity(group.identity),
    isAuthentication: failure.isAuthentication,
    ...(failure.refusal === undefined ? {} : { refusal: failure.refusal }),
    ...(failure.retryAt === Infinity ? {} : { retryMillis: Math.max(0, failure.retryAt - state.now()) }),
    attempts: failure.attempts,
    cause: failure.cause
  })

/** Requests that wait for nothing but what was ordered for them, the youngest first, when there are more than is ordered. */
const refuseImpatient = <S>(state: PoolState<S>, group: SessionGroup<S>, error: OpenSessionError): void => {
  for (const waiter of [...group.queue.impatient()].toReversed()) {
    if (group.unserved <= group.opening) return
    if (waiter.isImpatient && waiter.checking === undefined) refuse(state, waiter, error)
  }
}

/** A session could not be opened: requests that no session of the group can serve any more learn why. */
export const openingFailed = <S>(state: PoolState<S>, group: SessionGroup<S>, failure: OpenFailure): void => {
  group.opener.failed(failure)
  state.noteOpenFailure(failure.cause)
  // While the pool is suspended no request fails.
  if (state.isSuspended) return
  const error = openSessionError(state, group, failure)
  if (group.opening > 0) return refuseImpatient(state, group, error)
  if (group.live === 0) {
    for (const waiter of group.queue.all()) refuse(state, waiter, error)
    return
  }
  // Sessions that are in use can still serve the others, but not those that want one that has never been lent, or who waits for
  // nothing but the session that was to be opened.
  for (const waiter of group.queue.impatient()) {
    if (waiter.checking === undefined) refuse(state, waiter, error)
  }
}

/** Where opening has stopped, requests that lost the last session of their group would wait without end. */
const refuseStopped = <S>(state: PoolState<S>): void => {
  for (const group of state.waitingGroups) {
    if (!group.opener.isStopped || group.live > 0 || group.opening > 0 || group.opener.failure === undefined) continue
    const error = openSessionError(state, group, group.opener.failure)
    for (const waiter of group.queue.all()) refuse(state, waiter, error)
  }
}
