/**
 * Where a script runs. In a virtual world nothing happens unless it is told to: fibers are run one task at a time, in one
 * synchronous step, and time passes only by `advance`. In a live world both are those of the machine.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as Random from "effect/Random"
import * as References from "effect/References"
import * as Scheduler from "effect/Scheduler"

/** How a world is made. */
export interface WorldOptions {
  /** Seed of everything that is random in it. */
  readonly seed: number
  /** After how many operations a fiber yields. */
  readonly maxOps: number
  /** Whether tasks that are ready run in an order drawn at random, in place of that of their arrival. */
  readonly isShuffled?: boolean | undefined
  /** Called between any two tasks. */
  readonly onTask?: (() => void) | undefined
}

/** A place for fibers to run in. */
export interface World {
  readonly fork: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
  /** Runs everything that can run without time passing. */
  readonly settle: Effect.Effect<void>
  /** Lets time pass; absent where time is real. */
  readonly advance: ((millis: number) => Effect.Effect<void>) | undefined
  /** Sets the system clock forward, or back where `millis` is negative; no time passes. Absent where time is real. */
  readonly setClock: ((millis: number) => Effect.Effect<void>) | undefined
  /** Monotonic time in milliseconds. */
  readonly now: () => number
  /** Tasks that were run so far. */
  readonly tasks: () => number
  /** Calls `then` before the task of this number, counted from now, is run. */
  readonly before: (task: number, then: () => void) => void
  /** Fibers and timers that should have ended. */
  readonly leftovers: () => ReadonlyArray<string>
  /** The metrics that are registered now; absent where the registry is shared with the rest of the program. */
  readonly metrics: (() => ReadonlyArray<Metric.Metric.Snapshot>) | undefined
}

/** More tasks than any settled step can need, and more timers than any stretch of time. */
const mostTasks = 50_000
const mostTimers = 5000

/** The world went on without end. */
export class RestlessError extends Error {
  override readonly name = "RestlessError"
}

interface Timer {
  readonly at: number
  readonly ring: () => void
}

/** Counts the tasks of a scheduler, and lets one thing happen between two of them. */
class TaskCount {
  done = 0
  #at = Infinity
  #then: () => void = () => {}
  readonly #onTask: (() => void) | undefined

  constructor(onTask: (() => void) | undefined) {
    this.#onTask = onTask
  }

  before(task: number, then: () => void): void {
    this.#at = this.done + task
    this.#then = then
  }

  run(task: () => void): void {
    if (this.done >= this.#at) {
      this.#at = Infinity
      this.#then()
    }
    this.done++
    task()
    this.#onTask?.()
  }
}

const shouldYield = (maxOps: number) => (fiber: Fiber.Fiber<unknown, unknown>): boolean =>
  fiber.currentOpCount >= maxOps

/** Numbers from 0 to 1 that look random and are the same for the same seed (mulberry32). */
const drawFrom = (seed: number): () => number => {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const randomFrom = (seed: number): Context.Service.Shape<typeof Random.Random> => {
  const next = drawFrom(seed)
  return { nextDoubleUnsafe: next, nextIntUnsafe: () => Math.floor(next() * 2 ** 32) }
}

/** Makes a virtual world. */
export const virtual = (options: WorldOptions): World => {
  const count = new TaskCount(options.onTask)
  const timers: Array<Timer> = []
  const registry: Metric.MetricRegistry = new Map()
  const draw = drawFrom(options.seed + 1)
  let tasks: Array<() => void> = []
  let now = 0
  let clockIsAhead = 0
  let fibers = 0

  const scheduler: Scheduler.Scheduler = {
    executionMode: "sync",
    shouldYield: shouldYield(options.maxOps),
    makeDispatcher: () => ({
      scheduleTask: (task) => {
        tasks.push(task)
      },
      flush: () => drain()
    })
  }
  const drain = () => {
    const first = count.done
    while (tasks.length > 0) {
      if (options.isShuffled === true) {
        const [task] = tasks.splice(Math.floor(draw() * tasks.length), 1)
        count.run(task!)
      } else {
        const batch = tasks
        tasks = []
        for (const task of batch) count.run(task)
      }
      if (count.done - first > mostTasks) {
        throw new RestlessError(`after ${mostTasks} tasks the pool has not come to rest`)
      }
    }
  }
  const wallMillis = () => now + clockIsAhead
  const wallNanos = () => BigInt(Math.round(wallMillis() * 1_000_000))
  const nanos = () => BigInt(Math.round(now * 1_000_000))
  const clock: Clock.Clock = {
    currentTimeMillisUnsafe: wallMillis,
    currentTimeMillis: Effect.sync(wallMillis),
    currentTimeNanosUnsafe: wallNanos,
    currentTimeNanos: Effect.sync(wallNanos),
    monotonicTimeNanosUnsafe: nanos,
    monotonicTimeNanos: Effect.sync(nanos),
    sleep: (duration) => {
      const millis = Duration.toMillis(duration)
      if (millis <= 0) return Effect.yieldNow
      if (!Number.isFinite(millis)) return Effect.never
      return Effect.callback((resume) => {
        const timer: Timer = { at: now + millis, ring: () => resume(Effect.void) }
        const later = timers.findIndex((other) => other.at > timer.at)
        timers.splice(later === -1 ? timers.length : later, 0, timer)
        return Effect.sync(() => {
          const index = timers.indexOf(timer)
          if (index !== -1) timers.splice(index, 1)
        })
      })
    }
  }
  const advance = (millis: number) => {
    const end = now + millis
    let rung = 0
    drain()
    for (let timer = timers[0]; timer !== undefined && timer.at <= end; timer = timers[0]) {
      timers.shift()
      now = timer.at
      timer.ring()
      drain()
      if (++rung > mostTimers) throw new RestlessError(`more than ${mostTimers} timers rang within ${millis} ms`)
    }
    now = end
  }
  const context = Context.empty().pipe(
    Context.add(Clock.Clock, clock),
    Context.add(Scheduler.Scheduler, scheduler),
    Context.add(Scheduler.MaxOpsBeforeYield, options.maxOps),
    Context.add(Random.Random, randomFrom(options.seed)),
    Context.add(References.MinimumLogLevel, "None"),
    Context.add(Metric.MetricRegistry, registry),
    Context.add(Metric.FiberRuntimeMetrics, {
      recordFiberStart: () => {
        fibers++
      },
      recordFiberEnd: () => {
        fibers--
      }
    })
  )
  return {
    fork: Effect.runForkWith(context),
    settle: Effect.sync(drain),
    advance: (millis) => Effect.sync(() => advance(millis)),
    setClock: (millis) =>
      Effect.sync(() => {
        clockIsAhead += millis
      }),
    now: () => now,
    tasks: () => count.done,
    before: (task, then) => count.before(task, then),
    leftovers: () => [
      ...(timers.length === 0 ? [] : [`${timers.length} timers are still set`]),
      ...(fibers === 0 ? [] : [`${fibers} fibers are still running`])
    ],
    metrics: () => Metric.snapshotUnsafe(context)
  }
}

const systemClock = Context.get(Context.empty(), Clock.Clock)

/** Makes a world in which time is real; `settle` waits until the subject has come to rest. */
export const live = (options: WorldOptions, settle: Effect.Effect<void>): World => {
  const count = new TaskCount(options.onTask)
  const inner = new Scheduler.MixedScheduler()
  const scheduler: Scheduler.Scheduler = {
    executionMode: "async",
    shouldYield: shouldYield(options.maxOps),
    makeDispatcher: () => {
      const dispatcher = inner.makeDispatcher()
      return {
        scheduleTask: (task, priority) => dispatcher.scheduleTask(() => count.run(task), priority),
        flush: () => dispatcher.flush()
      }
    }
  }
  const context = Context.empty().pipe(
    Context.add(Scheduler.Scheduler, scheduler),
    Context.add(Scheduler.MaxOpsBeforeYield, options.maxOps),
    Context.add(Random.Random, randomFrom(options.seed)),
    Context.add(References.MinimumLogLevel, "None")
  )
  return {
    fork: Effect.runForkWith(context),
    settle,
    advance: undefined,
    setClock: undefined,
    now: () => Number(systemClock.monotonicTimeNanosUnsafe() / 1000n) / 1000,
    tasks: () => count.done,
    before: (task, then) => count.before(task, then),
    leftovers: () => [],
    metrics: undefined
  }
}

/** Runs an effect in a world to its end. */
export const complete = <A, E>(world: World, effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    const fiber = world.fork(effect)
    if (world.advance === undefined) return Fiber.join(fiber)
    return Effect.andThen(
      world.settle,
      Effect.suspend(() => fiber.pollUnsafe() ?? Effect.die(new Error("an effect of the script's own did not end")))
    )
  })
