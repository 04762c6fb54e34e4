/**
 * Law 12: no account sees more refused log-ons than one for each set of credentials until they change or somebody asks for another
 * try. Where the credentials come from an effect, one later retry finds a rotation that the database made after them.
 */
import type { Breach } from "./restLaws.ts"
import type { Refusal } from "./subject.ts"

interface RefusedCredentials {
  readonly user: string
  /** When the first was refused since another try was asked for, and in which look that was seen. */
  firstAt: number
  firstSeen: number
  refusals: number
  hasRetried: boolean
}

export class LogOnWatch {
  readonly #mayRetry: boolean
  readonly #refused = new Map<string, RefusedCredentials>()
  #seen = 0
  #looks = 0

  /** `mayRetry`: whether the credentials of the pool come from an effect. */
  constructor(mayRetry: boolean) {
    this.#mayRetry = mayRetry
  }

  /** Somebody asks for another try with whatever was refused. */
  permit(): void {
    for (const refused of this.#refused.values()) refused.refusals = 0
  }

  /** Whether credentials of the user were refused since the last time that another try was asked for. */
  hasRefused(user: string): boolean {
    return [...this.#refused.values()].some((refused) => refused.user === user && refused.refusals > 0)
  }

  /** Looks at the refusals that have come since the last look. */
  look(refusals: ReadonlyArray<Refusal>): ReadonlyArray<Breach> {
    this.#looks++
    const fresh = refusals.slice(this.#seen).filter(({ isAuthentication }) => isAuthentication)
    this.#seen = refusals.length
    return fresh.flatMap((refusal) => this.#add(refusal))
  }

  #add(refusal: Refusal): ReadonlyArray<Breach> {
    const { at, begunAt = at, credentials, user, wasAccepted = false } = refusal
    if (credentials === undefined) return []
    const known = this.#refused.get(credentials)
    if (known === undefined || known.refusals === 0) {
      const hasRetried = known?.hasRetried ?? false
      this.#refused.set(credentials, { user, firstAt: at, firstSeen: this.#looks, refusals: 1, hasRetried })
      return []
    }
    // Several that were on their way when the first was refused could not know, if the credentials had been good so far.
    if (wasAccepted && known.firstSeen === this.#looks && begunAt <= known.firstAt) return []
    if (this.#mayRetry && !known.hasRetried) {
      known.hasRetried = true
      return []
    }
    known.refusals++
    return [{
      law: 12,
      problem:
        `the log-on of "${user}" was refused ${known.refusals} times with the same credentials, and no caller asked for ` +
        "another try"
    }]
  }
}
