/** Row 5: the memory that a pool keeps of its own. */
import { Effect, Exit, Fiber, Pool, Scope } from "effect"
import { again, medianOf } from "./compare.ts"
import * as Floor from "./floor.ts"
import { type Care, settled } from "./heap.ts"
import { effectPool, type PoolOptions, type PromisePool, promisePools, sessionPool } from "./peers.ts"
import { Figures, repeat, takeTurns } from "./rounds.ts"
import type { Figure, Row, Scale, Target } from "./row.ts"

const each = "memory, each"
const growth = "growth of the heap"

const groups = {
  idle: "an idle session",
  lease: "a lease",
  waiter: "a waiting request, its fiber or async function included",
  after: "the heap after 1,000,000 leases, against before"
} as const

const own = "sessionpool"
const floorFiber = "floor: a fiber in a bare queue"

type Keep = Effect.Effect<unknown, unknown, Scope.Scope>

/** What is measured of one candidate. */
interface Candidate {
  readonly group: typeof groups[keyof typeof groups]
  readonly name: string
  readonly measure: (size: Size) => Effect.Effect<number, unknown, Scope.Scope>
}

interface Size {
  /** How many of a thing there are while it is measured. */
  readonly count: number
  readonly leases: number
  readonly care: Care
}

/** Bytes for each of `count` things that `make` makes and that are there until its scope closes. */
const bytesEach = (make: Keep, { care, count }: Size): Effect.Effect<number, unknown> =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const before = yield* settled(care)
    const made = yield* Scope.provide(make, scope)
    const bytes = ((yield* settled(care)) - before) / count
    yield* Scope.close(scope, Exit.void)
    // What was made must be there while it is measured.
    return made === undefined ? Number.NaN : bytes
  })

/** Resources that were made before anything is measured: they are not the pool's. */
const withHandles = (options: PoolOptions): PoolOptions => {
  const handles = Array.from({ length: options.max }, () => ({}))
  return { ...options, open: () => handles.pop() ?? {} }
}

const idle = (name: string, make: (options: PoolOptions) => Keep): Candidate => ({
  group: groups.idle,
  name,
  measure: (size) => bytesEach(make(withHandles({ max: size.count, idle: size.count })), size)
})

/** `hold` leases so many until its scope closes. */
const lease = <P>(
  name: string,
  make: (options: PoolOptions) => Effect.Effect<P, unknown, Scope.Scope>,
  hold: (pool: P, count: number) => Keep
): Candidate => ({
  group: groups.lease,
  name,
  measure: (size) =>
    Effect.flatMap(make({ max: size.count, idle: size.count }), (pool) => bytesEach(hold(pool, size.count), size))
})

/** `lend` lends the only session; `wait` has so many requests wait until its scope closes. */
const waiter = <P>(
  name: string,
  make: (options: PoolOptions) => Effect.Effect<P, unknown, Scope.Scope>,
  lend: (pool: P) => Keep,
  wait: (pool: P, count: number) => Keep
): Candidate => ({
  group: groups.waiter,
  name,
  measure: (size) =>
    Effect.gen(function*() {
      const pool = yield* make({ max: 1, idle: 1 })
      yield* lend(pool)
      return yield* bytesEach(wait(pool, size.count), size)
    })
})

const after = <P>(
  name: string,
  make: (options: PoolOptions) => Effect.Effect<P, unknown, Scope.Scope>,
  run: (pool: P, leases: number) => Promise<void>
): Candidate => ({
  group: groups.after,
  name,
  measure: ({ care, leases }) =>
    Effect.gen(function*() {
      const pool = yield* make({ max: 10, idle: 10 })
      // By then everything is compiled.
      yield* Effect.promise(() => run(pool, leases / 5))
      const before = yield* settled(care)
      yield* Effect.promise(() => run(pool, leases))
      return (yield* settled(care)) - before
    })
})

const done = () => Effect.void

/** So many fibers that are interrupted when the scope closes. */
const fibers = (wait: Effect.Effect<unknown, unknown>, count: number): Keep =>
  Effect.gen(function*() {
    const all = Array.from<Fiber.Fiber<unknown, unknown>>({ length: count })
    for (let i = 0; i < count; i++) all[i] = yield* Effect.forkDetach(wait, { startImmediately: true })
    yield* Effect.addFinalizer(() => Fiber.interruptAll(all))
    return all
  })

const many = <A, E, R>(effect: Effect.Effect<A, E, R>, count: number) =>
  Effect.forEach(Array.from({ length: count }), () => effect)

const lendPromised = (pool: PromisePool): Keep =>
  Effect.acquireRelease(Effect.promise(() => pool.acquire()), (resource) => Effect.sync(() => pool.release(resource)))

/** So many async functions; some pools refuse those who still wait at their end. */
const functions = (pool: PromisePool, count: number): Keep => {
  const caller = async () => {
    try {
      pool.release(await pool.acquire())
    } catch {
      return
    }
  }
  return Effect.sync(() => Array.from({ length: count }, caller))
}

const promised = (name: keyof typeof promisePools): ReadonlyArray<Candidate> => {
  const make: (options: PoolOptions) => Effect.Effect<PromisePool, never, Scope.Scope> = promisePools[name]
  return [
    idle(name, make),
    lease(name, make, (pool, count) =>
      Effect.acquireRelease(
        Effect.promise(() => Promise.all(Array.from({ length: count }, () => pool.acquire()))),
        (taken) =>
          Effect.sync(() => {
            for (const resource of taken) pool.release(resource)
          })
      )),
    waiter(name, make, lendPromised, functions),
    after(name, make, async (pool, leases) => {
      for (let i = 0; i < leases; i++) pool.release(await pool.acquire())
    })
  ]
}

const ownPool = (options: PoolOptions) => sessionPool(options)

const candidates: ReadonlyArray<Candidate> = [
  idle(own, ownPool),
  idle(again(own), ownPool),
  idle("Effect Pool", effectPool),
  lease(own, ownPool, (pool, count) => many(pool.acquire(), count)),
  lease("Effect Pool", effectPool, (pool, count) => many(Pool.get(pool), count)),
  waiter(own, ownPool, (pool) => pool.acquire(), (pool, count) => fibers(pool.use(done), count)),
  waiter(
    `${own}, waitTimeout`,
    ownPool,
    (pool) => pool.acquire(),
    (pool, count) => fibers(pool.use({ waitTimeout: 3_600_000 }, done), count)
  ),
  waiter("Effect Pool", effectPool, (pool) => Pool.get(pool), (pool, count) => fibers(Pool.use(pool, done), count)),
  waiter(
    floorFiber,
    () => Effect.sync(() => new Floor.Queue<object>([])),
    () => Effect.void,
    (queue, count) => fibers(queue.use(done), count)
  ),
  after(own, ownPool, (pool, leases) => repeat(() => pool.use(done), leases)),
  after(`${own}, scoped`, ownPool, (pool, leases) => repeat(() => Effect.scoped(pool.acquire()), leases)),
  after("Effect Pool", effectPool, (pool, leases) => repeat(() => Pool.use(pool, done), leases)),
  ...promised("generic-pool"),
  ...promised("tarn"),
  ...promised("lightning-pool")
]

const sizes = {
  full: { count: 10_000, leases: 1_000_000, rounds: 3, care: { collections: 4, pauseMillis: 20 } },
  smallest: { count: 10, leases: 100, rounds: 1, care: { collections: 1, pauseMillis: 0 } }
} as const

const kilobyte = 1024

/** The heap is never quite the same twice: compiled code comes and goes. A leak of one byte in ten leases would be more. */
const growthBound = 64 * kilobyte

const targets = (figures: ReadonlyArray<Figure>): ReadonlyArray<Target> => {
  const bytes = (group: string, candidate = own) => medianOf(figures, { group, candidate })
  const target = (text: string, measured: number, bound = kilobyte): Target => ({
    text,
    bound,
    direction: "at most",
    measured
  })
  return [
    target("bytes an idle session", bytes(groups.idle)),
    target("bytes a lease", bytes(groups.lease)),
    target("bytes a waiter, beyond the fiber that waits", bytes(groups.waiter) - bytes(groups.waiter, floorFiber)),
    target("growth after 1,000,000 leases with use", bytes(groups.after), growthBound),
    target("growth after 1,000,000 leases, scoped", bytes(groups.after, `${own}, scoped`), growthBound)
  ]
}

const notes = [
  "Bytes of the heap after collecting all garbage, for 10,000 at a time; the resources themselves were made beforehand.",
  "A lease is what is there beyond the idle session: with a scope for all of them, whose finalizers are included, or the array of " +
  "what was acquired.",
  "A fiber that waits in the cheapest queue takes more than 1 KB by itself, which is no pool's; the floor says how much, and the target " +
  "is about what comes on top.",
  "Growth within 64 KB is none: compiled code and the profile of the compiler come and go, before and after."
]

export const memory: Row = {
  id: "memory",
  title: "Memory",
  run: (scale: Scale) =>
    Effect.gen(function*() {
      const { rounds, ...size } = sizes[scale]
      const figures = new Figures()
      // Once for nothing, so that what is made only once is there already.
      yield* takeTurns(candidates, scale === "full" ? 1 : 0, ({ measure }) =>
        Effect.scoped(measure({ ...size, count: 1000, leases: 1000 })))
      yield* takeTurns(candidates, rounds, ({ group, measure, name }) =>
        Effect.map(Effect.scoped(measure(size)), (bytes) => {
          const metric = group === groups.after ? growth : each
          figures.add({ group, candidate: name, metric, unit: "bytes" }, bytes)
        }))
      const list = figures.list(candidates)
      return { figures: list, targets: targets(list), notes }
    })
}
