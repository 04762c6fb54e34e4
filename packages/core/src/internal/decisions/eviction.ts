/** Which sessions are closed because they have been idle for too long, have grown too old or are to move, and when the next are due. */
import type { PoolState } from "../entities/poolState.ts"
import { moveDue, nextMove } from "./moves.ts"

/** Closes what is due at `now`. It looks only at what it closes, and at one session of each kind beyond; at all where one is to move. */
export const evict = <S>(state: PoolState<S>, now: number): void => {
  moveDue(state, now)
  for (;;) {
    const oldest = state.expiries.earliest
    if (oldest === undefined || oldest.expiresAt > now) break
    if (oldest.place === "idle") state.retire(oldest, "expired")
    // One that is in use is closed when it comes back, which sees that it has expired.
    else state.expiries.remove(oldest)
  }
  for (;;) {
    const coldest = state.recency.last
    if (coldest === undefined || state.opened <= state.limits.min) return
    if (coldest.idleSince + state.limits.idleTimeout > now) return
    state.retire(coldest, "idle")
  }
}

/** When something is due next; `Infinity` when nothing is, as things stand. */
export const nextEviction = <S>(state: PoolState<S>): number => {
  const coldest = state.recency.last
  const idle = coldest === undefined || state.opened <= state.limits.min
    ? Infinity
    : coldest.idleSince + state.limits.idleTimeout
  return Math.min(idle, state.expiries.earliest?.expiresAt ?? Infinity, nextMove(state))
}
