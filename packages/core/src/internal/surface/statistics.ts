/** The figures of one moment, as users of a pool see them. */
import type { InstanceStatistics, PoolStatistics } from "../../PoolStatistics.ts"
import type { PoolState } from "../entities/poolState.ts"

type InstanceCounts = { -readonly [K in "idle" | "busy" | "closing"]: number }

/** Counted when it is asked for: a lease must not pay for it. */
const instances = <S>(state: PoolState<S>): ReadonlyArray<InstanceStatistics> => {
  const counts = new Map<string, InstanceCounts>()
  for (const { name } of state.instances.all) counts.set(name, { idle: 0, busy: 0, closing: 0 })
  if (counts.size === 0) return []
  for (const { instance, place } of state.sessions) {
    const of = instance === undefined ? undefined : counts.get(instance.name)
    if (of === undefined || place === "opening" || place === "gone") continue
    of[place === "checking" ? "idle" : place]++
  }
  return Array.from(state.instances.all, ({ closed, drain, name, opened }) => {
    const of = counts.get(name)!
    return {
      instance: name,
      opened: of.idle + of.busy,
      ...of,
      isDrained: drain !== undefined,
      totals: { opened, closed }
    }
  })
}

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
