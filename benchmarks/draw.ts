/** Draws the plots, and the figures of docs/performance.md, from the results that are there. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Chart from "./chart.ts"
import * as Measured from "./measured.ts"
import { plots } from "./plots.ts"
import * as Results from "./results.ts"

export const draw = (): void => {
  const results = Results.readAll()
  for (const plot of plots) {
    const svg = Chart.draw(plot, results)
    if (svg !== undefined) writeFileSync(join(Results.folder, `${plot.name}.svg`), svg)
  }
  Measured.write(results)
}
