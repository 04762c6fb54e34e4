/**
 * The results of a row as they are kept, one file each under `benchmarks/results`: what all of its processes have measured,
 * put together.
 */
import { Schema } from "effect"
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { noise } from "./compare.ts"
import { isMet, median, type Report, type Row, type Target as Bound } from "./row.ts"

export const folder = join(import.meta.dirname, "results")

const Figure = Schema.Struct({
  group: Schema.String,
  size: Schema.optionalKey(Schema.Number),
  candidate: Schema.String,
  metric: Schema.String,
  unit: Schema.Literals(["ns", "ms", "bytes", "per second", "ratio", "count"]),
  /** Those of all rounds, process by process. */
  values: Schema.Array(Schema.Number),
  /** The median of each process. */
  processes: Schema.Array(Schema.Number)
})

export type Figure = typeof Figure.Type

const Target = Schema.Struct({
  text: Schema.String,
  bound: Schema.Number,
  direction: Schema.Literals(["at most", "at least"]),
  /** The median of the processes. */
  measured: Schema.NullOr(Schema.Number),
  /** What each process has measured. */
  processes: Schema.Array(Schema.NullOr(Schema.Number)),
  /** Whether every process meets it. */
  isMet: Schema.Boolean
})

export type Target = typeof Target.Type

/** Where and on what a row was run. */
export const Setting = Schema.Struct({
  date: Schema.String,
  /** The commit that was checked out, and whether nothing beside the results was changed. */
  commit: Schema.String,
  isClean: Schema.Boolean,
  cpu: Schema.String,
  cores: Schema.Number,
  memory: Schema.String,
  system: Schema.String,
  node: Schema.String,
  versions: Schema.Record(Schema.String, Schema.String),
  /** The load averages over a minute. */
  loadBefore: Schema.Number,
  loadAfter: Schema.Number,
  /** How long all processes took together. */
  seconds: Schema.Number,
  /** How many processes have measured it. */
  processes: Schema.Number
})

export type Setting = typeof Setting.Type

export const Results = Schema.Struct({
  row: Schema.String,
  title: Schema.String,
  setting: Setting,
  /** How far the ratios of candidates to themselves are from 1, at worst, in each process; empty when none was measured twice. */
  noise: Schema.Array(Schema.Number),
  targets: Schema.Array(Target),
  notes: Schema.Array(Schema.String),
  figures: Schema.Array(Figure)
})

export type Results = typeof Results.Type

/** Five digits are more than any of the figures has. */
const rounded = (value: number): number => Number(value.toPrecision(5))

const orNull = (value: number | undefined): number | null =>
  value === undefined || !Number.isFinite(value) ? null : rounded(value)

/** What the processes have measured of one bound. */
const target = (measured: ReadonlyArray<Bound>): Target => {
  const [first] = measured as [Bound]
  const { bound, direction, text } = first
  return {
    text,
    bound,
    direction,
    measured: orNull(median(measured.map(({ measured }) => measured))),
    processes: measured.map(({ measured }) => orNull(measured)),
    isMet: measured.every(isMet)
  }
}

/** What the processes of a row have measured, put together. All have measured the same. */
export const of = (
  { id, title }: Row,
  reports: readonly [Report, ...ReadonlyArray<Report>],
  setting: Setting
): Results => {
  const [first] = reports
  const figureOf = (report: Report, { candidate, group, metric, size }: Report["figures"][number]) =>
    report.figures.find((figure) =>
      figure.group === group && figure.size === size && figure.candidate === candidate && figure.metric === metric
    )?.values ?? []
  return {
    row: id,
    title,
    setting: { ...setting, processes: reports.length },
    noise: reports.flatMap(({ figures }) => {
      const found = orNull(noise(figures))
      return found === null ? [] : [found]
    }),
    targets: first.targets.map(({ text }) =>
      target(reports.flatMap(({ targets }) => targets.filter((target) => target.text === text)))
    ),
    notes: [...first.notes],
    figures: first.figures.map((figure) => {
      const each = reports.map((report) => figureOf(report, figure)).filter((values) => values.length > 0)
      return {
        ...figure,
        values: each.flat().map(rounded),
        processes: each.map((values) => rounded(median(values)))
      }
    })
  }
}

/** JSON with a line for each figure, target and note. */
export const print = (results: Results): string => {
  const lines = Object.entries(results).map(([key, value]) => {
    const text = Array.isArray(value)
      ? `[\n${value.map((item) => `    ${JSON.stringify(item)}`).join(",\n")}\n  ]`
      : JSON.stringify(value, null, 2).replaceAll("\n", "\n  ")
    return `  ${JSON.stringify(key)}: ${text}`
  })
  return `{\n${lines.join(",\n")}\n}\n`
}

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(Results))

export const parse = (text: string): Results => decode(text)

export const write = (results: Results): void => {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${results.row}.json`), print(results))
}

/** All that are there, by the name of their row. */
export const readAll = (): ReadonlyMap<string, Results> => {
  mkdirSync(folder, { recursive: true })
  const files = readdirSync(folder).filter((file) => file.endsWith(".json")).sort()
  return new Map(
    files.map((file) => parse(readFileSync(join(folder, file), "utf8"))).map((results) =>
      [results.row, results] as const
    )
  )
}
