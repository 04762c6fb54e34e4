/**
 * What the database has said about credentials, kept for each account: whichever proxies, connection classes and shards log on
 * with it, it is one account that too many refused log-ons would lock. Who opens what is not decided here.
 */
import type * as Deferred from "effect/Deferred"
import type { Refusal } from "../../SessionDriver.ts"
import type { OpeningFailure } from "./openingFailure.ts"

/** A log-on that was refused for the account's sake. */
interface RefusedAccount {
  readonly cause: unknown
  readonly kind: Exclude<Refusal, "identity">
  /** When the same credentials may be tried again; `Infinity`: not before somebody asks for it. */
  readonly retryAt: number
}

/** An opening that goes alone; it ends with the failure, if there is one. */
interface Trial {
  readonly group: object
  readonly ended: Deferred.Deferred<OpeningFailure | undefined>
}

/** How long a locked account is left alone before it is tried again: a try can neither lock nor unlock it. */
const untilLockedRetry = 60_000

/** What one set of credentials is known by, while somebody logs on with it, and after it was refused. */
export class Account {
  readonly fingerprint: string
  /** Whether it is the pool's own, which is remembered beside any number of refused users. */
  readonly isOwn: boolean
  /** Openings that are under way with it. */
  openings = 0
  /**
   * Whether one of the openings that are under way at the same time has succeeded. The first of them goes alone: ten at once with
   * a password that was changed would be ten refused log-ons.
   */
  isProven = false
  /** The opening that goes alone; the others wait for its end. */
  trial: Trial | undefined = undefined
  #refused: RefusedAccount | undefined = undefined
  #wasRetried = false

  constructor(fingerprint: string, isOwn: boolean) {
    this.fingerprint = fingerprint
    this.isOwn = isOwn
  }

  get refused(): RefusedAccount | undefined {
    return this.#refused
  }

  /** The refusal that stands at `now`: with it the credentials are not tried. */
  refusedAt(now: number): RefusedAccount | undefined {
    return this.#refused !== undefined && now < this.#refused.retryAt ? this.#refused : undefined
  }

  /** The database has refused the credentials; `rotationRetry` is after how long they may be tried once more. */
  refuse(cause: unknown, kind: RefusedAccount["kind"], now: number, rotationRetry: number): RefusedAccount {
    const isRetry = this.#refused?.kind === "credentials"
    if (isRetry) this.#wasRetried = true
    const wait = kind === "locked" ? untilLockedRetry : this.#wasRetried ? Infinity : rotationRetry
    return this.#refused = { cause, kind, retryAt: now + wait }
  }

  /** A session was opened, or somebody asks for another try. */
  clear(): void {
    this.#refused = undefined
    this.#wasRetried = false
  }
}

/** How many refused accounts are remembered, of the pool's own credentials and of those of requests. */
const refusedRemembered = 256

export class Accounts {
  /** Those that somebody logs on with, and those that were refused, the oldest first. */
  readonly #known = new Map<string, Account>()

  /** The account of credentials, for an opening that begins. */
  enter(fingerprint: string, isOwn: boolean): Account {
    let account = this.#known.get(fingerprint)
    if (account === undefined) {
      account = new Account(fingerprint, isOwn)
      this.#known.set(fingerprint, account)
    }
    account.openings++
    return account
  }

  /** An opening has ended. */
  leave(account: Account): void {
    if (--account.openings > 0) return
    account.isProven = false
    if (account.refused === undefined) this.#known.delete(account.fingerprint)
    else this.#forgetOldest(account.isOwn)
  }

  /** Everything that was refused may be tried again. */
  clear(): void {
    for (const account of this.#known.values()) {
      account.clear()
      if (account.openings === 0) this.#known.delete(account.fingerprint)
    }
  }

  #forgetOldest(isOwn: boolean): void {
    const resting = [...this.#known.values()].filter((account) => account.isOwn === isOwn && account.openings === 0)
    for (const account of resting.slice(0, Math.max(0, resting.length - refusedRemembered))) {
      this.#known.delete(account.fingerprint)
    }
  }
}
