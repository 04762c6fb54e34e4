import type { Clock } from "effect/Clock"
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type { CloseReason, PoolEvent } from "../PoolEvent.ts"
import type { Settings } from "../PoolOptions.ts"
import * as SessionTag from "../SessionTag.ts"
import type { Deadlines } from "./deadlines.ts"
import { ExpiryHeap } from "./expiryHeap.ts"
import { expiry } from "./growth.ts"
import { LinkedList, unlink } from "./linkedList.ts"
import { offOrMillis } from "./optionField.ts"
import type { Outbox } from "./outbox.ts"
import * as Overload from "./overload.ts"
import type { Holder, IsHealthy, Session, SessionPlace, Shard } from "./session.ts"
import type { SessionGroup } from "./sessionGroup.ts"
import { TurnClock } from "./turnClock.ts"
import type { Outcome, Waiter, Wish } from "./waiter.ts"

/** The settings that decisions read, in milliseconds and plain numbers. */
export interface Limits {
  readonly min: number
  readonly max: number
  readonly increment: number
  readonly waitTimeout: number
  readonly queueMax: number
  readonly queueTarget: number
  readonly queueInterval: number
  readonly idleTimeout: number
  readonly lifetime: number
  readonly pingInterval: number
  readonly pingTimeout: number
  readonly openTimeout: number
  readonly closeTimeout: number
  readonly leakThreshold: number
  readonly perShard: number
}

const limitsOf = (settings: Settings): Limits => ({
  min: settings.min,
  max: settings.max,
  increment: settings.increment,
  waitTimeout: Duration.toMillis(settings.waitTimeout),
  queueMax: settings.queueMax < 0 ? Infinity : settings.queueMax,
  queueTarget: offOrMillis(settings.queueTarget),
  queueInterval: Duration.toMillis(settings.queueInterval),
  idleTimeout: offOrMillis(settings.timeout),
  lifetime: offOrMillis(settings.maxLifetimeSession),
  pingInterval: Duration.toMillis(settings.pingInterval),
  pingTimeout: offOrMillis(settings.pingTimeout),
  openTimeout: offOrMillis(settings.openTimeout),
  closeTimeout: offOrMillis(settings.closeTimeout),
  leakThreshold: offOrMillis(settings.leakDetectionThreshold),
  perShard: settings.maxSessionsPerShard === 0 ? Infinity : settings.maxSessionsPerShard
})

/** Work that a decision has ordered and that takes time: it is started once the decision is complete. */
export type Job<S> =
  | { readonly _tag: "Open"; readonly group: SessionGroup<S> }
  | { readonly _tag: "Close"; readonly session: Session<S>; readonly reason: CloseReason }
  | { readonly _tag: "Check"; readonly session: Session<S> }
  /** A session that a forced close has taken away from its holder: what runs on it is stopped before it is closed. */
  | { readonly _tag: "TakeAway"; readonly session: Session<S> }
  /** Something beside the sessions, such as a pause or a log line. */
  | { readonly _tag: "Run"; readonly effect: Effect.Effect<void> }

/** Whether the pool takes requests; `closed` once nothing is left. */
export type Phase = "open" | "draining" | "closed"

/**
 * Everything a pool knows, and the only places where a session changes hands. Every method is one synchronous step that
 * leaves the counts right; whatever takes time is put down as a `Job`.
 */
export class PoolState<S> {
  settings: Settings
  limits: Limits
  #phase: Phase = "open"
  readonly #clock: TurnClock
  readonly sessions = new Set<Session<S>>()
  readonly #recency = new LinkedList<Session<S>>()
  readonly expiries = new ExpiryHeap<Session<S>>()
  readonly waiting = new LinkedList<Waiter<S>>()
  /** Groups that have waiting requests. */
  readonly needy = new Set<SessionGroup<S>>()
  readonly counts = { opening: 0, idle: 0, checking: 0, busy: 0, closing: 0 }
  /** Leases are mostly hits: what is counted is those that were not. */
  readonly totals = { opened: 0, openFailures: 0, closed: 0, lent: 0, misses: 0, timeouts: 0, refused: 0, leaks: 0 }
  #suspicion = 0
  overload: Overload.Overload
  lastOpenFailure: unknown = undefined
  #account: string | undefined = undefined

  jobs: Array<Job<S>> = []
  /** What is told once the step is complete: the outcomes of waiting requests, and events. */
  readonly #outbox: Outbox
  /** Groups that something has left, so that they may be unused now. */
  readonly leftGroups = new Set<SessionGroup<S>>()
  /** When waiting requests give up. */
  deadlines!: Deadlines<Waiter<S>>
  /** Whether something changed that may let sessions be opened or replaced. */
  isUnsettled = false
  /** Whether every lease has to look at everything, because something runs at its beginning. */
  asksEveryTime = false
  readonly #listeners = new Set<(event: PoolEvent) => void>()
  /** Whether anybody listens to events: they are made only then. */
  isWatched = false
  /**
   * Stands for a time in which nothing happens that could speak against lending a session once more which was lent in it:
   * an object for each such time; `undefined` when every session has to be looked at.
   */
  #calm: object | undefined = undefined
  /** Whether sessions that are idle for too long are to be closed, as things are in this calm. */
  mayEvict = false
  /**
   * The session that came back last, if it was lent in the calm that is still on. It is idle, but in no list until another
   * comes back or somebody looks at the lists: most often it is the next to be lent.
   */
  #atHand: Session<S> | undefined = undefined

  /** The sessions of the pool's own user, in its own connection class and no shard. */
  readonly ownGroup: SessionGroup<S>
  /** Whether the pool has a user of its own, so that it can open sessions before anybody asks. */
  hasOwnUser: boolean

  constructor(settings: Settings, clock: Clock, outbox: Outbox, ownGroup: SessionGroup<S>, hasOwnUser: boolean) {
    this.#outbox = outbox
    this.ownGroup = ownGroup
    this.hasOwnUser = hasOwnUser
    this.settings = settings
    this.limits = limitsOf(settings)
    this.#clock = new TurnClock(clock)
    this.overload = Overload.initial(this.now())
  }

  /** The time, in milliseconds since the pool was made. */
  now(): number {
    return this.#clock.now()
  }

  /** A time of the pool, by default the present, in milliseconds since 1970 by the wall clock: for what is shown. */
  date(time = this.now()): number {
    return this.#clock.date(time)
  }

  /** The time for what happens at both ends of every lease: never before what `now` has said, but maybe a turn old. */
  timeOfTurn(): number {
    return this.#clock.ofTurn()
  }

  /** Sessions of any kind that take a place of `max`, also while they are being opened or closed. */
  get slots(): number {
    const { busy, checking, closing, idle, opening } = this.counts
    return opening + idle + checking + busy + closing
  }

  get opened(): number {
    return this.counts.idle + this.counts.checking + this.counts.busy
  }

  /** Idle sessions, the warmest first. */
  get recency(): LinkedList<Session<S>> {
    this.putAway()
    return this.#recency
  }

  get phase(): Phase {
    return this.#phase
  }

  enter(phase: "draining" | "closed"): void {
    this.#phase = phase
    this.disturb()
  }

  /** Raised by every fatal error: sessions that proved alive before are pinged before they are lent. */
  get suspicion(): number {
    return this.#suspicion
  }

  suspect(): void {
    this.#suspicion++
    this.disturb()
  }

  /** The credentials that the pool's own sessions are opened with, once one was. */
  get account(): string | undefined {
    return this.#account
  }

  adopt(account: string): void {
    this.#account = account
    this.disturb()
  }

  /** Ends the calm, if there is one. */
  disturb(): void {
    this.#calm = undefined
    this.putAway()
  }

  #calmDown(): void {
    const { leakThreshold, max, min, pingInterval } = this.limits
    const isCalm = this.waiting.size === 0 && this.#phase === "open" && !this.isWatched && pingInterval > 0 &&
      leakThreshold === Infinity && !this.asksEveryTime && this.slots - this.counts.closing <= max
    if (!isCalm) return
    this.#calm = {}
    this.mayEvict = this.opened > min
  }

  /** Moves the session at hand to where the others are. */
  putAway(): void {
    const session = this.#atHand
    if (session === undefined) return
    this.#atHand = undefined
    this.#recency.pushFront(session.byRecency)
    session.group.addIdle(session, true)
  }

  /** Whether the step has to be completed: something follows from it. */
  get isIncomplete(): boolean {
    return this.isUnsettled || this.jobs.length > 0 || this.leftGroups.size > 0 || this.deadlines.isStale
  }

  listen(listener: (event: PoolEvent) => void): void {
    this.#listeners.add(listener)
    this.isWatched = true
    this.disturb()
  }

  unlisten(listener: (event: PoolEvent) => void): void {
    this.#listeners.delete(listener)
    this.isWatched = this.#listeners.size > 0
  }

  emit(event: PoolEvent): void {
    const listeners = [...this.#listeners]
    this.#outbox.put({
      tell: () => {
        for (const listener of listeners) listener(event)
      }
    })
  }

  /** Something is to be done once the step is complete that may run fibers. */
  later(tell: () => void): void {
    this.#outbox.put({ tell })
  }

  /** The outcome of a request is known. */
  wake(waiter: Waiter<S>, outcome: Outcome<S>): void {
    waiter.outcome = outcome
    this.#outbox.put(waiter)
  }

  /** A place of `max` is taken for a session to be opened. */
  reserve(group: SessionGroup<S>): void {
    this.counts.opening++
    group.opening++
    if (group.shard !== undefined) group.shard.slots++
    this.jobs.push({ _tag: "Open", group })
  }

  /** The place that was taken for a session is free again: it could not be opened. */
  unreserve(group: SessionGroup<S>): void {
    this.counts.opening--
    group.opening--
    this.leftGroups.add(group)
    if (group.shard !== undefined) group.shard.slots--
    this.isUnsettled = true
  }

  /** A session was opened in the place that was taken for it. */
  admit(session: Session<S>): void {
    this.counts.opening--
    session.group.opening--
    session.group.live++
    this.counts[session.place]++
    this.sessions.add(session)
    this.totals.opened++
    this.disturb()
    this.expire(session)
  }

  /** Sets when a session expires by the lifetime in force. */
  expire(session: Session<S>): void {
    this.expiries.remove(session)
    session.expiresAt = expiry(session.openedAt, this.limits.lifetime, session.lifetimePart)
    if (session.expiresAt !== Infinity) this.expiries.add(session)
  }

  move(session: Session<S>, place: SessionPlace): void {
    this.counts[session.place]--
    this.counts[place]++
    session.place = place
  }

  /** `warmest` is false for a session that was only looked at: it goes back to where its age belongs. */
  makeIdle(session: Session<S>, warmest: boolean): void {
    this.putAway()
    this.move(session, "idle")
    if (warmest) {
      this.#recency.pushFront(session.byRecency)
      if (session.byShard !== undefined) session.group.shard!.idle.pushFront(session.byShard)
    } else {
      const isWarmer = (other: Session<S>) => other.idleSince >= session.idleSince
      this.#recency.insertFromBack(session.byRecency, isWarmer)
      if (session.byShard !== undefined) session.group.shard!.idle.insertFromBack(session.byShard, isWarmer)
    }
    session.group.addIdle(session, warmest)
    if (this.waiting.size > 0) this.isUnsettled = true
  }

  #unlist(session: Session<S>): void {
    unlink(session.byRecency)
    if (session.byShard !== undefined) unlink(session.byShard)
    session.group.removeIdle(session)
  }

  leaveIdle(session: Session<S>, place: "checking" | "busy" | "closing"): void {
    if (session === this.#atHand) this.#atHand = undefined
    else this.#unlist(session)
    this.counts.idle--
    this.counts[place]++
    session.place = place
  }

  /** A session, busy by now, belongs to `holder` from here on. */
  lend(session: Session<S>, holder: Holder, fiberId: number, now: number): void {
    session.holder = holder
    session.fiberId = fiberId
    session.takenAt = now
    if (this.#calm === undefined) this.#calmDown()
    // Where the idle sessions of a shard are counted, each has to be in its list.
    session.lentIn = session.byShard === undefined ? this.#calm : undefined
  }

  /**
   * Lends an idle session that is what `wish` is for and need not prove anything, such as the one at hand; else the answer is
   * `undefined`. One that turns out to be dead is closed.
   */
  lendAtOnce(wish: Wish<S>, holder: Holder, fiberId: number, isHealthy: IsHealthy<S>): Session<S> | undefined {
    let session = this.#atHand
    if (session === undefined || session.tag !== wish.tag || session.group !== wish.group || wish.fresh) {
      session = this.#calmFor(wish)
      if (session === undefined) return undefined
    }
    const now = this.timeOfTurn()
    if (session.expiresAt <= now || now - session.provenAt > this.limits.pingInterval) return undefined
    if (!isHealthy(session)) return void this.retire(session, "dead")
    if (session === this.#atHand) this.#atHand = undefined
    else this.#unlist(session)
    this.counts.idle--
    this.counts.busy++
    session.place = "busy"
    session.holder = holder
    session.fiberId = fiberId
    session.takenAt = now
    this.totals.lent++
    return session
  }

  /** The idle session for `wish`, if it was lent before in this calm and is in the state asked for. */
  #calmFor(wish: Wish<S>): Session<S> | undefined {
    if (this.#calm === undefined) return undefined
    this.putAway()
    const session = wish.group.idleFor(wish)
    return session !== undefined && session.lentIn === this.#calm && SessionTag.equals(session.tag, wish.tag)
      ? session
      : undefined
  }

  /**
   * Keeps a session that has come back at hand, when nothing else has to be looked at; `false` when not. One that turns out to
   * be dead is closed.
   */
  keepAtHand(session: Session<S>, now: number, isHealthy: IsHealthy<S>): boolean {
    const calm = this.#calm
    if (calm === undefined || session.lentIn !== calm || session.expiresAt <= now) return false
    if (!isHealthy(session)) {
      this.retire(session, "dead")
      return false
    }
    if (this.#atHand !== undefined) this.putAway()
    this.#atHand = session
    this.counts.busy--
    this.counts.idle++
    session.place = "idle"
    session.holder = undefined
    return true
  }

  /** The session goes for good. Its place of `max` is free once it is closed. */
  retire(session: Session<S>, reason: CloseReason): void {
    if (session.place === "closing") return
    if (session.place === "idle") this.leaveIdle(session, "closing")
    else this.move(session, "closing")
    this.expiries.remove(session)
    session.holder = undefined
    session.group.live--
    session.group.closing++
    if (session.group.shard !== undefined) session.group.shard.closing++
    this.jobs.push({ _tag: "Close", session, reason })
    this.isUnsettled = true
  }

  /** Whether a session was opened with the credentials that the pool has now. */
  isCurrent(session: Session<S>): boolean {
    return session.group.identity.credentials === "request" || this.#account === undefined ||
      session.account === this.#account
  }

  /** Idle sessions that were opened with credentials of the past go for good. */
  retireOutdated(): void {
    for (const session of this.recency) {
      if (!this.isCurrent(session)) this.retire(session, "credentials")
    }
  }

  /** The session is gone. */
  forget(session: Session<S>): void {
    this.counts.closing--
    this.sessions.delete(session)
    this.totals.closed++
    const { group } = session
    const shard = group.shard
    group.closing--
    this.leftGroups.add(group)
    if (shard !== undefined) {
      shard.slots--
      shard.closing--
    }
    this.isUnsettled = true
  }

  configure(settings: Settings): void {
    this.disturb()
    const { lifetime, perShard } = this.limits
    this.settings = settings
    this.limits = limitsOf(settings)
    if (this.limits.lifetime !== lifetime) {
      for (const session of this.sessions) {
        if (session.place !== "closing") this.expire(session)
      }
    }
    if (this.limits.perShard < perShard) {
      for (const session of [...this.recency].toReversed()) {
        if (this.isShardOver(session.group.shard)) this.retire(session, "surplus")
      }
    }
    this.isUnsettled = true
  }

  /** Whether a shard holds more than it may, after its bound was lowered. */
  isShardOver(shard: Shard<S> | undefined): boolean {
    return shard !== undefined && shard.slots - shard.closing > this.limits.perShard
  }

  /** How much more room the group's shard has; unbounded without one. */
  shardRoom(shard: Shard<S> | undefined): number {
    return shard === undefined ? Infinity : this.limits.perShard - shard.slots
  }

  oldestWait(now: number): number {
    const oldest = this.waiting.first
    return oldest === undefined ? 0 : now - oldest.since
  }
}
