/** What one pool measures beyond its counts; `metricSeries` shows it to the world. */
import type * as Metric from "effect/Metric"

/** Boundaries, in seconds, that OpenTelemetry recommends for durations of database clients. */
export const boundaries = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10] as const

/**
 * A histogram of durations that costs a few machine instructions for each value; it becomes a metric only when somebody
 * looks.
 */
class Durations {
  #zeros = 0
  /** Of durations above 0, by bucket. */
  readonly #counts = new Float64Array(boundaries.length + 1)
  #count = 0
  #sum = 0
  #min = Infinity
  #max = -Infinity

  /** Adds a duration. Most waits are 0, and so are many uses: these cost one addition. */
  record(millis: number): void {
    if (millis === 0) this.#zeros++
    else this.#add(millis)
  }

  #add(millis: number): void {
    const seconds = millis / 1000
    let bucket = 0
    while (bucket < boundaries.length && seconds > boundaries[bucket]!) bucket++
    this.#counts[bucket]!++
    this.#count++
    this.#sum += seconds
    if (seconds < this.#min) this.#min = seconds
    if (seconds > this.#max) this.#max = seconds
  }

  /** As a metric; `total` is how many there were when those of 0 were not recorded. */
  state(total = this.#zeros + this.#count): Metric.HistogramState {
    const zeros = total - this.#count
    let cumulated = zeros
    const buckets = boundaries.map((boundary, index): [number, number] => {
      cumulated += this.#counts[index]!
      return [boundary, cumulated]
    })
    return {
      buckets,
      count: total,
      min: zeros > 0 || this.#count === 0 ? 0 : this.#min,
      max: this.#count === 0 ? 0 : this.#max,
      sum: this.#sum
    }
  }
}

/** What a pool measures beyond its counts. */
export class PoolMeters {
  readonly #created = new Durations()
  readonly #waited = new Durations()
  readonly #used = new Durations()
  readonly #quiet = new Durations()

  created(millis: number): void {
    this.#created.record(millis)
  }

  /** Notes how long the holder of a session has waited for it. That most have not is known from the number of leases. */
  waited(millis: number): void {
    if (millis > 0) this.#waited.record(millis)
  }

  used(millis: number): void {
    this.#used.record(millis)
  }

  /** Notes how long a session was held without a call. */
  quiet(millis: number): void {
    this.#quiet.record(millis)
  }

  /** The histograms up to now; `lent` is the number of leases. */
  histograms(lent: number): Histograms {
    return {
      created: this.#created.state(),
      waited: this.#waited.state(lent),
      used: this.#used.state(),
      quiet: this.#quiet.state()
    }
  }
}

/** How long opening, waiting, using, and holding without a call took, in seconds. */
export interface Histograms {
  readonly created: Metric.HistogramState
  readonly waited: Metric.HistogramState
  readonly used: Metric.HistogramState
  readonly quiet: Metric.HistogramState
}
