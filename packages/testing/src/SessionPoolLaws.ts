/**
 * The laws of a session pool, as a suite for any driver and layer.
 *
 * All but the tenth are checked by scripts: command sequences that acquire with every kind of request, run statements side by side,
 * release, retag, drop, interrupt, kill, refuse, rotate passwords, make functions throw, reconfigure, let time pass, set the system
 * clock and close, drawn at random from a seed. After every step a picture of the pool, its server and its callers is compared
 * with what pure functions allow. The tenth is a sweep: every operation is interrupted at every point at which its fiber can
 * be, and the pool must be whole afterwards.
 *
 * A law that does not hold fails with a {@link LawViolation}: its number, the seed, and the shortest script that was found.
 */
import type { Connection } from "@sessionpool/core"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { sweep } from "./internal/laws/interruptions.ts"
import { playMany } from "./internal/laws/sequences.ts"
import type { Subject } from "./internal/laws/subject.ts"
import { subject } from "./internal/laws/testDatabaseSubject.ts"
import { type Theme, themes } from "./internal/laws/themes.ts"
import type { TestConnection } from "./TestDatabase.ts"

export type {
  Account,
  Bench,
  Operation,
  PoolSettings,
  PreparationFailed,
  Refusal,
  Server,
  ServerSession,
  Subject
} from "./internal/laws/subject.ts"

/**
 * The laws, by their number.
 *
 * **When to use**
 *
 * Use to show a law's text beside its number.
 *
 * @category combinators
 * @since 0.1.0
 */
export const laws: Readonly<Record<number, string>> = {
  1: "opened <= max, unless forceGet",
  2: "every session is in exactly one state: opening, idle, busy, closing",
  3: "no session has two holders",
  4: "every opened session is closed exactly once by the time the pool's scope is closed",
  5: "no waiter waits while a session that fits it is idle, or while there is room and opening is not backing off",
  6: "equal waiters are served in order",
  7: "nothing expired is lent; nothing in use is evicted; eviction stops at min",
  8: "the tag rules",
  9: "the identity rules",
  10: "interrupting any fiber at any yield point leaves the other laws true",
  11: "one request causes at most one replacement",
  12:
    "no account sees more refused log-ons than one for each set of credentials (plus one retry where credentials are an " +
    "effect) until they change or somebody asks for another try",
  13: "a break never reaches a later lease; a lease that has ended leaves nothing running",
  14: "nothing of one lease's identity is seen by the next",
  15: "no fiber runs inside a step",
  16: "durations do not depend on the wall clock",
  17: "after the pool's scope nothing is left: session, fiber, timer, gauge, group",
  18:
    "a suspended pool lends no session and fails no request that waits; a refreshed one lends no session from before, " +
    "and none that was on an instance when that was drained"
}

/**
 * A law does not hold.
 *
 * **When to use**
 *
 * Use its `script` to understand what broke, and `seed` and `path` to run it again.
 *
 * **Details**
 *
 * `script` is the shortest that was found, one step a line, with what came of it behind. `seed` and `path`, given as options,
 * play it again.
 *
 * @category models
 * @since 0.1.0
 */
export class LawViolation extends Schema.TaggedError<LawViolation>("@sessionpool/testing/LawViolation")(
  "LawViolation",
  {
    subject: Schema.String,
    law: Schema.Number,
    problems: Schema.Array(Schema.String),
    script: Schema.Array(Schema.String),
    seed: Schema.Number,
    path: Schema.optionalKey(Schema.String)
  }
) {
  override get message() {
    return [
      `Law ${this.law} does not hold for ${this.subject}: ${laws[this.law] ?? ""}.`,
      ...this.problems.map((problem) => `- ${problem}`),
      "",
      ...this.script.map((line) => `    ${line}`),
      "",
      `Again: { seed: ${this.seed}${this.path === undefined ? "" : `, path: "${this.path}"`} }`
    ].join("\n")
  }
}

/**
 * How much is run, and from which seed. Unless given, the same each time.
 *
 * @category models
 * @since 0.1.0
 */
export interface RunOptions {
  /** Default 1. */
  readonly seed?: number | undefined
  /** Where in the run of a seed to begin: what a violation has printed. */
  readonly path?: string | undefined
  /** Scripts for each group; default 300. */
  readonly runs?: number | undefined
  /** The most commands in a script; default 40. */
  readonly length?: number | undefined
  /** After how many operations fibers yield in the sweep of law 10; default 3, 4, 5, 7, 12, 31 and 64. */
  readonly maxOps?: ReadonlyArray<number> | undefined
  /** The same where tasks that are ready run in any order; default 3 and 31. */
  readonly maxOpsShuffled?: ReadonlyArray<number> | undefined
  /** How many tasks lie between two interrupts in the sweep of law 10; default 1: none is left out. */
  readonly stride?: number | undefined
}

/**
 * What was run.
 *
 * @category models
 * @since 0.1.0
 */
export interface Report {
  readonly sequences: number
  readonly commands: number
  /** Moments at which an operation was interrupted. */
  readonly interruptions: number
}

/**
 * One group of laws.
 *
 * @category models
 * @since 0.1.0
 */
export interface Law {
  /** The numbers of the laws that it was made for; scripts check all but law 10 whatever their theme. */
  readonly laws: ReadonlyArray<number>
  readonly title: string
  readonly check: <C extends Connection.Connection>(
    subject: Subject<C>,
    options?: RunOptions
  ) => Effect.Effect<Report, LawViolation>
}

const defaults = {
  seed: 1,
  runs: 300,
  length: 40,
  maxOps: [3, 4, 5, 7, 12, 31, 64],
  maxOpsShuffled: [3, 31],
  stride: 1
}

const byScripts = (theme: Theme): Law => ({
  ...themes[theme],
  check: (subject, options) => {
    const seed = options?.seed ?? defaults.seed
    return playMany(subject, theme, {
      seed,
      path: options?.path,
      runs: options?.runs ?? defaults.runs,
      length: options?.length ?? defaults.length
    }).pipe(
      Effect.map((report) => ({ ...report, interruptions: 0 })),
      Effect.mapError(({ breaches, lines, path }) =>
        new LawViolation({
          subject: subject.name,
          law: breaches[0]?.law ?? 0,
          problems: breaches.map(({ problem }) => problem),
          script: lines,
          seed,
          ...(path === undefined ? {} : { path })
        })
      )
    )
  }
})

/**
 * Laws 1 and 2 under changing sizes.
 *
 * **When to use**
 *
 * Use alone while you work on opening, closing and `reconfigure`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const sizes: Law = byScripts("sizes")
/**
 * Laws 3, 5 and 6: who is served, and when.
 *
 * **When to use**
 *
 * Use alone while you work on the queue.
 *
 * @category combinators
 * @since 0.1.0
 */
export const order: Law = byScripts("order")
/**
 * Law 8.
 *
 * **When to use**
 *
 * Use alone while you work on tags.
 *
 * @category combinators
 * @since 0.1.0
 */
export const tags: Law = byScripts("tags")
/**
 * Law 9, with wrong passwords, proxies, shards and connection classes.
 *
 * **When to use**
 *
 * Use alone while you work on users, proxies, connection classes or shards.
 *
 * @category combinators
 * @since 0.1.0
 */
export const identities: Law = byScripts("identities")
/**
 * Law 7: timeouts, lifetimes, pings and keep-alive.
 *
 * **When to use**
 *
 * Use alone while you work on timeouts and eviction.
 *
 * @category combinators
 * @since 0.1.0
 */
export const time: Law = byScripts("time")
/**
 * Laws 2 and 5 while sessions die and operations fail, hang or take long.
 *
 * **When to use**
 *
 * Use alone while you work on failures of the driver.
 *
 * @category combinators
 * @since 0.1.0
 */
export const trouble: Law = byScripts("trouble")
/**
 * Laws 4 and 17, by every way a pool can end.
 *
 * **When to use**
 *
 * Use alone while you work on closing a pool.
 *
 * @category combinators
 * @since 0.1.0
 */
export const endings: Law = byScripts("endings")
/**
 * Law 11: crowds of requests that any session serves, and some that few serve.
 *
 * **When to use**
 *
 * Use alone while you work on sessions that make room for others.
 *
 * @category combinators
 * @since 0.1.0
 */
export const replacements: Law = byScripts("replacements")
/**
 * Law 12: many identities behind one account whose password changes.
 *
 * **When to use**
 *
 * Use alone while you work on refused log-ons.
 *
 * @category combinators
 * @since 0.1.0
 */
export const accounts: Law = byScripts("accounts")
/**
 * Laws 13 and 14: several statements at once on a connection, interrupted in every order, with latency.
 *
 * **When to use**
 *
 * Use alone while you work on interruption.
 *
 * @category combinators
 * @since 0.1.0
 */
export const breaks: Law = byScripts("breaks")
/**
 * Law 15: requests that are made as soon as the pool tells of something.
 *
 * **When to use**
 *
 * Use alone while you work on what the pool does in one step.
 *
 * @category combinators
 * @since 0.1.0
 */
export const steps: Law = byScripts("steps")
/**
 * Law 16: each script with and without a system clock that is set back and forward.
 *
 * **When to use**
 *
 * Use alone while you work on anything that measures time.
 *
 * @category combinators
 * @since 0.1.0
 */
export const clocks: Law = byScripts("clocks")
/**
 * Laws 2, 4 and 17 while functions of the driver and hooks throw.
 *
 * **When to use**
 *
 * Use alone while you work on what a driver or a hook may throw.
 *
 * @category combinators
 * @since 0.1.0
 */
export const defects: Law = byScripts("defects")
/**
 * Law 18: a pool that is refreshed, suspended and resumed at any moment.
 *
 * **When to use**
 *
 * Use alone while you work on `refresh`, `suspend` and `resume`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const steering: Law = byScripts("steering")

/**
 * All of these laws with everything at once.
 *
 * **When to use**
 *
 * Use for long runs: faults of two kinds at once are found here only.
 *
 * @category combinators
 * @since 0.1.0
 */
export const everything: Law = byScripts("everything")

/**
 * Law 10: every operation, interrupted at every point.
 *
 * **When to use**
 *
 * Use alone while you work on what must survive an interrupt.
 *
 * @category combinators
 * @since 0.1.0
 */
export const interruptions: Law = {
  laws: [10],
  title: "interrupting any fiber at any yield point leaves the pool whole",
  check: (subject, options) => {
    const seed = options?.seed ?? defaults.seed
    const maxOps = options?.maxOps ?? defaults.maxOps
    // Where time is real, so is the order of tasks.
    const maxOpsShuffled = subject.time === "virtual" ? options?.maxOpsShuffled ?? defaults.maxOpsShuffled : []
    return sweep(subject, { seed, maxOps, maxOpsShuffled, stride: options?.stride ?? defaults.stride }).pipe(
      Effect.map((interruptions) => ({ sequences: 0, commands: 0, interruptions })),
      Effect.mapError(({ lines, problems }) =>
        new LawViolation({ subject: subject.name, law: 10, problems, script: lines, seed })
      )
    )
  }
}

/**
 * Every group.
 *
 * **When to use**
 *
 * Use to register each group as a test of its own; {@link suite} does it for the common runners.
 *
 * @category combinators
 * @since 0.1.0
 */
export const groups: ReadonlyArray<Law> = [
  sizes,
  order,
  tags,
  identities,
  time,
  trouble,
  endings,
  replacements,
  accounts,
  breaks,
  steps,
  clocks,
  defects,
  steering,
  everything,
  interruptions
]

/**
 * Checks all laws; fails with the first that does not hold.
 *
 * **When to use**
 *
 * Use in a script, or where one test for all laws is enough.
 *
 * **Example** (All laws in one effect)
 *
 * ```ts
 * import { SessionPoolLaws } from "@sessionpool/testing"
 *
 * const report = SessionPoolLaws.all(SessionPoolLaws.testDatabase(), { runs: 50 })
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const all = <C extends Connection.Connection>(
  subject: Subject<C>,
  options?: RunOptions
): Effect.Effect<Report, LawViolation> =>
  Effect.map(
    Effect.forEach(groups, (law) => law.check(subject, options)),
    (reports) => ({
      sequences: reports.reduce((sum, report) => sum + report.sequences, 0),
      commands: reports.reduce((sum, report) => sum + report.commands, 0),
      interruptions: reports.reduce((sum, report) => sum + report.interruptions, 0)
    })
  )

/**
 * The subject that needs no database: the pool of `@sessionpool/core` on a `TestDatabase`, in virtual time.
 *
 * **When to use**
 *
 * Use to check core with a driver that was changed, or to see the laws at work.
 *
 * **Details**
 *
 * `wrap` changes the driver before the pool gets it, which is how to see that a broken one is found.
 *
 * **Example** (A driver that is broken on purpose)
 *
 * ```ts
 * import { SessionPoolLaws } from "@sessionpool/testing"
 * import { Effect } from "effect"
 *
 * const forgetful = SessionPoolLaws.testDatabase((driver) => ({ ...driver, close: () => Effect.void }))
 * const violation = Effect.flip(SessionPoolLaws.endings.check(forgetful))
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const testDatabase: (wrap?: Parameters<typeof subject>[0]) => Subject<TestConnection> = subject

/**
 * What a test runner has to offer; those of vitest, jest and `node:test` all do.
 *
 * @category models
 * @since 0.1.0
 */
export interface TestRunner {
  readonly describe: (name: string, define: () => void) => unknown
  readonly it: (name: string, run: () => Promise<void>, timeout?: number) => unknown
}

/** How long a runner lets one group run. */
const testLimit = 300_000

/**
 * Registers every group as a test of a runner.
 *
 * **When to use**
 *
 * Use in a test file of a driver package.
 *
 * **Details**
 *
 * `SESSION_POOL_LAWS_SEED`, `SESSION_POOL_LAWS_PATH` and `SESSION_POOL_LAWS_RUNS` in the environment go before the options.
 *
 * **Example** (The laws as tests)
 *
 * ```ts
 * import { SessionPoolLaws } from "@sessionpool/testing"
 *
 * declare const vitest: SessionPoolLaws.TestRunner // import * as vitest from "vitest"
 *
 * SessionPoolLaws.suite(vitest, SessionPoolLaws.testDatabase(), { runs: 100 })
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const suite = <C extends Connection.Connection>(
  runner: TestRunner,
  subject: Subject<C>,
  options: RunOptions = {}
): void => {
  const { SESSION_POOL_LAWS_PATH, SESSION_POOL_LAWS_RUNS, SESSION_POOL_LAWS_SEED } = process.env
  const given: RunOptions = {
    ...options,
    ...(SESSION_POOL_LAWS_SEED === undefined ? {} : { seed: Number(SESSION_POOL_LAWS_SEED) }),
    ...(SESSION_POOL_LAWS_PATH === undefined ? {} : { path: SESSION_POOL_LAWS_PATH }),
    ...(SESSION_POOL_LAWS_RUNS === undefined ? {} : { runs: Number(SESSION_POOL_LAWS_RUNS) })
  }
  runner.describe(`the laws of a session pool: ${subject.name}`, () => {
    for (const law of groups) {
      const run = () => Effect.runPromise(Effect.asVoid(law.check(subject, given)))
      runner.it(`${law.laws.join(", ")}: ${law.title}`, run, testLimit)
    }
  })
}
