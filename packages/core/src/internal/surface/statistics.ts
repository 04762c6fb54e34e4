/** The figures of one moment, as users of a pool see them. */
import type { PoolStatistics } from "../../PoolStatistics.ts"
import type { PoolState } from "../entities/poolState.ts"

export const statistics = <S>(state: PoolState<S>): PoolStatistics => {
  const { counts, limits, settings } = state
  const { misses, ...totals } = state.totals
  return {
    name: settings.name,
    dsn: settings.dsn,
    tnsentry: settings.tnsentry,
    username: settings.user,
    homogeneous: settings.homogeneous,
    busy: counts.busy,
    opened: state.opened,
    idle: counts.idle + counts.checking,
    opening: counts.opening,
    closing: counts.closing,
    dedicated: 0,
    pending: state.waiting.size,
    min: settings.min,
    max: settings.max,
    increment: settings.increment,
    getMode: settings.getMode,
    timeout: limits.idleTimeout,
    maxLifetimeSession: limits.lifetime,
    waitTimeout: limits.waitTimeout,
    stmtCacheSize: settings.stmtCacheSize,
    maxSessionsPerShard: settings.maxSessionsPerShard,
    totals: { ...totals, hits: totals.lent - misses }
  }
}
