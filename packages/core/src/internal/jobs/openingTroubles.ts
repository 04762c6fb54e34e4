/** What is said in the log about openings that fail: one warning for each trouble of an identity, one line when it is over. */

interface Trouble {
  readonly since: number
  readonly isAuthentication: boolean
}

/** How many identities with a trouble are remembered. */
const remembered = 1024

export class OpeningTroubles {
  readonly #byIdentity = new Map<string, Trouble>()

  /** An opening has failed; whether that is a new trouble. A refusal after an outage is another one. */
  failed(identity: string, isAuthentication: boolean, now: number): boolean {
    const known = this.#byIdentity.get(identity)
    if (known?.isAuthentication === isAuthentication) return false
    this.#byIdentity.set(identity, { since: known?.since ?? now, isAuthentication })
    for (const oldest of this.#byIdentity.keys()) {
      if (this.#byIdentity.size <= remembered) break
      this.#byIdentity.delete(oldest)
    }
    return true
  }

  /** A session was opened; since when that did not work, when there was a trouble. */
  opened(identity: string): number | undefined {
    const known = this.#byIdentity.get(identity)
    this.#byIdentity.delete(identity)
    return known?.since
  }
}
