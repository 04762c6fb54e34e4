/** The requests of a simulation, one after the other: when each comes, and how long it holds its session. */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { draw, type Numbers, type Times } from "./times.ts"

/**
 * One lease: when its request came, on any clock, and how long it held its session, both in milliseconds.
 *
 * **When to use**
 *
 * Make a list of them from a log of your own for `PoolSimulation.recorded`; `PoolRecording` makes it of a running pool.
 *
 * @category models
 * @since 0.3.0
 */
export interface LeaseTimes {
  readonly arrival: number
  readonly hold: number
}

/**
 * What a simulation replays: random times, or those that were recorded, in the order of their arrival.
 *
 * **When to use**
 *
 * Make one with `PoolSimulation.assumed` or `PoolSimulation.recorded`.
 *
 * **Details**
 *
 * `rate` counts requests in a second. `times` says how many times as fast as it was recorded a recording is replayed.
 *
 * @category models
 * @since 0.3.0
 */
export type Load =
  | { readonly _tag: "Assumed"; readonly rate: number; readonly gap: Times; readonly hold: Times }
  | { readonly _tag: "Recorded"; readonly leases: ReadonlyArray<LeaseTimes>; readonly times: number }

/** The request that comes next: how long after the one before, and for how long. */
export interface Next {
  readonly gap: number
  readonly hold: number
}

/** Random numbers that a seed gives again; each use has its own, so that one does not shift the others. */
export const numbersOf = (seed: string): Numbers =>
  Effect.runSync(Random.withSeed(Effect.map(Random.Random, (numbers) => numbers), seed))

/** Milliseconds from the first request of a recording to the first one of its repetition. */
const periodOf = (leases: ReadonlyArray<LeaseTimes>): number => {
  const span = leases.at(-1)!.arrival - leases[0]!.arrival
  return span === 0 ? 1 : span * leases.length / Math.max(1, leases.length - 1)
}

/** Requests in a second, and how long they hold a session on average, in milliseconds. */
export const demandOf = (load: Load): { readonly rate: number; readonly hold: number } => {
  if (load._tag === "Assumed") return { rate: load.rate, hold: load.hold.mean }
  const { leases, times } = load
  return {
    rate: leases.length * times * 1000 / periodOf(leases),
    hold: leases.reduce((sum, { hold }) => sum + hold, 0) / leases.length
  }
}

/** What the gaps between requests, and the times that they hold a session, are drawn from. */
interface Draws {
  readonly gaps: Numbers
  readonly holds: Numbers
}

/** Replays a load; a recording begins again when it is over. `offset`, below 1, is where in a recording it begins. */
export const requestsOf = (load: Load, { gaps, holds }: Draws, offset = 0): () => Next => {
  if (load._tag === "Assumed") return () => ({ gap: draw(load.gap, gaps), hold: draw(load.hold, holds) })
  const { leases, times } = load
  const wrap = periodOf(leases) - (leases.at(-1)!.arrival - leases[0]!.arrival)
  let at = Math.floor(offset * leases.length)
  let isFirst = true
  return () => {
    const lease = leases[at]!
    const before = leases[at - 1]
    const gap = isFirst ? 0 : before === undefined ? wrap : lease.arrival - before.arrival
    isFirst = false
    at = (at + 1) % leases.length
    return { gap: gap / times, hold: lease.hold }
  }
}
