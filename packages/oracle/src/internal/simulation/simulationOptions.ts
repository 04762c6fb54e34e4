/** The options of simulations, as a program gives them. */
import type { PoolOptions } from "@sessionpool/core"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type { Load } from "./load.ts"
import type { Times } from "./times.ts"

/**
 * How far a simulation is.
 *
 * @category models
 * @since 0.3.0
 */
export interface Progress {
  /** What is being simulated, such as `max 8`. */
  readonly what: string
  /** Its number, from 1. */
  readonly number: number
  readonly of: number
  /** How much of it is done, from 0 to 1. */
  readonly done: number
}

/**
 * What every simulation takes.
 *
 * **Details**
 *
 * - `load`: what `assumed` or `recorded` returns.
 * - `pool`: settings of the pools. A `min` above the `max` that is tried is lowered to it.
 * - `leases` or `duration`: how long each run is, in requests or in simulated time; from 100 to 10,000,000 requests.
 * - `warmUp`: the share of it, from the beginning, that is not counted; default 0.1.
 * - `logOn`: how long opening a session takes; default 50 milliseconds.
 * - `logOnsAtOnce`: how many of them the database does at the same time; default all.
 * - `sessionLimit`: the most sessions that the database allows; the next log-on is refused. Default none.
 * - `seed`: the same seed gives the same figures; default 1. Runs of one simulation have the same requests.
 * - `onProgress`: is run several times a second.
 *
 * **Gotchas**
 *
 * A session is held for as long as the load says, however much the database has to do: what a busy database adds must be in those times.
 *
 * @category models
 * @since 0.3.0
 */
export interface SimulationOptions {
  readonly load: Load
  readonly pool?: Omit<PoolOptions.Options, "name" | "user" | "password" | "homogeneous" | "max"> | undefined
  readonly leases?: number | undefined
  readonly duration?: Duration.Input | undefined
  readonly warmUp?: number | undefined
  readonly logOn?: Times | undefined
  readonly logOnsAtOnce?: number | undefined
  readonly sessionLimit?: number | undefined
  readonly seed?: number | string | undefined
  readonly onProgress?: ((progress: Progress) => Effect.Effect<void>) | undefined
}

/**
 * Which values of `max` to try.
 *
 * @category models
 * @since 0.3.0
 */
export interface WaitsOptions extends SimulationOptions {
  readonly max: ReadonlyArray<number>
}

/**
 * The pooled servers of a database (DRCP), by the names of `dbms_connection_pool.configure_pool`.
 *
 * **Details**
 *
 * `maxSize` is the most servers, default 40; `minSize` those that are always there, default 4; `inactivityTimeout` is when an idle one ends, default 5
 * minutes. A process holds a server only while a request holds a session (`serverPool: "release"`, or `poolBoundary`).
 *
 * @category models
 * @since 0.3.0
 */
export interface DrcpOptions {
  readonly minSize?: number | undefined
  readonly maxSize?: number | undefined
  readonly inactivityTimeout?: Duration.Input | undefined
}

/**
 * Which numbers of processes to try.
 *
 * **Details**
 *
 * - `processes`: how many, from 1 to 10,000.
 * - `max`: the `max` of each process's pool; default the pool's, 4.
 * - `perProcess`: whether `load` is that of each process; else it is that of all together, shared at random. Default false.
 * - `drcp`: the pooled servers to try as well; without it, sessions are dedicated ones only.
 *
 * @category models
 * @since 0.3.0
 */
export interface FleetOptions extends SimulationOptions {
  readonly processes: ReadonlyArray<number>
  readonly max?: number | undefined
  readonly perProcess?: boolean | undefined
  readonly drcp?: DrcpOptions | undefined
}
