import type * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import * as Names from "../PoolMetrics.ts"
import type { PoolState } from "./poolState.ts"

/** Boundaries, in seconds, that OpenTelemetry recommends for durations of database clients. */
const boundaries = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10] as const

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

  /** Registers the pool's metrics; they are read from the pool itself whenever a snapshot is taken. */
  register<S>(state: PoolState<S>, context: Context.Context<never>): ReadonlyArray<Metric.Registration> {
    const pool = { [Names.poolName]: state.settings.name }
    const ignore = () => {}
    const gauge = (name: string, description: string, read: () => number, attributes: Record<string, string> = {}) =>
      Metric.registerUnsafe(Metric.gauge(name, { description, attributes: { ...pool, ...attributes } }), context, {
        get: () => ({ value: read() }),
        update: ignore,
        modify: ignore
      })
    const histogram = (name: string, description: string, read: () => Metric.HistogramState) =>
      Metric.registerUnsafe(Metric.histogram(name, { description, attributes: pool, boundaries }), context, {
        get: read,
        update: ignore,
        modify: ignore
      })
    const inState = "The number of sessions that are in this state"
    return [
      gauge(Names.count, inState, () => state.counts.idle + state.counts.checking, {
        [Names.state]: "idle"
      }),
      gauge(Names.count, inState, () => state.counts.busy, { [Names.state]: "used" }),
      gauge(Names.max, "The most sessions that may be open", () => state.limits.max),
      gauge(Names.idleMin, "Sessions that eviction leaves open", () => state.limits.min),
      gauge(Names.idleMax, "The most idle sessions that may be open", () => state.limits.max),
      gauge(
        Names.pendingRequests,
        "Requests that wait for a session",
        () => state.waiting.size
      ),
      Metric.registerUnsafe(
        Metric.counter(Names.timeouts, {
          description: "Requests that gave up waiting",
          attributes: pool,
          incremental: true
        }),
        context,
        { get: () => ({ count: state.totals.timeouts, incremental: true }), update: ignore, modify: ignore }
      ),
      histogram(Names.createTime, "How long opening a session took, in seconds", () => this.#created.state()),
      histogram(
        Names.waitTime,
        "How long a request waited for a session, in seconds",
        () => this.#waited.state(state.totals.lent)
      ),
      histogram(Names.useTime, "How long a session was held, in seconds", () => this.#used.state())
    ]
  }
}
