/** What holds for all sessions of a pool at once, as plain data. `PoolState` alone changes it. */
import type { PoolEvent } from "../../PoolEvent.ts"
import type { Settings } from "../../PoolOptions.ts"
import type { Limits } from "./limits.ts"

/** Whether the pool takes requests; `closed` once nothing is left. */
export type Phase = "open" | "draining" | "closed"

/** What holds for all sessions at once. A change is always another object. */
export interface Facts {
  readonly settings: Settings
  readonly limits: Limits
  readonly phase: Phase
  /** Raised by every fatal error: sessions that proved alive before are pinged before they are lent. */
  readonly suspicion: number
  /** The credentials that the pool's own sessions are opened with, once one was. */
  readonly account: string | undefined
  /** Whether the pool has a user of its own, so that it can open sessions before anybody asks. */
  readonly hasOwnUser: boolean
  readonly listeners: ReadonlySet<(event: PoolEvent) => void>
  /** Whether requests wait and no session is lent, until the pool is resumed. */
  readonly isSuspended: boolean
  /** Raised by every refresh: sessions that were asked for before are not lent any more. */
  readonly epoch: number
  /** Whether something runs at the beginning of every lease. */
  readonly hasLeaseHook: boolean
}

/** Whether the facts let a session be lent again without a look at them. */
export const mayLendAgain = ({ hasLeaseHook, isSuspended, limits, listeners, phase }: Facts): boolean =>
  phase === "open" && !isSuspended && listeners.size === 0 && !hasLeaseHook && limits.pingInterval > 0 &&
  limits.leakThreshold === Infinity && limits.maxUses === Infinity
