/** The idle sessions of one group, and which of them fits a request best: in constant time without a tag or with an exact one. */
import * as SessionTag from "../../SessionTag.ts"
import { type Link, LinkedList, unlink } from "../data/linkedList.ts"
import { type ListOfTag, ListsByTag } from "../data/listsByTag.ts"

/** What it has to know of a session. */
interface Idle<T> {
  /** Whether it has never been lent. */
  readonly isFresh: boolean
  readonly tag: SessionTag.SessionTag | undefined
  readonly idleSince: number
  readonly byTag: Link<T>
  /** The list of sessions with one tag that it was in last. */
  list: ListOfTag<T> | undefined
}

/** What it has to know of a request. */
interface Wanted<T> {
  /** Whether only a session that was never lent will do. */
  readonly fresh: boolean
  readonly tag: SessionTag.SessionTag | undefined
  readonly matchAnyTag: boolean
  /** Where the idle sessions with this tag were found last. */
  list: ListOfTag<T> | undefined
}

export class IdleByTag<T extends Idle<T>> {
  readonly #fresh = new LinkedList<T>()
  readonly #untagged = new LinkedList<T>()
  readonly #tagged = new ListsByTag<T>()

  /**
   * The idle session that fits a request best, by the tag rules: the same tag; else an untagged one, warmest first and
   * those that were never lent last; else, with `matchAnyTag`, the one that shares most properties.
   */
  for(wanted: Wanted<T>): T | undefined {
    if (wanted.fresh) return this.#fresh.first
    const tag = wanted.tag
    if (tag === undefined) return this.#untagged.first ?? this.#fresh.first
    const exact = this.#listFor(wanted, tag)?.first
    if (exact !== undefined) return exact
    const untagged = this.#untagged.first ?? this.#fresh.first
    if (untagged !== undefined || !wanted.matchAnyTag) return untagged
    return this.#nearest(tag)
  }

  /** The idle sessions with the tag of a request, which remembers where they are. */
  #listFor(wanted: Wanted<T>, tag: SessionTag.SessionTag): ListOfTag<T> | undefined {
    if (wanted.list === undefined || !wanted.list.isCurrent) wanted.list = this.#tagged.get(tag.canonical)
    return wanted.list
  }

  #nearest(tag: SessionTag.SessionTag): T | undefined {
    let best: T | undefined = undefined
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

  add(session: T, warmest: boolean): void {
    const list = session.isFresh
      ? this.#fresh
      : session.tag === undefined
      ? this.#untagged
      : this.#listOf(session, session.tag.canonical)
    if (warmest) list.pushFront(session.byTag)
    else list.insertFromBack(session.byTag, (other) => other.idleSince >= session.idleSince)
  }

  /** Where a session with this tag belongs: mostly where it came from. */
  #listOf(session: T, tag: string): ListOfTag<T> {
    const last = session.list
    if (last !== undefined && last.isCurrent && last.tag === tag) return last
    return session.list = this.#tagged.of(tag)
  }

  remove(session: T): void {
    unlink(session.byTag)
  }
}
