/**
 * Sessions move between the instances of a database: they leave those that are drained, and the most crowded one when the counts differ by
 * more than a third. A session moves by being closed; where its successor lands is for the listener to say.
 */
import type { CloseReason } from "../../PoolEvent.ts"
import { PoolEvent } from "../../PoolEvent.ts"
import type { Instance } from "../entities/instances.ts"
import type { PoolState } from "../entities/poolState.ts"
import type { Session } from "../entities/session.ts"

const isLive = <S>({ leaves, place }: Session<S>): boolean =>
  leaves === undefined && (place === "idle" || place === "checking" || place === "busy")

/** Tells, once, that no session is left on a drained instance. */
const tellEmpty = <S>(state: PoolState<S>, instance: Instance): void => {
  if (state.instances.isNewlyEmpty(instance)) state.tellDrained(instance)
}

/** Idle sessions of the instance go now, the others as they come back. `until` is when it is available again by itself. */
export const drain = <S>(state: PoolState<S>, name: string, until: number): void => {
  const instance = state.instances.of(name)
  state.instances.startDrain(instance, until)
  let idle = 0
  let busy = 0
  for (const session of state.sessions) {
    if (session.instance !== instance || !isLive(session)) continue
    if (session.place === "idle") idle++
    else busy++
    state.leave(session, "drained")
  }
  if (state.isWatched) {
    state.emit(PoolEvent.InstanceDraining({ at: state.date(), instance: instance.name, idle, busy }))
  }
  tellEmpty(state, instance)
}

/** The instance is as good as any other again; what has not left yet stays. */
export const undrain = <S>(state: PoolState<S>, instance: Instance): void => {
  if (instance.drain === undefined) return
  state.instances.endDrain(instance, state.now())
  for (const session of state.sessions) {
    if (session.instance === instance && session.leaves === "drained") session.leaves = undefined
  }
  if (state.isWatched) state.emit(PoolEvent.InstanceRestored({ at: state.date(), instance: instance.name }))
}

/** Whether sessions of its group can be opened, as far as is known: what cannot be replaced stays. */
const isReplaceable = <S>({ group }: Session<S>): boolean => group.opener.failure === undefined

/** Has the longest-idle of these sessions leave, or one that is in use as soon as it comes back; `false` when there is none. */
const moveOne = <S>(state: PoolState<S>, candidates: ReadonlyArray<Session<S>>, reason: CloseReason): boolean => {
  const movable = candidates.filter(isReplaceable)
  const idle = movable.filter(({ place }) => place === "idle")
  const session = idle.length === 0
    ? movable[0]
    : idle.reduce((coldest, each) => each.idleSince < coldest.idleSince ? each : coldest)
  if (session === undefined) return false
  state.leave(session, reason)
  return true
}

/** Sessions that land on a drained instance are lent like others: refusing them could leave requests without any. They are replaced one by one. */
const moveStray = <S>(state: PoolState<S>, instance: Instance, now: number): void => {
  const { strays } = instance.drain!
  const found = [...state.sessions].filter((session) => session.instance === instance && isLive(session))
  if (found.length === 0) strays.rest()
  else if (moveOne(state, found, "drained")) strays.begin(now)
  else strays.postpone(now)
}

/** Whether counts differ by more than a third, and not by a single session, which would move to and fro. */
export const isUneven = (most: number, fewest: number): boolean => most - fewest > 1 && 3 * (most - fewest) > most

const balance = <S>(state: PoolState<S>, now: number): void => {
  const { balance, open } = state.instances
  if (open.length < 2) return balance.rest()
  const on = new Map(open.map((instance) => [instance, [] as Array<Session<S>>]))
  let isMoving = false
  for (const session of state.sessions) {
    // The shard says which instance a session with a sharding key is on.
    if (session.instance === undefined || session.group.shard !== undefined) continue
    if (session.leaves === "rebalanced" && session.place !== "closing") isMoving = true
    if (isLive(session)) on.get(session.instance)?.push(session)
  }
  const byCount = [...on].toSorted(([, a], [, b]) => b.length - a.length)
  const [instance, crowd] = byCount[0]!
  const fewest = byCount.at(-1)![1].length
  if (!isMoving && isUneven(crowd.length, fewest) && moveOne(state, crowd, "rebalanced")) {
    state.instances.beginMove(instance, now)
  } else balance.postpone(now)
}

/** What is due at `now`. */
export const moveDue = <S>(state: PoolState<S>, now: number): void => {
  const { instances } = state
  for (const instance of instances.drained) {
    if (instance.drain!.until <= now) undrain(state, instance)
    // Nothing is opened meanwhile: it would only be missing.
    else if (instance.drain!.strays.at <= now) {
      if (state.isSuspended) instance.drain!.strays.postpone(now)
      else moveStray(state, instance, now)
    }
  }
  if (instances.balance.at > now) return
  if (state.isSuspended) instances.balance.postpone(now)
  else balance(state, now)
}

/** When something is due next. */
export const nextMove = <S>({ instances }: PoolState<S>): number => {
  let next = instances.balance.at
  for (const { drain } of instances.drained) next = Math.min(next, drain!.until, drain!.strays.at)
  return next
}
