import { assert, describe, it } from "@effect/vitest"
import { PoolMetrics } from "@sessionpool/core"
import { Effect, Exit, Fiber, Metric, Scope } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, served } from "./openPool.ts"

/** The metrics of one pool: by name and, where there are several, by state or outcome. */
const metricsOf = (pool: string) =>
  Effect.map(Metric.snapshot, (metrics) =>
    new Map(
      metrics.filter(({ attributes }) => attributes?.[PoolMetrics.poolName] === pool).map((metric) => {
        const state = metric.attributes?.[PoolMetrics.state] ?? metric.attributes?.[PoolMetrics.outcome]
        return [state === undefined ? metric.id : `${metric.id}{${state}}`, metric]
      })
    ))

const valueOf = (metrics: ReadonlyMap<string, Metric.Metric.Snapshot>, name: string) => {
  const metric = metrics.get(name)
  if (metric?.type === "Gauge") return metric.state.value
  if (metric?.type === "Counter") return metric.state.count
  return undefined
}

const histogramOf = (metrics: ReadonlyMap<string, Metric.Metric.Snapshot>, name: string) => {
  const metric = metrics.get(name)
  if (metric?.type !== "Histogram") throw new Error(`${name} is no histogram`)
  return metric.state
}

describe("metrics", () => {
  it.effect("have the names of OpenTelemetry's conventions, and the pool's name as an attribute", () =>
    Effect.gen(function*() {
      yield* openPool({ name: "names" })
      const metrics = yield* metricsOf("names")
      assert.sameMembers([...metrics.keys()], [
        "db.client.connection.count{idle}",
        "db.client.connection.count{used}",
        "db.client.connection.max",
        "db.client.connection.idle.min",
        "db.client.connection.idle.max",
        "db.client.connection.pending_requests",
        "db.client.connection.timeouts",
        "db.client.connection.create_time",
        "db.client.connection.wait_time",
        "db.client.connection.use_time",
        "sessionpool.session.opens{opened}",
        "sessionpool.session.opens{failed}",
        "sessionpool.lease.quiet_time"
      ])
    }))

  it.effect("say what came of openings, and how long sessions are held without a call", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({
        name: "quiet",
        max: 1,
        database: { answer: () => Effect.as(Effect.sleep("3 seconds"), "done") }
      })
      yield* database.refuseToOpen(1)
      yield* Effect.exit(pool.use(() => Effect.void))
      yield* TestClock.adjust("1 second")
      const lease = yield* beside(pool.use((connection) =>
        Effect.gen(function*() {
          yield* Effect.sleep("2 seconds")
          yield* Effect.all([connection.execute("slow"), connection.execute("slow")], { concurrency: "unbounded" })
          yield* Effect.sleep("500 millis")
        })
      ))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(lease)
      const metrics = yield* metricsOf("quiet")
      assert.strictEqual(valueOf(metrics, `${PoolMetrics.opens}{opened}`), 1)
      assert.strictEqual(valueOf(metrics, `${PoolMetrics.opens}{failed}`), 1)
      assert.strictEqual(histogramOf(metrics, PoolMetrics.quietTime).sum, 2.5)
    }))

  it.effect("have the values of the moment at which they are looked at", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ name: "values", min: 2, max: 3 })
      yield* Effect.forEach([1, 2, 3], () => pool.acquire())
      yield* beside(Effect.exit(pool.acquire({ waitTimeout: "1 second" })))
      yield* beside(pool.acquire())
      const busy = yield* metricsOf("values")
      assert.deepStrictEqual(
        [...busy.keys()].flatMap((name) => {
          const value = valueOf(busy, name)
          return value === undefined ? [] : [[name, value]]
        }),
        [
          ["db.client.connection.count{idle}", 0],
          ["db.client.connection.count{used}", 3],
          ["db.client.connection.max", 3],
          ["db.client.connection.idle.min", 2],
          ["db.client.connection.idle.max", 3],
          ["db.client.connection.pending_requests", 2],
          ["db.client.connection.timeouts", 0],
          ["sessionpool.session.opens{opened}", 3],
          ["sessionpool.session.opens{failed}", 0],
          ["sessionpool.instance.sessions{idle}", 0],
          ["sessionpool.instance.sessions{used}", 3]
        ]
      )
      yield* TestClock.adjust("1 second")
      yield* pool.reconfigure({ max: 4, min: 1 })
      yield* served(pool, { cclass: "none" }).pipe(Effect.timeoutOption("1 millis"), beside)
      const later = yield* metricsOf("values")
      assert.strictEqual(valueOf(later, PoolMetrics.timeouts), 1)
      assert.strictEqual(valueOf(later, PoolMetrics.max), 4)
      assert.strictEqual(valueOf(later, PoolMetrics.idleMin), 1)
    }))

  it.effect("histograms, in seconds, of opening, waiting and using", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ name: "times", max: 1, database: { latency: { open: "300 millis" } } })
      yield* beside(pool.use(() => Effect.sleep("2 seconds")))
      yield* beside(pool.use(() => Effect.sleep("20 millis")))
      yield* TestClock.adjust("10 seconds")
      yield* pool.use(() => Effect.void)
      const metrics = yield* metricsOf("times")
      const created = histogramOf(metrics, PoolMetrics.createTime)
      assert.deepInclude(created, { count: 1, min: 0.3, max: 0.3, sum: 0.3 })
      assert.deepStrictEqual(created.buckets.map(([boundary]) => boundary), [
        0.001,
        0.005,
        0.01,
        0.05,
        0.1,
        0.5,
        1,
        5,
        10
      ])
      assert.deepStrictEqual(created.buckets.map(([, count]) => count), [0, 0, 0, 0, 0, 1, 1, 1, 1])
      assert.deepInclude(histogramOf(metrics, PoolMetrics.waitTime), { count: 3, min: 0, max: 2.3 })
      assert.deepInclude(histogramOf(metrics, PoolMetrics.useTime), { count: 3, min: 0, max: 2 })
      assert.deepStrictEqual(
        histogramOf(metrics, PoolMetrics.useTime).buckets.map(([, count]) => count),
        [1, 1, 1, 2, 2, 2, 2, 3, 3]
      )
    }))

  it.effect("once the pool is closed, counters and histograms keep their last values and gauges are gone (A6)", () =>
    Effect.gen(function*() {
      const left = (metrics: ReadonlyMap<string, Metric.Metric.Snapshot>) => [
        [...metrics.values()].filter(({ type }) => type === "Gauge").length,
        [...metrics.values()].filter(({ type }) => type !== "Gauge").length
      ]
      const { pool } = yield* openPool({ name: "closed-explicitly" })
      yield* served(pool)
      // Those of the instance that its session has landed on included.
      assert.deepStrictEqual(left(yield* metricsOf("closed-explicitly")), [8, 7])
      yield* pool.close()
      const after = yield* metricsOf("closed-explicitly")
      assert.deepStrictEqual(left(after), [0, 7])
      assert.strictEqual(histogramOf(after, PoolMetrics.useTime).count, 1)
      const scope = yield* Scope.make()
      yield* Scope.provide(openPool({ name: "short-lived" }), scope)
      assert.deepStrictEqual(left(yield* metricsOf("short-lived")), [6, 7])
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(left(yield* metricsOf("short-lived")), [0, 7])
    }))

  it.effect("of two pools of one name are added up, and those of one that is closed do not take the other's away (A28)", () =>
    Effect.gen(function*() {
      const [first, second] = [yield* openPool({ name: "twin" }), yield* openPool({ name: "twin", max: 2 })]
      const use = `${PoolMetrics.count}{used}`
      const held = yield* first.pool.acquire()
      yield* second.pool.acquire()
      const both = yield* metricsOf("twin")
      assert.deepStrictEqual([valueOf(both, use), valueOf(both, PoolMetrics.max)], [2, 6])
      yield* beside(Effect.exit(second.pool.use(() => second.pool.acquire({ waitTimeout: "1 second" }))))
      yield* TestClock.adjust("1 second")
      yield* first.pool.release(held)
      yield* second.pool.close({ force: true })
      const one = yield* metricsOf("twin")
      assert.deepStrictEqual([valueOf(one, use), valueOf(one, PoolMetrics.max)], [0, 4])
      assert.strictEqual(valueOf(one, PoolMetrics.timeouts), 1)
      assert.strictEqual(histogramOf(one, PoolMetrics.createTime).count, 3)
      yield* first.pool.close()
      assert.strictEqual(valueOf(yield* metricsOf("twin"), PoolMetrics.max), undefined)
      // A third goes on where they ended.
      const third = yield* openPool({ name: "twin" })
      yield* served(third.pool)
      const again = yield* metricsOf("twin")
      assert.strictEqual(valueOf(again, PoolMetrics.max), 4)
      assert.strictEqual(valueOf(again, PoolMetrics.timeouts), 1)
      assert.strictEqual(histogramOf(again, PoolMetrics.createTime).count, 4)
    }))

  it.effect("are apart where the registries or the attributes of the effects that make the pools are", () =>
    Effect.gen(function*() {
      const own = new Map()
      const elsewhere = yield* openPool({ name: "same" }).pipe(Effect.provideService(Metric.MetricRegistry, own))
      const attributed = yield* openPool({ name: "same" }).pipe(
        Effect.provideService(Metric.CurrentMetricAttributes, { region: "eu" })
      )
      yield* openPool({ name: "same" })
      yield* elsewhere.pool.close()
      yield* attributed.pool.close()
      assert.strictEqual(valueOf(yield* metricsOf("same"), PoolMetrics.max), 4)
    }))

  it.effect("two pools have each their own", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ name: "one" })
      yield* openPool({ name: "two" })
      yield* pool.acquire()
      assert.strictEqual(valueOf(yield* metricsOf("one"), `${PoolMetrics.count}{used}`), 1)
      assert.strictEqual(valueOf(yield* metricsOf("two"), `${PoolMetrics.count}{used}`), 0)
    }))
})
