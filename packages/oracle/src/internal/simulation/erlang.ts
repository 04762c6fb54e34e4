/**
 * The queue M/M/c of the textbooks, by which a pool of sessions can be judged without a simulation.
 *
 * **When to use**
 *
 * Give it to `PoolSimulation.erlangC` for a first figure in no time. It knows nothing of log-ons, timeouts and bursts; a simulation does.
 *
 * **Example** (16 sessions, 300 requests in a second, 20 milliseconds each)
 *
 * ```ts
 * import { PoolSimulation } from "@sessionpool/oracle/simulation"
 *
 * const queue: PoolSimulation.Queue = { sessions: 16, rate: 300, hold: 20 }
 * ```
 *
 * @category models
 * @since 0.3.0
 */
export interface Queue {
  readonly sessions: number
  /** Requests in a second. */
  readonly rate: number
  /** How long a request holds a session on average, in milliseconds. */
  readonly hold: number
}

/**
 * What the formula for M/M/c (Erlang C) says of a queue.
 *
 * **Details**
 *
 * With as much work as sessions, or more, waits grow without end: `utilization` and `probability` are 1, `mean` and all quantiles `Infinity`.
 *
 * **Example** (The wait that 99 of 100 requests do not exceed)
 *
 * ```ts
 * import type { PoolSimulation } from "@sessionpool/oracle/simulation"
 *
 * const p99 = (waits: PoolSimulation.QueueWaits) => waits.quantile(0.99)
 * ```
 *
 * @category models
 * @since 0.3.0
 */
export interface QueueWaits {
  /** Sessions in use on average, if there were any number of them. */
  readonly offered: number
  /** The share of the sessions that is in use on average, from 0 to 1. */
  readonly utilization: number
  /** The share of the requests that have to wait, from 0 to 1. */
  readonly probability: number
  /** Of all requests, those that do not wait included; in milliseconds. */
  readonly mean: number
  /** The wait in milliseconds that this share of the requests, from 0 to 1, does not exceed. */
  readonly quantile: (share: number) => number
}

/** Waits of the queue, in milliseconds; with as much work as sessions, or more, they grow without end. */
export const waitsOf = ({ hold, rate, sessions }: Queue): QueueWaits => {
  const offered = rate * hold / 1000
  const utilization = offered / sessions
  if (utilization >= 1) {
    return { offered, utilization: 1, probability: 1, mean: Infinity, quantile: () => Infinity }
  }
  // The formula for calls that are lost (Erlang B), by its recursion: factorials would overflow.
  let lost = 1
  for (let k = 1; k <= sessions; k++) lost = offered * lost / (k + offered * lost)
  const probability = lost / (1 - utilization * (1 - lost))
  // Who has to wait waits exponentially, with this mean.
  const wait = hold / (sessions - offered)
  return {
    offered,
    utilization,
    probability,
    mean: probability * wait,
    quantile: (share) => share <= 1 - probability ? 0 : wait * Math.log(probability / (1 - share))
  }
}
