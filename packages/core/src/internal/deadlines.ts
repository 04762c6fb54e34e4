import * as Effect from "effect/Effect"
import type { Link } from "./linkedList.ts"
import { LinkedList } from "./linkedList.ts"

/** How deadlines are kept. */
export interface DeadlineOptions<T> {
  readonly now: () => number
  readonly fork: (effect: Effect.Effect<void>) => void
  readonly link: (owner: T) => Link<T>
  readonly since: (owner: T) => number
  /** Must take the owner out of its list. */
  readonly expired: (owner: T) => void
  /** Called once all that were due have expired. */
  readonly done: () => void
}

/**
 * Deadlines of many owners, each a fixed time after it began. Owners with the same time expire in the order in which they
 * began, so a list for each time serves, with one fiber that sleeps until its first: adding and removing take constant time
 * however many there are. The fiber ends when its list is empty.
 */
export class Deadlines<T> {
  readonly #lists = new Map<number, LinkedList<T>>()
  readonly #options: DeadlineOptions<T>

  constructor(options: DeadlineOptions<T>) {
    this.#options = options
  }

  add(owner: T, millis: number): void {
    const link = this.#options.link(owner)
    const known = this.#lists.get(millis)
    if (known !== undefined) return known.pushBack(link)
    const list = new LinkedList<T>()
    this.#lists.set(millis, list)
    // Before its fiber starts, which would end again if it found nothing.
    list.pushBack(link)
    this.#options.fork(this.#watch(list, millis))
  }

  #watch(list: LinkedList<T>, millis: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { done, expired, now, since } = this.#options
      let hasExpired = false
      for (;;) {
        const first = list.first
        if (first === undefined) break
        const left = since(first) + millis - now()
        if (left > 0) {
          if (hasExpired) done()
          return Effect.andThen(Effect.sleep(left), this.#watch(list, millis))
        }
        expired(first)
        hasExpired = true
      }
      this.#lists.delete(millis)
      if (hasExpired) done()
      return Effect.void
    })
  }
}
