/** All sessions and waiting requests of one identity, and which of them fit each other. Which get each other is decided elsewhere. */
import type * as Redacted from "effect/Redacted"
import * as SessionTag from "../../SessionTag.ts"
import { LinkedList, unlink } from "../data/linkedList.ts"
import { GroupOpening } from "./groupOpening.ts"
import type { Identity } from "./identity.ts"
import type { Session, Shard } from "./session.ts"
import type { Share } from "./share.ts"
import type { Criteria, Waiter } from "./waiter.ts"

/** Those of one tag. Whoever remembers such a list has to look whether it is still the one. */
export class ListOfTag<T> extends LinkedList<T> {
  readonly tag: string
  isCurrent = true

  constructor(tag: string) {
    super()
    this.tag = tag
  }
}

/**
 * Lists by tag. A list that has become empty stays for a while, since the same tag mostly comes back at once; when there are
 * many more lists than were found in use the last time, the empty ones go. So no tag that was ever seen stays for good.
 */
class ListsByTag<T> {
  readonly #lists = new Map<string, ListOfTag<T>>()
  #limit = 16

  first(tag: string): T | undefined {
    return this.#lists.get(tag)?.first
  }

  get(tag: string): ListOfTag<T> | undefined {
    return this.#lists.get(tag)
  }

  /** The list of a tag, made when there is none. */
  of(tag: string): ListOfTag<T> {
    const known = this.#lists.get(tag)
    if (known !== undefined) return known
    if (this.#lists.size >= this.#limit) this.#tidy()
    const list = new ListOfTag<T>(tag)
    this.#lists.set(tag, list)
    return list
  }

  /** The first of every list that is not empty. */
  *firsts(): Generator<T> {
    for (const list of this.#lists.values()) {
      if (list.first !== undefined) yield list.first
    }
  }

  #tidy(): void {
    for (const [tag, list] of this.#lists) {
      if (list.size > 0) continue
      this.#lists.delete(tag)
      list.isCurrent = false
    }
    this.#limit = Math.max(16, this.#lists.size * 2)
  }
}

/**
 * All sessions and all waiting requests of one identity. It knows which idle session fits a request, and which waiting
 * request a session fits, each in constant time for requests without tag or with an exact one.
 */
export class SessionGroup<S> {
  readonly identity: Identity
  readonly digest: Buffer | undefined
  readonly shard: Shard<S> | undefined
  readonly shareOfUser: Share
  readonly shareOfClass: Share
  /** The password of a request's own credentials, kept only while a session is wanted or being opened with it. */
  password: Redacted.Redacted<string> | undefined = undefined

  /** Sessions that are idle, checking or busy. This count and the next two are written by `Places` alone. */
  readonly live: number = 0
  readonly opening: number = 0
  readonly closing: number = 0
  /** Waiting requests that no session is being pinged for. */
  unserved = 0
  waiting = 0

  /** What it knows about opening sessions. */
  readonly opener = new GroupOpening()
  /** Whether the pool has let go of the group: who asks for its identity again gets another. */
  isGone = false

  readonly #fresh = new LinkedList<Session<S>>()
  readonly #untagged = new LinkedList<Session<S>>()
  readonly #tagged = new ListsByTag<Session<S>>()

  /** Waiting requests that do not wait for others to end their leases, and those of them that go past `max`. */
  impatient = 0
  forced = 0
  readonly #forAny = new LinkedList<Waiter<S>>()
  readonly #forFresh = new LinkedList<Waiter<S>>()
  readonly #byTag = new ListsByTag<Waiter<S>>()
  readonly #byNearestTag = new LinkedList<Waiter<S>>()

  constructor(
    identity: Identity,
    digest: Buffer | undefined,
    shard: Shard<S> | undefined,
    shares: { readonly ofUser: Share; readonly ofClass: Share }
  ) {
    this.identity = identity
    this.digest = digest
    this.shard = shard
    this.shareOfUser = shares.ofUser
    this.shareOfClass = shares.ofClass
  }

  /** Whether its sessions belong to a user that a request has named, which a homogeneous pool does not have. */
  get isNamedByRequest(): boolean {
    return this.identity.credentials === "request" || this.identity.proxyUser !== undefined
  }

  /** Whether nothing refers to the group any more. */
  get isUnused(): boolean {
    return this.live + this.opening + this.closing + this.waiting === 0 && !this.opener.isPausing
  }

  /** The oldest of its waiting requests. */
  get firstWaiter(): Waiter<S> | undefined {
    return older(this.#forAny.first, this.#forFresh.first)
  }

  *waiters(): Generator<Waiter<S>> {
    yield* this.#forAny
    yield* this.#forFresh
  }

  /** Requests that a session coming back from its holder is of no use to. */
  *impatientWaiters(): Generator<Waiter<S>> {
    yield* this.#forFresh
    if (this.impatient === 0) return
    for (const waiter of this.#forAny) {
      if (waiter.isImpatient) yield waiter
    }
  }

  get wantsFresh(): boolean {
    return this.#forFresh.size > 0
  }

  /**
   * The idle session that fits a request best, by the tag rules: the same tag; else an untagged one, warmest first and
   * those that were never lent last; else, with `matchAnyTag`, the one that shares most properties.
   */
  idleFor(criteria: Criteria<S>): Session<S> | undefined {
    if (criteria.fresh) return this.#fresh.first
    const tag = criteria.tag
    if (tag === undefined) return this.#untagged.first ?? this.#fresh.first
    const exact = this.#listFor(criteria, tag)?.first
    if (exact !== undefined) return exact
    const untagged = this.#untagged.first ?? this.#fresh.first
    if (untagged !== undefined || !criteria.matchAnyTag) return untagged
    return this.#nearest(tag)
  }

  /** The idle sessions with the tag of a criteria, which remembers where they are. */
  #listFor(criteria: Criteria<S>, tag: SessionTag.SessionTag): ListOfTag<Session<S>> | undefined {
    if (criteria.list === undefined || !criteria.list.isCurrent) criteria.list = this.#tagged.get(tag.canonical)
    return criteria.list
  }

  #nearest(tag: SessionTag.SessionTag): Session<S> | undefined {
    let best: Session<S> | undefined = undefined
    let most = -1
    for (const candidate of this.#tagged.firsts()) {
      const count = SessionTag.shared(tag, candidate.tag!)
      // Of two that share as much, the warmer one.
      if (count > most || (count === most && candidate.idleSince > best!.idleSince)) {
        best = candidate
        most = count
      }
    }
    return best
  }

  addIdle(session: Session<S>, warmest: boolean): void {
    const list = session.isFresh
      ? this.#fresh
      : session.tag === undefined
      ? this.#untagged
      : this.#listOf(session, session.tag.canonical)
    if (warmest) list.pushFront(session.byTag)
    else list.insertFromBack(session.byTag, (other) => other.idleSince >= session.idleSince)
  }

  /** Where a session with this tag belongs: mostly where it came from. */
  #listOf(session: Session<S>, tag: string): ListOfTag<Session<S>> {
    const last = session.list
    if (last !== undefined && last.isCurrent && last.tag === tag) return last
    return session.list = this.#tagged.of(tag)
  }

  removeIdle(session: Session<S>): void {
    unlink(session.byTag)
  }

  /** The oldest waiting request that a free session fits. */
  waiterFor(session: Session<S>): Waiter<S> | undefined {
    if (session.tag === undefined) {
      return session.isFresh ? older(this.#forAny.first, this.#forFresh.first) : this.#forAny.first
    }
    return older(this.#byTag.first(session.tag.canonical), this.#byNearestTag.first)
  }

  addWaiter(waiter: Waiter<S>): void {
    const { fresh, matchAnyTag, tag } = waiter.criteria
    this.waiting++
    this.unserved++
    if (waiter.isImpatient) this.impatient++
    if (waiter.isForced) this.forced++
    if (fresh) return this.#forFresh.pushBack(waiter.inGroup)
    this.#forAny.pushBack(waiter.inGroup)
    if (tag === undefined || waiter.byTag === undefined) return
    if (matchAnyTag) this.#byNearestTag.pushBack(waiter.byTag)
    else this.#byTag.of(tag.canonical).pushBack(waiter.byTag)
  }

  removeWaiter(waiter: Waiter<S>): void {
    this.waiting--
    if (waiter.isImpatient) this.impatient--
    if (waiter.isForced) this.forced--
    if (waiter.checking === undefined) this.unserved--
    unlink(waiter.inGroup)
    if (waiter.byTag !== undefined) unlink(waiter.byTag)
  }
}

const older = <S>(a: Waiter<S> | undefined, b: Waiter<S> | undefined): Waiter<S> | undefined =>
  a === undefined || (b !== undefined && b.number < a.number) ? b : a
