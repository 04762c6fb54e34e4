/**
 * What the pool itself runs on a session, for no caller: a ping, a reset. Whoever takes the session away stops
 * it, and waits for its end before the session is closed.
 */
import * as Effect from "effect/Effect"
import type { Session } from "../entities/session.ts"

/** Runs `work` on a session; it is interrupted when the session is taken away. To be run in a fiber of its own, uninterruptibly. */
export const runOwnWork = <S, A, E>(session: Session<S>, work: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.withFiber((fiber) => {
    if (session.isTaken) return Effect.interrupt
    session.worker = fiber
    return Effect.onExitPrimitive(Effect.interruptible(work), () => {
      session.worker = undefined
      return undefined
    })
  })
