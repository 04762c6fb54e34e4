/**
 * How a program begins: what its imports take, when its first row is there, and what a storm of log-ons takes. The first two are
 * measured in a process each time.
 */
import { Data, Effect, type Scope } from "effect"
import { fork } from "node:child_process"
import { once } from "node:events"
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { pathToFileURL } from "node:url"
import { again, ratioTarget } from "./compare.ts"
import * as Candidates from "./driverCandidates.ts"
import { Figures, takeTurns } from "./rounds.ts"
import type { Figure, Report, Row, Scale, Target } from "./row.ts"
import { serverProcess } from "./serverProcess.ts"

/** The server makes a process for each session, which takes it so long. */
const logOnMillis = 20

const plans = {
  smallest: { starts: 1, storms: 1, sessions: 3, imports: 3 },
  full: { starts: 7, storms: 5, sessions: 100, imports: 8 }
} as const

class StartFailed extends Data.TaggedError("StartFailed")<{ readonly message: string }> {}

const packages = join(import.meta.dirname, "..", "packages")

interface Manifest {
  readonly dependencies?: object
  readonly peerDependencies?: object
  readonly publishConfig: object
}

const names = ["core", "oracle", "testing", "oracle-server"] as const

/** The URL of a module of a package. */
type Entry = (name: typeof names[number], module?: string) => string

/** Lays a package out as it is installed: what it imports of the others are their compiled files too. */
const install = (name: string, modules: string): void => {
  const manifest = JSON.parse(readFileSync(join(packages, name, "package.json"), "utf8")) as Manifest
  const folder = join(modules, "@sessionpool", name)
  cpSync(join(packages, name, "dist"), join(folder, "dist"), { recursive: true })
  writeFileSync(join(folder, "package.json"), JSON.stringify({ ...manifest, ...manifest.publishConfig }))
  for (const dependency of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) {
    const link = join(modules, dependency)
    if (dependency.startsWith("@sessionpool/") || existsSync(link)) continue
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(packages, name, "node_modules", dependency), link)
  }
}

const url = (...path: ReadonlyArray<string>): string => pathToFileURL(join(...path)).href

/** The packages as they are published, where they have been built, until the scope closes; else their sources. */
const published: Effect.Effect<Entry, never, Scope.Scope> = Effect.suspend(() => {
  if (!names.every((name) => existsSync(join(packages, name, "dist", "index.js")))) {
    return Effect.succeed<Entry>((name, module = "index") => url(packages, name, "src", `${module}.ts`))
  }
  const made = Effect.sync(() => {
    const modules = join(mkdtempSync(join(tmpdir(), "start-")), "node_modules")
    for (const name of names) install(name, modules)
    return modules
  })
  return Effect.map(
    Effect.acquireRelease(
      made,
      (modules) => Effect.sync(() => rmSync(dirname(modules), { recursive: true, force: true }))
    ),
    (modules): Entry => (name, module = "index") => url(modules, "@sessionpool", name, "dist", `${module}.js`)
  )
})

const effect = "effect, for comparison"
const driver = "oracledb, for comparison"

const importsOf = (entry: Entry): ReadonlyArray<readonly [name: string, entry: string]> => [
  [driver, import.meta.resolve("oracledb")],
  [again(driver), import.meta.resolve("oracledb")],
  [effect, import.meta.resolve("effect/Effect")],
  ["@sessionpool/core", entry("core")],
  ["@sessionpool/oracle", entry("oracle")],
  ["@sessionpool/oracle/OracleSessionPool", entry("oracle", "OracleSessionPool")],
  ["@sessionpool/testing", entry("testing")],
  ["@sessionpool/oracle-server", entry("oracle-server")]
]

interface Started {
  readonly import: number
  readonly firstRow: number
}

const isStarted = (message: unknown): message is Started =>
  typeof message === "object" && message !== null && "firstRow" in message

/** Runs `startMain.ts` in a process of its own. */
const started = (...args: ReadonlyArray<string>): Effect.Effect<Started, StartFailed> =>
  Effect.tryPromise({
    try: async () => {
      const child = fork(new URL("startMain.ts", import.meta.url), args, { execArgv: [] })
      const [message] = await Promise.race([once(child, "message"), once(child, "exit").then(() => [undefined])])
      if (!isStarted(message)) throw new Error("it ended at once")
      return message
    },
    catch: (cause) => new StartFailed({ message: `${args.join(" ")}: ${String(cause)}` })
  })

const groups = {
  imports: "an import, in a new process",
  first: "the first row, in a new process",
  storm: (sessions: number) => `a storm of ${sessions} log-ons, each ${logOnMillis} ms at the server`
}

const pool = "sessionpool"
const subpaths = "sessionpool, imported by subpaths"
const peer = "node-oracledb pool"

const targetsOf = (figures: ReadonlyArray<Figure>, storm: string): ReadonlyArray<Target> => [
  ratioTarget(figures, {
    text: "a storm of log-ons: time until each of the callers has a row, to node-oracledb's pool",
    bound: 1,
    direction: "at most",
    where: { group: storm, metric: "time" },
    of: pool,
    to: [peer]
  })
]

const notes = [
  "Packages are imported as they are published, compiled to JavaScript; where nothing is built, their sources. effect and oracledb are " +
  "imported by them, so their time is part of that of the others.",
  "By subpaths only what a program uses is loaded: @sessionpool/oracle/OracleSessionPool, effect/Effect, effect/Redacted.",
  "The first row is there so long after the process began to import, with a server on the same machine that does nothing else.",
  `In the storm as many callers as the pool may have sessions ask for a row each, at once, of a pool that has none open. A log-on takes the ` +
  `server ${logOnMillis} ms of waiting, and the client some milliseconds of computing.`
]

const run = (scale: Scale): Effect.Effect<Report, unknown, Scope.Scope> =>
  Effect.gen(function*() {
    const { imports: count, sessions, starts, storms } = plans[scale]
    const entry = yield* published
    const imports = importsOf(entry)
    const figures = new Figures()
    const add = (group: string, candidate: string, millis: number) =>
      figures.add({ group, candidate, metric: "time", unit: "ms" }, millis)
    yield* takeTurns(imports.slice(0, count), starts, ([name, module]) =>
      Effect.map(started("import", module), (took) =>
        add(groups.imports, name, took.import)))

    const server = yield* serverProcess({})
    const firsts = [
      [pool, "sessionpool", entry("oracle")],
      [again(pool), "sessionpool", entry("oracle")],
      [subpaths, "subpaths", entry("oracle", "OracleSessionPool")],
      [peer, "driver", import.meta.resolve("oracledb")]
    ] as const
    yield* takeTurns(firsts, starts, ([name, kind, module]) =>
      Effect.map(started(kind, module, server.connectString), (took) =>
        add(groups.first, name, took.firstRow)))

    const slow = yield* serverProcess({ logOnMillis })
    const storm = groups.storm(sessions)
    const makes = [
      [pool, Candidates.ours(pool)],
      [again(pool), Candidates.ours(pool)],
      [peer, Candidates.driverPoolUse(peer)]
    ] as const
    yield* takeTurns(makes, storms, ([name, make]) =>
      Effect.scoped(Effect.gen(function*() {
        const candidate = yield* make(slow, { min: 0, max: sessions })
        const began = performance.now()
        yield* Effect.all(
          Array.from({ length: sessions }, () =>
            candidate.lease(1)),
          {
            concurrency: "unbounded",
            discard: true
          }
        )
        add(storm, name, performance.now() - began)
      })))
    const list = figures.list([
      ...imports.map(([name]) => ({ group: groups.imports, name })),
      ...firsts.map(([name]) => ({ group: groups.first, name })),
      ...makes.map(([name]) => ({ group: storm, name }))
    ])
    return { figures: list, targets: targetsOf(list, storm), notes }
  })

export const start: Row = { id: "start", title: "Start: imports, the first row, a storm of log-ons", run }
