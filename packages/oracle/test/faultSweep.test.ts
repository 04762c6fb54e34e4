import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { isReal } from "./database.ts"
import { describeSweep, type Pass, type Phase, phases, sweep } from "./faultSweep.ts"

/** Primes, so that the offsets do not keep to the fields of a packet; `npm run sweep -- faults` tries every byte. */
const steps: { readonly [P in Phase]: { readonly cut: number; readonly stall: number } } = {
  connect: { cut: 67, stall: 199 },
  query: { cut: 7, stall: 23 },
  fetch: { cut: 29, stall: 149 },
  commit: { cut: 3, stall: 17 },
  release: { cut: 1, stall: 5 }
}

const passes = (phase: Phase): ReadonlyArray<Pass> =>
  (["toClient", "toServer"] as const).flatMap((direction) =>
    (["cut", "stall"] as const).map((ending) => ({ phase, direction, ending, step: steps[phase][ending] }))
  )

describe.skipIf(isReal)("a connection that ends or falls silent at any byte", () => {
  for (const phase of phases) {
    it.live(`of ${phase} costs a typed error, and never a session or a place in the pool`, () =>
      Effect.gen(function*() {
        const results = yield* Effect.forEach(passes(phase), sweep, { concurrency: "unbounded" })
        yield* Effect.sync(() => process.stdout.write(`${results.map(describeSweep).join("\n")}\n`))
        assert.deepStrictEqual(results.flatMap((result) => result.problems), [])
        for (const result of results) {
          assert.isAbove(result.offsets, 1)
          // What fails is the rule: only the very last bytes are ones that nobody waits for.
          if (phase !== "release") assert.isAbove(result.offsets, result.outcomes.get("success") ?? 0)
        }
      }))
  }
})
