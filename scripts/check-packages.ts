/**
 * Checks the packages as they would be published: packs each, looks at what is inside, lets publint and
 * are-the-types-wrong judge it, and loads every entry point from the unpacked files. Needs the build (`tsc --build`).
 */
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"
import { publint } from "publint"
import { formatMessage } from "publint/utils"
import { type Budget, weigh } from "./lib/bundle.ts"
import { filesBelow, packages, root } from "./lib/files.ts"
import { Report, run } from "./lib/report.ts"

/** What is read of a manifest. */
interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, null | Readonly<Record<string, string>>>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly engines: { readonly node: string }
}

const report = new Report("packages")
const work = join(root, "build", "packages")
const modules = join(work, "node_modules")

rmSync(work, { recursive: true, force: true })
mkdirSync(modules, { recursive: true })

/** Packs a package and unpacks it where a program would have it installed; the answer is the archive. */
const pack = (name: string): string | undefined => {
  const archive = join(work, `${name}.tgz`)
  const packed = run("pnpm", ["pack", "--silent", "--out", archive], join(root, "packages", name))
  if (!packed.ok) {
    report.add(`${name} cannot be packed:\n${packed.output}`)
    return undefined
  }
  const target = join(modules, "@sessionpool", name)
  mkdirSync(target, { recursive: true })
  const unpacked = run("tar", ["-xzf", archive, "-C", target, "--strip-components", "1"], work)
  if (!unpacked.ok) report.add(`${name} cannot be unpacked:\n${unpacked.output}`)
  return unpacked.ok ? archive : undefined
}

/** The public modules, as they are imported. */
const entryPoints = (manifest: Manifest, files: ReadonlyArray<string>): ReadonlyArray<string> => [
  manifest.name,
  ...files
    .filter((file) => /^src\/[^/]+\.ts$/.test(file) && file !== "src/index.ts")
    .map((file) => `${manifest.name}/${file.slice("src/".length, -".ts".length)}`)
]

const checkExports = (manifest: Manifest, files: ReadonlyArray<string>): void => {
  for (const [entry, conditions] of Object.entries(manifest.exports)) {
    for (const [condition, target] of Object.entries(conditions ?? {})) {
      const pattern = target.replace(/^\.\//, "")
      const [before = "", after = ""] = pattern.split("*")
      const exists = pattern.includes("*")
        ? files.some((file) => file.startsWith(before) && file.endsWith(after))
        : files.includes(pattern)
      if (!exists) {
        report.add(`${manifest.name}: exports "${entry}" (${condition}) points at ${target}, which is not packed`)
      }
      if (!pattern.startsWith("dist/")) {
        report.add(`${manifest.name}: exports "${entry}" points outside dist: ${target}`)
      }
    }
  }
  for (const [name, range] of Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies })) {
    if (/^(workspace|catalog|link|file):/.test(range)) report.add(`${manifest.name}: depends on ${name} by "${range}"`)
  }
}

const machinePaths = [root, homedir()].filter((path) => path.length > 1)

const checkFiles = (manifest: Manifest, folder: string, files: ReadonlyArray<string>): void => {
  for (const needed of ["README.md", "LICENSE", "package.json"]) {
    if (!files.includes(needed)) report.add(`${manifest.name}: ${needed} is not packed`)
    else if (readFileSync(join(folder, needed), "utf8").trim() === "") {
      report.add(`${manifest.name}: ${needed} is empty`)
    }
  }
  for (const file of files) {
    const source = /^dist\/(.*)\.js$/.exec(file)?.[1]
    if (source !== undefined && !files.includes(`src/${source}.ts`)) {
      report.add(`${manifest.name}: ${file} is left from a source that is gone; remove dist and build again`)
    }
    if (/\.tsbuildinfo$|\.tgz$|(^|\/)test\/|(^|\/)node_modules\//.test(file)) {
      report.add(`${manifest.name}: ${file} should not be packed`)
    }
    const text = readFileSync(join(folder, file), "utf8")
    for (const path of machinePaths) {
      if (text.includes(`${path}/`)) report.add(`${manifest.name}: ${file} holds a path of this machine (${path})`)
    }
    // Declarations may say `.ts`: TypeScript reads the declaration beside it. Node would not find the file.
    if (/^dist\/.*\.js$/.test(file)) {
      const code = text.replace(/\/\*[^]*?\*\//g, "")
      const imported = /(?:from|import)\s*\(?\s*["'](\.{1,2}\/[^"']*\.ts)["']/.exec(code)
      if (imported !== null) report.add(`${manifest.name}: ${file} imports a source file, ${imported[1]}`)
    }
  }
}

const checkTypes = (archive: string, manifest: Manifest, modulesOf: ReadonlyArray<string>): void => {
  const entries = modulesOf.map((module) => `.${module.slice(manifest.name.length)}`)
  const { ok, output } = run(
    "attw",
    [archive, "--profile", "esm-only", "--format", "ascii", "--no-emoji", "--no-color", "--entrypoints", ...entries],
    work
  )
  if (!ok) report.add(`${manifest.name}: are-the-types-wrong says\n${output}`)
}

const checkPublint = async (archive: string, manifest: Manifest): Promise<void> => {
  const tarball = new Uint8Array(readFileSync(archive)).buffer
  const { messages, pkg } = await publint({ pack: { tarball }, strict: true, level: "warning" })
  for (const message of messages) {
    report.add(`${manifest.name}: publint says ${formatMessage(message, pkg, { color: false }) ?? message.code}`)
  }
}

/** Makes the dependencies of a package resolvable from where it was unpacked. */
const linkDependencies = (name: string, manifest: Manifest): void => {
  for (const dependency of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) {
    if (dependency.startsWith("@sessionpool/")) continue
    const link = join(modules, dependency)
    mkdirSync(join(link, ".."), { recursive: true })
    rmSync(link, { recursive: true, force: true })
    symlinkSync(join(root, "packages", name, "node_modules", dependency), link)
  }
}

/** `@types/node`, as a program that uses the packages has it. */
const linkTypes = (): void => {
  mkdirSync(join(modules, "@types"), { recursive: true })
  symlinkSync(join(root, "node_modules", "@types", "node"), join(modules, "@types", "node"))
}

/** Takes a lease of a pool, so that the packages are not only loaded. */
const leaseOfTestDatabase = `
import { TestDatabase } from "@sessionpool/testing"
import { Effect } from "effect"
const lease = Effect.flatMap(TestDatabase.Pool, (pool) => pool.use((connection) => connection.execute("select 1")))
const database = { answer: () => Effect.succeed(42) }
const answer = await Effect.runPromise(Effect.provide(lease, TestDatabase.layer({ max: 2, database })))
if (answer !== 42) throw new Error("the lease answered " + answer)
`

/** What parts of core may weigh, gzipped: a part that is not used must not be in a bundle. */
const budgets: ReadonlyArray<Budget> = [
  {
    name: "the pool",
    program: `import { SessionPool } from "@sessionpool/core"; make(SessionPool.make)`,
    gzip: 32_000
  },
  {
    name: "SessionTag alone",
    program: `import { SessionTag } from "@sessionpool/core"; parse(SessionTag.parse)`,
    gzip: 1_000
  }
]

/** The Node that a package asks for at least. */
const engines = new Map<string, readonly [number, number]>()

/** Whether a module is promised to load on a version of Node. */
const isFor = (version: string, module: string): boolean => {
  const [, packageName = ""] = /^(@sessionpool\/[^/]+)/.exec(module) ?? []
  const [major = 0, minor = 0] = version.slice(1).split(".").map(Number)
  const [neededMajor, neededMinor] = engines.get(packageName) ?? [0, 0]
  return major > neededMajor || (major === neededMajor && minor >= neededMinor)
}

const began = performance.now()
const imports: Array<string> = []
const nodes = new Set<string>()
for (const name of packages) {
  const archive = pack(name)
  if (archive === undefined) continue
  const folder = join(modules, "@sessionpool", name)
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest
  const files = filesBelow(folder)
  const modulesOf = entryPoints(manifest, files)
  imports.push(...modulesOf)
  const [, major = "0", minor = "0"] = /(\d+)(?:\.(\d+))?/.exec(manifest.engines.node) ?? []
  engines.set(manifest.name, [Number(major), Number(minor)])
  checkExports(manifest, files)
  checkFiles(manifest, folder, files)
  checkTypes(archive, manifest, modulesOf)
  await checkPublint(archive, manifest)
  linkDependencies(name, manifest)
}

// Whatever the tools say: does TypeScript read it in a project that knows nothing of this one, and does Node load it?
if (report.isClean) {
  const options = {
    strict: true,
    module: "nodenext",
    target: "es2024",
    types: ["node"],
    noEmit: true,
    skipLibCheck: false
  }
  const files = ["consumer.ts"]
  writeFileSync(join(work, "package.json"), JSON.stringify({ type: "module", private: true }))
  writeFileSync(join(work, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files }))
  const named = imports.map((module, index) => `export * as m${index} from ${JSON.stringify(module)}`)
  writeFileSync(join(work, "consumer.ts"), named.join("\n"))
  linkTypes()
  const checked = run("tsc", ["--project", "tsconfig.json", "--pretty", "false"], work)
  if (!checked.ok) report.add(`the declarations cannot be read:\n${checked.output}`)

  for (const node of ["node", process.env.SESSIONPOOL_HOST_NODE].filter((path) => path !== undefined)) {
    const version = run(node, ["--version"], work).output.trim()
    const loadable = imports.filter((module) => isFor(version, module))
    const program = loadable.map((module) => `await import(${JSON.stringify(module)})`).join("\n")
    const loaded = run(node, ["--input-type=module", "--eval", `${program}\n${leaseOfTestDatabase}`], work)
    if (!loaded.ok) report.add(`the packed files do not run on Node ${version}:\n${loaded.output}`)
    else nodes.add(version)
  }
}

const weights: Array<string> = []
for (const { gzip: budget, name, program } of report.isClean ? budgets : []) {
  const { gzip, minified } = await weigh(work, program)
  weights.push(`${name} ${(minified / 1000).toFixed(1)} kB, gzipped ${(gzip / 1000).toFixed(1)}`)
  if (gzip > budget) report.add(`core: ${name} weighs ${gzip} bytes gzipped, more than its budget of ${budget}`)
}

const seconds = ((performance.now() - began) / 1000).toFixed(1)
report.end(
  `${packages.length} packed, ${imports.length} entry points checked, loaded on Node ${
    [...nodes].join(" and ")
  }; in a bundle ${weights.join("; ")} (${seconds} s)`
)
