import { assert, describe, it } from "@effect/vitest"
import { firstSustained, sliced } from "./recoveryMoment.ts"

describe("slices", () => {
  it("count what falls into each, and leave out what falls outside", () => {
    const moments = [99, 100, 109.9, 110, 125, 129.9, 130, 500]
    assert.deepStrictEqual(sliced(moments, { from: 100, to: 130, slice: 10 }), [2, 1, 2])
    // What is left of the span is no slice.
    assert.deepStrictEqual(sliced(moments, { from: 100, to: 129, slice: 10 }), [2, 1])
  })
})

describe("a throughput is back", () => {
  const slices = { few: 2, many: 5 }
  const back = (...counts: ReadonlyArray<number>) => firstSustained(counts, 9, slices)

  it("at once when it never was away", () => assert.strictEqual(back(10, 10, 10, 10, 10), 0))

  it("from the first slice on that begins it", () => assert.strictEqual(back(0, 0, 3, 10, 10, 10, 10, 10), 3))

  it("although a slice is short of it, when others make up for that", () =>
    assert.strictEqual(back(0, 10, 8, 10, 8, 10), 1))

  it("not with a burst that does not last", () => {
    assert.strictEqual(back(0, 30, 0, 0, 0, 10, 10, 10, 10, 10), 5)
    assert.isUndefined(back(10, 10, 10, 0, 0, 10, 10))
  })

  it("never, when too little of the time is left to tell", () => assert.isUndefined(back(0, 0, 0, 10, 10, 10)))
})
