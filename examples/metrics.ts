/**
 * Every pool registers the metrics that OpenTelemetry's conventions name for database clients. Whatever exports Effect's
 * metrics exports them too; here a snapshot is printed.
 */
import { PoolMetrics, SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Console, Effect, Metric } from "effect"
import { TestClock } from "effect/testing"

const value = (metric: Metric.Metric.Snapshot): string =>
  metric.type === "Gauge" ?
    String(metric.state.value)
    : metric.type === "Counter" ?
    String(metric.state.count)
    : metric.type === "Histogram" ?
    `${metric.state.count} values, ${metric.state.sum} seconds in all`
    : ""

export const main = Effect.gen(function*() {
  const database = yield* TestDatabase.make({ latency: { open: "300 millis" } })
  const pool = yield* SessionPool.make({ driver: database.driver, name: "payroll", user: "scott", min: 1, max: 4 })
  const work = pool.use(() => Effect.sleep("1 second"))
  yield* Effect.forkChild(Effect.all([work, work], { concurrency: "unbounded" }))
  yield* TestClock.adjust("1 second")
  yield* TestClock.adjust("1 second")
  for (const metric of yield* Metric.snapshot) {
    if (metric.attributes?.[PoolMetrics.poolName] !== "payroll") continue
    const state = metric.attributes[PoolMetrics.state] ?? metric.attributes[PoolMetrics.outcome]
    yield* Console.log(`${metric.id}${state === undefined ? "" : `{${state}}`}: ${value(metric)}`)
  }
}).pipe(Effect.scoped, Effect.provide(TestClock.layer()))

if (import.meta.main) await Effect.runPromise(main)

/* Prints:
db.client.connection.count{idle}: 2
db.client.connection.count{used}: 0
db.client.connection.max: 4
db.client.connection.idle.min: 1
db.client.connection.idle.max: 4
db.client.connection.pending_requests: 0
db.client.connection.timeouts: 0
sessionpool.session.opens{opened}: 2
sessionpool.session.opens{failed}: 0
db.client.connection.create_time: 2 values, 0.6 seconds in all
db.client.connection.wait_time: 2 values, 0.6 seconds in all
db.client.connection.use_time: 2 values, 2 seconds in all
sessionpool.lease.quiet_time: 2 values, 2 seconds in all
sessionpool.instance.sessions{idle}: 2
sessionpool.instance.sessions{used}: 0
*/
