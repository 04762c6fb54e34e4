import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import { TestClock } from "effect/testing"
import { openPool, settled, watch } from "./openPool.ts"

interface Line {
  readonly level: string
  readonly message: string
  readonly annotations: Readonly<Record<string, unknown>>
}

/** What is logged while `effect` runs. */
const logged = <A, E, R>(effect: (lines: ReadonlyArray<Line>) => Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const lines: Array<Line> = []
    const logger = Logger.make((options) => {
      const { annotations, level, message } = Logger.formatStructured.log(options)
      lines.push({ level, message: String(message), annotations })
    })
    return Effect.provide(effect(lines), Logger.layer([logger]))
  })

describe("leakDetectionThreshold", () => {
  it.effect("reports a lease that is held longer, once, with the place that took it", () =>
    logged((lines) =>
      Effect.gen(function*() {
        const { pool } = yield* openPool({ max: 2, leakDetectionThreshold: "30 seconds", name: "hr" })
        const events = yield* watch(pool)
        const leaked = yield* pool.acquire()
        yield* TestClock.adjust("29999 millis")
        assert.lengthOf(events.filter((event) => event._tag === "LeakSuspected"), 0)
        yield* TestClock.adjust("1 millis")
        yield* settled
        yield* TestClock.adjust("1 hour")
        const reports = events.filter((event) => event._tag === "LeakSuspected")
        assert.lengthOf(reports, 1)
        assert.deepInclude(reports[0], { session: leaked.id, heldMillis: 30_000 })
        assert.match(reports[0]!.takenAt!, /leaks\.test\.ts:\d+/)
        assert.strictEqual((yield* pool.statistics).totals.leaks, 1)
        const warnings = lines.filter(({ message }) =>
          message.includes("is held for longer than leakDetectionThreshold")
        )
        assert.lengthOf(warnings, 1)
        assert.strictEqual(warnings[0]!.level, "WARN")
        assert.match(warnings[0]!.message, /acquired at .*leaks\.test\.ts:\d+/)
        assert.deepInclude(warnings[0]!.annotations, {
          "sessionpool.pool": "hr",
          "sessionpool.session": leaked.id,
          "sessionpool.heldMillis": 30_000
        })
        yield* pool.release(leaked)
      })
    ))

  it.effect("says when it comes back after all", () =>
    logged((lines) =>
      Effect.gen(function*() {
        const { pool } = yield* openPool({ max: 2, leakDetectionThreshold: "30 seconds" })
        const events = yield* watch(pool)
        yield* Effect.forkScoped(pool.use(() => Effect.sleep("40 seconds")))
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(
          events.flatMap((event) => event._tag === "LeakReturned" ? [[event.session, event.at, event.heldMillis]] : []),
          [[1, 40_000, 40_000]]
        )
        assert.lengthOf(lines.filter(({ level, message }) => level === "INFO" && message.includes("was returned")), 1)
      })
    ))

  it.effect("says nothing of leases that end in time, or are given back and taken anew", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, leakDetectionThreshold: "30 seconds" })
      const events = yield* watch(pool)
      for (let i = 0; i < 5; i++) {
        const connection = yield* pool.acquire()
        yield* TestClock.adjust("20 seconds")
        yield* pool.release(connection)
      }
      yield* TestClock.adjust("10 minutes")
      assert.lengthOf(events.filter((event) => event._tag === "LeakSuspected"), 0)
    }))

  it.effect("is off unless told: nothing is reported and no stack is taken", () =>
    logged((lines) =>
      Effect.gen(function*() {
        const { pool } = yield* openPool({ max: 1 })
        const events = yield* watch(pool)
        const leaked = yield* pool.acquire()
        assert.isUndefined(Reflect.get(leaked.lease, "origin"))
        yield* TestClock.adjust("10 days")
        assert.lengthOf(events.filter((event) => event._tag === "LeakSuspected"), 0)
        assert.deepStrictEqual(lines, [])
      })
    ))

  it.effect("can be switched on for the leases that follow", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 2 })
      yield* pool.acquire()
      yield* pool.reconfigure({ leakDetectionThreshold: "30 seconds" })
      const second = yield* pool.acquire()
      const events = yield* watch(pool)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(
        events.flatMap((event) => event._tag === "LeakSuspected" ? [event.session] : []),
        [second.id]
      )
    }))
})
