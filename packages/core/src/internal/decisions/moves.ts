/**
 * Sessions move between the instances of a database: they leave those that are drained, and the most crowded one when the counts differ by
 * more than a third. A session moves by being closed; where its successor lands is for the listener to say.
 */
import type { CloseReason } from "../../PoolEvent.ts"
import type { Instance } from "../entities/instances.ts"
import type { PoolState } from "../entities/poolState.ts"
import type { Session } from "../entities/session.ts"

/** How far apart sessions are closed that have landed on a drained instance. */
const strayPause = 10_000

/** The sessions of an instance that are to stay, as things are. */
const staying = <S>(state: PoolState<S>, instance: Instance): ReadonlyArray<Session<S>> =>
  [...state.sessions].filter((session) =>
    session.instance === instance && session.leaves === undefined && session.place !== "closing"
  )

/** Idle sessions of the instance go now, the others as they come back. */
export const drain = <S>(state: PoolState<S>, instance: Instance): void => {
  instance.nextStray = state.now() + strayPause
  for (const session of staying(state, instance)) state.leave(session, "drained")
}

/** The instance is not drained any more; sessions that have not left it yet stay. */
export const undrain = <S>(state: PoolState<S>, instance: Instance): void => {
  instance.nextStray = undefined
  for (const session of state.sessions) {
    if (session.instance === instance && session.leaves === "drained") session.leaves = undefined
  }
}

/**
 * Has the longest-idle of these sessions leave, or one that is in use as soon as it comes back. What cannot be
 * replaced stays: while sessions of its group cannot be opened, and while the pool is suspended.
 */
const moveOne = <S>(state: PoolState<S>, from: ReadonlyArray<Session<S>>, reason: CloseReason): void => {
  if (state.isSuspended) return
  const movable = new Set(from.filter(({ group }) => group.opener.failure === undefined))
  const [first] = movable
  const session = [...state.recency].findLast((idle) => movable.has(idle)) ?? first
  if (session !== undefined) state.leave(session, reason)
}

/** Counts that differ by a single session are even enough: it would move to and fro. */
const balance = <S>(state: PoolState<S>, now: number): void => {
  state.instances.balanceAt = now + state.limits.rebalance
  const crowds = [...state.instances.all].filter(({ nextStray, opened }) => nextStray === undefined && opened > 0)
    // The shard says which instance a session with a sharding key is on.
    .map((instance) => staying(state, instance).filter(({ group }) => group.shard === undefined))
    .sort((a, b) => b.length - a.length)
  const [crowd = []] = crowds
  const more = crowd.length - (crowds.at(-1) ?? []).length
  // One at a time: the one before may still be in use.
  const isMoving = [...state.sessions].some(({ holder, leaves }) => holder && leaves === "rebalanced")
  if (more > 1 && 3 * more > crowd.length && !isMoving) moveOne(state, crowd, "rebalanced")
}

/** What is due at `now`. Sessions that land on a drained instance are lent like others, as requests may have no other, and go one by one. */
export const moveDue = <S>(state: PoolState<S>, now: number): void => {
  for (const instance of state.instances.all) {
    if (instance.nextStray === undefined || instance.nextStray > now) continue
    moveOne(state, staying(state, instance), "drained")
    instance.nextStray = now + strayPause
  }
  if (state.instances.balanceAt <= now) balance(state, now)
}

/** When something is due next. */
export const nextMove = <S>({ instances }: PoolState<S>): number => {
  let next = instances.balanceAt
  for (const { nextStray = Infinity } of instances.all) next = Math.min(next, nextStray)
  return next
}
