/**
 * Deadlines of many owners, with one timer for all of them. Owners that have the same time expire in the order in which they
 * began, so there is a list for each time, and a heap of these lists: adding and removing take constant time, however many owners there
 * are, as long as they have few different times.
 */
import * as Effect from "effect/Effect"
import type { Fiber } from "effect/Fiber"
import { type Expiring, ExpiryHeap } from "./expiryHeap.ts"
import type { Link } from "./linkedList.ts"
import { LinkedList, unlink } from "./linkedList.ts"

/** How deadlines are kept. */
interface DeadlineOptions<T> {
  readonly now: () => number
  readonly fork: (effect: Effect.Effect<void>) => Fiber<void>
  readonly link: (owner: T) => Link<T>
  readonly since: (owner: T) => number
  /** Must remove the owner. */
  readonly expired: (owner: T) => void
  /** Called once all that were due have expired; it must set the timer anew. */
  readonly done: () => void
}

/** Owners with the same time, the first of which expires at `expiresAt`, or later when others before it have been removed. */
class Line<T> extends LinkedList<T> implements Expiring {
  readonly millis: number
  expiresAt = 0
  heapIndex = -1

  constructor(millis: number) {
    super()
    this.millis = millis
  }
}

export class Deadlines<T> {
  readonly #options: DeadlineOptions<T>
  readonly #lines = new Map<number, Line<T>>()
  readonly #byTime = new ExpiryHeap<Line<T>>()
  /** Whether the timer has to be looked at. */
  isStale = false
  #timer: { readonly at: number; readonly fiber: Fiber<void> } | undefined = undefined

  constructor(options: DeadlineOptions<T>) {
    this.#options = options
  }

  add(owner: T, millis: number): void {
    const { link, since } = this.#options
    let line = this.#lines.get(millis)
    if (line === undefined) {
      line = new Line(millis)
      line.expiresAt = since(owner) + millis
      this.#lines.set(millis, line)
      this.#byTime.add(line)
      this.isStale = true
    }
    line.pushBack(link(owner))
  }

  /** Does nothing for an owner that has none. */
  remove(owner: T): void {
    const link = this.#options.link(owner)
    const line = link.list as Line<T> | undefined
    if (line === undefined) return
    unlink(link)
    if (line.size > 0) return
    this.#lines.delete(line.millis)
    this.#byTime.remove(line)
    this.isStale = true
  }

  /** Sets the timer for the first deadline; without any there is none. It belongs at the end of a step. */
  setTimer(): void {
    if (!this.isStale) return
    this.isStale = false
    const at = this.#byTime.earliest?.expiresAt
    if (at === undefined) return this.#cancel()
    // One that is too early finds out when it is over.
    if (this.#timer !== undefined && this.#timer.at <= at) return
    this.#cancel()
    const { fork, now } = this.#options
    const timer = Effect.andThen(Effect.sleep(Math.max(0, at - now())), Effect.sync(() => this.#expire()))
    this.#timer = { at, fiber: fork(timer) }
  }

  #cancel(): void {
    const timer = this.#timer
    this.#timer = undefined
    timer?.fiber.interruptUnsafe()
  }

  #expire(): void {
    this.#timer = undefined
    this.isStale = true
    const { done, expired, now, since } = this.#options
    for (;;) {
      const line = this.#byTime.earliest
      if (line === undefined || line.expiresAt > now()) break
      const first = line.first!
      const due = since(first) + line.millis
      if (due <= now()) expired(first)
      else {
        this.#byTime.remove(line)
        line.expiresAt = due
        this.#byTime.add(line)
      }
    }
    done()
  }
}
