import { assert, describe, it } from "@effect/vitest"
import { again, noise, quantile, ratioTarget, spread } from "./compare.ts"
import type { Figure } from "./row.ts"

const figure = (candidate: string, ...values: ReadonlyArray<number>): Figure => ({
  group: "a lease",
  candidate,
  metric: "time",
  unit: "ns",
  values
})

describe("compare", () => {
  it("takes the value below which a part of all is", () => {
    const values = [5, 1, 4, 2, 3]
    assert.strictEqual(quantile(values, 0), 1)
    assert.strictEqual(quantile(values, 0.5), 3)
    assert.strictEqual(quantile(values, 1), 5)
    assert.isNaN(quantile([], 0.5))
  })

  it("calls the width of the middle half the spread", () => {
    assert.strictEqual(spread([100, 100, 100, 900]), 0)
    assert.isNaN(spread([100]))
    assert.strictEqual(spread([80, 90, 100, 110, 120]), 0.2)
  })

  it("calls noise how far a candidate is from itself, at worst", () => {
    assert.isUndefined(noise([figure("ours", 100)]))
    const figures = [
      figure("ours", 100),
      figure(again("ours"), 103),
      figure("theirs", 200),
      figure(again("theirs"), 190)
    ]
    assert.closeTo(noise(figures)!, 0.05, 1e-12)
  })

  it("looks for noise in the first quantity of a group only", () => {
    const other = (name: string, value: number) => ({ ...figure(name, value), metric: "wait p99" })
    const figures = [figure("ours", 100), other("ours", 10), figure(again("ours"), 101), other(again("ours"), 90)]
    assert.closeTo(noise(figures)!, 0.01, 1e-12)
  })

  it("compares with the best of the others", () => {
    const figures = [figure("ours", 90, 110, 100), figure("slow", 400), figure("fast", 200)]
    const target = { text: "time", bound: 0.8, where: { metric: "time" }, of: "ours", to: ["slow", "fast"] }
    assert.strictEqual(ratioTarget(figures, { ...target, direction: "at most" }).measured, 0.5)
    assert.strictEqual(ratioTarget(figures, { ...target, direction: "at least" }).measured, 0.25)
    assert.isNaN(ratioTarget(figures, { ...target, direction: "at most", of: "absent" }).measured)
  })
})
