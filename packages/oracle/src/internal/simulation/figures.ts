/** What is counted while a simulation runs: levels by time, and waits. */

/** A number that goes up and down; its mean is by time. */
export class Level {
  #level = 0
  #peak = 0
  #area = 0
  #since = 0
  #began = 0

  get level(): number {
    return this.#level
  }

  get peak(): number {
    return this.#peak
  }

  change(by: number, now: number): void {
    this.#area += this.#level * (now - this.#since)
    this.#since = now
    this.#level += by
    if (this.#level > this.#peak) this.#peak = this.#level
  }

  /** Forgets what was before `now`. */
  restart(now: number): void {
    this.#peak = this.#level
    this.#area = 0
    this.#since = now
    this.#began = now
  }

  mean(now: number): number {
    const took = now - this.#began
    return took > 0 ? (this.#area + this.#level * (now - this.#since)) / took : this.#level
  }
}

/** A wait that is shorter is none: what is left of it comes from adding up fractions. */
const none = 1e-6

/**
 * How long requests waited for a session, in milliseconds.
 *
 * **Details**
 *
 * `p50` is the wait that half of the requests did not exceed; `p90`, `p99` and `p999` are those of 90, 99 and 99.9 percent.
 *
 * @category models
 * @since 0.3.0
 */
export interface Waits {
  readonly mean: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  readonly longest: number
  /** The share of requests that had to wait at all, from 0 to 1. */
  readonly waited: number
}

export const waitsFrom = (all: ReadonlyArray<number>): Waits => {
  const sorted = Float64Array.from(all).sort()
  // The least wait that this share of the requests did not exceed.
  const quantile = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
  let sum = 0
  let waited = 0
  for (const wait of sorted) {
    sum += wait
    if (wait > none) waited++
  }
  const count = Math.max(1, sorted.length)
  return {
    mean: sum / count,
    p50: quantile(0.5),
    p90: quantile(0.9),
    p99: quantile(0.99),
    p999: quantile(0.999),
    longest: sorted.at(-1) ?? 0,
    waited: waited / count
  }
}
