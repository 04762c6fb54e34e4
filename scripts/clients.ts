/**
 * Runs the cases of other languages' clients, and of the tools that stand on clients, against one embedded server. Their drivers are installed from the registries
 * that this machine is set up with, into a folder of their own below `build/`. A language whose tools are missing is
 * skipped, and named.
 *
 * Usage: npm run clients [-- language ...], where `tools` stands for the tools of all languages
 */
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { copyFile, mkdir } from "node:fs/promises"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import * as OracleServer from "../packages/oracle-server/src/OracleServer.ts"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const here = join(root, "packages", "oracle-server", "clients")
const build = join(root, "build", "clients")
const windows = process.platform === "win32"

interface Outcome {
  readonly status: number | undefined
  readonly output: string
}

interface Surroundings {
  readonly cwd?: string
  readonly env?: { readonly [name: string]: string }
  readonly onLine?: (line: string) => void
}

/** Runs a command to its end; `undefined` as its status when it could not be started. */
const run = (command: string, args: ReadonlyArray<string>, { cwd, env, onLine }: Surroundings = {}): Promise<Outcome> =>
  new Promise((resolve) => {
    const child = spawn(command, args, { cwd: cwd ?? here, env: { ...process.env, ...env }, shell: windows })
    let output = ""
    let line = ""
    const take = (chunk: Buffer) => {
      output += chunk.toString()
      const lines = (line + chunk.toString()).split("\n")
      line = lines.pop() ?? ""
      for (const one of lines) onLine?.(one)
    }
    child.stdout.on("data", take)
    child.stderr.on("data", take)
    child.on("error", (cause) => resolve({ status: undefined, output: cause.message }))
    child.on("close", (status) => resolve({ status: status ?? 1, output }))
  })

/** A language: the tools it needs, how its client is installed, and what runs the cases. */
interface Language {
  readonly name: string
  readonly tools: ReadonlyArray<readonly [string, ReadonlyArray<string>]>
  readonly install: (folder: string) => Promise<Outcome>
  readonly cases: (folder: string) => { readonly command: string; readonly args: ReadonlyArray<string> }
}

/** One command after the other, up to the first that fails. */
const inTurn = async (...steps: ReadonlyArray<() => Promise<Outcome>>): Promise<Outcome> => {
  let outcome: Outcome = { status: 0, output: "" }
  for (const step of steps) {
    outcome = await step()
    if (outcome.status !== 0) return outcome
  }
  return outcome
}

const python = (name: string): Language => ({
  name,
  tools: [["python3", ["--version"]]],
  install: (folder) =>
    inTurn(
      () => run("python3", ["-m", "venv", folder]),
      () =>
        run(join(folder, "bin", "pip"), [
          "install",
          "--quiet",
          "--disable-pip-version-check",
          "--requirement",
          join(here, name, "requirements.txt")
        ])
    ),
  cases: (folder) => ({ command: join(folder, "bin", "python"), args: [join(here, name, "cases.py")] })
})

/** Query builders and mappers of Node: what one of them asks of another's version does not hold here. */
const node: Language = {
  name: "tools-node",
  tools: [["npm", ["--version"]]],
  install: async (folder) => {
    for (const file of ["package.json", "cases.mjs"]) await copyFile(join(here, "tools-node", file), join(folder, file))
    const options = [
      "--no-audit",
      "--no-fund",
      "--no-package-lock",
      "--legacy-peer-deps",
      "--ignore-scripts",
      "--loglevel=error"
    ]
    return run("npm", ["install", ...options], { cwd: folder })
  },
  cases: (folder) => ({ command: process.execPath, args: [join(folder, "cases.mjs")] })
}

const go: Language = {
  name: "go",
  tools: [["go", ["version"]]],
  install: (folder) =>
    run("go", ["build", "-o", join(folder, "cases"), "."], {
      cwd: join(here, "go"),
      env: { GOMODCACHE: join(folder, "modules"), GOFLAGS: "-modcacherw" }
    }),
  cases: (folder) => ({ command: join(folder, "cases"), args: [] })
}

const java = (name: string, main: string): Language => ({
  name,
  tools: [["mvn", ["--version"]], ["javac", ["-version"]]],
  install: (folder) =>
    inTurn(
      () =>
        run("mvn", [
          "--quiet",
          "--batch-mode",
          `-Dmaven.repo.local=${join(folder, "repository")}`,
          `-DoutputDirectory=${join(folder, "libraries")}`,
          "--file",
          join(here, name, "pom.xml"),
          "dependency:copy-dependencies"
        ]),
      () =>
        run("javac", [
          "-d",
          join(folder, "classes"),
          "-cp",
          join(folder, "libraries", "*"),
          join(here, name, `${main}.java`)
        ])
    ),
  cases: (folder) => ({
    command: "java",
    args: ["-cp", [join(folder, "classes"), join(folder, "libraries", "*")].join(windows ? ";" : ":"), main]
  })
})

const limit = 240_000

const runLanguage = async (language: Language): Promise<{ passed: number; failed: number; skipped: number }> => {
  console.log(`\n--- ${language.name}`)
  for (const [tool, args] of language.tools) {
    if ((await run(tool, args)).status === 0) continue
    console.log(`skipped: ${tool} is not on this machine`)
    return { passed: 0, failed: 0, skipped: 1 }
  }
  const folder = join(build, language.name)
  await mkdir(folder, { recursive: true })
  const installed = await language.install(folder)
  if (installed.status !== 0) {
    console.log(`skipped: its client cannot be installed\n${installed.output.slice(-2000)}`)
    return { passed: 0, failed: 0, skipped: 1 }
  }
  let passed = 0
  let failed = 0
  const { args, command } = language.cases(folder)
  const program = Effect.gen(function*() {
    const server = yield* OracleServer.make()
    return yield* Effect.promise(() =>
      run(command, [...args, server.connectString], {
        onLine: (line) => {
          if (line.startsWith("ok ")) passed++
          else if (line.startsWith("failed ")) failed++
          console.log(line)
        }
      })
    )
  }).pipe(Effect.scoped, Effect.timeout(limit))
  const { status } = await Effect.runPromise(program)
  if (status !== 0) {
    console.log(`failed: the cases ended with status ${status}`)
    failed++
  }
  return { passed, failed, skipped: 0 }
}

const wanted = process.argv.slice(2)
let passed = 0
let failed = 0
let skipped = 0
const languages = [
  python("python"),
  go,
  java("java", "Cases"),
  node,
  python("tools-python"),
  java("tools-java", "Tools")
]
for (const language of languages) {
  const isTool = language.name.startsWith("tools-")
  if (wanted.length > 0 && !wanted.includes(language.name) && !(isTool && wanted.includes("tools"))) continue
  const result = await runLanguage(language)
  passed += result.passed
  failed += result.failed
  skipped += result.skipped
}
console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`)
process.exit(failed === 0 ? 0 : 1)
