import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { isReal } from "./database.ts"
import { playRounds } from "./socketRounds.ts"

describe.skipIf(isReal)("random work over a socket with latency, interrupted at random", () => {
  it.live("leaves nothing behind, and the next lease works (laws 13 and 14)", () =>
    Effect.gen(function*() {
      const { problems } = yield* playRounds(1, 15)
      assert.deepStrictEqual(problems, [])
    }), 100_000)

  it.live("shows what a pool leaves to the next lease that was told to keep it", () =>
    Effect.gen(function*() {
      const { problems } = yield* playRounds(3, 200, { endToEnd: "keep" })
      assert.deepStrictEqual(problems, ["the next lease shows the module of the one before"])
    }), 100_000)
})
