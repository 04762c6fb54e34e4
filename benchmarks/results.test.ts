/** What is committed belongs together: `npm run bench -- --draw` draws all of it from the results. */
import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as Chart from "./chart.ts"
import * as Measured from "./measured.ts"
import { plots } from "./plots.ts"
import * as Results from "./results.ts"

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
