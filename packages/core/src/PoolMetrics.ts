/**
 * The metrics of a session pool, by OpenTelemetry's semantic conventions for database clients.
 *
 * **Details**
 *
 * Every pool registers them in the `Metric.MetricRegistry` of the effect that makes it. They are read from the pool whenever
 * a snapshot is taken, so they cost nothing in between. Each carries the attribute {@link poolName}, and `unit`, which
 * Effect's OTLP exporter reports as the unit of the metric.
 *
 * Counters and histograms stay registered, with their last values, once the pool is closed: so an exporter that looks later
 * still finds what a short program did. Gauges are removed.
 *
 * **Gotchas**
 *
 * Pools of one name share their series, which then show the sum of all of them: give each pool of a process its own name.
 *
 * Source: "Semantic conventions for database client metrics", OpenTelemetry.
 *
 * **Example** (Reading one metric of every pool)
 *
 * ```ts
 * import { PoolMetrics } from "@sessionpool/core"
 * import { Effect, Metric } from "effect"
 *
 * const waiting = Effect.map(
 *   Metric.snapshot,
 *   (metrics) => metrics.filter((metric) => metric.id === PoolMetrics.pendingRequests)
 * )
 * ```
 *
 * @since 0.1.0
 */

/**
 * The attribute that names the pool.
 *
 * **When to use**
 *
 * Use to select the series of one pool.
 *
 * @category attributes
 * @since 0.1.0
 */
export const poolName = "db.client.connection.pool.name"

/**
 * The attribute of {@link count} that says which sessions are counted: `"idle"` or `"used"`.
 *
 * **When to use**
 *
 * Use to select idle or used sessions.
 *
 * @category attributes
 * @since 0.1.0
 */
export const state = "db.client.connection.state"

/**
 * The attribute of {@link opens} that says what came of them: `"opened"` or `"failed"`.
 *
 * **When to use**
 *
 * Use to see what share of the attempts fails.
 *
 * @category attributes
 * @since 0.2.0
 */
export const outcome = "outcome"

/**
 * The attribute of {@link instanceCount} that names the instance of the database.
 *
 * **When to use**
 *
 * Use to see what one instance bears.
 *
 * @category attributes
 * @since 0.3.0
 */
export const instance = "sessionpool.instance"

/**
 * The values of the attribute `unit`, in the notation of OpenTelemetry (UCUM).
 *
 * **When to use**
 *
 * Use to compare or to show the unit of a metric without repeating its text.
 *
 * @category attributes
 * @since 0.1.0
 */
export const units = {
  connections: "{connection}",
  requests: "{request}",
  timeouts: "{timeout}",
  opens: "{open}",
  seconds: "s"
} as const

/**
 * Gauge: open sessions, one series for each {@link state}.
 *
 * **When to use**
 *
 * Use to see how busy a pool is, beside {@link max}.
 *
 * @category gauges
 * @since 0.1.0
 */
export const count = "db.client.connection.count"

/**
 * Gauge: open sessions by {@link instance} of the database, one series for each {@link state}; there when the driver tells the instance. The
 * conventions have no name for it.
 *
 * **When to use**
 *
 * Use to see whether the instances bear the same, and whether a drained one is empty.
 *
 * @category gauges
 * @since 0.3.0
 */
export const instanceCount = "sessionpool.instance.sessions"

/**
 * Gauge: the most sessions that may be open.
 *
 * **When to use**
 *
 * Use as the bound that {@link count} is drawn against.
 *
 * @category gauges
 * @since 0.1.0
 */
export const max = "db.client.connection.max"

/**
 * Gauge: the sessions that eviction leaves open.
 *
 * **When to use**
 *
 * Use as the lower bound of idle sessions in a chart.
 *
 * @category gauges
 * @since 0.1.0
 */
export const idleMin = "db.client.connection.idle.min"

/**
 * Gauge: the most idle sessions that may be open.
 *
 * **When to use**
 *
 * Use as the upper bound of idle sessions in a chart.
 *
 * @category gauges
 * @since 0.1.0
 */
export const idleMax = "db.client.connection.idle.max"

/**
 * Gauge: the requests that wait for a session.
 *
 * **When to use**
 *
 * Use to see that a pool is too small: it is 0 most of the time in one that is large enough.
 *
 * @category gauges
 * @since 0.1.0
 */
export const pendingRequests = "db.client.connection.pending_requests"

/**
 * Counter: the requests that no session was provided for within `waitTimeout`.
 *
 * **When to use**
 *
 * Use to raise an alarm: each one is a caller that got no session.
 *
 * @category counters
 * @since 0.1.0
 */
export const timeouts = "db.client.connection.timeouts"

/**
 * Histogram, in seconds: how long opening a session took.
 *
 * **When to use**
 *
 * Use to see what log-ons cost, and so what `min` and long idle times save.
 *
 * @category histograms
 * @since 0.1.0
 */
export const createTime = "db.client.connection.create_time"

/**
 * Histogram, in seconds: how long a request waited for its session; 0 when one was free.
 *
 * **When to use**
 *
 * Use to judge the size of a pool by what its callers feel.
 *
 * @category histograms
 * @since 0.1.0
 */
export const waitTime = "db.client.connection.wait_time"

/**
 * Histogram, in seconds: how long a session was held.
 *
 * **When to use**
 *
 * Use to find leases that are held too long.
 *
 * @category histograms
 * @since 0.1.0
 */
export const useTime = "db.client.connection.use_time"

/**
 * Counter: the attempts to open a session, one series for each {@link outcome}. The conventions have no name for it.
 *
 * **When to use**
 *
 * Use to see a database that cannot be reached, and sessions that do not live long.
 *
 * @category counters
 * @since 0.2.0
 */
export const opens = "sessionpool.session.opens"

/**
 * Histogram, in seconds: how long a session was held without a call running on it. The conventions have no name for it.
 *
 * **When to use**
 *
 * Use beside {@link useTime} to see how much of it is not work of the database: code that keeps a session while it does something else.
 *
 * @category histograms
 * @since 0.2.0
 */
export const quietTime = "sessionpool.lease.quiet_time"
