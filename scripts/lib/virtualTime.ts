/**
 * Runs effects by a clock of their own that never waits: when nothing is left to run, it goes on to the time at which the next sleeper is to
 * wake. Effect's `TestClock` serves tests; it has other work settle after each sleeper with a timer of the real clock, of which a fleet of
 * ten thousand processes has some forty thousand in a second.
 */
import { Clock, Duration, Effect, type Exit, Scheduler } from "effect"
import { ExpiryHeap } from "../../packages/core/src/internal/data/expiryHeap.ts"

interface Sleeper {
  expiresAt: number
  heapIndex: number
  readonly wake: () => void
}

/** Runs an effect to its end, in which nothing may wait for the world outside. */
export const runVirtually = <A, E>(effect: Effect.Effect<A, E>): Exit.Exit<A, E> => {
  let now = 0
  const sleepers = new ExpiryHeap<Sleeper>()
  const tasks: Array<() => void> = []
  const scheduler = new Scheduler.MixedScheduler("async", (task) => {
    let isWanted = true
    tasks.push(() => {
      if (isWanted) task()
    })
    return () => {
      isWanted = false
    }
  })
  const nanos = () => BigInt(Math.round(now * 1e6))
  const clock: Clock.Clock = {
    currentTimeMillisUnsafe: () => now,
    currentTimeMillis: Effect.sync(() => now),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: nanos,
    monotonicTimeNanos: Effect.sync(nanos),
    sleep: (duration) =>
      Effect.callback<void>((resume) => {
        const sleeper: Sleeper = {
          expiresAt: now + Duration.toMillis(duration),
          heapIndex: -1,
          wake: () => resume(Effect.void)
        }
        if (sleeper.expiresAt !== Infinity) sleepers.add(sleeper)
        return Effect.sync(() => sleepers.remove(sleeper))
      })
  }
  let exit: Exit.Exit<A, E> | undefined
  const fiber = Effect.runFork(Effect.provideService(effect, Clock.Clock, clock), { scheduler })
  fiber.addObserver((ended) => {
    exit = ended
  })
  /** Runs what is ready, and what that makes ready; then all that is left sleeps. */
  const settle = (): Exit.Exit<A, E> | undefined => {
    for (let ready = tasks.splice(0); ready.length > 0; ready = tasks.splice(0)) {
      for (const task of ready) task()
    }
    return exit
  }
  for (;;) {
    const ended = settle()
    if (ended !== undefined) return ended
    const next = sleepers.earliest
    if (next === undefined) throw new Error("The simulation waits for something that does not come.")
    now = next.expiresAt
    for (let due = sleepers.earliest; due !== undefined && due.expiresAt <= now; due = sleepers.earliest) {
      sleepers.remove(due)
      due.wake()
    }
  }
}
