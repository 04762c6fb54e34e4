import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { inspect } from "node:util"
import { connection } from "./database.ts"
import { recordingTracer } from "./recordingTracer.ts"

describe("spans", () => {
  it.live("follow OpenTelemetry's conventions and carry no value", () =>
    Effect.gen(function*() {
      const { spans, tracer } = recordingTracer()
      const held = yield* connection()
      yield* Effect.gen(function*() {
        yield* held.query("select /* from nowhere */ 'literal' as a, :b as b from dual d", { b: "bound-value" })
        yield* Effect.ignore(held.execute("insert into no_such_table values (:1)", ["bound-value"]))
        yield* Effect.ignore(held.executeMany("delete from no_such_table where a = :1", [["bound-value"], ["x"]]))
        yield* held.commit
      }).pipe(Effect.withTracer(tracer))
      assert.deepStrictEqual(spans.map((span) => span.name), [
        "SELECT dual",
        "INSERT no_such_table",
        "DELETE no_such_table",
        "COMMIT"
      ])
      const [select, insert, remove] = spans.map((span) => Object.fromEntries(span.attributes))
      assert.deepInclude(select, {
        "db.system.name": "oracle.db",
        "db.operation.name": "SELECT",
        "db.query.summary": "SELECT dual",
        "db.collection.name": "dual",
        "db.query.text": "select ? as a, :b as b from dual d"
      })
      assert.isString(select?.["db.namespace"])
      assert.isString(select?.["server.address"])
      assert.isNumber(select?.["server.port"])
      assert.deepInclude(insert, { "db.response.status_code": "ORA-00942", "error.type": "SqlSyntaxError" })
      assert.deepInclude(remove, { "db.operation.batch.size": 2 })
      assert.strictEqual(spans[0]!.kind, "client")
      assert.notInclude(inspect(spans.map((span) => [...span.attributes]), { depth: 9 }), "bound-value")
    }))

  it.live("belong to the span around them, and are not made where nobody traces", () =>
    Effect.gen(function*() {
      const { spans, tracer } = recordingTracer()
      const held = yield* connection()
      yield* held.query("select 1 from dual")
      yield* Effect.withTracerEnabled(held.query("select 1 from dual"), false).pipe(Effect.withTracer(tracer))
      assert.lengthOf(spans, 0)
      yield* held.query("select 1 from dual").pipe(Effect.withSpan("outer"), Effect.withTracer(tracer))
      assert.deepStrictEqual(spans.map((span) => span.name), ["outer", "SELECT dual"])
      assert.strictEqual(Option.getOrUndefined(spans[1]!.parent)?.spanId, spans[0]!.spanId)
    }))
})
