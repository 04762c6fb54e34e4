import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Schedule } from "effect"
import { TestClock } from "effect/testing"
import { OracleError } from "../src/index.ts"
import { openPauses, pauseMillis } from "../src/internal/openPauses.ts"

const thrown = (code: string) =>
  OracleError.fromDriver(Object.assign(new Error(`${code}: no`), { code }), { operation: "open" })
const unreachable = thrown("NJS-503")
const starting = thrown("ORA-01033")

describe("pauses between openings that fail", () => {
  it("are short while no database can be reached, and longer the longer that lasts", () => {
    assert.strictEqual(pauseMillis(unreachable, 1, 0), 30)
    assert.strictEqual(pauseMillis(unreachable, 200, 10_000), 50)
    assert.strictEqual(pauseMillis(unreachable, 2000, 3_600_000), 1000)
  })

  it("are short while the database has no process or session left (S10)", () => {
    for (const code of ["ORA-12519", "ORA-12520", "ORA-00018"]) {
      assert.strictEqual(pauseMillis(thrown(code), 1, 0), 30)
      assert.strictEqual(pauseMillis(thrown(code), 20, 1000), 32)
    }
    // Within a minute fewer than 1000 attempts, where the driver's pool makes some 2,500 in a second.
    let attempts = 0
    for (let elapsed = 0; elapsed < 60_000; attempts++) {
      elapsed += pauseMillis(thrown("ORA-12519"), attempts, elapsed)
    }
    assert.isBelow(attempts, 1000)
  })

  it("double where a database has refused, or nobody knows why", () => {
    for (const cause of [starting, new Error("no")]) {
      const pauses = [1, 2, 3, 4, 5, 2000].map((attempt) => pauseMillis(cause, attempt, 0))
      assert.deepStrictEqual(pauses, [100, 200, 400, 800, 1000, 1000])
    }
  })

  it.effect("are jittered by 20 %", () =>
    Effect.gen(function*() {
      const step = yield* Schedule.toStep(openPauses)
      const pauses: Array<number> = []
      for (let now = 0; now < 4; now++) {
        const [, pause] = yield* step(now, starting)
        pauses.push(Duration.toMillis(pause))
      }
      for (const [index, pause] of pauses.entries()) {
        assert.isAtLeast(pause, 80 * 2 ** index)
        assert.isAtMost(pause, 120 * 2 ** index)
      }
      assert.notStrictEqual(pauses[0], 100)
    }).pipe(Effect.orDie))

  it.effect("grow with the clock's monotonic time, which setting the wall clock does not move (A18)", () =>
    Effect.gen(function*() {
      const step = yield* Schedule.toStep(openPauses)
      const pauseAt = (wall: number) => Effect.map(step(wall, unreachable), ([, pause]) => Duration.toMillis(pause))
      assert.isAtMost(yield* pauseAt(0), 36)
      assert.isAtMost(yield* pauseAt(3_600_000), 36)
      assert.isAtLeast(yield* pauseAt(-3_600_000), 24)
      yield* TestClock.adjust("1 hour")
      assert.isAtLeast(yield* pauseAt(0), 800)
    }).pipe(Effect.orDie))
})
