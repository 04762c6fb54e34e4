/** What a group knows about opening its sessions: whether that may be tried now, and what the last failure was. */
import type { Refusal } from "../../SessionDriver.ts"

/** Why the last attempt to open a session of a group failed. */
export interface OpenFailure {
  readonly cause: unknown
  readonly isAuthentication: boolean
  /** What was refused, when the database has refused the log-on. */
  readonly refusal: Refusal | undefined
  /** Attempts in a row that failed. */
  readonly attempts: number
  /** The credentials that were used. */
  readonly fingerprint: string
  /** When the credentials may be tried again; `Infinity` when the pool does not do that of its own accord. */
  readonly retryAt: number
}

/**
 * Whether sessions of a group may be opened:
 *
 * ```text
 *            failed, may be tried again soon            refused, cannot change by itself
 *   ready ------------------------------------> pausing        ready ------------------> stopped
 *     ^                                            |              ^                         |
 *     +------------ the pause is over -------------+              +---- somebody asks, or the lock may be over
 * ```
 *
 * The failure stays until a session is opened: meanwhile one opening at a time shows whether it works again.
 */
export class GroupOpening {
  #phase: "ready" | "pausing" | "stopped" = "ready"
  #failure: OpenFailure | undefined = undefined
  /** The number of the wait, so that one which was cut short does not end another. */
  #wait = 0

  get failure(): OpenFailure | undefined {
    return this.#failure
  }

  get isReady(): boolean {
    return this.#phase === "ready"
  }

  get isPausing(): boolean {
    return this.#phase === "pausing"
  }

  /** Whether opening has stopped: the credentials were refused and cannot change by themselves. */
  get isStopped(): boolean {
    return this.#phase === "stopped"
  }

  failed(failure: OpenFailure): void {
    this.#failure = failure
  }

  /** Opening waits; the answer is the number of the wait, `undefined` when there is one already. */
  wait(phase: "pausing" | "stopped"): number | undefined {
    if (this.#phase === phase) return undefined
    this.#phase = phase
    return ++this.#wait
  }

  /** The wait is over; `false` when it was cut short before. */
  endWait(number: number): boolean {
    if (this.#wait !== number || this.#phase === "ready") return false
    this.#phase = "ready"
    return true
  }

  /** Opening works, or may be tried as if it had never failed. */
  reset(): void {
    this.#failure = undefined
    this.#phase = "ready"
    this.#wait++
  }
}
