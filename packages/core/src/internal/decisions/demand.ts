/** How many sessions the waiting requests of a group still need, and how many of them its fair share has room for. */
import type { PoolState } from "../entities/poolState.ts"
import type { SessionGroup } from "../entities/session.ts"
import type { Waiter } from "../entities/session.ts"

export type DemandOf<S> = (state: PoolState<S>, group: SessionGroup<S>) => number

/** Whether sessions of the group may be opened now. */
export const isOpenable = <S>(group: SessionGroup<S>): boolean => group.opener.isReady

/** Whether a session is being opened to see if that works again. */
export const isProbing = <S>(group: SessionGroup<S>): boolean => group.opener.failure !== undefined && group.opening > 0

/**
 * Requests of the group that no session is being opened or pinged for. While the last attempt to open has failed, one
 * session at a time shows whether opening works again; with that, the others are opened.
 */
export const unmetOf = <S>(_state: PoolState<S>, group: SessionGroup<S>): number =>
  group.opener.failure === undefined
    ? Math.max(0, group.unserved - group.opening)
    : isProbing(group)
    ? 0
    : Math.min(1, group.unserved)

/**
 * The same, as far as the fair share of the group has room, and its shard has or can be given room: what waits for sessions of
 * its shard to come back keeps no place from others.
 */
export const unmetInShare = <S>(state: PoolState<S>, group: SessionGroup<S>): number => {
  const unmet = unmetOf(state, group)
  if (!state.limits.hasShares) return unmet
  const { shard } = group
  const inShard = shard === undefined ? Infinity : state.shardRoomToCome(shard) + shard.idle.size
  return Math.max(0, Math.min(unmet, state.shareRoom(group), inShard))
}

/** Groups whose requests sessions may be opened for, the one with the oldest request first. */
export const openableGroups = <S>(state: PoolState<S>): ReadonlyArray<SessionGroup<S>> => {
  const groups = [...state.waitingGroups].filter((group) => isOpenable(group) && unmetOf(state, group) > 0)
  return groups.length < 2 ? groups : groups.sort((a, b) => a.queue.first!.number - b.queue.first!.number)
}

export const totalUnmet = <S>(state: PoolState<S>, groups: Iterable<SessionGroup<S>>): number => {
  let total = 0
  for (const group of groups) total += unmetOf(state, group)
  return total
}

/** What the requests of all other groups need within their shares. */
export const unmetInShares = <S>(state: PoolState<S>, except: SessionGroup<S>): number => {
  let total = 0
  for (const group of state.waitingGroups) {
    if (group !== except && isOpenable(group)) total += unmetInShare(state, group)
  }
  return total
}

/** Whether a request waits for what the share of its group has room for: a session is to be opened for it, whoever else waits. */
export const isOwed = <S>(state: PoolState<S>, { criteria: { group } }: Waiter<S>): boolean =>
  state.limits.hasShares && isOpenable(group) && group.unserved - group.opening <= state.shareRoom(group)
