/** Row 6: what a lease costs the more there is of everything. */
import { Effect, Exit, Fiber, Pool, Scope } from "effect"
import { again } from "./compare.ts"
import { exponents, exponentTargets } from "./exponents.ts"
import * as Floor from "./floor.ts"
import { collectGarbage } from "./heap.ts"
import { effectPool, lendAll, type PoolOptions, type PromisePool, promisePools, sessionPool } from "./peers.ts"
import { Figures, millisOfMedian, repeat, takeTurns } from "./rounds.ts"
import { median, type Row, type Scale } from "./row.ts"

const groups = {
  idle: "a lease, so many idle sessions",
  busy: "a lease, all other sessions lent, so many sessions",
  waiters: "a waiter is served, so many wait",
  tags: "a lease by exact tag, so many tags"
} as const

const metric = "time, each"

const own = "sessionpool use"
const done = () => Effect.void

/** A pool that is ready to be measured. */
interface Ready {
  /** Borrows and gives back so often. */
  readonly lease: (times: number) => Promise<void>
  /** Lends so many at once until the scope closes. */
  readonly hold: (count: number) => Effect.Effect<unknown, unknown, Scope.Scope>
  /** A request that is served and gives back at once: a fiber, or an async function, that has begun. */
  readonly request: () => Effect.Effect<Effect.Effect<unknown, unknown>>
}

interface Candidate {
  readonly name: string
  readonly make: (options: PoolOptions) => Effect.Effect<Ready, unknown, Scope.Scope>
  /** The most sessions that it can be asked for: beyond it, it takes minutes to open them. */
  readonly largest?: number
}

const numbers = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, index) => index)

const inFibers = (
  use: () => Effect.Effect<unknown, unknown>,
  acquire: Effect.Effect<unknown, unknown, Scope.Scope>
): Ready => ({
  lease: (times) => repeat(use, times),
  hold: (count) => Effect.forEach(numbers(count), () => acquire, { discard: true }),
  request: () => Effect.map(Effect.forkDetach(use(), { startImmediately: true }), Fiber.join)
})

const promised = (name: keyof typeof promisePools, largest?: number): Candidate => {
  const make: (options: PoolOptions) => Effect.Effect<PromisePool, never, Scope.Scope> = promisePools[name]
  const ready = (pool: PromisePool): Ready => {
    const once = async () => pool.release(await pool.acquire())
    return {
      lease: async (times) => {
        for (let i = 0; i < times; i++) await once()
      },
      hold: (count) =>
        Effect.acquireRelease(
          Effect.promise(() => Promise.all(numbers(count).map(() => pool.acquire()))),
          (taken) =>
            Effect.sync(() => {
              for (const resource of taken) pool.release(resource)
            })
        ),
      request: () =>
        Effect.sync(() => {
          const running = once()
          return Effect.promise(() => running)
        })
    }
  }
  return { name, make: (options) => Effect.map(make(options), ready), ...(largest === undefined ? {} : { largest }) }
}

const ownReady = (options: PoolOptions) =>
  Effect.map(sessionPool(options), (pool) => inFibers(() => pool.use(done), pool.acquire()))

const candidates: ReadonlyArray<Candidate> = [
  { name: own, make: ownReady },
  { name: again(own), make: ownReady },
  {
    name: "Effect Pool.use",
    make: (options) => Effect.map(effectPool(options), (pool) => inFibers(() => Pool.use(pool, done), Pool.get(pool)))
  },
  {
    name: "floor: use, a bare queue",
    make: ({ idle = 0 }) =>
      Effect.sync(() => {
        const sessions = numbers(idle).map(() => ({}))
        const queue = new Floor.Queue(sessions)
        return inFibers(() => queue.use(done), queue.get)
      })
  },
  promised("generic-pool"),
  promised("tarn", 10_000),
  promised("lightning-pool")
]

interface Sizes {
  readonly sessions: ReadonlyArray<number>
  readonly waiters: ReadonlyArray<number>
  readonly tags: ReadonlyArray<number>
  readonly taggedSessions: number
  readonly leases: number
  readonly rounds: number
  readonly timing: { readonly time: number; readonly warmup: number }
}

const sizes: Record<Scale, Sizes> = {
  full: {
    sessions: [10, 100, 1000, 10_000, 100_000],
    waiters: [10, 100, 1000, 10_000, 100_000],
    tags: [1, 10, 100, 1000, 10_000],
    taggedSessions: 10_000,
    leases: 500,
    rounds: 7,
    timing: { time: 20, warmup: 5 }
  },
  smallest: {
    sessions: [2, 4],
    waiters: [2, 4],
    tags: [1, 2],
    taggedSessions: 4,
    leases: 5,
    rounds: 1,
    timing: { time: 0, warmup: 0 }
  }
}

const timeLeases = (ready: Ready, { leases, timing }: Sizes): Effect.Effect<number> =>
  Effect.map(millisOfMedian(() => ready.lease(leases), timing), (millis) => millis * 1e6 / leases)

/** With so many idle sessions, and then with all but one of them lent. */
const withSessions = (figures: Figures, size: Sizes, count: number) =>
  Effect.gen(function*() {
    const able = candidates.filter(({ largest = count }) => count <= largest)
    const ready = yield* Effect.forEach(able, ({ make, name }) =>
      Effect.map(make({ max: count, idle: count }), (ready) => ({ name, ready })))
    for (const group of [groups.idle, groups.busy]) {
      if (group === groups.busy) {
        yield* Effect.forEach(ready, ({ ready }) =>
          ready.hold(count - 1))
      }
      collectGarbage()
      yield* takeTurns(ready, size.rounds, ({ name, ready }) =>
        Effect.map(timeLeases(ready, size), (nanos) => {
          figures.add({ group, size: count, candidate: name, metric, unit: "ns" }, nanos)
        }))
    }
  }).pipe(Effect.scoped)

/** Nanoseconds for each of so many waiters, from when the only session comes back until the last has given it back. */
const serve = (ready: Ready, count: number): Effect.Effect<number, unknown> =>
  Effect.gen(function*() {
    const lent = yield* Scope.make()
    yield* Scope.provide(ready.hold(1), lent)
    const requests: Array<Effect.Effect<unknown, unknown>> = []
    for (let i = 0; i < count; i++) requests.push(yield* ready.request())
    collectGarbage()
    const began = performance.now()
    yield* Scope.close(lent, Exit.void)
    // They are served in the order in which they came.
    yield* requests.at(-1)!
    const nanos = (performance.now() - began) * 1e6 / count
    for (const request of requests) yield* request
    return nanos
  })

/** Few waiters are served so often that the figure of a round is as good as with many. */
const serveOften = (ready: Ready, count: number, scale: Scale): Effect.Effect<number, unknown> =>
  Effect.gen(function*() {
    const times = scale === "smallest" ? 1 : Math.max(1, Math.min(50, Math.round(2000 / count)))
    const all: Array<number> = []
    for (let i = 0; i < times; i++) all.push(yield* serve(ready, count))
    return median(all)
  })

const withWaiters = (figures: Figures, size: Sizes, count: number, scale: Scale) =>
  Effect.gen(function*() {
    const ready = yield* Effect.forEach(candidates, ({ make, name }) =>
      Effect.map(make({ max: 1, idle: 1 }), (ready) => ({ name, ready })))
    const slow = new Set<string>()
    // A round with this many takes half a minute.
    const rounds = count < 100_000 ? size.rounds : 3
    yield* takeTurns(ready, rounds, ({ name, ready }) =>
      Effect.gen(function*() {
        if (slow.has(name)) {
          return
        }
        const began = performance.now()
        const nanos = yield* serveOften(ready, count, scale)
        figures.add({ group: groups.waiters, size: count, candidate: name, metric, unit: "ns" }, nanos)
        if (performance.now() - began > patienceMillis) {
          slow.add(name)
        }
      }))
  }).pipe(Effect.scoped)

/** So many tags on the same number of sessions; each lease asks for the next one. */
const withTags = (figures: Figures, size: Sizes, counts: ReadonlyArray<number>) =>
  Effect.gen(function*() {
    const { taggedSessions: sessions } = size
    const ready = yield* Effect.forEach(counts, (count) =>
      Effect.gen(function*() {
        const pool = yield* sessionPool({ max: sessions, idle: sessions })
        const tags = numbers(count).map((index) => `TENANT=${index}`)
        yield* lendAll(pool, sessions, (connection, index) => connection.setTag(tags[index % count]))
        let turn = 0
        return { count, ready: inFibers(() => pool.use({ tag: tags[turn++ % count]! }, done), pool.acquire()) }
      }))
    yield* takeTurns(ready, size.rounds, ({ count, ready }) =>
      Effect.map(timeLeases(ready, size), (nanos) => {
        figures.add({ group: groups.tags, size: count, candidate: own, metric, unit: "ns" }, nanos)
      }))
  }).pipe(Effect.scoped)

/** Who takes longer than this for a round is not run again at that size. */
const patienceMillis = 10_000

const notes = [
  "An exponent is that of the total cost of as many operations as there are sessions, waiters or tags: 1 says that each costs the same " +
  "however many there are.",
  "A lease is one of a run of 500, one after the other. Sessions that are touched in turn fall out of the processor's caches " +
  "when there are many: that counts as growth here.",
  "No other pool has tags. tarn is not run with 100,000 sessions, which it takes minutes to open."
]

export const growth: Row = {
  id: "growth",
  title: "Growth",
  run: (scale: Scale) =>
    Effect.gen(function*() {
      const size = sizes[scale]
      const figures = new Figures()
      for (const count of size.sessions) yield* withSessions(figures, size, count)
      for (const count of size.waiters) yield* withWaiters(figures, size, count, scale)
      yield* withTags(figures, size, size.tags)
      const list = figures.list(candidates)
      const fitted = [...list, ...exponents(list, { metric, total: (each, count) => each * count })]
      return { figures: fitted, targets: exponentTargets(fitted), notes }
    })
}
