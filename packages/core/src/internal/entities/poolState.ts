/**
 * Everything that a pool knows, and the steps in which that changes. Every method is one synchronous step that leaves the counts
 * right and runs no fiber; whatever takes time is ordered as a job, and whatever has to be told is put in the outbox. Which
 * session goes to which request is decided elsewhere.
 */
import type { CloseReason, PoolEvent } from "../../PoolEvent.ts"
import type { Settings } from "../../PoolOptions.ts"
import type { PoolStatistics } from "../../PoolStatistics.ts"
import type { Deadlines } from "../data/deadlines.ts"
import { ExpiryHeap } from "../data/expiryHeap.ts"
import type { LinkedList } from "../data/linkedList.ts"
import type { Outbox } from "../data/outbox.ts"
import * as Overload from "../data/overload.ts"
import type { TurnClock } from "../data/turnClock.ts"
import { type Facts, mayLendAgain, type Phase } from "./facts.ts"
import { FastPath, type FastPool } from "./fastPath.ts"
import { IdleSessions } from "./idleSessions.ts"
import { Instances } from "./instances.ts"
import type { Job } from "./job.ts"
import { type Limits, limitsOf } from "./limits.ts"
import { type Counts, Places } from "./places.ts"
import { expiry, type Holder, type Session, type Shard } from "./session.ts"
import type { SessionGroup } from "./session.ts"
import type { Criteria, Outcome, Waiter } from "./session.ts"
import { WaitingQueue } from "./waitingQueue.ts"

/** What is counted from the beginning. Leases are mostly hits: what is counted is those that were not. */
type Totals = Record<Exclude<keyof PoolStatistics["totals"], "hits"> | "misses", number>

export class PoolState<S> implements FastPool<S> {
  #facts: Facts
  #generation = 0
  /** Whether a session may be lent again without further questions, as the facts are. */
  #mayLendAgain: boolean
  readonly #clock: TurnClock
  readonly #outbox: Outbox
  readonly #places = new Places<S>()
  readonly #idle = new IdleSessions<S>()
  readonly fast: FastPath<S> = new FastPath(this, this.#idle)
  readonly #sessions = new Set<Session<S>>()
  readonly instances = new Instances()
  readonly expiries = new ExpiryHeap<Session<S>>()
  readonly #queue: WaitingQueue<S>
  readonly #totals: Totals = {
    opened: 0,
    openFailures: 0,
    closed: 0,
    lent: 0,
    misses: 0,
    timeouts: 0,
    refused: 0,
    leaks: 0
  }
  #overload: Overload.Overload
  #lastOpenFailure: unknown = undefined
  #jobs: Array<Job<S>> = []
  readonly #leftGroups = new Set<SessionGroup<S>>()
  #isUnsettled = false
  /** The sessions of the pool's own user, in its own connection class and no shard. */
  readonly ownGroup: SessionGroup<S>

  constructor(options: {
    readonly settings: Settings
    readonly clock: TurnClock
    readonly outbox: Outbox
    readonly deadlines: Deadlines<Waiter<S>>
    readonly ownGroup: SessionGroup<S>
    readonly hasOwnUser: boolean
    readonly hasLeaseHook: boolean
  }) {
    this.#clock = options.clock
    this.#outbox = options.outbox
    this.#queue = new WaitingQueue(options.deadlines)
    this.ownGroup = options.ownGroup
    this.#facts = {
      settings: options.settings,
      limits: limitsOf(options.settings),
      phase: "open",
      suspicion: 0,
      account: undefined,
      hasOwnUser: options.hasOwnUser,
      listeners: new Set(),
      isSuspended: false,
      epoch: 0,
      hasLeaseHook: options.hasLeaseHook
    }
    this.#mayLendAgain = mayLendAgain(this.#facts)
    this.#overload = Overload.initial(this.now())
  }

  /** The only way to change a fact: with it, every session is looked at anew before it is lent. */
  #change(facts: Partial<Facts>): void {
    this.#facts = { ...this.#facts, ...facts }
    this.#generation++
    this.#mayLendAgain = mayLendAgain(this.#facts)
  }

  get generation(): number {
    return this.#generation
  }

  get settings(): Settings {
    return this.#facts.settings
  }

  get limits(): Limits {
    return this.#facts.limits
  }

  get phase(): Phase {
    return this.#facts.phase
  }

  get suspicion(): number {
    return this.#facts.suspicion
  }

  get account(): string | undefined {
    return this.#facts.account
  }

  get hasOwnUser(): boolean {
    return this.#facts.hasOwnUser
  }

  get isSuspended(): boolean {
    return this.#facts.isSuspended
  }

  get epoch(): number {
    return this.#facts.epoch
  }

  /** Whether anybody listens to events: they are made only then. */
  get isWatched(): boolean {
    return this.#facts.listeners.size > 0
  }

  get counts(): Counts {
    return this.#places.counts
  }

  /** Sessions of any kind that take a place of `max`, also while they are being opened or closed. */
  get slots(): number {
    return this.#places.slots
  }

  get opened(): number {
    return this.#places.opened
  }

  /** How many sessions may be opened once those that are closing are gone; below 0 there are too many. */
  get roomToCome(): number {
    return this.#facts.limits.max - (this.#places.slots - this.#places.counts.closing)
  }

  get isCrowded(): boolean {
    return this.#queue.all.size > 0 || this.roomToCome < 0
  }

  get sessions(): ReadonlySet<Session<S>> {
    return this.#sessions
  }

  /** Idle sessions, the warmest first. */
  get recency(): LinkedList<Session<S>> {
    return this.#idle.byRecency
  }

  /** The idle session that fits a request best. */
  idleFor(criteria: Criteria<S>): Session<S> | undefined {
    return this.#idle.idleFor(criteria)
  }

  /** Waiting requests, in the order in which they came. */
  get waiting(): LinkedList<Waiter<S>> {
    return this.#queue.all
  }

  /** When waiting requests give up. */
  get deadlines(): Deadlines<Waiter<S>> {
    return this.#queue.deadlines
  }

  /** Groups that have waiting requests. */
  get waitingGroups(): ReadonlySet<SessionGroup<S>> {
    return this.#queue.groups
  }

  get totals(): Readonly<Totals> {
    return this.#totals
  }

  get overload(): Overload.Overload {
    return this.#overload
  }

  get lastOpenFailure(): unknown {
    return this.#lastOpenFailure
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

  // What follows from a step.

  /** Whether the step has to be completed: something follows from it. */
  get isIncomplete(): boolean {
    return this.#isUnsettled || this.#jobs.length > 0 || this.#leftGroups.size > 0 || this.deadlines.isStale
  }

  /** Something changed that may let sessions be opened or replaced. */
  unsettle(): void {
    this.#isUnsettled = true
  }

  /** Whether something did since this was asked last. */
  takeUnsettled(): boolean {
    const isUnsettled = this.#isUnsettled
    this.#isUnsettled = false
    return isUnsettled
  }

  get hasJobs(): boolean {
    return this.#jobs.length > 0
  }

  /** Work that takes time: it is started once the step is complete. */
  order(job: Job<S>): void {
    this.#jobs.push(job)
  }

  takeJobs(): ReadonlyArray<Job<S>> {
    const jobs = this.#jobs
    this.#jobs = []
    return jobs
  }

  /** Something has left a group, so that it may be unused now. */
  leaveGroup(group: SessionGroup<S>): void {
    this.#leftGroups.add(group)
  }

  takeLeftGroups(): ReadonlyArray<SessionGroup<S>> {
    if (this.#leftGroups.size === 0) return []
    const groups = [...this.#leftGroups]
    this.#leftGroups.clear()
    return groups
  }

  count(what: keyof Totals): void {
    this.#totals[what]++
  }

  noteOverload(overload: Overload.Overload): void {
    this.#overload = overload
  }

  noteOpenFailure(cause: unknown): void {
    this.#lastOpenFailure = cause
  }

  listen(listener: (event: PoolEvent) => void): void {
    this.#change({ listeners: new Set([...this.#facts.listeners, listener]) })
  }

  unlisten(listener: (event: PoolEvent) => void): void {
    this.#change({ listeners: new Set([...this.#facts.listeners].filter((other) => other !== listener)) })
  }

  emit(event: PoolEvent): void {
    const { listeners } = this.#facts
    this.later(() => {
      for (const listener of listeners) listener(event)
    })
  }

  /** Something is to be done once the step is complete that may run fibers. */
  later(tell: () => void): void {
    this.#outbox.put({ tell, nextTold: undefined })
  }

  /** Runs a step that ends with itself, and tells at once what has come of it. */
  tellAfter(step: () => void): void {
    this.#outbox.tellAfter(step)
  }

  // Facts.

  enter(phase: "draining" | "closed"): void {
    this.#change({ phase })
  }

  suspect(): void {
    this.#change({ suspicion: this.#facts.suspicion + 1 })
  }

  adopt(account: string): void {
    this.#change({ account })
  }

  /** No session is lent from here on; requests wait, and their time does not count. */
  suspend(): void {
    this.#change({ isSuspended: true })
    this.#queue.pause(this.now())
  }

  /** Sessions may be lent again. Which request gets which is decided next. */
  resume(): void {
    this.#change({ isSuspended: false })
    this.#queue.resume(this.now())
    this.#overload = Overload.initial(this.now())
    this.unsettle()
  }

  /** Sessions that are there or being opened are replaced: idle ones at once, the others as they come back. */
  refresh(): void {
    this.#change({ epoch: this.#facts.epoch + 1 })
    for (const session of this.recency) this.retire(session, "refreshed")
  }

  configure(settings: Settings, hasOwnUser: boolean): void {
    const { lifetime, perShard, rebalance } = this.limits
    this.#change({ settings, limits: limitsOf(settings), hasOwnUser })
    if (this.limits.lifetime !== lifetime) {
      for (const session of this.#sessions) {
        if (session.place !== "closing") this.expire(session)
      }
    }
    if (this.limits.perShard < perShard) {
      for (const session of [...this.recency].toReversed()) {
        if (this.isShardOver(session.group.shard)) this.retire(session, "surplus")
      }
    }
    if (this.limits.rebalance !== rebalance) this.instances.balanceAt = this.now() + this.limits.rebalance
    this.unsettle()
  }

  // The queue.

  nextWaiterNumber(): number {
    return this.#queue.nextNumber()
  }

  enqueue(waiter: Waiter<S>): void {
    this.#queue.add(waiter)
    this.unsettle()
  }

  limitWait(waiter: Waiter<S>, timeout: number): void {
    this.#queue.limit(waiter, timeout)
  }

  /** A request leaves the queue. */
  dequeue(waiter: Waiter<S>): void {
    this.#queue.remove(waiter)
    const { group } = waiter.criteria
    if (group.waiting === 0) this.leaveGroup(group)
  }

  /** The outcome of a request is known. */
  wake(waiter: Waiter<S>, outcome: Outcome<S>): void {
    waiter.outcome = outcome
    this.#outbox.put(waiter)
  }

  oldestWait(now: number): number {
    return this.#queue.oldestWait(now)
  }

  // The life of a session.

  /** A place of `max` is taken for a session to be opened. */
  reserve(group: SessionGroup<S>): void {
    this.#places.move(group, undefined, "opening")
    this.order({ _tag: "Open", group })
  }

  /** The place that was taken for a session is free again: it could not be opened. */
  unreserve(group: SessionGroup<S>): void {
    this.#places.move(group, undefined, "gone")
    this.leaveGroup(group)
    this.unsettle()
  }

  /** A session was opened in the place that was taken for it. */
  admit(session: Session<S>): void {
    this.#places.move(session.group, session, "checking")
    this.#sessions.add(session)
    this.count("opened")
    this.expire(session)
  }

  /** Sets when a session expires by the lifetime in force. */
  expire(session: Session<S>): void {
    this.expiries.remove(session)
    session.expiresAt = expiry(session.openedAt, this.limits.lifetime, session.lifetimePart)
    if (session.expiresAt !== Infinity) this.expiries.add(session)
  }

  /** A session that is busy or being pinged becomes idle; `warmest` when it was in use up to now. */
  makeIdle(session: Session<S>, warmest: boolean): void {
    this.#places.move(session.group, session, "idle")
    this.#idle.add(session, warmest)
    if (this.#queue.all.size > 0) this.unsettle()
  }

  makeIdleUnlisted(session: Session<S>): void {
    this.#places.takeBack(session)
    session.holder = undefined
    this.#idle.addUnlisted(session)
  }

  takeIdle(session: Session<S>, holder: Holder, now: number): void {
    this.#idle.remove(session)
    this.#places.lend(session)
    session.holder = holder
    session.takenAt = now
    session.uses++
    this.#totals.lent++
  }

  /** Sets a session aside to be pinged. */
  setAside(session: Session<S>): void {
    // One that is pinged once more, because of a fatal error that came meanwhile, stays where it is.
    if (session.place === "checking") return
    if (session.place === "idle") this.#idle.remove(session)
    this.#places.move(session.group, session, "checking")
  }

  /** A session belongs to `holder` from here on, after everything about it was looked at. */
  lend(session: Session<S>, holder: Holder, now: number): void {
    if (session.place === "idle") this.#idle.remove(session)
    if (session.place !== "busy") this.#places.lend(session)
    session.holder = holder
    session.takenAt = now
    session.uses++
    // Where the idle sessions of a shard are counted, each has to be in its list.
    session.vettedIn = this.#mayLendAgain && session.byShard === undefined ? this.#generation : -1
  }

  /** The session goes for good. Its place of `max` is free once it is closed. */
  retire(session: Session<S>, reason: CloseReason): void {
    if (session.place === "closing" || session.place === "gone") return
    if (session.place === "idle") this.#idle.remove(session)
    this.#places.move(session.group, session, "closing")
    this.expiries.remove(session)
    session.holder = undefined
    this.order({ _tag: "Close", session, reason })
    this.unsettle()
  }

  /** The session goes for good: now when it is idle, else as soon as its holder returns it. */
  leave(session: Session<S>, reason: CloseReason): void {
    if (session.place === "idle") return this.retire(session, reason)
    session.leaves = reason
    session.vettedIn = -1
  }

  /** Takes a session away from its holder, or from the pool's own work on it. It is closed once nothing runs on it. */
  takeAway(session: Session<S>, reason: CloseReason): void {
    if (session.isTaken || session.place === "closing" || session.place === "gone") return
    session.isTaken = true
    session.holder?.revoke()
    session.holder = undefined
    this.order({ _tag: "TakeAway", session, reason })
  }

  /** The session is gone. */
  forget(session: Session<S>): void {
    this.#places.move(session.group, session, "gone")
    this.#sessions.delete(session)
    this.count("closed")
    this.leaveGroup(session.group)
    this.unsettle()
  }

  /**
   * After a defect of the pool itself: gives up a session that the step was about, and those that it left in no list, and
   * counts what there is. `opening` has the group of every session that is being opened.
   */
  recover(lost: Session<S> | undefined, groups: Iterable<SessionGroup<S>>, opening: Iterable<SessionGroup<S>>): void {
    if (lost !== undefined) this.#abandon(lost)
    for (const session of this.#sessions) {
      if (session.place === "idle" && !this.#idle.has(session)) this.#abandon(session)
    }
    const ordered = this.#jobs.flatMap((job) => job._tag === "Open" ? [job.group] : [])
    this.#places.recount(this.#sessions, groups, [...opening, ...ordered])
    this.unsettle()
  }

  /** A session is closed, or when that was the step that failed, forgotten, wherever it was. */
  #abandon(session: Session<S>): void {
    const { holder, place } = session
    if (place === "gone") return
    this.#idle.remove(session)
    this.expiries.remove(session)
    session.holder = undefined
    holder?.revoke()
    if (session.checkedFor !== undefined) {
      session.checkedFor.checking = undefined
      session.checkedFor = undefined
      session.group.unserved++
    }
    this.leaveGroup(session.group)
    this.#places.put(session, place === "closing" ? "gone" : "closing")
    if (place === "closing") this.#sessions.delete(session)
    else this.order({ _tag: "Close", session, reason: "broken" })
  }

  /** Whether a session was opened with the credentials that the pool has now. */
  isCurrent(session: Session<S>): boolean {
    const { account } = this.#facts
    return session.group.identity.credentials === "request" || account === undefined || session.account === account
  }

  /** Idle sessions that were opened with credentials of the past go for good. */
  retireOutdated(): void {
    for (const session of this.recency) {
      if (!this.isCurrent(session)) this.retire(session, "credentials")
    }
  }

  /** Idle sessions that have served as many leases as they may go for good, after that bound was lowered. */
  retireUsed(): void {
    for (const session of this.recency) {
      if (session.uses >= this.limits.maxUses) this.retire(session, "used")
    }
  }

  /** Whether a shard holds more than it may, after its bound was lowered. */
  isShardOver(shard: Shard<S> | undefined): boolean {
    return shard !== undefined && shard.slots - shard.closing > this.limits.perShard
  }

  /** How many more sessions a group may have within its fair share; below 0 it has more than that. */
  shareRoom({ live, opening, shareOfClass, shareOfUser }: SessionGroup<S>): number {
    const { perClass, perIdentity, perUser } = this.limits
    return Math.min(perIdentity - live - opening, perUser - shareOfUser.sessions, perClass - shareOfClass.sessions)
  }

  /** How much more room the group's shard has; unbounded without one. */
  shardRoom(shard: Shard<S> | undefined): number {
    return shard === undefined ? Infinity : this.limits.perShard - shard.slots
  }

  /** The same, once the sessions that are closing are gone. */
  shardRoomToCome(shard: Shard<S> | undefined): number {
    return shard === undefined ? Infinity : this.limits.perShard - (shard.slots - shard.closing)
  }
}
