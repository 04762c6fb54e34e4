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
    readStack(options.cause)
    this.cause = options.cause
    this.refusal = options.refusal
    this.fingerprint = options.fingerprint ?? ""
    this.retryAt = options.retryAt ?? Infinity
    this.isShared = options.isShared ?? false
  }
}

/**
 * Reads the stack of an error and of its causes. Until that is read, V8 keeps the functions of the stack with what they
 * enclose; here that is the request's password, and the failure outlives the request.
 */
const readStack = (error: unknown, depth = 0): void => {
  if (!(error instanceof Error) || depth > 8) return
  void error.stack
  readStack(error.cause, depth + 1)
}
