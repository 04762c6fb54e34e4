/**
 * Shutdowns that the database has announced, which a driver sees on a session without a round trip. The session is closed normally when it
 * would be lent, or comes back; with the first, all others that are idle on the same instance are looked at, so that none waits for the end.
 */
import * as Effect from "effect/Effect"
import { type Session, whyUnhealthy } from "../entities/session.ts"
import type { Host } from "./host.ts"

/** The end of a session was announced. */
export const noticed = <S>({ flush, isHealthy, state }: Host<S>, session: Session<S>): void => {
  if (session.leaves !== undefined) return
  session.leaves = "drained"
  const { instance } = session
  const look = () => {
    for (const other of state.recency) {
      if (other.instance === instance && !isHealthy(other)) state.retire(other, whyUnhealthy(other))
    }
    flush()
  }
  state.order({ _tag: "Run", effect: Effect.sync(look) })
}
