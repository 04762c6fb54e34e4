// The one entry of every root script. It needs nothing but Node 20 and npm: it installs the pinned Node and pnpm into
// `toolchain/node_modules` and the dependencies into `node_modules`, each only when its lock file has changed since the
// last time, and then runs the task on the pinned Node.
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { delimiter, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const toolchain = join(root, "toolchain")
const windows = process.platform === "win32"
const bin = [join(root, "node_modules", ".bin"), join(toolchain, "node_modules", ".bin")]
const environment = { ...process.env, PATH: [...bin, process.env.PATH ?? ""].join(delimiter) }

/** Runs one command; its failure ends the script with the same exit code. */
const run = (command, args, cwd = root) => {
  const result = spawnSync(command, args, { cwd, stdio: "inherit", env: environment, shell: windows })
  if (result.error) {
    console.error(`${command} could not be started: ${result.error.message}`)
    process.exit(1)
  }
  if (result.status !== 0) process.exit(result.status ?? 1)
}

/** Runs `install` unless `inputs` are unchanged since it last succeeded. */
const whenChanged = (inputs, marker, install) => {
  const hash = createHash("sha256")
  for (const file of inputs) hash.update(readFileSync(join(root, file)))
  const digest = hash.digest("hex")
  if (existsSync(marker) && readFileSync(marker, "utf8") === digest) return
  install()
  mkdirSync(dirname(marker), { recursive: true })
  writeFileSync(marker, digest)
}

const installToolchain = () => {
  console.log("Installing the pinned Node and pnpm (once) ...")
  run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], toolchain)
  // npm may be set not to run install scripts; both packages then still need theirs to place the binary.
  const works = (name) => spawnSync(name, ["--version"], { env: environment, shell: windows }).status === 0
  if (!works("pnpm")) run("npm", ["rebuild", "--ignore-scripts=false", "--foreground-scripts"], toolchain)
}

const manifests = ["benchmarks", "examples", "packages/core", "packages/oracle", "packages/testing"]
const bootstrap = () => {
  whenChanged(
    ["toolchain/package.json", "toolchain/package-lock.json"],
    join(toolchain, "node_modules", ".installed"),
    installToolchain
  )
  whenChanged(
    ["package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml", ...manifests.map((folder) => `${folder}/package.json`)],
    join(root, "node_modules", ".installed"),
    () => {
      console.log("Installing the dependencies ...")
      run("pnpm", ["install", "--frozen-lockfile", "--reporter=silent"])
    }
  )
}

const format = () => run("dprint", ["check"])
const lint = () => run("oxlint", ["--deny-warnings"])
const check = () => {
  run("tsc", ["--project", "tsconfig.check.json"])
  run("effect-tsgo", ["diagnostics", "--project", "tsconfig.check.json", "--severity", "error,warning"])
}
const build = () => run("tsc", ["--build"])
const vitest = (...args) => run("node", ["node_modules/vitest/vitest.mjs", "run", ...args])

const tasks = {
  format: () => run("dprint", ["fmt"]),
  lint,
  check,
  build,
  test: (args) => {
    if (args.length > 0) return vitest(...args)
    format()
    lint()
    check()
    build()
    run("node", ["scripts/check-packages.ts"])
    vitest()
  },
  sweep: (args) => run("node", ["scripts/sweep.ts", ...args]),
  bench: (args) => run("node", ["benchmarks/run.ts", ...args]),
  demo: (args) => run("node", ["examples/demo.ts", ...args])
}

const [task, ...args] = process.argv.slice(2)
if (!Object.hasOwn(tasks, task ?? "")) {
  console.error(`usage: node scripts/run.mjs ${Object.keys(tasks).join("|")}`)
  process.exit(2)
}
bootstrap()
tasks[task](args)
