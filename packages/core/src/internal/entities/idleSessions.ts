/**
 * The idle sessions in all the lists that they are looked for in: of the pool, of their shards and of their groups. The one that
 * came back last may be in none of them until somebody looks: most often it is the next to be lent.
 */
import { LinkedList, unlink } from "../data/linkedList.ts"
import type { Session } from "./session.ts"
import type { Criteria } from "./session.ts"

export class IdleSessions<S> {
  readonly #byRecency = new LinkedList<Session<S>>()
  #unlisted: Session<S> | undefined = undefined

  /** The session that is idle and in no list, if there is one. */
  get unlisted(): Session<S> | undefined {
    return this.#unlisted
  }

  /** Idle sessions, the warmest first. */
  get byRecency(): LinkedList<Session<S>> {
    this.listAll()
    return this.#byRecency
  }

  /** The idle session that fits a request best. */
  idleFor(criteria: Criteria<S>): Session<S> | undefined {
    this.listAll()
    return criteria.group.idle.for(criteria)
  }

  /** Makes sure that every idle session is in its lists. */
  listAll(): void {
    const session = this.#unlisted
    if (session === undefined) return
    this.#unlisted = undefined
    this.#byRecency.pushFront(session.byRecency)
    session.group.idle.add(session, true)
  }

  /** Keeps the warmest of all sessions, which must be in no shard, out of the lists. */
  addUnlisted(session: Session<S>): void {
    if (this.#unlisted !== undefined) this.listAll()
    this.#unlisted = session
  }

  /** `warmest` is false for a session that was only looked at: it goes back to where its age belongs. */
  add(session: Session<S>, warmest: boolean): void {
    this.listAll()
    const { byRecency, byShard, group } = session
    if (warmest) {
      this.#byRecency.pushFront(byRecency)
      if (byShard !== undefined) group.shard!.idle.pushFront(byShard)
    } else {
      const isWarmer = (other: Session<S>) => other.idleSince >= session.idleSince
      this.#byRecency.insertFromBack(byRecency, isWarmer)
      if (byShard !== undefined) group.shard!.idle.insertFromBack(byShard, isWarmer)
    }
    group.idle.add(session, warmest)
  }

  has(session: Session<S>): boolean {
    return session === this.#unlisted || session.byRecency.list !== undefined
  }

  remove(session: Session<S>): void {
    if (session === this.#unlisted) this.#unlisted = undefined
    else this.#unlist(session)
  }

  #unlist(session: Session<S>): void {
    unlink(session.byRecency)
    if (session.byShard !== undefined) unlink(session.byShard)
    session.group.idle.remove(session)
  }
}
