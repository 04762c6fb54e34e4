/**
 * The metrics of a session pool, by OpenTelemetry's semantic conventions for database clients.
 *
 * Every pool registers them when it is made and removes them when it is closed. They are read from the pool whenever a
 * snapshot is taken, so they cost nothing in between. Each carries the attribute {@link poolName}.
 *
 * Source: "Semantic conventions for database client metrics", OpenTelemetry.
 *
 * @example
 * ```ts
 * import { PoolMetrics } from "@sessionpool/core"
 * import { Effect, Metric } from "effect"
 *
 * const waiting = Effect.map(
 *   Metric.snapshot,
 *   (metrics) => metrics.filter((metric) => metric.id === PoolMetrics.pendingRequests)
 * )
 * ```
 */

/** The attribute that names the pool. */
export const poolName = "db.client.connection.pool.name"

/** The attribute of {@link count} that says which sessions are counted: `"idle"` or `"used"`. */
export const state = "db.client.connection.state"

/** Gauge: open sessions, one series for each {@link state}. */
export const count = "db.client.connection.count"

/** Gauge: the most sessions that may be open. */
export const max = "db.client.connection.max"

/** Gauge: sessions that eviction leaves open. */
export const idleMin = "db.client.connection.idle.min"

/** Gauge: the most idle sessions that may be open. */
export const idleMax = "db.client.connection.idle.max"

/** Gauge: requests that wait for a session. */
export const pendingRequests = "db.client.connection.pending_requests"

/** Counter: requests that gave up waiting. */
export const timeouts = "db.client.connection.timeouts"

/** Histogram, in seconds: how long opening a session took. */
export const createTime = "db.client.connection.create_time"

/** Histogram, in seconds: how long a request waited for its session; 0 when one was free. */
export const waitTime = "db.client.connection.wait_time"

/** Histogram, in seconds: how long a session was held. */
export const useTime = "db.client.connection.use_time"
