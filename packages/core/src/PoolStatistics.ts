/**
 * The counts of a pool at one moment.
 *
 * @since 0.1.0
 */
import type { GetMode } from "./PoolOptions.ts"

/**
 * What a pool has on one instance of the database.
 *
 * **Details**
 *
 * `opened` is `idle` plus `busy`. `isDrained` is true from `pool.drain` until the instance is restored. `totals` counts since the pool
 * was made.
 *
 * **Example** (The instances that still have to be left)
 *
 * ```ts
 * import type { Connection, SessionPool } from "@sessionpool/core"
 * import { Effect } from "effect"
 *
 * const leaving = <C extends Connection.Connection>(pool: SessionPool.SessionPool<C>) =>
 *   Effect.map(pool.statistics, ({ instances }) => instances.filter(({ isDrained, opened }) => isDrained && opened > 0))
 * ```
 *
 * @see {@link PoolStatistics}
 * @category models
 * @since 0.3.0
 */
export interface InstanceStatistics {
  readonly instance: string
  readonly opened: number
  readonly idle: number
  readonly busy: number
  readonly closing: number
  readonly isDrained: boolean
  readonly totals: { readonly opened: number }
}

/**
 * Counts and settings of a pool, under the names that cx_Oracle's `SessionPool` gives them.
 *
 * **Details**
 *
 * `opened` is `idle` plus `busy`. Durations are milliseconds; `Infinity` means never. `totals` counts since the pool was made:
 * its `hits` are requests that got a session in the state they asked for without waiting. `instances` has those of the database that sessions
 * have landed on, in the order in which they were first heard of; none when the driver does not tell.
 *
 * **Example** (How busy a pool is)
 *
 * ```ts
 * import type { Connection, SessionPool } from "@sessionpool/core"
 * import { Effect } from "effect"
 *
 * const load = <C extends Connection.Connection>(pool: SessionPool.SessionPool<C>) =>
 *   Effect.map(pool.statistics, ({ busy, max, pending }) => (busy + pending) / max)
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface PoolStatistics {
  readonly name: string
  readonly dsn: string | undefined
  readonly tnsentry: string | undefined
  readonly username: string | undefined
  readonly homogeneous: boolean
  /** Sessions that are lent. */
  readonly busy: number
  /** Sessions that are open. */
  readonly opened: number
  /** Sessions that are open and not lent. */
  readonly idle: number
  /** Sessions being opened. */
  readonly opening: number
  /** Sessions being closed. */
  readonly closing: number
  /** Open sessions outside of `max`, each for a listener that waits at the server; 0 where the package of the database has none. */
  readonly dedicated: number
  /** Waiting requests. */
  readonly pending: number
  readonly min: number
  readonly max: number
  readonly increment: number
  readonly getMode: GetMode
  readonly timeout: number
  readonly maxLifetimeSession: number
  readonly waitTimeout: number
  readonly stmtCacheSize: number
  readonly maxSessionsPerShard: number
  readonly instances: ReadonlyArray<InstanceStatistics>
  readonly totals: {
    readonly opened: number
    readonly openFailures: number
    readonly closed: number
    readonly lent: number
    readonly hits: number
    readonly timeouts: number
    readonly refused: number
    readonly leaks: number
  }
}
