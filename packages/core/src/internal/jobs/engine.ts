/**
 * Ties the decisions to the world: completes steps, starts what they have ordered, and keeps the pool's clocks going. Decisions are
 * synchronous and complete before anything here starts, so no fiber ever sees half a step.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { PoolEvent } from "../../PoolEvent.ts"
import * as Lending from "../decisions/lending.ts"
import { isSaturated, settle } from "../decisions/settling.ts"
import type { Groups } from "../entities/groups.ts"
import type { Job } from "../entities/job.ts"
import { ImpossibleState } from "../entities/places.ts"
import type { PoolState } from "../entities/poolState.ts"
import type { IsHealthy, Session } from "../entities/session.ts"
import type { DriverCalls, Host } from "./host.ts"
import { LeakWatch } from "./leaks.ts"
import { Notices } from "./notices.ts"
import { type OpeningParts, Openings } from "./openings.ts"
import { Refusals } from "./refusals.ts"
import { checkSession, closeSession, takeAwaySession } from "./sessionJobs.ts"
import { noticed } from "./shutdowns.ts"

/** What an engine is made of. Everything is closed over its environment already. */
interface EngineParts<S> extends Omit<OpeningParts<S>, "host"> {
  readonly driver: DriverCalls<S>
  readonly run: <A, E2>(
    effect: Effect.Effect<A, E2>,
    options: { readonly uninterruptible: boolean }
  ) => Fiber.Fiber<A, E2>
  readonly groups: Groups<S>
  readonly state: PoolState<S>
}

export class Engine<S> implements Host<S> {
  readonly driver: EngineParts<S>["driver"]
  readonly state: PoolState<S>
  readonly groups: Groups<S>
  readonly isHealthy: IsHealthy<S>
  readonly openings: Openings<S>
  readonly refusals: Refusals<S>
  readonly leaks: LeakWatch
  readonly notices: Notices<S>
  readonly #run: EngineParts<S>["run"]
  #isStarting = false
  /**
   * One of each object that a lease is made of. V8 gives up the code that it has compiled for a kind of object when a full collection
   * finds none of them alive: a pool that was quiet for a while would be slow at first.
   */
  shapes: ReadonlyArray<unknown> = []
  /** Called when the pool is no longer open and its last session is gone. */
  whenEmpty: () => void = () => {}
  /** Called when something may be due for eviction earlier than the evictor knows. */
  rearm: () => void = () => {}
  /** When the evictor looks next. */
  nextLook = Infinity
  /** Looked at after every step, while somebody waits for something that a step may bring. */
  readonly afterSteps = new Set<() => void>()

  constructor(parts: EngineParts<S>) {
    this.driver = parts.driver
    this.state = parts.state
    this.groups = parts.groups
    this.#run = parts.run
    this.isHealthy = (session) => {
      try {
        if (parts.driver.isHealthy(session.handle)) return true
        if (parts.driver.hasNotice?.(session.handle) === true) noticed(this, session)
        return false
      } catch {
        return false
      }
    }
    this.openings = new Openings({ ...parts, host: this })
    this.refusals = new Refusals(parts.state)
    this.notices = new Notices(parts.state, this.fork)
    this.leaks = new LeakWatch(this)
  }

  /** Starts `effect` in the pool's scope; it ends with the scope. */
  readonly fork = <A, E2>(effect: Effect.Effect<A, E2>): Fiber.Fiber<A, E2> =>
    this.#run(this.guarded(effect), { uninterruptible: false })

  /** The same for work that must be completed once it was ordered: a place of `max` depends on it. */
  readonly forkJob = <A, E2>(effect: Effect.Effect<A, E2>): Fiber.Fiber<A, E2> =>
    this.#run(this.guarded(effect), { uninterruptible: true })

  readonly startJob = (effect: Effect.Effect<void>, died: (cause: Cause.Cause<unknown>) => void): Fiber.Fiber<void> => {
    const job = Effect.catchCause(
      effect,
      (cause) => Cause.hasInterruptsOnly(cause) ? Effect.void : Effect.sync(() => died(cause))
    )
    return this.#run(job, { uninterruptible: true })
  }

  /** The same effect; when it dies of an impossible state, the pool recovers. */
  guarded<A, E2>(effect: Effect.Effect<A, E2>): Effect.Effect<A, E2> {
    return Effect.tapCause(effect, (cause) => Effect.sync(() => this.recoverFrom(Cause.squash(cause), undefined)))
  }

  /** When `defect` is an impossible state, the pool recovers; `session` is the one that the step was about, if it is known. */
  recoverFrom(defect: unknown, session: Session<S> | undefined): void {
    if (defect instanceof ImpossibleState) this.recover(Cause.die(defect), session)
  }

  /** One step about a session: an impossible state costs that session, and the step counts as done. */
  attempt(session: Session<S>, step: () => void): void {
    try {
      step()
    } catch (defect) {
      this.failedOn(session, defect)
    }
  }

  /** A step about a session has thrown: an impossible state costs that session, anything else is thrown on. */
  failedOn(session: Session<S>, defect: unknown): void {
    if (!(defect instanceof ImpossibleState)) throw defect
    this.recoverFrom(defect, session)
  }

  readonly recover = (cause: Cause.Cause<unknown>, session: Session<S> | undefined, then?: () => void): void => {
    this.#run(
      Effect.logError("Work of the session pool ended with a defect", cause).pipe(
        Effect.annotateLogs({ "sessionpool.pool": this.state.settings.name })
      ),
      { uninterruptible: false }
    )
    this.state.recover(session, this.groups, this.openings.underWay)
    this.nextLook = Infinity
    then?.()
    this.flush()
  }

  /** Decides what follows from what has changed, until nothing more does. No fiber runs meanwhile. */
  decide(): void {
    this.refusals.forget()
    while (this.state.takeUnsettled()) {
      if (isSaturated(this.state)) continue
      settle(this.state)
      this.refusals.refuseUnprovided()
    }
  }

  /**
   * Completes a step: decides what follows from it, and starts that. It is always the last thing that a step does. What is
   * started may end at once and be a step of its own; its jobs are started here as well, not inside.
   */
  readonly flush = (): void => {
    try {
      this.decide()
    } finally {
      // What was ordered before a defect is done all the same.
      this.#complete()
    }
  }

  #complete(): void {
    const { state } = this
    if (this.#isStarting) return
    this.#isStarting = true
    while (state.hasJobs) {
      for (const job of state.takeJobs()) this.#start(job)
    }
    for (const group of state.takeLeftGroups()) this.groups.tidy(group)
    this.#isStarting = false
    for (const look of this.afterSteps) look()
    state.deadlines.setTimer()
    if (state.phase === "open") this.rearm()
    if (state.phase === "draining" && state.slots === 0) this.whenEmpty()
  }

  #start(job: Job<S>): void {
    switch (job._tag) {
      case "Open":
        return this.openings.start(job.group)
      case "Close":
        return this.#startOn(job.session, closeSession(this, job.session, job.reason))
      case "Check":
        return this.#startOn(job.session, checkSession(this, job.session))
      case "TakeAway":
        return this.#startOn(job.session, takeAwaySession(this, job.session, job.reason))
      case "Run":
        return void this.fork(job.effect)
    }
  }

  /** Starts work on a session, which a defect costs. */
  #startOn(session: Session<S>, work: Effect.Effect<void>): void {
    this.startJob(work, (cause) => this.recover(cause, session))
  }

  /** A session is free to go to another holder, in the state that `tag` names. */
  takeBack(session: Session<S>, tag: Session<S>["tag"], now: number): void {
    const { state } = this
    session.tag = tag
    session.idleSince = now
    session.provenAt = now
    if (state.fast.takeBack(session, now, this.isHealthy)) this.#rearmFor(now)
    else state.tellAfter(() => this.#offer(session, now))
  }

  #offer(session: Session<S>, now: number): void {
    const { state } = this
    if (state.isWatched) {
      const heldMillis = now - session.takenAt
      state.emit(
        PoolEvent.SessionReturned({ at: state.date(now), session: session.id, tag: session.tag?.text, heldMillis })
      )
    }
    if (session.place === "busy") {
      Lending.offer(state, session, now, this.isHealthy, { warmest: true, proven: false })
    }
    if (state.isIncomplete) this.flush()
    else this.#rearmFor(now)
  }

  /** A session that is idle from now on may be due for eviction before anything else is. */
  #rearmFor(now: number): void {
    const { limits, opened } = this.state
    if (now + limits.idleTimeout < this.nextLook && opened > limits.min) this.rearm()
  }
}
