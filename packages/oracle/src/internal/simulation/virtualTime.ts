/**
 * Time that passes only in a simulation: a clock, and a scheduler that lets it go on once no fiber has anything left to do. Nothing here
 * knows what is simulated.
 *
 * Effect's own `TestClock` is for tests: it waits for a turn of the event loop after each sleep, which is most of the time that a long
 * simulation would take. Here the next sleep ends as soon as the tasks of the last one are done, in the same turn.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Random from "effect/Random"
import * as Scheduler from "effect/Scheduler"

/** Something that happens at a time, unless it is called off. */
interface Planned {
  readonly at: number
  readonly order: number
  run: (() => void) | undefined
}

const isBefore = (a: Planned, b: Planned): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)

export class VirtualTime {
  /** Milliseconds since the simulation began, fractions included. */
  now = 0
  /** A binary heap, the earliest first; what is planned for the same time happens in the order in which it was planned. */
  readonly #planned: Array<Planned> = []
  #order = 0
  #tasks: Array<() => void> = []

  readonly #scheduler = new Scheduler.MixedScheduler("async", (task) => {
    let run: (() => void) | undefined = task
    this.#tasks.push(() => run?.())
    return () => {
      run = undefined
    }
  })

  readonly #clock: Clock.Clock = {
    currentTimeMillisUnsafe: () => this.now,
    currentTimeMillis: Effect.sync(() => this.now),
    currentTimeNanosUnsafe: () => this.#nanos(),
    currentTimeNanos: Effect.sync(() => this.#nanos()),
    monotonicTimeNanosUnsafe: () => this.#nanos(),
    monotonicTimeNanos: Effect.sync(() => this.#nanos()),
    sleep: (duration) => this.sleep(Duration.toMillis(duration))
  }

  #nanos(): bigint {
    return BigInt(Math.round(this.now * 1e6))
  }

  /**
   * What fibers of the simulation run in: this time, random numbers of `seed`, metrics of their own. Pools log failures of the database, which
   * are results here, so nothing is logged.
   */
  context(seed: string): Context.Context<never> {
    return Effect.runSync(Random.withSeed(
      Effect.map(Random.Random, (random) =>
        Context.empty().pipe(
          Context.add(Clock.Clock, this.#clock),
          Context.add(Scheduler.Scheduler, this.#scheduler),
          Context.add(Random.Random, random),
          Context.add(Metric.MetricRegistry, new Map()),
          Context.add(Logger.CurrentLoggers, new Set())
        ) as Context.Context<never>),
      seed
    ))
  }

  /** Plans something `millis` from now. */
  after(millis: number, run: () => void): Planned {
    const planned: Planned = { at: this.now + millis, order: this.#order++, run }
    const heap = this.#planned
    let at = heap.push(planned) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(planned, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = planned
    return planned
  }

  sleep(millis: number): Effect.Effect<void> {
    if (millis === Infinity) return Effect.never
    if (!(millis > 0)) return Effect.void
    return Effect.callback<void>((resume) => {
      const planned = this.after(millis, () => resume(Effect.void))
      return Effect.sync(() => {
        planned.run = undefined
      })
    })
  }

  #earliest(): Planned | undefined {
    const heap = this.#planned
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || first === last) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return first
  }

  /** Runs what fibers have left to do now. */
  #settle(): void {
    while (this.#tasks.length > 0) {
      const tasks = this.#tasks
      this.#tasks = []
      for (const task of tasks) task()
    }
  }

  /** Lets the next planned thing happen, with all that follows from it at that time; `false` when nothing is planned. */
  #step(): boolean {
    this.#settle()
    for (;;) {
      const next = this.#earliest()
      if (next === undefined) return false
      const { run } = next
      if (run === undefined) continue
      this.now = next.at
      run()
      this.#settle()
      return true
    }
  }

  /**
   * Lets time pass until `isOver`, or until nothing is planned any more. It gives the process a turn every few milliseconds, after which
   * `onTurn` runs, and may be interrupted then.
   */
  pass<R>(isOver: () => boolean, onTurn: Effect.Effect<void, never, R>): Effect.Effect<void, never, R> {
    const turn = Effect.sync(() => {
      const end = performance.now() + 25
      for (let steps = 1; !isOver(); steps++) {
        if (!this.#step()) return false
        if (steps % 64 === 0 && performance.now() > end) return true
      }
      return false
    })
    const loop: Effect.Effect<void, never, R> = Effect.flatMap(
      turn,
      (goesOn) => goesOn ? Effect.andThen(onTurn, Effect.andThen(Effect.yieldNow, Effect.suspend(() => loop))) : onTurn
    )
    return loop
  }
}
