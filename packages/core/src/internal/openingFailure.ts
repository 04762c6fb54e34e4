/** What an opening ended with, when not with a session. */
export class OpeningFailure {
  readonly cause: unknown
  readonly isAuthentication: boolean
  readonly fingerprint: string
  /** Whether it is that of another opening, which this one has waited for. */
  readonly isShared: boolean

  constructor(cause: unknown, isAuthentication: boolean, fingerprint: string, isShared = false) {
    this.cause = cause
    this.isAuthentication = isAuthentication
    this.fingerprint = fingerprint
    this.isShared = isShared
  }
}
