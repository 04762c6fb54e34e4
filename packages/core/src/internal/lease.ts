/**
 * A lease: the time in which a session belongs to one caller. It begins in the same step in which the session leaves the
 * idle ones, and ends exactly once.
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import type { Connection, Lease as LeaseForDrivers } from "../Connection.ts"
import {
  type AcquireError,
  ConnectionReleasedError,
  type InvalidTagError,
  PoolClosedError,
  PoolOverloadedError,
  QueueFullError
} from "../PoolError.ts"
import { type CloseReason, PoolEvent } from "../PoolEvent.ts"
import type { SessionRequest } from "../SessionRequest.ts"
import * as SessionTag from "../SessionTag.ts"
import { breakOff } from "./breakOff.ts"
import type { Engine } from "./engine.ts"
import { Watched } from "./leaks.ts"
import * as Lending from "./lending.ts"
import { parseMillis } from "./optionField.ts"
import * as Overload from "./overload.ts"
import type { Holder, Session } from "./session.ts"
import { isProvidedFor, queueLength } from "./settling.ts"
import { within } from "./timeLimit.ts"
import { Waiter, type Wish } from "./waiter.ts"

/**
 * Where a lease is:
 *
 * ```text
 * new --> waiting --> held --> ended
 *   \------------------^        ^
 *    \                          | also from new and waiting, when the caller is gone
 * ```
 */
type Stage = "new" | "waiting" | "held" | "ended"

/** What is known of who asked, from the moment of asking on. */
interface Asked {
  readonly fiberId: number
  readonly context: Context.Context<never>
  /** The `context` of the request, for the driver. */
  readonly requested: unknown
  /** The wait that the request allows, in milliseconds; the pool's setting when it says nothing. */
  readonly timeout: number | undefined
}

export class Lease<S, C extends Connection, E, OE> implements LeaseForDrivers, Holder {
  readonly engine: Engine<S, C, E, OE>
  #request: SessionRequest | undefined
  readonly watched: Watched | undefined
  #stage: Stage = "new"
  #session: Session<S> | undefined = undefined
  #sessionId = 0
  /** The lease that the session knows of, when it is not this one: for the connection of `resetSession`. */
  #behind: Holder | undefined = undefined
  /** The lease of the connection of `resetSession`, while that runs. */
  #inner: Holder | undefined = undefined
  #waiter: Waiter<S> | undefined = undefined
  #tag: SessionTag.SessionTag | undefined = undefined
  /** Operations that run on the session. */
  #running = 0
  /** Whether an operation was broken off, so that a break may still be on its way. */
  #isSuspect = false
  #endsWith: CloseReason | undefined = undefined

  constructor(engine: Engine<S, C, E, OE>, request: SessionRequest | undefined, origin: Error | undefined) {
    this.engine = engine
    this.#request = request
    this.watched = origin === undefined ? undefined : new Watched(this, origin)
  }

  get pool(): string {
    return this.engine.settings.name
  }

  get sessionId(): number {
    return this.#sessionId
  }

  get isReleased(): boolean {
    return this.#stage === "ended"
  }

  get tag(): string | undefined {
    return this.#tag?.text
  }

  get takenBy(): string | undefined {
    return this.engine.leaks.describe(this)
  }

  setTag(tag: string | undefined): Effect.Effect<void, InvalidTagError | ConnectionReleasedError> {
    return Effect.suspend((): Effect.Effect<void, InvalidTagError | ConnectionReleasedError> => {
      if (this.#stage !== "held") return Effect.fail(this.released())
      const parsed = this.engine.groups.tag(tag, this.pool)
      if (Result.isFailure(parsed)) return Effect.fail(parsed.failure)
      this.#tag = parsed.success
      return Effect.void
    })
  }

  reportFatal(_cause: unknown): void {
    if (this.#stage !== "held" || this.#endsWith === "broken") return
    this.#endsWith = "broken"
    // What killed this session may have killed the others.
    this.engine.state.suspect()
  }

  run<A, E2, R>(operation: Effect.Effect<A, E2, R>): Effect.Effect<A, E2 | ConnectionReleasedError, R> {
    return Effect.suspend(() => {
      let isRunning = false
      const guarded: Effect.Effect<A, E2 | ConnectionReleasedError, R> = Effect.suspend(() => {
        if (this.#stage !== "held") return Effect.fail(this.released())
        // What begins while a break is on its way could be hit by it.
        const breaking = this.#session!.breaking
        if (breaking !== undefined) return Effect.andThen(Effect.exit(Deferred.await(breaking)), guarded)
        isRunning = true
        this.#running++
        return operation
      })
      return Effect.onExitPrimitive(guarded, (exit) => {
        if (!isRunning) return undefined
        isRunning = false
        if (Exit.isFailure(exit) && Cause.hasInterrupts(exit.cause)) return this.breakOff()
        this.#running--
        return undefined
      })
    })
  }

  /** Stops the operation at the server; it counts as running until the session is quiet. */
  private breakOff(): Effect.Effect<void> | undefined {
    const session = this.#session
    // A fiber that outlived the lease must not break what runs on the session by now: it may be somebody else's.
    if (session?.holder !== (this.#behind ?? this)) {
      this.#running--
      return undefined
    }
    this.#isSuspect = true
    return Effect.map(Effect.exit(breakOff(this.engine, session)), (exit) => {
      if (Exit.isFailure(exit)) this.#endsWith ??= "broken"
      this.#running--
    })
  }

  /**
   * Runs `effect` in the pool's scope and waits for it. The caller's fiber may be in the middle of being interrupted, where
   * nothing could be bounded in time.
   */
  private awaitJob(effect: Effect.Effect<unknown, unknown>, then: () => void): Effect.Effect<void> {
    return Effect.suspend(() =>
      Effect.map(Fiber.await(this.engine.forkJob(effect)), (exit) => {
        if (Exit.isFailure(exit)) this.#endsWith ??= "broken"
        then()
      })
    )
  }

  private released(): ConnectionReleasedError {
    return new ConnectionReleasedError({ pool: this.pool, session: this.sessionId })
  }

  /**
   * The connection, when an idle session is what is asked for and nothing else is to be done; `undefined` says nothing but
   * that `ask` has to be asked. For this as for `ask` the caller must have made sure that `finish` is called whatever happens.
   */
  take(fiber: Fiber.Fiber<unknown, unknown>): C | undefined {
    const { engine } = this
    const wish = engine.groups.readPlain(this.#request, engine.state)
    if (wish === undefined) return undefined
    const session = engine.state.lendAtOnce(wish, this, fiber.id, engine.isHealthy)
    if (session === undefined) return undefined
    this.#session = session
    this.#sessionId = session.id
    this.#stage = "held"
    this.#tag = session.tag
    return engine.driver.lease(session.handle, this, fiber.context, this.#request?.context)
  }

  /** Takes a session, and does what has to be done before its connection can be used. */
  ask(fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<C, AcquireError | OE> {
    const { engine } = this
    const { state } = engine
    if (state.phase !== "open") return Effect.fail(new PoolClosedError({ pool: this.pool }))
    // Checks the whole request, its timeout too, before the pool begins to know of what was asked for.
    const read = engine.groups.read(this.#request, state)
    if (Result.isFailure(read)) return Effect.fail(read.failure)
    const wish = read.success
    const ownTimeout = this.#request?.waitTimeout
    const timeout = ownTimeout === undefined ? undefined : parseMillis(ownTimeout)
    const asked: Asked = { fiberId: fiber.id, context: fiber.context, requested: this.#request?.context, timeout }
    const now = state.timeOfTurn()
    const session = Lending.findIdle(state, wish, now, engine.isHealthy)
    if (session === undefined || Lending.needsPing(state, session, now)) {
      const waiting = this.wait(wish, session, state.now(), asked)
      // Without a trace around it the span would belong to nothing, and every waiting request would pay for it.
      return fiber.cache.span === undefined ? waiting : Effect.withSpan(waiting, "sessionpool.acquire", {
        attributes: { "db.client.connection.pool.name": this.pool }
      })
    }
    Lending.take(state, session, this, fiber.id, now)
    const connection = this.hold(session, wish, now, 0, asked)
    if (state.isIncomplete) engine.flush()
    return connection
  }

  /** The session is this caller's: makes the connection, and the preparation that it needs before it is seen. */
  private hold(
    session: Session<S>,
    wish: Wish<S>,
    now: number,
    waitedMillis: number,
    asked: Asked
  ): Effect.Effect<C, OE> {
    const { engine } = this
    const { state } = engine
    this.#session = session
    this.#sessionId = session.id
    this.#stage = "held"
    this.#tag = session.tag
    session.takenAt = now
    const isPrepared = !session.isFresh && SessionTag.equals(wish.tag, session.tag)
    // Until it has been prepared nobody knows what state the session is in.
    if (!isPrepared) this.#endsWith = "unprepared"
    session.isFresh = false
    state.totals.lent++
    if (!isPrepared || waitedMillis > 0) state.totals.misses++
    engine.meters.waited(waitedMillis)
    engine.leaks.watch(this, now)
    const connection = engine.driver.lease(session.handle, this, asked.context, asked.requested)
    if (state.isWatched) {
      state.emit(PoolEvent.SessionLent({
        at: state.date(now),
        session: session.id,
        requestedTag: wish.tag?.text,
        tag: session.tag?.text,
        hit: isPrepared,
        waitedMillis
      }))
    }
    const { onLease, onSession } = engine.parts
    const info = { requestedTag: wish.tag?.text }
    const seen = onLease === undefined
      ? Effect.succeed(connection)
      : Effect.as(Effect.suspend(() => onLease(connection, info)), connection)
    if (isPrepared) return seen
    if (onSession === undefined) {
      this.#endsWith = undefined
      if (wish.tag !== undefined) engine.notices.unprepared(session, wish.tag.text, now)
      return seen
    }
    return Effect.flatMap(Effect.suspend(() => onSession(connection, info)), () => {
      if (this.#endsWith === "unprepared") this.#endsWith = undefined
      return seen
    })
  }

  private wait(
    wish: Wish<S>,
    toCheck: Session<S> | undefined,
    now: number,
    asked: Asked
  ): Effect.Effect<C, AcquireError | OE> {
    const { engine } = this
    const { state } = engine
    const waiter = new Waiter({
      wish,
      holder: this,
      fiberId: asked.fiberId,
      since: now,
      number: engine.nextWaiterNumber(),
      mode: state.settings.getMode
    })
    this.#waiter = waiter
    this.#stage = "waiting"
    Lending.enqueue(state, waiter)
    if (toCheck !== undefined) Lending.setAside(state, toCheck, waiter)
    engine.decide()
    if (!isProvidedFor(state, waiter)) {
      const refusal = this.refusal(waiter, now)
      if (refusal !== undefined) Lending.refuse(state, waiter, refusal)
    }
    if (waiter.isWaiting) {
      const timeout = asked.timeout ?? (state.settings.getMode === "timedWait" ? state.limits.waitTimeout : Infinity)
      if (timeout !== Infinity) state.deadlines.add(waiter, timeout)
      else engine.notices.waits()
    }
    engine.flush()
    if (waiter.isWaiting && state.isWatched) {
      state.emit(PoolEvent.RequestQueued({ at: state.date(now), pending: state.waiting.size }))
    }
    return sleep(waiter, Effect.suspend(() => this.served(waiter, asked)))
  }

  /** The outcome of a wait is known. */
  private served(waiter: Waiter<S>, asked: Asked): Effect.Effect<C, AcquireError | OE> {
    // A forced close may have taken the session away before it was seen.
    if (this.#stage === "ended") return Effect.fail(new PoolClosedError({ pool: this.pool }))
    const outcome = waiter.outcome!
    if (outcome._tag === "Refused") return Effect.fail(outcome.error as AcquireError)
    const now = this.engine.state.timeOfTurn()
    const connection = this.hold(outcome.session, waiter.wish, now, now - waiter.since, asked)
    if (this.engine.state.isIncomplete) this.engine.flush()
    return connection
  }

  /** Why a request may not wait for others to end their leases; `undefined` when it may. */
  private refusal(waiter: Waiter<S>, now: number): unknown {
    const { engine } = this
    const { state } = engine
    if (queueLength(state) > state.limits.queueMax && !Lending.claim(state, waiter)) {
      return new QueueFullError({ ...engine.refused("queueFull"), queueMax: state.limits.queueMax })
    }
    const targetMillis = state.limits.queueTarget
    if (targetMillis === Infinity) return undefined
    Lending.rollOverload(state, now)
    const expectedWaitMillis = Overload.refusal(state.overload, targetMillis, state.oldestWait(now))
    return expectedWaitMillis === undefined
      ? undefined
      : new PoolOverloadedError({ ...engine.refused("overloaded"), expectedWaitMillis, targetMillis })
  }

  /** Ends the lease, whatever it has come to; what is left to do is the answer. */
  finish(): Effect.Effect<void> | undefined {
    return this.end(this.#tag, undefined)
  }

  end(tag: SessionTag.SessionTag | undefined, reason: CloseReason | undefined): Effect.Effect<void> | undefined {
    // It may hold a password, and whoever keeps the connection keeps this lease.
    this.#request = undefined
    if (this.#stage !== "held") return this.giveUp()
    this.#stage = "ended"
    const session = this.#session!
    // A scope may live long after its leases, and keep them: what is ended must not keep a session.
    this.#session = undefined
    this.#waiter = undefined
    const { engine } = this
    const now = engine.state.timeOfTurn()
    engine.meters.used(now - session.takenAt)
    if (this.watched !== undefined) engine.leaks.forget(this)
    const why = reason ?? this.#endsWith
    if (why !== undefined) {
      if (why === "dropped") engine.noteOpenWork(session)
      return this.endFor(why, session)
    }
    const work = this.#running > 0 || this.#isSuspect ? this.quiet(session) : engine.reset(session)
    if (work !== undefined) {
      engine.noteOpenWork(session)
      return this.clean(session, tag, work)
    }
    engine.comeBack(session, tag, now)
    return undefined
  }

  /** The caller is gone before it had a session; what it was given without having seen it goes to the next. */
  private giveUp(): undefined {
    const { engine } = this
    const { state } = engine
    const wasWaiting = this.#stage === "waiting"
    this.#stage = "ended"
    if (!wasWaiting) return
    const session = Lending.withdraw(state, this.#waiter!)
    if (session !== undefined) {
      Lending.offer(state, session, state.now(), engine.isHealthy, { warmest: false, proven: false })
    }
    engine.flush()
  }

  private endFor(why: CloseReason, session: Session<S>): Effect.Effect<void> | undefined {
    if (this.#running === 0) return this.close(session, why)
    // Nothing else may run on a session while it is closed.
    return this.awaitJob(Effect.ignoreCause(breakOff(this.engine, session)), () => this.close(session, why))
  }

  /** Gives the session back once `work`, and `resetSession` after it, have left it clean. */
  private clean(
    session: Session<S>,
    tag: SessionTag.SessionTag | undefined,
    work: Effect.Effect<void, unknown>
  ): Effect.Effect<void> {
    const { engine } = this
    const { resetSession } = engine.parts
    const all = resetSession === undefined ? work : Effect.andThen(work, this.resetByHand(session, resetSession))
    return this.awaitJob(all, () => {
      if (this.#endsWith !== undefined) return this.close(session, this.#endsWith)
      // It may have been taken away by a forced close meanwhile.
      if (session.holder === this) engine.comeBack(session, tag, engine.state.now())
    })
  }

  private close(session: Session<S>, reason: CloseReason): undefined {
    // A session that was taken away by a forced close is not this lease's to close.
    if (session.holder !== this) return
    this.engine.state.retire(session, reason)
    this.engine.flush()
  }

  /** Stops what still runs, waits until no break can be on its way any more, and then rolls back. */
  private quiet(session: Session<S>): Effect.Effect<void, unknown> {
    const { driver } = this.engine.parts
    const { settings, state: { limits } } = this.engine
    return Effect.gen({ self: this }, function*() {
      if (this.#running > 0) yield* breakOff(this.engine, session)
      // A forced close may take the session away in the middle of it.
      if (session.holder !== this) return
      yield* within(Effect.suspend(() => driver.ping(session.handle)), limits.pingTimeout, "a ping")
      if (session.holder !== this) return
      const reset = driver.reset(session.handle, settings)
      if (reset !== undefined) yield* within(reset, limits.pingTimeout, "a reset")
    })
  }

  /** Runs `resetSession` on a connection of its own: this lease has ended. */
  private resetByHand(
    session: Session<S>,
    resetSession: (connection: C) => Effect.Effect<unknown, unknown>
  ): Effect.Effect<void, unknown> {
    return Effect.suspend(() => {
      const { engine } = this
      // A forced close may have taken the session away while the rollback ran.
      if (session.holder !== this) return Effect.void
      const lease = new Lease<S, C, E, OE>(engine, undefined, undefined)
      lease.#session = session
      lease.#sessionId = session.id
      lease.#behind = this
      lease.#tag = this.#tag
      lease.#stage = "held"
      this.#inner = lease
      const connection = engine.driver.lease(session.handle, lease, undefined, undefined)
      return within(Effect.suspend(() => resetSession(connection)), engine.state.limits.pingTimeout, "resetSession")
        .pipe(
          Effect.ensuring(Effect.sync(() => {
            lease.#stage = "ended"
            this.#inner = undefined
          })),
          Effect.andThen(Effect.suspend(() => {
            if (session.holder !== this) return Effect.void
            return lease.#endsWith === undefined && !lease.#isSuspect && lease.#running === 0
              ? engine.reset(session) ?? Effect.void
              : Effect.fail("resetSession left the session in doubt")
          }))
        )
    })
  }

  /** Takes the session away: a forced close does not wait for leases. */
  revoke(): void {
    this.#stage = "ended"
    this.#inner?.revoke()
    this.engine.leaks.forget(this)
  }
}

/**
 * Waits until the outcome is known, and goes on with `then`; a session in it is the waiter's already, so an interrupt here
 * loses nothing.
 */
const sleep = <S, A, E>(waiter: Waiter<S>, then: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.callback((resume) => {
    if (waiter.outcome !== undefined) resume(then)
    else waiter.wake = () => resume(then)
  })
