/**
 * Changes the sources a little, one place at a time, and sees whether the tests or the type check notice: npm run mutate -- core, or
 * oracle. What follows are parts of file names: only those are changed. A whole area takes hours; `--share 0.1` takes a tenth of the
 * changes, the same ones each time. At the end it lists the changes that nothing has found. docs/mutations.md has what came of it.
 *
 * Stryker does the work. It cannot read TypeScript's configuration with TypeScript 7, and need not: it is told of a file that is not there.
 */
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { filesBelow, root } from "./lib/files.ts"
import { hashOf, isInSample, keyOf, type Place } from "./lib/mutationKeys.ts"
import { type Change, failTypeCheck } from "./lib/typeStage.ts"

/** What is changed, and the tests that are to notice. */
interface Area {
  readonly folder: string
  readonly files: RegExp
  /** The later ones are asked only about what the ones before have not found. */
  readonly stages: ReadonlyArray<Stage>
}

interface Stage {
  readonly tests: ReadonlyArray<string>
  /** Parts of the names of test files that need vitest itself, or cannot notice anything. */
  readonly without?: ReadonlyArray<string>
}

const decisions = ["failedOpenings", "handingOn", "moves", "quietTime", "settling"].map((name) =>
  `packages/core/test/${name}.test.ts`
)

const areas: Readonly<Record<string, Area>> = {
  core: {
    folder: "packages/core/src/internal",
    files: new RegExp(
      "^(decisions/.*|leases/.*|entities/(accounts|fastPath|groupOpening|groups|idleByTag|idleSessions|places|waitingByTag)" +
        "|jobs/(breakOff|openings|sessionJobs))\\.ts$"
    ),
    stages: [
      { tests: decisions },
      { tests: ["packages/core/test/*.test.ts"], without: ["eventsCost", "replacement", ...decisions] },
      { tests: ["packages/core/test/replacement.test.ts", "packages/testing/test/SessionPoolLaws.test.ts"] }
    ]
  },
  oracle: {
    folder: "packages/oracle/src/internal",
    files: /^(callBatches|pipelinedCall|session|sessionCall|sessionContext|transaction)\.ts$/,
    stages: [
      [
        "callBatches",
        "pipelinedCall",
        "sessionBatches",
        "sessionBreaks",
        "sessionContext",
        "sessionLine",
        "sessionState",
        "transactionLevels"
      ],
      ["breaks", "interruption", "promises", "session", "transaction*"],
      ["certainCommits", "context", "multiplex", "onLease", "pipelining", "statements", "tracing"]
    ].map((names) => ({ tests: names.map((name) => `packages/oracle/test/${name}.test.ts`) }))
  }
}

/** One change of a source, as the tool's report has it. */
interface Mutant {
  readonly mutatorName: string
  readonly replacement: string
  readonly status: string
  /** Lines and columns count from 1. */
  readonly location: Place
}

interface Report {
  readonly files: Readonly<Record<string, { readonly source: string; readonly mutants: ReadonlyArray<Mutant> }>>
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { concurrency: { type: "string", default: "1" }, share: { type: "string", default: "1" } }
})
const [name = "", ...parts] = positionals
const area = areas[name]
if (area === undefined) {
  console.error(
    `usage: npm run mutate -- ${Object.keys(areas).join("|")} [part of a file name ...] [--share 0.1] [--concurrency 2]`
  )
  process.exit(2)
}

const work = join(root, "build", "mutation")
mkdirSync(work, { recursive: true })

/** Runs the tool on files or parts of them. */
const run = (mutate: ReadonlyArray<string>, { tests, without = [] }: Stage, number: number): Report => {
  const reportFile = join(work, `${name}-${number}.json`)
  const config = join(work, `${name}-${number}.config.json`)
  writeFileSync(
    config,
    JSON.stringify({
      mutate,
      testRunner: "warm",
      plugins: ["./scripts/lib/warmRunner.ts"],
      tsconfigFile: "build/mutation/none.json",
      mutator: {
        // A text is for people (messages, names of spans, log annotations; tests of their own hold the messages), or one of a few that a
        // type allows. An object without its fields is not of its type. The type check finds these.
        excludedMutations: ["StringLiteral", "ObjectLiteral"]
      },
      coverageAnalysis: "perTest",
      concurrency: Number(values.concurrency),
      // The runner ends what does not end by itself, and not by the clock: other work on the machine is not to find a mutant.
      timeoutMS: 900_000,
      dryRunTimeoutMinutes: 120,
      reporters: ["progress-append-only", "json"],
      jsonReporter: { fileName: reportFile },
      tempDirName: `build/mutation/sandbox-${name}`,
      ignorePatterns: ["/build", "**/dist", "/benchmarks/results"]
    })
  )
  const { status } = spawnSync("stryker", ["run", config], {
    cwd: root,
    stdio: "inherit",
    env: {
      ...process.env,
      SESSIONPOOL_MUTATION_TESTS: tests.join(),
      SESSIONPOOL_MUTATION_WITHOUT: without.join(),
      SESSIONPOOL_MUTATION_SOURCES: JSON.stringify(sources),
      SESSIONPOOL_MUTATION_RESULTS: join(work, `${name}-${number}.results.jsonl`),
      SESSIONPOOL_MUTATION_SHARE: values.share,
      SESSION_POOL_LAWS_RUNS: "15"
    }
  })
  if (status !== 0 || !existsSync(reportFile)) process.exit(status ?? 1)
  const notAsked = readFileSync(join(work, `${name}-${number}.notAsked.txt`), "utf8")
  if (notAsked !== "") console.log(`\nNot asked, as they do not pass twice in one process:\n${notAsked}`)
  return JSON.parse(readFileSync(reportFile, "utf8")) as Report
}

/** What ended without an answer is not found either. */
const isAlive = ({ status }: Mutant): boolean => status !== "Killed" && status !== "Timeout"

const place = ({ end, start }: Place): Place => ({
  start: { line: start.line - 1, column: start.column - 1 },
  end: { line: end.line - 1, column: end.column - 1 }
})

const nameOf = (file: string, { location, mutatorName, replacement }: Mutant): string =>
  keyOf(file, place(location), mutatorName, replacement)

const all = filesBelow(join(root, area.folder)).filter((file) =>
  area.files.test(file.replaceAll("\\", "/")) &&
  (parts.length === 0 || parts.some((part) => file.includes(part)))
)
// A run may take long: others may change the files meanwhile.
const sources = Object.fromEntries(
  all.map((file) => [`${area.folder}/${file}`, hashOf(join(root, area.folder, file))])
)
let mutate: ReadonlyArray<string> = all.map((file) => `${area.folder}/${file}`)
let alive = new Map<string, Mutant & Change>()
const counts = new Map<string, number>()
for (const [stage, asked] of area.stages.entries()) {
  if (mutate.length === 0) break
  const report = run(mutate, asked, stage + 1)
  const left = new Map<string, Mutant & Change>()
  for (const [file, { mutants, source }] of Object.entries(report.files)) {
    const sample = mutants.filter((mutant) =>
      mutant.status !== "Ignored" && isInSample(nameOf(file, mutant), Number(values.share))
    )
    if (stage === 0) counts.set(file, sample.length)
    for (const mutant of sample.filter(isAlive)) {
      const name = nameOf(file, mutant)
      // Within the range of one mutant there may be others, which the stage before has found.
      if (stage === 0 || alive.has(name)) left.set(name, { ...mutant, file, source })
    }
  }
  // The tests of the first two stages take less time than the compiler.
  const failing = stage === 1 ? failTypeCheck(name, [...left.values()]) : new Set()
  alive = new Map([...left].filter(([, mutant]) => !failing.has(mutant)))
  // What the tool is told has columns from 0, and lines from 1.
  mutate = [
    ...new Set(
      [...alive.values()].map(({ file, location: { end, start } }) =>
        `${file}:${start.line}:${start.column - 1}-${end.line}:${end.column - 1}`
      )
    )
  ]
}

const oneLine = (text: string): string => {
  const line = text.replaceAll(/\s+/g, " ")
  return line.length > 90 ? `${line.slice(0, 87)}...` : line
}

const cut = (source: string, { end, start }: Mutant["location"]): string => {
  const lines = source.split("\n").slice(start.line - 1, end.line)
  lines[lines.length - 1] = lines.at(-1)!.slice(0, end.column - 1)
  lines[0] = lines[0]!.slice(start.column - 1)
  return lines.join("\n")
}

console.log("\nMutants that no test has found:")
for (const { file, location, mutatorName, replacement, source } of alive.values()) {
  const before = oneLine(cut(source, location))
  console.log(`${file}:${location.start.line}: ${mutatorName}: ${before} -> ${oneLine(replacement)}`)
}
let total = 0
for (const [file, count] of counts) {
  const left = [...alive.values()].filter((mutant) => mutant.file === file).length
  total += count
  console.log(`${file}: ${count - left} of ${count} found`)
}
const found = total - alive.size
console.log(`${found} of ${total} mutants found (${((100 * found) / Math.max(1, total)).toFixed(1)} %)`)
