/** What a pool knows about its own health. */
import type { HealthReason, PoolHealth } from "../../PoolHealth.ts"
import { describeCause } from "../data/errorText.ts"
import * as Overload from "../data/overload.ts"
import type { Engine } from "../jobs/engine.ts"

type Code = HealthReason["code"]

const reason = (
  code: Code,
  affects: HealthReason["affects"],
  message: string
): ReadonlyArray<HealthReason> => [{ code, affects, message }]

/** Why sessions of the pool's own user cannot be opened. It fails readiness only when there is none. */
const openingReasons = <S>({ state }: Engine<S>): ReadonlyArray<HealthReason> => {
  if (!state.hasOwnUser) return []
  const affects = state.opened === 0 ? "readiness" : "nothing"
  const { failure } = state.ownGroup.opener
  if (failure === undefined) {
    return state.opened === 0 && state.limits.min > 0 && state.totals.opened === 0
      ? reason("starting", "readiness", "no session was opened yet")
      : []
  }
  const cause = describeCause(failure.cause)
  return failure.isAuthentication
    ? reason("credentialsRefused", affects, `the database refused the credentials: ${cause}`)
    : reason(
      "cannotOpen",
      affects,
      `${
        failure.attempts === 1 ? "the last attempt" : `the last ${failure.attempts} attempts`
      } to open a session failed: ${cause}`
    )
}

const loadReasons = <S>({ leaks, state }: Engine<S>): ReadonlyArray<HealthReason> => {
  const { counts, limits, waiting } = state
  if (waiting.size === 0 || state.isSuspended) return []
  const now = state.now()
  const expected = limits.queueTarget === Infinity
    ? undefined
    : Overload.refusal(state.overload, limits.queueTarget, state.oldestWait(now))
  return [
    ...(counts.busy < limits.max
      ? []
      : reason("exhausted", "nothing", `all ${counts.busy} sessions are busy and ${waiting.size} requests wait`)),
    ...(expected === undefined
      ? []
      : reason("overloaded", "readiness", `a request would wait about ${Math.round(expected)} ms`)),
    ...(leaks.leaked < limits.max
      ? []
      // What is reclaimed by itself needs no restart.
      : reason(
        "leaked",
        state.settings.leakReclaim ? "nothing" : "liveness",
        `all ${leaks.leaked} sessions are held by leases that were reported as leaks`
      ))
  ]
}

export const health = <S>(engine: Engine<S>): PoolHealth => {
  const { phase } = engine.state
  const reasons = phase === "closed"
    ? reason("closed", "liveness", "the pool is closed")
    : phase === "draining"
    ? reason("closing", "readiness", "the pool is closing")
    : [
      ...(engine.state.isSuspended ? reason("suspended", "readiness", "the pool is suspended: requests wait") : []),
      ...openingReasons(engine),
      ...loadReasons(engine)
    ]
  return {
    isLive: reasons.every(({ affects }) => affects !== "liveness"),
    isReady: reasons.every(({ affects }) => affects === "nothing"),
    reasons
  }
}
