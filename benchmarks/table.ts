/** Results as text for a terminal. */
import { isAgain, spread } from "./compare.ts"
import type { Figure, Results, Target } from "./results.ts"
import { median } from "./row.ts"

type Unit = Figure["unit"]

export const digits = (value: number): string => {
  const size = Math.abs(value)
  if (size >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString("en-US")
  return value.toFixed(size >= 10 ? 1 : 2)
}

/** A figure with its unit, as short as can be read. */
export const quantity = (value: number | null, unit: Unit): string => {
  if (value === null || !Number.isFinite(value)) return "–"
  switch (unit) {
    case "ns":
      return value >= 1e6
        ? `${digits(value / 1e6)} ms`
        : value >= 1e4
        ? `${digits(value / 1000)} µs`
        : `${digits(value)} ns`
    case "ms":
      return value >= 1000
        ? `${digits(value / 1000)} s`
        : value < 0.1
        ? `${digits(value * 1000)} µs`
        : `${digits(value)} ms`
    case "bytes":
      return Math.abs(value) >= 1e6 ? `${digits(value / 1e6)} MB` : `${digits(value)} B`
    case "per second":
      return value >= 1e6
        ? `${digits(value / 1e6)} M/s`
        : value >= 1000
        ? `${digits(value / 1000)} k/s`
        : `${digits(value)} /s`
    case "ratio":
      return value.toFixed(2)
    case "count":
      return digits(value)
  }
}

const percent = (part: number): string => `${(part * 100).toFixed(1)} %`

/** From the least to the largest of what the processes have measured. */
export const interval = ({ processes }: Target): string => {
  const known = processes.filter((value) => value !== null)
  if (known.length < processes.length || known.length === 0) return "–"
  const [low, high] = [digits(Math.min(...known)), digits(Math.max(...known))]
  return low === high ? low : `${low} to ${high}`
}

/** How far a candidate is from itself, in the process where it is least and in that where it is most. */
export const noiseOf = ({ noise }: Results): string | undefined => {
  if (noise.length === 0) return undefined
  const [low, high] = [percent(Math.min(...noise)), percent(Math.max(...noise))]
  return low === high ? low : `${low.slice(0, -2)} to ${high}`
}

/** Columns as wide as what is in them; the first begins at the left, the others end at the right. */
const columns = (rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows.map((row) =>
    row.map((cell, column) => column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)).join("   ")
      .trimEnd()
  )
}

const distinct = <A>(values: ReadonlyArray<A>): ReadonlyArray<A> => [...new Set(values)]

/** How far the medians of the processes are apart, as a part of their median. */
const between = (processes: ReadonlyArray<number>): string =>
  processes.length < 2
    ? "–"
    : `${((Math.max(...processes) - Math.min(...processes)) / Math.abs(median(processes)) * 100).toFixed(0)} %`

/**
 * One group at one size: a line for each candidate, a column for each quantity. The first quantity also has its spread (how wide
 * the middle half of the rounds is), how far the processes are apart, and its ratio to that of the first candidate.
 */
const section = (figures: ReadonlyArray<Figure>): ReadonlyArray<string> => {
  const metrics = distinct(figures.map(({ metric }) => metric))
  const candidates = distinct(figures.map(({ candidate }) => candidate))
  const find = (candidate: string, metric: string) =>
    figures.find((figure) => figure.candidate === candidate && figure.metric === metric)
  const [main, ...others] = metrics as [string, ...ReadonlyArray<string>]
  const base = find(candidates[0]!, main)
  const cell = (figure: Figure | undefined) => figure === undefined ? "–" : quantity(median(figure.values), figure.unit)
  const { group, size } = figures[0]!
  // A ratio of ratios says nothing.
  const isCompared = base?.unit !== "ratio"
  const compared = (...cells: ReadonlyArray<string>) => isCompared ? cells : []
  return columns([
    [
      size === undefined ? group : `${group}: ${digits(size)}`,
      main,
      ...compared("rounds", "processes", "ratio"),
      ...others
    ],
    ...candidates.map((candidate) => {
      const figure = find(candidate, main)
      return [
        `  ${candidate}`,
        cell(figure),
        ...compared(
          figure === undefined || figure.values.length < 2 ? "–" : `${(spread(figure.values) * 100).toFixed(0)} %`,
          figure === undefined ? "–" : between(figure.processes),
          figure === undefined || base === undefined ? "–" : (median(figure.values) / median(base.values)).toFixed(2)
        ),
        ...others.map((metric) => cell(find(candidate, metric)))
      ]
    })
  ])
}

/** All sections, in the order of the figures. */
const sections = (figures: ReadonlyArray<Figure>): ReadonlyArray<ReadonlyArray<string>> => {
  const bySection = new Map<string, Array<Figure>>()
  for (const figure of figures) {
    const key = JSON.stringify([figure.group, figure.size])
    const known = bySection.get(key)
    if (known === undefined) bySection.set(key, [figure])
    else known.push(figure)
  }
  return [...bySection.values()].map(section)
}

const targets = (results: Results): ReadonlyArray<string> =>
  results.targets.length === 0 ? [] : columns([
    ["target", "bound", "measured", "in the processes", ""],
    ...results.targets.map((target) => [
      `  ${target.text}`,
      `${target.direction} ${digits(target.bound)}`,
      target.measured === null ? "–" : digits(target.measured),
      interval(target),
      target.isMet ? "met" : "MISSED"
    ])
  ])

const wrapped = (text: string, indent: string): string => {
  const lines: Array<string> = [""]
  for (const word of text.split(" ")) {
    const line = lines.at(-1)!
    if (line.length > 0 && line.length + word.length > 110) lines.push(word)
    else lines[lines.length - 1] = line.length === 0 ? word : `${line} ${word}`
  }
  return lines.join(`\n${indent}`)
}

export const render = (results: Results): string => {
  const { setting } = results
  const twice = results.figures.some(({ candidate }) => isAgain(candidate))
    ? `Noise: a candidate measured twice under two names differs from itself by ${noiseOf(results) ?? "–"}; ` +
      "a smaller difference between two candidates says nothing."
    : "Noise: no candidate was measured twice."
  const notes = [
    `Figures are medians of rounds in which the candidates take turns, in ${setting.processes} processes; the ratio is to the ` +
    "first of each group. A target is met when every process meets it.",
    twice,
    ...results.notes
  ]
  return [
    `\n${results.title} (${results.row})`,
    `${setting.cpu}, ${setting.cores} cores, ${setting.memory}, ${setting.system}, Node ${setting.node}, ` +
    `load ${setting.loadBefore} before and ${setting.loadAfter} after, ` +
    `commit ${setting.commit}${setting.isClean ? "" : " with changes"}, ${setting.seconds} s`,
    ...sections(results.figures).flatMap((lines) => ["", ...lines]),
    "",
    ...targets(results),
    "",
    ...notes.map((note) => `- ${wrapped(note, "  ")}`)
  ].join("\n")
}
