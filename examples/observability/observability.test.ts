/** The dashboard and the rules ask for metrics and labels that pools have, by the names that Prometheus knows them under. */
import { assert, describe, it } from "@effect/vitest"
import { OracleSessionPool } from "@sessionpool/oracle"
import { OracleServer } from "@sessionpool/oracle-server"
import { Effect, Redacted } from "effect"
import { PrometheusMetrics } from "effect/observability"
import { readFileSync } from "node:fs"
import { join } from "node:path"

const read = (file: string) => readFileSync(join(import.meta.dirname, file), "utf8")

/** Every metric and label of a pool that was used, as Prometheus reads them. */
const known = Effect.gen(function*() {
  const server = yield* OracleServer.make({ users: { scott: "tiger" } })
  const pool = yield* OracleSessionPool.make({
    connectString: server.connectString,
    user: "scott",
    password: Redacted.make("tiger")
  })
  yield* Effect.ignore(pool.use((connection) => connection.query("select no_such_column from dual")))
  const text = yield* PrometheusMetrics.format()
  return new Set(text.match(/\b(?:db|error|sessionpool)_\w+/g))
})

const asked = (text: string) => new Set(text.match(/\b(?:db|error|sessionpool)_\w+/g))

describe("what watches pools", () => {
  it.live("asks for metrics and labels that there are", () =>
    Effect.gen(function*() {
      const names = yield* known
      for (const file of ["grafana-dashboard.json", "alerts.yaml"]) {
        const missing = [...asked(read(file))].filter((name) => !names.has(name))
        assert.deepStrictEqual(missing, [], file)
      }
    }))

  it("is a dashboard that Grafana can import: JSON, panels that do not overlap, one query a letter", () => {
    const { panels } = JSON.parse(read("grafana-dashboard.json")) as {
      readonly panels: ReadonlyArray<{
        readonly id: number
        readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
        readonly targets: ReadonlyArray<{ readonly refId: string }>
      }>
    }
    assert.lengthOf(new Set(panels.map(({ id }) => id)), panels.length)
    const cells = panels.flatMap(({ gridPos: { h, w, x, y } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + at % w},${y + Math.floor(at / w)}`)
    )
    assert.lengthOf(new Set(cells), cells.length)
    for (const { targets } of panels) assert.lengthOf(new Set(targets.map(({ refId }) => refId)), targets.length)
  })
})
