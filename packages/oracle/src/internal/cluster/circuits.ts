/** The decisions of a shared circuit breaker. No effects. */
import type { TripPolicy } from "effect/persistence/CircuitBreaker"
import type { Decision } from "./lockedState.ts"

/** A circuit. Each generation is handed to the calls it admits; what they report under an older one counts no more. */
export interface Circuit {
  readonly state: "Closed" | "Open" | "HalfOpen"
  readonly generation: number
  /** Failures in a row. */
  readonly streak: number
  /** The last calls, `1` for one that failed. */
  readonly calls: ReadonlyArray<0 | 1>
  readonly openUntil: number
  readonly openings: number
  readonly openedFor: number
  /** When the count of openings begins anew. */
  readonly calmAt: number
  /** Until when the call that tries a half-open circuit holds its place; 0 when there is none. */
  readonly probeUntil: number
}

interface Lifetimes {
  readonly probeMillis: number
  readonly idleMillis: number
}

/** What becomes of a call. */
type Verdict =
  | {
    readonly _tag: "Admitted"
    readonly generation: number
    readonly isProbe: boolean
    readonly openings: number
    readonly hasHalfOpened: boolean
  }
  | { readonly _tag: "Open"; readonly retryAfterMillis: number }
  | { readonly _tag: "HalfOpen" }

const fresh: Circuit = {
  state: "Closed",
  generation: 0,
  streak: 0,
  calls: [],
  openUntil: 0,
  openings: 0,
  openedFor: 0,
  calmAt: 0,
  probeUntil: 0
}

const keep = (state: Circuit, now: number, { idleMillis }: Lifetimes) => ({
  state,
  expiresAt: Math.max(now, state.openUntil, state.probeUntil) + idleMillis
})

/** Admits a call or refuses it. `generation` numbers the circuit's next generation, should it need one. */
export const admit = (
  circuit: Circuit | undefined,
  now: number,
  generation: number,
  lifetimes: Lifetimes
): Decision<Circuit, Verdict> => {
  const before = circuit ?? { ...fresh, generation }
  switch (before.state) {
    case "Closed": {
      const after = before.openings > 0 && now >= before.calmAt ? { ...before, openings: 0 } : before
      return {
        answer: {
          _tag: "Admitted",
          generation: after.generation,
          isProbe: false,
          openings: after.openings,
          hasHalfOpened: false
        },
        keep: keep(after, now, lifetimes)
      }
    }
    case "Open":
      if (now < before.openUntil) return { answer: { _tag: "Open", retryAfterMillis: before.openUntil - now } }
      break
    case "HalfOpen":
      if (now < before.probeUntil) return { answer: { _tag: "HalfOpen" } }
      break
  }
  const after: Circuit = { ...before, state: "HalfOpen", generation, probeUntil: now + lifetimes.probeMillis }
  return {
    answer: {
      _tag: "Admitted",
      generation,
      isProbe: true,
      openings: before.openings,
      hasHalfOpened: before.state === "Open"
    },
    keep: keep(after, now, lifetimes)
  }
}

type Change =
  | { readonly _tag: "Opened"; readonly from: "Closed" | "HalfOpen"; readonly openings: number }
  | { readonly _tag: "Closed" }

const trips = (circuit: Circuit, policy: TripPolicy): boolean => {
  if (policy._tag === "Consecutive") return circuit.streak >= policy.failures
  const failures = circuit.calls.reduce<number>((sum, call) => sum + call, 0)
  return circuit.calls.length >= policy.minimumCalls && failures > 0 &&
    failures / circuit.calls.length >= policy.threshold
}

/** Notes how a call ended. */
export const record = (
  circuit: Circuit | undefined,
  now: number,
  ended: {
    readonly generation: number
    readonly nextGeneration: number
    readonly outcome: "Success" | "Failure" | "Ignored"
    readonly policy: TripPolicy
    readonly openForMillis: number
  },
  lifetimes: Lifetimes
): Decision<Circuit, Change | undefined> => {
  if (circuit === undefined || circuit.generation !== ended.generation || circuit.state === "Open") {
    return { answer: undefined }
  }
  const { nextGeneration, openForMillis, outcome, policy } = ended
  const opened = (from: "Closed" | "HalfOpen"): Decision<Circuit, Change> => {
    const openings = circuit.openings + 1
    const after: Circuit = {
      ...fresh,
      state: "Open",
      generation: nextGeneration,
      openUntil: now + openForMillis,
      openings,
      openedFor: openForMillis,
      calmAt: circuit.calmAt
    }
    return { answer: { _tag: "Opened", from, openings }, keep: keep(after, now, lifetimes) }
  }
  if (circuit.state === "HalfOpen") {
    if (outcome === "Failure") return opened("HalfOpen")
    if (outcome === "Ignored") return { answer: undefined, keep: keep({ ...circuit, probeUntil: 0 }, now, lifetimes) }
    const closed: Circuit = {
      ...fresh,
      generation: nextGeneration,
      openings: circuit.openings,
      openedFor: circuit.openedFor,
      calmAt: now + circuit.openedFor
    }
    return { answer: { _tag: "Closed" }, keep: keep(closed, now, lifetimes) }
  }
  if (outcome === "Ignored") return { answer: undefined, keep: keep(circuit, now, lifetimes) }
  const failed = outcome === "Failure" ? 1 : 0
  const after: Circuit = {
    ...circuit,
    streak: failed === 1 ? circuit.streak + 1 : 0,
    calls: policy._tag === "Rate" ? [...circuit.calls, failed as 0 | 1].slice(-policy.size) : circuit.calls
  }
  return trips(after, policy) ? opened("Closed") : { answer: undefined, keep: keep(after, now, lifetimes) }
}

/** Prolongs the place of a probe that is still running; says whether it still had it. */
export const renew = (
  circuit: Circuit | undefined,
  now: number,
  generation: number,
  lifetimes: Lifetimes
): Decision<Circuit, boolean> =>
  circuit === undefined || circuit.generation !== generation || circuit.state !== "HalfOpen" || circuit.probeUntil === 0
    ? { answer: false }
    : { answer: true, keep: keep({ ...circuit, probeUntil: now + lifetimes.probeMillis }, now, lifetimes) }
