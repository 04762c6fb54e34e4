/** Row 2: many fibers want few sessions. */
import { Effect, Pool, type Scope } from "effect"
import { again, medianOf, quantile, ratioTarget, select } from "./compare.ts"
import { Queue } from "./floor.ts"
import { collectGarbage } from "./heap.ts"
import { effectPool, type PromisePool, promisePools, sessionPool } from "./peers.ts"
import { Figures, takeTurns } from "./rounds.ts"
import { type Figure, median, type Row, type Scale, type Target } from "./row.ts"

const group = "fibers on 10 sessions"
const own = "sessionpool use"
const scoped = "sessionpool acquire, scoped"
const bareQueue = "floor: use, a bare queue"
const effectUse = "Effect Pool.use"
const inFibers = " in fibers"
const inTime = "longest wait / median"
const inLeases = "the same in leases"

/** What one run of all callers has measured. */
class Waits {
  readonly millis: Float64Array
  /** How many leases began between asking and having: the wait on a clock that no pause of the machine moves. */
  readonly leases: Float64Array
  #begun = 0

  constructor(leases: number) {
    this.millis = new Float64Array(leases)
    this.leases = new Float64Array(leases)
  }

  get begun(): number {
    return this.#begun
  }

  had(askedAt: number, begunThen: number): void {
    this.millis[this.#begun] = performance.now() - askedAt
    this.leases[this.#begun] = this.#begun - begunThen
    this.#begun++
  }
}

interface Candidate {
  readonly name: string
  /** Runs so many callers at once, each with so many leases one after the other; a lease lasts one turn of the event loop. */
  readonly run: (callers: number, leasesEach: number, waits: Waits) => Promise<void>
}

const turn = Effect.callback<void>((resume) => {
  setImmediate(() => resume(Effect.void))
})

/** Callers that are fibers; `use` runs an effect with a resource. */
const fibers = (
  name: string,
  use: (f: () => Effect.Effect<void>) => Effect.Effect<unknown, unknown>
): Candidate => ({
  name,
  run: (callers, leasesEach, waits) => {
    const one = Effect.suspend(() => {
      const askedAt = performance.now()
      const begunThen = waits.begun
      return use(() => {
        waits.had(askedAt, begunThen)
        return turn
      })
    })
    const caller = Effect.suspend(() => {
      let left = leasesEach
      return Effect.whileLoop({ while: () => left-- > 0, body: () => one, step: () => {} })
    })
    return Effect.runPromise(
      Effect.forEach(Array.from({ length: callers }), () => caller, { concurrency: "unbounded", discard: true })
    )
  }
})

/** Callers that are async functions. */
const functions = (name: string, pool: PromisePool): Candidate => ({
  name,
  run: async (callers, leasesEach, waits) => {
    const caller = async () => {
      for (let i = 0; i < leasesEach; i++) {
        const askedAt = performance.now()
        const begunThen = waits.begun
        const resource = await pool.acquire()
        waits.had(askedAt, begunThen)
        await new Promise((resolve) => setImmediate(resolve))
        pool.release(resource)
      }
    }
    await Promise.all(Array.from({ length: callers }, caller))
  }
})

const candidatesOn = (size: number): Effect.Effect<ReadonlyArray<Candidate>, unknown, Scope.Scope> =>
  Effect.gen(function*() {
    const options = { max: size, idle: size }
    const pool = yield* sessionPool(options)
    const effects = yield* effectPool(options)
    const floor = new Queue(Array.from({ length: size }, () => ({})))
    const candidates = [
      fibers(own, (f) => pool.use(f)),
      fibers(again(own), (f) => pool.use(f)),
      fibers(scoped, (f) => Effect.scoped(Effect.flatMap(pool.acquire(), f))),
      fibers(effectUse, (f) => Pool.use(effects, f)),
      fibers(bareQueue, (f) => floor.use(f))
    ]
    for (const [name, make] of Object.entries(promisePools)) {
      const peer = yield* make(options)
      candidates.push(
        functions(name, peer),
        fibers(`${name}${inFibers}`, (f) =>
          Effect.acquireUseRelease(
            Effect.promise(() => peer.acquire()),
            f,
            (resource) => Effect.sync(() => peer.release(resource))
          ))
      )
    }
    return candidates
  })

interface Run {
  readonly callers: number
  readonly leasesEach: number
}

const sizes = {
  full: [
    { callers: 10, leasesEach: 12_000, rounds: 5 },
    { callers: 100, leasesEach: 1200, rounds: 5 },
    { callers: 1000, leasesEach: 120, rounds: 5 },
    { callers: 10_000, leasesEach: 12, rounds: 3 },
    { callers: 100_000, leasesEach: 2, rounds: 1 }
  ],
  smallest: [{ callers: 4, leasesEach: 3, rounds: 1 }, { callers: 8, leasesEach: 3, rounds: 1 }]
} as const

const sessions = { full: 10, smallest: 2 } as const

/** Who takes longer than this for a run is not run again. */
const patienceMillis = 5000

const measure = (figures: Figures, { name, run }: Candidate, { callers, leasesEach }: Run, waiting: boolean) =>
  Effect.promise(async () => {
    const waits = new Waits(callers * leasesEach)
    collectGarbage()
    const began = performance.now()
    await run(callers, leasesEach, waits)
    const millis = performance.now() - began
    const add = (metric: string, unit: Figure["unit"], value: number) =>
      figures.add({ group, size: callers, candidate: name, metric, unit }, value)
    add("throughput", "per second", waits.begun / millis * 1000)
    add("wait p50", "ms", quantile(waits.millis, 0.5))
    add("wait p99", "ms", quantile(waits.millis, 0.99))
    if (waiting) {
      add(inTime, "ratio", longestOverMedian(waits.millis))
      add(inLeases, "ratio", longestOverMedian(waits.leases))
    }
    return millis
  })

const longestOverMedian = (values: Float64Array): number => quantile(values, 1) / quantile(values, 0.5)

/** Below this a pause of the garbage collector decides how long the longest wait is. */
const longWaitMillis = { full: 20, smallest: 0 } as const

/** The worst median of a ratio of this pool, over the sizes that are meant; not a number when there are none. */
const worst = (figures: ReadonlyArray<Figure>, metric: string, isMeant: (size: number) => boolean): number => {
  const medians = select(figures, { candidate: own, metric })
    .flatMap(({ size = 0, values }) => isMeant(size) ? [median(values)] : [])
  return medians.length === 0 ? Number.NaN : Math.max(...medians)
}

/** Whether a candidate is a peer whose callers are fibers, as this pool's are. */
const isPeerInFibers = (candidate: string): boolean => candidate === effectUse || candidate.endsWith(inFibers)

const throughputTargets = (
  figures: ReadonlyArray<Figure>,
  what: string,
  bound: number,
  of: string,
  isMeant: (candidate: string) => boolean,
  from = 0
) =>
  [...Map.groupBy(select(figures, { metric: "throughput" }), ({ size = 0 }) => size)].flatMap(([size, list]) =>
    size < from ? [] : [ratioTarget(figures, {
      text: `${size.toLocaleString("en-US")} fibers: leases a second of ${what}`,
      bound,
      direction: "at least",
      where: { size, metric: "throughput" },
      of,
      to: list.map(({ candidate }) => candidate).filter(isMeant)
    })]
  )

const targets = (figures: ReadonlyArray<Figure>, scale: Scale): ReadonlyArray<Target> => {
  const isLong = (size: number) =>
    medianOf(figures, { candidate: own, size, metric: "wait p50" }) >= longWaitMillis[scale]
  return [
    ...throughputTargets(figures, "use, to the best peer in fibers", 1, own, isPeerInFibers),
    ...throughputTargets(figures, "use, to the floor", 0.8, own, (candidate) => candidate === bareQueue),
    ...throughputTargets(figures, "scoped acquire, to use", 0.85, scoped, (candidate) => candidate === own, 100),
    {
      text: "longest wait over the median, counted in leases, at the worst size",
      bound: 2,
      direction: "at most",
      measured: worst(figures, inLeases, () => true)
    },
    {
      text: `longest wait over the median, in time, where the median is at least ${longWaitMillis[scale]} ms`,
      bound: 2,
      direction: "at most",
      measured: worst(figures, inTime, isLong)
    }
  ]
}

const notes = [
  "Every lease lasts one turn of the event loop (one setImmediate). A fiber, or async function, leases 12,000, 1,200, 120, 12 or 2 times, " +
  "one after the other; with 10 callers none waits. Garbage is collected before each run, after which V8 compiles some code anew: a run is so long that " +
  "this counts for little.",
  "Throughput is all leases over the time from before the first caller is started to after the last has ended. A wait is the time " +
  "from asking to having, of every lease from the first to the last.",
  "The ratio of the longest wait to the median is given twice: in time, where a pause of the machine or of the garbage collector " +
  "counts against whoever waits just then, and in leases that began between asking and having, which no pause moves.",
  "Promise-based pools run with async functions as callers, and again in fibers, with Effect.acquireUseRelease. An async function " +
  "cannot be interrupted; what a fiber costs beyond it is part of every candidate in fibers. The floor says how much that is."
]

export const contention: Row = {
  id: "contention",
  title: "Many fibers on 10 sessions",
  run: (scale: Scale) =>
    Effect.gen(function*() {
      const figures = new Figures()
      const candidates = yield* candidatesOn(sessions[scale])
      const slow = new Map<string, number>()
      // A run that is not measured, so that none is the first.
      yield* takeTurns(candidates, 1, (candidate) => measure(new Figures(), candidate, sizes[scale][1], true))
      for (const size of sizes[scale]) {
        yield* takeTurns(candidates, size.rounds, (candidate) =>
          Effect.gen(function*() {
            if (slow.has(candidate.name)) return
            const millis = yield* measure(figures, candidate, size, size.callers > sessions[scale])
            if (millis > patienceMillis) slow.set(candidate.name, size.callers)
          }))
      }
      const givenUp = [...slow].map(([name, callers]) =>
        `${name} took more than ${patienceMillis / 1000} s with ${
          callers.toLocaleString("en-US")
        } fibers and was not run again.`
      )
      const list = figures.list(candidates)
      return { figures: list, targets: targets(list, scale), notes: [...notes, ...givenUp] }
    })
}
