/** Law 17, as far as metrics are concerned: the gauges of a pool are there while it is, and go with it. */
import { PoolMetrics, type PoolStatistics } from "@sessionpool/core"
import type * as Metric from "effect/Metric"

type Series = ReadonlyArray<Metric.Metric.Snapshot>

/** The name that pools of scripts have. */
const pool = "laws"

const ofPool = (series: Series, type: string): Series =>
  series.filter((metric) => metric.type === type && metric.attributes?.[PoolMetrics.poolName] === pool)

/** What is wrong with the gauges of a pool that is open; `hasTwin`: another one of its name is open as well. */
export const gaugesWrong = (
  series: Series,
  { busy }: PoolStatistics.PoolStatistics,
  hasTwin: boolean
): ReadonlyArray<string> => {
  const gauge = ofPool(series, "Gauge").find((metric) =>
    metric.id === PoolMetrics.count && metric.attributes?.[PoolMetrics.state] === "used"
  )
  if (gauge === undefined) return ["the pool is open, but its gauges are gone"]
  const shown = (gauge.state as Metric.GaugeState<number>).value
  return hasTwin || shown === busy ? [] : [`the gauge of sessions in use shows ${shown}, there are ${busy}`]
}

/** What is wrong with the metrics after the pool's scope has closed: gauges are gone, what was counted keeps its last value. */
export const seriesLeft = (
  series: Series,
  totals: PoolStatistics.PoolStatistics["totals"]
): ReadonlyArray<string> => {
  const lost = (type: "Counter" | "Histogram", id: string, counted: number): ReadonlyArray<string> => {
    const metric = ofPool(series, type).find((metric) => metric.id === id)
    if (metric === undefined) return [`the metric ${id} is gone`]
    const shown = Number((metric.state as Metric.CounterState<number> | Metric.HistogramState).count)
    return shown === counted ? [] : [`the metric ${id} counts ${shown}, there were ${counted}`]
  }
  return [
    ...ofPool(series, "Gauge").map(({ id }) => `the gauge ${id} is still registered`),
    ...lost("Counter", PoolMetrics.timeouts, totals.timeouts),
    ...lost("Histogram", PoolMetrics.createTime, totals.opened),
    ...lost("Histogram", PoolMetrics.waitTime, totals.lent)
  ]
}
