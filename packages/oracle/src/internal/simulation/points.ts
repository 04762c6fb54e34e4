/** What simulations come to: a point for each size that was tried. */
import type { QueueWaits } from "./erlang.ts"
import type { Waits } from "./figures.ts"
import type { Ends } from "./simulation.ts"

/**
 * What a pool of one size comes to.
 *
 * **Details**
 *
 * `erlang` is what the formula for M/M/c says of the same load. The simulation agrees with it where requests come and hold sessions at random, and
 * sessions are there from the start; what differs elsewhere is why to simulate.
 *
 * @category models
 * @since 0.3.0
 */
export interface WaitsPoint {
  readonly max: number
  /** Requests that were served, after the warm-up. */
  readonly leases: number
  /** Requests that failed: a full queue, a wait that was too long, a log-on that was refused. */
  readonly failed: number
  /** Requests that still waited ten simulated minutes after the last one came. */
  readonly unserved: number
  readonly waits: Waits
  /** Sessions in use, on average. */
  readonly busy: number
  readonly database: Ends
  readonly erlang: QueueWaits
}

/**
 * What a number of processes comes to.
 *
 * @category models
 * @since 0.3.0
 */
export interface FleetPoint {
  readonly processes: number
  /** The `max` of each process's pool. */
  readonly max: number
  /** How sessions are had: `"dedicated"`, or from a pool of the database, `"drcp"`. */
  readonly servers: "dedicated" | "drcp"
  readonly leases: number
  readonly failed: number
  readonly unserved: number
  /** From the request to its session, the wait for a pooled server included. */
  readonly waits: Waits
  readonly busy: number
  /** Sessions at the database; with DRCP, its pooled servers. */
  readonly database: Ends
  /** Connections to the broker; all 0 without DRCP. */
  readonly broker: Ends
}
