import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import { Clock, Context, Effect } from "effect"
import { TestClock } from "effect/testing"
import { TurnClock } from "../src/internal/data/turnClock.ts"

const ofSystem = Context.get(Context.empty(), Clock.Clock)

afterEach(() => {
  vi.restoreAllMocks()
})

/** A turn of the event loop. */
const turn = () => new Promise((resolve) => setImmediate(resolve))

/** A clock of the system whose monotonic time is what the test says. */
const clockAt = (time: { millis: number }) => {
  vi.spyOn(process.hrtime, "bigint").mockImplementation(() => BigInt(time.millis) * 1_000_000n)
  return new TurnClock(ofSystem)
}

describe("the clock of a pool", () => {
  it("reads the system's clock once in a turn of the event loop", async () => {
    const time = { millis: 1_000_000 }
    const clock = clockAt(time)
    time.millis += 5
    assert.strictEqual(clock.ofTurn(), 5)
    time.millis += 5
    assert.strictEqual(clock.ofTurn(), 5)
    await turn()
    assert.strictEqual(clock.ofTurn(), 10)
  })

  it("reads it every time for a while after a turn in which it was asked for only once", async () => {
    const time = { millis: 1_000_000 }
    const clock = clockAt(time)
    clock.ofTurn()
    await turn()
    for (let i = 1; i <= 64; i++) {
      time.millis++
      assert.strictEqual(clock.ofTurn(), i)
    }
    time.millis++
    for (let i = 0; i < 10; i++) assert.strictEqual(clock.ofTurn(), 65)
    time.millis++
    assert.strictEqual(clock.ofTurn(), 65)
    await turn()
    assert.strictEqual(clock.ofTurn(), 66)
    time.millis++
    assert.strictEqual(clock.ofTurn(), 66)
  })

  it("never says less than it has said", () => {
    const time = { millis: 1_000_000 }
    const clock = clockAt(time)
    assert.strictEqual(clock.ofTurn(), 0)
    time.millis += 5
    assert.strictEqual(clock.now(), 5)
    assert.strictEqual(clock.ofTurn(), 5)
  })

  it("goes on as before when the system's clock is set, which only dates follow (A18)", () => {
    const time = { millis: 1_000_000 }
    const wall = vi.spyOn(Date, "now").mockImplementation(() => 5_000_000)
    const clock = clockAt(time)
    time.millis += 5
    wall.mockImplementation(() => 9_000_000)
    assert.strictEqual(clock.now(), 5)
    assert.strictEqual(clock.date(5), 9_000_000)
    assert.strictEqual(clock.date(2), 8_999_997)
    wall.mockImplementation(() => 1_000)
    assert.strictEqual(clock.now(), 5)
    assert.strictEqual(clock.date(5), 1_000)
  })

  it.effect("reads a clock that is not the system's every time", () =>
    Effect.gen(function*() {
      const clock = new TurnClock(yield* Clock.Clock)
      assert.strictEqual(clock.ofTurn(), 0)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(clock.ofTurn(), 1000)
    }))
})
