/**
 * What happens to sessions that no request asks for: they are closed when they have been idle for too long or have grown too
 * old, and kept alive. Both run on schedules in the pool's scope, whether or not anybody uses the pool.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { offOrMillis } from "../data/optionField.ts"
import { evict, nextEviction } from "../decisions/eviction.ts"
import type { Session } from "../entities/session.ts"
import type { Host } from "./host.ts"
import { checkSession } from "./sessionJobs.ts"

/** How many idle sessions are pinged at a time to keep them alive, so that most can be lent. */
const pingsAtATime = 4

/** What the evictor needs beside. */
interface EvictionHost<S> extends Host<S> {
  /** When it looks next: a step wakes it only for what is due before. */
  nextLook: number
  /** The same effect; when it dies of an impossible state, the pool recovers. */
  readonly guarded: <A, E2>(effect: Effect.Effect<A, E2>) => Effect.Effect<A, E2>
}

/** Evicts on a schedule: each run says how long it is until the next thing is due. */
export const evictor = <S>(host: EvictionHost<S>): Effect.Effect<void> => {
  const run = Effect.sync(() => {
    const { state } = host
    const now = state.now()
    evict(state, now)
    // Known before the step is completed: nothing that follows from it then wakes the evictor in vain.
    host.nextLook = nextEviction(state)
    host.flush()
    return host.nextLook - now
  })
  const untilNext = Schedule.forever.pipe(
    Schedule.setInputType<number>(),
    Schedule.passthrough,
    Schedule.modifyDelay(({ output }) => Effect.succeed(output === Infinity ? Duration.infinity : Math.max(output, 1)))
  )
  return Effect.asVoid(Effect.repeat(host.guarded(run), untilNext))
}

const isDue = <S>(session: Session<S>, every: number, now: number): boolean =>
  session.place === "idle" && now - session.provenAt >= every

/** Pings idle sessions that have not been heard of for `keepAlive`, a few at a time. */
export const keeper = <S>(host: Host<S>): Effect.Effect<void> | undefined => {
  const { state } = host
  const every = offOrMillis(state.settings.keepAlive)
  if (every === Infinity) return undefined
  const ping = (session: Session<S>) =>
    Effect.suspend(() => {
      if (!isDue(session, every, state.now())) return Effect.void
      state.setAside(session)
      // A job of its own: a ping that is cut off would leave the session in doubt.
      return Fiber.await(host.startJob(checkSession(host, session), (cause) => host.recover(cause, session)))
    })
  const round = Effect.suspend(() => {
    const now = state.now()
    const due = [...state.recency].filter((session) => isDue(session, every, now))
    // The coldest first: they are the nearest to being cut off.
    return Effect.forEach(due.toReversed(), ping, { concurrency: pingsAtATime, discard: true })
  })
  return Effect.asVoid(Effect.delay(Effect.repeat(round, Schedule.spaced(every)), every))
}
