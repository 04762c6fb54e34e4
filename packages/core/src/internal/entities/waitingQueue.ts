/** Waiting requests, in the order in which they came, with their groups and deadlines. Who is served is decided elsewhere. */
import type { Deadlines } from "../data/deadlines.ts"
import { LinkedList, unlink } from "../data/linkedList.ts"
import { ImpossibleState } from "./places.ts"
import type { SessionGroup } from "./session.ts"
import type { Waiter } from "./session.ts"

export class WaitingQueue<S> {
  readonly all = new LinkedList<Waiter<S>>()
  /** Groups that have waiting requests. */
  readonly groups = new Set<SessionGroup<S>>()
  /** When waiting requests give up. */
  readonly deadlines: Deadlines<Waiter<S>>
  #number = 0
  /** Since when waiting does not count. */
  #pausedSince: number | undefined = undefined

  constructor(deadlines: Deadlines<Waiter<S>>) {
    this.deadlines = deadlines
  }

  nextNumber(): number {
    return ++this.#number
  }

  add(waiter: Waiter<S>): void {
    const { group, password } = waiter.criteria
    this.all.pushBack(waiter.inPool)
    group.addWaiter(waiter)
    if (password !== undefined) group.password = password
    if (group.waiting === 1) this.groups.add(group)
  }

  remove(waiter: Waiter<S>): void {
    if (!waiter.isWaiting) throw new ImpossibleState("a request leaves the queue that is not in it")
    const { group } = waiter.criteria
    unlink(waiter.inPool)
    this.deadlines.remove(waiter)
    group.removeWaiter(waiter)
    if (waiter.checking !== undefined) {
      waiter.checking.checkedFor = undefined
      waiter.checking = undefined
    }
    if (group.waiting === 0) this.groups.delete(group)
  }

  /** Limits how long a request may wait, in milliseconds. */
  limit(waiter: Waiter<S>, timeout: number): void {
    waiter.timeout = timeout
    if (this.#pausedSince === undefined && timeout !== Infinity) this.deadlines.add(waiter, timeout)
  }

  /** From here on waiting does not count. */
  pause(now: number): void {
    this.#pausedSince = now
    for (const waiter of this.all) this.deadlines.remove(waiter)
  }

  /** Waiting counts again; each request may wait for as long as was left. */
  resume(now: number): void {
    const since = this.#pausedSince ?? now
    this.#pausedSince = undefined
    for (const waiter of this.all) {
      waiter.pausedMillis += now - Math.max(since, waiter.since)
      if (waiter.timeout !== Infinity) this.deadlines.add(waiter, waiter.timeout)
    }
  }

  oldestWait(now: number): number {
    const oldest = this.all.first
    return oldest === undefined ? 0 : oldest.waited(now)
  }
}
