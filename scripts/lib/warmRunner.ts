/**
 * Runs tests for the mutation tool. Its own runner starts vitest anew for each mutant, which takes longer than the tests: here the test
 * files and the sources are loaded once for a process, by Node itself, and only the tests that reach a mutant run for it: those that
 * have found its neighbors first, then the fast ones. A test that does not end counts as failed, and its effect is interrupted.
 *
 * A test that failed runs once more without the mutant and has to pass: what mutants before have left behind in the process finds
 * nothing. Where it fails again, the mutant is asked about again in a process of its own.
 *
 * A test that never gives its turn back is ended together with the process, by a thread that measures what the processor has worked for
 * it: other work on the machine finds no mutant.
 *
 * What became of each mutant is written down at once, so that a run that was ended goes on where it was: a mutant that a test has found
 * is not asked about again as long as its file is the same, one that lives as long as the tests are the same, too.
 *
 * Mutants of what runs while a module is loaded are activated before that, in a process of their own: the tool sees to it.
 */
import { appendFileSync, existsSync, globSync, readFileSync, writeFileSync } from "node:fs"
import { registerHooks } from "node:module"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { hashOf, isInSample, keyOf, type Place } from "./mutationKeys.ts"
import { watchTurns } from "./turnWatch.ts"
import type * as Warm from "./warmVitest.ts"

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
    readonly location: Place
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
  /** The tests that have found mutants of a file, the last one first. */
  readonly finders: Record<string, Array<string>>
  /** Tests that do not pass twice in one process of this runner: they need vitest itself. */
  readonly once: Array<string>
}

const messageOf = (failure: unknown): string =>
  failure instanceof Error ? `${failure.name}: ${failure.message}` : String(failure)

/** What the results file has of a mutant, as one line. */
interface Result {
  readonly key: string
  readonly status: "killed" | "survived" | "timeout"
  /** The hash of the tests that were asked. */
  readonly tests: string
  /** The test that has found it. */
  readonly by?: string | undefined
  readonly seconds?: number
}

/** What the tests say of a mutant. */
interface Outcome {
  readonly status: "killed" | "survived" | "timeout"
  readonly ran: number
  /** The test that has found it; none where the sources cannot even be loaded with it. */
  readonly killer: string | undefined
}

/** A process does not live so long that what mutants have left behind in it matters. */
const mostRuns = 100

class WarmRunner {
  readonly #results = process.env.SESSIONPOOL_MUTATION_RESULTS ?? join(process.cwd(), "results.jsonl")
  readonly #share = Number(process.env.SESSIONPOOL_MUTATION_SHARE ?? 1)
  readonly #past = new Map<string, Result>()
  /** The hash of each file that is changed, as it was before. */
  readonly #sources = JSON.parse(process.env.SESSIONPOOL_MUTATION_SOURCES ?? "{}") as Readonly<Record<string, string>>
  #testsHash = ""
  readonly #knownFile = join(process.cwd(), "known-tests.json")
  #known: Known = { millis: {}, finders: {}, once: [] }
  #ran = 0
  #isSpoiled = false
  #watch: ReturnType<typeof watchTurns> | undefined
  #warm: Promise<typeof Warm> | undefined

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
      const result = JSON.parse(line) as Result
      this.#past.set(result.key, result)
    }
    this.#testsHash = hashOf(...this.#files())
    this.#watch = watchTurns()
    return Promise.resolve()
  }

  #files(): ReadonlyArray<string> {
    const listed = (name: string) => (process.env[name] ?? "").split(",").filter((part) => part !== "")
    const without = listed("SESSIONPOOL_MUTATION_WITHOUT")
    return globSync(listed("SESSIONPOOL_MUTATION_TESTS")).filter((file) => !without.some((part) => file.includes(part)))
      .sort()
  }

  #load(): Promise<typeof Warm> {
    return this.#warm ??= (async () => {
      const warm = (await import(shim)) as typeof Warm
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
        this.#known.millis[id] = Math.min(millis, this.#known.millis[id]!)
        if (failure !== undefined) failures.set(id, failure)
        return true
      })
      for (const id of all) if (failures.has(id)) this.#known.once.push(id)
      writeFileSync(
        this.#results.replace(/\.results\.jsonl$/, ".notAsked.txt"),
        [...failures].map(([id, failure]) => `${id}: ${messageOf(failure)}\n`).join("")
      )
      writeFileSync(this.#knownFile, JSON.stringify(this.#known))
      return { status: "complete", tests: results, mutantCoverage }
    } catch (failure) {
      return {
        status: "error",
        errorMessage: failure instanceof Error ? failure.stack ?? failure.message : String(failure)
      }
    }
  }

  async mutantRun(run: MutantRun) {
    const { fileName, location, mutatorName, replacement } = run.activeMutant
    const [file, hash] = Object.entries(this.#sources).find(([name]) => fileName.endsWith(name)) ?? []
    const name = keyOf(file ?? fileName, location, mutatorName, replacement)
    // Whoever asked knows which these are.
    if (!isInSample(name, this.#share)) return { status: "survived", nrOfTests: 0 }
    const key = `${hash} ${name}`
    const { status: before, tests } = this.#past.get(key) ?? {}
    if (before === "timeout") return { status: before, reason: "endless" }
    if (before === "killed") return { status: before, killedBy: [], nrOfTests: 0, failureMessage: "found before" }
    if (before === "survived" && tests === this.#testsHash) return { status: before, nrOfTests: 0 }
    // The tool then starts another process, and asks about the mutant again.
    if (this.#isSpoiled || this.#ran === mostRuns) throw new Error("another process is needed")
    const isFirst = this.#ran++ === 0
    const since = performance.now()
    this.#watch?.({ file: this.#results, line: this.#line(key, "timeout") })
    const { killer, ran, status } = await this.#mutantRun(run)
    if (status === "killed" && killer !== undefined && !(await this.#passes(killer))) {
      this.#isSpoiled = true
      if (!isFirst) throw new Error("the test fails without the mutant, too")
    }
    appendFileSync(this.#results, this.#line(key, status, killer, (performance.now() - since) / 1000))
    if (status === "timeout") return { status, reason: "endless" }
    if (status === "survived") return { status, nrOfTests: ran }
    return { status, killedBy: killer === undefined ? [] : [killer], nrOfTests: ran, failureMessage: "found" }
  }

  /** Whether a test passes without a mutant. */
  async #passes(id: string): Promise<boolean> {
    const warm = await this.#load()
    let passes = false
    await warm.run([id], () => this.#limitOf(id), () => {}, (_, __, failure) => (passes = failure === undefined))
    return passes
  }

  #limitOf(id: string): number {
    return Math.max(4000, 8 * (this.#known.millis[id] ?? 0))
  }

  #line(key: string, status: Result["status"], by?: string, seconds = 0): string {
    return `${JSON.stringify({ key, status, tests: this.#testsHash, by, seconds } satisfies Result)}\n`
  }

  async #mutantRun({ activeMutant, hitLimit, mutantActivation, testFilter }: MutantRun): Promise<Outcome> {
    instrumenter.hitLimit = hitLimit
    instrumenter.hitCount = hitLimit === undefined ? undefined : 0
    instrumenter.activeMutant = mutantActivation === "static" ? activeMutant.id : undefined
    let warm
    try {
      warm = await this.#load()
    } catch {
      this.#isSpoiled = true
      return { status: "killed", ran: 1, killer: undefined }
    }
    const { millis, once } = this.#known
    const finders = (this.#known.finders[activeMutant.fileName] ??= [])
    const cost = (id: string) => finders.includes(id) ? finders.indexOf(id) - finders.length : millis[id] ?? 100
    const ids = (testFilter ?? [...warm.tests.keys()])
      .filter((id) => !once.includes(id))
      .sort((a, b) => cost(a) - cost(b))
    instrumenter.activeMutant = activeMutant.id
    let ran = 0
    let killer: string | undefined
    await warm.run(ids, (id) => this.#limitOf(id), () => {}, (id, _, failure) => {
      ran++
      if (failure !== undefined) killer = id
      return failure === undefined
    })
    instrumenter.activeMutant = undefined
    // A loop that would not have ended: the instrumented code has thrown, maybe where no test sees it.
    const isEndless = hitLimit !== undefined && instrumenter.hitCount! > hitLimit
    instrumenter.hitLimit = undefined
    instrumenter.hitCount = undefined
    if (killer === undefined) return { status: isEndless ? "timeout" : "survived", ran, killer }
    this.#known.finders[activeMutant.fileName] = [killer, ...finders.filter((id) => id !== killer)].slice(0, 30)
    writeFileSync(this.#knownFile, JSON.stringify(this.#known))
    return { status: "killed", ran, killer }
  }
}

/** How the tool finds it. */
export const strykerPlugins = [{ kind: "TestRunner", name: "warm", injectableClass: WarmRunner }]
