import { assert, describe, it } from "@effect/vitest"
import { exponent } from "./fit.ts"

const sizes = [10, 100, 1000, 10_000]
const points = (cost: (size: number) => number) => sizes.map((size) => ({ size, cost: cost(size) }))

describe("exponent", () => {
  it("is that of a power law, whatever its factor", () => {
    assert.closeTo(exponent(points((size) => 7 * size)), 1, 1e-12)
    assert.closeTo(exponent(points((size) => 0.01 * size ** 2)), 2, 1e-12)
    assert.closeTo(exponent(points(() => 42)), 0, 1e-12)
  })

  it("is between those of the parts of a sum", () => {
    const fitted = exponent(points((size) => size + size ** 2 / 1000))
    assert.isAbove(fitted, 1)
    assert.isBelow(fitted, 2)
  })

  it("is little moved by noise", () => {
    const noisy = sizes.map((size, index) => ({ size, cost: size * (index % 2 === 0 ? 1.1 : 0.9) }))
    assert.closeTo(exponent(noisy), 1, 0.05)
  })

  it("is no number without two sizes", () => {
    assert.isNaN(exponent([]))
    assert.isNaN(exponent([{ size: 10, cost: 3 }]))
  })
})
