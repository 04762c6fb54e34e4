/** Row 3: requests that wait and give up. */
import { Effect, Exit, Fiber, Pool, type Scope } from "effect"
import { again, medianOf } from "./compare.ts"
import { exponents, exponentTargets } from "./exponents.ts"
import * as Floor from "./floor.ts"
import { collectGarbage } from "./heap.ts"
import {
  effectPool,
  genericPool,
  lightningPool,
  type PoolOptions,
  type PromisePool,
  sessionPool,
  tarnPool
} from "./peers.ts"
import { permutation } from "./permutation.ts"
import { Figures, takeTurns } from "./rounds.ts"
import type { Figure, Row, Scale } from "./row.ts"

const own = "sessionpool use"
const ownTimeout = "sessionpool use, waitTimeout"
const total = "time in all"
const givingUp = "of it giving up"
const leftBehind = "left in the queue"

const timedOut = "waiters that time out"

/** In which order requests are cancelled, by when they were made. */
const orders = {
  "waiters cancelled, oldest first": (count: number) => Uint32Array.from({ length: count }, (_, index) => index),
  "waiters cancelled, newest first": (count: number) =>
    Uint32Array.from({ length: count }, (_, index) => count - 1 - index),
  "waiters cancelled, in random order": (count: number) => permutation(count, 1)
} as const

interface Outcome {
  /** Milliseconds from the first request to when all are gone, and from the first that gives up. */
  readonly total: number
  readonly givingUp: number
  readonly left: number
}

/** Makes a pool whose only session is lent, and answers how to run so many requests on it. */
interface Candidate {
  readonly group: string
  readonly name: string
  readonly run: (count: number) => Effect.Effect<Outcome, unknown, Scope.Scope>
}

/** Fibers that are interrupted. */
const interrupted = (
  name: string,
  make: Effect.Effect<
    { readonly wait: Effect.Effect<unknown, unknown>; readonly left: Effect.Effect<number> },
    unknown,
    Scope.Scope
  >
): ReadonlyArray<Candidate> =>
  Object.entries(orders).map(([group, orderOf]) => ({
    group,
    name,
    run: (count) =>
      Effect.gen(function*() {
        const { left, wait } = yield* make
        const order = orderOf(count)
        const fibers = Array.from<Fiber.Fiber<unknown, unknown>>({ length: count })
        collectGarbage()
        const began = performance.now()
        for (let i = 0; i < count; i++) fibers[i] = yield* Effect.forkDetach(wait, { startImmediately: true })
        const asked = performance.now()
        yield* Fiber.interruptAll(Array.from(order, (index) => fibers[index]!))
        const ended = performance.now()
        return { total: ended - began, givingUp: ended - asked, left: yield* left }
      })
  }))

/** Fibers that fail by themselves. */
const failing = (
  name: string,
  make: Effect.Effect<
    { readonly wait: Effect.Effect<unknown, unknown>; readonly left: Effect.Effect<number> },
    unknown,
    Scope.Scope
  >
): Candidate => ({
  group: timedOut,
  name,
  run: (count) =>
    Effect.gen(function*() {
      const { left, wait } = yield* make
      const fibers = Array.from<Fiber.Fiber<unknown, unknown>>({ length: count })
      collectGarbage()
      const began = performance.now()
      for (let i = 0; i < count; i++) fibers[i] = yield* Effect.forkDetach(wait, { startImmediately: true })
      const asked = performance.now()
      for (const fiber of fibers) {
        if (Exit.isSuccess(yield* Fiber.await(fiber))) return yield* Effect.die(`${name} did not time out`)
      }
      const ended = performance.now()
      return { total: ended - began, givingUp: ended - asked, left: yield* left }
    })
})

/** Lends the only session of a pool for as long as the scope lasts. */
const lent = <P extends PromisePool>(pool: P): Effect.Effect<P, never, Scope.Scope> =>
  Effect.as(
    Effect.acquireRelease(
      Effect.promise(() => pool.acquire()),
      (resource) => Effect.sync(() => pool.release(resource))
    ),
    pool
  )

/** lightning-pool is closed by force instead: its requests that have timed out are still in the queue then. */
const lentForGood = (pool: PromisePool): Effect.Effect<PromisePool> =>
  Effect.as(Effect.promise(() => pool.acquire()), pool)

const one: PoolOptions = { max: 1, idle: 1 }

const ownPool = Effect.gen(function*() {
  const pool = yield* sessionPool(one)
  yield* pool.acquire()
  return { pool, left: Effect.map(pool.statistics, ({ pending }) => pending) }
})

const peer = Effect.gen(function*() {
  const pool = yield* effectPool(one)
  yield* Pool.get(pool)
  return { pool, left: Effect.map(Pool.stats(pool), ({ pending }) => pending) }
})

const done = () => Effect.void

const ownUse = Effect.map(ownPool, ({ left, pool }) => ({ left, wait: pool.use(done) }))
const effectUse = Effect.map(peer, ({ left, pool }) => ({ left, wait: Pool.use(pool, done) }))

const floor = Effect.map(
  Effect.sync(() => new Floor.Queue<object>([])),
  (queue) => ({ left: Effect.succeed(0), wait: queue.use(done) })
)

/** tarn is the only promise-based pool that can take a request back. */
const aborted: ReadonlyArray<Candidate> = Object.entries(orders).map(([group, orderOf]) => ({
  group,
  name: "tarn",
  run: (count) =>
    Effect.gen(function*() {
      const pool = yield* Effect.flatMap(tarnPool(one), lent)
      const order = orderOf(count)
      return yield* Effect.promise(async () => {
        collectGarbage()
        const began = performance.now()
        const requests = Array.from({ length: count }, () => pool.ask())
        const all = Promise.allSettled(requests.map(({ promise }) => promise))
        const asked = performance.now()
        for (const index of order) requests[index]!.abort()
        await all
        const ended = performance.now()
        return { total: ended - began, givingUp: ended - asked, left: pool.pending() }
      })
    })
}))

/** How long a request may wait where it times out: as short as timers are, so that the wait itself is no part of the cost. */
const waitMillis = 1

const impatient: PoolOptions = { ...one, waitMillis }

const rejected = (
  name: string,
  make: Effect.Effect<PromisePool, never, Scope.Scope>
): Candidate => ({
  group: timedOut,
  name,
  run: (count) =>
    Effect.gen(function*() {
      const pool = yield* make
      return yield* Effect.promise(async () => {
        collectGarbage()
        const began = performance.now()
        const all = Promise.allSettled(Array.from({ length: count }, () => pool.acquire()))
        const asked = performance.now()
        const outcomes = await all
        const ended = performance.now()
        if (outcomes.some(({ status }) => status === "fulfilled")) throw new Error(`${name} did not time out`)
        return { total: ended - began, givingUp: ended - asked, left: pool.pending() }
      })
    })
})

const candidates: ReadonlyArray<Candidate> = [
  ...interrupted(own, ownUse),
  ...interrupted(again(own), ownUse),
  ...interrupted("Effect Pool.use", effectUse),
  ...interrupted("floor: use, a bare queue", floor),
  failing(
    ownTimeout,
    Effect.map(ownPool, ({ left, pool }) => ({ left, wait: pool.use({ waitTimeout: waitMillis }, done) }))
  ),
  failing(
    "Effect Pool.use with Effect.timeout",
    Effect.map(peer, ({ left, pool }) => ({ left, wait: Effect.timeout(Pool.use(pool, done), waitMillis) }))
  ),
  ...aborted,
  rejected("generic-pool", Effect.flatMap(genericPool(impatient), lent)),
  rejected("tarn", Effect.flatMap(tarnPool(impatient), lent)),
  rejected("lightning-pool", Effect.flatMap(lightningPool(impatient), lentForGood))
]

const sizes = {
  full: [{ count: 1000, rounds: 9 }, { count: 10_000, rounds: 7 }, { count: 100_000, rounds: 3 }],
  smallest: [{ count: 5, rounds: 1 }, { count: 10, rounds: 1 }]
} as const

/** Who takes longer than this for a run is not run again at that size. */
const patienceMillis = 5000

const notes = [
  "The only session is lent for all the time. A run is so many requests that have to wait, and all of them give up.",
  "Cancelled: fibers are interrupted; tarn's requests are aborted. generic-pool and lightning-pool cannot take a request back.",
  "Timed out: every request may wait for 1 ms, by the pool's own setting where it has one.",
  "What is left in the queue is still there after every request has failed. lightning-pool leaves all of them; once there are " +
  "more than some 2,000, its next release exhausts the stack, so it is closed by force here."
]

export const cancellation: Row = {
  id: "cancellation",
  title: "Requests that give up",
  run: (scale: Scale) =>
    Effect.gen(function*() {
      const figures = new Figures()
      const slow = new Set<string>()
      const measure = (into: Figures, { group, name, run }: Candidate, size: number) =>
        Effect.gen(function*() {
          const key = JSON.stringify([group, name, size])
          if (slow.has(key)) return
          // A pool of its own for each run: what one leaves behind is no burden on the next.
          const outcome = yield* Effect.scoped(run(size))
          const of = { group, size, candidate: name }
          into.add({ ...of, metric: total, unit: "ms" }, outcome.total)
          into.add({ ...of, metric: givingUp, unit: "ms" }, outcome.givingUp)
          into.add({ ...of, metric: leftBehind, unit: "count" }, outcome.left)
          if (outcome.total > patienceMillis) slow.add(key)
        })
      yield* takeTurns(candidates, scale === "full" ? 3 : 0, (candidate) => measure(new Figures(), candidate, 1000))
      for (const { count, rounds } of sizes[scale]) {
        yield* takeTurns(candidates, rounds, (candidate) => measure(figures, candidate, count))
      }
      const list = figures.list(candidates)
      const all = [...list, ...exponents(list, { metric: total, total: (median) => median })]
      return { figures: all, targets: [...exponentTargets(all), ...emptied(all)], notes }
    })
}

const emptied = (figures: ReadonlyArray<Figure>) =>
  [own, ownTimeout].map((candidate) => ({
    text: `left in the queue, ${candidate}`,
    bound: 0,
    direction: "at most" as const,
    measured: medianOf(figures, { candidate, metric: leftBehind })
  }))
