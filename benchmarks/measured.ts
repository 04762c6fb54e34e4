/** The part of docs/performance.md that says what was measured, written from the results. */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { plots } from "./plots.ts"
import type { Results } from "./results.ts"
import { rows } from "./rows.ts"
import { digits, interval, noiseOf } from "./table.ts"

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

/** One row: where it was measured, how noisy that was, and its targets. */
const section = (results: Results): string => {
  const { setting, targets, title } = results
  const { commit, cores, cpu, date, node, processes } = setting
  const noise = noiseOf(results)
  const lines = targets.map((target) => [
    target.text,
    `${target.direction} ${digits(target.bound)}`,
    target.measured === null ? "–" : digits(target.measured),
    interval(target),
    target.isMet ? "yes" : "**no**"
  ])
  return [
    `### ${title}`,
    [
      `[All figures](../benchmarks/results/${results.row}.json) of commit ${commit}, ${date}: ${cpu}, ${cores} cores, Node ${node}`,
      processes === 1 ? "one process" : `${processes} processes`,
      noise === undefined ? "nothing was measured twice" : `noise ${noise}`
    ].join("; ") + ".",
    table([["target", "bound", "measured", "in the processes", "met"], ...lines])
  ].join("\n\n")
}

/** What the page says of the results. */
export const summary = (results: ReadonlyMap<string, Results>): string => {
  const all = rows.flatMap(({ id }) => results.get(id) ?? [])
  const met = all.flatMap(({ targets }) => targets).filter(({ isMet }) => isMet).length
  const count = all.reduce((sum, { targets }) => sum + targets.length, 0)
  const images = (row: string) =>
    plots.filter(({ name, panels }) => shown.has(name) && panels[0]?.row === row)
      .map(({ name, title }) => `![${title}](../benchmarks/results/${name}.svg)`)
  return [
    `${met} of ${count} targets are met.`,
    ...all.flatMap((results) => [section(results), ...images(results.row)])
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
