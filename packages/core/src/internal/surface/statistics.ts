/** The figures of one moment, as users of a pool see them. */
import type { InstanceStatistics, PoolStatistics } from "../../PoolStatistics.ts"
import type { PoolState } from "../entities/poolState.ts"
import type { Place } from "../entities/session.ts"

/** Counted when it is asked for: a lease must not pay for it. */
export const instances = ({ instances, sessions }: Pick<PoolState<unknown>, "instances" | "sessions">) =>
  [...instances.all].flatMap((instance): ReadonlyArray<InstanceStatistics> => {
    const { name, nextStray, opened: total } = instance
    const on = [...sessions].filter((session) => session.instance === instance)
    const count = (...places: ReadonlyArray<Place>) => on.filter(({ place }) => places.includes(place)).length
    const idle = count("idle", "checking")
    const busy = count("busy")
    const isDrained = nextStray !== undefined
    const counts = { opened: idle + busy, idle, busy, closing: count("closing"), isDrained, totals: { opened: total } }
    // Names that somebody has typed are shown as long as they mean something.
    return total > 0 || isDrained ? [{ instance: name, ...counts }] : []
  })

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
    instances: instances(state),
    totals: { ...totals, hits: totals.lent - misses }
  }
}
