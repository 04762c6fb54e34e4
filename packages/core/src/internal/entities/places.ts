/**
 * Where every session is, and how many there are in each place: of the pool, of each group and of each shard. `Places` is the
 * only writer of a session's place and of these counts.
 */
import type { Place, Session, Shard } from "./session.ts"
import type { SessionGroup } from "./session.ts"
import type { Share } from "./share.ts"

/** What can come after what. */
const following: Readonly<Record<Place, ReadonlySet<Place>>> = {
  gone: new Set<Place>(["opening"]),
  opening: new Set<Place>(["checking", "gone"]),
  checking: new Set<Place>(["idle", "busy", "closing"]),
  idle: new Set<Place>(["checking", "busy", "closing"]),
  busy: new Set<Place>(["idle", "checking", "closing"]),
  closing: new Set<Place>(["gone"])
}

/** Something that cannot be, if the pool is right: a defect of the pool, not of the program that uses it. */
export class ImpossibleState extends Error {
  override readonly name = "ImpossibleState"

  constructor(what: string) {
    super(`This is a defect of the session pool, please report it: ${what}.`)
  }
}

const emptyPlace = (place: Place): ImpossibleState => new ImpossibleState(`there is no session that is "${place}"`)

type Writable<T> = { -readonly [K in keyof T]: T[K] }

export type Counts = Readonly<Record<Exclude<Place, "gone">, number>>

const isLive = (place: Place): boolean => place === "idle" || place === "checking" || place === "busy"

export class Places<S> {
  readonly #counts: Writable<Counts> = { opening: 0, idle: 0, checking: 0, busy: 0, closing: 0 }
  #slots = 0
  #opened = 0

  get counts(): Counts {
    return this.#counts
  }

  /** Places of `max` that are taken, also by sessions that are being opened or closed. */
  get slots(): number {
    return this.#slots
  }

  /** Sessions that are idle, being pinged or lent. */
  get opened(): number {
    return this.#opened
  }

  /**
   * A session of `group` goes to another place. There is no object of it while it is being opened: without one it comes to
   * `"opening"`, or leaves that.
   */
  move(group: SessionGroup<S>, session: Session<S> | undefined, to: Place): void {
    const from: Place = session?.place ?? (to === "opening" ? "gone" : "opening")
    const counts = this.#counts
    if (!following[from].has(to)) throw new ImpossibleState(`a session cannot go from "${from}" to "${to}"`)
    if (from !== "gone" && counts[from]-- === 0) throw emptyPlace(from)
    if (to !== "gone") counts[to]++
    if (session !== undefined) (session as Writable<Session<S>>).place = to
    this.#countAround(group, from, to)
  }

  /**
   * The same for a session that goes to a holder. Nearly every move is this or the next one, between idle and busy, which no other count
   * depends on: written out they cost a lease some nanoseconds less.
   */
  lend(session: Session<S>): void {
    const counts = this.#counts
    if (session.place !== "idle" || counts.idle === 0) return this.move(session.group, session, "busy")
    counts.idle--
    counts.busy++
    ;(session as Writable<Session<S>>).place = "busy"
  }

  /** The same for a session that its holder has returned. */
  takeBack(session: Session<S>): void {
    const counts = this.#counts
    if (session.place !== "busy" || counts.busy === 0) return this.move(session.group, session, "idle")
    counts.busy--
    counts.idle++
    ;(session as Writable<Session<S>>).place = "idle"
  }

  /** Puts a session in a place without a look at where it was, after a defect. `recount` has to follow. */
  put(session: Session<S>, to: Place): void {
    ;(session as Writable<Session<S>>).place = to
  }

  /** Counts what there is, after a defect that may have left the counts wrong: `opening` has the group of every session being opened. */
  recount(
    sessions: Iterable<Session<S>>,
    groups: Iterable<Writable<SessionGroup<S>>>,
    opening: Iterable<SessionGroup<S>>
  ): void {
    Object.assign(this.#counts, { opening: 0, idle: 0, checking: 0, busy: 0, closing: 0 })
    this.#slots = 0
    this.#opened = 0
    for (const group of groups) {
      Object.assign(group, { live: 0, opening: 0, closing: 0 })
      Object.assign(group.shareOfUser, { sessions: 0 })
      Object.assign(group.shareOfClass, { sessions: 0 })
      if (group.shard !== undefined) Object.assign(group.shard, { slots: 0, closing: 0 })
    }
    const add = (group: SessionGroup<S>, place: Place) => {
      if (place === "gone") return
      this.#counts[place]++
      this.#countAround(group, "gone", place)
    }
    for (const group of opening) add(group, "opening")
    for (const { group, place } of sessions) add(group, place)
  }

  #countAround(group: Writable<SessionGroup<S>>, from: Place, to: Place): void {
    const live = Number(isLive(to)) - Number(isLive(from))
    const slots = Number(to !== "gone") - Number(from !== "gone")
    const opening = Number(to === "opening") - Number(from === "opening")
    const closing = Number(to === "closing") - Number(from === "closing")
    this.#opened += live
    this.#slots += slots
    group.live += live
    group.opening += opening
    group.closing += closing
    const ofUser: Writable<Share> = group.shareOfUser
    const ofClass: Writable<Share> = group.shareOfClass
    ofUser.sessions += live + opening
    ofClass.sessions += live + opening
    if (group.shard === undefined) return
    const shard: Writable<Shard<S>> = group.shard
    shard.slots += slots
    shard.closing += closing
  }
}
