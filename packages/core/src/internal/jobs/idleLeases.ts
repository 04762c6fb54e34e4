/**
 * Names leases that are held without a call for long. No lease pays for it: the busy sessions are looked at when the first of them
 * may be due, and a lease that begins later cannot be due before that plus `idleLeaseThreshold`.
 */
import * as Effect from "effect/Effect"
import { PoolEvent } from "../../PoolEvent.ts"
import type { Holder, Session } from "../entities/session.ts"
import type { Host } from "./host.ts"

/** Since when the lease on a session has been without a call; `undefined` while one runs, and without a lease. */
export const leaseIdleSince = <S>({ calledAt, holder, takenAt }: Session<S>): number | undefined =>
  holder === undefined || holder.running > 0 ? undefined : Math.max(takenAt, calledAt)

const name = <S>({ state }: Host<S>, session: Session<S>, holder: Holder, idleMillis: number): void => {
  const now = state.now()
  const heldMillis = now - session.takenAt
  const { fiber, takenBy } = holder
  const span = fiber?.cache.span
  if (state.isWatched) {
    state.emit(
      PoolEvent.LeaseIdle({ at: state.date(now), session: session.id, heldMillis, idleMillis, takenAt: takenBy })
    )
  }
  const by = `by fiber #${fiber?.id ?? "?"}${span?._tag === "Span" ? ` in span "${span.name}"` : ""}`
  const where = takenBy === undefined ? "" : `, acquired at ${takenBy}`
  state.order({
    _tag: "Run",
    effect: Effect.logWarning(`A session is held ${by} without a call for longer than idleLeaseThreshold${where}`).pipe(
      Effect.annotateLogs({
        "sessionpool.pool": state.settings.name,
        "sessionpool.session": session.id,
        "sessionpool.heldMillis": heldMillis,
        "sessionpool.idleMillis": idleMillis
      })
    )
  })
}

/** Looks at every lease; the answer is when the next one may be due. */
const look = <S>(host: Host<S>): number => {
  const { state } = host
  const threshold = state.limits.idleLease
  const now = state.now()
  let next = now + threshold
  for (const session of state.sessions) {
    const since = leaseIdleSince(session)
    if (since === undefined || session.namedIdleSince === since) continue
    if (since + threshold > now) {
      next = Math.min(next, since + threshold)
      continue
    }
    session.namedIdleSince = since
    name(host, session, session.holder!, now - since)
  }
  host.flush()
  return next
}

/** Runs as long as `idleLeaseThreshold` is in force; `undefined` while it is off. */
export const idleLeaseWatch = <S>(host: Host<S>): Effect.Effect<void> | undefined => {
  const { state } = host
  if (state.limits.idleLease === Infinity) return undefined
  const round = Effect.suspend(() => Effect.sleep(Math.max(1, look(host) - state.now())))
  return Effect.forever(round)
}
