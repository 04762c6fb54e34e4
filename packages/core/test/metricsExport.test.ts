/** What Effect's own exporter sends of a pool's metrics. */
import { assert, describe, it } from "@effect/vitest"
import { SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Effect, Layer, Metric, Scope } from "effect"
import { HttpClient, HttpClientResponse } from "effect/http"
import { OtlpMetrics, OtlpSerialization } from "effect/observability"

interface Exported {
  readonly name: string
  readonly unit: string
  readonly gauge?: unknown
  readonly sum?: { readonly dataPoints: ReadonlyArray<{ readonly asDouble: number }> }
  readonly histogram?: { readonly dataPoints: ReadonlyArray<{ readonly count: number }> }
}

interface Body {
  readonly resourceMetrics: ReadonlyArray<{
    readonly scopeMetrics: ReadonlyArray<{ readonly metrics: ReadonlyArray<Exported> }>
  }>
}

/** The last of what is exported while `effect` runs and when it has ended. */
const exported = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.gen(function*() {
    let last: ReadonlyArray<Exported> = []
    const client = HttpClient.make((request) => {
      const text = request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : "{}"
      const body = JSON.parse(text) as Body
      last = body.resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
      return Effect.succeed(HttpClientResponse.fromWeb(request, new Response()))
    })
    const exporter = OtlpMetrics.layer({
      url: "http://localhost/v1/metrics",
      exportInterval: "1 hour",
      resource: { serviceName: "test" }
    }).pipe(
      Layer.provide(OtlpSerialization.layerJson),
      Layer.provide(Layer.succeed(HttpClient.HttpClient, client))
    )
    yield* Effect.provide(effect, exporter)
    return last
  }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))

const program = Effect.gen(function*() {
  const database = yield* TestDatabase.make()
  const pool = yield* SessionPool.make({ driver: database.driver, user: "scott", name: "hr", max: 1 })
  yield* pool.use(() => Effect.void)
  yield* Effect.exit(pool.use(() => pool.acquire({ waitTimeout: 1 })))
}).pipe(Effect.scoped)

describe("exported metrics", () => {
  it.live("a program shorter than the export interval still exports what it counted and measured (A6)", () =>
    Effect.gen(function*() {
      const metrics = yield* exported(program)
      const byName = new Map(metrics.map((metric) => [metric.name, metric]))
      assert.sameMembers([...byName.keys()], [
        "db.client.connection.timeouts",
        "db.client.connection.create_time",
        "db.client.connection.wait_time",
        "db.client.connection.use_time",
        "sessionpool.session.opens",
        "sessionpool.lease.quiet_time"
      ])
      assert.strictEqual(byName.get("db.client.connection.timeouts")?.sum?.dataPoints[0]?.asDouble, 1)
      assert.strictEqual(Number(byName.get("db.client.connection.use_time")?.histogram?.dataPoints[0]?.count), 2)
    }))

  it.live("have the units of OpenTelemetry's conventions (A5)", () =>
    Effect.gen(function*() {
      const database = yield* TestDatabase.make()
      const scope = yield* Effect.scope
      // The pool is still open when the exporter looks for the last time.
      const open = SessionPool.make({ driver: database.driver, user: "scott", name: "hr" })
      const metrics = yield* exported(Scope.provide(open, scope))
      assert.deepStrictEqual(
        Object.fromEntries(metrics.map(({ name, unit }) => [name.replace("db.client.connection.", ""), unit])),
        {
          count: "{connection}",
          max: "{connection}",
          "idle.min": "{connection}",
          "idle.max": "{connection}",
          pending_requests: "{request}",
          timeouts: "{timeout}",
          create_time: "s",
          wait_time: "s",
          use_time: "s",
          "sessionpool.session.opens": "{open}",
          "sessionpool.lease.quiet_time": "s"
        }
      )
    }))
})
