/** What the sessions of one user, or of one connection class, have together, as far as fair shares go. */

/** How many sessions there are of one user or class. */
export class Share {
  readonly key: string
  /** Sessions that are open or being opened; written by `Places` alone. */
  readonly sessions: number = 0
  /** How many groups belong to it. */
  groups = 0

  constructor(key: string) {
    this.key = key
  }
}

/** The shares of one kind, by their key, as long as a group belongs to them. */
export class Shares {
  readonly #byKey = new Map<string, Share>()

  enter(key: string): Share {
    let share = this.#byKey.get(key)
    if (share === undefined) {
      share = new Share(key)
      this.#byKey.set(key, share)
    }
    share.groups++
    return share
  }

  leave(share: Share): void {
    if (--share.groups === 0) this.#byKey.delete(share.key)
  }
}
