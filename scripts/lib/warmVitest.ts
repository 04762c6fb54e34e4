/**
 * Stands in for vitest where the mutation tool runs tests: they are registered once, and run as often as there are mutants. It knows
 * what the tests here use: suites, tests, tables of tests, hooks, `onTestFinished`, expectations. It cannot replace modules (`vi.mock`).
 */
import { Context, Metric } from "effect"
import { mock } from "node:test"

export { assert, chai, createExpect, expect, expectTypeOf, inject, TestRunner, vi, vitest } from "vitest"

// Tests may replace these, and with a mutant may never put them back.
const { clearTimeout, setTimeout } = globalThis

type Work = (...args: ReadonlyArray<unknown>) => unknown

/** What a test and the hooks around it are given. */
interface Context {
  readonly signal: AbortSignal
  readonly onTestFinished: (work: () => unknown) => void
  readonly task: { readonly name: string }
}

interface Suite {
  readonly name: string
  readonly parent: Suite | undefined
  readonly isSkipped: boolean
  readonly hooks: Readonly<Record<"beforeAll" | "beforeEach" | "afterEach" | "afterAll", Array<Work>>>
}

interface Test {
  readonly id: string
  readonly name: string
  readonly file: string
  readonly suite: Suite
  readonly work: (context: Context) => unknown
  readonly fails: boolean
}

/** All tests of the files that have been loaded, in their order. */
export const tests = new Map<string, Test>()

const suiteOf = (name: string, parent: Suite | undefined, isSkipped: boolean): Suite => ({
  name,
  parent,
  isSkipped,
  hooks: { beforeAll: [], beforeEach: [], afterEach: [], afterAll: [] }
})

let file = ""
let current = suiteOf("", undefined, false)
let loading: Array<Promise<void>> = []

/** Registers the tests of a file. */
export const load = async (name: string, url: string): Promise<void> => {
  file = name
  current = suiteOf("", undefined, false)
  loading = []
  await import(url)
  await Promise.all(loading)
}

const functionAmong = (args: ReadonlyArray<unknown>): Work => args.find((arg) => typeof arg === "function") as Work

interface Register {
  (name: string, ...args: ReadonlyArray<unknown>): void
}

const registerSuite = (isSkipped: boolean): Register => (name, ...args) => {
  const outer = current
  current = suiteOf(name, outer, isSkipped || outer.isSkipped)
  const inner = current
  const body = functionAmong(args)() as Promise<void> | undefined
  current = outer
  if (body !== undefined && typeof body.then === "function") {
    loading.push(Promise.reject(new Error(`the suite ${inner.name} is asynchronous`)))
  }
}

const registerTest =
  (mode: { readonly isSkipped?: boolean; readonly fails?: boolean } = {}): Register => (name, ...args) => {
    if (mode.isSkipped === true || current.isSkipped) return
    const names = [name]
    for (let suite: Suite | undefined = current; suite !== undefined && suite.name !== ""; suite = suite.parent) {
      names.unshift(suite.name)
    }
    let id = `${file}#${names.join(" > ")}`
    while (tests.has(id)) id += "'"
    tests.set(id, {
      id,
      name: names.join(" > "),
      file,
      suite: current,
      work: functionAmong(args),
      fails: mode.fails === true
    })
  }

/** A title of a table as vitest makes it, near enough to tell rows apart. */
const titleOf = (name: string, row: unknown, index: number): string => {
  const values = Array.isArray(row) ? row as ReadonlyArray<unknown> : [row]
  let at = 0
  return `${name.replaceAll(/%[sdifjop#]/g, (mark) => mark === "%#" ? String(index) : String(values[at++]))} [${index}]`
}

const tabled =
  (register: Register, spread: boolean) =>
  (rows: ReadonlyArray<unknown>) =>
  (name: string, ...args: ReadonlyArray<unknown>) => {
    const work = functionAmong(args)
    for (const [index, row] of rows.entries()) {
      register(
        titleOf(name, row, index),
        spread
          ? () => work(...(Array.isArray(row) ? row as ReadonlyArray<unknown> : [row]))
          : (ctx: unknown) => work(row, ctx)
      )
    }
  }

const withModes = (register: Register, skipped: Register, more: object) =>
  Object.assign(register, {
    skip: skipped,
    todo: skipped,
    only: register,
    concurrent: register,
    sequential: register,
    skipIf: (condition: unknown) => (condition ? skipped : register),
    runIf: (condition: unknown) => (condition ? register : skipped),
    each: tabled(register, true),
    for: tabled(register, false),
    ...more
  })

export const describe = withModes(registerSuite(false), registerSuite(true), {})
export const suite = describe
export const it = withModes(registerTest(), registerTest({ isSkipped: true }), { fails: registerTest({ fails: true }) })
export const test = it

export const beforeAll = (work: Work): number => current.hooks.beforeAll.push(work)
export const afterAll = (work: Work): number => current.hooks.afterAll.push(work)
export const beforeEach = (work: Work): number => current.hooks.beforeEach.push(work)
export const afterEach = (work: Work): number => current.hooks.afterEach.push(work)

let finished: Array<() => unknown> = []
export const onTestFinished = (work: () => unknown): void => {
  finished.push(work)
}

const chainOf = (suite: Suite): ReadonlyArray<Suite> =>
  suite.parent === undefined ? [suite] : [...chainOf(suite.parent), suite]

/** Runs tests one after the other; `onEnd` says whether to go on. */
export const run = async (
  ids: ReadonlyArray<string>,
  limitOf: (id: string) => number,
  onBegin: (id: string) => void,
  onEnd: (id: string, millis: number, failure: unknown) => boolean
): Promise<void> => {
  const begun: Array<Suite> = []
  for (const id of ids) {
    const wanted = tests.get(id)
    if (wanted === undefined) continue
    onBegin(id)
    const at = performance.now()
    const control = new AbortController()
    const limit = limitOf(id)
    const chain = chainOf(wanted.suite)
    finished = []
    const context: Context = { signal: control.signal, onTestFinished, task: { name: wanted.name } }
    const whole = async () => {
      for (const suite of chain) {
        if (begun.includes(suite)) continue
        begun.push(suite)
        for (const hook of suite.hooks.beforeAll) await hook()
      }
      for (const suite of chain) for (const hook of suite.hooks.beforeEach) await hook(context)
      try {
        await wanted.work(context)
      } finally {
        for (const suite of chain.toReversed()) for (const hook of suite.hooks.afterEach) await hook(context)
        for (const work of finished.toReversed()) await work()
      }
    }
    let timer: NodeJS.Timeout | undefined
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not ended within ${limit} ms`)), limit)
    })
    let failure: { readonly cause: unknown } | undefined
    try {
      await Promise.race([whole(), late])
      if (wanted.fails) failure = { cause: new Error("a test that is to fail has passed") }
    } catch (cause) {
      if (!wanted.fails) failure = { cause }
      control.abort()
    }
    clearTimeout(timer)
    mock.timers.reset()
    // Its metrics are not the next test's.
    Context.get(Context.empty(), Metric.MetricRegistry).clear()
    // What a test fails with may be nothing.
    const cause = failure === undefined ? undefined : failure.cause ?? new Error("failed, and did not say why")
    if (!onEnd(id, performance.now() - at, cause)) break
  }
  for (const suite of begun.toReversed()) {
    for (const hook of suite.hooks.afterAll) {
      try {
        await hook()
      } catch {
        // What a mutant has broken may be past closing.
      }
    }
  }
}
