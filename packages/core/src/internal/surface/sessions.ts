/** The sessions of one moment, as users of a pool see them. */
import type { PoolSession, SessionLease } from "../../PoolSession.ts"
import type { SessionDescription } from "../../SessionDriver.ts"
import { describeIdentity } from "../entities/identity.ts"
import type { Session } from "../entities/session.ts"
import type { Engine } from "../jobs/engine.ts"
import { leaseIdleSince } from "../jobs/idleLeases.ts"

const leaseOf = <S>(session: Session<S>, now: number): SessionLease | undefined => {
  const { holder } = session
  if (holder === undefined) return undefined
  const idleSince = leaseIdleSince(session)
  const span = holder.fiber?.cache.span
  return {
    heldMillis: now - session.takenAt,
    idleMillis: idleSince === undefined ? undefined : now - idleSince,
    calls: holder.running,
    fiber: holder.fiber?.id,
    span: span === undefined ? undefined : {
      name: span._tag === "Span" ? span.name : undefined,
      traceId: span.traceId,
      spanId: span.spanId
    },
    takenAt: holder.takenBy
  }
}

/** A driver that cannot say so must not cost the whole list. */
const description = <S>({ driver }: Engine<S>, session: Session<S>): SessionDescription => {
  try {
    return driver.describe?.(session.handle) ?? {}
  } catch {
    return {}
  }
}

export const sessions = <S>(engine: Engine<S>): ReadonlyArray<PoolSession> => {
  const { state } = engine
  const now = state.now()
  return [...state.sessions].flatMap((session) => {
    const { group, id, idleSince, openedAt, place, tag, uses } = session
    if (place === "opening" || place === "gone") return []
    const { serial, sid, statement } = description(engine, session)
    return [{
      session: id,
      place,
      identity: describeIdentity(group.identity),
      tag: tag?.text,
      openedAt: state.date(openedAt),
      ageMillis: now - openedAt,
      idleMillis: place === "idle" || place === "checking" ? now - idleSince : undefined,
      uses,
      lease: leaseOf(session, now),
      instance: session.instance?.name,
      sid,
      serial,
      statement
    }]
  })
}
