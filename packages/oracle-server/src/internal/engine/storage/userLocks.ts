/** Locks of applications (DBMS_LOCK): a number, a mode, and the sessions that hold it. Who waits, waits in `Locks`. */

/** From 1 (null) to 6 (exclusive): the modes that others may hold beside each. */
const beside: Readonly<Record<number, ReadonlyArray<number>>> = {
  1: [1, 2, 3, 4, 5, 6],
  2: [1, 2, 3, 4, 5],
  3: [1, 2, 3],
  4: [1, 2, 4],
  5: [1, 2],
  6: [1]
}

interface Holding {
  mode: number
  /** The transaction that it ends with, if not with the session: an autonomous one has a number of its own. */
  readonly transaction: number | undefined
}

/** The first number that names are given. */
const firstOfNames = 1_073_741_824

export class UserLocks {
  /** By number, then by session. */
  readonly #locks = new Map<number, Map<number, Holding>>()
  readonly #names = new Map<string, number>()

  /** The number of a name, the same for each session. */
  idOf(name: string): number {
    let id = this.#names.get(name)
    if (id === undefined) {
      id = firstOfNames + this.#names.size
      this.#names.set(name, id)
    }
    return id
  }

  isNamed(id: number): boolean {
    return id >= firstOfNames && id < firstOfNames + this.#names.size
  }

  mode(id: number, sid: number): number | undefined {
    return this.#locks.get(id)?.get(sid)?.mode
  }

  /** 0 when the session has the lock now, else a session that stands in the way. A lock that it holds is converted. */
  take(id: number, sid: number, mode: number, transaction: number | undefined): number {
    let holders = this.#locks.get(id)
    if (holders === undefined) {
      holders = new Map()
      this.#locks.set(id, holders)
    }
    for (const [other, holding] of holders) {
      if (other !== sid && !beside[mode]!.includes(holding.mode)) return other
    }
    const own = holders.get(sid)
    if (own === undefined) holders.set(sid, { mode, transaction })
    else own.mode = mode
    return 0
  }

  release(id: number, sid: number): boolean {
    const holders = this.#locks.get(id)
    if (holders === undefined) return false
    const had = holders.delete(sid)
    if (holders.size === 0) this.#locks.delete(id)
    return had
  }

  /** At the end of a transaction those that were asked for until then, at the end of a session all of them. */
  releaseAll(sid: number, transaction?: number): boolean {
    let any = false
    for (const [id, holders] of this.#locks) {
      const holding = holders.get(sid)
      if (holding === undefined || (transaction !== undefined && holding.transaction !== transaction)) continue
      this.release(id, sid)
      any = true
    }
    return any
  }
}
