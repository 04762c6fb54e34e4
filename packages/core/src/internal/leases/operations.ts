/** What callers run on the session of a lease: only while the lease is on, and stopped at the server when it is interrupted. */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { ConnectionReleasedError } from "../../PoolError.ts"
import type { Holder, Session } from "../entities/session.ts"
import { breakOff } from "../jobs/breakOff.ts"
import type { Host } from "../jobs/host.ts"

/** What operations need of their lease. */
export interface LeaseOfOperations<S> extends Holder {
  readonly isHeld: boolean
  readonly session: Session<S> | undefined
  readonly holder: Holder
  /** The session is in doubt. */
  readonly breaks: () => void
  readonly released: () => ConnectionReleasedError
}

export class Operations<S> {
  readonly #lease: LeaseOfOperations<S>
  readonly #host: Host<S>
  #running = 0
  #quietMillis = 0
  /** Whether an operation was broken off, so that a break may still be on its way. */
  #wasBroken = false

  constructor(lease: LeaseOfOperations<S>, host: Host<S>) {
    this.#lease = lease
    this.#host = host
  }

  get running(): number {
    return this.#running
  }

  /** How long no operation has run, from the beginning of the lease until now. */
  quietMillis(now: number): number {
    return this.#quietMillis + (this.#running > 0 ? 0 : this.#sinceLast(now))
  }

  #sinceLast(now: number): number {
    const { calledAt, takenAt } = this.#lease.session!
    return now - Math.max(calledAt, takenAt)
  }

  get isInDoubt(): boolean {
    return this.#running > 0 || this.#wasBroken
  }

  run<A, E, R>(operation: Effect.Effect<A, E, R>): Effect.Effect<A, E | ConnectionReleasedError, R> {
    return Effect.suspend(() => {
      let isRunning = false
      const guarded: Effect.Effect<A, E | ConnectionReleasedError, R> = Effect.suspend(() => {
        if (!this.#lease.isHeld) return Effect.fail(this.#lease.released())
        // What begins while a break is on its way could be hit by it.
        const breaking = this.#lease.session!.breaking
        if (breaking !== undefined) return Effect.andThen(Effect.exit(Deferred.await(breaking)), guarded)
        isRunning = true
        if (this.#running++ === 0) this.#quietMillis += this.#sinceLast(this.#host.state.timeOfTurn())
        return operation
      })
      return Effect.onExitPrimitive(guarded, (exit) => {
        if (!isRunning) return undefined
        isRunning = false
        const { session } = this.#lease
        if (session !== undefined) session.calledAt = this.#host.state.timeOfTurn()
        if (Exit.isFailure(exit) && Cause.hasInterrupts(exit.cause)) return this.#stop()
        this.#running--
        return undefined
      })
    })
  }

  /** Stops the operation at the server; it counts as running until the session is quiet. */
  #stop(): Effect.Effect<void> | undefined {
    const { session } = this.#lease
    // A fiber that outlived the lease must not break what runs on the session by now: it may be the next holder's.
    if (session?.holder !== this.#lease.holder) {
      this.#running--
      return undefined
    }
    this.#wasBroken = true
    return Effect.map(Effect.exit(breakOff(this.#host, session)), (exit) => {
      if (Exit.isFailure(exit)) this.#lease.breaks()
      this.#running--
    })
  }
}
