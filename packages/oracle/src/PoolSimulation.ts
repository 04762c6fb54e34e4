/**
 * How large pools must be, before there is any traffic: requests are replayed through real pools under a virtual clock, over a database
 * that only takes time and counts sessions.
 *
 * Import it from `@sessionpool/oracle/simulation`; nothing else of the package loads it. The command `sessionpool-oracle simulate` does the
 * same from a shell.
 *
 * @since 0.3.0
 */
import type { PoolError, PoolOptions } from "@sessionpool/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { durationOf } from "./internal/fieldKinds.ts"
import { type Queue, type QueueWaits, waitsOf } from "./internal/simulation/erlang.ts"
import { demandOf, type LeaseTimes, type Load } from "./internal/simulation/load.ts"
import type { FleetPoint, WaitsPoint } from "./internal/simulation/points.ts"
import * as presentation from "./internal/simulation/presentation.ts"
import { type Checked, checkLoad, checkRun, checkSizes } from "./internal/simulation/runOptions.ts"
import { type RunOptions, simulate } from "./internal/simulation/simulation.ts"
import type { FleetOptions, SimulationOptions, WaitsOptions } from "./internal/simulation/simulationOptions.ts"
import type { Times } from "./internal/simulation/times.ts"

export type { Queue, QueueWaits } from "./internal/simulation/erlang.ts"
export type { Waits } from "./internal/simulation/figures.ts"
export type { LeaseTimes, Load } from "./internal/simulation/load.ts"
export type { FleetPoint, WaitsPoint } from "./internal/simulation/points.ts"
export type { Ends } from "./internal/simulation/simulation.ts"
export type {
  DrcpOptions,
  FleetOptions,
  Progress,
  SimulationOptions,
  WaitsOptions
} from "./internal/simulation/simulationOptions.ts"
export type { Times } from "./internal/simulation/times.ts"

/**
 * A simulation cannot be run with these options.
 *
 * **When to use**
 *
 * Use its message: it names every option that is wrong, and what it must be.
 *
 * @category errors
 * @since 0.3.0
 */
export class SimulationError extends Schema.TaggedError<SimulationError>("@sessionpool/oracle/SimulationError")(
  "SimulationError",
  { problems: Schema.Array(Schema.Struct({ field: Schema.String, problem: Schema.String })) }
) {
  override get message() {
    return `The simulation cannot use these options: ${
      this.problems.map(({ field, problem }) => `${field} ${problem}`).join("; ")
    }.`
  }
}

/** What is no duration is found when the simulation checks its options. */
const millis = (duration: Duration.Input): number => Duration.toMillis(durationOf(duration) ?? Duration.infinity)

/**
 * Something that always takes the same time.
 *
 * **When to use**
 *
 * Use for log-ons, and for work that hardly varies.
 *
 * **Example** (A log-on of 50 milliseconds)
 *
 * ```ts
 * import { PoolSimulation } from "@sessionpool/oracle/simulation"
 *
 * const logOn = PoolSimulation.fixed("50 millis")
 * ```
 *
 * @category constructors
 * @since 0.3.0
 */
export const fixed = (duration: Duration.Input): Times => ({ _tag: "Fixed", mean: millis(duration) })

/**
 * Times that are exponentially distributed: many short ones, few long ones, whatever has passed already.
 *
 * **When to use**
 *
 * Use for requests of many users, and for work whose distribution is not known.
 *
 * **Example** (20 milliseconds on average)
 *
 * ```ts
 * import { PoolSimulation } from "@sessionpool/oracle/simulation"
 *
 * const hold = PoolSimulation.exponential("20 millis")
 * ```
 *
 * @category constructors
 * @since 0.3.0
 */
export const exponential = (mean: Duration.Input): Times => ({ _tag: "Exponential", mean: millis(mean) })

/**
 * Times whose logarithm is normally distributed: most near the middle, and a long tail.
 *
 * **When to use**
 *
 * Use for work that is sometimes far slower than usual; a `sigma` of 1 makes one time in a hundred more than six times the mean.
 *
 * **Example** (A long tail)
 *
 * ```ts
 * import { PoolSimulation } from "@sessionpool/oracle/simulation"
 *
 * const hold = PoolSimulation.logNormal("20 millis", 1.2)
 * ```
 *
 * @category constructors
 * @since 0.3.0
 */
export const logNormal = (mean: Duration.Input, sigma: number): Times => ({
  _tag: "LogNormal",
  mean: millis(mean),
  sigma
})

/**
 * A load that is assumed: how many requests come in a second, and how long each holds a session.
 *
 * **When to use**
 *
 * Use before there is anything to record.
 *
 * **Details**
 *
 * Requests come at random (`"exponential"`) by default; `"fixed"` spaces them evenly, and a number is the `sigma` of log-normal gaps, which come in
 * bursts above 1.
 *
 * **Example** (300 requests in a second)
 *
 * ```ts
 * import { PoolSimulation } from "@sessionpool/oracle/simulation"
 *
 * const load = PoolSimulation.assumed({ rate: 300, hold: PoolSimulation.exponential("20 millis") })
 * ```
 *
 * @category constructors
 * @since 0.3.0
 */
export const assumed = (options: {
  readonly rate: number
  readonly hold: Times
  readonly arrivals?: "exponential" | "fixed" | number | undefined
}): Load => {
  const { arrivals = "exponential", hold, rate } = options
  const mean = 1000 / rate
  return {
    _tag: "Assumed",
    rate,
    hold,
    gap: typeof arrivals === "number"
      ? { _tag: "LogNormal", mean, sigma: arrivals }
      : arrivals === "fixed"
      ? { _tag: "Fixed", mean }
      : { _tag: "Exponential", mean }
  }
}

/**
 * A load that was recorded; when it is over, it begins again.
 *
 * **When to use**
 *
 * Use it with what `PoolRecording` has recorded of a running pool.
 *
 * **Details**
 *
 * `times` replays it faster: with 2 there are twice as many requests in a second, each holding its session as long as it did.
 *
 * **Example** (What if there is twice the traffic)
 *
 * ```ts
 * import { PoolRecording, PoolSimulation } from "@sessionpool/oracle/simulation"
 * import { Effect } from "effect"
 *
 * const load = Effect.map(PoolRecording.read("leases.csv"), (leases) => PoolSimulation.recorded(leases, { times: 2 }))
 * ```
 *
 * @category constructors
 * @since 0.3.0
 */
export const recorded = (
  leases: ReadonlyArray<LeaseTimes>,
  options: { readonly times?: number | undefined } = {}
): Load => ({
  _tag: "Recorded",
  leases: Array.isArray(leases) ? leases.toSorted((a, b) => a.arrival - b.arrival) : [],
  times: options.times ?? 1
})

const run = <A>(
  runs: ReadonlyArray<{ readonly what: string; readonly options: RunOptions; readonly point: Figured<A> }>,
  onProgress: SimulationOptions["onProgress"]
): Effect.Effect<ReadonlyArray<A>, PoolError.InvalidOptionsError | PoolError.OpenSessionError> =>
  Effect.forEach(runs, ({ options, point, what }, index) =>
    Effect.map(
      simulate(options, (done) => onProgress?.({ what, number: index + 1, of: runs.length, done }) ?? Effect.void),
      point
    ))

type Figured<A> = (figures: Effect.Success<ReturnType<typeof simulate>>) => A

const poolOf = (given: SimulationOptions["pool"], max: number): PoolOptions.Options => ({
  ...given,
  max,
  ...(given?.min === undefined ? {} : { min: Math.min(given.min, max) })
})

const checked = (options: SimulationOptions, rest: ReadonlyArray<Checked<unknown>>) =>
  Effect.suspend(() => {
    const loaded = checkLoad(options?.load)
    const base = checkRun(options)
    const problems = [loaded, base, ...rest].flatMap((each) => each.problems)
    return problems.length === 0
      ? Effect.succeed(base.value)
      : Effect.fail(new SimulationError({ problems }))
  })

/**
 * How long requests wait, by the `max` of a pool.
 *
 * **When to use**
 *
 * Use to choose `max` for a process.
 *
 * **Details**
 *
 * Each size is a run of its own with the same 100,000 requests, unless `leases` or `duration` says otherwise. Waits are in milliseconds, from the request to
 * its session, whatever the pool did meanwhile: queueing, opening, pinging.
 *
 * **Example** (The smallest pool with a p99 below 10 milliseconds)
 *
 * ```ts
 * import { PoolSimulation } from "@sessionpool/oracle/simulation"
 * import { Effect } from "effect"
 *
 * const smallest = Effect.map(
 *   PoolSimulation.waits({
 *     load: PoolSimulation.assumed({ rate: 300, hold: PoolSimulation.exponential("20 millis") }),
 *     max: [6, 7, 8, 9, 10]
 *   }),
 *   (points) => points.find(({ failed, waits }) => failed === 0 && waits.p99 < 10)?.max
 * )
 * ```
 *
 * @see {@link fleet} for many processes
 * @category simulating
 * @since 0.3.0
 */
export const waits = (
  options: WaitsOptions
): Effect.Effect<
  ReadonlyArray<WaitsPoint>,
  SimulationError | PoolError.InvalidOptionsError | PoolError.OpenSessionError
> =>
  Effect.flatMap(
    checked(options, [checkSizes("max", options?.max, 100_000)]),
    ({ database, extent, seed, warmUp }) => {
      const { load, max, onProgress, pool } = options
      const { hold, rate } = demandOf(load)
      return run(
        max.map((size) => ({
          what: `max ${size}`,
          options: {
            processes: 1,
            isEach: false,
            load,
            pool: poolOf(pool, size),
            database,
            drcp: undefined,
            extent: extent ?? { leases: 100_000 },
            warmUp,
            seed
          },
          point: ({ busy, database: seen, failed, leases, unserved, waits: waited }) => ({
            max: size,
            leases,
            failed,
            unserved,
            waits: waited,
            busy,
            database: seen,
            erlang: waitsOf({ sessions: size, rate, hold })
          })
        })),
        onProgress
      )
    }
  )

/**
 * How many sessions a database sees, by the number of processes, with and without DRCP.
 *
 * **When to use**
 *
 * Use to find out which `max` a fleet can afford, and whether it needs DRCP.
 *
 * **Details**
 *
 * Each number of processes is a run of its own over ten simulated minutes, unless `leases` or `duration` says otherwise: shorter ones do not show how
 * `timeout` closes idle sessions.
 *
 * **Example** (From one process to a hundred)
 *
 * ```ts
 * import { PoolSimulation } from "@sessionpool/oracle/simulation"
 * import { Effect } from "effect"
 *
 * const sessions = Effect.map(
 *   PoolSimulation.fleet({
 *     load: PoolSimulation.assumed({ rate: 300, hold: PoolSimulation.exponential("20 millis") }),
 *     processes: [1, 10, 100],
 *     max: 8,
 *     drcp: { maxSize: 40 }
 *   }),
 *   (points) => points.map(({ database, processes, servers }) => [processes, servers, database.peak])
 * )
 * ```
 *
 * @see {@link waits} for one process
 * @category simulating
 * @since 0.3.0
 */
export const fleet = (
  options: FleetOptions
): Effect.Effect<
  ReadonlyArray<FleetPoint>,
  SimulationError | PoolError.InvalidOptionsError | PoolError.OpenSessionError
> =>
  Effect.flatMap(
    checked(options, [
      checkSizes("processes", options?.processes, 10_000),
      checkSizes("max", [options?.max ?? 4], 100_000)
    ]),
    ({ database, drcp, extent, seed, warmUp }) => {
      const { load, max = 4, onProgress, perProcess = false, pool, processes } = options
      const kinds = drcp === undefined ? [undefined] : [undefined, drcp]
      return run(
        processes.flatMap((count) =>
          kinds.map((kind) => {
            const servers = kind === undefined ? "dedicated" as const : "drcp" as const
            return {
              what: `${count} ${count === 1 ? "process" : "processes"}, ${servers}`,
              options: {
                processes: count,
                isEach: perProcess,
                load,
                pool: poolOf(pool, max),
                database,
                drcp: kind,
                extent: extent ?? { duration: 600_000 },
                warmUp,
                seed
              },
              point: (figures) => ({ processes: count, max, servers, ...figures })
            }
          })
        ),
        onProgress
      )
    }
  )

/**
 * What the queue M/M/c of the textbooks says: requests come at random, hold sessions at random, and nothing else takes time. `hold` is in milliseconds,
 * and so are waits.
 *
 * **When to use**
 *
 * Use for a first guess, and to see what a simulation adds to it.
 *
 * **Details**
 *
 * `probability` is that of having to wait (Erlang's formula C), and `quantile(0.99)` the wait that 99 of 100 requests do not exceed. With as much work as
 * there are sessions, or more, waits are infinite.
 *
 * **Example** (Eight sessions)
 *
 * ```ts
 * import { PoolSimulation } from "@sessionpool/oracle/simulation"
 *
 * const { mean, probability } = PoolSimulation.erlangC({ sessions: 8, rate: 320, hold: 20 })
 * console.log(probability.toFixed(3), mean.toFixed(2)) // 0.457 5.71
 * ```
 *
 * @category formulas
 * @since 0.3.0
 */
export const erlangC = (queue: Queue): QueueWaits => waitsOf(queue)

/**
 * What {@link waits} has found, as a table for a terminal.
 *
 * **When to use**
 *
 * Use to print it.
 *
 * **Details**
 *
 * `in use` is the share of the sessions that are in use on average, `waited` that of the requests that had to wait at all; the last column is what the
 * formula for M/M/c says.
 *
 * @see {@link waitsPlot}
 * @category showing
 * @since 0.3.0
 */
export const waitsTable = (points: ReadonlyArray<WaitsPoint>): string => presentation.waitsTable(points)

/**
 * What {@link waits} has found, as the text of an SVG file.
 *
 * **When to use**
 *
 * Use for a report. `subtitle` says what was simulated.
 *
 * @see {@link waitsTable}
 * @category showing
 * @since 0.3.0
 */
export const waitsPlot = (points: ReadonlyArray<WaitsPoint>, subtitle = ""): string =>
  presentation.waitsPlot(points, subtitle)

/**
 * What {@link fleet} has found, as a table for a terminal.
 *
 * **When to use**
 *
 * Use to print it.
 *
 * **Details**
 *
 * `sessions` is their mean at the database, `connections` that at the broker of DRCP.
 *
 * @see {@link fleetPlot}
 * @category showing
 * @since 0.3.0
 */
export const fleetTable = (points: ReadonlyArray<FleetPoint>): string => presentation.fleetTable(points)

/**
 * What {@link fleet} has found, as the text of an SVG file.
 *
 * **When to use**
 *
 * Use for a report. `subtitle` says what was simulated.
 *
 * @see {@link fleetTable}
 * @category showing
 * @since 0.3.0
 */
export const fleetPlot = (points: ReadonlyArray<FleetPoint>, subtitle = ""): string =>
  presentation.fleetPlot(points, subtitle)
