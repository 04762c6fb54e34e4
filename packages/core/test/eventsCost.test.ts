import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { vi } from "vitest"
import type * as PoolEvents from "../src/PoolEvent.ts"
import { beside, openPool, served, settled } from "./openPool.ts"

const made = vi.hoisted(() => ({ events: 0 }))

vi.mock("../src/PoolEvent.ts", async (load) => {
  const module = await load<typeof PoolEvents>()
  const PoolEvent = new Proxy(module.PoolEvent, {
    get: (constructors, name) => {
      made.events++
      return Reflect.get(constructors, name)
    }
  })
  return { ...module, PoolEvent }
})

describe("the cost of events", () => {
  it.effect("is nothing while nobody listens: none is made", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1, leakDetectionThreshold: "1 second", timeout: "1 minute" })
      const life = Effect.gen(function*() {
        yield* beside(pool.use(() => Effect.sleep("2 seconds")))
        yield* beside(Effect.exit(served(pool, { waitTimeout: "1 second" })))
        yield* TestClock.adjust("2 minutes")
        yield* database.refuseToOpen(1)
        yield* Effect.exit(served(pool))
        yield* pool.reconfigure({ max: 2 })
        yield* TestClock.adjust("1 minute")
      })
      yield* life
      assert.strictEqual(made.events, 0)
      const listening = yield* beside(Stream.runDrain(pool.events))
      yield* life
      const heard = made.events
      assert.isAtLeast(heard, 9)
      yield* Fiber.interrupt(listening)
      yield* life
      yield* settled
      assert.strictEqual(made.events, heard)
    }))
})
