/** Where a test database puts new sessions: on which of its instances, as a listener does. */

export class Listener {
  readonly #names: ReadonlyArray<string>
  readonly #down = new Set<string>()
  #favorite: string | undefined = undefined

  constructor(names: ReadonlyArray<string>) {
    if (names.length === 0) throw new Error("a test database has at least one instance")
    this.#names = names
  }

  #check(name: string): void {
    if (!this.#names.includes(name)) {
      throw new Error(`the test database has no instance "${name}", only ${this.#names.join(", ")}`)
    }
  }

  setUp(name: string, isUp: boolean): void {
    this.#check(name)
    if (isUp) this.#down.delete(name)
    else this.#down.add(name)
  }

  placeOn(name: string | undefined): void {
    if (name !== undefined) this.#check(name)
    this.#favorite = name
  }

  /** The instance for a new session beside those that are open: the one with the fewest; `undefined` when none is up. */
  place(open: Iterable<{ readonly instance: string }>): string | undefined {
    const favorite = this.#favorite
    if (favorite !== undefined && !this.#down.has(favorite)) return favorite
    const counts = new Map(this.#names.filter((name) => !this.#down.has(name)).map((name) => [name, 0]))
    for (const { instance } of open) {
      const count = counts.get(instance)
      if (count !== undefined) counts.set(instance, count + 1)
    }
    let best: string | undefined = undefined
    for (const [name, count] of counts) {
      if (best === undefined || count < counts.get(best)!) best = name
    }
    return best
  }
}
