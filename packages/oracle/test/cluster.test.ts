/**
 * Effect's sharding and its durable workflows over both cluster storages, each runner a process: what moves when one ends. Longer runs, with
 * three runners that are killed all the time, are `npm run cluster`.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { openCluster } from "./clusterProcesses.ts"
import { Account, Order } from "./clusterRunner.ts"

const names = ["ada", "bob", "cy", "dee", "eve", "flo", "gil", "hal"]

describe("both cluster storages", () => {
  it.live(
    "move entities and sleeping workflows to another process, and hand each message out once",
    () =>
      Effect.gen(function*() {
        const { client, done, end, isThere, start, waitsForTime } = yield* openCluster({ locks: "session" })
        /** A payment for every account at once; the runners that made them. */
        const pay = (round: string) =>
          Effect.gen(function*() {
            const account = yield* Account.client
            const runners = yield* Effect.forEach(
              names,
              (name) => account(name).pay({ payment: `${name} ${round}` }),
              { concurrency: "unbounded" }
            )
            return names.map((name, index) => `${name} ${round} by ${runners[index]}`)
          }).pipe(Effect.provide(client))
        const order = { id: "order-1" }

        yield* start(1)
        const first = yield* pay("first")
        yield* Effect.provide(Order.execute(order, { discard: true }), client)
        yield* waitsForTime(1)
        yield* end(1, "SIGKILL")

        yield* start(2)
        const second = yield* pay("second")
        assert.deepStrictEqual(second, names.map((name) => `${name} second by 2`))
        assert.strictEqual(yield* Effect.provide(Order.execute(order), client), "order-1: reserve, charge")

        yield* start(3)
        yield* isThere(2, 3)
        assert.strictEqual(yield* end(2, "SIGTERM"), 0)
        const third = yield* pay("third")
        assert.deepStrictEqual(third, names.map((name) => `${name} third by 3`))

        assert.deepStrictEqual(
          yield* done,
          [...first, ...second, ...third, "reserve order-1 by 1", "charge order-1 by 2"].sort()
        )
      }),
    120_000
  )
})
