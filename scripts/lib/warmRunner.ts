/**
 * Runs tests for the mutation tool. Its own runner starts vitest anew for each mutant, which takes longer than the tests: here the test
 * files and the sources are loaded once for a process, by Node itself, and only the tests that reach a mutant run for it, those that
 * have found others first. A test that does not end counts as failed, and its effect is interrupted.
 *
 * What became of each mutant is written down at once, so that a run that was ended goes on where it was: a mutant that a test has found
 * is not asked about again as long as its file is the same, one that lives as long as the tests are the same, too. A test that never
 * gives its turn back is ended by the tool, together with the process: what was begun twice and never ended counts as found.
 *
 * Mutants of what runs while a module is loaded are activated before that, in a process of their own: the tool sees to it.
 */
import { appendFileSync, existsSync, globSync, readFileSync, writeFileSync } from "node:fs"
import { registerHooks } from "node:module"
import { join, relative } from "node:path"
import { pathToFileURL } from "node:url"
import { hashOf } from "./files.ts"

/** What the tool's instrumented code reads and writes. */
interface Instrumenter {
  activeMutant?: string | undefined
  currentTestId?: string | undefined
  hitCount?: number | undefined
  hitLimit?: number | undefined
  mutantCoverage?: unknown
}

interface MutantRun {
  readonly testFilter?: ReadonlyArray<string>
  readonly hitLimit?: number
  readonly activeMutant: {
    readonly id: string
    readonly fileName: string
    readonly mutatorName: string
    readonly replacement: string
    readonly location: unknown
  }
  readonly mutantActivation: "runtime" | "static"
}

const instrumenter = ((globalThis as { __stryker__?: Instrumenter }).__stryker__ ??= {})
const shim = new URL("./warmVitest.ts", import.meta.url).href

/** Tests import the packages by name: that leads to the sources that are changed. */
const redirect = (folder: string) => {
  const packages = pathToFileURL(join(folder, "packages")).href
  registerHooks({
    resolve: (specifier, context, next) => {
      if (specifier === "vitest" && context.parentURL !== shim) return { url: shim, shortCircuit: true }
      const [, name, path = "index"] = /^@sessionpool\/([a-z-]+)(?:\/(.+))?$/.exec(specifier) ?? []
      return name === undefined ?
        next(specifier, context) :
        { url: `${packages}/${name}/src/${path}.ts`, shortCircuit: true }
    }
  })
}

/** What is known of the tests from the runs before, by any process. */
interface Known {
  readonly millis: Record<string, number>
  readonly kills: Record<string, number>
  /** Tests that do not pass twice in one process of this runner: they need vitest itself. */
  readonly once: Array<string>
}

const messageOf = (failure: unknown): string =>
  failure instanceof Error ? `${failure.name}: ${failure.message}` : String(failure)

/** What the results file has of a mutant: how often it was begun, and its end. */
interface Past {
  begun: number
  end?: { readonly status: string; readonly tests: string }
}

class WarmRunner {
  readonly #results = process.env.SESSIONPOOL_MUTATION_RESULTS ?? join(process.cwd(), "results.jsonl")
  readonly #past = new Map<string, Past>()
  /** The hash of each file that is changed, as it was before. */
  readonly #sources = JSON.parse(process.env.SESSIONPOOL_MUTATION_SOURCES ?? "{}") as Readonly<Record<string, string>>
  #testsHash = ""
  readonly #knownFile = join(process.cwd(), "known-tests.json")
  #known: Known = { millis: {}, kills: {}, once: [] }
  #warm: Promise<typeof import("./warmVitest.ts")> | undefined

  capabilities() {
    return { reloadEnvironment: false }
  }

  init(): Promise<void> {
    // What a mutant lets fail with nobody waiting is not a test's failure.
    process.on("unhandledRejection", () => {})
    process.on("uncaughtException", () => {})
    process.env.VITEST = "1"
    if (existsSync(this.#knownFile)) this.#known = JSON.parse(readFileSync(this.#knownFile, "utf8")) as Known
    redirect(process.cwd())
    for (const line of existsSync(this.#results) ? readFileSync(this.#results, "utf8").split("\n") : []) {
      if (line === "") continue
      const { key, ...end } = JSON.parse(line) as { readonly key: string; readonly status: string; readonly tests: string }
      const past = this.#past.get(key) ?? { begun: 0 }
      this.#past.set(key, end.status === "begun" ? { ...past, begun: past.begun + 1 } : { begun: 0, end })
    }
    this.#testsHash = hashOf(...this.#files())
    return Promise.resolve()
  }

  #files(): ReadonlyArray<string> {
    const listed = (name: string) => (process.env[name] ?? "").split(",").filter((part) => part !== "")
    const without = listed("SESSIONPOOL_MUTATION_WITHOUT")
    return globSync(listed("SESSIONPOOL_MUTATION_TESTS")).filter((file) => !without.some((part) => file.includes(part))).sort()
  }

  #load(): Promise<typeof import("./warmVitest.ts")> {
    return this.#warm ??= (async () => {
      const warm = (await import(shim)) as typeof import("./warmVitest.ts")
      for (const file of this.#files()) {
        await warm.load(file, pathToFileURL(join(process.cwd(), file)).href)
      }
      return warm
    })()
  }

  async dryRun() {
    try {
      const warm = await this.#load()
      const results: Array<object> = []
      const failures = new Map<string, unknown>()
      const all = [...warm.tests.keys()]
      const limit = () => 60_000
      instrumenter.activeMutant = undefined
      await warm.run(all, limit, (id) => (instrumenter.currentTestId = id), (id, millis, failure) => {
        const { file, name } = warm.tests.get(id)!
        this.#known.millis[id] = millis
        if (failure !== undefined) failures.set(id, failure)
        results.push({ id, name, fileName: join(process.cwd(), file), timeSpentMs: Math.round(millis), status: 0 })
        return true
      })
      instrumenter.currentTestId = undefined
      const mutantCoverage = structuredClone(instrumenter.mutantCoverage)
      await warm.run(all, limit, () => {}, (id, millis, failure) => {
        this.#known.millis[id] = millis
        if (failure !== undefined) failures.set(id, failure)
        return true
      })
      for (const id of all) if (failures.has(id)) this.#known.once.push(id)
      for (const [id, failure] of failures) console.error(`not asked, as it fails here: ${id}: ${messageOf(failure)}`)
      writeFileSync(this.#knownFile, JSON.stringify(this.#known))
      return { status: "complete", tests: results, mutantCoverage }
    } catch (failure) {
      return { status: "error", errorMessage: failure instanceof Error ? failure.stack ?? failure.message : String(failure) }
    }
  }

  async mutantRun(run: MutantRun) {
    const { fileName, location, mutatorName, replacement } = run.activeMutant
    const file = relative(process.cwd(), fileName)
    const key = JSON.stringify([file, this.#sources[file], location, mutatorName, replacement])
    const past = this.#past.get(key)
    if (past?.begun === 2) return { status: "timeout", reason: "ended by the tool before" }
    const end = past?.end
    if (end?.status === "killed") return { status: "killed", killedBy: [], nrOfTests: 0, failureMessage: "found before" }
    if (end?.status === "survived" && end.tests === this.#testsHash) return { status: "survived", nrOfTests: 0 }
    this.#write(key, "begun")
    const result = await this.#mutantRun(run)
    this.#write(key, result.status)
    return result
  }

  #write(key: string, status: string): void {
    appendFileSync(this.#results, `${JSON.stringify({ key, status, tests: this.#testsHash })}\n`)
  }

  async #mutantRun({ activeMutant, hitLimit, mutantActivation, testFilter }: MutantRun) {
    instrumenter.hitLimit = hitLimit
    instrumenter.hitCount = hitLimit === undefined ? undefined : 0
    instrumenter.activeMutant = mutantActivation === "static" ? activeMutant.id : undefined
    let warm
    try {
      warm = await this.#load()
    } catch (failure) {
      return { status: "killed", killedBy: [], nrOfTests: 1, failureMessage: `not loaded: ${messageOf(failure)}` }
    }
    const { kills, millis, once } = this.#known
    const cost = (id: string) => (millis[id] ?? 100) / (1 + 4 * (kills[id] ?? 0))
    const ids = (testFilter ?? [...warm.tests.keys()])
      .filter((id) => !once.includes(id))
      .sort((a, b) => cost(a) - cost(b))
    instrumenter.activeMutant = activeMutant.id
    let ran = 0
    let killer: { readonly id: string; readonly failure: unknown } | undefined
    await warm.run(ids, (id) => Math.max(2000, 6 * (millis[id] ?? 0)), () => {}, (id, _, failure) => {
      ran++
      if (failure !== undefined) killer = { id, failure }
      return failure === undefined
    })
    instrumenter.activeMutant = undefined
    if (killer === undefined) return { status: "survived", nrOfTests: ran }
    kills[killer.id] = (kills[killer.id] ?? 0) + 1
    writeFileSync(this.#knownFile, JSON.stringify(this.#known))
    return { status: "killed", killedBy: [killer.id], nrOfTests: ran, failureMessage: messageOf(killer.failure) }
  }
}

/** How the tool finds it. */
export const strykerPlugins = [{ kind: "TestRunner", name: "warm", injectableClass: WarmRunner }]
