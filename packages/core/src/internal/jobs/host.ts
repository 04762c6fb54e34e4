/** What the work of a pool needs of it, and no more. */
import type { Cause } from "effect/Cause"
import type * as Effect from "effect/Effect"
import type { Fiber } from "effect/Fiber"
import type { Connection } from "../../Connection.ts"
import type { SessionDriver } from "../../SessionDriver.ts"
import type { PoolState } from "../entities/poolState.ts"
import type { IsHealthy, Session } from "../entities/session.ts"

/** The driver, as far as work that no caller waits for goes. */
export type DriverCalls<S> = Pick<
  SessionDriver<S, Connection, unknown>,
  "attributes" | "close" | "describe" | "hasNotice" | "interrupt" | "isHealthy" | "open" | "ping"
>

export interface Host<S> {
  readonly state: PoolState<S>
  readonly driver: DriverCalls<S>
  readonly isHealthy: IsHealthy<S>
  /** Starts `effect` in the pool's scope; it ends with the scope. */
  readonly fork: <A, E2>(effect: Effect.Effect<A, E2>) => Fiber<A, E2>
  /** The same for work that must be completed once it was ordered: a place of `max` depends on it. */
  readonly forkJob: <A, E2>(effect: Effect.Effect<A, E2>) => Fiber<A, E2>
  /** The same for work that no caller waits for; `died` is called with the defect that it ends with. */
  readonly startJob: (effect: Effect.Effect<void>, died: (cause: Cause<unknown>) => void) => Fiber<void>
  /**
   * Goes on after a defect of the pool itself, which is logged. It costs the session that the step was about, but no request and no
   * close waits for what the step has left undone. `then` belongs to the same step.
   */
  readonly recover: (cause: Cause<unknown>, session: Session<S> | undefined, then?: () => void) => void
  /** Completes a step: decides what follows from it, and starts that. It is always the last thing that a step does. */
  readonly flush: () => void
}
