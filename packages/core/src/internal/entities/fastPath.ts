/**
 * The fast path: lends a session once more without further questions, when nothing that could invalidate it has changed since
 * everything was looked at. It is two calls, one for each end of a lease; where they do not apply, the long way is taken.
 *
 * What could invalidate it is in the facts of `PoolState`, whose `generation` every change of them raises. What is no fact, and may
 * be different for each lease, is asked here: expiry, age of the last sign of life, health, waiting requests, surplus.
 */
import type { CloseReason } from "../../PoolEvent.ts"
import * as SessionTag from "../../SessionTag.ts"
import type { IdleSessions } from "./idleSessions.ts"
import type { Limits } from "./limits.ts"
import { type Criteria, type Holder, type IsHealthy, type Session, whyUnhealthy } from "./session.ts"

/** What the fast path needs of the pool. */
export interface FastPool<S> {
  /** Raised by every change of the pool's facts. */
  readonly generation: number
  readonly limits: Limits
  /** Whether somebody waits, or more sessions are open than may be. */
  readonly isCrowded: boolean
  readonly timeOfTurn: () => number
  /** Takes an idle session from its lists and gives it to a holder. */
  readonly takeIdle: (session: Session<S>, holder: Holder, now: number) => void
  /** Makes a busy session idle, outside the lists. */
  readonly makeIdleUnlisted: (session: Session<S>) => void
  readonly retire: (session: Session<S>, reason: CloseReason) => void
}

export class FastPath<S> {
  readonly #pool: FastPool<S>
  readonly #idle: IdleSessions<S>

  constructor(pool: FastPool<S>, idle: IdleSessions<S>) {
    this.#pool = pool
    this.#idle = idle
  }

  /** Lends the idle session that a request is for; `undefined`: the fast path does not apply. One that is dead is closed. */
  lend(criteria: Criteria<S>, holder: Holder, isHealthy: IsHealthy<S>): Session<S> | undefined {
    const pool = this.#pool
    let session = this.#idle.unlisted
    if (
      session === undefined || session.tag !== criteria.tag || session.group !== criteria.group || criteria.fresh
    ) {
      session = this.#idleFor(criteria)
      if (session === undefined) return undefined
    }
    if (session.vettedIn !== pool.generation) return undefined
    const now = pool.timeOfTurn()
    if (session.expiresAt <= now || now - session.provenAt > pool.limits.pingInterval) return undefined
    if (!isHealthy(session)) return void pool.retire(session, whyUnhealthy(session))
    pool.takeIdle(session, holder, now)
    return session
  }

  #idleFor(criteria: Criteria<S>): Session<S> | undefined {
    const session = this.#idle.idleFor(criteria)
    return session !== undefined && SessionTag.equals(session.tag, criteria.tag) ? session : undefined
  }

  /** Takes back a session that was lent; `false`: the fast path does not apply. One that is dead is closed. */
  takeBack(session: Session<S>, now: number, isHealthy: IsHealthy<S>): boolean {
    const pool = this.#pool
    if (session.vettedIn !== pool.generation || session.expiresAt <= now || pool.isCrowded) return false
    if (!isHealthy(session)) {
      pool.retire(session, whyUnhealthy(session))
      return false
    }
    pool.makeIdleUnlisted(session)
    return true
  }
}
