/** What is committed belongs together: `npm run bench -- --draw` draws all of it from the results. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as Chart from "./chart.ts"
import { again } from "./compare.ts"
import * as Measured from "./measured.ts"
import { plots } from "./plots.ts"
import * as Results from "./results.ts"
import type { Report } from "./row.ts"
import * as Setting from "./setting.ts"
import * as Table from "./table.ts"

const results = Results.readAll()

describe("the committed results", () => {
  it("are drawn in the plots", () => {
    for (const plot of plots) {
      const file = join(Results.folder, `${plot.name}.svg`)
      const committed = existsSync(file) ? readFileSync(file, "utf8") : undefined
      assert.isTrue(Chart.draw(plot, results) === committed, `${plot.name}.svg is not that of the results`)
    }
  })

  it("are what docs/performance.md says", () => {
    const page = readFileSync(join(Results.folder, "..", "..", "docs", "performance.md"), "utf8")
    assert.strictEqual(Measured.inserted(page, results), page)
  })

  it("say nothing of whose machine it was", () => {
    for (const row of results.values()) assert.notMatch(Results.print(row), /\/(home|root|tmp|Users)\//)
  })
})

describe("what several processes have measured", () => {
  const row = { id: "lease", title: "a lease", run: () => Effect.die("not run") }
  const report = (ours: ReadonlyArray<number>, measured: number): Report => ({
    figures: [
      { group: "g", candidate: "ours", metric: "time", unit: "ns", values: ours },
      { group: "g", candidate: again("ours"), metric: "time", unit: "ns", values: ours.map((value) => value * 1.1) }
    ],
    targets: [{ text: "fast", bound: 1, direction: "at most", measured }],
    notes: []
  })
  const setting = { ...Setting.begin()(), processes: 1 }

  it("meets a target only when every process meets it", () => {
    const of = (...measured: ReadonlyArray<number>) =>
      Results.of(row, [report([1], measured[0]!), ...measured.slice(1).map((each) => report([1], each))], setting)
        .targets[0]!
    assert.isTrue(of(0.8, 0.9, 1).isMet)
    assert.isFalse(of(0.8, 0.9, 1.01).isMet)
    assert.isFalse(of(0.8, Number.NaN, 0.9).isMet)
    assert.deepStrictEqual(of(0.8, 1.01, 0.9).processes, [0.8, 1.01, 0.9])
    assert.strictEqual(of(0.8, 1.01, 0.9).measured, 0.9)
    assert.strictEqual(Table.interval(of(0.8, 1.01, 0.9)), "0.80 to 1.01")
  })

  it("keeps the rounds of all, the median and the noise of each", () => {
    const { figures, noise, setting: { processes } } = Results.of(row, [report([1, 2, 9], 1), report([4], 1)], setting)
    assert.deepStrictEqual(figures[0]!.values, [1, 2, 9, 4])
    assert.deepStrictEqual(figures[0]!.processes, [2, 4])
    assert.deepStrictEqual(noise, [0.1, 0.1])
    assert.strictEqual(processes, 2)
  })
})
