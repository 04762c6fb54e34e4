/**
 * Stops what runs on a session. There is one break at a time: whoever wants one while it is under way joins it. A second one
 * could arrive when the session is somebody else's already.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { within } from "../data/timeLimit.ts"
import type { Session } from "../entities/session.ts"
import type { Host } from "./host.ts"

/**
 * Waits until the session is quiet. It fails when the driver's break does, or takes longer than `pingTimeout`. The break itself
 * runs in the pool's scope: a caller's fiber may be in the middle of being interrupted, where nothing could be bounded in time.
 */
export const breakOff = <S>(
  { driver, forkJob, state }: Pick<Host<S>, "driver" | "forkJob" | "state">,
  session: Session<S>
): Effect.Effect<void, unknown> =>
  Effect.suspend(() => {
    // A session that is being closed by now has nothing left to stop.
    if (session.place === "closing" || session.place === "gone") return Effect.void
    if (session.breaking !== undefined) return Deferred.await(session.breaking)
    const ended = Deferred.makeUnsafe<void, unknown>()
    session.breaking = ended
    const interrupt = Effect.onExitPrimitive(
      Effect.suspend(() => driver.interrupt(session.handle)),
      () => {
        // From here on the driver may begin the next operation, which another break would have to stop.
        session.breaking = undefined
        return undefined
      }
    )
    forkJob(Effect.flatMap(
      Effect.exit(within(interrupt, state.limits.pingTimeout, "a break")),
      (exit) => Effect.sync(() => Deferred.doneUnsafe(ended, exit))
    ))
    return Deferred.await(ended)
  })
