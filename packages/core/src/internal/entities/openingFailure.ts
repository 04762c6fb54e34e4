/** What an opening ends with when not with a session; what follows from it is decided elsewhere. */
import type { Refusal } from "../../SessionDriver.ts"

/** What an opening ended with, when not with a session. */
export class OpeningFailure {
  readonly cause: unknown
  /** What was refused, when the database has refused the log-on. */
  readonly refusal: Refusal | undefined
  readonly fingerprint: string
  /** When the same credentials may be tried again. */
  readonly retryAt: number
  /** Whether it is that of another opening: the database was not asked for this one. */
  readonly isShared: boolean

  constructor(options: {
    readonly cause: unknown
    readonly refusal?: Refusal | undefined
    readonly fingerprint?: string
    readonly retryAt?: number
    readonly isShared?: boolean
  }) {
    this.cause = options.cause
    this.refusal = options.refusal
    this.fingerprint = options.fingerprint ?? ""
    this.retryAt = options.retryAt ?? Infinity
    this.isShared = options.isShared ?? false
  }
}
