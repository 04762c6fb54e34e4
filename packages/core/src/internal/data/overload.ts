/**
 * Overload by controlled delay, as Elixir's DBConnection does it: what counts is not how many wait but how long. When over
 * a whole interval no request was served within the target, newcomers are refused whose wait would pass twice the target.
 */
export interface Overload {
  /** When the interval began. */
  readonly since: number
  /** Whether somebody was served within the target since then. */
  readonly servedInTime: boolean
  /** Whether somebody was served too late since then. */
  readonly servedLate: boolean
  /** Whether the interval before was slow throughout. */
  readonly isSlow: boolean
  /** The last wait that was served, in milliseconds. */
  readonly lastWait: number
}

export const initial = (now: number): Overload => ({
  since: now,
  servedInTime: false,
  servedLate: false,
  isSlow: false,
  lastWait: 0
})

/** Closes intervals that are over. `oldestWait` is how long the oldest request has been waiting by now, 0 without one. */
export const roll = (
  state: Overload,
  now: number,
  options: { readonly interval: number; readonly target: number; readonly oldestWait: number }
): Overload => {
  if (now - state.since < options.interval) return state
  const stuck = options.oldestWait > options.target
  return {
    since: now,
    servedInTime: false,
    servedLate: false,
    isSlow: !state.servedInTime && (state.servedLate || stuck),
    lastWait: state.lastWait
  }
}

/** A request was served after `wait` milliseconds. */
export const served = (state: Overload, wait: number, target: number): Overload =>
  wait <= target
    ? { ...state, servedInTime: true, isSlow: false, lastWait: wait }
    : { ...state, servedLate: true, lastWait: wait }

/** The wait that a newcomer has to expect, when it is too long to let it in; else `undefined`. */
export const refusal = (state: Overload, target: number, oldestWait: number): number | undefined => {
  // With no request waiting the queue has recovered, whatever the last wait was.
  if (!state.isSlow || oldestWait === 0) return undefined
  const expected = Math.max(oldestWait, state.lastWait)
  return expected > 2 * target ? expected : undefined
}
