/**
 * Metrics, spans and logs of a pool go to a collector by OTLP, with Effect's own exporter. Here the collector is a function that notes what
 * it was sent; a program has `FetchHttpClient.layer` and the address of its collector.
 */
import { OracleSessionPool } from "@sessionpool/oracle"
import { OracleServer } from "@sessionpool/oracle-server"
import { Console, Effect, Layer, Metric, Redacted } from "effect"
import { HttpClient, HttpClientResponse } from "effect/http"
import { Otlp } from "effect/observability"

/** What the collector was sent, by the last part of the address. */
type Received = Record<string, Array<string>>

const collector = (received: Received) =>
  HttpClient.make((request) => {
    const kind = request.url.replace(/.*\//, "")
    const body = request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : ""
    received[kind] = [...received[kind] ?? [], body]
    return Effect.succeed(HttpClientResponse.fromWeb(request, new Response()))
  })

const Telemetry = (received: Received) =>
  Otlp.layerJson({
    baseUrl: "http://collector:4318",
    resource: { serviceName: "payroll" },
    metricsExportInterval: "10 seconds"
  }).pipe(Layer.provide(Layer.succeed(HttpClient.HttpClient, collector(received))))

const work = Effect.gen(function*() {
  const server = yield* OracleServer.make({ users: { scott: "tiger" } })
  const pool = yield* OracleSessionPool.make({
    connectString: server.connectString,
    user: "scott",
    password: Redacted.make("tiger"),
    name: "payroll"
  })
  yield* pool.use((connection) => connection.query("select 1 from dual")).pipe(Effect.withSpan("GET /payslips"))
}).pipe(Effect.scoped)

/** The names in what was sent, each once. */
const names = (bodies: ReadonlyArray<string>, pattern: RegExp): ReadonlyArray<string> =>
  [...new Set(bodies.flatMap((body) => Array.from(body.matchAll(pattern), ([, name = ""]) => name)))].toSorted()

export const main = Effect.gen(function*() {
  const received: Received = {}
  yield* Effect.provide(work, Telemetry(received))
  yield* Console.log(`metrics: ${names(received["metrics"] ?? [], /"name":"(db\.client[^"]*)"/g).join(", ")}`)
  yield* Console.log(`spans: ${names(received["traces"] ?? [], /"name":"([^"]*)","kind"/g).join(", ")}`)
}).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))

if (import.meta.main) await Effect.runPromise(main)

/* Prints:
metrics: db.client.connection.create_time, db.client.connection.timeouts, db.client.connection.use_time, db.client.connection.wait_time, db.client.operation.duration
spans: GET /payslips, SELECT dual, sessionpool.acquire, sessionpool.open
*/
