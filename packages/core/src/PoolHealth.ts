/**
 * Whether a pool is ready for requests, and whether it can still recover by itself.
 *
 * @since 0.1.0
 */

/**
 * Something that is wrong with a pool.
 *
 * **Details**
 *
 * - `"closed"`, `"closing"`: the pool was closed, or is being closed.
 * - `"suspended"`: requests wait until `resume`.
 * - `"starting"`: `min` sessions are to be open, and none was opened yet.
 * - `"cannotOpen"`: the last attempt to open a session failed; the pool keeps trying.
 * - `"credentialsRefused"`: the database refused the credentials; the pool waits for others.
 * - `"overloaded"`: requests are refused until the queue is shorter (`queueTarget`).
 * - `"exhausted"`: every session is busy and requests wait.
 * - `"leaked"`: every place of `max` is taken by a lease that was reported as a leak, and requests wait. With `leakReclaim` it affects
 *   nothing: the pool takes the sessions back by itself.
 *
 * `affects` says which probe fails for it: a pool that still has sessions is ready though it cannot open more.
 *
 * @see {@link PoolHealth}
 * @category models
 * @since 0.1.0
 */
export interface HealthReason {
  readonly code:
    | "closed"
    | "closing"
    | "suspended"
    | "starting"
    | "cannotOpen"
    | "credentialsRefused"
    | "overloaded"
    | "exhausted"
    | "leaked"
  readonly message: string
  readonly affects: "liveness" | "readiness" | "nothing"
}

/**
 * The health of a pool at one moment, for the probes of an orchestrator.
 *
 * **When to use**
 *
 * Use `isReady` for a readiness probe: without it, requests should go to another process. Use `isLive` for a liveness probe: without
 * it, only a restart helps.
 *
 * **Details**
 *
 * It is what the pool knows, without a round trip. A database that cannot be reached and refused credentials do not make a pool
 * fail liveness: a restart would not help, and each restart would be one more refused log-on. What does is a closed pool, and one whose
 * sessions have all leaked while requests wait.
 *
 * **Example** (Answering a readiness probe)
 *
 * ```ts
 * import type { Connection, SessionPool } from "@sessionpool/core"
 * import { Effect } from "effect"
 *
 * const readiness = <C extends Connection.Connection>(pool: SessionPool.SessionPool<C>) =>
 *   Effect.map(pool.health, ({ isReady, reasons }) => ({ status: isReady ? 200 : 503, body: reasons }))
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface PoolHealth {
  readonly isReady: boolean
  readonly isLive: boolean
  readonly reasons: ReadonlyArray<HealthReason>
}
