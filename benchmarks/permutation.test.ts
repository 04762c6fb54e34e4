import { assert, describe, it } from "@effect/vitest"
import { permutation } from "./permutation.ts"

describe("permutation", () => {
  it("has every number once", () => {
    for (const count of [0, 1, 2, 100]) {
      assert.deepStrictEqual(
        [...permutation(count, 7)].sort((a, b) => a - b),
        Array.from({ length: count }, (_, i) => i)
      )
    }
  })

  it("is the same for a seed, and another for another", () => {
    assert.deepStrictEqual(permutation(100, 1), permutation(100, 1))
    assert.notDeepEqual(permutation(100, 1), permutation(100, 2))
  })

  it("puts each number in each place about as often", () => {
    const places = Array.from({ length: 5 }, () => 0)
    for (let seed = 0; seed < 1000; seed++) places[permutation(5, seed).indexOf(0)]!++
    for (const times of places) assert.closeTo(times, 200, 80)
  })
})
