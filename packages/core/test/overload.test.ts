import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit } from "effect"
import { TestClock } from "effect/testing"
import * as Overload from "../src/internal/data/overload.ts"
import { beside, openPool, type Pool, served, settled } from "./openPool.ts"

const target = 100
const options = { interval: 1000, target, oldestWait: 0 }

/** What the pool makes of waits that are served one after another. */
const after = (...steps: ReadonlyArray<readonly [at: number, wait: number]>) =>
  steps.reduce(
    (state, [at, wait]) => Overload.served(Overload.roll(state, at, options), wait, target),
    Overload.initial(0)
  )

describe("the measure of overload", () => {
  const cases: ReadonlyArray<
    readonly [what: string, state: Overload.Overload, oldestWait: number, expected: number | undefined]
  > = [
    ["nothing has happened", Overload.initial(0), 500, undefined],
    ["slow, but for less than an interval", after([100, 300], [900, 300]), 500, undefined],
    ["slow throughout an interval", after([100, 300], [900, 300], [1000, 300]), 500, 500],
    ["the last wait counts as well as that of the oldest", after([100, 300], [1000, 700]), 250, 700],
    ["a wait of no more than twice the target is let in", after([100, 150], [1000, 200]), 200, undefined],
    ["with nobody waiting it is over", after([100, 300], [1000, 700]), 0, undefined],
    ["one that was served in time in that interval", after([100, 300], [500, 100], [1000, 300]), 500, undefined],
    ["one that was served in time since", after([100, 300], [1000, 300], [1100, 50]), 500, undefined],
    ["an interval without anybody served or waiting", after([100, 300], [2500, 300], [3600, 300]), 500, 500]
  ]
  for (const [what, state, oldestWait, expected] of cases) {
    it(`${what}: ${expected === undefined ? "lets in" : `refuses, with ${expected} ms to be expected`}`, () => {
      assert.strictEqual(Overload.refusal(state, target, oldestWait), expected)
    })
  }

  it("a queue in which nobody was served at all counts as slow, once the oldest has waited past the target", () => {
    const stuck = Overload.roll(Overload.initial(0), 1000, { ...options, oldestWait: 101 })
    assert.strictEqual(Overload.refusal(stuck, target, 1000), 1000)
    const fast = Overload.roll(Overload.initial(0), 1000, { ...options, oldestWait: 100 })
    assert.isUndefined(Overload.refusal(fast, target, 1000))
  })
})

describe("queueTarget", () => {
  /** A request every 50 ms for as long as is told, each for a session that it holds for 150 ms. */
  const load = (pool: Pool, millis: number) =>
    Effect.gen(function*() {
      const waits: Array<number> = []
      const refusedAt: Array<number> = []
      const request = Effect.gen(function*() {
        const began = yield* Clock.currentTimeMillis
        yield* pool.use(() =>
          Effect.andThen(
            Effect.map(Clock.currentTimeMillis, (now) => waits.push(now - began)),
            Effect.sleep(150)
          )
        ).pipe(Effect.catchTag("PoolOverloadedError", () => Effect.sync(() => refusedAt.push(began))))
      })
      const end = (yield* Clock.currentTimeMillis) + millis
      for (let at = end - millis; at < end; at += 50) {
        yield* Effect.forkScoped(request)
        yield* TestClock.adjust(50)
      }
      return { waits, refusedAt }
    })

  it.effect("refuses newcomers at once when every wait of a whole interval was too long, and so bounds the wait", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, queueTarget: 100, queueInterval: "1 second" })
      const { refusedAt, waits } = yield* load(pool, 10_000)
      assert.isAbove(refusedAt.length, 50)
      assert.isAtLeast(refusedAt[0]!, 1000, "nobody is refused before an interval was slow")
      // What two intervals bring in: the first began with requests that were served in time.
      assert.isAtMost(Math.max(...waits), 4000)
      assert.strictEqual((yield* pool.statistics).totals.refused, refusedAt.length)
      yield* pool.close({ force: true })
    }))

  it.effect("lets in again when the queue has recovered", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, queueTarget: 100, queueInterval: "1 second", name: "hr" })
      const held = yield* pool.acquire()
      const crowd = [yield* beside(served(pool))]
      yield* TestClock.adjust("1 second")
      crowd.push(yield* beside(served(pool)))
      yield* TestClock.adjust("1 second")
      const error = yield* Effect.flip(pool.acquire())
      assert.strictEqual(error._tag, "PoolOverloadedError")
      assert.include(
        error.message,
        `Session pool "hr" is overloaded: a request would wait about 2s, more than twice the queueTarget of 100ms (1 busy`
      )
      yield* pool.release(held)
      yield* settled
      assert.isTrue(crowd.every((fiber) => fiber.pollUnsafe() !== undefined))
      const next = yield* pool.acquire()
      const waits = yield* beside(served(pool))
      assert.isUndefined(waits.pollUnsafe())
      yield* pool.release(next)
    }))

  /** One request held from 5.0 s on, one that waits from then until `releasedAt`, and one that comes 50 ms before `newcomerAt`. */
  const newcomer = (secondAt: number, releasedAt: number, newcomerAt: number) =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, queueTarget: 100, queueInterval: "1 second" })
      // What opens a session counts as served in time.
      yield* served(pool)
      yield* TestClock.adjust(5000)
      const held = yield* pool.acquire()
      yield* beside(pool.acquire())
      const till = (at: number) => Effect.andThen(TestClock.setTime(at), settled)
      if (secondAt < releasedAt) {
        yield* till(secondAt)
        yield* beside(served(pool))
      }
      yield* till(releasedAt)
      yield* pool.release(held)
      yield* settled
      if (secondAt >= releasedAt) {
        yield* till(secondAt)
        yield* beside(served(pool))
      }
      yield* till(newcomerAt)
      const fiber = yield* beside(Effect.flip(pool.acquire()))
      const answer = fiber.pollUnsafe()
      yield* pool.close({ force: true })
      return answer
    })

  it.effect("an interval in which requests were served, but all of them late, is slow", () =>
    Effect.gen(function*() {
      const answer = yield* newcomer(5950, 5900, 6000)
      assert.isTrue(answer !== undefined && Exit.isSuccess(answer))
      if (answer === undefined || !Exit.isSuccess(answer)) return
      // The wait to expect is that of the last one that was served.
      assert.deepInclude(answer.value, { _tag: "PoolOverloadedError", expectedWaitMillis: 900, targetMillis: 100 })
    }))

  it.effect("one that is served late once an interval is over counts for the next one", () =>
    Effect.gen(function*() {
      assert.isUndefined(yield* newcomer(5990, 6050, 6080))
    }))

  it.effect("a free session is lent whatever the queue was like", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, queueTarget: 100, queueInterval: "1 second" })
      const held = yield* pool.acquire()
      yield* beside(pool.acquire({ tag: "A=1", waitTimeout: "3 seconds" }).pipe(Effect.exit))
      yield* TestClock.adjust("4 seconds")
      yield* pool.release(held)
      assert.strictEqual(yield* served(pool), held.id)
    }))

  it.effect("is off unless told", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      const { refusedAt, waits } = yield* load(pool, 10_000)
      assert.lengthOf(refusedAt, 0)
      assert.isAbove(Math.max(...waits), 5000)
      yield* pool.close({ force: true })
    }))
})
