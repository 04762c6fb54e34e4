/**
 * The names of what this package measures, beside the metrics of the pool in `PoolMetrics` of `@sessionpool/core`.
 *
 * @since 0.2.0
 */
import * as metric from "./internal/operationMetric.ts"

/**
 * Histogram, in seconds: how long operations of the database took, their wait for a turn on the session included.
 *
 * **When to use**
 *
 * Use to see what slows a program down: the wait for a session is `PoolMetrics.waitTime`, this is the work on it.
 *
 * **Details**
 *
 * Each series has `db.operation.name` (`SELECT`, `COMMIT`, `PING`, …), `db.system.name`, `db.namespace`, `server.address` and
 * `server.port`, and, for those that failed, `error.type`: the reason of the `OracleError`, or `interrupted`. No statement and no value is
 * in it. A stream is measured until its first rows.
 *
 * Source: "Semantic conventions for database client metrics", OpenTelemetry.
 *
 * **Example** (The operations that failed)
 *
 * ```ts
 * import { OracleMetrics } from "@sessionpool/oracle"
 * import { Effect, Metric } from "effect"
 *
 * const failed = Effect.map(Metric.snapshot, (metrics) =>
 *   metrics.filter(({ attributes, id }) => id === OracleMetrics.operationDuration && attributes?.["error.type"] !== undefined))
 * ```
 *
 * @category histograms
 * @since 0.2.0
 */
export const operationDuration: string = metric.operationDuration
