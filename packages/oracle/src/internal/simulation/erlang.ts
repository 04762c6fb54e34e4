/** The queue M/M/c of the textbooks: what a pool would do if requests came at random, held sessions at random, and nothing else took time. */

export interface Queue {
  readonly sessions: number
  /** Requests in a second. */
  readonly rate: number
  /** How long a request holds a session on average, in milliseconds. */
  readonly hold: number
}

export interface QueueWaits {
  /** Sessions in use on average, if there were any number of them. */
  readonly offered: number
  readonly utilization: number
  readonly probability: number
  readonly mean: number
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
