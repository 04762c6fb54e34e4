/** Row 4: closing what has been idle for too long. */
import { Effect, Pool, type Scope } from "effect"
import { mock } from "node:test"
import { again } from "./compare.ts"
import { exponents, exponentTargets } from "./exponents.ts"
import { collectGarbage } from "./heap.ts"
import { effectPool, lendAll, type PoolOptions, type PromisePool, promisePools, sessionPool } from "./peers.ts"
import { Figures, takeTurns } from "./rounds.ts"
import type { Row, Scale } from "./row.ts"

/**
 * A minute of idleness, on a clock that only this row moves. Sessions are opened at 0; whichever are to stay are used once at
 * half the time. All pools look when the minute is over: those that look at intervals do so every second, so also then, and one of
 * them closes only what is over its bound, which is therefore a millisecond less.
 */
const idleMillis = 60_000
const usedAgainAt = 30_000
const sweepMillis = 1000
const stepMillis = 500

/** How many of the idle sessions have expired when the sweep comes. */
const cases = {
  "eviction sweep, none expired": () => 0,
  "eviction sweep, one expired": () => 1,
  "eviction sweep, all expired": (count: number) => count
} as const

const all = "eviction sweep, all expired"
const own = "sessionpool"
const metric = "time of the sweep"

interface Ready {
  /** Uses so many sessions at once, and gives them back. */
  readonly useAgain: (count: number) => Effect.Effect<unknown, unknown>
}

type Make = (options: PoolOptions) => Effect.Effect<Ready, unknown, Scope.Scope>

const promised = (make: (options: PoolOptions) => Effect.Effect<PromisePool, never, Scope.Scope>): Make => (options) =>
  Effect.map(make({ ...options, idleMillis: idleMillis - 1 }), (pool) => ({
    useAgain: (count) =>
      Effect.promise(async () => {
        const taken = await Promise.all(Array.from({ length: count }, () => pool.acquire()))
        for (const resource of taken) pool.release(resource)
      })
  }))

const ownPool: Make = (options) =>
  Effect.map(sessionPool(options), (pool) => ({ useAgain: (count) => lendAll(pool, count) }))

const peer: Make = (options) =>
  Effect.map(effectPool(options), (pool) => ({
    useAgain: (count) =>
      Effect.scoped(Effect.forEach(Array.from({ length: count }), () => Pool.get(pool), { discard: true }))
  }))

/** What the clock, and a few turns of the event loop, cost by themselves. */
const nothing: Make = () => Effect.succeed({ useAgain: () => Effect.void })

const turns = (count: number): Promise<void> =>
  new Promise((resolve) => {
    const next = (left: number) => void (left === 0 ? resolve() : setImmediate(() => next(left - 1)))
    next(count)
  })

/** Lets the event loop turn until the condition holds, at most for the time of the longest sweep. */
const turnUntil = async (isSo: () => boolean): Promise<void> => {
  for (let left = 100_000; left > 0 && !isSo(); left--) await turns(1)
}

const free = (monotonic: { readonly mock: { readonly restore: () => void } }): void => {
  mock.timers.reset()
  monotonic.mock.restore()
}

/** The milliseconds that the sweep takes, until everything that has expired is closed. */
const sweep = (make: Make, count: number, expired: number): Effect.Effect<number, unknown> => {
  const due = make === nothing ? 0 : expired
  let closed = 0
  const pool = make({
    max: count,
    idle: count,
    min: 0,
    idleMillis,
    sweepMillis,
    onClose: () => {
      closed++
    }
  })
  const until = (time: number) =>
    Effect.promise(async () => {
      while (Date.now() < time) {
        mock.timers.tick(Math.min(stepMillis, time - Date.now()))
        await turns(3)
      }
    })
  const measured = Effect.gen(function*() {
    const { useAgain } = yield* pool
    yield* until(usedAgainAt)
    if (count > expired) yield* useAgain(count - expired)
    yield* until(idleMillis - stepMillis)
    const early = closed
    collectGarbage()
    return yield* Effect.promise(async () => {
      const began = performance.now()
      mock.timers.tick(stepMillis)
      await turns(1)
      await turnUntil(() => closed >= due)
      const millis = performance.now() - began
      // What comes after the last was closed is not waited for; that no more than was due is closed is made sure of.
      await turns(3)
      return { millis, early, closed }
    })
  })
  return Effect.acquireUseRelease(
    Effect.sync(() => {
      mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: 0 })
      return mock.method(process.hrtime, "bigint", () => BigInt(Date.now()) * 1_000_000n)
    }),
    // The clock goes on while pools close: some wait for timers then.
    (monotonic) => Effect.scoped(Effect.tap(measured, () => Effect.sync(() => free(monotonic)))),
    (monotonic) => Effect.sync(() => free(monotonic))
  ).pipe(Effect.flatMap(({ closed, early, millis }) =>
    closed === due && early === 0
      ? Effect.succeed(millis)
      : Effect.fail(`closed ${closed}, ${early} of them too early; ${due} had expired`)
  ))
}

interface Candidate {
  readonly name: string
  readonly make: Make
  /** The most sessions that it can be asked for: beyond it, it takes minutes. */
  readonly largest?: number
}

const candidates: ReadonlyArray<Candidate> = [
  { name: own, make: ownPool },
  { name: again(own), make: ownPool },
  { name: "Effect Pool.makeWithTTL", make: peer, largest: 10_000 },
  { name: "generic-pool", make: promised(promisePools["generic-pool"]) },
  { name: "tarn", make: promised(promisePools.tarn), largest: 10_000 },
  { name: "lightning-pool", make: promised(promisePools["lightning-pool"]) },
  { name: "floor: no pool", make: nothing }
]

interface Run {
  readonly group: keyof typeof cases
  readonly count: number
  readonly rounds: number
}

const sizes: Record<Scale, ReadonlyArray<Run>> = {
  full: [
    { group: "eviction sweep, none expired", count: 10_000, rounds: 9 },
    { group: "eviction sweep, one expired", count: 10_000, rounds: 9 },
    { group: all, count: 100, rounds: 9 },
    { group: all, count: 1000, rounds: 9 },
    { group: all, count: 10_000, rounds: 7 },
    { group: all, count: 100_000, rounds: 3 }
  ],
  smallest: [
    { group: "eviction sweep, none expired", count: 4, rounds: 1 },
    { group: "eviction sweep, one expired", count: 4, rounds: 1 },
    { group: all, count: 4, rounds: 1 },
    { group: all, count: 8, rounds: 1 }
  ]
}

const notes = [
  "Every pool has its idle sessions for a minute, on a virtual clock (mock.timers of node:test) that all pools read; the time is real " +
  "time, from the moment the clock reaches the minute until everything that has expired is closed.",
  "Effect's Pool closes with makeWithTTL and its strategy \"usage\"; generic-pool looks at all idle ones in a run " +
  "(numTestsPerEvictionRun). The promise-based pools look every second, and at most once in what is measured.",
  "Effect's Pool, which looks at all sessions for each that it closes, and tarn, which takes minutes to lend 100,000, are not run " +
  "with so many.",
  "The virtual clock's timers cost more than real ones: that burdens tarn, which sets a timer for each resource that it closes."
]

export const eviction: Row = {
  id: "eviction",
  title: "The sweep of idle sessions",
  run: (scale: Scale) =>
    Effect.gen(function*() {
      const figures = new Figures()
      yield* takeTurns(candidates, scale === "full" ? 3 : 0, ({ make }) => sweep(make, 1000, 1000))
      for (const { count, group, rounds } of sizes[scale]) {
        const able = candidates.filter(({ largest = count }) => count <= largest)
        yield* takeTurns(able, rounds, ({ make, name }) =>
          Effect.gen(function*() {
            const millis = yield* Effect.mapError(
              sweep(make, count, cases[group](count)),
              (cause) => `${name}, ${group}: ${String(cause)}`
            )
            figures.add({ group, size: count, candidate: name, metric, unit: "ms" }, millis)
          }))
      }
      const list = figures.list(candidates)
      const fitted = [...list, ...exponents(list, { metric, total: (median) => median })]
      return { figures: fitted, targets: exponentTargets(fitted), notes }
    })
}
