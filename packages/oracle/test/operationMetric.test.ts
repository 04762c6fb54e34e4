/** How long operations take, as a metric: by operation and outcome, and without a word of any statement. */
import { assert, describe, it } from "@effect/vitest"
import { OracleClient, OracleMetrics } from "@sessionpool/oracle"
import { Effect, Metric } from "effect"
import { Reactivity } from "effect/reactivity"
import { inspect } from "node:util"
import { connection, makePool } from "./database.ts"

/** The series of operations, with how often each ran. */
const series = Effect.map(
  Metric.snapshot,
  (metrics) =>
    metrics.filter(({ id }) => id === OracleMetrics.operationDuration).map(({ attributes = {}, state }) => {
      const name = [attributes["db.operation.name"], attributes["error.type"]].filter((part) => part !== undefined)
      return [name.join(" "), (state as Metric.HistogramState).count, attributes] as const
    })
)

const counts = Effect.map(series, (all) => Object.fromEntries(all.map(([name, count]) => [name, count])))

const inOwnRegistry = Effect.provideService(Metric.MetricRegistry, new Map())

describe("the duration of operations", () => {
  it.live("has a series for each operation and each kind of failure", () =>
    Effect.gen(function*() {
      const held = yield* connection()
      yield* held.query("select 'secret' as a from dual")
      yield* held.query("select 2 from dual")
      yield* Effect.ignore(held.execute("insert into no_such_table values (1)"))
      yield* held.ping
      yield* held.commit
      const found = yield* counts
      assert.deepInclude(found, { SELECT: 2, "INSERT SqlSyntaxError": 1, PING: 1, COMMIT: 1 })
      const all = yield* series
      assert.notInclude(inspect(all, { depth: 9 }), "secret")
      for (const [, , attributes] of all) {
        assert.strictEqual(attributes["db.system.name"], "oracle.db")
        assert.isString(attributes["server.address"])
        assert.strictEqual(attributes["unit"], "s")
      }
    }).pipe(Effect.scoped, inOwnRegistry))

  it.live("measures statements of effect/sql as well, each once", () =>
    Effect.gen(function*() {
      const pool = yield* makePool()
      const sql = yield* Effect.provide(OracleClient.fromPool(pool), Reactivity.layer)
      yield* sql`select 1 from dual`
      yield* sql`select 2 from dual`
      assert.strictEqual((yield* counts)["SELECT"], 2)
    }).pipe(Effect.scoped, inOwnRegistry))

  it.live("says of an operation that was given up that it was", () =>
    Effect.gen(function*() {
      const held = yield* connection()
      yield* Effect.timeoutOption(held.execute("begin dbms_session.sleep(30); end;"), "50 millis")
      assert.strictEqual((yield* counts)["BEGIN interrupted"], 1)
    }).pipe(Effect.scoped, inOwnRegistry))
})
