/**
 * Compares the pool with what could be used in its place: `npm run bench`, or some rows by name, `npm run bench -- lease memory`.
 *
 * Each row runs in a process of its own, so that no row meets the heap or the compiled code of another. The results go to
 * `benchmarks/results`, and the plots and docs/performance.md are drawn from all that are there. `--quick` runs every row once at its smallest
 * size, to see that it works, and keeps nothing; `--draw` only draws. A missed target is said, and is no failure.
 */
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { parseArgs } from "node:util"
import { draw } from "./draw.ts"
import * as Results from "./results.ts"
import type { Row, Scale } from "./row.ts"
import { rows } from "./rows.ts"
import * as Setting from "./setting.ts"
import * as Table from "./table.ts"

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: "boolean" }, draw: { type: "boolean" }, here: { type: "boolean" } }
})

const scale: Scale = values.quick === true ? "smallest" : "full"

const find = (id: string): Row => {
  const row = rows.find((row) => row.id === id)
  if (row !== undefined) return row
  console.error(`There is no row ${id}; there are ${rows.map(({ id }) => id).join(", ")}.`)
  process.exit(2)
}

/** Runs a row in this process. */
const runHere = async (row: Row): Promise<void> => {
  console.error(`\n${row.title} ...`)
  const setting = Setting.begin()
  const report = await Effect.runPromise(Effect.scoped(row.run(scale)))
  const results = Results.of(row, report, setting())
  console.log(Table.render(results))
  if (scale === "full") Results.write(results)
}

/** Runs a row in a process of its own; whether that went well. */
const runApart = ({ id }: Row): boolean => {
  const quick = scale === "smallest" ? ["--quick"] : []
  return spawnSync(process.execPath, [import.meta.filename, "--here", ...quick, id], { stdio: "inherit" }).status === 0
}

const chosen = positionals.length === 0 ? rows : positionals.map(find)

if (values.here === true) {
  for (const row of chosen) await runHere(row)
} else {
  const failed = values.draw === true ? [] : chosen.filter((row) => !runApart(row))
  if (scale === "full") draw()
  const missed = scale === "full" && values.draw !== true
    ? chosen.flatMap(({ id }) => Results.readAll().get(id)?.targets ?? []).filter(({ isMet }) => !isMet).length
    : 0
  if (missed > 0) console.log(`\n${missed} targets are missed.`)
  if (failed.length > 0) {
    console.error(`\nFailed: ${failed.map(({ id }) => id).join(", ")}`)
    process.exitCode = 1
  }
}
