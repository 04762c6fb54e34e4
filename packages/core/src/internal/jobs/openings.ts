/**
 * Opens sessions: in the places that were reserved for them, with pauses after failures, and never with credentials that were
 * refused. What a session is opened for, and when, is decided elsewhere; one attempt is in `opening`.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import { PoolEvent } from "../../PoolEvent.ts"
import { poolName } from "../../PoolMetrics.ts"
import { formatDuration } from "../data/durationText.ts"
import type { PoolMeters } from "../data/meters.ts"
import { TookTooLong } from "../data/timeLimit.ts"
import * as Lending from "../decisions/lending.ts"
import { openingFailed } from "../decisions/settling.ts"
import type { OpenFailure } from "../entities/groupOpening.ts"
import { describeIdentity, identityText } from "../entities/identity.ts"
import type { Instance } from "../entities/instances.ts"
import { OpeningFailure } from "../entities/openingFailure.ts"
import { Session } from "../entities/session.ts"
import type { SessionGroup } from "../entities/session.ts"
import type { Host } from "./host.ts"
import { attemptToOpen, canRotate, type Opened, type Opener } from "./opening.ts"
import { OpeningTroubles } from "./openingTroubles.ts"

/** What openings need, besides what every job does. */
export interface OpeningParts<S> extends Opener<S> {
  readonly host: Host<S>
  readonly meters: PoolMeters
  /** Waits until opening may be tried again after a failure; begins anew after every success. */
  readonly pauses: Effect.Effect<(cause: unknown) => Effect.Effect<unknown, unknown>>
}

/** An opening that is under way, and what has come of it. */
interface Opening<S> {
  readonly group: SessionGroup<S>
  /** The pool's epoch when it began. */
  readonly epoch: number
  opened: Opened<S> | undefined
  session: Session<S> | undefined
}

export class Openings<S> {
  readonly #parts: OpeningParts<S>
  readonly #troubles = new OpeningTroubles()
  readonly #underWay = new Set<Opening<S>>()
  readonly #fibers = new Set<Fiber.Fiber<void>>()
  readonly #pauses = new WeakMap<SessionGroup<S>, (cause: unknown) => Effect.Effect<unknown, unknown>>()
  #sessionNumber = 0
  /** Openings are numbered as they begin, so that the credentials of a later one win. */
  #begun = 0
  #adopted = 0

  constructor(parts: OpeningParts<S>) {
    this.#parts = parts
  }

  /** Starts an opening in the place that was reserved for it. */
  start(group: SessionGroup<S>): void {
    const opening: Opening<S> = { group, epoch: this.#parts.host.state.epoch, opened: undefined, session: undefined }
    this.#underWay.add(opening)
    const fiber = this.#parts.host.startJob(this.#open(opening), (cause) => this.#died(opening, cause))
    this.#fibers.add(fiber)
    fiber.addObserver(() => this.#fibers.delete(fiber))
  }

  /** The groups of the sessions that are being opened. */
  get underWay(): ReadonlyArray<SessionGroup<S>> {
    return [...this.#underWay].map(({ group }) => group)
  }

  /** Gives up the openings that are under way. */
  abandon(): void {
    for (const fiber of this.#fibers) fiber.interruptUnsafe()
  }

  /** An opening ended with a defect of the pool: it counts as one that failed, or else the next would follow at once. */
  #died(opening: Opening<S>, defect: Cause.Cause<unknown>): void {
    const { group, opened, session } = opening
    const { driver, fork, recover } = this.#parts.host
    this.#underWay.delete(opening)
    if (session === undefined && opened !== undefined) {
      fork(Effect.ignoreCause(Effect.suspend(() => driver.close(opened.handle, { force: true }))))
    }
    const cause = Cause.squash(defect)
    // The defect is in the log already.
    recover(defect, session, () => void this.#failed(group, new OpeningFailure({ cause })))
  }

  /** Everything that was refused may be tried again, and with `isGiven` everything that the pool's own credentials are for. */
  retry(groups: Iterable<SessionGroup<S>>, isGiven: boolean): void {
    this.#parts.accounts.clear()
    for (const group of groups) {
      const isOwn = isGiven && group.identity.credentials === "pool"
      if (isOwn || group.opener.failure?.isAuthentication === true) this.resume(group)
    }
  }

  /** Lets opening go on at once, as if it had never failed. */
  resume(group: SessionGroup<S>): void {
    const { state } = this.#parts.host
    group.opener.reset()
    this.#pauses.delete(group)
    state.leaveGroup(group)
    state.unsettle()
  }

  /** The pool's sessions belong to another user from now on: those of the one before retire, opening ones too. */
  adoptUser(): void {
    const { digests, host: { state } } = this.#parts
    const { password, user } = state.settings
    state.adopt(digests.account({ user, password }))
    this.#isLatest(++this.#begun)
    state.retireOutdated()
  }

  #isLatest(order: number): boolean {
    if (order < this.#adopted) return false
    this.#adopted = order
    return true
  }

  /**
   * The driver's `open` is never cut off from outside: a session that was opened in the same moment would be lost. It is
   * interrupted, by the timeout or by the end of the pool, and then waited for.
   */
  #open(opening: Opening<S>): Effect.Effect<void> {
    const { group } = opening
    return Effect.withFiber((fiber) => {
      const { flush, fork, state } = this.#parts.host
      const { openTimeout } = state.limits
      const order = ++this.#begun
      const began = state.now()
      let isLate = false
      const giveUp = Effect.sync(() => {
        isLate = true
        fiber.interruptUnsafe()
      })
      const timer = openTimeout === Infinity ? undefined : fork(Effect.andThen(Effect.sleep(openTimeout), giveUp))
      const keep = (opened: Opened<S>) => {
        opening.opened = opened
      }
      const attempt = Effect.withSpan(attemptToOpen(this.#parts, group, keep), "sessionpool.open", {
        kind: "client",
        root: true,
        attributes: {
          [poolName]: state.settings.name,
          "sessionpool.identity": describeIdentity(group.identity)
        }
      })
      return Effect.flatMap(Effect.exit(attempt), (exit) => {
        timer?.interruptUnsafe()
        const { opened } = opening
        // Whatever else has failed, such as a tracer: what is open belongs to the pool.
        if (opened !== undefined) return this.#succeeded(opening, opened, order, began)
        const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
        state.unreserve(group)
        this.#underWay.delete(opening)
        if (error instanceof OpeningFailure) return this.#failed(group, error)
        // The pool is closing and has given the opening up.
        if (state.phase !== "open") return Effect.sync(flush)
        const cause = isLate
          ? new TookTooLong(`opening a session timed out after ${formatDuration(openTimeout)} (openTimeout)`)
          : error
        return this.#failed(group, new OpeningFailure({ cause }))
      })
    })
  }

  /** A session is open: it takes its place, and goes to who waits. */
  #succeeded(opening: Opening<S>, opened: Opened<S>, order: number, began: number): Effect.Effect<void> {
    const { group } = opening
    return Effect.flatMap(Random.next, (random) => {
      const { flush, isHealthy: check, state } = this.#parts.host
      const now = state.now()
      const session = new Session<S>({
        id: ++this.#sessionNumber,
        group,
        handle: opened.handle,
        instance: this.#instanceOf(opened.handle),
        now,
        account: opened.account,
        lifetimePart: 1 - random * state.settings.lifetimeJitter,
        suspicion: state.suspicion,
        epoch: opening.epoch
      })
      state.admit(session)
      opening.session = session
      this.#underWay.delete(opening)
      this.#parts.meters.created(now - began)
      const isHealthy = check(session)
      if (!isHealthy) state.retire(session, "dead")
      if (state.isWatched) {
        state.emit(PoolEvent.SessionOpened({
          at: state.date(now),
          session: session.id,
          identity: describeIdentity(group.identity),
          instance: session.instance?.name,
          tookMillis: now - began
        }))
      }
      if (!isHealthy) {
        // Another would be no better: without a pause the pool would open and close as fast as it can.
        const cause = new Error("the session was not healthy when it was opened")
        return this.#failed(group, new OpeningFailure({ cause, fingerprint: opened.fingerprint }))
      }
      // Opening works again: those that held back for this one follow.
      if (group.opener.failure !== undefined || !group.opener.isReady) this.resume(group)
      const since = this.#troubles.opened(identityText(group.identity))
      state.noteOpenFailure(undefined)
      this.#adoptCredentials(session, order)
      Lending.offer(state, session, now, check, { warmest: true, proven: true })
      flush()
      if (since === undefined) return Effect.void
      return Effect.logInfo(`Sessions can be opened again, after ${formatDuration(now - since)}`).pipe(
        Effect.annotateLogs(this.#annotations(group))
      )
    })
  }

  /** Where a session has landed. A driver that cannot say so, or says something else, must not cost it. */
  #instanceOf(handle: S): Instance | undefined {
    const { driver, state } = this.#parts.host
    try {
      const { instance } = driver.describe!(handle)
      return instance === "" ? undefined : state.instances.landed(instance!, state.now(), state.limits.rebalance)
    } catch {
      return undefined
    }
  }

  #annotations(group: SessionGroup<S>): Record<string, unknown> {
    return {
      "sessionpool.pool": this.#parts.host.state.settings.name,
      "sessionpool.identity": describeIdentity(group.identity)
    }
  }

  /** Once a session was opened with other credentials of the pool, those opened with the old ones retire. */
  #adoptCredentials(session: Session<S>, order: number): void {
    const { state } = this.#parts.host
    if (session.group.identity.credentials === "request" || !this.#isLatest(order)) return
    const before = state.account
    state.adopt(session.account)
    if (before === undefined || before === session.account) return
    if (state.isWatched) state.emit(PoolEvent.CredentialsChanged({ at: state.date() }))
    state.retireOutdated()
  }

  #failed(group: SessionGroup<S>, error: OpeningFailure): Effect.Effect<void> {
    const { flush, state } = this.#parts.host
    const { opener } = group
    if (this.#isOutdated(group, error)) {
      // Whoever waits is served with the credentials that the pool has by now.
      state.unsettle()
      flush()
      return Effect.logDebug("Credentials that the pool no longer has were refused", error.cause).pipe(
        Effect.annotateLogs(this.#annotations(group))
      )
    }
    const isAuthentication = error.refusal !== undefined
    const failure: OpenFailure = {
      cause: error.cause,
      isAuthentication,
      refusal: error.refusal,
      attempts: Math.max(1, (opener.failure?.attempts ?? 0) + (error.isShared ? 0 : 1)),
      fingerprint: error.fingerprint,
      retryAt: error.retryAt
    }
    const isNew = this.#troubles.failed(identityText(group.identity), isAuthentication, state.now())
    openingFailed(state, group, failure)
    if (state.phase === "open") this.#wait(group, failure)
    if (!error.isShared) {
      state.count("openFailures")
      if (state.isWatched) {
        state.emit(PoolEvent.SessionOpenFailed({
          at: state.date(),
          identity: describeIdentity(group.identity),
          cause: failure.cause,
          isAuthentication,
          attempts: failure.attempts
        }))
      }
    }
    flush()
    // One warning for each trouble; what follows is in events, metrics and the errors of requests.
    if (error.isShared && !isNew) return Effect.void
    const log = isNew ? Effect.logWarning : Effect.logDebug
    return log("A session could not be opened", failure.cause).pipe(
      Effect.annotateLogs({ ...this.#annotations(group), "sessionpool.attempts": failure.attempts })
    )
  }

  /** Whether the refused credentials are the pool's no more: they were replaced while the session was being opened. */
  #isOutdated(group: SessionGroup<S>, { fingerprint, refusal }: OpeningFailure): boolean {
    if (refusal === undefined || group.identity.credentials !== "pool" || canRotate(this.#parts, group)) return false
    const { password, user } = this.#parts.host.state.settings
    return fingerprint !== this.#parts.digests.fingerprint({ user, password })
  }

  /** After a failure opening pauses; after a refusal that cannot change by itself it stops. */
  #wait(group: SessionGroup<S>, failure: OpenFailure): void {
    const { flush, state } = this.#parts.host
    const isStopped = failure.isAuthentication && !canRotate(this.#parts, group)
    const number = group.opener.wait(isStopped ? "stopped" : "pausing")
    if (number === undefined || (isStopped && failure.retryAt === Infinity)) return
    const wait = isStopped
      ? Effect.sleep(Math.max(0, failure.retryAt - state.now()))
      : this.#pause(group, failure.cause)
    const effect = Effect.ensuring(
      wait,
      Effect.sync(() => {
        if (!group.opener.endWait(number)) return
        state.unsettle()
        state.leaveGroup(group)
        flush()
      })
    )
    state.order({ _tag: "Run", effect })
  }

  /** Sleeps for as long as the schedule of pauses says after one more failure in a row. */
  #pause(group: SessionGroup<S>, cause: unknown): Effect.Effect<void> {
    return Effect.suspend(() => {
      const known = this.#pauses.get(group)
      if (known !== undefined) return known(cause)
      return Effect.flatMap(this.#parts.pauses, (pause) => {
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
}
