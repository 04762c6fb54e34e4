/** The rows that go through the driver, at their smallest: that they run, and count what does not depend on time. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { endToEnd } from "./endToEnd.ts"
import { recovery } from "./recovery.ts"
import type { Figure, Report } from "./row.ts"

const byMetric = ({ figures }: Report, metric: string): ReadonlyArray<Figure> =>
  figures.filter((figure) => figure.metric === metric)

const isSound = ({ figures, targets }: Report): void => {
  for (const { candidate, group, metric, values } of figures) {
    assert.isNotEmpty(values)
    assert.isTrue(values.every(Number.isFinite), `${group}: ${metric} of ${candidate}`)
  }
  assert.isNotEmpty(targets)
  for (const { measured, text } of targets) assert.isTrue(Number.isFinite(measured), text)
}

describe("end to end", () => {
  it.live(
    "every candidate makes a round trip for each statement and no other",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const report = yield* endToEnd.run("smallest")
        isSound(report)
        const expected = new Map([
          ["no statement a lease", 0],
          ["1 statement a lease", 1],
          ["20 statements a lease", 20]
        ])
        const counted = byMetric(report, "round trips a lease")
        assert.lengthOf(counted, 3 * 2 * 8)
        for (const { candidate, group, values } of counted) {
          assert.deepStrictEqual(values, [expected.get(group) ?? -1], `${group} of ${candidate}`)
        }
      })),
    120_000
  )
})

describe("recovery", () => {
  it.live(
    "every candidate is put to every trouble, and no caller of this pool is stuck",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const report = yield* recovery.run("smallest")
        isSound(report)
        assert.lengthOf(byMetric(report, "time until throughput is back"), 5 * 5)
        assert.lengthOf(report.targets, 3 * 2 + 2 * 3)
        const stuck = byMetric(report, "callers stuck").filter(({ candidate }) => candidate === "sessionpool")
        assert.deepStrictEqual(stuck.flatMap(({ values }) => values), [0, 0, 0, 0, 0])
      })),
    120_000
  )
})
