/**
 * What happens to sessions that nobody asks for: they are closed when they have been idle for too long or have grown too
 * old, and kept alive. Both run on schedules in the pool's scope, whether or not anybody uses the pool.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import type { Connection } from "../Connection.ts"
import type { Engine } from "./engine.ts"
import * as Jobs from "./jobs.ts"
import { offOrMillis } from "./optionField.ts"
import type { PoolState } from "./poolState.ts"
import type { Session } from "./session.ts"

/** How many idle sessions are pinged at a time to keep them alive, so that most stay at hand. */
const pingsAtATime = 4

/** Closes what is due at `now`. It looks only at what it closes, and at one session of each kind beyond. */
export const evict = <S>(state: PoolState<S>, now: number): void => {
  for (;;) {
    const oldest = state.expiries.earliest
    if (oldest === undefined || oldest.expiresAt > now) break
    if (oldest.place === "idle") state.retire(oldest, "expired")
    // One that is in use is closed when it comes back, which sees that it has expired.
    else state.expiries.remove(oldest)
  }
  for (;;) {
    const coldest = state.recency.last
    if (coldest === undefined || state.opened <= state.limits.min) return
    if (coldest.idleSince + state.limits.idleTimeout > now) return
    state.retire(coldest, "idle")
  }
}

/** When something is due next; `Infinity` when nothing is, as things stand. */
export const nextEviction = <S>(state: PoolState<S>): number => {
  const coldest = state.recency.last
  const idle = coldest === undefined || state.opened <= state.limits.min
    ? Infinity
    : coldest.idleSince + state.limits.idleTimeout
  return Math.min(idle, state.expiries.earliest?.expiresAt ?? Infinity)
}

/** Evicts on a schedule: each run says how long it is until the next thing is due. */
export const evictor = <S, C extends Connection, E, OE>(engine: Engine<S, C, E, OE>): Effect.Effect<void> => {
  const run = Effect.sync(() => {
    const { state } = engine
    const now = state.now()
    evict(state, now)
    // Known before the step is completed: nothing that follows from it then wakes the evictor in vain.
    engine.nextLook = nextEviction(state)
    engine.flush()
    return engine.nextLook - now
  })
  const untilNext = Schedule.forever.pipe(
    Schedule.setInputType<number>(),
    Schedule.passthrough,
    Schedule.modifyDelay(({ output }) => Effect.succeed(output === Infinity ? Duration.infinity : Math.max(output, 1)))
  )
  return Effect.asVoid(Effect.repeat(run, untilNext))
}

const isDue = <S>(session: Session<S>, every: number, now: number): boolean =>
  session.place === "idle" && now - session.provenAt >= every

/** Pings idle sessions that have not been heard of for `keepAlive`, a few at a time. */
export const keeper = <S, C extends Connection, E, OE>(
  engine: Engine<S, C, E, OE>
): Effect.Effect<void> | undefined => {
  const { state } = engine
  const every = offOrMillis(state.settings.keepAlive)
  if (every === Infinity) return undefined
  const ping = (session: Session<S>) =>
    Effect.suspend(() => {
      if (!isDue(session, every, state.now())) return Effect.void
      state.leaveIdle(session, "checking")
      // A job of its own: a ping that is cut off would leave the session in doubt.
      return Fiber.await(engine.forkJob(Jobs.checkSession(engine, session)))
    })
  const round = Effect.suspend(() => {
    const now = state.now()
    const due = [...state.recency].filter((session) => isDue(session, every, now))
    // The coldest first: they are the nearest to being cut off.
    return Effect.forEach(due.toReversed(), ping, { concurrency: pingsAtATime, discard: true })
  })
  return Effect.asVoid(Effect.delay(Effect.repeat(round, Schedule.spaced(every)), every))
}
