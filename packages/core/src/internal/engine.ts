/**
 * Ties the decisions to the world: starts what they order, tells waiting fibers their outcome, and feeds back what came of
 * it. Decisions are synchronous and complete before anything here starts, so no fiber ever sees half a step.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { Connection } from "../Connection.ts"
import { AcquireTimeoutError, PoolExhaustedError, type Snapshot } from "../PoolError.ts"
import { PoolEvent, type RefusalReason } from "../PoolEvent.ts"
import type { Settings } from "../PoolOptions.ts"
import type { Credentials, SessionDriver } from "../SessionDriver.ts"
import { Accounts } from "./accounts.ts"
import { Deadlines } from "./deadlines.ts"
import type { Groups } from "./groups.ts"
import { describeIdentity, type PasswordDigests } from "./identity.ts"
import * as Jobs from "./jobs.ts"
import { LeakWatch } from "./leaks.ts"
import * as Lending from "./lending.ts"
import type { PoolMeters } from "./meters.ts"
import { Notices } from "./notices.ts"
import { OpeningTroubles } from "./openingTroubles.ts"
import type { Job, PoolState } from "./poolState.ts"
import type { IsHealthy, Session } from "./session.ts"
import type { SessionGroup } from "./sessionGroup.ts"
import { forsaken, openSessionError, settle } from "./settling.ts"
import { within } from "./timeLimit.ts"
import type { Waiter } from "./waiter.ts"

/** What a pool is made of, besides its settings. Everything is closed over its environment already. */
export interface EngineParts<S, C extends Connection, E, OE> {
  readonly driver: SessionDriver<S, C, E>
  /** The pool's own credentials, asked for at each open; `undefined` when they are those of the settings. */
  readonly credentials: Effect.Effect<Credentials, unknown> | undefined
  readonly onSession:
    | ((connection: C, info: { readonly requestedTag: string | undefined }) => Effect.Effect<unknown, OE>)
    | undefined
  readonly onLease: EngineParts<S, C, E, OE>["onSession"]
  readonly resetSession: ((connection: C) => Effect.Effect<unknown, unknown>) | undefined
  /** Waits until opening may be tried again after a failure; begins anew after every success. */
  readonly pauses: Effect.Effect<(cause: unknown) => Effect.Effect<unknown, unknown>>
  readonly fork: <A, E2>(
    effect: Effect.Effect<A, E2>,
    options: { readonly uninterruptible: boolean }
  ) => Fiber.Fiber<A, E2>
  readonly digests: PasswordDigests
  readonly groups: Groups<S>
  readonly state: PoolState<S>
  readonly meters: PoolMeters
}

export class Engine<S, C extends Connection, E = never, OE = never> {
  readonly parts: EngineParts<S, C, E, OE>
  readonly driver: SessionDriver<S, C, E>
  readonly state: PoolState<S>
  readonly groups: Groups<S>
  readonly meters: PoolMeters
  readonly isHealthy: IsHealthy<S>
  readonly accounts = new Accounts()
  readonly troubles = new OpeningTroubles()
  readonly leaks: LeakWatch
  readonly notices: Notices<S>
  /** What is left to do after a reset that had nothing to do. */
  readonly #atRest: Effect.Effect<void> | undefined
  #sessionNumber = 0
  #waiterNumber = 0
  #openings = 0
  #isFlushing = false
  readonly #opening = new Set<Fiber.Fiber<void>>()
  #adopted = 0
  readonly #pauses = new WeakMap<SessionGroup<S>, (cause: unknown) => Effect.Effect<unknown, unknown>>()
  #held: ReadonlyArray<Session<S>> | undefined = undefined
  /** Called when the pool is no longer open and its last session is gone. */
  whenEmpty: () => void = () => {}
  /** Called when something may be due for eviction earlier than the evictor knows. */
  rearm: () => void = () => {}
  /** Looked at after every step, while somebody waits for something that a step may bring. */
  readonly afterSteps = new Set<() => void>()
  /** When the evictor looks next. */
  nextLook = Infinity

  constructor(parts: EngineParts<S, C, E, OE>) {
    this.parts = parts
    this.driver = parts.driver
    this.#atRest = parts.resetSession === undefined ? undefined : Effect.void
    this.state = parts.state
    this.groups = parts.groups
    this.meters = parts.meters
    const { driver } = parts
    this.isHealthy = (session) => {
      try {
        return driver.isHealthy(session.handle)
      } catch {
        return false
      }
    }
    this.notices = new Notices(parts.state, (effect) => this.fork(effect))
    this.leaks = new LeakWatch({
      state: parts.state,
      fork: (effect) => this.fork(effect),
      flush: () => this.flush()
    })
    this.state.deadlines = new Deadlines<Waiter<S>>({
      now: () => this.state.now(),
      fork: (effect) => this.fork(effect),
      link: (waiter) => waiter.byDeadline,
      since: (waiter) => waiter.since,
      expired: (waiter) => this.#timedOut(waiter),
      done: () => this.flush()
    })
  }

  get settings(): Settings {
    return this.state.settings
  }

  /** Starts `effect` in the pool's scope; it ends with the scope. */
  fork<A, E2>(effect: Effect.Effect<A, E2>): Fiber.Fiber<A, E2> {
    return this.parts.fork(effect, { uninterruptible: false })
  }

  /** The same for work that must be completed once it was ordered: a place of `max` depends on it. */
  forkJob<A, E2>(effect: Effect.Effect<A, E2>): Fiber.Fiber<A, E2> {
    return this.parts.fork(effect, { uninterruptible: true })
  }

  /** Decides what follows from what has changed, until nothing more does. No fiber runs meanwhile. */
  decide(): void {
    const { state } = this
    this.#held = undefined
    while (state.isUnsettled) {
      settle(state)
      this.#turnAway()
    }
  }

  /**
   * Completes a step: decides what follows from it, and starts that. It is always the last thing that a step does. What is
   * started may end at once and be a step of its own; its jobs are started here as well, not inside.
   */
  flush(): void {
    this.decide()
    if (this.#isFlushing) return
    this.#isFlushing = true
    const { state } = this
    while (state.jobs.length > 0) {
      const { jobs } = state
      state.jobs = []
      for (const job of jobs) this.#start(job)
    }
    if (state.leftGroups.size > 0) {
      for (const group of state.leftGroups) this.groups.tidy(group)
      state.leftGroups.clear()
    }
    this.#isFlushing = false
    for (const look of this.afterSteps) look()
    state.deadlines.setTimer()
    if (state.phase === "open") this.rearm()
    if (state.phase === "draining" && state.slots === 0) this.whenEmpty()
  }

  /** Tells requests that do not wait for others, once nothing is under way for them. */
  #turnAway(): void {
    const { state } = this
    for (const waiter of forsaken(state)) {
      const { group } = waiter.wish
      if (Lending.claim(state, waiter)) continue
      if (group.opener.failure !== undefined && !Lending.isOpenable(group)) {
        Lending.refuse(state, waiter, openSessionError(state, group, group.opener.failure))
      } else if (!waiter.isForced) {
        Lending.refuse(state, waiter, new PoolExhaustedError(this.refused("exhausted")))
      }
    }
  }

  #start(job: Job<S>): void {
    switch (job._tag) {
      case "Open": {
        const fiber = this.forkJob(Jobs.openSession(this, job.group))
        this.#opening.add(fiber)
        fiber.addObserver(() => this.#opening.delete(fiber))
        return
      }
      case "Close":
        this.forkJob(Jobs.closeSession(this, job.session, job.reason))
        return
      case "Check":
        this.forkJob(Jobs.checkSession(this, job.session))
        return
      case "TakeAway":
        this.forkJob(Jobs.takeAwaySession(this, job.session))
        return
      case "Run":
        this.fork(job.effect)
    }
  }

  /** Gives up the openings that are under way. */
  abandonOpenings(): void {
    for (const fiber of this.#opening) fiber.interruptUnsafe()
  }

  /** Openings are numbered as they begin, so that the credentials of a later one win. */
  nextOpening(): number {
    return ++this.#openings
  }

  /** The pool's sessions belong to another user from now on: those of the one before retire, opening ones too. */
  adoptUser(): void {
    const { password, user } = this.settings
    this.state.adopt(this.parts.digests.account({ user, password }))
    this.isLatestOpening(this.nextOpening())
    this.state.retireOutdated()
  }

  isLatestOpening(order: number): boolean {
    if (order < this.#adopted) return false
    this.#adopted = order
    return true
  }

  /** Sleeps for as long as the schedule of pauses says after one more failure in a row. */
  waitForPause(group: SessionGroup<S>, cause: unknown): Effect.Effect<void> {
    return Effect.suspend(() => {
      const known = this.#pauses.get(group)
      if (known !== undefined) return known(cause)
      return Effect.flatMap(this.parts.pauses, (pause) => {
        this.#pauses.set(group, pause)
        return pause(cause)
      })
    }).pipe(
      // A schedule that has ended begins anew, after a pause that no schedule can shorten to nothing.
      Effect.catchCause(() => {
        this.#pauses.delete(group)
        return Effect.sleep("5 seconds")
      }),
      Effect.asVoid
    )
  }

  /** Lets opening go on at once, as if it had never failed. */
  resume(group: SessionGroup<S>): void {
    group.opener.reset()
    this.#pauses.delete(group)
    this.state.leftGroups.add(group)
    this.state.isUnsettled = true
  }

  /**
   * Rolls back what was not committed, once a lease has ended. What is left to do is the answer; `undefined` when that is
   * nothing.
   */
  reset(session: Session<S>): Effect.Effect<void, unknown> | undefined {
    let work: Effect.Effect<void, unknown> | undefined
    try {
      work = this.driver.reset(session.handle, this.state.settings)
    } catch (defect) {
      return Effect.die(defect)
    }
    return work === undefined ? this.#atRest : within(work, this.state.limits.pingTimeout, "a reset")
  }

  /** Tells of work that a lease leaves uncommitted, where the driver knows of it. Asked before the rollback runs. */
  noteOpenWork(session: Session<S>): void {
    try {
      if (this.driver.hasOpenWork?.(session.handle) === true) this.notices.rolledBack(session)
    } catch {
      // A driver that cannot say so costs nobody the end of a lease.
    }
  }

  nextSessionNumber(): number {
    return ++this.#sessionNumber
  }

  nextWaiterNumber(): number {
    return ++this.#waiterNumber
  }

  /** A session is free to go to somebody else, in the state that `tag` names. */
  comeBack(session: Session<S>, tag: Session<S>["tag"], now: number): void {
    const state = this.state
    session.tag = tag
    session.idleSince = now
    session.provenAt = now
    if (state.keepAtHand(session, now, this.isHealthy)) {
      if (state.mayEvict && now + state.limits.idleTimeout < this.nextLook) this.rearm()
      return
    }
    if (state.isWatched) {
      const heldMillis = now - session.takenAt
      state.emit(PoolEvent.SessionReturned({ at: state.date(now), session: session.id, tag: tag?.text, heldMillis }))
    }
    if (session.place === "busy") {
      Lending.offer(state, session, now, this.isHealthy, { warmest: true, proven: false })
    }
    if (state.isIncomplete) this.flush()
    else if (now + state.limits.idleTimeout < this.nextLook && state.opened > state.limits.min) this.rearm()
  }

  #timedOut(waiter: Waiter<S>): void {
    const state = this.state
    const now = state.now()
    const nested = this.#heldSessions().find((session) => session.fiberId === waiter.fiberId)
    const wish = waiter.wish
    const request = [
      describeIdentity(wish.group.identity),
      ...(wish.fresh ? [`with purity "new"`] : []),
      ...(wish.tag === undefined ? [] : [`with tag "${wish.tag.text}"`])
    ].join(" ")
    state.totals.timeouts++
    if (state.isWatched) {
      state.emit(PoolEvent.RequestTimedOut({ at: state.date(now), waitedMillis: now - waiter.since }))
    }
    Lending.refuse(
      state,
      waiter,
      new AcquireTimeoutError({
        pool: this.settings.name,
        waitedMillis: now - waiter.since,
        request,
        snapshot: this.snapshot(),
        ...(state.lastOpenFailure === undefined ? {} : { lastOpenFailure: state.lastOpenFailure }),
        ...(nested === undefined ? {} : { nestedSession: nested.id })
      })
    )
  }

  /** Sessions that are lent, those held longest first. Requests that time out together share one look. */
  #heldSessions(): ReadonlyArray<Session<S>> {
    this.#held ??= [...this.state.sessions]
      .filter((session) => session.place === "busy" && session.holder !== undefined)
      .sort((a, b) => a.takenAt - b.takenAt)
    return this.#held
  }

  /** Notes that a request is refused; the answer is what every such failure carries. */
  refused(reason: RefusalReason): { readonly pool: string; readonly snapshot: Snapshot } {
    const { state } = this
    state.totals.refused++
    if (state.isWatched) state.emit(PoolEvent.RequestRefused({ at: state.date(), reason }))
    return { pool: this.settings.name, snapshot: this.snapshot() }
  }

  /** The counts as failures carry them, with the leases that are held longest. */
  snapshot(): Snapshot {
    const state = this.state
    const now = state.now()
    return {
      opened: state.opened,
      busy: state.counts.busy,
      opening: state.counts.opening,
      pending: state.waiting.size,
      max: state.limits.max,
      leases: this.#heldSessions().slice(0, 5).map(({ fiberId, holder, id, takenAt }) => ({
        session: id,
        heldMillis: now - takenAt,
        fiber: fiberId,
        ...(holder!.takenBy === undefined ? {} : { takenAt: holder!.takenBy })
      }))
    }
  }
}
