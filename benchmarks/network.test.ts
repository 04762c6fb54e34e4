/** Round trips do not depend on time: over a relay each pool is asked to do the same, and this one never needs more than another. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { network } from "./network.ts"

const pool = "sessionpool"

describe("over a network", () => {
  it.live(
    "this pool makes the round trips of its statements, and never more than another pool",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const { figures } = yield* network.run("smallest")
        const groups = Map.groupBy(
          figures.filter(({ metric }) => metric.startsWith("round trips")),
          ({ group }) => group
        )
        // Connecting takes two, a log-on two, a statement one each.
        const expected = [
          ["log-on to first row", 4],
          ["1 statement a lease, 1 caller", 1],
          ["1 statement a lease, 9 callers", 1],
          ["1 statement a lease, 16 callers", 1],
          ["20 statements a lease, 1 caller", 20],
          ["20 statements a lease, 9 callers", 20],
          ["20 statements a lease, 16 callers", 20],
          ["20 statements at once on a lease, 1 caller", 20],
          ["a transaction of 5 statements, 9 callers", 6],
          ["a stream of 1,000 rows", 10]
        ] as const
        assert.deepStrictEqual([...groups.keys()], expected.map(([group]) => group))
        for (const [group, trips] of expected) {
          const found = groups.get(group)!
          const of = (candidate: string) => found.find((figure) => figure.candidate === candidate)!.values[0]!
          assert.strictEqual(of(pool), trips, group)
          for (const peer of ["node-oracledb pool", "Effect Pool"]) {
            assert.isAtMost(of(pool), of(peer), `${group}, ${peer}`)
          }
          assert.isAtMost(of("sessionpool, pipelining"), trips, group)
        }
        // What is ready in the same run of the scheduler goes together, which a busy machine may cut into more runs: at best one or two.
        const together = groups.get("20 statements at once on a lease, 1 caller")!
        assert.isBelow(together.find(({ candidate }) => candidate === "sessionpool, pipelining")!.values[0]!, 20)
        // The same here: where each of the 16 was alone in its run, none is saved. So a busy machine gets another try.
        const single = groups.get("1 statement a lease, 16 callers")!
        assert.isBelow(single.find(({ candidate }) => candidate.endsWith("shared sessions"))!.values[0]!, 1)
      })),
    { timeout: 120_000, retry: 2 }
  )
})
