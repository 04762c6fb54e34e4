/**
 * Installs the packed packages in fresh projects, as a user would, and runs a program there: with npm and with pnpm, on each Node
 * that is supported, on Bun and on Deno, as ESM and by `require`, and type-checked by the oldest and the newest TypeScript.
 *
 *     npm run installs                          all that this machine can have
 *     npm run installs -- --runtime node@20     one runtime; node@20, node@22, node@24, bun, deno
 *     npm run installs -- --oracledb 26.0.0     another version of the driver
 *
 * Runtimes and compilers come from the registry. What cannot be had is skipped by name, and fails where `CI` is set.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { root } from "./lib/files.ts"
import { Report, run } from "./lib/report.ts"

const { values: options } = parseArgs({
  options: { runtime: { type: "string", multiple: true }, oracledb: { type: "string" } }
})

/** How a runtime is installed and started. Versions are exact: a release of a runtime must not turn a test red by itself. */
interface Runtime {
  readonly name: string
  readonly install: ReadonlyArray<string>
  readonly command: (folder: string) => ReadonlyArray<string>
  /** Whether its `require` loads ES modules. */
  readonly requires: boolean
  /** Whether the embedded server is promised to run on it. */
  readonly serves: boolean
}

const platform = `${process.platform === "win32" ? "win" : process.platform}-${process.arch}`
const nodeOf = (major: number, version: string, serves: boolean): Runtime => ({
  name: `node@${major}`,
  install: [`node-${platform}@${version}`],
  command: (folder) => [join(folder, "node_modules", `node-${platform}`, "bin", "node")],
  requires: true,
  serves
})

const runtimes: ReadonlyArray<Runtime> = [
  nodeOf(20, "20.20.2", false),
  nodeOf(22, "22.23.3", true),
  nodeOf(24, "24.21.0", true),
  {
    name: "bun",
    install: ["bun@1.4.5"],
    command: (folder) => [join(folder, "node_modules", ".bin", "bun"), "run"],
    requires: true,
    serves: true
  },
  {
    name: "deno",
    install: ["deno@2.9.6"],
    command: (folder) => [join(folder, "node_modules", ".bin", "deno"), "run", "--allow-all"],
    requires: false,
    serves: true
  }
]

const compilers = ["5.9.3", "7.0.2"]

const report = new Report("installs")
const work = join(root, "build", "installs")
const packed = join(root, "build", "packed")
const lines: Array<string> = []
const skipped: Array<string> = []

/** What could not be had from the registry. */
const missing = (what: string, output: string): void => {
  if (process.env["CI"] === undefined) skipped.push(what)
  else report.add(`${what} could not be installed:\n${output}`)
}

const project = (name: string, manifest: object): string => {
  const folder = join(work, name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module", ...manifest }, null, 2))
  return folder
}

const workspace = readFileSync(join(root, "pnpm-workspace.yaml"), "utf8")
const pinned = (name: string): string => new RegExp(`^  "?${name}"?: (\\S+)$`, "m").exec(workspace)?.[1] ?? "latest"

/** The packages and their peers, as a program's own manifest would name them. */
const dependencies = (): Record<string, string> => {
  const found: Record<string, string> = {
    effect: pinned("effect"),
    oracledb: options.oracledb ?? pinned("oracledb"),
    "@types/node": pinned("@types/node")
  }
  for (const archive of readdirSync(packed)) {
    const [, name] = /^sessionpool-(.*)-\d+\.\d+\.\d+.*\.tgz$/.exec(archive) ?? []
    if (name !== undefined) found[`@sessionpool/${name}`] = `file:${join(packed, archive)}`
  }
  return found
}

/** A lease of a pool without a database. */
const withTestDatabase = `
  const lease = Effect.flatMap(TestDatabase.Pool, (pool) => pool.use((connection) => connection.execute("select 1")))
  const database = { answer: () => Effect.succeed(42) }
  const answer = await Effect.runPromise(Effect.provide(lease, TestDatabase.layer({ max: 2, database })))
  if (answer !== 42) throw new Error("the lease answered " + answer)
`

/** A lease of the embedded server, over a socket. */
const withServer = `
  const { OracleServer } = await import("@sessionpool/oracle-server")
  const rows = await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const server = yield* OracleServer.make({ users: { scott: "tiger" } })
    const pool = yield* OracleSessionPool.make({
      connectString: server.connectString, user: "scott", password: Redacted.make("tiger"), max: 2
    })
    return yield* pool.use((connection) => connection.query("select 6 * 7 as answer from dual"))
  })))
  if (rows[0].ANSWER !== 42) throw new Error("the server answered " + JSON.stringify(rows))
`

const esm = (serves: boolean): string => `
import { TestDatabase } from "@sessionpool/testing"
import { OracleSessionPool } from "@sessionpool/oracle"
import { Effect, Redacted } from "effect"
${withTestDatabase}
if (typeof OracleSessionPool.layer !== "function") throw new Error("OracleSessionPool has no layer")
${serves ? withServer : ""}
console.log("ok")
`

const commonJs = (serves: boolean): string => `
const { TestDatabase } = require("@sessionpool/testing")
const { OracleSessionPool } = require("@sessionpool/oracle")
const { Effect, Redacted } = require("effect")
const main = async () => {
${withTestDatabase}
${serves ? withServer : ""}
}
main().then(() => console.log("ok"), (error) => { console.error(error); process.exitCode = 1 })
`

const typed = `
import { Connection, SessionPool } from "@sessionpool/core"
import { OracleSessionPool } from "@sessionpool/oracle"
import { TestDatabase } from "@sessionpool/testing"
import { Effect } from "effect"

export const count = Effect.gen(function*() {
  const pool = yield* OracleSessionPool
  return yield* pool.use((connection) => connection.query("select count(*) as n from jobs"))
})
export const first = <C extends Connection.Connection, E>(pool: SessionPool.SessionPool<C, E>) => pool.acquire()
export const layer = TestDatabase.layer({ max: 2 })
`

/** The declarations of effect itself speak of the types of Web Crypto, which stand in `dom`. */
const compilerOptions = {
  noEmit: true,
  strict: true,
  module: "nodenext",
  target: "es2022",
  lib: ["es2024", "dom"],
  types: ["node"]
}

const managers: Readonly<Record<string, (folder: string) => ReturnType<typeof run>>> = {
  npm: (folder) => run("npm", ["install", "--no-audit", "--no-fund", "--loglevel", "error"], folder),
  pnpm: (folder) => {
    // A workspace file of its own: the project stands inside of this repository.
    writeFileSync(join(folder, "pnpm-workspace.yaml"), "packages: []\nallowBuilds:\n  oracledb: false\n")
    return run("pnpm", ["install", "--reporter", "silent", "--no-frozen-lockfile"], folder)
  }
}

const began = performance.now()
if (!existsSync(packed)) report.add("there is nothing in build/packed; npm run pack makes it")
mkdirSync(work, { recursive: true })
const installed: Array<{ readonly manager: string; readonly folder: string }> = []
for (const [manager, install] of Object.entries(report.isClean ? managers : {})) {
  const folder = project(manager, { dependencies: dependencies() })
  const { ok, output } = install(folder)
  if (ok) installed.push({ manager, folder })
  else report.add(`${manager} could not install the packages:\n${output}`)
  for (const [name, serves] of [["dry", false], ["served", true]] as const) {
    writeFileSync(join(folder, `${name}.mjs`), esm(serves))
    writeFileSync(join(folder, `${name}.cjs`), commonJs(serves))
  }
  writeFileSync(join(folder, "typed.ts"), typed)
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["typed.ts"] }))
}

const chosen = options.runtime ?? runtimes.map(({ name }) => name)
for (const name of chosen) {
  if (!runtimes.some((runtime) => runtime.name === name)) report.add(`no runtime is called ${name}`)
}
for (const runtime of runtimes.filter(({ name }) => chosen.includes(name))) {
  const home = project(`runtime-${runtime.name.replace("@", "-")}`, {})
  const got = run("npm", ["install", "--no-audit", "--no-fund", "--loglevel", "error", ...runtime.install], home)
  const [command = "", ...before] = runtime.command(home)
  const version = run(command, ["--version"], home)
  if (!got.ok || !version.ok) {
    missing(runtime.name, got.ok ? version.output : got.output)
    continue
  }
  const ran: Array<string> = []
  for (const { folder, manager } of installed) {
    const program = runtime.serves ? "served" : "dry"
    for (const file of [`${program}.mjs`, ...(runtime.requires ? [`${program}.cjs`] : [])]) {
      const { ok, output } = run(command, [...before, file], folder)
      if (ok && /^ok$/m.test(output)) ran.push(`${manager} ${file.endsWith(".cjs") ? "require" : "ESM"}`)
      else report.add(`${runtime.name}, ${manager}, ${file}:\n${output}`)
    }
  }
  lines.push(`${runtime.name} (${/\d+\.\d+\.\d+/.exec(version.output)?.[0] ?? "?"}): ${ran.join(", ")}`)
}

for (const version of options.runtime === undefined ? compilers : []) {
  const home = project(`typescript-${version}`, {})
  const got = run("npm", ["install", "--no-audit", "--no-fund", "--loglevel", "error", `typescript@${version}`], home)
  if (!got.ok) {
    missing(`typescript@${version}`, got.output)
    continue
  }
  const compiler = join(home, "node_modules", "typescript", "bin", "tsc")
  const ran: Array<string> = []
  for (const { folder, manager } of installed) {
    const { ok, output } = run("node", [compiler, "--project", "tsconfig.json", "--pretty", "false"], folder)
    if (ok) ran.push(manager)
    else report.add(`TypeScript ${version}, ${manager}:\n${output}`)
  }
  lines.push(`typescript@${version}: ${ran.join(", ")}`)
}

for (const line of lines) console.log(line)
for (const what of skipped) console.log(`skipped: ${what} is not to be had from the registry of this machine`)
const seconds = ((performance.now() - began) / 1000).toFixed(0)
report.end(
  `installed by ${installed.map(({ manager }) => manager).join(" and ")}, ${lines.length} targets ran (${seconds} s)`
)
