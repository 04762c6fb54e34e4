import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Logger, Option, Tracer } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, served } from "./openPool.ts"

/** A tracer that keeps its spans. */
const tracing = <A, E, R>(effect: (spans: ReadonlyArray<Tracer.NativeSpan>) => Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const spans: Array<Tracer.NativeSpan> = []
    const tracer = Tracer.make({
      span: (options) => {
        const span = new Tracer.NativeSpan(options)
        spans.push(span)
        return span
      }
    })
    return Effect.provideService(effect(spans), Tracer.Tracer, tracer)
  })

const named = (spans: ReadonlyArray<Tracer.NativeSpan>, name: string) => spans.filter((span) => span.name === name)

const statusOf = (span: Tracer.NativeSpan | undefined) =>
  span?.status._tag === "Ended"
    ? { millis: Number((span.status.endTime - span.status.startTime) / 1_000_000n), exit: span.status.exit._tag }
    : undefined

describe("spans", () => {
  it.effect("one for each opening, on its own, with the pool and the identity", () =>
    tracing((spans) =>
      Effect.gen(function*() {
        const { database, pool } = yield* openPool({
          max: 2,
          name: "hr",
          cclass: "BATCH",
          database: { latency: { open: "300 millis" } }
        }).pipe(Effect.withSpan("start"))
        yield* beside(pool.acquire().pipe(Effect.withSpan("work")))
        yield* TestClock.adjust("1 second")
        const [open] = named(spans, "sessionpool.open")
        assert.deepStrictEqual(statusOf(open), { millis: 300, exit: "Success" })
        assert.isTrue(Option.isNone(open!.parent), "who asked does not own it")
        assert.strictEqual(open!.kind, "client")
        assert.deepStrictEqual(Object.fromEntries(open!.attributes), {
          "db.client.connection.pool.name": "hr",
          "sessionpool.identity": "the pool's user, connection class BATCH",
          "db.system.name": "test",
          "session.number": 1
        })
        yield* database.refuseToOpen(1)
        yield* beside(Effect.exit(pool.acquire()))
        yield* TestClock.adjust("1 second")
        assert.deepInclude(named(spans, "sessionpool.open").map(statusOf), { millis: 300, exit: "Failure" })
      })
    ))

  it.effect("one for each wait, under the span of who waits; none where there is none to wait in", () =>
    tracing((spans) =>
      Effect.gen(function*() {
        const { pool } = yield* openPool({ max: 1, name: "hr" })
        const held = yield* pool.acquire()
        yield* beside(served(pool))
        assert.lengthOf(named(spans, "sessionpool.acquire"), 0)
        const fiber = yield* beside(served(pool).pipe(Effect.withSpan("work")))
        yield* TestClock.adjust("2 seconds")
        yield* pool.release(held)
        yield* Fiber.join(fiber)
        const [wait] = named(spans, "sessionpool.acquire")
        assert.deepStrictEqual(statusOf(wait), { millis: 2000, exit: "Success" })
        assert.strictEqual(Option.getOrUndefined(wait!.parent)?.spanId, named(spans, "work")[0]!.spanId)
        assert.strictEqual(wait!.attributes.get("db.client.connection.pool.name"), "hr")
        yield* served(pool).pipe(Effect.withSpan("quick"))
        assert.lengthOf(named(spans, "sessionpool.acquire"), 1, "a session that is free takes no wait")
      })
    ))
})

describe("logs", () => {
  it.effect("one warning for each trouble with opening, annotated with pool and identity", () =>
    Effect.gen(function*() {
      const lines: Array<{ readonly level: string; readonly message: unknown; readonly annotations: unknown }> = []
      const logger = Logger.make((options) => {
        lines.push(Logger.formatStructured.log(options))
      })
      yield* Effect.provide(
        Effect.gen(function*() {
          const { database, pool } = yield* openPool({ max: 1, name: "hr" })
          yield* database.refuseToOpen()
          yield* pool.reconfigure({ min: 1 })
          yield* TestClock.adjust("1 minute")
        }),
        Logger.layer([logger])
      )
      assert.lengthOf(lines, 1)
      assert.deepInclude(lines[0], {
        level: "WARN",
        annotations: {
          "sessionpool.pool": "hr",
          "sessionpool.identity": "the pool's user",
          "sessionpool.attempts": 1
        }
      })
      assert.include(JSON.stringify(lines[0]!.message), "A session could not be opened")
    }))
})
