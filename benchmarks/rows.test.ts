/** Every row runs once at its smallest size, and what it answers can be kept, printed and drawn. No time is held to a bound here. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Chart from "./chart.ts"
import { plots } from "./plots.ts"
import * as Results from "./results.ts"
import { rows } from "./rows.ts"
import * as Setting from "./setting.ts"
import * as Table from "./table.ts"

const results = new Map<string, Results.Results>()

describe("rows", () => {
  for (const row of rows) {
    it.live(row.title, () =>
      Effect.gen(function*() {
        const setting = Setting.begin()
        const report = yield* row.run("smallest")
        assert.isNotEmpty(report.figures)
        for (const { candidate, group, metric, values } of report.figures) {
          assert.isNotEmpty(values, `${group}, ${candidate}, ${metric}`)
          for (const value of values) {
            assert.isTrue(Number.isFinite(value), `${group}, ${candidate}, ${metric}: ${value}`)
          }
        }
        assert.isNotEmpty(report.targets)
        for (const { measured, text } of report.targets) {
          assert.isTrue(Number.isFinite(measured), `${text}: ${measured}`)
        }
        const kept = Results.of(row, [report], setting())
        assert.deepStrictEqual(Results.parse(Results.print(kept)), kept)
        const table = Table.render(kept)
        for (const { candidate } of report.figures) assert.include(table, candidate)
        for (const { text } of report.targets) assert.include(table, text)
        results.set(row.id, kept)
        // Some start processes, which takes long where many tests run at once.
      }).pipe(Effect.scoped), 180_000)
  }

  it("are what the plots show", () => {
    for (const plot of plots) {
      for (const { group, metric, row } of plot.panels) {
        const figures = results.get(row)?.figures ?? []
        assert.isTrue(
          figures.some((figure) => figure.group === group && figure.metric === metric),
          `${plot.name} shows ${metric} of ${group}, which ${row} does not measure`
        )
      }
      const svg = Chart.draw(plot, results)
      assert.isDefined(svg)
      assert.strictEqual(Chart.draw(plot, results), svg)
    }
  })
})
