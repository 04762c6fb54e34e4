/** The subcommand `simulate`: reads flags, shows how far it is, prints a table, writes a plot. */
import type { PoolOptions } from "@sessionpool/core"
import { Command, Flag } from "effect/cli"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { access, constants, stat, writeFile } from "node:fs/promises"
import { dirname } from "node:path"
import * as PoolRecording from "../../PoolRecording.ts"
import * as PoolSimulation from "../../PoolSimulation.ts"
import { demandOf, type Load } from "./load.ts"
import { millisText } from "./presentation.ts"
import { progressLines } from "./progressLines.ts"
import { expectedSizes, sizesFrom } from "./sizes.ts"
import { describeTimes, expectedTimes, millisFrom, timesFrom } from "./times.ts"

/** Nothing could be simulated or written; why has been printed. */
class SimulateFailure extends Data.TaggedError("SimulateFailure")<{ readonly message: string }> {}

const failure = (error: { readonly message: string }) => new SimulateFailure({ message: error.message })

const times = (name: string) =>
  Flag.String(name).pipe(
    Flag.filterMap(
      (text) => Option.fromUndefinedOr(timesFrom(text)),
      (text) => `--${name} must be ${expectedTimes}, not ${JSON.stringify(text)}`
    )
  )

const lasting = (name: string) =>
  Flag.String(name).pipe(
    Flag.filterMap(
      (text) => Option.fromUndefinedOr(millisFrom(text)),
      (text) => `--${name} must be a duration, such as 20ms or "5 minutes", not ${JSON.stringify(text)}`
    )
  )

const sizes = (name: string) =>
  Flag.String(name).pipe(
    Flag.filterMap(
      (text) => Option.fromUndefinedOr(sizesFrom(text)),
      (text) => `--${name} must be ${expectedSizes}, not ${JSON.stringify(text)}`
    )
  )

type Arrivals = "exponential" | "fixed" | number

const arrivalsFrom = (text: string): Arrivals | undefined => {
  if (text === "exponential" || text === "fixed") return text
  const [, sigma] = /^lognormal:(\d+(?:\.\d+)?)$/.exec(text) ?? []
  return sigma === undefined ? undefined : Number(sigma)
}

const flags = {
  rate: Flag.Finite("rate").pipe(
    Flag.withDescription("Requests in a second"),
    Flag.optional
  ),
  hold: times("hold").pipe(
    Flag.withDescription(`How long a request holds its session: ${expectedTimes}`),
    Flag.optional
  ),
  arrivals: Flag.String("arrivals").pipe(
    Flag.filterMap(
      (text) => Option.fromUndefinedOr(arrivalsFrom(text)),
      (text) => `--arrivals must be exponential, fixed or lognormal:1.5, not ${JSON.stringify(text)}`
    ),
    Flag.withDescription("How requests come: exponential (at random), fixed (evenly), or lognormal:1.5 (in bursts)"),
    Flag.withDefault<Arrivals>("exponential")
  ),
  recording: Flag.String("recording").pipe(
    Flag.withDescription(
      "A file of recorded leases, in place of --rate and --hold: arrival,hold in milliseconds, or JSON lines"
    ),
    Flag.optional
  ),
  times: Flag.Finite("times").pipe(
    Flag.withDescription("Replays a recording that many times as fast"),
    Flag.optional
  ),
  min: Flag.Int("min").pipe(Flag.withDescription("The pools' min; default 0"), Flag.optional),
  increment: Flag.Int("increment").pipe(Flag.withDescription("The pools' increment; default 1"), Flag.optional),
  timeout: lasting("timeout").pipe(
    Flag.withDescription("When the pools close idle sessions; default 1m"),
    Flag.optional
  ),
  queueMax: Flag.Int("queue-max").pipe(
    Flag.withDescription("The pools' queueMax; -1: no limit; default 500"),
    Flag.optional
  ),
  waitTimeout: lasting("wait-timeout").pipe(
    Flag.withDescription("How long requests wait before they fail; default: without a limit"),
    Flag.optional
  ),
  logOn: times("log-on").pipe(
    Flag.withDescription("How long opening a session takes; default 50ms"),
    Flag.optional
  ),
  logOnsAtOnce: Flag.Int("log-ons-at-once").pipe(
    Flag.withDescription("How many log-ons the database does at the same time; default: all"),
    Flag.optional
  ),
  sessionLimit: Flag.Int("session-limit").pipe(
    Flag.withDescription("The most sessions that the database allows; default: no limit"),
    Flag.optional
  ),
  leases: Flag.Int("leases").pipe(
    Flag.withDescription("How many requests each run has"),
    Flag.optional
  ),
  duration: lasting("duration").pipe(
    Flag.withDescription("How long each run is, in simulated time"),
    Flag.optional
  ),
  warmUp: Flag.Finite("warm-up").pipe(
    Flag.withDescription(
      "The share of each run, from its beginning, that is not counted; 0 counts how pools fill; default 0.1"
    ),
    Flag.optional
  ),
  seed: Flag.String("seed").pipe(
    Flag.withDescription("The same seed gives the same figures"),
    Flag.withDefault("1")
  ),
  svg: Flag.String("svg").pipe(Flag.withDescription("A file to write a plot to"), Flag.optional),
  json: Flag.Boolean("json").pipe(
    Flag.withDescription("Prints all figures as JSON, in place of the table"),
    Flag.withDefault(false)
  )
}

type Given = { readonly [K in keyof typeof flags]: (typeof flags)[K] extends Flag.Flag<infer A> ? A : never }

const loadOf = Effect.fnUntraced(function*(given: Given) {
  const rate = Option.getOrUndefined(given.rate)
  const hold = Option.getOrUndefined(given.hold)
  const file = Option.getOrUndefined(given.recording)
  const faster = Option.getOrUndefined(given.times)
  if (file !== undefined) {
    if (rate !== undefined || hold !== undefined) {
      return yield* new SimulateFailure({ message: "Give --recording, or --rate and --hold, not both." })
    }
    return PoolSimulation.recorded(yield* Effect.mapError(PoolRecording.read(file), failure), { times: faster })
  }
  if (rate === undefined || hold === undefined) {
    return yield* new SimulateFailure({
      message: "Say what to simulate: --rate 300 --hold exponential:20ms, or --recording leases.csv."
    })
  }
  if (faster !== undefined) {
    return yield* new SimulateFailure({ message: "--times is for a recording; change --rate instead." })
  }
  return PoolSimulation.assumed({ rate, hold, arrivals: given.arrivals })
})

const poolOf = (given: Given): PoolOptions.Options => {
  const waitTimeout = Option.getOrUndefined(given.waitTimeout)
  return {
    min: Option.getOrUndefined(given.min),
    increment: Option.getOrUndefined(given.increment),
    timeout: Option.getOrUndefined(given.timeout),
    queueMax: Option.getOrUndefined(given.queueMax),
    ...(waitTimeout === undefined ? {} : { getMode: "timedWait" as const, waitTimeout })
  }
}

/** One line that says what was simulated. */
const described = (given: Given, load: Load): string => {
  const { hold, rate } = demandOf(load)
  const work = load._tag === "Recorded"
    ? `${load.leases.length.toLocaleString("en-US")} recorded leases${
      load.times === 1 ? "" : `, ${load.times} times as fast`
    }`
    : `held ${describeTimes(load.hold, millisText)}`
  return `${figure(rate, 1)} requests/s, ${work}: work for ${
    figure(rate * hold / 1000, 2)
  } sessions; seed ${given.seed}`
}

/** So many places, or two digits that count of what is less than one: 0.0004 is not 0. */
const figure = (value: number, places: number): string =>
  value.toLocaleString(
    "en-US",
    value > 0 && value < 1 ? { maximumSignificantDigits: 2 } : { maximumFractionDigits: places }
  )

/** What a system call has failed with, such as ENOENT. */
const codeOf = (thrown: unknown): string =>
  typeof thrown === "object" && thrown !== null && "code" in thrown ? ` (${String(thrown.code)})` : ""

const unwritable = (file: string) => (thrown: unknown) =>
  new SimulateFailure({ message: `${file} cannot be written${codeOf(thrown)}` })

/** Whether a file can be written, before minutes are spent on what it is for. It is not touched. */
const checkWritable = (file: Option.Option<string>) =>
  Option.match(file, {
    onNone: () => Effect.void,
    onSome: (name) =>
      Effect.tryPromise({
        try: async () => {
          const found = await stat(name).catch(() => undefined)
          if (found?.isDirectory() === true) throw Object.assign(new Error(), { code: "EISDIR" })
          await access(found === undefined ? dirname(name) : name, constants.W_OK)
          if (name === "") throw Object.assign(new Error(), { code: "ENOENT" })
        },
        catch: unwritable(JSON.stringify(name))
      })
  })

const write = (file: Option.Option<string>, text: () => string) =>
  Option.match(file, {
    onNone: () => Effect.void,
    onSome: (name) =>
      Effect.tryPromise({
        try: () => writeFile(name, text()),
        catch: unwritable(JSON.stringify(name))
      }).pipe(Effect.andThen(Console.error(`written: ${name}`)))
  })

/** Runs what a subcommand is about between its flags and its output. */
const simulated = <
  Points extends ReadonlyArray<{ readonly leases: number; readonly failed: number; readonly unserved: number }>
>(
  given: Given,
  run: (
    options: PoolSimulation.SimulationOptions
  ) => Effect.Effect<Points, { readonly message: string }>,
  shown: {
    readonly note?: string
    readonly table: (points: Points) => string
    readonly plot: (points: Points, subtitle: string) => string
  }
) =>
  Effect.gen(function*() {
    const load = yield* loadOf(given)
    yield* checkWritable(given.svg)
    const subtitle = `${described(given, load)}${shown.note ?? ""}`
    const lines = progressLines(process.stderr)
    const points = yield* Effect.mapError(
      run({
        load,
        pool: poolOf(given),
        leases: Option.getOrUndefined(given.leases),
        duration: Option.getOrUndefined(given.duration),
        logOn: Option.getOrUndefined(given.logOn),
        logOnsAtOnce: Option.getOrUndefined(given.logOnsAtOnce),
        sessionLimit: Option.getOrUndefined(given.sessionLimit),
        warmUp: Option.getOrUndefined(given.warmUp),
        seed: given.seed,
        onProgress: lines.show
      }).pipe(Effect.ensuring(lines.clear)),
      failure
    )
    if (points.every(({ failed, leases, unserved }) => leases + failed + unserved === 0)) {
      return yield* new SimulateFailure({
        message: "No request came in what is counted: give more --leases, a longer --duration or a higher --rate."
      })
    }
    yield* Console.log(given.json ? JSON.stringify(points, undefined, 2) : `${subtitle}\n\n${shown.table(points)}`)
    yield* lines.summary(points.reduce((sum, { leases }) => sum + leases, 0))
    yield* write(given.svg, () => shown.plot(points, subtitle))
    return points
  })

const told = <A, R>(effect: Effect.Effect<A, SimulateFailure, R>) =>
  Effect.tapError(effect, (error) => Console.error(error.message))

const waitsCommand = Command.make(
  "waits",
  {
    ...flags,
    max: sizes("max").pipe(Flag.withDescription("Which values of max to try: 4,8,16 or 4..16")),
    target: lasting("target").pipe(
      Flag.withDescription("Names the smallest max whose p99 wait is at most this"),
      Flag.optional
    )
  },
  Effect.fnUntraced(function*(given) {
    const points = yield* simulated(given, (options) => PoolSimulation.waits({ ...options, max: given.max }), {
      table: PoolSimulation.waitsTable,
      plot: PoolSimulation.waitsPlot
    })
    const target = Option.getOrUndefined(given.target)
    if (target === undefined || given.json) return
    const found = points.filter(({ failed, unserved, waits }) => failed + unserved === 0 && waits.p99 <= target)
      .reduce<number | undefined>((least, { max }) => Math.min(least ?? max, max), undefined)
    yield* Console.log(
      found === undefined
        ? `\nNo max that was tried keeps the p99 wait within ${millisText(target)}.`
        : `\nThe smallest max with a p99 wait within ${millisText(target)}: ${found}.`
    )
  }, told)
).pipe(Command.withDescription("How long requests wait, by the max of a pool"))

const fleetCommand = Command.make(
  "fleet",
  {
    ...flags,
    processes: sizes("processes").pipe(Flag.withDescription("Which numbers of processes to try: 1,10,100")),
    max: Flag.Int("max").pipe(Flag.withDescription("The max of each process's pool"), Flag.withDefault(4)),
    perProcess: Flag.Boolean("per-process").pipe(
      Flag.withDescription("The load is that of each process; default: of all together"),
      Flag.withDefault(false)
    ),
    drcp: Flag.Int("drcp").pipe(
      Flag.withDescription("Tries DRCP as well, with this many pooled servers at most"),
      Flag.optional
    ),
    drcpMin: Flag.Int("drcp-min").pipe(
      Flag.withDescription("The least number of pooled servers; default 4"),
      Flag.optional
    ),
    drcpTimeout: lasting("drcp-timeout").pipe(
      Flag.withDescription("When idle pooled servers end; default 5m"),
      Flag.optional
    )
  },
  Effect.fnUntraced(function*(given) {
    const maxSize = Option.getOrUndefined(given.drcp)
    if (maxSize === undefined && Option.isSome(Option.orElse(given.drcpMin, () => given.drcpTimeout))) {
      return yield* new SimulateFailure({
        message: "--drcp-min and --drcp-timeout need --drcp, the most pooled servers."
      })
    }
    yield* simulated(
      given,
      (options) =>
        PoolSimulation.fleet({
          ...options,
          processes: given.processes,
          max: given.max,
          perProcess: given.perProcess,
          drcp: maxSize === undefined ? undefined : {
            maxSize,
            minSize: Option.getOrUndefined(given.drcpMin),
            inactivityTimeout: Option.getOrUndefined(given.drcpTimeout)
          }
        }),
      {
        note: `; ${given.perProcess ? "for each process" : "for all together"}`,
        table: PoolSimulation.fleetTable,
        plot: PoolSimulation.fleetPlot
      }
    )
  }, told)
).pipe(Command.withDescription("How many sessions a database sees, by the number of processes, with and without DRCP"))

export const simulateCommand = Command.make("simulate").pipe(
  Command.withDescription(
    "Replays requests through real pools in virtual time, over a database that only takes time: how large pools must be"
  ),
  Command.withSubcommands([waitsCommand, fleetCommand])
)
