/**
 * The metrics of pools in Effect's registry. They are read from the pools themselves whenever a snapshot is taken.
 *
 * Pools of one name in one registry share their series, which show the sum of all of them: so a pool that is closed takes
 * nothing away from its namesakes. Counters and histograms outlive the pools with their last values, as an exporter that
 * looks later expects; gauges go with the last pool of their name.
 */
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import * as Names from "../../PoolMetrics.ts"
import { boundaries, type Histograms, type PoolMeters } from "../data/meters.ts"
import type { PoolState } from "../entities/poolState.ts"
import { instances } from "./statistics.ts"

/** A pool whose figures are shown. */
interface Member {
  readonly state: Pick<PoolState<unknown>, "counts" | "instances" | "limits" | "sessions" | "totals" | "waiting">
  readonly meters: PoolMeters
}

/** What is only ever added to. */
interface Totals extends Histograms {
  readonly timeouts: number
  readonly opened: number
  readonly openFailures: number
}

/** Nothing is written to these metrics: they are read from the pools. */
const nothing = (): void => {}

const none: Metric.HistogramState = {
  buckets: boundaries.map((boundary) => [boundary, 0]),
  count: 0,
  min: 0,
  max: 0,
  sum: 0
}

const sum = (a: Metric.HistogramState, b: Metric.HistogramState): Metric.HistogramState => ({
  buckets: a.buckets.map(([boundary, count], index) => [boundary, count + b.buckets[index]![1]]),
  count: a.count + b.count,
  min: a.count === 0 ? b.min : b.count === 0 ? a.min : Math.min(a.min, b.min),
  max: Math.max(a.max, b.max),
  sum: a.sum + b.sum
})

const add = (totals: Totals, { meters, state }: Member): Totals => {
  const { created, quiet, used, waited } = meters.histograms(state.totals.lent)
  return {
    timeouts: totals.timeouts + state.totals.timeouts,
    opened: totals.opened + state.totals.opened,
    openFailures: totals.openFailures + state.totals.openFailures,
    created: sum(totals.created, created),
    waited: sum(totals.waited, waited),
    used: sum(totals.used, used),
    quiet: sum(totals.quiet, quiet)
  }
}

/** The series of all pools of one name in one registry. */
class Series {
  readonly #members = new Set<Member>()
  /** What pools that are closed have left behind. */
  #past: Totals = { timeouts: 0, opened: 0, openFailures: 0, created: none, waited: none, used: none, quiet: none }
  #gauges: Array<Metric.Registration> = []
  /** The instances that are shown. */
  readonly #instances = new Set<string>()
  /** Shows one more of them. */
  #show: (instance: string) => void = () => {}

  join(name: string, member: Member, context: Context.Context<never>): void {
    if (this.#members.size === 0) {
      this.#register(name, context)
      for (const instance of this.#instances) this.#show(instance)
    }
    this.#members.add(member)
    member.state.instances.appeared = (instance) => {
      if (!this.#instances.has(instance)) this.#show(instance)
      this.#instances.add(instance)
    }
  }

  leave(member: Member): void {
    if (!this.#members.delete(member)) return
    this.#past = add(this.#past, member)
    if (this.#members.size > 0) return
    for (const gauge of this.#gauges) gauge.remove()
    this.#gauges = []
  }

  #total(read: (member: Member["state"]) => number): number {
    let total = 0
    for (const { state } of this.#members) total += read(state)
    return total
  }

  #totals(): Totals {
    return [...this.#members].reduce(add, this.#past)
  }

  #register(pool: string, context: Context.Context<never>): void {
    const gauge = (
      name: string,
      description: string,
      unit: string,
      read: (state: Member["state"]) => number,
      more: Record<string, string> = {}
    ) =>
      Metric.registerUnsafe(
        Metric.gauge(name, { description, attributes: { [Names.poolName]: pool, unit, ...more } }),
        context,
        { get: () => ({ value: this.#total(read) }), update: nothing, modify: nothing }
      )
    const histogram = (name: string, description: string, read: (totals: Totals) => Metric.HistogramState) =>
      Metric.registerUnsafe(
        Metric.histogram(name, {
          description,
          boundaries,
          attributes: { [Names.poolName]: pool, unit: Names.units.seconds }
        }),
        context,
        { get: () => read(this.#totals()), update: nothing, modify: nothing }
      )
    const { connections, requests } = Names.units
    const inState = "Sessions by state"
    this.#gauges = [
      gauge(Names.count, inState, connections, ({ counts }) => counts.idle + counts.checking, {
        [Names.state]: "idle"
      }),
      gauge(Names.count, inState, connections, ({ counts }) => counts.busy, { [Names.state]: "used" }),
      gauge(Names.max, "The most sessions", connections, ({ limits }) => limits.max),
      gauge(Names.idleMin, "Sessions eviction leaves open", connections, ({ limits }) => limits.min),
      gauge(Names.idleMax, "The most idle sessions", connections, ({ limits }) => limits.max),
      gauge(Names.pendingRequests, "Requests that wait", requests, ({ waiting }) => waiting.size)
    ]
    this.#show = (instance) => {
      for (const key of ["idle", "busy"] as const) {
        const read = (state: Member["state"]) => instances(state).find((each) => each.instance === instance)?.[key] ?? 0
        const more = { [Names.instance]: instance, [Names.state]: key === "idle" ? key : "used" }
        this.#gauges.push(gauge(Names.instanceCount, inState, connections, read, more))
      }
    }
    const counter = (
      name: string,
      description: string,
      unit: string,
      read: (totals: Totals) => number,
      more: Record<string, string> = {}
    ) =>
      Metric.registerUnsafe(
        Metric.counter(name, { description, attributes: { [Names.poolName]: pool, unit, ...more }, incremental: true }),
        context,
        { get: () => ({ count: read(this.#totals()), incremental: true }), update: nothing, modify: nothing }
      )
    const timeouts = "Requests that gave up"
    counter(Names.timeouts, timeouts, Names.units.timeouts, ({ timeouts }) => timeouts)
    const opens = "Attempts to open a session, by outcome"
    counter(Names.opens, opens, Names.units.opens, ({ opened }) => opened, { [Names.outcome]: "opened" })
    counter(Names.opens, opens, Names.units.opens, ({ openFailures }) => openFailures, { [Names.outcome]: "failed" })
    histogram(Names.createTime, "How long opening took", ({ created }) => created)
    histogram(Names.waitTime, "How long requests waited", ({ waited }) => waited)
    histogram(Names.useTime, "How long sessions were held", ({ used }) => used)
    histogram(Names.quietTime, "How long sessions were held without a call", ({ quiet }) => quiet)
  }
}

const known = new WeakMap<object, Map<string, Series>>()

/** The series of a name, among those that the context's registry has with the attributes of the context. */
const seriesOf = (name: string, context: Context.Context<never>): Series => {
  const registry = Context.get(context, Metric.MetricRegistry)
  const attributes = Object.entries(Context.get(context, Metric.CurrentMetricAttributes)).sort()
  const key = JSON.stringify([name, attributes])
  const inRegistry = known.get(registry) ?? new Map<string, Series>()
  known.set(registry, inRegistry)
  const series = inRegistry.get(key) ?? new Series()
  inRegistry.set(key, series)
  return series
}

/** Shows a pool's figures until the answer is called. */
export const showMetrics = <S>(
  state: PoolState<S>,
  meters: PoolMeters,
  context: Context.Context<never>
): () => void => {
  const { name } = state.settings
  const series = seriesOf(name, context)
  const member: Member = { state, meters }
  series.join(name, member, context)
  return () => series.leave(member)
}
