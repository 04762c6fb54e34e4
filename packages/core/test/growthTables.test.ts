import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { isOverdue, sessionsToFill, sessionsToOpen, sessionsToReplace } from "../src/internal/decisions/growth.ts"
import { expiry } from "../src/internal/entities/session.ts"

describe("sessionsToOpen", () => {
  const cases: ReadonlyArray<
    readonly [
      unmet: number,
      increment: number,
      shardRoom: number,
      room: number,
      unmetElsewhere: number,
      opens: number,
      why: string
    ]
  > = [
    [0, 4, Infinity, 10, 0, 0, "nobody waits"],
    [1, 1, Infinity, 10, 0, 1, "one by one"],
    [3, 1, Infinity, 10, 0, 3, "one for each who waits"],
    [1, 4, Infinity, 10, 0, 4, "a whole increment for one"],
    [4, 4, Infinity, 10, 0, 4, "one increment for as many"],
    [5, 4, Infinity, 10, 0, 8, "two increments for one more"],
    [5, 4, Infinity, 6, 0, 6, "clipped at the room"],
    [5, 4, Infinity, 3, 0, 3, "less room than need"],
    [5, 4, Infinity, 0, 0, 0, "no room"],
    [5, 4, Infinity, -2, 0, 0, "less than no room"],
    [1, 4, Infinity, 4, 2, 2, "what is beyond the need leaves room for others"],
    [3, 4, Infinity, 4, 4, 3, "the need comes first"],
    [3, 1, 2, 10, 0, 2, "clipped at the shard"],
    [1, 4, 2, 10, 0, 2, "an increment is clipped at the shard too"],
    [1, 4, -1, 10, 0, 0, "a shard that is over its bound"]
  ]
  for (const [unmet, increment, shardRoom, room, unmetElsewhere, opens, why] of cases) {
    it(`${why}: ${opens}`, () => {
      assert.strictEqual(sessionsToOpen({ unmet, increment, shardRoom }, room, unmetElsewhere), opens)
    })
  }

  it("never opens past a bound, nor less than it could for who waits, nor nothing while there is room", () => {
    const count = fc.nat(50)
    fc.assert(
      fc.property(
        count,
        fc.integer({ min: 1, max: 50 }),
        count,
        count,
        count,
        (unmet, increment, shard, room, other) => {
          const opens = sessionsToOpen({ unmet, increment, shardRoom: shard }, room, other)
          assert.isAtMost(opens, Math.min(room, shard))
          assert.isAtLeast(opens, Math.min(unmet, room, shard))
          assert.isBelow(opens, unmet + increment)
          if (opens > unmet) assert.isAtLeast(room - opens, Math.min(other, room - unmet))
        }
      )
    )
  })
})

describe("the other decisions", () => {
  it("sessionsToFill: what is missing to min, as far as there is room", () => {
    assert.deepStrictEqual(
      [[5, 0, 10], [5, 3, 10], [5, 5, 10], [5, 9, 10], [5, 0, 2], [5, 0, -1]].map(([min, open, room]) =>
        sessionsToFill(min!, open!, room!)
      ),
      [5, 2, 0, 0, 2, 0]
    )
  })

  it("sessionsToReplace: what no closing session makes room for", () => {
    assert.deepStrictEqual(
      [[3, 0], [3, 2], [3, 3], [3, 9], [0, 0], [2, -4]].map(([unmet, room]) => sessionsToReplace(unmet!, room!)),
      [3, 1, 0, 0, 0, 2]
    )
  })

  it("isOverdue: passed over four times for each session of max", () => {
    assert.deepStrictEqual([isOverdue(15, 4), isOverdue(16, 4), isOverdue(0, 1)], [false, true, false])
  })

  it("expiry: the lifetime, shortened by the part drawn; never without one", () => {
    assert.deepStrictEqual([expiry(100, 1000, 1), expiry(100, 1000, 0.9), expiry(100, Infinity, 0.9)], [
      1100,
      1000,
      Infinity
    ])
  })
})
