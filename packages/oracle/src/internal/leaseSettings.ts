/** What a pool gives to each of its leases, and what bounds them. */
import type { PoolOptions } from "@sessionpool/core"
import * as Duration from "effect/Duration"
import { longestTimer } from "./timers.ts"

/**
 * What a pool gives to each of its leases.
 *
 * **Details**
 *
 * `commitTimeout` bounds a commit, which is never broken off: when its answer has not come by then, the session is closed, and it is
 * unknown whether the work is there. Default 30 seconds; 0 or `"infinity"` waits for as long as it takes.
 *
 * `pipelining` sends statements of sibling fibers on one connection together, in one round trip, where the server takes pipelines (23ai
 * and later, Thin mode); default `false`. `OracleStatement.Pipelining` says otherwise for single effects.
 *
 * `serviceName` is the `module` that the database sees for leases whose `OracleContext` names none; default: the pool's name.
 *
 * `endToEnd` says what becomes of module and action at the end of a lease: `"clear"`, the default, puts them back; `"keep"` leaves them
 * on the session, as Oracle's own pools do, and sets neither by default. Everything else of a lease's context is always put back.
 *
 * **Example** (A bound for commits)
 *
 * ```ts
 * import type { OracleSessionPool } from "@sessionpool/oracle"
 *
 * const settings: OracleSessionPool.LeaseSettings = { commitTimeout: "2 minutes" }
 * ```
 */
export interface LeaseSettings {
  readonly commitTimeout?: PoolOptions.DurationOption | undefined
  readonly serviceName?: string | undefined
  readonly pipelining?: boolean | undefined
  readonly endToEnd?: "clear" | "keep" | undefined
}

/** Milliseconds that a timer can wait, 0 for no limit. */
export const limitOf = (duration: PoolOptions.DurationOption): number => {
  const millis = duration === "infinity" ? Infinity : Duration.toMillis(Duration.fromInputUnsafe(duration))
  return millis === Infinity ? 0 : Math.min(Math.ceil(millis), longestTimer)
}

export const defaultCommitTimeout = "30 seconds"
