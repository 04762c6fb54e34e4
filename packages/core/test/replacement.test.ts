/** One request causes one replacement, however long that takes. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, watch } from "./openPool.ts"

describe("a request that is passed over", () => {
  for (const [what, latency] of Object.entries({ open: { open: 100 }, close: { close: 3000, open: 100 } })) {
    it.effect(`causes one replacement, however slow it is to ${what} a session (A1)`, () =>
      Effect.gen(function*() {
        const { database, pool } = yield* openPool({
          max: 8,
          timeout: 0,
          database: { latency: { ...latency, open: 0, close: 0 } },
          onSession: (connection, { requestedTag }) => Effect.orDie(connection.setTag(requestedTag))
        })
        yield* Effect.forEach(Array.from({ length: 60 }, (_, i) => i), (i) =>
          beside(Effect.forever(pool.use({ tag: `T=${i % 3}`, matchAnyTag: true }, () => Effect.sleep(10)))))
        yield* TestClock.adjust(100)
        assert.strictEqual((yield* pool.statistics).opened, 8)
        for (const [operation, millis] of Object.entries(latency)) {
          yield* database.behave(operation as "open" | "close", { latency: millis })
        }
        const events = yield* watch(pool)
        const untagged = yield* beside(pool.use(({ tag }) =>
          Effect.succeed(tag)
        ))
        yield* TestClock.adjust(10_000)
        assert.isUndefined(yield* Fiber.join(untagged))
        const replaced = events.filter((event) => event._tag === "SessionClosed" && event.reason === "replaced")
        assert.lengthOf(replaced, 1)
        for (const operation of ["open", "close"] as const) yield* database.behave(operation, { latency: 0 })
      }))
  }
})
