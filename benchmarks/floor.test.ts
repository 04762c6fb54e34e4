/** A floor that loses sessions would be no floor: it would leave out what makes a lease cost something. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Scheduler } from "effect"
import * as Floor from "./floor.ts"

/** Interrupts a lease after so many turns of the scheduler, which gives every operation one of its own. */
const interruptedAfter = (turns: number, lease: Effect.Effect<unknown, unknown>) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkDetach(Effect.provideService(lease, Scheduler.MaxOpsBeforeYield, 3))
    for (let i = 0; i < turns; i++) yield* Effect.yieldNow
    yield* Fiber.interrupt(fiber)
  })

const held = Effect.forever(Effect.yieldNow)

const forms: Record<string, (idle: Array<object>) => Effect.Effect<unknown>> = {
  use: (idle) => Floor.use(idle, () => held),
  get: (idle) => Effect.scoped(Effect.andThen(Floor.get(idle), held)),
  "Queue.use": (idle) => new Floor.Queue(idle).use(() => held)
}

describe("floor", () => {
  for (const [name, lease] of Object.entries(forms)) {
    it.effect(`${name} gives its session back wherever it is interrupted`, () =>
      Effect.gen(function*() {
        for (let turns = 0; turns < 30; turns++) {
          const idle = [{}]
          yield* interruptedAfter(turns, lease(idle))
          assert.lengthOf(idle, 1, `after ${turns} turns`)
        }
      }))
  }

  it.effect("serves who waits in order, past those who gave up", () =>
    Effect.gen(function*() {
      const queue = new Floor.Queue([{}])
      const served: Array<number> = []
      const holder = yield* Effect.forkDetach(queue.use(() => Effect.never), { startImmediately: true })
      const waiters: Array<Fiber.Fiber<unknown>> = []
      for (let i = 0; i < 20_000; i++) {
        waiters.push(
          yield* Effect.forkDetach(queue.use(() => Effect.sync(() => served.push(i))), { startImmediately: true })
        )
      }
      yield* Fiber.interrupt(waiters[1]!)
      yield* Fiber.interrupt(holder)
      yield* Effect.forEach(waiters, Fiber.await, { discard: true })
      assert.lengthOf(served, 19_999)
      assert.deepStrictEqual(served.slice(0, 3), [0, 2, 3])
    }))
})
