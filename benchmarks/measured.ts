/** The part of docs/performance.md that says what was measured, written from the results. */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { plots } from "./plots.ts"
import type { Results } from "./results.ts"
import { rows } from "./rows.ts"
import { digits } from "./table.ts"

const page = join(import.meta.dirname, "..", "docs", "performance.md")

const begin = "<!-- measured: npm run bench writes from here -->"
const end = "<!-- measured: to here -->"

/** The plots that the page shows by itself. */
const shown = new Set(["lease", "contention", "end-to-end"])

/** A table as the formatter leaves it. */
const table = (lines: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(3, ...lines.map((line) => line[column]!.length)))
  const [head, ...body] = lines.map((line) =>
    `| ${line.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`
  )
  return [head, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...body].join("\n")
}

const distinct = (values: ReadonlyArray<string>): string => [...new Set(values)].join("; ")

/** The targets that a row has missed, one a line. */
const missed = ({ targets, title }: Results): ReadonlyArray<string> =>
  targets.filter(({ isMet }) => !isMet)
    .map(({ bound, direction, measured, text }) =>
      `- _${title}_: ${text}: ${measured === null ? "–" : digits(measured)}, ${direction} ${digits(bound)}`
    )

/** What the page says of the results. */
export const summary = (results: ReadonlyMap<string, Results>): string => {
  const all = rows.flatMap(({ id }) => results.get(id) ?? [])
  const settings = all.map(({ setting }) => setting)
  const machine = distinct(
    settings.map(({ cores, cpu, node, system }) => `${cpu}, ${cores} cores, ${system}, Node ${node}`)
  )
  const dates = distinct(settings.map(({ date }) => date))
  const lines = all.map((row) => [
    `[${row.title}](../benchmarks/results/${row.row}.json)`,
    `${row.targets.filter(({ isMet }) => isMet).length} of ${row.targets.length}`,
    row.noise === null ? "–" : `${(row.noise * 100).toFixed(1)} %`
  ])
  const allMissed = all.flatMap(missed)
  const images = plots.filter(({ name }) => shown.has(name))
    .map(({ name, title }) => `![${title}](../benchmarks/results/${name}.svg)`)
  return [
    `${machine}; measured ${dates}.`,
    table([["what", "targets met", "noise"], ...lines]),
    ...(allMissed.length === 0 ? [] : ["Targets that were missed:", allMissed.join("\n")]),
    ...images
  ].join("\n\n")
}

/** The page with the summary in its place. */
export const inserted = (text: string, results: ReadonlyMap<string, Results>): string => {
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  if (from === -1 || to === -1) throw new Error(`docs/performance.md has no place for what was measured: ${begin}`)
  return `${text.slice(0, from + begin.length)}\n\n${summary(results)}\n\n${text.slice(to)}`
}

export const write = (results: ReadonlyMap<string, Results>): void =>
  writeFileSync(page, inserted(readFileSync(page, "utf8"), results))
