/**
 * The instances of the database that sessions have landed on: how many each has had, which of them are drained, and when the next session is
 * to move from one to another. Which session that is, is decided elsewhere.
 */

/** One instance. Its fields are written by `Instances` and by the drains of `moves` alone. */
export interface Instance {
  /** As the database has it, or as it was typed before a session has landed there. */
  name: string
  /** How many sessions were opened there since the pool was made. */
  opened: number
  /** While it is drained: when the next session is closed that has landed there meanwhile. */
  nextStray: number | undefined
}

export class Instances {
  readonly #known = new Map<string, Instance>()
  /** When a session moves next for the sake of balance. */
  balanceAt = Infinity
  /** Called with the name of every instance that a session lands on for the first time. */
  appeared: (name: string) => void = () => {}

  /** In the order in which they were first heard of. */
  get all(): Iterable<Instance> {
    return this.#known.values()
  }

  /** The instance of a name, which is known from then on. The database tells no two apart by case. */
  of(name: string): Instance {
    const key = name.toLowerCase()
    const known = this.#known.get(key) ?? { name, opened: 0, nextStray: undefined }
    this.#known.set(key, known)
    return known
  }

  /** A session was opened; `name` is how the database spells it, `interval` how often sessions move for the sake of balance. */
  landed(name: string, now: number, interval: number): Instance {
    const instance = this.of(name)
    instance.name = name
    if (instance.opened++ === 0) this.appeared(name)
    if (this.#known.size > 1) this.balanceAt = Math.min(this.balanceAt, now + interval)
    return instance
  }
}
