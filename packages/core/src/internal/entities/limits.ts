/** The settings that decisions read, in milliseconds and plain numbers. */
import * as Duration from "effect/Duration"
import type { Settings } from "../../PoolOptions.ts"
import { offOrMillis } from "../data/optionField.ts"

/** What is switched off, or without bound, is `Infinity`. */
export interface Limits {
  readonly min: number
  readonly max: number
  readonly increment: number
  readonly waitTimeout: number
  readonly queueMax: number
  readonly queueTarget: number
  readonly queueInterval: number
  readonly idleTimeout: number
  readonly lifetime: number
  readonly pingInterval: number
  readonly pingTimeout: number
  readonly openTimeout: number
  readonly closeTimeout: number
  readonly leakThreshold: number
  readonly idleLease: number
  readonly maxUses: number
  readonly rebalance: number
  readonly perShard: number
  readonly perIdentity: number
  readonly perUser: number
  readonly perClass: number
  /** Whether one of the last three is on. */
  readonly hasShares: boolean
}

const orUnbounded = (count: number): number => count === 0 ? Infinity : count

export const limitsOf = (settings: Settings): Limits => ({
  min: settings.min,
  max: settings.max,
  increment: settings.increment,
  waitTimeout: Duration.toMillis(settings.waitTimeout),
  queueMax: settings.queueMax < 0 ? Infinity : settings.queueMax,
  queueTarget: offOrMillis(settings.queueTarget),
  queueInterval: Duration.toMillis(settings.queueInterval),
  idleTimeout: offOrMillis(settings.timeout),
  lifetime: offOrMillis(settings.maxLifetimeSession),
  pingInterval: Duration.toMillis(settings.pingInterval),
  pingTimeout: offOrMillis(settings.pingTimeout),
  openTimeout: offOrMillis(settings.openTimeout),
  closeTimeout: offOrMillis(settings.closeTimeout),
  leakThreshold: offOrMillis(settings.leakDetectionThreshold),
  idleLease: offOrMillis(settings.idleLeaseThreshold),
  maxUses: orUnbounded(settings.maxUsesPerSession),
  rebalance: offOrMillis(settings.rebalanceInterval),
  perShard: orUnbounded(settings.maxSessionsPerShard),
  perIdentity: orUnbounded(settings.maxSessionsPerIdentity),
  perUser: orUnbounded(settings.maxSessionsPerUser),
  perClass: orUnbounded(settings.maxSessionsPerClass),
  hasShares: settings.maxSessionsPerIdentity + settings.maxSessionsPerUser + settings.maxSessionsPerClass > 0
})
