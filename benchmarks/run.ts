/**
 * Compares the pool with what could be used in its place: `npm run bench`, or some rows by name, `npm run bench -- lease memory`.
 *
 * Each row runs in three processes, one after the other (`--processes` says how many): V8 does not compile a program the same way
 * each time, and no row meets the heap or the compiled code of another. The results go to `benchmarks/results`, and the plots and
 * docs/performance.md are drawn from all that are there. `--quick` runs every row once at its smallest size, to see that it works,
 * and keeps nothing; `--draw` only draws. A missed target is said, and is no failure.
 */
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { deserialize, serialize } from "node:v8"
import { draw } from "./draw.ts"
import * as Results from "./results.ts"
import type { Report, Row, Scale } from "./row.ts"
import { rows } from "./rows.ts"
import * as Setting from "./setting.ts"
import * as Table from "./table.ts"

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean" },
    draw: { type: "boolean" },
    processes: { type: "string" },
    /** Runs one row in this process, and writes its report to that file. */
    report: { type: "string" }
  }
})

const scale: Scale = values.quick === true ? "smallest" : "full"

const processes = Number(values.processes ?? (scale === "full" ? 3 : 1))
if (!Number.isInteger(processes) || processes < 1) {
  console.error(`--processes must be a whole number from 1 on, not ${values.processes}.`)
  process.exit(2)
}

const find = (id: string): Row => {
  const row = rows.find((row) => row.id === id)
  if (row !== undefined) return row
  console.error(`There is no row ${id}; there are ${rows.map(({ id }) => id).join(", ")}.`)
  process.exit(2)
}

/** Runs a row in this process. */
const runHere = async (row: Row, file: string): Promise<void> => {
  const report = await Effect.runPromise(Effect.scoped(row.run(scale)))
  writeFileSync(file, serialize(report))
}

/** What a row has come to in a process of its own; `undefined` when that failed. */
const runApart = ({ id }: Row): Report | undefined => {
  const folder = mkdtempSync(join(tmpdir(), "bench-"))
  try {
    const file = join(folder, "report")
    const quick = scale === "smallest" ? ["--quick"] : []
    const { status } = spawnSync(process.execPath, [import.meta.filename, "--report", file, ...quick, id], {
      stdio: "inherit"
    })
    return status === 0 ? deserialize(readFileSync(file)) as Report : undefined
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Runs a row in all of its processes, and says what it has come to. */
const measured = (row: Row): Results.Results | undefined => {
  console.error(`\n${row.title} ...`)
  const setting = Setting.begin()
  const reports: Array<Report> = []
  for (let i = 0; i < processes; i++) {
    const report = runApart(row)
    if (report === undefined) return undefined
    reports.push(report)
  }
  const [first, ...others] = reports as [Report, ...ReadonlyArray<Report>]
  const results = Results.of(row, [first, ...others], setting())
  console.log(Table.render(results))
  if (scale === "full") Results.write(results)
  return results
}

const chosen = positionals.length === 0 ? rows : positionals.map(find)

if (values.report !== undefined) {
  await runHere(chosen[0]!, values.report)
} else if (values.draw === true) {
  draw()
} else {
  const all = chosen.map((row) => ({ row, results: measured(row) }))
  if (scale === "full") draw()
  const missed = all.flatMap(({ results }) => results?.targets ?? []).filter(({ isMet }) => !isMet)
  if (scale === "full" && missed.length > 0) console.log(`\n${missed.length} targets are missed.`)
  const failed = all.filter(({ results }) => results === undefined)
  if (failed.length > 0) {
    console.error(`\nFailed: ${failed.map(({ row }) => row.id).join(", ")}`)
    process.exitCode = 1
  }
}
