/** The results of a row as they are kept, one file each under `benchmarks/results`. */
import { Schema } from "effect"
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { noise } from "./compare.ts"
import { isMet, type Report, type Row } from "./row.ts"

export const folder = join(import.meta.dirname, "results")

const Figure = Schema.Struct({
  group: Schema.String,
  size: Schema.optionalKey(Schema.Number),
  candidate: Schema.String,
  metric: Schema.String,
  unit: Schema.Literals(["ns", "ms", "bytes", "per second", "ratio", "count"]),
  values: Schema.Array(Schema.Number)
})

const Target = Schema.Struct({
  text: Schema.String,
  bound: Schema.Number,
  direction: Schema.Literals(["at most", "at least"]),
  measured: Schema.NullOr(Schema.Number),
  isMet: Schema.Boolean
})

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
  seconds: Schema.Number
})

export type Setting = typeof Setting.Type

export const Results = Schema.Struct({
  row: Schema.String,
  title: Schema.String,
  setting: Setting,
  /** How far the ratios of candidates to themselves are from 1; `null` when none was measured twice. */
  noise: Schema.NullOr(Schema.Number),
  targets: Schema.Array(Target),
  notes: Schema.Array(Schema.String),
  figures: Schema.Array(Figure)
})

export type Results = typeof Results.Type

/** Five digits are more than any of the figures has. */
const rounded = (value: number): number => Number(value.toPrecision(5))

const orNull = (value: number | undefined): number | null =>
  value === undefined || !Number.isFinite(value) ? null : rounded(value)

export const of = ({ id, title }: Row, report: Report, setting: Setting): Results => ({
  row: id,
  title,
  setting,
  noise: orNull(noise(report.figures)),
  targets: report.targets.map((target) => ({ ...target, measured: orNull(target.measured), isMet: isMet(target) })),
  notes: [...report.notes],
  figures: report.figures.map((figure) => ({ ...figure, values: figure.values.map(rounded) }))
})

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
