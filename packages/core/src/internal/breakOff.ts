/**
 * Stops what runs on a session. There is one break at a time: whoever wants one while it is under way joins it. A second one
 * could arrive when the session is somebody else's already.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { Session } from "./session.ts"
import { within } from "./timeLimit.ts"

/** What a break needs of the pool. */
export interface Breaker<S> {
  readonly driver: { readonly interrupt: (handle: S) => Effect.Effect<void, unknown> }
  readonly state: { readonly limits: { readonly pingTimeout: number } }
  /** Runs work to its end, in the pool's scope. */
  readonly forkJob: (effect: Effect.Effect<void>) => unknown
}

/**
 * Waits until the session is quiet. It fails when the driver's break does, or takes longer than `pingTimeout`. The break itself
 * runs in the pool's scope: a caller's fiber may be in the middle of being interrupted, where nothing could be bounded in time.
 */
export const breakOff = <S>(breaker: Breaker<S>, session: Session<S>): Effect.Effect<void, unknown> =>
  Effect.suspend(() => {
    if (session.breaking !== undefined) return Deferred.await(session.breaking)
    const ended = Deferred.makeUnsafe<void, unknown>()
    session.breaking = ended
    const interrupt = Effect.onExitPrimitive(
      Effect.suspend(() => breaker.driver.interrupt(session.handle)),
      () => {
        // From here on the driver may begin the next operation, which another break would have to stop.
        session.breaking = undefined
        return undefined
      }
    )
    breaker.forkJob(Effect.flatMap(
      Effect.exit(within(interrupt, breaker.state.limits.pingTimeout, "a break")),
      (exit) => Effect.sync(() => Deferred.doneUnsafe(ended, exit))
    ))
    return Deferred.await(ended)
  })
