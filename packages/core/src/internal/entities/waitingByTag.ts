/** The waiting requests of one group in the order in which they came, and which of them a free session fits, in constant time. */
import type { SessionTag } from "../../SessionTag.ts"
import { type Link, LinkedList, unlink } from "../data/linkedList.ts"
import { ListsByTag } from "../data/listsByTag.ts"

/** What it has to know of a request. */
interface Waiting<W> {
  /** Order of arrival, over all groups. */
  readonly number: number
  /** Whether it waits only for what was ordered for it, not for others to end their leases. */
  readonly isImpatient: boolean
  readonly criteria: {
    readonly fresh: boolean
    readonly tag: SessionTag | undefined
    readonly matchAnyTag: boolean
  }
  readonly inGroup: Link<W>
  /** There for a request that names a tag. */
  readonly byTag: Link<W> | undefined
}

export class WaitingByTag<W extends Waiting<W>> {
  readonly #forAny = new LinkedList<W>()
  readonly #forFresh = new LinkedList<W>()
  readonly #byTag = new ListsByTag<W>()
  readonly #byNearestTag = new LinkedList<W>()
  #impatient = 0

  /** How many do not wait for others to end their leases. */
  get impatientCount(): number {
    return this.#impatient
  }

  /** The oldest of its waiting requests. */
  get first(): W | undefined {
    return older(this.#forAny.first, this.#forFresh.first)
  }

  *all(): Generator<W> {
    yield* this.#forAny
    yield* this.#forFresh
  }

  /** Requests that a session coming back from its holder is of no use to. */
  *impatient(): Generator<W> {
    yield* this.#forFresh
    if (this.#impatient === 0) return
    for (const waiter of this.#forAny) {
      if (waiter.isImpatient) yield waiter
    }
  }

  get wantsFresh(): boolean {
    return this.#forFresh.size > 0
  }

  /** The oldest waiting request that a free session fits. */
  for(session: { readonly tag: SessionTag | undefined; readonly isFresh: boolean }): W | undefined {
    if (session.tag === undefined) {
      return session.isFresh ? older(this.#forAny.first, this.#forFresh.first) : this.#forAny.first
    }
    return older(this.#byTag.first(session.tag.canonical), this.#byNearestTag.first)
  }

  add(waiter: W): void {
    const { fresh, matchAnyTag, tag } = waiter.criteria
    if (waiter.isImpatient) this.#impatient++
    if (fresh) return this.#forFresh.pushBack(waiter.inGroup)
    this.#forAny.pushBack(waiter.inGroup)
    if (tag === undefined || waiter.byTag === undefined) return
    if (matchAnyTag) this.#byNearestTag.pushBack(waiter.byTag)
    else this.#byTag.of(tag.canonical).pushBack(waiter.byTag)
  }

  remove(waiter: W): void {
    if (waiter.isImpatient) this.#impatient--
    unlink(waiter.inGroup)
    if (waiter.byTag !== undefined) unlink(waiter.byTag)
  }
}

const older = <W extends { readonly number: number }>(a: W | undefined, b: W | undefined): W | undefined =>
  a === undefined || (b !== undefined && b.number < a.number) ? b : a
