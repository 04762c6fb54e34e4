/**
 * Changes the sources a little, one place at a time, and sees whether a test notices: npm run mutate -- core, or oracle. What follows
 * are parts of file names: only those are changed. A whole area takes hours. At the end it lists the changes that no test has found.
 *
 * Stryker does the work. It cannot read TypeScript's configuration with TypeScript 7, and need not: it is told of a file that is not there.
 */
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { filesBelow, hashOf, root } from "./lib/files.ts"

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

const areas: Readonly<Record<string, Area>> = {
  core: {
    folder: "packages/core/src/internal",
    files: new RegExp(
      "^(decisions/.*|leases/.*|entities/(accounts|fastPath|groupOpening|groups|idleSessions|places|sessionGroup)" +
        "|jobs/(breakOff|openings|sessionJobs))\\.ts$"
    ),
    stages: [
      { tests: ["packages/core/test/*.test.ts"], without: ["eventsCost"] },
      { tests: ["packages/testing/test/SessionPoolLaws.test.ts"] }
    ]
  },
  oracle: {
    folder: "packages/oracle/src/internal",
    files: /^(callBatches|pipelinedCall|session|sessionCall|sessionContext|transaction)\.ts$/,
    stages: [{
      tests: [
        "session",
        "transaction*",
        "clientTransactions",
        "promises*",
        "interruption",
        "breaks",
        "context",
        "pipelining",
        "onLease",
        "pool",
        "pooledServer",
        "roundTrips",
        "tracing",
        "valueFaults"
      ].map((name) => `packages/oracle/test/${name}.test.ts`)
    }]
  }
}

/** One change of a source, as the tool's report has it. */
interface Mutant {
  readonly mutatorName: string
  readonly replacement: string
  readonly status: string
  readonly location: Record<"start" | "end", { readonly line: number; readonly column: number }>
}

interface Report {
  readonly files: Readonly<Record<string, { readonly source: string; readonly mutants: ReadonlyArray<Mutant> }>>
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { concurrency: { type: "string", default: "1" } }
})
const [name = "", ...parts] = positionals
const area = areas[name]
if (area === undefined) {
  console.error(`usage: npm run mutate -- ${Object.keys(areas).join("|")} [part of a file name ...]`)
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
      // A process does not live so long that what mutants have left behind in it matters.
      maxTestRunnerReuse: 100,
      timeoutMS: 5000,
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
      SESSION_POOL_LAWS_RUNS: "15"
    }
  })
  if (status !== 0 || !existsSync(reportFile)) process.exit(status ?? 1)
  return JSON.parse(readFileSync(reportFile, "utf8")) as Report
}

const isAlive = ({ status }: Mutant): boolean => status === "Survived" || status === "NoCoverage"

/** A mutant as the tool is told of it. */
const place = (file: string, { location: { end, start } }: Mutant): string =>
  `${file}:${start.line}:${start.column - 1}-${end.line}:${end.column - 1}`

const all = filesBelow(join(root, area.folder)).filter((file) =>
  area.files.test(file.replaceAll("\\", "/")) &&
  (parts.length === 0 || parts.some((part) => file.includes(part)))
)
// A run may take long: others may change the files meanwhile.
const sources = Object.fromEntries(
  all.map((file) => [`${area.folder}/${file}`, hashOf(join(root, area.folder, file))])
)
let mutate: ReadonlyArray<string> = all.map((file) => `${area.folder}/${file}`)
const keyOf = (file: string, mutant: Mutant): string =>
  `${place(file, mutant)} ${mutant.mutatorName} ${mutant.replacement}`
let alive = new Map<string, { readonly file: string; readonly mutant: Mutant; readonly source: string }>()
const counts = new Map<string, number>()
for (const [stage, asked] of area.stages.entries()) {
  if (mutate.length === 0) break
  const report = run(mutate, asked, stage + 1)
  const left = new Map<string, { readonly file: string; readonly mutant: Mutant; readonly source: string }>()
  for (const [file, { mutants, source }] of Object.entries(report.files)) {
    // Within the range of one mutant there may be others, which the stage before has found.
    if (stage === 0) counts.set(file, mutants.filter(({ status }) => status !== "Ignored").length)
    for (const mutant of mutants.filter(isAlive)) {
      const key = keyOf(file, mutant)
      if (stage === 0 || alive.has(key)) left.set(key, { file, mutant, source })
    }
  }
  alive = left
  mutate = [...new Set([...alive.values()].map(({ file, mutant }) => place(file, mutant)))]
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
for (const { file, mutant, source } of alive.values()) {
  const { location, mutatorName, replacement } = mutant
  console.log(
    `${file}:${location.start.line}: ${mutatorName}: ${oneLine(cut(source, location))} -> ${oneLine(replacement)}`
  )
}
let total = 0
for (const [file, count] of counts) {
  const left = [...alive.values()].filter((mutant) => mutant.file === file).length
  total += count
  console.log(`${file}: ${count - left} of ${count} found`)
}
const found = total - alive.size
console.log(`${found} of ${total} mutants found (${((100 * found) / Math.max(1, total)).toFixed(1)} %)`)
